"""The alert state machine: one evaluation moves one alert, or does not; no clock, no database."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.alerts.model import Alert, State
from bot.alerts.timetable import lies_ahead
from checks.model import Outcome, Severity

LONGEST_EVALUATION = timedelta(minutes=10)  # what is judged after somebody resolved it may have been measured before
SEVERITIES = {Outcome.WARN: Severity.WARN, Outcome.CRITICAL: Severity.CRITICAL}


class Reason(StrEnum):
    """Why an alert changed; what is said about it depends on this alone."""

    WAITING = "waiting"  # a breach that has to last before anybody hears of it
    PASSED = "passed"  # …and did not
    OPENED = "opened"
    REOPENED = "reopened"
    ESCALATED = "escalated"  # warn → critical
    RETURNED = "returned"  # critical again soon after it eased: the channel is not alerted a second time
    EASING = "easing"  # measured as warn, not yet long enough to say so
    UNEASED = "uneased"  # …and is critical again before it was said
    EASED = "eased"  # critical → warn
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    CLOSED = "closed"  # nothing evaluates it any more
    RESOLVED_BY_HAND = "resolved_by_hand"
    STILL_FIRING = "still_firing"  # the first evaluation after that found it still breached
    VERIFIED = "verified"  # …or did not
    FROZEN = "frozen"  # nothing is known: timers stand still
    THAWED = "thawed"


@dataclass(frozen=True)
class Policy:
    """How patient an alert is (a check's `for`, `keep_firing_for`, `reopen_within`)."""

    for_: timedelta
    keep_firing_for: timedelta
    reopen_within: timedelta


@dataclass(frozen=True)
class Change:
    """The alert as it is from now on, and why."""

    alert: Alert
    reason: Reason


def advance(alert: Alert, outcome: Outcome, policy: Policy, now: datetime, *, cleared: bool) -> Change | None:
    """What an evaluation at `now` changes; None when it changes nothing.

    `cleared` says whether the value is inside the clear threshold: between that and the limit an alert neither
    begins nor ends. Source of the rules: the table in docs/DECISIONS.md, "How an alert lives".
    """
    if outcome in (Outcome.NO_DATA, Outcome.ERROR):
        return _freeze_timers(alert, now)
    if alert.resolved_by:
        return _verify(alert, SEVERITIES.get(outcome), now)
    thawed = _resume_timers(alert, now)
    severity = SEVERITIES.get(outcome)
    match thawed.state:
        case State.OK:
            change = _begin_breach(thawed, severity, policy, now) if severity else None
        case State.PENDING:
            change = _advance_pending(thawed, severity, policy, now)
        case State.FIRING:
            change = _advance_firing(thawed, severity, policy, now, cleared=cleared)
        case State.RECOVERING:
            change = _recover(thawed, severity, policy, now, cleared=cleared)
    if change is None and thawed is not alert:
        return Change(thawed, Reason.THAWED)
    return change


def close(alert: Alert, now: datetime) -> Change | None:
    """What it changes that nothing will evaluate this alert again; None where nothing is pending or open."""
    if alert.state is State.OK:
        return None
    reason = Reason.PASSED if alert.state is State.PENDING else Reason.CLOSED
    calm = {"milder_since": None, "eased_at": None, "frozen_at": None}
    return _change_to(alert, State.OK, now, reason, resolved_at=now if reason is Reason.CLOSED else None, **calm)


def resolve_by_hand(alert: Alert, by: str, now: datetime) -> Change | None:
    """What it changes that a person says it is over; None where it is not open. The next evaluation verifies that."""
    if alert.state not in (State.FIRING, State.RECOVERING):
        return None
    calm = {"milder_since": None, "eased_at": None, "frozen_at": None}
    return _change_to(alert, State.OK, now, Reason.RESOLVED_BY_HAND, resolved_at=now, resolved_by=by, **calm)


def timer_ends(alert: Alert, policy: Policy) -> datetime | None:
    """When a pending or recovering alert wants to be measured again; one resolved by hand at once."""
    if alert.resolved_by:
        return alert.resolved_at
    if alert.since is None or alert.frozen_at:
        return None
    patience = {State.PENDING: policy.for_, State.RECOVERING: policy.keep_firing_for}.get(alert.state)
    return None if patience is None else alert.since + patience


def may_reopen(alert: Alert, policy: Policy, now: datetime) -> bool:
    """Whether a breach would reopen the incident that this alert ended with."""
    return alert.state is State.OK and (bool(alert.resolved_by) or _is_recent(alert.resolved_at, policy, now))


def _begin_breach(alert: Alert, severity: Severity, policy: Policy, now: datetime) -> Change:
    if _is_recent(alert.resolved_at, policy, now):
        return _change_to(alert, State.FIRING, now, Reason.REOPENED, severity=severity, resolved_at=None)
    if policy.for_ > timedelta(0):
        return _change_to(
            alert, State.PENDING, now, Reason.WAITING, severity=severity, resolved_at=None, incident_id=None
        )
    return _change_to(alert, State.FIRING, now, Reason.OPENED, severity=severity, resolved_at=None, incident_id=None)


def _verify(alert: Alert, severity: Severity | None, now: datetime) -> Change | None:
    """The first evaluation after somebody resolved it: what is still breached fires again, however long ago that was.

    One that began before that is no evidence.
    """
    if lies_ahead(alert.resolved_at, now, LONGEST_EVALUATION):
        return None
    if severity is None:
        return Change(replace(alert, resolved_by=None), Reason.VERIFIED)
    return _change_to(
        alert, State.FIRING, now, Reason.STILL_FIRING, severity=severity, resolved_at=None, resolved_by=None
    )


def _advance_pending(alert: Alert, severity: Severity | None, policy: Policy, now: datetime) -> Change | None:
    assert alert.since
    if severity is None:
        return _change_to(alert, State.OK, now, Reason.PASSED, severity=None)
    if now - alert.since >= policy.for_:
        return _change_to(alert, State.FIRING, now, Reason.OPENED, severity=severity)
    return None


def _advance_firing(
    alert: Alert, severity: Severity | None, policy: Policy, now: datetime, *, cleared: bool
) -> Change | None:
    if severity is None:
        if not cleared:
            return None
        recovering = _change_to(alert, State.RECOVERING, now, Reason.RECOVERING, milder_since=None)
        return _recover(recovering.alert, severity, policy, now, cleared=cleared) or recovering
    if severity is Severity.CRITICAL:
        return _raise_severity(alert, policy, now)
    if alert.severity is Severity.WARN:
        return None
    if now - (alert.milder_since or now) < policy.keep_firing_for:
        return None if alert.milder_since else Change(replace(alert, milder_since=now), Reason.EASING)
    return _change_to(alert, State.FIRING, now, Reason.EASED, severity=Severity.WARN, milder_since=None, eased_at=now)


def _raise_severity(alert: Alert, policy: Policy, now: datetime) -> Change | None:
    """Measured as critical while firing."""
    if alert.severity is Severity.CRITICAL:
        return Change(replace(alert, milder_since=None), Reason.UNEASED) if alert.milder_since else None
    reason = Reason.RETURNED if _is_recent(alert.eased_at, policy, now) else Reason.ESCALATED
    return _change_to(alert, State.FIRING, now, reason, severity=Severity.CRITICAL, eased_at=None)


def _is_recent(ended: datetime | None, policy: Policy, now: datetime) -> bool:
    """Whether what ended then and is back now is the same trouble."""
    return ended is not None and lies_ahead(ended + policy.reopen_within, now, policy.reopen_within)


def _recover(alert: Alert, severity: Severity | None, policy: Policy, now: datetime, *, cleared: bool) -> Change | None:
    assert alert.since
    if severity or not cleared:
        milder_since = now if severity is Severity.WARN and alert.severity is Severity.CRITICAL else None
        relapsed = _change_to(alert, State.FIRING, now, Reason.RELAPSED, milder_since=milder_since)
        return _advance_firing(relapsed.alert, severity, policy, now, cleared=False) or relapsed
    if now - alert.since >= policy.keep_firing_for:
        return _change_to(alert, State.OK, now, Reason.RESOLVED, resolved_at=now, eased_at=None)
    return None


def _freeze_timers(alert: Alert, now: datetime) -> Change | None:
    """Nothing is known now: whatever was counting stands still until something is."""
    if alert.frozen_at or alert.state is State.OK or (alert.state is State.FIRING and not alert.milder_since):
        return None
    return Change(replace(alert, frozen_at=now), Reason.FROZEN)


def _resume_timers(alert: Alert, now: datetime) -> Alert:
    """Timers go on where they stood; one that began in the future, before the clock was set back, begins now."""
    gap = now - alert.frozen_at if alert.frozen_at else timedelta(0)
    thawed = replace(
        alert,
        frozen_at=None,
        since=min(alert.since + gap, now) if alert.since else None,
        milder_since=min(alert.milder_since + gap, now) if alert.milder_since else None,
    )
    return alert if thawed == alert else thawed


def _change_to(alert: Alert, state: State, now: datetime, reason: Reason, **changes: object) -> Change:
    return Change(replace(alert, state=state, since=now, **changes), reason)  # type: ignore[arg-type]
