"""How far messages in several parts came, so that no part is sent twice; also over a restart.

Knows neither what the parts are nor where they go.
"""

from __future__ import annotations

import logging
from typing import Protocol

from core.errors import StoreError

log = logging.getLogger(__name__)

REMEMBERED = 500
"""Messages in parts that this life remembers."""
DAYS = 2.0
"""How long the store remembers them: a send that broke off is tried again within minutes."""


class Notes(Protocol):
    """Where it is written down. Each of these may raise `StoreError`."""

    async def keep(self, key: str, value: str, *, days: float = 0.0) -> None:
        """Write a note, for ever or for so many days."""
        ...

    async def kept(self, key: str) -> str | None:
        """Read a note; None when there is none."""
        ...


class Halves:
    """Counts the parts that were sent, by the message's nonce.

    Without notes, and while the store is away, only for this life.
    """

    def __init__(self, notes: Notes | None, name: str) -> None:
        """`name` is what the notes' keys begin with."""
        self._notes = notes
        self._name = name
        self._sent: dict[str, int] = {}

    def __len__(self) -> int:
        """How many messages this life remembers."""
        return len(self._sent)

    async def sent(self, nonce: str) -> int:
        """How many parts of a message are sent."""
        if nonce in self._sent or self._notes is None:
            return self._sent.get(nonce, 0)
        try:
            return int(await self._notes.kept(f"{self._name}:{nonce}") or 0)
        except StoreError:
            log.warning("the store does not tell which parts of a message were sent")
            return 0

    async def add(self, nonce: str, count: int) -> None:
        """So many parts are sent now."""
        self._sent[nonce] = count
        while len(self._sent) > REMEMBERED:  # of messages nobody came back for
            self._sent.pop(next(iter(self._sent)))
        if self._notes is None:
            return
        try:
            await self._notes.keep(f"{self._name}:{nonce}", str(count), days=DAYS)
        except StoreError:
            log.warning("the store does not take which parts of a message were sent")

    def whole(self, nonce: str) -> None:
        """All of it is sent; who asks again in this life means a new message."""
        self._sent.pop(nonce, None)
