"""The first schema: events, jobs, actions, ledger, people, notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

DUE = sa.text("wake_at > 0")


def upgrade() -> None:
    """Make the tables."""
    _events()
    _jobs()
    _actions()
    _ledger()
    op.create_table(
        "people",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("settings", sa.Text, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("done_at", sa.Float),
    )
    op.create_index(
        "events_open", "events", ["platform", "at"], sqlite_where=sa.text("done_at IS NULL")
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("place_key", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("wake_at", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("event_key", sa.String, unique=True),
        sa.Column("once_key", sa.String, unique=True),
        sa.Column("parent", sa.String, nullable=False),
        sa.Column("offer", sa.String, nullable=False),
        sa.Column("submitted_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float, nullable=False),
        sa.Column("cancel", sa.Boolean, nullable=False),
        sa.Column("asked", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("lease", sa.String, nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("jobs_due", "jobs", ["wake_at"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_index("jobs_owner", "jobs", ["owner", "created_at"])
    op.create_index("jobs_place", "jobs", ["place_key"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_index("jobs_learn", "jobs", ["offer", "finished_at"])


def _actions() -> None:
    op.create_table(
        "actions",
        sa.Column("token", sa.String, primary_key=True),
        sa.Column("job", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("actions_job_key", "actions", ["job", "key"], unique=True)


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("job", sa.String, primary_key=True),
        sa.Column("slot", sa.String, primary_key=True),
        sa.Column("entry", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("ledger_owner", "ledger", ["owner", "at"])
