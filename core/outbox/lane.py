"""One chat's budget, what waits in it and what is shown in it. Pure but for its bell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from core.messages import Limits, Place

Kind: TypeAlias = Literal["send", "edit", "delete"]

PROGRESS_SHARE = 0.75
"""What progress may use of a chat's budget; the rest is kept for results and answers."""
BOARD_FROM = 4
"""Live jobs in a chat from which on one message lists them all."""
BOARD_UNTIL = 2
"""Live jobs at which every job gets its own message again, when there is room for that."""
BOARD_GAP = 3.4
"""Least seconds between two edits of a board; what it leaves of a budget of five in five seconds is
enough for pointing to it and for clearing away.
"""
STALE = 4.0
"""Seconds since its last drawing after which a message out of date goes before clearing away."""
LISTING_SHARE = 0.5
"""What of the budget may be used up when a job's own message is made to point to the board, and
when something is cleared away while others are under way.
"""


@dataclass(slots=True)
class Waiting:
    """A call of the adapter that waits for room, and who waits for it."""

    kind: Kind
    call: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]
    cost: int = 1
    """What it takes of the budget; room for one is enough to begin."""


@dataclass(slots=True)
class Lane:
    """A chat."""

    place: Place
    limits: Limits
    calls: dict[str, list[float]] = field(default_factory=dict)
    """When the visible calls of the last window were made; by kind where kinds stand apart."""
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
    news: float = 0.0
    """Since when there are any: the board waits for more, the longer the scarcer the budget."""
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

    @property
    def quarter(self) -> int:
        """Calls that progress leaves free for results and answers."""
        return self.limits.budget - max(int(self.limits.budget * PROGRESS_SHARE), 1)

    @property
    def half(self) -> int:
        """Calls that pointing to the board leaves free, and clearing away while jobs are live."""
        return self.limits.budget - max(int(self.limits.budget * LISTING_SHARE), 1)

    @property
    def spare(self) -> int:
        """Calls that the board leaves free: no more than there are results to come."""
        return min(self.quarter, len(self.live))

    def _spent(self, kind: Kind, now: float) -> list[float]:
        """The calls of the last window that count for a kind."""
        calls = self.calls.setdefault(kind if self.limits.apart else "", [])
        while calls and calls[0] <= now - self.limits.window:
            calls.pop(0)
        return calls

    def next_room(self, now: float, kind: Kind, free: int = 0) -> float:
        """Seconds until the budget allows one more call and leaves so many `free`; 0 for now."""
        if self.limits.apart and kind == "delete":
            free = 0  # no result or answer is a deletion
        calls = self._spent(kind, now)
        over = len(calls) - (self.limits.budget - free)
        return max(calls[over] + self.limits.window - now, 0.01) if over >= 0 else 0.0

    def spend(self, kind: Kind, now: float, cost: int = 1) -> None:
        """A call is made."""
        self._spent(kind, now).extend([now] * cost)

    def made(self, waiting: Waiting, planned: float, now: float) -> None:
        """A call that was planned is made now."""
        calls = self._spent(waiting.kind, now)
        for _ in range(min(waiting.cost, calls.count(planned))):
            calls.remove(planned)
        calls.extend([now] * waiting.cost)

    def soonest(self, queue: list[Waiting], now: float, free: int = 0) -> tuple[float, int]:
        """Seconds until one of those who wait has room, and who: the first of them."""
        return min((self.next_room(now, one.kind, free), n) for n, one in enumerate(queue))

    def kind(self, name: str) -> Kind:
        """What drawing a job's own message, or the `board`, will be."""
        return "edit" if name in self.shown else "send"

    @property
    def clearing(self) -> int:
        """Calls that clearing away leaves free: fewer where no progress needs them."""
        return self.half if self.live else self.quarter

    @property
    def board_ends(self) -> bool:
        """So few jobs are left that the board goes."""
        return self.board and len(self.live) <= BOARD_UNTIL

    def board_rest(self, now: float) -> float:
        """Seconds until the board may be drawn again."""
        room = self.next_room(now, self.kind("board"), self.spare)
        if "board" not in self.shown:
            return room
        even = self.limits.window / (self.limits.budget * PROGRESS_SHARE)  # lasts for ever
        gap = max(BOARD_GAP, self.limits.edit_gap)
        return max(self.board_at + gap - now, self.news + even - now, room)

    def rest(self, job_id: str, now: float) -> float:
        """Seconds until a job's own message may be drawn again."""
        rest = self.live.get(job_id, 0.0) + self.limits.edit_gap - now
        return max(rest, self.next_room(now, self.kind(job_id), self.quarter))

    def overdue(self, now: float) -> bool:
        """Progress is to be drawn before anything is cleared away: the board when its time has
        come, or a message that has been out of date for long.
        """
        if not self.due or self.painting or self.quiet > now:
            return False
        if self.board:
            return self.board_rest(now) <= 0
        old = [job for job in self.due if now - self.live.get(job, 0.0) >= STALE]
        return any(self.rest(job, now) <= 0 for job in old)

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
        points = self.board and not self.board_ends
        return (self.live.keys() - self.listed - self.gone) if points else set()

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
        spent = any(c and c[-1] > now - self.limits.window for c in self.calls.values())
        waits = self.bell or self.live or self.urgent or self.later
        return not (waits or spent or self.until > now)
