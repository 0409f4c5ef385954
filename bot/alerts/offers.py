"""Which actions can help an alert now, from facts that are at hand: pure. What cannot help is not offered."""

from collections.abc import Iterator
from enum import StrEnum

from bot.alerts.causes import OVERTIME, Circumstances
from checks.model import Check, Result, Situation

SUSPECT = "suspect_records"  # the metric of pending records that are suspect
EMPTY_RUNS = "empty_runs"  # …of runs that take nothing of what is pending
PERMANENT = "permanent"  # the case of runs that fail until somebody has changed something


class Offer(StrEnum):
    """An action on a sync."""

    RERUN = "rerun"
    FOLLOW = "follow"  # the run that is in progress
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"  # the run that is in progress


def offers(about: Circumstances) -> tuple[Offer, ...]:
    """What can help now, best first."""
    return tuple(_offers(about))


def _offers(about: Circumstances) -> Iterator[Offer]:
    sync = about.sync
    if sync is None or about.result.cleared or about.check.source == "bot":
        return
    if sync.schedule and sync.schedule.paused:
        if not sync.suspicious:  # while it is paused they are not written
            yield Offer.RESUME
        return
    if sync.running and (sync.suspicious or about.check.metric == OVERTIME or about.long_run):
        yield Offer.CANCEL  # it is writing them, or nothing any more
    if sync.running and not about.following:  # a rerun from here is reported in the thread anyway
        yield Offer.FOLLOW
    if sync.suspicious:
        yield Offer.PAUSE  # before they are written
    mostly_wrong = sync.suspicious and 2 * sync.suspicious > (sync.queue or 0)
    if not mostly_wrong and about.check.rerun and not (about.following or sync.running) and _can_help(about):
        yield Offer.RERUN


def situation(about: Circumstances) -> Situation | None:
    """What is known of the sync or of the backlog behind a value, for which a check may have another next step."""
    if about.check.metric == SUSPECT and about.sync and about.sync.schedule and about.sync.schedule.paused:
        return "paused"
    if not about.is_data or about.sync is None or about.result.cause:
        return None
    if about.sync.queue == 0 or about.exceeds_backlog:
        return "empty_backlog"
    return "clean_backlog" if about.sync.suspicious == 0 and about.sync.queue else None


def runs_in_vain(check: Check, result: Result) -> bool:
    """Whether what was found says that the next run changes nothing: it takes no record, or fails until fixed."""
    return check.metric == EMPTY_RUNS or result.case == PERMANENT


def _can_help(about: Circumstances) -> bool:
    """Whether a run would change anything for good: there are pending records, runs take them, the source is right."""
    sync = about.sync
    assert sync
    stuck = any(runs_in_vain(check, result) for check, result in about.related)
    still_wrong = about.is_data and about.result.cause is not None
    return not (stuck or still_wrong) and (about.is_overdue or (sync.queue != 0 and not about.exceeds_backlog))
