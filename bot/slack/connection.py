"""The Socket Mode connection: made when Slack can be reached, kept, and given up in bounded time."""

import logging
import socket
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

log = logging.getLogger(__name__)
RECONNECT = 5.0  # real seconds until Slack is tried again


class Connection:
    """Slack's line to the app, on the adapter that reconnects within a moment (the built-in one takes seconds)."""

    def __init__(self, app: App, app_token: str, api_url: str) -> None:
        # Its own client: it asks for a connection with the app-level token.
        client = WebClient(base_url=api_url, timeout=10, retry_handlers=[])
        self._handler = SocketModeHandler(app, app_token, web_client=client)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="connect", daemon=True)

    def start(self) -> None:
        """Connect in the background; Slack may be down now."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._stopping.set()
        self._thread.join(timeout=15)
        client = self._handler.client
        client.auto_reconnect_enabled = False
        line = client.current_session and client.current_session.sock
        if line and line.sock:  # the reader sleeps in select() for up to ten seconds: cutting the line wakes it
            line.sock.shutdown(socket.SHUT_RDWR)
        self._handler.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> None:
        while not self._stopping.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except (SlackApiError, OSError) as error:
                log.warning("no connection to Slack yet: %s; trying again in %g s", _brief(error), RECONNECT)
                self._stopping.wait(RECONNECT)
            else:
                log.info("connected to Slack")
                return


def _brief(error: Exception) -> str:
    """Why, without the request that failed: it holds a token."""
    response = getattr(error, "response", None)
    return str(response["error"]) if response is not None and "error" in response else str(error)
