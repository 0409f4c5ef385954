"""Somebody takes an incident."""

from dataclasses import replace

from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import Kind
from bot.ports import Ports


def acknowledge(ports: Ports, incident_id: int, by: str) -> Incident:
    """Write who has it, and all that share its thread; the root says so to everybody.

    Raises RefusedError when it is over, or somebody has it already.
    """
    now = ports.clock.now()
    with ports.store.transaction() as records:
        incident = records.incident(incident_id)
        if incident is None or incident.resolved_at:
            raise RefusedError("This incident is resolved already.")
        free = [one for one in records.incidents_beside(incident) if not one.resolved_at and not one.acked_by]
        if incident.acked_by and not free:
            raise RefusedError("It is taken already, by", people=(incident.acked_by,))
        for one in free:
            records.save_incident(replace(one, acked_by=by, acked_at=now))
            records.note(one.id, Entry(now, Did.ACKNOWLEDGED, by))
            records.audit(now, by, "acknowledge", f"incident {one.id}", "done")
        records.owe(incident_id, Kind.ROOT)
        return replace(incident, acked_by=by, acked_at=now)
