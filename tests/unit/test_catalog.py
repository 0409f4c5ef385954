"""What people write about checks → the checks that hold, or every problem with its line and a suggestion."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.config.yaml_lines import read_yaml
from checks.catalog import Changes, Pace, change_limits, read_checks
from checks.forms import Cadence, Limit
from checks.judge import judge
from checks.model import Check, Reading
from checks.problems import Written, close_to, nearest

METRICS = dict.fromkeys(("databricks", "census", "bot"), frozenset({"lost_rows", "coverage", "null_company_names"})) | {
    "queue": frozenset({"lost_rows"})
}
LOST_ROWS = """\
checks:
  - name: lost_rows
    title: Lost rows
    metric: lost_rows
    source: databricks
    warn: "> 30"
    critical: "> 50"
    clear: "<= 25"
    for: 5m
    summary: "{value} rows are lost"
"""
LIMITS = """\
name: properties
limits:
  lost_rows:
    {change}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str, name: str = "own.yml") -> Written:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def lost_rows(folder: Path) -> list[Check]:
    checks, found = read_checks([read(folder, LOST_ROWS)], METRICS, "frequent")
    assert found == []
    return checks


def changed(folder: Path, change: str) -> tuple[list[Check], list[str]]:
    """`limits` of a pipeline.yml laid over the one check."""
    written = read(folder, LIMITS.format(change=change), "pipeline.yml")
    assert isinstance(written.data, Mapping)
    changes = TypeAdapter(dict[str, Changes]).validate_python(written.data["limits"])
    return change_limits(lost_rows(folder), changes, written)


def test_a_check_is_read_as_its_owner_wrote_it(folder: Path) -> None:
    [check] = lost_rows(folder)
    assert (check.name, check.warn, check.critical) == ("lost_rows", Limit(">", 30), Limit(">", 50))
    assert check.clear == Limit("<=", 25)
    assert (check.for_, check.keep_firing_for, check.reopen_within) == tuple(timedelta(minutes=n) for n in (5, 10, 30))


def test_an_objective_can_be_changed_and_has_the_unit_of_the_thresholds(folder: Path) -> None:
    [check], found = changed(folder, '{slo: "< 10"}')
    assert (check.slo, found) == (Limit("<", 10), [])
    assert changed(folder, '{slo: "> 10"}')[1] != []


def test_checks_of_several_files_stand_together_in_their_order(folder: Path) -> None:
    other = LOST_ROWS.replace("lost_rows", "coverage")
    checks, found = read_checks([read(folder, LOST_ROWS, "a.yml"), read(folder, other, "b.yml")], METRICS, "frequent")
    assert ([check.name for check in checks], found) == (["lost_rows", "coverage"], [])


def more(name: str, depends_on: str) -> str:
    return LOST_ROWS.replace("name: lost_rows", f"name: {name}") + f"    depends_on: {depends_on}\n"


