"""The pace of progress over all chats together: platforms bound the whole bot, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.outbox.lane import Lane

EDITS = 20.0
"""Most edits of progress messages a second, over all chats: Telegram takes 30 messages a second of
a bot, Discord 50 requests, and results come first.
"""
BURST = 1.0
"""Seconds' worth of those edits that may be made at once after a quiet time."""


class Turns:
    """Chats that take turns."""

    def __init__(self, clock: Callable[[], float], wake: Callable[[Lane], None]) -> None:
        """`wake` has a chat looked at when its turn has come."""
        self._clock = clock
        self._wake = wake
        self._patient: dict[str, Lane] = {}
        self._edit_at = 0.0

    def waits(self, lane: Lane) -> bool:
        """Tell whether a chat waits for its turn."""
        return lane.place.key in self._patient

    def take(self, lane: Lane, now: float) -> bool:
        """Take the next edit of all chats for this one, or have it wait for its turn."""
        if lane.turn or (not self._patient and self._edit_at <= now):
            if not lane.turn:
                self._edit_at = max(self._edit_at, now - BURST) + 1 / EDITS
            lane.turn = False
            return True
        if not self._patient:
            pause = max(self._edit_at - now, 0.0)
            asyncio.get_running_loop().call_later(pause, self._next)
        self._patient[lane.place.key] = lane
        return False

    def _next(self) -> None:
        """Let the chat that has waited longest edit its progress."""
        lane = self._patient.pop(next(iter(self._patient)))
        self._edit_at = self._clock() + 1 / EDITS
        lane.turn = True
        self._wake(lane)
        if self._patient:
            asyncio.get_running_loop().call_later(1 / EDITS, self._next)
