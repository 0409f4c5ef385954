"""A rerun in its thread, from the request to its outcome."""

from zoneinfo import ZoneInfo

from bot.alerts.model import Action, ActionState, Incident, State
from bot.config.settings import Settings
from bot.messages.blocks import Message, context, section
from bot.messages.text import day_and_time, escape, link, number, person
from checks.numbers import duration

BAR = 16  # characters of the progress bar


def run_message(action: Action, settings: Settings, incident: Incident | None = None) -> Message:
    """How far it is, and whether it brought its `incident` back."""
    lines = [_run_headline(action, incident, settings.zone)]
    if action.state is ActionState.RUNNING and action.records_total:
        lines.append(_progress(action))
    if action.state is ActionState.CHECKING:
        lines += [_counts(action), "Evaluating the pipeline …"]
    if action.state is ActionState.FINISHED:
        lines.append(_counts(action))
    if action.verdict:
        lines.append(escape(action.verdict))
    blocks = [section(*lines)]
    small = [f"“{escape(action.reason, 300)}”"] if action.reason else []
    if action.run_id:
        sync_id = next((one.id for one in settings.syncs if one.name == action.sync), 0)
        small.append(link(f"Census run {action.run_id}", settings.links.census_run, sync=sync_id, run=action.run_id))
    if small:
        blocks.append(context(" · ".join(small)))
    plain_who = f"{action.sync} {_called(action)}: {action.state}"
    return Message(escape(plain_who), tuple(blocks))


def _called(action: Action) -> str:
    """Only what was started here is a rerun: a run that was going on already was followed."""
    return "run" if action.adopted else "rerun"


def _run_headline(action: Action, incident: Incident | None, zone: ZoneInfo) -> str:
    sync, who, what = escape(action.sync), person(action.by), _called(action)
    requested = f"(requested by {who} {day_and_time(action.requested_at, zone)})"
    match action.state:
        case ActionState.REQUESTED:
            return f"🔁 *{sync} rerun requested* by {who} {day_and_time(action.requested_at, zone)}"
        case ActionState.RUNNING if action.adopted:
            return f"🔁 *{sync} was already running*, following that run {requested}"
        case ActionState.RUNNING:
            return f"🔁 *{sync} is running* {requested}"
        case ActionState.FAILED:
            return f"❌ *{sync} {what} failed* {requested}"
        case ActionState.UNKNOWN:
            return f"❔ *{sync} {what}: outcome unknown* {requested}"
    timed = action.ended_at and not action.adopted  # when the other one began is not known here
    ended = f" in {duration(action.ended_at - action.requested_at)}" if action.ended_at and timed else ""
    icon, helped = _outcome(action, incident)
    return f"{icon} *{sync} {what} completed{helped}*{ended} ({'followed' if action.adopted else 'requested'} by {who})"


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


def _progress(action: Action) -> str:
    done, total = action.records_updated or 0, action.records_total or 1
    full = min(BAR, BAR * done // total)
    return f"`{'█' * full}{'░' * (BAR - full)}` {done:,} of {total:,} records"


def _counts(action: Action) -> str:
    counts = {"updated": action.records_updated, "rejected": action.records_failed, "invalid": action.records_invalid}
    return ", ".join(f"{number(count)} {what}" for what, count in counts.items())