REFUSED = {
    "an unknown key": (
        "    for: 5m",
        "    fro: 5m",
        9,
        ['checks.fro: unknown key "fro"', 'did you mean "for"?'],
    ),
    "an unknown key with nothing near": (
        "    for: 5m",
        "    zzz: 5m",
        9,
        ['unknown key "zzz"', "known are active, because, cases, clear, critical, depends_on,"],
    ),
    "an unknown key above the checks": ("checks:", "sources: []\nchecks:", 1, ['"sources"', "known are checks"]),
    "a missing key": ("    metric: lost_rows\n", "", 2, ['checks: "metric" is missing']),
    "no checks at all": (LOST_ROWS, "{}", 1, ['"checks" is missing']),
    "an empty file": (LOST_ROWS, "", 1, ['"checks" is missing']),
    "checks that are no list": (LOST_ROWS, "checks: lost_rows", 1, ['checks: "lost_rows" is not a list']),
    "a file that is a list": (LOST_ROWS, "- lost_rows", 1, ["is not a block of keys and values"]),
    "a check that is a word": (
        LOST_ROWS,
        "checks:\n  - lost_rows",
        2,
        ['"lost_rows" is not a block of keys and values'],
    ),
    "a limit without a comparison": (
        '"> 50"',
        "50",
        7,
        ["checks.critical: cannot read the threshold 50", 'such as "> 50"'],
    ),
    "a limit in words": ('"> 30"', "above 30", 6, ["checks.warn: cannot read the threshold 'above 30'"]),
    "a duration without a unit": ("for: 5m", "for: 5", 9, ["checks.for: cannot read the duration 5", 'such as "5m"']),
    "a duration beyond all time": ("for: 5m", f"for: {'9' * 20}d", 9, ["checks.for: cannot read the duration"]),
    "a name that is no key": (
        "- name: lost_rows",
        "- name: Lost rows",
        2,
        ['checks.name: "Lost rows" is not a name: write a lowercase letter'],
    ),
    "an empty title": ("title: Lost rows", 'title: ""', 3, ["checks.title: ", "write at least one"]),
    "a source that we do not know": (
        "source: databricks",
        "source: snowflake",
        5,
        ['checks.source: "snowflake" is not one of databricks, census, bot'],
    ),
    "an owner who is nobody in Slack": (
        "for: 5m",
        "owner: bob",
        9,
        ['checks.owner: "bob" is not a Slack user or user group ID'],
    ),
    "a metric that nothing measures": (
        "metric: lost_rows",
        "metric: lost_row",
        4,
        ['checks.metric: nothing measures "lost_row"', 'did you mean "lost_rows"?'],
    ),
    "a metric with nothing near": (
        "metric: lost_rows",
        "metric: zzz",
        4,
        ['"zzz"', "known are coverage, lost_rows, null_company_names"],
    ),
    "no limit": (
        '    warn: "> 30"\n    critical: "> 50"\n',
        "",
        2,
        ['"lost_rows" has no threshold', "give it warn, critical or both"],
    ),
    "a clear that holds beyond a limit": (
        '"<= 25"',
        '"<= 30.5"',
        8,
        ['checks.clear: clear "<= 30.5" and the threshold "> 30" can both hold'],
    ),
    "a clear that looks the same way": ('"<= 25"', '"> 25"', 8, ["can both hold"]),
    "a warning beyond critical": (
        'warn: "> 30"',
        'warn: "> 60"',
        6,
        ['checks.warn: warn "> 60" lies beyond critical "> 50"'],
    ),
    "a warning below critical where low is bad": (
        'warn: "> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        'warn: "< 90"\n    critical: "< 95"',
        6,
        ['warn "< 90" lies beyond critical "< 95"'],
    ),
    "a summary with an unknown placeholder": (
        "{value} rows",
        "{value} of {total} rows in {area}",
        10,
        [
            'checks.summary: unknown placeholder "{total}"',
            "known are {limit}, {percent}, {s}, {sync}, {value}",
            '"{area}"',
        ],
    ),
    "a summary with an open brace": (
        "{value} rows",
        "{value rows",
        10,
        ["checks.summary: has a brace that is not closed or not opened: write {value}, and {{ or }} for a brace"],
    ),
    "a summary with a closing brace": ("{value} rows", "value} rows", 10, ["has a brace that is not closed or not"]),
    "a summary with a bare placeholder": (
        "{value} rows",
        "{} rows",
        10,
        ["checks.summary: has a placeholder without a name: known are {limit}, {percent}, {s}, {sync}, {value}"],
    ),
    "a summary with an empty one next to another": ("{value} rows", "{value} {} rows", 10, ["without a name"]),
    "a summary with a numbered placeholder": ("{value} rows", "{0} rows", 10, ['unknown placeholder "{0}"']),
    "a summary with a number format": (
        "{value} rows",
        "{value:.1f} rows",
        10,
        ['checks.summary: "{value:.1f}" has a format, and what it stands for is text: write {value}'],
    ),
    "a summary with an unknown conversion": ("{value} rows", "{value!x} rows", 10, ['"{value!x}" has a format']),
    "a summary that is wider than all memory": (
        "{value} rows",
        "{value:99999999999} rows",
        10,
        ['"{value:99999999999}" has a format'],
    ),
    "a summary as wide as its number": ("{value} rows", "{value:{limit}} rows", 10, ['"{value:{limit}}" has a format']),
    "a summary with an attribute": ("{value} rows", "{value.real} rows", 10, ['unknown placeholder "{value.real}"']),
    "a reason that nothing measures": (
        "    for: 5m",
        '    for: 5m\n    because: [{metric: lots_rows, when: "> 3", says: "{value} lost"}]',
        10,
        ['checks.because.metric: nothing measures "lots_rows": did you mean "lost_rows"?'],
    ),
    "a reason that cannot be filled in": (
        "    for: 5m",
        '    for: 5m\n    because: [{metric: lost_rows, when: "> 3", says: "{many} lost"}]',
        10,
        ['checks.because.says: unknown placeholder "{many}": known are {value}'],
    ),
    "a promise that cannot be kept": (
        "    for: 5m",
        "    for: 5m\n    promise: always",
        9,
        [
            "checks.for: alerts only after 70 min (for 5 min + tick 5 min + idle_floor 60 min)",
            "write promise: at-sync-time",
        ],
    ),
    "a promise that there is not": (
        "    for: 5m",
        "    promise: soon",
        9,
        ['checks.promise: "soon" is not one of always, at-sync-time'],
    ),
    "a metric and a statement": (
        "    metric: lost_rows",
        "    metric: lost_rows\n    sql: sql/a.sql",
        2,
        ["write one"],
    ),
    "a statement that is not there": (
        "metric: lost_rows",
        "sql: sql/checks/lost.sql",
        4,
        ['checks.sql: there is no file "sql/checks/lost.sql" in sql/checks: create it there', "sql/checks/NAME.sql"],
    ),
    "a statement under metric that is not there": (
        "metric: lost_rows",
        "metric: sql/checks/lost.sql",
        4,
        ['checks.metric: there is no file "sql/checks/lost.sql" in sql/checks'],
    ),
    "a metric that is written as a statement": ("metric: lost_rows", "sql: lost_rows", 4, ['no file "lost_rows"']),
    "a statement of Census": (
        "metric: lost_rows\n    source: databricks",
        "sql: sql/checks/lost.sql\n    per: sync\n    source: census",
        6,
        ["checks.source: a statement is run in the warehouse: write databricks"],
    ),
    "a statement per sync": (
        "metric: lost_rows",
        "sql: sql/checks/lost.sql\n    per: sync",
        5,
        ['checks.per: a statement measures one number: leave "per" out'],
    ),
    "a number per sync that no queue has": (
        "metric: lost_rows",
        "per: sync\n    metric: coverage",
        5,
        ['nothing measures "coverage": known are lost_rows'],
    ),
    "a check of Census for all syncs": (
        "metric: lost_rows\n    source: databricks",
        "metric: lost_rows\n    source: census",
        2,
        ['checks of Census are "per: sync"'],
    ),
    "a reason for a check of the bot": (
        "source: databricks",
        'because: [{metric: lost_rows, when: "> 3", says: "{value} lost"}]\n    source: bot',
        5,
        ["checks.because: reasons are measured in the warehouse: leave it out"],
    ),
    "a check of the bot per sync": (
        "metric: lost_rows\n    source: databricks",
        "metric: lost_rows\n    source: bot\n    per: sync",
        2,
        ['"per: sync" belongs to checks of Census and of the queues'],
    ),
    "a case that nothing measures": (
        "    for: 5m",
        "    cases: {at_night: {warn: '> 1'}}",
        9,
        ["at_night"],
    ),
    "a case whose thresholds cannot work": (
        "    for: 5m",
        "    cases: {permanent: {warn: '> 60'}}",
        9,
        ['cases.permanent.warn: warn "> 60" lies beyond critical "> 50"'],
    ),
    "a case without any threshold": (
        "    for: 5m",
        "    cases: {permanent: {warn: null, critical: null}}",
        9,
        ['"lost_rows" has no threshold'],
    ),
    "a case whose summary cannot be filled in": (
        "    for: 5m",
        "    cases: {permanent: {summary: '{rejected} rows'}}",
        9,
        ['unknown placeholder "{rejected}"'],
    ),
    "limits in opposite directions": (
        'critical: "> 50"\n    clear: "<= 25"',
        'critical: "< 5"',
        7,
        ['checks.critical: warn "> 30" and critical "< 5" look in opposite directions', "both with > or both with <"],
    ),
    "limits of two units": ('"> 50"', '"> 50%"', 7, ['critical: cannot compare "> 50%" with a number without a unit']),
    "a limit without the unit of the other": (
        '"> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        '"> 3 h"\n    critical: "> 50"',
        7,
        ['checks.critical: cannot compare "> 50" with hours: write "> 50 h"'],
    ),
    "a case of another unit": (
        "    for: 5m",
        "    cases: {permanent: {warn: '> 1 h'}}",
        9,
        ['checks.cases.permanent.warn: cannot compare "> 1 h" with a number without a unit: write "> 1"'],
    ),
    "a percentage that no number reaches": (
        '"> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        '"> 30%"\n    critical: "> 500%"',
        7,
        ['checks.critical: "> 500%" is no percentage: write a number from 0 to 100'],
    ),
    "an objective that says what is bad": (
        "    for: 5m",
        "    slo: '> 95'",
        9,
        ['checks.slo: "> 95" says what is good, and "> 30" what is bad: write "< …"'],
    ),
    "an objective of one number": (
        "    for: 5m",
        "    slo: '= 0'",
        9,
        ['checks.slo: "= 0" is no objective: write what every value has to be, such as "> 95%"'],
    ),
    "an objective of another unit": (
        "    for: 5m",
        "    slo: '< 5%'",
        9,
        ['checks.slo: cannot compare "< 5%" with a number without a unit: write "< 5"'],
    ),
    "a percentage below nothing": (
        '"> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        '"< -3%"',
        6,
        ['checks.warn: "< -3%" is no percentage'],
    ),
    "another unit than a shipped check of this number": (
        LOST_ROWS,
        LOST_ROWS + more("another", "[]").removeprefix("checks:\n").replace('> 30"', '> 30%"'),
        15,
        ['checks.warn: cannot compare "> 30%" with a number without a unit: write "> 30"'],
    ),
    "a name that is there already": (
        LOST_ROWS,
        LOST_ROWS + LOST_ROWS.removeprefix("checks:\n"),
        11,
        ['checks.name: there is another check named "lost_rows"'],
    ),
}


