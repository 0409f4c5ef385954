"""What the bot's statements cost the warehouse, and since when a process leads."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Nothing was counted before; since when the holder of a lease has it is not known."""
    op.add_column("leases", sa.Column("since", sa.DateTime))
    op.create_table(
        "warehouse_usage",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("purpose", sa.String(20), primary_key=True),
        sa.Column("statements", sa.Integer, nullable=False),
        sa.Column("woke", sa.Integer, nullable=False),
        sa.Column("auto_stop_unknown", sa.Integer, nullable=False),
        sa.Column("auto_stop_off", sa.Integer, nullable=False),
    )
    op.create_table(
        "warehouse_awake",
        sa.Column("begin", sa.DateTime, primary_key=True),
        sa.Column("until", sa.DateTime, nullable=False),
    )
