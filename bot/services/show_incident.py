"""The open incidents, and the one that somebody means."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.alerts.attention import is_snoozed
from bot.alerts.model import Incident
from bot.errors import RefusedError
from bot.model import Place
from bot.ports import Ports, Records
from bot.services.authorise import find_incident, open_in_thread


def show_incidents(ports: Ports, most: int) -> tuple[int, list[Incident], Mapping[int, Place]]:
    """How many are not over; the oldest of them, without snoozes that have ended; and where their threads begin."""
    now = ports.clock.now()
    with ports.store.snapshot() as records:
        oldest = [as_it_stands(one, now) for one in records.open_incidents(most=most)]
        return records.count_open(), oldest, records.roots_of([one.id for one in oldest])


def incident_meant(ports: Ports, incident_id: str) -> Incident:
    """The incident of this id, resolved or not; without one, the only thread that is open. Raises RefusedError."""
    with ports.store.snapshot() as records:
        if incident_id:
            return incident_called(records, incident_id)
        incidents = records.open_incidents()
    if len({incident.thread for incident in incidents}) != 1:
        numbers = ", ".join(str(incident.id) for incident in incidents[:20])
        raise RefusedError(f"Which incident? Open: {numbers}." if incidents else "No incident is open.")
    return incidents[0]


def open_incidents_beside(ports: Ports, incident_id: int) -> list[Incident]:
    """All that is open in an incident's thread, itself first where it is. Raises RefusedError when nothing is."""
    with ports.store.snapshot() as records:
        still = open_in_thread(records, incident_id)
    return sorted(still, key=lambda one: one.id != incident_id)


def incident_called(records: Records, incident_id: str) -> Incident:
    """The incident of a number as people write it: `7`, `#7`, `7.`. Raises RefusedError for an unknown one."""
    incident = find_incident(records, incident_id.strip().removeprefix("#").rstrip(".,:;"))
    if incident is None:
        raise RefusedError(f"There is no incident “{incident_id[:20]}”. /sync-health incidents lists the open ones.")
    return incident


def as_it_stands(incident: Incident, now: datetime) -> Incident:
    """Without a snooze that has ended."""
    return incident if is_snoozed(incident, now) else replace(incident, snoozed_until=None, snoozed_by=None)
