"""The Socket Mode connection: made when Slack can be reached, kept, and given up in bounded time."""

import logging
import socket
import threading
import time

from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

log = logging.getLogger(__name__)
RECONNECT = 5.0  # real seconds until Slack is tried again
PATIENCE = 5.0  # real seconds to wait for a line that was promised


class Connection:
    """Slack's line to the app, on the adapter that reconnects within a moment (the built-in one takes seconds)."""

    def __init__(self, app: App, app_token: str, api_url: str) -> None:
        # Its own client: it asks for a connection with the app-level token.
        client = WebClient(base_url=api_url, timeout=10, retry_handlers=[])
        self._handler = SocketModeHandler(app, app_token, web_client=client)
        self._handler.client.current_app_monitor_started = True  # by us, in _watch
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="connect", daemon=True)

    def start(self) -> None:
        """Connect in the background; Slack may be down now."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._stopping.set()
        for name in ("slack_bolt", "websocket"):  # they would call it an error that we do
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._thread.join(timeout=15)
        client = self._handler.client
        client.auto_reconnect_enabled = False
        line = client.current_session and client.current_session.sock
        if line and line.sock:
            # The reader sleeps in select() for up to ten seconds. Cutting the line wakes it; closing it does not.
            line.sock.shutdown(socket.SHUT_RDWR)
            ends = time.monotonic() + PATIENCE
            while client.is_connected() and time.monotonic() < ends:
                time.sleep(0.01)
        self._handler.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> None:
        while not self._stopping.is_set():
            try:
                self._handler.connect()  # type: ignore[no-untyped-call]
            except (SlackApiError, OSError) as error:
                log.warning("no connection to Slack yet: %s; trying again in %g s", _brief(error), RECONNECT)
                self._stopping.wait(RECONNECT)
            else:
                self._watch()
                return

    def _watch(self) -> None:
        """Let the client's monitor reconnect from now on, once the line is there or has failed.

        Started by `connect` itself, as it would be, the monitor finds a session that is not open yet and replaces it;
        when the old one opens all the same, presses arrive on it and cannot be acknowledged.
        """
        client, ends = self._handler.client, time.monotonic() + PATIENCE
        while not client.is_connected() and time.monotonic() < ends and not self._stopping.wait(0.05):
            pass
        client.current_app_monitor.start()
        log.info("connected to Slack" if client.is_connected() else "Slack does not answer yet; trying again")


def _brief(error: Exception) -> str:
    """Why, without the request that failed: it holds a token."""
    response = getattr(error, "response", None)
    return str(response["error"]) if response is not None and "error" in response else str(error)
