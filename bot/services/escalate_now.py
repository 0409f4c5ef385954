"""Escalate an incident to its owner now, because somebody asks for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.model import Did, Entry, Incident, State
from bot.alerts.timetable import lies_ahead
from bot.errors import RefusedError
from bot.model import AuditRow, Kind
from bot.ports import Ports, Records
from bot.services.authorise import open_in_thread
from checks.model import Severity
from checks.numbers import duration

PAUSE = timedelta(minutes=5)  # between two escalations of one incident, whoever or whatever asks


@dataclass(frozen=True)
class Escalation:
    """Which incident was escalated, and to whom: None where its check has no owner."""

    incident: Incident
    owner: str | None


def escalate_now(ports: Ports, incident_id: int, by: str, *, team: str | None = None) -> Escalation:
    """Mention the owner in the channel, whether it is acknowledged, snoozed or neither. Raises RefusedError.

    Where the incident itself does not fire any more, the worst one of its thread that does is escalated.
    """
    now, settings = ports.clock.now(), ports.settings
    with ports.store.transaction() as records:
        incident = _firing_in_thread(records, incident_id)
        _require_audience(records, settings.zone)
        _require_pause(incident, now)
        owner = settings.owner_of(incident.check, incident.sync)
        records.note(incident.id, Entry(now, Did.CALLED, owner, by, broadcast=True))
        of, whom = f"incident {incident.id}", f"mentioned {owner or 'nobody: its check has no owner'}"
        records.audit(AuditRow(now, by, "escalate", of, whom, team=team, reference=of))
        records.enqueue(incident.id, Kind.REMINDER)
        records.enqueue(incident.id, Kind.ROOT)
    return Escalation(incident, owner)


def _firing_in_thread(records: Records, incident_id: int) -> Incident:
    firing = [one for one in open_in_thread(records, incident_id) if one.state is State.FIRING]
    if not firing:
        raise RefusedError("This incident is recovering, so there is nothing to escalate.")
    if firing[0].is_test:
        raise RefusedError("A test alert is escalated with `sync-health test-alert --escalate`.")
    return min(firing, key=lambda one: (one.id != incident_id, one.severity is not Severity.CRITICAL, one.id))


def _require_audience(records: Records, zone: ZoneInfo) -> None:
    if window := records.maintenance():
        until = f"{window.until.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        raise RefusedError(
            f"A maintenance window is on until {until}, and nothing is sent to the channel meanwhile. "
            "/sync-health snooze all end ends it."
        )


def _require_pause(incident: Incident, now: datetime) -> None:
    last = next((entry for entry in reversed(incident.timeline) if entry.did is Did.CALLED), None)
    if last and lies_ahead(last.at + PAUSE, now, PAUSE):
        whom = (last.by,) if last.by else ()
        ago = f"{duration(now - last.at)} ago"
        words = f"It was escalated {ago}, and may be again 5 min after that"
        raise RefusedError(f"{words}. It mentioned" if whom else f"{words}.", people=whom)
