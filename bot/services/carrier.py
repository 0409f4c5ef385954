"""What Census says of the sync whose backlog a record stands in, and of the record in its latest runs."""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.offers import PERMANENT
from bot.alerts.rejections import Rejection, cause_of
from bot.alerts.trace import Carrier, Hop
from bot.config.syncs import SyncSettings
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Run, RunStatus
from bot.ports import Census, Sources
from bot.services.look_at_sync import SyncLook, look_at
from checks.model import Reading

READ = 1000  # records of a run that are looked through for one: ten pages
MOST = 2000  # …of all runs of a sync
RUNS = 3  # of a sync that are looked through for the one that wrote it


def carrier_of(sources: Sources, census: Census, hop: Hop, last: Hop) -> Carrier:
    """What is known of the sync of a backlog and, in it or in the destination (`last`), of the record. Never raises."""
    sync = sources.settings.sync_named(hop.sync)
    assert sync, hop.sync
    look = look_at(sources, sync)
    carrier = _carrier(sync, look)
    completed = [run for run in look.runs if run.counts_as_sync]
    if carrier.error or not completed or not hop.key:
        return carrier
    records = _Records(census, hop.key)
    if hop.holds and (rejected := records.lost_in(completed[0])):
        cause = cause_of(rejected.message, sources.settings.rejections)
        status = "rejected" if rejected in records.rejected else "invalid"
        return replace(carrier, cause=cause, status=status, remarks=tuple(records.remarks))
    changed, arrived = hop.changed_at if hop.holds else None, None if hop.holds else last.changed_at
    some = [run for run in completed if not changed or run.created_at >= changed]
    wrote = records.written_in([run for run in some if not arrived or run.created_at <= arrived])
    return replace(carrier, wrote=wrote, remarks=tuple(records.remarks))


def _carrier(sync: SyncSettings, look: SyncLook) -> Carrier:
    status = look.status
    if status.error or status.schedule is None:
        return Carrier(sync.name, sync.label, error=status.error or "Census did not describe it")
    failing = look.readings.get("failed_runs", Reading())
    ended = next((run for run in look.runs if run.status is RunStatus.FAILED or run.counts_as_sync), None)
    return Carrier(
        sync.name,
        sync.label,
        paused=status.schedule.paused,
        scheduled=status.schedule.enabled,
        next_run=status.next_run,
        running=status.running,
        failed=ended if ended and ended.status is RunStatus.FAILED else None,
        remedy=(failing.helps or "") if failing.case == PERMANENT else "",
        last=next((run for run in look.runs if run.counts_as_sync), None),
    )


class _Records:
    """Looks for one record among those of runs, in a bounded number of calls; `remarks` say what was not looked at."""

    def __init__(self, census: Census, key: str) -> None:
        self._census, self._key, self._left = census, key, MOST
        self.rejected: list[Rejection] = []
        self.remarks: list[str] = []

    def lost_in(self, run: Run) -> Rejection | None:
        """What became of it in this run, where that could not write it."""
        if found := self._find(run, "rejected", run.records_failed):
            self.rejected.append(found)
            return found
        return self._find(run, "invalid", run.records_invalid)

    def written_in(self, runs: Sequence[Run]) -> Run | None:
        """The newest of some runs that wrote it."""
        some = [run for run in runs if run.records_updated != 0][:RUNS]
        return next((run for run in some if self._find(run, "succeeded", run.records_updated)), None)

    def _find(self, run: Run, status: str, count: int | None) -> Rejection | None:
        most = min(READ, self._left)
        if count == 0 or most <= 0:
            return None
        try:
            records = self._census.records(run.id, status, most=most)
        except NotFoundError:
            records = []
        except SyncHealthError as error:
            self.remarks.append(f"The {status} records of run {run.id} could not be read: {error}")
            return None
        self._left -= max(len(records), 1)
        found = next((one for one in records if one.identifier == self._key), None)
        if not records and count:
            self.remarks.append(f"Census shows no {status} records of run {run.id} yet, or no longer keeps them")
        elif found is None and len(records) >= most:
            self.remarks.append(f"Not among the first {most:,} {status} records of run {run.id}")
        return found
