"""The menu `⋯` of an alert: what can be done about it besides its buttons, the rest behind More…"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerts.model import Incident, State
from bot.alerts.offers import Offer
from bot.messages.blocks import OPTIONS
from bot.messages.sync_buttons import MOST_BUTTONS, OFFERED

MORE = "More…"
EXPLAINED = {
    Offer.RERUN: "Writes what is pending",
    Offer.FOLLOW: "Reports the run in progress in the thread",
    Offer.PAUSE: "No run starts until it is resumed",
    Offer.RESUME: "Its schedule counts again",
    Offer.CANCEL: "Ends the run in progress",
}


@dataclass(frozen=True)
class MenuEntry:
    """Something to do: a word of slack.handlers.HANDLERS, or an address that opens."""

    label: str
    what: str
    explained: str  # in one line, where there is room for it


def offered(incident: Incident) -> list[MenuEntry]:
    """What can help its sync now, best first."""
    sync = incident.rerun or incident.sync
    known = [Offer(one) for one in incident.offers if one in OFFERED and sync]
    return [MenuEntry(OFFERED[one].format(sync=sync), one.value, EXPLAINED[one]) for one in known]


def buttons(incident: Incident) -> list[MenuEntry]:
    """What of that is a button next to the menu."""
    return offered(incident)[: MOST_BUTTONS - (not incident.acked_by)]


def entries(incident: Incident, runbook: str | None) -> list[MenuEntry]:
    """All that applies to an open incident now and is no button; what can help comes first, never behind More…

    `runbook` is the address of its section; without one the entry answers with the section.
    """
    found = offered(incident)[len(buttons(incident)) :]
    if not incident.is_test:
        found.append(MenuEntry("Snooze…", "snooze", "No reminders and no escalation for a while"))
        if incident.state is State.FIRING:
            found.append(MenuEntry("Escalate now", "escalate", "Mentions the owner in the channel"))
    found.append(MenuEntry("Add note", "note", "A line in the thread and the timeline"))
    if not incident.is_test:
        explained = "Resolves by hand, with a reason. Reopens if the next evaluation still finds it"
        found.append(MenuEntry("Resolve…", "resolve", explained))
    if incident.acked_by:
        found.append(MenuEntry("Take over…", "take_over", "Acknowledges in place of somebody else"))
        found.append(MenuEntry("Unacknowledge", "unacknowledge", "Removes the acknowledgment; ends the snooze, too"))
    if runbook or not incident.is_test:
        found.append(MenuEntry("View runbook", runbook or "runbook", "What to check and what to do"))
    if not incident.is_test:
        found.append(MenuEntry("Evaluate now", "check", "Measures every check now, and shows you the summary"))
    return [*found, MenuEntry("Show timeline", "timeline", "What happened so far, for you alone")]


def menu(incident: Incident, found: Sequence[MenuEntry]) -> list[tuple[str, str]]:
    """The entries as an overflow takes them: all where they fit, else four and More…"""
    shown = found if len(found) <= OPTIONS else found[: OPTIONS - 1]
    options = [(one.label, _pressed(one, incident)) for one in shown]
    return options if len(shown) == len(found) else [*options, (MORE, f"more {incident.id}")]


def behind_more(found: Sequence[MenuEntry]) -> Sequence[MenuEntry]:
    """What the menu has no room for; everything where it has, because the incident has changed meanwhile."""
    about_it = [one for one in found if one.what not in OFFERED]
    return found[OPTIONS - 1 :] if len(found) > OPTIONS else about_it


def _pressed(entry: MenuEntry, incident: Incident) -> str:
    if "://" in entry.what:
        return entry.what
    # In a message, its answer names the one who has acknowledged it before anything is taken over.
    return f"{'acknowledge' if entry.what == 'take_over' else entry.what} {incident.id}"
