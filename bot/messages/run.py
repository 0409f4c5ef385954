"""An action on a sync in its thread, from the request to its outcome."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.model import CARRIED_OUT, ITSELF, Action, ActionKind, ActionState, Incident, State
from bot.alerts.offers import Offer
from bot.config.settings import Settings
from bot.facts import RunStatus, counts_in_words
from bot.messages.blocks import Message, actions, context, section
from bot.messages.sync_buttons import sync_button
from bot.messages.text import by_whom, day_and_time, escape, link, with_times
from checks.numbers import duration

BAR = 16  # characters of the progress bar
SURE = 5  # records that a rate and what is left of the time are told from, at least
WHAT = {ActionKind.PAUSE: "pause", ActionKind.RESUME: "resume", ActionKind.CANCEL: "run cancellation"}
DONE = {
    ActionKind.PAUSE: "⏸️ *{sync} is paused*",
    ActionKind.RESUME: "▶️ *{sync} is resumed*",
    ActionKind.CANCEL: "🛑 *{sync} run canceled*",
    ActionKind.PAUSE_ALL: "⏸️ *All syncs are paused*",
}
OTHERS_PAUSED = "⏸️ *The other syncs are paused*"
FAILED = {
    ActionKind.PAUSE: "❌ *{sync} was not paused*",
    ActionKind.RESUME: "❌ *{sync} was not resumed*",
    ActionKind.CANCEL: "❌ *{sync} run was not canceled*",
    ActionKind.PAUSE_ALL: "❌ *Not all syncs are paused*",
}


def run_message(action: Action, settings: Settings, incident: Incident | None = None) -> Message:
    """How far it is, and whether it brought its `incident` back."""
    rerun = action.kind is ActionKind.RERUN
    head, lines = _run_lines(action, incident) if rerun else _change_lines(action)
    automatic = action.by == ITSELF and bool(action.reason)
    lines += [with_times(action.reason, settings.zone)] * automatic
    if action.verdict:
        lines.append(with_times(action.verdict, settings.zone, 1000))
    lines += [f"• {escape(cause)}" for cause in action.rejections]
    blocks = [section(f"{head} {_requested(action, settings.zone)}", *lines)]
    small = [f"“{escape(action.reason, 300)}”"] if action.reason and not automatic else []
    sync = settings.sync_named(action.sync)
    if action.run_id:
        run = {"sync": sync.id if sync else None, "run": action.run_id}
        small.append(link(f"Census run {action.run_id}", settings.links.census_run, **run))
    if action.kind is ActionKind.PAUSE_ALL and action.state in CARRIED_OUT:
        small.append("`/sync-health resume` and the name of a sync resumes it")
    if small:
        blocks.append(context(" · ".join(small)))
    if sync and not settings.observes and (offer := _offer(action)):
        blocks.append(actions(sync_button(offer, sync)))
    return Message(_plain(head), tuple(blocks))


def _plain(head: str) -> str:
    """The headline for a lock screen."""
    return head.replace("*", "")


def _requested(action: Action, zone: ZoneInfo) -> str:
    """By whom and when; at the end of a run who, as the time that it took is told."""
    who = by_whom(action.by)
    if action.kind is ActionKind.RERUN and action.state in CARRIED_OUT:
        return f"({'followed' if action.adopted else 'requested'} by {who})"
    by = f"by {who} {day_and_time(action.requested_at, zone)}"
    if action.state in CARRIED_OUT:
        return f"({by})"
    return by if action.state is ActionState.REQUESTED else f"(requested {by})"


def _offer(action: Action) -> Offer | None:
    """The action that undoes this one, or ends it."""
    if action.kind is ActionKind.RERUN and action.state is ActionState.RUNNING:
        return Offer.CANCEL
    return Offer.RESUME if action.kind is ActionKind.PAUSE and action.state in CARRIED_OUT else None


def _change_lines(action: Action) -> tuple[str, list[str]]:
    """Of a pause, a resume or a cancellation: the headline, and what Census counted."""
    sync, every = escape(action.sync, 100), action.kind is ActionKind.PAUSE_ALL
    what = "Pause of all syncs" if every else f"{sync} {WHAT[action.kind]}"
    counted = counts_in_words(action) if action.kind is ActionKind.CANCEL else ""
    match action.state:
        case ActionState.RUNNING if action.kind is ActionKind.CANCEL:
            return f"⏳ *{what} accepted by Census*, the run is still in progress", []
        case ActionState.REQUESTED | ActionState.RUNNING:
            return f"⏳ *{what} requested*", []
        case ActionState.FAILED:
            return FAILED[action.kind].format(sync=sync), [counted] if counted else []
        case ActionState.UNKNOWN:
            return f"❔ *{what}: outcome unknown*", []
    done = OTHERS_PAUSED if every and action.verdict else DONE[action.kind].format(sync=sync)
    return done, [f"Until then {counted}"] if counted else []


def _run_lines(action: Action, incident: Incident | None) -> tuple[str, list[str]]:
    """Of a rerun or a run that is followed: the headline, and how far it is."""
    sync, counted = escape(action.sync, 100), counts_in_words(action)
    what = f"{sync} {'run' if action.adopted else 'full sync' if action.full_sync else 'rerun'}"
    match action.state:
        case ActionState.REQUESTED:
            resumed = ", resuming it first" if action.resumes else ""
            return f"🔁 *{what} requested*{resumed}", []
        case ActionState.RUNNING:
            full = "full sync is" if action.full_sync else "is"
            head = f"*{sync} was already running*, following that run" if action.adopted else f"*{sync} {full} running*"
            return f"🔁 {head}", _progress(action)
        case ActionState.FAILED:
            head = f"🛑 *{what} canceled*" if action.run_status == RunStatus.CANCELLED else f"❌ *{what} failed*"
            return head, [f"Until then {counted}"] if counted else []
        case ActionState.UNKNOWN:
            return f"❔ *{what}: outcome unknown*", [f"Last seen: {counted}"] if counted else []
    began = action.began_at if action.adopted else action.requested_at
    ended = f" in {duration(action.ended_at - began)}" if action.ended_at and began else ""
    icon, helped = _outcome(action, incident)
    head = f"{icon} *{what} completed{helped}*{ended}: {counted or 'Census shows no counts'}"
    return head, ["Evaluating the pipeline …"] if action.state is ActionState.CHECKING else []


def _outcome(action: Action, incident: Incident | None) -> tuple[str, str]:
    """Green only where no record was rejected and the incident has begun to recover."""
    if action.state is ActionState.CHECKING:
        return "🔁", ""
    if incident and incident.not_evaluated_since:
        return "❔", ", status unknown"
    if incident and incident.state is State.FIRING:
        return "🟠", ", not recovered"
    clean = action.records_failed == 0 and not action.records_invalid
    return "✅" if clean else "🟠", ""


def _progress(action: Action) -> list[str]:
    """`█████░░░ 80 of 240 records · 50/min · about 3 min left`."""
    if not action.records_total:
        return ["Queued in Census"] if action.run_status == "queued" else []
    done, total = action.records_updated or 0, action.records_total
    full = min(BAR, BAR * done // total)
    words = [f"`{'█' * full}{'░' * (BAR - full)}` {done:,} of {total:,} records"]
    elapsed = _elapsed(action.began_at, action.counted_at)
    if done >= SURE and elapsed and done < total and not action.verdict:
        per_minute = done / (elapsed / timedelta(minutes=1))
        left = elapsed * ((total - done) / done)
        words += [f"{per_minute:,.0f}/min", f"about {duration(left)} left"] if per_minute >= 1 else []
    return [" · ".join(words)]


def _elapsed(begin: datetime | None, end: datetime | None) -> timedelta | None:
    return end - begin if begin and end and end > begin else None
