"""Bring open incidents to mind again, in the transaction of the evaluation that found them still there."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.attention import Nudge, nudge
from bot.alerts.model import Did, Entry, Incident
from bot.ports import Evaluation, Kind, Records
from bot.settings import Settings

DID = {Nudge.REMIND: Did.REMINDED, Nudge.CALL: Did.CALLED, Nudge.LAPSE: Did.ACK_LAPSED}


def remind(records: Records, settings: Settings, evaluation: Evaluation) -> None:
    """Owe what is due, and keep in the timeline that it was. What was not measured is not said to be still so."""
    owners, now = {check.name: check.owner for check in settings.checks}, evaluation.checked_at
    unknown = {(result.check, result.sync) for result in evaluation.results if result.value is None}
    for incident in records.open_incidents():
        if (incident.check, incident.sync) not in unknown and (due := nudge(incident, now)):
            _nudge(records, incident, due, owners.get(incident.check), now)


def _nudge(records: Records, incident: Incident, due: Nudge, owner: str | None, now: datetime) -> None:
    about = {Nudge.CALL: owner, Nudge.LAPSE: incident.acked_by}.get(due)
    if due is Nudge.LAPSE:
        records.save_incident(replace(incident, acked_by=None, acked_at=None))
        records.owe(incident.id, Kind.ROOT)
    records.note(incident.id, Entry(now, DID[due], about))
    records.owe(incident.id, Kind.REMINDER)
