"""Act on a sync in Census, once, however often that is requested: rerun, pause, resume, cancel."""

from dataclasses import replace

from bot.alerts.model import Action, ActionKind, ActionState, Incident, State
from bot.answers.consent import Consent, FactChange, PauseAllFacts, SyncFacts
from bot.config.syncs import SyncSettings
from bot.errors import PermanentError, RefusedError, SyncHealthError, TemporaryError, UncertainError
from bot.ports import Ports
from bot.services.actions import create_action, end_action, refuse_second, set_action
from bot.services.authorise import Person, incident_to_change
from bot.services.each_sync import each_sync
from bot.services.observe import require_act_mode
from bot.services.read_schedule import read_schedule
from bot.services.sync_facts import read_facts, sync_of
from checks.numbers import count_of

LEFT = object()  # whoever has resumed the sync since knows better
PAUSED = object()  # by this action, just now
OTHER = "This dialog is about another sync. Click again."


class FactsChangedError(RefusedError):
    """What was confirmed is no longer what would be done; `facts` are those that hold, to be shown again."""

    def __init__(self, facts: SyncFacts, changes: tuple[FactChange, ...]) -> None:
        what = ", ".join(changes)
        super().__init__(f"Nothing was done to {facts.sync}: since the dialog opened, {what}. Click again.")
        self.facts, self.changes = facts, changes


def act_on_sync(
    ports: Ports,
    consent: Consent,
    person: Person,
    reason: str,
    *,
    full_sync: bool = False,
    then_rerun: bool = False,
) -> Action:
    """Do what was confirmed, or follow the run that was shown. Raises FactsChangedError, RefusedError, TemporaryError.

    The facts are read again: what is worse than what was shown does nothing. Our row is written first: the database
    allows one open action per sync and kind, so two presses make one call, and a consent counts once, because the
    action that it led to is one that it did not know. What became of a lost answer is found out by `follow_actions`.
    """
    require_act_mode(ports.settings)
    incident = _incident_of(ports, consent)
    sync = _sync_meant(ports, consent, incident)
    kind = _kind_meant(consent, then_rerun=then_rerun)
    facts = read_facts(ports, kind, sync, incident, full_sync=full_sync or consent.full_sync)
    if changes := facts.worse_than(consent):
        raise FactsChangedError(replace(facts, kind=consent.kind), changes)
    if kind is ActionKind.CANCEL and facts.running is None:
        raise RefusedError(f"No run of {sync.name} is in progress.")
    if facts.risky and not reason.strip():
        raise RefusedError("Suspect or wrong records would be written, so a reason is needed. Click again.")
    action = _write_request(ports, facts, person, reason.strip())
    return carry_out(ports, action, sync.id)


def pause_all(ports: Ports, consent: Consent, person: Person, reason: str) -> Action:
    """Pause every sync that is not paused. Raises RefusedError."""
    require_act_mode(ports.settings)
    if consent.kind is not ActionKind.PAUSE_ALL:
        raise RefusedError(OTHER)
    with ports.store.transaction() as records:
        if records.newest_action_id() != consent.latest_action_id:
            raise RefusedError(
                "Another action was requested since this dialog opened. Type /sync-health pause all again."
            )
        action = create_action(
            records,
            ports,
            Action(
                id=0,
                sync="",
                incident_id=None,
                by=person.id,
                reason=reason.strip(),
                state=ActionState.REQUESTED,
                requested_at=ports.clock.now(),
                latest_run_id=0,
                kind=ActionKind.PAUSE_ALL,
            ),
            team=person.team,
        )
    return pause_each(ports, action)