@pytest.mark.parametrize(("old", "new", "line", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_work_is_refused_with_its_line_and_what_to_write(
    folder: Path, old: str, new: str, line: int, said: list[str]
) -> None:
    assert old in LOST_ROWS
    _, found = read_checks([read(folder, LOST_ROWS.replace(old, new, 1))], METRICS, "frequent")
    assert found
    assert {problem.split(": ")[0] for problem in found} == {f"own.yml:{line}"}
    for part in said:
        assert part in "\n".join(found)


ACCEPTED = {
    "only a warning": ('    critical: "> 50"\n', ""),
    "only critical": ('    warn: "> 30"\n', ""),
    "no clear": ('    clear: "<= 25"\n', ""),
    "both limits the same": ('"> 50"', '"> 30"'),
    "a lower limit": (
        '"> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        '"< 95 %"\n    critical: "< 90 %"\n    clear: ">= 96 %"',
    ),
    "two different single values": ('"> 30"\n    critical: "> 50"\n    clear: "<= 25"', '"= 1"\n    critical: "= 2"'),
    "two single values the other way round": (
        '"> 30"\n    critical: "> 50"\n    clear: "<= 25"',
        '"= 2"\n    critical: "= 1"',
    ),
    "a clear that begins where the limit ends": ('"<= 25"', '"<= 30"'),
    "an owner who is a user group": ("for: 5m", "owner: S0123ABCD"),
    "a literal brace": ("{value} rows", "{value} {{rows}}"),
    "a summary without a number": ("{value} rows are lost", "rows are lost"),
    "a quoted value": ("{value} rows", "{value!s:>6} rows"),
}


@pytest.mark.parametrize(("old", "new"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_can_work_is_accepted_and_can_be_judged(folder: Path, old: str, new: str) -> None:
    assert old in LOST_ROWS
    checks, found = read_checks([read(folder, LOST_ROWS.replace(old, new, 1))], METRICS, "frequent")
    assert (found, len(checks)) == ([], 1)
    assert judge(checks[0], Reading(1234.0)).summary


@pytest.mark.parametrize(("cadence", "limit"), [("frequent", "> 50"), ("daily", "> 300")])
def test_a_limit_may_differ_by_cadence(folder: Path, cadence: Cadence, limit: str) -> None:
    text = LOST_ROWS.replace('critical: "> 50"', 'critical: {frequent: "> 50", daily: "> 300"}')
    [check], found = read_checks([read(folder, text)], METRICS, cadence)
    assert (str(check.critical), found) == (limit, [])


def test_a_limit_for_one_cadence_alone_is_refused(folder: Path) -> None:
    text = LOST_ROWS.replace('critical: "> 50"', 'critical: {daily: "> 300"}')
    _, [problem] = read_checks([read(folder, text)], METRICS, "daily")
    assert problem.startswith("own.yml:7: checks.critical: write one for each cadence, {frequent: …, daily: …}")


def test_what_others_depend_on_is_judged_before_them(folder: Path) -> None:
    files = [read(folder, more("a_late_one", "[lost_rows]"), "a.yml"), read(folder, LOST_ROWS, "b.yml")]
    checks, found = read_checks(files, METRICS, "frequent")
    assert ([check.name for check in checks], found) == (["lost_rows", "a_late_one"], [])


def test_a_check_that_depends_on_one_that_is_not_there_names_the_nearest(folder: Path) -> None:
    _, found = read_checks([read(folder, more("late", "[latte]"))], METRICS, "frequent")
    assert found == ['own.yml:11: checks.depends_on: there is no check "latte": did you mean "late"?']


def test_checks_that_depend_on_each_other_in_a_circle_are_refused(folder: Path) -> None:
    files = [read(folder, more("one", "[two]"), "a.yml"), read(folder, more("two", "[one]"), "b.yml")]
    checks, [problem] = read_checks(files, METRICS, "frequent")
    assert len(checks) == 2
    assert "depend on each other in a circle" in problem
    assert "one" in problem


def test_hours_that_cannot_be_read_are_refused_with_their_line(folder: Path) -> None:
    _, found = read_checks([read(folder, LOST_ROWS + '    active: "8 to 24"\n')], METRICS, "frequent")
    assert found[0].startswith("own.yml:11: checks.active: cannot read the hours '8 to 24'")


@pytest.mark.parametrize(
    ("active", "said"),
    [
        ("1-5 08:00-12:00", "checks.active: cannot read the hours '1-5 08:00-12:00': write \"08:00-24:00\""),
        ("mon-fri except 02-30", 'checks.active: "02-30" is no date: write it like "12-25"'),
    ],
)
def test_days_that_cannot_be_read_are_refused_with_their_line(folder: Path, active: str, said: str) -> None:
    _, [problem] = read_checks([read(folder, f'{LOST_ROWS}    active: "{active}"\n')], METRICS, "frequent")
    assert problem.startswith(f"own.yml:11: {said}")


OF_NONE = '"after schedule" waits for the run of a sync, and this check has none: write hours, like "08:00-24:00"'


def test_a_check_of_the_whole_pipeline_has_no_schedule_to_wait_for(folder: Path) -> None:
    written = LOST_ROWS + '    active: "mon-fri 2h after schedule"\n'
    _, found = read_checks([read(folder, written)], METRICS, "frequent")
    assert found == [f"own.yml:11: checks.active: {OF_NONE}"]
    assert read_checks([read(folder, written + "    per: sync\n")], METRICS, "frequent")[1] == []
    _, found = changed(folder, '{active: "2h after schedule"}')
    assert found == [f"pipeline.yml:4: limits.lost_rows.active: {OF_NONE}"]


@pytest.mark.parametrize(("cadence", "days"), [("frequent", {0, 1, 2, 3, 4}), ("daily", {5, 6})])
def test_days_follow_the_cadence(folder: Path, cadence: Cadence, days: set[int]) -> None:
    written = LOST_ROWS + '    active: {frequent: "mon-fri 08:00-18:00", daily: "sat-sun 2h after schedule"}\n'
    [check], _ = read_checks([read(folder, written)], METRICS, cadence)
    assert check.active.days.weekdays == days


def test_a_healthy_text_is_said_when_all_is_well_and_must_be_fillable_too(folder: Path) -> None:
    [check], _ = read_checks([read(folder, LOST_ROWS + '    healthy: "none is lost"\n')], METRICS, "frequent")
    assert [judge(check, Reading(value)).summary for value in (0.0, 99.0)] == ["none is lost", "99 rows are lost"]
    _, found = read_checks([read(folder, LOST_ROWS + '    healthy: "{x}"\n')], METRICS, "frequent")
    assert 'unknown placeholder "{x}"' in found[0]


def test_the_limit_may_be_named_in_a_summary(folder: Path) -> None:
    text = LOST_ROWS.replace("{value} rows are lost", "{value} rows, limit {limit}")
    [check], _ = read_checks([read(folder, text)], METRICS, "frequent")
    said = [judge(check, Reading(value)).summary for value in (7.0, 40.0, 99.0)]
    assert said == ["7 rows, limit 30", "40 rows, limit 30", "99 rows, limit 50"]


def test_a_doubled_name_is_found_across_files(folder: Path) -> None:
    files = [read(folder, LOST_ROWS, "a.yml"), read(folder, LOST_ROWS, "b.yml")]
    _, found = read_checks(files, METRICS, "frequent")
    assert found == ['b.yml:2: checks.name: there is another check named "lost_rows"']


def test_every_problem_of_every_file_is_told_at_once(folder: Path) -> None:
    first = LOST_ROWS.replace("for: 5m", "for: 5").replace('"> 50"', "50")
    second = LOST_ROWS.replace("metric: lost_rows", "metric: nothing").replace("{value}", "{number}")
    _, found = read_checks([read(folder, first, "a.yml"), read(folder, second, "b.yml")], METRICS, "frequent")
    assert sorted(problem.split(": ")[0] for problem in found) == ["a.yml:7", "a.yml:9", "b.yml:10", "b.yml:4"]


def test_a_check_that_cannot_be_read_hides_no_other_and_is_not_called_missing(folder: Path) -> None:
    broken = LOST_ROWS.replace('"> 50"', "50")
    text = broken + "  - a word\n" + more("late", "[lost_rows]").removeprefix("checks:\n").replace("{value}", "{x}")
    file = read(folder, text)
    checks, found = read_checks([file], METRICS, "frequent")
    assert [check.name for check in checks] == ["late"]
    assert [problem.split(": ")[:2] for problem in found] == [
        ["own.yml:7", "checks.critical"],
        ["own.yml:11", "checks"],
        ["own.yml:20", "checks.summary"],
    ]
    assert change_limits(checks, {"lost_rows": Changes()}, file) == (checks, [])


def test_the_key_nearest_to_an_unknown_one_is_named_in_each_place() -> None:
    assert nearest("critcal", ["warn", "critical"]) == 'did you mean "critical"?'
    assert nearest("zzz", ["warn", "critical"]) == "known are critical, warn"
    assert close_to("rerum", ["rerun", "resume"]) == "rerun"
    assert close_to("zzz", ["rerun"]) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('warn: "> 40"', {"warn": Limit(">", 40), "critical": Limit(">", 50), "clear": None}),
        ('critical: "> 100"', {"warn": Limit(">", 30), "critical": Limit(">", 100), "clear": None}),
        ('clear: "<= 20"', {"warn": Limit(">", 30), "clear": Limit("<=", 20)}),
        ('{warn: "> 40", clear: "<= 35"}', {"warn": Limit(">", 40), "clear": Limit("<=", 35)}),
        ("warn: null", {"warn": None, "critical": Limit(">", 50), "clear": None}),
        ("for: 0", {"for_": timedelta(0), "clear": Limit("<=", 25)}),
        ("keep_firing_for: 1h", {"keep_firing_for": timedelta(hours=1), "reopen_within": timedelta(minutes=30)}),
        ("reopen_within: 2h", {"reopen_within": timedelta(hours=2), "for_": timedelta(minutes=5)}),
        ("owner: U0123ABCD", {"owner": "U0123ABCD", "warn": Limit(">", 30)}),
    ],
)
def test_pipeline_yml_changes_what_it_names_and_nothing_else(
    folder: Path, change: str, expected: dict[str, object]
) -> None:
    [check], found = changed(folder, change)
    assert found == []
    assert {field: getattr(check, field) for field in expected} == expected


def test_a_changed_limit_drops_the_clear_that_belonged_to_the_old_one(folder: Path) -> None:
    [check], _ = changed(folder, 'warn: "> 10"')  # with the shipped clear "<= 25" this alert would end while it begins
    assert judge(check, Reading(20.0)).cleared is False


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        ('critical: "> 20"', 3, ['limits.lost_rows.warn: warn "> 30" lies beyond critical "> 20"']),
        ('clear: "<= 40"', 4, ['limits.lost_rows.clear: clear "<= 40" and the threshold "> 30" can both hold']),
        ("{warn: null, critical: null}", 3, ['limits.lost_rows: "lost_rows" has no threshold']),
        (
            'critical: "> 100%"',
            4,
            ['limits.lost_rows.critical: cannot compare "> 100%" with a number', 'write "> 100"'],
        ),
        ('cases: {few_records: {warn: "> 1 h"}}', 4, ['lost_rows.cases.few_records.warn: cannot compare "> 1 h" with']),
        ('critical: "< 100"', 4, ['limits.lost_rows.critical: warn "> 30" and critical "< 100" look in opposite']),
        ('warn: "< 100"', 4, ['limits.lost_rows.warn: warn "< 100" and critical "> 50" look in opposite']),
    ],
)
def test_a_change_that_cannot_work_is_refused_where_it_stands(
    folder: Path, change: str, line: int, said: list[str]
) -> None:
    _, found = changed(folder, change)
    assert [problem.split(": ")[0] for problem in found] == [f"pipeline.yml:{line}"]
    for part in said:
        assert part in found[0]


