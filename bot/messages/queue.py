"""`/sync-health queue`: the backlog, its oldest record, its trend, and its suspect records."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers import Queue
from bot.messages.blocks import Block, Message, Native, context, fields, section
from bot.messages.native import table
from bot.messages.phrases import warehouse_as_of
from bot.messages.text import ICONS, code, escape, limit_in_code, number
from checks.numbers import count_of, duration


def queue_message(queues: Sequence[Queue], zone: ZoneInfo, as_of: datetime) -> Message:
    """One backlog with its first records, or all of them, short."""
    blocks: list[Block | Native] = []
    for queue in queues:
        blocks.append(_size(queue))
        blocks += _details(queue, zone) if len(queues) == 1 else []
    if len(queues) > 1:
        blocks.append(context("`/sync-health queue` and the name of a sync shows its records."))
    blocks.append(context(warehouse_as_of(as_of, zone)))
    heads = [f"{escape(queue.label, 100)}: {_pending(queue)}" for queue in queues]
    return Message(" · ".join(heads), tuple(blocks))


def _pending(queue: Queue) -> str:
    return "pending records unknown" if queue.size is None else count_of(queue.size, "pending record")


def _size(queue: Queue) -> Block:
    """The backlog against its thresholds, its age and where it is heading."""
    judged = queue.judged
    icon = "⚠️ " if queue.suspicious else f"{ICONS[judged.outcome]} " if judged else ""
    head = f"{icon}*{escape(queue.label, 100)}: {_pending(queue)}*"
    if queue.size is None:
        return section(head, "❔ The tables behind this backlog are empty, so 0 would say nothing.")
    limits = {"warning": judged.warn, "critical": judged.critical} if judged else {}
    told = {
        "Thresholds": " · ".join(f"{word} {limit_in_code(limit)}" for word, limit in limits.items() if limit),
        "Oldest": f"{duration(queue.oldest)} ago" if queue.oldest is not None else "",
        "Trend": _trend(queue) if queue.size else "",
        "Suspect records": f"⚠️ {number(queue.suspicious)}" if queue.suspicious else "",
    }
    return fields(*((name, value) for name, value in told.items() if value), head=head)


def _trend(queue: Queue) -> str:
    trend = queue.trend
    if trend is None:
        return "unknown: too few values"
    over = f"in {duration(trend.over)}"
    if trend.drained < 0:
        return f"📈 Up {number(-trend.drained)} {over} ({-trend.per_hour:,.0f}/h)"
    if trend.to_empty is None:
        return f"Unchanged {over}"
    pace = f"📉 Down {number(trend.drained)} {over} ({trend.per_hour:,.0f}/h)"
    return f"{pace} · empty in about {duration(trend.to_empty)}"


def _details(queue: Queue, zone: ZoneInfo) -> list[Block | Native]:
    source = context(f"from {code(queue.source)} · `sql/measure/queue.sql`")
    if not queue.size:
        return [source]
    grouped = [(f"By {escape(name, 40)}", _groups(found)) for name, found in queue.groups if found]
    parts: list[Block | Native] = [fields(*grouped)] if grouped else []
    shown = dict.fromkeys([*queue.wrong, *queue.first])
    rows = [(one.property_id, one.sfdc_id, one.wrong or "") for one in shown]
    return [*parts, table(("Record", "Destination ID", "Suspect"), rows, zone), source]


def _groups(groups: Sequence[tuple[str, int]]) -> str:
    return "\n".join(f"{escape(label or '(none)', 80)} {number(count)}" for label, count in groups)
