"""What is known of one sync: its backlog, runs, rejected records, schedule."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.alerts.rejected_again import RejectedAgain
from bot.alerts.rejections import CauseGroup
from bot.alerts.run_errors import RunError
from bot.alerts.trends import Trend
from bot.config.pipeline_file import Noun
from bot.config.syncs import SyncSettings
from bot.facts import Run, Schedule
from checks.model import Result


@dataclass(frozen=True)
class PendingRecord:
    """A record of a queue by its keys, and what makes it suspect, or nothing."""

    keys: tuple[str, ...]
    suspect: str | None


@dataclass(frozen=True)
class Queue:
    """The backlog of one sync. `size` is None where nobody knows it, and `error` says why."""

    label: str
    source: str | None  # the view; None: the sync has no queue
    size: int | None
    judged: Result | None = None  # by the check on this queue, if there is one
    suspects: tuple[tuple[str, int], ...] = ()  # the suspect records, by what makes them suspect
    oldest: timedelta | None = None  # since the record changed that has been pending longest
    trend: Trend | None = None
    groups: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()  # by what; of each the biggest first
    keys: tuple[str, ...] = ()  # what the keys of its records are called
    first: tuple[PendingRecord, ...] = ()
    suspect: tuple[PendingRecord, ...] = ()
    error: str | None = None
    noun: Noun = field(default_factory=Noun)
    measurable: bool = True  # False: there is no warehouse
    sync: SyncSettings | None = None  # which it is, for buttons
    paused: bool = False  # by the last evaluation
    running: bool = False  # by the last evaluation
    troubles: tuple[Result, ...] = ()  # what the last evaluation found wrong with the sync besides, the worst first
    in_vain: bool = False  # a run takes nothing of it, or fails until something is fixed
    rejected: RejectedAgain | None = None  # what of it the last run could not write

    @property
    def suspicious(self) -> int:
        """How many records are suspect."""
        return sum(count for _, count in self.suspects)


@dataclass(frozen=True)
class SyncRuns:
    """The latest runs of a sync, newest first, each with its error rate in percent; `error`: why there are none."""

    label: str
    runs: tuple[tuple[Run, float | None], ...] = ()
    error: str | None = None
    running: Run | None = None  # the one in progress, and how long it should take
    expected: timedelta | None = None
    sync: SyncSettings | None = None  # which it is, for buttons
    failure: RunError | None = None  # why the latest run failed, where it did


@dataclass(frozen=True)
class SyncErrors:
    """What the last completed run of a sync could not bring over. `run` is None where there was none lately."""

    label: str
    run: Run | None = None
    rejected: int = 0  # by the destination
    invalid: int = 0  # …and by Census, before it came so far
    read: int = 0  # of these, how many were looked at: Census has them late, and we do not read them all
    groups: tuple[CauseGroup, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class SyncSchedule:
    """When a sync runs by itself; `next_run` is None where that is never, always, or not to be known."""

    label: str
    schedule: Schedule | None = None
    next_run: datetime | None = None
    error: str | None = None
