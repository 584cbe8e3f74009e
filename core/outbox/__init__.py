"""Everything that becomes visible goes through here: one lane per chat, one budget per lane,
results first.

Owns pacing and order. Does not know what a job is about: progress messages are drawn by the
function it is given. Results and answers use the whole budget; progress leaves a quarter of it
free, clearing away what is over one half while there is progress. From the fourth live job of a
chat on, one board message lists them all. Over all chats together progress is held to a pace as
well, chat after chat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from core.adapter import Adapter
from core.archive import Archive
from core.errors import AdapterError, Offline, SlowDown, TooBig
from core.halves import Halves, Notes
from core.messages import Limits, Message, Place, Ref, fit
from core.outbox.lane import Kind, Lane, Waiting
from core.outbox.painting import Painter, Painting
from core.outbox.turns import Turns
from core.pictures import shrunk, smaller
from core.turnstile import Turnstile

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Longest pause a platform may ask for that is waited out here; longer ones go back to the caller.
"""
AT_ONCE = 3
"""Results and answers on their way into one chat at the same time."""
ON_THE_WAY = 32
"""The same into all chats of a platform: one that hangs holds nobody else's up."""
IDLE = 3600.0
"""Seconds a lane sleeps with nothing to do but what rings its bell."""

T = TypeVar("T")


