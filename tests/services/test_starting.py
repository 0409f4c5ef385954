"""A warehouse that is starting: its last numbers stay for as long as a start may take, and no longer."""

import pytest

from bot.alerts.model import ActionState, State
from bot.errors import StartingError, SyncHealthError, TemporaryError
from bot.services.collect import START
from bot.services.follow_actions import follow_actions
from bot.services.run_checks import run_checks, timer_ended
from bot.services.watch_runs import RunWatch
from checks.model import Outcome
from tests.fakes import HEALTH
from tests.services.conftest import World
from tests.services.test_cost import DAILY, with_schedule


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
    world.open_incident()
    world.rerun()
    world.clock.pass_(minutes=3)
    world.census.finish(1, records_updated=5)
    follow_actions(world.ports, world.checker)
    starts(world)
    follow_actions(world.ports, world.checker)
    assert world.action().state is ActionState.CHECKING
    before = world.warehouse.asked.count(HEALTH)
    follow_actions(world.ports, world.checker)
    assert world.warehouse.asked.count(HEALTH) == before, "left to start for a minute"
    world.clock.pass_(minutes=1)
    world.warehouse.failure = None
    world.numbers(null_company_names=7)
    follow_actions(world.ports, world.checker)
    assert "Evaluated again: 7 properties" in world.action().verdict


def test_a_rerun_is_judged_although_the_warehouse_has_a_hiccup_and_not_for_ever(world: World) -> None:
    world.open_incident()
    world.rerun()
    world.census.finish(1, records_updated=5)
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    for _ in range(2):
        follow_actions(world.ports, world.checker)
    assert world.action().state is ActionState.CHECKING
    world.clock.pass_(seconds=START.total_seconds())
    follow_actions(world.ports, world.checker)
    assert world.action().verdict.startswith("Status after the run is unknown: ")


WAITS = (StartingError("The warehouse is starting"), TemporaryError("the warehouse cannot be reached"))


@pytest.mark.parametrize("failure", WAITS)
def test_the_look_before_a_run_is_repeated_every_minute_until_it_is_answered(
    world: World, failure: SyncHealthError
) -> None:
    with_schedule(world, DAILY)
    world.look(7)
    world.warehouse.runs_anyway = False
    world.clock.pass_(minutes=110)
    run_checks(world.ports)  # 11:50
    world.clock.pass_(minutes=4, seconds=50)
    world.warehouse.failure, before = failure, world.warehouse.asked.count(HEALTH)
    looks = list[tuple[int, int]]()
    for second in range(15, 300, 15):
        world.clock.pass_(seconds=15)
        if second == 165:
            world.warehouse.failure = None
            world.numbers(update_queue_suspicious=9)
        if timer_ended(world.ports):
            looks.append((second, run_checks(world.ports)[0].syncs[1].suspicious or 0))
    assert looks == [(15, 0), (75, 0), (135, 0), (195, 9)]
    assert world.warehouse.asked.count(HEALTH) == before + 4


def test_an_alert_whose_time_is_up_lets_the_warehouse_start(world: World) -> None:
    world.look(60)
    starts(world)
    world.clock.pass_(minutes=5)
    before, evaluated = world.warehouse.asked.count(HEALTH), list[int]()
    for second in range(0, 400, 15):
        if timer_ended(world.ports):
            run_checks(world.ports)
            evaluated.append(second)
        world.clock.pass_(seconds=15)
    assert evaluated == list(range(0, 400, 60))
    world.warehouse.failure = None
    run_checks(world.ports)
    assert world.alert().state is State.FIRING
    assert world.warehouse.asked.count(HEALTH) == before + len(evaluated) + 1


def test_a_run_that_ended_lets_the_warehouse_start(world: World) -> None:
    world.look(7)
    world.warehouse.runs_anyway = False
    starts(world)
    watch, before = RunWatch(world.ports), world.warehouse.asked.count(HEALTH)
    ended = world.census.start(world.sync_a)
    world.clock.pass_(minutes=1)
    world.census.finish(ended.id)
    world.census.start(world.sync_b)  # goes on, so Census is asked at each turn
    world.clock.pass_(minutes=15)
    for _ in range(16):
        if watch.has_news():
            run_checks(world.ports, thrifty=True)
        world.clock.pass_(seconds=15)
    assert world.warehouse.asked.count(HEALTH) == before + 4