def test_a_limit_for_a_check_that_is_not_there_names_the_nearest(folder: Path) -> None:
    written = read(folder, "limits:\n  lost_row: {}\n  zzz: {}\n", "pipeline.yml")
    checks, found = change_limits(lost_rows(folder), {"lost_row": Changes(), "zzz": Changes()}, written)
    assert found == [
        'pipeline.yml:2: limits.lost_row: there is no check "lost_row": did you mean "lost_rows"?',
        'pipeline.yml:3: limits.zzz: there is no check "zzz": known are lost_rows',
    ]
    assert checks == lost_rows(folder)


def test_a_check_that_means_nothing_here_is_switched_off(folder: Path) -> None:
    assert changed(folder, "{enabled: false}") == ([], [])
    assert changed(folder, "{enabled: true}") == (lost_rows(folder), [])


@pytest.mark.parametrize("word", ["off", "no", "0", '"false"'])
def test_only_false_switches_a_check_off(folder: Path, word: str) -> None:
    with pytest.raises(ValidationError):
        changed(folder, f"{{enabled: {word}}}")


def test_a_check_of_the_bot_about_itself_stays_on(folder: Path) -> None:
    [check] = lost_rows(folder)
    bots = check.model_copy(update={"source": "bot"})
    written = read(folder, "limits: {lost_rows: {enabled: false}}\n", "pipeline.yml")
    _, found = change_limits([bots], {"lost_rows": Changes(enabled=False)}, written)
    assert found == ['pipeline.yml:1: limits.lost_rows.enabled: "lost_rows" is about the bot itself and stays on']


