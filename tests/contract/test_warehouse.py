"""What every Warehouse keeps: DuckDB in this process, and Databricks' unmodified connector over a local server."""

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from math import inf, isnan

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.values import LONGEST
from bot.demo.estate import FAULTS, Estate
from bot.errors import NotFoundError, PermanentError, TemporaryError
from bot.ports import Warehouse
from bot.runtime.composition import settings_from
from bot.services.deploy import plan_deploy
from tests.small_pipeline import SALESFORCE, SmallPipeline, health
from tests.sql_folder import SHIPPED
from tests.waiting import until
from tests.warehouses import NOON, DatabricksPlace, DuckDBPlace, Place, local_databricks, snapshot

Write = Callable[[str], str]


@pytest.fixture
def warehouse(place: Place) -> Warehouse:
    return place.warehouse()


@pytest.mark.full
def test_an_answer_without_bound_is_refused_and_a_value_is_cut(
    warehouse: Warehouse, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = warehouse.ask(write("SELECT REPEAT('x', 100000) AS long"))
    assert len(str(row["long"])) == LONGEST
    for module in ("values", "duckdb", "databricks.session"):
        monkeypatch.setattr(f"bot.adapters.{module}.MOST_ROWS", 3)
    four = write("SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4")
    with pytest.raises(PermanentError, match="more than 3 rows"):
        warehouse.ask(four)
    assert len(warehouse.ask(write("SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3"))) == 3


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE crm.sfdc_dbx.copy AS SELECT 1 AS n",
        "WITH c AS (SELECT 1 AS n) DELETE FROM crm.sfdc_dbx.sync_audit_log WHERE audit_id IN (SELECT n FROM c)",
        "FROM crm.sfdc_dbx.sync_audit_log INSERT INTO crm.sfdc_dbx.copy SELECT 1",
        "DROP TABLE crm.sfdc_dbx.sync_audit_log",
    ],
)
def test_what_would_change_something_is_not_asked(warehouse: Warehouse, write: Write, text: str) -> None:
    name = write(text)
    for ask in (warehouse.ask, lambda name: warehouse.ask_column(name, "n")):
        with pytest.raises(PermanentError, match=rf"^sql/{name}\.sql:2: not a query, and what is asked must change"):
            ask(name)
    with pytest.raises(PermanentError, match="none of these questions can be joined"):
        warehouse.ask_joined([name])


def test_values_have_one_form(warehouse: Warehouse, write: Write) -> None:
    [row] = warehouse.ask(
        write(
            "SELECT CAST(:t AS TIMESTAMP) AS aware, CAST(:t AS TIMESTAMP_NTZ) AS naive,"
            " CAST(1.5 AS DECIMAL(5, 2)) AS price, SUM(1) AS many, CAST(3000000000 AS BIGINT) AS big,"
            " CAST('-Infinity' AS DOUBLE) AS low, CAST(NULL AS INT) AS nothing, NULL AS void, TRUE AS flag,"
            " DATE '2026-01-20' AS day, 'ein „Wort“' AS word, CAST('NaN' AS DOUBLE) AS nan"
        ),
        t=NOON.astimezone(timezone(timedelta(hours=-8))),
    )
    assert isnan(float(str(row.pop("nan"))))
    assert row == {
        "aware": NOON,
        "naive": NOON,
        "price": 1.5,
        "many": 1,
        "big": 3_000_000_000,
        "low": -inf,
        "nothing": None,
        "void": None,
        "flag": True,
        "day": date(2026, 1, 20),
        "word": "ein „Wort“",
    }
    assert [type(row[name]) for name in ("price", "many", "flag", "day")] == [float, int, bool, date]
    assert [getattr(row[name], "tzinfo", None) for name in ("aware", "naive")] == [UTC, UTC]


def test_times_keep_their_moment_and_their_microseconds(warehouse: Warehouse, write: Write) -> None:
    at = datetime(2026, 3, 8, 9, 59, 59, 123456, tzinfo=UTC)  # a second before clocks go forward in Los Angeles
    ask = write("SELECT CAST(:t AS TIMESTAMP) AS at, CAST(CONVERT_TIMEZONE('America/Los_Angeles', :t) AS DATE) AS day")
    assert warehouse.ask(ask, t=at) == [{"at": at, "day": date(2026, 3, 8)}]


@pytest.mark.parametrize(
    "value", ["O'Brien; DROP TABLE t --", 'a "quoted" %(word)s \\n :b', "屋根 🏠", "", 7, 2**40, 1.25, True, None]
)
def test_what_is_bound_comes_back_as_it_is(warehouse: Warehouse, write: Write, value: object) -> None:
    kind = {str: "STRING", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}.get(type(value), "STRING")
    assert warehouse.ask(write(f"SELECT CAST(:value AS {kind}) AS it"), value=value) == [{"it": value}]


