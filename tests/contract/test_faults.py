"""The failures of the generated pipeline: each crosses the limit it is meant to cross, and goes without a trace."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.demo.estate import FAULTS
from bot.errors import PermanentError
from tests.contract.test_estate import World


@pytest.fixture(scope="module")  # every test leaves it as it was: that is what is tested
def world() -> Iterator[World]:
    one = World()
    yield one
    one.warehouse.close()


CROSSES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "company_name_bug": lambda health: health["update_queue_suspicious"] > 200,
    "company_names_lost": lambda health: health["null_company_names"] == 907 and health["data_quality_percentage"] < 97,
    "company_names_mixed_up": lambda health: health["company_name_equals_property_name_percentage"] > 5,
    "update_queue_grows": lambda health: 500 < health["update_queue"] < 1000,
    "salesforce_rows_deleted": lambda health: 85 < health["coverage_percentage"] < 90,
    "properties_empty": lambda health: health["enriched_rows"] == 0 and health["coverage_percentage"] is None,
    "view_missing": lambda health: "properties_to_update" in health["missing"],
}


def look(world: World) -> dict[str, Any]:
    try:
        world.warehouse.ask("queues")
        return world.health()
    except PermanentError as error:
        return {"missing": str(error)}


@pytest.mark.full
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_crosses_its_limit_and_goes_without_a_trace(name: str, world: World) -> None:
    before = world.health(), world.queue("create"), world.queue("update"), world.digest()
    assert not CROSSES[name](before[0] | {"missing": ""})
    for _ in range(2):  # switched on twice it is on
        world.estate.switch(name, on=True)
        assert CROSSES[name](look(world))
    for _ in range(2):
        world.estate.switch(name, on=False)
        assert (world.health(), world.queue("create"), world.queue("update"), world.digest()) == before


@pytest.mark.parametrize("name", ["company_names_lost", "company_names_mixed_up", "salesforce_rows_deleted"])
def test_faults_of_salesforce_alone_leave_the_queues_as_they_are(name: str, world: World) -> None:
    before = world.queue("create"), world.queue("update")
    world.estate.switch(name, on=True)
    assert (world.queue("create"), world.queue("update")) == before
    world.estate.switch(name, on=False)


@pytest.mark.full
def test_all_faults_at_once_are_mended_the_other_way_round(world: World) -> None:
    before = world.health(), world.digest()
    for name in FAULTS:
        world.estate.switch(name, on=True)
    for name in reversed(FAULTS):
        world.estate.switch(name, on=False)
    assert (world.health(), world.digest()) == before


def test_a_dropped_view_leaves_the_other_numbers_to_be_asked_one_by_one(world: World) -> None:
    world.estate.switch("view_missing", on=True)
    assert world.warehouse.ask_column("measure/health", "coverage_percentage")["coverage_percentage"] > 96
    assert world.warehouse.ask_column("queues/0", "q0_backlog") == {"q0_backlog": 12}
    found = world.health()
    assert (found["create_queue"], found["create_queue_suspicious"]) == (12, 0)
    assert (found["update_queue"], found["update_queue_suspicious"]) == (None, None)
    assert found["coverage_percentage"] > 96
    world.estate.switch("view_missing", on=False)
