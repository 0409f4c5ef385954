"""Rerun a sync: the facts first, then one run, however often it is requested (idempotent per incident and consent)."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.model import Action, ActionState, Did, Entry, Incident
from bot.answers import Consent, FactChange, RerunFacts
from bot.config.pipeline_file import SyncSettings
from bot.errors import PermanentError, RefusedError, TemporaryError, UncertainError
from bot.facts import Run
from bot.model import Kind
from bot.ports import Ports, Records
from bot.services.ask_warehouse import ask_warehouse
from bot.services.look_at_sync import look_at, with_queue

ENDED = (ActionState.FINISHED, ActionState.FAILED, ActionState.UNKNOWN)


class FactsChangedError(RefusedError):
    """What was confirmed is no longer what would run; `facts` are those that hold, to be shown and confirmed again."""

    def __init__(self, facts: RerunFacts, changes: tuple[FactChange, ...]) -> None:
        what = ", ".join(changes)
        super().__init__(f"Nothing was started for {facts.sync}: since the dialog opened, {what}. Click Rerun again.")
        self.facts, self.changes = facts, changes


def rerun_facts(ports: Ports, incident: Incident) -> RerunFacts:
    """What to know before the rerun that can help this incident. Raises RefusedError, TemporaryError."""
    sync = _sync_of(ports, incident)
    with ports.store.snapshot() as records:  # before Census is asked: a rerun requested meanwhile is noticed
        _refuse_second(records, sync.name)
        latest_action_id = records.latest_action_id(sync.name)
    look = look_at(ports, sync)
    status = with_queue(look.status, ask_warehouse(ports, own_statements=False))
    if look.problem or status.schedule is None:
        raise TemporaryError(f"Census did not answer, so no run can start now: {look.problem}")
    return RerunFacts(
        sync=sync.name,
        label=sync.label,
        incident_id=incident.id,
        as_of=ports.clock.now(),
        queue=status.queue,
        suspicious=status.suspicious,
        running=status.running,
        latest_run_id=status.latest.id if status.latest else 0,
        latest_action_id=latest_action_id,
        paused=status.schedule.paused,
        source=sync.queue,
        helps=incident.helps,
    )


def rerun_sync(ports: Ports, incident: Incident, consent: Consent, by: str, reason: str) -> Action:
    """Start the run, or follow the one that was shown. Raises FactsChangedError, RefusedError, TemporaryError.

    The facts are read again: what is worse than what was shown starts nothing. Our row is written first: the database
    allows one open action per sync, so two presses make one run, and a consent counts once, because the action that it
    led to is one that it did not know. A run whose answer was lost is found again by `follow_runs`.
    """
    facts = rerun_facts(ports, incident)
    if consent.sync != facts.sync or consent.incident_id != incident.id:
        raise RefusedError("This dialog is about another sync. Click Rerun again.")
    if changes := facts.worse_than(consent):
        raise FactsChangedError(facts, changes)
    if facts.risky and not reason.strip():
        raise RefusedError("Suspect records would be written, so a reason is needed. Click Rerun again.")
    action = _request(ports, incident, facts, by, reason.strip())
    return _trigger_run(ports, action, facts.running, _sync_of(ports, incident).id)


def set_action(ports: Ports, action: Action, was: ActionState) -> Action:
    """Write what changed of an action and enqueue its message, unless somebody else moved it on meanwhile."""
    with ports.store.transaction() as records:
        current = records.action(action.id)
        if current is None or current.state is not was:
            return current or action
        records.save_action(action)
        if action.incident_id:
            records.enqueue(action.incident_id, Kind.RUN, action_id=action.id)
        if action.state in ENDED:
            _note_its_end(records, action, ports.clock.now())
    return action


def _note_its_end(records: Records, action: Action, now: datetime) -> None:
    if action.incident_id:
        records.note(action.incident_id, Entry(now, Did.RUN_ENDED, action.by, f"{action.sync}: {action.state}"))
    records.audit(now, action.by, "rerun", action.sync, f"action {action.id} {action.state}: {action.verdict}")


def _refuse_second(records: Records, sync: str) -> None:
    if going_on := records.open_action(sync):
        what = f"A rerun of {sync} is in progress, reported in its thread. Requested by"
        raise RefusedError(what, people=(going_on.by,), incident=going_on.incident_id)


def _request(ports: Ports, incident: Incident, facts: RerunFacts, by: str, reason: str) -> Action:
    now = ports.clock.now()
    with ports.store.transaction() as records:
        _refuse_second(records, facts.sync)
        if (latest := records.latest_action_id(facts.sync)) != facts.latest_action_id:
            raise FactsChangedError(replace(facts, latest_action_id=latest), (FactChange.REQUESTED,))
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
        records.note(incident.id, Entry(now, Did.FOLLOWED if facts.running else Did.RERUN, by, facts.sync))
        records.enqueue(incident.id, Kind.RUN, action_id=action.id)
        records.audit(now, by, "rerun", facts.sync, f"action {action.id}: {reason or 'no reason given'}")
    return action


def _trigger_run(ports: Ports, action: Action, running: Run | None, sync_id: int) -> Action:
    if running:
        adopted = replace(action, state=ActionState.RUNNING, run_id=running.id, adopted=True)
        return set_action(ports, adopted, ActionState.REQUESTED)
    try:
        run_id = ports.census.trigger(sync_id)
    except (TemporaryError, PermanentError) as error:  # nothing else is certain
        why = f"Nothing was run: {error}"
        failed = replace(action, state=ActionState.FAILED, ended_at=ports.clock.now(), verdict=why)
        return set_action(ports, failed, ActionState.REQUESTED)
    except UncertainError:
        return action  # it may be running: follow_runs looks for it
    return set_action(ports, replace(action, state=ActionState.RUNNING, run_id=run_id), ActionState.REQUESTED)


def _sync_of(ports: Ports, incident: Incident) -> SyncSettings:
    sync = next((sync for sync in ports.settings.syncs if sync.name == incident.rerun), None)
    if sync is None:
        raise RefusedError("No rerun helps here: pipeline.yml has no such sync any more.")
    return sync
