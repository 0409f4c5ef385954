"""Twice a day: the validation at night, which speaks through alerts alone, and the daily summary in the morning."""

from datetime import date, datetime, time, timedelta

from bot.alerts.model import ITSELF
from bot.alerts.timetable import latest_due
from bot.model import AuditRow
from bot.ports import Ports
from bot.services.run_checks import Checker

VALIDATION, DIGEST = "validation", "digest"  # their names among the daily jobs
LATEST = timedelta(hours=12)  # what was missed by half a day is no news any more


def run_due_validation(ports: Ports, checker: Checker) -> bool:
    """Evaluate at its time of the night, the warehouse where that is worth it; says whether it was due still."""
    day = due_day(ports, VALIDATION, ports.settings.schedule.digest, LATEST)
    if day is None:
        return False
    checker.run(join=False, thrifty=True)
    with ports.store.transaction() as records:
        records.mark_done(VALIDATION, day, ports.clock.now())
    return True


def send_due_digest(ports: Ports, checker: Checker) -> bool:
    """Evaluate and enqueue the summary of the latest local date on which it was due; says whether it was still due."""
    day = due_day(ports, DIGEST, ports.settings.schedule.summary, LATEST)
    if day is None:
        return False
    evaluation = checker.run(join=False, thrifty=True)
    with ports.store.transaction() as records:
        if records.was_done(DIGEST, day):  # by another process meanwhile
            return False
        records.mark_done(DIGEST, day, ports.clock.now())
        records.enqueue_digest(ports.settings.channel)
        records.audit(AuditRow(ports.clock.now(), ITSELF, "digest", str(day), "sent", after=str(evaluation.outcome)))
    return True


def due_day(ports: Ports, name: str, at: time, latest: timedelta = timedelta.max) -> date | None:
    """The local date for which this is due and not done; none `latest` afterwards, or where no bot was running yet."""
    return undone(ports, name, *latest_due(at, ports.clock.now(), ports.settings.zone), latest)


def undone(ports: Ports, name: str, day: date, due: datetime, latest: timedelta) -> date | None:
    """The local date, where what was due on it at that moment is not done: see `due_day`."""
    now = ports.clock.now()
    if now - due > latest:
        return None
    with ports.store.snapshot() as records:
        at_work_since = records.first_look()
        late = at_work_since is None or due < at_work_since <= now
        return None if late or records.was_done(name, day) else day
