"""Environment + pipeline.yml → Settings: what is written is what holds."""

import json
import re
from datetime import time, timedelta
from pathlib import Path

import pytest

from bot.config.load import load_settings
from bot.config.shipped import FOLDER as HOME
from bot.config.yaml_lines import read_yaml
from bot.errors import ConfigurationError
from bot.slack.interaction import interaction_from
from bot.sql.statements import Statements
from tests.unit import pipelines
from tests.unit.pipelines import ENVIRONMENT, OWN, PIPELINE, SECRETS, Load

load = pipelines.load  # the fixtures
problems = pipelines.problems


def test_the_shipped_pipeline_yml_and_checks_load_with_no_problem() -> None:
    settings = load_settings(ENVIRONMENT, library=Statements)
    assert settings.pipeline == "properties"
    assert {check.name for check in settings.checks} == {path.stem for path in (HOME / "checks").glob("[!r]*/*.yml")}
    assert {sync.name: (sync.id, sync.label) for sync in settings.syncs} == {
        "Sync A": (3394022, "Sync A (CREATE)"),
        "Sync B": (3394041, "Sync B (UPDATE)"),
    }


@pytest.mark.parametrize("path", sorted((HOME / "checks").glob("[!r]*/*.yml")), ids=lambda path: path.stem)
def test_a_shipped_check_has_the_name_of_its_file_and_says_in_its_first_lines_what_it_means(path: Path) -> None:
    read = read_yaml(path).data
    assert isinstance(read, dict)
    named = [check["name"] for check in read.get("checks", [])] or list(read["limits"])
    assert named == [path.stem]
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
    with pytest.raises(ConfigurationError, match=r"alerts only after 1 d \(.* \+ idle_floor 1 d\)"):
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
    text = PIPELINE.replace("checks: [sync, properties]\n", OWN).replace(
        "limits: {}", 'limits: {null_company_names: {warn: "> 40"}}'
    )
    checks = {check.name: check for check in load(text).checks}
    assert str(checks["null_company_names"].warn) == "> 40"
    assert str(checks["lost_rows"].critical) == "> 0"


def test_secrets_do_not_show_where_settings_are_printed(load: Load) -> None:
    settings = load()
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert not [secret for secret in SECRETS.values() if secret in shown]
    assert "sync-health" in repr(settings)


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


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ('O\'Brien "x"', ['O\'Brien "x"', "O’Brien “x”", "obrien x", "'O'Brien x'", "x"]),
        ("*bold* `c`", ["*bold* `c`", "*bold* c", "`*bold* c`", "*bold* ˋcˋ"]),
        ("Feed’s", ["Feed's", "Feed’s", "feeds"]),
    ],
)
def test_quotes_of_a_name_may_be_typed_left_out_or_be_others(load: Load, name: str, typed: list[str]) -> None:
    settings = load(PIPELINE.replace("name: Sync B", f"name: {json.dumps(name)}"))
    body = {"command": "/sync-health", "user_id": "U", "team_id": "T", "channel_id": "C", "response_url": "x"}
    for word in typed:
        found = settings.sync_called(interaction_from(body | {"text": f"rerun {word}"}).value)
        assert found and found.name == name, word


@pytest.mark.parametrize("word", ["", " ", '"', "`'", "c", "sync", "3", "Sync", "upd"])
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
    settings = load(PIPELINE.replace("tables: {}", WORDS).replace("checks: [sync, properties]\n", own))
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


def test_a_critical_check_is_unowned_while_one_of_its_alerts_would_mention_nobody(load: Load) -> None:
    def owned(*syncs: str) -> str:
        text = PIPELINE
        for sync in syncs:
            queue = f"queue: crm.sfdc_dbx.properties_to_{sync}"
            text = text.replace(queue, f"{queue}\n    owner: {OWNERS['sync']}")
        return text

    settings = load(owned())
    assert settings.unowned == tuple(check.name for check in settings.checks if check.critical)
    assert {"null_company_names", "sync_recency"} <= set(settings.unowned)
    of_one = load(owned("update")).unowned
    assert "null_company_names" not in of_one and "sync_recency" in of_one, "it is evaluated per sync"
    assert "sync_recency" not in load(owned("create", "update")).unowned
    assert load(PIPELINE.replace("tables: {}", f"owner: {OWNERS['pipeline']}\ntables: {{}}")).unowned == ()


@pytest.mark.parametrize(("written", "observes"), [("", False), ("mode: act\n", False), ("mode: observe\n", True)])
def test_it_acts_unless_it_is_told_to_observe(load: Load, written: str, observes: bool) -> None:
    settings = load(written + PIPELINE)
    assert (settings.observes, settings.mode) == (observes, "observe" if observes else "act")
