"""Time to acknowledge, time to recover, counts and minutes of incidents, read from their timelines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.incident_figures import Figures, Mean, WindowFigures, figures_of, window_figures
from bot.alerts.model import TEST_ALERT, Did, Entry, Incident
from checks.model import Severity
from tests.unit import samples

NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
ROBIN, DANA = "U0ROBIN", "U0DANA"
Line = tuple[float, Did]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def went(*lines: Line, opened: float = 0, **changes: object) -> Incident:
    """An incident that opened so many minutes after noon, and what happened when."""
    told = (Entry(at(opened), Did.OPENED), *(Entry(at(minute), did) for minute, did in lines))
    ends = next((e for e in reversed(told) if e.did in (Did.RESOLVED, Did.RESOLVED_BY_HAND, Did.CLOSED)), None)
    again = any(e.did in (Did.REOPENED, Did.STILL_FIRING) for e in told[told.index(ends) :]) if ends else True
    ended = {"resolved_at": None if again or ends is None else ends.at}
    return replace(samples.incident(), opened_at=at(opened), timeline=told, **ended | changes)  # type: ignore[arg-type]


def figures(incident: Incident, until: float = 10_000) -> Figures:
    found = figures_of(incident, at(until))
    assert found
    return found


def window(*incidents: Incident, since: float = -60, until: float = 10_000) -> WindowFigures:
    numbered = [replace(one, id=n, key=f"properties/{n}") for n, one in enumerate(incidents, 1)]
    return window_figures(numbered, at(since), at(until))


ACK, RESOLVED, BY_HAND = Did.ACKNOWLEDGED, Did.RESOLVED, Did.RESOLVED_BY_HAND


def open_time(found: WindowFigures) -> timedelta:
    """How long each was open within the window, added up."""
    return sum((one.open_between(found.since, found.until) for one in found.touched), timedelta(0))


@pytest.mark.parametrize(
    ("lines", "acknowledged", "recovered"),
    [
        ([(6, ACK), (26, RESOLVED)], 6, 26),
        ([(26, RESOLVED)], None, 26),
        ([(6, ACK), (8, Did.TAKEN_OVER), (26, RESOLVED)], 6, 26),
        ([(6, ACK), (8, Did.UNACKNOWLEDGED), (20, ACK)], 6, None),
        ([(5, Did.SNOOZED), (26, RESOLVED)], None, 26),
        ([(5, Did.SNOOZED), (9, ACK), (26, RESOLVED)], 9, 26),
        ([(0, ACK), (26, RESOLVED)], None, 26),  # whoever paused the sync here knew of it
        ([(4, Did.RERUN), (9, Did.RUN_ENDED), (26, RESOLVED)], None, 26),
        ([(26, RESOLVED), (40, Did.REOPENED), (45, ACK), (70, RESOLVED)], 45, 70),  # the same incident
        ([(6, ACK), (26, RESOLVED), (40, Did.REOPENED), (45, ACK), (70, RESOLVED)], 6, 70),
        ([(26, RESOLVED), (40, Did.REOPENED)], None, None),
        ([(26, BY_HAND)], None, 26),
        ([(26, BY_HAND), (31, Did.STILL_FIRING)], None, None),
        ([(26, BY_HAND), (31, Did.STILL_FIRING), (90, RESOLVED)], None, 90),
        ([(26, Did.CLOSED)], None, None),  # nothing evaluates it any more: nobody knows that it recovered
        ([(6, ACK), (26, Did.CLOSED)], 6, None),
        ([(26, RESOLVED), (40, Did.REOPENED), (70, Did.CLOSED)], None, None),
        ([(16, Did.RECOVERING), (20, Did.RELAPSED), (30, Did.RECOVERING), (40, RESOLVED)], None, 40),
        ([(16, Did.RECOVERING)], None, None),
        ([], None, None),
    ],
)
def test_times_of_an_incident(lines: list[Line], acknowledged: float | None, recovered: float | None) -> None:
    found = figures(went(*lines))
    assert found.time_to_acknowledge == (None if acknowledged is None else minutes(acknowledged))
    assert found.time_to_recover == (None if recovered is None else minutes(recovered))


def test_an_incident_that_was_acknowledged_as_it_opened_is_in_no_mean() -> None:
    """Whoever paused a sync here: nobody had to find it."""
    found = window(went((0, ACK)), went((7, ACK)))
    assert [one.incident.id for one in found.acknowledged] == [2]
    assert found.time_to_acknowledge == Mean(minutes(7), 1)


def test_an_incident_that_something_else_explains_goes_on() -> None:
    """Nobody knows that it recovered while it is not evaluated."""
    explained = went((6, ACK), not_evaluated_since=at(20), explained_by="Census schedule")
    assert figures(explained, 300).is_open
    assert figures(explained, 300).open_between(NOON, at(300)) == minutes(300)
    assert window(explained, until=300).time_to_recover == Mean(None, 0)


def test_minutes_open_leave_out_the_time_between_a_recovery_and_a_reopening() -> None:
    found = figures(went((26, RESOLVED), (40, Did.REOPENED), (70, RESOLVED)))
    assert found.open_between(NOON, at(1_000)) == minutes(26 + 30)
    assert (found.reopened, found.lasted) == (1, minutes(70))


def test_minutes_open_go_on_where_nothing_had_recovered() -> None:
    found = figures(went((26, BY_HAND), (31, Did.STILL_FIRING), (70, RESOLVED)))
    assert found.open_between(NOON, at(1_000)) == minutes(70)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(-60, 500, 120), (0, 120, 120), (30, 500, 90), (-60, 30, 30), (30, 40, 10), (120, 500, 0), (-60, 0, 0)],
)
def test_minutes_open_within_a_window(since: float, until: float, expected: float) -> None:
    assert figures(went((120, RESOLVED))).open_between(at(since), at(until)) == minutes(expected)


def test_what_happened_later_is_left_out() -> None:
    incident = went((6, ACK), (26, RESOLVED), (40, Did.REOPENED), (70, RESOLVED))
    assert figures_of(incident, at(-1)) is None
    assert (figures(incident, 5).time_to_acknowledge, figures(incident, 5).is_open) == (None, True)
    assert figures(incident, 30).time_to_recover == minutes(26)
    assert figures(incident, 50).time_to_recover is None
    assert figures(incident, 50).lasted == minutes(50)
    assert figures(incident, 70).time_to_recover == minutes(70)


def test_the_worst_severity_is_that_of_its_worst_time() -> None:
    warn, critical = Severity.WARN, Severity.CRITICAL
    escalated = went((10, Did.ESCALATED), severity=critical)
    assert (figures(escalated, 5).severity, figures(escalated, 10).severity) == (warn, critical)
    eased = went((10, Did.EASED), severity=warn)
    assert (figures(eased, 5).severity, figures(eased, 20).severity) == (critical, critical)
    called = went((15, Did.CALLED), (60, RESOLVED), (70, Did.REOPENED), severity=warn)
    assert figures(called).severity is critical
    assert figures(went(severity=warn)).severity is warn
    assert figures(went(severity=critical)).severity is critical


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    found = figures(went((-30, ACK), (-20, RESOLVED)))
    assert (found.time_to_acknowledge, found.time_to_recover) == (None, timedelta(0))
    assert found.open_between(at(-60), at(60)) == timedelta(0)


def test_an_earlier_version_wrote_no_line_of_the_end() -> None:
    found = figures(replace(went(), resolved_at=at(26)))
    assert found.time_to_recover == minutes(26)
    assert figures(replace(went(), resolved_at=at(26)), 10).is_open


def test_a_window_counts_each_event_where_it_happened() -> None:
    """One open across the window's begin is in its MTTR, with all of its time, and not in its count of opened ones."""
    before = went((-100, ACK), (-90, RESOLVED), opened=-120)
    across = went((-70, ACK), (30, RESOLVED), opened=-90)
    within = went((4, ACK), (60, RESOLVED))
    open_ = went((500, ACK), opened=490)
    found = window(before, across, within, open_, since=-60, until=600)
    assert [one.incident.id for one in found.touched] == [2, 3, 4]
    assert [one.incident.id for one in found.opened] == [3, 4]
    assert found.time_to_acknowledge == Mean(minutes(7), 2)
    assert found.time_to_recover == Mean(minutes((120 + 60) / 2), 2)
    assert [one.incident.id for one in found.still_open] == [4]
    assert open_time(found) == minutes(90 + 60 + 110)


