"""Somebody asks for quiet about an incident, for a while and publicly."""

from dataclasses import replace
from datetime import timedelta

from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import Kind
from bot.ports import Ports
from checks.model import parse_duration

SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)


def snooze(ports: Ports, incident_id: int, span: str, by: str) -> Incident:
    """No reminder and no escalation for this long; everything else goes on. Raises RefusedError."""
    try:
        quiet = parse_duration(span)
    except ValueError as error:
        raise RefusedError(f"I {error}.") from error
    if not SHORTEST <= quiet <= LONGEST:
        raise RefusedError("An incident can be snoozed for 15m to 24h.")
    now = ports.clock.now()
    with ports.store.transaction() as records:
        incident = records.incident(incident_id)
        if incident is None or incident.resolved_at:
            raise RefusedError("This incident is resolved already.")
        snoozed = replace(incident, snoozed_until=now + quiet, snoozed_by=by)
        records.save_incident(snoozed)
        records.note(incident_id, Entry(now, Did.SNOOZED, by, f"for {span}"))
        records.owe(incident_id, Kind.ROOT)
        records.audit(now, by, "snooze", f"incident {incident_id}", f"for {span}")
    return snoozed
