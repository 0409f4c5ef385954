"""Actions of every kind, one open one per sync and kind; the audit is only ever added to, and says more."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

OPEN = sa.text("state IN ('requested', 'running', 'checking')")
NEVER = """CREATE TRIGGER audit_never_{what} BEFORE {what} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"""

NEVER_REPLACED = """CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"""


def upgrade() -> None:
    """What was done until now were reruns; of what the audit did not keep nothing is known."""
    for column in (
        sa.Column("kind", sa.String(20), nullable=False, server_default="rerun"),
        sa.Column("full_sync", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("resumes", sa.Boolean, nullable=False, server_default="0"),
        sa.Column("began_at", sa.DateTime),
        sa.Column("counted_at", sa.DateTime),
        sa.Column("rejections", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("paused", sa.JSON, nullable=False, server_default="[]"),
    ):
        op.add_column("actions", column)
    op.drop_index("one_open_action_per_sync", "actions")
    op.create_index(
        "one_open_action_per_sync_and_kind",
        "actions",
        ["sync", "kind"],
        unique=True,
        sqlite_where=OPEN,
    )
    op.create_index("actions_of_sync", "actions", ["sync", "id"])
    op.create_index("actions_by_end", "actions", ["ended_at"])
    op.create_index("audit_by_time", "audit", ["at"])
    op.add_column("audit", sa.Column("state", sa.String(20)))
    op.add_column("audit", sa.Column("team", sa.String(40)))
    for name in ("reason", "before", "after"):
        op.add_column("audit", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("audit", sa.Column("reference", sa.String(80), nullable=False, server_default=""))
    for what in ("update", "delete"):
        op.execute(NEVER.format(what=what))
    op.execute(NEVER_REPLACED)
