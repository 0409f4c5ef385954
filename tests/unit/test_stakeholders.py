"""What a week was like for people who use the data: which incidents they noticed, as what, for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts.incident_figures import Figures, figures_of
from bot.alerts.model import Did, Entry, Incident, State
from bot.alerts.stakeholders import Effect, effect_of, events_of, state_of
from checks.model import Check
from tests.fakes import shipped_settings
from tests.unit.samples import incident

UNTIL = datetime(2026, 11, 30, 16, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def one(check: str, begin: float, end: float | None, **changes: object) -> Incident:
    """From so many hours into the week until so many."""
    opened = SINCE + hours(begin)
    told = [Entry(opened, Did.OPENED)]
    over: dict[str, object] = {}
    if end is not None:
        told.append(Entry(SINCE + hours(end), Did.RESOLVED))
        over = {"state": State.OK, "resolved_at": SINCE + hours(end)}
    about = {"id": int(begin * 10) + 1, "check": check, "opened_at": opened, "timeline": tuple(told), "peak": None}
    found = shipped_settings().check_called(check)
    source = {"source": found.source if found else "databricks", "sync": "Sync B" if found and found.per else None}
    return incident(**about | source | over | changes)


def known(*incidents: Incident) -> list[tuple[Figures, Check | None]]:
    figures = [figures_of(each, UNTIL) for each in incidents]
    return [(found, shipped_settings().check_called(found.incident.check)) for found in figures if found]


@pytest.mark.parametrize(
    ("check", "effect"),
    [
        ("null_company_names", Effect.WRONG),
        ("coverage", Effect.FOUND),
        ("backlog", Effect.LATE),
        ("failed_runs", Effect.LATE),
        ("schedule_enabled", Effect.LATE),
        ("census_error_rate", Effect.LATE),
        ("suspect_records", None),
        ("warehouse_not_measured", Effect.UNCHECKED),
        ("census_not_measured", Effect.UNCHECKED),
        ("a_check_that_is_gone", Effect.FOUND),
    ],
)
def test_what_each_incident_means_to_people_who_use_the_data(check: str, effect: Effect | None) -> None:
    [(figures, found)] = known(one(check, 1, 2))
    assert effect_of(figures, found) is effect


def test_incidents_that_overlap_or_follow_soon_are_one_event() -> None:
    pair = known(one("backlog", 10, 12), one("failed_runs", 11, 13.5), one("backlog", 14, 15), one("backlog", 40, 43))
    events, short, _ = events_of(pair, SINCE, UNTIL)
    assert [(event.begin - SINCE, event.lasted) for event in events] == [(hours(10), hours(4.5)), (hours(40), hours(3))]
    assert short == 0


def test_a_delay_of_less_than_two_hours_is_counted_and_wrong_values_are_always_told() -> None:
    events, short, _ = events_of(
        known(one("backlog", 10, 11.9), one("backlog", 30, 31), one("null_company_names", 50, 50.2)), SINCE, UNTIL
    )
    assert ([event.effect for event in events], short) == ([Effect.WRONG], 2)


def test_what_is_open_is_told_however_short_and_whether_somebody_has_it() -> None:
    events, _, _ = events_of(known(one("backlog", 167.5, None)), SINCE, UNTIL)
    assert [(event.is_open, event.in_hand, event.is_solved) for event in events] == [(True, False, False)]
    acked = one("backlog", 167.5, None, acked_by="U0ROBIN")
    events, _, _ = events_of(known(acked), SINCE, UNTIL)
    assert [event.in_hand for event in events] == [True]


def test_what_began_before_the_week_counts_from_its_begin() -> None:
    [event] = events_of(known(one("coverage", -30, 5)), SINCE, UNTIL)[0]
    assert (event.begin, event.lasted) == (SINCE, hours(5))


def test_the_records_are_those_of_a_check_that_counts_them() -> None:
    def most(check: str, peak: float) -> int | None:
        [event] = events_of(known(one(check, 10, 20, peak=peak)), SINCE, UNTIL)[0]
        return event.most

    assert most("null_company_names", 247.0) == 247
    assert most("backlog", 7881.0) == 7881
    assert most("coverage", 80.0) is None, "a percentage counts none"
    assert most("sync_recency", 5.0) is None


def test_a_check_that_was_taken_away_is_not_called_solved() -> None:
    gone = one("coverage", 10, 20)
    closed = known(incident(**vars(gone) | {"timeline": (gone.timeline[0], Entry(SINCE + hours(20), Did.CLOSED))}))
    [event] = events_of(closed, SINCE, UNTIL)[0]
    assert (event.is_open, event.is_solved) == (False, False)


def test_the_time_in_which_checks_could_not_run_is_added_up_once() -> None:
    blind = known(one("warehouse_not_measured", 10, 15), one("census_not_measured", 12, 16))
    assert events_of(blind, SINCE, UNTIL) == ((), 0, hours(6))


def test_the_state_of_what_a_note_is_about_changes_with_it() -> None:
    before, after = one("backlog", 10, None), one("backlog", 10, 20)
    states = {state_of([figures for figures, _ in known(each)]) for each in (before, after)}
    assert len(states) == 2
