"""An incident knows until when it flaps, and its timeline which replies are also sent to the channel."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """So far escalations, and what turned critical, were sent to the channel."""
    op.add_column("incidents", sa.Column("flapping_until", sa.DateTime))
    op.add_column("timeline", sa.Column("broadcast", sa.Boolean, nullable=False, server_default="0"))
    op.execute("UPDATE timeline SET broadcast = TRUE WHERE did IN ('escalated', 'called')")
