"""`sync-health init`, as somebody types it, against the local servers of the demo."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.init.slack import new_app_link
from bot.config import shipped
from bot.config.env_file import VARIABLES
from bot.runtime.composition import CLOCK
from bot.runtime.demo import Demo

HOME = Path(__file__).resolve().parent.parent.parent
QUEUE_A, QUEUE_B = "crm.sfdc_dbx.properties_to_create", "crm.sfdc_dbx.properties_to_update"
A, B = "3394022", "3394041"
ZONE = ("--zone", "America/Los_Angeles")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    one = Demo(speed=1)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def known(demo: Demo) -> dict[str, str]:
    """What the demo's servers need."""
    others = (CLOCK, "SYNC_HEALTH_CONFIG", "SYNC_HEALTH_STATE")
    return {name: value for name, value in demo.environment().items() if name not in others}


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs it in an empty folder with nothing set; without `typed`, nobody is at the terminal."""
    for name in (*VARIABLES, "TZ"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, typed: str | None = None, **environment: str) -> tuple[int, str, str]:
        monkeypatch.setattr("bot.cli.init.command.is_a_terminal", lambda: typed is not None)
        before = dict(os.environ)
        result = CliRunner().invoke(app, ["init", *arguments], input=typed, env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert dict(os.environ) == before and Path.cwd() == tmp_path
        return result.exit_code, result.stdout, result.stderr

    return run


def loaded(folder: Path, command: str) -> "subprocess.Popen[str]":
    """A command of the new folder as init says to start it, in a shell that knows nothing else of it."""
    ours = {name: value for name, value in os.environ.items() if name not in VARIABLES} | {"PYTHONPATH": str(HOME)}
    line = f"cd {folder} && set -a && . ./.env && set +a; exec {sys.executable} -m bot.cli {command}"
    return subprocess.Popen(["sh", "-c", line], env=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_it_works(folder: Path) -> None:
    """doctor, check and run, without a hand edit."""
    for command, said in (("doctor", r"all \d+ checks passed"), ("check", r"\d+ checks passed")):
        ended = loaded(folder, command)
        out, err = ended.communicate(timeout=600)
        assert ended.returncode == 0 and re.search(said, out), out + err
    bot = loaded(folder, "run")
    assert bot.stderr
    assert any("Watching the contacts pipeline" in line for line in iter(bot.stderr.readline, ""))
    bot.send_signal(signal.SIGTERM)
    bot.communicate(timeout=600)
    assert bot.returncode == 0


@pytest.mark.full
def test_from_flags_to_a_bot_that_runs(init: Run, known: dict[str, str], tmp_path: Path) -> None:
    code, out, err = init(
        *("contacts", "--yes", *ZONE, "--record", "property", "--records", "properties", "--destination", "Salesforce"),
        *("--sync", A, "--sync", B, "--queue", f"{A}={QUEUE_A}", "--queue", f"{B}={QUEUE_B}"),
        *("--key", f"{A}=rds_property_id", "--key", f"{A}=sfdc_id", "--operator", "U0ROBIN", "--operator", "U0ADA"),
        **known,
    )
    assert code == 0, out + err
    folder = tmp_path / "contacts"
    assert "all 19 checks passed" in out and f"cd {folder} && set -a && . ./.env && set +a" in out
    assert new_app_link() in out and "woken every hour, is about $375 a month" in out
    assert not [value for name, value in known.items() if "TOKEN" in name and value in out + err]
    assert [path.stat().st_mode & 0o777 for path in (folder / ".env", folder / "pipeline.yml")] == [0o600, 0o644]
    assert ".env\n" in (folder / ".gitignore").read_text(encoding="utf-8")
    written = yaml.safe_load((folder / "pipeline.yml").read_text(encoding="utf-8"))
    assert written["syncs"][0]["key"] == ["rds_property_id", "sfdc_id"]
    assert written["syncs"][0]["changed_at"] == "rds_last_updated_at"
    assert_it_works(folder)


@pytest.mark.full
def test_from_typed_answers_to_a_bot_that_runs(init: Run, known: dict[str, str], tmp_path: Path) -> None:
    reached = {name: known[name] for name in ("CENSUS_API_URL", "SLACK_API_URL")}
    login = [known[f"DATABRICKS_{name}"] for name in ("HOST", "HTTP_PATH", "TOKEN")]
    answers = [
        *("contacts", "", "Nowhere/Else", "America/Los_Angeles", "property", "properties", "Salesforce"),
        *("wrong-token", known["CENSUS_API_TOKEN"], "999", "1, 2"),
        *("snowflake", "databricks", *login),
        *("prop", QUEUE_A, "nothing", "rds_property_id, sfdc_id", "none"),
        *("no.such.table", QUEUE_B.upper(), "", ""),
        *("", "robin", "U0ROBIN"),
        *(known["SLACK_BOT_TOKEN"], known["SLACK_APP_TOKEN"]),
    ]
    code, out, err = init(typed="".join(f"{one}\n" for one in answers), **reached)
    assert code == 0, out + err
    assert re.search(r"\n#  sync +ID +state +schedule\n1  Sync A \(CREATE\)  3394022  on +every 15 minutes\n", out)
    for told in (
        'there is no time zone "Nowhere/Else"',
        "check CENSUS_API_TOKEN",
        'Census lists no sync "999"',
        'SYNC_HEALTH_WAREHOUSE is "snowflake"',
        'there is no column "nothing"',
        '"robin" is no Slack user',
    ):
        assert told in out
    assert not [value for name, value in known.items() if "TOKEN" in name and value in out + err]
    written = yaml.safe_load((tmp_path / "contacts" / "pipeline.yml").read_text(encoding="utf-8"))
    assert [(sync["queue"], sync["key"]) for sync in written["syncs"]] == [
        (QUEUE_A, ["rds_property_id", "sfdc_id"]),
        (QUEUE_B, ["rds_property_id"]),
    ]
    assert_it_works(tmp_path / "contacts")


BASE = ("new", "--yes", *ZONE, "--no-doctor")
REFUSED = {
    "unknown sync": ([*BASE, "--sync", "999"], {}, 'Census lists no sync "999": known are 3394022 (Sync A (CREATE))'),
    "queue that is not there": (
        [*BASE, "--sync", A, "--queue", f"{A}=crm.sfdc_dbx.properties_to_creat"],
        {},
        "properties_to_creat is missing: did you mean crm.sfdc_dbx.properties_to_create?",
    ),
    "queue that is no full name": ([*BASE, "--queue", f"{A}=pending"], {}, "write catalog.schema.table"),
    "queue of another sync": ([*BASE, "--sync", A, "--queue", f"{B}={QUEUE_B}"], {}, "add it with --sync"),
    "queue without a sync": ([*BASE, "--queue", QUEUE_A], {}, "write the ID of the sync, = and the name"),
    "unknown column": ([*BASE, "--queue", f"{A}={QUEUE_A}", "--key", f"{A}=sfdcid"], {}, 'did you mean "sfdc_id"?'),
    "key without a queue": ([*BASE, "--key", f"{A}=id"], {}, f"--key: sync {A} has no queue: add --queue {A}="),
    "wrong zone": ([*BASE, "--zone", "Europe/Berln"], {}, '--zone: there is no time zone "Europe/Berln": did'),
    "wrong name": ([*BASE, "--name", "My Pipeline"], {}, '--name: "My Pipeline" is not a name'),
    "refused token": ([*BASE], {"CENSUS_API_TOKEN": "wrong"}, "the token is not valid, check CENSUS_API_TOKEN"),
    "missing token": (
        [*BASE],
        {"CENSUS_API_TOKEN": ""},
        "--env CENSUS_API_TOKEN=… is missing (CENSUS_API_TOKEN",
    ),
    "missing warehouse": ([*BASE], {"SYNC_HEALTH_WAREHOUSE": "", "DATABRICKS_HOST": ""}, "--warehouse is missing"),
    "missing login": ([*BASE], {"DATABRICKS_TOKEN": ""}, "--env DATABRICKS_TOKEN=… is missing"),
    "unknown warehouse": ([*BASE, "--warehouse", "snowflake"], {}, "write databricks, duckdb:FOLDER, or none"),
    "no such folder": ([*BASE, "--warehouse", "duckdb:nowhere"], {}, "create it, or name another"),
    "refused warehouse": (
        [*BASE, "--queue", f"{A}={QUEUE_A}"],
        {"DATABRICKS_TOKEN": "wrong"},
        "DATABRICKS_TOKEN",
    ),
    "unknown variable": ([*BASE, "--env", "CENSUS_TOKEN=s3cret"], {}, 'did you mean "CENSUS_API_TOKEN"?'),
    "swapped token": (
        [*BASE, "--env", "CENSUS_API_TOKEN='s3cret'"],
        {},
        "CENSUS_API_TOKEN is in quotes: write",
    ),
    "wrong operator": ([*BASE, "--operator", "robin"], {}, '--operator: "robin" is no Slack user'),
    "wrong channel": ([*BASE, "--channel", "@robin"], {}, "--channel: "),
    "same queue twice": (
        [*BASE, "--queue", f"{A}={QUEUE_A}", "--queue", f"{B}={QUEUE_A}"],
        {},
        "another sync has the queue",
    ),
}


@pytest.mark.full
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_one_line_and_leaves_nothing(
    case: str, init: Run, known: dict[str, str], tmp_path: Path
) -> None:
    arguments, other, said = REFUSED[case]
    code, out, err = init(*arguments, **(known | other))
    assert code == 2, out + err
    assert said in err
    [line] = [one for one in err.splitlines() if not re.fullmatch(r"\d+ configuration errors?:", one)]
    assert "s3cret" not in out + err and "Traceback" not in err and len(line) < 400
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
def test_what_is_there_is_refused_and_with_force_is_kept(init: Run, known: dict[str, str], tmp_path: Path) -> None:
    for name, text in (("pipeline.yml", "mine"), (".env", "SECRET=1"), (".gitignore", "build/")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    code, _, err = init(".", "--yes", **known)
    assert (code, err) == (
        2,
        f"sync-health: {tmp_path}/pipeline.yml is there already: "
        "name another folder, or add --force, which keeps it as pipeline.yml.bak\n",
    )
    for n in ("", "1"):
        code, out, err = init(".", "--yes", *ZONE, "--name", "mine", "--force", "--no-doctor", **known)
        assert code == 0, err
        assert f"kept {tmp_path}/.env as .env.bak{n}" in out
    assert (tmp_path / "pipeline.yml.bak").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / ".env.bak").read_text(encoding="utf-8") == "SECRET=1"
    assert (tmp_path / ".env.bak").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "build/\n.env\n.env.bak*\nsync-health.db*\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(".env", ".env.bak", ".env.bak1", ".gitignore", "pipeline.yml", "pipeline.yml.bak", "pipeline.yml.bak1"),
    ]


@pytest.mark.full
def test_without_census_the_ids_are_typed_and_without_a_warehouse_no_queue_is(init: Run, tmp_path: Path) -> None:
    away = {"CENSUS_API_URL": "http://127.0.0.1:9/api", "CENSUS_API_TOKEN": "t"}
    code, out, err = init("new", *ZONE, "--warehouse", "none", "--sync", "7", "--no-doctor", "--yes", **away)
    assert code == 0, err
    assert "! Census cannot be reached" in out and "can be typed" in out and "What it costs" not in out
    written = yaml.safe_load((tmp_path / "new" / "pipeline.yml").read_text(encoding="utf-8"))
    assert written["syncs"] == [{"name": "Sync 7", "id": 7}]


@pytest.mark.full
def test_a_folder_of_duckdb_files_is_a_warehouse_and_a_long_list_has_a_filter(
    init: Run, known: dict[str, str], tmp_path: Path
) -> None:
    (folder := tmp_path / "lake").mkdir()
    with duckdb.connect(str(folder / "lake-prod.duckdb")) as connection:
        connection.execute("CREATE SCHEMA crm")
        for n in range(30):
            connection.execute(f"CREATE TABLE crm.contacts_{n:02} AS SELECT {n} AS contact_id, now() AS updated_at")
    given = {name: known[name] for name in known if not name.startswith(("DATABRICKS", "SYNC_HEALTH"))}
    arguments = ("new", *ZONE, "--name", "contacts", "--record", "contact", "--records", "contacts")
    answers = ["HubSpot", A, "duckdb:lake", "_2", "9", "", "", "", "U0ROBIN"]
    code, out, err = init(*arguments, typed="".join(f"{one}\n" for one in answers), **given)
    assert code == 0, out + err
    assert "30 tables and views: type a part of the name" in out and "10 match" in out
    [sync] = yaml.safe_load((tmp_path / "new" / "pipeline.yml").read_text(encoding="utf-8"))["syncs"]
    assert (sync["queue"], sync["key"]) == ("lake-prod.crm.contacts_28", ["contact_id"])
    assert f"SYNC_HEALTH_WAREHOUSE=duckdb:{folder}\n" in (tmp_path / "new" / ".env").read_text(encoding="utf-8")


def test_the_link_pre_fills_the_app_with_the_manifest() -> None:
    from urllib.parse import parse_qs, urlsplit

    query = parse_qs(urlsplit(new_app_link()).query)
    manifest = yaml.safe_load((shipped.FOLDER / "manifest.yml").read_text(encoding="utf-8"))
    assert (query["new_app"], yaml.safe_load(query["manifest_yaml"][0])) == (["1"], manifest)
    assert len(new_app_link()) < 2000


def test_help_names_every_flag_and_the_exit_codes() -> None:
    out = CliRunner().invoke(app, ["init", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).stdout
    assert "Exit codes: 0 written, and doctor found all well" in out
    flags = ("sync", "queue", "key", "changed-at", "warehouse", "env", "yes", "force", "no-doctor", "operator")
    assert not [flag for flag in flags if f"--{flag}" not in out]
