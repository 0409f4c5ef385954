"""How long a run should take, and what is said of one that takes longer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.run_time import expected_time, run_in_progress, usual_time
from bot.facts import Run, RunStatus, Schedule
from bot.runtime.composition import settings_from
from bot.services.census_numbers import census_numbers, run_overtime
from checks.judge import judge
from checks.model import Outcome, Result

NOW = datetime(2026, 1, 15, 20, 0, tzinfo=UTC)
QUARTER_HOURLY = Schedule("quarter_hourly", paused=False)
SHIPPED = settings_from({})
LONG_RUN = SHIPPED.check_called("long_run")
assert LONG_RUN


def minutes(span: float) -> timedelta:
    return timedelta(minutes=span)


def done(hours_ago: float, took: float, records: int | None = 5, **changes: object) -> Run:
    """A completed run that took so many minutes."""
    begun = NOW - timedelta(hours=hours_ago)
    one = Run(1, 7, RunStatus.COMPLETED, False, "Schedule", begun, begun + minutes(took), records, records, records)
    return replace(one, **changes)  # type: ignore[arg-type]


def going_on(took: float, status: RunStatus = RunStatus.WORKING, **changes: object) -> Run:
    one = Run(9, 7, status, False, "Schedule", NOW - minutes(took))
    return replace(one, **changes)  # type: ignore[arg-type]


def usual(*took: float) -> list[Run]:
    return [done(2 + n, one) for n, one in enumerate(took)]


def found(*runs: Run, schedule: Schedule = QUARTER_HOURLY) -> Result:
    return judge(LONG_RUN, run_overtime(runs, schedule, NOW), "Sync B")


def test_a_run_beyond_twice_what_is_expected_is_a_warning_and_beyond_four_times_critical() -> None:
    before = usual(2, 3, 1)
    assert found(going_on(19.9), *before).outcome is Outcome.OK
    warned = found(going_on(21), *before)
    assert (warned.outcome, warned.summary) == (
        Outcome.WARN,
        "Sync B has been running for 21 min (expected 10 min or less)",
    )
    assert found(going_on(42), *before).outcome is Outcome.CRITICAL
    assert [found(going_on(took), *before).value for took in (5, 25, 40)] == [0.5, 2.5, 4.0]


def test_a_queued_run_that_does_not_start_is_the_same() -> None:
    said = found(going_on(42, RunStatus.QUEUED), *usual(2, 3, 1))
    assert said.outcome is Outcome.CRITICAL
    assert said.summary == "Sync B has been queued for 42 min (expected 10 min or less)"


def test_without_a_run_in_progress_it_is_healthy() -> None:
    for runs in ([], usual(90, 3, 1), [done(1, 5, status=RunStatus.FAILED)]):
        assert (found(*runs).outcome, found(*runs).value) == (Outcome.OK, 0)
        assert found(*runs).summary == "No run of Sync B takes longer than expected"


def test_the_longest_run_before_it_says_what_is_expected() -> None:
    assert expected_time(going_on(1), usual(25, 3, 1)) == minutes(25)
    assert expected_time(going_on(1), usual(9, 3, 1)) == minutes(10)
    assert expected_time(going_on(1), usual(-3, -2, -1)) == minutes(10), "clocks that disagree"


@pytest.mark.parametrize(
    "other",
    [
        {"dry_run": True},
        {"full_sync": True},
        {"status": RunStatus.CANCELLED},
        {"status": RunStatus.FAILED},
        {"completed_at": None},
    ],
)
def test_runs_of_another_kind_say_nothing_of_it(other: dict) -> None:
    assert expected_time(going_on(1), [done(1, 300, **other), *usual(2, 3, 1)]) == minutes(10)


def test_a_full_sync_is_compared_with_full_syncs() -> None:
    full = [replace(run, full_sync=True) for run in usual(150, 140, 145)]
    assert expected_time(going_on(1, full_sync=True), [*full, *usual(1, 1, 1)]) == minutes(150)


@pytest.mark.parametrize(
    ("before", "expected"), [([], 60), ([2.0, 3.0], 60), ([2.0, 200.0], 200), ([2.0, 3.0, 1.0], 10)]
)
def test_with_fewer_than_three_runs_an_hour_is_expected(before: list[float], expected: float) -> None:
    assert expected_time(going_on(1), usual(*before)) == minutes(expected)


@pytest.mark.parametrize(
    "schedule", [Schedule("continuous", paused=False), Schedule("never", False, triggers=("live",))]
)
def test_a_sync_that_always_runs_is_not_late_for_being_long(schedule: Schedule) -> None:
    assert found(going_on(11 * 60), *usual(2, 3, 1), schedule=schedule).outcome is Outcome.OK
    assert found(going_on(12 * 60), *usual(2, 3, 1), schedule=schedule).outcome is Outcome.WARN


def test_a_run_of_more_records_has_the_time_that_they_take_at_the_slowest_known_rate() -> None:
    before = [done(2, 4, 200), done(3, 2, 200), done(4, 1, 5)]
    assert expected_time(going_on(1, records_total=2_000), before) == minutes(40)
    assert expected_time(going_on(1, records_total=200), before) == minutes(10), "no more than before"
    assert expected_time(going_on(1, records_total=None), before) == minutes(10)
    assert expected_time(going_on(1, records_total=10**7), before) == timedelta(hours=6), "and not without end"
    large = [*before, done(5, 12, 2_000)]
    assert expected_time(going_on(1, records_total=2_000), large) == minutes(12), "one of that size says it better"


def test_runs_of_few_records_say_nothing_of_the_time_per_record() -> None:
    before = [done(2 + n, 1, 1) for n in range(3)]  # a minute each, for one record
    assert expected_time(going_on(1, records_total=900), before) == minutes(60), "as where nothing says it"
    assert expected_time(going_on(1, records_total=99), before) == minutes(10)
    unknown = [done(2 + n, 1, None) for n in range(3)]
    assert expected_time(going_on(1, records_total=900), unknown) == minutes(60)


def test_a_first_full_sync_has_the_time_that_incremental_runs_say() -> None:
    before = [done(2 + n, 10, 500) for n in range(5)]
    assert expected_time(going_on(1, records_total=9_000, full_sync=True), before) == minutes(180)


def test_runs_that_were_skipped_meanwhile_do_not_hide_it_and_one_that_ended_since_does() -> None:
    stuck = going_on(90)
    skipped = [going_on(15 * n, RunStatus.SKIPPED) for n in range(1, 5)]
    assert run_in_progress([*skipped, stuck, *usual(1, 1, 1)], NOW) == stuck
    assert run_in_progress([*skipped, done(0.2, 2), stuck], NOW) is None, "Census never said how that one ended"
    assert run_in_progress([done(0.2, 2, status=RunStatus.FAILED), stuck], NOW) is None, "nor of that one"
    assert run_in_progress([going_on(1, RunStatus.QUEUED), stuck], NOW) == stuck, "it keeps the other one back"
    assert run_in_progress([going_on(1, RunStatus.CANCELLED), stuck], NOW) == stuck
    assert run_in_progress([going_on(7 * 60, RunStatus.UNKNOWN)], NOW) is None, "given up after six hours"


def test_what_is_usual_is_the_middle_of_the_runs_that_had_records_to_write() -> None:
    slow, idle = done(1, 300), [done(10 + n, 0.1, 0) for n in range(20)]
    assert usual_time([slow, *usual(4, 6, 5), *idle]) == minutes(6), "of 4, 5, 6 and 300 minutes"
    assert usual_time([*usual(4, 6, 5), *idle]) == minutes(5)
    unknown = [done(2 + n, 5, None) for n in range(3)]
    assert usual_time(unknown) == minutes(5), "Census gives no counts, so nobody knows that they had none"


def test_with_fewer_than_three_runs_of_its_kind_nobody_knows_what_is_usual() -> None:
    full = [done(20, 90, full_sync=True), done(30, 60, full_sync=True)]
    dry, failed = done(5, 1, dry_run=True), done(6, 1, status=RunStatus.FAILED)
    assert usual_time([*usual(4, 6), *full, dry, failed, going_on(3)]) is None
    assert usual_time(usual(4, 6, 5), full_sync=True) is None
    assert usual_time([*full, done(40, 70, full_sync=True), *usual(4, 6, 5)], full_sync=True) == minutes(70)


def test_nothing_is_known_of_it_without_the_schedule() -> None:
    reading = census_numbers([going_on(300)], None, NOW, ZoneInfo("UTC"), SHIPPED.rejections)["run_overtime"]
    assert (reading.value, reading.detail) == (None, "the schedule of the sync cannot be read")


def test_a_clock_that_is_behind_census_gives_no_negative_time() -> None:
    assert found(going_on(-2), *usual(1, 1, 1)).value == 0


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.floats(1, 300)), min_size=3, max_size=100),
    st.integers(0, 30_000),
    st.floats(0.8, 1),
)
@settings(deadline=None)
def test_runs_of_any_size_at_a_steady_rate_are_healthy_to_their_end(
    before: list[tuple[int, float]], records: int, slowness: float
) -> None:
    """50 records a minute, up to five minutes for each beginning, and this run a fifth slower than all before."""

    def time_for(records: int, begins: float) -> float:
        return begins / 60 + records / 50

    runs = [done(2 + n, time_for(size, begins), size) for n, (size, begins) in enumerate(before)]
    largest = max(size for size, _ in before)
    takes = time_for(records, 300) / slowness
    known = largest >= 100 or records < 100
    if known and takes <= 6 * 60:
        assert found(going_on(takes, records_total=records), *runs).outcome is Outcome.OK


def test_what_is_skipped_while_a_run_hangs_does_not_change_what_is_expected_of_it() -> None:
    """An alert that opened would resolve while its run still hangs."""
    hung = replace(going_on(50), records_total=352)
    before = [*(done(2 + n, 1) for n in range(98)), done(100, 12, records=400)]
    skipped = [replace(done(0, 0), status=RunStatus.SKIPPED)] * 40
    [first, later] = (expected_time(hung, [*more, hung, *before][:100]) for more in ([], skipped))
    assert first == later
