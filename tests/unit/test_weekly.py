"""The facts of a week: causes over weeks, percentages, the time without an evaluation, the verdict; when it is due."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.incident_figures import window_figures
from bot.alerts.model import Did, Entry, State
from bot.alerts.timetable import Weekly, latest_weekly
from bot.alerts.weekly import Case, Incidents, Review, Verdict, causes_of, gaps, incidents_of, longest_of, metric_of
from bot.config.pipeline_file import Timetable
from checks.model import Severity
from tests.unit.samples import ended, incident

UNTIL = datetime(2026, 11, 30, 16, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)
DAY = timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = Weekly(0, time(8))
THEN = "{2026-11-21T10:00:00+00:00}"


def caused(days_ago: float, *causes: str):  # type: ignore[no-untyped-def]
    return incident(opened_at=UNTIL - days_ago * DAY, causes=causes)


def test_causes_that_differ_only_in_numbers_are_one_named_by_the_latest() -> None:
    known = [
        caused(20, "The view returns no name for 9 records"),
        caused(8, "The view returns no name for 12 records", "Authentication error"),
        caused(1, "The view returns no name for 240 records"),
    ]
    found = causes_of(known, [], UNTIL)
    assert [(one.cause, one.weeks) for one in found] == [
        ("The view returns no name for 240 records", (1, 1, 1, 0)),
        ("Authentication error", (0, 1, 0, 0)),
    ]


@pytest.mark.parametrize(
    ("causes", "name"),
    [
        (
            ["First seen paused {2026-11-21T10:00:00+00:00}", "Paused by {@U0ROBIN} {2026-11-22T10:00:00+00:00}: why"],
            "Sync B paused",
        ),
        (["A run has been in progress since {2026-11-21T10:00:00+00:00}"] * 2, "Sync B's run in progress"),
        (
            [
                "No run of Sync B has completed since they became pending",
                f"No run of Sync B has completed since they became pending; the next run starts {THEN}",
            ],
            "No run of Sync B has completed since they became pending",
        ),
    ],
)
def test_times_people_and_what_follows_in_a_cause_do_not_tell_two_apart(causes: list[str], name: str) -> None:
    known = [replace(caused(n, cause), sync="Sync B") for n, cause in enumerate(causes, 1)]
    assert [(one.cause, one.weeks) for one in causes_of(known, [], UNTIL)] == [(name, (2, 0, 0, 0))]


@pytest.mark.parametrize(
    "names",
    [("Feed 17 failed: BAD_LOGIN", "Feed 03 failed: BAD_LOGIN"), ("Census answered 401", "Census answered 503")],
)
def test_a_number_that_is_part_of_a_name_tells_two_causes_apart(names: tuple[str, str]) -> None:
    found = causes_of([caused(n, name) for n, name in enumerate(names, 1)], [], UNTIL)
    assert {(one.cause, one.weeks) for one in found} == {(name, (1, 0, 0, 0)) for name in names}


def test_rejected_records_of_reruns_count_by_their_code() -> None:
    codes = ("DUPLICATE_VALUE: 3 records; a rerun does not help. Merge them.",)
    actions = [ended(ended_at=UNTIL - n * DAY, rejections=codes) for n in (1, 2, 9)]
    assert [(one.cause, one.weeks) for one in causes_of([], actions, UNTIL)] == [("DUPLICATE_VALUE", (2, 1, 0, 0))]


def test_what_is_older_than_four_weeks_is_left_out() -> None:
    assert causes_of([caused(28.1, "Authentication error"), caused(1)], [ended(ended_at=None)], UNTIL) == ()


@pytest.mark.parametrize(
    ("hours", "without"),
    [
        ([1.0], timedelta(hours=5)),
        ([0.5, 1.4, 2.3, 3.2, 4.1, 5.0], timedelta(0)),
        ([3.0], timedelta(hours=6)),
        ([], timedelta(hours=6)),
        ([1, 2, 2.5, 3, 3.5, 4, 5.1], timedelta(hours=1.1)),
    ],
)
def test_time_without_an_evaluation_is_told_apart_from_a_slow_one(hours: list[float], without: timedelta) -> None:
    evaluated = [SINCE + timedelta(hours=hour) for hour in hours]
    assert gaps(evaluated, SINCE, SINCE + timedelta(hours=6), timedelta(minutes=5)) == without


def test_a_pipeline_that_is_looked_at_once_an_hour_has_no_gaps() -> None:
    evaluated = [SINCE + timedelta(hours=hour) for hour in range(7)]
    assert gaps(evaluated, SINCE, SINCE + timedelta(hours=6), timedelta(hours=1)) == timedelta(0)


def test_a_percentage_goes_from_its_first_value_to_its_latest_by_its_worst() -> None:
    values = [(SINCE + n * DAY, value) for n, value in enumerate((96.0, 94.5, 97.0))]
    low, high = metric_of("Coverage", "< 95%", values), metric_of("Null names", "> 1%", values)
    assert low and (low.first, low.latest, low.worst) == (96.0, 97.0, 94.5)
    assert high and high.worst == 97.0
    assert metric_of("Coverage", "< 95%", values[:1]) is None


OPEN = Case(7, "Backlog", None, Severity.WARN, SINCE, DAY)


@pytest.mark.parametrize(
    ("review", "verdict"),
    [
        (Review(SINCE, UNTIL), Verdict.CALM),
        (Review(SINCE, UNTIL, week=Incidents(1, 2, None, None)), Verdict.RESOLVED),
        (Review(SINCE, UNTIL, still_open=(OPEN,)), Verdict.OPEN),
        (Review(SINCE, UNTIL, still_open=(OPEN, replace(OPEN, severity=Severity.CRITICAL))), Verdict.CRITICAL),
        (Review(SINCE, UNTIL, evaluated=False), Verdict.UNKNOWN),
        (Review(SINCE, UNTIL, checked=False), Verdict.UNKNOWN),
        (Review(SINCE, UNTIL, checked=False, week=Incidents(1, 2, None, None)), Verdict.UNKNOWN),
        (Review(SINCE, UNTIL, checked=False, still_open=(OPEN,)), Verdict.OPEN),
    ],
)
def test_the_verdict_of_a_week(review: Review, verdict: Verdict) -> None:
    assert review.verdict is verdict


def test_the_figures_of_a_week_are_those_of_its_incidents() -> None:
    told = (Entry(SINCE + DAY, Did.OPENED), Entry(SINCE + DAY + timedelta(minutes=6), Did.ACKNOWLEDGED, "U0ROBIN"))
    end = SINCE + DAY + timedelta(minutes=26)
    over = incident(opened_at=SINCE + DAY, state=State.OK, resolved_at=end, timeline=(*told, Entry(end, Did.RESOLVED)))
    still = incident(id=8, opened_at=SINCE + 2 * DAY, severity=Severity.WARN)
    window = window_figures([over, still], SINCE, UNTIL)
    assert incidents_of(window) == Incidents(1, 1, timedelta(minutes=6), timedelta(minutes=26))
    longest = longest_of(window)
    assert longest and (longest.id, longest.lasted) == (7, timedelta(minutes=26)), "the other one is open"


@pytest.mark.parametrize(
    ("now", "day", "due"),
    [
        ("2026-11-30 13:00", "2026-11-30", "2026-11-30 13:00"),  # 08:00 EST
        ("2026-11-30 12:59", "2026-11-23", "2026-11-23 13:00"),
        ("2026-12-06 23:00", "2026-11-30", "2026-11-30 13:00"),
        ("2026-03-09 12:00", "2026-03-09", "2026-03-09 12:00"),  # clocks went forward on the day before: EDT
        ("2026-03-09 11:59", "2026-03-02", "2026-03-02 13:00"),
        ("2026-11-02 13:00", "2026-11-02", "2026-11-02 13:00"),  # …and back
        ("2026-11-02 12:59", "2026-10-26", "2026-10-26 12:00"),
    ],
)
def test_it_is_due_once_a_local_week_whatever_the_clocks_do(now: str, day: str, due: str) -> None:
    found = latest_weekly(MONDAY, datetime.fromisoformat(now).replace(tzinfo=UTC), NEW_YORK)
    assert found == (date.fromisoformat(day), datetime.fromisoformat(due).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Mon 08:00", Weekly(0, time(8))),
        ("friday 15:30", Weekly(4, time(15, 30))),
        ("SUN 01:00", Weekly(6, time(1))),
        (False, None),
    ],
)
def test_when_it_is_posted_is_a_weekday_and_a_time_or_never(written: object, read: Weekly | None) -> None:
    assert Timetable.model_validate({"report": written}).report == read


@pytest.mark.parametrize("written", ["monkey 08:00", "Mon", "Mon 24:00", "Mon 0:30", "", True, None, 8, ["Mon 08:00"]])
def test_nothing_else_is_read_as_that(written: object) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        Timetable.model_validate({"report": written})


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("DUPLICATE_VALUE: 8 of 11 rejected records in run 98000251", "DUPLICATE_VALUE"),
        (
            "Salesforce rejected 10 of 73 records in Sync B's last run",
            "Salesforce rejected records in Sync B's last run",
        ),
    ],
)
def test_how_many_of_how_many_is_no_part_of_a_name(cause: str, name: str) -> None:
    assert [one.cause for one in causes_of([caused(1, cause)], [], UNTIL)] == [name]


@pytest.mark.parametrize(
    "progress", ["36 of 72 records updated so far", "Runs complete: 63 records updated in the last one"]
)
def test_how_far_a_run_was_is_no_cause(progress: str) -> None:
    assert causes_of([caused(1, progress)], [], UNTIL) == ()
