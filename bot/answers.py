"""What services answer and messages render."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.alerts.incident_figures import Figures, WindowFigures
from bot.alerts.model import Action, ActionKind, Incident, Maintenance
from bot.alerts.rejected_again import RejectedAgain
from bot.alerts.rejections import CauseGroup
from bot.alerts.stakeholders import Note, Reader
from bot.alerts.success import Metric, Standing, verdict
from bot.alerts.trace import Carrier, Hop, Verdict
from bot.alerts.trends import Trend
from bot.alerts.warehouse_use import Usage
from bot.config.pipeline_file import Noun
from bot.config.runbook import Section
from bot.config.syncs import SyncSettings
from bot.facts import Run, Schedule
from bot.model import AuditRow, Evaluation, Leader, Outage, Place, Undelivered, UnsentPages, Watch
from bot.sanitize import HIDDEN
from checks.model import Check, Result


@dataclass(frozen=True)
class Summary:
    """The pipeline as far as we know. `evaluation` is None before the first look."""

    pipeline: str
    evaluation: Evaluation | None
    incidents: tuple[Incident, ...] = ()
    maintenance: Maintenance | None = None  # the window that is on
    undelivered: tuple[Undelivered, ...] = ()  # what Slack does not show as it should
    unsent_pages: tuple[UnsentPages, ...] = ()  # what a pager has not accepted
    unscheduled: str | None = None  # why Slack would not tell if the bot stopped
    state_outage: Outage | None = None  # nothing can be stored, so what is shown is old
    measuring: bool = False  # newer numbers are on their way
    failed: str | None = None  # why there are none although somebody asked: words, or a reference into the log
    other_connections: int = 0  # with our Slack app token, that are not ours
    has_audit_log: bool = True  # whether a snapshot has a place
    observes: bool = False  # whether nothing outside of the bot may be changed
    syncs: tuple[SyncSettings, ...] = ()  # of the pipeline, for buttons


@dataclass(frozen=True)
class Home:
    """What App Home shows: the summary, the incidents of it that have room, and what stands around them."""

    summary: Summary
    shown: tuple[Incident, ...] = ()  # what needs somebody most comes first
    threads: Mapping[int, str] = field(default_factory=dict)  # addresses, by incident, where they are known
    week: WindowFigures | None = None  # how the incidents of the last 7 days went


@dataclass(frozen=True)
class WarehouseDay:
    """What the bot cost the warehouse on a local day."""

    day: date
    usages: tuple[Usage, ...]  # one for each purpose
    awake: timedelta  # because of the bot, at most; until now

    @property
    def statements(self) -> int:
        """For every purpose."""
        return sum(one.statements for one in self.usages)

    @property
    def woke(self) -> int:
        """How often one of them found the warehouse stopped."""
        return sum(one.woke for one in self.usages)


@dataclass(frozen=True)
class BotStatus:
    """The bot itself, as far as its state tells. Times are UTC."""

    at: datetime
    trouble: str | None  # why it does not count as working; None: it works
    leader: Leader | None  # None: no process holds the lease
    completed_at: datetime | None  # the last evaluation on schedule
    evaluation: Evaluation | None  # the newest, of any kind
    open_incidents: int
    maintenance: Maintenance | None
    undelivered: tuple[Undelivered, ...]
    unsent_pages: tuple[UnsentPages, ...]
    watch: Watch
    days: tuple[WarehouseDay, ...]  # those on which the bot used the warehouse, newest first


@dataclass(frozen=True)
class Consent:
    """What a dialog showed to whoever submits it: what is confirmed is what is done. It travels with the dialog."""

    kind: ActionKind
    incident_id: int | None  # None: it was not opened from an alert
    sync: str  # by name; empty where all are meant
    queue: int | None
    suspicious: int | None
    running: int | None  # the id of the run to follow
    latest_run_id: int
    latest_action_id: int
    paused: bool
    full_sync: bool = False


class FactChange(StrEnum):
    """How the facts became worse between a dialog and its submission."""

    REQUESTED = "another action on this sync was requested"
    PAUSED = "the sync was paused"
    RESUMED = "the sync was resumed"
    RUN_BEGAN = "a run began"
    RUN_ENDED = "a run ended"
    UNKNOWN = "the backlog is unknown now"
    SUSPECT = "there are more suspect records"
    NOTHING_PENDING = "no record is pending any more"
    FULL_SYNC = "a full sync was chosen"  # which is confirmed by itself


@dataclass(frozen=True)
class SyncFacts:
    """What somebody should know before acting on a sync. None: it could not be found out."""

    kind: ActionKind
    sync: str
    label: str
    incident_id: int | None
    as_of: datetime
    queue: int | None
    suspicious: int | None
    running: Run | None
    latest_run_id: int  # 0 when there was none
    latest_action_id: int  # of this sync, ended or not; 0 when there was none
    paused: bool
    source: str | None  # the view that the sync reads, where pipeline.yml names it
    helps: str = ""  # what the check says about it
    suspects: tuple[str, ...] = ()  # what makes the suspect ones so
    examples: tuple[str, ...] = ()  # ids of suspect records
    last_run: Run | None = None  # the latest that has ended
    usual: timedelta | None = None  # that a run of this kind takes, by the runs before it
    next_run: datetime | None = None  # by its schedule, were it not paused
    counted_at: datetime | None = None  # when the backlog was measured, where that is not just now
    dependents: tuple[str, ...] = ()  # the syncs that run after this one
    critical: tuple[str, ...] = ()  # titles of critical alerts about what it has written
    paused_by: Action | None = None  # where it was paused here
    full_sync: bool = False  # a rerun of every record, changed or not
    noun: Noun = field(default_factory=Noun)

    @property
    def can_help(self) -> bool:
        """Whether a run could write anything; also where nobody knows."""
        return self.queue != 0 or self.full_sync

    @property
    def risky(self) -> bool:
        """Whether runs could do harm: they would write suspect records, nobody knows what, or what is wrong already.

        A run in progress is followed instead of starting one; a sync that is resumed starts others after it.
        """
        starts = self.kind is ActionKind.RESUME or (self.kind is ActionKind.RERUN and self.running is None)
        return starts and (self.suspicious is None or self.suspicious > 0 or bool(self.critical))

    @property
    def consent(self) -> Consent:
        """What somebody agrees to who was shown these."""
        return Consent(
            kind=self.kind,
            incident_id=self.incident_id,
            sync=self.sync,
            queue=self.queue,
            suspicious=self.suspicious,
            running=self.running.id if self.running else None,
            latest_run_id=self.latest_run_id,
            latest_action_id=self.latest_action_id,
            paused=self.paused,
            full_sync=self.full_sync,
        )

    def worse_than(self, shown: Consent) -> tuple[FactChange, ...]:
        """What somebody did not agree to who was shown those; smaller numbers are none of it, but 0 records."""
        found = {FactChange.REQUESTED: self.latest_action_id != shown.latest_action_id}
        match self.kind:
            case ActionKind.RERUN:
                resumed = shown.kind is ActionKind.RESUME and not self.paused  # a rerun behind it was chosen
                found |= {FactChange.RESUMED: resumed} | self._worse_to_run(shown)
            case ActionKind.RESUME:
                found |= {FactChange.RESUMED: not self.paused} | self._worse_to_write(shown)
            case ActionKind.PAUSE:
                found |= {FactChange.PAUSED: self.paused}
            case ActionKind.CANCEL:
                found |= {FactChange.RUN_ENDED: self.consent.running != shown.running}
        return tuple(change for change, happened in found.items() if happened)

    def _worse_to_run(self, shown: Consent) -> dict[FactChange, bool]:
        now = self.consent
        follows = now.running is not None and now.running == shown.running
        ended = (shown.running or now.latest_run_id != shown.latest_run_id) and not now.running
        return {
            FactChange.PAUSED: self.paused and not shown.paused,
            FactChange.RUN_BEGAN: bool(now.running) and not follows,
            FactChange.RUN_ENDED: bool(ended),
            **({} if follows else self._worse_to_write(shown)),
            FactChange.NOTHING_PENDING: not self.can_help and not now.running,
            FactChange.FULL_SYNC: self.full_sync and not shown.full_sync and not now.running,
        }

    def _worse_to_write(self, shown: Consent) -> dict[FactChange, bool]:
        unknown = (self.queue is None and shown.queue is not None) or (
            self.suspicious is None and shown.suspicious is not None
        )
        wider = (self.suspicious or 0) > (shown.suspicious or 0) and shown.suspicious is not None
        return {FactChange.UNKNOWN: unknown, FactChange.SUSPECT: wider}


@dataclass(frozen=True)
class PauseAllFacts:
    """What somebody should know before pausing every sync: each by name, and why it is not known, paused or running."""

    as_of: datetime
    on: tuple[str, ...]
    paused: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]  # …with the reason
    running: tuple[str, ...]  # whose run goes on
    latest_action_id: int

    @property
    def consent(self) -> Consent:
        """What somebody agrees to who was shown these."""
        return Consent(ActionKind.PAUSE_ALL, None, "", None, None, None, 0, self.latest_action_id, paused=False)


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
    rejected: RejectedAgain | None = None  # what of it the last run could not write

    @property
    def suspicious(self) -> int:
        """How many records are suspect."""
        return sum(count for _, count in self.suspects)


@dataclass(frozen=True)
class AuditTrail:
    """Rows of the audit since then (and before `until`), newest first, and how many there are besides."""

    since: datetime
    rows: tuple[AuditRow, ...]
    total: int
    until: datetime | None = None

    @property
    def hidden(self) -> int:
        """How many are older than those."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Trace:
    """Where one record is on its way. Without hops no record, or more than one, has the ID, or the way is broken."""

    asked: str = field(repr=False)  # what somebody typed: it may be personal, and is shown to nobody
    as_of: datetime
    noun: Noun
    destination: str
    verdict: Verdict
    records: tuple[str, ...] = ()  # the ids of the records that have it, or of some of these
    matches: int = 0  # how many do
    hops: tuple[Hop, ...] = ()
    carriers: tuple[Carrier, ...] = ()

    @property
    def record(self) -> str:
        """The one that it is about, by its own id; empty where it is about none, or its id may not be shown."""
        return self.records[0] if self.hops and self.records[0] != HIDDEN else ""


