"""Sessions: opened with what contracts demand, kept, renewed, cancelled, and ended without holding anybody up."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.demo.warehouse.server import PATH, Fault
from bot.errors import TemporaryError, UncertainError
from tests.fakes import HandClock
from tests.waiting import until
from tests.warehouses import TOKEN, snapshot
from tests.wire.measured import Wire

Write = Callable[[str], str]
STATEMENT = "ExecuteStatement"
ENDLESS = "SELECT SUM(a.i * b.i) AS n FROM RANGE(1000000) AS a(i) CROSS JOIN RANGE(1000000) AS b(i)"
ALWAYS = 1000


def test_a_session_asks_for_utc_a_time_limit_and_ansi(wire: Wire) -> None:
    wire.client().ask("measure/health")
    [configuration] = wire.local.server.sessions.values()
    wanted = {
        "TIMEZONE": "UTC",
        "STATEMENT_TIMEOUT": "60",
        "ansi_mode": "true",
    }
    assert wanted.items() <= configuration.items()


@pytest.mark.full
def test_one_session_serves_one_statement_after_the_other_and_is_ended_at_the_end(wire: Wire) -> None:
    client = wire.client()
    for _ in range(5):
        client.ask("measure/health")
    assert wire.local.server.calls.count("OpenSession") == 1
    client.close()
    assert wire.local.server.sessions == {} and wire.local.server.statements == {}


def test_statements_at_the_same_time_have_sessions_of_their_own(wire: Wire) -> None:
    client = wire.client()
    wire.local.server.direct_seconds = 0.2
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: client.ask("measure/health"), range(3)))
    assert 1 < wire.local.server.calls.count("OpenSession") <= 3


def test_sessions_do_not_pile_up_at_a_databricks_that_does_not_answer(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.databricks.pool.MOST", 1)
    client = wire.client()
    wire.local.server.direct_seconds = 1.0
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.ask, "measure/health")
        until(lambda: "ExecuteStatement" in wire.local.server.calls)
        with pytest.raises(TemporaryError, match="1 statements are in progress, so it was not sent"):
            client.ask("measure/health")
        assert first.result(60)
    assert client.ask("measure/health")


def test_a_session_is_renewed_when_its_time_is_over(wire: Wire) -> None:
    clock = HandClock()
    client = wire.client(lifetime=60.0, monotonic=clock.monotonic)
    client.ask("measure/health")
    [old] = wire.local.server.sessions
    clock.pass_(seconds=61)
    client.ask("measure/health")
    until(lambda: old not in wire.local.server.sessions)
    assert len(wire.local.server.sessions) == 1


@pytest.mark.full
def test_a_restart_of_databricks_costs_nobody_an_answer(wire: Wire) -> None:
    client = wire.client()
    with ThreadPoolExecutor(3) as pool:  # several sessions wait, and all of them are forgotten
        list(pool.map(lambda _: client.ask("measure/health"), range(6)))
    wire.local.server.stop()
    wire.local.server.start()
    assert wire.read(client, "a restart").error is None
    assert wire.write(client, "a restart").error is None
    assert wire.snapshots() == 1


@pytest.mark.full
def test_who_is_gone_is_told_so_and_a_write_in_an_old_session_may_have_happened(wire: Wire) -> None:
    client = wire.client()
    client.ask("measure/health")
    wire.local.server.stop()
    for outcome, family in (
        (wire.write(client, "refused, in a session"), "UncertainError"),
        (wire.read(client, "refused"), "TemporaryError"),
    ):
        assert outcome.family == family
        assert "cannot be reached, check DATABRICKS_HOST" in str(outcome.error)
        assert outcome.seconds < 6


def test_a_statement_that_takes_its_time_is_polled(wire: Wire) -> None:
    wire.local.server.direct_seconds = 0.0
    assert wire.read(wire.client(), "running, then polled").rows == wire.local.duckdb.ask("measure/health")
    assert "GetOperationStatus" in wire.local.server.calls


@pytest.mark.parametrize("fault", ["drop", "hang"])
def test_a_poll_that_is_lost_is_made_again(wire: Wire, fault: str) -> None:
    wire.local.server.direct_seconds = 0.0
    wire.local.server.faults = [Fault("GetOperationStatus", fault)]  # type: ignore[arg-type]
    assert wire.write(wire.client(silence=0.3), f"a {fault} of a poll").error is None
    assert wire.snapshots() == 1


def test_a_write_whose_statement_is_forgotten_may_have_happened(wire: Wire) -> None:
    wire.local.server.direct_seconds = 0.0
    wire.local.server.faults = [Fault("GetOperationStatus", "restart", ALWAYS)]
    outcome = wire.write(wire.client(), "a restart while it runs")
    assert outcome.family == "UncertainError" and "has forgotten the statement" in str(outcome.error)
    wire.local.server.faults = [Fault("GetOperationStatus", "restart")]
    assert wire.read(wire.client(), "a restart while it runs").error is None


def test_many_rows_come_in_pages(wire: Wire, write: Write) -> None:
    ask = write("SELECT i AS n FROM RANGE(0, 1000) AS r(i) ORDER BY i")
    wire.local.server.rows_per_fetch = 64
    assert [row["n"] for row in wire.client().ask(ask)] == list(range(1000))
    assert wire.local.server.calls.count("FetchResults") >= 15


@pytest.mark.parametrize("done", [False, True])
def test_a_page_that_is_lost_loses_no_row(wire: Wire, write: Write, done: bool) -> None:
    """The connector asks for the next page again, and that would be the one after the lost one."""
    ask = write("SELECT i AS n FROM RANGE(0, 1000) AS r(i) ORDER BY i")
    wire.local.server.rows_per_fetch = 300
    wire.local.server.faults = [Fault("FetchResults", "drop", done=done)]
    assert [row["n"] for row in wire.client().ask(ask)] == list(range(1000))


@pytest.mark.full
def test_a_warehouse_that_starts_within_our_patience_is_waited_for(wire: Wire) -> None:
    wire.local.server.start_seconds = 180.0
    wire.local.server.now = lambda: time.monotonic() * 300  # three minutes of its clock, 0.6 seconds of ours
    client = wire.client()
    assert client.state() == "STOPPED"
    assert wire.read(client, "cold, three minutes at 300 times the speed").error is None
    assert client.state() == "RUNNING"


@pytest.mark.full
def test_a_warehouse_that_starts_for_longer_is_left_to_start(wire: Wire) -> None:
    wire.local.server.start_seconds = 180.0
    client = wire.client(patience=1.0)
    outcome = wire.read(client, "cold, for longer than anybody waits")
    assert outcome.family == "TemporaryError" and "no answer within 1 seconds" in str(outcome.error)
    assert outcome.seconds < 60
    assert client.state() == "STARTING"
    until(lambda: not wire.local.server.statements)  # ours does not wait there for the start


@pytest.mark.full
def test_a_statement_without_end_is_cancelled_when_our_patience_ends(wire: Wire, write: Write) -> None:
    endless = write(ENDLESS)
    client = wire.client(patience=1.0)
    with pytest.raises(TemporaryError, match="no answer within 1 seconds"):
        client.ask(endless)
    until(lambda: "CancelOperation" in wire.local.server.calls)
    until(lambda: not wire.local.server.statements)


def test_what_somebody_cancels_in_databricks_is_no_empty_answer(wire: Wire, write: Write) -> None:
    endless = write(ENDLESS)
    wire.local.server.direct_seconds = 0.05

    def cancel() -> None:
        [statement] = until(lambda: list(wire.local.server.statements.values()))
        statement.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(TemporaryError, match="cancelled in Databricks"):
        wire.client().ask(endless)


@pytest.mark.full
@pytest.mark.parametrize("call", ["CloseSession", STATEMENT])
def test_closing_takes_seconds_though_databricks_is_silent(wire: Wire, call: str) -> None:
    client = wire.client(silence=600.0, patience=600.0)
    client.ask("measure/health")
    wire.local.server.faults = [Fault(call, "hang", ALWAYS)]
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(client.ask, "measure/health"), pool.submit(snapshot, client)]
        until(lambda: wire.local.server.calls.count(STATEMENT) == 3)
        began = time.monotonic()
        client.close()
        assert time.monotonic() - began < 60, "nobody waits for an answer"
        if call == STATEMENT:
            assert isinstance(asked[0].exception(60), TemporaryError)
            assert isinstance(asked[1].exception(60), UncertainError)


LEAVE = f"""
import sys, threading, time
from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.config.databricks import Databricks

warehouse = DatabricksWarehouse(Databricks(sys.argv[1], {PATH!r}, token={TOKEN!r}), silence=600.0, patience=600.0)
warehouse.ask("measure/health")
print("asked", flush=True)
sys.stdin.readline()
if sys.argv[2] != "with nothing to do":
    threading.Thread(target=warehouse.ask, args=("measure/health",), daemon=True).start()
    time.sleep(0.5)
if sys.argv[2] == "politely":
    warehouse.close()
"""


WAYS = ["with nothing to do", "in the middle", pytest.param("politely", marks=pytest.mark.full)]


@pytest.mark.full
@pytest.mark.parametrize("how", WAYS)
def test_a_process_ends_though_databricks_is_silent(wire: Wire, how: str) -> None:
    command = [sys.executable, "-c", LEAVE, wire.local.server.url, how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "asked\n"
        wire.local.server.faults = [Fault(call, "hang", ALWAYS) for call in ("CloseSession", STATEMENT, "OpenSession")]
        process.stdin.write("\n")
        process.stdin.close()
        assert process.wait(60) == 0, "long before its patience ends"
