"""From `[store] url` to a database, or to a sentence that says why not and what to do.

No text of a driver is passed on where it could hold the password.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.exc import DBAPIError

from core.errors import StoreError
from core.store.lite import Lite
from core.store.postgres import Postgres

OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""
OLDEST_POSTGRES = (13,)
"""The first with `pg_current_xact_id`."""
CONNECT = 10.0
"""Seconds to connect to PostgreSQL."""
COMMAND = 60.0
"""Seconds for one statement."""

UNCLEAR = ("the host of [store] url", "its name")

REASONS: Mapping[str, str] = {
    "28": "PostgreSQL at {host} does not accept the user or the password of [store] url.",
    "3D000": "There is no database {name} at {host}. Make it there with: createdb {name}",
    "42501": "The user of [store] url may not make tables in {name} at {host}.",
    "57P03": "PostgreSQL at {host} is just starting or stopping. Try again in a moment.",
    "53300": "PostgreSQL at {host} has no connection left for this program.",
}
"""By the beginning of PostgreSQL's error code."""


def open_sqlite(database: str) -> tuple[Lite, int | None]:
    """The file (or memory), and the lock that keeps other processes away."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            "SQLite {found} is too old: {needed} or newer is needed. A newer Python brings it.",
            found=sqlite3.sqlite_version,
            needed=".".join(map(str, OLDEST_SQLITE)),
        )
    lock, path = None, None
    if database not in ("", ":memory:"):
        path = Path(database).expanduser().resolve()
        lock = _take(path)
    return Lite(path), lock


def _take(path: Path) -> int:
    """Lock the file's neighbour for this process, and make the file itself, for its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            "The store {path} cannot be used: {why}.", path=path, why=error.strerror or error
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StoreError(
            "Another Atelier is running with {path}. Stop it first.", path=path
        ) from None
    return lock


def open_postgres(url: str) -> Postgres:
    """The database; the URL is read by asyncpg itself, as other PostgreSQL programs do."""
    from sqlalchemy.ext.asyncio import create_async_engine  # 0.2 s of every start without it

    try:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            connect_args={"dsn": url, "timeout": CONNECT, "command_timeout": COMMAND},
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            "PostgreSQL needs one more package: pip install 'atelier-bot[postgres]'"
        ) from error
    return Postgres(engine)


def why_not(url: str, error: Exception) -> StoreError:
    """Why a database could not be opened, in words for its owner."""
    if isinstance(error, StoreError):
        return error
    if not url.startswith("postgres"):
        return _why_not_sqlite(url, error)
    where: dict[str, object] = dict(zip(("host", "name"), _where(url), strict=True))
    code = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    for head, words in REASONS.items():
        if code.startswith(head):
            return StoreError(words, **where)
    if code:
        return StoreError("PostgreSQL at {host} cannot be used: {why}.", why=_first(error), **where)
    if isinstance(error, OSError):
        return StoreError(
            "PostgreSQL at {host} does not answer. Is it running, and is [store] url right?",
            **where,
        )
    return StoreError(
        "[store] url cannot be understood. It is postgresql://user:password@host:5432/name, with "
        "special characters of the password written as %40 for @, %3A for :, %2F for /, %23 for #."
    )


def _why_not_sqlite(url: str, error: Exception) -> StoreError:
    path, said = url.partition("///")[2], _first(error)
    if "not a database" in said or "malformed" in said:
        return StoreError(
            "The store {path} is damaged or no SQLite database. Put back a copy, or move it away.",
            path=path,
        )
    return StoreError("The store {path} cannot be opened: {why}.", path=path, why=said)


def _first(error: Exception) -> str:
    """The first line of what a database said."""
    said = error.orig if isinstance(error, DBAPIError) else error
    lines = str(said).rpartition(">: ")[2].splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _where(url: str) -> tuple[str, str]:
    """Host and database of a URL, without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return UNCLEAR
    if "@" in url and "@" not in parts.netloc:  # a # or / in the password: nothing is sure
        return UNCLEAR
    host = parts.netloc.rpartition("@")[2] or "this machine"
    return host, unquote(parts.path.strip("/")) or "its default"
