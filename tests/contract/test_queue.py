"""sql/measure/queue.sql on the generated estate: what waits, counted and by row."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo.estate import Estate
from bot.services.ask_warehouse import HEALTH

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def estate() -> Iterator[tuple[Estate, DuckDBWarehouse]]:
    warehouse = DuckDBWarehouse()
    estate = Estate(warehouse, lambda: NOW)
    estate.build()
    yield estate, warehouse
    warehouse.close()


def ask(warehouse: DuckDBWarehouse, direction: str = "both", most: int = 5) -> Rows:
    return warehouse.ask("measure/queue", direction=direction, most=most)


def part(rows: Rows, name: str, direction: str) -> Rows:
    return [row for row in rows if row["part"] == name and row["direction"] == direction]


@pytest.mark.full
def test_its_sizes_are_those_that_the_checks_judge(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    world, warehouse = estate
    for broken in (False, True):
        world.switch("company_name_bug", broken)
        [health] = warehouse.ask(HEALTH)
        rows = ask(warehouse)
        for direction in ("create", "update"):
            [total] = part(rows, "total", direction)
            counted = (health[f"{direction}_queue"], health[f"{direction}_queue_suspicious"])
            assert (total["waiting"], total["suspicious"]) == counted
            assert (total["suspicious"] == 0) != broken
    world.switch("company_name_bug", False)


@pytest.mark.full
def test_one_direction_leaves_the_other_out(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    rows = ask(estate[1], "create")
    assert {row["direction"] for row in rows} == {"create", "both"}
    assert [row["waiting"] for row in rows if row["part"] == "total"] == [12]


def test_groups_come_the_biggest_first_and_rows_the_oldest(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    rows = ask(estate[1], "update", most=200)
    states = [int(str(row["waiting"])) for row in part(rows, "state", "update")]
    assert states == sorted(states, reverse=True)
    assert sum(states) == sum(int(str(row["waiting"])) for row in part(rows, "company", "update")) == 180
    ages = [row["oldest_at"] for row in part(rows, "first", "update")]
    assert len(ages) == 180
    assert ages == sorted(ages, key=str)
    assert part(rows, "total", "update")[0]["oldest_at"] == ages[0]


def test_rows_that_look_wrong_are_found_behind_the_first_ones(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    world, warehouse = estate
    world.switch("company_name_bug", True)
    rows = ask(warehouse, "create", most=2)
    world.switch("company_name_bug", False)
    wrong = [row for row in rows if row["wrong"]]
    assert [row["wrong"] for row in wrong] == ["no company name", "no company name"]
    assert all(row["part"] == "wrong" for row in wrong)
    assert len(part(rows, "first", "create")) == 2


@pytest.mark.full
def test_empty_tables_are_not_measurable_and_an_empty_queue_is() -> None:
    warehouse = DuckDBWarehouse()
    try:
        Estate(warehouse, lambda: NOW).build()
        cursor = warehouse.cursor()
        cursor.execute("DELETE FROM rds.pg_rds_public.properties WHERE id % 1000 = 0")
        assert [row["waiting"] for row in ask(warehouse) if row["part"] == "measurable"] != [0]
        cursor.execute("DELETE FROM hive_metastore.salesforce.product_property")
        assert [row["waiting"] for row in ask(warehouse) if row["part"] == "measurable"] == [0]
        cursor.execute("DELETE FROM rds.pg_rds_public.properties")
        assert [(row["part"], row["waiting"]) for row in ask(warehouse)] == [("measurable", 0)]
    finally:
        warehouse.close()
