"""Every interaction and its handler, in one table."""

from typing import Literal

from bot.alerts.model import ActionKind
from bot.errors import RefusedError
from bot.services.observe import require_act_mode
from bot.slack.buttons import (
    acknowledge_thread,
    refresh,
    share,
    take_over,
)
from bot.slack.by_hand import (
    ask_note,
    ask_resolution,
    escalate,
    note_confirmed,
    resolution_confirmed,
    show_more,
    snooze_confirmed,
    snooze_pressed,
    timeline,
    unacknowledge_thread,
)
from bot.slack.command_table import COMMANDS, unknown
from bot.slack.commands import snapshot
from bot.slack.context import Context, Work
from bot.slack.dialogs import dialog
from bot.slack.follow_trace import follow_record
from bot.slack.home import in_home
from bot.slack.interaction import Interaction
from bot.slack.report import note_confirmed as stakeholder_note_confirmed
from bot.slack.report import preview_pressed
from bot.slack.sync_actions import confirmed, pressed, pressed_pause_all

Kind = Literal["command", "button", "submission"]

ON_A_BUTTON = ("runs", "queue", "errors", "schedules", "check", "runbook", "help")
ON_A_SYNC = (ActionKind.RERUN, ActionKind.PAUSE, ActionKind.RESUME, ActionKind.CANCEL)
HANDLERS: dict[tuple[Kind, str], Work] = {
    **{("command", word): command.typed for word, command in COMMANDS.items()},
    ("button", "refresh"): refresh,
    ("button", "share"): share,
    ("button", "acknowledge"): acknowledge_thread,
    ("button", "take_over"): take_over,
    ("button", "snapshot"): snapshot,
    ("button", "more"): dialog("More actions", show_more),
    ("button", "snooze"): snooze_pressed,
    ("button", "escalate"): escalate,
    ("button", "note"): dialog("Add note", ask_note),
    ("button", "resolve"): dialog("Resolve", ask_resolution),
    ("button", "unacknowledge"): unacknowledge_thread,
    ("button", "timeline"): timeline,
    **{("button", word): COMMANDS[word].run for word in ON_A_BUTTON},
    **{("button", str(kind)): pressed(kind) for kind in ON_A_SYNC},
    ("button", "follow_trace"): follow_record,
    ("button", "follow"): pressed(ActionKind.RERUN, "Follow"),
    ("button", "pause_all"): pressed_pause_all,
    ("button", "stakeholder_note"): preview_pressed,
    ("submission", "act"): confirmed,
    ("submission", "snooze"): snooze_confirmed,
    ("submission", "note"): note_confirmed,
    ("submission", "resolve"): resolution_confirmed,
    ("submission", "stakeholder_note"): stakeholder_note_confirmed,
}
OURS = {  # ask, or change what the bot itself keeps; observe mode refuses whatever is not among them
    *("", "refresh", "share", "check", "queue", "runs", "errors", "schedules", "incidents", "incident", "timeline"),
    *("trace", "follow_trace"),
    *("help", "acknowledge", "ack", "take_over", "unack", "unacknowledge", "snooze", "more", "audit", "runbook"),
    *("note", "resolve", "escalate", "slo", "trend", "tiles"),
    *("report", "stakeholder_note"),
}
OF_NOBODY = {("command", "help")}  # says nothing of the pipeline; a shared channel has people of other workspaces
FROM_ANOTHER_VERSION = {
    "button": "This button is from another version of Sync Health. Type /sync-health for the current state.",
    "submission": "This dialog is from another version of Sync Health. Type /sync-health for the current state.",
}


def handle(kind: Kind, context: Context, interaction: Interaction) -> None:
    """Do what somebody of our workspace typed, pressed or submitted.

    Raises RefusedError for others, and where the mode or the version does not.
    """
    if interaction.word.startswith("open_"):
        return  # the browser has opened it
    if (kind, interaction.word) not in OF_NOBODY:
        context.home.admit(interaction.person)
    if handler := HANDLERS.get((kind, interaction.word)):
        if interaction.word not in OURS:
            require_act_mode(context.ports.settings)
        (handler if interaction.home is None else in_home(interaction.word, handler))(context, interaction)
    elif kind == "command":
        unknown(context, interaction)
    else:
        if interaction.home is not None:  # it gets the buttons of this version
            context.app_home.ask(interaction.person, interaction.home)
        raise RefusedError(FROM_ANOTHER_VERSION[kind])
