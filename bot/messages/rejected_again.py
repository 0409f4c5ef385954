"""What of a backlog the last run rejected: part of the answer of `/sync-health queue`."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bot.alerts.rejected_again import RejectedAgain
from bot.alerts.rejections import Needs
from bot.answers.syncs import Queue
from bot.messages.blocks import Block, section
from bot.messages.errors import cause_name
from bot.messages.text import code, day_and_time, escape, number, records
from checks.numbers import count_of, pending

MOST = 3  # causes


def rejected_section(queue: Queue, zone: ZoneInfo) -> list[Block]:
    """How many pending records the last run rejected, how many it will be again, and why; empty where none is known."""
    found = queue.rejected
    if found is None:
        return []
    if found.records is None:
        return [section(*_unknown(found, zone))]
    if not found.records:
        return [section(f"No pending record is among the {_lost(found, zone)}", *_compared(found))]
    many = found.records if queue.size is None else max(queue.size, found.records)
    least = "" if _is_whole(found) else "At least "
    of = escape(pending(many, *queue.noun.words))
    verb = "was" if found.records == 1 else "were"
    head = f"🟠 *{least}{number(found.records)} of {of} {verb} rejected in the last run*{_when(found, zone)}"
    return [section(head, _outlook(found), *_causes(found), *_compared(found), *_more(queue, found))]


def rejected_words(queue: Queue) -> str:
    """The same for a notification: `, 37 rejected in the last run`; empty where none is known to be."""
    found = queue.rejected
    return f", {number(found.records)} rejected in the last run" if found and found.records else ""


def _unknown(found: RejectedAgain, zone: ZoneInfo) -> Iterator[str]:
    """Without a run nobody knows whether anything was rejected."""
    why = escape(found.error, 300).removesuffix(".")
    if found.run:
        yield f"*{_lost(found, zone)}*"
        yield f"❔ How many of these are pending is unknown: {why}."
    else:
        yield f"❔ *Rejected in the last run* unknown: {why}."


def _lost(found: RejectedAgain, zone: ZoneInfo) -> str:
    return f"{records(found.lost)} rejected in the last run{_when(found, zone)}"


def _when(found: RejectedAgain, zone: ZoneInfo) -> str:
    run = found.run
    return f" ({day_and_time(run.completed_at or run.created_at, zone)})" if run else ""


def _is_whole(found: RejectedAgain) -> bool:
    return found.compared >= found.lost


def _outlook(found: RejectedAgain) -> str:
    """What the next run will do with them; what nobody knows is not promised."""
    passing = (found.records or 0) - found.lasting
    if not found.lasting:
        return "The next run tries again, and may succeed."
    again = f"{number(found.lasting)} will be rejected again unless the cause is fixed"
    return f"{again} · the next run may write {number(passing)}" if passing else again


def _causes(found: RejectedAgain) -> Iterator[str]:
    for group in found.groups[:MOST]:
        retryable = " (retryable)" if group.cause.needs is Needs.TRANSIENT else ""
        step = f"*Next step* {escape(group.cause.remedy, 150)}"
        yield f"• {number(group.records)} {cause_name(group.cause)}{retryable} · {step}"
    if others := found.groups[MOST:]:
        yield f"… and {count_of(len(others), 'more cause')}"


def _compared(found: RejectedAgain) -> list[str]:
    if _is_whole(found):
        return []
    return [f"{number(found.compared)} of {number(found.lost)} rejected records were compared."]


def _more(queue: Queue, found: RejectedAgain) -> list[str]:
    named = f" {queue.sync.name}" if queue.sync else ""
    return [f"Every cause: {code(f'/sync-health errors{named}')}"] if found.groups else []
