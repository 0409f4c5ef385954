"""`sync-health deploy --dry-run` from three starting points: nothing, a team's own objects, and our own deploy."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config import shipped
from bot.demo.warehouse.server import PATH
from tests.cli import test_deploy
from tests.cli.test_deploy import deploy
from tests.small_pipeline import SmallPipeline
from tests.sql_folder import shipped_statements
from tests.warehouses import TOKEN, local_databricks

Run = Callable[..., list[tuple[Any, ...]]]
LOG, DAILY, MONITOR = (f"crm.sfdc_dbx.{name}" for name in test_deploy.OURS)
THEIRS = (
    f"CREATE TABLE {LOG} (audit_id VARCHAR, sync_name VARCHAR, sync_type VARCHAR, execution_timestamp TIMESTAMPTZ,"
    " records_processed BIGINT, records_succeeded INTEGER, records_failed INTEGER, error_rate DECIMAL(5, 2),"
    " executed_by VARCHAR, census_sync_id BIGINT, created_at DATE, team VARCHAR)",
    f"CREATE OR REPLACE VIEW {DAILY} AS SELECT 'mine' AS coverage_status",
)


@pytest.fixture(params=["duckdb", "databricks"])
def run(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """DuckDB's SQL, in the folder or behind the wire; the command uses the same place. Nothing of the bot is there."""
    if request.param == "duckdb":

        def execute(*statements: str) -> list[tuple[Any, ...]]:
            warehouse = DuckDBWarehouse(folder, shipped_statements())
            try:
                with warehouse.cursor() as cursor:
                    return [row for text in statements for row in cursor.execute(text).fetchall()]
            finally:
                warehouse.close()

        yield execute
        return
    with local_databricks() as local:
        monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", "databricks")
        for name, value in (("HOST", local.server.url), ("HTTP_PATH", PATH), ("TOKEN", TOKEN)):
            monkeypatch.setenv(f"DATABRICKS_{name}", value)
        yield lambda *statements: [row for text in statements for row in local.run(text)]


def in_words(out: str) -> list[str]:
    """Lines, with one space between columns."""
    return [" ".join(line.split()) for line in out.splitlines()]


def listed(run: Run) -> list[tuple[Any, ...]]:
    """Everything that is there, with its text."""
    names = "FROM duckdb_views() WHERE NOT internal UNION ALL SELECT table_name, sql, comment FROM duckdb_tables()"
    return run(f"SELECT view_name, sql, comment {names} ORDER BY 1")


@pytest.mark.full
def test_where_nothing_is_everything_would_be_created(run: Run, folder: Path) -> None:
    code, out, _ = deploy("--dry-run", "--pipeline")
    assert code == 0 and list(folder.iterdir()) == []
    lines = in_words(out)
    assert lines[0] == "action object what is there"
    assert f"create {LOG} nothing there yet" in lines and len(lines) == 14
    assert lines[-1] == "11 statements would run: 11 create. Nothing was changed."


@pytest.mark.full
def test_what_of_a_team_is_in_the_way_is_shown_with_what_differs_and_what_to_run(run: Run) -> None:
    run(*THEIRS)
    before = listed(run)
    code, out, _ = deploy("--dry-run")
    assert code == 1 and listed(run) == before
    lines = in_words(out)
    assert f"refuse {LOG} a table of another shape: notes, created_at" in lines
    assert f"refuse {DAILY} a view not from sync-health; --adopt daily_health_check replaces it" in lines
    assert f"create {MONITOR} nothing there yet" in lines
    at = lines.index("column deploy creates found")
    assert lines[at + 1 : at + 6] == [
        "records_processed INT BIGINT fits",
        "error_rate DOUBLE DECIMAL(5, 2) fits",
        "notes STRING – missing",
        "created_at TIMESTAMP DATE does not fit",
        "team – STRING fits",
    ]
    remedies = [line for line in lines if line.startswith("ALTER TABLE")]
    assert [line.split()[3] for line in remedies] == ["ADD", "RENAME", "ADD"]
    assert any(line.startswith("-") and "'mine' AS coverage_status" in line for line in lines)
    assert lines[-1] == "2 objects are in the way: no statement would run. Nothing was changed."


