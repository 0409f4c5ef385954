"""`/sync-health queue`: the backlog, its oldest record, its trend, and its suspect records."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers import Queue, WaitingRow
from bot.messages.blocks import Block, Message, context, section
from bot.messages.phrases import warehouse_as_of
from bot.messages.text import ICONS, code, escape, limit_in_words, number, rows
from checks.numbers import duration

WRONG = {"nameless": "no company name", "misnamed": "the company name is the property's own"}


def queue_message(queues: Sequence[Queue], zone: ZoneInfo, as_of: datetime) -> Message:
    """One queue with its rows, or all of them, short."""
    blocks: list[Block] = []
    for queue in queues:
        blocks.append(section(*_size(queue)))
        blocks += _details(queue) if len(queues) == 1 else []
    if len(queues) > 1:
        blocks.append(context("`/sync-health queue` and the name of a sync show its rows."))
    blocks.append(context(warehouse_as_of(as_of, zone)))
    heads = [f"{escape(queue.label, 100)}: {_waiting(queue)}" for queue in queues]
    return Message(" · ".join(heads), tuple(blocks))


def _waiting(queue: Queue) -> str:
    return "how many rows wait is not known" if queue.size is None else f"{rows(queue.size)} waiting"


def _size(queue: Queue) -> list[str]:
    judged = queue.judged
    head = f"{f'{ICONS[judged.outcome]} ' if judged else ''}*{escape(queue.label, 100)}:* {_waiting(queue)}"
    limits = {"warns": judged.warn, "critical": judged.critical} if judged else {}
    lines = [" · ".join([head, *(f"{word} {limit_in_words(limit)}" for word, limit in limits.items() if limit)])]
    if queue.size is None:
        return [*lines, "❔ The tables behind this queue are empty, so an empty queue would say nothing."]
    if queue.oldest is not None:
        lines.append(f"The oldest change that waits was made {duration(queue.oldest)} ago.")
    lines.append(_trend(queue))
    if queue.suspicious:
        lines.append(f"⚠️ *{number(queue.suspicious)} look wrong* and should not be written: mend the view first.")
    return lines


def _trend(queue: Queue) -> str:
    trend = queue.trend
    if queue.size == 0:
        return "It is empty."
    if trend is None:
        return "❔ Trend unknown: too few sizes were measured that can be compared."
    over = f"in the last {duration(trend.over)}"
    if trend.drained < 0:
        return f"📈 It grew by {rows(-trend.drained)} {over} ({-trend.per_hour:,.0f} an hour)."
    if trend.to_empty is None:
        return f"➖ It did not shrink {over}."
    pace = f"{rows(trend.drained)} less {over} ({trend.per_hour:,.0f} an hour)"
    return f"📉 {pace}: empty in about {duration(trend.to_empty)} if that goes on."


def _details(queue: Queue) -> list[Block]:
    if not queue.size:
        return [_source(queue)]
    lines = [f"*States:* {_groups(queue.states)}", f"*Companies:* {_groups(queue.companies)}"]
    parts = [section(*lines), section("*First rows* (property · Salesforce id)", *map(_row, queue.first))]
    if queue.wrong:
        parts.append(section("*Rows that look wrong*", *map(_row, queue.wrong)))
    return [*parts, _source(queue)]


def _groups(groups: Sequence[tuple[str, int]]) -> str:
    return " · ".join(f"{escape(label or '(none)', 80)} {number(count)}" for label, count in groups)


def _row(row: WaitingRow) -> str:
    why = f" — {WRONG.get(row.wrong, escape(row.wrong, 60))}" if row.wrong else ""
    return f"{code(row.property_id, 40)} · {code(row.sfdc_id, 40)}{why}"


def _source(queue: Queue) -> Block:
    return context(f"from {code(queue.source)} · `sql/measure/queue.sql`")
