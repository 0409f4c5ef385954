"""Follow every rerun to its end, edit its message meanwhile, and evaluate again when it is over."""

import logging
from dataclasses import replace
from datetime import timedelta

from bot.alerts.model import Action, ActionState
from bot.errors import NotFoundError, SyncHealthError, UnreadableError
from bot.facts import LONGEST_RUN, Run, RunStatus
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.collect import START
from bot.services.rerun_sync import set_action
from bot.services.run_checks import Checker
from checks.model import Outcome, Result

log = logging.getLogger(__name__)

OURS = "API Request"  # how Census tags a run that was triggered through its API
UNCONFIRMED = 90.0  # real seconds after which the thread says that Census does not show the run
SEARCH = 15 * 60.0  # real seconds after which it is no longer looked for
SKEW = timedelta(minutes=2)  # between our clock and Census'
ENDED_BADLY = {
    RunStatus.FAILED: "Census says that the run failed",
    RunStatus.CANCELLED: "The run was cancelled in Census",
    RunStatus.SKIPPED: "Census skipped the run, and no other is going on",
}


def follow_runs(ports: Ports, checker: Checker) -> int:
    """Take every open action one step further; returns how many are open."""
    with ports.store.snapshot() as records:
        actions = records.open_actions()
    for action in actions:
        if action.requested_at > ports.clock.now() + SKEW:  # the clock was set back: its patience begins now
            action = set_action(ports, replace(action, requested_at=ports.clock.now()), action.state)
        try:
            _advance_action(ports, checker, action)
        except SyncHealthError as error:
            log.warning("action %s (%s): %s; looking again", action.id, action.sync, error)
            _release_old(ports, action, str(error))
        except Exception as error:  # what nobody foresaw is an error of this action alone
            log.exception("action %s (%s) met something unforeseen; looking again", action.id, action.sync)
            _release_old(ports, action, f"an answer that cannot be read ({type(error).__name__})")
    return len(actions)


def _release_old(ports: Ports, action: Action, why: str) -> None:
    """Give it up after hours, else nobody could ever rerun that sync."""
    if ports.clock.now() - action.requested_at > LONGEST_RUN:
        _give_up(ports, action, f"How it ended is unknown: {why}. Check it in Census.")


def _advance_action(ports: Ports, checker: Checker, action: Action) -> None:
    match action.state:
        case ActionState.REQUESTED:
            _look_for_it(ports, action)
        case ActionState.RUNNING:
            _watch_run(ports, action)
        case ActionState.CHECKING:
            _measure_again(ports, checker, action)


def _look_for_it(ports: Ports, action: Action) -> None:
    """The answer to our request was lost, or we were: Census knows whether there is a run, sooner or later.

    Not to see one is not to know that none was started, so it is never said.
    """
    runs = ports.census.runs_since(_sync_id(ports, action), action.requested_at - SKEW)
    ours = [run for run in runs if run.id > action.latest_run_id and run.trigger == OURS]
    waited = _waited(ports, action)
    if ours:
        found = replace(action, state=ActionState.RUNNING, run_id=min(run.id for run in ours), verdict="")
        set_action(ports, found, ActionState.REQUESTED)
    elif waited > SEARCH:
        _give_up(
            ports,
            action,
            "Whether a run started is unknown: Census did not confirm the request and shows no such run. "
            "Check its runs in Census before another rerun.",
        )
    elif waited > UNCONFIRMED and not action.verdict:
        unconfirmed = "Census has not confirmed the request; still looking for the run."
        set_action(ports, replace(action, verdict=unconfirmed), ActionState.REQUESTED)


