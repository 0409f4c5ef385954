"""A reading and a check's limits → an outcome."""

import math
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.messages.text import number, threshold
from checks.catalog import Changes
from checks.forms import COMPARISONS, Limit, parse_duration, parse_limit
from checks.judge import clear_limit, judge, overall
from checks.model import Check, Outcome, Reading
from checks.numbers import count_of, in_figures, in_percent, listed, ordinal, pending

finite = st.floats(-1e9, 1e9).map(lambda x: round(x, 3))
limits = st.builds(Limit, st.sampled_from(sorted(COMPARISONS)), finite)


def check(**changes: object) -> Check:
    written = {
        "name": "lost_rows",
        "title": "Lost rows",
        "metric": "lost_rows",
        "source": "databricks",
        "warn": "> 30",
        "critical": "> 50",
        "clear": "<= 25",
        "summary": "{value} rows of {sync} are lost",
        "runbook": "lost-rows",
    }
    return Check.model_validate(written | changes)


@pytest.mark.parametrize(
    ("value", "outcome", "limit", "cleared"),
    [
        (0, Outcome.OK, None, True),
        (25, Outcome.OK, None, True),
        (25.001, Outcome.OK, None, False),  # between the clear threshold and the limit an alert neither begins nor ends
        (30, Outcome.OK, None, False),
        (30.001, Outcome.WARN, "> 30", False),
        (50, Outcome.WARN, "> 30", False),
        (50.001, Outcome.CRITICAL, "> 50", False),
        (-1, Outcome.OK, None, True),
    ],
)
def test_the_worst_limit_that_a_value_crosses_is_what_the_check_says(
    value: float, outcome: Outcome, limit: str | None, cleared: bool
) -> None:
    result = judge(check(), Reading(value))
    assert (result.outcome, result.limit, result.cleared, result.value) == (outcome, limit, cleared, value)


def test_a_result_carries_what_its_messages_need() -> None:
    result = judge(check(), Reading(1234567.0), sync="Sync B")
    assert (result.check, result.sync, result.runbook) == ("lost_rows", "Sync B", "lost-rows")
    assert (result.warn, result.critical) == ("> 30", "> 50")
    assert result.summary == "1,234,567 rows of Sync B are lost"


def test_a_check_for_the_whole_pipeline_names_no_sync() -> None:
    assert judge(check(summary="{value}{sync}"), Reading(1.0)).summary == "1"


def test_only_a_warning_is_said_where_nothing_is_critical_and_the_other_way_round() -> None:
    assert judge(check(critical=None), Reading(1e6)).outcome is Outcome.WARN
    harsh = judge(check(warn=None), Reading(40.0))
    assert (harsh.outcome, harsh.warn) == (Outcome.OK, None)
    assert judge(check(warn=None), Reading(51.0)).outcome is Outcome.CRITICAL


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_no_row_null_nan_and_infinity_are_no_data_and_never_healthy(value: float | None) -> None:
    result = judge(check(), Reading(value))
    assert (result.outcome, result.value, result.limit, result.cleared) == (Outcome.NO_DATA, None, None, False)
    assert result.summary == "Lost rows: no data"


@pytest.mark.parametrize("value", [None, 3.0, 99.0, math.nan])
def test_a_failed_measurement_is_an_error_whatever_number_came_with_it(value: float | None) -> None:
    result = judge(check(), Reading(value, error="the table is missing"))
    assert (result.outcome, result.value, result.limit, result.cleared) == (Outcome.ERROR, None, None, False)
    assert result.summary == "Lost rows: status unknown"
    assert result.error == "the table is missing"


def test_an_error_without_a_text_is_an_error_still() -> None:
    assert judge(check(), Reading(3.0, error="")).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("warn", "critical", "clear"),
    [
        ("> 100", "> 200", Limit("<=", 95)),
        (">= 100", None, Limit("<=", 95)),
        (None, "> 200", Limit("<=", 190)),
        ("< 100", "< 50", Limit(">=", 105)),
        ("<= 100", None, Limit(">=", 105)),
        ("> -100", None, Limit("<=", -105)),
        ("< -100", None, Limit(">=", -95)),
        ("> 0", None, Limit("<=", 0)),
        (None, "= 0", Limit("!=", 0)),
        (None, "!= 1", Limit("=", 1)),
    ],
)
def test_without_a_clear_of_its_own_a_check_has_recovered_a_little_inside_its_mildest_limit(
    warn: str | None, critical: str | None, clear: Limit
) -> None:
    assert clear_limit(check(warn=warn, critical=critical, clear=None)) == clear


