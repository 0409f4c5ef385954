"""Acknowledge the open incidents of a thread, take an acknowledgment over, or end it."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import AuditRow, Kind
from bot.ports import Ports, Records
from bot.services.authorise import open_in_thread

NOBODY = "unacknowledged"


class AcknowledgedError(RefusedError):
    """Somebody else has acknowledged it, and would have to be taken over from."""


def acknowledge(
    ports: Ports, incident_id: int, by: str, *, take_over: bool = True, team: str | None = None
) -> Incident:
    """Write who has acknowledged it and all that is open in its thread; the root says so to everybody.

    Whoever acknowledges again starts the time until it lapses again. Without `take_over` what others have acknowledged
    stays theirs: raises AcknowledgedError when nothing else is open, RefusedError when nothing is.
    """
    now = ports.clock.now()
    with ports.store.transaction() as records:
        still = open_in_thread(records, incident_id)
        mine = [one for one in still if take_over or one.acked_by in (None, by)]
        if not mine:
            others = sorted({one.acked_by for one in still if one.acked_by})
            raise AcknowledgedError("Already acknowledged by", people=tuple(others))
        for one in mine:
            _assign_to(records, one, by, now, team)
        records.enqueue(mine[0].id, Kind.ROOT)
        records.enqueue_answers(incident_id)
        shown = records.incident(next((one.id for one in mine if one.id == incident_id), mine[0].id))
        assert shown, "it was written just now"
        return shown


def unacknowledge(ports: Ports, incident_id: int, by: str, *, team: str | None = None) -> Incident:
    """Give back what is open in its thread, snooze included, so that it escalates again. Raises RefusedError."""
    now = ports.clock.now()
    with ports.store.transaction() as records:
        held = [one for one in open_in_thread(records, incident_id) if one.acked_by]
        if not held:
            raise RefusedError("Nobody has acknowledged this incident.")
        for one in held:
            records.save_incident(replace(one, acked_by=None, acked_at=None, snoozed_until=None, snoozed_by=None))
            records.note(one.id, Entry(now, Did.UNACKNOWLEDGED, by))
            of = f"incident {one.id}"
            was, before = f"was acknowledged by {one.acked_by}", _holder(one.acked_by)
            told = AuditRow(now, by, "unacknowledge", of, was, team=team, before=before, after=NOBODY, reference=of)
            records.audit(told)
        records.enqueue(held[0].id, Kind.ROOT)
        return next((one for one in held if one.id == incident_id), held[0])


def _assign_to(records: Records, incident: Incident, by: str, now: datetime, team: str | None) -> None:
    before = incident.acked_by
    records.save_incident(replace(incident, acked_by=by, acked_at=now))
    if before in (None, by):
        records.note(incident.id, Entry(now, Did.ACKNOWLEDGED, by))
    else:
        records.note(incident.id, Entry(now, Did.TAKEN_OVER, by, str(before)))
    result = f"taken over from {before}" if before and before != by else "done"
    of, was, now_is = f"incident {incident.id}", _holder(before), _holder(by)
    told = AuditRow(now, by, "acknowledge", of, result, team=team, before=was, after=now_is, reference=of)
    records.audit(told)


def _holder(by: str | None) -> str:
    """How it stood, or stands now, for the audit."""
    return f"acknowledged by {by}" if by else NOBODY
