"""Every interaction and its handler, in one table."""

from typing import Literal

from bot.errors import RefusedError
from bot.slack.buttons import (
    acknowledge_thread,
    refresh,
    rerun,
    rerun_confirmed,
    share,
    snooze_thread,
    take_over,
    timeline,
)
from bot.slack.commands import COMMANDS, snapshot, unknown
from bot.slack.context import Context, Work
from bot.slack.dialogs import dialog
from bot.slack.interaction import Interaction

Kind = Literal["command", "button", "submission"]

HANDLERS: dict[tuple[Kind, str], Work] = {
    **{("command", word): command.run for word, command in COMMANDS.items()},
    ("button", "refresh"): refresh,
    ("button", "share"): share,
    ("button", "acknowledge"): acknowledge_thread,
    ("button", "take_over"): take_over,
    ("button", "snapshot"): snapshot,
    ("button", "snooze"): snooze_thread,
    ("button", "timeline"): timeline,
    **{("button", word): COMMANDS[word].run for word in ("runs", "queue", "errors", "schedules")},
    ("button", "rerun"): dialog("Rerun", rerun),
    ("submission", "rerun"): rerun_confirmed,
}
FROM_ANOTHER_VERSION = {
    "button": "This button is from another version of Sync Health. Type /sync-health for the current state.",
    "submission": "This dialog is from another version of Sync Health. Type /sync-health for the current state.",
}


def handle(kind: Kind, context: Context, interaction: Interaction) -> None:
    """Do what somebody typed, pressed or submitted. Raises RefusedError where an earlier version had offered it."""
    if interaction.word.startswith("open_"):
        return  # the browser has opened it
    if handler := HANDLERS.get((kind, interaction.word)):
        handler(context, interaction)
    elif kind == "command":
        unknown(context, interaction)
    else:
        raise RefusedError(FROM_ANOTHER_VERSION[kind])