@dataclass(frozen=True)
class LoggedRun:
    """The row of a run in the audit log; None: it has no such count."""

    audit_id: str
    processed: int | None
    succeeded: int | None
    failed: int | None


@dataclass(frozen=True)
class Arrival:
    """What shows that a record that was followed has arrived. None: not known."""

    trace: Trace
    after: timedelta  # since it was followed
    sync: str  # in whose backlog it stood; empty: in none
    run: Run | None = None
    confirmed: bool = False  # whether Census shows the record among those that the run wrote
    before: int | None = None  # the backlog when following began, and now
    now: int | None = None


@dataclass(frozen=True)
class SyncRuns:
    """The latest runs of a sync, newest first, each with its error rate in percent; `error`: why there are none."""

    label: str
    runs: tuple[tuple[Run, float | None], ...] = ()
    error: str | None = None
    running: Run | None = None  # the one in progress, and how long it should take
    expected: timedelta | None = None
    sync: SyncSettings | None = None  # which it is, for buttons


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


@dataclass(frozen=True)
class Snapshot:
    """A row of the audit log, and the numbers of the one before it."""

    id: str
    taken_at: datetime  # UTC
    by: str
    numbers: Mapping[str, float | None]  # by metric; None where there was nothing to measure
    previous_id: str | None = None
    previous: Mapping[str, float | None] = field(default_factory=dict)
    existed: bool = False  # it was taken before, and stays as it was
    dry_run: bool = False  # nothing was written
    foreign: str | None = None  # whose row has taken the id, and how old it is; ours was not written then

    def change(self, name: str) -> float | None:
        """By how much a number differs from the one before; None where either is unknown."""
        now, before = self.numbers.get(name), self.previous.get(name)
        return None if now is None or before is None else now - before


