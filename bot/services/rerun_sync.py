"""Run a sync again: the facts first, then one run however often it is asked for."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import Action, ActionState, Did, Entry, Incident
from bot.answers import RerunFacts
from bot.errors import RefusedError, SyncHealthError, TemporaryError, UncertainError
from bot.model import Kind, Run
from bot.pipeline_file import SyncSettings
from bot.ports import Ports, Records
from bot.services.measure import ask_warehouse, look_at, with_queue


def rerun_facts(ports: Ports, incident: Incident) -> RerunFacts:
    """What to know before the rerun that can help this incident. Raises RefusedError, TemporaryError."""
    sync = _sync_of(ports, incident)
    status = with_queue(look_at(ports, sync, ports.clock.now()).status, ask_warehouse(ports))
    if status.error or status.schedule is None:
        raise TemporaryError(f"Census did not answer, so nothing can be run now: {status.error}")
    return RerunFacts(
        sync=sync.name,
        label=sync.label,
        incident_id=incident.id,
        queue=status.queue,
        suspicious=status.suspicious,
        running=status.running,
        latest_run_id=status.latest.id if status.latest else 0,
        paused=status.schedule.paused,
        source=sync.queue,
        helps=incident.helps,
    )


def rerun_sync(ports: Ports, incident: Incident, by: str, reason: str) -> Action:
    """Start the run, or follow the one that is going on. Raises RefusedError, TemporaryError.

    Our row is written first: the database allows one open action per sync, so two presses make one run, and a run
    whose answer was lost is found again by `follow_runs`.
    """
    facts = rerun_facts(ports, incident)
    if facts.paused:
        raise RefusedError(f"{facts.sync} is paused: resume it in Census first.")
    if facts.risky and not reason.strip():
        raise RefusedError(
            "The queue changed while you looked and now holds suspicious rows. Press Rerun again to see them."
        )
    action = _ask(ports, incident, facts, by, reason.strip())
    return _start(ports, action, facts.running, _sync_of(ports, incident).id)


def set_action(ports: Ports, action: Action, was: ActionState) -> Action:
    """Write what changed of an action and owe its message, unless somebody else moved it on meanwhile."""
    with ports.store.transaction() as records:
        current = records.action(action.id)
        if current is None or current.state is not was:
            return current or action
        records.save_action(action)
        if action.incident_id:
            records.owe(action.incident_id, Kind.RUN, action_id=action.id)
        if action.state in (ActionState.FINISHED, ActionState.FAILED):
            _note_its_end(records, action, ports.clock.now())
    return action


def _note_its_end(records: Records, action: Action, now: datetime) -> None:
    if action.incident_id:
        records.note(action.incident_id, Entry(now, Did.RUN_ENDED, action.by, f"{action.sync}: {action.state}"))
    records.audit(now, action.by, "rerun", action.sync, f"action {action.id} {action.state}: {action.verdict}")


def _ask(ports: Ports, incident: Incident, facts: RerunFacts, by: str, reason: str) -> Action:
    now = ports.clock.now()
    with ports.store.transaction() as records:
        if going_on := records.open_action(facts.sync):
            raise RefusedError(
                f"{facts.sync} is being run already; watch the thread. It was started by", people=(going_on.by,)
            )
        action = records.create_action(
            Action(
                id=0,
                sync=facts.sync,
                incident_id=incident.id,
                by=by,
                reason=reason,
                state=ActionState.REQUESTED,
                requested_at=now,
                latest_run_id=facts.latest_run_id,
            )
        )
        records.note(incident.id, Entry(now, Did.RERUN, by, facts.sync))
        records.owe(incident.id, Kind.RUN, action_id=action.id)
        records.audit(now, by, "rerun", facts.sync, f"action {action.id}: {reason or 'no reason given'}")
    return action


def _start(ports: Ports, action: Action, running: Run | None, sync_id: int) -> Action:
    if running:
        adopted = replace(action, state=ActionState.RUNNING, run_id=running.id, adopted=True)
        return set_action(ports, adopted, ActionState.REQUESTED)
    try:
        run_id = ports.census.trigger(sync_id)
    except UncertainError:
        return action  # it may be running: follow_runs looks for it
    except SyncHealthError as error:
        failed = replace(
            action, state=ActionState.FAILED, ended_at=ports.clock.now(), verdict=f"Nothing was run: {error}"
        )
        return set_action(ports, failed, ActionState.REQUESTED)
    return set_action(ports, replace(action, state=ActionState.RUNNING, run_id=run_id), ActionState.REQUESTED)


def _sync_of(ports: Ports, incident: Incident) -> SyncSettings:
    sync = next((sync for sync in ports.settings.syncs if sync.name == incident.rerun), None)
    if sync is None:
        raise RefusedError("No rerun helps here: pipeline.yml has no such sync any more.")
    return sync
