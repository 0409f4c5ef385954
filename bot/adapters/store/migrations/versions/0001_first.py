"""The first schema: evaluations, alerts, incidents, the outbox, actions, leases, the audit."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

OPEN_ACTION = sa.text("state IN ('requested', 'running', 'checking')")
OWED = sa.text("wanted > sent")
UNRESOLVED = sa.text("resolved_at IS NULL")


def upgrade() -> None:
    """Make every table."""
    text, time = sa.Text, sa.DateTime
    _table("evaluations", _id(), _must("checked_at", time), _must("body", text))
    _table("results", _id(), _must("evaluation_id", sa.Integer, "evaluations"), _must("check", 80), _may("sync", 80),
           _must("outcome", 20), _may("value", sa.Float))  # fmt: skip
    _table("incidents", _id(), _must("key", 255), _must("check", 80), _may("sync", 80), _must("title", 120),
           _must("severity", 20), _must("state", 20), _must("opened_at", time), _must("summary", text),
           _may("value", sa.Float), _may("limit", 40), _may("clear", 40), _must("helps", text), _may("rerun", 80),
           _may("runbook", 120), _must("channel", 80), _may("acked_by", 40), _may("acked_at", time),
           _may("resolved_at", time))  # fmt: skip
    _table("alerts", sa.Column("key", sa.String(255), primary_key=True), _must("check", 80), _may("sync", 80),
           _must("state", 20), _may("severity", 20), _may("since", time), _may("milder_since", time),
           _may("eased_at", time), _may("resolved_at", time), _may("frozen_at", time),
           _may("incident_id", sa.Integer, "incidents"))  # fmt: skip
    _table("timeline", _id(), _must("incident_id", sa.Integer, "incidents"), _must("at", time), _must("did", 20),
           _may("by", 40), _must("detail", text))  # fmt: skip
    _table("actions", _id(), _must("sync", 80), _may("incident_id", sa.Integer, "incidents"), _must("by", 40),
           _must("reason", text), _must("state", 20), _must("requested_at", time), _must("latest_run_id", sa.Integer),
           _must("adopted", sa.Boolean), _may("run_id", sa.Integer), _must("run_status", 20),
           _may("records_total", sa.Integer), _may("records_updated", sa.Integer), _may("records_failed", sa.Integer),
           _may("records_invalid", sa.Integer), _may("ended_at", time), _must("verdict", text))  # fmt: skip
    _table("outbox", _id("seq"), _must("id", 32), _must("incident_id", sa.Integer, "incidents"), _must("kind", 20),
           _may("action_id", sa.Integer, "actions"), _must("channel", 80), _may("ts", 40), _must("wanted", sa.Integer),
           _must("sent", sa.Integer), _may("sending_by", 80), _may("sending_until", time),
           _must("doubtful", sa.Boolean), _must("attempts", sa.Integer), _may("not_before", time), _may("error", text),
           sa.UniqueConstraint("id"))  # fmt: skip
    _table("leases", sa.Column("name", sa.String(40), primary_key=True), _must("holder", 80), _must("until", time))
    _table("audit", _id(), _must("at", time), _must("user", 40), _must("what", 40), _must("target", 255),
           _must("result", text))  # fmt: skip
    op.create_index("results_by_check", "results", ["check", "id"])
    op.create_index("ix_timeline_incident_id", "timeline", ["incident_id"])
    op.create_index("messages_of_incident", "outbox", ["incident_id", "kind"])
    _index_some("one_open_incident_per_key", "incidents", "key", UNRESOLVED, unique=True)
    _index_some("one_open_action_per_sync", "actions", "sync", OPEN_ACTION, unique=True)
    _index_some("owed", "outbox", "seq", OWED)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts)


def _index_some(name: str, table: str, column: str, where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, table, [column], unique=unique, sqlite_where=where, postgresql_where=where)


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=True)


def _must(name: str, kind: Any, of: str | None = None) -> sa.Column[object]:
    return _column(name, kind, of, nullable=False)


def _may(name: str, kind: Any, of: str | None = None) -> sa.Column[object]:
    return _column(name, kind, of, nullable=True)


def _column(name: str, kind: Any, of: str | None, nullable: bool) -> sa.Column[object]:
    """A number for a kind is the length of a string; `of` is the table whose id this is."""
    reference = [sa.ForeignKey(f"{of}.id")] if of else []
    return sa.Column(name, sa.String(kind) if isinstance(kind, int) else kind, *reference, nullable=nullable)
