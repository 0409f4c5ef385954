"""`sync-health deploy`, as somebody types it."""

from pathlib import Path

import pytest
import sqlglot
from typer.testing import CliRunner

from bot import sql
from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.services.deploy import OURS


def deploy(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
    """Without `typed`, nobody is at the terminal."""
    with pytest.MonkeyPatch.context() as patched:
        if typed is not None:
            patched.setattr("bot.cli.app.is_a_terminal", lambda: True)
        result = CliRunner().invoke(app, ["deploy", *arguments], input=typed)
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


@pytest.mark.full
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


@pytest.mark.full
def test_it_creates_everything_and_may_be_repeated(folder: Path) -> None:
    code, _, err = deploy("--yes")
    assert code == 2
    assert "--pipeline" not in err, "it would put empty tables where a name is wrong"
    assert "write it under tables in pipeline.yml" in err
    for actions in ({"create", "keep"}, {"replace", "keep"}):
        code, out, _ = deploy("--pipeline", "--yes")
        assert (code, out.splitlines()[-1]) == (0, "11 objects deployed")
        assert {line.split()[0] for line in out.splitlines()[:-1]} == actions
    warehouse = DuckDBWarehouse(folder, read_only=True)
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check").fetchall()
    warehouse.close()


@pytest.mark.full
def test_the_demo_can_be_deployed_to() -> None:
    code, out, _ = deploy("--demo")
    assert code == 0
    assert out.splitlines()[-1] == f"{len(OURS)} objects deployed"


def views(folder: Path) -> set[str]:
    warehouse = DuckDBWarehouse(folder)
    with warehouse.cursor() as cursor:
        rows = cursor.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    warehouse.close()
    return {name for (name,) in rows}


@pytest.mark.full
def test_nothing_is_changed_before_somebody_says_yes(folder: Path) -> None:
    for typed, said in (
        (None, "In a script, add --yes"),
        ("n\n", "nothing was changed"),
        ("\n", "nothing was changed"),
    ):
        code, out, err = deploy("--pipeline", typed=typed)
        assert code == 2
        assert said in err
        assert "create   crm.sfdc_dbx.daily_health_check" in out, "what it would do is shown before"
        assert views(folder) == set()
    assert deploy("--pipeline", typed="y\n")[0] == 0
    assert "daily_health_check" in views(folder)


@pytest.mark.full
def test_a_view_of_somebody_else_is_named_and_kept_until_it_is_adopted(folder: Path) -> None:
    assert deploy("--pipeline", "--yes")[0] == 0
    foreign = "CREATE OR REPLACE VIEW crm.sfdc_dbx.daily_health_check AS SELECT 'mine' AS coverage_status"

    def status() -> object:
        with_it = DuckDBWarehouse(folder)
        with with_it.cursor() as cursor:
            [(said,)] = cursor.execute("SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check").fetchall()
        with_it.close()
        return said

    warehouse = DuckDBWarehouse(folder)
    with warehouse.cursor() as cursor:
        cursor.execute(foreign)
    warehouse.close()
    code, _, err = deploy("--yes")
    assert code == 2
    assert "1 object is not from sync-health" in err
    assert "crm.sfdc_dbx.daily_health_check: a view; --adopt daily_health_check replaces it" in err
    assert status() == "mine"
    code, _, err = deploy("--yes", "--adopt", "daily_helth_check")
    assert (code, status()) == (2, "mine")
    assert "daily_health_check" in err
    code, out, _ = deploy("--yes", "--adopt", "daily_health_check")
    assert code == 0
    assert "adopt    crm.sfdc_dbx.daily_health_check" in out
    assert status() == "⚪ NO DATA"
