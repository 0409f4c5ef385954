"""The short form of an alert's messages: one line of plain text, for what Slack refuses or we cannot render."""

from bot.alerts.model import Incident, State
from bot.messages.blocks import Message
from bot.messages.text import ICONS, escape
from bot.model import Announcement, Kind
from checks.model import Severity

WORDS = {Severity.WARN: "Warning", Severity.CRITICAL: "Critical"}
ITSELF = "A message about Sync Health itself"
WITHOUT_INCIDENT = {Kind.DIGEST: "The daily summary", Kind.MAINTENANCE: "A message about a maintenance window"} | (
    dict.fromkeys((Kind.AWAY, Kind.SILENT, Kind.STATE_FAILED, Kind.STATE_RESTORED), ITSELF)
)
MOST = 300  # characters of any text from outside


def short_message(announcement: Announcement) -> Message:
    """What it is about, and the command that shows the rest. Nothing in here can fail, whatever the texts hold."""
    incident = announcement.incident
    if incident is None:
        what = WITHOUT_INCIDENT.get(announcement.kind, "An alert")
        return Message(f"{what} cannot be shown here · `/sync-health`", ())
    return Message(f"{_one_line(announcement, incident)} · `/sync-health incident {incident.id}`", ())


def _one_line(announcement: Announcement, incident: Incident) -> str:
    title, summary = escape(incident.title, MOST), escape(incident.summary, MOST)
    severity = f"{ICONS[incident.severity]} {WORDS[incident.severity]}"
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
        case Kind.RUN:
            return f"Rerun for {title}"
        case Kind.MOVED:
            return f"Moved to another channel · {title}"
    return f"Evidence for {title}"


def _root(announcement: Announcement, alone: str, title: str) -> str:
    if announcement.over:
        return f"✅ Resolved · {title}"
    still = [one for one in announcement.thread if one.state is not State.OK]
    if len(still) < 2:
        return alone
    titles = ", ".join(dict.fromkeys(escape(one.title, 40) for one in still[:5]))
    return f"{ICONS[Severity.CRITICAL]} {len(still)} alerts · {titles}"
