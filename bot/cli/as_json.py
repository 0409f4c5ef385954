"""What the commands answer with --json; times are written by `print_json`."""

from collections.abc import Iterable
from dataclasses import asdict
from statistics import median
from zoneinfo import ZoneInfo

from bot.alerts.model import Incident
from bot.alerts.trace import Hop, detail_of
from bot.answers.history import Replay, Replayed, Snapshot
from bot.answers.operations import BotStatus, WarehouseDay
from bot.answers.trace import Arrival, LogLook, Trace
from bot.facts import SyncStatus
from bot.messages.text import without_braces
from bot.model import Evaluation


def evaluation_as_json(evaluation: Evaluation, incidents: Iterable[Incident]) -> dict[str, object]:
    """A validation, and what is open after it."""
    shown = ("sync", "outcome", "value", "warn", "critical", "summary", "error", "runbook")
    return {
        **_picked(evaluation, "outcome", "checked_at", "statements", "seconds"),
        "checks": [{"name": result.check, **_picked(result, *shown)} for result in evaluation.results],
        "problems": evaluation.problems,
        "syncs": [_sync(sync) for sync in evaluation.syncs],
        "incidents": [_incident(incident) for incident in incidents],
    }


def _sync(sync: SyncStatus) -> dict[str, object]:
    return {
        **_picked(sync, "name", "label"),
        "pending": sync.queue,
        "suspect": sync.suspicious,
        "paused": sync.schedule.paused if sync.schedule else None,
        "schedule": sync.schedule.frequency if sync.schedule else None,
        "last_completed_at": sync.last_sync.completed_at if sync.last_sync else None,
        "next_run_at": sync.next_run,
        **_picked(sync, "error_rate", "error"),
    }


def _incident(incident: Incident) -> dict[str, object]:
    """An `id` of null: it would be opened, were this no dry run."""
    return {
        "id": incident.id if incident.id > 0 else None,
        **_picked(incident, "check", "sync", "severity", "state", "summary", "opened_at"),
        "acknowledged_by": incident.acked_by,
        "snoozed_until": incident.snoozed_until,
    }


def snapshot_as_json(taken: Snapshot) -> dict[str, object]:
    """A snapshot, and what changed since the one before."""
    numbers = dict(taken.numbers)
    return {
        "audit_id": taken.id,
        **_picked(taken, "taken_at", "existed", "foreign", "dry_run"),
        "numbers": numbers,
        "previous": taken.previous_id,
        "change": {name: taken.change(name) for name in numbers},
    }


def replay_as_json(replay: Replay) -> dict[str, object]:
    """What would have been said of the past."""
    return {
        "from": replay.first,
        "to": replay.last,
        "snapshots": replay.snapshots,
        "checks": [_replayed(one) for one in replay.checks],
        "not_in_the_audit_log": replay.others,
    }


def _replayed(one: Replayed) -> dict[str, object]:
    lowest, middle, highest = (f(one.readings) if one.readings else None for f in (min, median, max))
    return {
        "name": one.check.name,
        "sync": one.sync,
        "warn": str(one.check.warn) if one.check.warn else None,
        "critical": str(one.check.critical) if one.check.critical else None,
        "lowest": lowest,
        "median": middle,
        "highest": highest,
        "told": [dict(zip(("at", "reason", "summary"), told, strict=True)) for told in one.told],
    }


def status_as_json(status: BotStatus) -> dict[str, object]:
    """The bot itself, and what it costs the warehouse; minutes are real numbers."""
    evaluation = status.evaluation
    return {
        "working": status.trouble is None,
        **_picked(status, "trouble", "at"),
        "leader": asdict(status.leader) if status.leader else None,
        "evaluated_on_schedule_at": status.completed_at,
        "census_at": evaluation.checked_at if evaluation else None,
        "warehouse_at": evaluation.warehouse_at if evaluation else None,
        "problems": evaluation.problems if evaluation else (),
        "open_incidents": status.open_incidents,
        "maintenance_until": status.maintenance.until if status.maintenance else None,
        "undelivered": [asdict(one) for one in status.undelivered],
        "unsent_pages": [asdict(one) for one in status.unsent_pages],
        "silence_alert_at": status.watch.post_at if status.watch.message_id else None,
        "warehouse": [_warehouse_day(day) for day in status.days],
    }


def no_status_as_json(trouble: str) -> dict[str, object]:
    """The same keys where no bot has run yet."""
    nothing = ("at", "leader", "evaluated_on_schedule_at", "census_at", "warehouse_at")
    known = {"problems": (), "open_incidents": 0, "maintenance_until": None, "undelivered": (), "unsent_pages": ()}
    return {
        "working": False,
        "trouble": trouble,
        **dict.fromkeys(nothing),
        **known,
        "silence_alert_at": None,
        "warehouse": (),
    }


def trace_as_json(
    trace: Trace, zone: ZoneInfo, arrived: Arrival | None = None, look: LogLook | None = None
) -> dict[str, object]:
    """Where a record is; `arrival` has what shows that it came while it was followed."""
    verdict = trace.verdict
    return {
        "standing": verdict.standing,
        "sentence": without_braces(verdict.sentence, zone),
        "next_step": without_braces(verdict.next_step, zone) or None,
        "stops_at": verdict.place or None,
        "sync": verdict.sync or None,
        "records": trace.records,
        "matches": trace.matches,
        "as_of": trace.as_of,
        "hops": [_hop(hop, zone) for hop in trace.hops],
        "remarks": trace.remarks,
        "arrival": _arrival(arrived, look) if arrived else None,
    }


def _hop(hop: Hop, zone: ZoneInfo) -> dict[str, object]:
    return {
        **_picked(hop, "place", "found", "changed_at"),
        "sync": hop.sync or None,
        "detail": without_braces(detail_of(hop), zone) or None,
        "differences": [asdict(one) for one in hop.differences],
        "more_differences": hop.more,
    }


def _arrival(arrived: Arrival, look: LogLook | None) -> dict[str, object]:
    return {
        "seconds": arrived.after.total_seconds(),
        "run": arrived.run.id if arrived.run else None,
        **_picked(arrived, "confirmed"),
        "backlog_before": arrived.before,
        "backlog": arrived.now,
        "audit_row": asdict(look.row) if look and look.row else None,
        "audit_row_unknown": look.unknown or None if look else None,
    }


def _warehouse_day(day: WarehouseDay) -> dict[str, object]:
    return {
        "day": day.day.isoformat(),
        **_picked(day, "statements", "woke"),
        "awake_minutes_at_most": round(day.awake.total_seconds() / 60, 1),
        "auto_stop_unknown": sum(one.auto_stop_unknown for one in day.usages),
        "auto_stop_off": sum(one.auto_stop_off for one in day.usages),
        "purposes": {str(one.purpose): one.statements for one in day.usages},
    }


def _picked(thing: object, *names: str) -> dict[str, object]:
    return {name: getattr(thing, name) for name in names}
