"""Slack's line to the app, in Socket Mode: what arrives is acknowledged where it is read, and never dropped."""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websocket import ABNF, WebSocket, WebSocketException, WebSocketTimeoutException, create_connection

log = logging.getLogger(__name__)
RECONNECT = 5.0  # real seconds until Slack is tried again
APART = 1.0  # real seconds between two lines at least: some are taken away as soon as they stand
SILENCE = 15.0  # real seconds after which it is asked whether anybody is there
GOODBYE = 1.0  # real seconds for Slack to hang up


class Connection:
    """Slack's line to the app.

    Bolt would acknowledge after a listener of its own has run; here the reader does, and Bolt works behind it. When
    Slack takes a line away the next one stands first, and the old one is heard to its end.
    """

    def __init__(self, app: App, app_token: str, api_url: str) -> None:
        # Its own client: it asks for a connection with the app-level token.
        self._client = WebClient(app_token, base_url=api_url, timeout=10, retry_handlers=[])
        self._app = app
        self._bolt = ThreadPoolExecutor(1, "bolt")  # in the order of arrival
        self._lines: dict[WebSocket, threading.Thread] = {}
        self._guard = threading.Lock()  # a line that is known has a reader that runs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="connect", daemon=True)

    def start(self) -> None:
        """Connect in the background; Slack may be down now."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; what had arrived is handed over."""
        self._stopping.set()
        with self._guard:
            lines = list(self._lines.items())
        for line, reader in lines:
            with suppress(WebSocketException, OSError):  # it has ended by itself
                line.send_close()
                reader.join(GOODBYE)
                if line.sock:
                    line.sock.shutdown(socket.SHUT_RDWR)  # closing it would not wake the reader
            reader.join(GOODBYE)
        self._thread.join(timeout=15)
        self._bolt.shutdown()

    def _keep(self) -> None:
        """Always have a line that Slack may use."""
        while not self._stopping.is_set():
            began, leaving = time.monotonic(), threading.Event()
            try:
                self._open(leaving)
            except (SlackApiError, OSError, HTTPException, WebSocketException) as error:
                log.warning("no connection to Slack yet: %s; trying again in %g s", _brief(error), RECONNECT)
                self._stopping.wait(RECONNECT)
            else:
                log.info("connected to Slack")
                leaving.wait()
                self._stopping.wait(began + APART - time.monotonic())

    def _open(self, leaving: threading.Event) -> None:
        answer = self._client.apps_connections_open(app_token=str(self._client.token))
        line = create_connection(str(answer["url"]), timeout=SILENCE, enable_multithread=True)
        reader = threading.Thread(target=self._hear, args=(line, leaving), name="line", daemon=True)
        with self._guard:
            self._lines[line] = reader
            reader.start()
        if self._stopping.is_set():  # stop() may not have seen it
            line.send_close()

    def _hear(self, line: WebSocket, leaving: threading.Event) -> None:
        """Read a line to its end; `leaving` is set once Slack will not use it any more."""
        try:
            for envelope in map(json.loads, _texts(line)):
                if envelope["type"] == "disconnect":
                    leaving.set()
                elif "envelope_id" in envelope:
                    self._take(line, envelope)
        except (WebSocketException, OSError) as broken:
            log.info("the line to Slack broke: %s", broken)
        finally:
            del self._lines[line]
            line.shutdown()  # type: ignore[no-untyped-call]
            leaving.set()

    def _take(self, line: WebSocket, envelope: dict[str, Any]) -> None:
        arrived = time.monotonic()
        with suppress(WebSocketException, OSError):  # it has arrived all the same, and Slack does not send it again
            line.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
        request = BoltRequest(mode="socket_mode", body=envelope["payload"], context={"arrived": arrived})
        self._bolt.submit(self._app.dispatch, request)


def _texts(line: WebSocket) -> Iterator[str]:
    """What arrives until Slack closes the line. Raises WebSocketTimeoutException when nobody is there any more."""
    asked = False
    while True:
        try:
            kind, data = line.recv_data(control_frame=True)
        except WebSocketTimeoutException:
            if asked:
                raise
            line.ping()
            asked = True
            continue
        asked = False
        if kind == ABNF.OPCODE_CLOSE:
            return
        if kind == ABNF.OPCODE_TEXT:
            yield data.decode()


def _brief(error: Exception) -> str:
    """Why, without the request that failed: it holds a token."""
    if isinstance(error, SlackApiError) and "error" in error.response:
        return str(error.response["error"])
    return str(error)
