"""The view with a row per sync for any pipeline: its backlog from the queue, its runs from the audit log."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config.settings import Settings
from bot.runtime.composition import settings_from
from bot.services.deploy import plan_deploy
from bot.sql.catalog import translate
from bot.sql.statements import Statements
from bot.sql.trees import Values
from checks.forms import Limit

CONTACTS = Path(__file__).parents[1] / "contacts"
NOW = datetime(2026, 1, 20, 12, tzinfo=UTC)
MONITOR = "sync_health_monitor"
TABLES = (
    "CREATE TABLE `lake-prod`.crm.contacts (contact_id BIGINT, name STRING, email STRING, updated_at TIMESTAMP)",
    "CREATE TABLE `lake-prod`.crm.contacts_to_sync (contact_id BIGINT, email STRING, updated_at TIMESTAMP)",
    "CREATE TABLE `lake-prod`.crm.deals_to_sync (id BIGINT)",
    "INSERT INTO `lake-prod`.crm.contacts VALUES (1, 'A', 'a@b.example', NULL)",
)


class Lake:
    """What the other team has, with the deployed view."""

    def __init__(self) -> None:
        self.settings: Settings = settings_from({"SYNC_HEALTH_CONFIG": str(CONTACTS)})
        self.statements = Statements.of(self.settings)
        self.warehouse = DuckDBWarehouse(statements=self.statements)
        for text in TABLES:
            self.run(translate(text))
        plan = plan_deploy(self.settings)
        for statement in plan.statements:
            self.warehouse.create(statement, plan.values)

    def run(self, text: str) -> list[tuple[object, ...]]:
        with self.warehouse.cursor() as cursor:
            return list(cursor.execute(text).fetchall())

    def pending(self, count: int, hours: float = 0) -> None:
        at = f"TIMESTAMPTZ '{(NOW - timedelta(hours=hours)).isoformat()}'"
        self.run(
            f"""INSERT INTO "lake-prod".crm.contacts_to_sync SELECT i, 'a@b.example', {at} FROM range({count}) r(i)"""
        )

    def ran(self, *hours_ago: float, sync: int = 101, records: int = 5) -> None:
        """As many statements would log it: one takes all, or the weeks of a busy sync take minutes."""
        rows = ", ".join(
            f"('run_{sync}_{hours}', TIMESTAMPTZ '{(NOW - timedelta(hours=hours)).isoformat()}', {records}, {sync})"
            for hours in hours_ago
        )
        columns = "audit_id, execution_timestamp, records_succeeded, census_sync_id"
        if rows:
            self.run(f'INSERT INTO "lake-prod".ops.sync_audit_log ({columns}) SELECT * FROM (VALUES {rows})')

    def rows(self, at: datetime = NOW, values: Values | None = None) -> dict[str, dict[str, object]]:
        """The view as if it were then: only its clock is replaced."""
        text = self.statements.to_deploy(MONITOR, values or plan_deploy(self.settings).values)
        created = sqlglot.parse_one(text, "databricks")
        for clock in list(created.find_all(exp.CurrentTimestamp)):
            clock.replace(exp.cast(exp.Literal.string(at.isoformat()), "timestamptz"))
        with self.warehouse.cursor() as cursor:
            cursor.execute(created.expression.sql("duckdb"))
            names = [column[0] for column in cursor.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {str(row["sync_name"]): row for row in found}


@pytest.fixture
def lake() -> Iterator[Lake]:
    one = Lake()
    yield one
    one.warehouse.close()


def test_every_sync_has_a_row_also_one_without_a_queue(lake: Lake) -> None:
    rows = lake.rows()
    assert set(rows) == {"Contacts", "Deals", "Companies"}
    assert (rows["Companies"]["queue_size"], rows["Companies"]["status"]) == (None, "⚪ No queue")
    assert rows["Deals"]["queue_size"] == 0


def test_it_has_the_columns_of_the_shipped_view(lake: Lake) -> None:
    shipped = Statements().columns(MONITOR)
    found = lake.run('DESCRIBE "lake-prod".ops.sync_health_monitor')
    assert tuple(str(row[0]) for row in found) == shipped


@pytest.mark.parametrize(
    ("count", "status", "assessment"),
    [
        (0, "✅ Healthy", "Empty"),
        (5, "✅ Healthy", "Normal"),
        (6, "🟡 Queue grows", "High"),
        (11, "🔴 Queue does not drain", "Critical"),
    ],
)
def test_a_backlog_is_judged_by_the_thresholds_of_its_sync(
    lake: Lake, count: int, status: str, assessment: str
) -> None:
    lake.pending(count)
    lake.ran(1)
    row = lake.rows()["Contacts"]
    assert (row["queue_size"], row["status"], row["queue_assessment"]) == (count, status, assessment)


def test_when_it_last_ran_and_what_it_wrote_today_come_from_the_audit_log(lake: Lake) -> None:
    lake.ran(1, 20, records=7)  # 16:30 today in Kolkata, and 21:30 yesterday
    lake.ran(2, sync=102)
    row = lake.rows()["Contacts"]
    assert (row["last_sync_timestamp"], row["hours_since_last_sync"]) == (NOW - timedelta(hours=1), 1)
    assert row["records_today"] == 7
    assert lake.rows()["Companies"]["last_sync_timestamp"] is None


@pytest.mark.parametrize(
    ("hours_pending", "ran", "status"),
    [
        (1, (1.0,), "✅ Healthy"),
        (3, (1.0,), "✅ Healthy"),
        (1, (50.0,), "✅ Healthy"),
        (1.75, (1.75,), "🟡 Late"),
        (3, (3.0,), "🔴 Not syncing"),
        (3, (), "🔴 Not syncing"),
        (20, (20.0, 44.0, 68.0), "✅ Healthy"),  # a daily one
        (25.75, (25.75, 49.75), "🟡 Late"),
        (27, (27.0, 51.0), "🔴 Not syncing"),
        (1, (), "⚪ No run yet"),
        (20, tuple(20.0 + 24 * day for day in range(40)), "✅ Healthy"),
        (27, tuple(27.0 + 24 * day for day in range(40)), "🔴 Not syncing"),
        (167, (167.0, 335.0), "✅ Healthy"),  # a weekly one
        (168, tuple(168.0 * week for week in range(1, 9)), "✅ Healthy"),
        (171, tuple(171.0 + 168 * week for week in range(8)), "🔴 Not syncing"),
    ],
)
def test_a_sync_is_late_by_its_own_rhythm_when_records_are_pending(
    lake: Lake, hours_pending: float, ran: tuple[float, ...], status: str
) -> None:
    lake.pending(1, hours_pending)
    lake.ran(*ran)
    assert lake.rows()["Contacts"]["status"] == status


WEEKDAYS = [datetime(2026, 1, 16, 9, tzinfo=UTC) - timedelta(days=n) for n in range(60)]  # the last is a Friday


@pytest.mark.parametrize("weeks", [2, 8])
@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-01-18T23:00+00:00", "✅ Healthy"),  # Sunday
        ("2026-01-19T08:59+00:00", "✅ Healthy"),  # just before the run of Monday
        ("2026-01-19T09:05+00:00", "✅ Healthy"),  # which is a little late
        ("2026-01-19T10:45+00:00", "🟡 Late"),
        ("2026-01-19T12:00+00:00", "🔴 Not syncing"),
    ],
)
def test_a_sync_of_weekdays_is_not_late_at_a_weekend(lake: Lake, weeks: int, at: str, status: str) -> None:
    now = datetime.fromisoformat(at)
    lake.pending(1, (NOW - WEEKDAYS[0]) / timedelta(hours=1))
    lake.ran(*((NOW - day) / timedelta(hours=1) for day in WEEKDAYS[: 7 * weeks + 1] if day.weekday() < 5))
    assert lake.rows(now)["Contacts"]["status"] == status


@pytest.mark.parametrize(("silent", "status"), [(1, "✅ Healthy"), (3, "🔴 Not syncing")])
@pytest.mark.parametrize("days", [4, 30])
def test_one_outage_is_no_rhythm(lake: Lake, days: int, silent: int, status: str) -> None:
    lake.pending(1, silent)
    runs = [silent + n / 4 for n in range(days * 24 * 4)]
    lake.ran(*(hours for hours in runs if not 40 < hours < 70))
    assert lake.rows()["Contacts"]["status"] == status


@pytest.mark.parametrize(
    ("ran", "status"),
    [
        ((1.0, 2.0), "✅ Healthy"),
        ((7.75,), "🟡 Late"),
        ((9.25, 10.25), "🔴 Not syncing"),
        ((), "🔴 No run yet"),
    ],
)
def test_where_nobody_knows_since_when_records_are_pending_the_last_run_counts(
    lake: Lake, ran: tuple[float, ...], status: str
) -> None:
    lake.run("""INSERT INTO "lake-prod".crm.deals_to_sync SELECT i FROM range(300) r(i)""")
    lake.ran(*ran, sync=102)
    assert lake.rows()["Deals"]["status"] == status
    lake.run("""DELETE FROM "lake-prod".crm.deals_to_sync""")
    assert lake.rows()["Deals"]["status"] == "✅ Healthy", "nothing is pending"


@pytest.mark.parametrize(("hours", "status"), [(7.25, "✅ Healthy"), (7.75, "🟡 Late"), (8.25, "🔴 Not syncing")])
@pytest.mark.parametrize("before", [(), (9.0, 10.0, 11.0), (60.0,)])
def test_a_sync_that_says_how_often_it_runs_is_late_by_that_whatever_its_log_says(
    lake: Lake, hours: float, status: str, before: tuple[float, ...]
) -> None:
    lake.run('INSERT INTO "lake-prod".crm.deals_to_sync VALUES (1)')
    lake.ran(hours, *before, sync=102)
    assert lake.rows()["Deals"]["status"] == status, "Deals says expect_every: 6h"


def test_many_syncs_are_one_scan_of_the_log() -> None:
    settings = settings_from({"SYNC_HEALTH_CONFIG": str(CONTACTS)})
    many = tuple(
        settings.syncs[n % 3].model_copy(update={"name": f"Sync {n}", "id": n, "role": None}) for n in range(1, 201)
    )
    text = Statements.of(replace(settings, syncs=many)).to_deploy(MONITOR, plan_deploy(settings).values)
    assert text.count("sync_audit_log") == 1
    assert len(text) < 200_000
    assert text.count(" AS sync_name,") == 200


def test_syncs_whose_limits_compare_differently_are_each_judged_by_their_own(lake: Lake) -> None:
    values = dict(plan_deploy(lake.settings).values)
    values |= {"Contacts/backlog_critical": Limit(">=", 11), "Deals/backlog_critical": Limit(">", 11)}
    lake.pending(11)
    lake.run("""INSERT INTO "lake-prod".crm.deals_to_sync SELECT i FROM range(11) r(i)""")
    lake.ran(1)
    lake.ran(1, sync=102)
    rows = lake.rows(values=values)
    assert rows["Contacts"]["status"] == "🔴 Queue does not drain"
    assert rows["Deals"]["status"] == "✅ Healthy"
    assert set(rows) == {"Contacts", "Deals", "Companies"}


def test_an_empty_table_that_a_queue_needs_is_no_data(lake: Lake) -> None:
    lake.run('DELETE FROM "lake-prod".crm.contacts')
    row = lake.rows()["Contacts"]
    assert (row["queue_size"], row["status"], row["queue_assessment"]) == (None, "🔴 No data", "No data")
    assert lake.rows()["Deals"]["status"] == "✅ Healthy", "it needs nothing"


@pytest.mark.parametrize("what", ["pending", "ran"])
def test_a_date_in_the_future_is_no_health(lake: Lake, what: str) -> None:
    lake.pending(1, -9) if what == "pending" else lake.ran(-9)
    row = lake.rows()["Contacts"]
    assert row["status"] == "🔴 Dates in the future"
    assert {row[name] for name in ("last_sync_timestamp", "records_today", "hours_since_last_sync")} == {None}


def test_a_queue_that_says_the_day_alone_is_late_by_it(lake: Lake) -> None:
    lake.pending(1, 36)
    lake.run('ALTER TABLE "lake-prod".crm.contacts_to_sync ALTER updated_at TYPE DATE')
    lake.ran(36, 37)
    assert lake.rows()["Contacts"]["status"] == "🔴 Not syncing"


def test_a_third_sync_of_the_shipped_pipeline_has_a_row_next_to_those_of_its_own_statement() -> None:
    settings = settings_from({})
    third = settings.syncs[0].model_copy(
        update={"name": "Third", "id": 7, "role": None, "queue": "crm.sfdc_dbx.third", "needs": (), "limits": {}}
    )
    text = Statements.of(replace(settings, syncs=(*settings.syncs, third))).to_deploy(
        MONITOR, plan_deploy(settings).values
    )
    [view] = [tree for tree in sqlglot.parse(text, "databricks") if tree]
    assert isinstance(view.expression, exp.Union)
    assert text.count("'Third' AS sync_name") == 1
    assert text.count("'Sync A (CREATE)' AS create_sync_name") == 1
    assert Statements.of(settings).to_deploy(MONITOR, plan_deploy(settings).values) == Statements().load(MONITOR)
