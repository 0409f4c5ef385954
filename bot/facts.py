"""Facts that decisions read: the syncs, runs and schedules of Census as they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

LONGEST_RUN = timedelta(hours=6)  # after this a run whose end is not to be seen is given up


class RunStatus(StrEnum):
    """How a Census run stands, once its traps are read away (`canceled` first, a dry run is its own kind)."""

    QUEUED = "queued"
    WORKING = "working"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Run:
    """One run of a Census sync. Counts are None where Census has none; all times are UTC."""

    id: int
    sync_id: int
    status: RunStatus
    dry_run: bool
    trigger: str  # "API Request", "Schedule", …
    created_at: datetime
    completed_at: datetime | None = None
    records_total: int | None = None  # rows that the source offered
    records_processed: int | None = None
    records_updated: int | None = None
    records_failed: int | None = None
    records_invalid: int | None = None
    error: str | None = None
    error_code: str | None = None  # Census' own
    full_sync: bool = False  # it writes every record again, not only what has changed

    @property
    def final(self) -> bool:
        """Whether it will change no more."""
        return self.status not in (RunStatus.QUEUED, RunStatus.WORKING, RunStatus.UNKNOWN)

    def is_going_on(self, now: datetime) -> bool:
        """Whether it keeps another one from starting; a status that nobody knows counts for hours, not for ever."""
        if self.status is RunStatus.UNKNOWN:
            return now - self.created_at < LONGEST_RUN
        return not self.final

    @property
    def counts_as_sync(self) -> bool:
        """Whether it brought the destination up to date: dry and cancelled runs did not."""
        return self.status is RunStatus.COMPLETED and not self.dry_run

    @property
    def took_nothing(self) -> bool:
        """Whether its source offered it no record, as far as Census tells."""
        taken = (self.records_processed, self.records_updated, self.records_failed)
        return self.records_total == 0 and not any(taken)


@dataclass(frozen=True)
class Rhythm:
    """How a sync that Census does not schedule has run lately: the longest time between two completed runs."""

    longest: timedelta
    weekdays: bool = False  # of Monday to Friday alone, because it rests at weekends


@dataclass(frozen=True)
class Schedule:
    """When Census runs a sync by itself, and what else is known of when it runs."""

    frequency: str  # never, continuous, quarter_hourly, hourly, daily, weekly, expression
    paused: bool
    hour: int | None = None
    minute: int | None = None
    day: str | None = None
    cron: str | None = None
    triggers: tuple[
        str, ...
    ] = ()  # what else starts it: sync_sequence, fivetran, dbt_cloud, live, or one not known here
    external: bool = False  # started from outside over the API, which only pipeline.yml can tell
    expect_every: timedelta | None = None  # the longest time between two completed runs, by pipeline.yml
    follows: int | None = None  # the sync after which it runs, where Census names one
    follows_name: str | None = None  # …what pipeline.yml calls that one
    rhythm: Rhythm | None = None  # …what it is judged by where nothing else says when it runs

    @property
    def enabled(self) -> bool:
        """Whether any run will start without somebody clicking for it."""
        return not self.paused and (self.frequency != "never" or bool(self.triggers) or self.external)


@dataclass(frozen=True)
class Sync:
    """A Census sync as Census describes it."""

    id: int
    label: str
    status: str  # case-folded
    schedule: Schedule
    updated_at: datetime | None = None  # when Census last touched it, as each of its runs does


@dataclass(frozen=True)
class SyncStatus:
    """What was found out about one sync; `error` says why something is missing."""

    name: str
    label: str
    has_queue: bool = True  # False: pipeline.yml names none, so there is nothing to know of its backlog
    queue: int | None = None  # records that are pending
    suspicious: int | None = None  # …of them suspect
    suspects: tuple[tuple[str, int], ...] = ()  # these by what makes them suspect
    oldest_pending: datetime | None = None  # when the record changed that has been pending longest
    lowest: int | None = None  # the smallest backlog since it was last empty, and when it was measured first
    lowest_at: datetime | None = None
    latest: Run | None = None  # the newest run of any kind
    running: Run | None = None  # the one going on, which need not be the newest: those that start meanwhile are skipped
    last_sync: Run | None = None  # the newest that brought the destination up to date
    schedule: Schedule | None = None
    next_run: datetime | None = None  # None where that is never, always, or not to be known
    error_rate: float | None = None  # of the last sync, in percent
    error: str | None = None
    success_rate: float | None = None  # completed of those that ended within a day, in percent
    pending_since: datetime | None = None  # since when its queue was found not empty whenever it was measured
    oldest_seen_at: datetime | None = None  # since when a record that changed as long ago was found pending
    unheld_at: datetime | None = None  # when its latest run began, where its suspect records were not measured before


class Counted(Protocol):
    """Whatever has the counts of a run, as far as Census tells them."""

    @property
    def records_updated(self) -> int | None: ...
    @property
    def records_failed(self) -> int | None: ...
    @property
    def records_invalid(self) -> int | None: ...


def counts_in_words(of: Counted) -> str:
    """`246 updated, 0 rejected, 0 invalid`, as far as Census says; empty where it says nothing."""
    counts = {"updated": of.records_updated, "rejected": of.records_failed, "invalid": of.records_invalid}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count is not None)
