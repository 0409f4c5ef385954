"""What the commands answer with --json."""

from collections.abc import Iterable
from dataclasses import asdict
from statistics import median

from bot.alerts.model import Incident
from bot.answers import Replay, Replayed, Snapshot
from bot.facts import SyncStatus
from bot.model import Evaluation


def evaluation_as_json(evaluation: Evaluation, incidents: Iterable[Incident]) -> dict[str, object]:
    """A validation, and what is open after it."""
    shown = ("check", "sync", "outcome", "value", "warn", "critical", "summary", "error", "runbook")
    checks = [
        {"name" if key == "check" else key: getattr(result, key) for key in shown} for result in evaluation.results
    ]
    return {
        "outcome": evaluation.outcome,
        "checked_at": evaluation.checked_at.isoformat(),
        "statements": evaluation.statements,
        "seconds": evaluation.seconds,
        "checks": checks,
        "problems": list(evaluation.problems),
        "syncs": [_sync(sync) for sync in evaluation.syncs],
        "incidents": [_incident(incident) for incident in incidents],
    }


def _sync(sync: SyncStatus) -> dict[str, object]:
    last = sync.last_sync.completed_at if sync.last_sync else None
    return {
        "name": sync.name,
        "label": sync.label,
        "pending": sync.queue,
        "suspect": sync.suspicious,
        "paused": sync.schedule.paused if sync.schedule else None,
        "schedule": sync.schedule.frequency if sync.schedule else None,
        "last_completed_at": last.isoformat() if last else None,
        "next_run_at": sync.next_run.isoformat() if sync.next_run else None,
        "error_rate": sync.error_rate,
        "error": sync.error,
    }


def _incident(incident: Incident) -> dict[str, object]:
    """An `id` of null: it would be opened, were this no dry run."""
    snoozed = incident.snoozed_until
    return {
        "id": incident.id if incident.id > 0 else None,
        "check": incident.check,
        "sync": incident.sync,
        "severity": incident.severity,
        "state": incident.state,
        "summary": incident.summary,
        "opened_at": incident.opened_at.isoformat(),
        "acknowledged_by": incident.acked_by,
        "snoozed_until": snoozed.isoformat() if snoozed else None,
    }


def snapshot_as_json(taken: Snapshot) -> dict[str, object]:
    """A snapshot, and what changed since the one before."""
    numbers = asdict(taken.numbers)
    return {
        "audit_id": taken.id,
        "taken_at": taken.taken_at.isoformat(),
        "existed": taken.existed,
        "foreign": taken.foreign,
        "dry_run": taken.dry_run,
        "numbers": numbers,
        "previous": taken.previous_id,
        "change": {name: taken.change(name) for name in numbers},
    }


def replay_as_json(replay: Replay) -> dict[str, object]:
    """What would have been said of the past."""
    return {
        "from": replay.first.isoformat(),
        "to": replay.last.isoformat(),
        "snapshots": replay.snapshots,
        "checks": [_replayed(one) for one in replay.checks],
        "not_in_the_audit_log": list(replay.others),
    }


def _replayed(one: Replayed) -> dict[str, object]:
    lowest, middle, highest = (f(one.readings) if one.readings else None for f in (min, median, max))
    return {
        "name": one.check.name,
        "warn": str(one.check.warn) if one.check.warn else None,
        "critical": str(one.check.critical) if one.check.critical else None,
        "lowest": lowest,
        "median": middle,
        "highest": highest,
        "told": [{"at": at.isoformat(), "reason": reason, "summary": summary} for at, reason, summary in one.told],
    }
