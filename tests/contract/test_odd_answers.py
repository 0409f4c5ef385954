"""Answers that no documentation mentions: one source is unreadable then, and nothing else suffers from it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.census.client import MOST_PAGES, CensusClient
from bot.adapters.census.documents import read_run
from bot.adapters.slack.messenger import _our_id
from bot.adapters.values import first_line
from bot.errors import PermanentError, SyncHealthError, UncertainError, UnreadableError
from bot.transport.slack_api import LONGEST_WAIT, _is_slack, _patience, answer_url, call, web_client

RUN = {"id": 1, "sync_id": 2, "status": "completed", "created_at": "2026-03-02T10:00:00Z"}
TOKEN = "token-of-this-test"


@contextmanager
def server(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Answers everything in this one way; yields its address and the headers that it was sent."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{one.server_port}", asked
    finally:
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, b'{"data":' + b"[" * 100_000, {}),
        (200, b'{"data": {"id": ' + b"9" * 5_000 + b"}}", {}),
        (200, b"{}", {"Content_Type": "text/plain; charset=undefined"}),
        (302, b"", {"Location": "http://[::1"}),
    ],
    ids=["depth", "digits", "charset", "address"],
)
def test_an_answer_of_census_that_cannot_be_read_is_an_error_of_census(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    with server(status, body, **headers) as (url, _):
        census = CensusClient(f"{url}/api", "v2", token=TOKEN)
        with pytest.raises(SyncHealthError):
            census.sync(1)
        with pytest.raises(SyncHealthError):
            census.trigger(1)


def test_a_trigger_that_census_calls_an_error_did_not_start_anything() -> None:
    refused = pytest.raises(PermanentError, match="Census refused sync 1")
    with server(200, b'{"status": "error", "message": "sync is not ready"}') as (url, _), refused:
        CensusClient(f"{url}/api", "v2", token=TOKEN).trigger(1)


def test_a_zero_time_is_none_and_one_beyond_the_century_is_refused() -> None:
    assert read_run(RUN | {"completed_at": "0001-01-01T00:00:00Z"}).completed_at is None
    for wrong in ({"created_at": "0001-01-01T00:00:00Z"}, {"completed_at": "9999-12-31T23:59:59Z"}):
        with pytest.raises(ValueError, match=r"missing|year"):
            read_run(RUN | wrong)


@pytest.mark.parametrize("value", [True, -3, 10**20, 1.0, "5", None])
def test_what_counts_nothing_is_no_count(value: object) -> None:
    assert read_run(RUN | {"records_updated": value}).records_updated is None
    assert read_run(RUN | {"records_updated": 0}).records_updated == 0


def test_an_error_of_the_connector_that_has_no_text_is_named_by_its_kind() -> None:
    class WordlessError(Exception):
        def __str__(self) -> str:
            return None  # type: ignore[return-value]

    assert first_line(WordlessError()) == "WordlessError"


@pytest.mark.parametrize("metadata", [None, "text", [], {"event_payload": None}, {"event_payload": "text"}, {}])
def test_what_others_write_into_metadata_is_not_ours(metadata: object) -> None:
    assert _our_id({"metadata": metadata}) is None
    assert _our_id({"metadata": {"event_payload": {"id": "x"}}}) == "x"


@pytest.mark.parametrize(
    ("said", "seconds"), [("99999999", LONGEST_WAIT), ("9" * 400, LONGEST_WAIT), ("0", 1), ("x", 1)]
)
def test_slack_cannot_ask_for_years_of_patience(said: str, seconds: float) -> None:
    assert _patience({"Retry-After": said}) == seconds


def test_a_redirect_is_not_followed_so_it_takes_no_token_along() -> None:
    with (
        server(200, b'{"ok": true}') as (elsewhere, seen),
        server(302, b"", Location=f"{elsewhere}/x") as (url, asked),
        pytest.raises(UncertainError, match="302"),
    ):
        call(web_client(TOKEN, f"{url}/api/").auth_test)
    assert TOKEN in asked[0]["Authorization"]
    assert not seen


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", True),
        ("https://hooks.slack.com:443/actions/T1/2/x", True),
        ("https://hooks.slack-gov.com/actions/T1/2/x", True),
        ("http://127.0.0.1:8080/commands/1", True),  # where this Web API is
        ("http://hooks.slack.com/commands/T1/2/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://evil-slack.com/x", False),
        ("https://slack.com\\@evil.example/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("http://localhost:8080/commands/1", False),
        ("http://[::1/x", False),
        ("https://hooks.slack.com:port/x", False),
        ("file:///etc/passwd", False),
        ("ftp://hooks.slack.com/x", False),
        ("//hooks.slack.com/x", False),
        ("", False),
    ],
)
def test_an_answer_goes_to_slack_or_to_where_the_web_api_is(url: str, ours: bool) -> None:
    assert _is_slack(url, "http://127.0.0.1:9/api/") is ours


def test_nothing_is_sent_to_a_response_url_of_somebody_else() -> None:
    with server(200, b"ok") as (url, asked), pytest.raises(PermanentError, match="not Slack's"):
        answer_url(web_client(TOKEN, "https://slack.com/api/"), f"{url}/x", text="hello")
    assert not asked


# -- Census' documents: what they are about, and numbers that are none


@contextmanager
def census_of(data: Callable[[int], object]) -> Iterator[tuple[CensusClient, list[int]]]:
    """A Census whose every answer is `data` of the page that is asked for, and always names a next one."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
            asked.append(page)
            body = json.dumps({"data": data(page), "pagination": {"next_page": page + 1}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield CensusClient(f"http://127.0.0.1:{one.server_port}", token=TOKEN), asked
    finally:
        one.shutdown()
        one.server_close()


def test_a_page_without_a_new_id_ends_the_list() -> None:
    with census_of(lambda page: [RUN | {"id": page % 3 + 1}]) as (census, asked):
        assert len(census.runs(2, most=1000)) == 3
    assert asked == [1, 2, 3, 4]
    with census_of(lambda _: []) as (census, asked):
        assert census.runs(2, most=1000) == []
    assert asked == [1]


def test_a_list_that_does_not_end_is_given_up() -> None:
    with census_of(lambda page: [RUN | {"id": page}]) as (census, asked):
        with pytest.raises(UnreadableError, match="does not end"):
            census.runs(2, most=10**6)
        assert len(asked) == MOST_PAGES
        assert len(census.runs(2, most=5)) == 5, "who wants few of it gets them"


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 0},
        {"id": -1},
        {"id": 2**63},
        {"id": 1e3},
        {"id": float("nan")},
        {"id": "1"},
        {"id": True},
        {"id": [1]},
        {"id": 7},
        {"created_at": {"year": 2026}},
        {"created_at": "0000-99-99"},
        {"sync_id": 0},
    ],
    ids=str,
)
def test_a_run_that_is_not_the_one_asked_for_is_not_believed(wrong: dict[str, object]) -> None:
    with census_of(lambda _: RUN | wrong) as (census, _), pytest.raises(UnreadableError):
        census.run(1)


