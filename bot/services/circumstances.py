"""What is known around an alert: its causes, what can help it, and the next step, from one evaluation."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerts.causes import Circumstances, causes
from bot.alerts.model import ITSELF, Action, ActionKind, ActionState
from bot.alerts.offers import offers, situation
from bot.config.settings import Settings
from bot.model import Evaluation
from bot.ports import AlertRecords
from checks.model import Check, Outcome, Result

GOING_ON = (ActionState.REQUESTED, ActionState.RUNNING)  # of a rerun; once its run has ended, another one may help
SEEN_WITHIN = timedelta(hours=1)
REJECTED = "error_rate"  # the metric whose cause is asked for once the alert is posted


@dataclass(frozen=True)
class Known:
    """What an incident says besides its value."""

    causes: tuple[str, ...]
    offers: tuple[str, ...]
    helps: str
    sync: str | None  # whose rerun the check names
    asked_later: bool  # its causes come from Census' records, after it was posted


def syncs_being_rerun(records: AlertRecords) -> frozenset[str]:
    """By name, the syncs whose requested rerun has not ended yet."""
    going_on = (one for one in records.open_actions() if one.kind is ActionKind.RERUN and one.state in GOING_ON)
    return frozenset(action.sync for action in going_on)


def pause_behind(records: AlertRecords, sync: str, since: datetime) -> Action | None:
    """The action by which a sync was paused here that is paused `since` then, as far as that is known.

    What somebody paused is seen within an hour. A sync that was paused here and is found so much later was resumed in
    Census, and paused there again. What Sync Health holds itself is told later: once what it is held for is over.
    """
    action = records.latest_pause(sync)
    late = action is not None and action.by != ITSELF and since - action.requested_at > SEEN_WITHIN
    return None if late else action


def what_is_known(
    check: Check,
    result: Result,
    evaluation: Evaluation | None,
    settings: Settings,
    since: datetime,
    rerunning: Collection[str],
    paused_by: Action | None = None,
) -> Known:
    """The circumstances of a check's result; `check` as it stands in its situation, `since` when it is like this.

    The syncs that are `rerunning` are followed in a thread already; `paused_by` is the action that paused this one.
    """
    helping = settings.helping_sync(check, result.sync)
    if result.cleared:
        return Known((), (), result.helps or check.helps, helping, asked_later=False)
    label = helping or result.sync
    status = evaluation.status_of.get(label or "") if evaluation else None
    related = list(_related(check, label, evaluation, settings)) if evaluation else []
    following, noun = label in rerunning, settings.noun.words
    about = Circumstances(check, result, status, related, since, following, noun, paused_by)
    case = situation(about)
    instead = about.long_run.helps if about.long_run else ""
    helps = (check.cases[case].helps if case in check.cases else "") or instead or result.helps or check.helps
    offered = () if settings.observes else offers(about)
    return Known(causes(about), offered, helps, helping, asked_later=check.metric == REJECTED)


def _related(
    check: Check, sync: str | None, evaluation: Evaluation, settings: Settings
) -> Iterator[tuple[Check, Result]]:
    """What is wrong with the same sync and can explain this, in the order in which the check names it."""
    names = (*check.depends_on, *(one.name for one in settings.checks_of_metric(REJECTED)))
    for name in dict.fromkeys(names):
        for about in dict.fromkeys((sync, None)):
            other, result = settings.check_called(name, about), evaluation.result_of.get((name, about))
            is_wrong = name != check.name and result and result.outcome in (Outcome.WARN, Outcome.CRITICAL)
            if other and result and is_wrong and (about or settings.helping_sync(other, None)) == sync:
                yield other, result
