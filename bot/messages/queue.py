"""`/sync-health queue`: the backlog, its oldest record, its trend, and its suspect records."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.trends import Trend, time_to_reach
from bot.answers.syncs import Queue
from bot.messages.blocks import Block, Message, Native, context, fields, section, sections
from bot.messages.many import others_line, worst_of
from bot.messages.native import table
from bot.messages.phrases import warehouse_as_of
from bot.messages.rejected_again import rejected_section, rejected_words
from bot.messages.sync_buttons import offer_row, offered_by_queue
from bot.messages.text import ICONS, code, escape, limit_in_code, number
from checks.forms import parse_limit
from checks.judge import WORST_FIRST
from checks.model import Outcome
from checks.numbers import duration, pending

SKEW = timedelta(minutes=5)  # between the clocks of a source and the bot
LONGEST_YEARS = 50  # what is older stands for no time
LONGEST = timedelta(days=365 * LONGEST_YEARS)


def queue_message(queues: Sequence[Queue], zone: ZoneInfo, as_of: datetime) -> Message:
    """One backlog with its first records, or all of them, short."""
    if all(queue.source is None for queue in queues):
        return _without_queue(queues)
    worst, others = worst_of(queues, _rank)
    blocks: list[Block | Native] = []
    for queue in worst:
        blocks += [_size(queue), *_troubles(queue)]
        blocks += [*rejected_section(queue, zone), *_details(queue, zone)] if len(queues) == 1 else []
    buttons = offer_row(offered_by_queue(worst[0])) if len(queues) == 1 else []
    if others:
        blocks.append(section(others_line(map(_standing, others), "queue")))
    elif len(queues) > 1:
        blocks.append(context("`/sync-health queue` and the name of a sync shows its records."))
    blocks += [context(warehouse_as_of(as_of, zone)), *buttons]
    heads = [f"{escape(queue.label, 100)}: {_pending(queue)}{rejected_words(queue)}" for queue in worst]
    return Message(" · ".join(heads), tuple(blocks))


def _without_queue(queues: Sequence[Queue]) -> Message:
    """Nothing is measured; what would change that is said once."""
    which = escape(queues[0].label, 100) if len(queues) == 1 else "this pipeline"
    head = f"The backlog of {which} is not measured"
    lines = ["`queue` under a sync in pipeline.yml would name the view or table of its pending records."]
    if not queues[0].measurable:
        lines.append("That takes a warehouse: SYNC_HEALTH_WAREHOUSE is `none` here.")
    return Message(head, (section(f"*{head}*", *lines),))


MOST_TROUBLES = 2
STANDINGS = ("unknown", "with pending records", "with nothing pending", "without a queue")  # the worst first


def _rank(queue: Queue) -> tuple[int, int, int, int]:
    judged = WORST_FIRST.index(queue.judged.outcome if queue.judged else Outcome.OK)
    return (STANDINGS.index(_standing(queue)), judged, -queue.suspicious, -(queue.size or 0))


def _standing(queue: Queue) -> str:
    if queue.source is None:
        return "without a queue"
    return "unknown" if queue.size is None else "with pending records" if queue.size else "with nothing pending"


def _pending(queue: Queue) -> str:
    if queue.source is None:
        return "no queue"
    if queue.size is None:
        return f"pending {escape(queue.noun.many)} unknown"
    return escape(pending(queue.size, *queue.noun.words))


def _size(queue: Queue) -> Block:
    """The backlog against its thresholds, its age and where it is heading."""
    judged = queue.judged
    found = [one.outcome for one in (*queue.troubles, *([judged] if judged else []))]
    icon = "⚠️ " if queue.suspicious else f"{ICONS[min(found, key=WORST_FIRST.index)]} " if found else ""
    head = f"{icon}*{escape(queue.label, 100)}: {_pending(queue)}*"
    if queue.source is None:
        return section(head, "Its backlog is not measured: `queue` in pipeline.yml would name its view or table.")
    if queue.size is None:
        why = f"{queue.error[:1].upper()}{queue.error[1:]}" if queue.error else "The warehouse returned no number"
        return section(head, f"❔ {escape(why, 300)}.")
    limits = {"warning": judged.warn, "critical": judged.critical} if judged else {}
    told = {
        "Thresholds": " · ".join(f"{word} {limit_in_code(limit)}" for word, limit in limits.items() if limit),
        "Oldest": _oldest(queue.oldest) if queue.oldest is not None else "",
        "Trend": _trend(queue) if queue.size else "",
        "Suspect records": _suspects(queue),
    }
    shown = [(name, value) for name, value in told.items() if value]
    return fields(*shown, head=head) if shown else section(head)


def _troubles(queue: Queue) -> list[Block]:
    """What keeps its sync from writing it, as the alerts say it."""
    lines = [f"{ICONS[one.outcome]} {escape(one.summary, 300)}" for one in queue.troubles]
    return sections(lines, MOST_TROUBLES) if lines else []


def _oldest(age: timedelta) -> str:
    """How long ago; a time that no record can have changed at is named as such."""
    if age < -SKEW:
        return f"❔ Unknown: `changed_at` is {duration(-age)} in the future"
    return (
        f"{duration(age)} ago" if age <= LONGEST else f"❔ Unknown: `changed_at` is more than {LONGEST_YEARS} years ago"
    )


def _suspects(queue: Queue) -> str:
    if not queue.suspicious:
        return ""
    return "⚠️ " + "\n".join(f"{number(count)} {escape(label, 80)}" for label, count in queue.suspects)


def _trend(queue: Queue) -> str:
    trend = queue.trend
    if trend is None:
        return "unknown: too few values"
    over = f"in {duration(trend.over)}"
    if trend.drained < 0:
        pace = f"📈 Up {number(-trend.drained)} {over} ({_hourly(-trend.per_hour)})"
        return " · ".join([pace, *_next_threshold(queue, trend)])
    if trend.to_empty is None:
        return f"Unchanged {over}"
    pace = f"📉 Down {number(trend.drained)} {over} ({_hourly(trend.per_hour)})"
    return f"{pace} · empty in about {duration(trend.to_empty)}"


def _hourly(count: float) -> str:
    return f"{count:,.0f}/h" if count >= 1 else "less than 1/h"


def _next_threshold(queue: Queue, trend: Trend) -> list[str]:
    """The next threshold that a growing backlog reaches, and when at this pace; none where that is days off."""
    judged = queue.judged
    for word, limit in (("warning", judged.warn), ("critical", judged.critical)) if judged else ():
        read = parse_limit(limit) if limit else None
        if read and read.comparison.startswith(">") and not read.holds(queue.size or 0):
            left = time_to_reach(trend, queue.size or 0, read.number)
            return [f"reaches {word} {limit_in_code(limit)} in about {duration(left)}"] if left else []
    return []


def _details(queue: Queue, zone: ZoneInfo) -> list[Block | Native]:
    if queue.source is None:
        return []
    source = context(f"from {code(queue.source)}")
    if not queue.size:
        return [source]
    grouped = [(f"By {escape(name, 40)}", _groups(found)) for name, found in queue.groups if found]
    parts: list[Block | Native] = [fields(*grouped)] if grouped else []
    shown = dict.fromkeys([*queue.suspect, *queue.first])
    if not shown:
        return [*parts, context("`key` in pipeline.yml would name the columns that tell its records apart."), source]
    rows = [(*one.keys, one.suspect or "") for one in shown]
    one = queue.noun.one[:1].upper() + queue.noun.one[1:]
    heads = [escape(key, 40) for key in (queue.keys if len(queue.keys) > 1 else [one])]
    return [*parts, table((*heads, "Suspect"), rows, zone), source]


def _groups(groups: Sequence[tuple[str, int]]) -> str:
    return "\n".join(f"{escape(label or '(none)', 80)} {number(count)}" for label, count in groups)
