"""Bring open incidents to mind again, in the transaction of the evaluation that found them still there."""

from dataclasses import replace

from bot.alerts.attention import Nudge, nudge
from bot.alerts.model import Did, Entry
from bot.model import Evaluation, Kind
from bot.ports import AlertRecords
from bot.settings import Settings
from checks.model import Severity

DID = {Nudge.REMIND: Did.REMINDED, Nudge.CALL: Did.CALLED, Nudge.LAPSE: Did.ACK_LAPSED}


def remind(records: AlertRecords, settings: Settings, evaluation: Evaluation) -> None:
    """Owe what is due, and keep in the timeline that it was; a thread is nudged once, however many share it.

    What was not measured, or is explained by something else, is not said to be still so.
    """
    owners, now = {check.name: check.owner for check in settings.checks}, evaluation.checked_at
    nudged: set[tuple[int, Nudge]] = set()
    for incident in records.open_incidents():
        if incident.snoozed_until and incident.snoozed_until <= now:
            records.save_incident(replace(incident, snoozed_until=None, snoozed_by=None))
            records.owe(incident.id, Kind.ROOT)
    for incident in sorted(records.open_incidents(), key=lambda one: one.severity is not Severity.CRITICAL):
        due = None if incident.not_evaluated_since else nudge(incident, now)
        if due is None:
            continue
        about = {Nudge.CALL: owners.get(incident.check), Nudge.LAPSE: incident.acked_by}.get(due)
        records.note(incident.id, Entry(now, DID[due], about))
        if due is Nudge.LAPSE:
            records.save_incident(replace(incident, acked_by=None, acked_at=None))
            records.owe(incident.id, Kind.ROOT)
        if (incident.thread, due) not in nudged:
            nudged.add((incident.thread, due))
            records.owe(incident.id, Kind.REMINDER)
