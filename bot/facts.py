"""Facts that decisions read: the syncs, runs and schedules of Census as they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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


@dataclass(frozen=True)
class Schedule:
    """When Census runs a sync by itself."""

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


@dataclass(frozen=True)
class SyncStatus:
    """What was found out about one sync; `error` says why something is missing."""

    name: str
    label: str
    direction: str
    queue: int | None = None  # rows that wait
    suspicious: int | None = None  # …of them without a company name
    latest: Run | None = None  # the newest run of any kind
    running: Run | None = None  # the one going on, which need not be the newest: those that start meanwhile are skipped
    last_sync: Run | None = None  # the newest that brought Salesforce up to date
    schedule: Schedule | None = None
    next_run: datetime | None = None  # None where that is never, always, or not to be known
    error_rate: float | None = None  # of the last sync, in percent
    error: str | None = None
    success_rate: float | None = None  # completed of those that ended within a day, in percent
    pending_since: datetime | None = None  # since when its queue was found not empty whenever it was measured