def test_only_the_parameters_that_a_statement_uses_are_passed(warehouse: Warehouse, write: Write) -> None:
    assert warehouse.ask(write("SELECT :a AS a, ':b' AS b"), a=1, b=2) == [{"a": 1, "b": ":b"}]
    with pytest.raises(PermanentError, match="parameters: a"):
        warehouse.ask(write("SELECT :a AS a"))


def test_a_query_without_rows_has_none(warehouse: Warehouse, write: Write) -> None:
    assert warehouse.ask(write("SELECT 1 AS one WHERE 1 = 0")) == []


def test_null_stands_where_it_stood_among_many_rows(warehouse: Warehouse, write: Write) -> None:
    ask = write("SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS n FROM RANGE(0, 1000) AS r(i) ORDER BY i")
    assert [row["n"] for row in warehouse.ask(ask)] == [None if i % 3 == 0 else i for i in range(1000)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT * FROM crm.sfdc_dbx.nowhere", r"Table or view (crm\.sfdc_dbx\.)?nowhere is missing"),
        ("SELECT * FROM lost.sfdc_dbx.nowhere", r"Table or view lost\.sfdc_dbx\.nowhere is missing"),
        ("SELECT missing FROM (SELECT 1 AS one)", "Column missing is missing"),
        ("SELECT CAST('many' AS INT) AS n", r"s0: .*Could not convert string … to INT32"),
    ],
)
def test_what_cannot_work_is_permanent_and_told_in_a_line(
    text: str, told: str, warehouse: Warehouse, write: Write
) -> None:
    name = write(text)
    with pytest.raises(PermanentError) as caught:
        warehouse.ask(name)
    message = str(caught.value)
    assert re.match(told, message), "which statement it was, the log says; what is missing has a name"
    assert "\n" not in message and "SELECT" not in message


def test_an_unknown_question_is_not_found(warehouse: Warehouse) -> None:
    with pytest.raises(NotFoundError, match="nearest is measure/health"):
        warehouse.ask("measure/helth")


@pytest.mark.full
def test_one_column_is_asked_for_so_that_a_broken_view_does_not_blind_it(place: Place) -> None:
    pipeline, warehouse = SmallPipeline(place.duckdb), place.warehouse()
    pipeline.properties(4)
    pipeline.salesforce(3)
    pipeline.run("DROP VIEW crm.sfdc_dbx.properties_to_update")
    with pytest.raises(PermanentError, match="properties_to_update"):
        warehouse.ask_joined(["measure/health", "queues"])
    with pytest.raises(PermanentError, match="properties_to_update"):
        warehouse.ask("queues")
    assert warehouse.ask_column("measure/health", "coverage_percentage") == {"coverage_percentage": 75.0}
    with pytest.raises(PermanentError, match="properties_to_update"):
        warehouse.ask_column("queues/1", "q1_backlog")
    assert warehouse.ask_column("queues/0", "q0_backlog") == {"q0_backlog": 1}
    found = health(warehouse)
    assert (found["coverage_percentage"], found["create_queue"], found["update_queue"]) == (75.0, 1, None)


@pytest.mark.full
def test_a_column_that_a_condition_needs_does_not_blind_the_backlog(place: Place) -> None:
    pipeline, warehouse = SmallPipeline(place.duckdb), place.warehouse()
    pipeline.properties(4)
    pipeline.salesforce(3, name="Old name ")
    pipeline.run(
        "CREATE TABLE crm.sfdc_dbx.q AS SELECT * EXCLUDE (property_name) FROM crm.sfdc_dbx.properties_to_update"
    )
    pipeline.run("DROP VIEW crm.sfdc_dbx.properties_to_update")
    pipeline.run("ALTER TABLE crm.sfdc_dbx.q RENAME TO properties_to_update")
    assert warehouse.ask_column("queues/1", "q1_backlog") == {"q1_backlog": 3}
    assert warehouse.ask_column("queues/1", "q1_suspect_0") == {"q1_suspect_0": 0}
    with pytest.raises(PermanentError, match="property_name"):
        warehouse.ask_column("queues/1", "q1_suspect_1")
    found = health(warehouse)
    assert (found["create_queue"], found["update_queue"], found["coverage_percentage"]) == (1, 3, 75.0)
    assert (found["create_queue_suspicious"], found["update_queue_suspicious"]) == (0, None)


# What each column of Salesforce's table is needed for; every other number is measured without it.
NEEDED_FOR = {
    "company_name_c": {
        "null_company_names",
        "data_quality_percentage",
        "company_name_equals_property_name_percentage",
    },
    "sf_property_id_c": {
        "matched_coverage_percentage",
        "coverage_percentage",
        "enriched_without_company_name",
        "enriched_named_like_property",
    },
    "name": {"company_name_equals_property_name_percentage"},
}


