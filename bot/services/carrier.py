"""What Census says of the sync whose backlog a record stands in, and of the record in its latest runs."""

from dataclasses import replace

from bot.alerts.rejections import IDENTIFIER, cause_of, comparable
from bot.alerts.trace import Carrier, Hop
from bot.config.syncs import SyncSettings
from bot.facts import RunStatus
from bot.ports import Census, Sources
from bot.services.look_at_sync import SyncLook, look_at
from bot.services.run_records import RecordSearch

TOO_LONG = f"Not looked for among Census' records: its identifier has more than {IDENTIFIER} characters"


def carrier_of(sources: Sources, census: Census, hop: Hop, last: Hop) -> Carrier:
    """What is known of the sync of a backlog and, in it or in the destination (`last`), of the record. Never raises."""
    sync = sources.settings.sync_named(hop.sync)
    assert sync, hop.sync
    look = look_at(sources, sync)
    carrier = _carrier(sync, look)
    completed = [run for run in look.runs if run.counts_as_sync]
    if carrier.error or not completed or not hop.key:
        return carrier
    if not comparable([hop.key]):
        return replace(carrier, remarks=(TOO_LONG,))
    records = RecordSearch(census, hop.key)
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
