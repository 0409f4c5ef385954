"""What deploy creates, what it leaves alone, and what it refuses."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.store.sql_store import SqlStore
from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.deploy import OURS, plan_deploy, survey
from bot.services.deploy import deploy as carry_out
from checks.forms import parse_limit
from checks.model import Check
from tests.fakes import FakeCensus, FakeChannel, HandClock
from tests.new_state import new_state
from tests.small_pipeline import SmallPipeline
from tests.sql_folder import SHIPPED, named, shipped_statements


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    clock, store, warehouse = (
        HandClock(),
        new_state(tmp_path / "state.db"),
        DuckDBWarehouse(statements=shipped_statements()),
    )
    yield Ports(settings_from({}), clock, warehouse, FakeCensus(clock), FakeChannel(), store)
    store.close()
    warehouse.close()


def deploy(ports: Ports, by: str, *, pipeline: bool = False, adopt: tuple[str, ...] = ()) -> dict[str, str]:
    """As the command does it; what became of each object, by its name."""
    plan = plan_deploy(ports.settings, pipeline=pipeline)
    steps = survey(ports, plan, adopt)
    carry_out(ports, by, plan, steps)
    assert tuple(step.statement for step in steps) == plan.statements
    return {step.name: step.action for step in steps}


def with_limits(settings: Settings, **limits: str) -> Settings:
    """The first sync's backlog has these thresholds."""
    check = settings.check_called("backlog", settings.syncs[0].name)
    assert check
    return with_backlog(settings, check.model_copy(update={name: parse_limit(text) for name, text in limits.items()}))


def with_backlog(settings: Settings, check: Check | None) -> Settings:
    """The first sync has this check of its backlog, or none."""
    return replace(settings, checks_of={settings.syncs[0].name: {"backlog": check}})


def rows(ports: Ports, query: str) -> list[tuple[object, ...]]:
    assert isinstance(ports.warehouse, DuckDBWarehouse)
    with ports.warehouse.cursor() as cursor:
        return list(cursor.execute(query).fetchall())


@pytest.mark.full
def test_a_bare_warehouse_gets_everything_in_an_order_that_works(ports: Ports, tmp_path: Path) -> None:
    assert set(deploy(ports, "test", pipeline=True).values()) == {"create"}
    assert rows(ports, "SELECT coverage_status FROM crm.sfdc_dbx.daily_health_check") == [("⚪ NO DATA",)]
    assert len(rows(ports, "SELECT * FROM crm.sfdc_dbx.sync_health_monitor")) == 2
    assert ports.warehouse.ask("measure/health")[0]["salesforce_rows"] == 0
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        written = state.execute('SELECT "user", what, target, state, result, before, after FROM audit').fetchall()
    who = ("test", "deploy", "properties")
    assert written == [
        (*who, "requested", "requested", "0 of 11 objects exist", ""),
        (*who, "succeeded", "11 objects created or there already", "", "all 11 objects exist"),
    ]


@pytest.mark.full
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


@pytest.mark.full
def test_limits_zone_and_names_of_the_settings_reach_the_views(ports: Ports) -> None:
    deploy(ports, "test", pipeline=True)
    rows(ports, "INSERT INTO rds.pg_rds_public.properties SELECT i, 'id' || i, '', 1, '', 'ACTIVE', '', '', '', '',"
                " now(), now() FROM range(4) AS r(i)")  # fmt: skip
    rows(ports, "INSERT INTO hive_metastore.salesforce.product_property (id, sf_property_id_c) VALUES ('s', 'id0')")
    status = "SELECT create_queue_status FROM crm.sfdc_dbx.daily_health_check"
    assert rows(ports, status) == [("🟢 GOOD",)]
    first, *others = ports.settings.syncs
    settings = replace(ports.settings, syncs=(first.model_copy(update={"name": "Robin's"}), *others))
    settings = with_limits(settings, warn="> 1", critical="> 2.5")
    deploy(replace(ports, settings=settings), "test")
    assert rows(ports, status) == [("🔴 CRITICAL",)]
    assert ("Robin's (CREATE)",) in rows(ports, "SELECT sync_name FROM crm.sfdc_dbx.sync_health_monitor")
    deploy(ports, "test")
    assert rows(ports, status) == [("🟢 GOOD",)]


