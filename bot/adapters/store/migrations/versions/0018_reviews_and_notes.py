"""Weekly reviews and stakeholder notes, and the messages that carry them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """There was none before."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "stakeholder_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("added", sa.Text, nullable=False, server_default=""),
        sa.Column("sent_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("review_id", sa.Integer, sa.ForeignKey("reviews.id", name="outbox_review")))
        key = sa.ForeignKey("stakeholder_notes.id", name="outbox_stakeholder_note")
        outbox.add_column(sa.Column("stakeholder_note_id", sa.Integer, key))
