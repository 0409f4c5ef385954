"""Replies over the Web API: an ephemeral message, and the content of an open dialog."""

from typing import Any

from slack_sdk import WebClient

from bot.errors import PermanentError, SyncHealthError
from bot.messages.blocks import Message
from bot.transport.native_blocks import NativeBlocks
from bot.transport.slack_api import call

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # real seconds between two tries


def by_ephemeral(client: WebClient, native: NativeBlocks, channel: str, user: str, message: Message) -> None:
    """Answer with a message that only this person sees, in words alone where Slack refuses the blocks."""
    try:
        native.send(message, lambda said: call(client.chat_postEphemeral, channel=channel, user=user, **said))
    except PermanentError:
        call(client.chat_postEphemeral, channel=channel, user=user, text=message.text)


def by_dialog(client: WebClient, trigger_id: str, view: dict[str, Any]) -> None:
    """Answer in a dialog of its own, which a trigger opens within three seconds."""
    call(client.views_open, trigger_id=trigger_id, view=view)


def fill_dialog(client: WebClient, view_id: str, view: dict[str, Any]) -> None:
    """Show this in a dialog that is open, once. Raises NotFoundError when the person has closed it."""
    call(client.views_update, view_id=view_id, view=view)


def pause_before_next(tried: int, error: SyncHealthError) -> float | None:
    """Real seconds until something that may be done twice is tried again; None where it is given up."""
    asked: float | None = getattr(error, "retry_after", None)
    pause = FIRST_PAUSE * 2.0 ** (tried - 1) if asked is None else asked
    given_up = isinstance(error, PermanentError) or tried >= TRIES or pause > LONGEST_PAUSE
    return None if given_up else pause
