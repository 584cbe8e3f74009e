"""The one way to the database: reads, and writes that share commits.

Every write is one transaction of its own in effect: it happens whole or not at all, and one that
fails does not touch the others that waited with it. Knows no tables.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from core.store.faults import LostCommitError, explained, is_passing
from core.store.lite import Lite
from core.store.postgres import Postgres

log = logging.getLogger(__name__)

T = TypeVar("T")
Op = Callable[[Connection], T]

BATCH = 200
"""Most writes in one commit."""
ABREAST = 16
"""Callers whose read or write is over that go on in one round of the event loop, and so most reads
at the same time: all at once would hold it up.
"""
TRIES = 3
"""Tries of a transaction that certainly did not happen: a lost connection, a deadlock."""


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
    """Reads and group commits on one database."""

    def __init__(self, database: Lite | Postgres) -> None:
        """Use an open database."""
        self.lite = database.lite
        self._database = database
        self._queue: list[_Write] = []
        self._flush: asyncio.Task[None] | None = None
        self._reading = asyncio.Semaphore(ABREAST)

    async def close(self) -> None:
        """Finish what is under way."""
        self._start()
        while self._flush is not None:
            await asyncio.wait([self._flush])
        await self._database.close()

    # -- reading -------------------------------------------------------------------------------

    async def read(self, op: Op[T]) -> T:
        """Run one query. Raises `StoreError`; a lost connection is made anew once."""
        for more in (True, False):
            try:
                async with self._reading:
                    return await self._database.read(op)
            except Exception as error:
                if not (more and is_passing(error)):
                    raise explained(error) from error
        raise AssertionError  # the second try returns or raises

    # -- writing -------------------------------------------------------------------------------

    async def write(self, op: Op[T], *, durable: bool = True, linger: float = 0.0) -> T:
        """Run `op` in the next commit, together with everything else that waits by then.

        Args:
            op: May run more than once, but takes effect once.
            durable: Whether the commit must survive a power cut, not only a killed process.
            linger: Seconds in which another write may come that it shall share a commit with.

        Raises:
            StoreError: It did not happen (or, where the database went away in the very moment of
                the commit and does not come back, nobody can say).
        """
        waiting: _Write = _Write(op, durable)
        self._queue.append(waiting)
        if linger:
            asyncio.get_running_loop().call_later(linger, self._start)
        else:
            self._start()
        return await waiting.done  # type: ignore[no-any-return]

    def _start(self) -> None:
        """Begin to commit, in a task, so that a caller who is cancelled does not take the commit of
        others along.
        """
        if self._queue and self._flush is None:
            self._flush = asyncio.create_task(self._work_off())

    async def _work_off(self) -> None:
        try:
            while self._queue:
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
        for number, (one, result) in enumerate(zip(batch, results, strict=True), 1):
            one.succeed(result)
            if number % ABREAST == 0:
                await asyncio.sleep(0)

    async def _persist(self, batch: Sequence[_Write]) -> list[Any]:
        """Run a transaction, again when it certainly did not happen and may work now."""
        for left in reversed(range(TRIES)):
            try:
                durable = any(one.durable for one in batch)
                return await self._database.transact([one.op for one in batch], durable=durable)
            except Exception as error:
                if not (left and is_passing(error)):
                    raise
                log.info("the store is asked again: %s", type(error).__name__)
        raise AssertionError  # the last try returns or raises
