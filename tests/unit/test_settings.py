"""pipeline.yml that cannot work: every problem at once, with its line and what to write instead."""

from collections.abc import Callable
from datetime import time
from pathlib import Path

import pytest

from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError
from tests.unit import pipelines
from tests.unit.pipelines import OWN, PIPELINE, Load

load = pipelines.load  # the fixtures
problems = pipelines.problems


WRONG = {
    "an unknown key": ("channel: sync-health", "chanel: sync-health", 3, ['unknown key "chanel"', '"channel"?']),
    "a time of day that is none": (
        "tables: {}",
        "schedule: {digest: 3}",
        16,
        ["schedule.digest: cannot read the time of day 3", '"03:00"'],
    ),
    "a time of day that not every day has": (
        "tables: {}",
        'schedule: {summary: "00:30"}',
        16,
        ["schedule.summary: some days begin at 01:00"],
    ),
    "a weekly review without a weekday": (
        "tables: {}",
        'schedule: {report: "08:00"}',
        16,
        ["schedule.report: cannot read '08:00'", '"Mon 08:00"', "false"],
    ),
    "a weekly review at a time that not every day has": (
        "tables: {}",
        'schedule: {report: "Mon 00:30"}',
        16,
        ["schedule.report: some days begin at 01:00"],
    ),
    "a weekly review at a time that is none": (
        "tables: {}",
        'schedule: {report: "Monday 8:00"}',
        16,
        ["schedule.report: cannot read 'Monday 8:00'", '"Mon 08:00"'],
    ),
    "a reader that is a person": (
        "tables: {}",
        "report:\n  channels:\n    - {channel: U012ABCDEF, audience: sales}",
        18,
        ['report.channels.channel: "U012ABCDEF" is a person or user group'],
    ),
    "readers without a name": (
        "tables: {}",
        "report:\n  channels:\n    - {channel: sales}",
        18,
        ["report.channels", '"audience" is missing'],
    ),
    "readers that are named twice": (
        "tables: {}",
        'report:\n  channels:\n    - {channel: sales, audience: a}\n    - {channel: "#sales", audience: b}',
        19,
        ["report.channels.channel: sales is named twice"],
    ),
    "a tick of no time": ("tables: {}", "schedule: {tick: 0}", 16, ["schedule.tick: write something between"]),
    "an unknown key of the schedule": ("tables: {}", "schedule: {tock: 5m}", 16, ['did you mean "tick"?']),
    "a link that is no https": (
        "tables: {}",
        'links: {dashboard: "http://a.example"}',
        16,
        ["links.dashboard: ", "https://"],
    ),
    "a link with an unknown place": (
        "tables: {}",
        'links: {census_sync: "https://a.example/{id}"}',
        16,
        ["links.census_sync: ", "{sync}"],
    ),
    "a promise that cannot be kept": (
        "limits: {}",
        "limits:\n  schedule_enabled: {for: 20m}",
        18,
        ["limits.schedule_enabled.for: alerts only after 25 min"],
    ),
    "a missing key": ("channel: sync-health\n", "", 1, ['"channel" is missing']),
    "an unknown key of the operators": ("users:", "usres:", 5, ["operators.usres: ", 'did you mean "users"?']),
    "an unknown key of a sync": ("    id: 2", "    idd: 2", 13, ["syncs.idd: ", 'did you mean "id"?']),
    "an unknown key of a limit": (
        "limits: {}",
        'limits:\n  null_company_names:\n    critcal: "> 60"',
        19,
        ["limits.null_company_names.critcal: ", 'did you mean "critical"?'],
    ),
    "an unknown key of a limit whose check is named like a key": (
        "limits: {}",
        'limits:\n  owner:\n    critcal: "> 60"',
        19,
        ["limits.owner.critcal: ", 'did you mean "critical"?'],
    ),
    "an unknown key of an own check": (
        "checks: [sync, properties]\n",
        OWN.replace("critical", "critcal"),
        25,
        ["checks.critcal: ", 'did you mean "critical"?'],
    ),
    "an unknown zone": ("America/Los_Angeles", "America/Los_Angles", 2, ['zone: there is no time zone "America/Los_A']),
    "a zone that is a path": ("America/Los_Angeles", "../etc/passwd", 2, ['there is no time zone "../etc/passwd"']),
    "a name that is no key": ("name: properties", "name: My Pipeline", 1, ['name: "My Pipeline" is not a name']),
    "a name that is a number": ("name: properties", "name: 5", 1, ["name: 5 is not text"]),
    "an operator by name": ("U0OPERATOR", "bob", 5, ['operators.users: "bob" is not a Slack user ID', "U012ABCDEF"]),
    "a user among the groups": (
        "groups: []",
        "groups: [U0OPERATOR]",
        6,
        ['operators.groups: "U0OPERATOR" is not a Slack user group ID', "S012ABCDEF"],
    ),
    "no syncs": (PIPELINE[PIPELINE.index("syncs:") : PIPELINE.index("tables:")], "syncs: []\n", 7, ["syncs: "]),
    "a sync without a name": ("name: Sync A", 'name: " "', 8, ["syncs.name: "]),
    "an id in words": ("id: 2", "id: two", 13, ['syncs.id: "two" is not a whole number']),
    "an id with a leading zero": ("id: 2", "id: 0501", 13, ['syncs.id: "0501" is not a whole number']),
    "an id that old YAML counts in sixties": ("id: 2", "id: 5:01", 13, ['syncs.id: "5:01" is not a whole number']),
    "an id that is true": ("id: 2", "id: true", 13, ["syncs.id: true is not a whole number"]),
    "an id in quotes": ("id: 2", 'id: "2"', 13, ['syncs.id: "2" is not a whole number']),
    "an id of nothing": ("id: 2", "id: 0", 13, ["syncs.id: 0 is not a number above 0"]),
    "a role that is no name": ("role: update", "role: Up sert", 14, ['"Up sert" is not a role']),
    "a cadence that is none": ("channel:", "cadence: weekly\nchannel:", 3, ["cadence: ", "one of frequent, daily"]),
    "a cadence that is a list": ("channel:", "cadence: [daily]\nchannel:", 3, ["cadence: ", "one of frequent, daily"]),
    "a key that is a number": ("channel:", "7: x\nchannel:", 3, ["the key 7 is not text: write a name"]),
    "an alias to itself": ("tables: {}", "tables: &t {a.b.c: *t}", 16, ["aliases (*t) are not supported"]),
    "a tag": ("tables: {}", "tables: !!map {}", 16, ["tags (", "are not supported"]),
    "a hole without a bottom": ("tables: {}", "tables: " + "[" * 10_000, 16, ["nested more than 30 levels deep"]),
    "a short table name": (
        "queue: crm.sfdc_dbx.properties_to_update",
        "queue: properties_to_update",
        15,
        ['syncs.queue: "properties_to_update" is not a full name', "write catalog.schema.table"],
    ),
    "a table name with a hole": (
        "queue: crm.sfdc_dbx.properties_to_update",
        "queue: crm..properties_to_update",
        15,
        ["is not a full name"],
    ),
    "a table that no statement reads": (
        "tables: {}",
        "tables:\n  rds.pg_rds_public.property: lake.app.properties",
        17,
        ["no statement reads rds.pg_rds_public.property", 'did you mean "rds.pg_rds_public.properties"?'],
    ),
    "two syncs of one id": ("id: 2", "id: 1", 13, ["syncs.id: another sync has the id 1"]),
    "two syncs of one name": ("name: Sync B", "name: Sync A", 12, ["another sync has the name Sync A"]),
    "two syncs of one role": (
        "role: create",
        "role: update",
        14,
        ["another sync has the role update"],
    ),
    "a limit of no check": (
        "limits: {}",
        'limits:\n  null_company_name: {warn: "> 1"}',
        18,
        ['there is no check "null_company_name"', 'did you mean "null_company_names"?'],
    ),
    "a limit that cannot work": (
        "limits: {}",
        'limits:\n  null_company_names:\n    critical: "> 20"',
        18,
        ['warn "> 30" lies beyond critical "> 20"'],
    ),
    "a destination with markup": ("tables: {}", "destination: '*Hub*'", 16, ["cannot stand in a sentence"]),
    "a destination with a place": ("tables: {}", "destination: 'Hub {value}'", 16, ["cannot stand in a sentence"]),
    "a noun with a brace": (
        "tables: {}",
        "noun: {one: 'row}', many: rows}",
        16,
        ["noun.one: ", "cannot stand in a sentence"],
    ),
    "an owner of the pipeline who is nobody": ("tables: {}", "owner: bob", 16, ["owner: ", "IDs look like U012ABCDEF"]),
    "a limit that cannot be read": (
        "limits: {}",
        "limits:\n  null_company_names:\n    critical: lots",
        19,
        ["limits.null_company_names.critical: cannot read the threshold 'lots'", 'such as "> 50"'],
    ),
    "an owner who is nobody in Slack": (
        "limits: {}",
        "limits:\n  null_company_names:\n    owner: bob",
        19,
        ['limits.null_company_names.owner: "bob" is not a Slack user or user group ID'],
    ),
    "an own check that nothing measures": (
        "checks: [sync, properties]\n",
        OWN.replace("metric: lost_rows", "metric: lost_row"),
        23,
        ['nothing measures "lost_row"', 'did you mean "lost_rows"?'],
    ),
    "an own check with the name of a shipped one": (
        "checks: [sync, properties]\n",
        OWN.replace("name: lost_rows", "name: null_company_names"),
        21,
        ['there is another check named "null_company_names"'],
    ),
    "a doubled key": ("zone:", "name: again\nzone:", 2, ['the key "name" is there already, on line 1']),
    "a doubled key deep inside": (
        "    id: 2",
        "    id: 2\n    id: 3",
        14,
        ['the key "id" is there already, on line 13'],
    ),
    "a character that turns the line around": (
        "  - name: Sync A",
        '  - name: "Sync \\u202EA"',
        8,
        ["a character that cannot be seen (U+202E): write the value anew"],
    ),
    "not YAML": ("operators:", "operators: [", 4, ["not YAML: a [ or { is opened here and not closed"]),
    "a tab": ("  users:", "\tusers:", 5, ["not YAML: "]),
    "a template for a key": ("name: properties", "name: {{pipeline}}", 1, ["not YAML: "]),
    "a word": (PIPELINE, "properties", 1, ["is not a block of keys and values"]),
}


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_work_is_told_with_its_line_and_what_to_write(
    problems: Callable[..., list[str]], old: str, new: str, line: int, said: list[str]
) -> None:
    assert old in PIPELINE
    told = problems(PIPELINE.replace(old, new, 1))
    matching = [problem for problem in told if all(part in problem for part in said)]
    assert [problem.split(": ")[0] for problem in matching] == [f"pipeline.yml:{line}"], told


