"""The deployed views and what the bot measures: at midnight, where clocks change, and with nothing there."""

import math
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.runtime.composition import settings_from
from bot.services.deploy import OURS, plan_deploy
from checks.judge import judge
from checks.model import Outcome, Reading
from tests.small_pipeline import LONG_AGO, SALESFORCE, SmallPipeline, local
from tests.sql_folder import SHIPPED, shipped_statements
from tests.warehouses import snapshot

NOON = local("2026-01-20 12:00")
DAILY = (
    *("report_timestamp", "report_date", "total_rds_properties", "active_rds_properties", "rds_with_sfdc_id"),
    *("total_sf_properties", "coverage_percentage", "rds_to_sf_gap", "total_aggregated_sfdc_ids"),
    *("multi_property_count", "max_properties_per_sfdc_id", "create_queue_count", "create_queue_with_features"),
    *("create_queue_multi_property", "update_queue_count", "update_queue_with_features"),
    *("update_queue_multi_property", "null_company_names", "last_sync_time", "records_synced_today"),
    *("create_queue_status", "queue_status", "coverage_status"),
)
MONITOR = (
    *("sync_name", "queue_size", "last_sync_timestamp", "records_today", "status", "queue_assessment"),
    *("hours_since_last_sync", "check_timestamp"),
)
RED, YELLOW, GREEN, WHITE = "🔴", "🟡", "🟢", "⚪"


@pytest.mark.parametrize(("view", "columns"), [("daily_health_check", DAILY), ("sync_health_monitor", MONITOR)])
def test_the_views_have_the_columns_that_people_read(view: str, columns: tuple[str, ...], small: SmallPipeline) -> None:
    assert tuple(str(row[0]) for row in small.run(f"DESCRIBE crm.sfdc_dbx.{view}")) == columns == SHIPPED.columns(view)


def test_the_defaults_in_the_views_are_the_shipped_limits() -> None:
    shipped = plan_deploy(settings_from({})).values
    for name in OURS:
        assert SHIPPED.to_deploy(name, shipped) == SHIPPED.load(name)
        settings = re.search(r"WITH settings AS \(.*?\n\),", SHIPPED.load(name), re.DOTALL)
        for key in re.findall(r"AS (\w+),?$", settings[0], re.MULTILINE) if settings else ():
            assert key in shipped, f"nothing sets {key}"


@pytest.mark.parametrize("view", ["daily_health_check", "sync_health_monitor"])
def test_views_read_what_the_pipeline_offers_and_nothing_of_ours(view: str) -> None:
    assert not re.findall(r"(?:FROM|JOIN) crm\.sfdc_dbx\.(?:sync_|daily_)", SHIPPED.load(view))


@pytest.mark.full
def test_every_statement_runs_on_tables_that_have_no_columns_but_those_it_is_said_to_read(small: SmallPipeline) -> None:
    statements = shipped_statements()
    needed = statements.needed_columns([*statements.at_work(), "doctor/may_write"])
    for table, columns in needed.items():
        small.run(f"CREATE TABLE {table}_kept AS SELECT {', '.join(sorted(columns))} FROM {table}")
    for table in needed:
        kind = "VIEW" if sql_of(small, table) else "TABLE"
        small.run(f"DROP {kind} {table}; ALTER TABLE {table}_kept RENAME TO {table.rpartition('.')[2]}")
    for view in ("daily_health_check", "sync_health_monitor"):
        small.warehouse.create(view, plan_deploy(settings_from({})).values)
        small.run(f"SELECT * FROM crm.sfdc_dbx.{view}")
    snapshot(small.warehouse)
    small.warehouse.ask("measure/health")
    small.warehouse.ask("queues")
    for place in (0, 1):
        small.warehouse.ask(f"queues/{place}")
        small.warehouse.ask(f"measure/queue/{place}", most=5)
    small.warehouse.ask("measure/examples", metric="null_company_names")
    small.warehouse.ask("measure/snapshots", audit_id=None, now=NOON, most=9)
    small.warehouse.ask("measure/snapshot_by_hand", since=NOON, now=NOON)
    small.warehouse.try_write("doctor/may_write")


def sql_of(small: SmallPipeline, table: str) -> list[tuple[object, ...]]:
    return small.run(f"SELECT sql FROM duckdb_views() WHERE view_name = '{table.rpartition('.')[2]}'")


