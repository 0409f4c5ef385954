"""An open incident whose sync no longer has what its check judges is closed with that reason: nothing evaluates it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.model import Did, State
from bot.config.load import _from_census_alone
from bot.services.judge_all import what_is_lacking
from bot.services.run_checks import run_checks
from checks.model import Check
from tests.fakes import shipped_settings
from tests.services.conftest import CHECK, World

OF_QUEUES = ("backlog", "suspect_records", "empty_runs", "backlog_not_shrinking")
CHECKS = {check.name: check.model_copy(update={"for_": timedelta(0)}) for check in shipped_settings().checks}


def with_sync_b(world: World, **changes: object) -> None:
    first, second = world.ports.settings.syncs
    settings = replace(world.ports.settings, syncs=(first, second.model_copy(update=changes)))
    world.ports = replace(world.ports, settings=settings)


def stuck(world: World, name: str) -> None:
    """An incident of Sync B; its backlog is large, suspect, and not taken by the runs that complete."""
    check: Check = CHECKS[name].model_copy(update={"depends_on": ()})
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=(CHECK, check)))
    took = 50 if name == "backlog_not_shrinking" else 0
    oldest = world.clock.now() - timedelta(hours=3)
    world.numbers(update_queue=2000, update_queue_suspicious=5, update_queue_oldest=oldest)
    for _ in range(4):
        run_checks(world.ports)
        world.clock.pass_(minutes=5)
        begun = world.census.start(world.sync_b)
        world.clock.pass_(minutes=5)
        counts = {"records_total": took, "records_processed": took, "records_updated": took}
        world.census.finish(begun.id, **counts, records_failed=0, records_invalid=0)
    run_checks(world.ports)
    assert (world.incident().check, world.incident().sync, world.incident().state) == (name, "Sync B", State.FIRING)


def assert_closed(world: World, why: str) -> None:
    world.clock.pass_(minutes=5)
    run_checks(world.ports)
    incident = world.incident()
    assert (incident.state, incident.summary) == (State.OK, f"Closed: {why}")
    assert incident.timeline[-1].did is Did.CLOSED


@pytest.mark.parametrize("name", OF_QUEUES)
def test_without_its_queue(world: World, name: str) -> None:
    stuck(world, name)
    with_sync_b(world, queue=None, key=(), changed_at=None, group_by=(), suspect=(), needs=())
    assert_closed(world, "Sync B has no queue any more")


def test_without_suspect_conditions(world: World) -> None:
    stuck(world, "suspect_records")
    with_sync_b(world, suspect=())
    assert_closed(world, "Sync B has no suspect conditions any more")


def test_without_the_time_of_a_change_nobody_knows_whether_a_backlog_shrinks(world: World) -> None:
    stuck(world, "backlog_not_shrinking")
    with_sync_b(world, changed_at=None)
    assert_closed(world, "Sync B has no changed_at any more")


@pytest.mark.parametrize("name", ["empty_runs", "backlog_not_shrinking"])
def test_without_a_warehouse(world: World, name: str) -> None:
    stuck(world, name)
    world.ports = replace(world.ports, settings=_from_census_alone(world.ports.settings))
    assert_closed(world, "Sync B has no measured backlog any more")


def test_what_is_pending_does_not_wait_for_ever(world: World) -> None:
    backlog = CHECKS["backlog"].model_copy(update={"for_": timedelta(hours=1)})
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=(CHECK, backlog)))
    world.numbers(update_queue=2000)
    run_checks(world.ports)
    with_sync_b(world, queue=None)
    run_checks(world.ports)
    with world.store.transaction() as records:
        assert [one.sync for one in records.waiting_alerts()] == []


def test_what_is_judged_by_census_alone_lacks_nothing() -> None:
    settings = _from_census_alone(shipped_settings())
    names = [
        check.name for check in settings.checks if check.per and what_is_lacking(settings, check, settings.syncs[0])
    ]
    assert sorted(names) == ["backlog_not_shrinking", "empty_runs"]
