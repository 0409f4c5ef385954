"""Somebody takes an incident."""

from dataclasses import replace

from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.ports import Kind, Ports


def acknowledge(ports: Ports, incident_id: int, by: str) -> Incident:
    """Write who has it; the root says so to everybody. Raises RefusedError when somebody has it already."""
    now = ports.clock.now()
    with ports.store.transaction() as records:
        incident = records.incident(incident_id)
        if incident is None or incident.resolved_at:
            raise RefusedError("This incident is resolved already.")
        if incident.acked_by:
            raise RefusedError("It is taken already, by", people=(incident.acked_by,))
        taken = replace(incident, acked_by=by, acked_at=now)
        records.save_incident(taken)
        records.note(incident_id, Entry(now, Did.ACKNOWLEDGED, by))
        records.owe(incident_id, Kind.ROOT)
        records.audit(now, by, "acknowledge", f"incident {incident_id}", "done")
        return taken
