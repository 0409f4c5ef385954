"""Environment + pipeline.yml → Settings, or every problem at once."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot import sql
from bot.config.settings import Settings, load_settings
from bot.config.shipped import FOLDER as HOME
from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError
from bot.runtime.composition import known_metrics

METRICS = {source: names | {"lost_rows"} for source, names in known_metrics().items()}
TABLES = ("rds.pg_rds_public.properties", "crm.sfdc_dbx.properties_to_create")
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-bot-secret",
    "SLACK_APP_TOKEN": "xapp-app-secret",
    "CENSUS_API_TOKEN": "census-secret",
}
ENVIRONMENT = SECRETS | {"SYNC_HEALTH_WAREHOUSE": "duckdb:/data"}
WAREHOUSE = 'environment: SYNC_HEALTH_WAREHOUSE is "{}": write databricks or duckdb:FOLDER'
PIPELINE = """\
name: properties
zone: America/Los_Angeles
channel: sync-health
operators:
  users: [U0OPERATOR]
  groups: []
syncs:
  - name: Sync A
    id: 1
    direction: create
    queue: crm.sfdc_dbx.properties_to_create
  - name: Sync B
    id: 2
    direction: update
    queue: crm.sfdc_dbx.properties_to_update
tables: {}
limits: {}
checks: []
"""
OWN = """\
checks:
  - name: lost_rows
    title: Lost rows
    metric: lost_rows
    source: databricks
    critical: "> 0"
    summary: "{value} rows are lost"
"""

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings from this text as pipeline.yml and this environment."""

    def one(text: str = PIPELINE, **environment: str) -> Settings:
        path = tmp_path / "pipeline.yml"
        path.write_text(text, encoding="utf-8")
        given = ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(path)} | environment
        return load_settings(given, metrics=METRICS, table_names=TABLES)

    return one


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    """What is said about settings that cannot work."""

    def those(text: str = PIPELINE, **environment: str) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            load(text, **environment)
        assert str(refused.value) == "\n".join(refused.value.problems)
        return refused.value.problems

    return those


def test_the_shipped_pipeline_yml_and_checks_load_with_no_problem() -> None:
    settings = load_settings(ENVIRONMENT, metrics=known_metrics(), table_names=sql.table_names())
    assert settings.pipeline == "properties"
    assert {check.name for check in settings.checks} == {path.stem for path in (HOME / "checks").glob("*.yml")}
    assert {sync.name: (sync.id, sync.label) for sync in settings.syncs} == {
        "Sync A": (3394022, "Sync A (CREATE)"),
        "Sync B": (3394041, "Sync B (UPDATE)"),
    }


@pytest.mark.parametrize("path", sorted((HOME / "checks").glob("*.yml")), ids=lambda path: path.stem)
def test_a_shipped_check_has_the_name_of_its_file_and_says_in_its_first_lines_what_it_means(path: Path) -> None:
    read = read_yaml(path).data
    assert isinstance(read, dict)
    assert [check["name"] for check in read["checks"]] == [path.stem]
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_what_is_written_is_what_holds(load: Load) -> None:
    text = PIPELINE.replace("tables: {}", "tables: {rds.pg_rds_public.properties: lake.app.properties}")
    settings = load(text, SYNC_HEALTH_STATE="sqlite:////var/bot.db", CENSUS_GROUP_ID="12")
    assert (settings.zone.key, settings.channel) == ("America/Los_Angeles", "sync-health")
    assert (settings.operators.users, settings.operators.groups) == (("U0OPERATOR",), ())
    assert settings.warehouse_folder == Path("/data")
    assert settings.tables == {"rds.pg_rds_public.properties": "lake.app.properties"}
    assert (settings.state_url, settings.census_group_id) == ("sqlite:////var/bot.db", "12")
    assert (settings.slack_bot_token, settings.census_api_token) == ("xoxb-bot-secret", "census-secret")


def test_what_is_not_written_has_a_default(load: Load) -> None:
    settings = load()
    assert (settings.slack_api_url, settings.census_api_url) == (
        "https://slack.com/api/",
        "https://app.getcensus.com/api",
    )
    assert (settings.census_api_version, settings.census_group_id) == ("v2", None)
    assert settings.state_url.startswith("sqlite:///")