@pytest.mark.parametrize("hours", [0.25, 1, 12, 26, 24 * 365])
def test_hours_since_the_last_sync_are_a_difference_whatever_lies_between(hours: float, small: SmallPipeline) -> None:
    now = local("2026-01-20 00:10")
    small.properties(3)
    small.salesforce(3, modified=now - timedelta(hours=hours))
    row = small.sync("update", now)
    assert row["hours_since_last_sync"] == pytest.approx(hours)
    assert row["last_sync_timestamp"] == now - timedelta(hours=hours)
    assert row["status"] == "✅ Healthy"


@pytest.mark.full
@pytest.mark.parametrize(
    ("synced", "now", "today"),
    [
        ("2026-01-19 23:59", "2026-01-20 00:01", 0),  # local midnight
        ("2026-01-20 00:00", "2026-01-20 23:59", 1),
        ("2026-01-20 15:50", "2026-01-20 16:10", 1),  # UTC midnight
        ("2026-01-19 16:30", "2026-01-20 15:30", 0),  # the same date in UTC
        ("2026-03-08 00:05", "2026-03-08 23:55", 1),  # a day of 23 hours
        ("2026-03-07 23:55", "2026-03-08 03:05", 0),
        ("2026-11-01 00:05", "2026-11-01 23:55", 1),  # a day of 25 hours
        ("2026-10-31 23:55", "2026-11-01 00:05", 0),
    ],
)
def test_today_is_the_local_date(synced: str, now: str, today: int, small: SmallPipeline) -> None:
    small.properties(1)
    small.salesforce(1, created=local(synced), modified=local(synced) + timedelta(seconds=5))
    at = local(now)
    assert small.daily(at)["records_synced_today"] == today
    assert small.sync("create", at)["records_today"] == small.sync("update", at)["records_today"] == today
    assert small.daily(at)["report_date"] == date.fromisoformat(now[:10])
    notes = small.notes("daily_snapshot_x", at)
    assert (notes["Created Today"], notes["Updated Today"]) == (str(today), str(today))
    assert notes["Last Update"] == synced


@pytest.mark.parametrize(
    ("synced", "now"),
    [
        (local("2026-03-08 01:30"), local("2026-03-08 03:30")),
        (local("2026-11-01 01:30"), local("2026-11-01 01:30", fold=1)),
    ],
)
def test_an_hour_is_an_hour_where_the_clocks_change(synced: datetime, now: datetime, small: SmallPipeline) -> None:
    small.properties(1)
    small.salesforce(1, modified=synced)
    assert small.sync("update", now)["hours_since_last_sync"] == 1


@pytest.mark.full
def test_the_zone_of_the_settings_decides_what_today_is(small: SmallPipeline) -> None:
    small.properties(1)
    small.salesforce(1, modified=datetime(2026, 1, 20, 15, 30, tzinfo=UTC))
    now = datetime(2026, 1, 20, 16, tzinfo=UTC)
    assert small.daily(now)["records_synced_today"] == 1
    tokyo = small.daily(now, zone="Asia/Tokyo")
    assert (tokyo["records_synced_today"], tokyo["report_date"]) == (1, date(2026, 1, 21))
    assert small.sync("update", now, zone="Asia/Tokyo")["records_today"] == 1


def test_the_views_look_at_the_real_clock(small: SmallPipeline) -> None:
    now = datetime.now(UTC)
    small.properties(1)
    small.salesforce(1, created=now - timedelta(hours=3), modified=now - timedelta(hours=2))
    rows = small.run("SELECT hours_since_last_sync FROM crm.sfdc_dbx.sync_health_monitor ORDER BY sync_name")
    assert rows == [(pytest.approx(3, abs=0.01),), (pytest.approx(2, abs=0.01),)]
    [(at, status)] = small.run("SELECT report_timestamp, coverage_status FROM crm.sfdc_dbx.daily_health_check")
    assert isinstance(at, datetime)
    assert abs(at - now) < timedelta(minutes=1)
    assert status == "🟢 GOOD"


