"""What Census says of the sync whose backlog a record stands in, and of the record in its latest runs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.alerts.rejections import Rejection, cause_of
from bot.alerts.trace import Carrier, Hop
from bot.config.syncs import SyncSettings
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Run, RunStatus
from bot.ports import Census, Sources
from bot.services.look_at_sync import SyncLook, look_at

READ = 1000  # records of a run that are looked through for one: ten pages
MOST = 2000  # …of all runs of a sync
NO_KEY = "The trace gives no key for the {}, so the records of its runs were not looked through"
RUNS = 3  # of a sync that are looked through for the one that wrote it


def carrier_of(sources: Sources, census: Census, hop: Hop, last: Hop) -> Carrier:
    """What is known of the sync of a backlog and, in it or in the destination (`last`), of the record. Never raises.

    Of a record that has arrived, the run that wrote it; else what became of it since it changed (`hop.changed_at`).
    """
    sync = sources.settings.sync_named(hop.sync)
    assert sync, hop.sync
    look = look_at(sources, sync)
    carrier = _carrier(sync, look)
    completed = [run for run in look.runs if run.counts_as_sync]
    if carrier.error or not completed:
        return carrier
    arrived, changed = last.found and not last.differences and not hop.holds, hop.changed_at
    records = _Records(census, hop.key)
    if arrived:
        before = [run for run in completed if not last.changed_at or run.created_at <= last.changed_at]
        wrote = records.written_in(before) if hop.key else None
        return replace(carrier, wrote=wrote, remarks=tuple(records.remarks))
    some = [run for run in completed if not changed or run.created_at >= changed]
    carrier = replace(carrier, since=len(some) if changed else 0)
    if not hop.key:
        return replace(carrier, remarks=(NO_KEY.format(hop.place),) * bool(some))
    if not (changed and _ended(completed[0]) < changed) and (rejected := records.lost_in(completed[0])):
        cause = cause_of(rejected.message, sources.settings.rejections)
        status = "rejected" if rejected in records.rejected else "invalid"
        return replace(carrier, cause=cause, status=status, remarks=tuple(records.remarks))
    wrote, looked = records.written_in(some), records.looked
    return replace(carrier, wrote=wrote, looked=looked, remarks=tuple(records.remarks))


def _carrier(sync: SyncSettings, look: SyncLook) -> Carrier:
    status = look.status
    if status.error or status.schedule is None:
        return Carrier(sync.name, sync.label, error=status.error or "Census did not describe it")
    ended = next((run for run in look.runs if run.status is RunStatus.FAILED or run.counts_as_sync), None)
    return Carrier(
        sync.name,
        sync.label,
        paused=status.schedule.paused,
        scheduled=status.schedule.enabled,
        next_run=status.next_run,
        running=status.running,
        failed=ended if ended and ended.status is RunStatus.FAILED else None,
        last=next((run for run in look.runs if run.counts_as_sync), None),
    )


def _ended(run: Run) -> datetime:
    return run.completed_at or run.created_at


def _unseen(records: Sequence[Rejection], count: int) -> int:
    """How many records of a run nobody can look for: without an identifier, or counted and not shown."""
    return sum(not one.identifier for one in records) + max(count - len(records), 0)


class _Records:
    """Looks for one record among those of runs, in a bounded number of calls; `remarks` say what was not looked at."""

    def __init__(self, census: Census, key: str) -> None:
        self._census, self._key, self._left = census, key, MOST
        self.rejected: list[Rejection] = []
        self.remarks: list[str] = []
        self.looked = 0  # runs, the newest, that are known to have written it or not

    def lost_in(self, run: Run) -> Rejection | None:
        """What became of it in this run, where that could not write it."""
        if found := self._find(run, "rejected", run.records_failed):
            self.rejected.append(found)
            return found
        return self._find(run, "invalid", run.records_invalid)

    def written_in(self, runs: Sequence[Run]) -> Run | None:
        """The newest of some runs that wrote it."""
        some = [run for run in runs if run.records_updated != 0][: RUNS + 1]
        self.looked = runs.index(some.pop()) if len(some) > RUNS else len(runs)
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
        elif found is None and (unseen := _unseen(records, count or 0)):
            self.remarks.append(f"Census does not identify {unseen:,} of the {status} records of run {run.id}")
        return found
