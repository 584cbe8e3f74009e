"""Notes may have an end; old events, a job's children, jobs by state and held jobs are found by an
index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

OPEN = sa.text("done_at IS NULL")
CLOSED = sa.text("done_at IS NOT NULL")
PRESSED = sa.text("once_key IS NOT NULL")
HELD = sa.text("lease != ''")


def upgrade() -> None:
    """Add the column and the indexes."""
    op.add_column("notes", sa.Column("until", sa.Float, nullable=False, server_default="0"))
    op.drop_index("events_open", "events")
    op.create_index(
        "events_open", "events", ["platform", "at"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(
        "events_closed", "events", ["done_at"], sqlite_where=CLOSED, postgresql_where=CLOSED
    )
    op.create_index(
        "jobs_children", "jobs", ["parent"], sqlite_where=PRESSED, postgresql_where=PRESSED
    )
    op.create_index("jobs_state", "jobs", ["state", "wake_at"])
    op.create_index("jobs_held", "jobs", ["lease_until"], sqlite_where=HELD, postgresql_where=HELD)
