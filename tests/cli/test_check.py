"""`sync-health check`, as somebody types it."""

import json
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.config import shipped
from bot.demo.estate import FAULTS, Estate
from bot.runtime.composition import SystemClock
from bot.runtime.demo import Demo
from tests.new_state import earlier_state

BUG = next(iter(FAULTS))


def check(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def nameless(demo: Demo) -> int:
    return int(demo.warehouse.ask("measure/health")[0]["null_company_names"])


def write_wrong_names(demo: Demo, most: int = 10_000) -> None:
    """The bug, brought to Salesforce until so many rows there have no name."""
    demo.estate.switch(BUG, True)
    rows, written = demo.estate.take("update", 1), 0
    while written < rows and nameless(demo) < most:
        demo.estate.bring("update", 1, written + 1, written + 10)
        written += 10


@pytest.mark.full
def test_a_healthy_pipeline_exits_with_0() -> None:
    code, out, _ = check("--demo")
    assert code == 0
    assert "null_company_names" in out
    assert re.search(r"^\d\d checks passed · 1 statement · \d+\.\d s$", out, re.MULTILINE)


@pytest.mark.full
def test_json_has_the_documented_keys() -> None:
    code, out, _ = check("--demo", "--json", "--dry-run")
    answer = json.loads(out)
    assert code == 0
    keys = ["outcome", "checked_at", "statements", "seconds", "checks", "problems", "syncs", "incidents"]
    assert list(answer) == keys
    assert (answer["problems"], answer["incidents"]) == ([], [])
    assert [(sync["name"], sync["error"]) for sync in answer["syncs"]] == [("Sync A", None), ("Sync B", None)]
    assert answer["syncs"][1]["pending"] == 180
    assert answer["outcome"] == "ok"
    assert answer["statements"] == 1
    assert datetime.fromisoformat(answer["checked_at"]).utcoffset() == timedelta(0)
    assert 0 < answer["seconds"] < 5
    assert {
        "name": "null_company_names",
        "sync": None,
        "outcome": "ok",
        "value": 7,
        "warn": "> 30",
        "critical": "> 50",
        "summary": "7 Salesforce records missing company name",
        "error": None,
        "runbook": "null-company-names",
    } in answer["checks"]
    assert {check["sync"] for check in answer["checks"]} == {None, "Sync A", "Sync B"}
    assert {check["outcome"] for check in answer["checks"]} == {"ok"}


def test_a_critical_pipeline_exits_with_1(broken: list) -> None:
    broken.append(write_wrong_names)
    code, out, _ = check("--demo")
    assert code == 1
    assert re.search(
        r"^critical +null_company_names +24\d +> 30 +> 50 +24\d Salesforce records missing company name",
        out,
        re.MULTILINE,
    )
    assert re.search(r"^\d+ of \d+ checks passed · \d critical", out, re.MULTILINE)
    assert re.search(r"24\d Salesforce records", out)


@pytest.mark.full
def test_a_warning_fails_only_where_that_is_asked_for(broken: list) -> None:
    broken.append(lambda demo: write_wrong_names(demo, most=31))
    broken.append(lambda demo: demo.estate.switch(BUG, False))  # else what is pending is suspect as well
    assert check("--demo")[0] == 0
    assert check("--demo", "--strict")[0] == 1


@pytest.mark.full
def test_an_empty_table_is_no_data_and_exits_with_2(broken: list) -> None:
    broken.append(lambda demo: demo.warehouse.do("pipeline/tables/product_property"))
    code, out, _ = check("--demo", "--json")
    assert code == 2
    assert json.loads(out)["outcome"] == "no_data"
    values = {
        (check["name"], check["sync"]): check["value"]
        for check in json.loads(out)["checks"]
        if check["sync"] is None or check["name"] in ("backlog", "suspect_records")
    }
    queues = {("backlog", "Sync A"), ("backlog", "Sync B")}
    assert set(values) >= {("null_company_names", None), ("coverage", None), *queues}
    assert values.pop(("newest_row", None)) < 0, "the newest of other tables"
    assert set(values.values()) == {None}


@pytest.mark.full
def test_a_missing_table_is_named_and_exits_with_2(broken: list) -> None:
    broken.append(lambda demo: demo.warehouse.cursor().execute("DROP TABLE hive_metastore.salesforce.product_property"))
    code, out, _ = check("--demo")
    assert code == 2
    assert "product_property is missing" in out


@pytest.mark.full
def test_why_there_is_no_number_is_said_once(broken: list) -> None:
    def finish_in_the_future(demo: Demo) -> None:
        for run in demo.census._runs.values():
            run["completed_at"] = f"{demo.clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"

    broken.append(finish_in_the_future)
    code, out, _ = check("--demo", "--all")
    [line] = [line for line in out.splitlines() if "failed_runs (Sync A)" in line]
    assert code == 2 and line.count("completed in the future") == 1


@pytest.mark.full
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_json_names_what_is_open_or_would_be(broken: list, more: list[str]) -> None:
    broken.append(lambda demo: demo.census.switch("sync_paused", True))
    [found] = json.loads(check("--demo", "--json", *more)[1])["incidents"]
    assert (found["check"], found["sync"], found["severity"]) == ("schedule_enabled", "Sync B", "critical")
    assert found["acknowledged_by"] is None
    assert (found["id"] is None) is bool(more), "one that only would be opened has no number yet"


@pytest.mark.full
def test_json_has_the_problems_too(broken: list) -> None:
    broken.append(lambda demo: demo.census.stop())
    answer = json.loads(check("--demo", "--json", "--dry-run")[1])
    assert [problem.split(":")[0] for problem in answer["problems"]] == [
        "Census, Sync A (CREATE)",
        "Census, Sync B (UPDATE)",
    ]


@pytest.mark.full
def test_some_checks_are_run_by_themselves(broken: list) -> None:
    broken.append(lambda demo: demo.census.stop())
    code, out, err = check("--demo", "coverage", "null_company_names")
    assert code == 0, "Census, which neither asks, is down"
    assert "2 checks passed · 1 statement" in out and "sync_recency" not in out
    assert "nothing is kept, nothing is sent" in err


@pytest.mark.full
def test_a_check_of_census_alone_wakes_no_warehouse(broken: list) -> None:
    asked: list[Demo] = []
    broken.append(asked.append)
    code, out, _ = check("--demo", "sync_recency", "--json")
    assert (code, json.loads(out)["statements"]) == (0, 0)
    assert "ExecuteStatement" not in asked[0].databricks.calls


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("coverge", 'there is no check "coverge": did you mean "coverage"?'),
        ("data_missing", 'there is no check "data_missing"'),  # judges the others
    ],
)
def test_a_check_that_is_not_there_names_the_nearest_and_ends_with_2(name: str, said: str) -> None:
    code, out, err = check("--demo", name)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.full
