"""Which completed runs of a sync stand in the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """None is known to stand there: the statement that writes them bears to be repeated."""
    op.create_table(
        "logged_runs",
        sa.Column("sync_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )
