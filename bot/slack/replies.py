"""Answers to an interaction by the Web API: a message for one person, and what stands in an open dialog."""

import time
from typing import Any

from slack_sdk import WebClient

from bot.errors import PermanentError, TemporaryError, UncertainError
from bot.messages.blocks import Message
from bot.slack_api import call

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # real seconds between two tries


def by_ephemeral(client: WebClient, channel: str, user: str, message: Message) -> None:
    """Answer with a message that only this person sees, in words alone where Slack refuses the blocks."""
    try:
        call(client.chat_postEphemeral, channel=channel, user=user, **message.payload())
    except PermanentError:
        call(client.chat_postEphemeral, channel=channel, user=user, text=message.text)


def fill_dialog(client: WebClient, view_id: str, view: dict[str, Any]) -> None:
    """Show this in a dialog that is open; tried again for a while, because doing it twice changes nothing.

    Raises NotFoundError when the person has closed it, another SyncHealthError when Slack does not take it.
    """
    for tried in range(TRIES):
        try:
            call(client.views_update, view_id=view_id, view=view)
            return
        except (TemporaryError, UncertainError) as error:
            asked = getattr(error, "retry_after", None)
            pause = FIRST_PAUSE * 2**tried if asked is None else asked
            if tried + 1 == TRIES or pause > LONGEST_PAUSE:
                raise
            time.sleep(pause)
