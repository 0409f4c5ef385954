"""Messages about the bot itself: it is silent, it was away, it cannot write its state."""

from zoneinfo import ZoneInfo

from bot.answers.health import Summary
from bot.config.settings import Settings
from bot.messages.blocks import Message, actions, button, section
from bot.messages.text import day_and_time, escape
from bot.model import Kind, Outage
from checks.numbers import duration

STATE_STEP = "*Next step* Free disk space, or fix the permissions of the file that SYNC_HEALTH_STATE names."


def silent_words(settings: Settings) -> str:
    """The part of the scheduled message by which it is found at Slack: Slack may rewrite emoji and times around it."""
    return f"{escape(settings.pipeline, 100)}: Sync Health has not reported since"


def outage_message(kind: Kind, outage: Outage, settings: Settings) -> Message:
    """The message of each kind that tells of an outage."""
    since, pipeline = day_and_time(outage.since, settings.zone), escape(settings.pipeline, 100)
    match kind:
        case Kind.SILENT:
            head = f"🔴 Critical · {silent_words(settings)} {since}"
            effect = "No check is known to have run since then, so faults may go unnoticed."
            step = "*Next step* Check that `sync-health run` is running; `sync-health doctor` names what fails."
        case Kind.STATE_FAILED:
            head = f"🔴 Critical · {pipeline}: Sync Health cannot write its state since {since}"
            effect = f"{_sentence(outage.reason)} Alerts are neither opened nor resolved until this is fixed."
            step = STATE_STEP
        case Kind.STATE_RESTORED:
            assert outage.until, "restored means over"
            head = f"✅ Resolved · {pipeline}: Sync Health can write its state again"
            lasted = duration(outage.until - outage.since)
            return Message(head, (section(f"*{head}*", f"It could not since {since} ({lasted}). Alerts may be late."),))
        case _:
            assert outage.until, "away is told afterwards"
            until, lasted = day_and_time(outage.until, settings.zone), duration(outage.until - outage.since)
            head = f"🟡 {pipeline}: Sync Health was away for {lasted}"
            return Message(
                head, (section(f"*{head}*", f"No check completed from {since} to {until}. Alerts may be late."),)
            )
    return Message(head, (section(f"*{head}*", effect, step),))


def unstored_summary(summary: Summary, outage: Outage, zone: ZoneInfo) -> Message:
    """The answer to `/sync-health` while nothing can be stored: no number, because each of them is old."""
    pipeline = escape(summary.pipeline, 100)
    head = (
        f"❔ Status unknown · {pipeline}: Sync Health cannot write its state since {day_and_time(outage.since, zone)}"
    )
    lines = [f"{_sentence(outage.reason)} Alerts are neither opened nor resolved until this is fixed.", STATE_STEP]
    if summary.incidents:
        lines.append(f"*Open incidents when it was last written* {len(summary.incidents)}")
    if summary.evaluation:
        lines.append(f"*Last stored evaluation* {day_and_time(summary.evaluation.checked_at, zone)}")
    return Message(head, (section(f"*{head}*", *lines), actions(button("Refresh", "refresh", "summary"))))


def unscheduled_words(error: str) -> str:
    """Nobody would be told if the bot stopped."""
    return f"Slack does not schedule the message that would tell if Sync Health stopped: {escape(error, 300)}"


def _sentence(text: str) -> str:
    return f"{escape(text[:1].upper() + text[1:], 300)}." if text else ""
