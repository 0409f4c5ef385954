"""From a measurement to what is owed: the life of an alert, and what is never taken for healthy."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.model import Did, State
from bot.errors import PermanentError, TemporaryError
from bot.facts import Run
from bot.model import Kind
from bot.ports import Ports
from bot.services.acknowledge import acknowledge
from bot.services.in_memory_records import InMemoryRecords
from bot.services.move_alerts import move_alerts
from bot.services.run_checks import Checker, dry_run_checks, run_checks, timer_ended
from checks.judge import judge
from checks.model import Outcome, Reading, Severity
from tests.fakes import HEALTH, BrittleStore, FakeWarehouse, shipped_settings
from tests.services.conftest import ROBIN, World
from tests.unit import samples
from tests.waiting import until


def test_a_fault_waits_its_time_before_anybody_hears_of_it(world: World) -> None:
    assert world.look(60).outcome is Outcome.CRITICAL
    assert world.alert().state is State.PENDING
    world.look(60, after=4.9)
    assert world.claimed() == []
    world.look(60, after=0.1)
    assert world.alert().state is State.FIRING
    assert world.claimed() == ["root", "evidence"]


def test_a_fault_that_passes_in_time_is_never_told(world: World) -> None:
    world.look(60)
    world.look(7, after=4)
    world.look(60, after=4)
    assert world.alert().state is State.PENDING, "its clock began anew"
    assert world.claimed() == []
    assert world.rows("SELECT * FROM incidents") == []


def test_an_incident_knows_what_people_need(world: World) -> None:
    incident = world.open_incident()
    assert (incident.severity, incident.state, incident.value, incident.limit) == (
        Severity.CRITICAL,
        State.FIRING,
        60,
        "> 50",
    )
    assert incident.summary == "60 properties have no company name"
    assert incident.rerun == "Sync B", "the sync by name, where a rerun helps"
    assert incident.clear == "<= 25"
    assert [entry.did for entry in incident.timeline] == [Did.OPENED]


@pytest.mark.parametrize(
    ("method", "call"),
    [("save_evaluation", 1), ("create_incident", 1), ("save_alert", 1), ("enqueue", 1), ("enqueue", 2)],
)
def test_alert_result_and_messages_are_kept_together_or_not_at_all(world: World, method: str, call: int) -> None:
    world.look(60)
    before = world.everything()
    world.clock.pass_(minutes=5)
    brittle = replace(world.ports, store=BrittleStore(world.store, method, call))
    with pytest.raises(TemporaryError):
        run_checks(brittle)
    assert world.everything() == before
    run_checks(world.ports)
    assert world.claimed() == ["root", "evidence"]


class Overtaken(FakeWarehouse):
    """Answers what it held when it was asked, and lets something happen before that."""

    def __init__(self, rows: dict[str, list[dict[str, object]]], *meanwhile: Callable[[], object]) -> None:
        super().__init__(**rows)
        self.meanwhile = list(meanwhile)

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        seen = super().ask(question, **parameters)
        if self.meanwhile and question == HEALTH:  # the queues are counted by the same statement
            self.meanwhile.pop(0)()
        return seen


def slowly(world: World, warehouse: FakeWarehouse) -> Ports:
    """Another process on the same state."""
    return replace(world.ports, warehouse=warehouse)


def test_an_older_evaluation_that_comes_late_is_measured_again(world: World) -> None:
    world.open_incident()

    def recovers() -> None:
        world.look(3, after=1)
        world.look(3, after=10)
        slow.rows = world.warehouse.rows

    world.numbers(null_company_names=99)
    slow = Overtaken(deepcopy(world.warehouse.rows), recovers)
    evaluation, said = run_checks(slowly(world, slow))
    assert (evaluation.results[0].value, said) == (3, [])
    assert world.incident().resolved_at == world.clock.now()
    with world.store.snapshot() as records:
        assert [one.results[0].value for one in records.latest_evaluations(3)] == [3, 3, 3]


def test_one_that_is_overtaken_again_is_not_kept(world: World) -> None:
    world.numbers(null_company_names=99)
    slow = Overtaken(deepcopy(world.warehouse.rows), *[lambda: world.look(3, after=1)] * 2)
    evaluation, said = run_checks(slowly(world, slow))
    assert (evaluation.results[0].value, said) == (3, [])
    assert world.rows("SELECT value FROM results") == [(3.0,), (3.0,)]


def test_one_that_asked_census_alone_is_overtaken_too(world: World) -> None:
    world.look(7)
    world.warehouse.runs_anyway = False
    census, fresh = world.census.runs, [lambda: run_checks(world.ports, thrifty=True)]

    def runs(sync_id: int, *, most: int = 25) -> list[Run]:
        if fresh:
            world.clock.pass_(minutes=1)
            fresh.pop()()
        return census(sync_id, most=most)

    world.census.runs = runs  # type: ignore[method-assign]
    began = world.clock.now()
    assert run_checks(world.ports, thrifty=True)[0].checked_at > began
    assert len(world.rows("SELECT id FROM evaluations")) == 3


def test_one_that_carries_older_numbers_of_the_warehouse_is_measured_again(world: World) -> None:
    world.look(7)
    world.warehouse.runs_anyway = False
    world.clock.pass_(minutes=5)
    census, fresh = world.census.runs, [lambda: world.look(60)]

    def runs(sync_id: int, *, most: int = 25) -> list[Run]:
        if fresh:
            fresh.pop()()  # somebody asks for an evaluation
        return census(sync_id, most=most)

    world.census.runs = runs  # type: ignore[method-assign]
    assert run_checks(world.ports, thrifty=True)[0].results[0].value == 60


def test_a_clock_that_was_set_back_does_not_make_an_evaluation_an_older_one(world: World) -> None:
    world.look(7)
    world.clock.set_back(hours=1)
    assert world.look(8).results[0].value == 8
    assert world.rows("SELECT value FROM results") == [(7.0,), (8.0,)]


def test_a_steady_fault_says_nothing_new_until_somebody_has_to_be_called(world: World) -> None:
    world.open_incident()
    world.deliver()
    for _ in range(2):
        world.look(60, after=5)
    assert world.claimed() == []
    world.look(60, after=5)
    assert world.claimed() == ["root", "reminder"]
    world.deliver()
    assert "Unacknowledged" in world.channel.thread()[-1].text
    assert world.channel.thread()[-1].broadcast
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(1,)]


def test_the_root_follows_the_number(world: World) -> None:
    world.open_incident(60)
    world.deliver()
    world.look(75, after=5)
    assert world.claimed() == ["root"]
    assert world.incident().value == 75


def test_an_escalation_takes_the_ack_away_and_is_told(world: World) -> None:
    world.open_incident(40)
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    world.look(60, after=5)
    incident = world.incident()
    assert (incident.severity, incident.acked_by, incident.acked_at) == (Severity.CRITICAL, None, None)
    assert world.claimed() == ["root", "severity"]


def test_easing_is_told_after_a_while_and_coming_back_soon_keeps_the_ack(world: World) -> None:
    world.open_incident(60)
    acknowledge(world.ports, 1, ROBIN)
    world.look(40, after=5)
    assert world.incident().severity is Severity.CRITICAL
    world.look(40, after=10)
    assert world.incident().severity is Severity.WARN
    world.deliver()
    world.look(60, after=10)
    incident = world.incident()
    assert (incident.severity, incident.acked_by) == (Severity.CRITICAL, ROBIN)
    assert world.claimed() == ["root", "severity"]
    world.deliver()
    assert ("Critical again" in world.channel.thread()[-1].text, world.channel.thread()[-1].broadcast) == (True, False)


def test_recovery_waits_and_is_told_once(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.look(20, after=5)
    assert world.incident().state is State.RECOVERING
    world.look(20, after=9)
    assert world.incident().resolved_at is None
    world.look(20, after=1)
    assert world.incident().state is State.OK
    assert world.incident().resolved_at == world.clock.now()
    assert world.claimed() == ["root", "resolved"]


def test_between_the_limit_and_the_clear_limit_nothing_ends(world: World) -> None:
    world.open_incident()
    world.look(28, after=5)
    world.look(28, after=20)
    assert world.incident().state is State.FIRING


def test_a_relapse_during_recovery_says_nothing(world: World) -> None:
    world.open_incident()
    world.look(20, after=5)
    world.deliver()
    world.look(60, after=5)
    assert world.incident().state is State.FIRING
    assert world.claimed() == ["root"]
    world.look(20, after=5)
    world.look(20, after=9)
    assert world.incident().state is State.RECOVERING, "recovery is counted anew"


def test_a_fault_that_returns_soon_has_the_same_incident_and_thread(world: World) -> None:
    opened = world.open_incident()
    world.look(20, after=5)
    world.look(20, after=10)
    world.deliver()
    world.look(60, after=29)
    again = world.incident()
    assert (again.id, again.state, again.resolved_at, again.opened_at) == (1, State.FIRING, None, opened.opened_at)
    assert world.claimed() == ["root", "evidence", "reopened"]
    assert [e.did for e in again.timeline] == [Did.OPENED, Did.RECOVERING, Did.RESOLVED, Did.REOPENED]


def test_a_fault_that_returns_late_is_a_new_incident_after_waiting_again(world: World) -> None:
    world.open_incident()
    world.look(20, after=5)
    world.look(20, after=10)
    world.look(60, after=30)
    assert world.alert().state is State.PENDING
    world.look(60, after=5)
    assert world.rows("SELECT id, resolved_at IS NULL FROM incidents") == [(1, 0), (2, 1)]
    assert world.alert().incident_id == 2


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "many"])
def test_a_number_that_is_none_is_no_data_and_moves_nothing(world: World, value: object) -> None:
    world.open_incident()
    before = world.alert()
    evaluation = world.look(value, after=5)
    [result] = evaluation.results
    assert (result.outcome, result.value, result.cleared) == (Outcome.NO_DATA, None, False)
    assert evaluation.outcome is Outcome.NO_DATA
    assert world.alert() == before


def test_no_row_at_all_is_no_data(world: World) -> None:
    world.warehouse.rows[HEALTH] = []
    evaluation, said = run_checks(world.ports)
    assert (evaluation.outcome, said) == (Outcome.NO_DATA, [])
    assert [sync.queue for sync in evaluation.syncs] == [None, None]


@pytest.mark.parametrize("failure", [TemporaryError("the warehouse is asleep"), PermanentError("no such table")])
def test_the_warehouse_down_is_an_error_and_leaves_the_alert_as_it_is(world: World, failure: Exception) -> None:
    world.open_incident()
    before, claimed = world.alert(), world.claimed()
    world.warehouse.failure = failure
    evaluation = world.look(7, after=30)
    assert evaluation.outcome is Outcome.ERROR
    assert evaluation.problems == (f"the warehouse: {failure}",)
    assert [sync.queue for sync in evaluation.syncs] == [None, None]
    assert world.alert() == before
    assert world.claimed() == claimed


def test_while_nothing_is_known_the_timers_stand_still(world: World) -> None:
    world.look(60)
    world.warehouse.failure = TemporaryError("asleep")
    world.look(60, after=2)
    world.look(60, after=60)
    world.warehouse.failure = None
    world.look(60, after=2)
    assert world.alert().state is State.PENDING, "two of five minutes are known"
    world.look(60, after=3)
    assert world.alert().state is State.FIRING


def test_census_down_is_never_healthy_and_the_warehouse_is_still_judged(world: World) -> None:
    world.census.failure = TemporaryError("Census cannot be reached")
    evaluation = world.look(7)
    assert evaluation.outcome is Outcome.ERROR
    assert [result.outcome for result in evaluation.results] == [Outcome.OK]
    assert [sync.error for sync in evaluation.syncs] == ["Census cannot be reached"] * 2
    assert [sync.queue for sync in evaluation.syncs] == [3, 12]
    assert len(evaluation.problems) == 2


def test_all_well_is_ok(world: World) -> None:
    evaluation = world.look(7)
    assert (evaluation.outcome, evaluation.problems, evaluation.statements) == (Outcome.OK, (), 1)
    assert world.alert() is None
    with world.store.transaction() as records:
        assert records.latest_evaluation() == evaluation


def test_many_askers_at_once_cost_one_statement(world: World) -> None:
    world.warehouse.free.clear()
    with ThreadPoolExecutor(20) as crowd:
        askers = [crowd.submit(world.checker.run) for _ in range(20)]
        until(lambda: world.warehouse.asked)
        begun = [world.checker.begin() for _ in range(5)]
        world.warehouse.free.set()
        found = {id(asker.result(60)) for asker in askers}
    assert not any(mine for _, mine in begun)
    assert len(found) == 1
    assert world.warehouse.asked == [HEALTH]
    assert world.rows("SELECT COUNT(*) FROM evaluations") == [(1,)]


def test_who_asked_before_a_validation_ended_shares_it_although_their_turn_comes_later(world: World) -> None:
    asked = world.clock.monotonic()
    world.clock.pass_(seconds=1)
    first = world.checker.begin(asked=asked)[0]
    first.result(60)
    assert world.checker.begin(asked=asked) == (first, False)
    world.clock.pass_(seconds=1)
    second, mine = world.checker.begin(asked=world.clock.monotonic())
    assert mine
    assert second.result(60) is not first.result(60)
    assert world.warehouse.asked == [HEALTH, HEALTH]


def test_who_must_not_join_gets_a_measurement_that_began_after_the_question(world: World) -> None:
    world.warehouse.free.clear()
    old, _ = world.checker.begin()
    until(lambda: world.warehouse.asked)
    fresh, mine = world.checker.begin(join=False)
    joined, _ = world.checker.begin()
    assert mine
    assert fresh is not old
    assert joined is fresh, "who comes later joins the newest"
    world.warehouse.free.set()
    assert fresh.result(60) is not old.result(60)
    assert world.warehouse.asked == [HEALTH, HEALTH]


def test_a_validation_that_could_not_be_kept_says_so_and_the_next_one_works(world: World) -> None:
    brittle = Checker(replace(world.ports, store=BrittleStore(world.store, "save_evaluation")))
    try:
        with pytest.raises(TemporaryError):
            brittle.run()
        assert brittle.run().outcome is Outcome.OK
    finally:
        brittle.close()


def test_two_validations_in_one_moment_open_one_incident(world: World) -> None:
    world.look(60)
    world.clock.pass_(minutes=5)
    start = threading.Barrier(2)

    def look() -> None:
        start.wait(60)
        run_checks(world.ports)

    with ThreadPoolExecutor(2) as two:
        for done in [two.submit(look) for _ in range(2)]:
            done.result(60)
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    assert world.claimed() == ["root", "evidence"]


def test_a_dry_run_says_what_would_be_said_and_leaves_no_trace(world: World) -> None:
    world.look(60)
    world.clock.pass_(minutes=5)
    before = world.everything()
    evaluation, said = dry_run_checks(world.ports, lambda: world.store)
    assert evaluation.outcome is Outcome.CRITICAL
    assert [(one.incident.summary, one.kinds) for one in said] == [
        ("60 properties have no company name", (Kind.ROOT, Kind.EVIDENCE))
    ]
    assert world.everything() == before
    assert world.alert().state is State.PENDING


def test_a_fault_that_has_lasted_is_measured_as_soon_as_its_patience_ends(world: World) -> None:
    world.look(60)
    world.clock.pass_(minutes=4, seconds=59)
    assert not timer_ended(world.ports)
    world.clock.pass_(seconds=1)
    assert timer_ended(world.ports), (
        "and not at the next tick, which may come a moment too early and then five minutes late"
    )
    run_checks(world.ports)
    assert world.alert().state is State.FIRING
    assert not timer_ended(world.ports)


def test_a_timer_is_followed_once_whatever_the_measurement_brings(world: World) -> None:
    world.look(60)
    world.clock.pass_(minutes=5)
    assert timer_ended(world.ports)
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    run_checks(world.ports)
    world.clock.pass_(minutes=1)
    assert not timer_ended(world.ports), "frozen: nothing is measured again before the tick"


@pytest.mark.parametrize(
    ("first", "then", "offered"), [("transient", "permanent", (True, False)), ("permanent", "transient", (False, True))]
)
def test_a_rerun_is_offered_as_long_as_it_can_help_and_no_longer(
    first: str, then: str, offered: tuple[bool, bool]
) -> None:
    """A failed run that was transient once, and permanent with the next one; and the reverse."""
    settings = shipped_settings()
    check, sync = settings.check_called("failed_runs"), settings.syncs[0].name
    assert check
    records = InMemoryRecords()
    seen = []
    for minutes, case in enumerate((first, then)):
        reading = Reading(3.0, case=case, facts={"runs": "3 runs"})  # type: ignore[arg-type]
        judged = judge(check, reading, sync)
        looked = samples.evaluation(checked_at=samples.NOW + timedelta(minutes=5 * minutes), results=(judged,))
        move_alerts(records, looked, settings)
        [incident] = [one for one in records.open_incidents() if one.check == "failed_runs"]
        seen.append(incident.rerun == sync)
    assert tuple(seen) == offered