def test_a_check_whose_rerun_names_no_sync_of_the_pipeline_offers_none(load: Load) -> None:
    begin, end = PIPELINE.index("  - name: Sync B"), PIPELINE.index("tables:")
    settings = load(PIPELINE[:begin] + PIPELINE[end:])
    check = settings.check_called("null_company_names")
    assert check and check.rerun == "role:update"
    assert settings.helping_sync(check, None) is None


def test_an_empty_file_misses_everything_that_it_needs(problems: Callable[..., list[str]]) -> None:
    assert problems("") == [f'pipeline.yml:1: "{key}" is missing' for key in ("name", "zone", "channel", "syncs")]


def test_every_problem_of_the_file_is_told_at_once(problems: Callable[..., list[str]]) -> None:
    text = PIPELINE.replace("Los_Angeles", "Los_Angles").replace("U0OPERATOR", "bob").replace("id: 2", "id: two")
    told = problems(text)
    assert [problem.split(": ")[0] for problem in told] == ["pipeline.yml:2", "pipeline.yml:5", "pipeline.yml:13"]


def test_every_stage_of_the_validation_is_told_at_once(problems: Callable[..., list[str]]) -> None:
    text = PIPELINE.replace("Los_Angeles", "Los_Angles").replace("tables: {}", "tables: {a.b.c: d.e.f}")
    text = text.replace("limits: {}", "limits: {nonsense: {}}")
    told = problems(text, SLACK_BOT_TOKEN="", DATABRICKS_HOST="http://a.example")
    assert [problem.split(": ")[0] for problem in told] == [
        *["environment"] * 2,
        *[f"pipeline.yml:{line}" for line in (2, 17, 16)],
    ]