def test_a_clear_of_its_own_is_taken_as_it_is() -> None:
    assert clear_limit(check(clear="< 3")) == Limit("<", 3)


@given(limits, finite)
@settings(deadline=None)
def test_beyond_its_limit_a_value_is_never_clear(limit: Limit, value: float) -> None:
    result = judge(check(warn=None, critical=limit, clear=None), Reading(value))
    assert not (result.cleared and result.outcome is not Outcome.OK)


@pytest.mark.full
@given(st.sampled_from(sorted(COMPARISONS)), finite)
@settings(deadline=None)
def test_at_its_very_limit_a_value_is_never_clear_while_it_breaches(comparison: str, number: float) -> None:
    limit = Limit(comparison, number)
    assume(limit.holds(number))
    assert not judge(check(warn=None, critical=limit, clear=None), Reading(number)).cleared


@pytest.mark.parametrize(("warn", "critical", "value"), [("> 30", "< 5", 3.0), ("= 1", "> 5", 10.0)])
def test_a_value_that_is_critical_on_the_other_side_is_not_clear(warn: str, critical: str, value: float) -> None:
    result = judge(check(warn=warn, critical=critical, clear=None), Reading(value))
    assert (result.outcome, result.cleared) == (Outcome.CRITICAL, False)


@given(limits, finite)
@settings(deadline=None)
def test_every_number_is_judged_and_what_crosses_the_limit_is_never_ok(limit: Limit, value: float) -> None:
    result = judge(check(warn=limit, critical=None, clear=None), Reading(value))
    assert result.outcome is (Outcome.WARN if limit.holds(value) else Outcome.OK)
    assert result.value == value


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_a_limit_holds_on_its_own_side(comparison: str, below: bool, at: bool, above: bool) -> None:
    limit = parse_limit(f"{comparison} 7")
    assert [limit.holds(x) for x in (6.5, 7, 7.5)] == [below, at, above]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("> 50", Limit(">", 50)),
        (">=50", Limit(">=", 50)),
        ("  <  -1.5  ", Limit("<", -1.5)),
        ("<= 95 %", Limit("<=", 95)),
        ("= 0", Limit("=", 0)),
        ("!= 0.25", Limit("!=", 0.25)),
    ],
)
def test_a_limit_is_read_as_people_write_it(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["50", "> ", "above 50", "> 5,000", "> 50 rows", "=> 50", "> 1e3", "", 50, None, True])
def test_what_is_no_limit_is_refused_with_an_example(text: object) -> None:
    said = r'cannot read the threshold .*: write a comparison and a number, such as "> 50"'
    with pytest.raises(ValueError, match=said):
        parse_limit(text)


@pytest.mark.parametrize("text", ["> 50", "<= 0.25", "!= -3", "> 1234567", "< 99.999999", "> 1000000"])
def test_a_limit_is_shown_as_it_was_written(text: str) -> None:
    assert str(parse_limit(text)) == text


def test_a_limit_that_no_number_can_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot read the threshold"):
        parse_limit("> " + "9" * 400)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        (" 2 h ", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("0m", timedelta(0)),
        (0, timedelta(0)),
        (timedelta(minutes=7), timedelta(minutes=7)),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: object, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["5", "5 minutes", "-5m", "1.5h", "", 5, None, False, "9" * 20 + "d"])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r'cannot read the duration .*: write a number and s, m, h or d, such as "5m"'):
        parse_duration(text)


WORST_FIRST = [Outcome.CRITICAL, Outcome.ERROR, Outcome.NO_DATA, Outcome.WARN, Outcome.OK]


@pytest.mark.parametrize(("worse", "better"), list(combinations(WORST_FIRST, 2)))
def test_the_worse_of_two_is_the_outcome_of_both_in_either_order(worse: Outcome, better: Outcome) -> None:
    assert overall([worse, better]) is overall([better, worse]) is worse


def test_the_outcome_of_nothing_at_all_is_no_data() -> None:
    assert overall([]) is Outcome.NO_DATA


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1))
@settings(deadline=None)
def test_a_whole_is_healthy_only_when_every_part_is(outcomes: list[Outcome]) -> None:
    assert overall(outcomes) in outcomes
    assert (overall(outcomes) is Outcome.OK) == all(outcome is Outcome.OK for outcome in outcomes)