def test_the_timetable_and_the_links_are_configuration(load: Load) -> None:
    text = PIPELINE + (
        'schedule: {tick: 2m, idle_floor: 30m, digest: "07:30", snapshot: "22:00"}\n'
        'links: {census_sync: "https://census.example/{sync}", dashboard: "https://warehouse.example"}\n'
    )
    settings = load(text)
    assert settings.schedule.tick == timedelta(minutes=2)
    assert (settings.schedule.digest, settings.schedule.snapshot) == (time(7, 30), time(22))
    assert settings.links.census_sync == "https://census.example/{sync}"
    assert settings.links.runbook is None


@pytest.mark.parametrize(("cadence", "floor"), [("frequent", timedelta(hours=1)), ("daily", timedelta(hours=24))])
@pytest.mark.parametrize("schedule", ["", "schedule: {tick: 2m}\n", "shipped"])
def test_a_pipeline_that_runs_daily_wakes_the_warehouse_no_more_than_daily(
    load: Load, cadence: str, floor: timedelta, schedule: str
) -> None:
    shipped = (HOME / "pipeline.yml").read_text(encoding="utf-8")
    text = shipped if schedule == "shipped" else PIPELINE + schedule
    with_cadence = re.sub(r"(?m)^cadence: .*\n", "", text) + f"\ncadence: {cadence}\n"
    assert load(with_cadence).schedule.idle_floor == floor


def test_a_promise_that_the_floor_of_the_cadence_breaks_is_refused(load: Load) -> None:
    own = '  - {name: lost, title: Lost, metric: null_company_names, source: databricks, warn: "> 1", for: 5m, '
    own += 'promise: always, summary: "{value}", helps: Look.}\n'
    text = re.sub(r"(?m)^checks:.*\n", "checks:\n" + own, (HOME / "pipeline.yml").read_text(encoding="utf-8"))
    with pytest.raises(ConfigurationError, match=r"told only after 1 d \(.* \+ idle_floor 1 d\)"):
        load(text.replace("cadence: frequent", "cadence: daily"))


def test_a_local_address_is_used_as_it_is(load: Load) -> None:
    settings = load(SLACK_API_URL="http://127.0.0.1:9/api/", CENSUS_API_URL="http://127.0.0.1:9/api")
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert settings.census_api_url == "http://127.0.0.1:9/api"


@pytest.mark.parametrize(
    "name",
    ["CENSUS_API_VERSION", "SYNC_HEALTH_STATE", "CENSUS_GROUP_ID", "SLACK_API_URL", "CENSUS_API_URL"],
)
def test_a_variable_that_is_set_to_nothing_is_not_set(load: Load, name: str) -> None:
    assert load(**{name: ""}) == load()


def test_another_queue_takes_the_place_of_the_shipped_table(load: Load) -> None:
    settings = load(PIPELINE.replace("crm.sfdc_dbx.properties_to_update", "crm.other.queue"))
    assert settings.tables == {"crm.sfdc_dbx.properties_to_update": "crm.other.queue"}


def test_own_checks_and_changed_limits_hold_beside_the_shipped_ones(load: Load) -> None:
    text = PIPELINE.replace("checks: []\n", OWN).replace("limits: {}", 'limits: {null_company_names: {warn: "> 40"}}')
    checks = {check.name: check for check in load(text).checks}
    assert str(checks["null_company_names"].warn) == "> 40"
    assert str(checks["lost_rows"].critical) == "> 0"


def test_secrets_do_not_show_where_settings_are_printed(load: Load) -> None:
    settings = load()
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert not [secret for secret in SECRETS.values() if secret in shown]
    assert "sync-health" in repr(settings)


@pytest.mark.parametrize("name", [*SECRETS, "SYNC_HEALTH_WAREHOUSE"])
def test_a_missing_variable_is_named_with_what_it_is(problems: Callable[..., list[str]], name: str) -> None:
    [problem] = problems(**{name: ""})
    assert problem.startswith(f"environment: {name} is not set (")


def test_only_what_a_command_needs_has_to_be_set() -> None:
    shipped = {"metrics": known_metrics(), "table_names": sql.table_names()}
    assert load_settings({}, needs=(), **shipped).warehouse_folder is None
    with pytest.raises(ConfigurationError) as refused:
        load_settings({}, needs=("census",), **shipped)
    assert [problem.split(" is not set")[0] for problem in refused.value.problems] == ["environment: CENSUS_API_TOKEN"]


