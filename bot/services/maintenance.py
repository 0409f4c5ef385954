"""Maintenance windows: nothing is sent to the channel meanwhile, everything is recorded, and the end is summarised."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import Did, Entry, Maintenance
from bot.alerts.timetable import lies_ahead
from bot.errors import RefusedError
from bot.ports import Ports, Records
from bot.services.snooze import snooze_span


def begin_maintenance(ports: Ports, span: str, reason: str, by: str) -> Maintenance:
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
        records.audit(now, by, "maintenance", f"window {window.id}", f"for {span}: {reason}")
    return window


def end_maintenance(ports: Ports, by: str) -> Maintenance:
    """End it before its time. Raises RefusedError when none is on."""
    now = ports.clock.now()
    with ports.store.transaction() as records:
        window = records.maintenance()
        if window is None:
            raise RefusedError("No maintenance window is on.")
        return _close_window(records, replace(window, ended_at=now, ended_by=by), now, ports.settings.channel)


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
        _close_window(records, replace(window, ended_at=min(window.until, now)), now, ports.settings.channel)
    return True


def _expired_window(records: Records, now: datetime) -> Maintenance | None:
    """The window that is on and should not be any more."""
    window = records.maintenance()
    return None if window is None or lies_ahead(window.until, now, window.until - window.since) else window


def _close_window(records: Records, window: Maintenance, now: datetime, channel: str) -> Maintenance:
    """Nobody was alerted to what is still open: its clock of escalations and reminders begins again."""
    records.save_maintenance(window)
    for incident in records.open_incidents():
        records.note(incident.id, Entry(now, Did.MAINTENANCE_ENDED, window.ended_by))
    records.drop_held(window)
    records.enqueue_maintenance(window, channel)
    records.audit(now, window.ended_by or "sync-health", "maintenance", f"window {window.id}", "ended")
    return window
