"""When the bot last completed an evaluation, the message that Slack posts without one, and absences."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing is known of the time before: the first evaluation begins it."""
    op.create_table(
        "watch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("completed_at", sa.DateTime),
        sa.Column("scheduled_for", sa.DateTime),
        sa.Column("message_id", sa.String(40)),
        sa.Column("channel", sa.String(80)),
        sa.Column("post_at", sa.DateTime),
        sa.Column("not_before", sa.DateTime),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.Column("until", sa.DateTime, nullable=False),
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("absence_id", sa.Integer, sa.ForeignKey("absences.id", name="outbox_absence")))
