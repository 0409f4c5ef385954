"""Several incidents can share a thread; a message can be about none; an incident has examples, or is not evaluated."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """So far every incident had its own thread, and what was posted knew its channel by its id alone."""
    op.add_column("incidents", sa.Column("thread_id", sa.Integer))
    op.add_column("incidents", sa.Column("not_evaluated_since", sa.DateTime))
    op.add_column("incidents", sa.Column("explained_by", sa.String(120)))
    op.add_column("incidents", sa.Column("examples", sa.JSON, nullable=False, server_default="[]"))
    with op.batch_alter_table("outbox") as outbox:
        outbox.alter_column("incident_id", nullable=True)
        outbox.add_column(sa.Column("thread_id", sa.Integer))
        outbox.add_column(sa.Column("posted_in", sa.String(80)))
        outbox.drop_index("messages_of_incident")
        outbox.create_index("messages_of_thread", ["thread_id", "kind"])
    op.execute("UPDATE outbox SET thread_id = incident_id")
    op.execute("UPDATE outbox SET posted_in = channel WHERE ts IS NOT NULL")
