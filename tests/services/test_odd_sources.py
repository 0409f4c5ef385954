"""A source that answers what nobody foresaw is unknown, says why, and spoils nothing but what needs it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerts.model import Action, ActionKind, ActionState
from bot.errors import PermanentError, UnreadableError
from bot.facts import Run, RunStatus
from bot.runtime.composition import settings_from
from bot.services.follow_actions import follow_actions
from bot.services.follow_change import UNCONFIRMED
from bot.services.measure import measure
from bot.services.run_checks import run_checks
from checks.model import Outcome
from tests.fakes import HEALTH
from tests.services.conftest import NUMBERS, World

SURPRISES = [KeyError("data"), AttributeError(), RecursionError(), OverflowError(), MemoryError(), StopIteration()]
KNOWN = {Outcome.OK, Outcome.WARN, Outcome.CRITICAL}
ALL = {"rds_with_sfdc_id": 1000, "active_rds_properties": 900, "coverage_percentage": 99.0} | {
    f"{name}_percentage": 99.0 for name in ("matched_coverage", "company_name_equals_property_name", "data_quality")
}


@pytest.fixture
def shipped(world: World) -> World:
    """The world with all shipped checks, both syncs well."""
    world.ports = replace(world.ports, settings=replace(settings_from({}), channel=world.ports.settings.channel))
    world.warehouse.rows[HEALTH] = [NUMBERS | ALL | {"newest_row_at": world.clock.now()}]
    for sync in (world.sync_a, world.sync_b):
        world.census.finish(world.census.start(sync).id, records_total=5, records_updated=5, records_failed=0)
    return world


def judged(world: World) -> dict[tuple[str, str | None], Outcome]:
    return {(result.check, result.sync): result.outcome for result in run_checks(world.ports)[0].results}


def raising(error: Exception, real: Callable[..., object], only: object = None) -> Callable[..., object]:
    def act(*given: object, **named: object) -> object:
        if only is None or given[0] == only:
            raise error
        return real(*given, **named)

    return act


@pytest.mark.parametrize("error", SURPRISES, ids=repr)
@pytest.mark.parametrize("method", ["sync", "runs"])
def test_a_surprise_about_one_sync_leaves_the_other_and_the_warehouse(
    shipped: World, method: str, error: Exception
) -> None:
    real = getattr(shipped.census, method)
    setattr(shipped.census, method, raising(error, real, only=shipped.sync_a))
    found = judged(shipped)
    assert found["sync_recency", "Sync A"] is found["schedule_enabled", "Sync A"] is Outcome.ERROR
    others = {key: outcome for key, outcome in found.items() if key[1] != "Sync A" and not key[0].startswith("census_")}
    assert len(others) > 8 and set(others.values()) <= KNOWN, others


@pytest.mark.parametrize("error", SURPRISES, ids=repr)
def test_a_surprise_of_the_warehouse_leaves_census(shipped: World, error: Exception) -> None:
    shipped.warehouse.ask = raising(error, shipped.warehouse.ask)  # type: ignore[method-assign, assignment]
    found = judged(shipped)
    assert found["coverage", None] is Outcome.ERROR
    assert found["sync_recency", "Sync A"] is found["sync_recency", "Sync B"] is Outcome.OK
    [problem] = measure(shipped.ports).problems
    assert type(error).__name__ in problem


def test_a_surprise_in_one_column_leaves_the_others(shipped: World) -> None:
    shipped.warehouse.ask = raising(PermanentError("a broken view"), shipped.warehouse.ask)  # type: ignore[method-assign, assignment]
    row = shipped.warehouse.rows[HEALTH][0]

    def ask_column(_: str, column: str) -> dict[str, object]:
        if column == "coverage_percentage":
            raise TypeError("the connector stumbles")
        return {column: row[column]}

    shipped.warehouse.ask_column = ask_column  # type: ignore[method-assign]
    found = judged(shipped)
    assert found["coverage", None] is Outcome.ERROR
    assert found["matched_coverage", None] is Outcome.OK


def test_whether_the_warehouse_is_awake_may_stay_unknown(shipped: World) -> None:
    last = measure(shipped.ports)
    shipped.warehouse.awake = raising(AttributeError(), shipped.warehouse.awake)  # type: ignore[method-assign, assignment]
    shipped.clock.pass_(minutes=1)
    assert measure(shipped.ports, last, thrifty=True).statements == 0


def test_a_schedule_that_cannot_be_read_blinds_only_what_needs_it(shipped: World) -> None:
    unreadable = UnreadableError("Census described sync 1 in a way that we cannot read: paused is missing")
    shipped.census.sync = raising(unreadable, shipped.census.sync, only=shipped.sync_a)  # type: ignore[method-assign, assignment]
    evaluation = measure(shipped.ports)
    found = {result.check: result.outcome for result in evaluation.results if result.sync == "Sync A"}
    assert found["schedule_enabled"] is found["sync_recency"] is Outcome.NO_DATA
    assert found["failed_runs"] is found["census_error_rate"] is Outcome.OK
    assert [problem for problem in evaluation.problems if "paused is missing" in problem]


def test_a_run_that_ends_while_census_is_asked_did_not_end_in_the_future(shipped: World) -> None:
    real = shipped.census.runs

    def slowly(sync_id: int, *, most: int = 25) -> list[Run]:
        shipped.clock.pass_(minutes=10)
        shipped.census.finish(shipped.census.start(sync_id).id, records_updated=1, records_failed=0)
        return real(sync_id, most=most)

    shipped.census.runs = slowly  # type: ignore[method-assign]
    found = {(result.check, result.sync): result for result in measure(shipped.ports).results}
    assert found["sync_recency", "Sync A"].outcome is found["sync_recency", "Sync B"].outcome is Outcome.OK


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "-1 is less than 0"),
        (True, "true or false"),
        (float("inf"), "infinity"),
        (float("nan"), "NaN"),
        (10**400, "too large"),
        ("12", "text instead of a number"),
        ([1], ""),
        (None, ""),
    ],
)
def test_what_counts_nothing_is_no_data_with_that_reason(world: World, value: object, reason: str) -> None:
    world.numbers(null_company_names=value, update_queue=value)
    evaluation = measure(world.ports)
    [result] = evaluation.results
    assert result.outcome is Outcome.NO_DATA
    assert reason in result.summary
    assert [sync.queue for sync in evaluation.syncs] == [3, None]


@pytest.mark.parametrize("rows", [[], [dict(NUMBERS), dict(NUMBERS)]])
def test_a_measurement_of_no_row_or_of_two_is_no_data(world: World, rows: list[dict[str, object]]) -> None:
    world.warehouse.rows[HEALTH] = rows
    [result] = measure(world.ports).results
    assert result.outcome is Outcome.NO_DATA
    assert "rows instead of one" in result.summary


# -- what follows reruns


@pytest.fixture
def two(world: World) -> World:
    """A run of ours of each sync is going on."""
    world.open_incident()
    for name, sync in (("Sync A", world.sync_a), ("Sync B", world.sync_b)):
        run = world.census.start(sync, "API Request")
        with world.store.transaction() as records:
            asked = Action(0, name, 1, "U0ADA", "", ActionState.RUNNING, world.clock.now(), 0, run_id=run.id)
            records.create_action(asked)
    return world


@pytest.mark.parametrize("error", [*SURPRISES, AssertionError(), ValueError("year 99999")], ids=repr)
def test_a_poisoned_action_holds_up_no_other_and_is_given_up_in_the_end(two: World, error: Exception) -> None:
    two.census.run = raising(error, two.census.run, only=1)  # type: ignore[method-assign, assignment]
    two.census.finish(2)
    follow_actions(two.ports, two.checker)
    assert [two.action(n).state for n in (1, 2)] == [ActionState.RUNNING, ActionState.CHECKING]
    two.clock.pass_(hours=7)
    follow_actions(two.ports, two.checker)
    assert [two.action(n).state for n in (1, 2)] == [ActionState.UNKNOWN, ActionState.FINISHED]
    assert type(error).__name__ in two.action(1).verdict


def test_an_action_with_the_run_0_is_released_and_holds_up_no_other(two: World) -> None:
    poisoned = replace(two.action(1), run_id=0)
    with two.store.transaction() as records:
        records.save_action(poisoned)
    two.census.finish(2)
    follow_actions(two.ports, two.checker)
    assert [two.action(n).state for n in (1, 2)] == [ActionState.UNKNOWN, ActionState.CHECKING]


def test_the_run_of_another_sync_is_not_believed(two: World) -> None:
    other: Run = two.census.run(2)
    two.census.finish(2)
    shown = replace(other, status=RunStatus.COMPLETED, completed_at=two.clock.now())
    two.census.run = lambda _: shown  # type: ignore[method-assign]
    follow_actions(two.ports, two.checker)
    assert [two.action(n).state for n in (1, 2)] == [ActionState.REQUESTED, ActionState.CHECKING], "looked for again"


def test_a_run_that_census_no_longer_knows_releases_its_sync_within_minutes(two: World) -> None:
    two.census.move(1, records_total=9, records_updated=1)
    follow_actions(two.ports, two.checker)
    two.census.forget(1)
    follow_actions(two.ports, two.checker)
    assert two.action(1).state is ActionState.RUNNING, "it may not show for a moment"
    two.clock.pass_(seconds=UNCONFIRMED + 1)
    follow_actions(two.ports, two.checker)
    assert two.action(1).state is ActionState.UNKNOWN
    assert two.action(1).verdict.startswith("Census no longer knows this run")
    with two.store.transaction() as records:
        assert records.open_action("Sync A", ActionKind.RERUN) is None
