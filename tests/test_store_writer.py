"""Commits that are shared, that fail, and that get no answer: each write happens whole or not at
all, and never twice.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    bindparam,
    insert,
    select,
    text,
)

from core.errors import StoreError
from core.store import Store, faults
from core.store.faults import explained
from core.store.lite import Lite
from core.store.opening import open_postgres
from core.store.postgres import Postgres
from core.store.statements import changed, found
from core.store.writer import Op, Writer
from tests.making import Clock, make_job
from tests.postgres import Server, fresh, programs
from tests.stores import clock, postgres, store, url

__all__ = ["clock", "postgres", "store", "url"]


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
async def writer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Writer]:
    """A writer on a database with one table: `n(value unique)`."""
    database: Lite | Postgres
    if request.param == "postgresql":
        database = open_postgres(await fresh(request.getfixturevalue("postgres")))
    else:
        database = Lite(tmp_path / "w.db" if request.param == "sqlite" else None)
    await database.open()
    made = Writer(database)
    await made.write(add_table)
    yield made
    await made.close()


def add_table(c: Connection) -> None:
    c.execute(text("CREATE TABLE n (value INTEGER UNIQUE)"))


def add(value: int, *, then: Exception | None = None) -> Op[int]:
    """Insert a value, and perhaps fail afterwards."""

    def op(c: Connection) -> int:
        c.execute(text("INSERT INTO n VALUES (:value)"), {"value": value})
        if then is not None:
            raise then
        return value

    return op


async def values(writer: Writer) -> list[int]:
    def op(c: Connection) -> list[int]:
        return list(c.execute(text("SELECT value FROM n ORDER BY value")).scalars())

    return await writer.read(op)


# -- sharing a commit --------------------------------------------------------------------------


NUMBERS = Table("n", MetaData(), Column("value", Integer, unique=True))
ADD = insert(NUMBERS).values(value=bindparam("value"))
ALL = select(NUMBERS.c.value).order_by(NUMBERS.c.value)


async def test_what_the_driver_runs_shares_the_transaction(writer: Writer) -> None:
    """A statement past SQLAlchemy and one by it happen together, or neither does."""

    def both(c: Connection, value: int, *, fail: bool) -> int:
        made = changed(c, ADD, {"value": value})
        add(value + 1, then=ValueError("no") if fail else None)(c)
        return made + changed(c, ADD, {"value": value + 2})

    assert await writer.write(lambda c: both(c, 1, fail=False)) == 2
    with pytest.raises(StoreError):
        await writer.write(lambda c: both(c, 10, fail=True))
    with pytest.raises(StoreError):
        await writer.write(lambda c: changed(c, ADD, {"value": 20}) + changed(c, ADD, {"value": 1}))
    with pytest.raises(StoreError):
        await writer.write(lambda c: changed(c, ADD, {}))
    assert await writer.write(lambda c: changed(c, ADD, {"value": 4})) == 1
    assert [row.value for row in await writer.read(lambda c: found(c, ALL, {}))] == [1, 2, 3, 4]


async def test_one_write_that_fails_leaves_the_others_alone(writer: Writer) -> None:
    """Of ten that share a commit one breaks a rule of the table, one a rule of ours, one is a bug:
    these three hear of it and leave no trace, the others are there.
    """
    await writer.write(add(3))
    culprits = {3: add(3), 5: add(5, then=StoreError("no")), 7: add(7, then=KeyError("bug"))}
    got = await asyncio.gather(
        *(writer.write(culprits.get(n, add(n))) for n in range(10)), return_exceptions=True
    )
    assert [n for n, one in enumerate(got) if isinstance(one, StoreError)] == [3, 5, 7]
    assert str(got[5]) == "no"
    assert await values(writer) == [0, 1, 2, 3, 4, 6, 8, 9]


async def test_reads_and_writes_at_the_same_time(writer: Writer) -> None:
    """Neither waits for ever, nor sees half a write."""
    writes = [writer.write(add(n), durable=n % 2 == 0) for n in range(100)]
    reads = [values(writer) for _ in range(50)]
    await asyncio.gather(*writes, *reads)
    assert await values(writer) == list(range(100))


async def test_a_caller_who_gives_up_takes_nobody_along(writer: Writer) -> None:
    """A write that waits while its caller is cancelled is not made; the commit under way is."""

    def slow(c: Connection) -> int:
        time.sleep(0.2)
        return add(1)(c)

    first = asyncio.create_task(writer.write(slow))
    await asyncio.sleep(0)  # it is asked for
    await asyncio.sleep(0)  # its commit begins
    second, third = (asyncio.create_task(writer.write(add(n))) for n in (2, 3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert await third == 3
    assert await values(writer) == [1, 3]


async def test_closing_waits_for_the_commit_under_way(writer: Writer) -> None:
    """What was asked for before is done."""
    pending = [asyncio.create_task(writer.write(add(n))) for n in range(5)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*pending) == list(range(5))


# -- PostgreSQL goes away ----------------------------------------------------------------------


class Line:
    """A line to PostgreSQL that can be cut in the moment of a COMMIT."""

    def __init__(self) -> None:
        self.cut = ""
        """`before`: the next COMMIT never arrives; `after`: its answer never does."""
        self._mute = False
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def to(self, url: str) -> AsyncIterator[str]:
        parts = urlsplit(url)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_connection(parts.hostname, parts.port)
            self._writers += [writer, there[1]]
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield url.replace(f":{parts.port}/", f":{port}/")
            self.hang_up()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._mute:
                continue
            if self.cut and b"COMMIT;" in data:
                self._mute = True
                if self.cut == "after":
                    writer.write(data)
                    await writer.drain()
                    await asyncio.sleep(0.3)  # let it happen
                self.cut, self._mute = "", False
                self.hang_up()
                return
            writer.write(data)
            await writer.drain()
        writer.close()

    def hang_up(self) -> None:
        for one in self._writers:
            one.transport.abort()
        self._writers.clear()


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_without_an_answer_happens_once(postgres: str, cut: str) -> None:
    """Whether it arrived or not: the callers get the true outcome, and nothing is doubled."""
    line = Line()
    async with line.to(await fresh(postgres)) as through:
        store = await Store.open(through, clock=Clock())
        job = make_job()
        line.cut = cut
        kept, news = await asyncio.gather(store.add_job(job), store.take_in("web", [("e", "body")]))
        assert (kept, news) == (job, [("e", "body")])
        assert line.cut == "", "the line was cut"
        line.cut = cut
        (mine,) = await store.claim_queued("w", now=9e9, until=9e9 + 9, slots=1, per_person=0)
        assert mine.id == job.id
        assert len(await store.ledger(job.id)) == 1
        await store.close()


async def test_a_lost_connection_is_made_anew(postgres: str) -> None:
    """Reads and writes after it work as if nothing had been."""
    line = Line()
    async with line.to(await fresh(postgres)) as through:
        store = await Store.open(through, clock=Clock())
        for n in range(3):
            line.hang_up()
            await store.keep("n", str(n))
            line.hang_up()
            assert await store.kept("n") == str(n)
        await store.close()


async def test_a_server_that_is_away_and_comes_back() -> None:
    """While it is away everything says so soon; afterwards everything works, and all is there."""
    if (bin_dir := programs()) is None:
        pytest.skip("no PostgreSQL programs here")
    server = Server(bin_dir)
    try:
        store = await Store.open(server.url, clock=Clock())
        await store.keep("n", "kept")
        await asyncio.to_thread(server.stop)
        async with asyncio.timeout(30):
            got = await asyncio.gather(
                store.kept("n"), *(store.keep("m", "x") for _ in range(30)), return_exceptions=True
            )
        assert {type(one) for one in got} == {StoreError}
        await asyncio.to_thread(server.start)
        assert await store.kept("n") == "kept"
        await store.keep("m", "x")
        await store.close()
    finally:
        await asyncio.to_thread(server.remove)


async def test_writes_in_each_others_way_are_made_again(postgres: str) -> None:
    """A deadlock of two processes costs a moment, not a write."""
    dsn = await fresh(postgres)
    first, second = (Writer(open_postgres(dsn)) for _ in "ab")
    await first.write(add_table)
    await first.write(add(1))
    await first.write(add(2))

    def both(values: tuple[int, int]) -> Op[None]:
        def op(c: Connection) -> None:
            for value in values:
                c.execute(text("UPDATE n SET value = value WHERE value = :v"), {"v": value})
                c.execute(text("SELECT pg_sleep(0.2)"))

        return op

    await asyncio.gather(first.write(both((1, 2))), second.write(both((2, 1))))
    await first.close()
    await second.close()


# -- faults of the disk ------------------------------------------------------------------------


async def test_another_program_that_holds_the_file(tmp_path: Path) -> None:
    """It is waited for; who only reads is not even noticed."""
    path = tmp_path / "a.db"
    store = await Store.open(f"sqlite:///{path}", clock=Clock())
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.keep("n", "v"))
        assert await store.kept("n") is None
        await asyncio.sleep(0.3)
        assert not waiting.done()
        other.execute("ROLLBACK")
        await waiting
    assert await store.kept("n") == "v"
    await store.close()


def refused(folder: Path, uri: str, statement: str) -> Exception:
    """What SQLite itself says to a statement."""
    connection = sqlite3.connect(f"file:{folder}/{uri}", uri=True, timeout=0)
    try:
        connection.execute(statement)
    except sqlite3.Error as error:
        return error
    finally:
        connection.close()
    raise AssertionError(statement)


def test_every_fault_has_its_sentence(tmp_path: Path) -> None:
    """SQLite's own words become ours: read-only, locked, full, damaged, no database."""
    with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        locked = refused(tmp_path, "a.db", "INSERT INTO t VALUES (1)")
        other.execute("ROLLBACK")
        other.execute("PRAGMA max_page_count=2")
        with pytest.raises(sqlite3.OperationalError) as full:
            other.execute("INSERT INTO t VALUES (zeroblob(100000))")
    (tmp_path / "b.db").write_bytes(b"no database at all" * 100)
    said = [
        str(explained(error))
        for error in (
            locked,
            full.value,
            refused(tmp_path, "a.db?mode=ro", "INSERT INTO t VALUES (1)"),
            refused(tmp_path, "b.db", "SELECT * FROM t"),
            OSError("anything"),
        )
    ]
    assert said[:4] == [faults.IN_USE, faults.FULL, faults.READ_ONLY, faults.DAMAGED]
    assert said[4] == str(StoreError())
    assert "anything" not in said[-1], "what a driver says reaches no chat"


