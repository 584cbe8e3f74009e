"""Bringing a database to the schema of this program. Alembic is only loaded when there is work."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from core.errors import StoreError
from core.store.schema import metadata

FIRST, HEAD = "0001", "0003"
"""The revisions of the first schema, which databases without a number have, and of today's."""

version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def bring_up(connection: Connection) -> None:
    """Make the tables, or upgrade them, in the transaction of `connection`.

    Raises `StoreError` when a newer program than this one made them.
    """
    there = set(inspect(connection).get_table_names())
    found: str | None = None
    if version.name in there:
        found = connection.execute(select(version.c.version_num)).scalar()
    if found == HEAD:
        return
    if found is None and "jobs" not in there:
        metadata.create_all(connection)
        _number(connection, HEAD)
        return
    if found is None:
        _number(connection, FIRST)
    _upgrade(connection, found or FIRST)


def _number(connection: Connection, revision: str) -> None:
    version.create(connection, checkfirst=True)
    connection.execute(version.insert().values(version_num=revision))


def _upgrade(connection: Connection, found: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "core.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise StoreError(
            "The store was made by a newer Atelier (its schema is {found}, this program's {head}). "
            "Please install that version again.",
            found=found,
            head=HEAD,
        )
    command.upgrade(config, "head")
