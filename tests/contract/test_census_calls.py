"""The calls that change something, the records of a run, and what bounds a call: the real client on the wire."""

import itertools
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from bot.adapters.census.client import CensusClient
from bot.alerts.rejections import Needs, group_by_cause
from bot.alerts.schedule import cron_of, next_time
from bot.demo.census.server import CensusServer
from bot.errors import NotFoundError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.facts import RunStatus
from bot.runtime.composition import settings_from
from tests.contract import test_census as common
from tests.contract.test_census import (
    CREATE,
    OPENAPI,
    START,
    HandSetClock,
    NotedDestination,
    a_run,
    client,
    client_in_vain,
    newest,
    one_answer,
)
from tests.dripping import dripping
from tests.waiting import until

shared, server, census = common.shared, common.server, common.census  # the fixtures
clock, destination, own_server, slept = common.clock, common.destination, common.own_server, common.slept

KNOWN = settings_from({}).rejections
SECRETS = ("Jane", "jane@example.com", "555 0100")
PAYLOAD = {"name": "Jane", "contact": {"email": "jane@example.com", "record_payload": "555 0100"}}
WRITES: dict[str, tuple[str, Callable[[CensusClient], object]]] = {
    "pause": ("change_sync", lambda census: census.pause(CREATE)),
    "resume": ("change_sync", lambda census: census.resume(CREATE)),
    "cancel": ("cancel", lambda census: census.cancel(98_000_001)),
}
CALLS: dict[str, tuple[Callable[[CensusClient], object], object]] = {
    "sync": (lambda census: census.sync(1), {"id": 1, "paused": False, "schedule_frequency": "never"}),
    "syncs": (lambda census: census.syncs(), []),
    "pause": (lambda census: census.pause(1), {"paused": True}),
    "resume": (lambda census: census.resume(1), {"paused": False}),
    "runs": (lambda census: census.runs(1), []),
    "run": (lambda census: census.run(77), a_run()),
    "trigger": (lambda census: census.trigger(1), {"sync_run_id": 5}),
    "cancel": (lambda census: census.cancel(77), {}),
    "records": (lambda census: census.records(77, "rejected", most=5), []),
    "record_count": (lambda census: census.record_count(77, "invalid"), [{"record_count": 3}]),
}


def a_record(number: int = 1, **changes: object) -> dict[str, object]:
    words = "STRING_TOO_LONG:data value too large: Jane (max length=3):Name --"
    return {
        "identifier": f"id-{number}",
        "operation": "upsert",
        "status": "rejected",
        "status_message": words,
        "record_payload": PAYLOAD,
    } | changes


