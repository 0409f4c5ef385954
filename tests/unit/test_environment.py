"""Environment variables → Settings, or every problem at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.load import load_settings
from bot.errors import ConfigurationError
from bot.sql.statements import Statements
from tests.unit import pipelines
from tests.unit.pipelines import SECRETS, Load

load = pipelines.load  # the fixtures
problems = pipelines.problems


@pytest.mark.parametrize("name", [*SECRETS, "SYNC_HEALTH_WAREHOUSE"])
def test_a_missing_variable_is_named_with_what_it_is(problems: Callable[..., list[str]], name: str) -> None:
    [problem] = problems(**{name: ""})
    assert problem.startswith(f"environment: {name} is not set (")


def test_only_what_a_command_needs_has_to_be_set() -> None:
    assert load_settings({}, needs=(), library=Statements).warehouse_folder is None
    with pytest.raises(ConfigurationError) as refused:
        load_settings({}, needs=("census",), library=Statements)
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
            'environment: SYNC_HEALTH_WAREHOUSE is "duckdb": write databricks, duckdb:FOLDER, or none',
        ),
        (
            "SYNC_HEALTH_WAREHOUSE",
            "duckdb:",
            'environment: SYNC_HEALTH_WAREHOUSE is "duckdb:": write databricks, duckdb:FOLDER, or none',
        ),
        (
            "SYNC_HEALTH_WAREHOUSE",
            "excel:x",
            'environment: SYNC_HEALTH_WAREHOUSE is "excel:x": write databricks, duckdb:FOLDER, or none',
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


WEBHOOK = {"PAGER_WEBHOOK_URL": "https://pager.example/hook", "PAGER_WEBHOOK_SECRET": "sixteen-or-more!"}


def test_a_pager_is_used_where_its_variables_are_set_and_shows_in_no_repr(load: Load, tmp_path: Path) -> None:
    assert load().pagers.names == ()
    (path := tmp_path / "key").write_text("k" * 32 + "\n", encoding="utf-8")
    settings = load(PAGERDUTY_ROUTING_KEY_FILE=str(path), **WEBHOOK)
    assert settings.pagers.names == ("PagerDuty", "the pager webhook")
    assert (settings.pagers.pagerduty_key, settings.pagers.pagerduty_url) == ("k" * 32, "https://events.pagerduty.com")
    assert not any(secret in repr(settings) for secret in ("k" * 32, *WEBHOOK.values()))
    europe = "https://events.eu.pagerduty.com"
    assert load(PAGERDUTY_ROUTING_KEY="k" * 32, PAGERDUTY_API_URL=europe).pagers.pagerduty_url == europe


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PAGERDUTY_ROUTING_KEY": "k" * 31}, "PAGERDUTY_ROUTING_KEY has 31 characters: an integration key has 32"),
        ({"PAGERDUTY_ROUTING_KEY": "k" * 30 + "\u00e9k"}, "PAGERDUTY_ROUTING_KEY has characters that are not ASCII"),
        (
            {"PAGERDUTY_API_URL": "http://events.example"},
            'PAGERDUTY_API_URL is "http://events.example": write an https',
        ),
        ({"PAGER_WEBHOOK_URL": WEBHOOK["PAGER_WEBHOOK_URL"]}, "PAGER_WEBHOOK_SECRET is not set"),
        ({"PAGER_WEBHOOK_SECRET": "sixteen-or-more!"}, "PAGER_WEBHOOK_URL is not set"),
        (WEBHOOK | {"PAGER_WEBHOOK_SECRET": "short"}, "PAGER_WEBHOOK_SECRET has fewer than 16 characters"),
        (
            WEBHOOK | {"PAGER_WEBHOOK_URL": "http://pager.example/a-token"},
            "PAGER_WEBHOOK_URL is not an https:// address",
        ),
    ],
)
def test_a_pager_that_cannot_work_is_named_and_no_secret_is_repeated(
    problems: Callable[..., list[str]], given: dict[str, str], said: str
) -> None:
    [problem] = problems(**given)
    assert problem.startswith(f"environment: {said}")
    assert not any(value in problem for name, value in given.items() if name != "PAGERDUTY_API_URL")
