"""Ask Census what starts a sync, and what else is needed to say when it was due."""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.due import Basis, basis_of, rhythm_of
from bot.config.syncs import SyncSettings
from bot.errors import PermanentError, UnreadableError
from bot.facts import Run, Schedule
from bot.ports import Sources
from bot.services.census_numbers import schedule_of

RUNS = 100  # one page: a day of runs every quarter of an hour


def read_schedule(sources: Sources, sync: SyncSettings) -> Schedule:
    """When it runs, by Census and by pipeline.yml."""
    return schedule_of(sources.census.sync(sync.id), sync, sources.settings.syncs)


def runs_before(sources: Sources, schedule: Schedule) -> Sequence[Run] | None:
    """The runs of the sync that this one follows; None where it follows none, or one that we cannot see."""
    if schedule.follows is None or basis_of(schedule, ()) is not Basis.SEQUENCE:
        return None
    try:
        return sources.census.runs(schedule.follows, most=RUNS)
    except (PermanentError, UnreadableError):
        return None


def with_rhythm(sources: Sources, schedule: Schedule, runs: Sequence[Run], before: Sequence[Run] | None) -> Schedule:
    """The same with the rhythm of its runs, where that is what it is judged by."""
    is_judged = basis_of(schedule, before) is Basis.RHYTHM
    return replace(schedule, rhythm=rhythm_of(runs, sources.settings.zone)) if is_judged else schedule