@pytest.mark.full
def test_other_names_for_tables_are_deployed_under_these(ports: Ports) -> None:
    tables = {"crm.sfdc_dbx.sync_audit_log": "lake.ops.log", "rds.pg_rds_public.properties": "lake.app.units"}
    warehouse = DuckDBWarehouse(statements=named(tables))
    deploy(replace(ports, warehouse=warehouse), "test", pipeline=True)
    assert warehouse.ask("measure/health")[0]["enriched_rows"] == 0
    with warehouse.cursor() as cursor:
        assert cursor.execute("SELECT COUNT(*) FROM lake.ops.log").fetchone() == (0,)
    warehouse.close()


def test_a_missing_table_is_named_with_how_far_it_came_and_what_helps(ports: Ports) -> None:
    with pytest.raises(PermanentError, match="rds_properties_enriched") as caught:
        deploy(ports, "test")
    assert "1 of 3 objects are deployed" in str(caught.value)
    assert "--pipeline" not in str(caught.value)
    assert rows(ports, "SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log") == [(0,)]


@pytest.mark.full
@pytest.mark.parametrize(("limit", "status"), [("> 4", "🟢 GOOD"), (">= 4", "🔴 CRITICAL"), ("= 4", "🔴 CRITICAL")])
def test_a_view_compares_as_the_check_does(limit: str, status: str, ports: Ports) -> None:
    settings = with_limits(ports.settings, critical=limit)
    deploy(replace(ports, settings=settings), "test", pipeline=True)
    waits(ports, 4)
    assert rows(ports, "SELECT create_queue_status FROM crm.sfdc_dbx.daily_health_check") == [(status,)]
    [(red,)] = rows(ports, "SELECT COUNT(*) FROM crm.sfdc_dbx.sync_health_monitor WHERE status LIKE '%not drain'")
    assert red == (status == "🔴 CRITICAL")


def waits(ports: Ports, count: int) -> None:
    """So many properties that Salesforce does not have, besides one that it has."""
    rows(ports, "INSERT INTO rds.pg_rds_public.properties SELECT i, 'id' || i, '', 1, '', 'ACTIVE', '', '', '', '',"
                f" now(), now() FROM range({count + 1}) AS r(i)")  # fmt: skip
    rows(ports, "INSERT INTO hive_metastore.salesforce.product_property (id, sf_property_id_c) VALUES ('s', 'id0')")


@pytest.mark.full
@pytest.mark.parametrize("how", ["without limits", "switched off"])
def test_a_limit_that_was_taken_away_judges_nothing_in_the_views(how: str, ports: Ports) -> None:
    settings, none = ports.settings, {"warn": None, "critical": None}
    check = settings.check_called("backlog", "Sync A")
    assert check
    without = check.model_copy(update=none) if how == "without limits" else None
    deploy(replace(ports, settings=with_backlog(settings, without)), "test", pipeline=True)
    waits(ports, 200)
    assert rows(ports, "SELECT create_queue_status FROM crm.sfdc_dbx.daily_health_check") == [("🟢 GOOD",)]
    assessed = rows(
        ports, "SELECT status, queue_assessment FROM crm.sfdc_dbx.sync_health_monitor WHERE queue_size = 200"
    )
    assert assessed == [("✅ Healthy", "Normal")]