def test_some_checks_leave_the_state_as_it_is(own_pipeline: Path) -> None:
    assert check()[0] == 0
    before = (own_pipeline / "state.db").read_bytes()
    assert check("coverage")[0] == 0
    assert (own_pipeline / "state.db").read_bytes() == before


def on_a_terminal(*arguments: str) -> str:
    """What a command shows on a terminal 200 columns wide."""
    here, there = pty.openpty()
    termios.tcsetwinsize(there, (50, 200))
    command = [sys.executable, "-m", "bot.cli", "check", "--demo", "--dry-run", *arguments]
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdout=there, stderr=subprocess.DEVNULL, env=environment) as running:
        os.close(there)
        shown = b""
        with suppress(OSError):  # that is how a terminal ends
            while some := os.read(here, 10_000):
                shown += some
        os.close(here)
        assert running.wait(120) == 0
    return re.sub(r"\x1b\[[\d;]*m", "", shown.decode())


@pytest.mark.full
def test_on_a_terminal_healthy_checks_are_a_count_unless_all_are_asked_for() -> None:
    short, whole = on_a_terminal(), on_a_terminal("--all")
    assert re.search(r"^\d\d healthy checks not shown \(--all\)\r$", short, re.MULTILINE)
    assert "null_company_names" not in short and "null_company_names" in whole
    assert "checks passed · 1 statement" in short and "not shown" not in whole


@pytest.mark.full
def test_each_command_says_which_pipeline_yml_it_uses(
    own_pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    (named := tmp_path / "named.yml").write_text(text, encoding="utf-8")
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    assert check("--json", "--dry-run")[2] == f"Using {shipped.FOLDER / 'pipeline.yml'} (the shipped one)\n"
    (here / "pipeline.yml").write_text(text, encoding="utf-8")
    assert check("--json", "--dry-run")[2] == f"Using {here / 'pipeline.yml'} (this folder)\n"
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(named))
    code, out, err = check("--json", "--dry-run")
    assert (code, err) == (0, f"Using {named} (SYNC_HEALTH_CONFIG)\n")
    assert json.loads(out)["outcome"] == "ok"


@pytest.mark.full
def test_a_dry_run_leaves_the_state_of_an_earlier_version_as_it_is_and_says_so(own_pipeline: Path) -> None:
    path = own_pipeline / "state.db"
    earlier_state(path)
    before = path.read_bytes()
    code, out, err = check("--json", "--dry-run")
    assert (code, json.loads(out)["outcome"]) == (0, "ok")
    assert "is of an earlier version" in err and "as if no bot had run before" in err
    assert path.read_bytes() == before


@pytest.mark.full
@pytest.mark.parametrize("text", ["name: [", None], ids=["broken", "missing"])
def test_the_demo_says_that_it_ignores_an_own_file_and_runs(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.yml"
    if text:
        own.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(own))
    code, out, err = check("--demo", "--json", "--dry-run")
    assert (code, json.loads(out)["outcome"]) == (0, "ok")
    assert err == f"--demo ignores {own}: it has a pipeline of its own\n"


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"sync-health {version('sync-health')}\n")


