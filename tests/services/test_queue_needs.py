"""What a backlog needs to be known, and what is unknown where something of that is missing: that alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.config.syncs import SyncSettings
from bot.errors import PermanentError
from bot.model import Evaluation
from bot.services.judge_all import unmeasured
from bot.services.measure import measure
from checks.model import Outcome
from tests.fakes import shipped_settings
from tests.services.conftest import CHECK, World

CHECKS = (CHECK, *(one for one in shipped_settings().checks if one.name in ("backlog", "suspect_records")))
BACKLOGS = {("backlog", "Sync A"), ("backlog", "Sync B")}
SUSPECTS = {("suspect_records", "Sync A"), ("suspect_records", "Sync B")}
SALESFORCE = "hive_metastore.salesforce.product_property"
ENRICHED = "crm.sfdc_dbx.rds_properties_enriched"
GONE = PermanentError("table crm.sfdc_dbx.properties_to_update is missing")


@pytest.fixture
def world(world: World) -> World:
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=CHECKS))
    return world


def with_sync_b(world: World, **changes: object) -> None:
    first, second = world.ports.settings.syncs
    syncs: tuple[SyncSettings, ...] = (first, second.model_copy(update=changes))
    world.ports = replace(world.ports, settings=replace(world.ports.settings, syncs=syncs))


def judged(evaluation: Evaluation) -> dict[tuple[str, str | None], Outcome]:
    return {(one.check, one.sync): one.outcome for one in evaluation.results}


def of(evaluation: Evaluation, outcome: Outcome) -> set[tuple[str, str | None]]:
    return {key for key, found in judged(evaluation).items() if found is outcome}


def test_with_all_that_they_need_every_queue_is_judged(world: World) -> None:
    assert of(measure(world.ports), Outcome.OK) == {(CHECK.name, None)} | BACKLOGS | SUSPECTS


@pytest.mark.parametrize("rows", [0, None])
@pytest.mark.parametrize(("need", "table"), [("salesforce_rows", SALESFORCE), ("enriched_rows", ENRICHED)])
def test_a_queue_says_nothing_while_a_table_that_it_needs_has_no_rows(
    world: World, need: str, table: str, rows: int | None
) -> None:
    world.numbers(**{need: rows})
    evaluation = measure(world.ports)
    assert of(evaluation, Outcome.NO_DATA) == BACKLOGS | SUSPECTS
    assert [sync.queue for sync in evaluation.syncs] == [None, None]
    for result in evaluation.results:
        assert result.outcome is Outcome.OK or table in str(result.error)
    said = unmeasured(evaluation, {check.name: check for check in CHECKS})["unmeasured_databricks"]
    assert table in said.facts["reason"]


def test_the_table_is_named_as_it_is_called_here(world: World) -> None:
    world.ports = replace(world.ports, settings=replace(world.ports.settings, tables={SALESFORCE: "lake.crm.objects"}))
    world.numbers(salesforce_rows=0)
    [why] = {one.error for one in measure(world.ports).results if one.outcome is Outcome.NO_DATA}
    assert why == "table lake.crm.objects is empty"


def test_a_sync_that_needs_nothing_is_judged_anyway(world: World) -> None:
    with_sync_b(world, needs=())
    world.numbers(salesforce_rows=0, enriched_rows=0, update_queue=700)
    found = judged(measure(world.ports))
    assert (found["backlog", "Sync A"], found["suspect_records", "Sync A"]) == (Outcome.NO_DATA, Outcome.NO_DATA)
    assert (found["backlog", "Sync B"], found["suspect_records", "Sync B"]) == (Outcome.WARN, Outcome.OK)


def test_a_need_that_another_sync_does_not_have_is_its_own(world: World) -> None:
    with_sync_b(world, needs=("enriched_rows",))
    world.numbers(salesforce_rows=0)
    assert of(measure(world.ports), Outcome.NO_DATA) == {("backlog", "Sync A"), ("suspect_records", "Sync A")}


def test_a_measurement_that_cannot_work_leaves_nothing_to_judge_a_queue_by(world: World) -> None:
    asking = world.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question == "measure/health":
            raise PermanentError("there is no view")
        return asking(question, **parameters)

    world.warehouse.ask = ask  # type: ignore[method-assign]
    found = of(measure(world.ports), Outcome.OK)
    assert found == set(), "an empty table could be the reason for every number"


def broken(world: World, *columns: str) -> None:
    """The queue of Sync B cannot be counted as a whole, nor these of its numbers."""
    asking = world.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question in ("queues", "queues/1"):
            raise GONE
        return asking(question, **parameters)

    def ask_column(question: str, column: str) -> dict[str, object]:
        if column in columns:
            raise GONE
        return {column: world.warehouse.row(question)[column]}

    world.warehouse.ask = ask  # type: ignore[method-assign]
    world.warehouse.ask_column = ask_column  # type: ignore[method-assign]


def test_a_queue_that_is_missing_blinds_the_checks_of_its_sync_alone(world: World) -> None:
    broken(world, "q1_backlog", "q1_oldest", "q1_suspect_0", "q1_suspect_1")
    evaluation = measure(world.ports)
    assert of(evaluation, Outcome.ERROR) == {("backlog", "Sync B"), ("suspect_records", "Sync B")}
    rest = {(CHECK.name, None), ("backlog", "Sync A"), ("suspect_records", "Sync A")}
    assert of(evaluation, Outcome.OK) == rest
    assert [sync.queue for sync in evaluation.syncs] == [3, None]
    assert evaluation.problems == ("the warehouse: table crm.sfdc_dbx.properties_to_update is missing",)
    said = unmeasured(evaluation, {check.name: check for check in CHECKS})["unmeasured_databricks"]
    assert said.facts["blind"] == "2 checks of Sync B cannot run"


@pytest.mark.parametrize("column", ["q1_suspect_0", "q1_suspect_1"])
def test_a_condition_that_cannot_work_blinds_the_suspect_records_of_its_sync_alone(world: World, column: str) -> None:
    broken(world, column)
    evaluation = measure(world.ports)
    assert of(evaluation, Outcome.ERROR) == {("suspect_records", "Sync B")}
    assert judged(evaluation)["backlog", "Sync B"] is Outcome.OK
    assert [sync.queue for sync in evaluation.syncs] == [3, 12]
    assert [sync.suspicious for sync in evaluation.syncs] == [0, None]


def test_an_age_that_cannot_be_read_blinds_no_backlog(world: World) -> None:
    broken(world, "q1_oldest")
    evaluation = measure(world.ports)
    assert of(evaluation, Outcome.ERROR) == set()
    assert [(sync.queue, sync.oldest_pending) for sync in evaluation.syncs] == [(3, None), (12, None)]


NO_QUEUE = {"queue": None, "key": (), "changed_at": None, "group_by": (), "suspect": (), "needs": ()}


@pytest.mark.parametrize("happens", [lambda _: None, lambda world: world.numbers(salesforce_rows=0)])
def test_a_sync_without_a_queue_has_no_backlog_and_none_is_missing(
    world: World, happens: Callable[[World], object]
) -> None:
    with_sync_b(world, **NO_QUEUE)
    happens(world)
    evaluation = measure(world.ports)
    assert set(judged(evaluation)) == {(CHECK.name, None), ("backlog", "Sync A"), ("suspect_records", "Sync A")}
    assert {one.sync for one in evaluation.results if one.outcome is Outcome.NO_DATA} <= {"Sync A"}
    assert (evaluation.syncs[1].queue, evaluation.syncs[1].error) == (None, None)


def test_a_sync_without_conditions_has_no_suspect_records_and_none_are_missing(world: World) -> None:
    with_sync_b(world, suspect=())
    evaluation = measure(world.ports)
    assert ("suspect_records", "Sync B") not in judged(evaluation)
    assert ("backlog", "Sync B") in of(evaluation, Outcome.OK)
