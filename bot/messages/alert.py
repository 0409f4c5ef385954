"""An alert's thread: the root that edits itself, its evidence, the reruns in it, its end."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.alerts.attention import (
    ESCALATE_EVERY,
    ESCALATE_LATER_EVERY,
    OFTEN,
    WARN_BEFORE,
    answer,
    escalation_pause,
    escalations,
    next_escalation,
)
from bot.alerts.model import SEVERITIES, Did, Entry, Incident
from bot.config.settings import Settings
from bot.errors import UnrenderableError
from bot.messages.blocks import Message, actions, context, section
from bot.messages.digest import digest_message
from bot.messages.evidence import evidence_message
from bot.messages.maintenance import maintenance_message
from bot.messages.phrases import (
    acknowledged,
    by_hand,
    is_fact,
    life_line,
    severity_word,
    titled,
    was_closed,
)
from bot.messages.report import review_message
from bot.messages.root import (
    WORSENED,
    acknowledge_button,
    last_at,
    peak_and_threshold,
    resolution,
    root_message,
    summary_and_threshold,
)
from bot.messages.run import run_message
from bot.messages.shared import shared_end, shared_evidence, shared_root
from bot.messages.short import short_message
from bot.messages.stakeholder_note import stakeholder_message, stakeholder_text
from bot.messages.text import (
    ICONS,
    as_of,
    channel,
    code,
    day_and_time,
    escape,
    person,
    with_times,
)
from bot.messages.watch import outage_message
from bot.model import CHANGES, Announcement, Kind
from checks.model import Severity
from checks.numbers import duration, ordinal

# Where many incidents share a thread, these are about all of them.
SHARED: dict[Kind, Callable[[Sequence[Incident], ZoneInfo], Message]] = {
    Kind.EVIDENCE: shared_evidence,
    Kind.RESOLVED: shared_end,
}
# What a reply is about: the newest of these lines in the timeline.
ABOUT: dict[Kind, tuple[Did, ...]] = {
    **CHANGES,
    Kind.REMINDER: (Did.REMINDED, Did.CALLED, Did.ACK_LAPSES, Did.ACK_LAPSED),
}
ENDED = {Did.RESOLVED: "Resolved", Did.RESOLVED_BY_HAND: "Resolved", Did.CLOSED: "Closed"}


def alert_message(announcement: Announcement, settings: Settings) -> Message:
    """What this announcement says now. Raises UnrenderableError when that cannot be rendered, whatever the reason."""
    if announcement.plain and announcement.note:
        return stakeholder_text(announcement.note, settings)
    if announcement.plain:
        return short_message(announcement)
    try:
        return _message(announcement, settings)
    except Exception as error:  # one message that cannot be rendered is sent as plain text, and holds up nothing
        raise UnrenderableError(f"it cannot be rendered ({type(error).__name__})") from error


def _message(announcement: Announcement, settings: Settings) -> Message:
    if settings.observes:
        announcement = _without_offers(announcement)
    if summary := _summary(announcement, settings):
        return summary
    incident, zone = announcement.incident, settings.zone
    if announcement.kind is Kind.RUN:
        assert announcement.action, "a run is announced with its action"
        return run_message(announcement.action, settings, incident)
    assert incident, "everything else is about an incident"
    if announcement.kind is Kind.ROOT:
        shared = len(announcement.thread) > 1
        root = shared_root(announcement.thread, settings) if shared else root_message(incident, settings)
        return _with_move(root, announcement.thread or (incident,))
    if len(announcement.thread) > 1 and announcement.kind in SHARED:
        return SHARED[announcement.kind](announcement.thread, zone)
    if announcement.kind is Kind.EVIDENCE:
        return evidence_message(incident, announcement.values, settings)
    if announcement.kind is Kind.NOTE:
        assert announcement.entry, "a note is enqueued together with its line"
        return _note(announcement.entry, incident, len(announcement.thread) - 1)
    return _reply(announcement.kind, incident, settings, len(announcement.thread) - 1)


def _summary(announcement: Announcement, settings: Settings) -> Message | None:
    """What is about no incident alone."""
    if announcement.maintenance:
        return maintenance_message(announcement.maintenance, settings)
    if announcement.outage:
        return outage_message(announcement.kind, announcement.outage, settings)
    if announcement.kind is Kind.DIGEST:
        assert announcement.digest, "a digest is announced with its content"
        return digest_message(announcement.digest, settings)
    if announcement.review:
        return review_message(announcement.review.review, settings, announcement.review.links)
    if announcement.note:
        return stakeholder_message(announcement.note, settings)
    return None


def _without_offers(announcement: Announcement) -> Announcement:
    """In observe mode not even what was offered before it, as long as no evaluation has taken it back."""
    incident, thread = announcement.incident, announcement.thread
    silent = tuple(replace(one, offers=()) for one in thread)
    return replace(announcement, incident=replace(incident, offers=()) if incident else None, thread=silent)


def _reply(kind: Kind, incident: Incident, settings: Settings, others: int) -> Message:
    """One of the short replies; `others` share the thread."""
    zone = settings.zone
    match kind:
        case Kind.SEVERITY:
            return _severity(incident, settings)
        case Kind.REOPENED:
            return _reopened(incident, settings)
        case Kind.RESOLVED:
            return _resolved(incident, settings)
        case Kind.REMINDER:
            return _reminder(incident, zone, others)
        case Kind.REMEDY:
            return _remedy(incident, zone)
    return _moved(incident)


def reply_is_broadcast(announcement: Announcement) -> bool:
    """Whether it leaves the thread: as decided when it was enqueued, see `bot.alerts.attention.may_broadcast`."""
    incident = announcement.incident
    subject = _newest(incident, announcement.kind) if incident else None
    return subject is not None and subject.broadcast


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


def _severity(incident: Incident, settings: Settings) -> Message:
    did = _subject(incident, Kind.SEVERITY).did
    became = {Did.ESCALATED: "Now critical", Did.RETURNED: "Critical again", Did.EASED: "Eased to a warning"}
    owner = settings.owner_of(incident.check, incident.sync) if did is Did.ESCALATED else None
    age = f" · {as_of(incident.measured_at, settings.zone)}" if incident.measured_at else ""
    text = f"{ICONS[incident.severity]} *{became[did]}:* {summary_and_threshold(incident)}"
    mention = f" · {person(owner)}" if owner else ""
    return Message(text.replace("*", "") + mention, (section(text + age + mention),))


def _reopened(incident: Incident, settings: Settings) -> Message:
    entry = _subject(incident, Kind.REOPENED)
    what = f"{SEVERITIES[incident.severity]} again since {day_and_time(entry.at, settings.zone)}"
    if entry.did is Did.STILL_FIRING and (ended := incident.ended) and ended.by:
        word = "critical" if incident.severity is Severity.CRITICAL else "a warning"
        what = f"Resolved by {person(ended.by)} {day_and_time(ended.at, settings.zone)}, and still {word}"
    text = f"{ICONS[incident.severity]} *{what}:* {summary_and_threshold(incident)}"
    step = [f"*Next step* {escape(incident.helps)}"] if incident.helps else []  # the cause may be another one
    return Message(text.replace("*", ""), (section(text, *step),))


def _resolved(incident: Incident, settings: Settings) -> Message:
    head = resolution(incident, settings)
    if was_closed(incident):
        return Message(head, (section(f"*{head}*"),))
    life = f"✅ {life_line(incident, settings.zone)}"
    if entry := by_hand(incident):  # without the name: nobody is notified of what they did themselves
        lines = (life, f"*Reason* {escape(entry.detail, 300)}", "Reopens if the next evaluation still finds it")
        return Message(f"✅ Resolved by hand: {titled(incident)}", (section(*lines),))
    return Message(head, (section(life),))


def _note(entry: Entry, incident: Incident, others: int) -> Message:
    about = f" (incident {incident.id})" if others > 0 else ""
    text = f"📝 {person(entry.by) if entry.by else 'Note'}{about}: {escape(entry.detail, 500)}"
    return Message(text, (section(text),))


def _remedy(incident: Incident, zone: ZoneInfo) -> Message:
    """What the bot would have done on its own, or could not; a run in progress can be canceled."""
    text = with_times(_subject(incident, Kind.REMEDY).detail, zone)
    return Message(text, (section(f"ℹ️ {text}"),))


def _reminder(incident: Incident, zone: ZoneInfo, others: int) -> Message:
    entry, summary = _subject(incident, Kind.REMINDER), escape(incident.summary)
    if not is_fact(incident):
        summary += f" ({peak_and_threshold(incident)})"
    if others > 0:
        summary += ", and the others in this thread"
    if followed := answer(incident):
        return _answered(incident, entry, followed, zone)
    lasted = f"{severity_word(incident)} for {duration(entry.at - last_at(incident, *WORSENED))}"
    step = [f"*Next step* {escape(incident.helps)}"] if incident.helps and not incident.is_test else []
    whom, label = f"{person(entry.by)} " if entry.by else "", "Acknowledge"
    match entry.did:
        case Did.CALLED:
            by = f" by {person(entry.detail)}" if entry.detail else ""
            head = f"📣 {whom}{_escalation(incident)}{by}"
            state = " · ".join([lasted, acknowledged(incident), *_next_escalation(incident, entry, zone)])
        case Did.ACK_LAPSES:
            head, label = f"⏰ {whom}Your acknowledgment lapses soon", "Acknowledge again"
            state = f"{lasted} · Acknowledged until {day_and_time(entry.at + WARN_BEFORE, zone)}"
        case Did.ACK_LAPSED:
            head, state = f"⏰ {whom}Acknowledgment lapsed", f"{lasted} · Unacknowledged"
        case _:
            head, state = "⏰ Reminder", f"{lasted} · Unacknowledged"
    blocks = (
        section(f"*{head}:* {summary}", *step, f"{state} · incident {incident.id}"),
        actions(acknowledge_button(incident, label)),
    )
    return Message(f"{head}: {summary}", blocks)


def _answered(incident: Incident, nudge: Entry, followed: Entry, zone: ZoneInfo) -> Message:
    """What stays of a reminder that nobody needs to act on any more: no button."""
    escalated = f"Escalated to {person(nudge.by)}" if nudge.by else "Escalated"
    what = {Did.CALLED: escalated, Did.REMINDED: "Reminder"}.get(nudge.did, "Acknowledgment about to lapse")
    said = {Did.SNOOZED: "Snoozed", Did.UNACKNOWLEDGED: "Acknowledgment removed", **ENDED}
    by = f" by {person(followed.by)}" if followed.by else ""
    done = f"{said.get(followed.did, 'Acknowledged')}{by} {day_and_time(followed.at, zone)}"
    head = f"{what}: {titled(incident)}"  # its summary says by now how it is, not what was escalated
    return Message(f"{head} · {done}", (section(head, f"{done} · incident {incident.id}"),))


def _next_escalation(incident: Incident, entry: Entry, zone: ZoneInfo) -> list[str]:
    """When it comes, how often from then on, and whom nobody can be mentioned for want of an owner."""
    if incident.is_test:
        return ["No further escalation"]
    nobody = [] if entry.by else [f"Mentions nobody: {code(incident.check)} has no owner in pipeline.yml"]
    if next_escalation(incident) is None:  # asked for by a person
        return nobody
    following = day_and_time(entry.at + escalation_pause(incident), zone)
    later = f"every {duration(ESCALATE_LATER_EVERY)}"
    first = f"every {duration(ESCALATE_EVERY)}, from the {ordinal(OFTEN)} on {later}"
    pace = later if escalations(incident) >= OFTEN else first
    return [f"Next escalation {following} ({pace})", *nobody]


def _escalation(incident: Incident) -> str:
    times = escalations(incident)
    return "Escalated" if times < 2 else f"Escalated again ({ordinal(times)} time)"


def _subject(incident: Incident, kind: Kind) -> Entry:
    """The line of the timeline that a reply is about."""
    entry = _newest(incident, kind)
    assert entry, "a reply is enqueued together with its line"
    return entry


def _newest(incident: Incident, kind: Kind) -> Entry | None:
    return next((entry for entry in reversed(incident.timeline) if entry.did in ABOUT.get(kind, ())), None)