def answer_of(data: object) -> bytes:
    body = json.dumps({"status": "success", "data": data}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def sent(call: Callable[[CensusClient], object], data: object, **options: Any) -> tuple[str, str, dict[str, Any], str]:
    """What a call puts on the wire: method, path, query, body."""
    with one_answer(answer_of(data)) as (url, heard):
        call(client(url, [], **options))
    head, _, body = heard[0].decode().partition("\r\n\r\n")
    method, target, _ = head.splitlines()[0].split()
    query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
    return method, urlsplit(target).path, query, body


# What is sent


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_one_that_census_documents(name: str) -> None:
    if not OPENAPI.exists():
        pytest.skip("the reconstructed API description is not beside the repository")
    described = yaml.safe_load(OPENAPI.read_text())
    method, path, query, body = sent(*CALLS[name], group_id="g-1")
    assert query.pop("group_id") == "g-1"
    template = re.sub(r"/sync_runs/\d+", "/sync_runs/{sync_run_id}", path.removeprefix("/api/v2"))
    template = re.sub(r"/syncs/\d+", "/syncs/{sync_id}", template)
    operation = described["paths"][template][method.lower()]
    known = {one.get("name") or one["$ref"].rpartition("/")[2] for one in operation.get("parameters", [])}
    if template.endswith("records_count"):
        known |= {"status"}  # the vendor's page has it, the reconstruction forgot it
    assert set(query) <= known
    fields = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    assert set(json.loads(body or "{}")) <= set(fields.get("properties", {}))


def test_pausing_and_resuming_send_that_alone_and_false_is_sent_too() -> None:
    assert sent(*CALLS["pause"])[0::3] == ("PATCH", '{"paused": true}')
    assert sent(*CALLS["resume"])[0::3] == ("PATCH", '{"paused": false}')


def test_a_run_that_is_triggered_is_no_full_sync() -> None:
    assert sent(*CALLS["trigger"])[2] == {}


@pytest.mark.parametrize("name", CALLS)
def test_the_older_version_has_the_same_calls_under_another_prefix(name: str) -> None:
    old, new = (sent(*CALLS[name], version=version)[1] for version in ("v1", "v2"))
    assert old == new.replace("/api/v2/", "/api/v1/")


# What changes something


def test_a_sync_is_paused_and_resumed(own_server: CensusServer) -> None:
    census = client(own_server.url, [])
    census.pause(CREATE)
    assert census.sync(CREATE).schedule.paused
    census.resume(CREATE)
    assert not census.sync(CREATE).schedule.paused


def test_a_run_is_cancelled_and_one_that_is_over_stays_what_it_was(
    own_server: CensusServer, clock: HandSetClock, destination: NotedDestination
) -> None:
    census = client(own_server.url, [])
    over = census.runs(CREATE, most=1)[0]
    destination.rows["create"] = 100
    run_id = census.trigger(CREATE)
    clock.pass_(own_server, minutes=1)
    for number in (run_id, over.id):
        census.cancel(number)
    assert newest(own_server)["status"] == "completed", "canceled and completed at once: the trap"
    assert census.run(run_id).status is RunStatus.CANCELLED
    assert census.run(over.id) == over
    assert census.run(census.trigger(CREATE)).status is RunStatus.QUEUED, "the sync is free again"


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("what", ["drop", "hang", 500, 502, 504, 200])
def test_a_change_whose_answer_is_lost_may_have_happened_and_is_not_repeated(
    server: CensusServer, slept: list[float], name: str, what: Any
) -> None:
    operation, change = WRITES[name]
    server.fail_next(operation, what)
    with pytest.raises(UncertainError, match="anyway: check it"):
        change(client_in_vain(server, slept, what))
    assert slept == []


@pytest.mark.parametrize("name", WRITES)
def test_a_change_that_certainly_did_not_arrive_is_repeated(
    server: CensusServer, census: CensusClient, slept: list[float], name: str
) -> None:
    operation, change = WRITES[name]
    server.fail_next(operation, 429, retry_after="2")
    change(census)
    assert slept == [2.0]


@pytest.mark.parametrize("status", [401, 403, 409, 422])
def test_a_change_that_is_refused_did_not_happen(server: CensusServer, census: CensusClient, status: int) -> None:
    server.fail_next("change_sync", status, body={"status": status})
    with pytest.raises(PermanentError, match=f"{status} for sync {CREATE}"):
        census.pause(CREATE)


def test_a_pause_that_census_does_not_show_is_not_taken_for_one(server: CensusServer, census: CensusClient) -> None:
    server.fail_next("change_sync", 200, body={"status": "updated", "data": {"id": CREATE, "paused": False}})
    with pytest.raises(UncertainError, match="does not show"):
        census.pause(CREATE)


# Records


def rejecting(server: CensusServer, clock: HandSetClock, destination: NotedDestination, rows: int) -> int:
    """A completed run with as many rejected rows."""
    destination.rows["create"], server.syncs[CREATE].trouble = rows * 10, "rejects"
    run_id = server.trigger(CREATE)
    clock.pass_(server, hours=9)
    return run_id


@pytest.mark.full
def test_rejected_rows_come_page_by_page_though_census_does_not_say_that_there_are_pages(
    own_server: CensusServer, clock: HandSetClock, destination: NotedDestination
) -> None:
    census, run_id = client(own_server.url, []), rejecting(own_server, clock, destination, 250)
    failed = census.run(run_id).records_failed
    assert failed == 250
    for most, found in {300: 250, 250: 250, 120: 120, 100: 100, 1: 1, 0: 0}.items():
        assert len({one.identifier for one in census.records(run_id, "rejected", most=most)}) == found
    assert census.record_count(run_id, "rejected") == 250
    assert census.record_count(run_id, "invalid") == 0
    assert census.records(run_id, "invalid", most=300) == []
    causes = group_by_cause(census.records(run_id, "rejected", most=300), KNOWN)
    assert [(group.cause.needs, [value for value, _ in group.values]) for group in causes] == [
        (Needs.DATA, ["LEASE_UP"]),
        (Needs.TRANSIENT, []),
    ]


def test_only_as_many_pages_are_asked_for_as_are_wanted(server: CensusServer, census: CensusClient) -> None:
    server.fail_next("list_records", 200, 1, body={"data": [a_record(n) for n in range(100)]})
    server.fail_next("list_records", 500, 1)
    assert len(census.records(98_000_001, "rejected", most=100)) == 100


def test_a_census_that_heeds_neither_page_nor_status_is_not_read_for_ever(
    server: CensusServer, census: CensusClient
) -> None:
    states = ("rejected", "succeeded", "Invalid", "NULL", "DUPLICATE")
    page = [a_record(n, status=states[n % 5]) for n in range(100)]
    server.fail_next("list_records", 200, 99, body={"data": page})
    assert {one.status for one in census.records(98_000_001, "rejected", most=300)} == {"rejected", "null", "duplicate"}
    assert {one.status for one in census.records(98_000_001, "invalid", most=300)} == {"invalid", "null", "duplicate"}


def test_a_list_without_pages_whose_server_heeds_no_page_ends(server: CensusServer, census: CensusClient) -> None:
    page = [{"id": number, "paused": False, "schedule_frequency": "never"} for number in range(1, 101)]
    server.fail_next("list_syncs", 200, 9, body={"data": page})
    assert len(census.syncs()) == 100


def test_a_record_s_payload_is_in_no_object_no_error_and_no_log(
    server: CensusServer, census: CensusClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"data": [a_record(), a_record(2, status_message=None, identifier=None), "rubbish"]}
    server.fail_next("list_records", 200, body=body)
    found = census.records(98_000_001, "rejected", most=9)
    assert [(one.identifier, one.status) for one in found] == [("id-1", "rejected"), ("", "rejected"), ("", "none")]
    assert all(set(vars(one)) == {"identifier", "status", "message"} for one in found)
    assert found[0].message == a_record()["status_message"], "it quotes the row, so it is read, and not shown:"
    server.fail_next("list_records", 422, body={"message": "no", "data": [a_record()]})
    with pytest.raises(PermanentError) as caught:
        census.records(98_000_001, "rejected", most=9)
    seen = f"{found} {found[0]!r} {group_by_cause(found, KNOWN)} {caught.value!r} {caplog.text}"
    assert [secret for secret in SECRETS if secret in seen] == []


def test_a_payload_is_dropped_while_it_is_parsed(server: CensusServer, census: CensusClient) -> None:
    server.fail_next("list_records", 200, body={"data": [a_record()], "record_payload": PAYLOAD})
    [rows] = itertools.islice(census._pages("sync_runs/98000001/records", "records", 100), 1)
    assert "record_payload" not in rows[0]  # type: ignore[operator]


@pytest.mark.parametrize("status", [404, 410])
def test_records_that_are_not_there_yet_or_no_more_are_not_found(
    server: CensusServer, census: CensusClient, status: int
) -> None:
    for operation, ask in (("list_records", census.records), ("count_records", census.record_count)):
        server.fail_next(operation, status, body={"status": status})
        with pytest.raises(NotFoundError, match="98000001"):
            ask(98_000_001, "rejected", **({"most": 9} if operation == "list_records" else {}))


def test_records_that_lag_behind_are_none(server: CensusServer, census: CensusClient) -> None:
    server.fail_next("list_records", 200, body={"status": "success", "data": []})
    assert census.records(98_000_001, "rejected", most=9) == []


@pytest.mark.parametrize("data", [[], {}, [{}], [{"record_count": None}], [{"record_count": "3"}], "x"])
def test_a_count_without_a_number_is_an_error(server: CensusServer, census: CensusClient, data: object) -> None:
    server.fail_next("count_records", 200, body={"data": data})
    with pytest.raises(TemporaryError, match="no number"):
        census.record_count(98_000_001, "rejected")


# Runs and schedules


@pytest.mark.parametrize(("written", "status"), [("Working", RunStatus.WORKING), ("SKIPPED", RunStatus.SKIPPED)])
def test_a_run_s_status_is_read_without_case(
    server: CensusServer, census: CensusClient, written: str, status: RunStatus
) -> None:
    server.plant(a_run(status=written))
    assert census.run(77).status is status


def test_a_run_that_is_only_touched_after_its_end_is_the_same_run(server: CensusServer, census: CensusClient) -> None:
    seen = set()
    for minute in range(4):
        server.plant(a_run(updated_at=f"2026-11-02T09:0{minute}:30Z"))
        seen.add(census.run(77))
    assert len(seen) == 1


WEEKLY = {"frequency": "weekly", "day": "Monday", "hour": 3, "minute": 30, "cron_expression": None}


@pytest.mark.parametrize(
    "described",
    [
        {f"schedule_{name}": value for name, value in WEEKLY.items()},
        {"schedule_frequency": "never", "mode": {"type": "triggered", "triggers": {"schedule": WEEKLY}}},
        {"schedule_frequency": "expression", "cron_expression": "30 3 * * 1"},
    ],
)
def test_the_next_run_is_reckoned_in_utc_from_either_form(
    server: CensusServer, census: CensusClient, described: dict[str, Any]
) -> None:
    server.plant({"id": 5, "paused": False, **described})
    s = census.sync(5).schedule
    cron = cron_of(s.frequency, day=s.day, hour=s.hour, minute=s.minute, cron=s.cron)
    assert START.weekday() == 0 and START.hour == 10, "Monday, after this week's run"
    assert cron
    assert next_time(cron, START) == datetime(2026, 11, 9, 3, 30, tzinfo=UTC)
    assert next_time(cron, START - timedelta(hours=9)) == datetime(2026, 11, 2, 3, 30, tzinfo=UTC)


# What bounds a call


def test_one_call_never_sleeps_longer_than_its_bound_however_it_is_asked_to(
    server: CensusServer, census: CensusClient, slept: list[float]
) -> None:
    server.fail_next("get_sync", 429, 9, retry_after="12")
    with pytest.raises(TemporaryError) as caught:
        census.sync(CREATE)
    assert slept == [12.0], "a second wait would be 24 seconds in all"
    assert caught.value.retry_after == 12.0


@pytest.mark.full
@pytest.mark.parametrize(("name", "error"), [("sync", TemporaryError), ("trigger", UncertainError)])
def test_an_answer_that_drips_ends_with_the_time_out(name: str, error: type[SyncHealthError]) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n") as server:
        with pytest.raises(error, match="silent for too long"):
            CALLS[name][0](client(f"{server.url}/api", [], timeout=(1, 0.3)))
        until(lambda: server.open == 0)


def test_all_pages_of_a_list_have_one_deadline(
    server: CensusServer, census: CensusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail_next("list_records", 200, 9, body={"data": [a_record(n) for n in range(100)]})
    monkeypatch.setattr("bot.adapters.census.client.LIST_TIMEOUT", 0.0)
    with pytest.raises(TemporaryError, match=r"was not complete after 0 s, [01] pages"):
        census.records(98_000_001, "rejected", most=900)
