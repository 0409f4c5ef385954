"""What several messages say of an incident."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.model import Did, Entry, Incident
from bot.messages.text import ICONS, code, escape, number, person, when
from bot.model import Schedule
from checks.model import Severity
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
SEVERITIES = {Severity.WARN: "Warning", Severity.CRITICAL: "Critical"}


def life_line(incident: Incident, zone: ZoneInfo) -> str:
    """`fired 03:05 · acked 03:11 · rerun 03:12 · green 03:31 — 26 min`."""
    return life(incident.opened_at, incident.timeline, incident.resolved_at, zone)


def life(begin: datetime, timeline: tuple[Entry, ...], end: datetime | None, zone: ZoneInfo) -> str:
    """The same of several incidents that share a timeline."""
    words = {Did.ACKNOWLEDGED: "acked", Did.RERUN: "rerun", Did.REOPENED: "again"}
    steps = [f"fired {when(begin, zone)}"]
    steps += [f"{words[entry.did]} {when(entry.at, zone)}" for entry in timeline if entry.did in words][:8]
    if end is None:
        return " · ".join(steps)
    return " · ".join([*steps, f"green {when(end, zone)}"]) + f" — {duration(end - begin)}"


def incident_line(incident: Incident, zone: ZoneInfo) -> str:
    """One open incident: what, number and limit, since when, who has it."""
    who = f"{person(incident.acked_by)} has it" if incident.acked_by else "nobody has it yet"
    return f"{incident_words(incident)} · since {when(incident.opened_at, zone)} · {who}"


def incident_words(incident: Incident) -> str:
    """`🔴 Companies without a name: 246, limit 50`."""
    icon = "⏳" if incident.state == "recovering" else ICONS[incident.severity]
    measured = (
        "" if is_fact(incident) else f": {number(incident.value, incident.limit)}, limit {number_of(incident.limit)}"
    )
    return f"{icon} {escape(incident.title, 300)}{f', {escape(incident.sync, 100)}' if incident.sync else ''}{measured}"


def is_fact(incident: Incident) -> bool:
    """Whether it is so or not, which no number tells better: a schedule is off, checks are blind."""
    return incident.source == "bot" or (incident.limit or "").startswith("=")


def number_of(limit: str | None) -> str:
    """`> 50` → `50`."""
    return number(float(limit.split()[1])) if limit else "–"


def how_often(schedule: Schedule) -> str:
    """`every 15 minutes, after another sync`: all that starts a sync; empty where nothing does."""
    match schedule.frequency:
        case "never":
            often = []
        case "weekly" if schedule.day:
            often = [f"every {escape(schedule.day, 20)}"]
        case "expression" if schedule.cron:
            often = [f"on the cron schedule {code(schedule.cron, 100)} (UTC)"]
        case frequency:
            often = [FREQUENCIES.get(frequency, code(frequency, 40))]
    often += [TRIGGERS.get(trigger, f"on {code(trigger, 40)}") for trigger in schedule.triggers]
    return ", ".join(often + ["when something outside Census starts it"] * schedule.external)
