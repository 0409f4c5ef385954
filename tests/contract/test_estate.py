"""The generated pipeline: its exact numbers, its bug, and what Census does to it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo.estate import BUILD, Estate
from bot.demo.warehouse.clock import keep_time
from bot.errors import RefusedError
from bot.runtime.composition import SystemClock
from tests.small_pipeline import LOS_ANGELES, NOTES, health
from tests.sql_folder import SHIPPED, shipped_statements

SLACK = timedelta(hours=1)  # a tenth of a second: the machine's two clocks do not run quite alike
NOW = datetime(2026, 1, 20, 18, 0, tzinfo=UTC)
TABLES = (
    "rds.pg_rds_public.companies",
    "rds.pg_rds_public.properties",
    "crm.sfdc_dbx.product_property_w_features",
    "hive_metastore.salesforce.product_property",
    "crm.sfdc_dbx.sync_audit_log",
)
VIEWS = tuple(
    f"crm.sfdc_dbx.{name}"
    for name in (
        "rds_properties_enriched",
        "properties_aggregated_by_sfdc_id",
        "properties_to_create",
        "properties_to_update",
    )
)
LIVE = "hive_metastore.salesforce.product_property WHERE NOT is_deleted AND NOT _fivetran_deleted"


class World:
    """An estate in a warehouse of its own, with a clock that stands still."""

    def __init__(self) -> None:
        self.now = NOW
        self.warehouse = DuckDBWarehouse(statements=shipped_statements())
        self.estate = Estate(self.warehouse, lambda: self.now)
        self.estate.build()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.warehouse.cursor() as cursor:
            return list(cursor.execute(query).fetchall())

    def number(self, query: str) -> object:
        return self.rows(query)[0][0]

    def health(self) -> dict[str, object]:
        return health(self.warehouse)

    def queue(self, direction: str) -> list[tuple[object, ...]]:
        return self.rows(f"SELECT * FROM crm.sfdc_dbx.properties_to_{direction} ORDER BY ALL")

    def sync(self, direction: str, run_id: int, step: int = 50) -> int:
        total = self.estate.take(direction, run_id)
        written = sum(
            self.estate.bring(direction, run_id, first, first + step - 1) for first in range(1, total + 1, step)
        )
        self.estate.forget(run_id)
        return written

    def digest(self) -> list[object]:
        """A hash of every row of each table."""
        return [
            self.number(f"SELECT MD5(STRING_AGG(t::TEXT, '|' ORDER BY t::TEXT)) FROM {table} AS t") for table in TABLES
        ]


@pytest.fixture(scope="module")
def healthy() -> Iterator[World]:
    """Only read from."""
    world = World()
    yield world
    world.warehouse.close()


@pytest.fixture
def world() -> Iterator[World]:
    one = World()
    yield one
    one.warehouse.close()


@pytest.mark.full
def test_the_healthy_estate_has_exactly_these_numbers(healthy: World) -> None:
    assert healthy.health() == {
        "salesforce_rows": 18722,
        "null_company_names": 7,
        "enriched_rows": 20274,
        "create_queue": 12,
        "update_queue": 180,
        "create_queue_suspicious": 0,
        "update_queue_suspicious": 0,
        "active_rds_properties": 18974,
        "enriched_without_company_name": 0,
        "enriched_named_like_property": 0,
        "rds_with_sfdc_id": 19500,
        "gap": 778,
        "coverage_percentage": pytest.approx(96.01, abs=0.005),
        "logged_coverage_percentage": 96.01,
        "matched_coverage_percentage": pytest.approx(99.877, abs=0.0005),
        "company_name_equals_property_name_percentage": 0,
        "data_quality_percentage": pytest.approx(99.963, abs=0.0005),
        "newest_row_at": NOW - timedelta(minutes=2),
    }
    assert tuple(healthy.warehouse.ask("measure/health")[0]) == SHIPPED.columns("measure/health")
    assert healthy.number("SELECT SUM(has_valid_sfdc_id) FROM crm.sfdc_dbx.rds_properties_enriched") == 19500
    assert healthy.number("SELECT COUNT(*) FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id") == 8629
    assert healthy.number("SELECT COUNT(DISTINCT sfdc_id) FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id") == 8629


@pytest.mark.full
def test_placeholder_ids_are_there_and_never_valid(healthy: World) -> None:
    [(count, valid)] = healthy.rows(
        "SELECT COUNT(*), SUM(has_valid_sfdc_id) FROM crm.sfdc_dbx.rds_properties_enriched"
        " WHERE sfdc_id = 'XXXXXXXXXXXXXXX'"
    )
    assert int(str(count)) > 100 and valid == 0


def test_every_filter_has_work_to_do(healthy: World) -> None:
    for rows in (
        "rds.pg_rds_public.properties WHERE status = 'DELETED'",
        "rds.pg_rds_public.properties WHERE status = 'DISABLED'",
        "rds.pg_rds_public.properties WHERE company_id IS NULL",
        "rds.pg_rds_public.companies WHERE _fivetran_deleted",
        "hive_metastore.salesforce.product_property WHERE is_deleted",
        "hive_metastore.salesforce.product_property WHERE _fivetran_deleted",
        "hive_metastore.salesforce.product_property AS s JOIN crm.sfdc_dbx.properties_to_create AS q"
        " ON q.sfdc_id = s.sf_property_id_c",
    ):
        assert int(str(healthy.number(f"SELECT COUNT(*) FROM {rows}"))) > 5, rows


def test_the_latest_row_of_features_counts(healthy: World) -> None:
    [(flag, since)] = healthy.rows(
        "SELECT payroll_enabled, payroll_enabled_at FROM crm.sfdc_dbx.rds_properties_enriched"
        " WHERE rds_property_id = 100035"
    )
    older, newer = healthy.rows(
        "SELECT payroll_linking_enabled, payroll_linking_enabled_at FROM crm.sfdc_dbx.product_property_w_features"
        " WHERE property_id = '100035' ORDER BY payroll_linking_updated_at"
    )
    assert older != newer
    assert (flag, since) == newer


def test_the_seven_without_a_name_belong_to_nothing_that_is_synced(healthy: World) -> None:
    names = healthy.rows(f"SELECT company_name_c, sf_property_id_c FROM {LIVE} AND COALESCE(company_name_c, '') = ''")
    assert {name for name, _ in names} == {None, ""}
    synced = {row[0] for row in healthy.rows("SELECT sfdc_id FROM crm.sfdc_dbx.properties_aggregated_by_sfdc_id")}
    assert len(names) == 7
    assert not synced & {sfdc_id for _, sfdc_id in names}


def test_the_views_offer_what_people_build_on(healthy: World) -> None:
    create, update = (
        SHIPPED.columns(f"pipeline/views/properties_to_{direction}") for direction in ("create", "update")
    )
    assert set(update) - set(create) == {"snappt_property_id_c"}
    for view in VIEWS:
        names = [row[0] for row in healthy.rows(f"DESCRIBE {view}")]
        assert tuple(names) == SHIPPED.columns(f"pipeline/views/{view.rpartition('.')[2]}")


def test_thirty_evenings_are_logged_at_2359_local_and_end_at_today(healthy: World) -> None:
    rows = healthy.rows("SELECT audit_id, execution_timestamp, notes FROM crm.sfdc_dbx.sync_audit_log ORDER BY 2")
    assert len(rows) == len({row[0] for row in rows}) == 30
    for audit_id, at, notes in rows:
        assert isinstance(at, datetime)
        local = at.astimezone(LOS_ANGELES)
        assert (local.hour, local.minute, f"daily_snapshot_{local:%Y%m%d}") == (23, 59, audit_id)
        assert [re.split(": ", part, maxsplit=1)[0] for part in str(notes).split(" | ")] == NOTES
    last = str(rows[-1][2])
    assert rows[-1][0] == "daily_snapshot_20260119"
    assert last.startswith("Coverage: 96.01% | Status: 🟢 GOOD | RDS Total: 20274 | SF Total: 18722 | Gap: 778 |")
    assert "| CREATE Queue: 12 | UPDATE Queue: 180 |" in last
    assert len({str(notes).split(" | ")[0] for _, _, notes in rows}) > 3


@pytest.mark.full
@pytest.mark.parametrize("day", ["2026-03-10", "2026-11-03"])
def test_evenings_stay_at_2359_where_the_clocks_change(day: str, world: World) -> None:
    world.now = datetime.fromisoformat(f"{day}T07:30:00+00:00")  # still the evening before in Los Angeles
    world.estate.build()
    times = [row[0] for row in world.rows("SELECT execution_timestamp FROM crm.sfdc_dbx.sync_audit_log ORDER BY 1")]
    local = [at.astimezone(LOS_ANGELES) for at in times if isinstance(at, datetime)]
    assert {(at.hour, at.minute) for at in local} == {(23, 59)}
    assert len({at.utcoffset() for at in local}) == 2
    assert local[-1].date() == world.now.astimezone(LOS_ANGELES).date() - timedelta(days=1)


def test_nothing_happened_in_the_future(healthy: World) -> None:
    for table, column in (
        ("rds.pg_rds_public.properties", "GREATEST(inserted_at, updated_at)"),
        ("hive_metastore.salesforce.product_property", "GREATEST(created_date, last_modified_date)"),
        ("crm.sfdc_dbx.sync_audit_log", "execution_timestamp"),
    ):
        assert healthy.number(f"SELECT MAX({column}) <= TIMESTAMPTZ '{NOW.isoformat()}' FROM {table}") is True


@pytest.mark.full
def test_the_same_now_builds_the_same_estate(world: World, healthy: World) -> None:
    assert world.digest() == healthy.digest()
    world.estate.switch("company_name_bug", on=True)
    world.sync("update", 1)
    world.estate.build()
    assert world.digest() == healthy.digest()
    assert not world.estate.is_on("company_name_bug")
    assert world.health() == healthy.health()


def test_empty_tables_are_no_data_and_not_healthy_zeros() -> None:
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    for statement in BUILD:
        if "/rows/" not in statement:
            warehouse.do(statement)
    row = health(warehouse)
    assert {row.pop(name) for name in ("salesforce_rows", "enriched_rows")} == {0}
    assert set(row.values()) == {None}
    warehouse.close()


def test_an_empty_salesforce_is_no_data_about_names_and_queues(world: World) -> None:
    world.rows("DELETE FROM hive_metastore.salesforce.product_property")
    found = world.health()
    assert (found["salesforce_rows"], found["null_company_names"]) == (0, None)
    assert (found["create_queue"], found["update_queue"]) == (None, None)


@pytest.mark.full
def test_the_bug_queues_about_240_rows_without_a_name_and_goes_without_a_trace(world: World) -> None:
    before = world.queue("create"), world.queue("update")
    world.estate.switch("company_name_bug", on=True)
    assert world.estate.is_on("company_name_bug")
    nameless = world.number("SELECT COUNT(*) FROM crm.sfdc_dbx.properties_to_update WHERE company_name IS NULL")
    assert 230 <= int(str(nameless)) <= 260
    assert world.health()["update_queue_suspicious"] == nameless
    assert world.health()["null_company_names"] == 7  # not before it is synced
    world.estate.switch("company_name_bug", on=False)
    assert not world.estate.is_on("company_name_bug")
    assert (world.queue("create"), world.queue("update")) == before


def test_a_fault_that_nobody_knows_is_refused_with_those_that_there_are(world: World) -> None:
    with pytest.raises(RefusedError, match="company_name_bug"):
        world.estate.switch("rain", on=True)


@pytest.mark.full
def test_an_update_run_empties_its_queue(world: World) -> None:
    world.now = NOW + timedelta(minutes=30)
    assert world.sync("update", 1) == 180
    assert world.health()["update_queue"] == 0
    assert world.number(f"SELECT COUNT(*) FROM {LIVE} AND last_modified_date = TIMESTAMPTZ '{world.now}'") == 180


@pytest.mark.full
def test_a_create_run_empties_its_queue_and_leaves_nothing_to_update(world: World) -> None:
    assert world.sync("create", 1) == 12
    found = world.health()
    assert (found["create_queue"], found["update_queue"], found["salesforce_rows"]) == (0, 180, 18734)
    assert world.number("SELECT COUNT(*) - COUNT(DISTINCT id) FROM hive_metastore.salesforce.product_property") == 0
    assert world.number(f"SELECT COUNT(*) FROM {LIVE} AND created_date = TIMESTAMPTZ '{NOW}'") == 12


@pytest.mark.full
def test_names_lost_by_the_bug_reach_salesforce_and_come_back(world: World) -> None:
    world.estate.switch("company_name_bug", on=True)
    world.sync("update", 1)
    assert int(str(world.health()["null_company_names"])) > 50
    assert world.health()["update_queue"] == 0
    world.estate.switch("company_name_bug", on=False)
    world.sync("update", 2)
    assert (world.health()["null_company_names"], world.health()["update_queue"]) == (7, 0)


@pytest.mark.full
def test_a_run_carries_what_it_read_at_its_start(world: World) -> None:
    world.estate.switch("company_name_bug", on=True)
    total = world.estate.take("update", 1)
    world.estate.switch("company_name_bug", on=False)
    assert world.estate.bring("update", 1, 1, total) == total
    assert int(str(world.health()["null_company_names"])) > 50


@pytest.mark.full
def test_half_a_run_leaves_half_a_queue(world: World) -> None:
    assert world.estate.take("update", 1) == 180
    assert world.estate.bring("update", 1, 1, 100) == 100
    assert world.health()["update_queue"] == 80
    assert world.estate.bring("update", 1, 101, 200) == 80
    assert world.estate.bring("update", 1, 181, 200) == 0


@pytest.mark.full
def test_taking_and_bringing_twice_changes_nothing(world: World) -> None:
    assert [world.estate.take("create", 1) for _ in range(2)] == [12, 12]
    assert [world.estate.bring("create", 1, 1, 12) for _ in range(2)] == [12, 12]
    assert world.health()["salesforce_rows"] == 18734


def test_a_forgotten_run_has_no_rows_and_others_keep_theirs(world: World) -> None:
    world.estate.take("create", 1)
    world.estate.take("update", 2)
    world.estate.forget(1)
    assert world.rows("SELECT run_id, COUNT(*) FROM crm.census.run_rows GROUP BY ALL") == [(2, 180)]


@pytest.mark.full
def test_both_syncs_the_fault_and_readers_at_once(world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        looks = [pool.submit(world.health) for _ in range(20)]
        runs = [pool.submit(world.sync, direction, n, 30) for n, direction in enumerate(("create", "update"))]
        switches = [pool.submit(world.estate.switch, "company_name_bug", on) for on in (True, False) * 3]
    assert all(look.result()["enriched_rows"] == 20274 for look in looks)
    assert [run.exception() for run in runs + switches] == [None] * 8
    assert world.health()["create_queue"] == 0


@pytest.mark.full
def test_a_working_day_changes_a_few_properties_and_adds_one_now_and_then() -> None:
    world = World()
    world.sync("create", 1)
    world.sync("update", 1)
    queues = []
    for step in range(10):
        world.estate.work(step)
        queues.append((world.health()["create_queue"], world.health()["update_queue"]))
    creates, updates = (list(sizes) for sizes in zip(*queues, strict=True))
    assert creates == [1] * 5 + [2] * 5
    assert 0 < updates[0] <= 10, "as many as a run carries in seconds"
    assert updates[0] < updates[-1] <= 100
    assert world.sync("update", 2) == updates[-1]
    assert world.health()["update_queue"] == 0, "and a run brings all of it"
    world.warehouse.close()


@pytest.mark.full
def test_a_working_day_mends_no_fault() -> None:
    world = World()
    for name in world.estate.faults:
        world.estate.switch(name, True)
        world.estate.work(5)
        world.estate.switch(name, False)
    world.estate.switch("properties_empty", True)
    world.estate.work(10)
    assert world.number("SELECT COUNT(*) FROM rds.pg_rds_public.properties") == 0
    world.warehouse.close()


def test_statements_and_views_of_the_demo_see_the_time_of_the_pipeline() -> None:
    clock, warehouse = SystemClock(36_000), DuckDBWarehouse(statements=shipped_statements())
    Estate(warehouse, clock.now).build()
    keep_time(warehouse.cursor, clock)
    began = clock.now()
    with warehouse.cursor() as cursor:
        cursor.execute(
            "SELECT check_timestamp FROM crm.sfdc_dbx.sync_health_monitor UNION ALL SELECT CURRENT_TIMESTAMP"
        )
        shown = [at for (at,) in cursor.fetchall()]
    assert all(began - SLACK <= at <= clock.now() + SLACK for at in shown)
    assert len(set(shown)) == 1
    warehouse.close()
