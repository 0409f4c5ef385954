"""Maintenance windows: nothing is sent to the channel meanwhile, everything is recorded, and the end is summarised."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import ITSELF, Did, Entry, Maintenance
from bot.alerts.timetable import lies_ahead
from bot.errors import RefusedError
from bot.model import AuditRow
from bot.ports import Ports, Records
from bot.services.snooze import snooze_span, until_in_words


def begin_maintenance(ports: Ports, span: str, reason: str, by: str, *, team: str | None = None) -> Maintenance:
    """Hold messages back for this long; a window that is on goes on until then instead. Raises RefusedError."""
    now = ports.clock.now()
    fresh = Maintenance(0, now, now + snooze_span(span), by, reason)
    with ports.store.transaction() as records:
        current = records.maintenance()
        if current:
            window = replace(fresh, id=current.id, since=current.since)
            records.save_maintenance(window)
        else:
            window = records.create_maintenance(fresh)
        records.enqueue_maintenance(window, ports.settings.channel)  # that it is on; at its end, what it held back
        zone = ports.settings.zone
        before = until_in_words(current.until, zone) if current else "no window"
        told = _row(ports, window, by, f"begun for {span}", team, before, until_in_words(window.until, zone))
        records.audit(replace(told, reason=reason))
    return window


def end_maintenance(ports: Ports, by: str, *, team: str | None = None) -> Maintenance:
    """End it before its time. Raises RefusedError when none is on."""
    now = ports.clock.now()
    with ports.store.transaction() as records:
        window = records.maintenance()
        if window is None:
            raise RefusedError("No maintenance window is on.")
        return _close_window(records, ports, replace(window, ended_at=now, ended_by=by), team)


def end_due_maintenance(ports: Ports) -> bool:
    """End a window whose time is over; says whether there was one."""
    now = ports.clock.now()
    with ports.store.snapshot() as records:
        if _expired_window(records, now) is None:
            return False
    with ports.store.transaction() as records:
        window = _expired_window(records, now)
        if window is None:  # somebody ended it or made it longer meanwhile
            return False
        _close_window(records, ports, replace(window, ended_at=min(window.until, now)))
    return True


def _expired_window(records: Records, now: datetime) -> Maintenance | None:
    """The window that is on and should not be any more."""
    window = records.maintenance()
    return None if window is None or lies_ahead(window.until, now, window.until - window.since) else window


def _close_window(records: Records, ports: Ports, window: Maintenance, team: str | None = None) -> Maintenance:
    """Nobody was alerted to what is still open: its clock of escalations and reminders begins again."""
    now, by = ports.clock.now(), window.ended_by or ITSELF
    records.save_maintenance(window)
    for incident in records.open_incidents():
        records.note(incident.id, Entry(now, Did.MAINTENANCE_ENDED, window.ended_by))
    records.drop_held(window)
    records.enqueue_maintenance(window, ports.settings.channel)
    before = until_in_words(window.until, ports.settings.zone)
    records.audit(_row(ports, window, by, "ended", team, before, "ended"))
    return window


def _row(
    ports: Ports, window: Maintenance, by: str, result: str, team: str | None, before: str, after: str
) -> AuditRow:
    """What the audit says of a change to a window."""
    of = f"window {window.id}"
    now = ports.clock.now()
    return AuditRow(now, by, "maintenance", of, result, team=team, before=before, after=after, reference=of)
