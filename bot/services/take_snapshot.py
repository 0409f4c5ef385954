"""Take an audit snapshot: one row of the audit log, never changed afterwards (idempotent by its id)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import inf, nextafter
from uuid import uuid4

from bot.alerts.model import ITSELF
from bot.answers.history import Snapshot
from bot.config.environment import NONE
from bot.config.settings import Settings
from bot.errors import RefusedError, TemporaryError
from bot.model import AuditRow, AuditState, Evaluation
from bot.ports import Ports, Sources
from bot.services.ask_warehouse import ask_warehouse
from bot.services.audit_log import SEPARATOR, SNAPSHOTS, Row, note, numbers_in, read_log, taken_at
from bot.services.audited import add_row, audited
from bot.services.measure import measure
from bot.services.observe import require_act_mode
from bot.services.warehouse_numbers import Numbers
from checks.forms import Limit
from checks.model import Check
from checks.numbers import duration

log = logging.getLogger(__name__)

POPULATE = "populate_audit_log"
COOL_DOWN = timedelta(minutes=5)  # of the pipeline's time: a second press returns the first snapshot
LEASE = 330.0  # real seconds, more than its four statements take: how long a press that died keeps others from pressing
SCHEDULED_BY = ITSELF
JOB = "sync-health snapshot job"  # of the bundle, next to a bot or in its place (sql/bundle/snapshot_row.sql)


def local_day(ports: Ports, at: datetime | None = None) -> date:
    """The date at the pipeline: today's, or that of a moment."""
    return (at or ports.clock.now()).astimezone(ports.settings.zone).date()


def daily_id(day: date) -> str:
    """The id of the snapshot that stands for a local date."""
    return f"daily_snapshot_{day:%Y%m%d}"


def take_snapshot(ports: Ports, by: str, *, day: date | None = None, team: str | None = None) -> Snapshot:
    """Take the snapshot of a local date, or one by hand. One that is there is returned as it is.

    Raises RefusedError in observe mode and while somebody else takes one by hand, else as the warehouse does.
    """
    require_act_mode(ports.settings)
    refuse_without_log(ports.settings)
    if day:
        return _take_once(ports, by, daily_id(day), team)
    holder = uuid4().hex
    if not ports.store.take_lease("snapshot", holder, ports.clock, LEASE):
        raise RefusedError("Somebody is taking a snapshot at this very moment. Look again in a few minutes.")
    try:
        return _take_once(ports, by, _by_hand(ports), team)
    finally:
        ports.store.release_lease("snapshot", holder)


def refuse_without_log(settings: Settings) -> None:
    """Raises RefusedError where a snapshot has no place."""
    if not settings.has_warehouse:
        raise RefusedError(f"There is no audit log: {NONE}.")
    if settings.deploy_to is None:
        raise RefusedError("There is no audit log: deploy_to in pipeline.yml names the catalog.schema where it goes.")


def dry_run_snapshot(sources: Sources, by: str) -> Snapshot:
    """What one by hand would say; nothing is written. Raises as the warehouse does."""
    refuse_without_log(sources.settings)
    audit_id = _by_hand(sources)
    found = _read_snapshots(sources, audit_id)
    existed = _exists(found, audit_id)
    measured, before = (
        ask_warehouse(sources, own_statements=False),
        numbers_in(found[0], sources.settings) if found else {},
    )
    if not measured.reached:
        raise TemporaryError(next(iter(measured.errors.values())))
    names = before or [name for name in measured.row if not name.endswith("/oldest")]
    numbers = {name: _as_logged(measured, name) for name in names}
    taken = Snapshot(audit_id, sources.clock.now(), by, numbers, existed=existed, dry_run=True)
    return _after(taken, found[1:] if existed else found, sources.settings)


def _as_logged(measured: Numbers, name: str) -> float | None:
    """A number as the log would have it: that of the column `logged_…` where the two differ, below zero or not."""
    value = measured.row.get(f"logged_{name}", measured.row.get(name))
    return value if isinstance(value, int | float) else measured.value(name)


