"""A check with a statement of its own: measured beside the others, and its failure blinds nobody else."""

from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Barrier, Event

import pytest

from bot.errors import AccessError, PermanentError, StartingError, StatementError, SyncHealthError, TemporaryError
from bot.services.measure import measure
from checks.model import Outcome
from tests.fakes import HEALTH
from tests.services.conftest import CHECK, World

STALE = CHECK.model_copy(update={"name": "stale", "metric": "sql/checks/stale.sql"})


@pytest.fixture
def own(world: World) -> World:
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=(CHECK, STALE)))
    world.warehouse.rows["checks/stale"] = [{"stale_rows": 41}]
    return world


def found(world: World) -> dict[str, tuple[Outcome, float | None]]:
    return {result.check: (result.outcome, result.value) for result in measure(world.ports).results}


def test_its_one_number_is_judged_like_any_other(own: World) -> None:
    assert found(own) == {"null_company_names": (Outcome.OK, 7), "stale": (Outcome.WARN, 41)}
    assert own.warehouse.asked == [f"{HEALTH} + checks/stale"]


def test_one_statement_answers_all_that_fit_and_each_other_has_its_own(own: World) -> None:
    own.warehouse.unfit = {"checks/stale"}
    evaluation = measure(own.ports)
    assert own.warehouse.asked == [HEALTH, "checks/stale"] and evaluation.statements == 2


def test_a_value_that_cannot_be_read_blinds_nobody_else(own: World) -> None:
    own.warehouse.rows["checks/stale"] = [{"newest": datetime(2026, 3, 2)}]  # noqa: DTZ001 - of no zone, unlike ours
    assert found(own) == {"null_company_names": (Outcome.OK, 7), "stale": (Outcome.ERROR, None)}


def test_what_does_not_fit_is_asked_at_once(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    three = [f"checks/stale{n}" for n in range(3)]
    checks = [
        STALE.model_copy(update={"name": f"stale{n}", "metric": f"sql/{name}.sql"}) for n, name in enumerate(three)
    ]
    ports = replace(own.ports, settings=replace(own.ports.settings, checks=(CHECK, *checks)))
    own.warehouse.rows |= {name: [{"stale_rows": 1}] for name in three}
    own.warehouse.unfit, meeting, asking = set(three), Barrier(3), own.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question in three:
            meeting.wait(60)  # each waits until the others have been asked, too
        return asking(question, **parameters)

    monkeypatch.setattr(own.warehouse, "ask", ask)
    assert [result.value for result in measure(ports).results] == [7, 1, 1, 1]


def test_one_that_does_not_answer_is_an_error_of_its_own_when_the_time_for_all_is_over(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.ask_warehouse.TOGETHER", 0.05)
    own.warehouse.unfit, over, asking = {"checks/stale"}, Event(), own.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question == "checks/stale":
            over.wait(60)
        return asking(question, **parameters)

    monkeypatch.setattr(own.warehouse, "ask", ask)
    [health, stale] = measure(own.ports).results
    over.set()
    assert (health.outcome, health.value, stale.outcome) == (Outcome.OK, 7, Outcome.ERROR)
    assert "0.05 s" in str(stale.error)


@pytest.mark.parametrize("rows", [[], [{"stale_rows": None}], [{"stale_rows": "many"}], [{"stale_rows": float("nan")}]])
def test_no_row_and_no_number_are_no_data(own: World, rows: list[dict[str, object]]) -> None:
    own.warehouse.rows["checks/stale"] = rows
    assert found(own) == {"null_company_names": (Outcome.OK, 7), "stale": (Outcome.NO_DATA, None)}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "the statement returned no rows instead of one"),
        ([{"stale_rows": 0}, {"stale_rows": 0}], "the statement returned 2 rows instead of one"),
        ([{"stale_rows": 0, "loaded_at": datetime(2027, 1, 1, tzinfo=UTC)}], "loaded_at is in the future"),
        ([{"stale_rows": 0, "loaded_on": date(2027, 1, 1)}], "loaded_on is in the future"),
        ([{"stale_rows": " NULL "}], "the warehouse returned text that spells null instead of a number"),
        ([{"stale_rows": "12"}], "the warehouse returned text instead of a number"),
    ],
)
def test_what_is_not_one_number_of_now_is_no_data_with_that_reason(
    own: World, rows: list[dict[str, object]], reason: str
) -> None:
    own.warehouse.rows["checks/stale"] = rows
    [_, stale] = measure(own.ports).results
    assert (stale.outcome, stale.error) == (Outcome.NO_DATA, reason)
    assert reason in stale.summary


@pytest.mark.parametrize("value", [106.2, -0.1])
def test_a_percentage_is_between_0_and_100_or_no_data(own: World, value: float) -> None:
    share = CHECK.model_copy(update={"name": "share", "metric": "coverage_percentage"})
    ports = replace(own.ports, settings=replace(own.ports.settings, checks=(share,)))
    own.warehouse.rows[HEALTH][0]["coverage_percentage"] = value
    [result] = measure(ports).results
    assert (result.outcome, result.error) == (Outcome.NO_DATA, f"{value}% is not between 0% and 100%")


def test_a_statement_that_cannot_work_blinds_only_its_own_check(own: World) -> None:
    del own.warehouse.rows["checks/stale"]
    evaluation = measure(own.ports)
    assert [result.outcome for result in evaluation.results] == [Outcome.OK, Outcome.ERROR]
    assert evaluation.problems == ("the warehouse: checks/stale: there is no such table",)


def test_a_measurement_that_cannot_work_does_not_blind_it_either(own: World) -> None:
    asking = own.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question == HEALTH:
            raise PermanentError("there is no view")
        return asking(question, **parameters)

    own.warehouse.ask = ask  # type: ignore[method-assign]
    assert found(own) == {"null_company_names": (Outcome.ERROR, None), "stale": (Outcome.WARN, 41)}


@pytest.mark.parametrize(
    "failure", [TemporaryError("the warehouse cannot be reached"), StartingError("it starts"), AccessError("401")]
)
def test_a_warehouse_that_answers_nothing_is_asked_once(own: World, failure: SyncHealthError) -> None:
    own.warehouse.failure = failure
    evaluation = measure(own.ports)
    assert len(own.warehouse.asked) == 1
    assert {result.outcome for result in evaluation.results} == {Outcome.ERROR}
    assert not evaluation.warehouse_reached


def test_an_own_statement_over_its_time_limit_blinds_nobody_else(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = own.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question == "checks/stale":
            raise StatementError("checks/stale: [STATEMENT_TIMEOUT]")
        return asking(question, **parameters)

    monkeypatch.setattr(own.warehouse, "ask", ask)
    assert found(own) == {"null_company_names": (Outcome.OK, 7), "stale": (Outcome.ERROR, None)}


def test_a_rerun_asks_for_no_own_statement(own: World) -> None:
    own.open_incident()
    own.warehouse.asked.clear()
    own.facts()
    assert own.warehouse.asked == [f"{HEALTH} + queues/1"], "and for no other queue"
