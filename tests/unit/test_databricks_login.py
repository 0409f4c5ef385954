"""Which login to Databricks is taken: by variables, by a file with a secret, by a profile; or every problem at once."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.config.databricks import LOGINS, Databricks
from tests.unit import pipelines
from tests.unit.pipelines import Load

load = pipelines.load  # the fixtures
problems = pipelines.problems
Problems = Callable[..., list[str]]

PLACE = {"SYNC_HEALTH_WAREHOUSE": "databricks", "DATABRICKS_HTTP_PATH": "/sql/1.0/warehouses/a1"}
HERE = {**PLACE, "DATABRICKS_HOST": "adb-1.2.azuredatabricks.net"}
TOKEN = {"DATABRICKS_TOKEN": "canary-token"}
PRINCIPAL = {"DATABRICKS_CLIENT_ID": "application", "DATABRICKS_CLIENT_SECRET": "canary-secret"}
ENTRA = {"ARM_TENANT_ID": "tenant-1", "ARM_CLIENT_ID": "registration", "ARM_CLIENT_SECRET": "canary-entra"}
KINDS = dict(zip(LOGINS, (TOKEN, PRINCIPAL, ENTRA), strict=True))
PROFILES = """\
[__settings__]
default_profile = other

[DEFAULT]
host = https://default.example
token = of-nobody

[team]
host = https://adb-1.2.azuredatabricks.net/
token = canary%token

[principal]
host = adb-1.2.azuredatabricks.net
client_id = application
client_secret = canary-secret
warehouse_id = b2

[entra]
host = adb-1.2.azuredatabricks.net
azure_tenant_id = tenant-1
azure_client_id = registration
azure_client_secret = canary-entra

[browser]
host = adb-1.2.azuredatabricks.net
auth_type = databricks-cli

[azure]
host = adb-1.2.azuredatabricks.net
auth_type = azure-cli

[quoted]
host = adb-1.2.azuredatabricks.net
token = "canary token"
"""


@pytest.fixture
def profile(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The variables that name a profile of a file."""

    def named(name: str, text: str = PROFILES) -> dict[str, str]:
        (path := tmp_path / "profiles").write_text(text, encoding="utf-8")
        return {"DATABRICKS_CONFIG_PROFILE": name, "DATABRICKS_CONFIG_FILE": str(path)}

    return named


def who(settings: Databricks | None) -> tuple[str, str, str, str]:
    assert settings
    return settings.token, settings.client_id, settings.client_secret, settings.tenant_id


TAKEN = {
    "pat": ("canary-token", "", "", ""),
    "oauth-m2m": ("", "application", "canary-secret", ""),
    "azure-client-secret": ("", "registration", "canary-entra", "tenant-1"),
}


@pytest.mark.parametrize("kind", LOGINS)
def test_each_login_is_taken_from_its_variables_and_shows_nothing_secret(load: Load, kind: str) -> None:
    settings = load(**HERE, **KINDS[kind])
    assert who(settings.databricks) == TAKEN[kind]
    assert settings.databricks and settings.databricks.origin == LOGINS[kind][1][0][0]
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("kind", LOGINS)
def test_a_secret_of_each_login_may_stand_in_a_file(load: Load, tmp_path: Path, kind: str) -> None:
    [(name, secret)] = [(name, text) for name, text in KINDS[kind].items() if text.startswith("canary")]
    (path := tmp_path / "secret").write_text(f"{secret}\n", encoding="utf-8")
    given = {**KINDS[kind], name: "", f"{name}_FILE": str(path)}
    assert who(load(**HERE, **given).databricks) == TAKEN[kind]


@pytest.mark.parametrize("kind", LOGINS)
def test_of_several_logins_the_one_that_is_named_is_taken(load: Load, kind: str) -> None:
    settings = load(**HERE, **TOKEN, **PRINCIPAL, **ENTRA, DATABRICKS_AUTH_TYPE=kind)
    assert who(settings.databricks) == TAKEN[kind]