FILL = """
    import asyncio, resource, sys
    from core.errors import StoreError
    from core.store import Store
    from tests.making import Clock, make_job

    async def main(url):
        store = await Store.open(url, clock=Clock())
        limit = 700_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        kept, refused = [], 0
        for n in range(40):
            try:
                kept.append((await store.add_job(make_job(n, text="x" * 40_000))).id)
            except StoreError as error:
                refused += 1
        for job in kept:
            assert (await store.job(job)).text and len(await store.ledger(job)) == 1
        assert kept and refused, (kept, refused)
        print(*kept)

    asyncio.run(main(sys.argv[1]))
"""


async def test_a_file_that_cannot_grow_loses_nothing(tmp_path: Path) -> None:
    """Where there is no more room a write is refused whole; what was told as kept is there after a
    restart, with its hold.
    """
    where = f"sqlite:///{tmp_path}/a.db"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", textwrap.dedent(FILL), where],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr
    store = await Store.open(where, clock=Clock())
    kept = done.stdout.split()
    assert sorted(j.id for j in await store.live()) == sorted(kept)
    assert [len(await store.ledger(job)) for job in kept] == [1] * len(kept)
    await store.close()


async def test_a_session_that_the_server_ends(postgres: str) -> None:
    """Between two statements of a write: it is made again from its beginning."""
    writer, tries = Writer(open_postgres(await fresh(postgres))), 0
    await writer.write(add_table)

    def op(c: Connection) -> int:
        nonlocal tries
        tries += 1
        add(1)(c)
        if tries == 1:
            c.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return add(2)(c)

    assert await writer.write(op) == 2
    assert tries == 2
    assert await values(writer) == [1, 2]
    await writer.close()
