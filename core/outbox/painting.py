"""Progress: which message of a chat is drawn next, and drawing it.

Progress is never queued, only marked as due; what is drawn is asked for at the moment there is room
for it, so it is always fresh. What a platform does not take is dropped, never retried for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from core.adapter import Adapter
from core.errors import AdapterError, MessageGone, SlowDown
from core.messages import Message, Place, Ref
from core.outbox.lane import BOARD_FROM, Lane
from core.outbox.turns import Turns
from core.turnstile import Turnstile

log = logging.getLogger(__name__)

TURN = 60.0
"""Seconds a chat sleeps that waits for its turn; the turn wakes it."""

Drawing = Coroutine[Any, Any, None]


class Painter(Protocol):
    """Says what progress looks like, and remembers where it is."""

    async def status(
        self, job_id: str, *, listed: bool = False
    ) -> tuple[Message, Ref | None] | None:
        """The progress message of a job and where it is, or None when there is nothing to show any
        more. One that is `listed` on the chat's board points there and does not change.
        """
        ...

    async def shown(self, job_id: str, ref: Ref) -> None:
        """Remember where a job's progress message is."""
        ...

    async def board(self, place: Place, job_ids: list[str]) -> Message | None:
        """One message that lists these jobs, or None when none of them is live."""
        ...

    async def board_ref(self, place: Place) -> Ref | None:
        """Where the chat's board is, if it has one."""
        ...

    async def board_nonce(self, place: Place) -> str:
        """The nonce of the chat's next board: the same until its ref is set, over restarts too."""
        ...

    async def set_board_ref(self, place: Place, ref: Ref | None) -> None:
        """Remember or forget where the board is."""
        ...


