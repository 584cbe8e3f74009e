"""Statements that run all the time, and an INSERT that knows ON CONFLICT.

SQLAlchemy's own way of a statement costs several times what SQLite takes for it. So these are
compiled once, and on SQLite go to the driver as they are. Each is made once, since what it compiles
to is kept for good; its values are what the driver takes, and a `KeyError` tells of a missing one.
"""

from __future__ import annotations

import functools
import sqlite3
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

Values = dict[str, Any]
"""What a statement's parameters stand for, by name."""


def changed(c: Connection, statement: Any, values: Values) -> int:
    """Run a changing statement in a transaction; gives the number of rows it changed."""
    if c.dialect.name != "sqlite":
        return int(c.execute(statement, values).rowcount)
    return int(_run(c, statement, values).rowcount)


def found(c: Connection, statement: Any, values: Values) -> list[Any]:
    """Run a query, or a change that returns rows; gives them, with their columns by name."""
    if c.dialect.name != "sqlite":
        return list(c.execute(statement, values))
    cursor = _run(c, statement, values)
    row = _row(tuple(column[0] for column in cursor.description))
    return [row(*one) for one in cursor.fetchall()]


def first(c: Connection, statement: Any, values: Values) -> Any:
    """The first row of a query, or None."""
    return next(iter(found(c, statement, values)), None)


def is_new(c: Connection, table: Table, row: Values) -> bool:
    """Write a row; False when one with the same key is there already."""
    return changed(c, _insert_new(c.dialect.name, table), row) == 1


def add_new(c: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Write the rows that are not there yet."""
    if rows and c.dialect.name != "sqlite":
        c.execute(_insert_new(c.dialect.name, table), rows)
        return
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
    """A statement as SQLite takes it: the text, its parameters in their order, and the values that
    stand in it.
    """
    made = statement.compile(dialect=sqlite.dialect())
    fixed = {name: value for name, value in made.params.items() if not made.binds[name].required}
    return str(made), list(made.positiontup), fixed


@functools.cache
def _row(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


def _run(c: Connection, statement: Any, values: Values) -> sqlite3.Cursor:
    """Run a statement in SQLite's driver."""
    sql, names, fixed = _compiled(statement)
    given = fixed | values
    driver: Any = c.connection.driver_connection
    cursor: sqlite3.Cursor = driver.execute(sql, [given[name] for name in names])
    return cursor
