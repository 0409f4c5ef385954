"""Snooze the open incidents of a thread, publicly."""

from dataclasses import replace
from datetime import timedelta

from bot.alerts.attention import LONGEST_SNOOZE
from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import Kind
from bot.ports import Ports
from bot.services.authorise import open_in_thread
from checks.model import parse_duration

SHORTEST = timedelta(minutes=15)


def snooze(ports: Ports, incident_id: int, span: str, by: str) -> list[Incident]:
    """No reminder and no escalation for this long, for all that is open in its thread. Raises RefusedError."""
    quiet, now = snooze_span(span), ports.clock.now()
    with ports.store.transaction() as records:
        still = open_in_thread(records, incident_id)
        snoozed = [replace(one, snoozed_until=now + quiet, snoozed_by=by) for one in still]
        for one in snoozed:
            records.save_incident(one)
            records.note(one.id, Entry(now, Did.SNOOZED, by, f"for {span}"))
            records.audit(now, by, "snooze", f"incident {one.id}", f"for {span}")
        records.enqueue(snoozed[0].id, Kind.ROOT)
        records.enqueue_answers(incident_id)
    return snoozed


def snooze_span(text: str) -> timedelta:
    """`2h`, between a quarter of an hour and a day. Raises RefusedError."""
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise RefusedError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    if not SHORTEST <= span <= LONGEST_SNOOZE:
        raise RefusedError("A snooze lasts from 15m to 24h.")
    return span
