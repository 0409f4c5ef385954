"""What services answer and messages render."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.model import Incident, Maintenance
from bot.alerts.rejections import CauseGroup
from bot.alerts.trends import Trend
from bot.facts import Run, Schedule
from bot.model import Evaluation, Outage, Undelivered
from checks.model import Check, Result


@dataclass(frozen=True)
class Summary:
    """The pipeline as far as we know. `evaluation` is None before the first look."""

    pipeline: str
    evaluation: Evaluation | None
    incidents: tuple[Incident, ...] = ()
    maintenance: Maintenance | None = None  # the window that is on
    undelivered: tuple[Undelivered, ...] = ()  # what Slack does not show as it should
    unscheduled: str | None = None  # why Slack would not tell if the bot stopped
    state_outage: Outage | None = None  # nothing can be stored, so what is shown is old
    measuring: bool = False  # newer numbers are on their way
    failed: str | None = None  # why there are none although somebody asked: words, or a reference into the log
    other_connections: int = 0  # with our Slack app token, that are not ours


@dataclass(frozen=True)
class Consent:
    """What a rerun dialog showed to whoever submits it: what is confirmed is what runs. It travels with the dialog."""

    incident_id: int
    sync: str
    queue: int | None
    suspicious: int | None
    running: int | None  # the id of the run to follow
    latest_run_id: int
    latest_action_id: int


class FactChange(StrEnum):
    """How the facts became worse between a dialog and its submission."""

    REQUESTED = "a rerun was requested"
    PAUSED = "the sync was paused"
    RUN_BEGAN = "a run began"
    RUN_ENDED = "a run ended"
    UNKNOWN = "the backlog is unknown now"
    SUSPECT = "there are more suspect records"
    NOTHING_PENDING = "no record is pending any more"


@dataclass(frozen=True)
class RerunFacts:
    """What somebody should know before running a sync again. None: it could not be found out."""

    sync: str
    label: str
    incident_id: int
    as_of: datetime
    queue: int | None
    suspicious: int | None
    running: Run | None
    latest_run_id: int  # 0 when there was none
    latest_action_id: int  # of this sync, ended or not; 0 when there was none
    paused: bool
    source: str  # the view that the sync reads
    helps: str  # what the check says about it

    @property
    def can_help(self) -> bool:
        """Whether a run could write anything; also where nobody knows."""
        return self.queue != 0

    @property
    def risky(self) -> bool:
        """Whether it could do harm: it would write suspicious rows, or nobody knows what it would write."""
        return self.running is None and (self.suspicious is None or self.suspicious > 0)

    @property
    def consent(self) -> Consent:
        """What somebody agrees to who was shown these."""
        running = self.running.id if self.running else None
        ids = (running, self.latest_run_id, self.latest_action_id)
        return Consent(self.incident_id, self.sync, self.queue, self.suspicious, *ids)

    def worse_than(self, shown: Consent) -> tuple[FactChange, ...]:
        """What somebody did not agree to who was shown those; smaller numbers are none of it, but 0 records."""
        now = self.consent
        follows = now.running is not None and now.running == shown.running
        wider = (now.suspicious or 0) > (shown.suspicious or 0) and shown.suspicious is not None
        unknown = (now.queue is None and shown.queue is not None) or (
            now.suspicious is None and shown.suspicious is not None
        )
        ended = (shown.running or now.latest_run_id != shown.latest_run_id) and not now.running
        found = {
            FactChange.REQUESTED: now.latest_action_id != shown.latest_action_id,
            FactChange.PAUSED: self.paused,
            FactChange.RUN_BEGAN: bool(now.running) and not follows,
            FactChange.RUN_ENDED: ended,
            FactChange.UNKNOWN: unknown and not follows,
            FactChange.SUSPECT: wider and not follows,
            FactChange.NOTHING_PENDING: now.queue == 0 and not now.running,
        }
        return tuple(change for change, happened in found.items() if happened)


@dataclass(frozen=True)
class WaitingRow:
    """A row of a queue by its ids, and what is wrong with it in words, or nothing."""

    property_id: str
    sfdc_id: str
    wrong: str | None


@dataclass(frozen=True)
class Queue:
    """The backlog of one sync. `size` is None where the tables behind the queue are empty: nobody knows."""

    label: str
    source: str  # the view
    size: int | None
    judged: Result | None = None  # by the check on this queue, if there is one
    suspicious: int = 0
    oldest: timedelta | None = None  # since the row that has waited longest changed in the source
    trend: Trend | None = None
    groups: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()  # by what; of each the biggest first
    first: tuple[WaitingRow, ...] = ()
    wrong: tuple[WaitingRow, ...] = ()


@dataclass(frozen=True)
class SyncRuns:
    """The latest runs of a sync, newest first, each with its error rate in percent; `error`: why there are none."""

    label: str
    runs: tuple[tuple[Run, float | None], ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class SyncErrors:
    """What the last completed run of a sync could not bring over. `run` is None where there was none lately."""

    label: str
    run: Run | None = None
    rejected: int = 0  # by Salesforce
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


@dataclass(frozen=True)
class SnapshotNumbers:
    """What a snapshot says of the pipeline; None where there was nothing to measure."""

    coverage_percentage: float | None
    enriched_rows: int | None
    salesforce_rows: int | None
    rds_to_sf_gap: int | None  # below zero: Salesforce holds more than RDS
    null_company_names: int | None
    create_queue: int | None
    update_queue: int | None


@dataclass(frozen=True)
class Snapshot:
    """A row of the audit log, and the numbers of the one before it."""

    id: str
    taken_at: datetime  # UTC
    by: str
    numbers: SnapshotNumbers
    previous_id: str | None = None
    previous: SnapshotNumbers | None = None
    existed: bool = False  # it was taken before, and stays as it was
    dry_run: bool = False  # nothing was written
    foreign: str | None = None  # whose row has taken the id, and how old it is; ours was not written then

    def change(self, name: str) -> float | None:
        """By how much a number differs from the one before; None where either is unknown."""
        now, before = getattr(self.numbers, name), getattr(self.previous, name, None)
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Replayed:
    """What a check would have said of the past: when (UTC), why, in which words; what it was given, oldest first."""

    check: Check
    readings: tuple[float, ...]
    told: tuple[tuple[datetime, str, str], ...]


@dataclass(frozen=True)
class Replay:
    """The snapshots from the first to the last (UTC), judged; `others` are the checks that the log says nothing of."""

    first: datetime
    last: datetime
    snapshots: int
    checks: tuple[Replayed, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class AlertTest:
    """How far a test alert came, and what stopped it. All times are UTC."""

    incident_id: int
    channel: str  # where it went
    posted_at: datetime | None = None
    permalink: str | None = None
    escalated_at: datetime | None = None
    mentioned: str | None = None  # a Slack user or user group id
    acknowledged_by: str | None = None  # a Slack user id
    acknowledgeable: bool = True  # False: no bot was running that could have taken the click
    resolved_at: datetime | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it went all the way."""
        return self.error is None


@dataclass(frozen=True)
class Finding:
    """One thing that was examined; `remedy` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
