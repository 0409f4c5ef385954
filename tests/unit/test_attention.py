"""When an open incident is brought to mind again, and when it is left alone."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.attention import Nudge, is_flapping, nudge
from bot.alerts.model import Did, Entry, Incident, State
from checks.model import Severity
from tests.unit import samples

NOW = samples.incident().opened_at
DID = {Nudge.REMIND: Did.REMINDED, Nudge.CALL: Did.CALLED, Nudge.LAPSE: Did.ACK_LAPSED}


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def fresh(severity: Severity = Severity.CRITICAL, *entries: Entry) -> Incident:
    opened = Entry(NOW, Did.OPENED)
    return replace(
        samples.incident(),
        severity=severity,
        state=State.FIRING,
        acked_by=None,
        acked_at=None,
        timeline=(opened, *entries),
    )


def live(incident: Incident, hours: float, every: float = 5) -> list[tuple[float, Nudge]]:
    """What is said over the hours, at a tick of five minutes."""
    said = []
    for n in range(int(hours * 60 / every) + 1):
        if due := nudge(incident, at(n * every)):
            said.append((n * every, due))
            incident = replace(incident, timeline=(*incident.timeline, Entry(at(n * every), DID[due])))
            if due is Nudge.LAPSE:
                incident = replace(incident, acked_by=None, acked_at=None)
    return said


def test_a_critical_incident_that_nobody_takes_calls_its_owner_once_and_reminds_every_hour() -> None:
    assert live(fresh(), 3.5) == [(15, Nudge.CALL), (75, Nudge.REMIND), (135, Nudge.REMIND), (195, Nudge.REMIND)]


def test_a_warning_reminds_every_four_hours_and_calls_nobody() -> None:
    assert live(fresh(Severity.WARN), 9) == [(240, Nudge.REMIND), (480, Nudge.REMIND)]


def test_reminders_end_after_a_day() -> None:
    said = live(fresh(), 72)
    assert max(minutes for minutes, _ in said) < 24 * 60


def test_who_has_it_is_not_reminded_but_a_critical_ack_lapses_after_two_hours() -> None:
    taken = replace(fresh(), acked_by="U0ROBIN", acked_at=NOW)
    assert live(taken, 2.5) == [(120, Nudge.LAPSE), (135, Nudge.CALL)]
    assert live(replace(taken, severity=Severity.WARN), 12) == []


def test_a_snooze_is_quiet_until_it_ends() -> None:
    quiet = replace(fresh(), snoozed_until=at(120), snoozed_by="U0ROBIN")
    assert live(quiet, 2.2)[0] == (120, Nudge.CALL)


def test_what_recovers_or_is_over_is_left_alone() -> None:
    for state in (State.RECOVERING, State.OK, State.PENDING):
        assert live(replace(fresh(), state=state), 30) == []


def test_three_re_opens_in_six_hours_are_flapping_and_say_no_more() -> None:
    again = [Entry(at(n * 60), Did.REOPENED) for n in (1, 2, 3)]
    assert is_flapping(fresh(Severity.CRITICAL, *again))
    assert nudge(fresh(Severity.CRITICAL, *again), at(600)) is None
    assert not is_flapping(fresh(Severity.CRITICAL, *again[:2]))
    slowly = [Entry(at(n * 200), Did.REOPENED) for n in (1, 2, 3)]
    assert not is_flapping(fresh(Severity.CRITICAL, *slowly))


@given(st.sampled_from(Severity), st.lists(st.sampled_from([*Did]), max_size=8), st.integers(0, 3000))
def test_nothing_is_said_twice_in_one_moment(severity: Severity, did: list[Did], minutes: int) -> None:
    incident = fresh(severity, *[Entry(at(n), kind) for n, kind in enumerate(did)])
    if due := nudge(incident, at(minutes)):
        said = replace(incident, timeline=(*incident.timeline, Entry(at(minutes), DID[due])))
        if due is Nudge.LAPSE:
            said = replace(said, acked_by=None, acked_at=None)
        assert nudge(said, at(minutes)) is None