def test_several_logins_of_which_none_is_named_are_refused(problems: Problems) -> None:
    assert problems(**HERE, **TOKEN, **PRINCIPAL, **ENTRA) == [
        "environment: 3 logins to Databricks are set, a personal token (DATABRICKS_TOKEN) and OAuth M2M "
        "(DATABRICKS_CLIENT_ID) and an Entra service principal (ARM_CLIENT_ID): keep one, or name it in "
        "DATABRICKS_AUTH_TYPE"
    ]


def test_everything_that_is_wrong_is_told_in_one_pass(problems: Problems) -> None:
    found = problems(
        **PLACE, DATABRICKS_HOST="dbc-1.cloud.databricks.com", ARM_CLIENT_ID="registration", ARM_TENANT_ID="a/b"
    )
    assert [problem.partition(" (")[0] for problem in found] == [
        "environment: ARM_CLIENT_SECRET is not set",
        "environment: ARM_CLIENT_ID: Entra logs in to *.azuredatabricks.net alone: use OAuth M2M",
        "environment: ARM_TENANT_ID is no tenant: write its ID, as Entra → Overview shows it",
    ]


@pytest.mark.parametrize("given", [{"ARM_CLIENT_ID": "a"}, {"ARM_CLIENT_SECRET": "a"}])
def test_what_a_login_of_entra_needs_is_demanded_at_once(problems: Problems, given: dict[str, str]) -> None:
    missing = [name for name in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID") if name not in given]
    found = problems(**HERE, **given)
    assert [problem.split(" is not set (")[0] for problem in found] == [f"environment: {name}" for name in missing]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("external-browser", "opens a browser: write pat, oauth-m2m or azure-client-secret"),
        ("databricks-cli", "opens a browser"),
        ("azure-cli", "is not supported: write pat, oauth-m2m or azure-client-secret"),
    ],
)
def test_a_login_that_would_need_a_person_or_a_tool_is_refused(problems: Problems, named: str, said: str) -> None:
    found = problems(**HERE, **TOKEN, DATABRICKS_AUTH_TYPE=named)
    assert found == [problem for problem in found if problem.startswith("environment: DATABRICKS_AUTH_TYPE is")]
    assert said in found[0]


def test_a_tenant_alone_is_no_login_and_what_other_tools_read_is_not_in_the_way(load: Load) -> None:
    assert who(load(**HERE, **TOKEN, ARM_TENANT_ID="tenant-1").databricks) == TAKEN["pat"]
    assert load(**TOKEN, **PRINCIPAL, **ENTRA).databricks is None, "duckdb needs none, and refuses none"


@pytest.mark.parametrize(
    ("name", "taken", "path"),
    [
        ("team", ("canary%token", "", "", ""), "/sql/1.0/warehouses/a1"),
        ("principal", TAKEN["oauth-m2m"], "/sql/1.0/warehouses/a1"),
        ("entra", TAKEN["azure-client-secret"], "/sql/1.0/warehouses/a1"),
    ],
)
def test_a_profile_brings_host_and_login(
    load: Load, profile: Callable[..., dict[str, str]], name: str, taken: tuple[str, ...], path: str
) -> None:
    settings = load(**PLACE, **profile(name)).databricks
    assert who(settings) == taken
    assert settings and (settings.host, settings.http_path) == ("adb-1.2.azuredatabricks.net", path)
    assert settings.origin == f'profile "{name}"'


def test_a_profile_may_name_the_warehouse_and_a_variable_wins_over_it(
    load: Load, profile: Callable[..., dict[str, str]]
) -> None:
    named = {"SYNC_HEALTH_WAREHOUSE": "databricks", **profile("principal")}
    settings = load(**named, DATABRICKS_CLIENT_ID="another").databricks
    assert settings and (settings.http_path, settings.client_id) == ("/sql/1.0/warehouses/b2", "another")
    assert settings.origin == "DATABRICKS_CLIENT_ID"


