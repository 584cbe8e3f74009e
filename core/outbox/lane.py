"""One chat's budget, what waits in it and what is shown in it. Pure but for its bell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from core.messages import Limits, Place

PROGRESS_SHARE = 0.75
"""What progress and clearing away may use of a chat's budget; the rest is kept for results."""
BOARD_FROM = 4
"""Live jobs in a chat from which on one message lists them all."""
BOARD_UNTIL = 2
"""Live jobs at which every job gets its own message again."""
BOARD_GAP = 3.4
"""Least seconds between two edits of a board; what it leaves of a budget of five in five seconds is
enough for pointing to it and for clearing away.
"""
STALE = 4.0
"""Seconds since its last drawing after which a message out of date goes before clearing away."""
LISTING_SHARE = 0.5
"""What of the budget may be used up when a job's own message is made to point to the board, and
when something is cleared away.
"""


@dataclass(slots=True)
class Waiting:
    """A call of the adapter that waits for room, and who waits for it."""

    call: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class Lane:
    """A chat."""

    place: Place
    limits: Limits
    calls: list[float] = field(default_factory=list)
    """When the visible calls of the last window were made."""
    until: float = 0.0
    """No call before this time: the platform asked for a pause."""
    urgent: list[Waiting] = field(default_factory=list)
    """Results and answers."""
    later: list[Waiting] = field(default_factory=list)
    """What is cleared away."""
    live: dict[str, float] = field(default_factory=dict)
    """Live jobs and when each was last drawn."""
    due: set[str] = field(default_factory=set)
    """Live jobs whose progress has changed."""
    shown: dict[str, int] = field(default_factory=dict)
    """Hash of what each progress message shows, by job id; `board` for the board."""
    board: bool = False
    """One message lists the live jobs."""
    board_at: float = 0.0
    recalled: bool = False
    """It is known whether an earlier life left a board here."""
    bell: asyncio.Event | None = None
    """Rung when there may be more to do; there while the lane is served."""
    turn: bool = False
    """Its turn among all chats to edit a progress message has come."""
    sending: int = 0
    painting: bool = False
    failures: int = 0
    quiet: float = 0.0
    """No progress before this time: the last one was not taken."""
    listed: frozenset[str] = frozenset()
    """Live jobs whose own message, where they have one, points to the board."""
    gone: frozenset[str] = frozenset()
    """Live jobs whose progress message somebody took away; it is not drawn again."""

    def room(self, now: float, share: float = 1.0) -> bool:
        """Tell whether the budget allows one more visible call now."""
        while self.calls and self.calls[0] <= now - self.limits.window:
            self.calls.pop(0)
        return len(self.calls) < self._most(share)

    def next_room(self, now: float, share: float = 1.0) -> float:
        """Seconds until `room` can be true."""
        if self.room(now, share):
            return 0.0
        index = len(self.calls) - self._most(share)
        return max(self.calls[index] + self.limits.window - now, 0.01)

    def made(self, planned: float, now: float) -> None:
        """A call that was planned is made now."""
        if planned in self.calls:
            self.calls.remove(planned)
        self.calls.append(now)

    def _most(self, share: float) -> int:
        return max(int(self.limits.budget * share), 1)

    @property
    def board_ends(self) -> bool:
        """So few jobs are left that the board goes."""
        return self.board and len(self.live) <= BOARD_UNTIL

    def board_rest(self, now: float) -> float:
        """Seconds until the board may be drawn again."""
        even = self.limits.window / (self.limits.budget * PROGRESS_SHARE)  # lasts for ever
        return self.board_at + max(BOARD_GAP, self.limits.edit_gap, even) - now

    def overdue(self, now: float) -> bool:
        """Progress is to be drawn before anything is cleared away: the board when its time has
        come, or a message that has been out of date for long.
        """
        if not self.due or self.painting or self.quiet > now:
            return False
        if self.board:
            return self.board_rest(now) <= 0
        return now - min(self.live.get(job, 0.0) for job in self.due) >= STALE

    @property
    def progresses(self) -> bool:
        """There is something to draw."""
        return bool(self.due or self.unlisted or self.board_ends)

    @property
    def undrawn(self) -> set[str]:
        """Due jobs that have shown nothing yet."""
        return self.due - self.shown.keys() - self.gone

    @property
    def unlisted(self) -> set[str]:
        """Live jobs whose own message, or open answer slot, is to point to the board yet."""
        return (self.live.keys() - self.listed - self.gone) if self.board else set()

    def ring(self) -> None:
        """Have the lane looked at, if it is being served."""
        if self.bell is not None:
            self.bell.set()

    def forget(self, job_id: str) -> None:
        """Drop what is known of a job."""
        self.live.pop(job_id, None)
        self.due.discard(job_id)
        self.shown.pop(job_id, None)
        self.listed -= {job_id}
        self.gone -= {job_id}

    def idle(self, now: float) -> bool:
        """Nothing waits, nothing is shown, and the budget is whole again."""
        spent = self.calls and self.calls[-1] > now - self.limits.window
        waits = self.bell or self.live or self.urgent or self.later
        return not (waits or spent or self.until > now)
