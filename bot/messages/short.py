"""The short form of an alert's messages: one line of plain text, for what Slack refuses or we cannot render."""

from bot.alerts.model import SEVERITIES, Action, ActionKind, ActionState, Incident, State
from bot.messages.blocks import Message
from bot.messages.text import ICONS, escape
from bot.model import Announcement, Kind
from checks.model import Severity

ITSELF = "A message about Sync Health itself"
WITHOUT_INCIDENT = {
    Kind.DIGEST: "The daily summary",
    Kind.REVIEW: "The weekly review",
    Kind.MAINTENANCE: "A message about a maintenance window",
    **dict.fromkeys((Kind.AWAY, Kind.SILENT, Kind.STATE_FAILED, Kind.STATE_RESTORED), ITSELF),
}
DOES = {ActionKind.PAUSE_ALL: "pause", ActionKind.CANCEL: "cancellation of its run"}  # else the kind itself
STANDS = {
    ActionState.REQUESTED: "requested",
    ActionState.RUNNING: "in progress",
    ActionState.CHECKING: "accepted by Census",
    ActionState.FINISHED: "completed",
    ActionState.FAILED: "failed",
    ActionState.UNKNOWN: "outcome unknown",
}
MOST = 300  # characters of any text from outside


def short_message(announcement: Announcement) -> Message:
    """What it is about, and the command that shows the rest. Nothing in here can fail, whatever the texts hold."""
    incident = announcement.incident
    if announcement.action:
        return Message(f"{_of_action(announcement.action)} · `/sync-health runs`", ())
    if incident is None:
        what = WITHOUT_INCIDENT.get(announcement.kind, "An alert")
        return Message(f"{what} cannot be shown here · `/sync-health`", ())
    return Message(f"{_one_line(announcement, incident)} · `/sync-health incident {incident.id}`", ())


def _one_line(announcement: Announcement, incident: Incident) -> str:
    title, summary = escape(incident.title, MOST), escape(incident.summary, MOST)
    severity = f"{ICONS[incident.severity]} {SEVERITIES[incident.severity]}"
    match announcement.kind:
        case Kind.ROOT:
            return _root(announcement, f"{severity} · {summary}", title)
        case Kind.SEVERITY:
            return f"{severity} now · {summary}"
        case Kind.REOPENED:
            return f"{severity} again · {summary}"
        case Kind.RESOLVED:
            return f"✅ Resolved · {title}"
        case Kind.REMINDER:
            return f"⏰ Still {incident.severity.value} · {summary}"
        case Kind.REMEDY:
            return f"What Sync Health did not do · {title}"
        case Kind.NOTE:
            return f"📝 {title}: {escape(announcement.entry.detail if announcement.entry else 'a note', MOST)}"
        case Kind.MOVED:
            return f"Moved to another channel · {title}"
    return f"Evidence for {title}"


def _of_action(action: Action) -> str:
    """`Sync B: pause completed`, and why where it was not."""
    why = action.verdict.translate({ord("{"): None, ord("}"): None})
    told = f": {escape(why, MOST)}" if why and action.state in (ActionState.FAILED, ActionState.UNKNOWN) else ""
    return (
        f"{escape(action.sync or 'All syncs', MOST)}: {DOES.get(action.kind, action.kind)} {STANDS[action.state]}{told}"
    )


def _root(announcement: Announcement, alone: str, title: str) -> str:
    if announcement.over:
        return f"✅ Resolved · {title}"
    still = [one for one in announcement.thread if one.state is not State.OK]
    if len(still) < 2:
        return alone
    titles = ", ".join(dict.fromkeys(escape(one.title, 40) for one in still[:5]))
    return f"{ICONS[Severity.CRITICAL]} {len(still)} alerts · {titles}"
