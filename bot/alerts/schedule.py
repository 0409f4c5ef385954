"""When Census runs a sync, and when it should have: its schedule as a cron expression, read in UTC."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = 5
SECOND = timedelta(seconds=1)
LEAP_YEAR = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]


def cron_of(frequency: str, *, day: str | None, hour: int | None, minute: int | None, cron: str | None) -> str | None:
    """A Census schedule as cron in UTC; None where Census does not say enough: nothing is guessed."""
    match frequency:
        case "quarter_hourly":
            return f"{(minute or 0) % 15}-59/15 * * * *"
        case "hourly" if minute is not None:
            return f"{minute} * * * *"
        case "daily" if hour is not None and minute is not None:
            return f"{minute} {hour} * * *"
        case "weekly" if hour is not None and minute is not None and (day or "").casefold()[:3] in WEEKDAYS:
            return f"{minute} {hour} * * {(day or '')[:3]}"
        case "expression":
            return cron
    return None


def next_time(cron: str, after: datetime) -> datetime | None:
    """The first minute after `after` (aware) that a cron expression of 5 fields names in UTC; None where none is.

    Raises ValueError where it cannot be read.
    """
    return next(_due_times(cron, after.astimezone(UTC)), None)


def latest_time(cron: str, now: datetime) -> datetime | None:
    """The last minute at or before `now` that a cron expression names in UTC; None where none is.

    Raises ValueError where it cannot be read.
    """
    return next(_due_times(cron, now.astimezone(UTC).replace(microsecond=0) + SECOND, reverse=True), None)


@lru_cache(maxsize=256)
def runs_every_hour(cron: str) -> bool:
    """Whether an expression names a minute of every hour of every day: no two that it names are over an hour apart.

    Raises ValueError where it cannot be read.
    """
    times = _due_times(cron, datetime(2028, 1, 1, tzinfo=UTC))
    return len(times.hours) == 24 and len(times.months) == 12 and all(map(times.match_day, LEAP_YEAR))


def _due_times(cron: str, begin: datetime, *, reverse: bool = False) -> CronSim:
    if len(cron.split()) != FIELDS:
        raise ValueError(f"{cron!r} does not have 5 fields")
    try:
        return CronSim(cron, begin, reverse=reverse)
    except CronSimError as error:
        raise ValueError(f"{cron!r}: {error}") from error
