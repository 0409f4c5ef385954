"""An alert's thread: the root that edits itself, its evidence, the reruns in it, its end."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.attention import is_flapping
from bot.alerts.model import Did, Entry, Incident, State
from bot.errors import ContentRefusedError
from bot.messages.blocks import Block, Message, actions, button, context, section
from bot.messages.digest import digest_message
from bot.messages.evidence import evidence_message
from bot.messages.phrases import SEVERITIES, is_fact, life_line, number_of
from bot.messages.run import run_message
from bot.messages.shared import shared_end, shared_evidence, shared_root
from bot.messages.short import short_message
from bot.messages.text import ICONS, channel, escape, person, when
from bot.messages.watch import outage_message
from bot.model import Announcement, Kind
from bot.settings import Settings
from checks.model import Severity

# Where many incidents share a thread, these are about all of them.
SHARED: dict[Kind, Callable[[Sequence[Incident], ZoneInfo], Message]] = {
    Kind.EVIDENCE: shared_evidence,
    Kind.RESOLVED: shared_end,
}


def alert_message(announcement: Announcement, settings: Settings) -> Message:
    """What this announcement says now. Raises ContentRefusedError when that cannot be rendered, whatever the reason."""
    if announcement.plain:
        return short_message(announcement)
    try:
        return _message(announcement, settings)
    except Exception as error:  # one message that cannot be rendered is sent as plain text, and holds up nothing
        raise ContentRefusedError(f"it cannot be rendered ({type(error).__name__})") from error


def _message(announcement: Announcement, settings: Settings) -> Message:
    if announcement.outage:
        return outage_message(announcement.kind, announcement.outage, settings)
    if announcement.kind is Kind.DIGEST:
        assert announcement.digest, "a digest is announced with its content"
        return digest_message(announcement.digest, settings)
    incident, zone = announcement.incident, settings.zone
    assert incident, "everything else is about an incident"
    if announcement.kind is Kind.ROOT:
        shared = len(announcement.thread) > 1
        root = shared_root(announcement.thread, zone) if shared else _root(incident, zone)
        return _with_move(root, announcement.thread or (incident,))
    if len(announcement.thread) > 1 and announcement.kind in SHARED:
        return SHARED[announcement.kind](announcement.thread, zone)
    match announcement.kind:
        case Kind.MOVED:
            return _moved(incident)
        case Kind.EVIDENCE:
            return evidence_message(incident, announcement.readings, settings)
        case Kind.SEVERITY:
            return _severity(incident)
        case Kind.RESOLVED:
            return _resolved(incident, zone)
        case Kind.REMINDER:
            return _reminder(incident, zone, len(announcement.thread) - 1)
    assert announcement.action, "a run is announced with its action"
    return run_message(announcement.action, settings)


def reply_is_broadcast(announcement: Announcement) -> bool:
    """Only what must not be missed leaves the thread: warn became critical, and a critical one that nobody has."""
    incident = announcement.incident
    if incident and announcement.kind is Kind.REMINDER:
        nudged = _nudged(incident)
        return nudged is not None and nudged.did is Did.CALLED
    return bool(incident and announcement.kind is Kind.SEVERITY and incident.severity is Severity.CRITICAL)


def _root(incident: Incident, zone: ZoneInfo) -> Message:
    title, summary = escape(incident.title, 300), escape(incident.summary)
    limit = [] if is_fact(incident) else [f"limit {number_of(incident.limit)}"]
    if incident.state is State.OK:
        head = f"✅ *{title}: resolved.* {summary}."
        return Message(f"✅ {title}: resolved", (section(head, life_line(incident, zone)),))
    if incident.state is State.RECOVERING:
        icon = "⏳"
        since = f"Recovering, inside the limit since {when(_last(incident, Did.RECOVERING), zone)}"
    else:
        icon = ICONS[incident.severity]
        became = Did.ESCALATED if incident.severity is Severity.CRITICAL else Did.EASED
        since = f"{SEVERITIES[incident.severity]} since {when(_last(incident, became), zone)}"
    has_it = [f"{person(incident.acked_by)} has it" if incident.acked_by else "nobody has it yet"]
    if incident.snoozed_until and incident.snoozed_by:
        has_it.append(f"{person(incident.snoozed_by)} asked for quiet until {when(incident.snoozed_until, zone)}")
    if incident.not_evaluated_since:
        why = f": {escape(incident.explained_by)} explains it" if incident.explained_by else ""
        has_it.append(f"not evaluated since {when(incident.not_evaluated_since, zone)}{why}")
    if is_flapping(incident):
        has_it.append("it comes and goes: no more replies until it holds")
    blocks: list[Block] = [section(f"{icon} *{summary}*", " · ".join([since, *limit, *has_it]))]
    if buttons := _buttons(incident):
        blocks.append(actions(*buttons))
    return Message(f"{icon} {summary}{f' ({limit[0]})' if limit else ''}", tuple(blocks))


def _with_move(root: Message, thread: Sequence[Incident]) -> Message:
    """In a channel that it was not opened in, a root says where it comes from and why."""
    moves = [entry for one in thread for entry in one.timeline if entry.did is Did.MOVED]
    origins = [(old, why) for old, _, why in (move.detail.partition(": ") for move in moves)]
    here = thread[0].channel
    origin = next((one for one in reversed(origins) if one[0] != here), None)
    if origin is None or origins[0][0] == here:  # it is back where it began
        return root
    line = f"Moved here from {channel(origin[0])}: {escape(origin[1], 300)}"
    return replace(root, blocks=(*root.blocks, context(line)))


def _moved(incident: Incident) -> Message:
    """What is left in the old channel: no buttons, no numbers that would grow old."""
    text = f"Moved to {channel(incident.channel)}: {escape(incident.title, 300)}"
    return Message(text, (section(f"➡️ {text}"),))


def _buttons(incident: Incident) -> list[Block]:
    """Two at most: who has it, and what can help."""
    about = str(incident.id)
    offered = []
    if not incident.acked_by:
        offered.append(button("Acknowledge", "acknowledge", about, style="primary"))
    if incident.rerun:
        offered.append(button(f"Rerun {incident.rerun}", "rerun", about))
    return offered


def _severity(incident: Incident) -> Message:
    summary = escape(incident.summary)
    if incident.severity is Severity.CRITICAL:
        text = f"🔴 *Now critical:* {summary} · limit {number_of(incident.limit)}"
    else:
        text = f"🟡 *Eased to a warning:* {summary} · limit {number_of(incident.limit)}"
    return Message(text.replace("*", ""), (section(text),))


def _resolved(incident: Incident, zone: ZoneInfo) -> Message:
    return Message(f"✅ {escape(incident.title)}: resolved", (section(f"✅ {life_line(incident, zone)}"),))


def _reminder(incident: Incident, zone: ZoneInfo, others: int) -> Message:
    entry, summary = _nudged(incident), escape(incident.summary)
    assert entry, "what a reminder is about is in the timeline"
    if others > 0:
        summary += ", and the others of this thread"
    still = f"{SEVERITIES[incident.severity].lower()} since {when(incident.opened_at, zone)}"
    match entry.did:
        case Did.CALLED:
            whom = f"{person(entry.by)}: n" if entry.by else "N"
            text = f"📣 {whom}obody has it yet, {still}: {summary}"
        case Did.ACK_LAPSED:
            whom = person(entry.by) if entry.by else "Somebody"
            text = (
                f"⏰ {whom} took it two hours ago and it is still {still}: {summary}. Acknowledge it again to keep it."
            )
        case _:
            text = f"⏰ Still {still}: {summary}"
    return Message(f"Still {incident.severity}: {summary}", (section(text),))


def _nudged(incident: Incident) -> Entry | None:
    """The newest nudge in the timeline."""
    kinds = (Did.REMINDED, Did.CALLED, Did.ACK_LAPSED)
    return next((entry for entry in reversed(incident.timeline) if entry.did in kinds), None)


def _last(incident: Incident, did: Did) -> datetime:
    return next((entry.at for entry in reversed(incident.timeline) if entry.did is did), incident.opened_at)
