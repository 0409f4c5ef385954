"""The row of an action: written before Census is asked, and moved on by whoever sees what came of it."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import Action, ActionKind, ActionState, Did, Entry
from bot.errors import RefusedError
from bot.facts import Run
from bot.model import AuditRow, AuditState
from bot.ports import Ports, Records

ENDED = (ActionState.FINISHED, ActionState.FAILED, ActionState.UNKNOWN)
OUTCOMES = {ActionState.FAILED: AuditState.FAILED, ActionState.UNKNOWN: AuditState.UNKNOWN}
BEGUN = {
    ActionKind.RERUN: Did.RERUN,
    ActionKind.PAUSE: Did.PAUSED,
    ActionKind.RESUME: Did.RESUMED,
    ActionKind.CANCEL: Did.CANCELED,
}
WHAT = {ActionKind.RERUN: "rerun", ActionKind.CANCEL: "cancellation"}  # for the others the kind itself


def refuse_second(records: Records, kind: ActionKind, sync: str) -> None:
    """Raises RefusedError while such an action on this sync is in progress, with whose it is and where."""
    if going_on := records.open_action(sync, kind):
        what = f"A {WHAT.get(kind, kind)} of {sync or 'all syncs'} is in progress, reported in its thread. Requested by"
        raise RefusedError(what, people=(going_on.by,), incident=going_on.incident_id)


def create_action(
    records: Records, ports: Ports, action: Action, *, team: str | None = None, before: str = ""
) -> Action:
    """Write the row of an action, what the thread and the audit say of it, all before Census is asked.

    Raises RefusedError while one of its kind is in progress. `before`: how the sync stood, for the audit.
    """
    refuse_second(records, action.kind, action.sync)
    action = records.create_action(action)
    did = Did.FOLLOWED if action.adopted else BEGUN.get(action.kind)
    if action.incident_id and did:
        records.note(action.incident_id, Entry(action.requested_at, did, action.by, action.sync))
    records.enqueue_action(action, ports.settings.channel)
    requested = f"requested{' (full sync)' if action.full_sync else ''}{' (follows a run)' if action.adopted else ''}"
    records.audit(
        AuditRow(
            action.requested_at,
            action.by,
            action.kind,
            action.sync or "all syncs",
            requested,
            AuditState.REQUESTED,
            team,
            action.reason,
            before,
            reference=f"action {action.id}",
        )
    )
    return action


def set_action(ports: Ports, action: Action, was: ActionState, *, after: str = "", result: str = "") -> Action:
    """Write what changed of an action and enqueue its message, unless somebody else moved it on meanwhile.

    For the audit, `after` is how the sync stands at the end of the action, and `result` what came of it, where its
    verdict does not say that.
    """
    with ports.store.transaction() as records:
        current = records.action(action.id)
        if current is None or current.state is not was:
            return current or action
        records.save_action(action)
        records.enqueue_action(action, ports.settings.channel)
        if action.state in ENDED:
            _note_its_end(records, ports, action, after, result or action.verdict)
    return action


def end_action(
    ports: Ports, action: Action, state: ActionState, verdict: str, *, after: str = "", result: str = ""
) -> Action:
    """It ends in this state, and why or how; `action` may carry other changes than that of its state."""
    ended = replace(action, state=state, verdict=verdict, ended_at=action.ended_at or ports.clock.now())
    return set_action(ports, ended, action.state, after=after, result=result)


def with_counts(action: Action, run: Run, now: datetime) -> Action:
    """What the run has done so far; when it was read changes only with what was read, or each step were an edit."""
    seen = replace(
        action,
        run_status=run.status,
        records_total=run.records_total,
        records_updated=run.records_updated,
        records_failed=run.records_failed,
        records_invalid=run.records_invalid,
        began_at=run.created_at,
    )
    return replace(seen, counted_at=now) if seen != action else action


def _note_its_end(records: Records, ports: Ports, action: Action, after: str, result: str) -> None:
    now = ports.clock.now()
    if action.incident_id and action.kind is ActionKind.RERUN:
        records.note(action.incident_id, Entry(now, Did.RUN_ENDED, action.by, f"{action.sync}: {action.state}"))
    reference = f"action {action.id}{f', run {action.run_id}' if action.run_id else ''}"
    state = OUTCOMES.get(action.state, AuditState.SUCCEEDED)
    told = (action.by, action.kind, action.sync or "all syncs", result, state)
    records.audit(AuditRow(now, *told, after=after, reference=reference))
