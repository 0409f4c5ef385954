"""What is due, or looked at, when, in the pipeline's zone: pure, and right on the days when clocks change."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.forms import Active

BEFORE_RUN = timedelta(minutes=5)  # suspect records have to be known before a run writes them
CLOSE = timedelta(hours=1)  # from the end of a run to the next one: what was measured in between is new enough
HELD_FLOOR = timedelta(minutes=15)  # while a sync is held: it waits for nothing but that its suspect records are gone
PATIENCE = timedelta(minutes=15)  # a run that ended waits so long for others that are going on
SKEW = timedelta(seconds=30)  # between the clocks of replicas
FIRST_RUN = timedelta(hours=1)  # after a recovery: what begins later makes nothing good now
LATE_START = timedelta(minutes=5)  # from the minute in which a run is due until Census shows it
CATCH_UP = timedelta(hours=2)  # the longest that a first run is waited for


@dataclass(frozen=True)
class Weekly:
    """Once a week, on a local weekday (Monday is 0) at a local time of day."""

    weekday: int
    at: time


def lies_ahead(until: datetime | None, now: datetime, length: timedelta) -> bool:
    """Whether a stored end is still to come; one further ahead than its `length` allows is void.

    It was written before the clock was set back: how much of it is left is not known.
    """
    return until is not None and now < until <= now + length + SKEW


def due_after(begin: datetime, length: timedelta, now: datetime) -> datetime:
    """When something is due a `length` after a stored beginning; now, where that end is void."""
    due = begin + length
    return due if due <= now or lies_ahead(due, now, length) else now


def is_active(active: Active, now: datetime, zone: ZoneInfo, due: datetime | None) -> bool:
    """Whether a check is evaluated now. `due` is when its sync was due last by a daily or rarer schedule.

    A check that waits for such a schedule has nothing to say where there is none, and its days are those of the runs:
    what was due on Friday evening is judged on Saturday, too.
    """
    if active.after_schedule is not None:
        if due is None or now < due + active.after_schedule:
            return False
        return due.astimezone(zone).date() in active.days
    local = now.astimezone(zone)
    return local.date() in active.days and active.begin <= local.hour * 60 + local.minute < active.end


def latest_due(at: time, now: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The latest local date on which something daily has been due by now, and the moment (UTC) when it was.

    By local date, so that it comes once a day whatever the clocks do. `at` must not lie in the first hour of the day
    nor in the one that springs forward: such a time does not exist every day.
    """
    local = now.astimezone(zone)
    day = local.date() if local.time() >= at else local.date() - timedelta(days=1)
    return day, datetime.combine(day, at, zone).astimezone(UTC)


def latest_weekly(weekly: Weekly, now: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The latest local date on which something weekly has been due by now, and the moment (UTC): see `latest_due`."""
    day, _ = latest_due(weekly.at, now, zone)
    return weekly_on(weekly, day - timedelta(days=(day.weekday() - weekly.weekday) % 7), zone)


def next_weekly(weekly: Weekly, now: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The first local date on which something weekly is due after now, and the moment (UTC)."""
    day, _ = latest_weekly(weekly, now, zone)
    return weekly_on(weekly, day + timedelta(days=7), zone)


def weekly_on(weekly: Weekly, day: date, zone: ZoneInfo) -> tuple[date, datetime]:
    """A local date, and the moment (UTC) when it is due on it."""
    return day, datetime.combine(day, weekly.at, zone).astimezone(UTC)


def warehouse_is_due(
    measured_at: datetime | None, runs_ended: Iterable[datetime], floor: timedelta, now: datetime, *, going_on: bool
) -> bool:
    """Whether a statement is worth waking the warehouse: a run ended since the last one, or that is a `floor` ago.

    While another run is `going_on` it waits, because one look after both tells as much; not for ever, because some
    syncs never rest. One that was measured in the future was measured before the clock was set back: how long ago is
    not known; what ended in the future by Census' clock is seen when that time has come.
    """
    if measured_at is None or measured_at > now or now - measured_at >= floor:
        return True
    waiting = [ended for ended in runs_ended if measured_at < ended <= now]
    return bool(waiting) and (not going_on or now - min(waiting) >= PATIENCE)


def backlog_is_due(
    next_run: datetime | None,
    run_ended: datetime | None,
    measured_at: datetime | None,
    now: datetime,
    *,
    before_every_run: bool = False,
) -> bool:
    """Whether a statement is worth it because a sync runs within five minutes and nobody knows what it would write.

    Not where the backlog was measured in these minutes, or after the last run (which ended at `run_ended`) where that
    was within an hour: a sync that runs that often wakes the warehouse for its runs alone. `before_every_run`, as
    pipeline.yml asks for where suspect records are held, takes only what was measured in these minutes.
    """
    if next_run is None or not next_run - BEFORE_RUN <= now < next_run:
        return False
    if measured_at is None or measured_at > now:
        return True
    if before_every_run:
        return measured_at < next_run - BEFORE_RUN
    is_new = run_ended is not None and run_ended <= measured_at and next_run - run_ended <= CLOSE
    return measured_at < next_run - BEFORE_RUN and not is_new


def ran_unmeasured(due: datetime | None, begun_at: datetime, measured_at: datetime | None) -> bool | None:
    """Whether a run wrote what nobody had measured in the five minutes before it was due.

    None where that run was not foreseen, as one that a person started. `measured_at` is the last time before it began.
    """
    if due is None or begun_at < due:
        return None
    return measured_at is None or measured_at < due - BEFORE_RUN


def is_being_made_good(
    recovered_at: datetime, due: datetime | None, begun_at: datetime | None, now: datetime, *, going_on: bool
) -> bool:
    """Whether the first run since a recovery is going on or about to begin, so that what was missed is no news.

    `due` is the first run on schedule since then, `begun_at` when the newest run of any kind began.
    """
    if not lies_ahead(recovered_at + CATCH_UP, now, CATCH_UP):
        return False
    has_begun = begun_at is not None and begun_at >= recovered_at
    soon = due is not None and due - recovered_at <= FIRST_RUN and now < due + LATE_START
    return going_on or (soon and not has_begun)
