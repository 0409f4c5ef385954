"""What people do about incidents by hand: who resolved one, and which submitted dialog a line comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Nothing was resolved by hand before."""
    op.add_column("alerts", sa.Column("resolved_by", sa.String(40)))
    op.add_column("timeline", sa.Column("request", sa.String(40)))
