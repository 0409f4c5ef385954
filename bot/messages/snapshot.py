"""A snapshot: the numbers, and what changed since the one before."""

from dataclasses import fields

from bot.answers import Snapshot, SnapshotNumbers
from bot.config.settings import Settings
from bot.messages.blocks import Message, context, section
from bot.messages.text import code, day_and_time, escape, number


def snapshot_labels(settings: Settings) -> dict[str, str]:
    """The numbers of a snapshot in the pipeline's words: those that a check judges by its title."""
    nouns = settings.noun.many
    counted = {
        "enriched_rows": f"{nouns[:1].upper()}{nouns[1:]} in the source",
        "salesforce_rows": f"{nouns[:1].upper()}{nouns[1:]} in {settings.destination}",
        "rds_to_sf_gap": "Gap",
    }
    titles = {check.metric: check.title for check in settings.checks}
    names = (field.name for field in fields(SnapshotNumbers))
    labels = {name: counted.get(name) or titles.get(name) or name.replace("_", " ") for name in names}
    return {name: f"{label} (%)" if name.endswith("_percentage") else label for name, label in labels.items()}


def snapshot_message(taken: Snapshot, settings: Settings) -> Message:
    """The answer to whoever asked for it."""
    zone = settings.zone
    when = day_and_time(taken.taken_at, zone)
    head = f"📸 Taken {when} already, and kept as it is" if taken.existed else f"📸 Snapshot taken {when}"
    lines = [
        f"{escape(label, 120)}: *{_amount(getattr(taken.numbers, name))}*{_change_in_words(taken, name)}"
        for name, label in snapshot_labels(settings).items()
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
