"""Whether a sync keeps up: its interval, what its runs take of it, the pace toward a threshold, and advice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.capacity import AdviceKind, advice_of, interval_of, load_of, pace_of
from bot.facts import Run, RunStatus, Schedule
from checks.forms import parse_limit

NOW = datetime(2026, 11, 30, 16, tzinfo=UTC)  # a Monday
ZONE = ZoneInfo("America/Los_Angeles")
HOURLY = Schedule("hourly", paused=False, minute=0)
QUARTER = Schedule("quarter_hourly", paused=False, minute=0)


def runs(count: int, took: float, **about: object) -> list[Run]:
    """So many completed runs, newest first, of so many minutes each."""
    found = []
    for n in range(count):
        begun = NOW - timedelta(hours=n + 1)
        counts = {"records_total": 100, "records_updated": 100} | about
        end = begun + timedelta(minutes=took)
        found.append(Run(count - n, 1, RunStatus.COMPLETED, False, "Schedule", begun, end, **counts))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (QUARTER, timedelta(minutes=15)),
        (HOURLY, timedelta(hours=1)),
        (Schedule("daily", paused=False, hour=3, minute=0), timedelta(days=1)),
        (Schedule("weekly", paused=False, day="monday", hour=3, minute=0), timedelta(days=7)),
        (Schedule("expression", paused=False, cron="0 6,7,20 * * *"), timedelta(hours=1)),
        (Schedule("expression", paused=False, cron="not cron"), None),
        (Schedule("hourly", paused=False), None),
        (Schedule("never", paused=False), None),
        (Schedule("continuous", paused=False), None),
    ],
)
def test_the_interval_is_the_shortest_time_between_two_of_the_next_runs(
    schedule: Schedule, expected: timedelta | None
) -> None:
    assert interval_of(schedule, NOW) == expected


@pytest.mark.parametrize(
    ("took", "schedule", "kinds"),
    [
        (11, QUARTER, []),
        (12, QUARTER, [AdviceKind.NEARLY_TOO_LONG]),
        (15, QUARTER, [AdviceKind.NEARLY_TOO_LONG]),
        (16, QUARTER, [AdviceKind.TOO_LONG]),
        (16, HOURLY, []),
        (16, Schedule("never", paused=False, external=True), []),
        (16, None, []),
    ],
)
def test_only_runs_that_nearly_fill_their_interval_are_worth_advice(
    took: float, schedule: Schedule | None, kinds: list[AdviceKind]
) -> None:
    known = runs(5, took)
    assert [one.kind for one in advice_of(load_of("Sync B", known, schedule, NOW), known)] == kinds


def test_two_runs_say_nothing() -> None:
    load = load_of("Sync B", runs(2, 16), QUARTER, NOW)
    assert (load.usual, load.per_minute, advice_of(load, runs(2, 16))) == (None, None, ())


def test_a_run_without_records_says_nothing_of_how_long_one_takes() -> None:
    empty = runs(20, 0.1, records_total=0, records_updated=0)
    assert load_of("Sync B", [*empty, *runs(3, 9)], QUARTER, NOW).usual == timedelta(minutes=9)


@pytest.mark.parametrize(
    ("count", "offered", "written", "full", "advised"),
    [
        (3, 20_000, 12, True, True),
        (3, 20_000, 2_000, True, True),
        (3, 20_000, 2_001, True, False),
        (3, 999, 0, True, False),
        (2, 20_000, 12, True, False),
        (3, 20_000, 12, False, False),
    ],
)
def test_full_syncs_of_records_that_hardly_change_are_better_incremental(
    count: int, offered: int, written: int, *, full: bool, advised: bool
) -> None:
    known = runs(count, 2, records_total=offered, records_updated=written, full_sync=full)
    found = advice_of(load_of("Sync B", known, HOURLY, NOW), known)
    assert [one.kind for one in found] == [AdviceKind.INCREMENTAL] * advised
    assert not found or (found[0].offered, found[0].written) == (offered, written)


def daily(*values: float) -> list[tuple[datetime, float]]:
    """Each for a day, at noon, and a much higher one between two runs."""
    at = [NOW - timedelta(days=len(values) - 1 - n) for n in range(len(values))]
    return [
        pair
        for day, value in zip(at, values, strict=True)
        for pair in ((day, value), (day + timedelta(hours=1), value))
    ]


@pytest.mark.parametrize(
    ("values", "limit", "per_day", "days"),
    [
        ((100, 140, 180, 220, 260), "> 500", 40, 6),
        ((100, 101, 102, 103, 104), "> 500", 1, None),  # a year away
        ((500, 540, 580, 620, 660), "> 500", 40, None),  # it has been reached
        ((260, 220, 180, 140, 100), "> 500", None, None),
        ((100, 100, 100, 100, 100), "> 500", None, None),
        ((100, 140, 180), "> 500", None, None),  # too few days
        ((0, 0, 0, 0, 0, 0, 300), "> 500", None, None),  # the last day is not over
        ((99, 98.5, 98, 97.5, 97), "< 95%", -0.5, 4),
        ((97, 97.5, 98, 98.5, 99), "< 95%", None, None),
        ((100, 140, 180, 220, 260), "= 0", None, None),
        ((), "> 500", None, None),
    ],
)
def test_a_pace_is_known_of_what_moves_toward_its_threshold_for_days(
    values: tuple[float, ...], limit: str, per_day: float | None, days: float | None
) -> None:
    pace = pace_of("Backlog", "Sync B", daily(*values), parse_limit(limit), ZONE)
    assert (pace and pace.per_day) == (per_day if per_day is None else pytest.approx(per_day))
    found = pace.reached_in if pace else None
    assert (found and found / timedelta(days=1)) == (days if days is None else pytest.approx(days))


def test_a_backlog_that_fills_and_is_emptied_all_day_does_not_grow() -> None:
    values = [(NOW - timedelta(hours=n), float(n % 4 * 100)) for n in range(24 * 6)][::-1]
    assert pace_of("Backlog", "Sync B", values, parse_limit("> 500"), ZONE) is None