@pytest.mark.full
@pytest.mark.parametrize("missing", ["both", "properties", "salesforce"])
def test_an_empty_source_is_no_data_and_never_healthy(missing: str, small: SmallPipeline) -> None:
    if missing == "salesforce":
        small.properties(3)
    if missing == "properties":
        small.salesforce(3)
    daily = small.daily(NOON)
    for status in ("coverage_status", "queue_status", "create_queue_status"):
        assert daily[status] == "⚪ NO DATA"
    for number in ("coverage_percentage", "rds_to_sf_gap", "create_queue_count", "update_queue_count"):
        assert daily[number] is None
    for direction in ("create", "update"):
        row = small.sync(direction, NOON)
        assert (row["status"], row["queue_assessment"], row["queue_size"]) == ("🔴 No data", "No data", None)
    assert small.snapshot("manual_snapshot_x", NOON)["notes"] is None
    health = small.health()
    for number in ("coverage_percentage", "matched_coverage_percentage", "create_queue", "update_queue"):
        assert health[number] is None


@pytest.mark.full
def test_nothing_by_nothing_is_no_number(small: SmallPipeline) -> None:
    small.properties(3, valid=False)
    small.salesforce(3)
    assert (small.daily(NOON)["coverage_percentage"], small.daily(NOON)["coverage_status"]) == (None, "⚪ NO DATA")
    assert small.daily(NOON)["rds_to_sf_gap"] == -3
    assert small.health()["coverage_percentage"] is small.health()["matched_coverage_percentage"] is None
    assert small.snapshot("manual_snapshot_x", NOON)["notes"] is None
    small.run(f"DELETE FROM {SALESFORCE}")
    assert small.snapshot("manual_snapshot_y", NOON)["null_company_names"] is None
    [(rate,)] = small.run("SELECT error_rate FROM crm.sfdc_dbx.sync_audit_log WHERE audit_id = 'manual_snapshot_y'")
    assert rate is None


@pytest.mark.full
def test_more_rows_in_salesforce_than_in_rds_hide_nothing(small: SmallPipeline) -> None:
    small.properties(100)
    small.salesforce(106, first=11)  # ten are missing, six belong to nobody
    small.salesforce(216, first=207)
    daily, health = small.daily(NOON), small.health()
    assert (daily["coverage_percentage"], daily["rds_to_sf_gap"]) == (106, -6)
    assert (health["coverage_percentage"], health["matched_coverage_percentage"]) == (None, 90)
    assert daily["coverage_status"] == small.notes("manual_snapshot_x", NOON)["Status"] == "🟡 WARNING"
    assert daily["create_queue_count"] == health["create_queue"] == 10


def test_more_rows_than_ids_are_never_good_even_where_every_id_is_there(small: SmallPipeline) -> None:
    small.properties(100)
    small.salesforce(101)
    assert small.health()["coverage_percentage"] is None
    assert small.daily(NOON)["coverage_status"] == small.notes("manual_snapshot_x", NOON)["Status"] == "🟡 WARNING"


@pytest.mark.full
def test_rows_that_match_no_id_cover_nothing(small: SmallPipeline) -> None:
    small.properties(100)
    small.salesforce(299, first=200)
    health = small.health()
    assert (health["coverage_percentage"], health["matched_coverage_percentage"]) == (None, 0)
    assert small.daily(NOON)["coverage_percentage"] == 100
    assert small.daily(NOON)["coverage_status"] == small.notes("manual_snapshot_x", NOON)["Status"] == "🔴 CRITICAL"


@pytest.mark.full
def test_a_clock_that_is_a_few_minutes_ahead_is_no_fault(small: SmallPipeline) -> None:
    small.properties(3, updated=NOON + timedelta(minutes=14))
    small.salesforce(2, modified=NOON + timedelta(minutes=14))
    for direction in ("create", "update"):
        assert small.sync(direction, NOON)["status"] == "✅ Healthy"
    assert small.daily(NOON)["last_sync_time"] == NOON + timedelta(minutes=14)


