"""How long a run should take, by the runs before it: pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.facts import LONGEST_RUN, Run, RunStatus, Schedule

SHORTEST = timedelta(minutes=10)  # however short runs are: Census or the destination may be busy for that long
UNKNOWN = timedelta(hours=1)  # where too few runs say how long one takes
FEWEST_RUNS = 3
COMPARED = 50  # completed runs: those that are skipped while one hangs push older ones out of what Census is asked for
FEWEST_RECORDS = 100  # what a run of fewer takes says little of the time per record
ENDED = (RunStatus.COMPLETED, RunStatus.FAILED)


def run_in_progress(runs: Sequence[Run], now: datetime) -> Run | None:
    """The run that keeps others from starting, of `runs` newest first; those that started meanwhile were skipped.

    What seems to go on since before another one ended is over: a sync has one run at a time.
    """
    going_on = None
    for run in runs:
        if run.status in ENDED:
            break
        if run.is_going_on(now):
            going_on = run
    return going_on


def expected_time(run: Run, runs: Sequence[Run], schedule: Schedule | None = None) -> timedelta:
    """The longest of the completed runs of its kind (full or incremental) in `runs`, or longer where it is larger.

    At least 10 minutes; an hour where fewer than three say it; of a sync that always runs six hours, as for its being
    late.
    """
    done = _completed(runs)
    alike = [one for one in done if one.full_sync == run.full_sync]
    usual = [_lasted(one) for one in alike]
    always = schedule is not None and (schedule.frequency == "continuous" or "live" in schedule.triggers)
    least = LONGEST_RUN if always else SHORTEST if len(usual) >= FEWEST_RUNS else UNKNOWN
    return max([least, *usual, _time_for_more(run, alike, done)])


def usual_time(runs: Sequence[Run], *, full_sync: bool = False) -> timedelta | None:
    """The median of the completed runs of this kind in `runs` that had records to write; None of fewer than three."""
    took = sorted(_lasted(one) for one in _completed(runs) if one.full_sync is full_sync and not one.took_nothing)
    return took[len(took) // 2] if len(took) >= FEWEST_RUNS else None


def _time_for_more(run: Run, alike: Sequence[Run], done: Sequence[Run]) -> timedelta:
    """What it may take for having more records than those before it, six hours at most; by the slowest known rate."""
    total, most = run.records_total or 0, max((one.records_total or 0 for one in alike), default=0)
    if total < FEWEST_RECORDS or total <= most:
        return timedelta(0)
    rates = [_lasted(one) / one.records_total for one in done if (one.records_total or 0) >= FEWEST_RECORDS]  # type: ignore[operator]
    return min(max(rates) * total, LONGEST_RUN) if rates else UNKNOWN


def _completed(runs: Sequence[Run]) -> list[Run]:
    """The latest that say how long one takes: dry runs and those without an end do not."""
    return [one for one in runs if one.counts_as_sync and one.completed_at][:COMPARED]


def _lasted(run: Run) -> timedelta:
    assert run.completed_at, "only completed runs are compared"
    return max(timedelta(0), run.completed_at - run.created_at)
