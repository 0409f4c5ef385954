"""Everything outside, as the services see it: fakes and real adapters pass the same contract tests."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.alerts.alert_times import Measured, Opening
from bot.alerts.history import Spread
from bot.alerts.model import Action, ActionKind, Alert, Entry, Incident, Maintenance
from bot.alerts.paging import Page
from bot.alerts.rejections import Rejection
from bot.alerts.stakeholders import Note
from bot.alerts.success import Evaluated
from bot.alerts.warehouse_use import Span, Usage
from bot.alerts.weekly import Review
from bot.config.settings import Settings
from bot.facts import Run, Sync
from bot.model import (
    Access,
    Announcement,
    AuditRow,
    ClaimedMessage,
    Delivery,
    Evaluation,
    Failure,
    Kind,
    Leader,
    Move,
    Outage,
    PageEvent,
    Place,
    Scheduled,
    Undelivered,
    UnsentPages,
    WarehouseLogin,
    Watch,
)
from bot.objects import ExistingObject
from checks.forms import Limit

AWAKE = frozenset({"RUNNING", "embedded"})  # states of a warehouse in which a statement wakes nobody
# A read of another system by its name, and what in its answer is not as documented. Raises SyncHealthError.
Comparison = tuple[str, Callable[[], Sequence[str]]]


class Clock(Protocol):
    """The only source of time. `--speed` scales `now`; leases and time-outs stay real."""

    speed: float

    def now(self) -> datetime:
        """The pipeline's time, aware, UTC."""

    def real(self) -> datetime:
        """The machine's time, aware, UTC."""

    def monotonic(self) -> float:
        """Real seconds, for measuring how long something took."""


