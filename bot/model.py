"""The values that ports carry: evaluations, messages of the outbox, claims and deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from bot.alerts.model import Action, Did, Entry, Incident, MaintenanceReport, State
from bot.alerts.paging import PageAction
from bot.alerts.stakeholders import Note
from bot.alerts.weekly import Review
from bot.facts import SyncStatus
from bot.sanitize import without_secrets
from checks.model import Check, Outcome, Result

KEPT_DAYS = 90  # for which evaluations are kept: as far back as anybody may ask
ASK_AGAIN = timedelta(minutes=1)  # between two ticks, after the warehouse was asked in vain
AUDIT_WIDTHS = {"user": 40, "what": 40, "target": 255, "team": 40, "reference": 80}  # characters of a row of the audit
AUDIT_TEXT = 1000  # of its other texts


@dataclass(frozen=True)
class Evaluation:
    """One look at the whole pipeline. `problems` are the sources that could not be asked."""

    checked_at: datetime
    outcome: Outcome
    statements: int  # to the warehouse; 0 where its numbers were carried over
    seconds: float
    results: tuple[Result, ...]
    syncs: tuple[SyncStatus, ...]
    problems: tuple[str, ...] = ()
    warehouse_at: datetime | None = None  # when the numbers of the warehouse were measured
    warehouse_reached: bool = True  # False: it was asked then, and could not be reached
    warehouse_starting: bool = False  # it was asked then, and its numbers stay while it starts

    @cached_property
    def status_of(self) -> Mapping[str, SyncStatus]:
        """How each sync is, by its name."""
        return {one.name: one for one in self.syncs}

    @cached_property
    def result_of(self) -> Mapping[tuple[str, str | None], Result]:
        """What each check found, by its name and the sync that it was about."""
        return {(one.check, one.sync): one for one in self.results}

    @property
    def asked_in_vain(self) -> bool:
        """Whether the warehouse was asked then and did not answer."""
        return self.warehouse_starting or not self.warehouse_reached

    def warehouse_may_be_asked(self, now: datetime) -> bool:
        """Whether it has had its time to start or to come back, where it did not answer then."""
        return not (self.asked_in_vain and timedelta(0) <= now - self.checked_at < ASK_AGAIN)

    def measured_at(self, check: Check) -> datetime | None:
        """When the number of this check was measured."""
        return self.warehouse_at if check.wakes_the_warehouse else self.checked_at


class Kind(StrEnum):
    """What an announcement is about; rendered from the current state when it is sent."""

    ROOT = "root"
    EVIDENCE = "evidence"
    RUN = "run"
    RESOLVED = "resolved"
    SEVERITY = "severity"
    REOPENED = "reopened"
    REMINDER = "reminder"
    REMEDY = "remedy"  # what the bot would have done on its own, or could not
    DIGEST = "digest"  # once a day, about no incident
    AWAY = "away"  # no evaluation for longer than usual, said afterwards
    SILENT = "silent"  # the same, said by Slack while it lasts: scheduled ahead and postponed by each evaluation
    STATE_FAILED = "state_failed"  # the state cannot be written; posted past the outbox, which is part of it
    STATE_RESTORED = "state_restored"
    MAINTENANCE = "maintenance"  # what a maintenance window held back, said at its end
    NOTE = "note"  # what somebody wrote about an incident; each is a message of its own
    MOVED = "moved"  # what stands in place of a root whose thread goes on in another channel
    REVIEW = "review"  # once a week, about no incident
    STAKEHOLDERS = "stakeholders"  # the note for people who use the data, in channels of theirs


# What a reply about a change is about: the newest of these lines in the timeline.
CHANGES: dict[Kind, tuple[Did, ...]] = {
    Kind.SEVERITY: (Did.ESCALATED, Did.RETURNED, Did.EASED),
    Kind.REOPENED: (Did.REOPENED, Did.STILL_FIRING),
    Kind.REMEDY: (Did.REMEDY,),
}


class AuditState(StrEnum):
    """How far what the audit tells of had come when its row was written."""

    REQUESTED = "requested"  # before anything outside was asked
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # whether it happened was not to be found out


@dataclass(frozen=True)
class AuditRow:
    """One line of the audit, a log for people that nothing is read back from. Times are UTC.

    Its texts are cleaned when it is made, because nothing that was written can be taken back.
    """

    at: datetime
    user: str  # a Slack user id, or what acted on its own
    what: str
    target: str
    result: str  # in words
    state: AuditState | None = AuditState.SUCCEEDED  # None: written by an earlier version, which did not say
    team: str | None = None  # the Slack workspace of whoever acted
    reason: str = ""  # that was given for it
    before: str = ""  # how the target stood, and how it stands now
    after: str = ""
    reference: str = ""  # where more of it stands: `incident 3`, `action 7`, `run 4711`, `log 1f2e3d4c`

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, str) and not isinstance(value, AuditState):
                clean = without_secrets(value, AUDIT_WIDTHS.get(one.name, AUDIT_TEXT))
                object.__setattr__(self, one.name, clean)


@dataclass(frozen=True)
class Outage:
    """A span in which the bot could not do its work, in the pipeline's time."""

    since: datetime
    until: datetime | None = None  # None while it lasts
    reason: str = ""


