"""Why records were rejected, in the last completed run."""

from functools import partial

from bot.alerts.rejections import Rejection, group_by_cause
from bot.answers import SyncErrors
from bot.config.syncs import SyncSettings
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Run
from bot.ports import Ports
from bot.services.each_sync import each_sync

RUNS = 100  # a page of them: among so many one has completed, or the sync is in other trouble
READ = 300  # rejected records, and as many invalid ones: three pages each, so that the answer takes seconds


def show_errors(ports: Ports, sync: SyncSettings | None) -> list[SyncErrors]:
    """The causes for this sync, or for all; what Census does not tell of one leaves the others."""
    return each_sync(ports, sync, partial(errors_of, ports))


def errors_of(ports: Ports, sync: SyncSettings) -> SyncErrors:
    """The causes for this sync, or why there are none. Never raises SyncHealthError."""
    try:
        run = next((run for run in ports.census.runs(sync.id, most=RUNS) if run.counts_as_sync), None)
    except SyncHealthError as error:
        return SyncErrors(sync.label, error=str(error))
    return errors_in(ports, sync, run) if run else SyncErrors(sync.label)


def errors_in(ports: Ports, sync: SyncSettings, run: Run) -> SyncErrors:
    """The causes in one run, or why there are none. Never raises SyncHealthError."""
    try:
        rejected = _count_records(ports, run, "rejected", run.records_failed)
        invalid = _count_records(ports, run, "invalid", run.records_invalid)
        found = _load_records(ports, run, "rejected", rejected) + _load_records(ports, run, "invalid", invalid)
    except SyncHealthError as error:
        return SyncErrors(sync.label, error=str(error))
    return SyncErrors(sync.label, run, rejected, invalid, len(found), group_by_cause(found, ports.settings.rejections))


def _count_records(ports: Ports, run: Run, status: str, known: int | None) -> int:
    return ports.census.record_count(run.id, status) if known is None else known


def _load_records(ports: Ports, run: Run, status: str, count: int) -> list[Rejection]:
    try:
        return ports.census.records(run.id, status, most=READ) if count else []
    except NotFoundError:  # not yet there, or no more: the counts are
        return []
