"""`sync-health deploy`, as somebody types it."""

from pathlib import Path

import pytest
import sqlglot
from typer.testing import CliRunner

from bot.adapters.duckdb import DuckDBWarehouse
from bot.cli.app import app
from bot.config import shipped
from bot.services.deploy import OURS
from tests.sql_folder import SHIPPED


def deploy(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
    """Without `typed`, nobody is at the terminal."""
    with pytest.MonkeyPatch.context() as patched:
        if typed is not None:
            patched.setattr("bot.cli.deploy.is_a_terminal", lambda: True)
        result = CliRunner().invoke(app, ["deploy", *arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_shipped_files_are_shown_as_they_are_and_nothing_is_run(folder: Path) -> None:
    code, out, _ = deploy("--show")
    assert code == 0
    assert out == "".join(f"{SHIPPED.load(name).rstrip()};\n\n" for name in OURS)
    assert list(folder.iterdir()) == []


@pytest.mark.full
def test_showing_needs_no_warehouse_and_replaces_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNC_HEALTH_WAREHOUSE", raising=False)
    code, out, _ = deploy("--show", "--pipeline")
    assert code == 0
    assert len([tree for tree in sqlglot.parse(out, dialect="databricks") if tree]) == 11
    assert out.count("CREATE TABLE IF NOT EXISTS") == 5
    assert "REPLACE TABLE" not in out


def test_limits_of_the_pipeline_are_in_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    changed = text.replace("limits: {}", 'limits: {coverage: {warn: "< 97.5"}}').replace("America/Los_", "Europe/L_")
    config = tmp_path / "pipeline.yml"
    config.write_text(changed.replace("Europe/L_Angeles", "Europe/London"), encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    code, out, _ = deploy("--show")
    assert code == 0
    assert "97.5 AS coverage_warn" in out
    assert out.count("'Europe/London' AS zone") == 2


@pytest.mark.full
def test_it_creates_everything_and_may_be_repeated(folder: Path) -> None:
    code, _, err = deploy("--yes")
    assert code == 2
    assert "--pipeline" not in err, "it would put empty tables where a name is wrong"
    assert "write it under tables in pipeline.yml" in err
    for actions, said in (
        ({"create", "keep"}, "10 objects deployed, 1 kept"),
        ({"keep"}, "Nothing to deploy: 11 objects are as pipeline.yml says"),
    ):
        code, out, _ = deploy("--pipeline", "--yes")
        assert (code, out.splitlines()[-1]) == (0, said)
        assert {line.split()[0] for line in out.splitlines()[1:-1]} == actions
    warehouse = DuckDBWarehouse(folder, read_only=True)
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check").fetchall()
    warehouse.close()


@pytest.mark.full
def test_the_demo_is_deployed_already() -> None:
    code, out, _ = deploy("--demo")
    assert code == 0
    assert out.splitlines()[-1] == "Nothing to deploy: 3 objects are as pipeline.yml says"


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
        assert "create  crm.sfdc_dbx.daily_health_check " in out, "what it would do is shown before"
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
    assert "1 object is in the way" in err
    assert "crm.sfdc_dbx.daily_health_check: a view not from sync-health; --adopt daily_health_check replaces it" in err
    assert status() == "mine"
    code, _, err = deploy("--yes", "--adopt", "daily_helth_check")
    assert (code, status()) == (2, "mine")
    assert "daily_health_check" in err
    code, out, _ = deploy("--yes", "--adopt", "daily_health_check")
    assert code == 0
    assert "adopt   crm.sfdc_dbx.daily_health_check" in out
    assert status() == "⚪ NO DATA"


def test_in_observe_mode_nothing_is_deployed_and_the_plan_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    (config := folder.parent / "pipeline.yml").write_text(f"mode: observe\n{text}", encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    code, _, err = deploy("--pipeline", "--yes")
    assert (code, "set mode to act in pipeline.yml" in err) == (2, True)
    assert list(folder.iterdir()) == [] and not (folder.parent / "state.db").exists()
    assert deploy("--dry-run")[0] == 0
