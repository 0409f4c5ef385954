"""Dialogs and answers of what people do about an incident by hand: more actions, snooze, note, resolve, escalate."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.alerts.model import Incident
from bot.messages.blocks import (
    Block,
    Message,
    button,
    choice,
    context,
    link_button,
    modal,
    question,
    section,
    with_button,
)
from bot.messages.menu import MenuEntry
from bot.messages.phrases import incident_words, titled
from bot.messages.text import code, escape, person
from checks.model import Severity

REASON, NOTE, SPAN = "reason", "note", "span"
LISTED = 10  # incidents of one thread
SPANS = (("30 minutes", "30m"), ("1 hour", "1h"), ("4 hours", "4h"))


def more_modal(incident: Incident, found: Sequence[MenuEntry]) -> dict[str, Any]:
    """What the menu has no room for, each with a line that says what it does."""
    rows = [with_button(f"*{one.label.rstrip('…')}*\n{one.explained}", _button(one, incident)) for one in found]
    return modal("More actions", [_about(incident), *rows], callback="answer", metadata=str(incident.id))


def snooze_modal(still: Sequence[Incident], morning: datetime, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """For how long, or until the next morning; and why, for everybody."""
    local = morning.astimezone(zone)
    day = "today" if local.date() == now.astimezone(zone).date() else "tomorrow"
    clock = f"{local:%I:%M %p}".lstrip("0")
    until = (f"Until {clock} {day} ({zone.key})", morning.isoformat())
    blocks = [
        *_covers("Snoozes", still),
        choice(SPAN, "For how long", [*SPANS, until]),
        question(REASON, "Reason (shown in the timeline)", hint="Waiting for the backfill", optional=True),
        context("No reminders and no escalation until then. A warning that turns critical ends its snooze."),
    ]
    return modal("Snooze", blocks, callback="snooze", metadata=_covered(still), submit="Snooze")


def note_modal(incident: Incident, most: int) -> dict[str, Any]:
    """What to note."""
    hint = "Asked the data team; the view is being fixed"
    asked = question(NOTE, "Note", hint=hint, optional=False, most=most, lines=True)
    blocks = [_about(incident), asked, context("Shown in the thread and in the timeline, to everybody in the channel.")]
    return modal("Add note", blocks, callback="note", metadata=str(incident.id), submit="Add")


def resolve_modal(still: Sequence[Incident]) -> dict[str, Any]:
    """What it covers, and why it is over."""
    blocks = [
        *_covers("Resolves", still),
        question(REASON, "Reason (shown in the thread)", hint="Fixed in the view", optional=False),
        context("Reopens if the next evaluation still finds it. Acknowledgment and snooze end."),
    ]
    return modal("Resolve", blocks, callback="resolve", metadata=_covered(still), submit="Resolve")


def _covered(still: Sequence[Incident]) -> str:
    """The incident, and how many critical ones are confirmed with it: one more is not meant."""
    return f"{still[0].id} {sum(one.severity is Severity.CRITICAL for one in still)}"


def resolve_answer(resolved: Sequence[Incident]) -> Message:
    """What was resolved, for the one who did it."""
    text = f"{_counted(resolved)} resolved. Reopens if the next evaluation still finds it."
    return Message(text, (section(text),))


def note_answer(incident: Incident) -> Message:
    """That it was noted, for the one who wrote it."""
    text = f"Noted on incident {incident.id} ({escape(incident.title, 150)})."
    return Message(text, (section(text),))


def escalate_answer(incident: Incident, owner: str | None) -> Message:
    """Whom it mentioned; where there is no owner, the remedy."""
    what = f"Incident {incident.id} ({escape(incident.title, 150)}) is escalated"
    nobody = f"It mentions nobody: {code(incident.check)} has no owner. Set {code('owner')} of the check or the sync"
    text = f"{what} to {person(owner)}." if owner else f"{what} in the channel. {nobody} in pipeline.yml."
    return Message(text, (section(text),))


def _about(incident: Incident) -> Block:
    return section(f"*{incident_words(incident)}*", f"Incident {incident.id}")


def _covers(does: str, still: Sequence[Incident]) -> list[Block]:
    """What it is about; all that is open in the thread, where that is more than one."""
    if len(still) == 1:
        return [_about(still[0])]
    lines = [f"• {titled(one)} (incident {one.id})" for one in still[:LISTED]]
    rest = [f"… and {len(still) - LISTED} more"] if len(still) > LISTED else []
    return [section(f"*{does} all {len(still)} open incidents of this thread*", *lines, *rest)]


def _counted(incidents: Sequence[Incident]) -> str:
    if len(incidents) == 1:
        return f"Incident {incidents[0].id} ({escape(incidents[0].title, 150)}) is"
    return f"{len(incidents)} incidents of one thread are"


def _button(entry: MenuEntry, incident: Incident) -> Block:
    if "://" in entry.what:
        return link_button(entry.label, entry.what, "runbook")
    label = "Take over" if entry.what == "take_over" else entry.label
    return button(label, entry.what, str(incident.id))
