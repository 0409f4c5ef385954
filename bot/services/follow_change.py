"""Follow what changes a sync or ends its run: a lost answer is looked up, never repeated where that could do harm."""

from dataclasses import replace

from bot.alerts.causes import at
from bot.alerts.model import ITSELF, Action, ActionKind, ActionState
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Run, RunStatus
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.act_on_sync import pause_each
from bot.services.actions import end_action, set_action, with_counts
from bot.services.apply_remedies import retry_hold
from bot.services.run_checks import Checker
from checks.numbers import count_of, pending

UNCONFIRMED = 90.0  # real seconds after which what Census shows is what counts
PATIENCE = 15 * 60.0  # real seconds in which all syncs are paused, or a cancelled run ends
STAYS = "What it had written before stays written."
DONE = {  # how the sync stands then, and what the audit says
    ActionKind.PAUSE: ("paused", "paused"),
    ActionKind.RESUME: ("on", "resumed"),
    ActionKind.PAUSE_ALL: ("paused", "all paused"),
}


def follow_change(ports: Ports, checker: Checker, action: Action) -> None:
    """One step of a pause, a resume or a cancellation. Raises SyncHealthError where Census does not answer."""
    if action.state is ActionState.CHECKING:
        evaluation = checker.run(join=False, thrifty=True)  # what it changes in the alerts is seen at once
        after, result = DONE[action.kind]
        others = action.verdict if action.kind is ActionKind.PAUSE_ALL else ""
        verdict = _what_follows(ports, action, evaluation) if action.kind is ActionKind.RESUME else others
        end_action(ports, action, ActionState.FINISHED, verdict, after=after, result=others or result)
    elif action.kind is ActionKind.CANCEL:
        _follow_cancellation(ports, checker, action)
    elif action.kind is ActionKind.PAUSE_ALL:
        _pause_the_rest(ports, action)
    else:
        _look_at_sync(ports, action)


def sync_id_of(ports: Ports, action: Action) -> int:
    """The sync's id in Census. Raises SyncHealthError when pipeline.yml dropped the sync: its fate is unknown then."""
    if sync := ports.settings.sync_named(action.sync):
        return sync.id
    raise SyncHealthError(f"pipeline.yml has no sync {action.sync} any more")


def waited(ports: Ports, action: Action) -> float:
    """Real seconds since the request."""
    return (ports.clock.now() - action.requested_at).total_seconds() / ports.clock.speed


def _what_follows(ports: Ports, action: Action, evaluation: Evaluation) -> str:
    """When a sync that is resumed runs next and what it finds then, as far as that is known; see alerts.causes.at."""
    sync = evaluation.status_of.get(action.sync)
    if sync is None:
        return ""
    words = []
    if sync.running:
        words.append(f"A run has been in progress since {at(sync.running.created_at)}")
    if sync.next_run:
        words.append(f"Next run {at(sync.next_run)}")
    if sync.queue is not None and evaluation.warehouse_at:
        suspect = f", {count_of(sync.suspicious, 'suspect record')} among them" if sync.suspicious else ""
        measured = f" (as of {at(evaluation.warehouse_at)})"
        words.append(f"{pending(sync.queue, *ports.settings.noun.words)}{suspect}{measured}")
    return " · ".join(words)


def _look_at_sync(ports: Ports, action: Action) -> None:
    """The answer was lost, or we were: Census shows whether the sync is paused."""
    wanted = action.kind is ActionKind.PAUSE
    if ports.census.sync(sync_id_of(ports, action)).schedule.paused is wanted:
        set_action(ports, replace(action, state=ActionState.CHECKING, verdict=""), ActionState.REQUESTED)
    elif action.by == ITSELF and wanted and waited(ports, action) <= PATIENCE:
        retry_hold(ports, action, sync_id_of(ports, action))
    elif waited(ports, action) > UNCONFIRMED:
        shown = "on" if wanted else "paused"
        why = f"Census did not confirm the request, and shows the sync {shown}."
        end_action(ports, action, ActionState.FAILED, why, after=shown)


def _pause_the_rest(ports: Ports, action: Action) -> None:
    pause_each(ports, action, last=waited(ports, action) > PATIENCE)


def _follow_cancellation(ports: Ports, checker: Checker, action: Action) -> None:
    try:
        run = ports.census.run(action.run_id or 0)
    except NotFoundError:
        if waited(ports, action) <= UNCONFIRMED:  # one answer is not all
            raise
        end_action(ports, action, ActionState.UNKNOWN, "Census no longer knows this run, so how it ended is unknown.")
        return
    seen = with_counts(action, run, ports.clock.now())
    if run.final:
        checker.run(join=False, thrifty=True)
        state, verdict = _end_of(run)
        end_action(ports, seen, state, verdict, after=f"run {run.status}", result="run canceled" * (verdict == STAYS))
    elif action.state is ActionState.REQUESTED and waited(ports, action) > UNCONFIRMED:
        end_action(
            ports, seen, ActionState.FAILED, "Census did not confirm the request, and the run is still in progress."
        )
    elif waited(ports, action) > PATIENCE:
        end_action(
            ports, seen, ActionState.UNKNOWN, "Census accepted the request, and the run is still in progress. Check it."
        )


def _end_of(run: Run) -> tuple[ActionState, str]:
    if run.status is RunStatus.CANCELLED:
        return ActionState.FINISHED, STAYS
    return ActionState.FAILED, f"The run ended before it could be canceled: {run.status}."
