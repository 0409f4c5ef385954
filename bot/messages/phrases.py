"""Phrases that several messages say of an incident."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.alerts.model import SEVERITIES, Did, Entry, Incident
from bot.facts import Schedule
from bot.messages.text import (
    ICONS,
    as_of,
    by_whom,
    code,
    day_and_time,
    escape,
    number,
    person,
    threshold,
    time_of_day,
    with_sync,
)
from bot.model import Evaluation
from checks.numbers import duration

FREQUENCIES = {
    "continuous": "continuously",
    "quarter_hourly": "every 15 minutes",
    "hourly": "every hour",
    "daily": "every day",
    "weekly": "every week",
    "expression": "on a cron schedule",
}
TRIGGERS = {
    "sync_sequence": "after another sync",
    "fivetran": "after a Fivetran sync",
    "dbt_cloud": "after a dbt Cloud job",
    "live": "live",
}
MORE_OPEN = "… and {} more: `/sync-health incidents`"  # of what is open than a list shows
TIME_TO_ACKNOWLEDGE, TIME_TO_RECOVER = "Time to acknowledge (MTTA)", "Time to recover (MTTR)"  # see WindowFigures
STEPS = {
    Did.ACKNOWLEDGED: "Acknowledged",
    Did.TAKEN_OVER: "Acknowledged",
    Did.RERUN: "Rerun",
    Did.FOLLOWED: "Run followed",
    Did.PAUSED: "Paused",
    Did.RESUMED: "Resumed",
    Did.CANCELED: "Run canceled",
    Did.REOPENED: "Reopened",
    Did.STILL_FIRING: "Reopened",
}


def severity_word(incident: Incident) -> str:
    """`Critical`, `Warning`; a test is called what it is."""
    return "Test" if incident.is_test else SEVERITIES[incident.severity]


def life_line(incident: Incident, zone: ZoneInfo, *, names: bool = False) -> str:
    """`Triggered Today at 3:05 AM · Acknowledged 3:11 AM · Rerun 3:12 AM · Resolved 3:31 AM (26 min)`.

    `names` who did it, which would notify them in a message that is new.
    """
    end = "Closed" if was_closed(incident) else "Resolved by hand" if by_hand(incident) else "Resolved"
    return life(incident.opened_at, incident.timeline, incident.resolved_at, zone, names=names, ended=end)


def life(
    begin: datetime,
    timeline: tuple[Entry, ...],
    end: datetime | None,
    zone: ZoneInfo,
    *,
    names: bool = False,
    ended: str = "Resolved",
) -> str:
    """The same of several incidents that share a timeline; each new date is shown."""
    steps = [(begin, "Triggered")]
    steps += [(entry.at, _step(entry, names=names)) for entry in timeline if entry.did in STEPS][:8]
    steps += [(end, ended)] if end else []
    steps[1:] = sorted(steps[1:], key=lambda step: step[0])  # it may have been over before what was done about it
    lasted = f" ({duration(end - begin)})" if end else ""
    days = [at.astimezone(zone).date() for at, _ in steps]
    dated = [True, *(later != day for day, later in pairwise(days))]
    written = (
        f"{what} {(day_and_time if date else time_of_day)(at, zone)}{lasted if what == ended else ''}"
        for (at, what), date in zip(steps, dated, strict=True)
    )
    return " · ".join(written)


def _step(entry: Entry, *, names: bool) -> str:
    return f"{STEPS[entry.did]}{f' by {by_whom(entry.by)}' if names and entry.by else ''}"


def incident_line(incident: Incident, zone: ZoneInfo) -> str:
    """One open incident: what, number and threshold, since when, who has acknowledged it."""
    since = f"since {day_and_time(incident.opened_at, zone)}"
    age = value_age(incident, incident.opened_at, zone)
    return " · ".join([incident_words(incident), *age, since, acknowledged(incident), f"incident {incident.id}"])


def value_age(incident: Incident, shown: datetime, zone: ZoneInfo) -> list[str]:
    """When its number was measured, unless that is the minute `shown` next to it."""
    measured = incident.measured_at
    if is_fact(incident) or measured is None or measured.timestamp() // 60 == shown.timestamp() // 60:
        return []
    return [as_of(measured, zone)]


def sources_as_of(evaluation: Evaluation, zone: ZoneInfo) -> str:
    """`Census as of 3:05 PM · Warehouse as of 2:50 PM`; of what did not answer there is nothing to be dated."""
    silent = bool(evaluation.syncs) and all(sync.error for sync in evaluation.syncs)
    census = "Census not reached" if silent else f"Census {as_of(evaluation.checked_at, zone)}"
    if not evaluation.warehouse_reached:
        return f"{census} · Warehouse not reached"
    return census + (f" · Warehouse {as_of(evaluation.warehouse_at, zone)}" if evaluation.warehouse_at else "")


def incident_words(incident: Incident) -> str:
    """`🔴 Missing company names: 246 (threshold > 50)`."""
    icon = "⏳" if incident.state == "recovering" else ICONS[incident.severity]
    value = f"{number(incident.value, incident.limit)} ({threshold(incident.limit)})"
    measured = "" if is_fact(incident) else f": {value}"
    return f"{icon} {titled(incident)}{measured}"


def titled(incident: Incident) -> str:
    """Its title with the sync that it is about."""
    return escape(with_sync(incident.title, incident.sync), 400)


def acknowledged(incident: Incident) -> str:
    """Who has acknowledged it."""
    return f"Acknowledged by {person(incident.acked_by)}" if incident.acked_by else "Unacknowledged"


def snoozed(until: datetime, by: Iterable[str], zone: ZoneInfo) -> str:
    """Until when nobody is reminded, and who asked for that."""
    return f"Snoozed until {day_and_time(until, zone)} by {' and '.join(map(person, by))}"


def is_fact(incident: Incident) -> bool:
    """Whether its words say it all, so that a number against a threshold adds nothing.

    A schedule is off, checks are blind, so many runs in a row failed.
    """
    limit = incident.limit or ""
    counts_runs = incident.source == "census" and limit.startswith(">=") and not limit.endswith(("%", "h"))
    return incident.source == "bot" or limit.startswith("=") or counts_runs


def census_as_of(at: datetime, zone: ZoneInfo) -> str:
    """When Census said what is shown."""
    return f"Census as of {day_and_time(at, zone)}"


def warehouse_as_of(at: datetime, zone: ZoneInfo) -> str:
    """When the warehouse said what is shown."""
    return f"Warehouse as of {day_and_time(at, zone)}"


def how_often(schedule: Schedule) -> str:
    """`every 15 minutes, after another sync`: all that starts a sync, and what it is judged by.

    Empty where nothing starts it.
    """
    match schedule.frequency:
        case "never":
            often = []
        case "weekly" if schedule.day:
            often = [f"every {escape(schedule.day, 20)}"]
        case "expression" if schedule.cron:
            often = [f"on the cron schedule {code(schedule.cron, 100)} (UTC)"]
        case frequency:
            often = [FREQUENCIES.get(frequency, code(frequency, 40))]
    often += [_trigger(trigger, schedule) for trigger in schedule.triggers]
    often += ["when something outside Census starts it"] * schedule.external
    if often and schedule.expect_every:
        often.append(f"expected every {duration(schedule.expect_every)}")
    elif often and schedule.rhythm:
        days = " on weekdays" * schedule.rhythm.weekdays
        often.append(f"lately at least every {duration(schedule.rhythm.longest)}{days}")
    return ", ".join(often)


def _trigger(trigger: str, schedule: Schedule) -> str:
    if trigger == "sync_sequence" and schedule.follows_name:
        return f"after {escape(schedule.follows_name, 40)}"
    return TRIGGERS.get(trigger, f"on {code(trigger, 40)}")


def was_closed(incident: Incident) -> bool:
    """Whether it ended because nothing evaluates it any more, so that nobody knows how it stands."""
    return incident.ended is not None and incident.ended.did is Did.CLOSED


def by_hand(incident: Incident) -> Entry | None:
    """By whom it was resolved and why, where that was a person."""
    over = incident.resolved_at is not None and incident.ended
    return over if over and over.did is Did.RESOLVED_BY_HAND else None


def resolved_by(incidents: Iterable[Incident]) -> str:
    """`Resolved by @robin`, where a person resolved the last of these; else `Resolved`."""
    last = max(incidents, key=lambda one: (one.resolved_at is not None, one.resolved_at))
    who = by_hand(last)
    return f"Resolved by {person(who.by)}" if who and who.by else "Resolved"
