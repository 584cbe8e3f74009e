"""The tables. Scalars are columns; values of core are JSON text.

A change here needs a revision in `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("key", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("done_at", Float),
)
OPEN = text("done_at IS NULL")
Index("events_open", events.c.platform, events.c.at, sqlite_where=OPEN, postgresql_where=OPEN)
CLOSED = text("done_at IS NOT NULL")
Index("events_closed", events.c.done_at, sqlite_where=CLOSED, postgresql_where=CLOSED)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("place_key", String, nullable=False),
    Column("state", String, nullable=False),
    Column("wake_at", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("event_key", String, unique=True),
    Column("once_key", String, unique=True),
    Column("parent", String, nullable=False),
    Column("offer", String, nullable=False),
    Column("submitted_at", Float, nullable=False),
    Column("finished_at", Float, nullable=False),
    Column("cancel", Boolean, nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("status", Text),
    Column("result", Text),
    Column("lease", String, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("body", Text, nullable=False),
    Column("shared", String),
)
DUE = text("wake_at > 0")
Index("jobs_due", jobs.c.wake_at, sqlite_where=DUE, postgresql_where=DUE)
Index("jobs_state", jobs.c.state, jobs.c.wake_at)
HELD = text("lease != ''")
Index("jobs_held", jobs.c.lease_until, sqlite_where=HELD, postgresql_where=HELD)
Index("jobs_owner", jobs.c.owner, jobs.c.created_at)
Index("jobs_place", jobs.c.place_key, sqlite_where=DUE, postgresql_where=DUE)
Index("jobs_learn", jobs.c.offer, jobs.c.finished_at)
PRESSED = text("once_key IS NOT NULL")
Index("jobs_children", jobs.c.parent, sqlite_where=PRESSED, postgresql_where=PRESSED)
SHARED = text("shared IS NOT NULL")
Index("jobs_shared", jobs.c.shared, jobs.c.created_at, sqlite_where=SHARED, postgresql_where=SHARED)

meanings = Table(
    "meanings",
    metadata,
    Column("job", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

actions = Table(
    "actions",
    metadata,
    Column("token", String, primary_key=True),
    Column("job", String, nullable=False),
    Column("key", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("position", Integer, nullable=False),
)
Index("actions_job_key", actions.c.job, actions.c.key, unique=True)

ledger = Table(
    "ledger",
    metadata,
    Column("job", String, primary_key=True),
    Column("slot", String, primary_key=True),
    Column("entry", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("note", String, nullable=False),
    Column("at", Float, nullable=False),
)
Index("ledger_owner", ledger.c.owner, ledger.c.at)

people = Table(
    "people",
    metadata,
    Column("key", String, primary_key=True),
    Column("settings", Text, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("until", Float, nullable=False, server_default="0"),
)
