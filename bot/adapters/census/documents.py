"""Census' answers, which become our runs, syncs and records: what is personal in them is not read."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bot.adapters.documents import MISSING, Document, fits, read
from bot.alerts.rejections import IDENTIFIER, Rejection
from bot.facts import Run, RunStatus, Schedule, Sync
from bot.sanitize import redact, sanitize

STATUSES = {status.value: status for status in RunStatus if status is not RunStatus.UNKNOWN}
STATUSES |= {"canceled": RunStatus.CANCELLED}
FREQUENCIES = ("never", "continuous", "quarter_hourly", "hourly", "daily", "weekly", "expression")
EARLIEST, LATEST = 1971, 2100  # years: outside of them a time is none, or a mistake
LARGEST = 2**63 - 1  # what a database holds
LABEL, WORD, MESSAGE = 100, 40, 4000  # the most characters of a name, of one of Census' own words, of a rejection


def _read_time(value: object) -> object:
    if value is None or value is MISSING:
        return value
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(redact(str(error))) from None
    if at.year > LATEST:
        raise ValueError(f"a time in the year {at.year}")
    return None if at.year < EARLIEST else at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)  # a zero time is none


Id = Annotated[int, Field(gt=0, le=LARGEST), fits("a whole number")]
Count = Annotated[int | None, Field(ge=0, le=LARGEST), fits("a whole number or null", None)]
Text = Annotated[str | None, fits("a string or null", None)]


class TriggerReason(Document):
    """Why a run was started; never read `ui_detail`, which can name a person."""

    ui_tag: Annotated[str, fits("a string", "")]


class RunDocument(Document):
    """A run, with the names that our Run has."""

    id: Id
    sync_id: Id
    status: Annotated[str, fits("a word", "", STATUSES)]
    canceled: Annotated[bool | None, fits("true or false or null", None)]
    created_at: Annotated[datetime, BeforeValidator(_read_time), fits("a string")]
    completed_at: Annotated[datetime | None, BeforeValidator(_read_time), fits("a string or null", None)]
    records_total: Annotated[Count, Field(alias="source_record_count")]
    records_processed: Count
    records_updated: Count
    records_failed: Count
    records_invalid: Count
    source_record_invalids: Count = None
    error: Annotated[Text, Field(alias="error_message")]
    error_code: Text = None
    full_sync: Annotated[bool | None, fits("true or false or null", None)] = None
    reason: Annotated[TriggerReason, Field(alias="sync_trigger_reason")]


class SyncDocument(Document):
    """A sync with the older form of its schedule; null is `never`, and what is not said at all is not guessed."""

    id: Id
    label: Text
    status: Annotated[str, fits("a string", "")]
    paused: Annotated[bool, fits("true or false")]  # taken for false, what is missing would look healthy
    schedule_frequency: Annotated[
        str | None, Field(min_length=1), fits("a word", known=FREQUENCIES, called="its schedule")
    ]
    updated_at: Annotated[datetime | None, BeforeValidator(_read_time), fits("a string or null", None)] = None
    schedule_day: Annotated[str | int | None, fits("a string or a whole number or null", None)]
    schedule_hour: Count
    schedule_minute: Count
    cron_expression: Text = None


class RecordDocument(Document):
    """A record of a run; its payload is dropped before anybody can read it."""

    identifier: Annotated[str | int | None, fits("a string or a whole number or null", None)]
    status: Annotated[str, fits("a string", "None")]
    status_message: Text


class RecordCount(Document):
    """How many records of a run there are."""

    record_count: Annotated[int, Field(ge=0, le=LARGEST), fits("a whole number")]


class Pages(Document):
    """Which page of a list it is."""

    page: Annotated[int, fits("a whole number", 0)]
    next_page: Count
    total_records: Annotated[int, fits("a whole number", 0)]


class Triggered(Document):
    """The run that was started."""

    sync_run_id: Id


def read_run(row: object) -> Run:
    """A run; raises ValueError where it lacks what a run cannot be without."""
    found = read(RunDocument, row)
    trigger, error, code = redact(found.reason.ui_tag, WORD), found.error or found.error_code, found.error_code
    if found.records_invalid is None:
        found.records_invalid = found.source_record_invalids
    status = STATUSES.get(found.status.casefold(), RunStatus.UNKNOWN)
    said: dict[str, Any] = {
        "status": RunStatus.CANCELLED if found.canceled else status,  # it can be `completed` beside that
        "full_sync": bool(found.full_sync),
        "dry_run": trigger.casefold() == "dry run",
        "trigger": trigger,
        "error": None if error is None else redact(error),
        "error_code": None if code is None else redact(code, WORD),
    }
    return Run(**{field.name: getattr(found, field.name) for field in fields(Run) if field.name not in said}, **said)


def read_sync(row: object) -> Sync:
    """A sync with its schedule, newer or older form; raises ValueError where it does not say when it runs."""
    older = document(row)
    mode = document(older.get("mode"))
    triggers = document(mode.get("triggers"))
    if (newer := document(triggers.get("schedule"))).get("frequency"):
        said = {f"schedule_{name}": newer.get(name) for name in ("frequency", "day", "hour", "minute")}
        older = older | said | {"cron_expression": newer.get("cron_expression")}
    found = read(SyncDocument, ({"schedule_frequency": None} if mode else {}) | older)
    live = ["live"] if str(mode.get("type")).casefold() == "live" else []
    others = [name for name, value in triggers.items() if value and name != "schedule"]  # also those not known here
    schedule = Schedule(
        frequency=sanitize(found.schedule_frequency or "never", WORD).casefold(),
        paused=found.paused,
        hour=found.schedule_hour,
        minute=found.schedule_minute,
        day=None if found.schedule_day is None else sanitize(str(found.schedule_day), WORD),
        cron=None if found.cron_expression is None else sanitize(found.cron_expression, LABEL),
        triggers=tuple(sanitize(name, WORD) for name in (*live, *others)),
        follows=_sync_before(triggers.get("sync_sequence")),
    )
    label, status = sanitize(found.label or f"sync {found.id}", LABEL), sanitize(found.status, WORD)
    return Sync(found.id, label, status.casefold(), schedule, found.updated_at)


def _sync_before(said: object) -> int | None:
    """The sync that `sync_sequence` names, by its id in one of the forms that are plausible; None where it names none.

    Only `{"sync_id": 502}` is documented; of several syncs in a list none is the one.
    """
    named = said.get("sync_id", said.get("id")) if isinstance(said, dict) else said
    if isinstance(named, list) and len(named) == 1:
        return _sync_before(named[0])
    digits = named if isinstance(named, str) and named.isascii() and named.isdigit() and len(named) < 20 else ""
    number = int(digits) if digits else named
    return number if type(number) is int and 0 < number <= LARGEST else None


def read_rejection(row: object) -> Rejection:
    """A record without its payload; it has no identifier where that is what is wrong."""
    found = read(RecordDocument, row)
    return Rejection(
        identifier="" if found.identifier is None else sanitize(str(found.identifier), IDENTIFIER),
        status=sanitize(found.status, WORD).casefold(),
        message=sanitize(found.status_message or "", MESSAGE),
    )


def document(value: object) -> dict[str, object]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
