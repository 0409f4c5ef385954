"""Socket Mode lines that drip, say nothing, say too much, or are taken away at once: given up, and opened again."""

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.adapters.slack.self_test import try_line
from bot.errors import SyncHealthError, TemporaryError
from bot.slack.app import build_app
from bot.slack.connection import SEEN, Connection
from bot.slack.interaction import Interaction
from bot.transport.slack_api import web_client
from bot.transport.socket_mode import Line, messages, open_line
from tests.dripping import Listener
from tests.slack.conftest import Pauses
from tests.slack.test_connection import NOBODY, page
from tests.slack.test_load import DeadLine
from tests.waiting import until

HELLO = b'{"type": "hello", "num_connections": 1}'
DISCONNECT = b'{"type": "disconnect", "reason": "refresh_requested"}'
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(data: bytes, opcode: int = 1, *, fin: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = bytes([len(data)]) if len(data) < 126 else b"\x7f" + struct.pack("!Q", len(data))
    return bytes([(0x80 if fin else 0) | opcode]) + size + data


class Lines(Listener):
    """WebSockets on loopback: after the handshake each one is handed to `behave`, which says what it likes."""

    def __init__(self, behave: Callable[["Lines", socket.socket], None], *, handshake: bool = True) -> None:
        self._behave, self._handshake = behave, handshake
        super().__init__()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    def drip(self, line: socket.socket, what: bytes) -> None:
        """The same byte again and again until the other side hangs up."""
        while not self.over.wait(0.02):
            line.sendall(what)

    def answer(self, line: socket.socket) -> None:
        asked = line.recv(65536).decode()
        if self._handshake:
            [key] = [row.split(": ")[1] for row in asked.split("\r\n") if row.startswith("Sec-WebSocket-Key")]
            accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
            said = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
            line.sendall("\r\n".join([*said, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        self._behave(self, line)


@contextmanager
def lines(behave: Callable[[Lines, socket.socket], None], *, handshake: bool = True) -> Iterator[tuple[Lines, str]]:
    """These lines, and the address of a Web API that names them."""
    server = Lines(behave, handshake=handshake)
    try:
        with page(200, json.dumps({"ok": True, "url": server.url}).encode(), "application/json") as url:
            yield server, url
    finally:
        server.stop()


def drip_handshake(server: Lines, line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: ")
    server.drip(line, b"x")


def say_nothing(server: Lines, line: socket.socket) -> None:
    while not server.over.wait(0.01) and line.recv(1000):
        pass


def ping_only(server: Lines, _line: socket.socket) -> None:
    server.drip(_line, frame(b"", 9))


def chatter_without_hello(server: Lines, line: socket.socket) -> None:
    server.drip(line, frame(b'{"type": "debug"}'))


def drip_a_message(server: Lines, line: socket.socket) -> None:
    line.sendall(frame(HELLO) + b"\x81\x7f" + struct.pack("!Q", 1000))
    server.drip(line, b"x")


def drip_fragments(server: Lines, line: socket.socket) -> None:
    line.sendall(frame(HELLO) + frame(b"x", fin=False))
    server.drip(line, frame(b"x", 0, fin=False) + frame(b"", 9))


def promise_gigabytes(server: Lines, line: socket.socket) -> None:
    line.sendall(frame(HELLO) + b"\x81\x7f" + struct.pack("!Q", 2**40))
    while not server.over.is_set():
        line.sendall(b"x" * 2**16)


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"HANDSHAKE": 0.3, "GREETING": 0.3, "MESSAGE": 0.3, "SILENCE": 5.0}.items():
        monkeypatch.setattr(f"bot.transport.socket_mode.{name}", seconds)


@pytest.mark.full
@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize(
    ("behave", "handshake"),
    [
        (drip_handshake, False),
        (say_nothing, True),
        (ping_only, True),
        (chatter_without_hello, True),
        (drip_a_message, True),
        (drip_fragments, True),
        (promise_gigabytes, True),
    ],
)
def test_a_line_that_leads_nowhere_is_hung_up_and_opened_again(
    behave: Callable[[Lines, socket.socket], None], handshake: bool
) -> None:
    with lines(behave, handshake=handshake) as (server, url):
        one = Connection(build_app(NOBODY), "app-token", f"{url}/api/")  # type: ignore[arg-type]
        one._stopping = Pauses()
        one.start()
        until(lambda: server.opened >= 3)
        until(lambda: server.open <= 2)  # those before are hung up
        one.stop()
        until(lambda: server.open == 0)


def test_a_message_of_gigabytes_is_given_up_by_its_size_however_fast_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.transport.socket_mode.MESSAGE", 600.0)
    monkeypatch.setattr("bot.transport.socket_mode.LARGEST", 2**20)
    with lines(promise_gigabytes) as (server, url):
        one = Connection(build_app(NOBODY), "app-token", f"{url}/api/")  # type: ignore[arg-type]
        one._stopping = Pauses()
        one.start()
        until(lambda: server.opened >= 2)
        one.stop()


def test_what_arrives_together_is_read_together_and_message_by_message(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting(Line):
        reads = 0

        def _read(self) -> bytes:
            self.reads += 1
            return super()._read()

    monkeypatch.setattr("bot.transport.socket_mode.Line", Counting)
    sent = [{"type": "hello", "text": "x" * length} for length in (0, 120, 126, 70_000, *range(100))]

    def send_together(_: Lines, line: socket.socket) -> None:
        line.sendall(b"".join(frame(json.dumps(message).encode()) for message in sent) + frame(b"", 8))

    with lines(send_together) as (_, url):
        line = open_line(web_client("app-token", f"{url}/api/"))
        assert list(messages(line)) == sent
        assert isinstance(line, Counting)
        assert line.reads < 40, "each message alone would be read in two or three pieces"
        line.shutdown()  # type: ignore[no-untyped-call]


@pytest.mark.full
def test_a_line_that_is_taken_away_right_after_its_hello_is_opened_again_later_each_time() -> None:
    def take_away(_: Lines, line: socket.socket) -> None:
        line.sendall(frame(HELLO) + frame(DISCONNECT) + frame(b"", 8))

    with lines(take_away) as (_, url):
        one = Connection(build_app(NOBODY), "app-token", f"{url}/api/")  # type: ignore[arg-type]
        pauses = one._stopping = Pauses()
        one.start()
        until(lambda: len(pauses.wanted) >= 8)
        one.stop()
    assert pauses.wanted[0] <= 1.0, "once Slack may do that"
    assert pauses.wanted[1:5] == sorted(pauses.wanted[1:5])
    assert 30 < pauses.wanted[7] <= 75


@pytest.mark.full
def test_a_line_that_slack_takes_away_and_does_not_close_is_not_heard_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.connection.LINGER", 0.2)

    def stay(server: Lines, line: socket.socket) -> None:
        line.sendall(frame(HELLO) + frame(DISCONNECT))
        server.drip(line, frame(b"", 9))

    with lines(stay) as (server, url):
        one = Connection(build_app(NOBODY), "app-token", f"{url}/api/")  # type: ignore[arg-type]
        one._stopping = Pauses()
        one.start()
        until(lambda: server.opened >= 30)
        until(lambda: server.opened - server.open >= 10)
        one.stop()


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("behave", [say_nothing, ping_only, chatter_without_hello])
def test_doctor_does_not_wait_for_a_hello_for_ever(behave: Callable[[Lines, socket.socket], None]) -> None:
    with lines(behave) as (_, url), pytest.raises(TemporaryError, match="before Slack said hello"):
        try_line(web_client("app-token", f"{url}/api/"))


def test_a_redirect_of_the_handshake_is_not_followed() -> None:
    def redirect(_: Lines, line: socket.socket) -> None:
        line.sendall(f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}\r\n\r\n".encode())

    elsewhere = Lines(say_nothing)
    with lines(redirect, handshake=False) as (_, url), pytest.raises(SyncHealthError, match="cannot be reached"):
        try_line(web_client("app-token", f"{url}/api/"))
    assert elsewhere.opened == 0
    elsewhere.stop()


def envelope(number: int, text: bytes = b"heard") -> bytes:
    return b'{"envelope_id": "%d", "type": "slash_commands", "payload": {"text": "%s"}}' % (number, text)


@pytest.mark.full
def test_an_invalid_byte_spoils_neither_the_line_nor_the_next_envelope() -> None:
    heard: list[str] = []

    def say(server: Lines, line: socket.socket) -> None:
        line.sendall(frame(HELLO) + frame(b"\xff\xfe") + frame(envelope(1, b"\xc3")) + frame(envelope(2)))
        say_nothing(server, line)

    with lines(say) as (server, url):
        app = SimpleNamespace(dispatch=lambda request: heard.append(request.body["text"]))
        one = Connection(app, "app-token", f"{url}/api/")  # type: ignore[arg-type]
        one.start()
        until(lambda: len(heard) == 2)
        assert server.opened == 1
        one.stop()
    assert heard == ["\N{REPLACEMENT CHARACTER}", "heard"]


class NotingLine(DeadLine):
    """A line that notes what is sent on it."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        super().__init__(messages)
        self.sent: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text)["envelope_id"])


@pytest.mark.full
def test_an_envelope_that_comes_twice_is_acknowledged_twice_and_dispatched_once() -> None:
    handled: list[str] = []
    app = App(client=WebClient(), authorize=lambda: None, before_authorize=lambda body: handled.append(body["text"]))
    one = Connection(app, "app-token", "http://127.0.0.1:1/api/")
    ids = ["a", "b", "a", *map(str, range(SEEN)), "b"]
    sent: list[str] = []
    for half in (ids[:2], ids[2:]):  # on two lines
        line = NotingLine([{"envelope_id": n, "payload": {"text": n}, "type": "slash_commands"} for n in half])
        one._lines[line] = threading.current_thread()  # type: ignore[index]
        one._read_loop(line, threading.Event())  # type: ignore[arg-type]
        sent += line.sent
    one._bolt.shutdown()
    assert sent == ids
    assert handled == ["a", "b", *map(str, range(SEEN)), "b"], "what is older than a thousand is forgotten"
    assert len(one._seen) == SEEN


ODD_BODIES: list[dict[str, Any]] = [
    {"type": "block_actions"},
    {"type": "block_actions", "user": None, "actions": [{"action_id": "refresh"}]},
    {"type": "block_actions", "user": "U1", "actions": [{"action_id": "refresh", "block_id": "b"}]},
    {"type": "block_actions", "user": {"id": "U1"}, "actions": []},
    {"type": "block_actions", "user": {"id": "U1"}, "actions": None},
    {"type": "block_actions", "user": {"id": "U1"}, "actions": ["x"], "container": None, "channel": None},
    {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_id": None, "block_id": 7}], "team": []},
    {"type": "view_submission", "user": {"id": "U1"}},
    {"type": "view_submission", "user": {"id": "U1"}, "view": {"callback_id": "rerun", "state": {"values": {"b": {}}}}},
    {"type": "view_submission", "user": {"id": "U1"}, "view": None},
    {"command": "/sync-health"},
    {"command": "/sync-health", "user_id": None, "team_id": None, "channel_id": None, "text": None},
    {"command": ["/sync-health"]},
    {"type": ["block_actions"]},
    {"event": "x", "type": "event_callback"},
    {},
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=str)
def test_an_odd_interaction_ends_nothing_and_the_next_one_is_done(body: dict[str, Any]) -> None:
    taken: list[Interaction] = []
    context = SimpleNamespace(**dict.fromkeys(("receive", "take"), lambda press, work: taken.append(press)))
    good = {
        "command": "/sync-health",
        "user_id": "U1",
        "team_id": "T1",
        "channel_id": "C1",
        "response_url": "",
        "text": "",
    }
    one = Connection(build_app(context), "app-token", "http://127.0.0.1:1/api/")  # type: ignore[arg-type]
    bodies = [body, good]
    line = NotingLine([{"envelope_id": str(n), "payload": each, "type": "x"} for n, each in enumerate(bodies)])
    one._lines[line] = threading.current_thread()  # type: ignore[index]
    one._read_loop(line, threading.Event())  # type: ignore[arg-type]
    one._bolt.shutdown()
    assert line.sent == ["0", "1"]
    assert taken[-1].person.id == "U1" and taken[-1].channel == "C1"
