"""The dashboards that read the audit log today: their tiles and trends go on working, whatever a day was like."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from bot.sql.catalog import translate
from tests.small_pipeline import SALESFORCE, SmallPipeline, local

FIRST = local("2026-10-20 23:59")  # clocks go back within these days
DAYS = 30
EMPTY, NO_IDS, NEGATIVE = (
    4,
    11,
    17,
)  # days on which Salesforce came empty, no property had an id, 903 rows were too many
BLIND = {EMPTY, NO_IDS}
BY_HAND = (2, EMPTY, 9, NEGATIVE)


def field(pattern: str, type_: str = "DOUBLE") -> str:
    return f"CAST(REGEXP_EXTRACT(notes, '{pattern}', 1) AS {type_})"


LOG = "FROM crm.sfdc_dbx.sync_audit_log WHERE sync_type = 'MONITORING'"
DAY = "CAST(CONVERT_TIMEZONE('America/Los_Angeles', execution_timestamp) AS DATE)"
COVERAGE, GAP = field("Coverage: ([0-9.]+)%"), field("Gap: (\\\\d+)", "INT")
FEATURES = ("IDV Enabled", "Bank Linking", "Payroll", "Income", "Fraud Detection")
TREND = "SELECT {day} AS day, {number} AS number " + LOG + " ORDER BY 1"
# Title → what such a team writes: a number a day for a chart, unless the title says otherwise.
TILES = {
    "coverage": COVERAGE,
    "coverage, a stricter pattern": field("^Coverage: (\\\\d+\\\\.\\\\d{2})%"),
    "properties in RDS": field("RDS Total: ([0-9]+)", "INT"),
    "rows in Salesforce": field("SF Total: (\\\\d+)", "BIGINT"),
    "gap": GAP,
    "gap, with a sign": field("Gap: (-?[0-9]+)", "INT"),
    "CREATE queue": field("CREATE Queue: ([0-9]+)", "INT"),
    "UPDATE queue": field("UPDATE Queue: ([0-9]+)", "INT"),
    "created today": field("Created Today: (\\\\d+)", "INT"),
    "updated today": field("Updated Today: (\\\\d+)", "INT"),
    "adoption of features, %": " + ".join(
        f"100 * {field(f'{name}: ([0-9]+)')} / {field('SF Total: ([0-9]+)')}" for name in FEATURES
    ),
    "last create": field("Last Create: ([0-9: -]+[0-9])", "TIMESTAMP"),
    "last update": field("Last Update: ([^|]+)$", "TIMESTAMP"),
    "coverage against a week ago": f"{COVERAGE} - LAG({COVERAGE}, 7) OVER (ORDER BY execution_timestamp)",
}


@pytest.fixture(scope="module")
def small() -> Iterator[SmallPipeline]:
    """Thirty evenings, and a few snapshots by hand beside them."""
    one = SmallPipeline()
    one.properties(200)
    one.salesforce(190)
    for day in range(DAYS):
        evening = FIRST + timedelta(days=day, hours=1 if day > 12 else 0)
        _live(one, day, evening)
        if day in BY_HAND:
            one.snapshot(f"manual_snapshot_{day}", evening - timedelta(hours=3))
        one.snapshot(f"daily_snapshot_{day:03}", evening)
    yield one
    one.warehouse.close()


def _live(small: SmallPipeline, day: int, evening: datetime) -> None:
    """What that day was like."""
    if day in (EMPTY, EMPTY + 1):
        small.run(f"UPDATE {SALESFORCE} SET is_deleted = {day == EMPTY}")
    elif day in (NO_IDS, NO_IDS + 1):
        sfdc_id = "'XXXXXXXXXXXXXXX'" if day == NO_IDS else "'id' || id"
        small.run(f"UPDATE rds.pg_rds_public.properties SET sfdc_id = {sfdc_id}")
    elif day == NEGATIVE:
        small.salesforce(5000, first=4088)
    elif day == NEGATIVE + 1:
        small.run(f"DELETE FROM {SALESFORCE} WHERE length(id) > 4")
    else:
        small.salesforce(190, first=190, created=evening - timedelta(hours=1), modified=evening)
        small.run(f"DELETE FROM {SALESFORCE} WHERE id = 's190' AND created_date < '{evening - timedelta(hours=2)}'")


def ask(small: SmallPipeline, text: str) -> list[tuple[object, ...]]:
    return small.run(translate(text))


@pytest.mark.parametrize("title", TILES)
def test_every_tile_has_a_number_for_each_day_and_a_gap_where_there_was_none(title: str, small: SmallPipeline) -> None:
    rows = ask(small, TREND.format(day=DAY, number=TILES[title]))
    assert [day for day, _ in rows] == [date(2026, 10, 20) + timedelta(days=n) for n in range(DAYS)]
    gaps = {n for n, (_, number) in enumerate(rows) if number is None}
    week_ago = {*range(7), *(n + 7 for n in BLIND)} if "week" in title else set()
    assert gaps == BLIND | week_ago


def test_the_numbers_are_those_of_the_day(small: SmallPipeline) -> None:
    coverage, gap, signed = (
        [number for _, number in ask(small, TREND.format(day=DAY, number=TILES[title]))]
        for title in ("coverage", "gap", "gap, with a sign")
    )
    assert (coverage[0], gap[0], gap[NEGATIVE - 1], gap[NEGATIVE], signed[NEGATIVE]) == (95, 10, 10, 0, 0)
    [(notes,)] = ask(small, f"SELECT notes {LOG} AND audit_id = 'daily_snapshot_{NEGATIVE:03}'")
    assert "Gap: 0 (-903) |" in str(notes)
    assert str(notes).startswith("Coverage: 551.50% | Status: 🟡 WARNING |")


def test_averages_and_the_latest_value_pass_over_the_gaps(small: SmallPipeline) -> None:
    [(average, days)] = ask(small, f"SELECT AVG({COVERAGE}) AS a, COUNT({COVERAGE}) AS n {LOG} AND {GAP} > 0")
    assert (average, days) == (95, DAYS - len(BLIND) - 1)
    [(status,)] = ask(
        small, f"SELECT {field('Status: ([^|]+) ', 'STRING')} AS s {LOG} ORDER BY execution_timestamp DESC LIMIT 1"
    )
    assert status == "🟢 GOOD"


def test_the_error_rate_needs_no_notes(small: SmallPipeline) -> None:
    rows = ask(small, f"SELECT records_processed, records_succeeded, records_failed, error_rate {LOG} ORDER BY 1")
    assert rows[0] == (0, 0, 0, None)
    assert {row[3] for row in rows[1:]} == {0}


def test_a_snapshot_by_hand_is_not_counted_twice(small: SmallPipeline) -> None:
    [(days, rows)] = ask(small, f"SELECT COUNT(DISTINCT {DAY}) AS d, COUNT(*) AS n {LOG}")
    assert days == rows == DAYS
    [(by_hand,)] = ask(small, "SELECT COUNT(*) AS n FROM crm.sfdc_dbx.sync_audit_log WHERE sync_type = 'MANUAL'")
    assert by_hand == len(BY_HAND)


def test_the_bot_reads_its_own_log_with_the_same_gaps(small: SmallPipeline) -> None:
    now = FIRST + timedelta(days=DAYS)
    rows = small.warehouse.ask("measure/snapshots", audit_id="", now=now, most=100)
    assert len(rows) == DAYS + len(BY_HAND)
    blind = [row for row in rows if row["coverage_percentage"] is None]
    assert len(blind) == len(BLIND) + 1
    assert {row[name] for row in blind for name in ("gap", "create_queue", "update_queue")} == {None}
