"""Snooze the open incidents of a thread, publicly."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.attention import LONGEST_SNOOZE, is_snoozed
from bot.alerts.model import Did, Entry, Incident
from bot.errors import RefusedError
from bot.model import AuditRow, Kind
from bot.ports import Ports
from bot.sanitize import sanitize
from bot.services.authorise import open_in_thread, was_requested
from checks.forms import parse_duration

SHORTEST = timedelta(minutes=15)
MORNING = time(9)  # in the pipeline's zone
LONGEST_REASON = 300


def snooze(
    ports: Ports,
    incident_id: int,
    span: str,
    by: str,
    *,
    team: str | None = None,
    reason: str = "",
    request: str | None = None,
) -> list[Incident]:
    """No reminder and no escalation for this long, for all that is open in its thread. Raises RefusedError.

    `span` is a duration (`2h`) or the moment when it ends, in ISO 8601. A `request` that comes again changes nothing.
    """
    now, zone = ports.clock.now(), ports.settings.zone
    until, words = _end_of_snooze(span, now, zone)
    why = sanitize(reason.strip(), LONGEST_REASON)
    with ports.store.transaction() as records:
        still = open_in_thread(records, incident_id)
        if was_requested(still, request):
            return still
        snoozed = [replace(one, snoozed_until=until, snoozed_by=by) for one in still]
        for was, one in zip(still, snoozed, strict=True):
            records.save_incident(one)
            records.note(one.id, Entry(now, Did.SNOOZED, by, f"{words}: {why}" if why else words, request=request))
            of = f"incident {one.id}"
            before, after = (_in_words(stood, now, zone) for stood in (was, one))
            told = AuditRow(now, by, "snooze", of, f"snoozed {words}", team=team, reason=why, reference=of)
            records.audit(replace(told, before=before, after=after))
        records.enqueue(snoozed[0].id, Kind.ROOT)
        records.enqueue_answers(incident_id)
    return snoozed


def next_morning(now: datetime, zone: ZoneInfo) -> datetime:
    """The next 9:00 in the pipeline's zone that a snooze can last until, in UTC."""
    day = (now + SHORTEST).astimezone(zone)
    days = timedelta(days=1) if day.time() > MORNING else timedelta(0)
    morning = datetime.combine(day.date() + days, MORNING, zone).astimezone(UTC)
    return min(morning, now + LONGEST_SNOOZE)  # a day on which clocks go back has 25 hours


def until_in_words(until: datetime, zone: ZoneInfo) -> str:
    """`until 2026-03-02 12:00 UTC`, in the pipeline's zone."""
    return f"until {until.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _end_of_snooze(span: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, str]:
    """When it ends, and how the timeline says it."""
    try:
        until = datetime.fromisoformat(span)
    except ValueError:
        return now + snooze_span(span), f"for {span}"
    if until.tzinfo is None or not now < until <= now + LONGEST_SNOOZE:
        raise RefusedError("This time has passed, or is more than 24h ahead. Open the dialog again.")
    return until, until_in_words(until, zone)


def _in_words(incident: Incident, now: datetime, zone: ZoneInfo) -> str:
    """Whether it is snoozed and by whom, for the audit."""
    if incident.snoozed_until is None or not is_snoozed(incident, now):
        return "not snoozed"
    return f"snoozed {until_in_words(incident.snoozed_until, zone)} by {incident.snoozed_by}"


def snooze_span(text: str) -> timedelta:
    """`2h`, between a quarter of an hour and a day. Raises RefusedError."""
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise RefusedError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    if not SHORTEST <= span <= LONGEST_SNOOZE:
        raise RefusedError("A snooze lasts from 15m to 24h.")
    return span