PLACE = {"DATABRICKS_HOST": "dbc-1.cloud.databricks.com", "DATABRICKS_HTTP_PATH": "/sql/1.0/warehouses/a1"}
DATABRICKS = {"SYNC_HEALTH_WAREHOUSE": "databricks", **PLACE}
LOGINS = [{"DATABRICKS_TOKEN": "dapi-secret"}, {"DATABRICKS_CLIENT_ID": "a", "DATABRICKS_CLIENT_SECRET": "dose-secret"}]


@pytest.mark.parametrize("login", LOGINS, ids=["token", "service principal"])
def test_databricks_is_reached_with_a_token_or_as_a_service_principal(load: Load, login: dict[str, str]) -> None:
    settings = load(**DATABRICKS, **login)
    assert settings.databricks and settings.warehouse_folder is None
    assert (settings.databricks.host, settings.databricks.http_path) == tuple(PLACE.values())
    assert {settings.databricks.token, settings.databricks.client_secret} == {
        "",
        *[v for v in login.values() if v != "a"],
    }
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["DATABRICKS_HOST", "DATABRICKS_HTTP_PATH", "DATABRICKS_TOKEN"]),
        (PLACE, ["DATABRICKS_TOKEN"]),
        ({**PLACE, "DATABRICKS_CLIENT_ID": "a"}, ["DATABRICKS_CLIENT_SECRET"]),
        ({**PLACE, "DATABRICKS_CLIENT_SECRET": "s"}, ["DATABRICKS_CLIENT_ID"]),
    ],
)
def test_what_databricks_needs_is_demanded_at_once(
    problems: Callable[..., list[str]], given: dict[str, str], missing: list[str]
) -> None:
    found = problems(SYNC_HEALTH_WAREHOUSE="databricks", **given)
    assert [problem.split(" is not set (")[0] for problem in found] == [f"environment: {name}" for name in missing]


def test_duckdb_asks_for_nothing_of_databricks(load: Load) -> None:
    assert load().databricks is None


@pytest.mark.parametrize(
    ("written", "read", "is_local"),
    [
        ("https://dbc-1.cloud.databricks.com/", "dbc-1.cloud.databricks.com", False),
        ("http://127.0.0.1:8050", "http://127.0.0.1:8050", True),
    ],
)
def test_an_address_on_this_machine_is_used_as_it_is(load: Load, written: str, read: str, is_local: bool) -> None:
    databricks = load(**DATABRICKS | {"DATABRICKS_HOST": written}, **LOGINS[0]).databricks
    assert databricks and (databricks.host, databricks.is_local) == (read, is_local)


@pytest.mark.parametrize("name", ["DATABRICKS_HOST", "SLACK_API_URL", "CENSUS_API_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "http://elsewhere.example",
        "http://127.0.0.1:80@elsewhere.example",
        "ftp://elsewhere.example",
        "https://a b.example",
    ],
)
def test_a_token_is_sent_over_https_or_not_beyond_this_machine(
    problems: Callable[..., list[str]], name: str, address: str
) -> None:
    [problem] = problems(**DATABRICKS | {name: address}, **LOGINS[0])
    assert problem.startswith(f'environment: {name} is "')
    assert "127.0.0.1:80@" not in problem, "what stands before an @ may be a password"