@pytest.mark.full
@pytest.mark.parametrize("what", ["created", "modified", "to create", "to update"])
def test_a_date_in_the_future_is_found_by_the_measure_and_by_the_views(what: str, small: SmallPipeline) -> None:
    ahead = NOON + timedelta(hours=9)
    small.properties(100)
    small.salesforce(98, modified=NOON - timedelta(minutes=5))
    if what == "created":
        small.salesforce(99, first=99, created=ahead, modified=NOON)
    if what == "modified":
        small.salesforce(99, first=99, modified=ahead)
    if what == "to create":
        small.properties(101, first=101, updated=ahead)
    if what == "to update":
        small.run(
            f"UPDATE rds.pg_rds_public.properties SET name = 'x', updated_at = '{ahead.isoformat()}' WHERE id = 1"
        )
    assert small.health()["newest_row_at"] == ahead
    rows = {direction: small.sync(direction, NOON) for direction in ("create", "update")}
    found = [name for name, row in rows.items() if row["status"] == "🔴 Dates in the future"]
    assert found == {"to create": ["create"], "to update": ["update"]}.get(what, ["create", "update"])
    for row in rows.values():
        if row["status"] == "🔴 Dates in the future":
            unknown = ("last_sync_timestamp", "hours_since_last_sync", "records_today")
            assert {row[name] for name in unknown} == {None}
    daily = small.daily(NOON)
    nobody_knows = what in ("created", "modified")
    assert (daily["last_sync_time"] is None) == (daily["records_synced_today"] is None) == nobody_knows
    assert ahead.strftime("%H:%M") not in small.notes("manual_snapshot_x", NOON)["Last Update"]
    assert small.notes("manual_snapshot_y", NOON)["Last Create"].startswith("2019")


NAMELESS = [
    *("", " ", "NULL", "null ", "N/A", "n/a", "undefined", "None", "-", " - "),
    *("\u200b", "\u00a0", "\ufeff\t", "\u3164", "\u200bNULL\u00a0"),
]
NAMED = ["Null & Sons", "None Such", "N", "A-", "undefined behavior", "--x", "\u200bAcme", "Ñ"]


@pytest.mark.full
def test_what_says_that_there_is_no_name_is_no_name_wherever_names_are_counted(small: SmallPipeline) -> None:
    small.properties(100)
    small.salesforce(98)
    for n, text in enumerate([*NAMELESS, *NAMED], start=1):
        small.run(f"UPDATE {SALESFORCE} SET company_name_c = '{text}' WHERE id = 's{n}'")
    small.run(f"UPDATE {SALESFORCE} SET company_name_c = NULL WHERE id = 's98'")
    count = len(NAMELESS) + 1
    health = small.health()
    assert health["null_company_names"] == small.daily(NOON)["null_company_names"] == count
    assert health["company_name_equals_property_name_percentage"] == 0
    assert health["data_quality_percentage"] == pytest.approx(100 * (98 - count) / 98)
    assert small.snapshot("manual_snapshot_x", NOON)["null_company_names"] == count
    shown = small.warehouse.ask("measure/examples", metric="null_company_names")
    assert {str(row["id"]) for row in shown} <= {f"s{n}" for n in (*range(1, count), 98)}


@pytest.mark.parametrize(("name", "wrong"), [*((name, 1) for name in NAMELESS), *((name, 0) for name in NAMED)])
def test_a_row_without_a_name_is_suspect_before_it_is_written(name: str, wrong: int, small: SmallPipeline) -> None:
    small.properties(2)
    small.salesforce(1)
    small.run(f"UPDATE rds.pg_rds_public.companies SET name = '{name}'")
    queued = {place: small.warehouse.ask(f"measure/queue/{n}", most=5) for n, place in enumerate(("create", "update"))}
    totals = {place: row["suspects"] for place, rows in queued.items() for row in rows if row["kind"] == "total"}
    health = small.health()
    assert totals == {direction: health[f"{direction}_queue_suspicious"] for direction in ("create", "update")}
    assert set(totals.values()) == {wrong}


@pytest.mark.full
@pytest.mark.parametrize("there", [200, 191, 190, 189, 181, 180, 179, 1])
def test_the_coverage_is_judged_as_the_check_judges_it(there: int, small: SmallPipeline) -> None:
    small.properties(200)
    small.salesforce(there)
    [check] = [check for check in settings_from({}).checks if check.name == "coverage"]
    outcome = judge(check, Reading(100 * there / 200)).outcome
    sign = {Outcome.OK: GREEN, Outcome.WARN: YELLOW, Outcome.CRITICAL: RED}[outcome]
    assert str(small.daily(NOON)["coverage_status"]).startswith(sign)
    assert small.notes("manual_snapshot_x", NOON)["Status"] == small.daily(NOON)["coverage_status"]


