"""Write a note into the timeline and the thread of an incident, open or resolved."""

from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import AuditRow, Kind
from bot.ports import Ports
from bot.sanitize import sanitize
from bot.services.authorise import was_requested

LONGEST_NOTE = 500


def add_note(
    ports: Ports, incident_id: int, text: str, by: str, *, request: str | None = None, team: str | None = None
) -> Incident:
    """Keep what somebody wrote, on one line; a `request` that comes again is the same note. Raises RefusedError."""
    line, now = sanitize(text.strip(), LONGEST_NOTE + 1), ports.clock.now()
    if not line:
        raise RefusedError("Write what to note.")
    if len(line) > LONGEST_NOTE:
        raise RefusedError(f"A note has up to {LONGEST_NOTE} characters.")
    with ports.store.transaction() as records:
        incident = records.incident(incident_id)
        if incident is None:
            raise RefusedError(f"There is no incident {incident_id}.")
        if was_requested([incident], request):
            return incident
        records.note(incident.id, Entry(now, Did.NOTED, by, line, request=request))
        of = f"incident {incident.id}"
        records.audit(AuditRow(now, by, "note", of, "added", team=team, reference=of))
        records.enqueue(incident.id, Kind.NOTE)
    return incident
