"""A private PostgreSQL for the tests: the one of TEST_POSTGRES_URL, else one that is started here
when its programs are installed, else none (and the tests that need it say that they are skipped).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import asyncpg
import pytest

CONF = """
listen_addresses = '127.0.0.1'
fsync = off
max_connections = 60
shared_buffers = 16MB
"""


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


class Server:
    """A PostgreSQL in a folder of its own; it refuses to run as root, so root lends it a user."""

    def __init__(self, bin_dir: Path) -> None:
        self._bin = bin_dir
        self._user = "postgres" if os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="atelier-pg-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._run("initdb", "-A", "trust", "-U", "atelier", "--no-sync", "-E", "UTF8")
        with (self.folder / "postgresql.conf").open("a") as conf:
            conf.write(f"{CONF}port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://atelier@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *args: str) -> None:
        command = [str(self._bin / program), "-D", str(self.folder), *args]
        with (self.folder.parent / f"{self.folder.name}.log").open("a") as log:
            subprocess.run(command, check=True, user=self._user, cwd="/", stdout=log, stderr=log)

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(f"{self.folder}.log").unlink(missing_ok=True)


@cache
def _why_none() -> str:
    if os.environ.get("TEST_POSTGRES_URL") or programs():
        return ""
    return "no PostgreSQL here: install postgresql or set TEST_POSTGRES_URL"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL for this run."""
    if _why_none():
        pytest.skip(_why_none())
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    bin_dir = programs()
    assert bin_dir is not None
    try:
        server = Server(bin_dir)
    except (OSError, LookupError, subprocess.CalledProcessError) as error:
        pytest.skip(f"PostgreSQL cannot be started here: {error}")
    try:
        yield server.url
    finally:
        server.remove()


async def fresh(url: str) -> str:
    """The URL of an empty schema of its own."""
    name = f"t{secrets.token_hex(6)}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE SCHEMA {name}")
    finally:
        await connection.close()
    return f"{url}{'&' if '?' in url else '?'}search_path={name}"
