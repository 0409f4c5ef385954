"""When an open incident escalates, when people are reminded of it, and how long an acknowledgment lasts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.attention import (
    Nudge,
    ack_lasts_until,
    acknowledged_again,
    escalation_pause,
    escalations,
    flapping_until,
    is_flapping,
    is_snoozed,
    may_broadcast,
    nudge,
    snoozed_as_warning,
)
from bot.alerts.model import Did, Entry, Incident, State
from checks.model import Severity
from tests.unit import samples

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NOW = samples.incident().opened_at  # Friday, January 9, 3:05 AM in Los Angeles
DID = {Nudge.REMIND: Did.REMINDED, Nudge.CALL: Did.CALLED, Nudge.WARN: Did.ACK_LAPSES, Nudge.LAPSE: Did.ACK_LAPSED}
ROBIN = "U0ROBIN"


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOS_ANGELES).astimezone(UTC)


def fresh(severity: Severity = Severity.CRITICAL, *entries: Entry, opened_at: datetime = NOW) -> Incident:
    opened = Entry(opened_at, Did.OPENED)
    return replace(samples.incident(), severity=severity, opened_at=opened_at, timeline=(opened, *entries))


def acked(severity: Severity = Severity.CRITICAL, when: datetime = NOW) -> Incident:
    entry = Entry(when, Did.ACKNOWLEDGED, ROBIN)
    return replace(fresh(severity, entry, opened_at=when), acked_by=ROBIN, acked_at=when)


def nudged(incident: Incident, now: datetime, due: Nudge) -> Incident:
    """The incident once this was said."""
    after = replace(incident, timeline=(*incident.timeline, Entry(now, DID[due], incident.acked_by)))
    return replace(after, acked_by=None, acked_at=None) if due is Nudge.LAPSE else after


def live(
    incident: Incident, hours: float, every: float = 5, busy: Sequence[tuple[float, float]] = (), begin: float = 0
) -> list[tuple[float, Nudge]]:
    """What is said over the hours, at a tick of five minutes; `busy`: from when to when the holder has a rerun."""
    said = []
    for n in range(int(hours * 60 / every) + 1):
        minutes = begin + n * every
        now = incident.opened_at + timedelta(minutes=minutes)
        rerunning = any(begin <= minutes < end for begin, end in busy)
        if due := nudge(incident, now, LOS_ANGELES, rerunning=rerunning):
            said.append((minutes, due))
            incident = nudged(incident, now, due)
    return said


def local_times(incident: Incident, hours: float) -> list[str]:
    begin = incident.opened_at.astimezone(UTC)
    return [f"{(begin + timedelta(minutes=m)).astimezone(LOS_ANGELES):%a %H:%M}" for m, _ in live(incident, hours)]


def test_a_critical_incident_escalates_four_times_in_the_first_hour_and_then_every_hour_until_it_is_acknowledged() -> (
    None
):
    said = live(fresh(), 72)
    often, later = [15, 30, 45, 60], [60 * n for n in range(2, 73)]
    assert said == [(minutes, Nudge.CALL) for minutes in (*often, *later)], "it never becomes digest-only"
    night = live(fresh(), 12)
    assert len(night) == 15


def test_the_pace_of_escalations_begins_again_when_an_acknowledgment_lapses() -> None:
    tired = fresh(Severity.CRITICAL, *[Entry(at(15 * n), Did.CALLED) for n in range(1, 7)])
    assert escalation_pause(tired) == timedelta(hours=1)
    lapsed = replace(tired, timeline=(*tired.timeline, Entry(at(400), Did.ACK_LAPSED)))
    assert (escalations(lapsed), escalation_pause(lapsed)) == (0, timedelta(minutes=15))


@pytest.mark.parametrize(
    ("lines", "again"),
    [
        ([(Did.ACKNOWLEDGED, "U0ADA"), (Did.ACKNOWLEDGED, "U0ADA")], True),
        ([(Did.TAKEN_OVER, "U0ADA"), (Did.REMINDED, None), (Did.ACKNOWLEDGED, "U0ADA")], True),
        ([(Did.ACKNOWLEDGED, "U0ADA")], False),
        ([(Did.ACKNOWLEDGED, "U0ROBIN"), (Did.TAKEN_OVER, "U0ADA")], False),
        ([(Did.ACKNOWLEDGED, "U0ADA"), (Did.ACK_LAPSED, "U0ADA"), (Did.ACKNOWLEDGED, "U0ADA")], False),
    ],
)
def test_an_acknowledgment_of_what_is_mine_already_is_known_as_such(
    lines: list[tuple[Did, str | None]], again: bool
) -> None:
    incident = fresh(Severity.CRITICAL, *[Entry(at(n), did, by) for n, (did, by) in enumerate(lines)])
    assert acknowledged_again(incident) is again


def test_an_acknowledgment_lasts_four_hours_or_until_the_next_business_morning() -> None:
    assert ack_lasts_until(acked(), LOS_ANGELES) == at(240)
    friday = acked(Severity.WARN, local("2026-01-09 15:00"))
    assert ack_lasts_until(friday, LOS_ANGELES) == local("2026-01-12 09:00")
    assert ack_lasts_until(fresh(), LOS_ANGELES) is None


@pytest.mark.parametrize(
    ("opened", "reminders"),
    [
        ("2026-01-09 03:05", ["Fri 08:00", "Fri 12:00", "Fri 16:00"]),  # not before work begins
        ("2026-01-08 12:30", ["Thu 16:30", "Fri 08:00", "Fri 12:00"]),  # a day later the summary has it
        ("2026-01-09 17:00", []),  # over a weekend
        ("2026-01-11 23:00", ["Mon 08:00", "Mon 12:00", "Mon 16:00"]),
    ],
)
def test_a_warning_reminds_every_four_hours_on_weekdays_from_8_to_18(opened: str, reminders: list[str]) -> None:
    assert local_times(fresh(Severity.WARN, opened_at=local(opened)), 100) == reminders


def test_whoever_acknowledged_a_critical_incident_is_warned_ten_minutes_before_it_lapses() -> None:
    assert live(acked(), 4.5) == [(230, Nudge.WARN), (240, Nudge.LAPSE), (255, Nudge.CALL), (270, Nudge.CALL)]


def test_acknowledging_again_gives_the_whole_time_again() -> None:
    warned = nudged(acked(), at(230), Nudge.WARN)
    again = replace(warned, acked_at=at(235), timeline=(*warned.timeline, Entry(at(235), Did.ACKNOWLEDGED, ROBIN)))
    assert [said for said in live(again, 5, begin=235) if said[1] is not Nudge.CALL] == [
        (465, Nudge.WARN),
        (475, Nudge.LAPSE),
    ]


def test_a_bot_that_was_down_at_the_time_still_warns_first() -> None:
    assert nudge(acked(), at(600)) is Nudge.WARN
    warned = nudged(acked(), at(600), Nudge.WARN)
    assert [nudge(warned, at(600 + n)) for n in (0, 9, 10)] == [None, None, Nudge.LAPSE]


def test_no_ack_lapses_during_a_rerun_of_its_holder() -> None:
    assert live(acked(), 5.9, busy=[(200, 350)])[0] == (350, Nudge.WARN)
    warned = nudged(acked(), at(230), Nudge.WARN)
    ended = replace(warned, timeline=(*warned.timeline, Entry(at(300), Did.RUN_ENDED, ROBIN)))
    assert nudge(warned, at(299), rerunning=True) is None
    assert nudge(ended, at(300)) is Nudge.WARN, "the warning from before the run is forgotten"


@pytest.mark.parametrize(
    ("taken", "lapses"),
    [
        ("2026-01-09 12:00", "Mon 09:00"),
        ("2026-01-10 12:00", "Mon 09:00"),
        ("2026-01-11 23:59", "Mon 09:00"),
        ("2026-01-12 08:00", "Tue 09:00"),
        ("2026-03-06 12:00", "Mon 09:00"),  # clocks go forward in between
    ],
)
def test_the_ack_of_a_warning_lasts_until_nine_on_the_next_business_day(taken: str, lapses: str) -> None:
    incident = acked(Severity.WARN, when=local(taken))
    [(minutes, due), *_] = live(incident, 100, every=1)
    assert due is Nudge.LAPSE
    assert f"{(incident.opened_at + timedelta(minutes=minutes)).astimezone(LOS_ANGELES):%a %H:%M}" == lapses


def test_what_was_given_back_escalates_a_quarter_of_an_hour_later() -> None:
    back = fresh(Severity.CRITICAL, Entry(at(10), Did.ACKNOWLEDGED, ROBIN), Entry(at(60), Did.UNACKNOWLEDGED, ROBIN))
    assert [nudge(back, at(minutes)) for minutes in (74, 75)] == [None, Nudge.CALL]


def test_a_snooze_is_quiet_until_it_ends() -> None:
    quiet = replace(fresh(), snoozed_until=at(120), snoozed_by=ROBIN)
    assert live(quiet, 2.2) == [(120, Nudge.CALL)]


def test_a_snooze_of_a_warning_is_told_from_one_of_what_was_critical() -> None:
    eased, snoozed = Entry(at(10), Did.EASED), Entry(at(20), Did.SNOOZED, ROBIN)
    assert snoozed_as_warning(fresh(Severity.WARN, eased, snoozed))
    assert not snoozed_as_warning(fresh(Severity.WARN, snoozed, replace(eased, at=at(30))))
    assert not snoozed_as_warning(fresh(Severity.WARN, eased))


def test_what_recovers_or_is_over_is_left_alone() -> None:
    for state in (State.RECOVERING, State.OK, State.PENDING):
        assert live(replace(fresh(), state=state), 30) == []


def reopen(incident: Incident, *minutes: float) -> Incident:
    """It re-opens so many minutes after its beginning."""
    for one in minutes:
        until = flapping_until(incident, at(one))
        incident = replace(incident, flapping_until=until, timeline=(*incident.timeline, Entry(at(one), Did.REOPENED)))
    return incident


@pytest.mark.parametrize(
    ("reopens", "then", "flapping"),
    [
        ((60, 120), 121, False),
        ((60, 120, 180), 181, True),
        ((60, 120, 180), 180 + 359, True),  # until six hours without one
        ((60, 120, 180), 180 + 360, False),
        ((60, 120, 180, 500), 859, True),
        ((0, 200, 400), 401, False),  # three, but not within six hours
        ((0, 359, 360), 361, False),
        ((1, 359, 360), 361, True),
    ],
)
def test_three_re_opens_in_six_hours_are_flapping_until_six_hours_pass_without_one(
    reopens: tuple[float, ...], then: float, flapping: bool
) -> None:
    assert is_flapping(reopen(fresh(), *reopens), at(then)) is flapping


def test_flapping_stops_reminders_and_never_an_escalation() -> None:
    assert nudge(reopen(fresh(), 10, 20, 30), at(45)) is Nudge.CALL
    noon = local("2026-01-09 09:00")
    warning = replace(fresh(Severity.WARN, opened_at=noon), flapping_until=noon + timedelta(hours=6))
    assert live(warning, 8) == [(360, Nudge.REMIND)]


def test_one_broadcast_in_fifteen_minutes_and_escalations_do_not_count() -> None:
    def sent(minutes: float, did: Did) -> Incident:
        return fresh(Severity.CRITICAL, Entry(at(minutes), did, broadcast=True))

    assert may_broadcast([fresh()], at(1)), "the root is none"
    assert not may_broadcast([fresh(), sent(10, Did.ESCALATED)], at(24.9))
    assert may_broadcast([fresh(), sent(10, Did.ESCALATED)], at(25))
    assert may_broadcast([sent(10, Did.CALLED)], at(11))


@given(st.sampled_from(Severity), st.lists(st.sampled_from([*Did]), max_size=8), st.integers(0, 3000))
def test_nothing_is_said_twice_in_one_moment(severity: Severity, did: list[Did], minutes: int) -> None:
    incident = fresh(severity, *[Entry(at(n), kind) for n, kind in enumerate(did)])
    if due := nudge(incident, at(minutes)):
        assert nudge(nudged(incident, at(minutes), due), at(minutes)) is None


people = st.lists(st.tuples(st.integers(0, 1500), st.sampled_from(["ack", "unack", "snooze"])), max_size=8)


@pytest.mark.full
@given(people)
def test_what_is_critical_and_neither_acknowledged_nor_snoozed_keeps_escalating(
    deeds: list[tuple[int, str]],
) -> None:
    incident, quiet_since, calls = fresh(), 0, []
    for minutes in range(0, 1600, 5):
        now = at(minutes)
        for _, deed in [one for one in deeds if minutes - 5 < one[0] <= minutes]:
            if deed == "ack":
                entry = Entry(now, Did.ACKNOWLEDGED, ROBIN)
                incident = replace(incident, acked_by=ROBIN, acked_at=now, timeline=(*incident.timeline, entry))
            elif deed == "unack" and incident.acked_by:
                entry = Entry(now, Did.UNACKNOWLEDGED, ROBIN)
                incident = replace(incident, acked_by=None, acked_at=None, timeline=(*incident.timeline, entry))
                quiet_since = minutes
            elif deed == "snooze":
                incident = replace(incident, snoozed_until=at(minutes + 60))
        if due := nudge(incident, now, LOS_ANGELES):
            incident = nudged(incident, now, due)
            if due is Nudge.CALL:
                calls.append(minutes)
        snoozed = incident.snoozed_until is not None and now < incident.snoozed_until
        if incident.acked_at or snoozed or calls[-1:] == [minutes]:
            quiet_since = minutes
        assert minutes - quiet_since <= escalation_pause(incident).total_seconds() / 60
    assert all(later - earlier >= 15 for earlier, later in pairwise(calls))


# The clock was set back: what the timeline dates ahead of now silences nobody.


def test_an_escalation_that_the_timeline_dates_ahead_is_due_once_now_and_then_at_its_pace() -> None:
    before = fresh(Severity.CRITICAL, Entry(at(15), Did.CALLED), opened_at=NOW)
    assert live(before, 0.5, begin=-60) == [(-60 + n, Nudge.CALL) for n in (0, 15, 30)]


def test_an_acknowledgment_from_ahead_lapses_after_its_holder_was_warned() -> None:
    assert live(acked(), 0.25, begin=-600) == [(-600, Nudge.WARN), (-590, Nudge.LAPSE)]
    warning = acked(Severity.WARN, when=NOW)
    assert live(warning, 0, begin=-60) == [(-60, Nudge.LAPSE)]


def test_a_reminder_from_ahead_is_due_now() -> None:
    at_work = local("2026-01-07 12:00")
    warning = fresh(Severity.WARN, Entry(at_work + timedelta(days=1), Did.REMINDED), opened_at=at_work)
    assert nudge(warning, at_work, LOS_ANGELES) is Nudge.REMIND


@pytest.mark.parametrize(("ahead", "holds"), [(24, True), (25, False)])
def test_a_snooze_further_ahead_than_a_snooze_can_be_is_void(ahead: int, *, holds: bool) -> None:
    snoozed = replace(fresh(), snoozed_until=NOW + timedelta(hours=ahead))
    assert is_snoozed(snoozed, NOW) is holds


@pytest.mark.parametrize(("ahead", "holds"), [(6, True), (7, False)])
def test_flapping_further_ahead_than_six_hours_is_void(ahead: int, *, holds: bool) -> None:
    assert is_flapping(replace(fresh(), flapping_until=NOW + timedelta(hours=ahead)), NOW) is holds


def test_what_was_sent_or_reopened_ahead_of_now_neither_mutes_the_channel_nor_counts_as_flapping() -> None:
    ahead = [replace(Entry(at(60 + n), Did.REOPENED), broadcast=True) for n in range(3)]
    assert may_broadcast([fresh(Severity.CRITICAL, *ahead)], NOW)
    assert flapping_until(fresh(Severity.CRITICAL, *ahead), NOW) is None