class Painting:
    """Draws the progress of all chats."""

    def __init__(
        self,
        painter: Painter,
        adapter: Callable[[str], Adapter],
        turns: Turns,
        turnstile: Turnstile,
        clock: Callable[[], float],
    ) -> None:
        """`adapter` finds the adapter of a platform; each call of one passes the `turnstile`."""
        self._painter = painter
        self._adapter = adapter
        self._turns = turns
        self._turnstile = turnstile
        self._clock = clock

    def choose(self, lane: Lane, now: float) -> tuple[float, Drawing | None]:
        """The next drawing, or the seconds until there may be one."""
        if not lane.recalled:
            return 0.0, self._recall(lane)
        if len(lane.live) >= BOARD_FROM:
            lane.board = True
        if lane.board_ends:
            pause = lane.next_room(now, "delete", lane.half)
            if pause <= 0:
                return 0.0, self._end_board(lane)
            rest, drawing = self._of_board(lane, now) if lane.due else (pause, None)
            return min(rest, pause), drawing
        return self._of_board(lane, now) if lane.board else self._of_one(lane, now)

    def _of_one(self, lane: Lane, now: float) -> tuple[float, Drawing | None]:
        """The stalest of the chat's own messages that may be drawn."""
        rest, _, job_id = min(
            (lane.rest(job, now), lane.live.get(job, 0.0), job) for job in lane.due
        )
        if rest > 0:
            return rest, None
        if job_id in lane.shown and not self._turns.take(lane, now):
            return TURN, None
        lane.due.discard(job_id)
        return 0.0, self._draw(lane, job_id)

    def _of_board(self, lane: Lane, now: float) -> tuple[float, Drawing | None]:
        """The board when its time has come, else the next message that is to point to it."""
        rest = lane.board_rest(now)
        if lane.due and rest <= 0 and ("board" not in lane.shown or self._turns.take(lane, now)):
            lane.board_at = now
            lane.due = set()
            return 0.0, self._draw_board(lane)
        unlisted = lane.unlisted
        room = lane.next_room(now, "edit", lane.half) if unlisted else TURN
        if room <= 0:
            job_id = next(job for job in lane.live if job in unlisted)
            return 0.0, self._list(lane, job_id)
        return min(rest if rest > 0 else TURN, room), None

    async def draw(self, lane: Lane, drawing: Drawing) -> None:
        """Make a drawing; what goes wrong with it is this chat's alone."""
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
            lane.quiet = self._clock() + 2.0
            log.exception("progress could not be drawn")
        finally:
            lane.painting = False
            lane.ring()

    async def _recall(self, lane: Lane) -> None:
        """Take up a board that an earlier life left here: it is kept on, or cleared away."""
        lane.board = await self._painter.board_ref(lane.place) is not None
        lane.recalled = True

    async def _draw(self, lane: Lane, job_id: str) -> None:
        """Draw a job's own message."""
        drawn = await self._painter.status(job_id)
        if drawn is None:
            lane.forget(job_id)
        elif not await self._place(lane, job_id, *drawn):
            lane.due.add(job_id)

    async def _list(self, lane: Lane, job_id: str) -> None:
        """Have a job's own message point to the board; one that has none gets none."""
        drawn = await self._painter.status(job_id, listed=True)
        if drawn is None:
            lane.forget(job_id)
            return
        message, ref = drawn
        if ref is not None and not await self._place(lane, job_id, message, ref):
            return
        if job_id in lane.live:
            lane.listed |= {job_id}

    async def _place(self, lane: Lane, job_id: str, message: Message, ref: Ref | None) -> bool:
        """Bring a job's own message to the chat, unless the job ends meanwhile; False where there
        was no room for it.
        """
        if job_id not in lane.live or job_id in lane.gone:
            return True
        if lane.shown.get(job_id) == hash(message):
            return True
        await self._turnstile.wait()
        if job_id not in lane.live:
            return True
        if not self._spend(lane, job_id, ref, lane.quarter):
            return False
        lane.live[job_id] = self._clock()
        adapter = self._adapter(lane.place.platform)
        try:
            if ref is None:
                placed = await adapter.send(lane.place, message, nonce=f"{job_id}-s")
            else:
                placed = await adapter.edit(ref, message)
        except MessageGone:
            lane.gone |= {job_id}
            return True
        if job_id in lane.live:
            lane.shown[job_id] = hash(message)
        if placed != ref:
            await self._painter.shown(job_id, placed)
        return True

    def _spend(self, lane: Lane, name: str, ref: Ref | None, free: int) -> bool:
        """Take a drawing's call from the budget; False where that is used up, for results come
        meanwhile, and where the message is, which says what kind of call it is, shows only now.
        """
        if ref is None:
            lane.shown.pop(name, None)
        else:
            lane.shown.setdefault(name, 0)
        now, kind = self._clock(), lane.kind(name)
        if lane.next_room(now, kind, free) > 0:
            return False
        lane.spend(kind, now)
        return True

    async def _draw_board(self, lane: Lane) -> None:
        message = await self._painter.board(lane.place, list(lane.live))
        if message is None or lane.shown.get("board") == hash(message):
            return
        ref = await self._painter.board_ref(lane.place)
        await self._turnstile.wait()
        if not self._spend(lane, "board", ref, lane.spare):
            lane.due |= lane.live.keys()
            return
        adapter = self._adapter(lane.place.platform)
        if ref is None:
            nonce = await self._painter.board_nonce(lane.place)
            ref = await adapter.send(lane.place, message, nonce=nonce)
            await self._painter.set_board_ref(lane.place, ref)
        else:
            try:
                await adapter.edit(ref, message)
            except MessageGone:  # it is posted anew with the next drawing
                await self._painter.set_board_ref(lane.place, None)
                lane.shown.pop("board", None)
                return
        lane.shown["board"] = hash(message)

    async def _end_board(self, lane: Lane) -> None:
        """Clear the board away; every job left has its own message again."""
        lane.board = False
        lane.listed = frozenset()
        lane.due |= set(lane.live)
        lane.shown.pop("board", None)
        ref = await self._painter.board_ref(lane.place)
        if ref is not None:
            lane.spend("delete", self._clock())
            await self._adapter(lane.place.platform).delete(ref)
            await self._painter.set_board_ref(lane.place, None)
