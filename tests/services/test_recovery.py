"""What is being made good is not alerted as new: first runs after a recovery, runs of a time without a backlog."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.errors import PermanentError, TemporaryError
from bot.facts import RunStatus, Schedule
from bot.ports import Ports
from bot.services.run_checks import run_checks
from tests.services.conftest import World
from tests.services.test_not_measured import done, open_checks, whole

__all__ = ["whole"]  # a fixture

HOURLY = Schedule("hourly", paused=False, minute=0)
NOTHING = {"records_total": 0, "records_processed": 0, "records_updated": 0, "records_failed": 0}


def ever_opened(world: World) -> set[tuple[object, ...]]:
    return set(world.rows('SELECT "check", sync FROM incidents'))


def live(world: World, ports: Ports, minutes: float) -> None:
    """The bot looks every five minutes; Sync A goes on as always."""
    for _ in range(int(minutes // 5)):
        world.clock.pass_(minutes=5)
        done(world, world.sync_a)
        run_checks(ports)


@pytest.fixture
def paused(world: World, whole: Ports) -> Ports:
    """Sync B was paused for three hours, and what it should have written is pending."""
    world.census.set_schedule(world.sync_b, replace(HOURLY, paused=True))
    live(world, whole, 180)
    world.numbers(update_queue=1500)
    live(world, whole, 10)
    assert open_checks(world) == [("schedule_enabled", "Sync B")]
    world.census.set_schedule(world.sync_b, HOURLY)
    return whole


@pytest.mark.full
def test_a_sync_is_not_overdue_until_its_first_run_after_a_pause_is_over(world: World, paused: Ports) -> None:
    live(world, paused, 15)  # resumed, its next run is yet to begin
    first = world.census.start(world.sync_b)
    live(world, paused, 30)  # 1,500 records take half an hour
    world.census.finish(first.id, records_updated=1500, records_failed=0, records_invalid=0)
    world.numbers(update_queue=0)
    live(world, paused, 60)
    assert ever_opened(world) == {("schedule_enabled", "Sync B")}


@pytest.mark.full
def test_a_sync_that_does_not_run_after_a_pause_is_overdue(world: World, paused: Ports) -> None:
    live(world, paused, 60 + 15)
    assert ("sync_recency", "Sync B") in open_checks(world)


@pytest.mark.full
def test_a_first_run_that_fails_after_a_pause_is_told(world: World, paused: Ports) -> None:
    world.census.finish(world.census.start(world.sync_b).id, RunStatus.FAILED, error="INVALID_SESSION_ID: expired")
    live(world, paused, 5)
    assert ("failed_runs", "Sync B") in open_checks(world)


@pytest.mark.full
def test_a_first_run_that_does_not_end_is_waited_for_two_hours(world: World, paused: Ports) -> None:
    world.census.start(world.sync_b)
    live(world, paused, 115)
    assert open_checks(world) == []
    live(world, paused, 15)
    assert open_checks(world) == [("long_run", "Sync B")], "which explains that it is overdue"


def test_a_backlog_that_stays_after_the_first_run_is_told(world: World, paused: Ports) -> None:
    live(world, paused, 5)
    done(world, world.sync_b)
    live(world, paused, 15)
    assert ("backlog", "Sync B") in open_checks(world)


@pytest.mark.full
def test_a_daily_sync_that_missed_its_run_while_it_was_paused_is_overdue_at_once(world: World, whole: Ports) -> None:
    daily = Schedule("daily", paused=False, hour=(world.clock.now() + timedelta(hours=1)).hour, minute=0)
    world.census.set_schedule(world.sync_b, replace(daily, paused=True))
    live(world, whole, 300)
    world.census.set_schedule(world.sync_b, daily)
    live(world, whole, 10)
    assert ("sync_recency", "Sync B") in open_checks(world), "it runs tomorrow: nothing is being made good"


def run_empty(world: World, ports: Ports, times: int) -> None:
    for _ in range(times):
        live(world, ports, 5)
        world.census.finish(world.census.start(world.sync_b).id, **NOTHING)
        live(world, ports, 5)


@pytest.mark.full
@pytest.mark.parametrize("how", ["the table is empty", "the view is missing"])
def test_runs_of_a_time_without_a_backlog_do_not_count_as_empty(how: str, world: World, whole: Ports) -> None:
    live(world, whole, 5)
    if how == "the table is empty":
        world.numbers(update_queue=None)
    else:
        world.warehouse.failure = PermanentError("there is no crm.sfdc_dbx.properties_to_update")
        world.warehouse.ask_column = partial(_without_a_view, world)  # type: ignore[method-assign]
    run_empty(world, whole, 8)
    world.warehouse.failure = None
    world.numbers(update_queue=180)
    live(world, whole, 5)
    run_empty(world, whole, 2)
    assert ("empty_runs", "Sync B") not in ever_opened(world)
    run_empty(world, whole, 1)
    assert ("empty_runs", "Sync B") in open_checks(world), "three since records are pending again"


def _without_a_view(world: World, question: str, column: str) -> dict[str, object]:
    if column.startswith("q1_"):
        raise PermanentError("there is no crm.sfdc_dbx.properties_to_update")
    return {column: world.warehouse.row(question)[column]}


def test_a_silent_warehouse_does_not_forgive_empty_runs(world: World, whole: Ports) -> None:
    live(world, whole, 5)
    run_empty(world, whole, 2)
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    live(world, whole, 5)
    world.warehouse.failure = None
    run_empty(world, whole, 1)
    assert ("empty_runs", "Sync B") in open_checks(world)
