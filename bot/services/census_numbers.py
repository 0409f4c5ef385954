"""What Census knows of a sync → the numbers that checks judge: pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.schedule import cron_of, next_time
from bot.model import Run, Schedule

METRICS = frozenset({"hours_since_last_run", "runs_today", "error_rate", "schedule_on"})


def census_numbers(
    runs: Sequence[Run], schedule: Schedule, now: datetime, zone: ZoneInfo
) -> Mapping[str, float | None]:
    """Numbers by metric, None where there is none; `runs` are the newest hundred or so, newest first."""
    syncs = [run for run in runs if run.counts_as_sync and run.completed_at]
    today = now.astimezone(zone).date()
    return {
        "hours_since_last_run": _hours_since(syncs, runs, now),
        "runs_today": float(sum(_completed(run).astimezone(zone).date() == today for run in syncs)) if runs else None,
        "error_rate": error_rate(syncs[0]) if syncs else None,
        "schedule_on": float(schedule.enabled),
    }


def error_rate(run: Run) -> float | None:
    """(failed + invalid) / (updated + failed + invalid) in percent; no rows: 0; None where Census gives no counts."""
    if run.records_total == 0:
        return 0.0
    if run.records_updated is None or run.records_failed is None:
        return None
    rejected = run.records_failed + (run.records_invalid or 0)
    tried = run.records_updated + rejected
    return round(100 * rejected / tried, 2) if tried else 0.0


def next_run(schedule: Schedule, now: datetime) -> datetime | None:
    """When Census starts it next; None where that is never, always, or not to be known."""
    if not schedule.enabled:
        return None
    s = schedule
    cron = cron_of(s.frequency, day=s.day, hour=s.hour, minute=s.minute, cron=s.cron)
    try:
        return next_time(cron, now) if cron else None
    except ValueError:  # a form of cron that we do not read: nothing is guessed
        return None


def _hours_since(syncs: Sequence[Run], runs: Sequence[Run], now: datetime) -> float | None:
    """Since the last run that counts; where none of those we see does, at least since the oldest of them."""
    if syncs:
        return round(max(0.0, (now - _completed(syncs[0])).total_seconds()) / 3600, 2)
    return round((now - runs[-1].created_at).total_seconds() / 3600, 2) if runs else None


def _completed(run: Run) -> datetime:
    assert run.completed_at, "only completed runs are counted"
    return run.completed_at
