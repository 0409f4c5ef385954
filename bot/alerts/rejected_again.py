"""Pending records that the last completed run could not write: the next run meets them again. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.alerts.rejections import CauseGroup, Known, Needs, Rejection, comparable, group_by_cause, reasons_of
from bot.facts import Run

PASSING = frozenset({Needs.TRANSIENT, Needs.QUOTA, Needs.UNKNOWN})  # nobody need change anything, or nobody knows


@dataclass(frozen=True)
class RejectedAgain:
    """What of the last run's rejections is pending. `error` says why that is not known; then `records` is None."""

    run: Run | None = None
    lost: int = 0  # records that the run could not write: rejected and invalid ones
    compared: int = 0  # …and how many of these were looked for
    records: int | None = None  # that are pending
    lasting: int = 0  # of these, whose cause stays until somebody fixes it
    groups: tuple[CauseGroup, ...] = ()  # their causes, the most frequent first
    error: str = ""


def pending_again(
    run: Run, lost: int, rejections: Sequence[Rejection], pending: Collection[str], known: Known
) -> RejectedAgain:
    """The rejections of those that are `pending` (by identifier), by cause; a record counts once for each."""
    found = {one.identifier: one for one in reversed(rejections) if one.identifier in pending}  # what is said first
    lasting = sum(_lasts(one, known) for one in found.values())
    groups = group_by_cause(found.values(), known)
    return RejectedAgain(run, lost, len(comparable(one.identifier for one in rejections)), len(found), lasting, groups)


def _lasts(rejection: Rejection, known: Known) -> bool:
    reasons = reasons_of(rejection.message, known, rejection.status)
    return any(reason.cause.needs not in PASSING for reason in reasons)
