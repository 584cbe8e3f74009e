"""What the database's errors mean, in words for people; no driver's text reaches a chat."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from core.errors import StoreError
from core.i18n import mark

FULL = mark("The disk is full, so nothing could be saved. Please tell the owner of this bot.")
READ_ONLY = mark("Nothing can be saved here, so nothing was started. Please tell the owner.")
IN_USE = mark("Another program is in the way, so nothing was started. Please try again soon.")
DAMAGED = mark("What I keep is damaged, so nothing was started. Please tell the owner.")

WORDS = (
    ("disk is full", FULL),
    ("no space left", FULL),
    ("readonly database", READ_ONLY),
    ("read-only transaction", READ_ONLY),
    ("database is locked", IN_USE),
    ("disk image is malformed", DAMAGED),
    ("file is not a database", DAMAGED),
)
AGAIN = ("40001", "40P01", "08", "57P")
"""PostgreSQL: serialisation failure, deadlock, a lost connection, a server that stops or starts."""


class LostCommitError(Exception):
    """The answer to a COMMIT was lost and what became of it cannot be found out."""


def is_passing(error: BaseException) -> bool:
    """Tell whether the same transaction may work at once: its connection was lost, or others were
    in its way.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return isinstance(error, ConnectionError) or state.startswith(AGAIN)


def explained(error: BaseException) -> StoreError:
    """The error as callers know it; what the driver said stays its cause."""
    if isinstance(error, StoreError):
        return error
    said = str(getattr(error, "orig", error)).lower()
    found = StoreError(next((words for sign, words in WORDS if sign in said), None))
    found.__cause__ = error
    return found
