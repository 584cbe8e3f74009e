"""What must survive a restart: events, jobs, buttons, money, notes, meanings. One set of
SQL for SQLite and PostgreSQL.

Every method is one transaction and raises `StoreError` when the database does not take it or cannot
be read. Knows no chat platform and no gateway; nothing outside imports SQLAlchemy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from sqlalchemy import Connection, text, update
from sqlalchemy.exc import SQLAlchemyError

from core.errors import StoreError
from core.store import opening
from core.store.inbox import Inbox
from core.store.jobs import Jobs
from core.store.lite import Lite
from core.store.meanings import Meanings, Scope
from core.store.migrations import bring_up
from core.store.people import Buttons, People
from core.store.postgres import Postgres
from core.store.queue import Queue
from core.store.schema import jobs
from core.store.writer import Writer

OPENING = 2025_0002
"""PostgreSQL's advisory lock under which the tables are made, one process at a time."""


class Store(Inbox, Jobs, Queue, Buttons, People, Meanings):
    """The database."""

    def __init__(
        self, database: Lite | Postgres, lock: int | None, clock: Callable[[], float]
    ) -> None:
        """Use `Store.open`."""
        super().__init__(Writer(database), clock)
        self._database = database
        self._lock = lock

    @classmethod
    async def open(cls, url: str, *, clock: Callable[[], float] = time.time) -> Store:
        """Open the database, making or upgrading its tables; one process alone may use a SQLite
        file.
        """
        database: Lite | Postgres
        if url.startswith("sqlite:"):
            database, lock = opening.open_sqlite(url.partition("///")[2])
        else:
            database, lock = opening.open_postgres(url), None
        store = cls(database, lock, clock)
        try:
            await store._prepare()
        except Exception as error:
            await store.close()
            raise opening.why_not(url, error) from error
        return store

    async def _prepare(self) -> None:
        await self._database.open()
        await self._database.transact([self._bring_up], durable=True)
        await self.meet()

    def _bring_up(self, connection: Connection) -> None:
        if not self._database.lite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({OPENING})"))
        _check_version(connection)
        bring_up(connection)
        if self._lock is not None:  # whoever held a lease is gone
            held = update(jobs).where(jobs.c.wake_at > 0, jobs.c.lease != "")
            connection.execute(held.values(lease="", lease_until=0.0))

    @property
    def about(self) -> str:
        """The database and its version, such as `SQLite 3.45.1`."""
        kind = "SQLite" if self._database.lite else "PostgreSQL"
        return f"{kind} {'.'.join(map(str, self._database.version))}"

    async def stand(self, worker: str) -> None:
        """Show other processes that this worker lives; to be called again and again."""
        try:
            await self._database.stand(worker)
        except (SQLAlchemyError, OSError) as error:
            raise StoreError from error

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await self._writer.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _check_version(connection: Connection) -> None:
    found = connection.dialect.server_version_info or ()
    if connection.dialect.name == "postgresql" and found < opening.OLDEST_POSTGRES:
        raise StoreError(
            "PostgreSQL {needed} or newer is needed, and this is {found}.",
            needed=opening.OLDEST_POSTGRES[0],
            found=".".join(map(str, found)),
        )


__all__ = ["Scope", "Store"]