@dataclass(frozen=True)
class Replayed:
    """What a check would have said of the past: when (UTC), why, in which words; what it was given, oldest first."""

    check: Check
    readings: tuple[float, ...]
    told: tuple[tuple[datetime, str, str], ...]
    sync: str | None = None


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
    paged: tuple[str, ...] = ()  # the pagers that took a trigger, an acknowledge and a resolve
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


@dataclass(frozen=True)
class RunbookPage:
    """A section of the runbook, and what is known of the alert or topic that it was opened for."""

    section: Section
    next_step: str = ""
    owner: str | None = None  # a Slack id
    incident: Incident | None = None


@dataclass(frozen=True)
class PostMortem:
    """An incident, open or over, with all that is known of it. All times are UTC."""

    incident: Incident
    figures: Figures  # up to `as_of`
    as_of: datetime
    actions: tuple[Action, ...] = ()  # oldest first, also those that were asked for in a thread that it shares
    values: tuple[tuple[datetime, float], ...] = ()  # of its check, from an hour before to an hour after; oldest first
    beside: tuple[int, ...] = ()  # the other incidents of its thread


@dataclass(frozen=True)
class Slo:
    """The success metrics of a window, what is missed first, and its longest incidents. Times are UTC."""

    pipeline: str
    days: int
    since: datetime
    until: datetime
    metrics: tuple[Metric, ...]
    worst: tuple[Figures, ...] = ()
    roots: Mapping[int, Place] = field(default_factory=dict)  # where their threads begin, by incident

    @property
    def verdict(self) -> Standing:
        """Of all metrics: met where every one is."""
        return verdict(self.metrics)


@dataclass(frozen=True)
class NotePreview:
    """What somebody sees before sending: channels that refuse it, each with the reason, and the note sent last."""

    note: Note
    refused: tuple[tuple[Reader, str], ...] = ()
    last: Note | None = None

    @property
    def takers(self) -> tuple[Reader, ...]:
        """Whom it would reach."""
        refused = [reader for reader, _ in self.refused]
        return tuple(one for one in self.note.readers if one not in refused)
