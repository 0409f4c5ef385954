"""An incident knows when its number was measured."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Unknown for incidents from before, until they are evaluated again."""
    op.add_column("incidents", sa.Column("measured_at", sa.DateTime))