def _watch_run(ports: Ports, action: Action) -> None:
    if not action.run_id:
        _give_up(ports, action, "Census named no run for the request. Check its runs there before another rerun.")
        return
    try:
        run, now = ports.census.run(action.run_id), ports.clock.now()
    except NotFoundError:
        if _waited(ports, action) <= UNCONFIRMED:  # it may not show yet
            raise
        _give_up(ports, action, "Census no longer knows this run, so how it ended is unknown.")
        return
    if run.sync_id != _sync_id(ports, action):
        raise UnreadableError(f"Census shows run {action.run_id} as one of another sync")
    seen = _with_counts(action, run)
    if run.status is RunStatus.SKIPPED and (other := _running(ports, action)):
        seen = replace(action, run_id=other.id, adopted=True)
    elif run.status is RunStatus.COMPLETED:
        seen = replace(seen, state=ActionState.CHECKING, ended_at=min(run.completed_at or now, now))
    elif run.final:
        _fail_action(ports, seen, f"{ENDED_BADLY[run.status]}{f': {run.error}' if run.error else ''}.")
        return
    elif ports.clock.now() - action.requested_at > LONGEST_RUN:
        hours = LONGEST_RUN.seconds // 3600
        _give_up(ports, seen, f"Census shows no end of the run after {hours} hours: check it there.")
        return
    if seen != action:
        set_action(ports, seen, ActionState.RUNNING)


def _waited(ports: Ports, action: Action) -> float:
    """Real seconds since the request."""
    return (ports.clock.now() - action.requested_at).total_seconds() / ports.clock.speed


def _measure_again(ports: Ports, checker: Checker, action: Action) -> None:
    now, ended_at = ports.clock.now(), action.ended_at or action.requested_at
    with ports.store.snapshot() as records:
        last = records.latest_evaluation()
    if last and not last.warehouse_may_be_asked(now):
        return
    evaluation = checker.run(join=False)
    stale = evaluation.warehouse_at is not None and evaluation.warehouse_at < ended_at
    if stale or (evaluation.asked_in_vain and timedelta(0) <= now - ended_at < START):
        return  # what it held before the run says nothing of it
    verdict = _verdict(ports, action, evaluation)
    ended = replace(action, state=ActionState.FINISHED, verdict=verdict)
    set_action(ports, ended, ActionState.CHECKING)


def _verdict(ports: Ports, action: Action, evaluation: Evaluation) -> str:
    with ports.store.snapshot() as records:
        incident = records.incident(action.incident_id) if action.incident_id else None
    result = next(
        (r for r in evaluation.results if incident and (r.check, r.sync) == (incident.check, incident.sync)), None
    )
    if result is None:
        return "The pipeline was evaluated again."
    check = next(check for check in ports.settings.checks if check.name == result.check)
    return _judgement(result, check.keep_firing_for, adopted=action.adopted)


def _judgement(result: Result, lasting: timedelta, *, adopted: bool) -> str:
    if result.outcome in (Outcome.NO_DATA, Outcome.ERROR):
        return f"Status after the run is unknown: {result.summary}."
    if result.cleared:
        return f"Evaluated again: {result.summary}. Resolves if it stays there for {lasting.seconds // 60} min."
    still = f"Not recovered: {result.summary}."
    if adopted:
        return f"{still} This run had begun before the request; Rerun starts one that reads current records."
    return (
        f"{still} What was written reaches the warehouse a few minutes later; if the value stays, the source is still "
        "wrong."
    )


def _give_up(ports: Ports, action: Action, why: str) -> None:
    """It is not known, which is not to have failed."""
    unknown = replace(action, state=ActionState.UNKNOWN, ended_at=ports.clock.now(), verdict=why)
    set_action(ports, unknown, action.state)


def _fail_action(ports: Ports, action: Action, why: str) -> None:
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
    now = ports.clock.now()
    return next((run for run in ports.census.runs(_sync_id(ports, action)) if run.is_going_on(now)), None)


def _sync_id(ports: Ports, action: Action) -> int:
    """The sync's id, or the run's fate is unknown: raises SyncHealthError when pipeline.yml dropped the sync."""
    for sync in ports.settings.syncs:
        if sync.name == action.sync:
            return sync.id
    raise SyncHealthError(f"pipeline.yml has no sync {action.sync} any more")
