"""A refused message has a next step, a failing channel waits, and the timeline keeps what was so at the time."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Entries from before hold no numbers: their messages show the incident as it is."""
    for column in (
        sa.Column("severity", sa.String(20)),
        sa.Column("value", sa.Float),
        sa.Column("limit", sa.String(40)),
        sa.Column("summary", sa.Text),
    ):
        op.add_column("timeline", column)
    op.add_column("outbox", sa.Column("entry_id", sa.Integer))
    op.add_column("outbox", sa.Column("first_tried_at", sa.DateTime))
    op.add_column("outbox", sa.Column("plain", sa.Boolean, nullable=False, server_default="0"))
    op.create_index("results_of_evaluation", "results", ["evaluation_id"])
    op.create_table(
        "channels",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("not_before", sa.DateTime),
    )
