"""Why an alert fires, from facts that are at hand: pure. Nothing is guessed; what is not known is not said."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.model import ITSELF, Action
from bot.facts import RunStatus, SyncStatus
from checks.judge import clear_limit
from checks.model import Check, Result
from checks.numbers import count_of, possessive

MOST = 2
UNDONE = {RunStatus.CANCELLED: "canceled", RunStatus.SKIPPED: "skipped, another one was in progress"}
BACKLOG = frozenset({"backlog", "backlog_not_shrinking"})
BEHIND = frozenset({"clean_backlog", "empty_backlog"})  # a check with one of these is about what the sync has written
OVERTIME = "run_overtime"  # the metric of a run in progress that takes too long
PAUSED = ("First seen paused", "Paused by")
IN_PROGRESS = "A run has been in progress since"
SO_FAR, COMPLETE = " so far", "Runs complete:"
FOLLOWING = "; the next run starts"
IN_BRACES = re.compile(r"\s*\{[^{}]*\}")  # a time or a person
OF_A_RUN = re.compile(r": [\d,]+(?: of [\d,]+)? rejected records? in run \d+.*")  # behind the code of a rejection
SHARE = re.compile(r"(?<![\w.-])[\d,]+ of [\d,]+ ")
# How many there are, by what follows; the number in `Feed 17` or `Census answered 401` is part of a name.
COUNT = re.compile(r"(?<![\w.-])\d[\d,]*(?:\.\d+)?(?=%| (?:of|suspect|updated|runs?|records?|[a-z]{4,}s|h|min|d|s)\b)")
OVERDUE = frozenset({"hours_since_last_run", "runs_today"})


@dataclass(frozen=True)
class Circumstances:
    """What is known around a check's value when it was evaluated.

    `sync` is the one that the check is about, or whose rerun could help; `related` are the results of other checks of
    that sync that are not healthy. `following`: a rerun that was requested here is in progress.
    """

    check: Check
    result: Result
    sync: SyncStatus | None
    related: Sequence[tuple[Check, Result]]
    since: datetime  # when the check was first found like this
    following: bool = False
    noun: tuple[str, str] = ("record", "records")  # what one and many are called
    paused_by: Action | None = None  # where its sync was paused here

    @property
    def is_overdue(self) -> bool:
        """Whether the check is about runs that have not completed."""
        return self.check.metric in OVERDUE

    @property
    def long_run(self) -> Result | None:
        """What is found of a run in progress that takes too long, where the check is about runs that it keeps back."""
        found = (result for check, result in self.related if check.metric == OVERTIME)
        return next(found, None) if self.is_overdue else None

    @property
    def exceeds_backlog(self) -> bool:
        """Whether too many would stay wrong if all that is pending were written; of checks that count records."""
        counted = "empty_backlog" in self.check.cases and not any(
            limit.unit for limit in (self.check.warn, self.check.critical) if limit
        )
        queue, value = self.sync.queue if self.sync else None, self.result.value
        return counted and queue is not None and value is not None and not clear_limit(self.check).holds(value - queue)

    @property
    def is_backlog(self) -> bool:
        """Whether the check is about the size of a backlog."""
        return self.check.metric in BACKLOG

    @property
    def is_data(self) -> bool:
        """Whether the check is about values in the destination, which an update writes again."""
        return self.check.source == "databricks" and not self.check.per and self.check.rerun is not None


def causes(about: Circumstances) -> tuple[str, ...]:
    """The causes of this alert, two at most, the most telling first; times stand in braces, as ISO 8601.

    Of a check that names a cause itself, that one alone.
    """
    if about.result.cleared:
        return ()
    if about.result.cause:
        return (about.result.cause,)
    if about.result.case == "paused":
        return (_paused(about),)
    return tuple(_found(about))[:MOST]


def _paused(about: Circumstances) -> str:
    """By whom, where that was done here; braces mean something in a cause, so a reason keeps none."""
    action = about.paused_by
    if action is None:
        return f"{PAUSED[0]} {at(about.since)}"
    whom = "Sync Health" if action.by == ITSELF else f"{{@{action.by}}}"
    why = action.reason if action.by == ITSELF else action.reason.translate({ord("{"): "(", ord("}"): ")"})
    return f"{PAUSED[1]} {whom} {at(action.requested_at)}{f': {why}' if why else ''}"


def _found(about: Circumstances) -> Iterator[str]:
    sync = about.sync
    if sync is None or about.check.source == "bot":
        return
    if about.is_overdue or about.is_backlog:
        yield from (one.summary for _, one in about.related if one.summary not in about.result.summary)
    if about.is_overdue:
        yield from _last_run(sync)
    if about.check.metric == OVERTIME and sync.running and sync.running.records_total:
        done = f"{sync.running.records_updated or 0:,} of {count_of(sync.running.records_total, *about.noun)}"
        yield f"{done} updated{SO_FAR}"
    if about.is_backlog:
        yield from _backlog(sync, about.noun)
    if about.is_data and BEHIND & about.check.cases.keys():
        yield from _data(about, sync)


def _last_run(sync: SyncStatus) -> Iterator[str]:
    """Why the latest run did not bring the destination up to date, where it neither completed nor failed."""
    if sync.running:
        yield f"{IN_PROGRESS} {at(sync.running.created_at)}"
    elif sync.latest and sync.latest.dry_run:
        yield f"{possessive(sync.name)} last run was a dry run, which writes nothing"
    elif sync.latest and sync.latest.status in UNDONE:
        yield f"{possessive(sync.name)} last run was {UNDONE[sync.latest.status]}"


def _backlog(sync: SyncStatus, noun: tuple[str, str]) -> Iterator[str]:
    """Why records are pending although nothing is known to be wrong with the runs."""
    last = sync.last_sync
    if sync.running and sync.running.records_total:
        done = f"{sync.running.records_updated or 0:,} of {count_of(sync.running.records_total, *noun)}"
        yield f"{sync.name} is writing them: {done}{SO_FAR}"
    elif sync.pending_since and last and last.created_at > sync.pending_since and last.records_updated:
        yield f"{COMPLETE} {count_of(last.records_updated, *noun)} updated in the last one"
    elif sync.pending_since and last and last.created_at <= sync.pending_since:
        following = f"{FOLLOWING} {at(sync.next_run)}" if sync.next_run else ""
        yield f"No run of {sync.name} has completed since they became pending{following}"


def _data(about: Circumstances, sync: SyncStatus) -> Iterator[str]:
    """Whether wrong values are still being produced, or stand in the destination from before."""
    if sync.suspicious:
        yield f"{count_of(sync.suspicious, 'suspect record')} pending in {sync.name}"
    elif sync.suspicious == 0 and sync.queue and about.exceeds_backlog:
        yield f"Not in the backlog: only {count_of(sync.queue, *about.noun)} pending in {sync.name}"
    elif sync.queue == 0:
        yield f"Not in the backlog: no {about.noun[0]} is pending in {sync.name}"


def cause_name(cause: str, sync: str | None) -> str | None:
    """What a stored cause is called where many are counted: without its times, its people and what comes next.

    None: it says how far a run is, which is no cause of anything later.
    """
    if cause.endswith(SO_FAR) or cause.startswith(COMPLETE):
        return None
    if cause.startswith(PAUSED):
        return f"{sync or 'A sync'} paused"
    if cause.startswith(IN_PROGRESS):
        return f"{possessive(sync) if sync else 'A'} run in progress"
    return SHARE.sub("", OF_A_RUN.sub("", IN_BRACES.sub("", cause.split(FOLLOWING)[0]))).strip()


def ended_causes(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Those of before that are not found any more, whatever their numbers are; how far a run is does not end."""
    still = {without_counts(name) for one in now if (name := cause_name(one, None))}
    return tuple(one for one in before if (name := cause_name(one, None)) and without_counts(name) not in still)


def without_counts(name: str) -> str:
    """By which two names are the same however many there are."""
    return COUNT.sub("#", name).casefold()


def at(moment: datetime) -> str:
    """A time in a text that is stored; whoever shows the text writes it for its reader."""
    return f"{{{moment.isoformat(timespec='seconds')}}}"
