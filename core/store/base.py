"""What the parts of the store share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from core.store.writer import Writer


class Part:
    """One part of the store: its own tables, the common way to the database."""

    def __init__(self, writer: Writer, clock: Callable[[], float]) -> None:
        """`clock` gives Unix seconds."""
        self._writer = writer
        self._clock = clock
        self._read = writer.read
        self._write = writer.write

    async def _scalar(self, query: Any, values: Mapping[str, Any] | None = None) -> Any:
        """The first column of a query's first row, or None."""

        def op(c: Connection) -> Any:
            return c.execute(query, values).scalar()

        return await self._read(op)

    async def _change(self, statement: Any, *, durable: bool = True) -> int:
        """Run one changing statement; returns how many rows it changed."""

        def op(c: Connection) -> int:
            return int(c.execute(statement).rowcount)

        return await self._write(op, durable=durable)
