"""What the parts of the store share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from core.store.statements import Values, first
from core.store.writer import Writer


class Part:
    """One part of the store: its own tables, the common way to the database."""

    def __init__(self, writer: Writer, clock: Callable[[], float]) -> None:
        """`clock` gives Unix seconds."""
        self._writer = writer
        self._clock = clock
        self._read = writer.read
        self._write = writer.write

    async def _scalar(self, query: Any, values: Values) -> Any:
        """The first column of the first row of a query that is made once, or None."""

        def op(c: Connection) -> Any:
            row = first(c, query, values)
            return row[0] if row is not None else None

        return await self._read(op)

    async def _change(self, statement: Any, *, durable: bool = True) -> int:
        """Run one changing statement; returns how many rows it changed."""

        def op(c: Connection) -> int:
            return int(c.execute(statement).rowcount)

        return await self._write(op, durable=durable)