@pytest.mark.full
def test_a_deploy_that_is_refused_says_each_column_and_changes_nothing(run: Run) -> None:
    run(*THEIRS)
    before = listed(run)
    code, out, err = deploy("--yes", "--adopt", "daily_health_check")
    assert (code, listed(run)) == (2, before)
    assert "notes STRING – missing" in in_words(out) and "ADD COLUMN" in out
    assert f"1 object is in the way; nothing was changed: {LOG}: a table of another shape: notes, created_at" in err


@pytest.mark.full
def test_what_we_deployed_is_current_until_pipeline_yml_changes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploy("--pipeline", "--yes")[0] == 0
    before = listed(run)
    code, out, _ = deploy("--dry-run", "--pipeline")
    assert code == 0
    assert in_words(out)[-1] == "Nothing to deploy: 11 objects are as pipeline.yml says"
    assert deploy("--pipeline")[1].splitlines()[-1] == in_words(out)[-1], "nobody is asked about nothing"
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    config = tmp_path / "pipeline.yml"
    config.write_text(text.replace("limits: {}", 'limits: {coverage: {warn: "< 96"}}'), encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    code, out, _ = deploy("--dry-run")
    assert (code, listed(run)) == (0, before)
    lines = in_words(out)
    assert f"replace {DAILY} settings changed: coverage_warn 95 → 96" in lines
    assert "- 95 AS coverage_warn," in lines and "+ 96 AS coverage_warn," in lines
    assert lines[-1] == "1 statement would run: 1 replace; 2 objects kept. Nothing was changed."
    assert deploy("--yes")[1].splitlines()[-1] == "1 object deployed, 2 kept"
    assert in_words(deploy("--dry-run")[1])[-1] == "Nothing to deploy: 3 objects are as pipeline.yml says"


@pytest.mark.full
def test_the_plan_as_json_has_the_differences_as_data(run: Run) -> None:
    run(*THEIRS)
    code, out, _ = deploy("--dry-run", "--json", "--adopt", "daily_health_check")
    plan = json.loads(out)
    assert (code, plan["can_deploy"], plan["mode"], plan["statements"]) == (1, False, "act", 0)
    log, daily, monitor = plan["objects"]
    assert [one["action"] for one in plan["objects"]] == ["refuse", "adopt", "create"]
    wrong = {one["column"]: (one["expected"], one["found"]) for one in log["columns"] if not one["fits"]}
    assert wrong == {"notes": ("STRING", ""), "created_at": ("TIMESTAMP", "DATE")}
    assert (daily["found"], daily["ours"], daily["text_readable"]) == ("view", False, True)
    assert daily["diff"][:2] == ["--- as it is", "+++ after deploy"]
    assert (monitor["found"], monitor["text_readable"], monitor["diff"]) == (None, None, [])


def test_json_is_of_a_dry_run_alone(folder: Path) -> None:
    code, out, _ = deploy("--json", "--yes")
    assert (code, json.loads(out)["errors"]) == (2, ["--json: it shows the plan of --dry-run, add that"])
    assert list(folder.iterdir()) == []


def test_in_observe_mode_the_plan_is_shown_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8")
    (config := folder.parent / "pipeline.yml").write_text(f"mode: observe\n{text}", encoding="utf-8")
    monkeypatch.setenv("SYNC_HEALTH_CONFIG", str(config))
    code, out, _ = deploy("--dry-run")
    assert code == 0 and "set mode to act in pipeline.yml" in out
    assert in_words(out)[-1] == "3 statements would run: 3 create. Nothing was changed."
    plan = json.loads(deploy("--dry-run", "--json")[1])
    assert (plan["can_deploy"], plan["mode"]) == (False, "observe")


@pytest.mark.full
def test_a_login_that_may_not_read_a_text_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_databricks() as local:
        monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", "databricks")
        for name, value in (("HOST", local.server.url), ("HTTP_PATH", PATH), ("TOKEN", TOKEN)):
            monkeypatch.setenv(f"DATABRICKS_{name}", value)
        SmallPipeline(local.duckdb)
        local.run(f"CREATE OR REPLACE VIEW {MONITOR} AS SELECT 1 AS mine")
        local.server.hides_view_text = True
        lines = in_words(deploy("--dry-run")[1])
        assert f"replace {DAILY} ours, text not readable" in lines
        replaces = "--adopt sync_health_monitor replaces it"
        assert f"refuse {MONITOR} a view not from sync-health, its text not readable; {replaces}" in lines
        told = "Its text cannot be read by this login, so no difference is shown: its owner sees it."
        assert lines.count(told) == 2