def test_every_problem_that_shows_between_the_parts_is_told_at_once(problems: Callable[..., list[str]]) -> None:
    text = PIPELINE.replace("id: 2", "id: 1").replace("tables: {}", "tables: {a.b.c: d.e.f}")
    text = text.replace("limits: {}", "limits: {nonsense: {}}").replace(
        "checks: [sync, properties]\n", OWN.replace("> 0", "none")
    )
    told = problems(text.replace("none", "> 0").replace("metric: lost_rows", "metric: zzz"))
    assert sorted(problem.split(": ")[0] for problem in told) == [f"pipeline.yml:{n}" for n in (13, 16, 17, 23)]


@pytest.mark.parametrize("broken", ["zone: America/Los_Angles", "zone: ["])
def test_problems_of_the_environment_and_of_the_file_are_told_together(
    problems: Callable[..., list[str]], broken: str
) -> None:
    text = PIPELINE.replace("zone: America/Los_Angeles", broken)
    told = problems(text, SLACK_BOT_TOKEN="", CENSUS_API_VERSION="v3", SYNC_HEALTH_WAREHOUSE="excel:x")
    for part in ("SLACK_BOT_TOKEN", "CENSUS_API_VERSION", "SYNC_HEALTH_WAREHOUSE", "pipeline.yml:"):
        assert part in "\n".join(told)


def test_a_zone_with_nothing_near_is_told_in_a_line_that_one_can_read(problems: Callable[..., list[str]]) -> None:
    [problem] = problems(PIPELINE.replace("America/Los_Angeles", "qqqqqq"))
    assert len(problem) < 400


def test_a_file_that_is_not_there_is_named(load: Load, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no .*elsewhere\.yml: write the path"):
        load(SYNC_HEALTH_CONFIG=str(tmp_path / "elsewhere.yml"))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigurationError, match=r"pipeline\.yml: cannot be read"):
        read_yaml(path)


def test_a_control_character_is_refused_as_not_yaml(problems: Callable[..., list[str]]) -> None:
    [problem] = problems(PIPELINE.replace("sync-health", "sync\x01health"))
    assert problem.startswith("pipeline.yml")
    assert "not YAML" in problem


def test_what_only_old_yaml_takes_for_something_else_is_text(load: Load) -> None:
    assert load(PIPELINE + "schedule: {snapshot: 23:58}\n").schedule.snapshot == time(23, 58)
    for word in ("2026-13-45", "0501", "5:01", "off", "no"):
        assert load(PIPELINE.replace("channel: sync-health", f"channel: {word}")).channel == word
