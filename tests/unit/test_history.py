"""How a number went: spans of local time, the value that stands for each, and two weeks next to each other."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.history import (
    MOST_POINTS,
    Pick,
    axis_of,
    days_label,
    grouped,
    one_of,
    pick_for,
    points_of,
    spread_out,
    weeks_of,
)
from checks.model import Check
from tests.unit.samples import NOW, ZONE

ZONES = [ZoneInfo(name) for name in ("America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")]
Values = list[tuple[datetime, float]]


def local(day: int, hour: int = 12) -> datetime:
    """In January, at the pipeline."""
    return datetime(2026, 1, day, hour, tzinfo=ZONE).astimezone(UTC)


def check(**limits: str) -> Check:
    about = {"name": "a", "title": "A", "metric": "a", "source": "databricks", "summary": "{value}"}
    return Check.model_validate(about | limits)


def shown(values: Values, days: int, pick: Pick = Pick.HIGHEST) -> list[tuple[str, float | None]]:
    axis = axis_of(NOW, days, ZONE)
    return [(one.label, one.value) for one in points_of(spread_out(values, axis.edges), axis, pick)]


@pytest.mark.parametrize(
    ("days", "count", "first", "last"),
    [
        (1, 12, "Jan 8 04:00", "Jan 9 02:00"),  # it is five past three
        (2, 12, "Jan 7 04:00", "Jan 9 00:00"),
        (3, 18, "Jan 6 04:00", "Jan 9 00:00"),
        (4, 4, "Jan 6", "Jan 9"),
        (7, 7, "Jan 3", "Jan 9"),
        (20, 20, "Dec 21", "Jan 9"),
        (21, 11, "Dec 20", "Jan 8–9"),
        (30, 15, "Dec 11–12", "Jan 8–9"),
        (90, 18, "Oct 12–16", "Jan 5–9"),
    ],
)
def test_a_chart_has_twenty_points_at_most_and_ends_today(days: int, count: int, first: str, last: str) -> None:
    spans = axis_of(NOW, days, ZONE).spans
    assert (len(spans), spans[0].label, spans[-1].label) == (count, first, last)


@settings(deadline=None)
@given(
    days=st.integers(1, 90),
    zone=st.sampled_from(ZONES),
    now=st.integers(0, 600 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)
def test_spans_cover_the_asked_days_without_a_hole_whatever_the_clocks_do(
    days: int, zone: ZoneInfo, now: datetime
) -> None:
    axis = axis_of(now, days, zone)
    assert list(axis.edges) == sorted(set(axis.edges)), "ascending, none twice"
    assert axis.edges[-2] <= now < axis.edges[-1]
    assert 1 <= len(axis.spans) <= MOST_POINTS
    assert [one.last for one in axis.spans[:-1]] == [one.first for one in axis.spans[1:]]
    assert axis.spans[-1].last == len(axis.edges) - 1
    if axis.hours:
        assert timedelta(0) <= axis.begin - (now - timedelta(days=days)) <= timedelta(hours=axis.hours + 1)
    else:
        assert axis.begin.astimezone(zone).date() == now.astimezone(zone).date() - timedelta(days=days - 1)
    assert len({one.label for one in axis.spans}) == len(axis.spans)
    assert all(len(one.label) <= 20 for one in axis.spans)


def test_a_peak_of_five_minutes_stays_among_ninety_days() -> None:
    values = [(NOW - timedelta(minutes=5 * n), 7.0) for n in range(90 * 288 - 60)]
    values[5000] = (values[5000][0], 247.0)
    assert [value for _, value in shown(values, 90)].count(247.0) == 1
    assert {value for _, value in shown(values, 90, Pick.LOWEST)} == {7.0}


@pytest.mark.parametrize(
    ("limits", "pick"),
    [
        ({"warn": "> 30", "critical": "> 50"}, Pick.HIGHEST),
        ({"critical": ">= 3"}, Pick.HIGHEST),
        ({"warn": "< 95%", "critical": "< 90%"}, Pick.LOWEST),
        ({"warn": "<= 95%"}, Pick.LOWEST),
        ({"critical": "= 0"}, Pick.LOWEST),
        ({"critical": "!= 1"}, Pick.LAST),
    ],
)
def test_the_point_is_the_value_that_the_thresholds_are_about(limits: dict[str, str], pick: Pick) -> None:
    assert pick_for(check(**limits)) is pick
    assert pick_for(None) is Pick.LAST


def test_the_last_value_is_that_of_the_latest_time_however_they_come() -> None:
    assert shown([(local(8, 20), 2.0), (local(8, 9), 5.0)], 4, Pick.LAST) == [("Jan 8", 2.0)]


def test_what_is_empty_before_the_first_value_is_no_gap_and_what_is_empty_after_it_is_one() -> None:
    assert shown([(local(5), 1.0), (local(7), 3.0)], 7)[-1] == ("Jan 8", None), "only today is not over"
    assert shown([(local(5), 1.0), (local(8), 3.0)], 7) == [
        ("Jan 5", 1.0),
        ("Jan 6", None),
        ("Jan 7", None),
        ("Jan 8", 3.0),
    ]
    assert shown([], 7) == []
    assert shown([(local(1), 1.0)], 7) == [], "older than what is asked for"


def test_a_value_at_an_edge_belongs_to_what_begins_there() -> None:
    midnight = datetime(2026, 1, 8, tzinfo=ZONE)
    found = dict(shown([(midnight - timedelta(microseconds=1), 1.0), (midnight, 2.0), (NOW, 3.0)], 7))
    assert found == {"Jan 7": 1.0, "Jan 8": 2.0, "Jan 9": 3.0}


def test_spreads_hold_what_was_before_the_first_edge_and_nothing_of_the_future() -> None:
    edges = [local(2), local(3), local(4)]
    found = spread_out([(local(1), 9.0), (local(2), 1.0), (local(3, 11), 3.0), (local(4), 7.0)], edges)
    assert {n: (one.count, one.lowest, one.highest, one.mean, one.last) for n, one in found.items()} == {
        -1: (1, 9.0, 9.0, 9.0, 9.0),
        0: (2, 1.0, 3.0, 2.0, 3.0),
    }
    assert found[0].first_at == local(2) and found[0].last_at == local(3, 11)


@pytest.mark.parametrize(
    ("values", "now", "before", "days"),
    [
        ([(local(9, 1), 4.0), (local(3), 2.0), (local(2), 10.0)], 3.0, 10.0, 1),
        ([(local(9, 1), 4.0), (local(9, 2), 8.0), (local(3), 0.0)], 3.0, None, 0),  # each day counts alike
        ([(local(2), 10.0)], None, 10.0, 1),
        ([(datetime(2025, 12, 26, 23, tzinfo=ZONE), 10.0)], None, None, 0),  # three weeks ago
        ([], None, None, 0),
    ],
)
@pytest.mark.parametrize("asked", [1, 7, 30, 90])
def test_two_weeks_are_compared_whatever_is_shown(
    values: Values, now: float | None, before: float | None, days: int, asked: int
) -> None:
    axis = axis_of(NOW, asked, ZONE)
    weeks = weeks_of(spread_out(values, axis.edges), axis)
    assert (weeks.now, weeks.before, weeks.days_before) == (now, before, days)
    assert weeks.change == (None if now is None or before is None else now - before)


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (2, [1, 1]), (3, [1, 1, 1]), (4, [2, 2]), (5, [1, 2, 2]), (60, [20, 20, 20])]
)
def test_points_are_put_together_in_order_and_the_last_group_is_whole(count: int, sizes: list[int]) -> None:
    groups = grouped(count, most=3)
    assert [len(group) for group in groups] == sizes
    assert [n for group in groups for n in group] == list(range(count))


@pytest.mark.parametrize(("pick", "value"), [(Pick.LAST, 2.0), (Pick.HIGHEST, 3.0), (Pick.LOWEST, 1.0), (None, 6.0)])
def test_one_value_stands_for_several_and_none_for_none(pick: Pick | None, value: float) -> None:
    assert one_of([1.0, None, 3.0, 2.0, None], pick) == value
    assert one_of([None], pick) is None


@pytest.mark.parametrize(
    ("first", "last", "label", "with_year"),
    [
        (date(2026, 1, 8), date(2026, 1, 8), "Jan 8", "Jan 8, 2026"),
        (date(2026, 1, 8), date(2026, 1, 9), "Jan 8–9", "Jan 8–9, 2026"),
        (date(2026, 1, 31), date(2026, 2, 1), "Jan 31–Feb 1", "Jan 31–Feb 1, 2026"),
        (date(2025, 12, 31), date(2026, 1, 1), "Dec 31–Jan 1", "Dec 31–Jan 1, 2026"),
        (date(2025, 1, 1), date(2026, 1, 31), "Jan 1–Jan 31", "Jan 1, 2025–Jan 31, 2026"),
    ],
)
def test_days_are_named_with_their_year_where_it_is_needed(first: date, last: date, label: str, with_year: str) -> None:
    assert (days_label(first, last), days_label(first, last, year=True)) == (label, with_year)