def test_two_windows_that_meet_count_each_event_once() -> None:
    incident = went((0.5, ACK), (10, RESOLVED))
    first, second = window(incident, since=-60, until=0), window(incident, since=0, until=60)
    assert (len(first.opened), len(second.opened)) == (1, 0)
    first, second = window(incident, since=-60, until=10), window(incident, since=10, until=60)
    assert (first.time_to_recover.of, second.time_to_recover.of) == (1, 0)


def test_counts_by_severity() -> None:
    found = window(
        went(check="backlog", sync="Sync A", severity=Severity.WARN),
        went(check="backlog", sync="Sync B"),
        went(check="coverage"),
        went(check="coverage", opened=-90),
    )
    assert found.by_severity == {Severity.WARN: 1, Severity.CRITICAL: 2}


def test_incidents_of_a_shared_thread_count_one_by_one_and_their_minutes_once() -> None:
    shared = [went((10, ACK), (60, RESOLVED), thread_id=1) for _ in range(6)]
    found = window(*shared, went((20, ACK), (90, RESOLVED), opened=30))
    assert found.time_to_acknowledge.of == 6, "the last was acknowledged before it opened: a clock was set back"
    assert open_time(found) == minutes(6 * 60 + 60)
    assert found.time_with_any == minutes(90)


