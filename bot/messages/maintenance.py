"""A maintenance window: that it has begun, and what it held back."""

from zoneinfo import ZoneInfo

from bot.alerts.model import Incident, Maintenance, MaintenanceReport
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, section, sections
from bot.messages.phrases import incident_line, titled
from bot.messages.text import day_and_time, escape, person
from checks.numbers import duration

MOST = 10  # incidents of each list


def maintenance_line(window: Maintenance, zone: ZoneInfo) -> str:
    """Until when nothing is sent, by whom and why."""
    until = f"Maintenance window until {day_and_time(window.until, zone)} by {person(window.by)}"
    return f"{until}: {escape(window.reason, 300)} · Nothing is sent to the channel meanwhile"


def maintenance_begun(window: Maintenance, zone: ZoneInfo, command: str) -> Message:
    """The answer to whoever began it."""
    line = f"🔧 {maintenance_line(window, zone)}"
    return Message(line, (section(line, f"End it early with `{command} snooze all end`."),))


def maintenance_message(report: MaintenanceReport, settings: Settings) -> Message:
    """The message in the channel at its beginning, and the one at its end."""
    window, zone = report.window, settings.zone
    if window.ended_at is None:
        line = f"{escape(settings.pipeline, 100)}: {maintenance_line(window, zone)}"
        return Message(f"🔧 {line}", (section(f"🔧 *{line}*"),))
    ended = window.ended_at
    counts = f"{len(report.opened)} opened, {len(report.resolved)} resolved, {len(report.still_open)} still open"
    head = f"🔧 {escape(settings.pipeline, 100)}: maintenance window ended · {counts}"
    early = f", ended early by {person(window.ended_by)}" if window.ended_by else ""
    span = f"{day_and_time(window.since, zone)} to {day_and_time(ended, zone)} ({duration(ended - window.since)})"
    blocks = [section(f"*{head}*", f"{span} by {person(window.by)}{early}: {escape(window.reason, 300)}")]
    blocks += _list("Still open", [incident_line(one, zone) for one in report.still_open])
    blocks += _list("Resolved meanwhile", [_resolved(one, zone) for one in report.resolved])
    return Message(head, tuple(blocks))


def _list(title: str, lines: list[str]) -> list[Block]:
    return sections([f"*{title}*", *lines], 1 + MOST) if lines else []


def _resolved(incident: Incident, zone: ZoneInfo) -> str:
    assert incident.resolved_at, "it is among the resolved"
    lasted = f"{day_and_time(incident.opened_at, zone)} to {day_and_time(incident.resolved_at, zone)}"
    return f"✅ {titled(incident)} · {lasted}"
