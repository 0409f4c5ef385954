"""The Bolt app: every interaction goes to its handler in a pool of our own."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.errors import PermanentError, RefusedError, SyncHealthError
from bot.messages.rerun import loading_modal
from bot.services.authorise import Person
from bot.slack.buttons import BUTTONS, DIALOGS, SUBMISSIONS
from bot.slack.commands import COMMANDS, unknown
from bot.slack.interaction import COMMAND, Context, Interaction, interaction_from
from bot.transport.slack_api import call, taken

log = logging.getLogger(__name__)
ANYTHING = re.compile("")
FROM_ANOTHER_VERSION = "This {} is from another version of me. Type /sync-health for what holds now."


def build_app(ours: Context) -> App:
    """The Bolt app. It asks Slack nothing, neither at the start nor before it knows what somebody wants."""
    app = App(
        client=WebClient(),
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None),  # else Bolt calls auth.test before us
        process_before_response=True,  # listeners are over at once, and need none of Bolt's five threads
        request_verification_enabled=False,
        logger=logging.getLogger("slack_bolt"),
    )

    def hand_over(
        work: Callable[[Context, Interaction], None],
    ) -> Callable[[Ack, dict[str, Any], BoltContext], None]:
        # Slack waits three seconds, and presses stand in line here: nothing may happen but that our pool gets them.
        def listener(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
            ack()
            ours.receive(replace(interaction_from(body), arrived=context["arrived"]), work)

        return listener

    app.command(COMMAND)(hand_over(_command))
    app.action(ANYTHING)(hand_over(_button))
    app.view(ANYTHING)(hand_over(_submission))

    @app.error
    def unreadable(error: Exception, body: dict[str, Any]) -> None:
        # Its form alone: what stands in it belongs to a person.
        log.error("Slack sent a %.40s that cannot be read", body.get("type") or "command", exc_info=error)
        ours.take(
            Interaction(Person("", "", ""), "?", response_url=str(body.get("response_url") or "")), _say_unreadable
        )

    return app


def _command(context: Context, interaction: Interaction) -> None:
    command = COMMANDS.get(interaction.word)
    (command.run if command else unknown)(context, interaction)


def _button(context: Context, interaction: Interaction) -> None:
    if interaction.word in DIALOGS:
        _dialog(context, interaction)
    elif interaction.word in BUTTONS:
        BUTTONS[interaction.word](context, interaction)
    else:
        raise RefusedError(FROM_ANOTHER_VERSION.format("button"))


def _dialog(context: Context, interaction: Interaction) -> None:
    """A trigger lives three seconds, so a dialog opens at once and is filled when the facts are there."""
    try:
        opened = call(
            context.client.views_open,
            trigger_id=interaction.trigger_id,
            view=loading_modal(interaction.word.capitalize()),
        )
    except SyncHealthError as error:
        raise RefusedError(f"The dialog did not open ({error}). Click the button again.") from error
    context.do(replace(interaction, view_id=taken(taken(opened, "view", dict), "id", str)), DIALOGS[interaction.word])


def _submission(context: Context, interaction: Interaction) -> None:
    if interaction.word not in SUBMISSIONS:
        raise RefusedError(FROM_ANOTHER_VERSION.format("dialog"))
    SUBMISSIONS[interaction.word](context, interaction)


def _say_unreadable(_context: Context, _interaction: Interaction) -> None:
    raise PermanentError("Slack sent this in a form that I cannot read, so I did nothing. The log says what it was.")
