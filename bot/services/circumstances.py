"""What is known around an alert: its causes, what can help it, and the next step, from one evaluation."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.causes import Circumstances, causes
from bot.alerts.model import ActionState
from bot.alerts.offers import offers, situation
from bot.config.settings import Settings
from bot.model import Evaluation
from bot.ports import AlertRecords
from checks.model import Check, Outcome, Result

GOING_ON = (ActionState.REQUESTED, ActionState.RUNNING)  # of a rerun; once its run has ended, another one may help
REJECTED = "error_rate"  # the metric whose cause is asked for once the alert is posted


@dataclass(frozen=True)
class Known:
    """What an incident says besides its value."""

    causes: tuple[str, ...]
    offers: tuple[str, ...]
    helps: str
    sync: str | None  # whose rerun the check names
    asked_later: bool  # its causes come from Census' records, after it was posted


def what_is_known(
    records: AlertRecords,
    check: Check,
    result: Result,
    evaluation: Evaluation | None,
    settings: Settings,
    since: datetime,
) -> Known:
    """The circumstances of a check's result; `check` as it stands in its situation, `since` when it is like this."""
    helping = settings.helping_sync(check, result.sync)
    if result.cleared:
        return Known((), (), result.helps or check.helps, helping, asked_later=False)
    label = helping or result.sync
    status = next((one for one in evaluation.syncs if one.name == label), None) if evaluation else None
    following = any(one.sync == label and one.state in GOING_ON for one in records.open_actions()) if label else False
    related = list(_related(check, label, evaluation, settings)) if evaluation else []
    about = Circumstances(check, result, status, related, since, following=following)
    case = situation(about)
    helps = (check.cases[case].helps if case in check.cases else "") or result.helps or check.helps
    return Known(causes(about), offers(about), helps, helping, asked_later=check.metric == REJECTED)


def _related(
    check: Check, sync: str | None, evaluation: Evaluation, settings: Settings
) -> Iterator[tuple[Check, Result]]:
    """What is wrong with the same sync and can explain this, in the order in which the check names it."""
    names = (*check.depends_on, *(one.name for one in settings.checks if one.metric == REJECTED))
    for name in dict.fromkeys(names):
        other = settings.check_called(name)
        for result in evaluation.results:
            is_wrong = result.check == name != check.name and result.outcome in (Outcome.WARN, Outcome.CRITICAL)
            if other and is_wrong and (result.sync or settings.helping_sync(other, None)) == sync:
                yield other, result
