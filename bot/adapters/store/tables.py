"""The tables of the bot's own state; migrations/ makes them, a test holds the two together."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    CursorResult,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in Python, naive UTC in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuses naive times: nobody knows what they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """UTC, and says so."""
        return value.replace(tzinfo=UTC) if value else None


metadata = MetaData()

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("base_id", Integer),  # the first one of its hour; none where it is that itself
    Column("body", LargeBinary, nullable=False),  # the Evaluation as JSON, compressed with that of its base
    Index("first_evaluations", "id", sqlite_where=text("base_id IS NULL")),
)

series = Table(  # whose results are kept
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("check", String(80), nullable=False),
    Column("sync", String(80), nullable=False),  # empty for a check of the whole pipeline
    Index("one_series_per_check_and_sync", "check", "sync", unique=True),
)

results = Table(
    "results",
    metadata,
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("evaluation_id", Integer, primary_key=True, autoincrement=False),
    Column("outcome", String(20), nullable=False),
    Column("value", Float),
    sqlite_with_rowid=False,  # a tick has one of each check and sync: its key is most of a row
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False),
    Column("check", String(80), nullable=False),
    Column("sync", String(80)),
    Column("title", String(120), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("summary", Text, nullable=False),
    Column("value", Float),
    Column("limit", String(40)),
    Column("clear", String(40)),
    Column("helps", Text, nullable=False),
    Column("rerun", String(80)),
    Column("offers", JSON, nullable=False, server_default="[]"),
    Column("causes", JSON, nullable=False, server_default="[]"),
    Column("peak", Float),
    Column("runbook", String(120)),
    Column("source", String(20), nullable=False, server_default="databricks"),
    Column("channel", String(80), nullable=False),
    Column("acked_by", String(40)),
    Column("acked_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("snoozed_until", UtcDateTime),
    Column("snoozed_by", String(40)),
    Column("flapping_until", UtcDateTime),
    Column("thread_id", Integer),  # the incident whose root it shares
    Column("not_evaluated_since", UtcDateTime),
    Column("explained_by", String(120)),
    Column("measured_at", UtcDateTime),
    Column("examples", JSON, nullable=False, server_default="[]"),
    Index("one_open_incident_per_key", "key", unique=True, sqlite_where=text("resolved_at IS NULL")),
)

alerts = Table(
    "alerts",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("check", String(80), nullable=False),
    Column("sync", String(80)),
    Column("state", String(20), nullable=False),
    Column("severity", String(20)),
    Column("since", UtcDateTime),
    Column("milder_since", UtcDateTime),
    Column("eased_at", UtcDateTime),
    Column("resolved_at", UtcDateTime),
    Column("resolved_by", String(40)),
    Column("frozen_at", UtcDateTime),
    Column("incident_id", ForeignKey("incidents.id")),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("did", String(20), nullable=False),
    Column("by", String(40)),
    Column("detail", Text, nullable=False),
    # How its incident stood at that moment, for messages about it that are sent later.
    Column("severity", String(20)),
    Column("value", Float),
    Column("limit", String(40)),
    Column("summary", Text),
    Column("broadcast", Boolean, nullable=False, server_default="0"),
    Column("request", String(40)),
)

OPEN = "state IN ('requested', 'running', 'checking')"
actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sync", String(80), nullable=False),
    Column("incident_id", ForeignKey("incidents.id")),
    Column("by", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("latest_run_id", Integer, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("run_id", Integer),
    Column("run_status", String(20), nullable=False),
    Column("records_total", Integer),
    Column("records_updated", Integer),
    Column("records_failed", Integer),
    Column("records_invalid", Integer),
    Column("ended_at", UtcDateTime),
    Column("verdict", Text, nullable=False),
    Column("kind", String(20), nullable=False, server_default="rerun"),
    Column("full_sync", Boolean, nullable=False, server_default="0"),
    Column("resumes", Boolean, nullable=False, server_default="0"),
    Column("began_at", UtcDateTime),
    Column("counted_at", UtcDateTime),
    Column("rejections", JSON, nullable=False, server_default="[]"),
    Column("paused", JSON, nullable=False, server_default="[]"),
    Index("actions_of_sync", "sync", "id"),
    Index("actions_by_end", "ended_at"),
    Index(
        "one_open_action_per_sync_and_kind",
        "sync",
        "kind",
        unique=True,
        sqlite_where=text(OPEN),
    ),
)

watch = Table(
    "watch",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("completed_at", UtcDateTime),
    Column("scheduled_for", UtcDateTime),
    Column("message_id", String(40)),
    Column("channel", String(80)),
    Column("post_at", UtcDateTime),
    Column("not_before", UtcDateTime),
    Column("uncertain", Boolean, nullable=False),
    Column("error", Text),
)

workspace = Table(  # what is known of the Slack workspace
    "workspace",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("text_only_since", UtcDateTime),  # since when it refuses tables and charts
)

absences = Table(
    "absences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

maintenance = Table(  # windows in which nothing is sent to the channel; at most one has not ended
    "maintenance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("by", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(40)),
    Column("after_seq", Integer, nullable=False),  # the last message in the outbox when it began
)

reviews = Table(  # weekly reviews that were posted, as they were made
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
)

stakeholder_notes = Table(  # as somebody saw one before sending it
    "stakeholder_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("by", String(40), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Column("added", Text, nullable=False, server_default=""),
    Column("sent_at", UtcDateTime),
    sqlite_autoincrement=True,  # a dialog of one that is gone must not send another
)

# One row is one message in Slack: what it should show (wanted) and what it does show (sent). It holds no payload.
UNSENT = "wanted > sent"
outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("incident_id", ForeignKey("incidents.id")),  # none for a digest
    Column("thread_id", Integer),  # the incident that its thread is named after: messages of a thread go in order
    Column("kind", String(20), nullable=False),
    Column("action_id", ForeignKey("actions.id")),
    Column("absence_id", ForeignKey("absences.id")),
    Column("maintenance_id", ForeignKey("maintenance.id")),
    Column("entry_id", Integer),  # the line of the timeline that it is about
    Column("review_id", ForeignKey("reviews.id")),
    Column("stakeholder_note_id", ForeignKey("stakeholder_notes.id")),
    Column("channel", String(80), nullable=False),  # as configured
    Column("posted_in", String(80)),  # the id that Slack gave it
    Column("ts", String(40)),
    Column("wanted", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("sending_by", String(80)),
    Column("sending_until", UtcDateTime),
    Column("first_tried_at", UtcDateTime),  # this version; how far back a look-up has to go
    Column("doubtful", Boolean, nullable=False),
    Column("plain", Boolean, nullable=False, server_default="0"),  # refused in full, to be sent as plain text
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcDateTime),
    Column("error", Text),
    Index("unsent", "seq", sqlite_where=text(UNSENT)),
    Index("messages_of_thread", "thread_id", "kind"),
    Index("messages_of_incident", "incident_id", "kind"),
)

# A channel has a row while calls for it fail.
channels = Table(
    "channels",
    metadata,
    Column("name", String(80), primary_key=True),  # as configured
    Column("failures", Integer, nullable=False),  # in a row
    Column("not_before", UtcDateTime),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(80), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("since", UtcDateTime),  # when this holder took it
)

daily_jobs = Table(  # what was done for a local date
    "daily_jobs",
    metadata,
    Column("job", String(40), primary_key=True),
    Column("day", String(10), primary_key=True),  # YYYY-MM-DD in the pipeline's zone
    Column("at", UtcDateTime, nullable=False),
)

logged_runs = Table(  # up to when the completed runs of a Census sync stand in the audit log of the warehouse
    "logged_runs",
    metadata,
    Column("sync_id", BigInteger, primary_key=True, autoincrement=False),
    Column("until", UtcDateTime, nullable=False),
)

warehouse_usage = Table(  # statements sent to the warehouse
    "warehouse_usage",
    metadata,
    Column("day", String(10), primary_key=True),  # YYYY-MM-DD in the pipeline's zone
    Column("purpose", String(20), primary_key=True),
    Column("statements", Integer, nullable=False),
    Column("woke", Integer, nullable=False),
    Column("auto_stop_unknown", Integer, nullable=False),
    Column("auto_stop_off", Integer, nullable=False),
)

warehouse_awake = Table(  # from when to when it is awake because of the bot, at most; no two overlap
    "warehouse_awake",
    metadata,
    Column("begin", UtcDateTime, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
)

pages = Table(  # one row is one dedup key at one pager: what it was told, and the attempt that is under way
    "pages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("target", String(40), nullable=False),
    Column("key", String(255), nullable=False),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("severity", String(20)),
    Column("doubt", String(20)),
    Column("attempted", String(40), nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcDateTime),
    Column("unreachable", Boolean, nullable=False),
    Column("error", Text),
    Column("failed_at", UtcDateTime),
    Column("sending_by", String(80)),
    Column("sending_until", UtcDateTime),
    Index("one_page_per_key", "target", "key", unique=True),
)

outages = Table(  # since when until when Slack could not reach us
    "outages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

audit = Table(  # only ever added to: the migration has triggers that refuse anything else
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("user", String(40), nullable=False),
    Column("what", String(40), nullable=False),
    Column("target", String(255), nullable=False),
    Column("result", Text, nullable=False),
    Column("state", String(20)),  # none in rows of earlier versions
    Column("team", String(40)),
    Column("reason", Text, nullable=False, server_default=""),
    Column("before", Text, nullable=False, server_default=""),
    Column("after", Text, nullable=False, server_default=""),
    Column("reference", String(80), nullable=False, server_default=""),
    Index("audit_by_time", "at"),
)


def null_safe_equal(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    """What `=` is in SQL, but None equals None."""
    return column.is_(None) if value is None else column == value


def key_of(inserted: CursorResult[Any]) -> int:
    """The primary key of the one row that was inserted."""
    key: Any = inserted.inserted_primary_key
    return int(key[0])
