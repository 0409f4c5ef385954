"""The row of a run in the audit log is looked for without waking the warehouse, and what is not known is not denied."""

from datetime import timedelta

import pytest

from bot.answers.trace import LoggedRun, LogLook
from bot.errors import StartingError, TemporaryError
from bot.facts import Run, RunStatus
from bot.services.follow_trace import ASLEEP, LATE, LOGGED_RUN, STARTS, logged_run
from tests.fakes import START
from tests.services.conftest import World

RUN = Run(500, 1, RunStatus.COMPLETED, False, "Schedule", START)
ROW = {"audit_id": "census_run_500", "records_processed": 180, "records_succeeded": 180, "records_failed": 0}


def look(world: World, after: timedelta) -> LogLook:
    """So long after the end of the run."""
    until = world.clock.now() - after + LATE
    return logged_run(world.ports, RUN, until)


def test_a_warehouse_that_sleeps_is_not_woken_for_the_row_until_the_last_look(world: World) -> None:
    world.warehouse.rows[LOGGED_RUN] = [ROW]
    world.warehouse.says = "STOPPED"
    for minutes in range(2, 20, 2):
        assert look(world, timedelta(minutes=minutes)) == LogLook(unknown=ASLEEP)
    assert world.warehouse.asked == []
    assert look(world, LATE) == LogLook(LoggedRun("census_run_500", 180, 180, 0), last=True)
    assert world.warehouse.asked == [LOGGED_RUN]


def test_a_row_is_told_as_soon_as_it_is_there_while_the_warehouse_is_awake(world: World) -> None:
    world.warehouse.rows[LOGGED_RUN] = []
    assert look(world, timedelta(minutes=2)) == LogLook()
    world.warehouse.rows[LOGGED_RUN] = [ROW]
    assert look(world, timedelta(minutes=4)).row


@pytest.mark.parametrize("after", [timedelta(minutes=2), LATE])
def test_what_cannot_be_read_is_unknown_with_its_reason_and_not_missing(world: World, after: timedelta) -> None:
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    assert look(world, after) == LogLook(unknown="the warehouse cannot be reached", last=after == LATE)


def test_a_warehouse_that_starts_at_the_last_look_is_waited_for_within_a_bound(world: World) -> None:
    world.warehouse.failure = StartingError("the warehouse is starting")
    assert not look(world, LATE).last
    assert look(world, LATE + STARTS).last
