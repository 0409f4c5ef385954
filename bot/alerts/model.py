"""Alerts, the incidents they open, and what people do about them: values without behavior."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from checks.model import Severity

ITSELF = "sync-health"  # who acted where nobody did
TEST_ALERT = "test-alert"  # the check of a test incident; no check of pipeline.yml can have a dash in its name
SEVERITIES = {Severity.WARN: "Warning", Severity.CRITICAL: "Critical"}


class State(StrEnum):
    """Where an alert stands, beside its severity and whatever people have laid over it."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


@dataclass(frozen=True)
class Alert:
    """One dedup key (pipeline, check, labels) and where it stands. All times are UTC."""

    key: str
    check: str
    sync: str | None = None
    state: State = State.OK
    severity: Severity | None = None
    since: datetime | None = None  # when the state began
    milder_since: datetime | None = None  # firing critical, but measured as warn since
    eased_at: datetime | None = None  # when it last went from critical to warn
    resolved_at: datetime | None = None
    resolved_by: str | None = None  # by whom, by hand, until an evaluation says how it stands: a Slack user id
    frozen_at: datetime | None = None  # since when nothing is known; timers stand still
    incident_id: int | None = None


class Did(StrEnum):
    """What can stand in the timeline of an incident."""

    OPENED = "opened"
    REOPENED = "reopened"
    ESCALATED = "escalated"  # warn → critical
    RETURNED = "returned"  # critical again soon after it eased
    EASED = "eased"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    RESOLVED_BY_HAND = "resolved_by_hand"  # the detail is the reason
    STILL_FIRING = "still_firing"  # …and the first evaluation since then found it still breached
    CLOSED = "closed"  # its check, sync or pipeline is gone from the configuration
    ACKNOWLEDGED = "acknowledged"
    TAKEN_OVER = "taken_over"  # acknowledged in place of the user named in the detail
    UNACKNOWLEDGED = "unacknowledged"
    SNOOZED = "snoozed"
    REMINDED = "reminded"
    CALLED = "called"  # escalated: its owner was mentioned in the channel; the detail is who asked for it, if anybody
    ACK_LAPSES = "ack_lapses"  # its holder was warned
    ACK_LAPSED = "ack_lapsed"
    MAINTENANCE_ENDED = "maintenance_ended"  # the window in which nothing was sent to the channel
    RERUN = "rerun"
    FOLLOWED = "followed"  # a run that was going on when somebody asked for a rerun
    RUN_ENDED = "run_ended"
    PAUSED = "paused"  # these three: requested here for the sync that the detail names
    RESUMED = "resumed"
    CANCELED = "canceled"
    NOTED = "noted"  # the detail is what somebody wrote
    PAGED = "paged"  # a pager accepted it; the detail is its name
    REMEDY = "remedy"  # what the bot would have done on its own, or could not; the detail says it
    MOVED = "moved"  # to another channel; the detail is `old channel: why`
    CAUSE_ENDED = "cause_ended"  # it still fires, and this is not found as its cause any more


OPENING = frozenset({Did.OPENED, Did.REOPENED, Did.STILL_FIRING})
ENDS = frozenset({Did.RESOLVED, Did.RESOLVED_BY_HAND, Did.CLOSED})


@dataclass(frozen=True)
class Entry:
    """One line of an incident's timeline."""

    at: datetime
    did: Did
    by: str | None = None  # a Slack user id
    detail: str = ""
    broadcast: bool = False  # its reply is also sent to the channel
    request: str | None = None  # Slack's id of the dialog it came from: a submission that comes again is no second one