@pytest.mark.full
@pytest.mark.parametrize("column", NEEDED_FOR)
def test_a_column_that_is_missing_blinds_only_the_numbers_that_need_it(place: Place, column: str) -> None:
    pipeline, warehouse = SmallPipeline(place.duckdb), place.warehouse()
    pipeline.properties(4)
    pipeline.salesforce(3)
    for queue in ("create", "update"):  # tables, so that the queues themselves do not read the column
        pipeline.run(f"CREATE TABLE crm.sfdc_dbx.q_{queue} AS SELECT * FROM crm.sfdc_dbx.properties_to_{queue}")
        pipeline.run(f"DROP VIEW crm.sfdc_dbx.properties_to_{queue}")
        pipeline.run(f"ALTER TABLE crm.sfdc_dbx.q_{queue} RENAME TO properties_to_{queue}")
    whole = warehouse.ask("measure/health")[0]
    pipeline.run(f"ALTER TABLE {SALESFORCE} DROP COLUMN {column}")
    blind = set()
    for metric in SHIPPED.columns("measure/health"):
        try:
            assert warehouse.ask_column("measure/health", metric) == {metric: whole[metric]}
        except PermanentError as error:
            assert column in str(error)
            blind.add(metric)
    assert blind == NEEDED_FOR[column]


def test_two_writers_of_one_row_are_told_to_try_again(place: Place, write: Write) -> None:
    warehouse = place.warehouse()
    warehouse.do(write("CREATE TABLE crm.sfdc_dbx.t AS SELECT 1 AS n"))
    with place.duckdb.cursor() as other:
        other.execute("BEGIN")
        other.execute("UPDATE crm.sfdc_dbx.t SET n = 2")
        with pytest.raises(TemporaryError):
            warehouse.do(write("UPDATE crm.sfdc_dbx.t SET n = 3"))


@pytest.mark.full
def test_any_thread_may_ask_while_another_writes(warehouse: Warehouse, write: Write) -> None:
    warehouse.do(write("CREATE TABLE crm.sfdc_dbx.t (n BIGINT, at TIMESTAMP)"))
    add, read = (
        write("INSERT INTO crm.sfdc_dbx.t SELECT :n, CAST(:at AS TIMESTAMP)"),
        write("SELECT COUNT(*) AS n, MAX(at) AS at FROM crm.sfdc_dbx.t"),
    )

    def work(n: int) -> object:
        warehouse.do(add, n=n, at=NOON)
        return warehouse.ask(read)[0]["at"]

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(200))) == {NOON}
    assert warehouse.ask(read) == [{"n": 200, "at": NOON}]


def test_a_snapshot_written_twice_is_one_row(place: Place) -> None:
    pipeline, warehouse = SmallPipeline(place.duckdb), place.warehouse()
    for _ in range(2):
        snapshot(warehouse, "daily_snapshot_20260120")
    assert pipeline.run("SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log") == [(1,)]


@pytest.mark.full
def test_a_deploy_may_be_repeated_and_its_limits_change_while_the_rows_stay(place: Place) -> None:
    SmallPipeline(place.duckdb)
    warehouse = place.warehouse()
    plan = plan_deploy(settings_from({}))
    for limit in (95, 0):
        for statement in plan.statements:
            warehouse.create(statement, {**plan.values, "coverage_warn": limit})
        snapshot(warehouse, "daily_snapshot_20260120")
    with place.duckdb.cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log").fetchall() == [(1,)]
        views = cursor.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'daily_health_check'").fetchall()
    assert "0 AS coverage_warn" in views[0][0]


def test_renamed_tables_are_written_and_read_under_their_names(place: Place, write: Write) -> None:
    with place.duckdb.cursor() as cursor:
        cursor.execute("ATTACH ':memory:' AS app")
        cursor.execute('CREATE SCHEMA app."other-schema"')
    warehouse = place.warehouse({"rds.pg_rds_public.companies": "app.other-schema.firms"})
    warehouse.do(write("CREATE TABLE rds.pg_rds_public.companies AS SELECT 7 AS id"))
    assert warehouse.ask(write("SELECT id FROM rds.pg_rds_public.companies")) == [{"id": 7}]
    assert warehouse.ask(write("SELECT id FROM app.`other-schema`.firms")) == [{"id": 7}]


def test_what_runs_anyway_is_awake_before_anybody_asked(place: Place) -> None:
    if isinstance(place, DatabricksPlace):
        place.server.wake()
    assert place.warehouse().awake()


def test_closing_twice_is_fine_and_asking_afterwards_is_an_error(warehouse: Warehouse, write: Write) -> None:
    ask = write("SELECT 1 AS one")
    warehouse.ask(ask)
    warehouse.close()
    warehouse.close()
    with pytest.raises(PermanentError, match="closed"):
        warehouse.ask(ask)


