"""`/sync-health incidents` and `incident`: open incidents, and the timeline of one for a post-mortem."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from bot.alerts.model import Incident
from bot.answers.history import PostMortem
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, Native, context, fields, section, sections
from bot.messages.evidence import course
from bot.messages.native import By, Cell, Link, Told, cell_text, table
from bot.messages.phrases import acknowledged, is_fact, severity_word, snoozed, titled, value_age
from bot.messages.post_mortem import (
    DEEDS,
    Code,
    Line,
    Pair,
    Part,
    cause_lines,
    deeds,
    duration_pairs,
    evidence_lines,
    headline,
    state_words,
    summary_pairs,
    timeline,
    trigger,
    value_words,
    worst_of_each,
)
from bot.messages.text import (
    ICONS,
    anchor,
    code,
    day_and_time,
    escape,
    number,
    threshold,
    time_of_day,
    with_sync,
    with_times,
)
from checks.numbers import count_of

MOST = 10  # incidents
LINES = 40  # of a timeline


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
    value = "" if is_fact(incident) else number(incident.value, incident.limit)
    by = By(incident.acked_by) if incident.acked_by else "Nobody"
    return (
        Link(str(incident.id), link),
        state,
        with_sync(incident.title, incident.sync),
        value,
        incident.opened_at,
        by,
        incident.snoozed_until,
    )


def incident_message(found: PostMortem, settings: Settings) -> Message:
    """What happened, why, what was done, what shows it, and how long it took: a post-mortem."""
    incident, zone = found.incident, settings.zone
    head = headline(incident)
    icon = "✅" if incident.resolved_at else "⏳" if incident.state == "recovering" else ICONS[found.figures.severity]
    stands = state_words(found)
    title = section(f"*{icon} {escape(head, 300)}*", f"{stands} · {escape(trigger(incident), 500)}")
    blocks: list[Block | Native] = [title, _pairs("Summary", summary_pairs(found), zone)]
    blocks.append(_pairs("Durations", duration_pairs(found), zone))
    if causes := cause_lines(incident):
        blocks.append(section("*Causes*", *(f"• {line_text(line, zone)}" for line in causes)))
    blocks += [*_actions(found, settings), *_evidence(found, settings), *sections(_timeline(found, settings))]
    return Message(f"{escape(head, 300)} · {stands}", (*blocks, context(*_small_print(incident))))


def line_text(line: Line, zone: ZoneInfo) -> str:
    """A line of a post-mortem as mrkdwn."""
    return "".join(_part(part, zone) for part in line)


def _part(part: Part, zone: ZoneInfo) -> str:
    match part:
        case Code():
            return code(part.text)
        case Told():
            return with_times(part.text, zone)
        case str() if part.strip(" "):
            edges = part[: len(part) - len(part.lstrip(" "))], part[len(part.rstrip(" ")) :]
            return f"{edges[0]}{escape(part, 600)}{edges[1]}"
        case str():
            return part
    return cell_text(part, zone)


def _pairs(head: str, pairs: Sequence[Pair], zone: ZoneInfo) -> Block:
    return fields(*((name, line_text(line, zone)) for name, line in pairs), head=f"*{head}*")


def _actions(found: PostMortem, settings: Settings) -> list[Block | Native]:
    rows = [deed.cells for deed in deeds(found, settings)]
    return [section("*Actions*"), table(DEEDS, rows, settings.zone)] if rows else []


def _evidence(found: PostMortem, settings: Settings) -> list[Block | Native]:
    """The values around it as a chart, examples and links."""
    chart = course(found.incident, worst_of_each(found), settings.zone, "{} values around it", "Values around it")
    lines = [line_text(line, settings.zone) for line in evidence_lines(found, settings)]
    lines += [why] if (why := value_words(found, settings)) else []
    if not (chart or lines):
        return []
    return [section("*Evidence*", *lines), *chart]


def _timeline(found: PostMortem, settings: Settings) -> list[str]:
    """The latest events; a time without its day is of the day above it."""
    told, zone = timeline(found), settings.zone
    lines = ["*Timeline*"]
    if (earlier := len(told) - LINES) > 0:
        lines.append(f"… {count_of(earlier, 'earlier event')}: {_command(found.incident)} shows them")
    day: date | None = None
    for at, line in told[-LINES:]:
        local = at.astimezone(zone).date()
        when = time_of_day(at, zone) if local == day else day_and_time(at, zone)
        lines.append(f"{when} · {line_text(line, zone)}")
        day = local
    return lines


def _command(incident: Incident) -> str:
    return code(f"sync-health incident {incident.id} --markdown")


def _small_print(incident: Incident) -> list[str]:
    key = f"check {code(incident.check, 80)} · {code(incident.key, 255)}"
    return [key, f"To paste elsewhere: {code(f'/sync-health incident {incident.id} --markdown')}"]


def open_incident_line(incident: Incident, link: str | None, zone: ZoneInfo) -> str:
    """One open incident with its number and, where one is known, the link to its thread."""
    icon = "⏳" if incident.state == "recovering" else ICONS[incident.severity]
    parts = [f"{icon} *{incident.id}* {titled(incident)}"]
    parts += [] if is_fact(incident) else [_number(incident), *value_age(incident, incident.opened_at, zone)]
    parts += [f"since {day_and_time(incident.opened_at, zone)}", acknowledged(incident)]
    if incident.snoozed_by and incident.snoozed_until:
        parts.append(snoozed(incident.snoozed_until, [incident.snoozed_by], zone))
    return " · ".join([*parts, *([anchor("thread", link)] if link else [])])


def _number(incident: Incident) -> str:
    return f"{number(incident.value, incident.limit)} ({threshold(incident.limit)})"
