"""The latest runs and the schedules of the syncs."""

from bot.answers import SyncRuns, SyncSchedule
from bot.config.pipeline_file import SyncSettings
from bot.errors import SyncHealthError
from bot.ports import Ports
from bot.services.census_numbers import error_rate, next_run, schedule_of

RUNS = 10


def show_runs(ports: Ports, sync: SyncSettings | None) -> list[SyncRuns]:
    """The latest runs of this sync, or of all; what Census does not tell of one leaves the others."""
    return [_runs_of(ports, one) for one in ([sync] if sync else ports.settings.syncs)]


def show_schedules(ports: Ports) -> list[SyncSchedule]:
    """When every sync runs on its schedule."""
    return [_schedule_of(ports, sync) for sync in ports.settings.syncs]


def _runs_of(ports: Ports, sync: SyncSettings) -> SyncRuns:
    try:
        runs = ports.census.runs(sync.id, most=RUNS)
    except SyncHealthError as error:
        return SyncRuns(sync.label, error=str(error))
    return SyncRuns(sync.label, tuple((run, error_rate(run)) for run in runs))


def _schedule_of(ports: Ports, sync: SyncSettings) -> SyncSchedule:
    try:
        schedule = schedule_of(ports.census.sync(sync.id), sync)
    except SyncHealthError as error:
        return SyncSchedule(sync.label, error=str(error))
    return SyncSchedule(sync.label, schedule, next_run(schedule, ports.clock.now()))
