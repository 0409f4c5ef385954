"""The latest runs and the schedules of the syncs."""

from collections.abc import Sequence
from functools import partial

from bot.alerts.due import Basis, basis_of
from bot.alerts.run_errors import RunError, run_error
from bot.alerts.run_time import expected_time, run_in_progress
from bot.answers.syncs import SyncRuns, SyncSchedule
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError
from bot.facts import Run, RunStatus
from bot.ports import Ports, Sources
from bot.services.census_numbers import error_rate, next_run
from bot.services.each_sync import each_sync
from bot.services.read_schedule import RUNS as MOST_RUNS
from bot.services.read_schedule import read_schedule, with_rhythm
from bot.services.remembered_census import RememberedCensus

RUNS = 10


def show_runs(ports: Ports, sync: SyncSettings | None) -> list[SyncRuns]:
    """The latest runs of this sync, or of all; what Census does not tell of one leaves the others."""
    return each_sync(ports, sync, partial(_runs_of, ports))


def show_schedules(ports: Ports) -> list[SyncSchedule]:
    """When every sync runs on its schedule; of many their list is asked for."""
    census = RememberedCensus(ports.census, ports.clock)
    census.begin([sync.id for sync in ports.settings.syncs], fresh=True)
    sources = Sources(ports.settings, ports.clock, ports.warehouse, census)
    return each_sync(sources, None, partial(_schedule_of, sources))


def _runs_of(ports: Ports, sync: SyncSettings) -> SyncRuns:
    try:
        runs = ports.census.runs(sync.id, most=MOST_RUNS)
    except SyncHealthError as error:
        return SyncRuns(sync.label, error=str(error))
    running = run_in_progress(runs, ports.clock.now())
    expected = expected_time(running, runs) if running else None
    shown = tuple((run, error_rate(run)) for run in runs[:RUNS])
    about = None if ports.settings.observes else sync
    failure = _failure_of(runs, ports.settings)
    return SyncRuns(sync.label, shown, running=running, expected=expected, sync=about, failure=failure)


def _failure_of(runs: Sequence[Run], settings: Settings) -> RunError | None:
    """Why the latest run failed that was none for show and not skipped; None where it did not fail."""
    latest = next((run for run in runs if not run.dry_run and run.status is not RunStatus.SKIPPED), None)
    failed = latest is not None and latest.status is RunStatus.FAILED
    return run_error(latest.error, latest.error_code, settings.rejections) if latest and failed else None


def _schedule_of(sources: Sources, sync: SyncSettings) -> SyncSchedule:
    try:
        schedule = read_schedule(sources, sync)
        before = () if schedule.follows else None
        if basis_of(schedule, before) is Basis.RHYTHM:
            schedule = with_rhythm(sources, schedule, sources.census.runs(sync.id, most=MOST_RUNS), before)
    except SyncHealthError as error:
        return SyncSchedule(sync.label, error=str(error))
    return SyncSchedule(sync.label, schedule, next_run(schedule, sources.clock.now()))
