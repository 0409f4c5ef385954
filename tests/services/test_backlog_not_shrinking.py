"""Runs that complete and write, and a backlog that is no smaller afterwards: told by a warning, and by nothing else."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import StartingError
from bot.model import Evaluation
from bot.services.run_checks import run_checks
from checks.model import Outcome, Result, Severity
from tests.fakes import shipped_settings
from tests.services.conftest import CHECK, World

NOT_SHRINKING = shipped_settings().check_called("backlog_not_shrinking")
assert NOT_SHRINKING


@pytest.fixture
def world(world: World) -> World:
    """Forty records are pending in Sync B, and have been seen."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=(CHECK, NOT_SHRINKING)))
    pending(world, 40, world.clock.now() - timedelta(hours=3))
    look(world)
    return world


def pending(world: World, records: int, oldest: datetime | None) -> None:
    world.numbers(update_queue=records, update_queue_oldest=oldest)


def run(world: World, took: int = 50) -> None:
    """Sync B runs for five minutes and takes so many records."""
    world.clock.pass_(minutes=5)
    begun = world.census.start(world.sync_b)
    world.clock.pass_(minutes=5)
    counts = {"records_total": took, "records_processed": took, "records_updated": took}
    world.census.finish(begun.id, **counts, records_failed=0, records_invalid=0)


def look(world: World, *, thrifty: bool = False) -> Result | None:
    """What the check says of Sync B; None where it says nothing."""
    evaluation: Evaluation = run_checks(world.ports, thrifty=thrifty)[0]
    found = {(one.check, one.sync): one for one in evaluation.results}
    return found.get((NOT_SHRINKING.name, "Sync B"))


def count(world: World) -> float | None:
    found = look(world)
    assert found
    return found.value


def opened(world: World) -> list[tuple[object, ...]]:
    return world.rows('SELECT "check", sync FROM incidents')


def test_two_runs_that_write_and_leave_as_much_are_a_warning(world: World) -> None:
    run(world)
    assert count(world) == 1
    assert opened(world) == [], "one run is not yet worth a message"
    run(world)
    found = look(world)
    assert found and (found.outcome, found.value) == (Outcome.WARN, 2)
    assert opened(world) == [("backlog_not_shrinking", "Sync B")]
    assert world.incident().severity is Severity.WARN
    said = "Sync B completed 2 runs in a row and its backlog did not shrink: 40 pending properties"
    assert world.incident().summary == said


def test_it_stays_a_warning_however_many_runs_there_are(world: World) -> None:
    for _ in range(8):
        run(world)
        look(world)
    assert [opened(world), world.incident().severity] == [[("backlog_not_shrinking", "Sync B")], Severity.WARN]


def test_a_backlog_that_grows_does_not_shrink_either(world: World) -> None:
    oldest = world.clock.now() - timedelta(hours=3)
    for records in (60, 90):
        run(world)
        pending(world, records, oldest)
        found = look(world)
    assert found and found.outcome is Outcome.WARN


def test_as_many_that_come_in_as_are_written_are_healthy(world: World) -> None:
    for n in range(10):
        run(world)
        pending(world, 40 + n, world.clock.now() - timedelta(minutes=2))
        assert count(world) == 0
    assert opened(world) == []


def test_a_backlog_that_becomes_smaller_is_healthy(world: World) -> None:
    oldest = world.clock.now() - timedelta(hours=3)
    for records in range(39, 30, -1):
        run(world)
        pending(world, records, oldest)
        assert count(world) == 0
    assert opened(world) == []


def test_it_ends_when_the_backlog_is_smaller_than_ever(world: World) -> None:
    oldest = world.clock.now() - timedelta(hours=3)
    for _ in range(2):
        run(world)
        look(world)
    run(world)
    pending(world, 10, oldest)
    assert count(world) == 0
    world.clock.pass_(minutes=5)
    look(world)
    assert world.incident().resolved_at


def test_a_backlog_that_was_empty_begins_anew(world: World) -> None:
    oldest = world.clock.now() - timedelta(hours=3)
    run(world)
    pending(world, 0, None)
    assert count(world) == 0
    pending(world, 40, oldest)
    assert count(world) == 0, "it is not known whether that run saw them"
    run(world)
    assert count(world) == 1


def test_runs_before_a_view_put_long_unchanged_records_into_the_backlog_are_not_counted(world: World) -> None:
    for n in range(4):
        pending(world, 40, world.clock.now() - timedelta(minutes=2 + n))
        look(world)
        run(world)
    pending(world, 285, world.clock.now() - timedelta(days=222))
    assert count(world) == 0, "they were not pending when those runs began"
    run(world)
    assert count(world) == 1


def test_runs_that_took_nothing_are_not_counted(world: World) -> None:
    for took in (0, 0, 50, 0):
        run(world, took)
        assert look(world)
    assert count(world) == 1, "that they take nothing is told by empty_runs"


def test_without_the_time_of_a_change_nothing_is_said(world: World) -> None:
    syncs = tuple(sync.model_copy(update={"changed_at": None}) for sync in world.ports.settings.syncs)
    world.ports = replace(world.ports, settings=replace(world.ports.settings, syncs=syncs))
    for _ in range(4):
        run(world)
        assert look(world) is None
    assert opened(world) == []


def test_a_warehouse_that_does_not_tell_the_oldest_says_nothing(world: World) -> None:
    for _ in range(4):
        run(world)
        pending(world, 40, None)
        assert look(world) is None


def test_numbers_that_are_carried_over_do_not_count_runs_that_ended_after_them(world: World) -> None:
    world.warehouse.failure = StartingError("The warehouse is starting")
    for _ in range(3):
        world.clock.pass_(minutes=1)
        begun = world.census.start(world.sync_b)
        world.census.finish(begun.id, records_total=50, records_processed=50, records_updated=50, records_failed=0)
        found = look(world, thrifty=True)
        assert found and found.value == 0, "they may have made it smaller"
    assert opened(world) == []
    world.warehouse.failure = None
    assert count(world) == 3
