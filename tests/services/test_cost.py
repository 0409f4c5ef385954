"""A warehouse that sleeps is not woken to be looked at: when its numbers are measured, and when they are carried."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.alerts.model import Did, State
from bot.errors import PermanentError, TemporaryError
from bot.facts import Schedule
from bot.model import Evaluation
from bot.runtime.composition import settings_from
from bot.services.run_checks import Checker, run_checks, timer_ended
from bot.services.summarise import summarise
from tests.fakes import HEALTH
from tests.services.conftest import CHECK, World
from tests.services.test_not_measured import HEALTHY, open_incidents


def tick(world: World, minutes: float = 5) -> Evaluation:
    """The bot's own look, some minutes later."""
    world.clock.pass_(minutes=minutes)
    return run_checks(world.ports, thrifty=True)[0]


def asked(world: World) -> int:
    return world.warehouse.asked.count(HEALTH)


@pytest.fixture
def asleep(world: World) -> World:
    """Measured once; since then nobody uses the warehouse."""
    world.warehouse.runs_anyway = False
    world.look(7)
    return world


def test_a_sleeping_warehouse_is_left_alone_until_the_idle_floor(asleep: World) -> None:
    assert [tick(asleep).statements for _ in range(11)] == [0] * 11
    assert asked(asleep) == 1
    assert tick(asleep).statements == 1
    assert asked(asleep) == 2, "an hour later"


def test_its_numbers_are_shown_with_their_age_and_are_no_event(asleep: World) -> None:
    measured_at = asleep.clock.now()
    looked = tick(asleep)
    [result] = looked.results
    assert (result.value, result.carried) == (7, True)
    assert looked.warehouse_at == measured_at
    assert [sync.queue for sync in looked.syncs] == [3, 12]
    assert summarise(asleep.ports).evaluation == looked
    assert asleep.rows("SELECT COUNT(*) FROM results") == [(1,)], "one reading, however often it is shown"


def test_a_number_that_is_carried_over_neither_begins_nor_ends_an_alert(asleep: World) -> None:
    asleep.look(60)
    for _ in range(5):
        tick(asleep)
    assert asleep.alert().state is State.PENDING
    assert asleep.rows("SELECT COUNT(*) FROM incidents") == [(0,)]


def test_a_run_that_ended_is_worth_a_statement_and_one_that_goes_on_is_not(asleep: World) -> None:
    run = asleep.census.start(asleep.sync_b)
    assert tick(asleep).statements == 0
    asleep.census.finish(run.id)
    assert [tick(asleep).statements for _ in range(3)] == [1, 0, 0]


def test_a_run_that_was_skipped_beside_another_is_not_worth_one(asleep: World) -> None:
    asleep.census.start(asleep.sync_b)
    asleep.census.start(asleep.sync_b)
    assert tick(asleep).statements == 0


def test_a_warehouse_that_others_keep_awake_is_asked_at_every_tick(asleep: World) -> None:
    asleep.warehouse.runs_anyway = True
    assert [tick(asleep).statements for _ in range(3)] == [1, 1, 1]


def test_a_warehouse_that_could_not_be_reached_is_asked_again_with_the_next_tick(asleep: World) -> None:
    asleep.ports = replace(asleep.ports, settings=replace(asleep.ports.settings, checks=settings_from({}).checks))
    asleep.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    tick(asleep, minutes=60)
    looked = tick(asleep)
    assert looked.statements == 1
    assert looked.problems == ("the warehouse: the warehouse cannot be reached",)
    assert "warehouse_not_measured" in [incident.check for incident in open_incidents(asleep)]
    asleep.warehouse.failure = None
    asleep.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    assert tick(asleep).statements == 1, "five minutes later, not at the idle floor"
    assert tick(asleep, minutes=5.5).statements == 0, "it was answered"
    run_checks(asleep.ports)
    assert "warehouse_not_measured" not in [incident.check for incident in open_incidents(asleep)]


def test_what_only_somebody_can_repair_is_not_worth_waking_the_warehouse_at_every_tick(asleep: World) -> None:
    asleep.warehouse.failure = PermanentError("there is no such table")
    tick(asleep, minutes=60)
    looked = tick(asleep)
    assert looked.statements == 0
    assert looked.problems == ("the warehouse: there is no such table",), "it goes on saying why"


def test_an_alert_that_waits_is_measured_when_its_timer_ends_though_census_was_looked_at_since(asleep: World) -> None:
    asleep.look(60)
    tick(asleep, minutes=4)
    assert not timer_ended(asleep.ports)
    tick(asleep, minutes=2)  # Census alone, after the timer has ended
    assert timer_ended(asleep.ports)
    asleep.look(60)
    assert asleep.alert().state is State.FIRING
    assert not timer_ended(asleep.ports)


def test_whoever_asks_gets_fresh_numbers_even_beside_a_thrifty_look(asleep: World) -> None:
    checker = Checker(asleep.ports)
    thrifty, _ = checker.begin(thrifty=True)
    thorough, mine = checker.begin()
    assert thorough.result(60).statements == 1
    assert thrifty.result(60).statements == 0
    assert mine
    checker.close()


def test_a_thrifty_look_is_content_with_a_thorough_one_that_is_going_on(asleep: World) -> None:
    checker = Checker(asleep.ports)
    asleep.warehouse.free.clear()
    thorough, _ = checker.begin()
    thrifty, mine = checker.begin(thrifty=True)
    asleep.warehouse.free.set()
    assert thrifty is thorough
    assert not mine
    checker.close()


