"""The real client against the local Census: every trap of the real one, and a Census that really syncs."""

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from bot.adapters.census.client import CensusClient
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import SYNC_FAULTS, CensusSyncs, LocalSync
from bot.errors import (
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
)
from bot.facts import RunStatus
from tests.waiting import until

TOKEN = "a-token-for-tests"
START = datetime(2026, 11, 2, 10, 2, tzinfo=UTC)
CREATE, UPDATE = 3394022, 3394041
OPENAPI = Path(__file__).parents[3] / "shared" / "oracles" / "census" / "openapi.yaml"


class HandSetClock:
    """Time that only moves when a test says so."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def pass_(self, server: CensusServer, **duration: float) -> None:
        self.at += timedelta(**duration)
        server.advance()


class NotedDestination:
    """Has as many rows as it is told, and notes what it is asked for."""

    def __init__(self) -> None:
        self.rows = {"create": 0, "update": 0}
        self.rejected = 0
        self.failure: SyncHealthError | None = None
        self.taken: list[tuple[str, int]] = []
        self.brought: list[tuple[int, int]] = []
        self.forgotten: list[int] = []

    def take(self, direction: str, run_id: int) -> int:
        if self.failure:
            raise self.failure
        self.taken.append((direction, run_id))
        return self.rows[direction]

    def bring(self, direction: str, run_id: int, first: int, last: int) -> int:
        self.brought.append((first, last))
        return last - first + 1 - self.rejected

    def keys(self, run_id: int) -> list[str]:
        return [f"key-{run_id}-{n}" for n in range(max(self.rows.values()))]

    def forget(self, run_id: int) -> None:
        self.forgotten.append(run_id)


def make_server(clock: HandSetClock, destination: NotedDestination, **options: Any) -> CensusServer:
    syncs = [LocalSync(CREATE, "Create properties", "create"), LocalSync(UPDATE, "Update properties", "update")]
    return CensusServer(destination, syncs, token=TOKEN, now=clock.now, **options)


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def destination() -> NotedDestination:
    return NotedDestination()


@pytest.fixture(scope="module")
def shared() -> Iterator[CensusServer]:
    """Its time stands still, so its schedules start nothing."""
    server = make_server(HandSetClock(), NotedDestination())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(shared: CensusServer) -> CensusServer:
    shared.heal()
    return shared


@pytest.fixture
def own_server(clock: HandSetClock, destination: NotedDestination) -> Iterator[CensusServer]:
    """For tests that move its time, stop it, or count what is in it."""
    server = make_server(clock, destination)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def census(server: CensusServer, slept: list[float]) -> CensusClient:
    return client(server.url, slept)


def client(url: str, slept: list[float], **options: Any) -> CensusClient:
    """Patient: on a loaded machine an answer that comes may take its time."""
    usual: dict[str, Any] = {"token": TOKEN, "sleep": slept.append, "timeout": (60, 60)}
    return CensusClient(url, **usual | options)


def client_in_vain(server: CensusServer, slept: list[float], what: object) -> CensusClient:
    """Where no answer comes, nobody waits long for it."""
    return client(server.url, slept, **({"timeout": (1, 0.9)} if what == "hang" else {}))


def a_run(**changes: object) -> dict[str, object]:
    return {
        "id": 77,
        "sync_id": CREATE,
        "status": "completed",
        "canceled": False,
        "created_at": "2026-11-02T09:00:00Z",
        "completed_at": "2026-11-02T09:01:00Z",
        "records_updated": 3,
        "sync_trigger_reason": {"ui_tag": "Manual", "ui_detail": "by someone@example.com"},
    } | changes


# Reading a run


def test_a_run_is_read_with_all_its_counts(server: CensusServer, census: CensusClient) -> None:
    server.plant(
        a_run(source_record_count=9, records_processed=8, records_updated=5, records_failed=2, records_invalid=1)
    )
    run = census.run(77)
    counts = (run.records_total, run.records_processed, run.records_updated, run.records_failed, run.records_invalid)
    assert counts == (9, 8, 5, 2, 1)
    assert (run.status, run.trigger, run.sync_id, run.counts_as_sync) == (RunStatus.COMPLETED, "Manual", CREATE, True)


def test_a_dry_run_completes_with_updates_and_is_still_no_sync(server: CensusServer, census: CensusClient) -> None:
    server.plant(a_run(sync_trigger_reason={"ui_tag": "Dry Run"}))
    run = census.run(77)
    assert run.dry_run
    assert run.status is RunStatus.COMPLETED
    assert not run.counts_as_sync


def test_a_completed_run_that_was_canceled_is_cancelled(server: CensusServer, census: CensusClient) -> None:
    server.plant(a_run(canceled=True))
    assert census.run(77).status is RunStatus.CANCELLED


@pytest.mark.parametrize("status", ["cancelled", "canceled", "Cancelled"])
def test_both_spellings_of_cancelled_are_known(server: CensusServer, census: CensusClient, status: str) -> None:
    server.plant(a_run(status=status))
    assert census.run(77).status is RunStatus.CANCELLED


@pytest.mark.parametrize("status", ["preparing", None, 7])
def test_an_unknown_status_is_not_final(server: CensusServer, census: CensusClient, status: object) -> None:
    server.plant(a_run(status=status))
    run = census.run(77)
    assert run.status is RunStatus.UNKNOWN
    assert not run.final


def test_a_failed_run_may_have_no_counts_and_no_end(server: CensusServer, census: CensusClient) -> None:
    server.plant(a_run(status="failed", completed_at=None, records_updated=None, error_message="no such view"))
    run = census.run(77)
    assert (run.status, run.completed_at, run.records_updated, run.records_failed) == (
        RunStatus.FAILED,
        None,
        None,
        None,
    )
    assert run.error == "no such view"
    assert run.final


def test_invalid_rows_are_found_under_their_other_name(server: CensusServer, census: CensusClient) -> None:
    server.plant(a_run(records_invalid=None, source_record_invalids=4))
    assert census.run(77).records_invalid == 4


@pytest.mark.parametrize(
    "written", ["2026-11-02T09:00:00Z", "2026-11-02T09:00:00.000Z", "2026-11-02T01:00:00-08:00", "2026-11-02T09:00:00"]
)
def test_times_are_read_as_utc_however_they_are_written(
    server: CensusServer, census: CensusClient, written: str
) -> None:
    server.plant(a_run(created_at=written))
    run = census.run(77)
    assert run.created_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert run.created_at.utcoffset() == timedelta(0)


def test_who_triggered_a_run_is_never_read(server: CensusServer, census: CensusClient) -> None:
    server.plant(a_run())
    assert "example.com" not in repr(census.run(77))


@pytest.mark.parametrize("reason", [None, "Manual", {}, {"ui_tag": None}])
def test_a_run_without_a_trigger_reason_is_read(server: CensusServer, census: CensusClient, reason: object) -> None:
    server.plant(a_run(sync_trigger_reason=reason))
    assert census.run(77).trigger == ""


@pytest.mark.parametrize("created_at", [None, "yesterday", 5, "0001-01-01T00:00:00+14:00"])
def test_a_run_that_cannot_be_read_is_an_error_and_no_run(
    server: CensusServer, census: CensusClient, created_at: object
) -> None:
    server.plant(a_run(created_at=created_at))
    with pytest.raises(TemporaryError, match="run 77 in a way that we cannot read"):
        census.run(77)


def test_a_run_s_error_shows_no_payload_no_link_and_no_address(server: CensusServer, census: CensusClient) -> None:
    text = 'Rejected by someone@example.com, see https://example.com/x?sig=1 for {"name": "Jane"}'
    server.plant(a_run(status="failed", error_message=text))
    assert census.run(77).error == "Rejected by … see … for …"


# Reading a sync


def test_a_sync_s_status_is_compared_without_case(census: CensusClient) -> None:
    assert census.sync(CREATE).status == "up to date"


def test_the_older_form_of_the_schedule_is_read(server: CensusServer, census: CensusClient) -> None:
    older = {"schedule_frequency": "Weekly", "schedule_day": "Monday", "schedule_hour": 3, "schedule_minute": 30}
    server.plant({"id": 5, "label": None, "paused": False, "status": "Ready", **older})
    sync = census.sync(5)
    schedule = sync.schedule
    assert sync.label == "sync 5"
    assert (schedule.frequency, schedule.day, schedule.hour, schedule.minute) == ("weekly", "Monday", 3, 30)
    assert schedule.enabled


def test_the_newer_form_of_the_schedule_wins(server: CensusServer, census: CensusClient) -> None:
    newer = {"frequency": "expression", "day": None, "hour": None, "minute": None, "cron_expression": "5 4 * * *"}
    mode = {"type": "triggered", "triggers": {"schedule": newer}}
    server.plant({"id": 5, "paused": False, "schedule_frequency": "hourly", "schedule_minute": 7, "mode": mode})
    schedule = census.sync(5).schedule
    assert (schedule.frequency, schedule.cron, schedule.minute) == ("expression", "5 4 * * *", None)


@pytest.mark.parametrize(
    ("mode", "triggers"),
    [
        (None, ()),
        ({"type": "triggered", "triggers": {}}, ()),
        ({"type": "triggered", "triggers": {"fivetran": None, "dbt_cloud": {}, "schedule": {"frequency": None}}}, ()),
        ({"type": "triggered", "triggers": {"sync_sequence": {"sync_id": 502}}}, ("sync_sequence",)),
        (
            {"type": "triggered", "triggers": {"fivetran": {"job_id": "a"}, "dbt_cloud": {"job_id": "b"}}},
            ("fivetran", "dbt_cloud"),
        ),
        ({"type": "triggered", "triggers": {"on_a_full_moon": {"phase": 4}}}, ("on_a_full_moon",)),
        ({"type": "live"}, ("live",)),
        ({"type": "live", "triggers": ["unreadable"]}, ("live",)),
    ],
)
def test_what_else_starts_a_sync_is_read_and_keeps_it_on(
    server: CensusServer, census: CensusClient, mode: object, triggers: tuple[str, ...]
) -> None:
    server.plant({"id": 5, "paused": False, "schedule_frequency": None, "mode": mode})
    schedule = census.sync(5).schedule
    assert (schedule.frequency, schedule.triggers) == ("never", triggers)
    assert schedule.enabled is bool(triggers)


@pytest.mark.parametrize(
    ("sequence", "follows"),
    [
        ({"sync_id": 502}, 502),
        ({"sync_id": "502"}, 502),
        ({"id": 502}, 502),
        ({"sync_id": [502]}, 502),
        (502, 502),
        ({"sync_id": [502, 503]}, None),
        ({"sync_id": True}, None),
        ({"sync_id": -1}, None),
        ({"sync_id": "Sync A"}, None),
        ({"sync_id": None, "name": "Sync A"}, None),
        ({"enabled": True}, None),
        (True, None),
    ],
)
def test_the_sync_that_one_follows_is_read_where_it_is_named_and_never_guessed(
    server: CensusServer, census: CensusClient, sequence: object, follows: int | None
) -> None:
    mode = {"type": "triggered", "triggers": {"sync_sequence": sequence}}
    server.plant({"id": 5, "paused": False, "schedule_frequency": None, "mode": mode})
    schedule = census.sync(5).schedule
    assert (schedule.follows, schedule.triggers) == (follows, ("sync_sequence",))


def test_a_paused_sync_is_not_enabled(own_server: CensusServer) -> None:
    census = client(own_server.url, [])
    own_server.syncs[CREATE].paused = True
    schedule = census.sync(CREATE).schedule
    assert (schedule.paused, schedule.enabled) == (True, False)


def test_whether_a_sync_is_paused_is_never_guessed(server: CensusServer, census: CensusClient) -> None:
    server.plant({"id": 5, "status": "Ready", "schedule_frequency": "hourly"})
    with pytest.raises(TemporaryError, match="sync 5 in a way that we cannot read: paused is missing"):
        census.sync(5)


# Lists


def test_runs_come_newest_first_over_as_many_pages_as_are_wanted(server: CensusServer, census: CensusClient) -> None:
    for number in range(250):
        server.plant(
            a_run(id=number + 1, created_at=(START - timedelta(days=9) + timedelta(minutes=number)).isoformat())
        )
    runs = census.runs(CREATE, most=300)
    assert len(runs) == 300
    assert len({run.id for run in runs}) == 300
    assert [run.created_at for run in runs] == sorted((run.created_at for run in runs), reverse=True)


def test_a_day_of_healthy_history_is_there_from_the_start(own_server: CensusServer) -> None:
    runs = client(own_server.url, []).runs(UPDATE, most=1000)
    assert len(runs) == 96
    assert all(run.counts_as_sync and run.trigger == "Schedule" for run in runs)
    assert runs[0].completed_at is not None
    assert START - runs[0].completed_at < timedelta(minutes=15)


def test_the_server_s_order_is_not_trusted_and_doubles_are_dropped(server: CensusServer, census: CensusClient) -> None:
    times = {1: "2026-11-02T09:00:00Z", 3: "2026-11-02T09:30:00Z", 2: "2026-11-02T09:15:00Z"}
    rows = [a_run(id=number, created_at=at) for number, at in times.items()]
    server.fail_next("list_runs", 200, body={"data": [*rows, rows[0]], "pagination": {"next_page": None}})
    assert [run.id for run in census.runs(CREATE)] == [3, 2, 1]


def test_no_runs_are_wanted_and_none_are_given(census: CensusClient) -> None:
    assert census.runs(CREATE, most=0) == []


def test_all_pages_of_the_syncs_are_read(own_server: CensusServer) -> None:
    census = client(own_server.url, [])
    for number in range(1, 151):
        own_server.plant({"id": number, "label": f"other {number}", "paused": False, "schedule_frequency": "never"})
    syncs = census.syncs()
    assert len({sync.id for sync in syncs}) == len(syncs) == 152
    assert {CREATE, UPDATE} < {sync.id for sync in syncs}


def test_a_page_that_names_itself_as_the_next_ends_the_list(server: CensusServer, census: CensusClient) -> None:
    row = {"id": 1, "paused": False, "schedule_frequency": "never"}
    server.fail_next("list_syncs", 200, 5, body={"data": [row], "pagination": {"next_page": 1}})
    assert [sync.id for sync in census.syncs()] == [1]


@pytest.mark.parametrize("body", [{"data": {"id": 1}}, {"data": "x"}])
def test_a_list_that_is_no_list_is_an_error(server: CensusServer, census: CensusClient, body: dict[str, Any]) -> None:
    server.fail_next("list_syncs", 200, body=body)
    with pytest.raises(TemporaryError, match="no list"):
        census.syncs()


# Refusals


@pytest.mark.parametrize(
    "body", ["", {"status": 404}, {"status": "error", "message": "Not here"}, {"message": 404}, "<html>", "[]"]
)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, PermanentError),
        (400, PermanentError),
        (401, PermanentError),
        (403, PermanentError),
        (404, NotFoundError),
        (409, PermanentError),
        (410, NotFoundError),
        (422, PermanentError),
        (425, TemporaryError),
        (500, TemporaryError),
    ],
)
def test_every_refusal_is_readable_whatever_its_body(
    server: CensusServer,
    census: CensusClient,
    slept: list[float],
    status: int,
    error: type[SyncHealthError],
    body: str | dict[str, Any],
) -> None:
    server.fail_next("get_run", status, body=body)
    with pytest.raises(error) as caught:
        census.run(98_000_001)
    text = str(caught.value)
    assert text.startswith(f"Census answered {status} for run 98000001: ")
    assert not text.endswith(": ")
    assert type(caught.value) is error
    assert "{" not in text
    assert "<" not in text
    assert ("Not here" in text) == ("Not here" in str(body))
    assert slept == []


def test_a_bad_token_is_named_by_its_setting_and_not_shown(server: CensusServer) -> None:
    census = client(server.url, [], token="another-token")
    with pytest.raises(PermanentError, match="CENSUS_API_TOKEN") as caught:
        census.syncs()
    assert "another-token" not in str(caught.value)


@pytest.mark.parametrize("call", ["sync", "run", "runs", "trigger"])
def test_what_is_not_there_is_named(census: CensusClient, call: str) -> None:
    with pytest.raises(NotFoundError, match="12345"):
        list(getattr(census, call)(12345))


def test_an_error_text_never_repeats_the_token_links_or_payloads(server: CensusServer, census: CensusClient) -> None:
    said = f"Bad {TOKEN} at https://example.com/?t={TOKEN} of someone@example.com in {{'name': 'Jane'}}" + "x" * 999
    server.fail_next("get_sync", 422, body={"message": said})
    with pytest.raises(PermanentError) as caught:
        census.sync(CREATE)
    text = str(caught.value)
    assert all(secret not in text for secret in (TOKEN, "example.com", "Jane"))
    assert len(text) < 400


@pytest.mark.parametrize("token", ["two words", "a-token\nand more", "schlüssel"])
def test_what_cannot_stand_in_a_header_is_in_no_error(
    server: CensusServer, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)
    census = client(server.url, [], token=token)
    for call in (census.sync, census.trigger):
        with pytest.raises(SyncHealthError) as caught:
            call(CREATE)
        assert token not in str(caught.value)
    assert token not in caplog.text


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", "<html>", {"status": "success"}, {"data": None}])
def test_a_success_without_data_is_an_error(
    server: CensusServer, census: CensusClient, body: str | dict[str, Any]
) -> None:
    server.fail_next("get_run", 200, body=body)
    with pytest.raises(TemporaryError, match="nothing in it that we can read"):
        census.run(98_000_001)


# Waiting and trying again


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_repeated_when_census_is_briefly_unwell(
    server: CensusServer, census: CensusClient, slept: list[float], status: int
) -> None:
    server.fail_next("get_sync", status, 2)
    assert census.sync(CREATE).id == CREATE
    assert slept == [0.5, 1.0]


def test_a_read_is_given_up_after_three_attempts(
    server: CensusServer, census: CensusClient, slept: list[float]
) -> None:
    server.fail_next("get_sync", 503, 3)
    with pytest.raises(TemporaryError, match="503"):
        census.sync(CREATE)
    assert len(slept) == 2


@pytest.mark.parametrize("operation", ["get_sync", "trigger"])
def test_too_many_requests_are_repeated_after_the_seconds_that_census_names(
    server: CensusServer, census: CensusClient, slept: list[float], operation: str
) -> None:
    server.fail_next(operation, 429, retry_after="7")
    assert CALLS[operation](census)
    assert slept == [7.0]


def test_the_time_to_wait_can_be_a_date(server: CensusServer, census: CensusClient, slept: list[float]) -> None:
    # The machine's clock, not the pipeline's: servers name real dates.
    at = datetime.now(UTC) + timedelta(seconds=19)
    server.fail_next("get_sync", 429, retry_after=format_datetime(at, usegmt=True))
    census.sync(CREATE)
    assert 0.5 < slept[0] <= 20  # unread, it would be half a second


@pytest.mark.parametrize("value", ["soon", "-1", "Mon, 02 Nov 2020 10:00:00 GMT", "Mon, 02 Nov 2020 10:00:00"])
def test_a_time_to_wait_that_makes_no_sense_is_no_time(
    server: CensusServer, census: CensusClient, slept: list[float], value: str
) -> None:
    server.fail_next("get_sync", 429, retry_after=value)
    census.sync(CREATE)
    assert slept[0] <= 0.5


def test_a_long_wait_is_handed_to_the_caller(server: CensusServer, census: CensusClient, slept: list[float]) -> None:
    server.fail_next("get_sync", 429, retry_after="99999")
    with pytest.raises(TemporaryError) as caught:
        census.sync(CREATE)
    assert caught.value.retry_after == 3600
    assert slept == []


def test_a_census_that_cannot_be_reached_is_asked_three_times(slept: list[float]) -> None:
    census = client(f"http://127.0.0.1:{closed_port()}/api", slept)
    for call in CALLS.values():
        with pytest.raises(TemporaryError, match="cannot be reached, nothing was asked"):
            call(census)
    assert len(slept) == 2 * len(CALLS)


def test_a_name_that_does_not_resolve_is_certainly_not_reached(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(TemporaryError, match="nothing was asked"):
        client("http://census.invalid/api", slept).trigger(CREATE)
    assert len(slept) == 2


def test_a_census_that_comes_up_late_gets_one_order(own_server: CensusServer) -> None:
    own_server.stop()
    census = client(own_server.url, [], sleep=lambda _: own_server.start())
    before = len(own_server.runs(CREATE))
    run_id = census.trigger(CREATE)
    assert [run["id"] for run in own_server.runs(CREATE)][: len(own_server.runs(CREATE)) - before] == [run_id]


@pytest.mark.full
def test_silence_on_a_read_ends_with_a_timeout(server: CensusServer, slept: list[float]) -> None:
    server.fail_next("get_sync", "hang")
    with pytest.raises(TemporaryError, match="silent for too long"):
        client_in_vain(server, slept, "hang").sync(CREATE)
    assert slept == []


def test_a_read_whose_connection_breaks_is_repeated(server: CensusServer, census: CensusClient) -> None:
    server.fail_next("get_sync", "drop")
    assert census.sync(CREATE).id == CREATE


# A trigger that is lost


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("drop", ""),
        ("hang", ""),
        (500, ""),
        (502, ""),
        (503, {"status": 503}),
        (504, ""),
        (200, ""),
        (200, "<html>"),
        (200, {"data": {}}),
    ],
)
def test_an_answer_lost_after_a_trigger_is_uncertain_and_one_run_exists(
    server: CensusServer, census: CensusClient, slept: list[float], what: Any, body: str | dict[str, Any]
) -> None:
    before = len(server.runs(CREATE))
    server.fail_next("trigger", what, act=True, body=body)
    with pytest.raises(UncertainError, match=f"sync {CREATE}.*may have started: look in the run list"):
        client_in_vain(server, slept, what).trigger(CREATE)
    assert slept == [], "it was not repeated"
    until(lambda: len(server.runs(CREATE)) == before + 1)  # the client may give up before the server has done it
    assert census.runs(CREATE, most=1)[0].trigger == "API Request"


@pytest.mark.parametrize("what", ["drop", "hang", 504])
def test_a_trigger_that_may_not_have_arrived_is_not_repeated_either(
    server: CensusServer, slept: list[float], what: Any
) -> None:
    before = len(server.runs(CREATE))
    server.fail_next("trigger", what)
    with pytest.raises(UncertainError):
        client_in_vain(server, slept, what).trigger(CREATE)
    assert len(server.runs(CREATE)) == before


@pytest.mark.parametrize(
    ("status", "error"), [(307, PermanentError), (409, PermanentError), (425, TemporaryError), (429, TemporaryError)]
)
def test_a_refused_trigger_certainly_started_nothing(
    server: CensusServer, census: CensusClient, status: int, error: type[SyncHealthError]
) -> None:
    before = len(server.runs(CREATE))
    server.fail_next("trigger", status, 3)
    with pytest.raises(error):
        census.trigger(CREATE)
    assert len(server.runs(CREATE)) == before


# What is sent


def test_a_call_carries_the_group_and_our_name_and_no_login_of_somebody_else(
    slept: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    with one_answer(b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"data":{"sync_run_id":9}}') as (url, heard):
        assert client(url, slept, group_id="team 1").trigger(CREATE) == 9
    head = heard[0].decode()
    assert head.startswith(f"POST /api/v2/syncs/{CREATE}/trigger?group_id=team+1 HTTP/1.1")
    assert "User-Agent: sync-health" in head
    assert f"Authorization: Bearer {TOKEN}" in head


def test_the_older_version_is_only_another_path(server: CensusServer) -> None:
    assert client(server.url, [], version="v1").sync(CREATE).id == CREATE


def test_threads_share_a_client_and_no_connection(server: CensusServer, census: CensusClient) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(census.sync(UPDATE).id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [UPDATE] * 8


# The local Census itself


def test_a_run_of_246_rows_takes_five_minutes_and_brings_them_gradually(
    clock: HandSetClock, destination: NotedDestination
) -> None:
    server = make_server(clock, destination)
    destination.rows["create"] = 246
    run_id = server.trigger(CREATE)
    assert newest(server)["status"] == "queued"
    assert destination.taken == []
    clock.pass_(server, seconds=4)
    destination.rows["create"] = 999  # a run reads its source once
    clock.pass_(server, minutes=2)
    run = newest(server)
    assert (run["status"], run["source_record_count"]) == ("working", 246)
    assert 90 <= run["records_processed"] <= 110
    while newest(server)["status"] == "working":
        clock.pass_(server, seconds=7)
    run = newest(server)
    assert timedelta(minutes=4.5) < parsed(run["completed_at"]) - parsed(run["created_at"]) < timedelta(minutes=5.5)
    assert (run["status"], run["records_updated"], run["records_failed"]) == ("completed", 246, 0)
    assert len(destination.brought) > 10
    assert [n for first, last in destination.brought for n in range(first, last + 1)] == list(range(1, 247))
    assert run_id in destination.forgotten


def test_a_run_without_rows_is_over_in_seconds(clock: HandSetClock, destination: NotedDestination) -> None:
    server = make_server(clock, destination)
    server.trigger(UPDATE)
    clock.pass_(server, seconds=11)
    run = newest(server, UPDATE)
    assert run["status"] == "completed"
    assert timedelta(seconds=5) <= parsed(run["completed_at"]) - parsed(run["created_at"]) <= timedelta(seconds=10)
    assert destination.brought == []


def test_the_second_of_two_triggers_is_skipped(own_server: CensusServer, clock: HandSetClock) -> None:
    census = client(own_server.url, [])
    first, second = census.trigger(CREATE), census.trigger(CREATE)
    assert census.run(first).status is RunStatus.QUEUED
    assert census.run(second).status is RunStatus.SKIPPED
    clock.pass_(own_server, minutes=1)
    assert census.run(first).status is RunStatus.COMPLETED
    assert census.run(second).final


def test_rows_that_the_destination_refuses_are_counted(clock: HandSetClock, destination: NotedDestination) -> None:
    server = make_server(clock, destination)
    destination.rows["create"], destination.rejected = 20, 5
    server.trigger(CREATE)
    clock.pass_(server, minutes=1)
    run = newest(server)
    assert (run["records_processed"], run["records_updated"], run["records_failed"]) == (20, 15, 5)


def test_a_destination_that_fails_makes_the_run_fail_and_the_next_one_heals_it(
    clock: HandSetClock, destination: NotedDestination
) -> None:
    server = make_server(clock, destination)
    destination.failure = PermanentError("Salesforce is closed")
    server.trigger(CREATE)
    clock.pass_(server, minutes=1)
    run = newest(server)
    assert (run["status"], run["completed_at"], run["source_record_count"]) == ("failed", None, None)
    assert server.describe(CREATE)["status"] == "Failing"
    destination.failure = None
    server.trigger(CREATE)
    clock.pass_(server, minutes=1)
    assert server.describe(CREATE)["status"] == "Up to Date"


def test_scheduled_runs_start_on_the_quarter_and_five_minutes_later(
    clock: HandSetClock, destination: NotedDestination
) -> None:
    server = make_server(clock, destination, history_days=0)
    for _ in range(60):
        clock.pass_(server, minutes=1)
    assert [parsed(run["created_at"]).minute for run in server.runs(CREATE)] == [0, 45, 30, 15]
    assert [parsed(run["created_at"]).minute for run in server.runs(UPDATE)] == [50, 35, 20, 5]
    assert all(run["status"] == "completed" for sync in (CREATE, UPDATE) for run in server.runs(sync))


@pytest.mark.parametrize(("frequency", "started"), [("hourly", 48), ("daily", 2), ("never", 0)])
def test_other_frequencies(clock: HandSetClock, destination: NotedDestination, frequency: str, started: int) -> None:
    sync = LocalSync(CREATE, "Create", "create", frequency, hour=3, minute=20)
    server = CensusServer(destination, [sync], token=TOKEN, now=clock.now, history_days=0)
    clock.pass_(server, days=2)
    runs = server.runs(CREATE)
    assert len(runs) == started
    assert all(parsed(run["created_at"]).minute == 20 for run in runs)
    assert len(destination.taken) == min(started, 8)  # a jump of time is not replayed for ever


def test_a_paused_sync_starts_nothing_and_catches_nothing_up(own_server: CensusServer, clock: HandSetClock) -> None:
    census = client(own_server.url, [])
    before = len(own_server.runs(CREATE))
    header = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.patch(f"{own_server.url}/v2/syncs/{CREATE}", json={"paused": True}, headers=header, timeout=60)
    assert (answer.json()["status"], answer.json()["data"]["paused"]) == ("updated", True)
    clock.pass_(own_server, hours=2)
    requests.patch(f"{own_server.url}/v2/syncs/{CREATE}", json={"paused": False}, headers=header, timeout=60)
    clock.pass_(own_server, minutes=1)
    assert len(own_server.runs(CREATE)) == before
    assert census.sync(CREATE).schedule.enabled


def test_runs_advance_without_being_asked(own_server: CensusServer, clock: HandSetClock) -> None:
    run_id = own_server.trigger(CREATE)
    clock.at += timedelta(minutes=1)
    until(lambda: newest(own_server)["status"] == "completed")
    assert (newest(own_server)["id"], newest(own_server)["status"]) == (run_id, "completed")


def test_stopping_is_quick_and_leaves_nothing_even_while_a_call_hangs(
    clock: HandSetClock, destination: NotedDestination
) -> None:
    before = set(threading.enumerate())
    server = make_server(clock, destination)
    server.start()
    server.fail_next("get_sync", "hang")
    asker = threading.Thread(target=ask_in_vain, args=(client(server.url, [], timeout=(600, 600), attempts=1),))
    asker.start()
    until(lambda: not server._faults[0].times)  # it hangs
    server.stop()
    asker.join(60)
    until(lambda: set(threading.enumerate()) == before)


@pytest.mark.full
@pytest.mark.skipif(not OPENAPI.exists(), reason="the reconstructed API description is not beside the repository")
def test_every_answer_of_the_local_census_has_the_described_shape(
    own_server: CensusServer, clock: HandSetClock, destination: NotedDestination
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schemas = yaml.safe_load(OPENAPI.read_text())["components"]["schemas"]
    destination.rows["create"] = 30
    own_server.trigger(CREATE)
    clock.pass_(own_server, seconds=30)
    own_server.trigger(CREATE)
    done = next(run["id"] for run in own_server.runs(CREATE) if run["status"] == "completed" and run["records_updated"])
    described = {f"syncs/{CREATE}": "Sync", f"syncs/{CREATE}/sync_runs": "SyncRun", f"sync_runs/{done}": "SyncRun"}
    for path, schema in ({"syncs": "Sync", f"sync_runs/{done}/records": "Record"} | described).items():
        header = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.get(f"{own_server.url}/v2/{path}", headers=header, params={"page": "0"}, timeout=60).json()
        rows = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
        assert rows
        for row in rows:
            jsonschema.validate(row, strict(schemas[schema]))
        if "pagination" in answer:
            assert answer["pagination"]["page"] == 1
            jsonschema.validate(answer["pagination"], strict(schemas["Pagination"]))
    assert {run["status"] for run in own_server.runs(CREATE)} == {"working", "skipped", "completed"}


CALLS: dict[str, Callable[[CensusClient], object]] = {
    "get_sync": lambda census: census.sync(CREATE),
    "trigger": lambda census: census.trigger(CREATE),
}


def newest(server: CensusServer, sync_id: int = CREATE) -> dict[str, Any]:
    return server.runs(sync_id)[0]


def parsed(written: str) -> datetime:
    return datetime.fromisoformat(written)


def ask_in_vain(census: CensusClient) -> None:
    with pytest.raises(TemporaryError):
        census.sync(CREATE)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def one_answer(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that hears one request and gives one answer."""
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            whole = connection.recv(65536)
            length = re.search(rb"Content-Length: (\d+)", whole)
            while length and len(whole.partition(b"\r\n\r\n")[2]) < int(length[1]):
                whole += connection.recv(65536)
            heard.append(whole)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api", heard
        thread.join()


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 → JSON Schema: `nullable` is a type there, and unknown keys are not welcome here."""
    fields = {
        name: {"type": [field["type"], "null"] if field.get("nullable") else field["type"]}
        | ({"enum": field["enum"]} if "enum" in field else {})
        for name, field in schema["properties"].items()
    }
    return {"type": "object", "properties": fields, "additionalProperties": False}


@pytest.mark.parametrize("name", sorted(SYNC_FAULTS))
def test_a_fault_of_the_update_sync_is_switched_on_and_off_without_a_trace(name: str) -> None:
    both = [LocalSync(1, "A", "create"), LocalSync(2, "B", "update")]
    syncs = CensusSyncs(NotedDestination(), both, now=HandSetClock().now)
    before = syncs.describe(1), syncs.describe(2)
    syncs.switch(name, True)
    assert syncs.is_on(name)
    assert syncs.describe(1) == before[0], "the other sync is not touched"
    syncs.switch(name, False)
    assert not syncs.is_on(name)
    assert (syncs.describe(1), syncs.describe(2)) == before
