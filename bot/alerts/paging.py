"""When an incident pages, and which event a pager is owed next: pure, from the incident and what was sent so far."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.alerts.attention import BEGINS, ESCALATE_EVERY, escalations, is_snoozed, next_escalation
from bot.alerts.model import Did, Incident, State
from checks.model import Severity

MOST_REFUSALS = 6  # of one event, the first in full: PagerDuty asks not to repeat what it refuses
PAGE_AT = 2  # the escalation that pages: the owner is mentioned by the first, 15 minutes before


class Paged(StrEnum):
    """How the pager has it, as far as it has answered."""

    NOT = "not"
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"


class PageAction(StrEnum):
    """What an event asks of the pager; a change of severity is another trigger."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Page:
    """One dedup key at one pager: what it was told, and how the next attempt stands. `not_before` is real time."""

    target: str  # the pager's name
    key: str
    incident_id: int
    id: int = 0
    state: Paged = Paged.NOT
    severity: Severity | None = None  # of the latest trigger that was accepted
    doubt: PageAction | None = None  # the event that may have arrived, its answer being lost
    attempted: str = ""  # the latest event that was tried, and its severity
    event_id: str = ""  # …its id, the same in every attempt, so that a receiver can tell a repetition
    plain: bool = False  # refused in full: sent with the required fields alone
    attempts: int = 0  # that failed
    not_before: datetime | None = None
    unreachable: bool = False  # the pager did not answer, or asked to wait; else it refused this event
    error: str | None = None
    failed_at: datetime | None = None  # since when
    sending_by: str | None = None
    sending_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the pager may hold an alert of this key that is not resolved."""
        return self.state is not Paged.NOT or self.doubt is not None

    @property
    def is_of_the_pager(self) -> bool:
        """Whether any other event would have failed as this one did: it certainly did not arrive."""
        return self.unreachable and self.doubt is None

    @property
    def is_given_up(self) -> bool:
        """Whether the pager has refused the required fields alone so often that it is not asked again."""
        return self.error is not None and self.plain and not self.unreachable and self.attempts >= MOST_REFUSALS


def is_due(incident: Incident, now: datetime, *, at_once: bool, maintenance: bool = False) -> bool:
    """Whether somebody has to be woken: critical, unacknowledged, and escalated far enough or paging at once.

    Not while it is snoozed, in a maintenance window, without a current value, or a test.
    """
    critical = incident.state is State.FIRING and incident.severity is Severity.CRITICAL
    if not critical or incident.is_test or maintenance or incident.not_evaluated_since or _is_answered(incident, now):
        return False
    return at_once or escalations(incident) >= PAGE_AT


def next_event(
    page: Page, incident: Incident | None, now: datetime, *, at_once: bool, maintenance: bool = False
) -> PageAction | None:
    """The event that brings the pager one step closer to the incident; None where it is as it should be.

    PagerDuty notifies nobody about an alert that is acknowledged, whatever triggers arrive. So what is due again, after
    an acknowledgment lapsed, is resolved and then triggered: a resolved key begins a new incident there.
    """
    if page.doubt is PageAction.RESOLVE or incident is None or incident.state is State.OK:
        return PageAction.RESOLVE if page.is_open else None  # a resolve that may have arrived is finished first
    due = is_due(incident, now, at_once=at_once, maintenance=maintenance)
    if not page.is_open:
        return PageAction.TRIGGER if due else None
    if due and PageAction.ACKNOWLEDGE in (_acknowledged(page), page.doubt):
        return PageAction.RESOLVE
    if page.state is Paged.NOT:  # a trigger may have arrived: the other events are dropped there if it has not
        return PageAction.TRIGGER if due else PageAction.ACKNOWLEDGE if _is_answered(incident, now) else None
    quiet = maintenance or incident.not_evaluated_since is not None
    if not quiet and (page.severity is not incident.severity or page.doubt is PageAction.TRIGGER):
        return PageAction.TRIGGER
    return PageAction.ACKNOWLEDGE if _is_answered(incident, now) and page.state is Paged.TRIGGERED else None


def after(page: Page, action: PageAction, severity: Severity) -> Page:
    """The page once the pager has accepted this event."""
    state = {PageAction.TRIGGER: Paged.TRIGGERED, PageAction.ACKNOWLEDGE: Paged.ACKNOWLEDGED}.get(action, Paged.NOT)
    told = {PageAction.TRIGGER: severity, PageAction.ACKNOWLEDGE: page.severity or severity}.get(action)
    return Page(
        page.target, page.key, page.incident_id, page.id, state, told, plain=page.plain and state is not Paged.NOT
    )


def next_page(incident: Incident, *, at_once: bool) -> datetime | None:
    """When it pages, as far as nothing else happens; None where that is at once, over, or nobody has to be found."""
    escalates = next_escalation(incident)
    missing = PAGE_AT - escalations(incident)
    return None if at_once or escalates is None or missing < 1 else escalates + ESCALATE_EVERY * (missing - 1)


def paged_at(incident: Incident) -> datetime | None:
    """When it paged, since it is critical and unacknowledged."""
    latest = next((entry for entry in reversed(incident.timeline) if entry.did in BEGINS | {Did.PAGED}), None)
    return latest.at if latest and latest.did is Did.PAGED else None


def _is_answered(incident: Incident, now: datetime) -> bool:
    """Whether somebody said that they have it: a snooze is a person, too."""
    return incident.acked_by is not None or is_snoozed(incident, now)


def _acknowledged(page: Page) -> PageAction | None:
    return PageAction.ACKNOWLEDGE if page.state is Paged.ACKNOWLEDGED else None