class Warehouse(Protocol):
    """Answers the statements of sql/, named by their path there without `.sql`.

    Raises TemporaryError when it cannot be reached, PermanentError when the statement cannot work
    (a missing table, a type that does not fit).
    """

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        """The rows of a query; numbers as int or float, times aware and UTC."""

    def ask_joined(self, questions: Sequence[str]) -> dict[str, list[dict[str, object]]]:
        """The rows of those that fit in one statement, without values where they are several; one fails all."""

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        """One column of a one-row question, asked so that nothing else of it can fail."""

    def state(self) -> str:
        """RUNNING, STOPPED, …, `embedded`; asked without waking it."""

    def login(self) -> WarehouseLogin | None:
        """Who asks, which wakes nobody; None where there is no login. Raises AccessError where it is refused."""

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns, in lower case; by its name here."""

    def list_tables(self) -> list[str]:
        """The full names of the tables and views that the login may read, in order, and not more than 10,000."""

    def do(self, statement: str, **parameters: object) -> None:
        """Run a statement for its effect."""

    def try_write(self, statement: str) -> None:
        """Whether a statement that writes no row may be run; nothing is committed. Raises PermanentError."""

    def existing_object(self, statement: str, values: Mapping[str, str | float | Limit | None]) -> ExistingObject:
        """What is there where `create` would create something, and how it differs; nothing is changed."""

    def create(self, statement: str, values: Mapping[str, str | float | Limit | None]) -> None:
        """Create the object of a statement, with its `settings` as given; a table that is there stays as it is."""

    def auto_stop(self) -> timedelta | None:
        """How long after its last statement it stops; zero: never, None: not told. Asked without waking it."""

    def awake(self) -> bool:
        """Whether it runs anyway, so that a statement now wakes nobody and is not what keeps it awake."""

    def close(self) -> None:
        """Give back what is held; may be called twice. Whoever still waits for an answer gets an error."""


class CensusRuns(Protocol):
    """What an evaluation asks of Census. Raises TemporaryError, PermanentError, NotFoundError."""

    def sync(self, sync_id: int) -> Sync:
        """One sync."""

    def runs(self, sync_id: int, *, most: int = 25) -> Sequence[Run]:
        """The latest runs of a sync, newest first."""


class Census(CensusRuns, Protocol):
    """Census V2. Raises TemporaryError (certainly not done), UncertainError (maybe), PermanentError, NotFoundError."""

    def syncs(self) -> list[Sync]:
        """Every sync, over all pages."""

    def pause(self, sync_id: int) -> None:
        """Let it start no run on its own."""

    def resume(self, sync_id: int) -> None:
        """Let its schedule count again."""

    def runs_since(self, sync_id: int, since: datetime) -> list[Run]:
        """Every run of a sync that was created then or later, newest first, on however many pages they stand."""

    def run(self, run_id: int) -> Run:
        """One run."""

    def trigger(self, sync_id: int, *, full_sync: bool = False) -> int:
        """Start a run, of every record where it is a full sync, and return its id; never sent twice when in doubt."""

    def cancel(self, run_id: int) -> None:
        """Ask a run to end; what it wrote stays."""

    def records(self, run_id: int, status: str, *, most: int) -> list[Rejection]:
        """Its first `rejected` or `invalid` rows; they come minutes after the run, until then NotFoundError or none."""

    def record_count(self, run_id: int, status: str) -> int:
        """How many such rows it has."""


class Messenger(Protocol):
    """Says things in the channel.

    Raises TemporaryError (certainly not delivered, perhaps with `retry_after`), UncertainError (may have been
    delivered), NotFoundError (the message to edit is gone), UneditableError (it is there and stays as it is),
    ContentRefusedError, ChannelRefusedError, AccessError, or PermanentError for any other refusal.
    """

    def post(self, announcement: Announcement) -> Place:
        """Post it; returns where it stands."""

    def edit(self, announcement: Announcement) -> None:
        """Bring the posted message up to date."""

    def find(self, announcement: Announcement) -> Place | None:
        """The oldest since `announcement.since` that carries our id; UncertainError where not all could be read."""

    def take_back(self, announcement: Announcement) -> int:
        """Delete what carries our id but for the oldest; how many there were."""

    def permalink(self, place: Place) -> str:
        """The address of a message."""

    def schedule(self, announcement: Announcement, post_at: datetime) -> Scheduled:
        """Let Slack post it at that time (real time) unless it is cancelled before."""

    def cancel_scheduled(self, scheduled: Scheduled) -> None:
        """Do not post it; NotFoundError when it was posted already or is about to be, within a minute."""

    def list_scheduled(self) -> list[Scheduled]:
        """The messages about a silent bot of this pipeline that wait, whenever and in whichever channel."""

    def members(self, group: str) -> frozenset[str]:
        """The user ids of a user group."""

    def access(self) -> Access:
        """What our token is good for."""

    def check_app_token(self) -> int:
        """Open a line with the app-level token and close it again; how many others Slack counts."""

    def check_channel_access(self, channel: str) -> None:
        """Look at the newest message of a channel, of an id or a name."""


class Heartbeat(Protocol):
    """Tells a monitor outside that the bot is alive."""

    def beat(self) -> None:
        """Ask for its address once, in bounded time. Raises TemporaryError when it does not answer with success."""


class Pager(Protocol):
    """Wakes people: takes the events of incidents, and may be told the same one again.

    Raises TemporaryError (certainly not accepted, perhaps with `retry_after`), UncertainError (may have been accepted),
    AccessError (nothing is accepted with this key or address), or PermanentError (this event is refused).
    """

    name: str  # as people read it, and by which the state knows it

    def send(self, event: PageEvent) -> None:
        """Hand over one event, in bounded time; returns once it is accepted."""


class AlertRecords(Protocol):
    """What moving alerts reads and writes."""

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Keep what an evaluation found; carried results are kept for the summary, not as values."""

    def alert(self, key: str) -> Alert | None:
        """Where an alert stands."""

    def read_alerts(self, keys: Collection[str]) -> None:
        """Read these alerts at once, before they are asked for one by one."""

    def waiting_alerts(self) -> list[Alert]:
        """Those that want to be measured again: pending and recovering ones, and what was resolved by hand since."""

    def save_alert(self, alert: Alert) -> None:
        """Write an alert, new or changed."""

    def move_values(self, check: str, to_check: str, to_sync: str) -> None:
        """What was measured for a check that is evaluated per sync now belongs to that sync from now on."""

    def create_incident(self, incident: Incident) -> Incident:
        """Write a new incident (its id is ignored) and return it with its id."""

    def save_incident(self, incident: Incident) -> None:
        """Write what changed of an incident; its timeline is only ever added to with `note`."""

    def note(self, incident_id: int, entry: Entry) -> None:
        """Add a line to an incident's timeline."""

    def note_each(self, lines: Sequence[tuple[int, Entry]]) -> None:
        """Add a line to each of many timelines, by incident."""

    def incident(self, incident_id: int) -> Incident | None:
        """An incident with its timeline."""

    def open_incidents(self, *, keys: Collection[str] | None = None, most: int | None = None) -> list[Incident]:
        """Those that are not resolved, oldest first, or those of them with these keys; tests excepted."""

    def incidents_beside(self, incident: Incident) -> list[Incident]:
        """All that share its thread, itself too, oldest first."""

    def open_actions(self) -> list[Action]:
        """All that have not ended, oldest first."""

    def latest_pause(self, sync: str) -> Action | None:
        """The action by which a sync was paused here; None where it was none, or the sync was resumed here since."""

    def maintenance(self) -> Maintenance | None:
        """The maintenance window that has not ended."""

    def enqueue(self, incident_id: int, kind: Kind, *, action_id: int | None = None) -> None:
        """Enqueue this message, or a new version, with those unsent one; root and evidence are those of the thread."""

    def enqueue_reminders(self, incident_ids: Sequence[int]) -> None:
        """Enqueue a reminder of each of many incidents."""

    def enqueue_edits(self, threads: Collection[int]) -> None:
        """Enqueue an edit of the root of each of many threads, which is there already."""

    def enqueue_answers(self, incident_id: int) -> None:
        """The reminders and escalations that stand in a thread of this incident say from now on what followed them."""


