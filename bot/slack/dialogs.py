"""Dialogs: opened at once, filled when the facts are there; refusals and failures stand in them, under their title."""

from dataclasses import replace

from bot.errors import RefusedError, SyncHealthError, UncertainError
from bot.messages.sync_dialogs import loading_modal
from bot.slack.context import Context, Work
from bot.slack.interaction import Interaction
from bot.transport.slack_api import call, taken


def dialog(title: str, fill: Work) -> Work:
    """A handler that opens a dialog of this title and has it filled; whatever `fill` answers is shown in it.

    A trigger lives three seconds, so nothing is asked before. Who has closed the dialog meanwhile is told nothing.
    What is pressed in a dialog fills that one.
    """

    def open_dialog(context: Context, interaction: Interaction) -> None:
        if interaction.metadata is not None:
            context.do(replace(interaction, view_title=title), fill)
            return
        try:
            opened = call(context.client.views_open, trigger_id=interaction.trigger_id, view=loading_modal(title))
        except SyncHealthError as error:
            stays = " A dialog that stays at Loading can be closed." if isinstance(error, UncertainError) else ""
            raise RefusedError(f"The dialog did not open ({error}).{stays} Click the button again.") from error
        view_id = taken(taken(opened, "view", dict), "id", str)
        context.do(replace(interaction, view_id=view_id, view_title=title), fill)

    return open_dialog
