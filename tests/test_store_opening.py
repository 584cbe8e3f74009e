"""Opening a store: where it is, who may read it, what made it, and why it cannot be opened."""

from __future__ import annotations

import asyncio
import gc
import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from core.errors import StoreError
from core.jobs import Entry
from core.store import Store, migrations, opening, rows
from core.store.lite import Lite
from core.store.schema import jobs, metadata
from tests.making import Clock, make_job
from tests.postgres import fresh
from tests.stores import clock, postgres, url

__all__ = ["clock", "postgres", "url"]

ROOT = Path(__file__).parent.parent
KEPT = ("a.db", "a.db-wal", "a.db-shm", "a.db.lock")
DIES = """
import asyncio, os, sys
from core.store import Store

async def main():
    await Store.open(sys.argv[1])
    os._exit(9)

asyncio.run(main())
"""
LOADS = """
import asyncio, sys
from core.store import Store

async def main():
    for _ in range(2):
        store = await Store.open(sys.argv[1])
        await store.close()

asyncio.run(main())
sys.exit("alembic" in sys.modules)
"""


def python(code: str, *args: str) -> int:
    """Run a program of its own; returns its exit code."""
    return subprocess.run([sys.executable, "-c", code, *args], cwd=ROOT, check=False).returncode


async def trouble(url: str) -> str:
    """What the owner reads when a store cannot be opened."""
    with pytest.raises(StoreError) as found:
        await Store.open(url)
    return str(found.value)


# -- SQLite files ------------------------------------------------------------------------------


async def test_a_relative_and_an_absolute_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three slashes count from the working folder, four from the root; folders are made."""
    monkeypatch.chdir(tmp_path)
    for where, path in (
        ("sqlite:///near.db", "near.db"),
        ("sqlite:///new/folder/a b.db", "new/folder/a b.db"),
        (f"sqlite:///{tmp_path}/far.db", "far.db"),
    ):
        store = await Store.open(where)
        await store.keep("n", where)
        await store.close()
        assert (tmp_path / path).is_file()


async def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    """Prompts and names are in it: neither it nor what SQLite keeps beside it is for others."""
    old = os.umask(0)
    try:
        store = await Store.open(f"sqlite:///{tmp_path}/a.db")
        await store.keep("n", "v")
        modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in KEPT}
        await store.close()
    finally:
        os.umask(old)
    assert set(modes.values()) == {0o600}


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    """With a sentence, also by another name of the same file; a dead process is in nobody's way."""
    where = f"sqlite:///{tmp_path}/a.db"
    (tmp_path / "other.db").symlink_to(tmp_path / "a.db")
    store = await Store.open(where)
    for name in ("a.db", "other.db"):
        said = await trouble(f"sqlite:///{tmp_path}/{name}")
        assert said == f"Another Atelier is running with {tmp_path}/a.db. Stop it first."
    await store.keep("n", "the first goes on")
    await store.close()
    assert await asyncio.to_thread(python, DIES, where) == 9
    store = await Store.open(where)
    assert await store.kept("n") == "the first goes on"
    await store.close()


async def test_files_that_are_no_store(tmp_path: Path) -> None:
    """Not a database, a folder, a path through a file: each in a sentence with its path."""
    (tmp_path / "text.db").write_text("no database at all " * 100)
    (tmp_path / "folder.db").mkdir()
    for name, sign in (
        ("text.db", "is damaged or no SQLite database"),
        ("folder.db", "Is a directory"),
        ("text.db/a.db", "cannot be used"),
    ):
        said = await trouble(f"sqlite:///{tmp_path}/{name}")
        assert sign in said
        assert str(tmp_path) in said
    assert (tmp_path / "text.db").read_text().startswith("no database"), "it is left as it is"


async def test_a_file_that_got_damaged(tmp_path: Path) -> None:
    """Its tables are garbage: the store does not open, and the file is left as it is."""
    path = tmp_path / "a.db"
    store = await Store.open(f"sqlite:///{path}")
    for n in range(50):
        await store.add_job(make_job(n))
    await store.close()
    data = bytearray(path.read_bytes())
    data[100:4096] = os.urandom(3996)
    path.write_bytes(data)
    assert "damaged" in await trouble(f"sqlite:///{path}")
    assert path.read_bytes() == data


