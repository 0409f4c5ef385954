"""Census' answers parsed and verified: documents become our runs, syncs and records; personal data is not read."""

from datetime import UTC, datetime
from typing import TypeVar

from bot.alerts.rejections import Rejection
from bot.facts import Run, RunStatus, Schedule, Sync
from bot.sanitize import redact, sanitize

STATUSES = {status.value: status for status in RunStatus} | {"canceled": RunStatus.CANCELLED}
EARLIEST, LATEST = 1971, 2100  # years: outside of them a time is none, or a mistake
LARGEST = 2**63 - 1  # what a database holds
LABEL, WORD, MESSAGE = 100, 40, 4000  # the most characters of a name, of one of Census' own words, of a rejection
UNSAID = object()

T = TypeVar("T")
Document = dict[str, object]


def read_run(row: Document) -> Run:
    """A run; raises ValueError where it lacks what a run cannot be without."""
    tag = document(row.get("sync_trigger_reason")).get("ui_tag")  # never ui_detail: it can name a person
    trigger = redact(tag, WORD) if isinstance(tag, str) else ""
    status = STATUSES.get(str(row.get("status")).casefold(), RunStatus.UNKNOWN)
    invalid = whole(row.get("records_invalid"))
    code = row.get("error_code")
    error = row.get("error_message") or code
    return Run(
        id=_needed(identity(row.get("id")), "id"),
        sync_id=_needed(identity(row.get("sync_id")), "sync_id"),
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
        error=redact(error) if isinstance(error, str) else None,
        error_code=redact(code, WORD) if isinstance(code, str) else None,
    )


def read_sync(row: Document) -> Sync:
    """A sync with its schedule, newer or older form; raises ValueError where it does not say when it runs."""
    sync_id = _needed(identity(row.get("id")), "id")
    mode = document(row.get("mode"))
    newer = document(document(mode.get("triggers")).get("schedule"))
    prefix, fields = ("", newer) if newer.get("frequency") else ("schedule_", row)
    frequency = _frequency(fields.get(f"{prefix}frequency", None if mode else UNSAID))
    day, cron, paused = fields.get(f"{prefix}day"), fields.get("cron_expression"), row.get("paused")
    schedule = Schedule(
        frequency=sanitize(frequency, WORD).casefold(),
        paused=_needed(paused if isinstance(paused, bool) else None, "paused"),  # taken for False it would look healthy
        hour=whole(fields.get(f"{prefix}hour")),
        minute=whole(fields.get(f"{prefix}minute")),
        day=sanitize(str(day), WORD) if day is not None else None,
        cron=sanitize(str(cron), LABEL) if cron is not None else None,
        triggers=_triggers(mode),
    )
    label = sanitize(str(row.get("label") or f"sync {sync_id}"), LABEL)
    status = sanitize(str(row.get("status") or ""), WORD)
    return Sync(id=sync_id, label=label, status=status.casefold(), schedule=schedule)


def _frequency(said: object) -> str:
    """One of Census' words, or a new one; null is `never`, and what is not said at all is not guessed."""
    return "never" if said is None else _needed(said if isinstance(said, str) and said else None, "its schedule")


def _triggers(mode: Document) -> tuple[str, ...]:
    """What starts a sync besides its schedule; members of the union that are not known here by their own names."""
    others = [name for name, value in document(mode.get("triggers")).items() if value and name != "schedule"]
    live = ["live"] if str(mode.get("type")).casefold() == "live" else []
    return tuple(sanitize(name, WORD) for name in (*live, *others))


def read_rejection(row: Document) -> Rejection:
    """A record without its payload, which is dropped before anybody can read it."""
    identifier, message = row.get("identifier"), row.get("status_message")
    return Rejection(
        identifier="" if identifier is None else sanitize(str(identifier), LABEL),  # null where that is what is wrong
        status=sanitize(str(row.get("status")), WORD).casefold(),
        message=sanitize(message, MESSAGE) if isinstance(message, str) else "",
    )


def document(value: object) -> Document:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def whole(value: object) -> int | None:
    """The value if it is a whole number that counts or names something: `true`, -3 and 10**20 are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST else None


def identity(value: object) -> int | None:
    """The value if it can name something: 0 is not the id of anything."""
    return whole(value) or None


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(str(value))
    if at.year < EARLIEST:
        return None  # a zero time stands for none
    if at.year > LATEST:
        raise ValueError(f"a time in the year {at.year}")
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _needed(value: T | None, field: str) -> T:
    if value is None:
        raise ValueError(f"{field} is missing")
    return value
