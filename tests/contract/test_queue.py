"""sql/measure/queue.sql on the generated estate: what is pending, counted and by record."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config.syncs import SyncSettings
from bot.demo.estate import Estate
from bot.runtime.composition import settings_from
from bot.sql.statements import Statements
from tests.small_pipeline import health
from tests.sql_folder import shipped_statements

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PLACE = {"create": 0, "update": 1}
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def estate() -> Iterator[tuple[Estate, DuckDBWarehouse]]:
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    estate = Estate(warehouse, lambda: NOW)
    estate.build()
    yield estate, warehouse
    warehouse.close()


def ask(warehouse: DuckDBWarehouse, direction: str, most: int = 5) -> Rows:
    return warehouse.ask(f"measure/queue/{PLACE[direction]}", most=most)


def kind(rows: Rows, kind: str, part: str | None = None) -> Rows:
    return [row for row in rows if (row["kind"], row["part"]) == (kind, part)]


def keys(warehouse: DuckDBWarehouse, direction: str) -> set[str]:
    with warehouse.cursor() as cursor:
        cursor.execute(f"SELECT rds_property_id::TEXT FROM crm.sfdc_dbx.properties_to_{direction}")
        return {str(row[0]) for row in cursor.fetchall()}


@pytest.mark.full
def test_its_sizes_are_those_that_the_checks_judge(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    world, warehouse = estate
    for broken in (False, True):
        world.switch("company_name_bug", broken)
        numbers = health(warehouse)
        for direction in PLACE:
            [total] = kind(ask(warehouse, direction), "total")
            counted = (numbers[f"{direction}_queue"], numbers[f"{direction}_queue_suspicious"])
            assert (total["records"], total["suspects"]) == counted
            assert (total["suspects"] == 0) != broken
    world.switch("company_name_bug", False)


@pytest.mark.full
def test_one_direction_leaves_the_other_out(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    rows = ask(estate[1], "create", most=500)
    assert [row["records"] for row in kind(rows, "total")] == [12]
    shown = {row["key_0"] for row in rows if row["kind"] == "record"}
    assert shown == keys(estate[1], "create")
    assert not shown & keys(estate[1], "update")


def test_groups_come_the_biggest_first_and_rows_the_oldest(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    rows = ask(estate[1], "update", most=200)
    states = [int(str(row["records"])) for row in kind(rows, "group", "state")]
    assert states == sorted(states, reverse=True)
    companies = [int(str(row["records"])) for row in kind(rows, "group", "company_name")]
    assert companies == sorted(companies, reverse=True)
    assert sum(states) == sum(companies) == 180
    ages = [row["oldest_at"] for row in kind(rows, "record", "first")]
    assert len(ages) == 180
    assert ages == sorted(ages, key=str)
    assert kind(rows, "total")[0]["oldest_at"] == ages[0]


def test_rows_that_look_wrong_are_found_behind_the_first_ones(estate: tuple[Estate, DuckDBWarehouse]) -> None:
    world, warehouse = estate
    world.switch("company_name_bug", True)
    rows = ask(warehouse, "create", most=2)
    world.switch("company_name_bug", False)
    labels = [one.label for one in settings_from({}).syncs[PLACE["create"]].suspect]
    wrong = [row for row in rows if row["suspect"] is not None]
    assert [labels[int(str(row["suspect"]))] for row in wrong] == ["no company name", "no company name"]
    assert all(row["part"] == "suspect" for row in wrong)
    assert len(kind(rows, "record", "first")) == 2


@pytest.mark.full
def test_empty_tables_are_not_measurable_and_an_empty_queue_is() -> None:
    warehouse = DuckDBWarehouse(statements=shipped_statements())

    def measured() -> list[object]:
        numbers = health(warehouse)
        return [numbers[f"{direction}_queue{which}"] for direction in PLACE for which in ("", "_suspicious")]

    try:
        Estate(warehouse, lambda: NOW).build()
        cursor = warehouse.cursor()
        cursor.execute("DELETE FROM rds.pg_rds_public.properties WHERE id % 1000 = 0")
        assert None not in measured()
        cursor.execute("DELETE FROM hive_metastore.salesforce.product_property")
        assert measured() == [None] * 4
        cursor.execute("DELETE FROM rds.pg_rds_public.properties")
        assert measured() == [None] * 4
        for direction in PLACE:
            assert [(row["kind"], row["records"], row["suspects"]) for row in ask(warehouse, direction)] == [
                ("total", 0, 0)
            ]
    finally:
        warehouse.close()


@pytest.mark.parametrize("day", ["DATE '2026-03-01'", "TIMESTAMP '2026-03-01 00:00:00'", "'2026-03-01'"])
def test_a_queue_that_says_the_day_says_since_when(day: str) -> None:
    one = SyncSettings(name="One", id=1, queue="lake.crm.pending", key=("k",), changed_at="day")
    hourly = one.model_copy(update={"name": "Two", "id": 2, "queue": "lake.crm.hourly"})
    warehouse = DuckDBWarehouse(statements=Statements(syncs=(one, hourly)))
    with warehouse.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS lake.crm")
        cursor.execute(f"CREATE TABLE lake.crm.pending AS SELECT 'a' AS k, {day} AS day")
        cursor.execute("CREATE TABLE lake.crm.hourly AS SELECT 'a' AS k, TIMESTAMPTZ '2026-03-01 04:00:00Z' AS day")
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    together, alone, described = (warehouse.ask(name, **most) for name, most in ASKED)
    assert (together[0]["q0_oldest"], together[0]["q1_oldest"]) == (midnight, midnight.replace(hour=4))
    assert alone[0]["q0_oldest"] == midnight
    assert {row["oldest_at"] for row in described} == {midnight}
    warehouse.close()


def test_a_condition_may_look_into_lists_and_structures() -> None:
    one = SyncSettings(
        name="One", id=1, queue="lake.crm.nested", suspect=("exists(tags, t -> t = 'bad')", "owner.name IS NULL")
    )
    warehouse = DuckDBWarehouse(statements=Statements(syncs=(one,)))
    with warehouse.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS lake.crm")
        cursor.execute(
            "CREATE TABLE lake.crm.nested AS SELECT * FROM"
            " (VALUES (['bad', 'x'], {'name': 'A'}), (['x'], {'name': NULL}),"
            " (NULL, {'name': 'B'}), (['x'], {'name': 'C'})) AS t(tags, owner)"
        )
    for name in ("queues", "queues/0"):
        [row] = warehouse.ask(name)
        assert (row["q0_suspect_0"], row["q0_suspect_1"]) == (1, 1)
    assert len(warehouse.ask("measure/queue/0", most=5)) > 1
    warehouse.close()


ASKED: tuple[tuple[str, dict[str, int]], ...] = (("queues", {}), ("queues/0", {}), ("measure/queue/0", {"most": 5}))
