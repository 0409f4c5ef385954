"""Whether a sync keeps up, in numbers: run duration against the schedule, growth against a threshold; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median
from zoneinfo import ZoneInfo

from bot.alerts.due import cron_in
from bot.alerts.run_time import usual_time
from bot.alerts.schedule import next_time
from bot.alerts.trends import trend_of
from bot.facts import Run, Schedule
from checks.forms import Limit

NEARLY = 0.8  # of the interval: less leaves time for a slow run
TIMES = 10  # runs of a cron expression whose shortest interval counts
FEWEST_FULL = 3  # full syncs, before anything is said of them
MANY = 1_000  # records that a full sync offers: fewer are not worth a change
UNCHANGED = 0.9  # share of them that it did not have to write
FEWEST_DAYS, HORIZON = 4, timedelta(days=30)  # of values, before a pace is known; what is further away is no news
DAY = timedelta(days=1)
Values = Sequence[tuple[datetime, float]]


class AdviceKind(StrEnum):
    """What the numbers of a sync suggest."""

    TOO_LONG = "too_long"  # runs take longer than the interval, so that some are skipped
    NEARLY_TOO_LONG = "nearly_too_long"
    INCREMENTAL = "incremental"  # full syncs of records that hardly change


@dataclass(frozen=True)
class Advice:
    """A change worth making to a sync, with the numbers that say so."""

    kind: AdviceKind
    sync: str
    usual: timedelta | None = None
    interval: timedelta | None = None
    per_minute: float | None = None  # records that a run writes
    offered: int | None = None  # by a full sync, and of them written: medians
    written: int | None = None


@dataclass(frozen=True)
class SyncLoad:
    """How much of its schedule a sync uses. None: too few runs say it, or it has no fixed interval."""

    sync: str
    usual: timedelta | None
    interval: timedelta | None
    per_minute: float | None

    @property
    def share(self) -> float | None:
        """Of the interval that a usual run takes."""
        return self.usual / self.interval if self.usual and self.interval else None


@dataclass(frozen=True)
class Pace:
    """A number that moves toward its threshold, by day; `reached_in` at this pace, None where that is far away."""

    title: str
    sync: str | None
    value: float
    limit: str
    per_day: float
    reached_in: timedelta | None


def load_of(sync: str, runs: Sequence[Run], schedule: Schedule | None, now: datetime) -> SyncLoad:
    """What its runs (newest first) take of its interval; runs that had nothing to write say nothing of it."""
    full = bool(runs) and all(run.full_sync for run in runs)
    interval = interval_of(schedule, now) if schedule else None
    return SyncLoad(sync, usual_time(runs, full_sync=full), interval, _per_minute(runs))


def interval_of(schedule: Schedule, now: datetime) -> timedelta | None:
    """The shortest time between two of its next runs; None where it has no schedule that says so."""
    cron = cron_in(schedule)
    if cron is None:
        return None
    times = [now]
    while len(times) <= TIMES and (following := next_time(cron, times[-1])):
        times.append(following)
    return min((later - earlier for earlier, later in pairwise(times[1:])), default=None)


def advice_of(load: SyncLoad, runs: Sequence[Run]) -> tuple[Advice, ...]:
    """What to change about a sync, only where its numbers say so."""
    found = []
    if load.share is not None and load.share >= NEARLY:
        kind = AdviceKind.TOO_LONG if load.share > 1 else AdviceKind.NEARLY_TOO_LONG
        found.append(Advice(kind, load.sync, load.usual, load.interval, load.per_minute))
    full = [run for run in runs if run.counts_as_sync and run.full_sync and run.records_total is not None]
    known = [(run.records_total or 0, run.records_updated) for run in full if run.records_updated is not None]
    if len(known) >= FEWEST_FULL:
        offered, written = (round(median(of)) for of in zip(*known, strict=True))
        if offered >= MANY and offered - written >= offered * UNCHANGED:
            found.append(Advice(AdviceKind.INCREMENTAL, load.sync, offered=offered, written=written))
    return tuple(found)


def pace_of(title: str, sync: str | None, values: Values, limit: Limit, zone: ZoneInfo) -> Pace | None:
    """How fast a number moves toward its threshold; None where it does not, or too few days say so.

    Of a backlog, which fills and is emptied all day, the lowest value of each local day counts; of what should stay
    high, the highest.
    """
    sign = 1 if limit.rises else -1
    if not values or limit.comparison in ("=", "!="):
        return None
    best = [(at, sign * value) for at, value in _best_by_day(values, sign, zone).values()]
    toward = [later > earlier for (_, earlier), (_, later) in pairwise(best)]
    steady = len(best) >= FEWEST_DAYS and sum(toward) * 2 >= len(toward)  # one day, such as half of today, is no trend
    trend = trend_of(best) if steady else None
    if trend is None or trend.drained >= 0:
        return None
    value = sign * best[-1][1]
    per_day = -trend.drained / (trend.over / DAY)
    left = sign * (limit.number - value)
    days = left / per_day
    reached_in = timedelta(days=days) if 0 < days <= HORIZON / DAY else None
    return Pace(title, sync, value, str(limit), sign * per_day, reached_in)


def _best_by_day(values: Values, sign: int, zone: ZoneInfo) -> Mapping[date, tuple[datetime, float]]:
    best: dict[date, tuple[datetime, float]] = {}
    for at, value in values:
        day = at.astimezone(zone).date()
        if day not in best or sign * value < sign * best[day][1]:
            best[day] = at, value
    return best


def _per_minute(runs: Sequence[Run]) -> float | None:
    """Records that a run writes in a minute: the median of those that wrote some."""
    rates = [
        run.records_updated / (took.total_seconds() / 60)
        for run in runs
        if run.counts_as_sync and run.completed_at and run.records_updated
        if (took := run.completed_at - run.created_at) > timedelta(0)
    ]
    return median(rates) if len(rates) >= FEWEST_FULL else None
