"""The ways in which Slack takes an answer to an interaction, each read for what Slack says of it."""

import json
import ssl
import time
from typing import Any

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.errors import PermanentError, TemporaryError, UncertainError
from bot.messages.blocks import Message
from bot.slack_api import CODE, SILENT, TIMEOUT, call, respond

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # real seconds between two tries


def by_response_url(
    url: str, message: Message, trust: ssl.SSLContext | None, *, replace: bool = False, to_all: bool = False
) -> None:
    """Answer where the interaction came from: five times, within half an hour. Raises SyncHealthError."""
    hook = WebhookClient(url, timeout=TIMEOUT, ssl=trust, logger=SILENT, retry_handlers=[])
    hook.proxy = None  # as for web_client
    seen = "in_channel" if to_all else "ephemeral"
    said: dict[str, Any] = {"text": message.text, "blocks": list(message.blocks)}
    answer = respond(hook.send, **said, response_type=seen, replace_original=replace)
    if answer.status_code != 200 or not _is_yes(answer.body):
        raise PermanentError(f"Slack refuses the response_url: {answer.status_code} {_code(answer.body)}".rstrip())


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


def _is_yes(body: str) -> bool:
    return body.strip() in ("", "ok") or _read(body).get("ok") is True


def _code(body: str) -> str:
    """What Slack calls the trouble; nothing where the page of a proxy stands there."""
    code = str(_read(body).get("error") or body.strip())
    return code if CODE.fullmatch(code) else ""


def _read(body: str) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
