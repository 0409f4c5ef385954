"""An incident can be snoozed, and knows what its number came from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Until when, and by whom; what was there before came from the warehouse."""
    op.add_column("incidents", sa.Column("source", sa.String(20), nullable=False, server_default="databricks"))
    op.add_column("incidents", sa.Column("snoozed_until", sa.DateTime))
    op.add_column("incidents", sa.Column("snoozed_by", sa.String(40)))