class Records(AlertRecords, Protocol):
    """One transaction on the bot's own state: everything in it happens, or nothing."""

    def incidents_since(self, since: datetime) -> list[Incident]:
        """Those that were open at some time since then, oldest first, with their timelines; tests excepted."""

    def count_open(self) -> int:
        """How many incidents are not resolved; tests excepted."""

    def open_tests(self) -> list[Incident]:
        """Test incidents that are not over."""

    def deliveries(self, incident_id: int) -> list[Delivery]:
        """The messages of an incident's own thread, oldest first."""

    def drop_unposted(self, incident_id: int) -> None:
        """Post nothing more in an incident's own thread; what stands there is still edited."""

    def enqueue_digest(self, channel: str) -> None:
        """Enqueue a digest for the channel; one that was not sent yet stands for both."""

    def enqueue_absence(self, absence: Outage, channel: str) -> None:
        """Enqueue the message that the bot was away."""

    def enqueue_review(self, review: Review, channel: str) -> None:
        """Keep the weekly review as it is and enqueue it; one that was not sent yet says less and is left out."""

    def draft_note(self, note: Note) -> Note:
        """Keep a note as somebody is shown it (its id is ignored), instead of the one that this person has not sent."""

    def stakeholder_note(self, note_id: int) -> Note | None:
        """A note, sent or not."""

    def latest_note(self) -> Note | None:
        """The one that was sent last."""

    def send_note(self, note: Note, channels: Iterable[str]) -> bool:
        """Keep that it is sent, with what was added, and enqueue it for these channels; False where it was before."""

    def create_maintenance(self, window: Maintenance) -> Maintenance:
        """Write a new window (its id is ignored) and return it with its id; it holds back what nobody asked for."""

    def save_maintenance(self, window: Maintenance) -> None:
        """Write what changed of a window."""

    def drop_held(self, window: Maintenance) -> None:
        """Forget what it held back and its summary says better: replies, and threads that are over by now."""

    def enqueue_maintenance(self, window: Maintenance, channel: str) -> None:
        """Enqueue the summary of a window that has ended."""

    def watch(self) -> Watch:
        """When an evaluation was last completed, and what is scheduled at Slack for when none is any more."""

    def save_watch(self, watch: Watch) -> None:
        """Write all of it."""

    def undelivered(self) -> tuple[Undelivered, ...]:
        """What is not in Slack yet and why, by channel and reason, the oldest first."""

    def move_channel(self, old: str, move: Move) -> None:
        """Every thread with an open incident in a channel begins again in another one, which says so."""

    def message_at(self, incident_id: int, channel: str, ts: str) -> bool:
        """Whether this is a message of ours about that incident."""

    def is_posting(self, incident_id: int) -> bool:
        """Whether a message of the incident's thread is on its way to Slack, which may show it already."""

    def root_of(self, incident_id: int) -> Place | None:
        """Where the incident's thread begins, once it does."""

    def roots_of(self, incident_ids: Collection[int]) -> Mapping[int, Place]:
        """The same of several, by incident; those whose threads are not in Slack yet are left out."""

    def latest_evaluation(self) -> Evaluation | None:
        """The newest one."""

    def latest_evaluations(self, most: int) -> list[Evaluation]:
        """The newest ones, oldest first."""

    def latest_values(
        self, check: str, sync: str | None, most: int, *, until: datetime | None = None
    ) -> tuple[tuple[datetime, float], ...]:
        """The latest measured values of a check (up to that time), oldest first."""

    def evaluations_since(self, since: datetime) -> list[Evaluated]:
        """How long each evaluation took, oldest first; what was thinned out is missing."""

    def evaluation_times(self, since: datetime) -> list[datetime]:
        """When everything was evaluated since then, oldest first."""

    def values_between(
        self, check: str, sync: str | None, since: datetime, until: datetime
    ) -> tuple[tuple[datetime, float], ...]:
        """The measured values of a check from one time to another, oldest first."""

    def measured_before(self, openings: Collection[Opening], since: datetime) -> Mapping[Opening, list[Measured]]:
        """What was measured before each, from the last healthy evaluation since then; nothing where there is none."""

    def unmeasured_since(self, checks: Collection[str], since: datetime) -> list[datetime]:
        """The evaluations in which one of these checks had no number, oldest first."""

    def posted_at(self, threads: Collection[int]) -> Mapping[int, datetime | None]:
        """When the first message of these threads came to Slack, by Slack's clock; None: its root waits for that.

        What was given up before it was posted, at the end of a maintenance window, is not in the answer.
        """

    def spreads_of_values(self, check: str, sync: str | None, edges: Sequence[datetime]) -> Mapping[int, Spread]:
        """What was measured for a check before the last edge, in numbers for each edge that it follows; -1: before all.

        `edges` ascend. However many values there are, the answer has one row for an edge at most.
        """

    def prune_evaluations(self, before: datetime, most: int, *, keep_hourly: bool) -> int:
        """Forget so many of these evaluations, not the newest, nor, `keep_hourly`, the first of an hour; how many."""

    def enqueue_action(self, action: Action, channel: str) -> None:
        """Enqueue the message of an action: in its incident's thread, else by itself in the channel."""

    def create_action(self, action: Action) -> Action:
        """Write a new action (its id is ignored) and return it with its id; the database refuses a second open one."""

    def action(self, action_id: int) -> Action | None:
        """An action, ended or not."""

    def save_action(self, action: Action) -> None:
        """Write what changed of an action."""

    def open_action(self, sync: str, kind: ActionKind) -> Action | None:
        """The action of a sync and kind that has not ended."""

    def latest_action_id(self, sync: str) -> int:
        """The newest action of a sync, or of all, ended or not; 0 where there was none. Of `""` those of all alone."""

    def newest_action_id(self) -> int:
        """The newest action of any sync, or of all; 0 where there was none."""

    def was_resumed_since(self, sync: str, action_id: int) -> bool:
        """Whether anybody asked for the sync to be resumed after that action."""

    def reruns_of(self, run_ids: Collection[int]) -> Mapping[int, Action]:
        """The reruns that started these runs, by run; runs that were only followed are left out."""

    def actions_ended_since(self, since: datetime) -> list[Action]:
        """Those that have ended then or later, oldest first."""

    def actions_of(self, incident_id: int) -> list[Action]:
        """Everything that was done about an incident, oldest first."""

    def text_only_since(self) -> datetime | None:
        """Since when the Slack workspace refuses tables and charts; None where it has not."""

    def note_text_only(self, at: datetime) -> None:
        """The workspace has just refused a table or chart."""

    def first_look(self) -> datetime | None:
        """When the oldest evaluation was of those that are kept, up to 90 days: the bot has been at work since then."""

    def was_done(self, job: str, day: date) -> bool:
        """Whether a daily job was done for a local date."""

    def mark_done(self, job: str, day: date, at: datetime) -> None:
        """A daily job was done for a local date; once per job and date."""

    def logged_until(self) -> Mapping[int, datetime]:
        """Up to when the completed runs of a sync, by its id in Census, stand in the audit log."""

    def note_logged(self, sync_id: int, until: datetime) -> None:
        """Those that completed until then do."""

    def pages(self, target: str) -> list[Page]:
        """What a pager was told, by dedup key."""

    def page(self, target: str, key: str) -> Page | None:
        """What a pager was told under this dedup key."""

    def save_page(self, page: Page) -> None:
        """Write what changed of a page, or a new one (its id is 0)."""

    def unsent_pages(self) -> tuple[UnsentPages, ...]:
        """What the pagers have not accepted and why, the oldest first."""

    def leader(self, name: str) -> Leader | None:
        """Who holds the lease of this name, or held it last and did not give it back."""

    def note_usage(self, usages: Sequence[Usage]) -> None:
        """Add these to what is counted already for their days and purposes."""

    def usage_since(self, day: date) -> list[Usage]:
        """What was counted for this day and later ones, oldest first."""

    def note_awake(self, spans: Sequence[Span]) -> None:
        """The warehouse was awake then because of the bot; what overlaps is kept as one span."""

    def awake_since(self, at: datetime) -> list[Span]:
        """The spans that end after this, oldest first."""

    def prune_usage(self, before: datetime, day: date) -> None:
        """Forget the spans that ended before, and the counts of days before `day`."""

    def note_outage(self, outage: Outage) -> None:
        """Slack could not reach us for a while; the daily summary says so."""

    def audit(self, row: AuditRow) -> None:
        """Add a line to the audit: a log for people, never read back as state."""

    def audit_rows(
        self, since: datetime, until: datetime | None = None, *, action: str = "", most: int | None = None
    ) -> list[AuditRow]:
        """Lines of the audit, newest first, for people to read: nothing decides by them."""

    def count_audit_rows(self, since: datetime, until: datetime | None = None, *, action: str = "") -> int:
        """How many there are."""


