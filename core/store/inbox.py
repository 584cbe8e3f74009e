"""Events: taken in before anything else happens, closed when nothing more is to be done."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from core.store.base import Part
from core.store.rows import close_event
from core.store.schema import events
from core.store.statements import is_new

ORDER = 1e-6
"""Seconds between two events that came together, so that they keep their order."""
LINGER = 0.004
"""Seconds in which the job of an event may come that shares its commit."""


class Inbox(Part):
    """The platforms' events."""

    async def take_in(
        self,
        platform: str,
        found: Sequence[tuple[str, str]],
        *,
        durable: bool = True,
        ahead: bool = False,
    ) -> list[tuple[str, str]]:
        """Commit (key, body) events; returns those never seen before, in their order.

        Not `durable`: they outlive the process, but not a power cut, until the next durable commit.
        `ahead`: they are being handled already, and their jobs may share the commit.
        """
        now, bodies = self._clock(), dict[str, str]()
        for key, body in found:
            bodies.setdefault(key, body)

        def op(c: Connection) -> list[tuple[str, str]]:
            new = []
            for number, (key, body) in enumerate(bodies.items()):
                at = now + number * ORDER
                row = {"key": key, "platform": platform, "body": body, "at": at, "done_at": None}
                if is_new(c, events, row):
                    new.append((key, body))
            return new

        linger = LINGER if ahead else 0.0
        return await self._write(op, durable=durable, linger=linger) if bodies else []

    async def pending(self, platform: str) -> list[tuple[str, str]]:
        """Events taken in and not finished, oldest first."""
        query = (
            select(events.c.key, events.c.body)
            .where(events.c.platform == platform, events.c.done_at.is_(None))
            .order_by(events.c.at)
        )

        def op(c: Connection) -> list[tuple[str, str]]:
            return [(row.key, row.body) for row in c.execute(query)]

        return await self._read(op)

    async def finish(self, key: str) -> None:
        """Close an event."""
        now = self._clock()
        await self._write(lambda c: close_event(c, key, now), durable=False)
