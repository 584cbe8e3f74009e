"""The one way to the database: reads, and writes that share commits.

Every write is one transaction of its own in effect: it happens whole or not at all, and one that
fails does not touch the others that waited with it. Knows no tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from core.store.faults import explained, is_passing

log = logging.getLogger(__name__)

T = TypeVar("T")
Op = Callable[[AsyncConnection], Awaitable[T]]

BATCH = 200
"""Most writes in one commit."""
TRIES = 3
"""Tries of a transaction that certainly did not happen: a lost connection, a deadlock."""
ASKING = 15.0
"""Seconds in which to find out what became of a commit whose answer was lost."""


class LostCommitError(Exception):
    """The answer to a COMMIT was lost and what became of it cannot be found out."""


@dataclass(slots=True)
class _Write:
    op: Op[Any]
    durable: bool
    done: asyncio.Future[Any] = field(default_factory=asyncio.Future)

    def succeed(self, result: Any) -> None:
        if not self.done.done():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(explained(error))


class Writer:
    """Reads and group commits on one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use an engine; on SQLite, writes begin with `BEGIN IMMEDIATE` (see `opening`)."""
        self.lite = engine.dialect.name == "sqlite"
        self._alone = engine.url.database in (None, "", ":memory:")
        self._engine = engine
        self._writing = engine.execution_options(writing=True)
        self._queue: list[_Write] = []
        self._turn = asyncio.Lock()
        self._flush: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Finish what is under way."""
        while self._flush is not None:
            await asyncio.wait([self._flush])
        await self._engine.dispose()

    # -- reading -------------------------------------------------------------------------------

    async def read(self, op: Op[T]) -> T:
        """Run one query. Raises `StoreError`; a lost connection is made anew once."""
        if self._alone and self.lite:  # in memory there is one connection for all
            async with self._turn:
                return await self._read(op)
        return await self._read(op)

    async def _read(self, op: Op[T]) -> T:
        for more in (True, False):
            try:
                async with self._engine.connect() as connection:
                    return await op(connection)
            except Exception as error:
                if not (more and is_passing(error)):
                    raise explained(error) from error
        raise AssertionError  # the second try returns or raises

    # -- writing -------------------------------------------------------------------------------

    async def write(self, op: Op[T], *, durable: bool = True) -> T:
        """Run `op` in the next commit, together with everything else that waits by then.

        Args:
            op: May run more than once, but takes effect once.
            durable: Whether the commit must survive a power cut, not only a killed process.

        Raises:
            StoreError: It did not happen (or, where the database went away in the very moment of
                the commit and does not come back, nobody can say).
        """
        waiting: _Write = _Write(op, durable)
        self._queue.append(waiting)
        if self._flush is None:
            # A task, so that a caller who is cancelled does not take the commit of others along.
            self._flush = asyncio.create_task(self._work_off())
        return await waiting.done  # type: ignore[no-any-return]

    async def _work_off(self) -> None:
        try:
            while self._queue:
                async with self._turn:
                    batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                    wanted = [one for one in batch if not one.done.done()]
                    if wanted:
                        await self._commit(wanted)
        finally:
            self._flush = None

    async def _commit(self, batch: Sequence[_Write]) -> None:
        """Commit a batch; when it fails, each alone, so that only the culprit hears of it."""
        try:
            results = await self._persist(batch)
        except Exception as error:
            if len(batch) == 1 or isinstance(error, LostCommitError) or is_passing(error):
                for one in batch:
                    one.fail(error)
                return
            for one in batch:
                await self._commit([one])
            return
        for one, result in zip(batch, results, strict=True):
            one.succeed(result)

    async def _persist(self, batch: Sequence[_Write]) -> list[Any]:
        """Run a transaction, again when it certainly did not happen and may work now."""
        for left in reversed(range(TRIES)):
            try:
                return await self._transact(batch)
            except Exception as error:
                if not (left and is_passing(error)):
                    raise
                log.info("the store is asked again: %s", type(error).__name__)
        raise AssertionError  # the last try returns or raises

    async def _transact(self, batch: Sequence[_Write]) -> list[Any]:
        durable = any(one.durable for one in batch)
        async with self._writing.connect() as connection:
            if self.lite:
                await self._sync(connection, durable)
            transaction = await connection.begin()
            try:
                if not self.lite and not durable:
                    await connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                results = [await one.op(connection) for one in batch]
                number = None if self.lite else await _number(connection)
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except Exception as error:
                if number is None or not is_passing(error):
                    raise
                lost = error
            else:
                return results
        if await self._happened(number):
            return results
        raise lost

    async def _sync(self, connection: AsyncConnection, durable: bool) -> None:
        """Set how far SQLite's next commit goes, where that is not set yet."""
        level = "FULL" if durable else "NORMAL"
        info = (await connection.get_raw_connection()).info
        if info.get("level") != level:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(f"PRAGMA synchronous={level}")
            info["level"] = level

    async def _happened(self, number: str) -> bool:
        """Ask PostgreSQL what became of a transaction whose COMMIT got no answer."""
        log.warning("the answer to a commit was lost; asking what became of it")
        query = text("SELECT pg_xact_status(CAST(CAST(:number AS text) AS xid8))")
        try:
            async with asyncio.timeout(ASKING):
                while True:
                    try:
                        async with self._engine.connect() as connection:
                            status = (await connection.execute(query, {"number": number})).scalar()
                    except Exception:  # still away
                        status = None
                    if status in ("committed", "aborted"):
                        return bool(status == "committed")
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise LostCommitError from None


async def _number(connection: AsyncConnection) -> str:
    """PostgreSQL's own number of the transaction, to ask about it later."""
    found = await connection.execute(text("SELECT CAST(pg_current_xact_id() AS text)"))
    return str(found.scalar())
