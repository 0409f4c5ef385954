"""The bundle that `sync-health deploy --bundle` writes: what Databricks' own readers say of it, and what it holds."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.bundle.files import bundle_files
from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError
from bot.runtime.composition import settings_from
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles
from checks.forms import parse_limit
from checks.model import Check
from tests.oracles import script

ROOT = Path(__file__).parents[2]
PIPELINES = {"properties": ROOT / "pipeline.yml", "contacts": ROOT / "tests" / "contacts" / "pipeline.yml"}
EACH = pytest.mark.parametrize("pipeline", PIPELINES)
REGENERATE = "write it again and commit it: .venv/bin/sync-health deploy --bundle deploy"


def settings_of(pipeline: str) -> Settings:
    return settings_from({"SYNC_HEALTH_CONFIG": str(PIPELINES[pipeline])})


@cache
def files_of(pipeline: str) -> Mapping[str, str]:
    return bundle_files(settings_of(pipeline))


def document(pipeline: str) -> dict[str, Any]:
    return yaml.safe_load(files_of(pipeline)["databricks.yml"])


def dashboard(pipeline: str) -> dict[str, Any]:
    return json.loads(files_of(pipeline)["dashboard.lvdash.json"])


def widgets(pipeline: str) -> dict[str, dict[str, Any]]:
    """By the name of their dataset, without its number."""
    found = (one["widget"] for one in dashboard(pipeline)["pages"][0]["layout"] if "spec" in one["widget"])
    return {one["queries"][0]["query"]["datasetName"][3:]: one for one in found}


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """A folder for each pipeline."""
    for pipeline in PIPELINES:
        (tmp_path / pipeline).mkdir()
        for name, text in files_of(pipeline).items():
            (tmp_path / pipeline / name).write_text(text, encoding="utf-8")
    yield tmp_path


def test_the_committed_bundle_is_the_one_that_is_written_now() -> None:
    files = files_of("properties")
    for name, text in files.items():
        committed = (ROOT / "deploy" / name).read_text(encoding="utf-8")
        assert committed == text, f"deploy/{name} is not what pipeline.yml, checks and sql/ say now: {REGENERATE}"
    assert {path.name for path in (ROOT / "deploy").iterdir() if path.is_file()} == set(files)


@pytest.mark.full
@EACH
def test_another_process_writes_the_same(pipeline: str, tmp_path: Path) -> None:
    files = files_of(pipeline)
    for seed in ("1", "2"):
        given = {**os.environ, "PYTHONHASHSEED": seed, "SYNC_HEALTH_CONFIG": str(PIPELINES[pipeline])}
        command = [sys.executable, "-m", "bot.cli", "deploy", "--bundle", str(tmp_path / seed)]
        subprocess.run(command, check=True, cwd=ROOT, env={**given, "XDG_CACHE_HOME": str(tmp_path / f"cache{seed}")})
        assert {path.name: path.read_text("utf-8") for path in (tmp_path / seed).iterdir()} == dict(files)


@EACH
def test_the_schema_of_the_databricks_cli_takes_it(pipeline: str, written: Path) -> None:
    check = script("databricks/check_bundle.py")
    assert check.main([str(written / pipeline / "databricks.yml")]) == 0


@EACH
def test_its_dashboard_would_open(pipeline: str, written: Path) -> None:
    found = json.loads((written / pipeline / "dashboard.lvdash.json").read_text(encoding="utf-8"))
    assert list(script("databricks/lvdash_check.py").faults(found)) == []


@EACH
def test_databricks_own_package_reads_its_jobs_and_its_alert(pipeline: str) -> None:
    needs = "needs databricks-bundles: pip install --require-hashes -r requirements-ci.txt"
    jobs = pytest.importorskip("databricks.bundles.jobs", reason=needs)
    alerts = pytest.importorskip("databricks.bundles.alerts", reason=needs)
    resources = document(pipeline)["resources"]
    read = {name: jobs.Job.from_dict(job).as_dict() for name, job in resources["jobs"].items()}
    assert read == resources["jobs"], "it drops nothing that we say"
    read = {name: alerts.Alert.from_dict(one).as_dict() for name, one in resources["alerts"].items()}
    assert read == resources["alerts"]


@EACH
def test_each_variable_is_used_and_each_that_is_used_exists(pipeline: str) -> None:
    text = files_of(pipeline)["databricks.yml"]
    assert set(re.findall(r"\$\{var\.(\w+)", text)) == document(pipeline)["variables"].keys()


@EACH
def test_every_file_that_it_names_is_written_with_it(pipeline: str) -> None:
    files = files_of(pipeline)
    named = set(re.findall(r"path: \./(\S+)", files["databricks.yml"]))
    assert named == files.keys() - {"databricks.yml"}


@EACH
def test_a_team_file_is_taken_where_there_is_one_and_never_written(pipeline: str) -> None:
    [own] = document(pipeline)["include"]
    assert "*" in own, "without a star the Databricks CLI wants the file to be there"
    assert not any(Path(name).match(own) for name in files_of(pipeline))


@EACH
def test_jobs_and_alert_follow_the_clock_of_the_pipeline(pipeline: str) -> None:
    zone = settings_of(pipeline).zone.key
    resources = document(pipeline)["resources"]
    schedules = {name: job["schedule"] for name, job in resources["jobs"].items()}
    assert {name: one["quartz_cron_expression"] for name, one in schedules.items()} == {
        "snapshot": "0 59 23 * * ?",
        "validation": "0 0 3 * * ?",
        "dashboard_refresh": "0 0 * * * ?",
    }
    assert {one["timezone_id"] for one in schedules.values()} == {zone}
    alert = resources["alerts"]["red_syncs"]["schedule"]
    assert alert == {"quartz_cron_schedule": "0 0 0/2 * * ?", "timezone_id": zone}


@EACH
def test_parameters_of_statements_are_strings_and_are_those_that_the_statement_asks_for(pipeline: str) -> None:
    files = files_of(pipeline)
    tasks = [one for job in document(pipeline)["resources"]["jobs"].values() for one in job["tasks"]]
    asked = [one["sql_task"] for one in tasks if "sql_task" in one]
    assert len(asked) == 2
    for task in asked:
        text = files[task["file"]["path"].removeprefix("./")]
        assert {type(value) for value in task["parameters"].values()} == {str}
        assert set(re.findall(r"(?<!\w):([a-z_]+)", text)) == task["parameters"].keys()


@EACH
def test_prod_runs_as_a_principal_and_dev_is_a_copy_of_ones_own(pipeline: str) -> None:
    targets = document(pipeline)["targets"]
    assert targets["dev"]["mode"] == "development" and targets["dev"]["default"]
    assert targets["prod"]["mode"] == "production"
    assert targets["prod"]["run_as"] == {"service_principal_name": "${var.run_as}"}
    assert document(pipeline)["bundle"]["databricks_cli_version"] == ">= 1.3.0"


@EACH
def test_the_alert_is_never_unknown_and_tells_when_it_is_over(pipeline: str) -> None:
    alert = document(pipeline)["resources"]["alerts"]["red_syncs"]
    assert alert["evaluation"]["empty_result_state"] == "TRIGGERED"
    assert alert["evaluation"]["notification"]["notify_on_ok"]
    assert "UNKNOWN" not in json.dumps(alert)
    assert re.search(r"FROM `\$\{var.catalog\}`\.`\$\{var.schema\}`\.`?sync_health_monitor`?\n", alert["query_text"])


def test_what_lies_elsewhere_keeps_its_full_name() -> None:
    elsewhere = "lake.ops.monitor"
    settings = replace(settings_of("properties"), tables={"crm.sfdc_dbx.sync_health_monitor": elsewhere})
    files = bundle_files(settings)
    assert "FROM `lake`.`ops`.`monitor`" in files["databricks.yml"]
    assert "FROM `lake`.`ops`.`monitor`" in files["validation.sql"]
    assert "sync_audit_log" in files["validation.sql"] and "crm.sfdc_dbx" not in files["validation.sql"]


TILE = "-- How many?\n-- title: Orders · chart: counter · y: n\n"
PIPELINE = """
name: orders
zone: America/St_Johns
channel: orders-health
deploy_to: hive_metastore.ops
syncs: [{name: Orders, id: 701}]
measure: ./sql/numbers.sql
checks:
  - {name: odd, title: Odd orders, metric: odd, source: databricks, critical: "> 1", summary: "{value} odd"}
  - {name: old, title: Old orders, sql: sql/checks/old.sql, source: databricks, critical: "> 1", summary: "{value} old"}
