"""The dashboard's tiles over what is there now, over nothing, and over another pipeline's log."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config import shipped
from bot.demo.estate import Estate
from bot.runtime.composition import settings_from
from bot.services.deploy import settings_of_views
from bot.sql.statements import Statements
from tests.pipelines.contacts import BUILD as CONTACTS_TABLES
from tests.small_pipeline import LOS_ANGELES, SALESFORCE, SmallPipeline, local
from tests.tile_answers import LogRow, TileAnswers, moment

SHIPPED = settings_from({})
CONTACTS = settings_from({"SYNC_HEALTH_CONFIG": str(Path(__file__).parents[1] / "contacts" / "pipeline.yml")})


@pytest.fixture(scope="module")
def contacts() -> Iterator[TileAnswers]:
    """Another pipeline's, in Kolkata."""
    warehouse = DuckDBWarehouse(statements=Statements.of(CONTACTS))
    with warehouse.cursor() as cursor:
        cursor.execute(CONTACTS_TABLES)
    for name in ("sync_audit_log", "sync_health_monitor"):
        warehouse.create(name, settings_of_views(CONTACTS))
    yield TileAnswers(CONTACTS, warehouse)
    warehouse.close()


def test_another_pipelines_backlogs_are_read_from_its_notes_by_its_own_days(contacts: TileAnswers) -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    today = date(2026, 11, 9)

    def snapshot(back: int, notes: str | None, type_: str = "MONITORING") -> LogRow:
        day = today - timedelta(days=back)
        return LogRow(f"daily_snapshot_{day:%Y%m%d}", type_, moment(day, "23:59", kolkata), notes=notes)

    contacts.fill(
        [
            snapshot(45, "Old/backlog: 1"),
            snapshot(3, "Contacts/backlog: 12 | Contacts/success_rate: 98.5 | A ¦ B/backlog: 0 | nameless_contacts: 3"),
            snapshot(2, None),
            snapshot(1, "Contacts/backlog: 7"),
            snapshot(1, "Contacts/backlog: 99", "MANUAL"),
        ]
    )
    found = contacts.ask(3, moment(today, "05:00", kolkata))
    records = {(row["day"], row["sync"]): row["records"] for row in found if row["records"] is not None}
    assert records == {
        (date(2026, 11, 6), "A ¦ B"): 0,
        (date(2026, 11, 6), "Contacts"): 12,
        (date(2026, 11, 8), "Contacts"): 7,
    }
    assert len(found) == 2 * 29, "the days without a number are there, without one"


@pytest.mark.parametrize("pipeline", ["answers", "contacts"])
def test_a_chart_can_draw_what_a_tile_answers_also_where_there_is_nothing(
    pipeline: str, request: pytest.FixtureRequest
) -> None:
    one: TileAnswers = request.getfixturevalue(pipeline)
    one.fill([])
    for number, tile in one.tiles.items():
        types = one.types(number)
        assert tuple(types) == one.statements.columns(tile.statement)
        assert set(types.values()) <= {"DATE", "DOUBLE", "BIGINT", "VARCHAR"}, tile.statement
        assert types.get("day", "DATE") == "DATE"
        assert {types[column] for column in tile.y} <= {"DOUBLE", "BIGINT"}
        assert tile.chart == "table" or one.ask(number, datetime.now(UTC)) == []


def test_the_status_is_that_of_the_views_and_no_data_is_not_healthy(
    answers: TileAnswers, contacts: TileAnswers
) -> None:
    answers.fill([])
    rows = answers.ask(1, datetime.now(UTC))
    assert [(row["part"], str(row["status"])[0]) for row in rows] == [
        ("Coverage", "⚪"),
        ("CREATE and UPDATE backlog", "⚪"),
        ("Sync A (CREATE)", "🔴"),
        ("Sync B (UPDATE)", "🔴"),
    ]
    assert [row["number"] for row in rows] == [None] * 4
    assert [row["sync_name"] for row in contacts.ask(1, datetime.now(UTC))] == ["Companies", "Contacts", "Deals"]


