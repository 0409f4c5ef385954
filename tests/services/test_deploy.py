"""What deploy creates, what it leaves alone, and what it refuses."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.store import SqlStore
from bot.errors import ConfigurationError, PermanentError
from bot.main import settings_from
from bot.ports import Ports
from bot.services.deploy import OURS, PIPELINES, deploy, plan_deploy
from bot.settings import Settings
from checks.model import parse_limit
from tests.fakes import FakeCensus, FakeChannel, HandClock
from tests.small_pipeline import SmallPipeline


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    clock, store, warehouse = HandClock(), SqlStore(f"sqlite:///{tmp_path / 'state.db'}"), DuckDBWarehouse()
    yield Ports(settings_from({}), clock, warehouse, FakeCensus(clock), FakeChannel(), store)
    store.close()
    warehouse.close()


def with_limits(settings: Settings, check: str, **limits: str) -> Settings:
    changed = {severity: parse_limit(text) for severity, text in limits.items()}
    checks = (c.model_copy(update=changed) if c.name == check else c for c in settings.checks)
    return replace(settings, checks=tuple(checks))


def rows(ports: Ports, query: str) -> list[tuple[object, ...]]:
    assert isinstance(ports.warehouse, DuckDBWarehouse)
    with ports.warehouse.cursor() as cursor:
        return list(cursor.execute(query).fetchall())


def test_a_bare_warehouse_gets_everything_in_an_order_that_works(ports: Ports, tmp_path: Path) -> None:
    assert deploy(ports, "test", pipeline=True) == (*PIPELINES, *OURS)
    assert rows(ports, "SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check") == [("⚪ NO DATA",)]
    assert len(rows(ports, "SELECT * FROM crm.sfdc_dbx.sync_health_monitor")) == 2
    assert ports.warehouse.ask("measure/health")[0]["salesforce_rows"] == 0
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        [written] = state.execute('SELECT "user", what, target, result FROM audit').fetchall()
    assert written == ("test", "deploy", "properties", "11 objects created or there already")


def test_deploying_again_changes_nothing_that_is_there() -> None:
    small = SmallPipeline()
    small.properties(20)
    small.salesforce(19)
    kept = small.snapshot("daily_snapshot_20260120", HandClock().now())
    before = small.health()
    clock = HandClock()
    ports = Ports(settings_from({}), clock, small.warehouse, FakeCensus(clock), FakeChannel(), SqlStore("sqlite://"))
    for pipeline in (False, True, True):
        deploy(ports, "test", pipeline=pipeline)
    assert small.warehouse.ask("measure/snapshots", audit_id=kept["audit_id"], now=clock.now(), most=2) == [kept]
    assert small.health() == before
    ports.store.close()
    small.warehouse.close()


def test_limits_zone_and_names_of_the_settings_reach_the_views(ports: Ports) -> None:
    deploy(ports, "test", pipeline=True)
    rows(ports, "INSERT INTO rds.pg_rds_public.properties SELECT i, 'id' || i, '', 1, '', 'ACTIVE', '', '', '', '',"
                " now(), now() FROM range(4) AS r(i)")  # fmt: skip
    rows(ports, "INSERT INTO hive_metastore.salesforce.product_property (id, sf_property_id_c) VALUES ('s', 'id0')")
    status = "SELECT create_queue_status FROM crm.sfdc_dbx.daily_health_check"
    assert rows(ports, status) == [("🟢 GOOD",)]
    settings = with_limits(ports.settings, "create_queue", warn="> 1", critical="> 2.5")
    first, *others = settings.syncs
    settings = replace(settings, syncs=(first.model_copy(update={"name": "Robin's"}), *others))
    deploy(replace(ports, settings=settings), "test")
    assert rows(ports, status) == [("🔴 CRITICAL",)]
    assert ("Robin's (CREATE)",) in rows(ports, "SELECT sync_name FROM crm.sfdc_dbx.sync_health_monitor")
    deploy(ports, "test")
    assert rows(ports, status) == [("🟢 GOOD",)]


def test_other_names_for_tables_are_deployed_under_these(ports: Ports) -> None:
    tables = {"crm.sfdc_dbx.sync_audit_log": "lake.ops.log", "rds.pg_rds_public.properties": "lake.app.units"}
    warehouse = DuckDBWarehouse(tables=tables)
    deploy(replace(ports, warehouse=warehouse), "test", pipeline=True)
    assert warehouse.ask("measure/health")[0]["enriched_rows"] == 0
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM lake.ops.log").fetchone() == (0,)
    warehouse.close()


def test_a_missing_table_is_named_with_how_far_it_came_and_what_helps(ports: Ports) -> None:
    with pytest.raises(PermanentError, match="rds_properties_enriched") as caught:
        deploy(ports, "test")
    assert "1 of 3 objects are deployed; --pipeline creates" in str(caught.value)
    assert rows(ports, "SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log") == [(0,)]


def test_limits_that_a_view_cannot_compare_with_are_all_refused_before_anything_runs(ports: Ports) -> None:
    settings = with_limits(ports.settings, "coverage", critical="<= 90")
    settings = with_limits(settings, "update_queue", warn=">= 500")
    with pytest.raises(ConfigurationError) as caught:
        deploy(replace(ports, settings=settings), "test")
    assert caught.value.problems == [
        'limits: coverage: the deployed views cannot compare with "<= 90": write critical: "< 90"',
        'limits: update_queue: the deployed views cannot compare with ">= 500": write warn: "> 500"',
    ]
    assert rows(ports, "SELECT * FROM duckdb_tables()") == []


def test_the_plan_lists_what_is_read_before_what_reads_it() -> None:
    plan = plan_deploy(settings_from({}), pipeline=True)
    assert plan.statements == (*PIPELINES, *OURS)
    assert plan_deploy(settings_from({})).statements == OURS
    assert not [name for name in plan.statements if "/rows/" in name or "/faults/" in name]