"""


def written_as(folder: Path, **files: str) -> Mapping[str, str]:
    """The bundle of a pipeline of two checks, whose statements are these."""
    names = {"odd": "numbers.sql", "old": "checks/old.sql", "tile": "dashboard_tiles/21_orders.sql"}
    for name, text in {"odd": "SELECT 1 AS odd", "old": "SELECT 1 AS old", **files}.items():
        path = folder / "sql" / names[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "pipeline.yml").write_text(PIPELINE, encoding="utf-8")
    return bundle_files(settings_from({"SYNC_HEALTH_CONFIG": str(folder)}))


def text_of(files: Mapping[str, str], dataset: str) -> str:
    """Without its layout."""
    [found] = [one for one in json.loads(files["dashboard.lvdash.json"])["datasets"] if one["name"] == dataset]
    return " ".join("".join(found["queryLines"]).split())


def test_a_table_that_is_called_like_a_cte_keeps_its_full_name(tmp_path: Path) -> None:
    big = "WITH orders AS (SELECT id FROM hive_metastore.ops.orders WHERE id > 3) "
    files = written_as(
        tmp_path,
        tile=f"{TILE}{big}SELECT COUNT(*) - (SELECT COUNT(*) FROM hive_metastore.ops.orders) AS n FROM orders",
        odd="SELECT COUNT(*) AS odd FROM hive_metastore.ops.settings",
        old="SELECT COUNT(*) AS old FROM hive_metastore.ops.Yesterday",
    )
    assert "SELECT COUNT(*) FROM hive_metastore.ops.orders ) AS n FROM orders" in text_of(files, "21_orders")
    for table in ("settings", "Yesterday"):
        assert f"FROM hive_metastore.ops.{table}\n" in files["validation.sql"], "the validation has a CTE of this name"


def test_a_column_that_names_its_schema_moves_with_its_table(tmp_path: Path) -> None:
    files = written_as(tmp_path, tile=f"{TILE}SELECT hive_metastore.ops.orders.n FROM hive_metastore.ops.orders")
    assert text_of(files, "21_orders") == "-- How many? SELECT orders.n FROM orders"


def test_a_check_with_a_statement_of_its_own_is_validated_as_well(tmp_path: Path) -> None:
    assert "'Old orders: '" in written_as(tmp_path)["validation.sql"]


@pytest.mark.parametrize(
    "unfit", ["SELECT MAX(at) AS changed_at FROM lake.a.b", "SELECT :x AS x", "SELECT * FROM lake.a.b"]
)
def test_what_only_the_bot_can_judge_is_not_validated(unfit: str, tmp_path: Path) -> None:
    found = written_as(tmp_path, old=unfit)["validation.sql"]
    assert "'Odd orders: '" in found and "Old orders" not in found


def test_the_thresholds_and_the_zone_are_those_of_pipeline_yml() -> None:
    settings = settings_of("properties")
    checks = tuple(_with(check, "coverage", critical="< 80%", warn=None) for check in settings.checks)
    files = bundle_files(replace(settings, checks=checks))
    assert "CAST(80.0 AS DOUBLE) AS coverage_critical" in files["snapshot.sql"]
    assert "CAST(NULL AS DOUBLE) AS coverage_warn" in files["snapshot.sql"]
    assert "coverage_percentage < 80.0" in files["validation.sql"]
    for name in ("snapshot.sql", "validation.sql"):
        assert "'Asia/Kolkata'" in files_of("contacts")[name]


def _with(check: Check, name: str, **limits: str | None) -> Check:
    if check.name != name:
        return check
    return check.model_copy(update={key: text and parse_limit(text) for key, text in limits.items()})


def test_a_statement_that_asks_for_what_no_job_knows_is_refused(tmp_path: Path) -> None:
    for name in ("pipeline.yml", "sql/health.sql", "sql/checks/stale_contacts.sql", "checks/stale_contacts.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((PIPELINES["contacts"].parent / name).read_bytes())
    own = "-- ?\nMERGE INTO crm.sfdc_dbx.sync_audit_log AS t USING (SELECT :audit_id AS audit_id, :moon AS notes) AS s "
    own += "ON t.audit_id = s.audit_id WHEN NOT MATCHED THEN INSERT (audit_id, notes) VALUES (s.audit_id, s.notes)\n"
    (tmp_path / "sql" / "populate_audit_log.sql").write_text(own)
    with pytest.raises(PermanentError, match=r"populate_audit_log\.sql asks for :moon"):
        bundle_files(settings_from({"SYNC_HEALTH_CONFIG": str(tmp_path)}))


def test_without_a_place_or_a_warehouse_there_is_no_bundle() -> None:
    with pytest.raises(RefusedError, match="has no deploy_to"):
        bundle_files(replace(settings_of("properties"), deploy_to=None))
    with pytest.raises(RefusedError, match="nothing to deploy to"):
        bundle_files(replace(settings_of("properties"), has_warehouse=False))


@EACH
def test_every_tile_is_a_dataset_and_a_widget_that_shows_its_columns(pipeline: str) -> None:
    settings = settings_of(pipeline)
    statements = Statements.of(settings)
    tiles = read_tiles(statements, settings)
    drawn = widgets(pipeline)
    assert [one["name"][3:] for one in dashboard(pipeline)["datasets"]] == [tile.name for tile in tiles]
    assert drawn.keys() == {tile.name for tile in tiles}
    for tile in tiles:
        spec = drawn[tile.name]["spec"]
        shown = {one["name"] for one in drawn[tile.name]["queries"][0]["query"]["fields"]}
        wanted = set(statements.columns(tile.statement)) if tile.chart == "table" else {*tile.y, tile.x, tile.series}
        assert wanted - {None} <= shown
        assert spec["widgetType"] == tile.chart
        assert spec["frame"]["title"].startswith(tile.title)
        assert tile.unit.casefold() in spec["frame"]["title"].casefold(), "a title says what is counted"
        assert spec["frame"]["description"].startswith(tile.question)


def test_tiles_of_one_name_and_odd_columns_make_a_dashboard_that_opens(tmp_path: Path) -> None:
    folder = tmp_path / "sql" / "dashboard_tiles"
    folder.mkdir(parents=True)
    for number, column in (("50", "my day"), ("51", "da`y"), ("52", "größe")):
        quoted = f"`{column.replace('`', '``')}`"
        header = f"-- What now?\n-- title: Now {number} · chart: line · x: {column} · y: n\n"
        text = f"{header}SELECT\n  {quoted},\n  n\nFROM a.b.c\n"
        (folder / f"{number}_trend.sql").write_text(text, encoding="utf-8")
    files = bundle_files(replace(settings_of("contacts"), folder=tmp_path, measure=None))
    drawn = json.loads(files["dashboard.lvdash.json"])
    asked = [one["widget"]["queries"][0]["query"] for one in drawn["pages"][0]["layout"][-3:]]
    assert [one["datasetName"] for one in asked] == ["50_trend", "51_trend", "52_trend"]
    assert [one["fields"][0]["expression"] for one in asked] == ["`my day`", "`da``y`", "`größe`"]


def test_what_other_readers_take_for_a_number_stays_a_name() -> None:
    """YAML 1.2, which the Databricks CLI reads, knows numbers that PyYAML does not."""
    for schema in ("1e3", "0o17", "-2E+4", "1.5e0"):
        files = bundle_files(replace(settings_of("properties"), deploy_to=f"crm.`{schema}`"))
        assert f"default: '{schema}'\n" in files["databricks.yml"]


@EACH
def test_rows_of_the_grid_are_full(pipeline: str) -> None:
    places = [one["position"] for one in dashboard(pipeline)["pages"][0]["layout"]]
    for y in {one["y"] for one in places}:
        row = [one for one in places if one["y"] == y]
        assert sum(one["width"] for one in row) == 12
        assert len({one["height"] for one in row}) == 1


def test_thresholds_are_lines_of_a_trend_the_worst_first() -> None:
    spec = widgets("properties")["coverage_trend"]["spec"]
    drawn = spec["encodings"]["y"]["fields"]
    assert [one["displayName"] for one in drawn[1:]] == ["Critical < 90%", "Warning < 95%"]
    [lines] = [one for one in dashboard("properties")["datasets"] if one["name"] == "02_coverage_trend"]
    assert "  CAST(90.0 AS DOUBLE) AS critical_1,\n" in lines["queryLines"]
