"""What pagers were told about incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nobody was paged before."""
    op.create_table(
        "pages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", sa.String(40), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("incident_id", sa.Integer, sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("severity", sa.String(20)),
        sa.Column("doubt", sa.String(20)),
        sa.Column("attempted", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("plain", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.DateTime),
        sa.Column("unreachable", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("failed_at", sa.DateTime),
        sa.Column("sending_by", sa.String(80)),
        sa.Column("sending_until", sa.DateTime),
    )
    op.create_index("one_page_per_key", "pages", ["target", "key"], unique=True)
