"""Everything that becomes visible goes through here: one lane per chat, one budget per lane,
results first.

Owns pacing and order. Does not know what a job is about: progress messages are drawn by the
function it is given. Results and answers use the whole budget, progress at most three quarters of
it; progress is never queued, only marked as due and drawn when there is room, stalest first. From
the fourth live job of a chat on, one board message lists them all. Over all chats together progress
is held to a pace as well, chat after chat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from core.adapter import Adapter
from core.archive import Archive
from core.errors import AdapterError, MessageGone, Offline, SlowDown, TooBig
from core.messages import Limits, Message, Place, Ref, fit
from core.pictures import shrunk, smaller

log = logging.getLogger(__name__)

BOARD_FROM = 4
"""Live jobs in a chat from which on one message lists them all."""
BOARD_UNTIL = 2
"""Live jobs at which every job gets its own message again."""
BOARD_GAP = 3.0
"""Least seconds between two edits of a board."""
PATIENCE = 60.0
"""Longest pause a platform may ask for that is waited out here; longer ones go back to the caller.
"""
AT_ONCE = 3
"""Results and answers on their way into one chat at the same time."""
EDITS = 20.0
"""Most edits of progress messages a second, over all chats: platforms bound the whole bot too
(Telegram 30 messages a second, Discord 50 requests), and results come first.
"""
BURST = 1.0
"""Seconds' worth of those edits that may be made at once after a quiet time."""

T = TypeVar("T")


class Painter(Protocol):
    """Draws progress; asked at the moment there is room for it, so that it is always fresh."""

    async def status(self, job_id: str) -> tuple[Message, Ref | None] | None:
        """The progress message of a job and where it is, or None when there is nothing to show any
        more.
        """
        ...

    async def shown(self, job_id: str, ref: Ref) -> None:
        """Remember where a job's progress message is."""
        ...

    async def board(self, place: Place, job_ids: list[str]) -> Message:
        """One message that lists these jobs."""
        ...

    async def board_ref(self, place: Place) -> Ref | None:
        """Where the chat's board is, if it has one."""
        ...

    async def set_board_ref(self, place: Place, ref: Ref | None) -> None:
        """Remember or forget where the board is."""
        ...


@dataclass(slots=True)
class _Lane:
    """One chat's budget and what waits in it."""

    place: Place
    limits: Limits
    calls: list[float] = field(default_factory=list)
    until: float = 0.0
    """No call before this time: the platform asked for a pause."""
    urgent: list[tuple[Callable[[], Awaitable[None]], asyncio.Event]] = field(default_factory=list)
    live: dict[str, float] = field(default_factory=dict)
    """Live jobs and when each was last drawn."""
    due: set[str] = field(default_factory=set)
    shown: dict[str, int] = field(default_factory=dict)
    """Hash of what each progress message shows, by job id; `board` for the board."""
    board: bool = False
    board_at: float = 0.0
    bell: asyncio.Event | None = None
    """Rung when there may be more to do; there while the lane is served."""
    turn: bool = False
    """Its turn among all chats to edit a progress message has come."""
    sending: int = 0
    failures: int = 0
    quiet: float = 0.0
    """No progress before this time: the last one was not taken."""
    gone: frozenset[str] = frozenset()
    """Live jobs whose progress message somebody took away; it is not drawn again."""

    def room(self, now: float, share: float = 1.0) -> bool:
        """Tell whether the budget allows one more visible call now."""
        while self.calls and self.calls[0] <= now - self.limits.window:
            self.calls.pop(0)
        return len(self.calls) < max(int(self.limits.budget * share), 1)

    def ring(self) -> None:
        """Have the lane looked at, if it is being served."""
        if self.bell is not None:
            self.bell.set()

    def next_room(self, now: float, share: float = 1.0) -> float:
        """Seconds until `room` can be true."""
        if self.room(now, share):
            return 0.0
        index = len(self.calls) - max(int(self.limits.budget * share), 1)
        return max(self.calls[index] + self.limits.window - now, 0.01)