def pause_all_facts(ports: Ports) -> PauseAllFacts:
    """Which syncs are on, paused or running. Raises RefusedError while all are being paused."""
    with ports.store.snapshot() as records:
        refuse_second(records, ActionKind.PAUSE_ALL, "")
        latest = records.newest_action_id()
        last = records.latest_evaluation()
    running = tuple(one.name for one in last.syncs if one.running) if last else ()
    found = each_sync(ports, None, lambda sync: (sync.name, _is_paused(ports, sync)))
    return PauseAllFacts(
        as_of=ports.clock.now(),
        on=tuple(name for name, paused in found if paused is False),
        paused=tuple(name for name, paused in found if paused is True),
        unknown=tuple((name, why) for name, why in found if isinstance(why, str)),
        running=running,
        latest_action_id=latest,
    )


def carry_out(ports: Ports, action: Action, sync_id: int) -> Action:
    """Ask Census once for what was requested; an answer that was lost leaves the action as it is.

    What Census has done and our state does not take stays as it is, too: follow_actions sees it in Census.
    """
    if action.adopted:
        return action
    try:
        done = _ask_census(ports, action, sync_id)
    except (TemporaryError, PermanentError) as error:  # nothing else is certain
        failed = replace(action, resumes=False)
        return end_action(ports, failed, ActionState.FAILED, f"Nothing was done: {error}")
    except UncertainError:
        return action  # it may have happened: follow_actions looks for it
    if done.state is ActionState.FAILED:
        return end_action(ports, action, done.state, done.verdict)
    return set_action(ports, done, action.state)


def _ask_census(ports: Ports, action: Action, sync_id: int) -> Action:
    """The action as it is once Census has answered. Raises what the client does."""
    match action.kind:
        case ActionKind.RERUN:
            return _trigger_run(ports, action, sync_id)
        case ActionKind.CANCEL:
            ports.census.cancel(action.run_id or 0)
            return replace(action, state=ActionState.RUNNING)
        case ActionKind.PAUSE:
            ports.census.pause(sync_id)
        case _:
            ports.census.resume(sync_id)
    return replace(action, state=ActionState.CHECKING)


def pause_each(ports: Ports, action: Action, *, last: bool = False) -> Action:
    """Pause what is not paused yet, which may be repeated; what Census does not confirm stays to be done again.

    A sync that somebody has resumed since, here or in Census, is left as it is. `last`: what is not paused now ends
    the action.
    """
    found = each_sync(ports, None, lambda sync: (sync.name, _pause(ports, sync, action)))
    failed = [(name, error) for name, error in found if isinstance(error, SyncHealthError)]
    left = [name for name, error in found if error is LEFT]
    action_then = action.state
    action = replace(action, paused=(*action.paused, *(name for name, error in found if error is PAUSED)))
    if not failed:
        others = f"All other syncs are paused. Left as they are, by a later request: {', '.join(left)}." if left else ""
        return set_action(ports, replace(action, state=ActionState.CHECKING, verdict=others), action_then)
    why = "; ".join(f"{name}: {error}" for name, error in failed)
    if last and any(isinstance(error, UncertainError) for _, error in failed):
        return end_action(ports, action, ActionState.UNKNOWN, f"Whether these are paused is unknown: {why}")
    if last:
        return end_action(ports, action, ActionState.FAILED, f"Not paused: {why}")
    return set_action(ports, replace(action, verdict=f"Not paused yet: {why}"), action_then)


def _pause(ports: Ports, sync: SyncSettings, action: Action) -> SyncHealthError | object | None:
    """Why the sync is not paused, PAUSED or LEFT; None where it was paused before. An UncertainError: it may be."""
    try:
        paused = read_schedule(ports, sync).paused
    except SyncHealthError as error:
        return UncertainError(str(error))
    with ports.store.snapshot() as records:
        resuming = any(one.sync == sync.name and _resumes(one) for one in records.open_actions())
        resumed = sync.name in action.paused or records.was_resumed_since(sync.name, action.id)
    if paused:
        return UncertainError("a resume of it is in progress") if resuming else None
    if resumed:
        return LEFT
    try:
        ports.census.pause(sync.id)
    except SyncHealthError as error:
        return error
    return PAUSED


def _resumes(action: Action) -> bool:
    """Whether Census may still carry out a resume that was requested."""
    return action.state is ActionState.REQUESTED and (action.kind is ActionKind.RESUME or action.resumes)


