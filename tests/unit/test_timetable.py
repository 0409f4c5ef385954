"""When a check is looked at, in the pipeline's zone and on the days when clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.timetable import (
    SKEW,
    Weekly,
    backlog_is_due,
    due_after,
    is_active,
    is_being_made_good,
    latest_due,
    lies_ahead,
    next_weekly,
    warehouse_is_due,
)
from checks.forms import Active, parse_active

ZONE = ZoneInfo("America/Los_Angeles")
FROM_EIGHT = parse_active("08:00-24:00")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "looked_at"),
    [("2026-01-15 07:59", False), ("2026-01-15 08:00", True), ("2026-01-15 23:59", True), ("2026-01-16 00:00", False)],
)
def test_hours_are_those_of_the_pipelines_zone(at: str, looked_at: bool) -> None:
    assert is_active(FROM_EIGHT, local(at), ZONE, None) is looked_at


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"])
def test_eight_o_clock_is_eight_o_clock_when_clocks_change(day: str) -> None:
    assert not is_active(FROM_EIGHT, local(f"{day} 07:59"), ZONE, None)
    assert is_active(FROM_EIGHT, local(f"{day} 08:00"), ZONE, None)


def test_what_waits_for_a_schedule_is_evaluated_from_a_while_after_the_run_was_due() -> None:
    after = parse_active("2h after schedule")
    due = local("2026-01-15 23:30")
    assert not is_active(after, local("2026-01-16 01:29"), ZONE, due)
    assert is_active(after, local("2026-01-16 01:30"), ZONE, due), "on the next local day, too"
    assert is_active(after, local("2026-01-16 23:29"), ZONE, due), "until the next one is due"


def test_what_waits_for_a_schedule_has_nothing_to_say_where_there_is_none() -> None:
    assert not is_active(Active(after_schedule=timedelta(hours=2)), local("2026-01-15 12:00"), ZONE, None)


# 2026-01-16 is a Friday.
@pytest.mark.parametrize(
    ("active", "at", "evaluated"),
    [
        ("mon-fri", "2026-01-16 23:59", True),
        ("mon-fri", "2026-01-17 00:00", False),
        ("mon-fri", "2026-01-18 23:59", False),
        ("mon-fri", "2026-01-19 00:00", True),
        ("mon-fri 08:00-18:00", "2026-01-16 17:59", True),
        ("mon-fri 08:00-18:00", "2026-01-16 18:00", False),
        ("mon-fri 08:00-18:00", "2026-01-17 12:00", False),
        ("sat-mon", "2026-01-19 23:59", True),
        ("sat-mon", "2026-01-20 00:00", False),
        ("mon,wed,fri", "2026-01-15 12:00", False),
        ("mon,wed,fri", "2026-01-16 12:00", True),
        ("sun 00:00-24:00", "2026-03-08 03:00", True),
        ("sun 02:00-03:00", "2026-11-01 02:30", True),
        ("sun", "2026-11-01 23:59", True),
        ("sun", "2026-11-02 00:00", False),
        ("mon-fri except 12-25", "2026-12-24 23:59", True),
        ("mon-fri except 12-25", "2026-12-25 00:00", False),
        ("mon-fri except 12-25", "2028-12-25 12:00", False),
        ("mon-fri except 2026-12-25", "2026-12-25 12:00", False),
        ("mon-fri except 2026-12-25", "2028-12-25 12:00", True),
        ("except 02-29", "2028-02-29 12:00", False),
        ("except 02-29", "2027-02-28 12:00", True),
        ("except 12-31, 01-01", "2026-12-31 23:59", False),
        ("except 12-31, 01-01", "2027-01-01 00:00", False),
        ("except 12-31, 01-01", "2027-01-02 00:00", True),
    ],
)
def test_days_are_those_of_the_pipelines_zone(active: str, at: str, evaluated: bool) -> None:
    assert is_active(parse_active(active), local(at), ZONE, None) is evaluated


@pytest.mark.parametrize(
    ("zone", "evaluated"),
    [("America/Los_Angeles", True), ("UTC", False), ("Pacific/Kiritimati", False), ("Pacific/Pago_Pago", True)],
)
def test_the_weekend_begins_in_each_zone_at_its_own_midnight(zone: str, evaluated: bool) -> None:
    friday_evening = local("2026-01-16 20:00")
    assert is_active(parse_active("mon-fri"), friday_evening, ZoneInfo(zone), None) is evaluated
    assert is_active(parse_active("except 01-17"), friday_evening, ZoneInfo(zone), None) is evaluated


@pytest.mark.parametrize(
    ("active", "due", "now", "evaluated"),
    [
        ("mon-fri 2h after schedule", "2026-01-16 23:30", "2026-01-17 01:29", False),
        ("mon-fri 2h after schedule", "2026-01-16 23:30", "2026-01-17 01:30", True),
        ("mon-fri 2h after schedule", "2026-01-17 23:30", "2026-01-18 12:00", False),
        ("mon-fri 2h after schedule", "2026-01-18 23:30", "2026-01-19 12:00", False),
        ("mon-fri 2h after schedule", "2026-01-19 09:00", "2026-01-19 11:00", True),
        ("2h after schedule except 12-25", "2026-12-25 09:00", "2026-12-25 12:00", False),
        ("2h after schedule except 12-25", "2026-12-24 23:00", "2026-12-25 01:00", True),
    ],
)
def test_days_of_what_waits_for_a_schedule_are_those_on_which_its_run_was_due(
    active: str, due: str, now: str, evaluated: bool
) -> None:
    assert is_active(parse_active(active), local(now), ZONE, local(due)) is evaluated


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_moment_is_on_a_weekday_or_on_the_weekend_and_never_on_both(now: datetime) -> None:
    assert is_active(parse_active("mon-fri"), now, ZONE, None) is not is_active(
        parse_active("sat-sun"), now, ZONE, None
    )


@pytest.mark.parametrize("text", ["8-24", "08:00", "24:00-08:00", "08:60-09:00", "2 after schedule", 8, None])
def test_hours_that_cannot_be_read_are_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"08:00-24:00|such as"):
        parse_active(text)


SNAPSHOT = time(23, 59)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-01-15 23:58", date(2026, 1, 14)),
        ("2026-01-15 23:59", date(2026, 1, 15)),
        ("2026-01-16 00:00", date(2026, 1, 15)),
        ("2026-03-08 03:30", date(2026, 3, 7)),
        ("2026-11-01 23:59", date(2026, 11, 1)),
    ],
)
def test_what_is_due_at_the_end_of_the_day_belongs_to_that_local_day(now: str, day: date) -> None:
    assert latest_due(SNAPSHOT, local(now), ZONE)[0] == day


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_moment_that_was_due_is_never_ahead_and_never_older_than_a_day(now: datetime) -> None:
    day, due = latest_due(SNAPSHOT, now, ZONE)
    assert timedelta(0) <= now - due <= timedelta(hours=25)
    assert due.astimezone(ZONE).date() == day


def test_a_month_of_ticks_has_each_day_once() -> None:
    for begin in ("2026-02-20 12:00", "2026-10-20 12:00"):
        ticks = [local(begin) + timedelta(minutes=5 * n) for n in range(30 * 288)]
        days = list(dict.fromkeys(latest_due(SNAPSHOT, now, ZONE)[0] for now in ticks))
        assert days == [days[0] + timedelta(days=n) for n in range(31)]


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(-HOUR, False), (0 * HOUR, False), (HOUR / 2, True), (HOUR, True), (HOUR + SKEW, True), (HOUR + 2 * SKEW, False)],
)
def test_a_stored_end_further_ahead_than_its_length_is_void(ahead: timedelta, *, expected: bool) -> None:
    now = local("2026-01-15 08:00")
    assert lies_ahead(now + ahead, now, HOUR) is expected
    assert not lies_ahead(None, now, HOUR)


@pytest.mark.parametrize(("begun", "due"), [(-2, -1), (-0.5, 0.5), (0, 1), (1, 0), (24, 0)])
def test_what_began_ahead_of_now_is_due_now(begun: float, due: float) -> None:
    now = local("2026-01-15 08:00")
    assert due_after(now + begun * HOUR, HOUR, now) == now + due * HOUR


@pytest.mark.parametrize(
    ("now", "run_ended", "measured", "due"),
    [
        ("12:54", "11:01", "11:05", False),
        ("12:55", "11:01", "11:05", True),
        ("12:59", "11:01", "11:05", True),
        ("13:00", "11:01", "11:05", False),
        ("12:56", "11:01", "12:55", False),
        ("12:55", "11:59", "12:04", True),
        ("12:55", "12:00", "12:04", False),
        ("12:55", "12:03", "12:04", False),
        ("12:55", "12:46", "12:47", False),
        ("12:55", "12:48", "12:47", True),
        ("12:55", None, "12:47", True),
        ("12:55", None, None, True),
    ],
)
def test_a_backlog_is_measured_before_a_run_unless_that_was_done_a_moment_ago(
    now: str, run_ended: str | None, measured: str | None, due: bool
) -> None:
    at = {text: local(f"2026-01-15 {text}") for text in (now, run_ended, measured) if text}
    next_run = local("2026-01-15 13:00")
    assert backlog_is_due(next_run, at.get(run_ended or ""), at.get(measured or ""), at[now]) is due
    assert not backlog_is_due(None, at.get(run_ended or ""), at.get(measured or ""), at[now])


@pytest.mark.parametrize(
    ("now", "due", "begun", "made_good"),
    [
        ("12:00", "13:00", None, True),
        ("12:00", "13:01", None, False),
        ("13:04", "13:00", None, True),
        ("13:05", "13:00", None, False),
        ("12:30", "13:00", "11:59", True),
        ("12:30", "13:00", "12:00", False),
        ("12:30", None, None, False),
    ],
)
def test_a_first_run_is_waited_for_where_it_is_due_within_the_hour_and_has_not_begun(
    now: str, due: str | None, begun: str | None, made_good: bool
) -> None:
    at = {text: local(f"2026-01-15 {text}") for text in (now, due, begun, "12:00") if text}
    expected = {"due": at.get(due or ""), "begun_at": at.get(begun or "")}
    assert is_being_made_good(at["12:00"], **expected, now=at[now], going_on=False) is made_good


@pytest.mark.parametrize(("now", "made_good"), [("13:59", True), ("14:00", False)])
def test_a_run_that_goes_on_is_waited_for_two_hours(now: str, made_good: bool) -> None:
    recovered = local("2026-01-15 12:00")
    waited = is_being_made_good(recovered, None, recovered, local(f"2026-01-15 {now}"), going_on=True)
    assert waited is made_good


@pytest.mark.parametrize(
    ("ended", "going_on", "due"),
    [
        ((-1,), False, False),
        ((0,), False, False),
        ((1,), False, True),
        ((20,), False, True),
        ((21,), False, False),
        ((6,), True, False),
        ((5,), True, True),
        ((5, 19), True, True),
    ],
)
def test_a_run_that_ended_since_is_measured_once_no_other_goes_on_or_after_a_quarter_of_an_hour(
    ended: tuple[int, ...], going_on: bool, due: bool
) -> None:
    measured = local("2026-01-15 12:00")
    now = measured + timedelta(minutes=20)
    ends = [measured + timedelta(minutes=minutes) for minutes in ended]
    assert warehouse_is_due(measured, ends, timedelta(hours=1), now, going_on=going_on) is due


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-10-26 07:59", "2026-10-26"),
        ("2026-10-26 08:00", "2026-11-02"),
        ("2026-10-26 08:10", "2026-11-02"),  # the clocks go back before that: 169 hours from one to the other
        ("2026-11-02 07:59", "2026-11-02"),
        ("2026-03-02 08:00", "2026-03-09"),
        ("2026-03-02 07:59", "2026-03-02"),  # the clocks go forward before that: 167 hours
        ("2026-03-09 07:30", "2026-03-09"),
        ("2026-03-07 12:00", "2026-03-09"),
    ],
)
def test_what_comes_weekly_comes_next_on_another_local_date_than_the_last_time(now: str, following: str) -> None:
    day, due = next_weekly(Weekly(0, time(8)), local(now), ZONE)
    assert (str(day), due) == (following, local(f"{following} 08:00"))
    assert due > local(now)