@pytest.mark.full
def test_closing_interrupts_those_who_still_ask(place: Place, write: Write) -> None:
    warehouse = place.warehouse()
    endless = write("SELECT SUM(a.i * b.i) AS n FROM RANGE(1000000) AS a(i) CROSS JOIN RANGE(1000000) AS b(i)")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(warehouse.ask, endless) for _ in range(4)]
        until(lambda: place.running() == 4)
        warehouse.close()
        assert all(isinstance(one.exception(), TemporaryError) for one in asked)
    until(lambda: place.running() == 0)


@pytest.mark.full
def test_the_statements_of_the_services_have_equal_answers_on_both() -> None:
    answers = []
    for one in (DuckDBPlace(), DatabricksPlace()):
        pipeline, warehouse = SmallPipeline(one.duckdb), one.warehouse()
        pipeline.properties(40)
        pipeline.salesforce(30, company=None)
        pipeline.salesforce(35, first=31)
        snapshot(warehouse, "daily_snapshot_20260120")
        snapshot(warehouse, "manual_snapshot_20260120T120000Z")
        asked = [
            warehouse.ask("measure/health"),
            warehouse.ask("queues"),
            *(warehouse.ask(f"queues/{place}") for place in (0, 1)),
            *(warehouse.ask(f"measure/queue/{place}", most=5) for place in (0, 1)),
            warehouse.ask("measure/snapshots", audit_id="manual_snapshot_20260120T120000Z", now=NOON, most=2),
            warehouse.ask("measure/snapshots", audit_id=None, now=NOON, most=9),
            warehouse.ask("measure/examples", metric="null_company_names"),
            [sorted(warehouse.columns("crm.sfdc_dbx.sync_audit_log"))],
            warehouse.ask("measure/snapshot_by_hand", since=NOON - timedelta(minutes=5), now=NOON),
        ]
        log = one.duckdb.ask("measure/snapshots", audit_id=None, now=NOON, most=99)
        warehouse.try_write("doctor/may_write")
        assert one.duckdb.ask("measure/snapshots", audit_id=None, now=NOON, most=99) == log, "it writes no row"
        alone = [warehouse.ask_column("measure/health", column) for column in SHIPPED.columns("measure/health")]
        assert {name: value for row in alone for name, value in row.items()} == asked[0][0]
        assert all(asked)
        answers.append(asked)
        one.close()
    assert answers[0] == answers[1]


@pytest.mark.full
def test_the_estate_is_built_broken_and_mended_over_the_wire_as_it_is_without() -> None:
    seen = []
    for one in (DuckDBPlace(), DatabricksPlace()):
        warehouse = one.warehouse()
        estate = Estate(warehouse, lambda: NOON)
        estate.build()
        for fault in FAULTS:
            estate.switch(fault, on=True)
            estate.switch(fault, on=False)
        taken = estate.take("update", 1)
        seen.append((taken, estate.bring("update", 1, 1, 20), health(warehouse)))
        one.close()
    assert seen[0] == seen[1]


def test_nobody_imports_the_connector_who_has_no_databricks() -> None:
    heavy = "databricks, pandas, pyarrow, thrift"
    ours = "bot.runtime.composition, bot.cli.app, bot.adapters.duckdb"
    code = f"import {ours}, sys; print({{*'{heavy}'.split(', ')}} & {{*sys.modules}})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_tables_and_views_are_listed_by_names_that_can_be_written_and_asked(place: Place) -> None:
    with place.duckdb.cursor() as cursor:
        cursor.execute('CREATE TABLE rds.pg_rds_public."my größe.x" AS SELECT 1 AS "Id"')
        cursor.execute("CREATE VIEW crm.sfdc_dbx.pending AS SELECT 1 AS a")
    tables = place.warehouse().list_tables()
    assert tables == ["crm.sfdc_dbx.pending", "rds.pg_rds_public.`my größe.x`"]
    assert place.warehouse().columns(tables[1]) == {"id"}


def test_unity_catalog_does_not_know_the_tables_of_hive_metastore(place: Place) -> None:
    with place.duckdb.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {SALESFORCE} AS SELECT 1 AS a")
    assert place.warehouse().list_tables() == ([SALESFORCE] if isinstance(place, DuckDBPlace) else [])


def test_the_auto_stop_is_told_without_waking_anything() -> None:
    embedded = DuckDBWarehouse()
    assert embedded.auto_stop() == timedelta(0)
    embedded.close()
    for minutes in (10, 0):
        with local_databricks(auto_stop_mins=minutes) as databricks:
            assert databricks.warehouse().auto_stop() == timedelta(minutes=minutes)
            assert databricks.server.state == "STOPPED"
