"""What was done for a local date is state of its own; so far the audit log, which is for people, was read for it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What was done before stays done: neither a digest nor a snapshot comes twice because of an upgrade."""
    op.create_table(
        "daily_jobs",
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.execute(
        "INSERT INTO daily_jobs (job, day, at) SELECT 'digest', target, MIN(at) FROM audit"
        " WHERE what = 'digest' AND result NOT LIKE 'refused%' GROUP BY target"
    )
    day = "SUBSTR(target, 16, 4) || '-' || SUBSTR(target, 20, 2) || '-' || SUBSTR(target, 22, 2)"
    op.execute(
        f"INSERT INTO daily_jobs (job, day, at) SELECT 'snapshot', {day}, MIN(at) FROM audit"  # noqa: S608 - our text
        " WHERE what = 'snapshot' AND target LIKE 'daily_snapshot_________' AND result NOT LIKE 'refused%'"
        " GROUP BY target"
    )
