"""What is there already, as DuckDB tells it and as Databricks does: columns, texts, marks, and what differs."""

import pytest

from bot.errors import PermanentError
from bot.objects import Column, ViewState
from bot.runtime.composition import settings_from
from bot.services.deploy import plan_deploy
from tests.small_pipeline import SmallPipeline
from tests.sql_folder import SHIPPED
from tests.warehouses import DatabricksPlace, DuckDBPlace, Place

VALUES = plan_deploy(settings_from({})).values
DAILY, LOG = "daily_health_check", "sync_audit_log"
A_DAILY, A_LOG = f"crm.sfdc_dbx.{DAILY}", f"crm.sfdc_dbx.{LOG}"


def run(place: Place, *statements: str) -> None:
    with place.duckdb.cursor() as cursor:
        for text in statements:
            cursor.execute(text)


def test_nothing_is_there_at_first(place: Place) -> None:
    found = place.warehouse().existing_object(DAILY, VALUES)
    assert (found.name, found.creates, found.kind, found.ours) == (A_DAILY, "view", None, False)
    log = place.warehouse().existing_object(LOG, VALUES)
    assert (log.name, log.creates, log.kind, log.columns) == (A_LOG, "table", None, ())


def test_a_table_that_was_created_has_the_columns_that_are_declared(place: Place) -> None:
    warehouse = place.warehouse()
    warehouse.create(LOG, VALUES)
    found = warehouse.existing_object(LOG, VALUES)
    told = [Column(one.name, one.type, None) for one in found.columns]
    assert told == [Column(one.name, one.type, None) for one in SHIPPED.declared(LOG)]
    assert (found.kind, found.differences) == ("table", ())


def test_columns_of_another_table_are_told_in_one_form(place: Place) -> None:
    run(
        place,
        f"CREATE TABLE {A_LOG} (audit_id VARCHAR NOT NULL, Sync_Name VARCHAR, sync_type VARCHAR,"
        " execution_timestamp TIMESTAMP, records_processed BIGINT, records_succeeded INTEGER, records_failed INTEGER,"
        " error_rate DECIMAL(5, 2), executed_by VARCHAR, census_sync_id BIGINT, created_at TIMESTAMPTZ,"
        ' "team notes" VARCHAR[])',
    )
    found = place.warehouse().existing_object(LOG, VALUES)
    assert {one.column: (one.expected, one.found, one.fits) for one in found.differences} == {
        "execution_timestamp": ("TIMESTAMP", "TIMESTAMP_NTZ", False),
        "records_processed": ("INT", "BIGINT", True),
        "error_rate": ("DOUBLE", "DECIMAL(5, 2)", True),
        "notes": ("STRING", "", False),
        "team notes": ("", "ARRAY<STRING>", True),
    }
    for one in found.differences:
        for remedy in one.remedy:
            assert remedy.startswith("ALTER TABLE ") and one.column in remedy


def test_what_is_told_to_run_makes_the_table_fit() -> None:
    place = DuckDBPlace()
    run(place, f"CREATE TABLE {A_LOG} (audit_id VARCHAR, created_at DATE, owner VARCHAR NOT NULL)")
    run(place, *(text for one in place.duckdb.existing_object(LOG, VALUES).differences for text in one.remedy))
    left = place.duckdb.existing_object(LOG, VALUES).differences
    assert [one.column for one in left] == ["created_at_before", "owner"] and all(one.fits for one in left)
    place.close()


@pytest.mark.full
def test_whose_a_view_is_and_how_it_differs(place: Place) -> None:
    SmallPipeline(place.duckdb)
    warehouse = place.warehouse()
    run(place, f"DROP VIEW {A_DAILY}")

    def look(values: object = VALUES) -> tuple[object, ...]:
        found = warehouse.existing_object(DAILY, values)  # type: ignore[arg-type]
        return found.kind, found.ours, found.marked, found.view and found.view.state

    warehouse.create(DAILY, VALUES)
    assert look() == ("view", True, True, ViewState.CURRENT)
    changed = {**VALUES, "coverage_warn": 96.0}
    assert look(changed) == ("view", True, True, ViewState.SETTINGS)
    view = warehouse.existing_object(DAILY, changed).view
    assert view and [(one.name, one.before, one.after) for one in view.settings] == [("coverage_warn", "95", "96")]
    warehouse.create(f"earlier/{DAILY}", {"coverage_warn": 97.5})
    assert look() == ("view", True, False, ViewState.EARLIER)
    run(place, f"CREATE OR REPLACE VIEW {A_DAILY} AS SELECT 1 AS mine")
    assert look() == ("view", False, False, ViewState.OTHER)
    view = warehouse.existing_object(DAILY, VALUES).view
    assert view and view.text and "mine" in view.text and "coverage_status" in view.wanted
    run(place, f"DROP VIEW {A_DAILY}", f"CREATE TABLE {A_DAILY} AS SELECT 1 AS mine")
    assert look() == ("table", False, False, None)


@pytest.mark.full
def test_a_view_without_the_mark_is_current_by_its_text(place: Place) -> None:
    SmallPipeline(place.duckdb)
    warehouse = place.warehouse()
    warehouse.create(DAILY, VALUES)
    run(place, f"COMMENT ON VIEW {A_DAILY} IS NULL")
    found = warehouse.existing_object(DAILY, VALUES)
    assert (found.marked, found.ours, found.view and found.view.state) == (False, True, ViewState.CURRENT)


@pytest.mark.full
def test_a_text_that_this_login_may_not_read_is_said_to_be_unreadable() -> None:
    place = DatabricksPlace()
    try:
        SmallPipeline(place.duckdb)
        place.server.hides_view_text = True
        for comment, marked in (("NULL", False), ("'Made by sync-health deploy, which replaces it'", True)):
            run(place, f"COMMENT ON VIEW {A_DAILY} IS {comment}")
            found = place.warehouse().existing_object(DAILY, VALUES)
            assert found.view and (found.view.state, found.view.text) == (ViewState.UNREADABLE, None)
            assert (found.marked, found.ours) == (marked, marked), "whose it is follows from the mark alone then"
    finally:
        place.close()


def test_a_schema_that_is_missing_is_not_an_object_that_is_missing() -> None:
    place = DatabricksPlace()
    try:
        place.server.errors.append("[SCHEMA_NOT_FOUND] The schema `crm`.`sfdc_dbx` cannot be found. SQLSTATE: 42704")
        with pytest.raises(PermanentError, match=r"Schema crm.sfdc_dbx is missing: create it, or correct deploy_to"):
            place.warehouse().existing_object(LOG, VALUES)
    finally:
        place.close()
