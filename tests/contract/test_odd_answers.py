"""Answers that no documentation mentions: one source is unreadable then, and nothing else suffers from it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.adapters.census import CensusClient
from bot.adapters.census_documents import read_run, whole
from bot.adapters.databricks_errors import _first_line
from bot.adapters.slack_messenger import _our_id
from bot.errors import PermanentError, SyncHealthError, UncertainError
from bot.slack_api import LONGEST_WAIT, _patience, call, web_client

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
    assert whole(value) is None
    assert whole(0) == 0


def test_an_error_of_the_connector_that_has_no_text_is_named_by_its_kind() -> None:
    class WordlessError(Exception):
        def __str__(self) -> str:
            return None  # type: ignore[return-value]

    assert _first_line(WordlessError()) == "WordlessError"


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
