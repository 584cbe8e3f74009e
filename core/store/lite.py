"""SQLite: connections that live in aiosqlite's threads, and work that goes there whole.

A step to a thread and back costs as much as a small query, and SQLAlchemy's own way through
aiosqlite takes four for each statement. So an operation, or a whole group commit, is one step.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

T = TypeVar("T")


class _Thread:
    """One connection in its thread."""

    def __init__(self, database: str) -> None:
        self._driver = aiosqlite.connect(database)
        self._driver._thread.daemon = True  # a hard exit does not wait for it
        self._opened = False
        self.plain: sqlite3.Connection
        """What aiosqlite and SQLAlchemy wrap; touched in its own thread only."""

    async def open(self) -> Self:
        await self._driver
        self.plain = self._driver._conn
        engine = create_engine("sqlite://", creator=lambda: self.plain, poolclass=StaticPool)
        event.listen(engine, "connect", _pragmas)
        self.connection = await self.run(engine.connect)
        self._opened = True
        return self

    async def run(self, work: Callable[[], T]) -> T:
        return await self._driver._execute(work)  # type: ignore[no-any-return, no-untyped-call]

    async def use(self, work: Callable[[Connection], T]) -> T:
        """Do something with the connection; what fails leaves no transaction behind."""

        def clean() -> T:
            try:
                return work(self.connection)
            except BaseException:
                self.connection.rollback()
                self.plain.rollback()  # of what SQLAlchemy does not know
                raise

        return await self.run(clean)

    async def close(self) -> None:
        opened, self._opened = self._opened, False
        if opened:  # left as it is, SQLAlchemy would close it in another thread
            await self.run(self.connection.close)
        await self._driver.close()


class Lite:
    """A SQLite file: one connection writes, one reads, and neither waits for the other. In memory
    there is one connection for both.
    """

    lite = True

    def __init__(self, path: Path | None) -> None:
        """Use a file, or memory."""
        self._path = path
        self._writer = self._reader = _Thread(str(path) if path else ":memory:")
        self._level = ""

    async def open(self) -> None:
        """Make the connections."""
        await self._writer.open()
        if self._path is not None:
            self._reader = await _Thread(str(self._path)).open()

    async def close(self) -> None:
        """Let go of the file."""
        for thread in {self._writer, self._reader}:
            await thread.close()

    async def stand(self, worker: str) -> None:
        """One process alone has the file, so nobody asks whether it lives."""

    @property
    def version(self) -> tuple[int | str, ...]:
        """SQLite's."""
        return tuple(self._writer.connection.dialect.server_version_info or ())

    async def read(self, op: Callable[[Connection], T]) -> T:
        """Run a query; it needs no transaction."""
        return await self._reader.use(op)

    async def transact(
        self, ops: Sequence[Callable[[Connection], Any]], *, durable: bool
    ) -> list[Any]:
        """Run operations in one transaction, which takes the file at once."""

        def work(connection: Connection) -> list[Any]:
            plain = self._writer.plain
            self._sync(plain, "FULL" if durable else "NORMAL")
            plain.execute("BEGIN IMMEDIATE")
            results = [op(connection) for op in ops]
            plain.commit()
            connection.commit()  # of what SQLAlchemy has begun for itself
            return results

        return await self._writer.use(work)

    def _sync(self, plain: sqlite3.Connection, level: str) -> None:
        """Set how far the next commit goes, where that is not set yet."""
        if self._level != level:
            plain.execute(f"PRAGMA synchronous={level}")
            self._level = level


def _pragmas(connection: Any, record: object) -> None:
    del record
    connection.isolation_level = None  # transactions are begun by `transact`, not by the driver
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()
