"""Maintenance windows, and the message that summarises one at its end."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """There was none before."""
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("ended_by", sa.String(40)),
        sa.Column("after_seq", sa.Integer, nullable=False),
    )
    with op.batch_alter_table("outbox") as outbox:
        key = sa.ForeignKey("maintenance.id", name="outbox_maintenance")
        outbox.add_column(sa.Column("maintenance_id", sa.Integer, key))
