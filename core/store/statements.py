"""Statements that change something: how they are run, and an INSERT that knows ON CONFLICT.

SQLAlchemy's own way of a statement costs several times what SQLite takes for it. So one that only
changes is compiled once, and on SQLite goes to the driver as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

Values = dict[str, Any]
"""What a statement's parameters stand for, by name."""


def changed(c: Connection, statement: Any, values: Values) -> int:
    """Run a changing statement, one of the few that stand in a module; gives the rows it changed.
    Its values are what the driver takes.
    """
    if c.dialect.name != "sqlite":
        return int(c.execute(statement, values).rowcount)
    sql, names, fixed = _compiled(statement)
    given = fixed | values
    return int(_driver(c).execute(sql, [given[name] for name in names]).rowcount)


def is_new(c: Connection, table: Table, row: Values) -> bool:
    """Write a row; False when one with the same key is there already."""
    return changed(c, _insert_new(c.dialect.name, table), row) == 1


def add_new(c: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Write the rows that are not there yet."""
    for row in rows:
        is_new(c, table, row)


def insert(c: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy has per database only."""
    return _insert(c.dialect.name, table)


@functools.cache
def _insert(dialect: str, table: Table) -> Any:
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 0.1 s of every start without it

    return postgresql.insert(table)


@functools.cache
def _insert_new(dialect: str, table: Table) -> Any:
    """An INSERT that leaves a row alone that is there; made once, since making it is dear."""
    return _insert(dialect, table).on_conflict_do_nothing()


@functools.cache
def _compiled(statement: Any) -> tuple[str, list[str], dict[str, Any]]:
    """A statement as SQLite takes it: the text, its parameters in their order, and their values
    where none are given.
    """
    made = statement.compile(dialect=sqlite.dialect())
    return str(made), list(made.positiontup), dict(made.params)


def _driver(c: Connection) -> Any:
    """The driver's own connection, in the midst of a transaction."""
    return c.connection.driver_connection
