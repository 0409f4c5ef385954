"""A warehouse that is starting: its last numbers stay for as long as a start may take, and no longer."""

import pytest

from bot.alerts.model import ActionState
from bot.errors import StartingError
from bot.services.follow_runs import follow_runs
from bot.services.measure import START
from bot.services.rerun_sync import rerun_facts, rerun_sync
from bot.services.run_checks import run_checks
from checks.model import Outcome
from tests.services.conftest import ROBIN, World


def starts(world: World) -> None:
    world.warehouse.failure = StartingError("The warehouse is starting (measure/health: Databricks answered 503)")


@pytest.mark.parametrize("thrifty", [True, False])
def test_its_numbers_stay_as_they_were_and_keep_their_time(world: World, thrifty: bool) -> None:
    before = world.look(7)
    world.clock.pass_(minutes=10)
    starts(world)
    [result] = run_checks(world.ports, thrifty=thrifty)[0].results
    assert (result.value, result.carried, result.outcome) == (7, True, Outcome.OK)
    with world.store.transaction() as records:
        latest = records.latest_evaluation()
    assert latest and latest.warehouse_at == before.warehouse_at and latest.problems == ()


def test_it_is_asked_again_at_the_next_evaluation(world: World) -> None:
    world.look(7)
    world.clock.pass_(seconds=world.ports.settings.schedule.idle_floor.total_seconds())
    starts(world)
    run_checks(world.ports, thrifty=True)
    world.warehouse.failure = None
    world.numbers(null_company_names=60)
    world.clock.pass_(minutes=5)
    evaluation, _ = run_checks(world.ports, thrifty=True)
    assert (evaluation.results[0].value, evaluation.warehouse_at) == (60, world.clock.now())


def test_one_that_does_not_come_up_is_missing_and_never_healthy(world: World) -> None:
    world.look(7)
    starts(world)
    world.clock.pass_(seconds=(world.ports.settings.schedule.idle_floor + START).total_seconds())
    [result] = run_checks(world.ports, thrifty=True)[0].results
    assert result.outcome is Outcome.ERROR


def test_a_rerun_is_judged_by_what_was_read_after_it(world: World) -> None:
    incident = world.open_incident()
    rerun_sync(world.ports, incident, rerun_facts(world.ports, incident).consent, ROBIN, "the view is fixed")
    world.clock.pass_(minutes=3)
    world.census.finish(1, records_updated=5)
    follow_runs(world.ports, world.checker)
    starts(world)
    follow_runs(world.ports, world.checker)
    assert world.action().state is ActionState.CHECKING
    world.warehouse.failure = None
    world.numbers(null_company_names=7)
    follow_runs(world.ports, world.checker)
    assert "Evaluated again: 7 properties" in world.action().verdict
