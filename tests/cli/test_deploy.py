"""`sync-health deploy`, as somebody types it."""

from pathlib import Path

import pytest
import sqlglot
from typer.testing import CliRunner

from bot import sql
from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli import app
from bot.services.deploy import OURS


def deploy(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["deploy", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty warehouse folder, and no other setting."""
    folder = tmp_path / "warehouse"
    folder.mkdir()
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", f"duckdb:{folder}")
    monkeypatch.setenv("SYNC_HEALTH_STATE", f"sqlite:///{tmp_path / 'state.db'}")
    return folder


def test_a_dry_run_prints_the_shipped_files_and_runs_nothing(folder: Path) -> None:
    code, out, _ = deploy("--dry-run")
    assert code == 0
    assert out == "".join(f"{sql.load(name).rstrip()};\n\n" for name in OURS)
    assert list(folder.iterdir()) == []


def test_a_dry_run_needs_no_warehouse_and_replaces_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNC_HEALTH_WAREHOUSE", raising=False)
    code, out, _ = deploy("--dry-run", "--pipeline")
    assert code == 0
    assert len([tree for tree in sqlglot.parse(out, dialect="databricks") if tree]) == 11
    assert out.count("CREATE TABLE IF NOT EXISTS") == 5
    assert "REPLACE TABLE" not in out


def test_limits_of_the_pipeline_are_in_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = (Path(sql.FOLDER).parent / "pipeline.yml").read_text(encoding="utf-8")
    changed = shipped.replace("limits: {}", 'limits: {coverage: {warn: "< 97.5"}}').replace("America/Los_", "Europe/L_")
    config = tmp_path / "pipeline.yml"
    config.write_text(changed.replace("Europe/L_Angeles", "Europe/London"), encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    code, out, _ = deploy("--dry-run")
    assert code == 0
    assert "97.5 AS coverage_warn" in out
    assert out.count("'Europe/London' AS zone") == 2


def test_it_creates_everything_and_may_be_repeated(folder: Path) -> None:
    code, _, err = deploy()
    assert code == 2
    assert "--pipeline creates the pipeline's own tables" in err
    for _ in range(2):
        code, out, _ = deploy("--pipeline")
        assert (code, out.count("deployed ")) == (0, 11)
    warehouse = DuckDBWarehouse(folder, read_only=True)
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check").fetchall()
    warehouse.close()


def test_the_demo_can_be_deployed_to() -> None:
    code, out, _ = deploy("--demo")
    assert code == 0
    assert out == "".join(f"deployed {name}\n" for name in OURS)