async def test_an_old_sqlite_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which is there and which is needed."""
    monkeypatch.setattr(opening.sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(opening.sqlite3, "sqlite_version", "3.34.1")
    said = await trouble(f"sqlite:///{tmp_path}/a.db")
    assert said.startswith("SQLite 3.34.1 is too old: 3.35 or newer is needed")


# -- PostgreSQL's address ----------------------------------------------------------------------


async def test_a_password_with_special_signs(postgres: str) -> None:
    """Written percent-encoded, with query parameters behind it."""
    admin = await asyncpg.connect(postgres)
    await admin.execute("DROP ROLE IF EXISTS odd")
    await admin.execute("CREATE ROLE odd LOGIN SUPERUSER PASSWORD 'p@ss/w#rd'")
    await admin.close()
    parts = urlsplit(await fresh(postgres))
    host = parts.netloc.rpartition("@")[2]
    where = f"postgresql://odd:p%40ss%2Fw%23rd@{host}{parts.path}?{parts.query}"
    store = await Store.open(f"{where}&application_name=atelier&sslmode=prefer")
    await store.keep("n", "v")
    assert await store.kept("n") == "v"
    await store.close()


@pytest.mark.parametrize(
    ("tail", "sign"),
    [
        ("nobody:geheim@{host}/postgres", "does not accept the user or the password"),
        ("atelier:geheim@{host}/nowhere", "Make it there with: createdb nowhere"),
        ("atelier:geheim@127.0.0.1:1/postgres", "127.0.0.1:1 does not answer"),
        ("atelier:geheim@{host}/postgres?sslmode=require", "127.0.0.1"),
        ("atelier:ge#heim@{host}/postgres", "[store] url"),
        ("atelier:geheim@127.0.0.1:port/postgres", "cannot be understood"),
        ("atelier:geheim@[::1/postgres", "cannot be understood"),
        ("atelier:geheim@{host}/postgres?geheim=1", "cannot be used"),
    ],
)
async def test_what_is_wrong_with_an_address(postgres: str, tail: str, sign: str) -> None:
    """Each mistake has its sentence, and none shows the password."""
    host = urlsplit(postgres).netloc.rpartition("@")[2]
    said = await trouble("postgresql://" + tail.format(host=host))
    assert sign in said
    assert "heim@" not in said
    assert ":ge" not in said


# -- schemas -----------------------------------------------------------------------------------


def upgraded(connection: Connection) -> None:
    """Make the tables by the revisions alone."""
    migrations._number(connection, migrations.FIRST)
    first = Config(attributes={"connection": connection})
    first.set_main_option("script_location", "core.store:migrations")
    script = ScriptDirectory.from_config(first)
    with_begin = script.get_revision(migrations.FIRST)
    assert with_begin is not None
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        with_begin.module.upgrade()


async def inside(url: str, *work: object) -> list[object]:
    """Run functions on a bare connection to a database."""
    if url.startswith("sqlite"):
        database: Lite | opening.Postgres = Lite(Path(url.removeprefix("sqlite:///")))
    else:
        database = opening.open_postgres(url)
    await database.open()
    try:
        return await database.transact(work, durable=True)  # type: ignore[arg-type]
    finally:
        await database.close()


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return [d for d in compare_metadata(context, metadata) if "alembic_version" not in str(d)]


def conditions(connection: Connection) -> dict[str, object]:
    """The conditions of the indexes, which Alembic does not compare."""
    found = inspect(connection)
    kind = f"{connection.dialect.name}_where"
    return {
        str(index["name"]): str(index.get("dialect_options", {}).get(kind)).strip("()")
        for table in metadata.tables
        for index in found.get_indexes(table)
    }


async def test_the_revisions_lead_to_the_schema(url: str) -> None:
    """From an empty database, one by one, they make what a new database has."""
    await inside(url, upgraded)
    store = await Store.open(url)
    await store.close()
    (changes, by_revisions) = await inside(url, differences, conditions)
    assert changes == []
    await inside(url, metadata.drop_all, lambda c: c.execute(text("DROP TABLE alembic_version")))
    store = await Store.open(url)
    await store.close()
    (changes, made_new) = await inside(url, differences, conditions)
    assert changes == []
    assert by_revisions == made_new


async def test_an_old_database_is_upgraded_with_all_it_holds(url: str) -> None:
    """One from before revisions were counted: its jobs, money and notes are still there."""
    await inside(url, upgraded, lambda c: c.execute(text("DROP TABLE alembic_version")))
    job = make_job()

    def old(connection: Connection) -> None:
        row = rows.job_row(job)
        del row["shared"]  # which came later
        connection.execute(jobs.insert().values(**row))
        rows.book(connection, job, ((Entry.HOLD, job.price, "held"),), 1.0)
        connection.execute(text("INSERT INTO notes VALUES ('n', 'v', 1.0)"))

    await inside(url, old)
    for _ in range(2):
        store = await Store.open(url, clock=Clock())
        assert await store.job(job.id) == job
        assert len(await store.ledger(job.id)) == 1
        assert await store.kept("n") == "v"
        await store.tidy(0)
        await store.close()


async def test_a_newer_database_is_refused(url: str) -> None:
    """It is named, the way out is told, and nothing is changed."""
    store = await Store.open(url)
    await store.close()
    await inside(url, lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    said = await trouble(url)
    assert "made by a newer Atelier (its schema is 9999" in said
    await inside(url, lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0001x'")))
    assert "0001x" in await trouble(url)


def test_the_program_knows_its_newest_revision() -> None:
    """The number in the program is the end of the one line of revisions."""
    config = Config()
    config.set_main_option("script_location", "core.store:migrations")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == migrations.HEAD
    assert script.get_base() == migrations.FIRST


def test_a_start_without_work_loads_no_alembic(tmp_path: Path) -> None:
    """A database that is new or up to date is opened without it."""
    assert python(LOADS, f"sqlite:///{tmp_path}/a.db") == 0


async def test_many_processes_start_at_once(postgres: str) -> None:
    """On an empty PostgreSQL one makes the tables, the others wait for it."""
    where = await fresh(postgres)
    stores = await asyncio.gather(*(Store.open(where) for _ in range(5)))
    await stores[0].keep("n", "v")
    assert [await store.kept("n") for store in stores] == ["v"] * 5
    for store in stores:
        await store.close()


async def test_what_was_closed_leaves_no_connection_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite's connections belong to their thread: closed there, nobody has to do it elsewhere."""
    store = await Store.open(f"sqlite:///{tmp_path / 'a.db'}")
    await store.close()
    del store
    gc.collect()
    assert [r.getMessage() for r in caplog.records if r.name.startswith("sqlalchemy")] == []
