"""When a sync runs next: cron in UTC, held against a reader that tries every minute."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.schedule import WEEKDAYS, cron_of, latest_time, next_time

NOW = datetime(2026, 1, 9, 11, 5, 30, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "2026-01-09 11:06"),
        ("5 11 * * *", "2026-01-10 11:05"),
        ("*/15 * * * *", "2026-01-09 11:15"),
        ("7-59/15 * * * *", "2026-01-09 11:07"),
        ("0 7,19 * * *", "2026-01-09 19:00"),
        ("30 6 * * mon", "2026-01-12 06:30"),
        ("30 6 * * 1-5", "2026-01-12 06:30"),
        ("0 0 * * 7", "2026-01-11 00:00"),
        ("0 0 * * SUN", "2026-01-11 00:00"),
        ("0 0 1 * *", "2026-02-01 00:00"),
        ("0 0 13 * 5", "2026-01-13 00:00"),  # both days named: one of them is enough
        ("0 0 */13 * 5", "2026-02-27 00:00"),  # …but not beside a star
        ("0 12 29 feb *", "2028-02-29 12:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("59 23 31 12 *", "2026-12-31 23:59"),
        ("5/20 * * * *", "2026-01-09 11:25"),
    ],
)
def test_the_next_time_is_as_cron_says(cron: str, expected: str) -> None:
    found = next_time(cron, NOW)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M %Z}" == f"{expected} UTC"


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "2026-01-09 11:05"),
        ("5 11 * * *", "2026-01-09 11:05"),
        ("6 11 * * *", "2026-01-08 11:06"),
        ("30 6 * * mon", "2026-01-05 06:30"),
        ("30 6 * * 1-5", "2026-01-09 06:30"),
        ("0 0 1 * *", "2026-01-01 00:00"),
        ("0 12 29 feb *", "2024-02-29 12:00"),
    ],
)
def test_the_latest_time_is_the_last_that_cron_named(cron: str, expected: str) -> None:
    found = latest_time(cron, NOW)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M %Z}" == f"{expected} UTC"


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_that_is_named_is_its_own_latest_time_and_its_predecessors_next(after: datetime) -> None:
    following = next_time("*/15 2,14 * * 1-5", after)
    assert following is not None
    assert latest_time("*/15 2,14 * * 1-5", following) == following
    before = latest_time("*/15 2,14 * * 1-5", following - timedelta(microseconds=1))
    assert before is not None
    assert before <= after


def test_a_leap_day_that_is_eight_years_away_is_found() -> None:
    assert next_time("0 0 29 2 *", datetime(2096, 3, 1, tzinfo=UTC)) == datetime(2104, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "a * * * *",
        "* * * * mo",
        "@daily",
        "1,,2 * * * *",
        "-1 * * * *",
        "٣ * * * *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
    ],
)
def test_what_cannot_be_read_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r"Bad|fields"):
        next_time(cron, NOW)
    with pytest.raises(ValueError, match=r"Bad|fields"):
        latest_time(cron, NOW)


def test_the_zone_of_the_asker_changes_nothing() -> None:
    there = NOW.astimezone(ZoneInfo("America/Los_Angeles"))
    assert next_time("0 3 * * *", there) == next_time("0 3 * * *", NOW) == datetime(2026, 1, 10, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("frequency", "fields", "cron"),
    [
        ("quarter_hourly", {}, "0-59/15 * * * *"),
        ("quarter_hourly", {"minute": 22}, "7-59/15 * * * *"),
        ("hourly", {"minute": 5}, "5 * * * *"),
        ("daily", {"hour": 7, "minute": 0}, "0 7 * * *"),
        ("weekly", {"hour": 7, "minute": 30, "day": "Monday"}, "30 7 * * Mon"),
        ("expression", {"cron": "0 7 * * 1"}, "0 7 * * 1"),
        ("expression", {}, None),
        ("hourly", {}, None),
        ("daily", {"hour": 7}, None),
        ("weekly", {"hour": 7, "minute": 30}, None),
        ("weekly", {"hour": 7, "minute": 30, "day": "1"}, None),
        ("continuous", {}, None),
        ("never", {}, None),
        ("fortnightly", {"hour": 7, "minute": 0}, None),
    ],
)
def test_a_census_schedule_is_cron_or_is_not_guessed(frequency: str, fields: dict[str, Any], cron: str | None) -> None:
    assert cron_of(frequency, **{"day": None, "hour": None, "minute": None, "cron": None} | fields) == cron


def _field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    spans = st.tuples(numbers, numbers).map(sorted)
    one = st.one_of(
        numbers.map(str),
        spans.map(lambda s: f"{s[0]}-{s[1]}"),
        st.tuples(spans.filter(lambda s: s[0] < s[1]), st.integers(1, 9)).map(lambda p: f"{p[0][0]}-{p[0][1]}/{p[1]}"),
        *([st.sampled_from(names)] if names else []),
    )
    listed = st.lists(one, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.integers(1, 9).map(lambda n: f"*/{n}"), listed)


def _names(word: str, low: int, high: int, names: tuple[str, ...] = ()) -> set[int]:
    """Which numbers a field names: each one is tried."""

    def number(text: str) -> int:
        return names.index(text) + low if text in names else int(text)

    def fits(value: int, part: str) -> bool:
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        first = low if span == "*" else number(begin)
        last = high if span == "*" else number(end or begin)
        return first <= value <= last and (value - first) % int(step or 1) == 0

    return {value for value in range(low, high + 1) if any(fits(value, part) for part in word.split(","))}


@pytest.mark.full
@given(
    st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), st.just("*"), _field(0, 7, WEEKDAYS)),
    st.integers(0, 4 * 365 * 24 * 3600).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)
@settings(deadline=None, max_examples=150)
def test_no_fitting_minute_is_passed_over(words: tuple[str, ...], after: datetime) -> None:
    found = next_time(" ".join(words), after)
    minutes, hours, days = (_names(w, *r) for w, r in zip(words[:3], ((0, 59), (0, 23), (1, 31)), strict=True))
    weekdays = {day % 7 for day in _names(words[4], 0, 7, WEEKDAYS)}
    either = not words[2].startswith("*") and not words[4].startswith("*")

    def fits(at: datetime) -> bool:
        day = (at.day in days, at.isoweekday() % 7 in weekdays)
        return at.minute in minutes and at.hour in hours and (any(day) if either else all(day))

    if found:
        assert found > after
        assert found.second == found.microsecond == 0
        assert fits(found)
    at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(60 * 24 * 2):  # two days, minute by minute
        if at == found:
            break
        assert not fits(at), f"{at} fits, {found} was said"
        at += timedelta(minutes=1)
