"""The Socket Mode connection: reads and acknowledges envelopes, dispatches them to Bolt, reconnects with backoff."""

import logging
import math
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from slack_bolt import App, BoltRequest
from websocket import WebSocketException

from bot.errors import SyncHealthError
from bot.slack.connection_status import ConnectionStatus
from bot.transport.slack_api import web_client
from bot.transport.socket_mode import Line, acknowledge, counted, messages, open_line

log = logging.getLogger(__name__)
RECONNECT, LONGEST = 2.0, 60.0  # real seconds until Slack is tried again: at first, and at last
PATIENCE = 600.0  # real seconds that Slack, or a proxy before it, may ask us to wait
APART = 1.0  # real seconds between two lines at least: some are taken away as soon as they stand
STALE = 120.0  # real seconds for which Slack may still count a line that broke
SHORT = 10.0  # real seconds after its hello within which a line that is taken away counts as a failure
LINGER = 60.0  # real seconds for which a line that Slack takes away is heard on
CLOSE_TIMEOUT = 1.0  # real seconds for Slack to hang up
SEEN = 1000  # envelopes that are remembered: Slack may send one again


class Connection:
    """Slack's line to the app.

    Bolt would acknowledge after a listener of its own has run; here the reader does, and Bolt works behind it. When
    Slack takes a line away the next one stands first, and the old one is heard to its end.
    """

    def __init__(self, app: App, app_token: str, api_url: str, status: ConnectionStatus | None = None) -> None:
        # Its own client: it asks for a connection with the app-level token.
        self._client = web_client(app_token, api_url)
        self._app = app
        self._status = status or ConnectionStatus()
        self._bolt = ThreadPoolExecutor(1, "bolt")  # in the order of arrival
        self._lines: dict[Line, threading.Thread] = {}
        self._greeted: set[Line] = set()  # those on which Slack has said hello
        self._greeted_at = 0.0  # monotonic: the latest of these
        self._seen: dict[str, None] = {}  # the latest envelopes, oldest first
        self._broken: list[float] = []  # when lines ended that Slack did not close
        self._guard = threading.Lock()  # a line that is known has a reader that runs
        self._failures = 0  # since a line stood for a while
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._reconnect_loop, name="connect", daemon=True)

    def start(self) -> None:
        """Connect in the background; Slack may be down now."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up; what had arrived is handed over."""
        self._stopping.set()
        with self._guard:
            lines = list(self._lines.items())
        for line, reader in lines:
            with suppress(WebSocketException, OSError):  # it has ended already
                line.send_close()
                reader.join(CLOSE_TIMEOUT)
                if line.sock:
                    line.sock.shutdown(socket.SHUT_RDWR)  # closing it would not wake the reader
            reader.join(CLOSE_TIMEOUT)
        self._thread.join(timeout=15)
        self._bolt.shutdown()
        self._status.close()

    def _reconnect_loop(self) -> None:
        """Always have a line that Slack may use."""
        while not self._stopping.is_set():
            began, leaving, asked = time.monotonic(), threading.Event(), 0.0
            try:
                self._open_line(leaving)
                leaving.wait()
                if self._greeted_at < began:
                    self._failures += 1
                    self._note_failure("the line ended before Slack said hello")
                else:  # the first that is taken away at once is none: Slack does that
                    self._failures = self._failures + 1 if time.monotonic() - self._greeted_at < SHORT else 0
            except SyncHealthError as error:
                self._failures += 1
                asked = min(getattr(error, "retry_after", None) or 0.0, PATIENCE)
                self._status.failed(str(error))
            except Exception as error:  # noqa: BLE001 - an outermost loop: whatever Slack answers, the next try comes
                self._failures += 1
                self._status.failed(type(error).__name__, error)
            self._stopping.wait(max(self._pause(began), asked))

    def _note_failure(self, why: str) -> None:
        if not self._stopping.is_set():
            self._status.failed(why)

    def _pause(self, began: float) -> float:
        """None after a line that stood for a while, a moment after the first that was taken away at once."""
        if self._greeted_at >= began and self._failures <= 1:
            return began + APART - time.monotonic()
        return self._backoff()

    def _backoff(self) -> float:
        """Longer with each failure, and not the same for every bot that lost Slack at the same moment."""
        return min(RECONNECT * 2.0 ** min(self._failures - 1, 10), LONGEST) * random.uniform(0.75, 1.25)  # noqa: S311

    def _open_line(self, leaving: threading.Event) -> None:
        line = open_line(self._client)
        reader = threading.Thread(target=self._read_loop, args=(line, leaving), name="line", daemon=True)
        with self._guard:
            self._lines[line] = reader
            reader.start()
        if self._stopping.is_set():  # stop() may not have seen it
            line.send_close()

    def _read_loop(self, line: Line, leaving: threading.Event) -> None:
        """Read a line to its end; `leaving` is set once Slack will not use it any more."""
        try:
            for message in messages(line):
                if message.get("type") == "hello":
                    self._note_hello(line, counted(message))
                elif message.get("type") == "disconnect":
                    line.until = time.monotonic() + LINGER
                    leaving.set()
                elif "envelope_id" in message:
                    self._ack_and_dispatch(line, message)
        except (WebSocketException, OSError) as broken:
            log.info("the line to Slack broke: %s", type(broken).__name__)
            self._broken.append(time.monotonic())
        except Exception:  # an outermost loop: a line that cannot be read on makes way for the next one
            log.exception("the line to Slack cannot be read on")
        finally:
            self._remove_line(line)
            leaving.set()

    def _note_hello(self, line: Line, connections: int) -> None:
        """Slack uses this line from now on."""
        line.until, self._greeted_at = math.inf, time.monotonic()
        self._greeted.add(line)
        since = time.monotonic() - STALE
        self._broken = [ended for ended in self._broken if ended > since]
        self._status.connected(connections - len(self._lines) - len(self._broken))

    def _remove_line(self, line: Line) -> None:
        with self._guard:
            del self._lines[line]
        self._greeted.discard(line)
        line.shutdown()  # type: ignore[no-untyped-call]
        if not self._greeted and not self._stopping.is_set():
            self._status.lost()

    def _ack_and_dispatch(self, line: Line, message: dict[str, Any]) -> None:
        arrived, envelope = time.monotonic(), message["envelope_id"]
        if not isinstance(message.get("payload"), dict) or not isinstance(envelope, str):
            log.warning("Slack sent a %.40s without a payload: not acknowledged", message.get("type"))
            return
        acknowledge(line, message)
        if self._is_known(envelope):
            log.info("Slack sent an envelope again: acknowledged, and not done twice")
            return
        try:
            self._bolt.submit(self._dispatch, message["payload"], arrived)
        except RuntimeError:  # we are stopping; what was acknowledged is still answered
            self._dispatch(message["payload"], arrived)

    def _is_known(self, envelope: str) -> bool:
        """Whether it arrived before, on whichever line."""
        with self._guard:
            known = envelope in self._seen
            self._seen[envelope] = None
            while len(self._seen) > SEEN:
                del self._seen[next(iter(self._seen))]
        return known

    def _dispatch(self, payload: dict[str, Any], arrived: float) -> None:
        try:
            self._app.dispatch(BoltRequest(mode="socket_mode", body=payload, context={"arrived": arrived}))
        except Exception:  # an outermost loop: the next one is dispatched
            log.exception("something that Slack sent could not be dispatched")