@pytest.mark.parametrize("name", ["SLACK_API_URL", "CENSUS_API_URL"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9", "https://a.example"])
def test_a_server_on_this_machine_needs_no_https(load: Load, name: str, address: str) -> None:
    assert address in (load(**{name: address}).slack_api_url, load(**{name: address}).census_api_url)


@pytest.mark.parametrize(
    "copied",
    [
        "adb-1.2.azuredatabricks.net",
        "https://adb-1.2.azuredatabricks.net/?o=123",
        " HTTPS://ADB-1.2.AzureDatabricks.net/sql/warehouses/ ",
        "adb-1.2.azuredatabricks.net:443/",
    ],
)
def test_a_workspace_is_known_however_its_address_was_copied(load: Load, copied: str) -> None:
    databricks = load(**DATABRICKS | {"DATABRICKS_HOST": copied}, **LOGINS[0]).databricks
    assert databricks and databricks.host == "adb-1.2.azuredatabricks.net"


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"])
def test_a_warehouse_on_this_machine_keeps_its_whole_address(load: Load, address: str) -> None:
    databricks = load(**DATABRICKS | {"DATABRICKS_HOST": f"{address}/"}, **LOGINS[0]).databricks
    assert databricks and databricks.host == address


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN"])
def test_a_secret_may_stand_in_a_file(load: Load, tmp_path: Path, name: str) -> None:
    (path := tmp_path / "secret").write_text(" from-a-file\n", encoding="utf-8")
    settings = load(**{name: "", f"{name}_FILE": str(path)})
    assert getattr(settings, name.lower()) == "from-a-file"


def test_a_secret_that_stands_twice_or_in_no_file_is_refused(
    problems: Callable[..., list[str]], tmp_path: Path
) -> None:
    assert "both set" in problems(SLACK_BOT_TOKEN_FILE=str(tmp_path / "a"))[0]
    found = problems(CENSUS_API_TOKEN="", CENSUS_API_TOKEN_FILE=str(tmp_path / "a"))
    assert found[0] == "environment: CENSUS_API_TOKEN_FILE cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CENSUS_API_VERSION", "v3", 'environment: CENSUS_API_VERSION is "v3": write v2'),
        (
            "SYNC_HEALTH_WAREHOUSE",
            "duckdb",
            'environment: SYNC_HEALTH_WAREHOUSE is "duckdb": write databricks or duckdb:FOLDER',
        ),
        (
            "SYNC_HEALTH_WAREHOUSE",
            "duckdb:",
            'environment: SYNC_HEALTH_WAREHOUSE is "duckdb:": write databricks or duckdb:FOLDER',
        ),
        (
            "SYNC_HEALTH_WAREHOUSE",
            "excel:x",
            'environment: SYNC_HEALTH_WAREHOUSE is "excel:x": write databricks or duckdb:FOLDER',
        ),
    ],
)
def test_a_variable_that_cannot_work_is_told_with_what_to_write(
    problems: Callable[..., list[str]], name: str, value: str, said: str
) -> None:
    assert problems(**{name: value}) == [said]


def test_the_password_in_a_state_address_is_not_repeated(problems: Callable[..., list[str]]) -> None:
    [problem] = problems(SYNC_HEALTH_STATE="mysql://bot:hunter2@db/state")
    assert "SYNC_HEALTH_STATE" in problem
    assert "hunter2" not in problem


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
        ["limits.schedule_enabled.for: told only after 25 min"],
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
        "checks: []\n",
        OWN.replace("critical", "critcal"),
        23,
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
    "a direction that Census does not have": ("direction: update", "direction: upsert", 14, ["one of create, update"]),
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
    "two syncs of one direction": (
        "direction: create",
        "direction: update",
        14,
        ["another sync has the direction update"],
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
        ["limits.null_company_names.critical: cannot read the limit 'lots'", 'such as "> 50"'],
    ),
    "an owner who is nobody in Slack": (
        "limits: {}",
        "limits:\n  null_company_names:\n    owner: bob",
        19,
        ['limits.null_company_names.owner: "bob" is not a Slack user or user group ID'],
    ),
    "an own check that nothing measures": (
        "checks: []\n",
        OWN.replace("metric: lost_rows", "metric: lost_row"),
        21,
        ['nothing measures "lost_row"', 'did you mean "lost_rows"?'],
    ),
    "an own check with the name of a shipped one": (
        "checks: []\n",
        OWN.replace("name: lost_rows", "name: null_company_names"),
        19,
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


def test_a_rerun_of_a_sync_that_is_not_there_is_told_with_the_line_of_the_syncs(
    problems: Callable[..., list[str]],
) -> None:
    begin, end = PIPELINE.index("  - name: Sync B"), PIPELINE.index("tables:")
    found = problems(PIPELINE[:begin] + PIPELINE[end:])
    assert all(problem.startswith("pipeline.yml:7: ") for problem in found)
    assert any(
        'check "null_company_names" offers a rerun of the update sync, and there is none' in problem
        for problem in found
    )


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
    text = text.replace("limits: {}", "limits: {nonsense: {}}").replace("checks: []\n", OWN.replace("> 0", "none"))
    told = problems(text.replace("none", "> 0").replace("metric: lost_rows", "metric: zzz"))
    assert sorted(problem.split(": ")[0] for problem in told) == [f"pipeline.yml:{n}" for n in (13, 16, 17, 21)]


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
    with pytest.raises(ConfigurationError, match=r"elsewhere\.yml: cannot be read"):
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


def test_a_file_that_is_too_large_to_be_a_pipeline_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    path.write_text("a: b\n" * 300_000, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        read_yaml(path)


def test_the_pipeline_of_the_folder_holds_where_none_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load(SYNC_HEALTH_CONFIG="").config == HOME / "pipeline.yml", "no file here: the shipped one"
    (elsewhere / "pipeline.yml").write_text(PIPELINE.replace("name: properties", "name: mine"), encoding="utf-8")
    assert load(SYNC_HEALTH_CONFIG="").pipeline == "mine"
    assert load().pipeline == "properties", "a named one comes first"
    assert load(SYNC_HEALTH_CONFIG=str(elsewhere)).pipeline == "mine", "its folder names it, too"


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("name",), 1),
        (("operators", "users", 0), 5),
        (("syncs", 1, "queue"), 15),
        (("syncs", 1, "nothing"), 12),
        (("syncs", 9), 7),
        (("syncs", "name"), 7),
        (("name", "deeper"), 1),
        ((), 1),
    ],
)
def test_the_line_is_that_of_the_innermost_part_that_is_there(
    tmp_path: Path, place: tuple[str | int, ...], line: int
) -> None:
    path = tmp_path / "pipeline.yml"
    path.write_text(PIPELINE, encoding="utf-8")
    assert read_yaml(path).line(place) == line