class Store(Protocol):
    """The bot's own memory."""

    def transaction(self) -> AbstractContextManager[Records]:
        """One transaction; raised exceptions roll it back."""

    def snapshot(self) -> AbstractContextManager[Records]:
        """One transaction that only reads: all of the same moment, and no writer is waited for."""

    def when_written(self, tell: Callable[[], object]) -> None:
        """Call this after each transaction of this process, from now on; it must return at once and not raise."""

    def next_attempts(self, now: datetime) -> AbstractSet[datetime]:
        """When the unsent messages may be tried (real time); `now` for those that no time holds."""

    def claim(self, holder: str, now: datetime, seconds: float) -> ClaimedMessage | None:
        """Claim the next unsent message, one at a time per incident, without what it says; commits *sending*."""

    def read_content(self, message: Announcement) -> Announcement:
        """The message with what it says now. Raises StateError, or whatever its rows make it raise."""

    def mark_sent(
        self,
        claimed: ClaimedMessage,
        holder: str,
        *,
        place: Place | None,
        alone: bool = False,
        row: AuditRow | None = None,
    ) -> bool:
        """Commit *sent*, with its audit row; False, and neither, when the claim was lost.

        `alone`: unsent replies are obsolete, if it is still over.
        """

    def release_claim(self, claimed: ClaimedMessage, holder: str, failure: Failure) -> bool:
        """Not sent, or perhaps not: try again. False when the claim was lost meanwhile."""

    def take_lease(self, name: str, holder: str, clock: Clock, seconds: float) -> bool:
        """Become or stay the one who does `name` for `seconds` (real time), whatever wall clocks show: see Leases."""

    def release_lease(self, name: str, holder: str) -> None:
        """Let another one take over at once."""

    def close(self) -> None:
        """Give back what is held."""


class Meter(Protocol):
    """Counts the statements that this process sends to the warehouse."""

    def save(self, store: Store, zone: ZoneInfo) -> None:
        """Write what was counted since the last time, in one transaction. Raises StateError, and keeps it then."""


@dataclass(frozen=True)
class Sources:
    """What measuring needs."""

    settings: Settings
    clock: Clock
    warehouse: Warehouse
    census: CensusRuns
    meter: Meter | None = field(default=None, kw_only=True)  # of the warehouse; None: nothing is counted


@dataclass(frozen=True)
class Outlet:
    """What sending needs."""

    settings: Settings
    clock: Clock
    messenger: Messenger
    store: Store
    pagers: tuple[Pager, ...] = ()


@dataclass(frozen=True)
class Ports(Outlet, Sources):
    """All that a service may use."""

    census: Census
    heartbeat: Heartbeat | None = None
