"""What Census knows of a sync becomes numbers that can be judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.model import Run, RunStatus, Schedule
from bot.services.census_numbers import census_numbers, error_rate

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 1, 15, 20, 0, tzinfo=UTC)  # noon there
ON = Schedule("quarter_hourly", paused=False)


def run(hours_ago: float, **changes: object) -> Run:
    done = NOW - timedelta(hours=hours_ago)
    whole = Run(1, 7, RunStatus.COMPLETED, False, "Schedule", done - timedelta(minutes=2), done, 9, 9, 9, 0, 0)
    return replace(whole, **changes)  # type: ignore[arg-type]


def numbers(*runs: Run, schedule: Schedule = ON, now: datetime = NOW) -> dict[str, float | None]:
    return dict(census_numbers(runs, schedule, now, ZONE))


def test_an_idle_day_with_runs_of_no_rows_is_recent_and_has_runs() -> None:
    idle = [run(hours, records_updated=0, records_processed=0) for hours in (0.25, 0.5, 0.75)]
    assert numbers(*idle) == {"hours_since_last_run": 0.25, "runs_today": 3, "error_rate": 0, "schedule_on": 1}


@pytest.mark.parametrize("what", [{"status": RunStatus.CANCELLED}, {"dry_run": True}, {"status": RunStatus.SKIPPED}])
def test_a_cancelled_dry_or_skipped_run_is_neither_activity_nor_success(what: dict) -> None:
    found = numbers(run(0.1, **what), run(3, records_failed=1))
    assert found["hours_since_last_run"] == 3
    assert found["runs_today"] == 1
    assert found["error_rate"] == 10


def test_where_no_run_counts_it_is_at_least_as_long_as_we_can_see() -> None:
    failing = [run(hours, status=RunStatus.FAILED, completed_at=None) for hours in (0.25, 5)]
    found = numbers(*failing)
    assert found["hours_since_last_run"] == pytest.approx(5.03, abs=0.01)
    assert found["runs_today"] == 0
    assert found["error_rate"] is None


def test_a_sync_without_any_run_gives_no_numbers() -> None:
    assert numbers() == {"hours_since_last_run": None, "runs_today": None, "error_rate": None, "schedule_on": 1}


def test_today_is_the_pipelines_day_and_hours_go_on_across_midnight() -> None:
    before_midnight = datetime(2026, 1, 16, 7, 50, tzinfo=UTC)  # 23:50 there, the 16th in UTC
    after_midnight = before_midnight + timedelta(minutes=20)
    late = run(0, completed_at=before_midnight)
    assert numbers(late, now=before_midnight)["runs_today"] == 1
    assert numbers(late, now=after_midnight)["runs_today"] == 0
    assert numbers(late, now=after_midnight)["hours_since_last_run"] == 0.33


@pytest.mark.parametrize(
    "schedule", [Schedule("never", paused=False), Schedule("hourly", paused=True), Schedule("never", paused=True)]
)
def test_a_schedule_that_is_off_or_paused_is_none(schedule: Schedule) -> None:
    assert numbers(run(1), schedule=schedule)["schedule_on"] == 0


@pytest.mark.parametrize(
    ("updated", "failed", "invalid", "rate"),
    [(99, 1, 0, 1), (0, 0, 0, 0), (0, 5, 5, 100), (10, None, None, None), (None, 1, 1, None), (97, 2, None, 2.02)],
)
def test_the_error_rate_counts_what_was_tried_and_is_unknown_without_counts(
    updated: int | None, failed: int | None, invalid: int | None, rate: float | None
) -> None:
    assert error_rate(run(1, records_updated=updated, records_failed=failed, records_invalid=invalid)) == rate


def test_a_clock_that_is_behind_the_last_run_gives_no_negative_hours() -> None:
    assert numbers(run(-0.01))["hours_since_last_run"] == 0
