"""Census' documents → our runs, syncs and records; what must not be known is not read."""

import re
from datetime import UTC, datetime
from typing import TypeVar

from bot.alerts.rejections import Rejection
from bot.model import Run, RunStatus, Schedule, Sync

STATUSES = {status.value: status for status in RunStatus} | {"canceled": RunStatus.CANCELLED}
# What must not reach a message or a log: payloads, links (they can be signed), e-mail addresses.
UNSAYABLE = re.compile(r"\{.*|\w+://\S+|\S+@\S+", re.DOTALL)

T = TypeVar("T")
Document = dict[str, object]


def read_run(row: Document) -> Run:
    """A run; raises ValueError where it lacks what a run cannot be without."""
    tag = document(row.get("sync_trigger_reason")).get("ui_tag")  # never ui_detail: it can name a person
    trigger = sayable(tag) if isinstance(tag, str) else ""
    status = STATUSES.get(str(row.get("status")).casefold(), RunStatus.UNKNOWN)
    invalid = whole(row.get("records_invalid"))
    error = row.get("error_message") or row.get("error_code")
    return Run(
        id=_needed(whole(row.get("id")), "id"),
        sync_id=_needed(whole(row.get("sync_id")), "sync_id"),
        status=RunStatus.CANCELLED if row.get("canceled") is True else status,  # it can be `completed` beside that
        dry_run=trigger.casefold() == "dry run",
        trigger=trigger,
        created_at=_needed(_time(row.get("created_at")), "created_at"),
        completed_at=_time(row.get("completed_at")),
        records_total=whole(row.get("source_record_count")),
        records_processed=whole(row.get("records_processed")),
        records_updated=whole(row.get("records_updated")),
        records_failed=whole(row.get("records_failed")),
        records_invalid=invalid if invalid is not None else whole(row.get("source_record_invalids")),
        error=sayable(error) if isinstance(error, str) else None,
    )


def read_sync(row: Document) -> Sync:
    """A sync with its schedule, newer or older form; raises ValueError where it does not say whether it is paused."""
    sync_id = _needed(whole(row.get("id")), "id")
    mode = document(row.get("mode"))
    newer = document(document(mode.get("triggers")).get("schedule"))
    prefix, fields = ("", newer) if newer.get("frequency") else ("schedule_", row)
    frequency = fields.get(f"{prefix}frequency") or ("continuous" if mode.get("type") == "live" else "never")
    day, cron, paused = fields.get(f"{prefix}day"), fields.get("cron_expression"), row.get("paused")
    schedule = Schedule(
        frequency=str(frequency).casefold(),
        paused=_needed(paused if isinstance(paused, bool) else None, "paused"),  # taken for False it would look healthy
        hour=whole(fields.get(f"{prefix}hour")),
        minute=whole(fields.get(f"{prefix}minute")),
        day=str(day) if day is not None else None,
        cron=str(cron) if cron is not None else None,
    )
    label, status = str(row.get("label") or f"sync {sync_id}"), str(row.get("status") or "")
    return Sync(id=sync_id, label=label, status=status.casefold(), schedule=schedule)


def read_rejection(row: Document) -> Rejection:
    """A record without its payload, which is dropped before anybody can read it."""
    identifier, message = row.get("identifier"), row.get("status_message")
    return Rejection(
        identifier="" if identifier is None else str(identifier),  # null where that is what is wrong
        status=str(row.get("status")).casefold(),
        message=message if isinstance(message, str) else "",
    )


def document(value: object) -> Document:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def whole(value: object) -> int | None:
    """The value if it is a whole number: `true` is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sayable(text: str) -> str:
    """Their words without what must not reach a message or a log."""
    return " ".join(UNSAYABLE.sub("…", text).split())[:300]


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(str(value))
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _needed(value: T | None, field: str) -> T:
    if value is None:
        raise ValueError(f"{field} is missing")
    return value
