"""Which run of a sync was due, and when: by its schedule, the sync it follows, or its own rhythm.

A sync is late by what was due. Only one that runs every hour or more often is judged by its age.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from bot.alerts.schedule import cron_of, latest_time, next_time, runs_every_hour
from bot.facts import LONGEST_RUN, Rhythm, Run, Schedule
from checks.model import Situation

FREQUENT = ("quarter_hourly", "hourly")
SEQUENCE = "sync_sequence"
NEXT_BEGINS = timedelta(minutes=15)  # from the end of a run to the one that it starts, at most
PAGE = 100  # runs that we see at most
FEWEST_GAPS = 5  # between completed runs, before anything is said of a rhythm
IN_SIGHT = timedelta(hours=23)  # …and the least that they span: a shorter rest at night is seen, or is no hour long
MOST_DAYS = timedelta(hours=36)  # between two runs, usually: that one runs on most days and may rest at weekends
MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - of a wall clock
WEEK, WORKWEEK = timedelta(days=7), timedelta(days=5)
MINUTE = timedelta(minutes=1)


class Basis(StrEnum):
    """What a sync is judged by."""

    AGE = "age"  # of its last completed run
    SCHEDULE = "schedule"  # rarer than every hour
    CONTINUOUS = "continuous"  # each run begins when the one before has ended
    SEQUENCE = "sequence"  # the completed runs of another sync
    EXPECT_EVERY = "expect_every"  # of pipeline.yml
    RHYTHM = "rhythm"  # what it did lately


@dataclass(frozen=True)
class Due:
    """Which run was due: the latest one, and the first that no completed run has followed. None: none was."""

    latest: datetime | None
    missed: datetime | None
    case: Situation = "scheduled"


def basis_of(schedule: Schedule, before: Sequence[Run] | None) -> Basis:
    """What a sync is judged by; `before` are the runs of the sync it follows, None where they are not known.

    Every hour and every quarter of an hour are judged by age, as is a cron expression that runs every hour of every
    day; with any longer interval, such as nights or weekends without a run, it is judged by what was due. Without a
    schedule that can be read, by what else starts it; where nothing does, nothing is due, and age is all there is.
    """
    if schedule.expect_every:
        return Basis.EXPECT_EVERY
    if schedule.frequency == "continuous":
        return Basis.CONTINUOUS
    if schedule.frequency in FREQUENT:
        return Basis.AGE
    if cron := cron_in(schedule):
        return Basis.AGE if runs_every_hour(cron) else Basis.SCHEDULE
    if before is not None and SEQUENCE in schedule.triggers:
        return Basis.SEQUENCE
    is_off = schedule.frequency == "never" and not schedule.triggers and not schedule.external
    return Basis.AGE if is_off else Basis.RHYTHM


def due_run(
    runs: Sequence[Run], schedule: Schedule, now: datetime, zone: tzinfo, before: Sequence[Run] | None = None
) -> Due | None:
    """Which run was due; None where that is not known, or its age counts. `runs` and `before` are newest first."""
    match basis_of(schedule, before):
        case Basis.SCHEDULE if cron := cron_in(schedule):
            return _by_cron(runs, cron, now)
        case Basis.SEQUENCE:
            return _after_another(runs, before or (), now)
        case Basis.CONTINUOUS if runs:
            return _by(_continues_by(runs, now), runs, now)
        case Basis.EXPECT_EVERY if runs and schedule.expect_every:
            return _by(_seen_since(runs) + schedule.expect_every, runs, now)
        case Basis.RHYTHM if expected := _expected_by(runs, zone):
            return _by(expected, runs, now, "expected")
    return None


def cron_in(schedule: Schedule) -> str | None:
    """Its schedule as cron in UTC; None where it has none, or one that never comes or cannot be read."""
    s = schedule
    cron = cron_of(s.frequency, day=s.day, hour=s.hour, minute=s.minute, cron=s.cron)
    try:
        return cron if cron and next_time(cron, datetime(2028, 1, 1, tzinfo=UTC)) else None
    except ValueError:  # a form of cron that we do not read: nothing is guessed
        return None


def rhythm_of(runs: Sequence[Run], zone: tzinfo) -> Rhythm | None:
    """The longest time between two completed runs, of all that we see; None where we see too little.

    Saturdays and Sundays (of this zone) are left out where it runs on most days and none of its runs completed on
    one of them: the hundred runs that we see of an hourly sync are four days, which need not hold a weekend. What is
    longer than anything we see, such as the first holiday, is late; `expect_every` in pipeline.yml says better.
    """
    ends = sorted(_completions(runs))
    if len(ends) >= PAGE and ends[-1] - ends[0] < IN_SIGHT:
        return Rhythm(IN_SIGHT, weekdays=True)  # it runs all the time, and we do not see as far as its nights
    if len(ends) <= FEWEST_GAPS or ends[-1] - ends[0] < IN_SIGHT:
        return None
    gaps = [end - begin for begin, end in pairwise(ends)]
    if sorted(gaps)[len(gaps) // 2] > MOST_DAYS or any(end.astimezone(zone).weekday() >= 5 for end in ends):
        return Rhythm(max(gaps))
    worked = [_in_workweeks(end, zone) for end in ends]
    return Rhythm(max(end - begin for begin, end in pairwise(worked)), weekdays=True)


def _by_cron(runs: Sequence[Run], cron: str, now: datetime) -> Due:
    missed = next_time(cron, _seen_since(runs) if runs else now)
    return Due(latest_time(cron, now), missed if missed and missed <= now else None)


def _after_another(runs: Sequence[Run], before: Sequence[Run], now: datetime) -> Due | None:
    """Due whenever a run of the sync before it has completed; where none is seen to, nobody knows what was due."""
    due = sorted(end for end in _completions(before) if end <= now)
    if not due:
        return None
    since = _seen_since(runs, NEXT_BEGINS) if runs else now
    return Due(due[-1], next((end for end in due if end > since), None))


def _by(end: datetime, runs: Sequence[Run], now: datetime, case: Situation = "scheduled") -> Due:
    """Due again at this `end`: what was due before it is the latest run that completed."""
    missed = end if end <= now else None
    return Due(missed or next(iter(_completions(runs)), None), missed, case)


def _continues_by(runs: Sequence[Run], now: datetime) -> datetime:
    """When the next run of a continuous sync is due.

    One in progress that began when it was due has the time of the longest run that we see, six hours at least: it
    is not late for being long. One that began later than that makes nothing good until it has completed.
    """
    due = _seen_since(runs) + NEXT_BEGINS
    going_on = next((run for run in runs if run.is_going_on(now)), None)
    if going_on is None or going_on.created_at > due:
        return due
    lasted = [run.completed_at - run.created_at for run in runs if run.counts_as_sync and run.completed_at]
    return max(due, going_on.created_at + max([LONGEST_RUN, *lasted]))


def _expected_by(runs: Sequence[Run], zone: tzinfo) -> datetime | None:
    """When the next run is to be expected by its rhythm.

    Where it rests at weekends, by those of the pipeline's zone or of UTC, in which schedulers reckon; the later, if
    it rests at both.
    """
    found = [(rhythm, each) for each in (zone, UTC) if (rhythm := rhythm_of(runs, each))]
    resting = [one for one in found if one[0].weekdays]
    last = next(iter(_completions(runs)), None)
    return max((_later(last, *one) for one in resting or found if last), default=None)


def _later(moment: datetime, rhythm: Rhythm, zone: tzinfo) -> datetime:
    if not rhythm.weekdays:
        return moment + rhythm.longest
    weeks, rest = divmod(_in_workweeks(moment, zone) + rhythm.longest, WORKWEEK)
    return (MONDAY + weeks * WEEK + rest).replace(tzinfo=zone).astimezone(UTC)


def _in_workweeks(moment: datetime, zone: tzinfo) -> timedelta:
    """The time from Monday to Friday that has gone by since some Monday, on the wall clock of this zone."""
    weeks, rest = divmod(moment.astimezone(zone).replace(tzinfo=None) - MONDAY, WEEK)
    return weeks * WORKWEEK + min(rest, WORKWEEK)


def _seen_since(runs: Sequence[Run], starts: timedelta = MINUTE) -> datetime:
    """The end of the last completed run; where we see none, before what started the oldest run that we see."""
    return next(iter(_completions(runs)), runs[-1].created_at - starts)


def _completions(runs: Sequence[Run]) -> list[datetime]:
    return [run.completed_at for run in runs if run.counts_as_sync and run.completed_at]
