"""Socket Mode on the wire: open a connection, read its envelopes, acknowledge them."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from websocket import (
    ABNF,
    WebSocket,
    WebSocketBadStatusException,
    WebSocketException,
    WebSocketProtocolException,
    WebSocketTimeoutException,
)

from bot.config.addresses import is_safe
from bot.errors import TemporaryError, UncertainError
from bot.sanitize import redact
from bot.transport.bounded_http import keep_loopback_direct, untrusted, within
from bot.transport.slack_api import call

log = logging.getLogger(__name__)
SILENCE = 15.0  # real seconds after which it is asked whether anybody is there
HANDSHAKE = 20.0  # real seconds until a line stands
GREETING = 30.0  # real seconds until Slack says hello on it
MESSAGE = 30.0  # real seconds for one message, from its first byte to its last
READ = 2**16  # bytes that one read takes at most
LARGEST = 4 * 2**20  # bytes of one message: a dialog with all its fields has some tens of thousands


class Line(WebSocket):
    """A WebSocket that ends, whoever is at the other end: `until` is when it is given up, by the monotonic clock."""

    def __init__(self) -> None:
        super().__init__(enable_multithread=True, skip_utf8_validation=True)  # else one bad byte would break it
        self.until = time.monotonic() + GREETING  # whoever hears the hello takes that away
        self._began: float | None = None  # when the message that is arriving did
        self._taken = 0  # bytes of it
        self._arrived = b""  # what was read and not asked for yet

    def recv_frame(self) -> ABNF:
        frame: ABNF = super().recv_frame()  # type: ignore[no-untyped-call]
        if frame.fin and (frame.opcode < ABNF.OPCODE_CLOSE or not self.cont_frame.cont_data):
            self._began, self._taken = None, 0
        return frame

    def _recv(self, bufsize: int) -> bytes:
        """Some bytes at least. Each read of the socket lets other threads go first, so it takes all that is there."""
        if not self._arrived:
            self._arrived = self._read()
        data, self._arrived = self._arrived[:bufsize], self._arrived[bufsize:]
        self._began, self._taken = self._began or time.monotonic(), self._taken + len(data)
        if self._taken > LARGEST:
            raise WebSocketProtocolException("Slack sent too much at once")
        return data

    def _read(self) -> bytes:
        now = time.monotonic()
        ends = min(self.until, self._began + MESSAGE) if self._began is not None else self.until
        if now >= ends:
            raise WebSocketProtocolException("Slack took too long")
        if self.sock:
            self.sock.settimeout(min(SILENCE, ends - now))
        data: bytes = super()._recv(READ)  # type: ignore[no-untyped-call]
        return data


def open_line(client: WebClient) -> Line:
    """A line for the app-level token of this client. Raises SyncHealthError with what stands in the way."""
    address = call(client.apps_connections_open, app_token=str(client.token)).get("url")
    if not isinstance(address, str) or not address.startswith("ws") or not is_safe(f"http{address[2:]}"):
        raise UncertainError("Slack failed: apps.connections.open named no wss:// address")
    keep_loopback_direct()
    line = Line()
    try:
        with within(HANDSHAKE, lambda: line.sock):
            # A redirect could lead anywhere.
            line.connect(address, timeout=SILENCE, redirect_limit=0)  # type: ignore[no-untyped-call]
        line.until = time.monotonic() + GREETING
        return line
    except WebSocketBadStatusException as error:  # its text holds the headers and the page of a proxy
        raise _blocked(address, f"HTTP {error.status_code}") from error
    except (WebSocketException, OSError, HTTPException, ValueError) as error:
        if refused := untrusted(error, "Slack's Socket Mode"):
            raise refused from error
        raise _blocked(address, redact(str(error)) or type(error).__name__) from error


def messages(line: WebSocket) -> Iterator[dict[str, Any]]:
    """What arrives until Slack closes the line; what cannot be read is logged and left out.

    Raises WebSocketException or OSError when the line breaks, or nobody is there any more.
    """
    for text in _texts(line):
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            yield message
        else:
            log.warning("Slack sent %d characters over Socket Mode that cannot be read", len(text))


def acknowledge(line: WebSocket, message: Mapping[str, Any]) -> None:
    """Tell Slack that this has arrived; where that fails it has arrived anyway, and Slack does not send it again."""
    with suppress(WebSocketException, OSError):
        line.send(json.dumps({"envelope_id": message["envelope_id"]}))


def counted(hello: Mapping[str, Any]) -> int:
    """How many connections of this app Slack counts, ours included; 0 where it does not say."""
    count = hello.get("num_connections")
    return count if isinstance(count, int) else 0


def _texts(line: WebSocket) -> Iterator[str]:
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
            yield data.decode(errors="replace")


def _blocked(address: str, why: str) -> TemporaryError:
    """Without the address itself: its query lets one in."""
    return TemporaryError(f"Slack names {urlsplit(address).hostname} for Socket Mode, which cannot be reached: {why}")
