"""A snapshot: the numbers, and what changed since the one before."""

from zoneinfo import ZoneInfo

from bot.answers import SHOWN, Snapshot
from bot.messages.blocks import Message, context, section
from bot.messages.text import code, day_and_time, escape, number


def snapshot_message(taken: Snapshot, zone: ZoneInfo) -> Message:
    """The answer to whoever asked for it."""
    when = day_and_time(taken.taken_at, zone)
    head = f"📸 Taken {when} already, and kept as it is" if taken.existed else f"📸 Snapshot taken {when}"
    lines = [
        f"{label}: *{_amount(getattr(taken.numbers, name))}*{_change_in_words(taken, name)}"
        for name, label in SHOWN.items()
    ]
    if taken.foreign:
        lines.insert(0, f"⚠️ Not ours: {escape(taken.foreign, 300)}.")
    since = f" · change since {code(taken.previous_id)}" if taken.previous_id else " · the first one"
    return Message("Snapshot taken", (section(f"*{head}*", *lines), context(f"{code(taken.id)}{since}")))


def _amount(value: float | None) -> str:
    return "no data" if value is None else number(value)


def _change_in_words(taken: Snapshot, name: str) -> str:
    change = taken.change(name)
    return "" if change is None else f" ({round(change, 2) + 0:+,.10g})" if change else " (as before)"
