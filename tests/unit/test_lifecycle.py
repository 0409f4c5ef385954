"""One evaluation moves one alert, or does not: the table of alerting.md, and what holds over any history."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.alerts.lifecycle import Change, Policy, Reason, advance, close, resolve_by_hand, timer_ends
from bot.alerts.model import Alert, State
from checks.judge import judge
from checks.model import Check, Outcome, Reading, Severity

NOW = datetime(2026, 1, 9, 11, 0, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


PATIENT = Policy(for_=minutes(5), keep_firing_for=minutes(10), reopen_within=minutes(30))
PROMPT = replace(PATIENT, for_=timedelta(0))


class Seen(Enum):
    """What one evaluation can show: an outcome, and whether it is inside the clear threshold."""

    CLEAR = (Outcome.OK, True)
    NEAR = (Outcome.OK, False)  # no breach, and not far enough inside
    WARN = (Outcome.WARN, False)
    CRITICAL = (Outcome.CRITICAL, False)
    NO_DATA = (Outcome.NO_DATA, False)
    ERROR = (Outcome.ERROR, False)

    @property
    def known(self) -> bool:
        return self not in (Seen.NO_DATA, Seen.ERROR)

    @property
    def breach(self) -> bool:
        return self in (Seen.WARN, Seen.CRITICAL)


def step(alert: Alert, seen: Seen, now: datetime, policy: Policy = PATIENT) -> Change | None:
    outcome, cleared = seen.value
    return advance(alert, outcome, policy, now, cleared=cleared)


# -- the table, row by row


def ago(count: float) -> datetime:
    return NOW - minutes(count)


FRESH = Alert("properties/lost_rows", "lost_rows")
PENDING = replace(FRESH, state=State.PENDING, severity=Severity.WARN, since=ago(5))
WARNING = replace(FRESH, state=State.FIRING, severity=Severity.WARN, since=ago(60), incident_id=7)
CRITICAL = replace(WARNING, severity=Severity.CRITICAL)
EASING = replace(CRITICAL, milder_since=ago(10))
EASED = replace(WARNING, eased_at=ago(29))
RECOVERING = replace(CRITICAL, state=State.RECOVERING, since=ago(10))
RECOVERING_WARNING = replace(RECOVERING, severity=Severity.WARN)
RESOLVED = replace(CRITICAL, state=State.OK, since=ago(29), resolved_at=ago(29))

BY_HAND = replace(RESOLVED, since=ago(1), resolved_at=ago(1), resolved_by="U0ROBIN")
AT_ONCE = (Reason.STILL_FIRING, State.FIRING, "critical")
UNSEEN = (None, State.OK, "critical")


def younger(alert: Alert, field: str, by: float = 0.1) -> Alert:
    """The same alert with a timer that began a little later."""
    return replace(alert, **{field: getattr(alert, field) + minutes(by)})


NOTHING = None
TABLE = [
    ("a breach of a fact opens at once", FRESH, Seen.CRITICAL, PROMPT, Reason.OPENED, State.FIRING, "critical"),
    ("a breach of a measured value waits", FRESH, Seen.WARN, PATIENT, Reason.WAITING, State.PENDING, "warn"),
    ("no breach is no event", FRESH, Seen.CLEAR, PATIENT, NOTHING, State.OK, None),
    ("near the limit is no breach", FRESH, Seen.NEAR, PROMPT, NOTHING, State.OK, None),
    ("what waited and passed is never heard of", PENDING, Seen.CLEAR, PATIENT, Reason.PASSED, State.OK, None),
    ("waiting ends at the limit already", PENDING, Seen.NEAR, PATIENT, Reason.PASSED, State.OK, None),
    ("what waited long enough opens", PENDING, Seen.WARN, PATIENT, Reason.OPENED, State.FIRING, "warn"),
    ("it opens as bad as it is now", PENDING, Seen.CRITICAL, PATIENT, Reason.OPENED, State.FIRING, "critical"),
    (
        "what has not waited long enough waits",
        younger(PENDING, "since"),
        Seen.CRITICAL,
        PATIENT,
        NOTHING,
        State.PENDING,
        "warn",
    ),
    ("what fires goes on firing", CRITICAL, Seen.CRITICAL, PATIENT, NOTHING, State.FIRING, "critical"),
    ("a warning goes on warning", WARNING, Seen.WARN, PATIENT, NOTHING, State.FIRING, "warn"),
    ("warn that becomes critical rings", WARNING, Seen.CRITICAL, PATIENT, Reason.ESCALATED, State.FIRING, "critical"),
    ("critical measured as warn waits", CRITICAL, Seen.WARN, PATIENT, Reason.EASING, State.FIRING, "critical"),
    ("…and after its time has eased", EASING, Seen.WARN, PATIENT, Reason.EASED, State.FIRING, "warn"),
    (
        "…but not before",
        younger(EASING, "milder_since"),
        Seen.WARN,
        PATIENT,
        NOTHING,
        State.FIRING,
        "critical",
    ),
    ("…nor when it was critical again", EASING, Seen.CRITICAL, PATIENT, Reason.UNEASED, State.FIRING, "critical"),
    ("…nor between limit and clear", EASING, Seen.NEAR, PATIENT, NOTHING, State.FIRING, "critical"),
    ("critical again soon rings nobody", EASED, Seen.CRITICAL, PATIENT, Reason.RETURNED, State.FIRING, "critical"),
    (
        "critical again much later rings",
        replace(EASED, eased_at=ago(30)),
        Seen.CRITICAL,
        PATIENT,
        Reason.ESCALATED,
        State.FIRING,
        "critical",
    ),
    ("between limit and clear it fires on", CRITICAL, Seen.NEAR, PATIENT, NOTHING, State.FIRING, "critical"),
    ("inside clear it recovers", CRITICAL, Seen.CLEAR, PATIENT, Reason.RECOVERING, State.RECOVERING, "critical"),
    ("a warning recovers too", WARNING, Seen.CLEAR, PATIENT, Reason.RECOVERING, State.RECOVERING, "warn"),
    (
        "what recovers and breaches fires on",
        RECOVERING,
        Seen.CRITICAL,
        PATIENT,
        Reason.RELAPSED,
        State.FIRING,
        "critical",
    ),
    ("…as it does outside clear", RECOVERING, Seen.NEAR, PATIENT, Reason.RELAPSED, State.FIRING, "critical"),
    (
        "…and a milder breach eases nothing yet",
        RECOVERING,
        Seen.WARN,
        PATIENT,
        Reason.RELAPSED,
        State.FIRING,
        "critical",
    ),
    (
        "a warning that recovers and becomes critical rings",
        RECOVERING_WARNING,
        Seen.CRITICAL,
        PATIENT,
        Reason.ESCALATED,
        State.FIRING,
        "critical",
    ),
    (
        "…unless it was critical a moment ago",
        replace(RECOVERING_WARNING, eased_at=ago(29)),
        Seen.CRITICAL,
        PATIENT,
        Reason.RETURNED,
        State.FIRING,
        "critical",
    ),
    (
        "a recovering warning that breaches fires on",
        RECOVERING_WARNING,
        Seen.WARN,
        PATIENT,
        Reason.RELAPSED,
        State.FIRING,
        "warn",
    ),
    ("clear for its time it is over", RECOVERING, Seen.CLEAR, PATIENT, Reason.RESOLVED, State.OK, "critical"),
    (
        "…but not before",
        younger(RECOVERING, "since"),
        Seen.CLEAR,
        PATIENT,
        NOTHING,
        State.RECOVERING,
        "critical",
    ),
    (
        "a breach soon after opens the same incident",
        RESOLVED,
        Seen.WARN,
        PATIENT,
        Reason.REOPENED,
        State.FIRING,
        "warn",
    ),
    (
        "a breach much later waits anew",
        replace(RESOLVED, resolved_at=ago(30)),
        Seen.WARN,
        PATIENT,
        Reason.WAITING,
        State.PENDING,
        "warn",
    ),
    (
        "…or opens another incident",
        replace(RESOLVED, resolved_at=ago(30)),
        Seen.WARN,
        PROMPT,
        Reason.OPENED,
        State.FIRING,
        "warn",
    ),
    ("what is breached after it was resolved by hand fires at once", BY_HAND, Seen.CRITICAL, PATIENT, *AT_ONCE),
    ("…however long ago that was", replace(BY_HAND, resolved_at=ago(5000)), Seen.CRITICAL, PATIENT, *AT_ONCE),
    ("…and as bad as it is now", BY_HAND, Seen.WARN, PROMPT, Reason.STILL_FIRING, State.FIRING, "warn"),
    ("resolved by hand and clear it was right", BY_HAND, Seen.CLEAR, PATIENT, Reason.VERIFIED, State.OK, "critical"),
    ("…as it is without a breach", BY_HAND, Seen.NEAR, PATIENT, Reason.VERIFIED, State.OK, "critical"),
    ("not knowing says nothing of what was resolved by hand", BY_HAND, Seen.NO_DATA, PATIENT, *UNSEEN),
    ("nor what was measured before it was", replace(BY_HAND, resolved_at=ago(-9)), Seen.CRITICAL, PATIENT, *UNSEEN),
    ("…unless the clock was set back", replace(BY_HAND, resolved_at=ago(-11)), Seen.CRITICAL, PATIENT, *AT_ONCE),
    ("not knowing is no event while all is well", FRESH, Seen.NO_DATA, PATIENT, NOTHING, State.OK, None),
    ("not knowing is no event after the end", RESOLVED, Seen.ERROR, PATIENT, NOTHING, State.OK, "critical"),
    ("not knowing is no event while it fires", CRITICAL, Seen.NO_DATA, PATIENT, NOTHING, State.FIRING, "critical"),
    ("not knowing stops the waiting", PENDING, Seen.NO_DATA, PATIENT, Reason.FROZEN, State.PENDING, "warn"),
    ("not knowing stops the easing", EASING, Seen.ERROR, PATIENT, Reason.FROZEN, State.FIRING, "critical"),
    ("not knowing stops the recovery", RECOVERING, Seen.ERROR, PATIENT, Reason.FROZEN, State.RECOVERING, "critical"),
    (
        "what is frozen stays frozen",
        replace(RECOVERING, frozen_at=ago(9)),
        Seen.NO_DATA,
        PATIENT,
        NOTHING,
        State.RECOVERING,
        "critical",
    ),
    (
        "what thaws goes on waiting for the rest",
        replace(RECOVERING, frozen_at=ago(9)),
        Seen.CLEAR,
        PATIENT,
        Reason.THAWED,
        State.RECOVERING,
        "critical",
    ),
    (
        "what thaws in good time is over",
        replace(RECOVERING, since=ago(30), frozen_at=ago(20)),
        Seen.CLEAR,
        PATIENT,
        Reason.RESOLVED,
        State.OK,
        "critical",
    ),
]


@pytest.mark.parametrize(
    ("alert", "seen", "policy", "reason", "state", "severity"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_a_row_of_the_table(
    alert: Alert, seen: Seen, policy: Policy, reason: Reason | None, state: State, severity: str | None
) -> None:
    change = step(alert, seen, NOW, policy)
    assert (change.reason if change else None) is reason
    after = change.alert if change else alert
    assert (after.state, after.severity) == (state, severity)
    if state is not alert.state:
        assert after.since == NOW


def test_the_table_has_a_row_for_every_reason() -> None:
    by_people = {Reason.CLOSED, Reason.RESOLVED_BY_HAND}
    assert {reason for _, _, _, _, reason, _, _ in TABLE if reason} == set(Reason) - by_people


@pytest.mark.parametrize(
    ("alert", "reason", "resolved_at"),
    [
        (FRESH, None, None),
        (RESOLVED, None, RESOLVED.resolved_at),
        (PENDING, Reason.PASSED, None),
        (WARNING, Reason.CLOSED, NOW),
        (EASING, Reason.CLOSED, NOW),
        (replace(RECOVERING, frozen_at=ago(9)), Reason.CLOSED, NOW),
    ],
)
def test_what_nothing_evaluates_any_more_ends(
    alert: Alert, reason: Reason | None, resolved_at: datetime | None
) -> None:
    change = close(alert, NOW)
    after = change.alert if change else alert
    assert (change.reason if change else None) is reason
    assert (after.state, after.resolved_at) == (State.OK, resolved_at)
    assert (after.frozen_at, after.milder_since) == (None, None)


@pytest.mark.parametrize("alert", [FRESH, PENDING, RESOLVED, BY_HAND])
def test_what_is_not_open_cannot_be_resolved_by_hand(alert: Alert) -> None:
    assert resolve_by_hand(alert, "U0ROBIN", NOW) is None


@pytest.mark.parametrize("alert", [WARNING, EASING, RECOVERING, replace(RECOVERING, frozen_at=ago(9))])
def test_what_is_open_is_resolved_by_hand_and_keeps_its_incident(alert: Alert) -> None:
    change = resolve_by_hand(alert, "U0ROBIN", NOW)
    assert change and change.reason is Reason.RESOLVED_BY_HAND
    after = change.alert
    assert (after.state, after.resolved_at, after.resolved_by, after.incident_id) == (State.OK, NOW, "U0ROBIN", 7)
    assert (after.frozen_at, after.milder_since, after.eased_at) == (None, None, None)


def test_a_new_incident_forgets_the_old_one_and_a_reopened_one_keeps_it() -> None:
    reopened = step(RESOLVED, Seen.WARN, NOW)
    assert reopened
    assert (reopened.alert.incident_id, reopened.alert.resolved_at) == (7, None)
    for policy in (PATIENT, PROMPT):
        anew = step(replace(RESOLVED, resolved_at=ago(30)), Seen.WARN, NOW, policy)
        assert anew
        assert (anew.alert.incident_id, anew.alert.resolved_at) == (None, None)


def test_time_that_nobody_measured_is_taken_off_every_running_timer() -> None:
    frozen = replace(CRITICAL, milder_since=ago(25), frozen_at=ago(20))
    thawed = step(frozen, Seen.NEAR, NOW)
    assert thawed
    assert (thawed.alert.frozen_at, thawed.alert.milder_since) == (None, ago(5))
    waiting = step(replace(PENDING, since=ago(30), frozen_at=ago(28)), Seen.WARN, NOW)
    assert waiting
    assert (waiting.reason, waiting.alert.since) == (Reason.THAWED, ago(2))


@pytest.mark.parametrize(
    ("alert", "ends"),
    [
        (FRESH, None),
        (CRITICAL, None),
        (RESOLVED, None),
        (PENDING, NOW),
        (RECOVERING, NOW),
        (replace(RECOVERING, frozen_at=NOW), None),  # nobody knows when
        (BY_HAND, ago(1)),
    ],
)
def test_only_what_waits_wants_to_be_measured_again_when_its_timer_ends(alert: Alert, ends: datetime | None) -> None:
    assert timer_ends(alert, PATIENT) == ends


# -- what holds over any history


def test_a_timer_that_began_before_the_clock_was_set_back_begins_now_and_still_ends() -> None:
    for alert, seen, ended in ((PENDING, Seen.WARN, State.FIRING), (RECOVERING, Seen.CLEAR, State.OK)):
        again = step(replace(alert, since=NOW + minutes(60)), seen, NOW)
        assert again and (again.alert.since, again.alert.state) == (NOW, alert.state)
        end = step(again.alert, seen, NOW + minutes(10))
        assert end and end.alert.state is ended


@dataclass(frozen=True)
class Lived:
    """One evaluation in the life of an alert."""

    before: Alert
    now: datetime
    seen: Seen
    change: Change | None

    @property
    def after(self) -> Alert:
        return self.change.alert if self.change else self.before

    @property
    def reason(self) -> Reason | None:
        return self.change.reason if self.change else None


def live(events: Iterable[tuple[int, Seen]], policy: Policy) -> list[Lived]:
    """Evaluations so many minutes after one another, from the first look on."""
    alert, now, lived = FRESH, NOW, []
    for gap, seen in events:
        now += minutes(gap)
        lived.append(Lived(alert, now, seen, step(alert, seen, now, policy)))
        alert = lived[-1].after
    return lived


gaps = st.sampled_from([0, 1, 4, 5, 6, 10, 29, 31, 90])
histories = st.lists(st.tuples(gaps, st.sampled_from(Seen)), max_size=40)
KNOWN, UNKNOWN = [seen for seen in Seen if seen.known], [Seen.NO_DATA, Seen.ERROR]
policies = st.builds(
    Policy,
    for_=st.sampled_from([0, 1, 5]).map(minutes),
    keep_firing_for=st.sampled_from([0, 1, 10]).map(minutes),
    reopen_within=st.sampled_from([0, 30, 60]).map(minutes),
)
over_any_history = settings(deadline=None, max_examples=100)

BEGINS = {Reason.OPENED, Reason.REOPENED}
RINGS = BEGINS | {Reason.ESCALATED}
POSSIBLE = {
    (State.OK, State.PENDING): {Reason.WAITING},
    (State.OK, State.FIRING): BEGINS,
    (State.PENDING, State.OK): {Reason.PASSED},
    (State.PENDING, State.FIRING): {Reason.OPENED},
    (State.FIRING, State.RECOVERING): {Reason.RECOVERING},
    (State.FIRING, State.FIRING): {Reason.ESCALATED, Reason.RETURNED, Reason.EASING, Reason.UNEASED, Reason.EASED},
    (State.RECOVERING, State.FIRING): {Reason.RELAPSED, Reason.ESCALATED, Reason.RETURNED},
    (State.RECOVERING, State.OK): {Reason.RESOLVED},
}
STANDING_STILL = {None, Reason.FROZEN, Reason.THAWED}


@given(histories, policies)
@over_any_history
def test_states_are_reached_only_as_the_table_allows(events: list[tuple[int, Seen]], policy: Policy) -> None:
    for one in live(events, policy):
        way = (one.before.state, one.after.state)
        allowed = POSSIBLE.get(way, set()) | (STANDING_STILL if way[0] is way[1] else set())
        if policy.keep_firing_for == timedelta(0):
            allowed |= {
                (State.FIRING, State.OK): {Reason.RESOLVED},
                (State.RECOVERING, State.FIRING): {Reason.EASED},
            }.get(way, set())
        assert one.reason in allowed


@given(histories, policies)
@over_any_history
def test_nothing_opens_without_a_breach(events: list[tuple[int, Seen]], policy: Policy) -> None:
    for one in live(events, policy):
        if one.reason in RINGS or one.reason is Reason.WAITING:
            assert one.seen.breach
            assert one.after.severity == one.seen.value[0].value


@given(histories, policies)
@over_any_history
def test_opening_and_resolving_alternate(events: list[tuple[int, Seen]], policy: Policy) -> None:
    marks = [one.reason for one in live(events, policy) if one.reason in BEGINS | {Reason.RESOLVED}]
    assert all((one is Reason.RESOLVED) != (other is Reason.RESOLVED) for one, other in pairwise(marks))
    assert Reason.RESOLVED not in marks[:1]
    assert Reason.REOPENED not in marks[:1]


@given(histories, policies)
@over_any_history
def test_a_reopened_incident_was_resolved_a_short_while_ago(events: list[tuple[int, Seen]], policy: Policy) -> None:
    resolved: datetime | None = None
    for one in live(events, policy):
        if one.reason is Reason.REOPENED:
            assert resolved
            assert one.now - resolved < policy.reopen_within
        if one.reason is Reason.OPENED:
            assert resolved is None or one.now - resolved >= policy.reopen_within
        resolved = one.now if one.reason is Reason.RESOLVED else resolved


@pytest.mark.full
@given(histories, policies)
@over_any_history
def test_not_knowing_changes_neither_state_nor_severity(events: list[tuple[int, Seen]], policy: Policy) -> None:
    for one in live(events, policy):
        if not one.seen.known:
            assert one.reason in (None, Reason.FROZEN)
            assert replace(one.after, frozen_at=one.before.frozen_at) == one.before


def measured(lived: list[Lived], holds: set[Seen]) -> list[tuple[timedelta, int]]:
    """For each evaluation: how long it had been so without a break, in time that was measured, and how often seen."""
    spans, span, count, last = [], timedelta(0), 0, NOW
    for n, one in enumerate(lived):
        blind = n > 0 and not lived[n - 1].seen.known
        if one.seen.known:
            going_on = one.seen in holds and count > 0
            span = span + (timedelta(0) if blind else one.now - last) if going_on else timedelta(0)
            count = count + 1 if one.seen in holds else 0
        elif not blind and count:
            span += one.now - last
        last = one.now
        spans.append((span, count))
    return spans


@given(histories, policies)
@over_any_history
def test_resolved_is_what_was_clear_for_its_time_as_measured_and_nothing_else(
    events: list[tuple[int, Seen]], policy: Policy
) -> None:
    lived = live(events, policy)
    for one, (span, count) in zip(lived, measured(lived, {Seen.CLEAR}), strict=True):
        if one.reason is Reason.RESOLVED:
            assert one.seen is Seen.CLEAR
            assert span >= policy.keep_firing_for
        if one.seen is Seen.CLEAR and count > 1 and span >= policy.keep_firing_for:
            assert one.after.state is State.OK


@given(histories, policies)
@over_any_history
def test_what_opens_after_waiting_was_a_breach_for_its_time_as_measured(
    events: list[tuple[int, Seen]], policy: Policy
) -> None:
    lived = live(events, policy)
    for one, (span, _) in zip(lived, measured(lived, {Seen.WARN, Seen.CRITICAL}), strict=True):
        if one.reason is Reason.OPENED:
            assert span >= policy.for_
        if one.seen.breach and span >= policy.for_:
            assert one.after.state is State.FIRING


@given(histories, policies)
@over_any_history
def test_what_eases_was_not_critical_for_its_time_as_measured(events: list[tuple[int, Seen]], policy: Policy) -> None:
    lived = live(events, policy)
    for one, (span, _) in zip(lived, measured(lived, {Seen.WARN, Seen.NEAR, Seen.CLEAR}), strict=True):
        if one.reason is Reason.EASED:
            assert one.seen is Seen.WARN
            assert span >= policy.keep_firing_for


@given(histories, policies)
@example([(0, Seen.CRITICAL), (0, Seen.CLEAR), (5, Seen.WARN), (10, Seen.WARN)], PROMPT)
@over_any_history
def test_what_was_a_warning_for_its_time_as_measured_is_shown_as_one(
    events: list[tuple[int, Seen]], policy: Policy
) -> None:
    lived = live(events, policy)
    for one, (span, count) in zip(lived, measured(lived, {Seen.WARN}), strict=True):
        if one.seen is Seen.WARN and count > 1 and span >= policy.keep_firing_for and one.after.state is State.FIRING:
            assert one.after.severity is Severity.WARN


@pytest.mark.full
@given(
    st.lists(st.tuples(gaps, st.sampled_from(KNOWN), st.sampled_from([0, 0, 3, 700]), st.sampled_from(UNKNOWN))),
    policies,
    st.sampled_from([timedelta(0), timedelta(days=900)]),  # reopening goes by the clock on the wall
)
@over_any_history
def test_any_amount_of_not_knowing_only_shifts_the_timers(
    events: list[tuple[int, Seen, int, Seen]], policy: Policy, reopen_within: timedelta
) -> None:
    policy = replace(policy, reopen_within=reopen_within)
    plain: list[tuple[int, Seen]] = []  # the same life, in which the blind time did not pass
    dim: list[tuple[int, Seen]] = []
    was_blind = 0
    for gap, seen, blind, unknown in events:
        plain.append((0 if was_blind else gap, seen))
        dim += [(gap, seen), (0, unknown), (blind, unknown)] if blind else [(gap, seen)]
        was_blind = blind
    as_known = [(one.reason, one.after.state, one.after.severity) for one in live(plain, policy)]
    seen_through = [one for one in live(dim, policy) if one.seen.known]
    assert [
        (None if one.reason is Reason.THAWED else one.reason, one.after.state, one.after.severity)
        for one in seen_through
    ] == as_known


@given(histories, policies)
@example([(0, Seen.WARN), (0, Seen.CLEAR)], replace(PROMPT, keep_firing_for=timedelta(0)))
@example([(0, Seen.CRITICAL), (0, Seen.WARN)], replace(PROMPT, keep_firing_for=timedelta(0)))
@example([(0, Seen.CRITICAL), (0, Seen.CLEAR), (1, Seen.WARN)], PROMPT)
@over_any_history
def test_evaluating_twice_at_the_same_instant_changes_nothing_more(
    events: list[tuple[int, Seen]], policy: Policy
) -> None:
    for one in live(events, policy):
        assert step(one.after, one.seen, one.now, policy) is None


@given(histories, policies)
@over_any_history
def test_a_fact_opens_at_once(events: list[tuple[int, Seen]], policy: Policy) -> None:
    for one in live(events, replace(policy, for_=timedelta(0))):
        assert one.after.state is not State.PENDING
        if one.before.state is State.OK and one.seen.breach:
            assert one.reason in BEGINS


@given(histories, policies)
@over_any_history
def test_what_is_open_has_a_severity_and_a_beginning(events: list[tuple[int, Seen]], policy: Policy) -> None:
    for one in live(events, policy):
        if one.after.state is not State.OK:
            assert one.after.severity is not None
            assert one.after.since is not None
            assert one.after.since <= one.now


WRITTEN = {
    "name": "lost_rows",
    "title": "Lost rows",
    "metric": "lost_rows",
    "source": "databricks",
    "critical": "> 50",
    "for": 0,
    "summary": "{value}",
}


def rings(values: Iterable[tuple[int, float | None]], check: Check) -> list[datetime]:
    """When people are rung while the check measures these values, so many minutes after one another."""
    policy = Policy(check.for_, check.keep_firing_for, check.reopen_within)
    alert, now, rung = FRESH, NOW, []
    for gap, value in values:
        now += minutes(gap)
        result = judge(check, Reading(value))
        change = advance(alert, result.outcome, policy, now, cleared=result.cleared)
        if change:
            alert = change.alert
            rung += [now] if change.reason in RINGS else []
    return rung


around_the_limit = st.lists(st.tuples(st.integers(1, 25), st.sampled_from([49.0, 51.0, 51.0, None])), max_size=60)
ALTERNATING = [(5, 51.0 if n % 2 else 49.0) for n in range(60)]
SLOWLY = [(5, 51.0 if n // 4 % 2 else 49.0) for n in range(60)]  # long enough on each side to ease


@pytest.mark.parametrize("limits", [{}, {"warn": "> 30", "clear": "<= 25"}], ids=["critical only", "warn and critical"])
@given(around_the_limit)
@example(ALTERNATING)
@example(SLOWLY)
@over_any_history
def test_49_51_49_does_not_ring_again_and_again(limits: dict[str, str], values: list[tuple[int, float | None]]) -> None:
    check = Check.model_validate(WRITTEN | limits)
    rung = rings([(0, 51.0), *values], check)
    assert rung[0] == NOW
    assert all(later - earlier >= check.reopen_within for earlier, later in pairwise(rung))


def test_49_51_49_from_a_warning_rings_once_for_the_warning_and_once_for_critical() -> None:
    check = Check.model_validate(WRITTEN | {"warn": "> 30", "clear": "<= 25"})
    assert rings([(0, 49.0), *((5, 49.0 if n % 2 else 51.0) for n in range(60))], check) == [NOW, NOW + minutes(5)]


def test_what_ended_or_eased_before_the_clock_was_set_back_is_not_recent() -> None:
    ended, eased = replace(RESOLVED, resolved_at=ago(-60)), replace(EASED, eased_at=ago(-60))
    opened, worsened = step(ended, Seen.CRITICAL, NOW, PROMPT), step(eased, Seen.CRITICAL, NOW)
    assert opened and opened.reason is Reason.OPENED
    assert worsened and worsened.reason is Reason.ESCALATED, "the channel hears of it"


@given(st.lists(st.tuples(st.integers(1, 60), st.sampled_from(Seen)), max_size=12), st.sampled_from([PATIENT, PROMPT]))
def test_what_is_still_breached_after_it_was_resolved_by_hand_never_stays_resolved(
    events: list[tuple[int, Seen]], policy: Policy
) -> None:
    change = resolve_by_hand(CRITICAL, "U0ROBIN", NOW)
    assert change
    alert, now = change.alert, NOW
    for gap, seen in events:
        now += minutes(gap)
        found = step(alert, seen, now, policy)
        alert = found.alert if found else alert
        if seen.breach:
            assert found and found.reason is Reason.STILL_FIRING
            assert (alert.state, alert.resolved_by, alert.incident_id) == (State.FIRING, None, 7)
        if seen.known:
            return
        assert alert == change.alert, "not knowing says nothing"