@pytest.mark.full
def test_census_down_exits_with_2_though_the_numbers_are_well(broken: list) -> None:
    broken.append(lambda demo: demo.census.stop())
    code, out, _ = check("--demo", "--verbose")
    assert code == 2
    assert "Census, Sync A (CREATE)" in out


@pytest.mark.full
def test_verbose_shows_the_syncs_too() -> None:
    _, out, _ = check("--demo", "--verbose", "--dry-run")
    assert "Sync B (UPDATE)  180" in out
    assert "every 15 minutes" in out


def test_a_broken_configuration_is_listed_whole_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pipeline.yml"
    config.write_text(
        "name: properties\nzone: America/Los_Angles\nchannel: x\nchanel: y\nsyncs: []\n", encoding="utf-8"
    )
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    monkeypatch.delenv("CENSUS_API_TOKEN", raising=False)
    code, out, err = check()
    assert code == 2
    assert out == ""
    assert "environment: CENSUS_API_TOKEN is not set" in err, "what is wrong elsewhere is told in the same breath"
    assert (
        'pipeline.yml:2: zone: there is no time zone "America/Los_Angles": did you mean "America/Los_Angeles"?' in err
    )
    assert 'pipeline.yml:4: chanel: unknown key "chanel": did you mean "channel"?' in err
    assert "pipeline.yml:5: syncs:" in err
    assert "Traceback" not in err


def test_without_settings_every_missing_one_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "SYNC_HEALTH_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = check()
    assert code == 2
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "SYNC_HEALTH_WAREHOUSE", "--demo"):
        assert name in err


@pytest.fixture
def own_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Somebody's own warehouse folder, Census and Slack, pointed to by the environment."""
    folder = tmp_path / "warehouse"
    folder.mkdir()
    warehouse = DuckDBWarehouse(folder)
    Estate(warehouse, SystemClock().now).build()
    warehouse.close()
    demo = Demo(speed=1)  # whose clock is that of the command
    demo.start()
    environment = {
        "SYNC_HEALTH_WAREHOUSE": f"duckdb:{folder}",
        "SYNC_HEALTH_STATE": f"sqlite:///{tmp_path / 'state.db'}",
        "CENSUS_API_URL": demo.census.url,
        "CENSUS_API_TOKEN": demo.tokens["census"],
        "SLACK_API_URL": f"{demo.slack.url}/api/",
        "SLACK_BOT_TOKEN": demo.tokens["slack_bot"],
        "SLACK_APP_TOKEN": demo.tokens["slack_app"],
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    demo.stop()


@pytest.mark.full
def test_a_dry_run_leaves_no_trace(own_pipeline: Path) -> None:
    assert check("--dry-run")[0] == 0
    assert not (own_pipeline / "state.db").exists()
    code, _, said = check()
    assert code == 0 and f"{own_pipeline / 'state.db'}, which is new" in said
    assert (own_pipeline / "state.db").exists()
    assert "which is new" not in check()[2]


@pytest.mark.full
def test_it_runs_as_a_command_and_without_colour_in_a_pipe(own_pipeline: Path) -> None:
    command = [str(Path(sys.executable).parent / "sync-health"), "check"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "healthy" in finished.stdout
    assert "\x1b" not in finished.stdout
    assert re.fullmatch(r"Using \S+pipeline.yml \(.+\)\nWhat the bot remembers: .+\n", finished.stderr)


@pytest.mark.full
def test_the_past_is_judged_by_the_limits_of_today_and_by_others() -> None:
    code, out, _ = check("--demo", "--replay", "30d")
    assert code == 0
    assert "opened  null_company_names: 44 Salesforce records missing company name" in out
    assert "opened  coverage" not in out
    code, out, _ = check(
        "--demo", "--replay", "30d", "--limit", "coverage: warn < 96", "--limit", "coverage: clear > 97"
    )
    assert code == 0
    assert "opened  coverage" in out


@pytest.mark.full
def test_the_past_as_json_has_the_documented_keys() -> None:
    _, out, _ = check("--demo", "--replay", "10d", "--json")
    answer = json.loads(out)
    assert list(answer) == ["from", "to", "snapshots", "checks", "not_in_the_audit_log"]
    assert answer["snapshots"] == 10
    names = {(one["name"], one["sync"]): one for one in answer["checks"]}
    backlog = names["backlog", "Sync B"]
    assert backlog["warn"] == "> 500"
    assert names["backlog", "Sync A"]["warn"] == "> 50"
    assert backlog["lowest"] <= backlog["median"] <= backlog["highest"]
    assert "sync_recency" in answer["not_in_the_audit_log"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--limit", "coverage: warn < 94"], "add --replay 30d"),
        (["--replay", "a month"], "cannot read the duration"),
        (["--demo", "--replay", "30d", "--limit", "cover: warn < 94"], 'did you mean "coverage"'),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_what_to_write(arguments: list[str], said: str) -> None:
    code, _, err = check(*arguments)
    assert code == 2
    assert said in err