@dataclass(frozen=True)
class Digest:
    """How the pipeline is, once a day."""

    evaluation: Evaluation | None
    opened: tuple[Incident, ...]  # those that are not over
    resolved: int  # incidents that ended within the last day
    outages: tuple[Outage, ...] = ()  # without a connection to Slack, ended within the last day, oldest first
    absences: tuple[Outage, ...] = ()  # of the bot, the same
    undelivered: tuple["Undelivered", ...] = ()
    roots: Mapping[int, "Place"] = field(default_factory=dict)  # where the threads of what is open begin, by incident
    links: Mapping[int, str] = field(default_factory=dict)  # …their addresses, as far as Slack tells them

    @property
    def listed(self) -> tuple[Incident, ...]:
        """What is open in the order of the summary: unacknowledged first, then the longest."""
        return tuple(sorted(self.opened, key=lambda one: (one.acked_by is not None, one.opened_at)))


@dataclass(frozen=True)
class PostedReview:
    """The weekly review, and the way to the incidents that it names."""

    review: Review
    roots: Mapping[int, "Place"] = field(default_factory=dict)  # where their threads begin, by incident
    links: Mapping[int, str] = field(default_factory=dict)  # …their addresses, as far as Slack tells them


@dataclass(frozen=True)
class Watch:
    """When an evaluation was last completed on schedule, and the message at Slack that says when none is any more."""

    completed_at: datetime | None = None  # in the pipeline's time, like the next
    scheduled_for: datetime | None = None  # the completed evaluation after which we last tried to schedule the message
    message_id: str | None = None  # None: nothing is scheduled, as far as we know
    channel: str | None = None  # the id of the channel in which it waits
    post_at: datetime | None = None  # real time, like the next
    not_before: datetime | None = None  # no other attempt sooner
    uncertain: bool = False  # Slack may hold messages of ours that we do not know: list them
    error: str | None = None  # why Slack does not schedule it

    @property
    def message(self) -> "Scheduled | None":
        """The scheduled message at Slack."""
        return Scheduled(self.message_id, self.channel) if self.message_id and self.channel else None


@dataclass(frozen=True)
class Leader:
    """The process that schedules and sends, in the machine's time."""

    holder: str  # host-process-random
    until: datetime  # the end of its lease, which it renews twice a minute
    since: datetime | None  # None: an earlier version took it


