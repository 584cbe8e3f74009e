"""What results mean, and which of them the people of a chat share."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SHARED = sa.text("shared IS NOT NULL")


def upgrade() -> None:
    """Add the table, the column and its index; earlier jobs are found by their owners alone."""
    op.add_column("jobs", sa.Column("shared", sa.String))
    op.create_index(
        "jobs_shared",
        "jobs",
        ["shared", "created_at"],
        sqlite_where=SHARED,
        postgresql_where=SHARED,
    )
    op.create_table(
        "meanings",
        sa.Column("job", sa.String, primary_key=True),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
