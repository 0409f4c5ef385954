"""`/sync-health incidents` and `incident`: open incidents, and the timeline of one for a post-mortem."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bot.alerts.model import ITSELF, Action, ActionKind, Did, Entry, Incident
from bot.messages.blocks import Message, context, section, sections
from bot.messages.native import By, Cell, Link, table
from bot.messages.phrases import acknowledged, is_fact, severity_word, snoozed, value_age, was_closed
from bot.messages.text import (
    ICONS,
    anchor,
    as_of,
    by_whom,
    code,
    day_and_time,
    escape,
    number,
    person,
    threshold,
    with_times,
)
from checks.numbers import count_of, duration

MOST = 10  # incidents
LINES = 40  # of a timeline

WORDS = {  # of the timeline, where the name of the entry does not say it
    Did.ESCALATED: "became critical",
    Did.RETURNED: "critical again",
    Did.EASED: "eased to a warning",
    Did.RELAPSED: "no longer recovering",
    Did.CALLED: "escalated, unacknowledged",
    Did.ACK_LAPSES: "acknowledgment about to lapse",
    Did.MOVED: "moved from another channel",
    Did.ACK_LAPSED: "acknowledgment lapsed",
    Did.RESOLVED_BY_HAND: "resolved",
    Did.STILL_FIRING: "reopened, still breached",
    Did.NOTED: "note",
}


def incidents_message(
    count: int, oldest: Sequence[Incident], links: Mapping[int, str | None], zone: ZoneInfo
) -> Message:
    """How many are open, and the oldest of them; `links` lead to the threads, by incident id."""
    if not count:
        return Message("No open incidents", (section("✅ No open incidents"),))
    head = count_of(count, "open incident")
    rows = [_incident_row(one, links.get(one.id)) for one in oldest[:MOST]]
    small = f"Oldest {MOST} of {count:,} · " if count > MOST else ""
    step = context(f"{small}`/sync-health incident` and a number shows its timeline")
    columns = ["Incident", "Severity", "What", "Value", "Since", "Acknowledged by"]
    if any(one.snoozed_until for one in oldest[:MOST]):
        columns.append("Snoozed until")
    rows = [row[: len(columns)] for row in rows]
    return Message(head, (section(f"*{head}*"), table(columns, rows, zone), step))


def _incident_row(incident: Incident, link: str | None) -> Sequence[Cell]:
    state = (
        "⏳ Recovering" if incident.state == "recovering" else f"{ICONS[incident.severity]} {severity_word(incident)}"
    )
    sync = f", {incident.sync}" if incident.sync else ""
    value = "" if is_fact(incident) else number(incident.value, incident.limit)
    by = By(incident.acked_by) if incident.acked_by else "Nobody"
    return (
        Link(str(incident.id), link),
        state,
        f"{incident.title}{sync}",
        value,
        incident.opened_at,
        by,
        incident.snoozed_until,
    )


def incident_message(incident: Incident, actions: Sequence[Action], zone: ZoneInfo) -> Message:
    """Everything that happened, in order, to be copied."""
    head = f"Incident {incident.id}: {escape(incident.title, 150)}"
    until = incident.resolved_at
    over = "closed" if was_closed(incident) else "resolved"
    state = f"{over} after {duration(until - incident.opened_at)}" if until else f"open, {incident.state.value}"
    stands = [incident.severity.value, state, _number(incident)]
    stands += [as_of(incident.measured_at, zone)] if incident.measured_at else []
    what = [f"*{head}*", " · ".join(stands), escape(incident.summary, 500)]
    told = [(entry.at, _entry(entry, zone)) for entry in incident.timeline]
    told += [(action.ended_at or action.requested_at, _action(action, zone)) for action in actions]
    told.sort(key=lambda one: one[0])
    lines = [f"`{at.astimezone(zone):%Y-%m-%d %H:%M %Z}` {text}" for at, text in told[-LINES:]]
    if (earlier := len(told) - LINES) > 0:
        lines.insert(0, f"… {earlier} earlier entries")
    small = f"check {code(incident.check, 80)} · {code(incident.key, 255)}"
    return Message(head, (section(*what), *sections(lines), context(small)))


def open_incident_line(incident: Incident, link: str | None, zone: ZoneInfo) -> str:
    """One open incident with its number and, where one is known, the link to its thread."""
    icon = "⏳" if incident.state == "recovering" else ICONS[incident.severity]
    sync = f", {escape(incident.sync, 100)}" if incident.sync else ""
    parts = [f"{icon} *{incident.id}* {escape(incident.title, 150)}{sync}"]
    parts += [] if is_fact(incident) else [_number(incident), *value_age(incident, incident.opened_at, zone)]
    parts += [f"since {day_and_time(incident.opened_at, zone)}", acknowledged(incident)]
    if incident.snoozed_by and incident.snoozed_until:
        parts.append(snoozed(incident.snoozed_until, [incident.snoozed_by], zone))
    return " · ".join([*parts, *([anchor("thread", link)] if link else [])])


def _number(incident: Incident) -> str:
    return f"{number(incident.value, incident.limit)} ({threshold(incident.limit)})"


def _entry(entry: Entry, zone: ZoneInfo) -> str:
    if entry.did is Did.REMEDY:
        return with_times(entry.detail, zone)
    if entry.did is Did.TAKEN_OVER and entry.by:
        return f"acknowledged by {person(entry.by)} instead of {person(entry.detail)}"
    if entry.did is Did.CALLED and entry.detail:
        return f"escalated by {person(entry.detail)}{f' to {person(entry.by)}' if entry.by else ', mentioning nobody'}"
    joint = "to" if entry.did is Did.CALLED else "of" if entry.did in (Did.ACK_LAPSES, Did.ACK_LAPSED) else "by"
    by = f" {joint} {by_whom(entry.by)}" if entry.by else ""
    detail = f": {escape(entry.detail, 500 if entry.did is Did.NOTED else 300)}" if entry.detail else ""
    return f"{WORDS.get(entry.did, entry.did.replace('_', ' '))}{by}{detail}"


def _action(action: Action, zone: ZoneInfo) -> str:
    counts = {"updated": action.records_updated, "rejected": action.records_failed, "invalid": action.records_invalid}
    what = f"{action.kind} of {escape(action.sync or 'all syncs', 40)}: {action.state.value}"
    parts = [f"Census run {action.run_id}, {what}" if action.run_id else what]
    parts += [f"{number(count)} {word}" for word, count in counts.items() if action.kind is ActionKind.RERUN]
    if action.reason:
        parts.append(with_times(action.reason, zone) if action.by == ITSELF else f"“{escape(action.reason, 80)}”")
    return " · ".join([*parts, *([with_times(action.verdict, zone)] if action.verdict else [])])
