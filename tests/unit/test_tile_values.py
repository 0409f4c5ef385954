"""Which values of a tile's rows are drawn, and what their labels say: never another number than the rows hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.messages.tiles import tiles_message
from tests.unit import payloads
from tests.unit.test_trend_and_tile_messages import BARS, DAYS, PIE, TILE, Payload, Row, charts, read, table, tile

faults = payloads.faults  # the fixture
COUNTS: dict[str, Any] = {"unit": "records"}
MONTHS = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(24)]


def drawn(rows: Sequence[Row], chart: Any = "line", **changes: Any) -> list[tuple[str, float]]:
    """The points of the first series."""
    [found] = charts(tile(rows, chart, **COUNTS | changes))
    return [(point["label"], point["value"]) for point in found["series"][0]["data"]]


def test_months_of_two_years_are_all_drawn_each_with_its_year() -> None:
    rows = [{"month": month, "y": n} for n, month in enumerate(MONTHS)]
    points = drawn(rows, "bar", x="month")
    assert points[0] == ("Jan–Feb 2024", 0 + 1) and points[-1] == ("Nov–Dec 2025", 22 + 23)
    assert sum(value for _, value in points) == sum(range(24))
    assert drawn(rows[11:13], x="month") == [("Dec 2024", 11), ("Jan 2025", 12)]
    assert drawn(rows[1::2], x="month")[5:7] == [("Dec 2024", 11), ("Feb 2025", 13)]


def test_days_of_more_than_a_year_have_it_and_those_of_less_have_none() -> None:
    rows = [{"day": date(2025, 10, 25) + timedelta(days=n), "y": n} for n in range(400)]
    points = drawn(rows)
    assert points[0] == ("Oct 25–Nov 13, 2025", 19) and points[-1] == ("Nov 9–28, 2026", 399)
    assert points[3] == ("Dec 24–Jan 12, 2026", 79)
    assert drawn([rows[0], rows[365]]) == [("Oct 25, 2025", 0), ("Oct 25, 2026", 365)]
    assert drawn([rows[0], rows[364]]) == [("Oct 25", 0), ("Oct 24", 364)]
    assert read(tile(rows)).startswith('{"text": "Coverage (%): Nov 9–28, 2026: 399.0%"')


def test_the_hours_of_more_than_a_year_have_it_too() -> None:
    hours = [datetime(2025, 1, 7, 20, tzinfo=UTC) + timedelta(days=n) for n in (0, 400)]
    points = drawn([{"hour": hour, "y": n} for n, hour in enumerate(hours)], x="hour")
    assert points == [("Jan 7, 2025 12:00", 0), ("Feb 11, 2026 12:00", 1)]


def test_every_hour_of_the_night_that_has_one_twice_is_drawn() -> None:
    night = [datetime(2026, 11, 1, 7, tzinfo=UTC) + timedelta(hours=n) for n in range(4)]
    points = drawn([{"hour": hour, "y": n} for n, hour in enumerate(night)], x="hour")
    assert points == [("Nov 1 00:00", 0), ("Nov 1 01:00 PDT", 1), ("Nov 1 01:00 PST", 2), ("Nov 1 02:00", 3)]


def test_hours_that_are_put_together_say_from_when_until_when() -> None:
    hours = [datetime(2026, 1, 7, 8, tzinfo=UTC) + timedelta(hours=n) for n in range(40)]
    points = drawn([{"hour": hour, "y": n} for n, hour in enumerate(hours)], x="hour")
    assert [label for label, _ in points[:2]] == ["Jan 7 00:00–01:00", "Jan 7 02:00–03:00"]


@pytest.mark.parametrize(("x", "written"), [("day", date), ("created_on", date), ("day", str)])
def test_times_ascend_whatever_order_the_statement_has(x: str, written: type) -> None:
    rows = [{x: day if written is date else str(day), "y": n} for n, day in enumerate(DAYS[:3])][::-1]
    assert drawn(rows, x=x) == [("Dec 11", 0), ("Dec 12", 1), ("Dec 13", 2)]
    assert tile(rows, **COUNTS, x=x).text == "Coverage (records): Dec 13: 2"


def test_the_newest_of_many_is_told_and_drawn_last() -> None:
    message = tile([{"created_on": day, "y": n} for n, day in enumerate(DAYS)][::-1], **COUNTS, x="created_on")
    assert message.text == "Coverage (records): Jan 8–9: 29"
    months = [{"month": f"2026-{n:02}", "y": n} for n in range(9, 0, -1)]
    assert drawn(months, x="month")[-1] == ("Sep 2026", 9)


def test_what_is_in_no_order_of_time_keeps_that_of_the_statement() -> None:
    hours = [{"hour": hour, "y": hour} for hour in (22, 23, 0, 1)]
    assert [label for label, _ in drawn(hours, x="hour")] == ["22", "23", "0", "1"]
    days = [{"day": day, "y": 1} for day in ("Tue", "Wed", "Mon")]
    assert [label for label, _ in drawn(days)] == ["Tue", "Wed", "Mon"]


TWICE: list[Row] = [{"stage": "lead", "y": 10}, {"stage": "lead", "y": 20}, {"stage": "won", "y": 5}]


@pytest.mark.parametrize(("chart", "parts"), [("bar", "series"), ("pie", "segments")])
def test_counts_of_one_name_in_several_rows_are_added_up_and_that_is_said(chart: Any, parts: str) -> None:
    message = tile(TWICE, chart, **BARS, x="stage")
    [found] = charts(message)
    points = found[parts][0]["data"] if chart == "bar" else found[parts]
    assert [(point["label"], point["value"]) for point in points] == [("lead", 30), ("won", 5)]
    assert "Sum of several rows: lead" in read(message)


@pytest.mark.parametrize(
    ("chart", "changes"),
    [("line", {}), ("area", {}), ("bar", {"unit": "%"}), ("bar", {"y": ("mean",)}), ("line", {"series": "sync"})],
)
def test_several_rows_for_one_value_are_no_chart_and_the_remedy_is_said(chart: Any, changes: dict[str, Any]) -> None:
    rows = [{**row, "mean": 0.5, "sync": "A"} for row in TWICE]
    message = tile(rows, chart, **{**BARS, "x": "stage", **changes})
    assert charts(message) == []
    columns = "stage and sync" if "series" in changes else "stage"
    assert f"Several rows have the same {columns}: lead. Group the statement by {columns}" in message.text


def test_rows_that_say_nothing_beside_one_that_does_are_no_several_values() -> None:
    rows = [{"stage": stage, "y": y} for stage, y in (("lead", None), ("lead", 20), ("won", 5))]
    assert drawn(rows, x="stage") == [("lead", 20), ("won", 5)]


def test_rows_without_a_time_are_left_out_and_counted() -> None:
    rows: list[Row] = [{"day": None, "y": 1}, {"day": None, "y": 2}, *({"day": day, "y": 3} for day in DAYS[:2])]
    assert drawn(rows) == [("Dec 11", 3), ("Dec 12", 3)]
    assert "2 rows left out: day is NULL" in read(tile(rows))
    assert "day is NULL in every row" in tile(rows[:2]).text


def test_names_that_begin_alike_stay_several() -> None:
    name = "Feed of the warehouse with a name that is longer than sixty characters "
    rows = [{"day": DAYS[day], "sync": f"{name}{n}", "y": 10 * n + day} for n in range(3) for day in range(2)]
    [found] = charts(tile(rows, **COUNTS, series="sync"))
    assert [[point["value"] for point in one["data"]] for one in found["series"]] == [[0, 1], [10, 11], [20, 21]]
    assert [value for _, value in drawn([{"day": f"{name}{n}", "y": n} for n in range(3)], "bar")] == [0, 1, 2]


def test_null_is_a_dash_and_not_a_name_and_the_rest_is_not_what_somebody_calls_other() -> None:
    names = [None, "None", "Other", *(f"Cause {n}" for n in range(6))]
    [found] = charts(tile([{"cause": name, "y": 90 - n} for n, name in enumerate(names)], "pie", **PIE))
    assert [part["label"] for part in found["segments"]] == ["–", "None", "Other", "Cause 0", "Cause 1", "Other (2)"]
    assert [part["value"] for part in found["segments"]] == [90, 89, 88, 87, 86, 85 + 84 + 83 + 82]
    assert drawn([{"stage": None, "y": 1}, {"stage": "a", "y": 2}], "bar", x="stage")[0] == ("–", 1)
    [found] = charts(tile([{"day": day, "sync": None, "y": 1} for day in DAYS[:2]], series="sync"))
    assert found["series"][0]["name"] == "–"


def test_a_bar_that_is_missing_is_no_zero_in_the_summary() -> None:
    rows = [{"day": DAYS[n], "a": n + 1, "b": None if n else 7} for n in range(2)]
    assert tile(rows, "bar", **COUNTS, y=("a", "b")).text == "Coverage (records): Dec 12: A 2, B –"


def test_the_first_and_the_last_day_there_are_crash_nothing(faults: Callable[[Payload], list[str]]) -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
    rows = [{"hour": at, "y": n} for n, at in enumerate(ends)]
    for message in (tile(rows, x="hour"), tile(rows, "pie", x="hour"), table(rows)):
        assert faults(message.payload()) == [] == faults(message.payload(native=False))


def test_fifty_tiles_with_long_questions_fit_into_the_table_that_slack_takes() -> None:
    tiles = [replace(TILE, number=n, title=f"Tile {n} {'x' * 35}", question="why " * 48) for n in range(1, 61)]
    [found] = [block for block in tiles_message(tiles).payload()["blocks"] if block["type"] == "table"]
    texts = [cell["text"] for row in found["rows"] for cell in row]
    assert sum(map(len, texts)) <= 10_000
    assert f"… and {60 - (len(found['rows']) - 2)} more" in texts
