"""Do what pipeline.yml asks for without anybody: hold suspect records, rerun what failed for a transient cause."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.alerts.model import CARRIED_OUT, ITSELF, Action, ActionKind, ActionState, Did, Entry, Incident
from bot.alerts.offers import SUSPECT
from bot.alerts.remedies import Due, HoldFacts, RerunFacts, hold, rerun
from bot.config.remedies import Remedy
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import PermanentError, RefusedError, StateError, SyncHealthError, TemporaryError, UncertainError
from bot.facts import SyncStatus
from bot.model import Evaluation, Kind
from bot.ports import Ports, Records
from bot.services.act_on_sync import act_on_sync
from bot.services.actions import create_action, end_action, set_action
from bot.services.authorise import Person
from bot.services.explain import alert_key
from bot.services.look_at_sync import look_at
from bot.services.sync_facts import read_facts
from checks.model import Check, Result
from checks.numbers import count_of

log = logging.getLogger(__name__)

FAILED_RUNS = "failed_runs"  # the metric
MOST_VALUES = 1000  # that are read to know whether there are more suspect records than ever
NOT_PAUSED = "Not paused yet: "


def apply_remedies(ports: Ports, evaluation: Evaluation) -> None:
    """Do what is due after an evaluation that was just stored; what cannot be done is tried after a later one."""
    for sync in ports.settings.syncs:
        for kind, apply in (("pause", _hold), ("rerun", _rerun)):
            remedy = ports.settings.remedy_of(sync, kind)
            if remedy is None:
                continue
            try:
                apply(ports, sync, remedy, evaluation)
            except StateError:
                raise
            except SyncHealthError as error:  # also where another process, or a person, was faster
                log.info("no automatic %s of %s: %s", kind, sync.name, error)


def retry_hold(ports: Ports, action: Action, sync_id: int) -> Action:
    """Ask Census to pause, which may be repeated; while it does not answer, the thread says so."""
    try:
        ports.census.pause(sync_id)
    except PermanentError as error:
        return end_action(ports, action, ActionState.FAILED, f"Nothing was done: {error}")
    except UncertainError:
        return action
    except TemporaryError as error:
        seen = replace(action, verdict=f"{NOT_PAUSED}{error}. Trying again.")
        return action if seen == action else set_action(ports, seen, action.state)
    return set_action(ports, replace(action, state=ActionState.CHECKING, verdict=""), action.state)


def _hold(ports: Ports, sync: SyncSettings, remedy: Remedy, evaluation: Evaluation) -> None:
    check, result = _judged(ports.settings, evaluation, SUSPECT, sync)
    _say_unmeasured(ports, sync, evaluation, check)
    facts = HoldFacts(result, evaluation.status_of.get(sync.name), is_open=True, observes=ports.settings.observes)
    if check is None or result is None or hold(facts).due is Due.NOTHING:
        return
    with ports.store.snapshot() as records:
        incident = _open_incident(records, ports.settings, check, sync)
        facts = _with_history(records, facts, check, incident, evaluation.checked_at)
    look = look_at(ports, sync)  # a run may have begun while the warehouse was asked
    status = look.status if not look.problem else facts.sync
    decision = hold(replace(facts, sync=status))
    log.info("%s: %s (%s)", sync.name, decision.due, decision.why)
    if incident is None or decision.due is Due.NOTHING:
        return
    about = _about(evaluation.status_of.get(sync.name), result, status, incident)
    if decision.due is Due.LATE and status and status.running:
        began = f"a run of {sync.name} began {{{status.running.created_at.isoformat(timespec='seconds')}}}"
        late = f"Not paused in time: {began}, before its suspect records were measured. Cancel run can stop it."
        _say_once(ports, incident, "Not paused", late)
    elif remedy.dry:
        _say_once(ports, incident, "Would have paused", f"Would have paused {sync.name}: {about} (remedy is dry)")
    else:
        retry_hold(ports, _request_pause(ports, sync, incident, about, status), sync.id)


def _say_unmeasured(ports: Ports, sync: SyncSettings, evaluation: Evaluation, check: Check | None) -> None:
    """In the thread, where there is one: a run began before anybody knew what it would write."""
    status = evaluation.status_of.get(sync.name)
    if check is None or status is None or status.unheld_at is None:
        return
    with ports.store.snapshot() as records:
        incident = _open_incident(records, ports.settings, check, sync)
    if incident:
        began = f"Not held: a run of {sync.name} began {{{status.unheld_at.isoformat(timespec='seconds')}}}"
        why = "and its suspect records could not be measured in the five minutes before it."
        _say_once(ports, incident, began, f"{began}, {why}")


def _rerun(ports: Ports, sync: SyncSettings, remedy: Remedy, evaluation: Evaluation) -> None:
    check, result = _judged(ports.settings, evaluation, FAILED_RUNS, sync)
    facts = RerunFacts(
        result,
        evaluation.status_of.get(sync.name),
        is_open=True,
        at_most=remedy.at_most.times,
        has_suspects=bool(sync.suspect),
        observes=ports.settings.observes,
    )
    if check is None or result is None or rerun(facts).due is Due.NOTHING:
        return
    with ports.store.snapshot() as records:
        incident = _open_incident(records, ports.settings, check, sync)
        mine = _automatic(records.actions_ended_since(ports.clock.now() - remedy.at_most.window), sync, remedy, ports)
        in_maintenance = records.maintenance() is not None
    facts = replace(facts, is_open=incident is not None, in_maintenance=in_maintenance, used=len(mine))
    decision = rerun(replace(facts, latest_tried=max((one.latest_run_id for one in mine), default=0)))
    log.info("%s: rerun: %s (%s)", sync.name, decision.due, decision.why)
    if incident is None or decision.due is not Due.ACT:
        return
    if remedy.dry:
        _say_once(
            ports, incident, "Would have rerun", f"Would have rerun {sync.name}: {result.summary} (remedy is dry)"
        )
        return
    shown = read_facts(ports, ActionKind.RERUN, sync, incident)
    if shown.risky or shown.running or shown.paused:
        raise RefusedError("what the run would write needs a person, or another run is in progress")
    act_on_sync(ports, shown.consent, Person(ITSELF, "", ""), f"{result.summary}; a transient error")


def _judged(
    settings: Settings, evaluation: Evaluation, metric: str, sync: SyncSettings
) -> tuple[Check | None, Result | None]:
    """The check of this metric as it is for the sync, and what it found."""
    for one in settings.checks_of_metric(metric):
        if check := settings.check_called(one.name, sync.name):
            return check, evaluation.result_of.get((check.name, sync.name))
    return None, None


def _open_incident(records: Records, settings: Settings, check: Check, sync: SyncSettings) -> Incident | None:
    return next(iter(records.open_incidents(keys=[alert_key(settings, check.name, sync.name)])), None)


def _with_history(
    records: Records, facts: HoldFacts, check: Check, incident: Incident | None, now: datetime
) -> HoldFacts:
    """What was done for the incident, and what has been measured since."""
    if incident is None:
        return replace(facts, is_open=False)
    holds = [one for one in records.actions_of(incident.id) if (one.by, one.kind) == (ITSELF, ActionKind.PAUSE)]
    done = [one for one in holds if one.state in CARRIED_OUT]
    values = [one for one in records.latest_values(check.name, incident.sync, MOST_VALUES) if one[0] < now]
    since = done[-1].requested_at if done else now
    critical = check.critical
    return replace(
        facts,
        held_before=bool(done),
        well_since=any(critical is not None and not critical.holds(value) for at, value in values if at >= since),
        peak=max((value for at, value in values if at >= incident.opened_at), default=None),
        failures=sum(one.state is ActionState.FAILED for one in holds),
    )


def _automatic(actions: Sequence[Action], sync: SyncSettings, remedy: Remedy, ports: Ports) -> list[Action]:
    since = ports.clock.now() - remedy.at_most.window
    mine = (one for one in actions if (one.by, one.kind, one.sync) == (ITSELF, ActionKind.RERUN, sync.name))
    return [one for one in mine if one.requested_at > since]


def _about(measured: SyncStatus | None, result: Result, now: SyncStatus | None, incident: Incident) -> str:
    """`240 suspect records (no company name) were about to be written at …, such as A1, A2, A3`."""
    count = int(result.value or 0)
    labels = ", ".join(label for label, _ in measured.suspects[:2]) if measured else ""
    why = f" ({labels})".translate({ord("{"): "(", ord("}"): ")"}) if labels else ""
    following = now.next_run if now else None
    when = f"at {{{following.isoformat(timespec='seconds')}}}" if following else "by the next run"
    ids = [one.partition(" ")[2] for one in incident.examples[:3]]
    such = f", such as {', '.join(ids)}" if ids else ""
    was = "was" if count == 1 else "were"
    return f"{count_of(count, 'suspect record')}{why} {was} about to be written {when}{such}"


def _request_pause(
    ports: Ports, sync: SyncSettings, incident: Incident, reason: str, status: SyncStatus | None
) -> Action:
    """Our row, before Census is asked. Raises RefusedError while a pause of this sync is in progress."""
    action = Action(
        id=0,
        sync=sync.name,
        incident_id=incident.id,
        by=ITSELF,
        reason=reason,
        state=ActionState.REQUESTED,
        requested_at=ports.clock.now(),
        latest_run_id=status.latest.id if status and status.latest else 0,
        kind=ActionKind.PAUSE,
    )
    with ports.store.transaction() as records:
        return create_action(records, ports, action, before="on")


def _say_once(ports: Ports, incident: Incident, kind: str, detail: str) -> None:
    """A line in the timeline and the thread, once per incident and kind (how it begins)."""
    with ports.store.transaction() as records:
        current = records.incident(incident.id)
        if current is None or any(one.did is Did.REMEDY and one.detail.startswith(kind) for one in current.timeline):
            return
        records.note(incident.id, Entry(ports.clock.now(), Did.REMEDY, ITSELF, detail))
        records.enqueue(incident.id, Kind.REMEDY)
