"""What Census knows of a sync becomes numbers that can be judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.schedule import latest_time
from bot.facts import Run, RunStatus, Schedule
from bot.runtime.composition import settings_from
from bot.services.census_numbers import census_numbers, empty_runs, error_rate, next_run
from checks.model import Reading

ZONE = ZoneInfo("America/Los_Angeles")
KNOWN = settings_from({}).rejections
NOW = datetime(2026, 1, 15, 20, 0, tzinfo=UTC)  # noon there
ON = Schedule("quarter_hourly", paused=False)


def run(hours_ago: float, **changes: object) -> Run:
    done = NOW - timedelta(hours=hours_ago)
    whole = Run(1, 7, RunStatus.COMPLETED, False, "Schedule", done - timedelta(minutes=2), done, 9, 9, 9, 0, 0)
    return replace(whole, **changes)  # type: ignore[arg-type]


def readings(*runs: Run, schedule: Schedule = ON, now: datetime = NOW) -> dict[str, Reading]:
    return dict(census_numbers(runs, schedule, now, ZONE, KNOWN))


def numbers(*runs: Run, schedule: Schedule = ON, now: datetime = NOW) -> dict[str, float | None]:
    return {metric: reading.value for metric, reading in readings(*runs, schedule=schedule, now=now).items()}


def failed(hours_ago: float, error: str | None = None, **changes: object) -> Run:
    return run(hours_ago, status=RunStatus.FAILED, completed_at=None, error=error, **changes)


def test_an_idle_day_with_runs_of_no_rows_is_recent_and_has_runs() -> None:
    idle = [run(hours, records_total=0, records_updated=0, records_processed=0) for hours in (0.25, 0.5, 0.75)]
    found = {"hours_since_last_run": 0.25, "runs_today": 3, "schedule_on": 1, "failed_runs": 0, "run_overtime": 0}
    assert numbers(*idle) == found, "and no rejection rate, which nothing of it could have"
    assert numbers(*idle, run(1, records_failed=1))["error_rate"] == 0, "what was rejected before is brought again"


def test_while_runs_fail_there_is_no_rejection_rate_however_good_the_last_completed_run_was() -> None:
    assert "error_rate" not in numbers(failed(0.25), run(0.5))
    assert "error_rate" not in numbers(run(0.1, status=RunStatus.CANCELLED), failed(0.25), run(0.5))
    assert numbers(run(0.1), failed(0.25), run(0.5))["error_rate"] == 0


@pytest.mark.parametrize("what", [{"status": RunStatus.CANCELLED}, {"dry_run": True}, {"status": RunStatus.SKIPPED}])
def test_a_cancelled_dry_or_skipped_run_is_neither_activity_nor_success_nor_failure(what: dict) -> None:
    found = numbers(run(0.1, **what), run(3, records_failed=1))
    assert found == {
        "hours_since_last_run": 3,
        "runs_today": 1,
        "error_rate": 10,
        "schedule_on": 1,
        "failed_runs": 0,
        "run_overtime": 0,
    }


def test_where_no_run_counts_it_is_at_least_as_long_as_we_can_see_and_there_is_no_rate_to_judge() -> None:
    found = numbers(failed(0.25), failed(5))
    assert found["hours_since_last_run"] == pytest.approx(5.03, abs=0.01)
    assert found["runs_today"] == 0
    assert found["failed_runs"] == 2
    assert "error_rate" not in found


def test_a_sync_without_any_run_gives_no_numbers_and_says_why() -> None:
    found = readings()
    unknown = {metric for metric, reading in found.items() if reading.value is None}
    assert unknown == {"hours_since_last_run", "runs_today", "error_rate"}
    assert {found[metric].detail for metric in unknown} == {"Census knows of no run"}


def test_today_is_the_pipelines_day_and_hours_go_on_across_midnight() -> None:
    before_midnight = datetime(2026, 1, 16, 7, 50, tzinfo=UTC)  # 23:50 there, the 16th in UTC
    after_midnight = before_midnight + timedelta(minutes=20)
    late = run(0, completed_at=before_midnight)
    assert numbers(late, now=before_midnight)["runs_today"] == 1
    assert numbers(late, now=after_midnight)["runs_today"] == 0
    assert numbers(late, now=after_midnight)["hours_since_last_run"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("schedule", "on"),
    [
        (Schedule("never", paused=False), 0),
        (Schedule("hourly", paused=True), 0),
        (Schedule("never", paused=True, triggers=("fivetran",)), 0),
        (Schedule("hourly", paused=True, external=True), 0),
        (Schedule("never", paused=False, triggers=("sync_sequence",)), 1),
        (Schedule("never", paused=False, triggers=("fivetran",)), 1),
        (Schedule("never", paused=False, triggers=("dbt_cloud",)), 1),
        (Schedule("never", paused=False, triggers=("live",)), 1),
        (Schedule("never", paused=False, triggers=("on_a_full_moon",)), 1),
        (Schedule("never", paused=False, external=True), 1),
    ],
)
def test_whatever_starts_a_sync_it_is_on_unless_it_is_paused(schedule: Schedule, on: int) -> None:
    found = readings(*(run(2.0 + n) for n in range(30)), schedule=schedule)
    assert (found["schedule_on"].value, found["schedule_on"].case) == (on, "paused" if schedule.paused else None)
    by_age = schedule.frequency == "hourly" or not (schedule.triggers or schedule.external)
    assert found["hours_since_last_run"].value == (2 if by_age else 1), "judged anyway, then by its rhythm"


@pytest.mark.parametrize(
    ("updated", "failed", "invalid", "rate"),
    [(99, 1, 0, 1), (0, 0, 0, 0), (0, 5, 5, 100), (10, None, None, None), (None, 1, 1, None), (98, 2, None, 2)],
)
def test_the_error_rate_counts_what_was_tried_and_is_unknown_without_counts(
    updated: int | None, failed: int | None, invalid: int | None, rate: float | None
) -> None:
    assert error_rate(run(1, records_updated=updated, records_failed=failed, records_invalid=invalid)) == rate


def test_a_run_that_read_nothing_and_still_had_records_rejected_is_judged_by_its_rejections() -> None:
    retried = run(1, records_total=0, records_updated=0, records_failed=12, records_invalid=0)
    assert error_rate(retried) == 100
    assert error_rate(run(1, records_total=0, records_updated=None, records_failed=None)) == 0


@pytest.mark.parametrize(
    ("updated", "failed", "few"), [(0, 1, True), (10, 9, True), (10, 10, False), (0, 19, True), (11, 9, True)]
)
def test_few_records_are_told_from_many(updated: int, failed: int, few: bool) -> None:
    reading = readings(run(1, records_updated=updated, records_failed=failed))["error_rate"]
    assert (reading.case == "few_records") is few


def test_a_clock_that_is_behind_the_last_run_gives_no_negative_hours() -> None:
    assert numbers(run(-0.01))["hours_since_last_run"] == 0


def test_a_run_that_completed_in_the_future_makes_its_numbers_no_data_with_that_reason() -> None:
    found = readings(run(-2), run(1))
    assert found["schedule_on"].value == 1
    for metric in ("hours_since_last_run", "runs_today", "error_rate", "failed_runs", "run_overtime"):
        assert found[metric].value is None
        assert found[metric].detail == "run 1 completed in the future: 2026-01-15 22:00 UTC"


# Failed runs


@pytest.mark.parametrize(
    ("error", "case", "name", "cause"),
    [
        (
            "the destination refused the login: INVALID_SESSION_ID",
            "permanent",
            "INVALID_SESSION_ID",
            "Authentication error",
        ),
        ("INSUFFICIENT_ACCESS: insufficient access rights", "permanent", "INSUFFICIENT_ACCESS", "Permission error"),
        (
            "[TABLE_OR_VIEW_NOT_FOUND] the view cannot be found",
            "permanent",
            "TABLE_OR_VIEW_NOT_FOUND",
            "Configuration error",
        ),
        ("UNABLE_TO_LOCK_ROW: unable to obtain access", "transient", "UNABLE_TO_LOCK_ROW", "Transient error"),
        ("connection timed out", "transient", "connection timed out", "Transient error"),
        ("something else went wrong", None, "something else went wrong", None),
        (None, None, "Census gives no reason", None),
    ],
)
def test_a_failed_run_says_why_and_whether_that_can_pass(
    error: str | None, case: str | None, name: str, cause: str | None
) -> None:
    reading = readings(failed(0.1, error), failed(0.5, "timeout"), run(1))["failed_runs"]
    assert (reading.value, reading.case) == (2, case)
    assert name in (reading.detail or "")
    assert reading.cause == cause, "a class that says nothing is none"
    assert (reading.helps or "").endswith("."), "and what to do"
    assert reading.facts == {"runs": "last 2 runs"}


def test_a_code_of_census_itself_has_a_class_too() -> None:
    reading = readings(failed(0.1, "…", error_code="source_authentication_error"))["failed_runs"]
    assert (reading.case, reading.detail) == ("permanent", "source_authentication_error")


def test_runs_that_say_nothing_of_failure_do_not_interrupt_a_row_of_failed_ones() -> None:
    between = [run(0.2, status=RunStatus.SKIPPED), run(0.3, status=RunStatus.WORKING, completed_at=None)]
    assert numbers(failed(0.1), *between, run(0.4, dry_run=True), failed(0.5), run(1))["failed_runs"] == 2
    assert numbers(run(0.1), failed(0.2), failed(0.3))["failed_runs"] == 0


# Empty runs


def empty(*hours: float) -> list[Run]:
    return [run(one, records_total=0, records_processed=0, records_updated=0) for one in hours]


def test_empty_runs_count_from_when_records_were_seen_pending() -> None:
    reading = empty_runs(empty(0.25, 0.5, 0.75, 1, 1.25), 412, NOW - timedelta(minutes=50))
    assert reading
    assert (reading.value, reading.facts) == (3, {"pending": "412 pending records"})


@pytest.mark.parametrize(
    ("runs", "row"),
    [
        ([*empty(0.25, 0.5), run(0.75), *empty(1)], 2),
        ([run(0.1, status=RunStatus.SKIPPED), *empty(0.25)], 1),
        ([run(0.1, records_total=0, records_processed=0, records_updated=0, records_failed=3), *empty(0.25)], 0),
        ([run(0.1, records_total=None, records_processed=None, records_updated=None), *empty(0.25)], 0),
        ([], 0),
    ],
)
def test_a_run_that_took_something_ends_a_row_of_empty_ones(runs: list[Run], row: int) -> None:
    reading = empty_runs(runs, 1, NOW - timedelta(hours=9))
    assert reading
    assert reading.value == row


def test_nothing_is_said_of_empty_runs_while_the_backlog_is_unknown() -> None:
    assert empty_runs(empty(0.25), None, NOW - timedelta(hours=9)) is None
    nothing_pending = empty_runs(empty(0.25), 0, None)
    assert nothing_pending
    assert nothing_pending.value == 0


# What was due

WEEKLY = Schedule("weekly", paused=False, day="Monday", hour=9, minute=0)
MONDAY = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def late(completed: datetime | None, now: datetime, schedule: Schedule = WEEKLY) -> Reading:
    seen = [run(0, completed_at=completed, created_at=completed)] if completed else []
    return readings(*seen, schedule=schedule, now=now)["hours_since_last_run"]


def test_a_sync_of_mondays_is_late_on_monday_alone() -> None:
    done = MONDAY + timedelta(minutes=3)
    assert late(done, MONDAY + timedelta(days=5)) == Reading(0.0, case="scheduled", facts={"duration": "0 s"})
    assert late(done, MONDAY + timedelta(days=7)).value == 0
    assert late(done, MONDAY + timedelta(days=7, hours=1.5)).value == 1.5
    assert late(done, MONDAY + timedelta(days=9)).value == 48, "since the first that is missing, not the latest"


@pytest.mark.parametrize("cron", ["fortnightly", "0 0 31 2 *", None])
def test_a_schedule_that_does_not_say_when_is_judged_by_the_rhythm_of_its_runs(cron: str | None) -> None:
    unreadable = Schedule("expression", paused=False, cron=cron)
    fortnightly = [run(14 * 24 * n + 3) for n in range(6)]
    found = readings(*fortnightly, schedule=unreadable)["hours_since_last_run"]
    assert found == Reading(0.0, case="expected", facts={"duration": "0 s"})
    assert next_run(unreadable, NOW) is None


def test_while_nobody_knows_when_it_was_due_nothing_is_said_of_it() -> None:
    found = readings(*(run(24 * n + 3) for n in range(5)), schedule=Schedule("never", paused=False, external=True))
    assert {"hours_since_last_run", "runs_today"}.isdisjoint(found)


def test_where_no_run_was_completed_the_first_that_was_due_counts() -> None:
    schedule = Schedule("daily", paused=False, hour=9, minute=0)
    broken = [failed(0, created_at=MONDAY + timedelta(days=day)) for day in (2, 1, 0)]
    found = readings(*broken, schedule=schedule, now=MONDAY + timedelta(days=2, hours=3))
    assert found["hours_since_last_run"].value == 51
    assert found["runs_today"] == Reading(0.0, case="scheduled", facts={"runs": "0 runs"})


CRONS = ["0 9 * * *", "30 22 * * *", "15 0 * * *", "0 9 * * 1-5", "0 3 1 * *", "45 23 * * sun", "0 */6 * * *"]
ZONES = [ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kolkata")]


@pytest.mark.full
@given(
    st.sampled_from(CRONS),
    st.sampled_from(ZONES),
    st.integers(0, 365 * 24 * 12).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(minutes=5)),
    st.integers(1, 50),
)
@settings(max_examples=400, deadline=None)
def test_in_every_minute_of_a_year_who_is_on_time_is_not_late_and_who_missed_a_run_is(
    cron: str, zone: ZoneInfo, now: datetime, minutes: int
) -> None:
    schedule = Schedule("expression", paused=False, cron=cron)
    due = latest_time(cron, now)
    assert due
    before = latest_time(cron, due - timedelta(minutes=1))
    assert before
    took = timedelta(minutes=minutes)
    done = [run(0, created_at=at, completed_at=at + took) for at in (due, before) if at + took <= now]
    on_time = census_numbers(done, schedule, now, zone, KNOWN)
    assert on_time["hours_since_last_run"].value <= 1  # type: ignore[operator]
    if now - due >= timedelta(hours=2):
        assert on_time["runs_today"].value == 1
    missed = census_numbers([run(0, created_at=before, completed_at=before + took)], schedule, now, zone, KNOWN)
    assert missed["hours_since_last_run"].value == (now - due) / timedelta(hours=1)
    assert missed["runs_today"].value == 0
