"""One-shot commands and a warehouse that is asleep or starting: they wait, show it, and know when to stop."""

import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.cli.warehouse_start import PAUSE, await_warehouse
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import Fault
from bot.errors import AccessError, StartingError
from bot.runtime.demo import Demo
from tests.waiting import until
from tests.warehouses import TOKEN, LocalDatabricks, local_databricks


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Minutes:
    """The seconds by which the warehouse starts; each pause lets them go on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses = 0

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        assert seconds == PAUSE
        self.seconds += seconds
        self.pauses += 1


@pytest.fixture
def minutes() -> Minutes:
    return Minutes()


@pytest.fixture
def sleeping(minutes: Minutes) -> Iterator[LocalDatabricks]:
    """Asleep; four minutes go by until it runs."""
    with local_databricks(now=minutes.now, start_seconds=240.0) as local:
        yield local


def wait_for(local: LocalDatabricks, minutes: Minutes, stream: StringIO, *, wait: bool = True) -> None:
    def pause(seconds: float) -> None:
        until(lambda: local.server.state != "STOPPED" or "wake" not in {one.name for one in threading.enumerate()})
        minutes.pause(seconds)

    await_warehouse(local.warehouse(), wait=wait, monotonic=minutes.now, pause=pause, stream=stream)


@pytest.mark.full
@pytest.mark.parametrize("meanwhile", ["wait", "503", "session", "disk"])
def test_it_is_woken_and_waited_for_whatever_it_says_meanwhile(
    meanwhile: str, sleeping: LocalDatabricks, minutes: Minutes
) -> None:
    sleeping.server.while_starting = meanwhile
    wait_for(sleeping, minutes, StringIO())
    assert sleeping.server.state == "RUNNING"
    assert 240 <= minutes.seconds < 300


def test_where_nobody_watches_there_is_a_line_a_minute(sleeping: LocalDatabricks, minutes: Minutes) -> None:
    wait_for(sleeping, minutes, shown := StringIO())
    lines = shown.getvalue().splitlines()
    assert lines[0] == "The warehouse is STOPPED: waiting for it, 0:00 of up to 10:00"
    assert (
        lines[1:]
        == [f"The warehouse is STARTING: waiting for it, {n}:00 of up to 10:00" for n in (1, 2, 3, 4)][: len(lines) - 1]
    )
    assert 4 <= len(lines) <= 5


def test_on_a_terminal_one_line_is_rewritten_and_gone_at_the_end(sleeping: LocalDatabricks, minutes: Minutes) -> None:
    wait_for(sleeping, minutes, shown := Terminal())
    assert shown.getvalue().endswith("\r\x1b[K") and "\n" not in shown.getvalue()
    assert shown.getvalue().count("waiting for it") == minutes.pauses


def test_without_waiting_it_ends_at_once_and_wakes_nobody(sleeping: LocalDatabricks, minutes: Minutes) -> None:
    with pytest.raises(StartingError, match="is STOPPED, nothing was run: start it, or leave out --no-wait"):
        wait_for(sleeping, minutes, shown := StringIO(), wait=False)
    assert (sleeping.server.state, shown.getvalue(), minutes.pauses) == ("STOPPED", "", 0)


@pytest.mark.full
def test_after_ten_minutes_nobody_waits_any_longer(minutes: Minutes) -> None:
    late = pytest.raises(StartingError, match="still STARTING after 10 min")
    with local_databricks(now=minutes.now, start_seconds=3600.0) as local, late:
        wait_for(local, minutes, StringIO())
    assert minutes.seconds == 600


def test_who_may_not_use_it_does_not_wait(sleeping: LocalDatabricks, minutes: Minutes) -> None:
    sleeping.server.faults.append(Fault("OpenSession", 403, times=99))
    with pytest.raises(AccessError, match="CAN USE"):
        wait_for(sleeping, minutes, StringIO())


def test_a_cluster_and_an_embedded_warehouse_are_not_waited_for(sleeping: LocalDatabricks, minutes: Minutes) -> None:
    cluster = DatabricksWarehouse(Databricks(sleeping.server.url, "sql/protocolv1/o/1/2-3-abc", token=TOKEN))
    for warehouse in (cluster, DuckDBWarehouse()):
        await_warehouse(warehouse, monotonic=minutes.now, pause=minutes.pause, stream=(shown := StringIO()))
        warehouse.close()
        assert shown.getvalue() == ""
    assert sleeping.server.calls == []


@pytest.fixture
def asleep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """The demo as somebody's own Slack, Census and Databricks, of which the last is asleep."""
    demo = Demo(speed=1)  # whose clock is that of the command
    demo.start()
    demo.databricks._ready_at = None
    for name, value in demo.environment().items():
        monkeypatch.setenv(name, value)
    yield demo
    demo.stop()


COMMANDS = (
    ["check"],
    ["check", "--dry-run"],
    ["check", "coverage"],
    ["snapshot"],
    ["deploy", "--yes"],
    ["doctor", "--deep"],
)


@pytest.mark.full
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_that_asks_the_warehouse_can_end_at_once(command: list[str], asleep: Demo) -> None:
    result = CliRunner().invoke(app, [*command, "--no-wait"])
    assert result.exit_code == 2
    assert "The warehouse is STOPPED" in result.stdout + result.stderr
    assert asleep.databricks.state == "STOPPED"


@pytest.mark.full
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_that_asks_the_warehouse_wakes_it(
    command: list[str], asleep: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.cli.warehouse_start.PAUSE", 0.05)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "The warehouse is STOPPED: waiting for it" in result.stderr


@pytest.mark.full
def test_a_check_of_census_alone_does_not_wait(asleep: Demo) -> None:
    assert CliRunner().invoke(app, ["check", "sync_recency"]).exit_code == 0
    assert asleep.databricks.state == "STOPPED"