@dataclass(frozen=True)
class Incident:
    """One trouble from its first message to its last, with one Slack thread. All times are UTC."""

    id: int
    key: str
    check: str
    sync: str | None
    title: str
    severity: Severity
    state: State
    opened_at: datetime
    summary: str
    value: float | None
    limit: str | None
    channel: str
    clear: str | None = None
    peak: float | None = None  # its worst value since it opened
    helps: str = ""
    rerun: str | None = None  # the sync that the offers are about, by name
    offers: tuple[str, ...] = ()  # what can help now, best first: see alerts/offers.py
    causes: tuple[str, ...] = ()  # why it fires, or did until it recovered, as far as known: see alerts/causes.py
    runbook: str | None = None
    acked_by: str | None = None
    acked_at: datetime | None = None
    resolved_at: datetime | None = None
    timeline: tuple[Entry, ...] = ()
    snoozed_until: datetime | None = None  # no reminder and no escalation before
    snoozed_by: str | None = None
    flapping_until: datetime | None = None  # no replies but escalations before; each further re-open moves it
    source: str = "databricks"  # what was asked for the number: databricks, census, bot
    thread_id: int | None = None  # the incident whose root it shares, of many that opened at once; None: its own
    not_evaluated_since: datetime | None = None  # its number is not known, or explained by something else
    explained_by: str | None = None  # …by the alert of this title
    measured_at: datetime | None = None  # when its value was
    examples: tuple[str, ...] = ()  # ids of rows that are wrong, or of the run that is; no personal data

    @property
    def is_test(self) -> bool:
        """Whether it only shows that alerts arrive: it is in no list and no count of incidents."""
        return self.check == TEST_ALERT

    @property
    def every_cause(self) -> tuple[str, ...]:
        """Why it fires, or fired; then what was found as a cause for a while."""
        past = (entry.detail for entry in self.timeline if entry.did is Did.CAUSE_ENDED)
        return tuple(dict.fromkeys([*self.causes, *past]))

    @property
    def ended(self) -> Entry | None:
        """The line of its timeline that says how it ended, the last time that it did."""
        return next((entry for entry in reversed(self.timeline) if entry.did in ENDS), None)

    @property
    def thread(self) -> int:
        """The incident that its thread is named after."""
        return self.thread_id or self.id


@dataclass(frozen=True)
class Maintenance:
    """A window in which nothing is sent to the channel and everything is recorded. All times are UTC."""

    id: int
    since: datetime
    until: datetime  # when it ends if nobody ends it before
    by: str  # a Slack user id
    reason: str
    ended_at: datetime | None = None
    ended_by: str | None = None  # who ended it early


@dataclass(frozen=True)
class MaintenanceReport:
    """What happened during a maintenance window that has ended; each oldest first."""

    window: Maintenance
    opened: tuple[Incident, ...]
    resolved: tuple[Incident, ...]
    still_open: tuple[Incident, ...]  # at its end, whenever they were opened


class ActionKind(StrEnum):
    """What is done to a sync in Census."""

    RERUN = "rerun"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"  # the run in progress
    PAUSE_ALL = "pause all"


class ActionState(StrEnum):
    """How far a requested action has come; of the first three only one may exist per sync and kind."""

    REQUESTED = "requested"  # our row is there, Census may or may not have been asked
    RUNNING = "running"
    CHECKING = "checking"  # the run has ended, the pipeline is being measured again
    FINISHED = "finished"
    FAILED = "failed"
    UNKNOWN = "unknown"  # given up: whether a run started, or how it ended, was not to be found out


CARRIED_OUT = (ActionState.CHECKING, ActionState.FINISHED)  # Census has done what was requested


@dataclass(frozen=True)
class Action:
    """Something that was requested for a sync, followed to its end. All times are UTC."""

    id: int
    sync: str  # by name; empty where all are meant
    incident_id: int | None  # None: it has a message of its own in the channel
    by: str  # a Slack user id, or ITSELF
    reason: str
    state: ActionState
    requested_at: datetime
    latest_run_id: int  # the newest run that Census knew before we asked: a later one can be ours
    adopted: bool = False  # the run was already going on when we looked
    run_id: int | None = None
    run_status: str = ""
    records_total: int | None = None
    records_updated: int | None = None
    records_failed: int | None = None
    records_invalid: int | None = None
    ended_at: datetime | None = None
    verdict: str = ""  # what the validation after the run said, or why the action failed
    kind: ActionKind = ActionKind.RERUN
    full_sync: bool = False  # a rerun of every record, changed or not
    resumes: bool = False  # the sync was paused, and is resumed before its rerun
    began_at: datetime | None = None  # when the run was created in Census
    counted_at: datetime | None = None  # when its counts were read
    rejections: tuple[str, ...] = ()  # the causes of its rejected records, once Census has them
    paused: tuple[str, ...] = ()  # the syncs, by name, that an action on all of them has paused