def _by_hand(sources: Sources) -> str:
    """The id of the one that was taken by hand a moment ago, or a new one."""
    now = sources.clock.now()
    recent = read_log(sources, "measure/snapshot_by_hand", since=now - COOL_DOWN, now=now)
    return str(recent[0]["audit_id"]) if recent else f"manual_snapshot_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _take_once(ports: Ports, by: str, audit_id: str, team: str | None) -> Snapshot:
    asked = AuditRow(ports.clock.now(), by, "snapshot", audit_id, "taken", team=team, reference=audit_id)
    found = _read_snapshots(ports, audit_id)
    existed = _exists(found, audit_id)
    if not existed:
        with audited(ports, asked) as ended:
            found = _write(ports, by, audit_id)
            ended.result = asked.result
    this = found[0]
    foreign = _foreign(ports, by, this) if existed else None
    if foreign:
        log.warning("%s: %s", audit_id, foreign)
    if existed:
        state = AuditState.FAILED if foreign else AuditState.SUCCEEDED
        add_row(ports, replace(asked, result=foreign or "it is there already", state=state))
    author, numbers = str(this["executed_by"]), numbers_in(this, ports.settings)
    taken = Snapshot(audit_id, taken_at(this), author, numbers, existed=existed, foreign=foreign)
    return _after(taken, found[1:], ports.settings)


def _write(ports: Ports, by: str, audit_id: str) -> list[dict[str, object]]:
    """Write it, and read it back with the one before."""
    given = {"audit_id": audit_id, "execution_timestamp": ports.clock.now(), "executed_by": by}
    ports.warehouse.do(POPULATE, **given, **_what_it_says(ports))
    found = _read_snapshots(ports, audit_id)
    if not _exists(found, audit_id):
        raise TemporaryError(f"the warehouse took {audit_id} and does not show it")
    return found


def _what_it_says(ports: Ports) -> Mapping[str, object]:
    """What the pipeline's own statement is given to judge by; without one, what was measured, in words."""
    if POPULATE not in ports.settings.statements:
        return _generic_notes(ports.settings, measure(ports))
    return thresholds_of_snapshot(ports.settings)


def thresholds_of_snapshot(settings: Settings) -> Mapping[str, str | float | None]:
    """The zone and the thresholds that the pipeline's own statement judges by; None where there is none."""
    checks = {check.name: check for check in settings.checks}
    thresholds = {
        f"{name}_{severity}": _threshold(checks.get(name), severity)
        for name in {*settings.files, *checks}  # one that is switched off has none, and the statement names it
        for severity in ("warn", "critical")
    }
    return {"zone": settings.zone.key, **thresholds}


def _generic_notes(settings: Settings, evaluation: Evaluation) -> Mapping[str, object]:
    """`Contacts/backlog: 12 | Contacts/success_rate: 98.5 | nameless: 3`, by metric; what is not known is left out."""
    numbers: dict[str, float | None] = {}
    for sync in evaluation.syncs:
        numbers[f"{sync.name}/backlog"] = sync.queue
        numbers[f"{sync.name}/suspect_records"] = sync.suspicious
        numbers[f"{sync.name}/success_rate"] = sync.success_rate
    metrics = {check.name: check.metric for check in settings.checks}
    numbers |= {metrics[result.check]: result.value for result in evaluation.results if result.sync is None}
    known = [note(name, value) for name, value in numbers.items() if value is not None]
    return {"notes": SEPARATOR.join(known) or None}


def _after(taken: Snapshot, previous: Sequence[Row], settings: Settings) -> Snapshot:
    """With the one before, where there is one."""
    if not previous:
        return taken
    return replace(taken, previous_id=str(previous[0]["audit_id"]), previous=numbers_in(previous[0], settings))


def _foreign(ports: Ports, by: str, row: Row) -> str | None:
    """What is wrong with a daily row that is there: another author, or a time before its own date.

    A job of the team that names its rows by UTC takes the next day's id on the evening before.
    """
    audit_id, author, at = str(row["audit_id"]), str(row["executed_by"]), taken_at(row)
    ours = author in (by, SCHEDULED_BY, JOB) and daily_id(local_day(ports, at)) >= audit_id
    if ours or not audit_id.startswith("daily"):
        return None
    age = duration(max(timedelta(0), ports.clock.now() - at))
    return f"this ID is taken by a row of {author}, written {age} ago; the snapshot of this date was not written"


def _read_snapshots(sources: Sources, audit_id: str) -> list[dict[str, object]]:
    return read_log(sources, SNAPSHOTS, audit_id=audit_id, now=sources.clock.now(), most=2)


def _exists(found: list[dict[str, object]], audit_id: str) -> bool:
    return bool(found) and found[0]["audit_id"] == audit_id


def _threshold(check: Check | None, severity: str) -> float | None:
    """What a value must not fall below, which the snapshot's status is judged by; None where nothing is too low."""
    limit = getattr(check, severity, None)
    if not isinstance(limit, Limit) or "<" not in limit.comparison:
        return None
    return limit.number if limit.comparison == "<" else nextafter(limit.number, inf)