@dataclass(frozen=True)
class Announcement:
    """A message of the outbox, sent or not: what it is about, and where it stands in Slack."""

    id: str  # ours, in the message's metadata: how a message is found again
    kind: Kind
    channel: str
    thread_ts: str | None  # None for a root
    ts: str | None  # None until it is posted
    incident: Incident | None = None  # None for a digest alone
    thread: tuple[Incident, ...] = ()  # all that share its thread, itself too
    action: Action | None = None
    entry: Entry | None = None  # the line of the timeline that a note is about
    values: tuple[tuple[datetime, float], ...] = ()  # the latest of the check and when they were measured, oldest first
    digest: Digest | None = None
    review: PostedReview | None = None
    note: Note | None = None  # for stakeholders
    outage: Outage | None = None
    maintenance: MaintenanceReport | None = None
    since: datetime | None = None  # when we first tried to send it (real time): a look-up goes back to there
    plain: bool = False  # refused in full: say it in a line of plain text

    @property
    def over(self) -> bool:
        """Whether everything that the thread is about is resolved."""
        return bool(self.thread) and all(one.state is State.OK for one in self.thread)


@dataclass(frozen=True)
class Place:
    """Where a message stands: `channel` is the id, which edits need, whatever name it was posted to."""

    channel: str
    ts: str


@dataclass(frozen=True)
class Scheduled:
    """A message that waits at Slack for its time: its id there, and the id of its channel."""

    id: str
    channel: str


@dataclass(frozen=True)
class Access:
    """Who we are in Slack, and what the token may do."""

    bot: str
    workspace: str
    scopes: frozenset[str]
    at: datetime | None  # Slack's own time, UTC


@dataclass(frozen=True)
class WarehouseLogin:
    """Who asks the warehouse: in words, and as GRANT names them, None where that is not known."""

    words: str
    principal: str | None


@dataclass(frozen=True)
class ClaimedMessage:
    """One message that Slack does not show yet as it should, claimed by a sender."""

    announcement: Announcement  # where it stands; `Store.read_content` adds what it says
    revision: int  # what it will show once it is sent
    doubtful: bool  # an earlier attempt may have arrived: look before posting
    channel: str  # as configured
    attempts: int = 0  # that failed
    error: str | None = None  # of the latest of them
    failures: int = 0  # in a row, of the whole channel
    superseded: bool = False  # a newer message says it better: do not send this one unless it is there already
    thread: int | None = None  # the incident that its thread is named after
    behind: tuple[tuple[int, int], ...] = ()  # the replies that wait for this root, each with its revision


@dataclass(frozen=True)
class Pause:
    """A channel that fails is left alone for a while (real time)."""

    until: datetime | None
    failures: int  # in a row


@dataclass(frozen=True)
class Move:
    """What is open in a channel, or one thread of it, goes on in another one since `at` (the pipeline's time)."""

    channel: str
    why: str
    at: datetime
    whole_channel: bool = True


@dataclass(frozen=True)
class Failure:
    """Why a message was not sent, and when to try again (real time)."""

    error: str
    not_before: datetime
    doubtful: bool = False  # it may have arrived
    pause: Pause | None = None  # of its whole channel
    gone: bool = False  # the posted message was deleted: post it again
    plain: bool = False  # try again in plain text
    move: Move | None = None


@dataclass(frozen=True)
class Delivery:
    """A message of a thread: where it stands, whether as it should, and else why not, as far as that is known."""

    kind: Kind
    place: Place | None
    delivered: bool
    error: str | None


@dataclass(frozen=True)
class Undelivered:
    """Messages for one channel that wait for the same reason, since when (real time)."""

    channel: str
    why: str
    messages: int
    since: datetime | None  # None where an earlier version tried first, which did not note when


@dataclass(frozen=True)
class PageEvent:
    """What a pager is told about an incident, as it is when it is sent."""

    id: str  # the same in every attempt
    action: PageAction
    key: str  # the dedup key
    incident: Incident
    at: datetime  # in the pipeline's time
    thread: str | None = None  # the address of its Slack thread, as far as that is known
    plain: bool = False  # with the required fields alone


@dataclass(frozen=True)
class UnsentPages:
    """Events that a pager has not accepted for the same reason, since when (real time)."""

    target: str
    why: str
    pages: int
    since: datetime | None
