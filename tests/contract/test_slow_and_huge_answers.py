"""Partners that answer a byte at a time, without an end, or with gigabytes: an error of theirs, in bounded time."""

import gzip
import json
import socket
from collections.abc import Callable
from http.client import HTTPResponse

import pytest

from bot.adapters.census.client import CensusClient
from bot.adapters.databricks.login import Login
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH
from bot.errors import SyncHealthError, TemporaryError, UncertainError
from bot.transport import bounded_http
from bot.transport.bounded_http import retry_after, within
from bot.transport.slack_api import answer_url, call, web_client
from tests.dripping import answer, dripping
from tests.waiting import until

TOKEN = "token-of-this-test"
HEADERS = b"HTTP/1.1 200 OK\r\nX-Slow: "
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"
GZIP = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\0"  # then a name without an end
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"  # then an extension without an end
REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 99999\r\n\r\n"
DRIPS = {"status": b"HTTP/1.1 2", "headers": HEADERS, "body": BODY, "gzip": GZIP, "chunks": CHUNKED, "refusal": REFUSAL}


SHORT, LONG = (0.5, 0.5), (60.0, 60.0)  # real seconds to connect and to answer: where none comes, and where one does


def ask_census(url: str, timeout: tuple[float, float] = SHORT) -> object:
    return CensusClient(url, token=TOKEN, timeout=timeout, sleep=lambda _: None).sync(1)


def trigger(url: str) -> object:
    return CensusClient(url, token=TOKEN, timeout=SHORT, sleep=lambda _: None).trigger(1)


def ask_slack(url: str) -> object:
    return call(web_client(TOKEN, f"{url}/api/").auth_test)


def answer_slack(url: str) -> object:
    return answer_url(web_client(TOKEN, f"{url}/api/"), f"{url}/commands/1", text="hello")


def ask_for_a_token(url: str, timeout: tuple[float, float] = SHORT) -> object:
    settings = Databricks(url, PATH, client_id="application", client_secret="hush")
    return Login(settings, timeout=timeout).headers()


EVERYBODY = [ask_census, trigger, ask_slack, answer_slack, ask_for_a_token]


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.transport.slack_api.WHOLE", sum(SHORT))


@pytest.mark.parametrize("ask", EVERYBODY)
@pytest.mark.parametrize("drip", DRIPS)
def test_whoever_drips_is_given_up_and_hung_up(ask: Callable[[str], object], drip: str) -> None:
    with dripping(DRIPS[drip]) as server:
        with pytest.raises(SyncHealthError) as failed:
            ask(server.url)
        until(lambda: server.asked and server.open == 0)
        assert server.asked == 1
    assert isinstance(failed.value, UncertainError if ask in (trigger, ask_slack, answer_slack) else TemporaryError)
    assert TOKEN not in str(failed.value)


@pytest.mark.parametrize("ask", EVERYBODY)
@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_bound_is_not_taken_in(
    ask: Callable[[str], object], packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transport.slack_api.WHOLE", 20)
    body = b'{"ok": true, "data": "' + b" " * (2 * bounded_http.LARGEST) + b'"}'
    whole = answer(gzip.compress(body), "Content-Encoding: gzip") if packed else answer(body)
    with dripping(whole, drip=b"") as server, pytest.raises(SyncHealthError):
        ask(server.url)


@pytest.mark.parametrize("size", [1000, 1001])
def test_an_opener_reads_as_much_as_anybody_needs_and_one_byte_more(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "LARGEST", 1000)
    read: list[int | None] = []
    really = HTTPResponse.read

    def seen(response: HTTPResponse, amount: int | None = None) -> bytes:
        read.append(amount)
        return really(response, amount)

    monkeypatch.setattr(HTTPResponse, "read", seen)
    with dripping(answer(b"x" * size), drip=b"") as server:
        if size > 1000:
            with pytest.raises(ValueError, match=r"^the answer is larger than 1,000 bytes$"):
                bounded_http.bounded_opener(None).open(server.url, timeout=60)
        else:
            assert bounded_http.bounded_opener(None).open(server.url, timeout=60).read() == b"x" * size
    assert read[0] == 1001


@pytest.mark.full
def test_a_call_within_a_call_ends_by_itself_and_leaves_the_outer_one_its_time() -> None:
    outer, inner = socket.socketpair(), socket.socketpair()
    with outer[0], outer[1], inner[0], inner[1], dripping(BODY) as server:
        with pytest.raises(TimeoutError, match=r"within 3 s"), within(3, lambda: outer[0]):
            _run_into_a_deadline(inner[0])
            assert outer[0].send(b"x"), "the outer one is not broken by the end of the inner one"
            bounded_http.bounded_opener(None).open(server.url, timeout=30)
        until(lambda: server.open == 0)


def _run_into_a_deadline(found: socket.socket) -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.1 s"), within(0.1, lambda: found):
        found.recv(1)
        raise OSError("what a broken connection comes to")


def test_a_bomb_is_named_as_such_and_asked_for_once() -> None:
    bomb = answer(gzip.compress(b" " * (2 * bounded_http.LARGEST)), "Content-Encoding: gzip")
    with dripping(bomb, drip=b"") as server:
        with pytest.raises(TemporaryError, match="Census sent too much on sync 1"):
            ask_census(server.url, LONG)
        with pytest.raises(TemporaryError, match=r"login of Databricks.*sent more than can be read"):
            ask_for_a_token(server.url, LONG)
        assert server.asked == 2


def test_an_answer_in_time_is_not_broken_later() -> None:
    body = json.dumps({"data": {"id": 1, "paused": False, "schedule_frequency": "daily"}}).encode()
    with dripping(answer(body), drip=b"") as server:
        assert CensusClient(server.url, token=TOKEN).sync(1).id == 1  # type: ignore[union-attr]
    with pytest.raises(KeyError), within(30):
        raise KeyError("what goes wrong in time stays what it is")


def test_a_broken_end_is_not_taken_for_the_end_of_a_body() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError), within(0.05, lambda: ours):
        assert ours.recv(1) == b""


def test_what_is_found_after_the_end_of_its_time_is_broken_too() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError), within(0.01):
        until(lambda: bounded_http._here.deadline.expired)
        bounded_http._here.deadline.break_at_end(lambda: ours)
        assert ours.recv(1) == b""


DATE = "Mon, 02 Mar 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "3600"}, 600.0),
        ({"Retry-After": "9" * 500}, 600.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": "NaN"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
        ({"Retry-After": "Mon, 02 Mar 2026 10:00:30 GMT", "Date": DATE}, 30.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Tue, 02 Mar 2027 10:00:00 GMT", "Date": DATE}, 600.0),
        ({"Retry-After": "Mon, 02 Mar 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "Mon, 99 Mar 9999 10:00:30 GMT", "Date": DATE}, None),
    ],
)
def test_a_time_to_wait_is_read_in_one_way_and_bounded(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, 600.0) == seconds
