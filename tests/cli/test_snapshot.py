"""`sync-health snapshot`, as somebody types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.config import shipped
from tests.small_pipeline import SmallPipeline


def snapshot(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["snapshot", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.stdout.split()), result.stderr


@pytest.fixture
def own(folder: Path) -> Path:
    """Where somebody's own warehouse folder lies, and no other setting."""
    return folder.parent


def fill(folder: Path) -> None:
    warehouse = DuckDBWarehouse(folder)
    small = SmallPipeline(warehouse)
    small.properties(200)
    small.salesforce(192)
    warehouse.close()


@pytest.mark.full
def test_it_prints_the_numbers_and_the_change_since_the_last() -> None:
    code, out, _ = snapshot("--demo")
    assert code == 0
    assert "Coverage of Salesforce (%) 96.01 +0.0" in out
    assert "Sync A backlog 12 +0" in out
    assert "Sync B backlog 180 +0" in out
    assert "taken; change since daily_snapshot_" in out


@pytest.mark.full
def test_a_second_one_is_the_first(own: Path) -> None:
    fill(own / "warehouse")
    first = json.loads(snapshot("--json")[1])
    second = json.loads(snapshot("--json")[1])
    assert (first["existed"], second["existed"]) == (False, True)
    assert second["audit_id"] == first["audit_id"]
    assert first["numbers"] == second["numbers"]
    assert first["numbers"]["gap"] == 8
    assert "and stays as it is" in snapshot()[1]


def test_json_has_the_documented_keys(own: Path) -> None:
    fill(own / "warehouse")
    answer = json.loads(snapshot("--json", "--dry-run")[1])
    assert list(answer) == ["audit_id", "taken_at", "existed", "foreign", "dry_run", "numbers", "previous", "change"]
    assert answer["dry_run"] is True
    assert list(answer["numbers"]) == list(answer["change"])
    assert set(answer["change"].values()) == {None}


def test_a_dry_run_leaves_no_trace(own: Path) -> None:
    fill(own / "warehouse")
    code, out, _ = snapshot("--dry-run")
    assert code == 0
    assert "would be taken" in out
    assert not (own / "state.db").exists()
    warehouse = DuckDBWarehouse(own / "warehouse", read_only=True)
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log").fetchone() == (0,)
    warehouse.close()


def test_without_a_folder_tables_or_settings_it_says_what_helps(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = snapshot()
    assert (code, "sync-health deploy" in err) == (2, True)
    monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", f"duckdb:{own / 'gone'}")
    code, _, err = snapshot()
    assert (code, "there is no folder" in err) == (2, True)
    monkeypatch.delenv("SYNC_HEALTH_WAREHOUSE")
    code, _, err = snapshot()
    assert (code, "SYNC_HEALTH_WAREHOUSE is not set" in err) == (2, True)
    assert "Traceback" not in err


def test_in_observe_mode_none_is_taken_and_a_dry_run_is_shown(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    (config := own / "pipeline.yml").write_text(f"mode: observe\n{text}", encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    fill(own / "warehouse")
    code, out, err = snapshot("--json")
    assert code == 2 and "Observe mode makes no changes" in json.loads(out)["errors"][0]
    assert "sync-health: Observe mode makes no changes" in err and "set mode to act in pipeline.yml" in err
    assert not (own / "state.db").exists(), "it ends before anything is opened"
    assert snapshot("--dry-run")[0] == 0
