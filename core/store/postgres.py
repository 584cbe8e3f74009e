"""PostgreSQL: a pool of connections, and what became of a commit whose answer was lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from core.store.faults import LostCommitError, is_passing

if TYPE_CHECKING:  # loaded by `opening` where PostgreSQL is used
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

T = TypeVar("T")

STAND = text("SELECT pg_advisory_lock(hashtextextended(:worker, 0))")
FALLEN = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:worker, 0))")
"""True when nobody stands for a worker any more."""
ASKING = 15.0
"""Seconds in which to find out what became of a commit whose answer was lost."""


class Postgres:
    """A PostgreSQL database."""

    lite = False

    def __init__(self, engine: AsyncEngine) -> None:
        """Use an engine on asyncpg."""
        self._engine = engine
        self._standing: AsyncConnection | None = None

    async def open(self) -> None:
        """Connections are made when they are needed."""

    async def close(self) -> None:
        """Let go of the connections."""
        standing, self._standing = self._standing, None
        if standing is not None:
            await standing.close()
        await self._engine.dispose()

    async def stand(self, worker: str) -> None:
        """Show other processes that this worker lives, by a lock that ends with its connection."""
        if self._standing is not None:
            try:
                await self._standing.execute(text("SELECT 1"))
                await self._standing.commit()
            except (SQLAlchemyError, OSError):
                await self._standing.invalidate()
                self._standing = None
            else:
                return
        connection = await self._engine.connect()
        await connection.execute(STAND, {"worker": worker})
        await connection.commit()
        self._standing = connection

    @property
    def version(self) -> tuple[int | str, ...]:
        """The server's, once it was spoken to."""
        return tuple(self._engine.dialect.server_version_info or ())

    async def read(self, op: Callable[[Connection], T]) -> T:
        """Run a query."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(op)

    async def transact(
        self, ops: Sequence[Callable[[Connection], Any]], *, durable: bool
    ) -> list[Any]:
        """Run operations in one transaction."""

        def work(connection: Connection) -> tuple[list[Any], str]:
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
            return [op(connection) for op in ops], _number(connection)

        async with self._engine.connect() as connection:
            transaction = await connection.begin()
            try:
                results, number = await connection.run_sync(work)
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except Exception as error:
                if not is_passing(error):
                    raise
                lost = error
            else:
                return results
        if await self._happened(number):
            return results
        raise lost

    async def _happened(self, number: str) -> bool:
        """Ask what became of a transaction whose COMMIT got no answer."""
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


def _number(connection: Connection) -> str:
    """The server's own number of the transaction, to ask about it later."""
    found = connection.execute(text("SELECT CAST(pg_current_xact_id() AS text)"))
    return str(found.scalar())
