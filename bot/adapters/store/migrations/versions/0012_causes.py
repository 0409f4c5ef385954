"""Incidents know their causes, what can help and their worst value; a workspace that takes text alone is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

UNSENT = sa.text("wanted > sent")


def upgrade() -> None:
    """Incidents from before have neither until they are evaluated again."""
    for name in ("offers", "causes"):
        op.add_column("incidents", sa.Column(name, sa.JSON, nullable=False, server_default="[]"))
    op.add_column("incidents", sa.Column("peak", sa.Float))
    op.create_table(
        "workspace",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text_only_since", sa.DateTime),
    )
    op.drop_index("owed", "outbox")
    op.create_index("unsent", "outbox", ["seq"], sqlite_where=UNSENT)
