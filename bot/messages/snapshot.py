"""A snapshot: the numbers, and what changed since the one before."""

from bot.answers.history import Snapshot
from bot.config.settings import Settings
from bot.messages.blocks import Message, context, section
from bot.messages.text import code, day_and_time, escape, number

PERCENT = ("_percentage", "/success_rate")  # how the names of numbers end that are parts of a hundred


def snapshot_labels(taken: Snapshot, settings: Settings) -> dict[str, str]:
    """The numbers of a snapshot in the pipeline's words: those that a check judges by its title."""
    titles = {check.metric: check.title for check in settings.checks}
    tables = {name: f"Rows of {table.rpartition('.')[2]}" for name, table in settings.row_counts.items()}
    labels = {}
    for name in taken.numbers:
        sync, _, metric = ("", "", name) if name in titles else name.rpartition("/")
        plain = metric.replace("_", " ")
        label = tables.get(name) or titles.get(metric) or f"{plain[:1].upper()}{plain[1:]}"
        labels[name] = (f"{sync} {label[:1].lower()}{label[1:]}" if sync else label) + " (%)" * name.endswith(PERCENT)
    return labels


def snapshot_message(taken: Snapshot, settings: Settings) -> Message:
    """The answer to whoever asked for it."""
    zone = settings.zone
    when = day_and_time(taken.taken_at, zone)
    head = f"📸 Taken {when} already, and kept as it is" if taken.existed else f"📸 Snapshot taken {when}"
    lines = [
        f"{escape(label, 120)}: *{_amount(taken.numbers[name])}*{_change_in_words(taken, name)}"
        for name, label in snapshot_labels(taken, settings).items()
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