class Outbox:
    """Sends, edits and deletes for everybody; keeps to each chat's pace."""

    def __init__(
        self, archive: Archive, clock: Callable[[], float], notes: Notes | None = None
    ) -> None:
        """`clock` gives Unix seconds; pauses are slept in real seconds. With `notes` a message in
        parts goes on where it broke off after a restart too.
        """
        self._archive = archive
        self._clock = clock
        self._adapters: dict[str, Adapter] = {}
        self._ways: dict[str, asyncio.Semaphore] = {}
        self._lanes: dict[str, Lane] = {}
        self._turns = Turns(clock, self._wake)
        self._turnstile = Turnstile()
        """Putting a message into a platform's terms takes milliseconds."""
        self._painting: Painting | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._halves = Halves(notes, "parts")
        self._redrawn: set[tuple[str, str]] = set()
        """Messages that wait to be drawn anew: chat and message."""

    def attach(self, adapter: Adapter) -> None:
        """Take a chat platform in."""
        self._adapters[adapter.platform] = adapter
        self._ways[adapter.platform] = asyncio.Semaphore(ON_THE_WAY)

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
        self._painting = Painting(painter, self.adapter, self._turns, self._turnstile, self._clock)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for lane in list(self._lanes.values()):
                self._wake(lane)
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None  # nothing more is begun

    # -- what callers ask for ------------------------------------------------------------------

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send a message in as many parts as it needs; returns the last part's Ref (the one with
        the buttons). Tried again with the same nonce, it goes on where it broke off.

        Raises what `Adapter.send` raises, `SlowDown` only for pauses over a minute.
        """
        limits = self.adapter(place.platform).limits(place)
        parts = fit(await shrunk(self._archive, message, limits), limits)
        marks = [nonce, *(f"{nonce[:22]}-{number}" for number in range(1, len(parts)))]
        last = len(parts) - 1
        for number in range(min(await self._halves.sent(nonce), last) if last else 0, last):
            first = reply_to if number == 0 else None
            await self._send_part(place, parts[number], marks[number], first)
            await self._halves.add(nonce, number + 1)
        ref = await self._send_part(place, parts[last], marks[last], None if last else reply_to)
        self._halves.whole(nonce)
        return ref

    async def _send_part(
        self, place: Place, part: Message, nonce: str, reply_to: Ref | None
    ) -> Ref:
        """Send one message, with smaller copies of its pictures where they are too big."""
        adapter = self.adapter(place.platform)
        album = adapter.limits(place).each and len(part.media) > 1
        cost = len(part.media) + 1 if album else 1
        shares = [0.98, 0.5, 0.2]
        while True:
            try:
                return await self._soon(
                    "send",
                    place,
                    lambda p=part: adapter.send(place, p, nonce=nonce, reply_to=reply_to),  # type: ignore[misc]
                    cost=cost,
                )
            except TooBig as error:
                biggest = max((media.size for media in part.media), default=0)
                top = min(error.limit or adapter.limits(place).file_bytes, biggest)
                while shares:
                    less = await smaller(self._archive, part, int(top * shares.pop(0)))
                    if less != part:
                        break
                else:
                    raise
                part = less

    async def edit(self, place: Place, ref: Ref, message: Message) -> Ref:
        """Change a message at once, ahead of progress; text that is too long is cut into further
        messages.
        """
        adapter = self.adapter(ref.platform)
        limits = adapter.limits(place)
        first, *more = fit(await shrunk(self._archive, message, limits), limits)
        placed = await self._soon("edit", place, lambda: adapter.edit(ref, first))
        for number, part in enumerate(more):
            placed = await self._send_part(place, part, f"{ref.message[-20:]}-{number}", None)
        return placed

    async def redraw(self, place: Place, ref: Ref, draw: Callable[[], Awaitable[Message]]) -> None:
        """Change a message to what `draw` gives, when no result or answer waits; what is asked for
        while one waits for that needs no other.
        """
        if (ref.chat, ref.message) in self._redrawn:
            return
        self._redrawn.add((ref.chat, ref.message))
        adapter = self.adapter(ref.platform)

        async def drawn() -> Ref:
            self._redrawn.discard((ref.chat, ref.message))
            limits = adapter.limits(place)
            return await adapter.edit(
                ref, fit(await shrunk(self._archive, await draw(), limits), limits)[0]
            )

        try:
            await self._soon("edit", place, drawn, later=True)
        finally:
            self._redrawn.discard((ref.chat, ref.message))

    async def delete(self, place: Place, ref: Ref) -> None:
        """Remove a message, when no result or answer waits."""
        adapter = self.adapter(ref.platform)
        await self._soon("delete", place, lambda: adapter.delete(ref), later=True)

    def progress(self, place: Place, job_id: str) -> None:
        """Say that a live job's progress message is out of date."""
        known = self._lanes.get(place.key)
        if known is not None and job_id in known.due:  # said of every piece of a growing answer
            return
        lane = self._lane(place)
        if not lane.due:
            lane.news = self._clock()
        lane.live.setdefault(job_id, 0.0)
        lane.due.add(job_id)
        if self._has_work(lane):
            self._wake(lane)

    def forget(self, place: Place, job_id: str) -> None:
        """Say that a job has no progress to show any more."""
        lane = self._lane(place)
        lane.forget(job_id)
        if lane.board:
            self._wake(lane)
        self._release(lane)

    # -- lanes ---------------------------------------------------------------------------------

    def _lane(self, place: Place) -> Lane:
        adapter = self._adapters.get(place.platform)
        limits = adapter.limits(place) if adapter else Limits()
        lane = self._lanes.get(place.key)
        if lane is None:
            lane = self._lanes[place.key] = Lane(place, limits)
        if lane.place != place:  # the way in changes
            lane.place = place
        lane.limits = limits  # what is known of them grows
        return lane

    def _wake(self, lane: Lane) -> None:
        if lane.bell is not None:
            lane.bell.set()
        elif self._tasks is not None:
            lane.bell = asyncio.Event()
            self._tasks.create_task(self._serve(lane, lane.bell))

    def _has_work(self, lane: Lane) -> bool:
        """Tell whether something can be done here before the chat's turn to edit comes."""
        if lane.urgent or lane.later or lane.sending or lane.painting or lane.board_ends:
            return True
        if self._turns.waits(lane):  # only what was never drawn needs no turn
            return bool(lane.unlisted if lane.board else lane.undrawn)
        return lane.progresses

    async def _serve(self, lane: Lane, bell: asyncio.Event) -> None:
        """Work through one lane until nothing waits in it."""
        try:
            while self._has_work(lane):
                bell.clear()
                pause = self._safe_turn(lane)
                if pause > 0 and self._has_work(lane):
                    try:
                        async with asyncio.timeout(pause):
                            await bell.wait()
                    except TimeoutError:
                        pass
        finally:
            lane.bell = None
            self._release(lane)

    def _release(self, lane: Lane) -> None:
        """Let go of a chat without live jobs when its budget is whole again."""
        if not lane.live and lane.bell is None:
            loop = asyncio.get_running_loop()
            loop.call_later(lane.limits.window, self._forget_lane, lane)

    def _forget_lane(self, lane: Lane) -> None:
        if lane.idle(self._clock()) and self._lanes.get(lane.place.key) is lane:
            del self._lanes[lane.place.key]

    def _safe_turn(self, lane: Lane) -> float:
        try:
            return self._turn(lane)
        except Exception:  # one chat's trouble must not end the others
            log.exception("a chat's outbox stumbled")
            return 1.0

    def _turn(self, lane: Lane) -> float:
        """Begin the most pressing thing there is room for; returns seconds until there may be
        more.
        """
        now = self._clock()
        if lane.until > now:
            return self._held_up(lane, lane.until - now)
        least = IDLE
        for queue, free in ((lane.urgent, 0), (lane.later, lane.clearing)):
            held = queue is lane.later and lane.overdue(now)
            if not queue or held or lane.sending >= AT_ONCE:
                continue
            pause, number = lane.soonest(queue, now, free)
            if pause <= 0:
                self._carry(lane, queue.pop(number), now)
                return 0.0
            least = min(least, pause)
        return min(self._paint(lane, now), least)

    def _held_up(self, lane: Lane, pause: float) -> float:
        """The platform asked for a pause: a long one is told to everybody who waits here."""
        if pause > PATIENCE:
            for waiting in [*lane.urgent, *lane.later]:
                if not waiting.done.done():
                    waiting.done.set_exception(SlowDown(retry_after=pause))
            lane.urgent.clear()
            lane.later.clear()
        return pause

    def _paint(self, lane: Lane, now: float) -> float:
        if self._painting is None or lane.painting or not lane.progresses:
            return IDLE
        if lane.quiet > now:
            return lane.quiet - now
        pause, drawing = self._painting.choose(lane, now)
        if drawing is not None:
            lane.painting = True
            self._begin(self._painting.draw(lane, drawing))
        return pause

    def _carry(self, lane: Lane, waiting: Waiting, now: float) -> None:
        """Make a call that waited; nobody makes it for a caller who gave up."""
        if waiting.done.done():
            return
        lane.spend(waiting.kind, now, waiting.cost)
        lane.sending += 1

        async def carry() -> None:
            try:
                async with self._ways[lane.place.platform]:
                    await self._turnstile.wait()
                    lane.made(waiting, now, self._clock())
                    result = await waiting.call()
            except Exception as error:
                if not isinstance(error, AdapterError | OSError):
                    log.exception("an adapter call failed in an unexpected way")
                if not waiting.done.done():
                    waiting.done.set_exception(error)
            else:
                if not waiting.done.done():
                    waiting.done.set_result(result)
            finally:
                lane.sending -= 1
                lane.ring()

        self._begin(carry())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:  # it is being stopped
            work.close()
        else:
            self._tasks.create_task(work)

    async def _soon(
        self,
        kind: Kind,
        place: Place,
        call: Callable[[], Awaitable[T]],
        *,
        later: bool = False,
        cost: int = 1,
    ) -> T:
        """Run one adapter call as soon as the lane has room; waits out short pauses the platform
        asks for.
        """
        lane = self._lane(place)
        while True:
            waiting = Waiting(kind, call, asyncio.get_running_loop().create_future(), cost)
            (lane.later if later else lane.urgent).append(waiting)
            self._wake(lane)
            try:
                result: T = await waiting.done
            except SlowDown as pause:
                lane.until = max(lane.until, self._clock() + pause.retry_after)
                if pause.retry_after > PATIENCE:
                    raise
            else:
                return result


__all__ = ["Outbox", "Painter"]
