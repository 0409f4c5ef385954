"""An incident can be snoozed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Until when, and by whom."""
    op.add_column("incidents", sa.Column("snoozed_until", sa.DateTime))
    op.add_column("incidents", sa.Column("snoozed_by", sa.String(40)))
