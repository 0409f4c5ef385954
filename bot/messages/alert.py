"""An alert's thread: the root that edits itself, its evidence, the reruns in it, its end."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.attention import is_flapping
from bot.alerts.model import Action, ActionState, Did, Entry, Incident, State
from bot.messages.blocks import Block, Message, actions, button, context, section
from bot.messages.text import (
    ICONS,
    duration,
    escape,
    limit_in_words,
    number,
    person,
    rows,
    when,
)
from bot.ports import Announcement, Kind
from checks.model import Severity

SEVERITIES = {Severity.WARN: "Warning", Severity.CRITICAL: "Critical"}
BAR = 16  # characters of the progress bar


def alert_message(announcement: Announcement, zone: ZoneInfo) -> Message:
    """What this announcement says now."""
    incident = announcement.incident
    match announcement.kind:
        case Kind.ROOT:
            return _root(incident, zone)
        case Kind.EVIDENCE:
            return _evidence(incident, announcement.readings)
        case Kind.SEVERITY:
            return _severity(incident)
        case Kind.RESOLVED:
            return _resolved(incident, zone)
        case Kind.REMINDER:
            return _reminder(incident, zone)
        case Kind.RUN:
            assert announcement.action, "a run is announced with its action"
            return _run(announcement.action, zone)


def reply_is_broadcast(announcement: Announcement) -> bool:
    """Only what must not be missed leaves the thread: warn became critical, and a critical one that nobody has."""
    incident = announcement.incident
    if announcement.kind is Kind.REMINDER:
        return _nudged(incident).did is Did.CALLED
    return announcement.kind is Kind.SEVERITY and incident.severity is Severity.CRITICAL


def life_line(incident: Incident, zone: ZoneInfo) -> str:
    """`fired 03:05 · acked 03:11 · rerun 03:12 · green 03:31 — 26 min`."""
    words = {Did.ACKNOWLEDGED: "acked", Did.RERUN: "rerun", Did.REOPENED: "again"}
    steps = [f"fired {when(incident.opened_at, zone)}"]
    steps += [f"{words[e.did]} {when(e.at, zone)}" for e in incident.timeline if e.did in words][:8]
    if incident.resolved_at is None:
        return " · ".join(steps)
    lasted = duration(incident.resolved_at - incident.opened_at)
    return " · ".join([*steps, f"green {when(incident.resolved_at, zone)}"]) + f" — {lasted}"


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
    if is_flapping(incident):
        has_it.append("it comes and goes: no more replies until it holds")
    blocks: list[Block] = [section(f"{icon} *{summary}*", " · ".join([since, *limit, *has_it]))]
    if buttons := _buttons(incident):
        blocks.append(actions(*buttons))
    return Message(f"{icon} {summary}{f' ({limit[0]})' if limit else ''}", tuple(blocks))


def _buttons(incident: Incident) -> list[Block]:
    """Two at most: who has it, and what can help."""
    about = str(incident.id)
    offered = []
    if not incident.acked_by:
        offered.append(button("Acknowledge", "acknowledge", about, style="primary"))
    if incident.rerun:
        offered.append(button(f"Rerun {incident.rerun}"[:75], "rerun", about))
    return offered


def _evidence(incident: Incident, readings: tuple[float, ...]) -> Message:
    lines = [f"*What helps:* {escape(incident.helps)}"] if incident.helps else []
    if not is_fact(incident):
        ends = f" · ends {limit_in_words(incident.clear)}" if incident.clear else ""
        lines.append(f"*Measured:* {number(incident.value)} · fires {limit_in_words(incident.limit)}{ends}")
        if len(readings) > 1:
            lines.append(f"*Latest readings:* {' → '.join(number(value) for value in readings)}")
    source = {"databricks": " · measured by `sql/measure/health.sql`", "census": " · asked of Census"}
    small = (
        f"explained in `checks/{escape(incident.check)}.yml`{source.get(incident.source, '')} · incident {incident.id}"
    )
    return Message(f"Evidence: {escape(incident.summary)}", (*([section(*lines)] if lines else []), context(small)))


def _severity(incident: Incident) -> Message:
    summary = escape(incident.summary)
    if incident.severity is Severity.CRITICAL:
        text = f"🔴 *Now critical:* {summary} · limit {number_of(incident.limit)}"
    else:
        text = f"🟡 *Eased to a warning:* {summary} · limit {number_of(incident.limit)}"
    return Message(text.replace("*", ""), (section(text),))


def _resolved(incident: Incident, zone: ZoneInfo) -> Message:
    return Message(f"✅ {escape(incident.title)}: resolved", (section(f"✅ {life_line(incident, zone)}"),))


def _reminder(incident: Incident, zone: ZoneInfo) -> Message:
    entry, summary = _nudged(incident), escape(incident.summary)
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


def _nudged(incident: Incident) -> Entry:
    """The newest nudge in the timeline."""
    kinds = (Did.REMINDED, Did.CALLED, Did.ACK_LAPSED)
    return next(entry for entry in reversed(incident.timeline) if entry.did in kinds)


def _run(action: Action, zone: ZoneInfo) -> Message:
    sync, who = escape(action.sync), person(action.by)
    lines = [_run_headline(action, sync, who, zone)]
    if action.state is ActionState.RUNNING and action.records_total:
        lines.append(_progress(action))
    if action.state is ActionState.CHECKING:
        lines += [_counts(action), "Checking the pipeline again …"]
    if action.state is ActionState.FINISHED:
        lines.append(_counts(action))
    if action.verdict:
        lines.append(escape(action.verdict))
    blocks = [section(*lines)]
    small = [f"“{escape(action.reason, 300)}”"] if action.reason else []
    small += [f"Census run {action.run_id}"] if action.run_id else []
    if small:
        blocks.append(context(" · ".join(small)))
    plain_who = f"{action.sync} rerun: {action.state}"
    return Message(escape(plain_who), tuple(blocks))


def _run_headline(action: Action, sync: str, who: str, zone: ZoneInfo) -> str:
    at = when(action.requested_at, zone)
    match action.state:
        case ActionState.REQUESTED:
            return f"🔁 *{sync}:* {who} asked for a rerun at {at} …"
        case ActionState.RUNNING if action.adopted:
            return f"🔁 *{sync} was already running* when {who} asked at {at}; following that run."
        case ActionState.RUNNING:
            return f"🔁 *{sync} is running*, started by {who} at {at}."
        case ActionState.FAILED:
            return f"❌ *{sync}: the rerun failed*, asked for by {who} at {at}."
    ended = f" in {duration(action.ended_at - action.requested_at)}" if action.ended_at else ""
    clean = action.records_failed == 0 and not action.records_invalid
    return f"{'✅' if clean else '🟠'} *{sync}: the rerun is done*{ended}, asked for by {who}."


def _progress(action: Action) -> str:
    done, total = action.records_updated or 0, action.records_total or 1
    full = min(BAR, BAR * done // total)
    return f"`{'█' * full}{'░' * (BAR - full)}` {done:,} of {rows(action.records_total)}"


def _counts(action: Action) -> str:
    counts = {"updated": action.records_updated, "rejected": action.records_failed, "invalid": action.records_invalid}
    return " · ".join(f"{number(count)} {what}" for what, count in counts.items())


def _last(incident: Incident, did: Did) -> datetime:
    return next((entry.at for entry in reversed(incident.timeline) if entry.did is did), incident.opened_at)


def is_fact(incident: Incident) -> bool:
    """Whether it is so or not, which no number tells better: a schedule is off, checks are blind."""
    return incident.source == "bot" or (incident.limit or "").startswith("=")


def number_of(limit: str | None) -> str:
    """`> 50` → `50`."""
    return number(float(limit.split()[1])) if limit else "–"
