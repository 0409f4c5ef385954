"""Alert records in memory, for --dry-run and --replay: nothing is kept."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.alerts.model import Action, Alert, Entry, Incident, Maintenance, State
from bot.model import Evaluation, Kind
from bot.ports import AlertRecords


class InMemoryRecords:
    """ports.AlertRecords in memory, over what is `known` already, which is only read."""

    def __init__(self, known: AlertRecords | None = None) -> None:
        self._alerts: dict[str, Alert] = {}
        self._incidents = {incident.id: incident for incident in known.open_incidents()} if known else {}
        self._known = known

    def alert(self, key: str) -> Alert | None:
        return self._alerts.get(key) or (self._known.alert(key) if self._known else None)

    def read_alerts(self, keys: Collection[str]) -> None:
        if self._known:
            self._known.read_alerts(keys)

    def waiting_alerts(self) -> list[Alert]:
        """Those that wait for a timer, moved here or known before."""
        known = self._known.waiting_alerts() if self._known else []
        alerts = {alert.key: alert for alert in known} | self._alerts
        timed = (State.PENDING, State.RECOVERING)
        return [alert for alert in alerts.values() if alert.state in timed or alert.resolved_by]

    def save_alert(self, alert: Alert) -> None:
        self._alerts[alert.key] = alert

    def move_values(self, check: str, to_check: str, to_sync: str) -> None:
        """Nothing is kept."""

    def create_incident(self, incident: Incident) -> Incident:
        created = replace(incident, id=-1 - len(self._incidents))  # no id of the database
        self._incidents[created.id] = created
        return created

    def save_incident(self, incident: Incident) -> None:
        timeline = self._incidents[incident.id].timeline
        self._incidents[incident.id] = replace(incident, timeline=timeline)

    def note(self, incident_id: int, entry: Entry) -> None:
        incident = self._incidents[incident_id]
        self._incidents[incident_id] = replace(incident, timeline=(*incident.timeline, entry))

    def incident(self, incident_id: int) -> Incident | None:
        if incident_id not in self._incidents and self._known and (found := self._known.incident(incident_id)):
            self._incidents[incident_id] = found
        return self._incidents.get(incident_id)

    def note_each(self, lines: Sequence[tuple[int, Entry]]) -> None:
        for incident_id, entry in lines:
            self.note(incident_id, entry)

    def open_incidents(self, *, keys: Collection[str] | None = None, most: int | None = None) -> list[Incident]:
        opened = [incident for incident in self._incidents.values() if incident.resolved_at is None]
        return [incident for incident in opened if keys is None or incident.key in keys][:most]

    def incidents_beside(self, incident: Incident) -> list[Incident]:
        return [one for one in self._incidents.values() if one.thread == incident.thread]

    def open_actions(self) -> list[Action]:
        return self._known.open_actions() if self._known else []

    def latest_pause(self, sync: str) -> Action | None:
        return self._known.latest_pause(sync) if self._known else None

    def maintenance(self) -> Maintenance | None:
        return self._known.maintenance() if self._known else None

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Nothing is kept."""

    def enqueue(self, incident_id: int, kind: Kind, *, action_id: int | None = None) -> None:
        """Nothing is said."""

    def enqueue_reminders(self, incident_ids: Sequence[int]) -> None:
        """Nothing is said."""

    def enqueue_edits(self, threads: Collection[int]) -> None:
        """Nothing is said."""

    def enqueue_answers(self, incident_id: int) -> None:
        """Nothing is said."""