def test_what_is_read_from_the_tables_themselves_is_what_is_in_them_and_of_a_record_its_ids_alone(
    small: SmallPipeline,
) -> None:
    small.properties(20)
    small.properties(23, first=21, valid=False)
    small.run("UPDATE rds.pg_rds_public.properties SET sfdc_id = 'shared' WHERE id <= 12")
    small.run("UPDATE rds.pg_rds_public.properties SET address = 'A', city = 'C' WHERE id > 4")
    small.run("UPDATE rds.pg_rds_public.properties SET city = ' ', company_id = 99 WHERE id = 20")
    small.run("UPDATE rds.pg_rds_public.properties SET status = 'DISABLED' WHERE id = 4")
    small.salesforce(8)
    small.run(f"UPDATE {SALESFORCE} SET fraud_detection_enabled_c = id <= 's2', is_deleted = id = 's8'")
    answers, now = TileAnswers(SHIPPED, small.warehouse), datetime.now(UTC)
    shares = {row["feature"]: row["share"] for row in answers.ask(6, now)}
    assert shares == {
        **dict.fromkeys(["IDV", "Bank linking", "Payroll", "Income"], 0),
        "Fraud detection": pytest.approx(200 / 7),
    }
    assert [tuple(row.values()) for row in answers.ask(12, now)] == [("1", 8), ("10 or more", 1)]
    missing = {row["rds_property_id"]: (row["sfdc_id"], row["missing"]) for row in answers.ask(14, now)}
    assert missing == {
        **dict.fromkeys(["1", "2", "3"], ("shared", "address, city")),
        "20": ("id20", "company name, city"),
        **dict.fromkeys(["21", "22", "23"], (None, "Salesforce ID")),
    }
    assert not re.search(r"Property \d|Company\b|p\d+'", str([answers.ask(number, now) for number in answers.tiles]))


@pytest.mark.full
def test_the_demo_fills_every_tile_but_those_of_runs_that_nobody_has_logged() -> None:
    now = datetime(2026, 1, 20, 18, tzinfo=UTC)
    warehouse = DuckDBWarehouse(statements=Statements.of(SHIPPED))
    Estate(warehouse, lambda: now).build()
    answers = TileAnswers(SHIPPED, warehouse)
    rows = {number: answers.ask(number, now) for number in answers.tiles}
    assert {number for number, found in rows.items() if not found} == {4, 5}
    trends = [rows[number] for number, tile in answers.tiles.items() if tile.x == "day" and rows[number]]
    assert {len(days) for days in trends} == {29}
    assert not [row for days in trends for row in days if None in row.values()]
    assert rows[2][-1] == {"day": date(2026, 1, 19), "coverage": 96.01}
    assert sum(int(str(row["ids"])) for row in rows[12]) == 8629
    assert len(rows[14]) == 100
    warehouse.close()


def test_of_the_log_neither_notes_nor_people_are_shown(answers: TileAnswers) -> None:
    day = date(2026, 11, 1)  # its first hour after one comes twice
    by = ["jane.roe@example.com", "U0ROBIN", "sync-health", "Sync Health (U0ROBIN)", "Sync Health (automatic)"]
    first = local("2026-11-01 01:30")
    answers.fill(
        LogRow(f"r{n}", "CREATE", first + timedelta(hours=n), processed=3, succeeded=2, notes="+1 555 0100", by=one)
        for n, one in enumerate([*by, "Census (Schedule)"])
    )
    rows = answers.ask(13, moment(day, "12:00", LOS_ANGELES))
    assert [row["at"] for row in reversed(rows)] == [
        f"2026-11-01 {clock}" for clock in ("01:30", "01:30", "02:30", "03:30", "04:30", "05:30")
    ]
    other = "a person or another job"
    assert [row["started_by"] for row in reversed(rows)] == [
        *(other, other, "Sync Health", other, "Sync Health", "Census (Schedule)")
    ]
    assert "555" not in str(rows) and "ROBIN" not in str(rows)


def test_tiles_read_snapshots_in_the_same_words() -> None:
    """Each is runnable as it stands, so none can include another: the text is the same, and this holds it."""
    texts = [path.read_text(encoding="utf-8") for path in (shipped.FOLDER / "sql").rglob("dashboard_tiles/*.sql")]
    assert len(texts) == 16
    snapshots = [re.findall(r"^WITH settings.*?^days AS .*?^\)", text, re.DOTALL | re.MULTILINE) for text in texts]
    assert len({one[0] for one in snapshots if one and "snapshots AS" in one[0]}) == 1
    runs = [re.findall(r"^runs AS .*?^\),", text, re.DOTALL | re.MULTILINE) for text in texts]
    assert len({one[0] for one in runs if one}) == 1


def test_no_tile_has_a_threshold_of_its_own(answers: TileAnswers) -> None:
    checks = {check.name: check for check in SHIPPED.checks}
    for tile in answers.tiles.values():
        tree = sqlglot.parse_one(answers.statements.load(tile.statement), dialect="databricks")
        compared = [one for kind in (exp.GT, exp.GTE, exp.LT, exp.LTE) for one in tree.find_all(kind)]
        numbers = {float(one.this) for each in compared for one in each.find_all(exp.Literal) if one.is_number}
        drawn = (limit for name in tile.checks for limit in (checks[name].warn, checks[name].critical))
        assert not numbers & {limit.number for limit in drawn if limit}, tile.statement