@pytest.mark.full
@pytest.mark.parametrize(("waiting", "sign"), [(0, GREEN), (50, GREEN), (51, YELLOW), (100, YELLOW), (101, RED)])
def test_the_create_queue_is_judged_by_its_limits(waiting: int, sign: str, small: SmallPipeline) -> None:
    small.properties(2000 + waiting, updated=NOON)
    small.salesforce(2000)
    daily, row = small.daily(NOON), small.sync("create", NOON)
    assert str(daily["create_queue_status"]).startswith(sign)
    assert daily["queue_status"] == daily["create_queue_status"]
    assert daily["create_queue_count"] == row["queue_size"] == waiting
    assert str(row["status"]).startswith({GREEN: "✅"}.get(sign, sign))
    assert small.sync("update", NOON)["status"] == "✅ Healthy"


@pytest.mark.full
@pytest.mark.parametrize(("waiting", "sign"), [(500, GREEN), (501, YELLOW), (1000, YELLOW), (1001, RED)])
def test_the_worse_queue_is_the_status_of_both(waiting: int, sign: str, small: SmallPipeline) -> None:
    small.properties(2000, updated=NOON)
    small.salesforce(waiting, name="Old name ")
    small.salesforce(2000, first=waiting + 1)
    daily = small.daily(NOON)
    assert daily["update_queue_count"] == waiting
    assert str(daily["queue_status"]).startswith(sign)
    assert daily["create_queue_status"] == "🟢 GOOD"
    assert str(small.sync("update", NOON)["status"]).startswith({GREEN: "✅"}.get(sign, sign))


@pytest.mark.parametrize(
    ("hours_waiting", "hours_since", "status"),
    [
        (1, 1, "✅ Healthy"),
        (1, 500, "✅ Healthy"),  # idle until a moment ago
        (500, 1, "✅ Healthy"),  # it runs: this row is rejected, which others tell
        (1.75, 1.75, "🟡 Late"),
        (3, 1.75, "🟡 Late"),
        (3, 3, "🔴 Not syncing"),
    ],
)
def test_a_sync_is_late_when_rows_wait_and_nothing_is_written(
    hours_waiting: float, hours_since: float, status: str, small: SmallPipeline
) -> None:
    small.properties(100)
    small.properties(101, first=101, updated=NOON - timedelta(hours=hours_waiting))
    small.salesforce(100, created=NOON - timedelta(hours=hours_since))
    assert small.sync("create", NOON)["status"] == status


@pytest.mark.full
def test_an_idle_sync_with_an_empty_queue_is_healthy_for_ever(small: SmallPipeline) -> None:
    small.properties(3)
    small.salesforce(3)
    for direction in ("create", "update"):
        assert small.sync(direction, NOON)["status"] == "✅ Healthy"
    assert small.sync("create", NOON)["last_sync_timestamp"] == LONG_AGO
    assert small.sync("update", NOON)["last_sync_timestamp"] is None, "a created row is not an updated one"


@pytest.mark.full
def test_shared_ids_are_counted_once_in_the_queues(small: SmallPipeline) -> None:
    small.properties(10)
    small.run("UPDATE rds.pg_rds_public.properties SET sfdc_id = 'id1' WHERE id <= 3")
    small.salesforce(10, first=4)
    daily = small.daily(NOON)
    assert (daily["total_aggregated_sfdc_ids"], daily["multi_property_count"]) == (8, 1)
    assert (daily["max_properties_per_sfdc_id"], daily["create_queue_count"]) == (3, 1)
    assert daily["create_queue_multi_property"] == 1


@pytest.mark.full
def test_names_that_are_missing_or_the_propertys_own_are_measured_in_percent(small: SmallPipeline) -> None:
    small.properties(100)
    small.salesforce(92)
    small.salesforce(95, first=93, company=None)
    small.salesforce(97, first=96, company="  ")
    small.salesforce(100, first=98)
    small.run(f"UPDATE {SALESFORCE} SET company_name_c = name || ' ' WHERE id IN ('s98', 's99')")
    health = small.health()
    assert health["null_company_names"] == small.daily(NOON)["null_company_names"] == 5
    assert health["data_quality_percentage"] == 95
    assert health["company_name_equals_property_name_percentage"] == 2


@pytest.mark.parametrize("rds", [0, 1, 7])
@pytest.mark.parametrize("salesforce", [0, 1, 7])
def test_no_number_is_infinite_and_every_percentage_a_double(rds: int, salesforce: int, small: SmallPipeline) -> None:
    small.properties(rds)
    small.salesforce(salesforce)
    for name, value in small.health().items():
        if name == "newest_row_at":
            continue
        assert value is None or isinstance(value, float if name.endswith("percentage") else int), name
        assert value is None or math.isfinite(value)
