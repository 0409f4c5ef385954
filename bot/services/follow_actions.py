"""Follow every action to its end, edit its message meanwhile, and evaluate again when it is over."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts.causes import at
from bot.alerts.model import Action, ActionKind, ActionState
from bot.alerts.run_time import run_in_progress
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import LONGEST_RUN, Run, RunStatus, counts_in_words
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.actions import end_action, set_action, with_counts
from bot.services.collect import START
from bot.services.explain_outcome import ended_lately, explain_each
from bot.services.follow_change import UNCONFIRMED, follow_change, sync_id_of, waited
from bot.services.judge_all import BLIND
from bot.services.run_checks import Checker
from checks.model import Result

log = logging.getLogger(__name__)

OURS = "API Request"  # how Census tags a run that was triggered through its API
SEARCH = 15 * 60.0  # real seconds after which it is no longer looked for
STALLED_AFTER = timedelta(minutes=5)
SKEW = timedelta(minutes=2)  # between our clock and Census'
ENDED_BADLY = {
    RunStatus.FAILED: "Census says that the run failed",
    RunStatus.CANCELLED: "The run was canceled",
    RunStatus.SKIPPED: "Census skipped the run, and no other is going on",
}


def follow_actions(ports: Ports, checker: Checker) -> int:
    """Take every open action one step further; returns how many are open."""
    with ports.store.snapshot() as records:
        actions = records.open_actions()
    return _follow_each(ports, checker, actions)


def follow_and_explain(ports: Ports, checker: Checker) -> tuple[int, int]:
    """How many actions are open, and how many ended ones lack the causes of their rejected records; read at once."""
    with ports.store.snapshot() as records:
        actions, ended = records.open_actions(), ended_lately(ports, records)
    return _follow_each(ports, checker, actions), explain_each(ports, ended)


def _follow_each(ports: Ports, checker: Checker, actions: Sequence[Action]) -> int:
    for action in sorted(actions, key=lambda one: one.kind is ActionKind.PAUSE_ALL):  # which may ask for minutes
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
    if action.kind is not ActionKind.RERUN:
        follow_change(ports, checker, action)
        return
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
    try:
        runs = ports.census.runs_since(sync_id_of(ports, action), action.requested_at - SKEW)
    except NotFoundError:  # the sync was deleted, or may not be seen any more
        if waited(ports, action) <= SEARCH:
            raise
        _give_up(ports, action, "Whether a run started is unknown: Census no longer shows this sync.")
        return
    newer = [run for run in runs if run.id > action.latest_run_id and run.trigger == OURS]
    ours = [run for run in newer if run.full_sync is action.full_sync] or newer  # others use the API, too
    patience = waited(ports, action)
    if ours:
        first = min(ours, key=lambda run: run.id)
        found = replace(action, state=ActionState.RUNNING, run_id=first.id, began_at=first.created_at, verdict="")
        set_action(ports, found, ActionState.REQUESTED)
    elif patience > SEARCH:
        _give_up(
            ports,
            action,
            "Whether a run started is unknown: Census did not confirm the request and shows no such run. "
            f"Check its runs in Census before another rerun.{_whether_resumed(ports, action)}",
        )
    elif patience > UNCONFIRMED and not action.verdict:
        unconfirmed = "Census has not confirmed the request; still looking for the run."
        set_action(ports, replace(action, verdict=unconfirmed), ActionState.REQUESTED)


def _whether_resumed(ports: Ports, action: Action) -> str:
    """How a sync stands that was to be resumed before its rerun."""
    if not action.resumes:
        return ""
    try:
        paused = ports.census.sync(sync_id_of(ports, action)).schedule.paused
    except SyncHealthError:
        return " Whether the sync is resumed is unknown, too."
    return f" The sync is {'still paused' if paused else 'resumed'}."


def _watch_run(ports: Ports, action: Action) -> None:
    run, now = _run_of(ports, action), ports.clock.now()
    if run is None:
        return
    seen = with_counts(action, run, now)
    if run.status is RunStatus.SKIPPED and (other := _running(ports, action)):
        seen = replace(action, run_id=other.id, adopted=True, began_at=other.created_at)
    elif run.status is RunStatus.COMPLETED:
        seen = replace(seen, state=ActionState.CHECKING, ended_at=min(run.completed_at or now, now))
    elif run.final:
        why = f"{ENDED_BADLY[run.status]}{f': {run.error}' if run.error else ''}."
        end_action(ports, seen, ActionState.FAILED, why)
        return
    elif ports.clock.now() - action.requested_at > LONGEST_RUN:
        hours = LONGEST_RUN.seconds // 3600
        _give_up(ports, seen, f"Census shows no end of the run after {hours} hours: check it there.")
        return
    else:
        seen = _with_progress(action, seen, now)
    if seen != action:
        set_action(ports, seen, ActionState.RUNNING)


def _run_of(ports: Ports, action: Action) -> Run | None:
    """The run that is followed; None where the action ends because there is none. Raises SyncHealthError."""
    if not action.run_id:
        _give_up(ports, action, "Census named no run for the request. Check its runs there before another rerun.")
        return None
    try:
        run = ports.census.run(action.run_id)
    except NotFoundError:
        was_seen = action.counted_at is not None
        if waited(ports, action) <= (UNCONFIRMED if was_seen else SEARCH):  # it may not show yet
            raise
        shown = "Census no longer knows this run" if was_seen else f"Census has not shown run {action.run_id}"
        _give_up(ports, action, f"{shown}, so how it ended is unknown.")
        return None
    if run.sync_id != sync_id_of(ports, action):
        log.warning("Census shows run %s as one of another sync; looking for that of %s", run.id, action.sync)
        searched = replace(action, state=ActionState.REQUESTED, run_id=None, adopted=False)
        set_action(ports, searched, ActionState.RUNNING)
        return None
    return run


def _with_progress(action: Action, seen: Action, now: datetime) -> Action:
    """The same, and since when its counts have not changed where that is so long that they do not say when it ends."""
    if seen != action:
        return replace(seen, verdict="")
    stalled = action.counted_at is not None and now - action.counted_at > STALLED_AFTER
    if stalled and action.counted_at and not action.verdict:
        return replace(action, verdict=f"No progress since {at(action.counted_at)}.")
    return action


def _measure_again(ports: Ports, checker: Checker, action: Action) -> None:
    now = ports.clock.now()
    ended_at = min(action.ended_at or action.requested_at, now)  # the clock may have been set back since
    with ports.store.snapshot() as records:
        last = records.latest_evaluation()
    if last and not last.warehouse_may_be_asked(now):
        return
    evaluation = checker.run(join=False)
    stale = evaluation.warehouse_at is not None and evaluation.warehouse_at < ended_at
    if stale or (evaluation.asked_in_vain and timedelta(0) <= now - ended_at < START):
        return  # what it held before the run says nothing of it
    verdict, result = _verdict(ports, action, evaluation)
    counted = counts_in_words(action)
    end_action(ports, action, ActionState.FINISHED, verdict, after=counted, result=result)


def _verdict(ports: Ports, action: Action, evaluation: Evaluation) -> tuple[str, str]:
    """What the thread says of the evaluation after the run, and what the audit says, whose state is that of the run."""
    with ports.store.snapshot() as records:
        incident = records.incident(action.incident_id) if action.incident_id else None
    result = next(
        (r for r in evaluation.results if incident and (r.check, r.sync) == (incident.check, incident.sync)), None
    )
    if result is None:
        return "The pipeline was evaluated again.", "run completed"
    check = ports.settings.check_called(result.check, result.sync)
    lasting = check.keep_firing_for if check else timedelta(0)
    verdict = _judgement(result, lasting, evaluation.checked_at, adopted=action.adopted)
    return verdict, f"run completed{_how_it_stands(result)}: {result.summary}"


def _how_it_stands(result: Result) -> str:
    if result.outcome in BLIND:
        return ", status unknown"
    return "" if result.cleared else ", not recovered"


def _judgement(result: Result, lasting: timedelta, evaluated_at: datetime, *, adopted: bool) -> str:
    """What the evaluation after the run says of the incident; times stand in braces, see alerts.causes.at."""
    if result.outcome in BLIND:
        return f"Status after the run is unknown: {result.summary}."
    if result.cleared:
        resolves = f" Resolves {at(evaluated_at + lasting)} if it stays there." if lasting else ""
        return f"Evaluated again: {result.summary}.{resolves}"
    still = f"Not recovered: {result.summary}."
    if adopted:
        return f"{still} This run had begun before the request; Rerun starts one that reads current records."
    return (
        f"{still} What was written reaches the warehouse a few minutes later; if the value stays, the source is still "
        "wrong."
    )


def _give_up(ports: Ports, action: Action, why: str) -> None:
    """It is not known, which is not to have failed."""
    end_action(ports, action, ActionState.UNKNOWN, why)


def _running(ports: Ports, action: Action) -> Run | None:
    return run_in_progress(ports.census.runs(sync_id_of(ports, action)), ports.clock.now())
