"""Slack's events, acknowledged at once and worked on in our own pool."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.errors import RefusedError, SyncHealthError
from bot.messages.rerun import loading_modal, refused_modal
from bot.slack.buttons import BUTTONS, DIALOGS, SUBMISSIONS
from bot.slack.commands import COMMANDS, unknown
from bot.slack.desk import COMMAND, Desk, Press, press_from

ANYTHING = re.compile("")


def build_app(desk: Desk) -> App:
    """The Bolt app. It asks Slack nothing, neither at the start nor before it knows what somebody wants."""
    app = App(
        client=WebClient(),
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None),  # else Bolt calls auth.test before us
        process_before_response=True,  # listeners are over at once, and need none of Bolt's five threads
        request_verification_enabled=False,
        logger=logging.getLogger("slack_bolt"),
    )

    def hand_over(work: Callable[[Desk, Press], None]) -> Callable[[Ack, dict[str, Any], BoltContext], None]:
        # Slack waits three seconds, and presses stand in line here: nothing may happen but that our pool gets them.
        def listener(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
            ack()
            desk.take(replace(press_from(body), arrived=context["arrived"]), work)

        return listener

    app.command(COMMAND)(hand_over(_command))
    app.action(ANYTHING)(hand_over(_button))
    app.view(ANYTHING)(hand_over(_submission))
    return app


def _command(desk: Desk, press: Press) -> None:
    command = COMMANDS.get(press.word)
    (command.run if command else unknown)(desk, press)


def _button(desk: Desk, press: Press) -> None:
    if press.word in DIALOGS:
        _dialog(desk, press)
    elif press.word in BUTTONS:
        BUTTONS[press.word](desk, press)
    else:
        raise RefusedError("This button is from another version of me. Type /sync-health for what holds now.")


def _dialog(desk: Desk, press: Press) -> None:
    """A trigger lives three seconds, so a dialog opens at once and is filled when the facts are there."""
    try:
        opened = desk.client.views_open(trigger_id=press.trigger_id, view=loading_modal())
    except SlackApiError as error:
        raise RefusedError(f"Slack did not let me open the dialog ({error.response['error']}). Press again.") from error
    view: dict[str, Any] = refused_modal("Something went wrong on my side; nothing was changed.")
    try:
        view = DIALOGS[press.word](desk, press)
    except RefusedError as refusal:
        desk.refused(press, refusal)
        view = refused_modal(str(refusal), refusal.people)
    except SyncHealthError as error:
        view = refused_modal(str(error))
    finally:
        desk.client.views_update(view_id=opened["view"]["id"], view=view)


def _submission(desk: Desk, press: Press) -> None:
    SUBMISSIONS[press.word](desk, press)