@pytest.mark.parametrize(
    ("value", "shown", "percent"),
    [
        (94.998, "94.998", "94.998%"),
        (94.96, "94.96", "94.96%"),
        (95.0, "95", "95.0%"),
        (94.9999999, "94.9999999", "94.9999999%"),
        (96.0, "96", "96.0%"),
        (12345.678, "12,345.68", "12,345.7%"),
        (99.965, "99.97", "99.97%"),  # of 20,000 records some are missing: not 100.0%
        (0.02, "0.02", "0.02%"),
    ],
)
def test_a_number_is_never_rounded_onto_the_threshold_beside_it(value: float, shown: str, percent: str) -> None:
    assert in_figures(value, [95, 90]) == shown
    assert in_percent(value, [95, 90]) == percent


def test_what_is_different_in_a_case_counts_there_alone_and_can_be_changed_by_itself() -> None:
    one = check(cases={"few_records": {"critical": None}, "permanent": {"critical": "> 31"}})
    assert judge(one, Reading(99.0)).outcome is Outcome.CRITICAL
    assert judge(one, Reading(99.0, case="few_records")).outcome is Outcome.WARN
    assert judge(one, Reading(40.0, case="permanent")).outcome is Outcome.CRITICAL
    assert judge(one, Reading(40.0, case="transient")).outcome is Outcome.WARN
    changed = one.changed(Changes.model_validate({"cases": {"permanent": {"critical": "> 41"}}}))
    assert judge(changed, Reading(40.0, case="permanent")).outcome is Outcome.WARN
    assert judge(changed, Reading(99.0, case="few_records")).outcome is Outcome.WARN, "the other case stays"


@pytest.mark.parametrize(
    ("text", "shown", "value"), [("> 5%", "> 5%", "13.3%"), (">2 h", "> 2 h", "13 h 20 min"), ("> 50", "> 50", "13.33")]
)
def test_a_threshold_keeps_its_unit_and_a_value_next_to_it_has_the_same(text: str, shown: str, value: str) -> None:
    limit = parse_limit(text)
    assert str(limit) == shown
    assert number(13.333, str(limit)) == value
    assert threshold(shown) == f"threshold {shown.replace('>', '&gt;')}"


def test_where_an_alert_ends_has_the_unit_of_where_it_began() -> None:
    assert str(clear_limit(check(warn="> 10%", critical=None, clear=None))) == "<= 9.5%"


def test_a_threshold_that_is_written_without_a_unit_has_that_of_the_one_it_replaces() -> None:
    shipped = check(warn="> 10%", critical="> 20%", clear="<= 8%")
    changed = shipped.changed(Changes.model_validate({"warn": "> 15"}))
    assert (str(changed.warn), changed.clear) == ("> 15%", None)
    assert shipped.changed(Changes.model_validate({"warn": None})).warn is None


def test_a_count_is_followed_by_its_singular_or_its_plural() -> None:
    assert [count_of(n, "record") for n in (0, 1, 20_274)] == ["0 records", "1 record", "20,274 records"]
    assert count_of(2, "property", "properties") == "2 properties"
    assert pending(2, "property", "properties") == "2 pending properties"


def test_a_place_in_a_row_is_written_as_people_write_it() -> None:
    places = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 112: "112th"}
    assert {number: ordinal(number) for number in places} == places


@pytest.mark.parametrize(
    ("names", "of", "said"),
    [
        ([], None, ""),
        (["a"], None, "a"),
        (["a", "b"], None, "a, b"),
        (["a", "b", "c"], None, "a, b and 1 more"),
        (["a", "b"], 1002, "a, b and 1,000 more"),
        (["a", "b"], 2, "a, b"),
    ],
)
def test_a_list_counts_what_it_does_not_name(names: list[str], of: int | None, said: str) -> None:
    assert listed(names, 2, of=of) == said


@pytest.mark.parametrize(
    ("limit", "rises", "worst"),
    [
        ("> 50", True, 90),
        (">= 50", True, 90),
        ("< 50", False, -3),
        ("<= 50", False, -3),
        ("= 10", False, 11),
        ("!= 10", True, 90),
    ],
)
def test_the_worst_value_is_the_one_that_is_furthest_on_the_side_of_the_limit(
    limit: str, rises: bool, worst: float
) -> None:
    read = parse_limit(limit)
    assert (read.rises, max((90.0, 11.0, -3.0), key=read.beyond)) == (rises, worst)
