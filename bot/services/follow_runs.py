"""Follow every rerun to its end, tell how it goes, and measure again when it is over."""

import logging
from dataclasses import replace
from datetime import timedelta

from bot.alerts.model import Action, ActionState
from bot.errors import SyncHealthError
from bot.model import Evaluation, Run, RunStatus
from bot.ports import Ports
from bot.services.rerun_sync import set_action
from bot.services.run_checks import Checker
from checks.model import Outcome, Result

log = logging.getLogger(__name__)

OURS = "API Request"  # how Census tags a run that was triggered through its API
LOST = 90.0  # real seconds after which a run that Census does not show was never started
LONGEST = timedelta(hours=6)  # a run of unknown state is given up after this
ENDED_BADLY = {
    RunStatus.FAILED: "Census says that the run failed",
    RunStatus.CANCELLED: "The run was cancelled in Census",
    RunStatus.SKIPPED: "Census skipped the run, and no other is going on",
}


def follow_runs(ports: Ports, checker: Checker) -> int:
    """Take every open action one step further; returns how many are open."""
    with ports.store.transaction() as records:
        actions = records.open_actions()
    for action in actions:
        try:
            _step(ports, checker, action)
        except SyncHealthError as error:
            log.warning("action %s (%s): %s; looking again", action.id, action.sync, error)
            if ports.clock.now() - action.requested_at > LONGEST:  # else nobody could ever rerun that sync
                _fail(ports, action, f"It could not be followed to its end: {error}. Look at it in Census.")
    return len(actions)


def _step(ports: Ports, checker: Checker, action: Action) -> None:
    match action.state:
        case ActionState.REQUESTED:
            _look_for_it(ports, action)
        case ActionState.RUNNING:
            _watch(ports, action)
        case ActionState.CHECKING:
            _measure_again(ports, checker, action)


def _look_for_it(ports: Ports, action: Action) -> None:
    """The answer to our request was lost, or we were: Census knows whether there is a run."""
    runs = ports.census.runs(_sync_id(ports, action))
    ours = [run for run in runs if run.id > action.latest_run_id and run.trigger == OURS]
    if ours:
        found = replace(action, state=ActionState.RUNNING, run_id=min(run.id for run in ours))
        set_action(ports, found, ActionState.REQUESTED)
    elif ports.clock.now() - action.requested_at > timedelta(seconds=LOST * ports.clock.speed):
        _fail(ports, action, "Census shows no such run, so it was not started. Press Rerun again.")


def _watch(ports: Ports, action: Action) -> None:
    assert action.run_id, "a running action has a run"
    run = ports.census.run(action.run_id)
    seen = _with_counts(action, run)
    if run.status is RunStatus.SKIPPED and (other := _running(ports, action)):
        seen = replace(action, run_id=other.id, adopted=True)
    elif run.status is RunStatus.COMPLETED:
        seen = replace(seen, state=ActionState.CHECKING, ended_at=run.completed_at or ports.clock.now())
    elif run.final:
        _fail(ports, seen, f"{ENDED_BADLY[run.status]}{f': {run.error}' if run.error else ''}.")
        return
    elif ports.clock.now() - action.requested_at > LONGEST:
        _fail(ports, seen, f"The run has not ended after {LONGEST.seconds // 3600} hours: look at it in Census.")
        return
    if seen != action:
        set_action(ports, seen, ActionState.RUNNING)


def _measure_again(ports: Ports, checker: Checker, action: Action) -> None:
    evaluation = checker.run(join=False)
    verdict = _verdict(ports, action, evaluation)
    ended = replace(action, state=ActionState.FINISHED, verdict=verdict)
    set_action(ports, ended, ActionState.CHECKING)


def _verdict(ports: Ports, action: Action, evaluation: Evaluation) -> str:
    with ports.store.transaction() as records:
        incident = records.incident(action.incident_id) if action.incident_id else None
    result = next(
        (r for r in evaluation.results if incident and (r.check, r.sync) == (incident.check, incident.sync)), None
    )
    if result is None:
        return "The pipeline was measured again."
    check = next(check for check in ports.settings.checks if check.name == result.check)
    return _judgement(result, check.keep_firing_for, adopted=action.adopted)


def _judgement(result: Result, lasting: timedelta, *, adopted: bool) -> str:
    if result.outcome in (Outcome.NO_DATA, Outcome.ERROR):
        return f"It could not be measured again. {result.summary}."
    if result.cleared:
        return f"Measured again: {result.summary}. The alert closes once that has held for {lasting.seconds // 60} min."
    if adopted:
        return (
            f"Still wrong: {result.summary}. That run had begun before you asked: Rerun starts one that reads it anew."
        )
    return (
        f"Still wrong: {result.summary}. Salesforce comes back into the warehouse with some minutes' delay; "
        "if the number stays, the rows that were written are wrong themselves."
    )


def _fail(ports: Ports, action: Action, why: str) -> None:
    failed = replace(action, state=ActionState.FAILED, ended_at=ports.clock.now(), verdict=why)
    set_action(ports, failed, action.state)


def _with_counts(action: Action, run: Run) -> Action:
    return replace(
        action,
        run_status=run.status,
        records_total=run.records_total,
        records_updated=run.records_updated,
        records_failed=run.records_failed,
        records_invalid=run.records_invalid,
    )


def _running(ports: Ports, action: Action) -> Run | None:
    return next((run for run in ports.census.runs(_sync_id(ports, action)) if not run.final), None)


def _sync_id(ports: Ports, action: Action) -> int:
    """The sync's id, or the run's fate is unknown: raises SyncHealthError when pipeline.yml dropped the sync."""
    for sync in ports.settings.syncs:
        if sync.name == action.sync:
            return sync.id
    raise SyncHealthError(f"pipeline.yml has no sync {action.sync} any more")