def test_no_changes_leave_every_check_as_it_is(folder: Path) -> None:
    assert changed(folder, "{}") == (lost_rows(folder), [])


def census(patience: str) -> str:
    return LOST_ROWS.replace("databricks", "census").replace("    for: 5m", f"    per: sync\n    for: {patience}")


def judged_at(folder: Path, text: str, **pace: float) -> list[str]:
    spans = {name: timedelta(minutes=span) for name, span in pace.items()}
    return read_checks([read(folder, text)], METRICS, "frequent", Pace(**spans))[1]


def test_a_warehouse_check_promises_no_more_than_its_sync_time_unless_it_says_so(folder: Path) -> None:
    [check] = lost_rows(folder)
    assert check.promise == "at-sync-time"
    assert judged_at(folder, LOST_ROWS, idle_floor=600) == []


def test_a_warehouse_check_may_promise_always_where_the_floor_allows_it(folder: Path) -> None:
    text = LOST_ROWS.replace("    for: 5m", "    for: 5m\n    promise: always")
    assert judged_at(folder, text, tick=5, idle_floor=5) == []
    [problem] = judged_at(folder, text, tick=5, idle_floor=6)
    assert "alerts only after 16 min" in problem


def test_a_check_of_census_is_told_within_fifteen_minutes_or_refused(folder: Path) -> None:
    assert judged_at(folder, census("10m")) == []
    [problem] = judged_at(folder, census("11m"))
    assert problem.startswith("own.yml:10: checks.for: alerts only after 16 min (for 11 min + tick 5 min)")
    assert judged_at(folder, census("5m"), tick=11) != []


