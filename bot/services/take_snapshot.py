"""Take an audit snapshot: one row of the audit log, never changed afterwards (idempotent by its id)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from math import inf, nextafter
from uuid import uuid4

from bot.answers import Snapshot, SnapshotNumbers
from bot.errors import PermanentError, RefusedError, TemporaryError
from bot.ports import Ports, Sources
from bot.services.ask_warehouse import HEALTH
from checks.model import Limit
from checks.numbers import duration

log = logging.getLogger(__name__)

SNAPSHOTS = "measure/snapshots"
COOL_DOWN = timedelta(minutes=5)  # of the pipeline's time: a second press returns the first snapshot
LEASE = 330.0  # real seconds, more than its four statements take: how long a press that died keeps others from pressing
SCHEDULED_BY = "sync-health"


def local_day(ports: Ports, at: datetime | None = None) -> date:
    """The date at the pipeline: today's, or that of a moment."""
    return (at or ports.clock.now()).astimezone(ports.settings.zone).date()


def daily_id(day: date) -> str:
    """The id of the snapshot that stands for a local date."""
    return f"daily_snapshot_{day:%Y%m%d}"


def take_snapshot(ports: Ports, by: str, *, day: date | None = None) -> Snapshot:
    """Take the snapshot of a local date, or one by hand. One that is there is returned as it is.

    Raises RefusedError while somebody else takes one by hand, TemporaryError and PermanentError as the warehouse does.
    """
    if day:
        return _take_once(ports, by, daily_id(day))
    holder = uuid4().hex
    if not ports.store.take_lease("snapshot", holder, ports.clock, LEASE):
        raise RefusedError("Somebody is taking a snapshot at this very moment. Look again in a few minutes.")
    try:
        return _take_once(ports, by, _by_hand(ports))
    finally:
        ports.store.release_lease("snapshot", holder)


def dry_run_snapshot(sources: Sources, by: str) -> Snapshot:
    """What one by hand would say; nothing is written. Raises as the warehouse does."""
    [now] = sources.warehouse.ask(HEALTH)
    valid, there = now["rds_with_sfdc_id"], now["salesforce_rows"]
    gap = coverage = None  # as the log has them
    if isinstance(valid, int) and isinstance(there, int) and valid and there:
        gap, coverage = valid - there, round(100 * there / valid, 2)
    audit_id = _by_hand(sources)
    found = _read_log(sources, audit_id)
    existed = _exists(found, audit_id)
    numbers = _numbers({**now, "rds_to_sf_gap": gap, "coverage_percentage": coverage})
    taken = Snapshot(audit_id, sources.clock.now(), by, numbers, existed=existed, dry_run=True)
    return _after(taken, found[1:] if existed else found)


def _by_hand(sources: Sources) -> str:
    """The id of the one that was taken by hand a moment ago, or a new one."""
    now = sources.clock.now()
    recent = _ask_log(sources, "measure/snapshot_by_hand", since=now - COOL_DOWN, now=now)
    return str(recent[0]["audit_id"]) if recent else f"manual_snapshot_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _take_once(ports: Ports, by: str, audit_id: str) -> Snapshot:
    found = _read_log(ports, audit_id)
    existed = _exists(found, audit_id)
    if not existed:
        settings = ports.settings
        ports.warehouse.do(
            "populate_audit_log",
            audit_id=audit_id,
            execution_timestamp=ports.clock.now(),
            executed_by=by,
            zone=settings.zone.key,
            coverage_warn=_threshold(ports, "warn"),
            coverage_critical=_threshold(ports, "critical"),
        )
        found = _read_log(ports, audit_id)
        if not _exists(found, audit_id):
            raise TemporaryError(f"the warehouse took {audit_id} and does not show it")
    this = found[0]
    foreign = _foreign(ports, by, this) if existed else None
    if foreign:
        log.warning("%s: %s", audit_id, foreign)
    with ports.store.transaction() as records:
        result = "it is there already" if existed else "taken"
        records.audit(ports.clock.now(), by, "snapshot", audit_id, foreign or result)
    author, numbers = str(this["executed_by"]), _numbers(this)
    return _after(Snapshot(audit_id, taken_at(this), author, numbers, existed=existed, foreign=foreign), found[1:])


def _after(taken: Snapshot, previous: Sequence[Mapping[str, object]]) -> Snapshot:
    """With the one before, where there is one."""
    if not previous:
        return taken
    return replace(taken, previous_id=str(previous[0]["audit_id"]), previous=_numbers(previous[0]))


def _foreign(ports: Ports, by: str, row: Mapping[str, object]) -> str | None:
    """What is wrong with a daily row that is there: another author, or a time before its own date.

    A job of the team that names its rows by UTC takes the next day's id on the evening before.
    """
    audit_id, author, at = str(row["audit_id"]), str(row["executed_by"]), taken_at(row)
    ours = author in (by, SCHEDULED_BY) and daily_id(local_day(ports, at)) >= audit_id
    if ours or not audit_id.startswith("daily"):
        return None
    age = duration(max(timedelta(0), ports.clock.now() - at))
    return f"this ID is taken by a row of {author}, written {age} ago; the snapshot of this date was not written"


def _read_log(sources: Sources, audit_id: str) -> list[dict[str, object]]:
    return _ask_log(sources, SNAPSHOTS, audit_id=audit_id, now=sources.clock.now(), most=2)


def _ask_log(sources: Sources, question: str, **parameters: object) -> list[dict[str, object]]:
    try:
        return sources.warehouse.ask(question, **parameters)
    except PermanentError as error:
        raise PermanentError(f"{error} (`sync-health deploy` creates the audit log)") from error


def _exists(found: list[dict[str, object]], audit_id: str) -> bool:
    return bool(found) and found[0]["audit_id"] == audit_id


def _numbers(row: Mapping[str, object]) -> SnapshotNumbers:
    return SnapshotNumbers(**{field.name: row[field.name] for field in fields(SnapshotNumbers)})  # type: ignore[arg-type]


def _threshold(ports: Ports, severity: str) -> float | None:
    """What coverage must not fall below, which the snapshot's status is judged by; None where nothing is too low."""
    limit = getattr(ports.settings.check_called("coverage"), severity, None)
    if not isinstance(limit, Limit) or "<" not in limit.comparison:
        return None
    return limit.number if limit.comparison == "<" else nextafter(limit.number, inf)


def taken_at(row: Mapping[str, object]) -> datetime:
    """When the snapshot of a row of the audit log was taken."""
    at = row["execution_timestamp"]
    assert isinstance(at, datetime), at
    return at