@pytest.mark.full
def test_what_is_critical_escalates_in_time_although_the_warehouse_sleeps(asleep: World) -> None:
    asleep.open_incident()
    calls = []
    for n in range(4 * 45):  # every 15 s, as the running bot looks
        asleep.clock.pass_(seconds=15)
        if timer_ended(asleep.ports):
            run_checks(asleep.ports)
        elif n % 20 == 0:
            tick(asleep, minutes=0)
        called = [entry.at for entry in asleep.incident().timeline if entry.did is Did.CALLED]
        calls = [(at - asleep.incident().opened_at).total_seconds() / 60 for at in called]
    assert calls == [15, 30, 45]
    assert asked(asleep) == 1 + 2 + 3, "once for each"


def test_an_open_incident_knows_the_age_of_its_number_and_the_same_number_again_is_no_edit(asleep: World) -> None:
    measured_at = asleep.open_incident().measured_at
    assert measured_at == asleep.clock.now()
    asleep.deliver()
    tick(asleep)
    assert asleep.incident().measured_at == measured_at, "carried over"
    asleep.look(60, after=5)
    assert asleep.incident().measured_at == asleep.clock.now()
    assert asleep.claimed() == []
    asleep.look(61, after=5)
    asleep.deliver()
    [root] = asleep.channel.roots()
    assert f"as of <!date^{int(asleep.clock.now().timestamp())}^" in root.text


def test_nobody_is_alerted_to_numbers_that_are_carried_over(asleep: World) -> None:
    asleep.open_incident()
    for _ in range(4):
        assert tick(asleep).statements == 0
    assert [entry.did for entry in asleep.incident().timeline] == [Did.OPENED]


SUSPECT = settings_from({}).check_called("suspect_records")
EVERY_TWO_HOURS = Schedule("expression", paused=False, cron="0 */2 * * *")
ON_THE_HOUR = Schedule("hourly", paused=False, minute=0)
QUARTER_HOURLY = Schedule("quarter_hourly", paused=False, minute=0)
DAILY = Schedule("daily", paused=False, hour=12, minute=0)  # it is 10:00 at the beginning


def with_schedule(world: World, schedule: Schedule, starts: str = "census") -> None:
    """Suspect records are checked, and both syncs have this schedule."""
    assert SUSPECT
    settings = world.ports.settings
    syncs = tuple(sync.model_copy(update={"starts": starts}) for sync in settings.syncs)
    world.ports = replace(world.ports, settings=replace(settings, checks=(CHECK, SUSPECT), syncs=syncs))
    for sync in (world.sync_a, world.sync_b):
        world.census.set_schedule(sync, schedule)


def five_minutes_later(world: World, runs: Sequence[int] = ()) -> None:
    """These runs have ended. The bot looks where a timer has ended too, and else where that is worth its cost."""
    world.clock.pass_(minutes=5)
    for run in runs:
        world.census.finish(run)
    run_checks(world.ports, thrifty=not timer_ended(world.ports))


@pytest.mark.full
@pytest.mark.parametrize(
    ("schedule", "starts", "every", "statements"),
    [
        (QUARTER_HOURLY, "census", 15, 96),
        (ON_THE_HOUR, "census", 60, 24),
        (EVERY_TWO_HOURS, "census", 120, 24 + 12),
        (DAILY, "census", 24 * 60, 24 + 1),
        (replace(ON_THE_HOUR, paused=True), "census", 0, 24),
        (Schedule("never", paused=False), "external", 0, 24),
    ],
)
def test_a_look_before_a_run_costs_one_statement_and_none_where_runs_follow_each_other_closely(
    schedule: Schedule, starts: str, every: int, statements: int, asleep: World
) -> None:
    with_schedule(asleep, schedule, starts)
    before, running = asked(asleep), list[int]()
    for minute in range(5, 24 * 60 + 5, 5):
        five_minutes_later(asleep, running)
        due = every and (minute - 120) % every == 0
        running = [asleep.census.start(sync).id for sync in (asleep.sync_a, asleep.sync_b)] if due else []
    assert asked(asleep) - before in (statements - 1, statements), "the look after the last run is of the next day"


@pytest.mark.parametrize(("conditions", "wakes"), [((), False), (None, True)])
def test_the_warehouse_is_woken_before_runs_of_syncs_with_suspect_conditions_alone(
    conditions: tuple[()] | None, wakes: bool, asleep: World
) -> None:
    with_schedule(asleep, EVERY_TWO_HOURS)
    first, second = asleep.ports.settings.syncs  # Sync B runs at 12:00, Sync A never
    second = second if conditions is None else second.model_copy(update={"suspect": conditions})
    asleep.ports = replace(asleep.ports, settings=replace(asleep.ports.settings, syncs=(first, second)))
    asleep.census.set_schedule(asleep.sync_a, Schedule("never", paused=False))
    run_checks(asleep.ports, thrifty=True)
    asleep.clock.pass_(minutes=116)
    assert timer_ended(asleep.ports) is wakes


@pytest.mark.full
def test_a_view_bug_is_alerted_before_the_next_run_writes_it(asleep: World) -> None:
    with_schedule(asleep, EVERY_TWO_HOURS)
    told: list[int] = []
    for minute in range(5, 120, 5):
        if minute == 90:
            asleep.numbers(update_queue_suspicious=240)  # somebody deploys it
        five_minutes_later(asleep)
        told += [minute for incident in open_incidents(asleep) if incident.check == "suspect_records"]
    assert told == [115]
    assert asleep.claimed() == ["root", "evidence"]
