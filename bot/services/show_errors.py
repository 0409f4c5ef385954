"""Why records were rejected, in the last completed run."""

from dataclasses import dataclass
from functools import partial

from bot.alerts.rejections import Rejection, group_by_cause
from bot.answers.syncs import SyncErrors
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError
from bot.facts import Run
from bot.ports import Ports
from bot.services.each_sync import each_sync
from bot.services.run_records import records_of

RUNS = 100  # a page of them: among so many one has completed, or the sync is in other trouble
READ = 300  # rejected records, and as many invalid ones: three pages each, so that the answer takes seconds


def show_errors(ports: Ports, sync: SyncSettings | None) -> list[SyncErrors]:
    """The causes for this sync, or for all; what Census does not tell of one leaves the others."""
    return each_sync(ports, sync, partial(errors_of, ports))


@dataclass(frozen=True)
class LastRejections:
    """What the last completed run of a sync could not write; `run` is None where none completed lately."""

    run: Run | None = None
    rejected: int = 0
    invalid: int = 0
    found: tuple[Rejection, ...] = ()  # those that were read
    error: str | None = None  # why nothing is known


def errors_of(ports: Ports, sync: SyncSettings) -> SyncErrors:
    """The causes for this sync, or why there are none. Never raises SyncHealthError."""
    return _by_cause(ports, sync, last_rejections(ports, sync))


def errors_in(ports: Ports, sync: SyncSettings, run: Run) -> SyncErrors:
    """The causes in one run, or why there are none. Never raises SyncHealthError."""
    return _by_cause(ports, sync, _rejections_in(ports, run))


def last_rejections(ports: Ports, sync: SyncSettings) -> LastRejections:
    """The records that its last completed run could not write, or why none are known. Never raises SyncHealthError."""
    try:
        run = next((run for run in ports.census.runs(sync.id, most=RUNS) if run.counts_as_sync), None)
    except SyncHealthError as error:
        return LastRejections(error=str(error))
    return _rejections_in(ports, run) if run else LastRejections()


def _rejections_in(ports: Ports, run: Run) -> LastRejections:
    try:
        rejected = _count_records(ports, run, "rejected", run.records_failed)
        invalid = _count_records(ports, run, "invalid", run.records_invalid)
        found = records_of(ports.census, run, "rejected", rejected, most=READ)
        found += records_of(ports.census, run, "invalid", invalid, most=READ)
    except SyncHealthError as error:
        return LastRejections(error=str(error))
    return LastRejections(run, rejected, invalid, tuple(found))


def _by_cause(ports: Ports, sync: SyncSettings, last: LastRejections) -> SyncErrors:
    if last.error:
        return SyncErrors(sync.label, error=last.error)
    groups = group_by_cause(last.found, ports.settings.rejections)
    return SyncErrors(sync.label, last.run, last.rejected, last.invalid, len(last.found), groups)


def _count_records(ports: Ports, run: Run, status: str, known: int | None) -> int:
    return ports.census.record_count(run.id, status) if known is None else known
