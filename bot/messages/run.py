"""A rerun in its thread, from the request to what came of it."""

from zoneinfo import ZoneInfo

from bot.alerts.model import Action, ActionState
from bot.messages.blocks import Message, context, section
from bot.messages.text import day_and_time, escape, link, number, person
from bot.settings import Settings
from checks.numbers import duration

BAR = 16  # characters of the progress bar


def run_message(action: Action, settings: Settings) -> Message:
    """How far it is."""
    sync, who = escape(action.sync), person(action.by)
    lines = [_run_headline(action, sync, who, settings.zone)]
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
    plain_who = f"{action.sync} rerun: {action.state}"
    return Message(escape(plain_who), tuple(blocks))


def _run_headline(action: Action, sync: str, who: str, zone: ZoneInfo) -> str:
    requested = f"(requested by {who} {day_and_time(action.requested_at, zone)})"
    match action.state:
        case ActionState.REQUESTED:
            return f"🔁 *{sync} rerun requested* by {who} {day_and_time(action.requested_at, zone)}"
        case ActionState.RUNNING if action.adopted:
            return f"🔁 *{sync} was already running*, following that run {requested}"
        case ActionState.RUNNING:
            return f"🔁 *{sync} is running* {requested}"
        case ActionState.FAILED:
            return f"❌ *{sync} rerun failed* {requested}"
        case ActionState.UNKNOWN:
            return f"❔ *{sync} rerun: outcome unknown* {requested}"
    ended = f" in {duration(action.ended_at - action.requested_at)}" if action.ended_at else ""
    clean = action.records_failed == 0 and not action.records_invalid
    return f"{'✅' if clean else '🟠'} *{sync} rerun completed*{ended} (requested by {who})"


def _progress(action: Action) -> str:
    done, total = action.records_updated or 0, action.records_total or 1
    full = min(BAR, BAR * done // total)
    return f"`{'█' * full}{'░' * (BAR - full)}` {done:,} of {total:,} records"


def _counts(action: Action) -> str:
    counts = {"updated": action.records_updated, "rejected": action.records_failed, "invalid": action.records_invalid}
    return ", ".join(f"{number(count)} {what}" for what, count in counts.items())
