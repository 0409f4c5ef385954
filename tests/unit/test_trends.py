"""Where a backlog is heading is read from sizes that can be compared: of a sawtooth, from those after each run."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.trends import Trend, time_to_reach, trend_of

NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)


def sizes(*numbers: int, every: float = 15) -> list[tuple[datetime, int]]:
    return [(NOON + timedelta(minutes=every * n), size) for n, size in enumerate(numbers)]


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 20, 40, 60, 0, 20, 40, 60, 0, 20, 40),  # it fills for an hour and is emptied
        (40, 60, 0, 20, 40, 60, 0, 20, 40, 60),  # …whenever one begins to look
        (10, 60, 12, 60, 9, 60, 11, 60),  # and what stays goes up and down
        (0, 10, 20, 30),  # less than an hour of filling
        (5, 60, 10, 60),  # one run
        (30, 30),
        (7,),
        (),
    ],
)
def test_a_backlog_that_fills_and_is_emptied_has_no_trend_to_grow(numbers: tuple[int, ...]) -> None:
    trend = trend_of(sizes(*numbers))
    assert trend is None or trend.drained == 0


def test_a_sawtooth_grows_when_more_is_left_after_each_run() -> None:
    trend = trend_of(sizes(10, 60, 20, 70, 30, 80, 40, 90))
    assert trend == Trend(-20, timedelta(hours=1), None)
    assert trend.per_hour == -20


def test_a_sawtooth_shrinks_when_less_is_left_after_each_run_whatever_came_in_since() -> None:
    assert trend_of(sizes(90, 70, 80, 50, 60, 30, 45)) == Trend(40, timedelta(hours=1), timedelta(minutes=67.5))


def test_a_backlog_that_is_being_emptied_further_than_before_shrinks() -> None:
    trend = trend_of(sizes(300, 250, 255, 200, 100))
    assert trend is not None and trend.drained == 150


def test_a_backlog_that_only_grows_for_longer_than_an_hour_grows() -> None:
    assert trend_of(sizes(0, 10, 20, 30, 40, 50)) == Trend(-50, timedelta(minutes=75), None)


def test_a_backlog_that_only_shrinks_is_empty_at_that_pace() -> None:
    assert trend_of(sizes(100, 80, 60)) == Trend(40, timedelta(minutes=30), timedelta(minutes=45))


@pytest.mark.parametrize(
    ("drained", "size", "hours"),
    [(-100, 700, 3), (-100, 999, 0.01), (-100, 1000, None), (-100, 1500, None), (0, 700, None), (50, 700, None)],
)
def test_when_a_backlog_reaches_a_threshold_is_said_of_one_that_grows_and_is_not_there_yet(
    drained: int, size: int, hours: float | None
) -> None:
    trend = Trend(drained, timedelta(hours=1), None)
    assert time_to_reach(trend, size, 1000) == (None if hours is None else timedelta(hours=hours))


def test_what_is_days_off_is_not_foretold() -> None:
    slow = Trend(-1, timedelta(hours=2), None)
    assert time_to_reach(slow, 0, 36) == timedelta(days=3)
    assert time_to_reach(slow, 0, 37) is None
