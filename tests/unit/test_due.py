"""Whatever starts a sync: on time it raises nothing, in a whole year; what was due and is missing alerts in time."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.due import Basis, Due, basis_of, due_run, rhythm_of
from bot.alerts.schedule import next_time
from bot.alerts.timetable import is_active
from bot.facts import Rhythm, Run, RunStatus, Schedule
from bot.runtime.composition import settings_from
from bot.services.census_numbers import census_numbers
from checks.judge import judge
from checks.model import Outcome

ZONE = ZoneInfo("America/Los_Angeles")
SETTINGS = settings_from({})
CHECKS = [check for check in SETTINGS.checks if check.name in ("sync_recency", "no_run_today")]
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def ran(begin: datetime, took: timedelta = 3 * MINUTE, **changes: object) -> Run:
    whole = Run(int(begin.timestamp()), 7, RunStatus.COMPLETED, False, "", begin, begin + took, 9, 9, 9, 0, 0)
    return replace(whole, **changes)  # type: ignore[arg-type]


def working(begin: datetime) -> Run:
    return ran(begin, status=RunStatus.WORKING, completed_at=None)


def daily(days: int, *, until: datetime = MONDAY, every: timedelta = DAY) -> list[Run]:
    """So many runs, newest first, the last of which completed at this time."""
    return [ran(until - 3 * MINUTE - n * every) for n in range(days)]


def on(frequency: str, **fields: object) -> Schedule:
    return Schedule(frequency, paused=False, **fields)  # type: ignore[arg-type]


def cron(expression: str) -> Schedule:
    return on("expression", cron=expression)


EXTERNAL = on("never", external=True)
SEQUENCE = on("never", triggers=("sync_sequence",), follows=5)


# What a sync is judged by


@pytest.mark.parametrize(
    ("schedule", "before", "basis"),
    [
        (on("quarter_hourly"), None, Basis.AGE),
        (on("hourly", minute=5), None, Basis.AGE),
        (on("hourly"), None, Basis.AGE),
        (cron("*/15 * * * *"), None, Basis.AGE),
        (cron("7 */1 * * 0-7"), None, Basis.AGE),
        (cron("0 0-23 1-31 jan-dec *"), None, Basis.AGE),
        (cron("0 */2 * * *"), None, Basis.SCHEDULE),
        (cron("*/15 8-18 * * *"), None, Basis.SCHEDULE),
        (cron("0 * * * mon-fri"), None, Basis.SCHEDULE),
        (cron("0 * 1-30 * *"), None, Basis.SCHEDULE),
        (cron("0 * * 1-11 *"), None, Basis.SCHEDULE),
        (cron("0 3 L * *"), None, Basis.SCHEDULE),
        (on("daily", hour=3, minute=0), None, Basis.SCHEDULE),
        (on("weekly", day="Monday", hour=3, minute=0), None, Basis.SCHEDULE),
        (on("daily"), None, Basis.RHYTHM),
        (cron("@hourly"), None, Basis.RHYTHM),
        (on("fortnightly"), None, Basis.RHYTHM),
        (on("continuous"), None, Basis.CONTINUOUS),
        (SEQUENCE, [], Basis.SEQUENCE),
        (SEQUENCE, None, Basis.RHYTHM),
        (replace(SEQUENCE, frequency="hourly"), [], Basis.AGE),
        (EXTERNAL, None, Basis.RHYTHM),
        (on("never", triggers=("fivetran",)), None, Basis.RHYTHM),
        (on("never", triggers=("dbt_cloud",)), None, Basis.RHYTHM),
        (on("never", triggers=("live",)), None, Basis.RHYTHM),
        (on("never", triggers=("on_a_full_moon",)), None, Basis.RHYTHM),
        (replace(EXTERNAL, expect_every=HOUR), None, Basis.EXPECT_EVERY),
        (on("hourly", expect_every=6 * HOUR), None, Basis.EXPECT_EVERY),
        (on("never"), None, Basis.AGE),
    ],
)
def test_a_sync_is_judged_by_what_starts_it(schedule: Schedule, before: list[Run] | None, basis: Basis) -> None:
    assert basis_of(schedule, before) is basis


# In a sequence


def after(before: Sequence[Run], *runs: Run, now: datetime) -> Due | None:
    return due_run(runs, SEQUENCE, now, ZONE, before)


def test_in_a_sequence_a_run_is_due_whenever_the_sync_before_it_has_completed() -> None:
    first, second = ran(MONDAY), ran(MONDAY + DAY)
    done = ran(MONDAY + 5 * MINUTE)
    assert after([first], done, now=MONDAY + 20 * HOUR) == Due(first.completed_at, None)
    assert after([second, first], done, now=MONDAY + 30 * HOUR) == Due(second.completed_at, second.completed_at)


@pytest.mark.parametrize("what", [{"status": RunStatus.FAILED}, {"status": RunStatus.WORKING}, {"dry_run": True}])
def test_a_run_that_did_not_complete_makes_nothing_due_after_it(what: dict[str, object]) -> None:
    first, done = ran(MONDAY), ran(MONDAY + 5 * MINUTE)
    assert after([ran(MONDAY + DAY, **what), first], done, now=MONDAY + 30 * HOUR) == Due(first.completed_at, None)
    assert after([ran(MONDAY + DAY, **what)], done, now=MONDAY + 30 * HOUR) is None, "nobody knows what was due"


def test_where_no_run_of_a_sequence_completed_it_is_late_since_the_first_that_we_see() -> None:
    before = [ran(MONDAY + n * DAY) for n in (2, 1, 0)]
    failed = [ran(MONDAY + n * DAY + 4 * MINUTE, status=RunStatus.FAILED, completed_at=None) for n in (2, 1)]
    due = after(before, *failed, now=MONDAY + 3 * DAY)
    assert due
    assert due.missed == MONDAY + DAY + 3 * MINUTE


# Continuously


def continuous(*runs: Run, now: datetime) -> datetime | None:
    due = due_run(runs, on("continuous"), now, ZONE)
    assert due
    return due.missed


def test_a_continuous_sync_is_due_a_quarter_of_an_hour_after_its_last_run() -> None:
    done = ran(MONDAY)
    assert continuous(done, now=MONDAY + 17 * MINUTE) is None
    assert continuous(done, now=MONDAY + 2 * HOUR) == MONDAY + 18 * MINUTE


def test_a_continuous_sync_is_not_late_because_its_run_is_long_but_it_is_when_the_run_never_ends() -> None:
    done, going_on = ran(MONDAY), working(MONDAY + 5 * MINUTE)
    assert continuous(going_on, done, now=MONDAY + 3 * HOUR) is None
    assert continuous(going_on, done, now=MONDAY + 7 * HOUR) == going_on.created_at + 6 * HOUR
    longer = ran(MONDAY - 9 * HOUR, 9 * HOUR)
    assert continuous(going_on, longer, now=MONDAY + 9 * HOUR) is None, "it takes that long"
    assert continuous(going_on, longer, now=MONDAY + 10 * HOUR) == going_on.created_at + 9 * HOUR


def test_a_first_run_of_a_continuous_sync_has_time_too() -> None:
    assert continuous(working(MONDAY), now=MONDAY + 5 * HOUR) is None
    assert continuous(working(MONDAY), now=MONDAY + 7 * HOUR) == MONDAY + 6 * HOUR


def test_a_run_that_began_too_late_makes_nothing_good_until_it_has_completed() -> None:
    done, late = ran(MONDAY), working(MONDAY + 3 * HOUR)
    assert continuous(late, done, now=MONDAY + 4 * HOUR) == MONDAY + 18 * MINUTE
    cancelled = ran(MONDAY + 4 * MINUTE, status=RunStatus.CANCELLED)
    assert continuous(late, cancelled, done, now=MONDAY + 4 * HOUR) == MONDAY + 18 * MINUTE


# By its rhythm


def test_six_completed_runs_over_a_day_are_a_rhythm_and_fewer_are_none() -> None:
    assert rhythm_of(daily(6), UTC) == Rhythm(DAY)
    assert rhythm_of(daily(5), UTC) is None
    assert rhythm_of(daily(92, every=15 * MINUTE), UTC) is None, "whether it rests at night is not to be seen"
    assert rhythm_of(daily(93, every=15 * MINUTE), UTC) == Rhythm(15 * MINUTE)
    assert due_run(daily(5), EXTERNAL, MONDAY + 9 * DAY, ZONE) is None


@pytest.mark.parametrize("what", [{"status": RunStatus.FAILED}, {"status": RunStatus.SKIPPED}, {"dry_run": True}])
def test_runs_that_did_not_complete_are_no_part_of_a_rhythm(what: dict[str, object]) -> None:
    between = [ran(run.created_at + 9 * HOUR, **what) for run in daily(20)]
    assert rhythm_of(sorted(daily(20) + between, key=lambda run: run.id, reverse=True), UTC) == Rhythm(DAY)


def test_the_longest_gap_counts_so_that_what_it_did_before_is_not_late() -> None:
    three_days_a_week = [ran(MONDAY - n * 7 * DAY - days * DAY) for n in range(5) for days in (0, 1, 2)]
    assert rhythm_of(three_days_a_week, UTC) == Rhythm(5 * DAY)


def test_a_sync_that_rests_at_weekends_is_late_on_the_working_day_on_which_it_is_missing() -> None:
    monday = MONDAY + 12 * HOUR
    weekdays = [run for run in daily(30, until=monday - 3 * DAY) if run.created_at.weekday() < 5]
    assert rhythm_of(weekdays, UTC) == Rhythm(DAY, weekdays=True)
    due = due_run(weekdays, EXTERNAL, monday + 2 * HOUR, UTC)
    assert due == Due(monday, monday, "expected"), "not on Saturday, nor only when a weekend more has gone by"


def test_an_hourly_sync_of_which_no_weekend_is_in_sight_is_not_late_on_saturday() -> None:
    friday = MONDAY - 3 * DAY + 23 * HOUR
    runs = daily(100, until=friday, every=HOUR)
    assert due_run(runs, EXTERNAL, friday + 40 * HOUR, UTC) == Due(friday, None, "expected")
    assert due_run(runs, EXTERNAL, MONDAY + HOUR, UTC) == Due(MONDAY, MONDAY, "expected")
    works_on_saturdays = daily(100, until=friday + 3 * HOUR, every=HOUR)
    due = friday + 4 * HOUR
    assert due_run(works_on_saturdays, EXTERNAL, friday + 9 * HOUR, UTC) == Due(due, due, "expected")


def test_expect_every_says_what_a_rhythm_only_shows() -> None:
    given = replace(EXTERNAL, expect_every=6 * HOUR)
    runs = daily(9)
    assert due_run(runs, given, MONDAY + 5 * HOUR, ZONE) == Due(MONDAY, None)
    assert due_run(runs, given, MONDAY + 9 * HOUR, ZONE) == Due(MONDAY + 6 * HOUR, MONDAY + 6 * HOUR)
    new = [working(MONDAY)]
    assert due_run(new, given, MONDAY + 5 * HOUR, ZONE) == Due(None, None), "nothing was due"


# A year


HOLIDAYS = {  # of the United States, as observed
    *(date(2025, *day) for day in ((9, 1), (10, 13), (11, 11), (11, 27), (12, 25))),
    *(date(2026, *day) for day in ((1, 1), (1, 19), (2, 16), (5, 25), (6, 19), (7, 3), (9, 7), (10, 12))),
    *(date(2026, *day) for day in ((11, 11), (11, 26), (12, 25))),
}
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
BEFORE = timedelta(days=180)  # what has run before the year begins


def times(expression: str, *, holidays: bool = True, zone: ZoneInfo | None = None) -> Iterator[datetime]:
    """When something starts a sync on this cron expression, which Airflow reads in its own zone."""
    at: datetime | None = BEGIN - BEFORE
    while (at := next_time(expression, at)) and at < END:
        begin = at.replace(tzinfo=zone).astimezone(UTC) if zone else at
        if holidays or at.date() not in HOLIDAYS:
            yield begin


def taking(begins: Iterator[datetime], least: float, most: float) -> list[Run]:
    """Runs of as many minutes, one after the other."""
    chance, runs = Random(1), list[Run]()
    for begin in begins:
        if not runs or begin >= runs[-1].completed_at:  # type: ignore[operator]
            runs.append(ran(begin + chance.uniform(0, 1) * MINUTE, chance.uniform(least, most) * MINUTE))
    return runs


def one_after_another() -> list[Run]:
    """Runs of a continuous sync: most take minutes, one in a hundred three hours."""
    chance, at, runs = Random(2), BEGIN - DAY, list[Run]()
    while at < END:
        took = 180 * MINUTE if chance.random() < 0.01 else chance.uniform(1, 20) * MINUTE
        runs.append(ran(at, took))
        at += took + chance.uniform(0.5, 5) * MINUTE
    return runs


def monthly() -> list[Run]:
    return taking((at for at in times("0 5 1 * *")), 5, 50)


Year = Callable[[], list[Run]]
# A schedule, the runs of a sync that is on time, and those of the sync it follows.
YEARS: dict[str, tuple[Schedule, Year, Year | None]] = {
    "daily": (on("daily", hour=9, minute=30), lambda: taking(times("30 9 * * *"), 2, 50), None),
    "weekly": (on("weekly", day="Sunday", hour=23, minute=45), lambda: taking(times("45 23 * * sun"), 2, 50), None),
    "weekdays": (cron("0 9 * * mon-fri"), lambda: taking(times("0 9 * * 1-5"), 2, 50), None),
    "a list of hours": (cron("5 7,12,19 * * *"), lambda: taking(times("5 7,12,19 * * *"), 2, 50), None),
    "steps of a range": (cron("10 8-18/2 * * *"), lambda: taking(times("10 8-18/2 * * *"), 2, 50), None),
    "every six hours": (cron("0 */6 * * *"), lambda: taking(times("0 */6 * * *"), 2, 50), None),
    "monthly": (cron("0 3 1 * *"), lambda: taking(times("0 3 1 * *"), 2, 50), None),
    "the last day of a month": (cron("0 3 L * *"), lambda: taking(times("0 3 L * *"), 2, 50), None),
    "named months": (cron("0 3 1 jan,apr,jul,oct *"), lambda: taking(times("0 3 1 1,4,7,10 *"), 2, 50), None),
    "hourly": (on("hourly", minute=20), lambda: taking(times("20 * * * *"), 1, 25), None),
    "a cron of every hour": (cron("20 * * * *"), lambda: taking(times("20 * * * *"), 1, 25), None),
    "quarter-hourly": (on("quarter_hourly"), lambda: taking(times("*/15 * * * *"), 1, 25), None),
    "quarter-hourly by day": (cron("*/15 8-18 * * *"), lambda: taking(times("*/15 8-18 * * *"), 1, 25), None),
    "continuous": (on("continuous"), one_after_another, None),
    "after a daily sync": (
        SEQUENCE,
        lambda: taking((run.completed_at for run in taking(times("0 4 * * *"), 5, 90)), 2, 50),  # type: ignore[misc]
        lambda: taking(times("0 4 * * *"), 5, 90),
    ),
    "after a quarter-hourly sync": (
        SEQUENCE,
        lambda: taking((run.completed_at for run in taking(times("*/15 * * * *"), 1, 9)), 2, 40),  # type: ignore[misc]
        lambda: taking(times("*/15 * * * *"), 1, 9),
    ),
    "expected every day": (replace(EXTERNAL, expect_every=DAY), lambda: taking(times("0 6 * * *"), 2, 50), None),
    "Fivetran": (on("never", triggers=("fivetran",)), lambda: taking(times("0 */6 * * *"), 2, 50), None),
    "external, weekly": (EXTERNAL, lambda: taking(times("0 6 * * mon"), 2, 50), None),
    "external, monthly": (EXTERNAL, monthly, None),
    "external, quarter-hourly": (EXTERNAL, lambda: taking(times("*/15 * * * *"), 1, 12), None),
    "Airflow on weekdays": (EXTERNAL, lambda: taking(times("0 6 * * 1-5", holidays=False, zone=ZONE), 2, 50), None),
    "Airflow on weekdays in UTC": (EXTERNAL, lambda: taking(times("0 1 * * 1-5", holidays=False), 2, 50), None),
    "Airflow in business hours": (EXTERNAL, lambda: taking(times("0 8-18 * * 1-5", zone=ZONE), 2, 50), None),
    "Airflow every hour of a weekday": (EXTERNAL, lambda: taking(times("0 * * * 1-5", zone=ZONE), 2, 25), None),
    "Airflow every hour of a weekday in UTC": (EXTERNAL, lambda: taking(times("0 * * * 1-5"), 2, 25), None),
}
FAST = ("weekly", "monthly", "every six hours", "after a daily sync", "external, weekly", "Airflow on weekdays")


@cache
def year_of(kind: str) -> tuple[list[Run], list[Run] | None]:
    _, year, year_before = YEARS[kind]
    return year(), year_before() if year_before else None


def alerts(schedule: Schedule, runs: Sequence[Run], now: datetime, before: Sequence[Run] | None) -> dict[str, Outcome]:
    """What the shipped checks say at this moment, where they are evaluated and it is not healthy."""
    readings = census_numbers(runs, schedule, now, ZONE, SETTINGS.rejections, before)
    due = due_run(runs, schedule, now, ZONE, before)
    found = {}
    for check in CHECKS:
        reading = readings.get(check.metric)
        if reading and is_active(check.in_case(reading.case).active, now, ZONE, due.latest if due else None):
            found[check.name] = judge(check, reading, "Sync B").outcome
    return {name: outcome for name, outcome in found.items() if outcome is not Outcome.OK}


def seen(runs: Sequence[Run], now: datetime, begun: int) -> list[Run]:
    """The newest hundred of the first so many, as Census shows them at this moment."""
    newest = runs[max(0, begun - 100) : begun][::-1]
    return [run if run.completed_at <= now else working(run.created_at) for run in newest]  # type: ignore[operator]


def seen_at(runs: Sequence[Run], now: datetime) -> list[Run]:
    """…of all that had completed at this moment."""
    return seen(runs, now, bisect_right(runs, now, key=lambda run: run.completed_at or now))


def latest_moments(runs: Sequence[Run]) -> Iterator[tuple[int, datetime]]:
    """The last seconds in which a run is not completed, when a sync on time is as late as it gets.

    Of all runs of the year, or where those are very many of some and of each that another one does not follow closely.
    """
    ends = [run.completed_at for run in runs if run.completed_at]
    some, usual = len(ends) // 1500 + 1, sorted(b - a for a, b in pairwise(ends))[len(ends) // 2]
    for n in range(1, len(ends)):
        if ends[n] >= BEGIN and (n % some == 0 or ends[n] - ends[n - 1] > 2 * usual):
            yield n + 1, ends[n] - timedelta(seconds=1)


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in FAST else pytest.mark.full) for k in YEARS])
def test_who_is_on_time_raises_nothing_in_a_year(kind: str) -> None:
    schedule, (runs, all_before), raised = YEARS[kind][0], year_of(kind), []
    for begun, now in latest_moments(runs):
        before = None if all_before is None else seen_at(all_before, now)
        if found := alerts(schedule, seen(runs, now, begun), now, before):
            raised.append((f"{now:%a %Y-%m-%d %H:%M}", found))
    assert len(runs) >= 5
    assert raised == []


# One run that is missing, in a year that was on time: of each kind, when it was due.
WEDNESDAY = datetime(2026, 8, 5, tzinfo=UTC)
MISSED: dict[str, datetime] = {
    "daily": WEDNESDAY + 9.5 * HOUR,
    "weekly": datetime(2026, 8, 9, 23, 45, tzinfo=UTC),
    "weekdays": WEDNESDAY + 9 * HOUR,
    "a list of hours": WEDNESDAY + 7 * HOUR + 5 * MINUTE,
    "steps of a range": WEDNESDAY + 8 * HOUR + 10 * MINUTE,
    "every six hours": WEDNESDAY + 6 * HOUR,
    "monthly": datetime(2026, 8, 1, 3, tzinfo=UTC),
    "the last day of a month": datetime(2026, 8, 31, 3, tzinfo=UTC),
    "named months": datetime(2026, 7, 1, 3, tzinfo=UTC),
    "quarter-hourly by day": WEDNESDAY + 8 * HOUR,
    "after a daily sync": WEDNESDAY + 4 * HOUR,
    "expected every day": WEDNESDAY + 6 * HOUR,
    "Fivetran": WEDNESDAY + 6 * HOUR,
    "external, weekly": datetime(2026, 8, 10, 6, tzinfo=UTC),
    "external, monthly": datetime(2026, 8, 1, 5, tzinfo=UTC),
    "external, quarter-hourly": WEDNESDAY + 6 * HOUR,
    "after a quarter-hourly sync": WEDNESDAY + 6 * HOUR,
    "continuous": WEDNESDAY + 6 * HOUR,
    "hourly": WEDNESDAY + 6 * HOUR + 20 * MINUTE,
    "a cron of every hour": WEDNESDAY + 6 * HOUR + 20 * MINUTE,
    "quarter-hourly": WEDNESDAY + 6 * HOUR,
    "Airflow on weekdays": WEDNESDAY + 13 * HOUR,  # 6:00 there
    "Airflow on weekdays in UTC": WEDNESDAY + HOUR,
    "Airflow in business hours": WEDNESDAY + 15 * HOUR,
    "Airflow every hour of a weekday": WEDNESDAY + 15 * HOUR,
    "Airflow every hour of a weekday in UTC": WEDNESDAY + 15 * HOUR,
}
PROMISED = 15 * MINUTE
# Until the last run that completed, or the one before it in a sequence, has ended; by age, half an hour more.
LATER = dict.fromkeys(MISSED, timedelta(0))
LATER |= dict.fromkeys(("quarter-hourly", "hourly", "a cron of every hour", "continuous"), HOUR)
LATER |= {"after a daily sync": 1.5 * HOUR, "expected every day": HOUR}
# A rhythm is as long as its longest gap, which has the longest run at its end; and a holiday, where it had one lately.
LATER |= {
    kind: HOUR
    for kind, (schedule, *_) in YEARS.items()
    if basis_of(schedule, None) is Basis.RHYTHM and kind in LATER and not schedule.follows
}
LATER |= {"Airflow on weekdays": DAY + HOUR, "Airflow on weekdays in UTC": DAY + HOUR}


def first_alerts(kind: str, due: datetime) -> dict[Outcome, datetime]:
    """The sync stands still from this moment on: when sync_recency first says so, in the days after it."""
    schedule, (all_runs, all_before), found = YEARS[kind][0], year_of(kind), dict[Outcome, datetime]()
    runs = [run for run in all_runs if run.created_at < due - MINUTE]
    for ticks in range(12 * 24 * 3):
        now = due + ticks * 5 * MINUTE
        before = None if all_before is None else seen_at(all_before, now)
        said = alerts(schedule, seen(runs, now, len(runs)), now, before).get("sync_recency")
        if said:
            found.setdefault(said, now)
        if said is Outcome.CRITICAL:
            break
    return found


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k in FAST else pytest.mark.full) for k in YEARS])
def test_a_run_that_was_due_and_is_missing_alerts_in_time(kind: str) -> None:
    due, latest = MISSED[kind], LATER[kind] + PROMISED
    at = first_alerts(kind, due)
    assert due < at[Outcome.WARN] <= due + HOUR + latest, f"after {at[Outcome.WARN] - due}"
    assert due < at[Outcome.CRITICAL] <= due + 2 * HOUR + latest, f"after {at[Outcome.CRITICAL] - due}"
