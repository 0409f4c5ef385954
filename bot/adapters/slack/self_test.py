"""Opens a Socket Mode connection to check the app token, and closes it."""

import logging
import time

from slack_sdk import WebClient
from websocket import WebSocket, WebSocketException

from bot.errors import SyncHealthError, TemporaryError
from bot.transport.slack_api import answer_url
from bot.transport.socket_mode import acknowledge, counted, messages, open_line

log = logging.getLogger(__name__)
CLOSE_TIMEOUT = 2.0  # real seconds for Slack to hang up
TRY_AGAIN = "This reached a self-test of the bot, which does nothing with it. Try again."


def try_line(client: WebClient) -> int:
    """How many other connections Slack counts with this app-level token, by the hello of a line of our own.

    What Slack sends on it meanwhile is not for us: who can be answered is told to try again, and the rest stays
    unacknowledged, so that Slack says so. Raises SyncHealthError when no line stands.
    """
    line, others = open_line(client), None
    try:
        for message in messages(line):
            if message.get("type") == "hello":
                others = max(0, counted(message) - 1)
                line.send_close()
                line.until = time.monotonic() + CLOSE_TIMEOUT
            elif "envelope_id" in message:
                _turn_away(client, line, message)
    except (WebSocketException, OSError) as error:
        if others is None:
            raise TemporaryError(f"the line broke before Slack said hello: {type(error).__name__}") from error
    finally:
        line.shutdown()  # type: ignore[no-untyped-call]
    if others is None:
        raise TemporaryError("Slack closed the line before it said hello")
    return others


def _turn_away(client: WebClient, line: WebSocket, message: dict[str, object]) -> None:
    payload = message.get("payload")
    url = payload.get("response_url") if isinstance(payload, dict) else None
    if not isinstance(url, str) or not url:
        log.warning("Slack sent a %.40s to the self-test: not acknowledged", message.get("type"))
        return
    acknowledge(line, message)
    try:
        answer_url(client, url, text=TRY_AGAIN, response_type="ephemeral", replace_original=False)
    except SyncHealthError as error:
        log.warning("somebody whose click reached the self-test could not be told to try again: %s", error)