def test_a_check_of_census_has_no_excuse_to_be_late(folder: Path) -> None:
    [problem] = judged_at(folder, census("5m\n    promise: at-sync-time"))
    assert problem.startswith("own.yml:11: checks.promise: Census is asked at every tick")


def test_a_change_that_breaks_the_promise_is_refused_where_it_stands(folder: Path) -> None:
    checks, _ = read_checks([read(folder, census("5m"))], METRICS, "frequent")
    _, [problem] = change_limits(checks, {"lost_rows": Changes.model_validate({"for": "20m"})}, read(folder, "a: 1"))
    assert "alerts only after 25 min" in problem


def test_a_statement_of_its_own_is_a_metric_by_its_path(folder: Path) -> None:
    metrics = {**METRICS, "databricks": frozenset({"sql/checks/lost.sql"})}
    text = LOST_ROWS.replace("metric: lost_rows", "sql: sql/checks/lost.sql")
    [check], found = read_checks([read(folder, text)], metrics, "frequent")
    assert (check.metric, found) == ("sql/checks/lost.sql", [])
    [near] = read_checks([read(folder, text.replace("lost.sql", "last.sql"))], metrics, "frequent", Pace(), "/app")[1]
    assert near.endswith(
        'checks.sql: there is no file "sql/checks/last.sql" in /app: did you mean "sql/checks/lost.sql"?'
    )


