"""What Census says of the sync whose backlog a record stands in, and of the record in its latest runs."""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.offers import PERMANENT
from bot.alerts.rejections import IDENTIFIER, cause_of, comparable
from bot.alerts.trace import Carrier, Hop
from bot.config.syncs import SyncSettings
from bot.facts import Run, RunStatus
from bot.ports import Census, Sources
from bot.services.look_at_sync import SyncLook, look_at
from bot.services.run_records import RecordSearch
from checks.model import Reading

NO_KEY = "The trace gives no key for the {}, so the records of its runs were not looked through"
TOO_LONG = f"Not looked for among Census' records: its identifier has more than {IDENTIFIER} characters"


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
    records, why_not = RecordSearch(census, hop.key), _unsearchable(hop)
    if hop.holds or not last.found or last.differences:
        return _since_it_changed(sources, carrier, hop, completed, records, why_not)
    before = [run for run in completed if not last.changed_at or run.created_at <= last.changed_at]
    wrote = None if why_not else records.written_in(before)
    return replace(carrier, wrote=wrote, remarks=tuple(records.remarks) or (why_not,) * bool(hop.key and why_not))


def _since_it_changed(
    sources: Sources, carrier: Carrier, hop: Hop, completed: Sequence[Run], records: RecordSearch, why_not: str
) -> Carrier:
    """What the runs did with it that began after it changed; the newest one may also have been reading meanwhile."""
    changed, newest = hop.changed_at, completed[0]
    some = [run for run in completed if not changed or run.created_at >= changed]
    carrier = replace(carrier, since=len(some) if changed else 0)
    if why_not:
        return replace(carrier, remarks=(why_not,) * bool(some))
    is_before = changed is not None and (newest.completed_at or newest.created_at) < changed
    rejected = None if is_before else records.lost_in(newest)
    if rejected:
        cause = cause_of(rejected.message, sources.settings.rejections)
        status = "rejected" if rejected in records.rejected else "invalid"
        return replace(carrier, cause=cause, status=status, remarks=tuple(records.remarks))
    wrote, looked = records.written_in(some), records.looked
    return replace(carrier, wrote=wrote, looked=looked, remarks=tuple(records.remarks))


def _unsearchable(hop: Hop) -> str:
    """Why the record cannot be looked for among those of runs; empty: it can."""
    if not hop.key:
        return NO_KEY.format(hop.place)
    return "" if comparable([hop.key]) else TOO_LONG


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
