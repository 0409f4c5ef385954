"""All that is known of one incident, for a post-mortem: read from the state alone."""

from datetime import datetime, timedelta

from bot.alerts.incident_figures import figures_of
from bot.alerts.model import Incident
from bot.answers.history import PostMortem
from bot.ports import Records, Store
from bot.services.show_incident import incident_called

AROUND = timedelta(hours=1)  # before it opened and after it was over
MOST_VALUES = 3000  # ten days of one every five minutes; of an incident that lasted longer the latest
MOST_BESIDE = 100  # incidents of a shared thread


def show_post_mortem(store: Store, now: datetime, incident_id: str) -> PostMortem:
    """Of the incident of this id, resolved or not. Raises RefusedError for an unknown one."""
    with store.snapshot() as records:
        incident = incident_called(records, incident_id)
        beside = records.incidents_beside(incident)
        asked = [*records.actions_of(incident.id)]
        asked += records.actions_of(incident.thread) if incident.thread != incident.id else []
        values = _values_around(records, incident, now)
    begun = max(now, incident.opened_at)  # a clock that was set back since
    figures = figures_of(incident, begun)
    assert figures, "it opened by then"
    others = tuple(one.id for one in beside if one.id != incident.id)[:MOST_BESIDE]
    actions = tuple(sorted(asked, key=lambda one: (one.requested_at, one.id)))
    return PostMortem(incident, figures, begun, actions, values, others)


def _values_around(records: Records, incident: Incident, now: datetime) -> tuple[tuple[datetime, float], ...]:
    until = min(now, (incident.resolved_at or now) + AROUND)
    found = records.values_between(incident.check, incident.sync, incident.opened_at - AROUND, until)
    return found[-MOST_VALUES:]