@pytest.mark.full
def test_what_is_not_ours_is_listed_whole_and_nothing_is_changed(ports: Ports) -> None:
    deploy(ports, "test", pipeline=True)
    rows(ports, "CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_create AS SELECT 1 AS mine")
    rows(ports, "DROP VIEW crm.sfdc_dbx.sync_health_monitor")
    rows(ports, "CREATE TABLE crm.sfdc_dbx.sync_health_monitor AS SELECT 2 AS mine")
    before = rows(ports, "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY 1")
    for adopt, listed in (((), 2), (("properties_to_create",), 1), (("sync_health_monitor",), 2)):
        with pytest.raises(RefusedError) as caught:
            deploy(ports, "test", pipeline=True, adopt=adopt)
        assert str(caught.value).count("crm.sfdc_dbx.") == listed
        assert "sync_health_monitor: a table, where deploy creates a view" in str(caught.value)
    assert rows(ports, "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY 1") == before


@pytest.mark.full
def test_an_adopted_view_is_ours_from_then_on_and_the_audit_names_it(ports: Ports, tmp_path: Path) -> None:
    deploy(ports, "test", pipeline=True)
    rows(ports, "CREATE OR REPLACE VIEW crm.sfdc_dbx.daily_health_check AS SELECT 1 AS mine")
    adopted = deploy(ports, "test", adopt=("crm.sfdc_dbx.daily_health_check",))
    assert adopted["crm.sfdc_dbx.daily_health_check"] == "adopt"
    assert deploy(ports, "test")["crm.sfdc_dbx.daily_health_check"] == "keep"
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        said = [result for (result,) in state.execute("SELECT result FROM audit WHERE state = 'succeeded' ORDER BY id")]
    assert [("adopted: crm.sfdc_dbx.daily_health_check" in one) for one in said] == [False, True], (
        "what changes nothing is no entry"
    )


@pytest.mark.full
def test_a_view_of_an_earlier_version_is_known_by_its_text_whatever_its_limits_were(ports: Ports) -> None:
    deploy(ports, "test", pipeline=True)
    limits = {"coverage_warn": 97.5, "zone": "Asia/Tokyo"}
    for name in ("daily_health_check", "sync_health_monitor"):
        rows(ports, SHIPPED.to_deploy(f"earlier/{name}", limits, "duckdb"))
    comments = "SELECT comment FROM duckdb_views() WHERE view_name IN ('daily_health_check', 'sync_health_monitor')"
    assert rows(ports, comments) == [(None,), (None,)]
    found = deploy(ports, "test")
    assert [action for name, action in found.items() if "health" in name] == ["replace", "replace"]
    assert (None,) not in rows(ports, comments)


@pytest.mark.full
def test_one_changed_word_makes_an_unmarked_view_somebody_else_s(ports: Ports) -> None:
    deploy(ports, "test", pipeline=True)
    text = SHIPPED.to_deploy("earlier/daily_health_check", {}, "duckdb").replace("NO DATA", "KEINE DATEN")
    rows(ports, text)
    with pytest.raises(RefusedError, match="daily_health_check"):
        deploy(ports, "test")


def test_the_plan_lists_what_is_read_before_what_reads_it() -> None:
    settings = settings_from({})
    plan = plan_deploy(settings, pipeline=True)
    assert plan.statements == (*settings.own_objects, *OURS)
    places = {name: n for n, name in enumerate(plan.statements)}
    read = [
        ("tables/properties", "views/rds_properties_enriched"),
        ("tables/companies", "views/rds_properties_enriched"),
        ("tables/product_property_w_features", "views/properties_aggregated_by_sfdc_id"),
        ("views/rds_properties_enriched", "views/properties_to_create"),
        ("views/rds_properties_enriched", "views/properties_to_update"),
        ("tables/product_property", "views/properties_to_create"),
        ("tables/product_property", "views/properties_to_update"),
    ]
    assert [pair for pair in read if places[f"pipeline/{pair[0]}"] > places[f"pipeline/{pair[1]}"]] == []
    assert plan_deploy(settings_from({})).statements == OURS
    assert not [name for name in plan.statements if "/rows/" in name or "/faults/" in name]
