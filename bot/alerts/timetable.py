"""What is due, or looked at, when, in the pipeline's zone: pure, and right on the days when clocks change."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.model import Active


def is_active(active: Active, now: datetime, zone: ZoneInfo, due: datetime | None) -> bool:
    """Whether a check is evaluated now. `due` is when its sync was due last by a daily or rarer schedule.

    A check that waits for such a schedule has nothing to say where there is none.
    """
    if active.after_schedule is not None:
        return due is not None and now >= due + active.after_schedule
    local = now.astimezone(zone)
    return active.begin <= local.hour * 60 + local.minute < active.end


def latest_due(at: time, now: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The latest local date on which something daily has been due by now, and the moment (UTC) when it was.

    By local date, so that it comes once a day whatever the clocks do. `at` must not lie in the first hour of the day
    nor in the one that springs forward: such a time does not exist every day.
    """
    local = now.astimezone(zone)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    return day, datetime.combine(day, at, zone).astimezone(UTC)


def warehouse_is_due(
    measured_at: datetime | None, runs_ended: Iterable[datetime], floor: timedelta, now: datetime
) -> bool:
    """Whether a statement is worth waking the warehouse: a run ended since the last one, or that is a `floor` ago.

    One that was measured in the future was measured before the clock was set back: how long ago is not known.
    """
    if measured_at is None or measured_at > now:
        return True
    return now - measured_at >= floor or any(ended > measured_at for ended in runs_ended)