def test_worst_cases_are_the_longest_with_the_time_so_far_of_what_is_open() -> None:
    found = window(went((60, RESOLVED)), went(opened=400), went((30, RESOLVED)), went((590, Did.CLOSED)), until=600)
    assert [one.incident.id for one in found.slowest(2)] == [2, 1]
    assert [one.incident.id for one in found.closed] == [4]


def test_no_incident_has_no_mean() -> None:
    found = window()
    assert found.time_to_acknowledge == found.time_to_recover == Mean(None, 0)
    assert (open_time(found), found.time_with_any, found.slowest(3)) == (timedelta(0), timedelta(0), ())


def test_tests_of_the_way_to_slack_are_no_incidents() -> None:
    assert window(went((26, RESOLVED), check=TEST_ALERT)).touched == ()


def test_a_night_on_which_clocks_change_has_the_minutes_that_it_had() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    for night, hours in ((datetime(2026, 3, 8, tzinfo=zone), 23), (datetime(2026, 11, 1, tzinfo=zone), 25)):
        begin, end = night.astimezone(UTC), (night + timedelta(days=1)).astimezone(UTC)
        opened = replace(samples.incident(), opened_at=begin, timeline=(Entry(begin, Did.OPENED),))
        assert open_time(window_figures([opened], begin - WEEK, end)) == timedelta(hours=hours)


COURSES = st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(list(Did))), max_size=12).map(sorted)


@given(st.lists(st.tuples(st.integers(-500, 500), COURSES), max_size=5), st.integers(-200, 2_500))
def test_windows_that_meet_add_up(courses: list[tuple[int, list[Line]]], between: int) -> None:
    incidents = [went(*((o + m, d) for m, d in lines), opened=o) for o, lines in courses]
    whole, first, second = (
        window(*incidents, since=a, until=b) for a, b in ((-600, 3_000), (-600, between), (between, 3_000))
    )
    assert len(whole.opened) == len(first.opened) + len(second.opened)
    assert timedelta(0) <= whole.time_with_any <= open_time(whole)
    parts = [one.open_between(at(a), at(b)) for one in whole.touched for a, b in ((-600, between), (between, 3_000))]
    assert sum(parts, timedelta(0)) == open_time(whole)
    assert len(whole.recovered) + len(whole.closed) + len(whole.still_open) == len(whole.touched)
    assert all(one.time_to_recover == one.lasted for one in whole.recovered)