def test_checks_stand_in_the_same_order_in_every_process() -> None:
    asked = "from bot.runtime.composition import settings_from; print(*(one.name for one in settings_from({}).checks))"
    said = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1, "a message that lists them does not change with a restart"


def test_a_case_may_have_another_next_step_alone(folder: Path) -> None:
    text = LOST_ROWS + "    cases: {clean_backlog: {helps: Rerun it.}}\n"
    [check], found = read_checks([read(folder, text)], METRICS, "frequent")
    assert found == []
    assert check.cases["clean_backlog"].helps == "Rerun it."


def test_a_number_of_a_queue_has_the_name_of_its_sync(folder: Path) -> None:
    [check], found = read_checks([read(folder, LOST_ROWS.replace("    for: 5m", "    per: sync"))], METRICS, "frequent")
    assert found == []
    assert (check.reading_of("Sync B"), check.reading_of(None)) == ("Sync B/lost_rows", "lost_rows")


def test_where_nobody_knows_what_is_measured_nothing_is_said_to_be_unmeasured(folder: Path) -> None:
    text = LOST_ROWS + '    because: [{metric: zzz, when: "> 1", says: x}]\n'
    _, found = read_checks([read(folder, text)], METRICS | {"databricks": None}, "frequent")
    assert found == []


