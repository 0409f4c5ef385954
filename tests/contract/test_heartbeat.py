"""The heartbeat over the wire: one question per completed evaluation, bounded, and quiet about failures."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.adapters.heartbeat import UrlHeartbeat
from bot.errors import TemporaryError
from bot.services.heartbeat import Pulse
from tests.dripping import dripping
from tests.waiting import until


class Monitor(ThreadingHTTPServer):
    """Answers with `status` and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/ping/a-secret"


class Handler(BaseHTTPRequestHandler):
    server: Monitor

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    server = Monitor()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_beat_is_one_get_for_the_evaluations_completed_since_the_last(monitor: Monitor) -> None:
    pulse = Pulse(UrlHeartbeat(monitor.url))
    pulse.send()
    assert monitor.asked == [], "nothing was completed yet"
    pulse.completed()
    pulse.completed()
    pulse.send()
    pulse.send()
    assert monitor.asked == ["/ping/a-secret"]


@pytest.mark.parametrize("status", [301, 404, 429, 500])
def test_a_failure_is_logged_once_without_the_address_and_not_tried_again(
    monitor: Monitor, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pulse, monitor.status = Pulse(UrlHeartbeat(monitor.url)), status
    for _ in range(3):
        pulse.completed()
        pulse.send()
        pulse.send()
    assert len(monitor.asked) == 3
    assert [str(status) in record.getMessage() for record in caplog.records] == [True]
    monitor.status = 200
    pulse.completed()
    pulse.send()
    assert caplog.messages[-1] == "the heartbeat works again"
    assert len(caplog.messages) == 2
    assert "a-secret" not in caplog.text


def test_a_monitor_that_cannot_be_reached_is_named_by_the_kind_of_failure_alone() -> None:
    with pytest.raises(TemporaryError, match="ConnectionError") as failed:
        UrlHeartbeat("http://127.0.0.1:1/a-secret").beat()
    assert "a-secret" not in str(failed.value)


def test_an_answer_in_drips_is_given_up_and_the_next_beat_asks_again() -> None:
    with dripping(b"HTTP/1.1 204 No Content\r\nX-Slow: ") as server:
        heartbeat = UrlHeartbeat(f"{server.url}/", timeout=30, whole=0.5)
        for asked in (1, 2):
            with pytest.raises(TemporaryError, match="within"):
                heartbeat.beat()
            until(lambda asked=asked: server.asked == asked)
        until(lambda: server.open == 0)


def test_without_an_address_nothing_is_asked() -> None:
    pulse = Pulse(None)
    pulse.completed()
    pulse.send()