def test_the_usual_file_is_in_the_home_directory(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: Callable[..., dict[str, str]]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".databrickscfg").write_text(PROFILES, encoding="utf-8")
    assert who(load(**PLACE, DATABRICKS_CONFIG_PROFILE="principal").databricks) == TAKEN["oauth-m2m"]


def test_a_profile_that_an_editor_of_windows_wrote_is_read(load: Load, profile: Callable[..., dict[str, str]]) -> None:
    text = "\ufeff" + PROFILES.replace("\n", "\r\n")
    assert who(load(**PLACE, **profile("principal", text)).databricks) == TAKEN["oauth-m2m"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", 'has no profile "nobody" (it has: DEFAULT, team, principal, entra, browser, azure, quoted)'),
        ("browser", 'profile "browser": auth_type is "databricks-cli": that login opens a browser: write pat,'),
        ("azure", 'profile "azure": auth_type is "azure-cli": that login is not supported: write pat,'),
        ("quoted", 'profile "quoted": token has quotes, blanks or characters that are not ASCII: write it bare'),
    ],
)
def test_a_profile_that_cannot_work_says_why(
    problems: Problems, profile: Callable[..., dict[str, str]], name: str, said: str
) -> None:
    [problem] = problems(**PLACE, **profile(name))
    assert said in problem
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("canary = 1\n", "line 1: write [PROFILE]"),
        ("[team]\nhost = h\ncanary\n", "line 3: write [PROFILE]"),
        ("[team]\ntoken = canary\ntoken = canary\n", "line 3: write [PROFILE]"),
        ("[team]\n[team]\n", "line 2: write [PROFILE]"),
    ],
)
def test_a_file_that_cannot_be_parsed_names_the_line_and_repeats_nothing(
    problems: Problems, profile: Callable[..., dict[str, str]], text: str, said: str
) -> None:
    [problem] = problems(**PLACE, **profile("team", text))
    assert said in problem
    assert "canary" not in problem


def test_a_profile_without_a_login_says_what_is_missing(
    problems: Problems, profile: Callable[..., dict[str, str]]
) -> None:
    [problem] = problems(**PLACE, **profile("team", "[team]\nhost = adb-1.2.azuredatabricks.net\n"))
    assert problem.startswith("environment: DATABRICKS_TOKEN is not set (")


@pytest.mark.parametrize("what", ["missing", "folder", "latin"])
def test_a_file_that_is_not_there_or_cannot_be_read_is_named(problems: Problems, tmp_path: Path, what: str) -> None:
    path = tmp_path / "profiles"
    if what == "folder":
        path.mkdir()
    if what == "latin":
        path.write_bytes("[teäm]".encode("latin-1"))
    [problem] = problems(**PLACE, DATABRICKS_CONFIG_PROFILE="team", DATABRICKS_CONFIG_FILE=str(path))
    assert str(path) in problem
    assert ("there is no" in problem) is (what == "missing")


def test_the_token_of_a_profile_does_not_go_to_another_workspace(
    problems: Problems, profile: Callable[..., dict[str, str]]
) -> None:
    [problem] = problems(**PLACE, **profile("team"), DATABRICKS_HOST="adb-9.9.azuredatabricks.net")
    assert "host is adb-1.2.azuredatabricks.net, and DATABRICKS_HOST is adb-9.9.azuredatabricks.net" in problem


def test_a_profile_and_a_variable_with_another_login_are_two_logins(
    problems: Problems, profile: Callable[..., dict[str, str]], load: Load
) -> None:
    both: Mapping[str, str] = {**PLACE, **profile("team"), **PRINCIPAL}
    assert "2 logins to Databricks are set" in problems(**both)[0]
    assert who(load(**both, DATABRICKS_AUTH_TYPE="oauth-m2m").databricks) == TAKEN["oauth-m2m"]