@pytest.mark.parametrize("word", ["Sync B", "sync b", " SYNC B ", "b", "B", "update", "Update", "2"])
def test_a_sync_is_known_by_its_name_its_last_word_its_direction_and_its_id(load: Load, word: str) -> None:
    called = load().sync_called(word)
    assert called is not None
    assert called.name == "Sync B"


@pytest.mark.parametrize("word", ["", " ", "c", "sync", "3", "Sync", "upd"])
def test_what_names_no_sync_is_none(load: Load, word: str) -> None:
    assert load().sync_called(word) is None


def test_a_word_that_could_mean_two_syncs_means_none(load: Load) -> None:
    settings = load(PIPELINE.replace("Sync A", "Live properties").replace("Sync B", "Test properties"))
    assert settings.sync_called("properties") is None
    assert settings.sync_called("create") == settings.syncs[0]


# -- words and owners


WORDS = "noun: {one: contact, many: contacts}\ndestination: HubSpot\ntables: {}"


def test_texts_of_checks_are_in_the_words_of_the_pipeline_own_ones_too(load: Load) -> None:
    own = OWN.replace("{value} rows are lost", "{value} {nouns} are lost in {destination}, no {noun} is safe")
    settings = load(PIPELINE.replace("tables: {}", WORDS).replace("checks: []\n", own))
    assert (settings.noun.one, settings.noun.many, settings.destination) == ("contact", "contacts", "HubSpot")
    texts = {check.name: (check.title, check.summary) for check in settings.checks}
    assert texts["lost_rows"][1] == "{value} contacts are lost in HubSpot, no contact is safe"
    assert texts["null_company_names"][1] == "{value} HubSpot record{s} missing company name"
    assert texts["coverage"][0] == "Coverage of HubSpot"
    said = str(settings.checks)
    assert not re.search(r"\{(?:destination|nouns?)\}|Salesforce", said)


OWNERS = {"check": "U0CHECK", "sync": "S0SYNC", "pipeline": "S0PIPELINE"}


@pytest.mark.parametrize(
    ("named", "check", "sync", "mentioned"),
    [
        (("check", "sync", "pipeline"), "null_company_names", None, "U0CHECK"),
        (("sync", "pipeline"), "null_company_names", None, "S0SYNC"),
        (("sync", "pipeline"), "sync_recency", "Sync B", "S0SYNC"),
        (("sync", "pipeline"), "sync_recency", "Sync A", "S0PIPELINE"),
        (("sync", "pipeline"), "warehouse_not_measured", None, "S0PIPELINE"),
        (("pipeline",), "null_company_names", None, "S0PIPELINE"),
        (("pipeline",), "a check that was removed", "Sync B", "S0PIPELINE"),
        ((), "null_company_names", None, None),
    ],
)
def test_an_alert_belongs_to_whom_its_check_names_else_its_sync_else_the_pipeline(
    load: Load, named: tuple[str, ...], check: str, sync: str | None, mentioned: str | None
) -> None:
    text = PIPELINE
    if "pipeline" in named:
        text = text.replace("tables: {}", f"owner: {OWNERS['pipeline']}\ntables: {{}}")
    if "sync" in named:
        queue = "queue: crm.sfdc_dbx.properties_to_update"
        text = text.replace(queue, f"{queue}\n    owner: {OWNERS['sync']}")
    if "check" in named:
        text = text.replace("limits: {}", f"limits: {{null_company_names: {{owner: {OWNERS['check']}}}}}")
    assert load(text).owner_of(check, sync) == mentioned
