"""What is not as it should be with Sync Health itself, or is meant to be quiet: lines above what is known."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bot.answers.health import Summary
from bot.facts import SyncStatus
from bot.messages.blocks import Block, section, sections
from bot.messages.maintenance import maintenance_line
from bot.messages.text import channel, day_and_time, escape
from bot.messages.watch import unscheduled_words
from bot.model import Undelivered, UnsentPages
from checks.numbers import count_of

MOST_PROBLEMS = 10


def notice_blocks(summary: Summary, zone: ZoneInfo) -> Iterator[Block]:
    """What is not as it should be with Sync Health itself, or is meant to be quiet."""
    if summary.maintenance:
        yield section(f"🔧 {maintenance_line(summary.maintenance, zone)}")
    if summary.failed:
        yield section(f"❗ Evaluation failed: {escape(summary.failed, 300)}")
    if summary.evaluation and summary.evaluation.problems:
        yield from sections([f"❗ {escape(problem, 300)}" for problem in summary.evaluation.problems], MOST_PROBLEMS)
    unheld = [one for one in summary.evaluation.syncs if one.unheld_at] if summary.evaluation else []
    if unheld:
        yield from sections([unheld_line(one, zone) for one in unheld], MOST_PROBLEMS)
    if summary.undelivered:
        yield section(*(undelivered_line(one, zone) for one in summary.undelivered))
    if summary.unsent_pages:
        yield section(*(unsent_pages_line(one, zone) for one in summary.unsent_pages))
    if summary.unscheduled:
        yield section(f"❗ {unscheduled_words(summary.unscheduled)}")
    if summary.other_connections:
        yield section(_others(summary.other_connections))


def _others(count: int) -> str:
    connections = "another connection" if count == 1 else f"{count} more connections"
    return f"⚠️ Slack counts {connections} with this app token: another process receives part of the clicks"


def undelivered_line(waiting: Undelivered, zone: ZoneInfo) -> str:
    """How many messages for which channel are stuck, since when and why."""
    count = f"{waiting.messages} message{'' if waiting.messages == 1 else 's'}"
    since = f" since {day_and_time(waiting.since, zone)}" if waiting.since else ""
    return f"⚠️ {count} for {channel(waiting.channel)} not delivered{since}: {escape(waiting.why, 300)}"


def unheld_line(sync: SyncStatus, zone: ZoneInfo) -> str:
    """That a run began although nobody knew whether it had to be held."""
    began = f" that began {day_and_time(sync.unheld_at, zone)}" if sync.unheld_at else ""
    return (
        f"⚠️ {escape(sync.label)} was not held before the run{began}: its suspect records could not be measured in time"
    )


def unsent_pages_line(waiting: UnsentPages, zone: ZoneInfo) -> str:
    """How many pages a pager has not accepted, since when, why, and what to do."""
    since = f" since {day_and_time(waiting.since, zone)}" if waiting.since else ""
    head = f"⚠️ {count_of(waiting.pages, 'page')} not accepted by {escape(waiting.target, 80)}{since}"
    return f"{head}: {escape(waiting.why, 300)}. `sync-health doctor` says how to try it"
