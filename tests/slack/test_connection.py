"""The line to Slack beside its work: how it begins, what it survives, and how it is hung up."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient

from bot.demo.slack.server import Fault, SlackServer
from bot.slack.app import build_app
from bot.slack.connection import LONGEST, Connection
from tests.slack.conftest import Pauses
from tests.slack.test_load import DeadLine
from tests.small_bot import TOKEN
from tests.waiting import until

NOBODY = SimpleNamespace(take=lambda press, work: None)


def connection(url: str) -> Connection:
    return Connection(build_app(NOBODY), TOKEN, f"{url}/api/")  # type: ignore[arg-type]


@contextmanager
def page(status: int, body: bytes, content_type: str) -> Iterator[str]:
    """A server that answers everything with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def pauses_before(url: str, count: int) -> list[float]:
    """How long a connection to this address wants to wait between its first tries."""
    line = connection(url)
    pauses = line._stopping = Pauses()
    line.start()
    until(lambda: len(pauses.wanted) >= count)
    line.stop()
    return pauses.wanted[:count]


def test_a_line_whose_reader_has_not_begun_can_be_hung_up(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Thread.start

    def slowly(thread: threading.Thread) -> None:
        if thread.name == "line":
            time.sleep(0.2)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    line = connection(slack.url)
    line.start()
    until(lambda: slack.connections == 1)
    line.stop()
    until(lambda: slack.connections == 0)


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (200, "<html>Zugriff für Sie gesperrt</html>".encode("latin-1"), "text/html"),
        (503, "<html>Zugriff für Sie gesperrt</html>".encode("latin-1"), "text/html"),
        (200, b"<html>hello</html>", "text/html; charset=of-the-moon"),
        (200, b'"a string"', "application/json"),
        (200, b'["a", "list"]', "application/json"),
        (200, b"null", "application/json"),
        (200, b'{"ok": true}', "application/json"),
        (200, b'{"ok": true, "url": 7}', "application/json"),
        (200, b'{"ok": true, "url": "gopher://127.0.0.1:1/"}', "application/json"),
        (200, b'{"ok": true, "url": "ws://127.0.0.1:1/"}', "application/json"),
        (200, b"", "application/gzip"),
    ],
)
def test_whatever_answers_the_next_try_comes_and_each_later_than_the_last(
    status: int, body: bytes, content_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    with page(status, body, content_type) as url:
        waits = pauses_before(url, 8)
    assert waits[:4] == sorted(waits[:4])
    assert LONGEST / 2 < waits[-1] <= 1.25 * LONGEST
    assert [line for line in caplog.messages if "not connected to Slack since" in line][1:] == [], "said once"


def test_retry_after_is_honoured_and_bounded(slack: SlackServer) -> None:
    for asked, waited in ((77, 77.0), (99999, 600.0)):
        slack.fail_next("apps.connections.open", Fault(status=429, retry_after=asked), times=None)
        assert pauses_before(slack.url, 2) == [waited, waited]


def test_something_nobody_foresaw_ends_nothing(slack: SlackServer, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setattr("bot.slack.connection.RECONNECT", 0.01)
    left, real = [KeyError("url"), RecursionError(), MemoryError()], Connection._open_line

    def surprising(line: Connection, leaving: threading.Event) -> None:
        if left:
            raise left.pop()
        real(line, leaving)

    monkeypatch.setattr(Connection, "_open_line", surprising)
    line = connection(slack.url)
    line.start()
    until(lambda: slack.connections == 1)
    line.stop()
    assert "MemoryError" in caplog.text


def test_what_cannot_be_read_is_left_out_and_the_next_envelope_is_handled(caplog: pytest.LogCaptureFixture) -> None:
    handled: list[str] = []
    app = App(client=WebClient(), authorize=lambda: None, before_authorize=lambda body: handled.append(body["text"]))
    line = DeadLine([{"envelope_id": "1", "payload": {"text": "heard"}, "type": "slash_commands"}])
    unread = [b"\xff\xfe", b"[]", b'"x"', b"[" * 100_000, b"null", json.dumps({"envelope_id": "2"}).encode()]
    line.left = [*unread, b'{"envelope_id": "3", "payload": "x"}', b'{"type": ["hello"]}', *line.left]
    one, leaving = Connection(app, "app-token", "http://127.0.0.1:1/api/"), threading.Event()
    one._lines[line] = threading.current_thread()  # type: ignore[index]
    one._read_loop(line, leaving)  # type: ignore[arg-type]
    one._bolt.shutdown()
    assert handled == ["heard"]
    assert leaving.is_set()
    assert caplog.text.count("cannot be read") == 5
    assert caplog.text.count("not acknowledged") == 2


def test_a_dispatch_that_raises_does_not_end_the_next(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []

    def dispatch(request: BoltRequest) -> None:
        seen.append(request)
        raise RuntimeError("a bug in a middleware")

    one = Connection(SimpleNamespace(dispatch=dispatch), "app-token", "http://127.0.0.1:1/api/")  # type: ignore[arg-type]
    for _ in range(2):
        one._bolt.submit(one._dispatch, {}, 0.0)
    one._bolt.shutdown()
    assert len(seen) == 2
    assert caplog.text.count("could not be dispatched") == 2


@pytest.mark.full
def test_a_hello_tells_of_others_on_the_token_and_not_of_our_own_lines(slack: SlackServer) -> None:
    ours, theirs = connection(slack.url), connection(slack.url)
    ours.start()
    until(lambda: slack.connections == 1)
    slack.refresh(0.5)  # the new line of ours stands before the old one has gone
    until(lambda: slack.connections == 1)
    assert ours._status.others == 0
    theirs.start()
    until(lambda: slack.connections == 2)
    until(lambda: theirs._status.others == 1)
    for line in (ours, theirs):
        line.stop()
