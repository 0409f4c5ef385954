"""Escalate, remind, and let acknowledgments lapse, in the transaction of the evaluation."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from bot.alerts.attention import Nudge, is_flapping, is_snoozed, nudge
from bot.alerts.model import Did, Entry, Incident
from bot.config.settings import Settings
from bot.model import Kind
from bot.ports import AlertRecords
from checks.model import Severity

DID = {Nudge.REMIND: Did.REMINDED, Nudge.CALL: Did.CALLED, Nudge.WARN: Did.ACK_LAPSES, Nudge.LAPSE: Did.ACK_LAPSED}


def remind(
    records: AlertRecords,
    settings: Settings,
    now: datetime,
    evaluated: Collection[str],
    others: Sequence[Incident] = (),
) -> None:
    """Enqueue what is due, and keep in the timeline that it was; a thread is nudged once, however many share it.

    Of the `others` that are open, whose key was not `evaluated` just now, and of incidents that something else
    explains, nothing is said; their snoozes end anyway.
    """
    for one in others:
        _without_ended_overlays(records, one, now)
    opened = [_without_ended_overlays(records, one, now) for one in records.open_incidents(keys=evaluated)]
    if records.maintenance():  # nobody would hear of it: escalations, warnings and lapses wait for its end
        return
    rerunning = {action.by for action in records.open_actions()}
    nudged: dict[tuple[int, Nudge, str | None], int] = {}  # by thread, and whom of its incidents the message is about
    lines: list[tuple[int, Entry]] = []
    edited: set[int] = set()  # threads
    for incident in sorted(opened, key=lambda one: one.severity is not Severity.CRITICAL):
        if incident.not_evaluated_since:
            continue
        due = nudge(incident, now, settings.zone, rerunning=incident.acked_by in rerunning)
        if due is None:
            continue
        about = _whom(incident, due, settings)
        lines.append((incident.id, Entry(now, DID[due], about, broadcast=due is Nudge.CALL)))
        if due is Nudge.LAPSE:
            records.save_incident(replace(incident, acked_by=None, acked_at=None))
        if due in (Nudge.LAPSE, Nudge.CALL):  # its root says who has it, or when it escalates next
            edited.add(incident.thread)
        nudged.setdefault((incident.thread, due, about), incident.id)
    records.note_each(lines)
    records.enqueue_edits(edited)
    records.enqueue_reminders(list(dict.fromkeys(nudged.values())))


def _without_ended_overlays(records: AlertRecords, before: Incident, now: datetime) -> Incident:
    """Take off a snooze that has ended, and the mark of what flaps no more; the root says so."""
    after = before
    if before.snoozed_until and not is_snoozed(before, now):
        after = replace(after, snoozed_until=None, snoozed_by=None)
    if before.flapping_until and not is_flapping(before, now):
        after = replace(after, flapping_until=None)
    if after is not before:
        records.save_incident(after)
        records.enqueue(after.id, Kind.ROOT)
    return after


def _whom(incident: Incident, due: Nudge, settings: Settings) -> str | None:
    """The user or user group that the message mentions."""
    if due is Nudge.CALL:
        return settings.owner_of(incident.check, incident.sync)
    return incident.acked_by