def test_a_file_may_change_the_checks_of_the_files_before_it(folder: Path) -> None:
    because = 'because: [{metric: coverage, when: "> 1", says: x}]'
    changes = f'limits: {{lost_rows: {{critical: "> 70", helps: look, {because}}}}}'
    first = read(folder, LOST_ROWS, "a.yml")
    [check], found = read_checks([first, read(folder, changes, "b.yml")], METRICS, "frequent")
    assert found == []
    assert (str(check.critical), check.helps, check.because[0].metric) == ("> 70", "look", "coverage")
    wrong = changes.replace("metric: coverage", "metric: zzz").replace("lost_rows:", "lost_row:")
    _, found = read_checks([first, read(folder, wrong, "b.yml")], METRICS, "frequent")
    assert found == ['b.yml:1: limits.lost_row: there is no check "lost_row": did you mean "lost_rows"?']


def test_limits_may_be_switched_off_in_a_word_and_are_no_bare_threshold(folder: Path) -> None:
    written = LIMITS.format(change="X").replace("\n    X", " {}")
    off, found = change_limits(lost_rows(folder), {"lost_rows": Changes.model_validate(False)}, read(folder, written))
    assert (off, found) == ([], [])
    with pytest.raises(ValidationError, match=r"5 is no threshold: write .enabled: false. to"):
        Changes.model_validate(5)
