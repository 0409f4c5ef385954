"""The open incidents, and the timeline of one."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.attention import is_snoozed
from bot.alerts.model import Action, Incident
from bot.errors import RefusedError
from bot.model import Place
from bot.ports import Ports, Records
from bot.services.authorise import find_incident, open_in_thread


def show_incidents(ports: Ports, most: int) -> tuple[int, list[tuple[Incident, Place | None]]]:
    """How many are not over, and the oldest of them with where their threads begin, without snoozes that have ended."""
    now = ports.clock.now()
    with ports.store.snapshot() as records:
        shown = [(as_it_stands(one, now), records.root_of(one.id)) for one in records.open_incidents(most=most)]
        return records.count_open(), shown


def show_incident(ports: Ports, incident_id: str) -> tuple[Incident, list[Action]]:
    """One with its timeline, over or not, and what was done about it. Raises RefusedError for an unknown one."""
    with ports.store.snapshot() as records:
        incident = incident_called(records, incident_id)
        return incident, records.actions_of(incident.id)


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
