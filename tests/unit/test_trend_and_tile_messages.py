"""Trends and tiles as Slack shows them: goldens, each with the text that stands for it, and answers from anywhere."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts.history import Pick, axis_of, pick_for, points_of, spread_out, weeks_of
from bot.charts import Chart, Metric, MetricList, MetricTrend, MetricValue, Threshold, Tile, TileAnswer
from bot.messages.blocks import Message
from bot.messages.tiles import tile_message, tiles_message
from bot.messages.trend import metrics_message, trend_message
from checks.forms import parse_limit
from checks.model import Outcome, Severity
from tests.fakes import shipped_settings
from tests.unit import payloads as common
from tests.unit.payloads import Payload, golden, unescaped
from tests.unit.samples import NOW, ZONE

GOLDEN = common.GOLDEN / "charts"
faults = common.faults  # the fixture
CHECKS = {check.name: check for check in shipped_settings().checks}
COVERAGE = Metric("coverage", "Coverage of Salesforce", CHECKS["coverage"], None, "coverage_percentage")
BACKLOG = Metric("backlog", "Backlog", shipped_settings().check_called("backlog", "Sync B"), "Sync B", "Sync B/backlog")
GAP = Metric("gap", "Gap", None, None, "gap")
RECENCY = Metric("sync_recency", "Overdue run", CHECKS["sync_recency"], "Sync B")
HOSTILE = "<!channel> & <b> *x* `y` <https://evil.example|z>"


def trend(metric: Metric, values: Sequence[float | None], *, days: int = 30, every: float = 24, **more: Any) -> Message:
    """These values, so many hours apart, the last one an hour ago."""
    axis, pick = axis_of(NOW, days, ZONE), pick_for(metric.check)
    back = len(values) - 1
    known = [(NOW - timedelta(hours=1 + every * (back - n)), v) for n, v in enumerate(values) if v is not None]
    spreads = spread_out(known, axis.edges)
    more = {"latest": known[-1] if known else None} | more
    return trend_message(
        MetricTrend(metric, axis, pick, points_of(spreads, axis, pick), weeks_of(spreads, axis), **more), ZONE
    )


def listed(*values: MetricValue, **more: Any) -> Message:
    return metrics_message(MetricList(values, (), **more), ZONE)


TILE = Tile(
    2, "coverage", "dashboard_tiles/02_coverage", "How is it?", "Coverage", "line", "%", "day", ("y",), None, ()
)
DAYS = [date(2025, 12, 11) + timedelta(days=n) for n in range(30)]
LINES = tuple(
    Threshold(f"{severity}_{n}", f"{name} {limit}", severity, parse_limit(limit))
    for n, (severity, name, limit) in enumerate(
        [(Severity.CRITICAL, "Critical", "< 90%"), (Severity.WARN, "Warning", "< 95%")]
    )
)
Row = Mapping[str, object]


def tile(rows: Sequence[Row], chart: Chart = "line", **changes: Any) -> Message:
    """Of these rows; a key of the tile, or of its answer."""
    answer = {key: changes.pop(key) for key in ("thresholds", "said", "pick") if key in changes}
    return tile_message(TileAnswer(replace(TILE, chart=chart, **changes), rows, **answer), ZONE, NOW)


def table(rows: Sequence[Row]) -> Message:
    return tile(rows, "table", title="Status", unit="", x=None, y=())


def two(n: int, day: date) -> Row:
    return {"day": day, "create_queue": 12 + n % 7, "update_queue": None if n in (11, 12) else 180 + 9 * (n % 5)}


def of_syncs(count: int, days: int = 3) -> list[Row]:
    return [
        {"day": DAYS[day], "sync": f"Feed {n:02} of the warehouse", "records": 10 * n + day}
        for day in range(days)
        for n in range(1, count + 1)
    ]


PIE: dict[str, Any] = {"title": "Causes", "unit": "records", "x": "cause"}
BARS: dict[str, Any] = {"title": "Written", "unit": "records"}
GOLDENS: dict[str, Callable[[], Message]] = {
    "trend": lambda: trend(COVERAGE, [96 + 0.02 * n for n in range(30)]),
    "trend_with_gaps": lambda: trend(COVERAGE, [96, 95.5, None, None, 89.9, None, 96, 96], days=10, from_log=True),
    "trend_of_a_sync": lambda: trend(
        BACKLOG, [180 + 40 * (n % 5) for n in range(200)], days=7, every=1, others=("Sync A",)
    ),
    "trend_of_three_days": lambda: trend(RECENCY, [0.25, 1.75, 0.5, 2.5], days=3, every=7),
    "trend_without_thresholds": lambda: trend(GAP, [-903.0, 778.0, 779.0], days=90, every=400, from_log=True),
    "trend_of_one_value": lambda: trend(COVERAGE, [96.0], since=NOW - timedelta(hours=1)),
    "trend_of_older_values": lambda: trend(COVERAGE, [], latest=(NOW - timedelta(days=60), 89.0)),
    "trend_of_nothing": lambda: trend(COVERAGE, [], log_error=f"the warehouse cannot be reached: {HOSTILE}"),
    "metrics": lambda: metrics_message(
        MetricList(
            (MetricValue(COVERAGE, 96.0, Outcome.OK), MetricValue(RECENCY, None, Outcome.NO_DATA)),
            (MetricValue(BACKLOG, 612.0, Outcome.WARN, syncs=2, alike=False), MetricValue(RECENCY, 0.2, None, syncs=3)),
            (MetricValue(GAP, -903.0),),
            as_of=NOW,
        ),
        ZONE,
    ),
    "metrics_before_the_first_evaluation": lambda: listed(MetricValue(COVERAGE, None), log_error="no such table"),
    "tiles": lambda: tiles_message([replace(TILE, number=1, title="System status", unit="", chart="table"), TILE]),
    "tile_line": lambda: tile(
        [{"day": day, "y": 96 + n / 100} for n, day in enumerate(DAYS)],
        thresholds=LINES,
        said="Critical < 90% · Warning < 95%",
        pick=Pick.LOWEST,
    ),
    "tile_line_with_gaps": lambda: tile(
        [two(n, day) for n, day in enumerate(DAYS)], title="Pending", unit="records", y=("create_queue", "update_queue")
    ),
    "tile_area": lambda: tile(
        [{"day": DAYS[n], "y": value} for n, value in enumerate([-3, 0, 12.5])], "area", unit="records"
    ),
    "tile_bars": lambda: tile(
        [{"day": day, "y": n % 3} for n, day in enumerate(DAYS[:25])],
        "bar",
        **BARS,
    ),
    "tile_bars_of_names": lambda: tile(
        [{"feature": f"Feature {n}", "y": 90.5 - n} for n in range(24)], "bar", title="Adoption", x="feature"
    ),
    "tile_bars_of_syncs": lambda: tile(
        [row for row in of_syncs(2) if (row["day"], row["records"]) != (DAYS[1], 11)],
        "bar",
        **BARS,
        y=("records",),
        series="sync",
    ),
    "tile_of_sixty_syncs": lambda: tile(of_syncs(60), **BARS, y=("records",), series="sync"),
    "tile_pie": lambda: tile([{"cause": f"Cause {n}", "y": 2 ** (9 - n)} for n in range(9)], "pie", **PIE),
    "tile_counter": lambda: tile([{"y": 94.998}], "counter", x=None, thresholds=LINES, said="Warning < 95%"),
    "trend_of_a_day": lambda: trend(RECENCY, [0.25, 1.4999], days=1, every=3),
    "tile_table": lambda: table(
        [
            {"part": "Coverage", "status": "🟢 GOOD", "number": 96.01, "at": NOW, "open": True, "day": DAYS[0]},
            {"part": HOSTILE, "status": None, "number": None, "at": None, "open": False, "day": None},
            {"part": "Rows", "status": "-", "number": 20_274, "at": NOW, "open": None, "day": DAYS[1]},
        ]
    ),
    "tile_without_rows": lambda: tile([]),
    "tile_without_numbers": lambda: tile([{"day": DAYS[0], "y": "n/a"}, {"day": DAYS[1], "y": None}]),
    "tile_of_one_day": lambda: tile([{"day": DAYS[0], "y": 96.0}]),
}
SHAPES = [(name, native) for name in GOLDENS for native in (True, False)]


@pytest.mark.parametrize(("name", "native"), SHAPES)
def test_a_chart_and_its_text_are_as_their_goldens_and_slack_would_take_them(
    name: str, native: bool, faults: Callable[[Payload], list[str]]
) -> None:
    payload = GOLDENS[name]().payload(native=native)
    assert payload == golden(GOLDEN / f"{name}{'' if native else '_as_text'}.json", payload)
    assert faults(payload) == []
    assert unescaped(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {
        f"{n}{'' if native else '_as_text'}" for n, native in SHAPES
    }


def charts(message: Message) -> list[Payload]:
    return [block["chart"] for block in message.payload()["blocks"] if block["type"] == "data_visualization"]


def read(message: Message, *, native: bool = False) -> str:
    return json.dumps(message.payload(native=native), ensure_ascii=False)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (96.4, 96.0, "7-day average 96.0%, down 0.4 points from the week before"),
        (95.0, 96.0, "7-day average 96.0%, up 1.0 point from the week before"),
        (96.0, 96.01, "7-day average 96.0%, the same as the week before"),
        (None, 96.0, "7-day average 96.0%; the week before is unknown"),
        (96.0, None, "No values in the last 7 days, so nothing to compare with the week before."),
    ],
)
def test_the_week_is_compared_with_the_week_before_and_what_is_not_known_is_not_made_up(
    before: float | None, now: float | None, told: str
) -> None:
    assert told in read(trend(COVERAGE, [*[before] * 7, *[now] * 7], days=14))


def test_a_week_of_which_little_is_known_says_so() -> None:
    text = read(trend(BACKLOG, [200, 190, *[150] * 7], days=14))
    assert "7-day average 150, down 45 from the week before (values on 2 of its 7 days)" in text


def test_hours_are_compared_as_hours() -> None:
    assert "7-day average 30 min, down 15 min from the week before" in read(trend(RECENCY, [*[0.75] * 7, *[0.5] * 7]))


def test_thresholds_are_series_and_an_equality_is_none() -> None:
    [chart] = charts(trend(COVERAGE, [96, 97], days=4))
    assert [one["name"] for one in chart["series"]] == ["Value", "Critical < 90%", "Warning < 95%"]
    assert [point["value"] for point in chart["series"][1]["data"]] == [90, 90]
    runs = Metric("no_run_today", "Runs today", CHECKS["no_run_today"], "Sync B")
    [chart] = charts(trend(runs, [3, 4], days=4))
    assert [one["name"] for one in chart["series"]] == ["Runs today"]


def test_a_gap_is_left_out_and_told() -> None:
    message = trend(COVERAGE, [96, None, 97], days=4)
    [chart] = charts(message)
    assert chart["axis_config"]["categories"] == ["Jan 7", "Jan 9"]
    assert "No value: Jan 8. The chart leaves it out" in read(message)


def test_what_is_not_drawn_of_many_is_told() -> None:
    text = read(GOLDENS["tile_of_sixty_syncs"]())
    assert "The 6 largest of 60; not drawn: Feed 01 of the warehouse, Feed 02 of the warehouse" in text
    assert "and 51 more" in text
    [chart] = charts(GOLDENS["tile_of_sixty_syncs"]())
    assert len({one["name"] for one in chart["series"]}) == 6, "shortened, and still different"


def test_a_series_that_is_mostly_missing_does_not_cost_the_others_their_points() -> None:
    rows = [{"day": day, "a": n, "b": 5 if n == 3 else None} for n, day in enumerate(DAYS[:10])]
    message = tile(rows, y=("a", "b"))
    [chart] = charts(message)
    assert [one["name"] for one in chart["series"]] == ["A"] and len(chart["series"][0]["data"]) == 10
    assert "Not drawn, as most of their values are missing: B" in read(message)


CELLS: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**60), 10**60),
    st.floats(),
    st.sampled_from([HOSTILE, "", "n/a", "96.1", "-", "x" * 3000, "\u202e\x00\n", "🟢 GOOD"]),
    st.text(max_size=30),
    st.dates(),
    st.integers(-(10**6), 10**6).map(lambda hours: NOW + timedelta(hours=hours)),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["day", "y", "z", "sync", HOSTILE]), CELLS), max_size=24),
    chart=st.sampled_from(["counter", "line", "area", "bar", "pie", "table"]),
    y=st.sampled_from([("y",), ("y", "z"), ("gone",)]),
    series=st.sampled_from([None, "sync"]),
    x=st.sampled_from(["day", "sync", "gone"]),
    thresholds=st.sampled_from([(), LINES]),
    unit=st.sampled_from(["%", "records", HOSTILE]),
)
def test_whatever_a_statement_answers_slack_takes_the_message(
    faults: Callable[[Payload], list[str]],
    rows: list[Row],
    chart: Chart,
    y: tuple[str, ...],
    series: str | None,
    x: str,
    thresholds: tuple[Threshold, ...],
    unit: str,
) -> None:
    message = tile(
        rows, chart, y=y[:1] if series else y, series=series, x=x, thresholds=thresholds, unit=unit, title=HOSTILE[:50]
    )
    for native in (True, False):
        payload = message.payload(native=native)
        assert faults(payload) == []
        assert unescaped(payload) == []
        json.dumps(payload, allow_nan=False)


def test_a_metric_that_is_unknown_for_a_sync_is_neither_the_lowest_nor_the_highest() -> None:
    unknown = MetricValue(replace(RECENCY, name="success_rate", check=CHECKS["coverage"]), None, syncs=3, alike=False)
    assert "Sync B, one of 3 syncs" in read(metrics_message(MetricList((), (unknown,)), ZONE), native=True)


def test_the_name_of_a_column_is_text_as_well() -> None:
    for native in (True, False):
        assert unescaped(table([{HOSTILE: 7}]).payload(native=native)) == []


def test_ten_thousand_rows_of_long_texts_fit_into_a_message(faults: Callable[[Payload], list[str]]) -> None:
    rows = [{f"column {n}": f"{n} {HOSTILE} " * 40 for n in range(30)} for _ in range(10_000)]
    for native in (True, False):
        assert faults(table(rows).payload(native=native)) == []
    assert "more rows not shown" in read(table(rows))
    assert "Columns not shown: column 20" in read(table(rows))
    wide = [{"day": f"{HOSTILE}{n}", "sync": f"{HOSTILE * 3}{n % 60}", "y": 10.0**n} for n in range(300)]
    for chart in ("line", "bar", "pie"):
        assert faults(tile(wide, chart, series="sync" if chart != "pie" else None).payload()) == []  # type: ignore[arg-type]
