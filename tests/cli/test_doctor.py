"""`sync-health doctor`, as somebody types it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.store.sql_store import SqlStore
from bot.cli import launch
from bot.cli.app import app
from bot.demo.estate import Estate
from bot.runtime.composition import SystemClock, shipped_settings
from bot.runtime.demo import Demo


def doctor(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_a_demo_that_is_well_exits_with_0_and_names_everything() -> None:
    code, out = doctor("--demo")
    assert code == 0
    assert "✗" not in out
    for part in ("Slack token", "Slack scopes", "Slack channel", "Census Sync B", "warehouse", "audit log", "state"):
        assert f"✓ {part}" in out


@pytest.mark.full
def test_three_broken_things_are_three_findings_with_their_remedies(broken: list) -> None:
    broken.append(lambda demo: demo.slack.scopes.discard("usergroups:read"))
    broken.append(lambda demo: demo.census.switch("sync_paused", True))
    broken.append(lambda demo: demo.estate.switch("view_missing", True))
    code, out = doctor("--demo")
    assert code == 2
    assert out.count("✗") == 3
    assert "✗ Slack scopes: missing: usergroups:read" in out
    assert "→ add usergroups:read under OAuth & Permissions and install the app again" in out
    assert "✗ Census Sync B: Sync B (UPDATE) is paused" in out
    assert "✗ crm.sfdc_dbx.properties_to_update:" in out
    assert "\n3 of 27 checks failed" in out


@pytest.mark.full
def test_json_has_the_documented_keys(broken: list) -> None:
    broken.append(lambda demo: demo.slack.scopes.discard("usergroups:read"))
    code, out = doctor("--demo", "--json")
    answer = json.loads(out)
    assert code == 2
    assert list(answer) == ["ok", "checks"]
    assert answer["ok"] is False
    assert {tuple(check) for check in answer["checks"]} == {("name", "ok", "detail", "remedy")}
    assert [check["name"] for check in answer["checks"] if not check["ok"]] == ["Slack scopes"]


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "SYNC_HEALTH_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SYNC_HEALTH_STATE", f"sqlite:///{tmp_path}/state.db")
    yield
    assert not (tmp_path / "state.db").exists(), "nothing is made before the settings are right"


def test_settings_that_cannot_work_are_all_told_and_end_it(nothing_set: None) -> None:
    code, out = doctor()
    assert code == 2
    assert out.count("✗ settings:") == 4
    assert "SLACK_BOT_TOKEN is not set" in out


@pytest.mark.full
def test_no_token_is_repeated(broken: list, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.append(lambda demo: monkeypatch.setattr(demo.slack, "_tokens", {"bot": "another", "app": "another"}))
    _, out = doctor("--demo")
    assert "✗ Slack token: Slack refuses: invalid_auth" in out
    assert "another" not in out


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's own empty folder for the warehouse and the state; nothing outside can be reached."""
    reached = {"CENSUS_API_TOKEN": "t", "SLACK_BOT_TOKEN": "x", "SLACK_APP_TOKEN": "y"}
    reached |= dict.fromkeys(("SLACK_API_URL", "CENSUS_API_URL"), "http://127.0.0.1:9/api/")
    (folder := tmp_path / "own").mkdir()
    reached |= {"SYNC_HEALTH_WAREHOUSE": f"duckdb:{folder}", "SYNC_HEALTH_STATE": f"sqlite:///{folder}/state.db"}
    for name, value in reached.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.mark.full
def test_nothing_is_made_and_what_cannot_be_reached_is_no_missing_token(own: Path) -> None:
    code, out = doctor()
    assert code == 2
    assert list(own.iterdir()) == []
    assert "✓ state: not there yet: the bot creates it" in out
    assert "✗ Slack token: Slack cannot be reached" in out
    assert "check the address and the network" in out and "set SLACK_BOT_TOKEN" not in out
    assert out.count("check the address and the network") == 2 and out.count("→ the same") == 1


@pytest.mark.full
def test_a_warehouse_and_a_state_that_are_there_stay_as_they_are_byte_for_byte(own: Path) -> None:
    warehouse = DuckDBWarehouse(own)
    Estate(warehouse, SystemClock().now).build()
    warehouse.close()
    SqlStore(f"sqlite:///{own}/state.db").close()
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    _, out = doctor()
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before
    assert "✓ audit log: can be written" in out and "✓ state: sqlite, all migrations" in out


@pytest.mark.full
def test_a_column_that_only_the_snapshot_reads_is_missed(broken: list) -> None:
    table, column = "hive_metastore.salesforce.product_property", "id_verification_enabled_c"
    broken.append(lambda demo: demo.warehouse.cursor().execute(f"ALTER TABLE {table} DROP COLUMN {column}"))
    assert f"✗ {table}: without {column}" in doctor("--demo")[1]


@pytest.mark.full
def test_the_contracts_are_verified_by_reads_alone_and_without_a_value() -> None:
    code, out = doctor("--demo", "--verify-contracts")
    assert code == 0
    assert "✓ Census GET its records: as expected" in out
    assert "✓ Databricks GET the warehouse: as expected" in out
    assert "✓ Slack conversations.history: as expected" in out


def test_doctor_and_run_say_that_the_bot_observes(
    broken: list, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Observe mode: no changes to Census or the warehouse"
    assert "✓ mode" not in doctor("--demo")[1]
    acting = Demo.connect
    observing = replace(shipped_settings(), mode="observe")

    def connect_observing(demo: Demo) -> Any:
        ports, client = acting(demo)
        return replace(ports, settings=replace(ports.settings, mode="observe")), client

    monkeypatch.setattr(Demo, "connect", connect_observing)
    code, out = doctor("--demo")
    assert code == 0
    assert f"✓ mode: {said} (mode in pipeline.yml)" in out
    assert "✓ audit log: not tried in observe mode" in out
    launch._say_what_is_watched(observing)
    assert capsys.readouterr().err.count(said) == 1
    launch._say_what_is_watched(shipped_settings())
    assert said not in capsys.readouterr().err