class Outbox:
    """Sends, edits and deletes for everybody; keeps to each chat's pace."""

    def __init__(self, archive: Archive, clock: Callable[[], float]) -> None:
        """`clock` gives Unix seconds; pauses are slept in real seconds."""
        self._archive = archive
        self._clock = clock
        self._adapters: dict[str, Adapter] = {}
        self._lanes: dict[str, _Lane] = {}
        self._painter: Painter | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._patient: dict[str, _Lane] = {}
        """Chats whose progress waits for its turn, in their order."""
        self._edit_at = 0.0
        """When the next edit of all may be made."""

    def attach(self, adapter: Adapter) -> None:
        """Take a chat platform in."""
        self._adapters[adapter.platform] = adapter

    def adapter(self, platform: str) -> Adapter:
        """The adapter of a platform; raises `Offline` when it is not set up."""
        if platform not in self._adapters:
            raise Offline("{platform} is not set up here.", platform=platform)
        return self._adapters[platform]

    @property
    def lanes(self) -> Mapping[str, int]:
        """Waiting results and answers per chat, for the metrics."""
        return {key: len(lane.urgent) for key, lane in self._lanes.items() if lane.urgent}

    async def run(self, painter: Painter) -> None:
        """Serve the lanes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._painter, self._tasks = painter, tasks
            for lane in self._lanes.values():
                self._wake(lane)
            await asyncio.Event().wait()

    # -- what callers ask for ------------------------------------------------------------------

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a message in as many parts as it needs; returns the last part's Ref (the one with
        the buttons).

        Raises what `Adapter.send` raises, `SlowDown` only for pauses over a minute.
        """
        adapter = self.adapter(place.platform)
        message = await shrunk(self._archive, message, adapter.limits(place))
        parts = fit(message, adapter.limits(place))
        for number, part in enumerate(parts):
            mark = nonce if number == 0 else f"{nonce[:22]}-{number}"
            ref = await self._send_part(place, part, mark, reply_to if number == 0 else None)
        return ref

    async def _send_part(
        self, place: Place, part: Message, nonce: str, reply_to: Ref | None
    ) -> Ref:
        adapter = self.adapter(place.platform)
        for share in (1.0, 0.5, 0.2):
            try:
                return await self._urgent(
                    place,
                    lambda p=part: adapter.send(place, p, nonce=nonce, reply_to=reply_to),  # type: ignore[misc]
                )
            except TooBig as error:
                top = error.limit or adapter.limits(place).file_bytes
                part = await smaller(self._archive, part, int(top * share * 0.98))
        return await self._urgent(
            place, lambda: adapter.send(place, part, nonce=nonce, reply_to=reply_to)
        )

    async def edit(self, place: Place, ref: Ref, message: Message) -> Ref:
        """Change a message at once, ahead of progress; text that is too long is cut into further
        messages.
        """
        adapter = self.adapter(ref.platform)
        message = await shrunk(self._archive, message, adapter.limits(place))
        first, *more = fit(message, adapter.limits(place))
        placed = await self._urgent(place, lambda: adapter.edit(ref, first))
        for number, part in enumerate(more):
            placed = await self._send_part(place, part, f"{ref.message[-20:]}-{number}", None)
        return placed

    async def delete(self, place: Place, ref: Ref) -> None:
        """Remove a message."""
        adapter = self.adapter(ref.platform)
        await self._urgent(place, lambda: adapter.delete(ref))

    def progress(self, place: Place, job_id: str) -> None:
        """Say that a live job's progress message is out of date."""
        lane = self._lane(place)
        lane.live.setdefault(job_id, 0.0)
        lane.due.add(job_id)
        if self._has_work(lane):
            self._wake(lane)

    def forget(self, place: Place, job_id: str) -> None:
        """Say that a job has no progress to show any more."""
        lane = self._lane(place)
        lane.live.pop(job_id, None)
        lane.due.discard(job_id)
        lane.shown.pop(job_id, None)
        lane.gone -= {job_id}
        if lane.board:
            self._wake(lane)
        self._release(lane)

    # -- lanes ---------------------------------------------------------------------------------

    def _lane(self, place: Place) -> _Lane:
        lane = self._lanes.get(place.key)
        if lane is None:
            adapter = self._adapters.get(place.platform)
            limits = adapter.limits(place) if adapter else Limits()
            lane = self._lanes[place.key] = _Lane(place, limits)
        lane.place = place
        return lane

    def _wake(self, lane: _Lane) -> None:
        if lane.bell is not None:
            lane.bell.set()
        elif self._tasks is not None:
            lane.bell = asyncio.Event()
            self._tasks.create_task(self._serve(lane, lane.bell))

    def _has_work(self, lane: _Lane) -> bool:
        """Tell whether something can be done here before the chat's turn to edit comes."""
        if lane.urgent or lane.sending or self._board_waits(lane):
            return True
        if lane.place.key in self._patient:  # only what was never drawn needs no turn
            return bool(lane.due - lane.shown.keys() - lane.gone) and not lane.board
        return bool(lane.due)

    async def _serve(self, lane: _Lane, bell: asyncio.Event) -> None:
        """Work through one lane until nothing waits in it."""
        try:
            while self._has_work(lane):
                bell.clear()
                pause = await self._safe_turn(lane)
                if pause > 0 and self._has_work(lane):
                    try:
                        async with asyncio.timeout(pause):
                            await bell.wait()
                    except TimeoutError:
                        pass
        finally:
            lane.bell = None
            self._release(lane)

    def _release(self, lane: _Lane) -> None:
        """Let go of a chat without live jobs when its budget is whole again."""
        if not lane.live and lane.bell is None:
            loop = asyncio.get_running_loop()
            loop.call_later(lane.limits.window, self._forget_lane, lane)

    def _forget_lane(self, lane: _Lane) -> None:
        """Let go of a chat where nothing waits."""
        now = self._clock()
        spent = lane.calls and lane.calls[-1] > now - lane.limits.window
        if not (lane.bell or lane.live or lane.urgent or spent or lane.until > now):
            self._lanes.pop(lane.place.key, None)

    async def _safe_turn(self, lane: _Lane) -> float:
        try:
            return await self._turn(lane)
        except Exception:  # one chat's trouble must not end the others
            log.exception("a chat's outbox stumbled")
            return 1.0

    async def _turn(self, lane: _Lane) -> float:
        """Do the most pressing thing there is room for; returns seconds until there may be more."""
        now = self._clock()
        if lane.until > now:
            return lane.until - now
        if lane.urgent and lane.sending < AT_ONCE:
            if not lane.room(now):
                return lane.next_room(now)
            self._launch(lane, now)
            return 0.0
        if not lane.due and not self._board_waits(lane):
            return 3600.0  # only sends under way: their end rings the bell
        if lane.quiet > now:
            return lane.quiet - now
        if not lane.room(now, 0.75):
            return lane.next_room(now, 0.75)
        return await self._paint(lane, now)

    def _launch(self, lane: _Lane, now: float) -> None:
        work, done = lane.urgent.pop(0)
        lane.calls.append(now)
        lane.sending += 1

        async def carry() -> None:
            try:
                await work()
            finally:
                lane.sending -= 1
                done.set()
                lane.ring()

        if self._tasks is None:
            raise Offline("The outbox is not running.")
        self._tasks.create_task(carry())

    async def _urgent(self, place: Place, call: Callable[[], Awaitable[T]]) -> T:
        """Run one adapter call as soon as the lane has room; waits out short pauses the platform
        asks for.
        """
        lane = self._lane(place)
        while True:
            outcome: list[T | BaseException] = []

            async def work(outcome: list[T | BaseException] = outcome) -> None:
                try:
                    outcome.append(await call())
                except (AdapterError, OSError) as error:
                    outcome.append(error)
                except Exception as error:  # a bug in an adapter must not end the lane
                    log.exception("an adapter call failed in an unexpected way")
                    outcome.append(error)

            done = asyncio.Event()
            lane.urgent.append((work, done))
            self._wake(lane)
            await done.wait()
            result = outcome[0] if outcome else Offline()
            if isinstance(result, SlowDown):
                lane.until = max(lane.until, self._clock() + result.retry_after)
                if result.retry_after <= PATIENCE:
                    continue
            if isinstance(result, BaseException):
                raise result
            return result

    # -- progress ------------------------------------------------------------------------------

    def _board_waits(self, lane: _Lane) -> bool:
        return lane.board and len(lane.live) <= BOARD_UNTIL

    async def _paint(self, lane: _Lane, now: float) -> float:
        """Draw the stalest due progress message, or the board; returns seconds until the next
        drawing.
        """
        if len(lane.live) >= BOARD_FROM:
            lane.board = True
        if lane.board:
            return await self._paint_board(lane, now)
        job_id = min(lane.due, key=lambda j: lane.live.get(j, 0.0))
        rest = lane.live.get(job_id, 0.0) + lane.limits.edit_gap - now
        if rest > 0:
            return rest
        if job_id in lane.shown and not self._may_edit(lane, now):
            return PATIENCE
        lane.due.discard(job_id)
        await self._guard(lane, self._draw(lane, job_id, now))
        return 0.0

    def _may_edit(self, lane: _Lane, now: float) -> bool:
        """Take the next edit of all chats for this one, or have it wait for its turn."""
        if lane.turn or (not self._patient and self._edit_at <= now):
            if not lane.turn:
                self._edit_at = max(self._edit_at, now - BURST) + 1 / EDITS
            lane.turn = False
            return True
        if not self._patient:
            pause = max(self._edit_at - now, 0.0)
            asyncio.get_running_loop().call_later(pause, self._next_turn)
        self._patient[lane.place.key] = lane
        return False

    def _next_turn(self) -> None:
        """Let the chat that has waited longest edit its progress."""
        key = next(iter(self._patient))
        lane = self._patient.pop(key)
        self._edit_at = self._clock() + 1 / EDITS
        lane.turn = True
        self._wake(lane)
        if self._patient:
            asyncio.get_running_loop().call_later(1 / EDITS, self._next_turn)

    async def _guard(self, lane: _Lane, drawing: Awaitable[None]) -> None:
        """Draw; progress is dropped, never retried, when the platform does not take it."""
        try:
            await drawing
            lane.failures = 0
        except SlowDown as error:
            lane.until = max(lane.until, self._clock() + error.retry_after)
        except AdapterError as error:
            lane.failures += 1
            lane.quiet = self._clock() + min(2.0**lane.failures, 60.0)
            log.info("progress not shown: %s", type(error).__name__)
        except Exception:
            log.exception("progress could not be drawn")

    async def _draw(self, lane: _Lane, job_id: str, now: float) -> None:
        if self._painter is None or job_id in lane.gone:
            return
        drawn = await self._painter.status(job_id)
        if drawn is None:
            lane.live.pop(job_id, None)
            return
        message, ref = drawn
        if lane.shown.get(job_id) == hash(message):
            return
        lane.live[job_id] = now
        lane.calls.append(now)
        adapter = self.adapter(lane.place.platform)
        if ref is None:
            nonce = f"{job_id}-s"
            placed = await adapter.send(lane.place, message, nonce=nonce)
        else:
            try:
                placed = await adapter.edit(ref, message)
            except MessageGone:
                lane.gone |= {job_id}
                return
        lane.shown[job_id] = hash(message)
        if placed != ref:
            await self._painter.shown(job_id, placed)

    async def _paint_board(self, lane: _Lane, now: float) -> float:
        rest = lane.board_at + max(BOARD_GAP, lane.limits.edit_gap) - now
        ending = self._board_waits(lane)
        if rest > 0 and not ending:
            return rest
        if not ending and "board" in lane.shown and not self._may_edit(lane, now):
            return PATIENCE
        acks = [j for j in lane.due if j not in lane.shown] if not ending else []
        lane.board_at = now
        due, lane.due = lane.due, set()
        if ending:
            lane.board = False
            lane.due = due | set(lane.live)
            await self._guard(lane, self._end_board(lane, now))
            return 0.0
        await self._guard(lane, self._draw_board(lane, now))
        for job_id in acks:  # an open answer slot must not be left empty
            await self._guard(lane, self._fill_slot(lane, job_id, now))
        return 0.0

    async def _fill_slot(self, lane: _Lane, job_id: str, now: float) -> None:
        drawn = await self._painter.status(job_id) if self._painter else None
        if drawn is None or drawn[1] is None or job_id in lane.shown:
            return
        await self._draw(lane, job_id, now)

    async def _draw_board(self, lane: _Lane, now: float) -> None:
        if self._painter is None:
            return
        message = await self._painter.board(lane.place, list(lane.live))
        if lane.shown.get("board") == hash(message):
            return
        ref = await self._painter.board_ref(lane.place)
        lane.calls.append(now)
        adapter = self.adapter(lane.place.platform)
        if ref is None:
            nonce = f"board-{int(now * 1000) % 10**12}"
            ref = await adapter.send(lane.place, message, nonce=nonce)
            await self._painter.set_board_ref(lane.place, ref)
        else:
            try:
                await adapter.edit(ref, message)
            except MessageGone:  # it is posted anew with the next drawing
                await self._painter.set_board_ref(lane.place, None)
                return
        lane.shown["board"] = hash(message)

    async def _end_board(self, lane: _Lane, now: float) -> None:
        lane.shown.pop("board", None)
        if self._painter is None:
            return
        ref = await self._painter.board_ref(lane.place)
        if ref is not None:
            lane.calls.append(now)
            await self._painter.set_board_ref(lane.place, None)
            await self.adapter(lane.place.platform).delete(ref)