@pytest.mark.parametrize("value", [-5, 2**63, 1e3, float("nan"), float("inf"), "5", [5], {"n": 5}], ids=str)
def test_a_count_that_is_none_is_unknown_and_never_a_number(value: object) -> None:
    counts = dict.fromkeys(("records_updated", "records_failed", "records_invalid", "source_record_count"), value)
    with census_of(lambda _: RUN | counts) as (census, _):
        run = census.run(1)
    assert (run.records_updated, run.records_failed, run.records_invalid, run.records_total) == (None,) * 4


def test_one_run_that_cannot_be_read_leaves_the_others_unless_it_may_be_the_newest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd: list[object] = [{"id": "x"}, RUN | {"sync_id": 3, "id": 9}, None]
    with census_of(lambda _: [RUN, *odd, RUN | {"id": 4}]) as (census, _):
        assert sorted(run.id for run in census.runs(2)) == [1, 4]
    assert caplog.text.count("one run is left out") >= len(odd)
    for one in odd:
        with census_of(lambda _, one=one: [one, RUN]) as (census, _), pytest.raises(UnreadableError):
            census.runs(2)


SYNC = {"id": 1, "paused": False, "schedule_frequency": "daily"}


@pytest.mark.parametrize("wrong", [{"id": 2}, {"paused": "no"}, {"paused": None}, {"schedule_frequency": ""}])
def test_a_sync_that_does_not_say_when_it_runs_or_is_another_one_is_not_believed(wrong: dict[str, object]) -> None:
    with census_of(lambda _: SYNC | wrong) as (census, _), pytest.raises(UnreadableError):
        census.sync(1)
    unsaid = {name: value for name, value in SYNC.items() if name != "schedule_frequency"}
    with census_of(lambda _: unsaid) as (census, _), pytest.raises(UnreadableError, match="its schedule is missing"):
        census.sync(1)


@pytest.mark.parametrize("word", ["fortnightly", "NEVER", "🌒" * 500])
def test_an_unknown_frequency_is_shown_as_it_is(word: str) -> None:
    with census_of(lambda _: SYNC | {"schedule_frequency": word, "schedule_hour": 99, "schedule_minute": -1}) as (
        census,
        _,
    ):
        schedule = census.sync(1).schedule
    assert len(schedule.frequency) <= 40
    assert schedule.enabled is (word != "NEVER")
    assert (schedule.hour, schedule.minute) == (99, None)


@pytest.mark.parametrize("run_id", [0, -1, 2**63, 1e3, "5", None, [5]])
def test_a_trigger_that_names_no_run_is_uncertain(run_id: object) -> None:
    body = json.dumps({"status": "success", "data": {"sync_run_id": run_id}}).encode()
    with server(200, body) as (url, _), pytest.raises(UncertainError, match="look in the run list"):
        CensusClient(url, token=TOKEN).trigger(1)
