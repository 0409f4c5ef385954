"""When an open incident escalates or is reminded of, and when an acknowledgment lapses: pure, from its timeline."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import takewhile

from bot.alerts.model import ENDS, Did, Entry, Incident, State
from bot.alerts.timetable import due_after, lies_ahead
from checks.model import Severity

ESCALATE_EVERY = timedelta(minutes=15)  # a critical incident that is unacknowledged
OFTEN = 4  # escalations at that pace; whoever has not heard those is reminded every hour, however long it lasts
ESCALATE_LATER_EVERY = timedelta(hours=1)
REMIND_EVERY = timedelta(hours=4)  # a warning that is unacknowledged
REMIND_FOR = timedelta(hours=24)  # afterwards the daily summary lists it
WORKDAY = (time(8), time(18))  # reminders, Monday to Friday, in the pipeline's zone
ACK_LASTS = timedelta(hours=4)  # of a critical incident
WARN_BEFORE = timedelta(minutes=10)  # its holder
ACK_OF_A_WARNING_ENDS = time(9)  # on the next business day, in the pipeline's zone
LONGEST_SNOOZE = timedelta(hours=24)
BROADCAST_EVERY = timedelta(minutes=15)  # of one thread
FLAPPING, FLAPPING_WITHIN = 3, timedelta(hours=6)  # re-opens

SAID = {
    Did.OPENED,
    Did.REOPENED,
    Did.STILL_FIRING,
    Did.ESCALATED,
    Did.EASED,
    Did.REMINDED,
    Did.CALLED,
    Did.ACK_LAPSED,
    Did.MAINTENANCE_ENDED,
}
BEGINS = {
    Did.OPENED,
    Did.REOPENED,
    Did.STILL_FIRING,
    Did.ESCALATED,
    Did.RETURNED,
    Did.ACK_LAPSED,
    Did.UNACKNOWLEDGED,
    Did.MAINTENANCE_ENDED,
}  # from here on nobody has acknowledged it
TAKEN = {Did.ACKNOWLEDGED, Did.TAKEN_OVER}
NUDGES = {Did.REMINDED, Did.CALLED, Did.ACK_LAPSES, Did.ACK_LAPSED}
ANSWERS = TAKEN | {Did.UNACKNOWLEDGED, Did.SNOOZED}


class Nudge(StrEnum):
    """What is due."""

    REMIND = "remind"
    CALL = "call"  # escalate: mention the owner, in the channel
    WARN = "warn"  # tell its holder that the acknowledgment is about to lapse
    LAPSE = "lapse"


def nudge(incident: Incident, now: datetime, zone: tzinfo = UTC, *, rerunning: bool = False) -> Nudge | None:
    """What is due for this incident now; `rerunning`: its holder has a rerun in progress, which an ack outlasts."""
    due = next_nudge(incident, now, zone, rerunning=rerunning)
    if due is None or now < due[0]:
        return None
    return due[1] if due[1] is not Nudge.REMIND or _may_remind(incident, now, zone) else None


def next_nudge(
    incident: Incident, now: datetime, zone: tzinfo = UTC, *, rerunning: bool = False
) -> tuple[datetime, Nudge] | None:
    """What comes next and when, as far as nothing else happens; None while it is snoozed, recovering or resolved."""
    if incident.state is not State.FIRING or is_snoozed(incident, now):
        return None
    critical = incident.severity is Severity.CRITICAL
    if incident.acked_at:
        return None if rerunning else _end_of_ack(incident, incident.acked_at, now, zone)
    if critical:
        return due_after(_last(incident, BEGINS | {Did.CALLED}), escalation_pause(incident), now), Nudge.CALL
    return due_after(_last(incident, SAID), REMIND_EVERY, now), Nudge.REMIND


def escalations(incident: Incident) -> int:
    """How often it was escalated since it is critical and unacknowledged."""
    since = (entry.did for entry in reversed(incident.timeline) if entry.did in BEGINS | {Did.CALLED})
    return sum(1 for _ in takewhile(lambda did: did is Did.CALLED, since))


def escalation_pause(incident: Incident) -> timedelta:
    """From now, or from the latest escalation, to the next."""
    return ESCALATE_EVERY if escalations(incident) < OFTEN else ESCALATE_LATER_EVERY


def next_escalation(incident: Incident) -> datetime | None:
    """When it escalates next, as far as nothing else happens; None where nobody has to be found."""
    critical = incident.state is State.FIRING and incident.severity is Severity.CRITICAL
    if not critical or incident.acked_at or incident.snoozed_until or incident.not_evaluated_since:
        return None
    return _last(incident, BEGINS | {Did.CALLED}) + escalation_pause(incident)


def is_snoozed(incident: Incident, now: datetime) -> bool:
    """Whether somebody asked for neither reminder nor escalation now."""
    return lies_ahead(incident.snoozed_until, now, LONGEST_SNOOZE)


def is_answered(incident: Incident) -> bool:
    """Whether somebody acted on the newest reminder or escalation before it was sent, so that it need not be."""
    return answer(incident) is not None


def answer(incident: Incident) -> Entry | None:
    """What followed the newest reminder or escalation: what somebody did about it, or its end."""
    latest = next((entry for entry in reversed(incident.timeline) if entry.did in NUDGES | ANSWERS | ENDS), None)
    return latest if latest and latest.did not in NUDGES else None


def acknowledged_again(incident: Incident) -> bool:
    """Whether its newest acknowledgment is by the one who held it already, so that nothing shows but its later end."""
    latest = [entry for entry in incident.timeline if entry.did in TAKEN | BEGINS][-2:]
    return len({entry.by for entry in latest}) < len(latest) and all(entry.did in TAKEN for entry in latest)


def ack_lasts_until(incident: Incident, zone: tzinfo) -> datetime | None:
    """When its acknowledgment lapses, as far as nothing else happens."""
    if incident.acked_at is None:
        return None
    critical = incident.severity is Severity.CRITICAL
    return incident.acked_at + ACK_LASTS if critical else _next_business_morning(incident.acked_at, zone)


def is_flapping(incident: Incident, now: datetime) -> bool:
    """Whether it re-opens so often that its replies say nothing any more."""
    return lies_ahead(incident.flapping_until, now, FLAPPING_WITHIN)


def flapping_until(incident: Incident, now: datetime) -> datetime | None:
    """Until when an incident flaps that re-opens now: from the third time in six hours on, six hours each time."""
    reopened = (entry.at for entry in incident.timeline if entry.did is Did.REOPENED)
    recent = [at for at in reopened if lies_ahead(at + FLAPPING_WITHIN, now, FLAPPING_WITHIN)]
    return now + FLAPPING_WITHIN if is_flapping(incident, now) or len(recent) + 1 >= FLAPPING else None


def may_broadcast(thread: Iterable[Incident], now: datetime) -> bool:
    """Whether a reply may be sent to the channel too: one in 15 minutes, which escalations neither heed nor use up."""
    sent = (e.at for one in thread for e in one.timeline if e.broadcast and e.did is not Did.CALLED)
    return not any(lies_ahead(at + BROADCAST_EVERY, now, BROADCAST_EVERY) for at in sent)


def snoozed_as_warning(incident: Incident) -> bool:
    """Whether its snooze was asked for while it was a warning, so that it ends when the incident turns critical."""
    latest = (e.did for e in reversed(incident.timeline) if e.did in (Did.SNOOZED, Did.EASED))
    return next(latest, None) is Did.SNOOZED


def _end_of_ack(incident: Incident, acked_at: datetime, now: datetime, zone: tzinfo) -> tuple[datetime, Nudge]:
    if incident.severity is not Severity.CRITICAL:
        return due_after(acked_at, _next_business_morning(acked_at, zone) - acked_at, now), Nudge.LAPSE
    warned_at = _warned_at(incident)
    if warned_at is None:
        return due_after(acked_at, ACK_LASTS - WARN_BEFORE, now), Nudge.WARN
    return max(due_after(acked_at, ACK_LASTS, now), due_after(warned_at, WARN_BEFORE, now)), Nudge.LAPSE


def _warned_at(incident: Incident) -> datetime | None:
    """When its holder was warned, unless they have acknowledged or ended a rerun since."""
    for entry in reversed(incident.timeline):
        if entry.did is Did.ACK_LAPSES:
            return entry.at
        if entry.did in TAKEN or (entry.did is Did.RUN_ENDED and entry.by == incident.acked_by):
            return None
    return None


def _may_remind(incident: Incident, now: datetime, zone: tzinfo) -> bool:
    local = now.astimezone(zone)
    at_work = local.weekday() < 5 and WORKDAY[0] <= local.time() < WORKDAY[1]
    return at_work and now - incident.opened_at < REMIND_FOR and not is_flapping(incident, now)


def _next_business_morning(after: datetime, zone: tzinfo) -> datetime:
    day = after.astimezone(zone).date() + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, ACK_OF_A_WARNING_ENDS, zone).astimezone(UTC)


def _last(incident: Incident, kinds: set[Did]) -> datetime:
    """When the newest line of these kinds was written; its beginning where there is none.

    The newest is the last one, whatever its time: the clock may have been set back since the line before.
    """
    return next((entry.at for entry in reversed(incident.timeline) if entry.did in kinds), incident.opened_at)