def _is_paused(ports: Ports, sync: SyncSettings) -> bool | str:
    try:
        return read_schedule(ports, sync).paused
    except SyncHealthError as error:
        return str(error)


def _incident_of(ports: Ports, consent: Consent) -> Incident | None:
    """Where it is reported. That the alert is over ends the need of a rerun, and of nothing else."""
    if consent.incident_id is None:
        return None
    with ports.store.snapshot() as records:
        known = records.incident(consent.incident_id)
    if known and known.state is State.OK and consent.kind is not ActionKind.RERUN:
        return None
    return incident_to_change(ports, str(consent.incident_id))


def _kind_meant(consent: Consent, *, then_rerun: bool) -> ActionKind:
    """A sync that is resumed while a run of it is in progress needs no other run: that one would be followed."""
    if consent.kind is ActionKind.PAUSE_ALL:
        raise RefusedError(OTHER)
    reruns = then_rerun and consent.kind is ActionKind.RESUME and consent.running is None
    return ActionKind.RERUN if reruns else consent.kind


def _sync_meant(ports: Ports, consent: Consent, incident: Incident | None) -> SyncSettings:
    sync = ports.settings.sync_named(consent.sync)
    if sync is None:
        raise RefusedError(f"pipeline.yml has no sync {consent.sync[:40]} any more.")
    if incident and sync_of(ports.settings, incident) != sync:
        raise RefusedError(OTHER)
    return sync


def _write_request(ports: Ports, facts: SyncFacts, person: Person, reason: str) -> Action:
    """The row of the action, unless somebody else has requested one since the facts were read."""
    follows = facts.running if facts.kind is ActionKind.RERUN else None
    action = Action(
        id=0,
        sync=facts.sync,
        incident_id=facts.incident_id,
        by=person.id,
        reason=reason,
        state=ActionState.RUNNING if follows else ActionState.REQUESTED,
        requested_at=ports.clock.now(),
        latest_run_id=facts.latest_run_id,
        adopted=follows is not None,
        run_id=facts.running.id if facts.running and facts.kind in (ActionKind.RERUN, ActionKind.CANCEL) else None,
        kind=facts.kind,
        full_sync=facts.full_sync and follows is None,
        resumes=facts.kind is ActionKind.RERUN and facts.paused and follows is None,
        began_at=follows.created_at if follows else None,
    )
    with ports.store.transaction() as records:
        refuse_second(records, facts.kind, facts.sync)
        if (latest := records.latest_action_id(facts.sync)) != facts.latest_action_id:
            raise FactsChangedError(replace(facts, latest_action_id=latest), (FactChange.REQUESTED,))
        return create_action(records, ports, action, team=person.team, before=_state_in_words(facts))


def _state_in_words(facts: SyncFacts) -> str:
    """How the sync stood when the action was requested, for the audit."""
    words = ["paused" if facts.paused else "on"]
    words += [f"run {facts.running.id} in progress"] if facts.running else []
    words += [count_of(facts.queue, "record") + " pending"] if facts.queue is not None else []
    words += [count_of(facts.suspicious, "suspect record")] if facts.suspicious else []
    return ", ".join(words)


def _trigger_run(ports: Ports, action: Action, sync_id: int) -> Action:
    try:
        if action.resumes:
            ports.census.resume(sync_id)
    except UncertainError:
        why = f"No run started: Census did not confirm that {action.sync} is resumed. Check it there."
        return replace(action, state=ActionState.FAILED, verdict=why)
    try:
        run_id = ports.census.trigger(sync_id, full_sync=action.full_sync)
    except (TemporaryError, PermanentError) as error:
        if not action.resumes:
            raise
        why = f"{action.sync} is resumed, and no run started: {error}"
        return replace(action, state=ActionState.FAILED, verdict=why)
    if run_id <= action.latest_run_id:
        raise UncertainError(f"Census named run {run_id}, which is older than the request")
    return replace(action, state=ActionState.RUNNING, run_id=run_id)
