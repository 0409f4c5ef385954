"""Why rows did not arrive: the last completed run, read in part and said so, late details not taken for none."""

import pytest

from bot.alerts.rejections import Needs, Rejection
from bot.errors import NotFoundError, TemporaryError
from bot.facts import RunStatus
from bot.services.show_errors import show_errors
from tests.services.conftest import World

LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"


def details(rejected: int, invalid: int = 0) -> list[Rejection]:
    found = [Rejection(f"a0X{n:012}", "rejected", LOCKED) for n in range(rejected)]
    return found + [Rejection("", "null", "") for _ in range(invalid)]


def ran(world: World, found: list[Rejection] | None = None, **counts: int | None) -> int:
    """A run of the UPDATE sync that completes."""
    run = world.census.start(world.sync_b)
    world.census.finish(run.id, **({"records_updated": 180, "records_failed": 0, "records_invalid": 0} | counts))
    if found is not None:
        world.census.details[run.id] = found
    return run.id


def test_the_last_completed_run_is_told_whatever_came_after_it(world: World) -> None:
    world.census.finish(world.census.start(world.sync_b).id, records_failed=99)
    run_id = ran(world, details(7, 2), records_failed=7, records_invalid=2)
    for status in (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED):
        world.census.finish(world.census.start(world.sync_b).id, status, records_failed=50)
    world.census.finish(world.census.start(world.sync_b).id, dry_run=True, records_failed=50)
    world.census.start(world.sync_b)
    [shown] = show_errors(world.ports, world.ports.settings.sync_called("b"))
    assert shown.run
    assert (shown.run.id, shown.rejected, shown.invalid, shown.read) == (run_id, 7, 2, 9)
    assert [(group.records, group.cause.needs) for group in shown.groups] == [(7, Needs.TRANSIENT), (2, Needs.SOURCE)]


def test_every_sync_is_told_when_none_is_named_and_one_without_a_run_has_none(world: World) -> None:
    ran(world)
    create, update = show_errors(world.ports, None)
    assert (create.label, create.run, create.error) == ("Sync A (CREATE)", None, None)
    assert (update.rejected, update.invalid, update.read, update.groups) == (0, 0, 0, ())


def test_only_the_first_300_of_each_kind_are_read_and_the_counts_stay_those_of_the_run(world: World) -> None:
    ran(world, details(618, 400), records_failed=618, records_invalid=400)
    shown = show_errors(world.ports, None)[1]
    assert (shown.rejected, shown.invalid, shown.read) == (618, 400, 600)
    assert [group.records for group in shown.groups] == [300, 300]


@pytest.mark.parametrize("found", [None, []], ids=["not found", "empty"])
def test_details_that_lag_behind_are_missing_and_the_counts_are_not(
    world: World, found: list[Rejection] | None
) -> None:
    ran(world, found, records_failed=7)
    shown = show_errors(world.ports, None)[1]
    assert (shown.rejected, shown.read, shown.groups, shown.error) == (7, 0, (), None)


def test_counts_that_the_run_lacks_are_asked_for(world: World) -> None:
    ran(world, details(5, 1), records_failed=None, records_invalid=None)
    shown = show_errors(world.ports, None)[1]
    assert (shown.rejected, shown.invalid, shown.read) == (5, 1, 6)


def test_a_run_without_rejections_is_not_asked_for_their_details(world: World) -> None:
    ran(world)

    def records(*_: object, **__: object) -> list[Rejection]:
        raise AssertionError("there is nothing to ask for")

    world.census.records = records  # type: ignore[method-assign]
    assert show_errors(world.ports, None)[1].error is None


def test_a_silent_census_is_said_for_each_sync_and_unknown_counts_are_not_none(world: World) -> None:
    ran(world, records_failed=None)
    assert "404" in (show_errors(world.ports, None)[1].error or "")
    for failure in (TemporaryError("Census cannot be reached"), NotFoundError("Census answered 404")):
        world.census.failure = failure
        assert [one.error for one in show_errors(world.ports, None)] == [str(failure)] * 2
