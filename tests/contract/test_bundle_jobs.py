"""The statements of the bundle's jobs and of its alert, run as Databricks would, next to a bot on the same tables."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from bot.adapters.duckdb import DuckDBWarehouse
from bot.bundle.files import bundle_files
from bot.config.settings import Settings
from bot.runtime.composition import settings_from
from bot.services.audit_log import numbers_in
from bot.services.daily_snapshot import take_due_snapshot
from bot.services.take_snapshot import JOB, SCHEDULED_BY, daily_id
from bot.sql.catalog import translate
from bot.sql.statements import Statements
from checks.forms import parse_limit
from tests.services.test_daily_snapshot import at_work_since
from tests.services.test_snapshot import World, world
from tests.small_pipeline import SALESFORCE, local

__all__ = ["world"]  # the fixture

CONTACTS = Path(__file__).parents[1] / "contacts" / "pipeline.yml"
LOG = "crm.sfdc_dbx.sync_audit_log"
MACROS = (  # two functions that Databricks has and DuckDB calls otherwise
    "CREATE OR REPLACE TEMP MACRO timestamp_millis(ms) AS make_timestamptz(ms * 1000)",
    "CREATE OR REPLACE TEMP MACRO raise_error(said) AS error(said)",
)
USE = "USE CATALOG IDENTIFIER(:catalog);\n\nUSE SCHEMA IDENTIFIER(:schema)"
Rows = list[tuple[object, ...]]


@cache
def files_of(config: Path | None) -> Mapping[str, str]:
    """Those of the shipped pipeline, or of another."""
    return bundle_files(settings_from({"SYNC_HEALTH_CONFIG": str(config)} if config else {}))


class Bundle:
    """What is deployed of a pipeline, on an embedded warehouse."""

    def __init__(self, files: Mapping[str, str], warehouse: DuckDBWarehouse) -> None:
        self._warehouse = warehouse
        self._files = files
        self._document: dict[str, Any] = yaml.safe_load(self._files["databricks.yml"])
        self._variables = {
            f"${{var.{name}}}": str(one["default"])
            for name, one in self._document["variables"].items()
            if name in ("catalog", "schema")
        }

    def run(self, job: str, at: datetime, trigger: str = "periodic") -> Rows:
        """One run of a job that was triggered then, with its parameters as Databricks fills them in."""
        [task] = self._document["resources"]["jobs"][job]["tasks"]
        known = {"{{job.trigger.time.timestamp_ms}}": f"{at.timestamp() * 1000:.0f}", "{{job.trigger.type}}": trigger}
        given = {
            name: self._filled_in(known.get(value, value)) for name, value in task["sql_task"]["parameters"].items()
        }
        return self._execute(self._files[task["sql_task"]["file"]["path"].removeprefix("./")], given)

    def alert(self) -> tuple[object, ...]:
        """The answer of the alert's query."""
        [row] = self._execute(self._filled_in(self._document["resources"]["alerts"]["red_syncs"]["query_text"]), {})
        return row

    def answer_tiles(self) -> dict[str, Rows]:
        """The answers of all datasets, in the catalog and schema of the dashboard."""
        [dashboard] = (text for name, text in self._files.items() if name.endswith(".lvdash.json"))
        asked = {one["name"]: "".join(one["queryLines"]) for one in json.loads(dashboard)["datasets"]}
        places = {name: f"`{self._variables[f'${{var.{name}}}']}`" for name in ("catalog", "schema")}
        return {name: self._execute(f"{USE};\n\n{text}", places) for name, text in asked.items()}

    def _filled_in(self, text: str) -> str:
        for name, value in self._variables.items():
            text = text.replace(name, value)
        return text

    def _execute(self, text: str, given: Mapping[str, str]) -> Rows:
        """Statement by statement, in one session; DuckDB names a catalog and its schema at once."""
        *places, statement = [part for part in text.rstrip().rstrip(";").split(";\n\n") if part]
        assert [part.split(" IDENTIFIER")[0].splitlines()[-1] for part in places] in ([], ["USE CATALOG", "USE SCHEMA"])
        asked = translate(statement)
        wanted = set(re.findall(r"\$(\w+)", asked))
        with self._warehouse.cursor() as cursor:
            for macro in MACROS:
                cursor.execute(macro)
            if places:
                cursor.execute("USE " + ".".join(given[name].replace("`", '"') for name in ("catalog", "schema")))
            try:
                return cursor.execute(
                    asked, {name: value for name, value in given.items() if name in wanted}
                ).fetchall()
            finally:
                cursor.execute("USE memory.main")


@pytest.fixture
def bundle(world: World) -> Bundle:
    at_work_since(world, "2026-01-20 12:00")
    return Bundle(files_of(None), world.small.warehouse)


def test_the_bot_and_the_job_write_one_row_whoever_comes_first(world: World, bundle: Bundle) -> None:
    evening = world.clock.now()
    orders: list[tuple[Callable[[], object], ...]] = [
        (lambda: bundle.run("snapshot", evening), lambda: take_due_snapshot(world.ports)),
        (lambda: take_due_snapshot(world.ports), lambda: bundle.run("snapshot", world.clock.now())),
    ]
    for day, (order, author) in enumerate(zip(orders, (JOB, SCHEDULED_BY), strict=True)):
        world.clock.pass_(seconds=(evening + timedelta(days=day) - world.clock.now()).total_seconds())
        for write in order:
            write()
        assert world.log()[day:] == [(f"daily_snapshot_2026012{day}", author)]


def test_the_bot_takes_the_row_of_the_job_for_its_own(world: World, bundle: Bundle) -> None:
    bundle.run("snapshot", world.clock.now())
    taken = take_due_snapshot(world.ports)
    assert taken and (taken.existed, taken.foreign, taken.by) == (True, None, JOB)


def test_both_write_the_same_row_but_for_its_author(world: World, bundle: Bundle) -> None:
    columns = "* EXCLUDE (executed_by, created_at)"
    bundle.run("snapshot", world.clock.now())
    [of_job] = world.small.run(f"SELECT {columns} FROM {LOG}")
    world.small.run(f"DELETE FROM {LOG}")
    take_due_snapshot(world.ports)
    [of_bot] = world.small.run(f"SELECT {columns} FROM {LOG}")
    assert of_job == of_bot


@pytest.mark.parametrize("evening", ["2026-01-20", "2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01"])
def test_its_id_is_the_local_date_of_its_trigger_whatever_utc_says(world: World, bundle: Bundle, evening: str) -> None:
    at = local(f"{evening} 23:59")
    assert at.astimezone(UTC).date() > datetime.fromisoformat(evening).date()
    bundle.run("snapshot", at)
    assert world.log() == [(daily_id(datetime.fromisoformat(evening).date()), JOB)]


@pytest.mark.parametrize("evening", ["2026-01-20", "2026-03-07", "2026-10-31"])
@pytest.mark.parametrize("late", ["00:00", "01:40"])
def test_a_scheduler_that_is_late_takes_no_place_of_the_next_evening(
    world: World, bundle: Bundle, evening: str, late: str
) -> None:
    day = date.fromisoformat(evening)
    for at in (local(f"{day + timedelta(days=1)} {late}"), local(f"{day + timedelta(days=1)} 23:59")):
        bundle.run("snapshot", at)
    assert world.log() == [(daily_id(day), JOB), (daily_id(day + timedelta(days=1)), JOB)]


def test_a_row_that_came_late_says_when_it_was_due(world: World, bundle: Bundle) -> None:
    bundle.run("snapshot", local("2026-01-21 00:02"))
    assert world.small.run(f"SELECT execution_timestamp FROM {LOG}") == [(local("2026-01-20 23:59"),)]


@pytest.mark.parametrize("hour", ["03:30", "12:00", "22:00"])
def test_another_schedule_of_the_teams_own_keeps_its_day(world: World, bundle: Bundle, hour: str) -> None:
    bundle.run("snapshot", local(f"2026-01-20 {hour}"))
    assert world.log() == [("daily_snapshot_20260120", JOB)]


def test_a_retry_writes_no_second_row(world: World, bundle: Bundle) -> None:
    for _ in range(2):
        bundle.run("snapshot", world.clock.now())
    assert len(world.log()) == 1


def test_one_that_somebody_starts_by_hand_takes_no_day_away(world: World, bundle: Bundle) -> None:
    bundle.run("snapshot", local("2026-01-20 10:00"), trigger="ONETIME")
    bundle.run("snapshot", local("2026-01-20 23:59"))
    assert [one for one, _ in world.log()] == ["daily_snapshot_20260120", "manual_snapshot_20260120T180000Z"]
    kinds = world.small.run(f"SELECT sync_type FROM {LOG} ORDER BY audit_id")
    assert kinds == [("MONITORING",), ("MANUAL",)]


def deployed(world: World) -> None:
    """The log and the monitor, and nothing pending."""
    world.small.salesforce(200, first=193)
    for name in ("sync_audit_log", "sync_health_monitor"):
        world.small.warehouse.create(name, {})


def test_the_alert_has_one_row_that_counts_and_names_the_red_ones(world: World, bundle: Bundle) -> None:
    deployed(world)
    assert bundle.alert() == (0, "")
    world.small.run(f"UPDATE {SALESFORCE} SET is_deleted = TRUE")
    assert bundle.alert() == (2, "Sync A (CREATE): 🔴 No data, Sync B (UPDATE): 🔴 No data")


def snapshot_of_yesterday(world: World, bundle: Bundle) -> None:
    [(now,)] = world.small.run("SELECT now()")
    assert isinstance(now, datetime)
    bundle.run("snapshot", now - timedelta(days=1))


def test_the_validation_passes_when_nothing_is_critical(world: World, bundle: Bundle) -> None:
    deployed(world)
    snapshot_of_yesterday(world, bundle)
    assert bundle.run("validation", world.clock.now()) == [("Nothing critical",)]


def test_the_validation_fails_with_everything_that_it_found(world: World, bundle: Bundle) -> None:
    deployed(world)
    world.small.salesforce(300, first=201, company=None)
    with pytest.raises(duckdb.Error) as failed:
        bundle.run("validation", world.clock.now())
    found = str(failed.value)
    for finding in (
        "Missing company names: 100 (critical > 50)",
        "Coverage of Salesforce: no data (critical < 90%)",  # more rows than properties
        "No audit snapshot daily_snapshot_",
    ):
        assert finding in found


def test_a_table_that_came_empty_is_not_valid(world: World, bundle: Bundle) -> None:
    deployed(world)
    snapshot_of_yesterday(world, bundle)
    world.small.run(f"UPDATE {SALESFORCE} SET is_deleted = TRUE")
    with pytest.raises(duckdb.Error, match=r"Matched coverage: no data .*Sync A \(CREATE\): 🔴 No data"):
        bundle.run("validation", world.clock.now())


def test_every_tile_of_the_dashboard_answers_under_its_bare_names(world: World, bundle: Bundle) -> None:
    deployed(world)
    world.small.warehouse.create("daily_health_check", {})
    snapshot_of_yesterday(world, bundle)
    answers = bundle.answer_tiles()
    assert answers["02_coverage_trend"][-1][1:] == (100.0, 90.0, 95.0), "the value of the day, and both thresholds"


@pytest.fixture
def contacts() -> Iterator[tuple[Settings, DuckDBWarehouse]]:
    """The second pipeline: 3 contacts in the lake, two of them pending, one of those without an e-mail; no deals."""
    settings = settings_from({"SYNC_HEALTH_CONFIG": str(CONTACTS)})
    warehouse = DuckDBWarehouse(statements=Statements.of(settings))
    with warehouse.cursor() as cursor:
        for statement in (
            'USE "lake-prod".crm',
            "CREATE TABLE contacts (contact_id BIGINT, name VARCHAR, email VARCHAR, updated_at TIMESTAMPTZ)",
            "INSERT INTO contacts VALUES (1, 'A', 'a@b', now()), (2, '', 'c@d', now()), (3, 'E', '', now())",
            'CREATE VIEW contacts_to_sync AS SELECT * FROM "lake-prod".crm.contacts WHERE contact_id > 1',
            "CREATE TABLE deals_to_sync (deal_id BIGINT)",
            "USE memory.main",
        ):
            cursor.execute(statement)
    warehouse.create("sync_audit_log", {})
    warehouse.create("sync_health_monitor", {})
    yield settings, warehouse
    warehouse.close()


def test_a_pipeline_without_a_snapshot_of_its_own_has_the_notes_that_the_bot_reads(
    contacts: tuple[Settings, DuckDBWarehouse],
) -> None:
    settings, warehouse = contacts
    bundle = Bundle(files_of(CONTACTS), warehouse)
    bundle.run("snapshot", datetime(2026, 1, 20, 18, 29, tzinfo=UTC))  # 23:59 in Kolkata
    [row] = warehouse.ask("measure/snapshots", audit_id="daily_snapshot_20260120", now=datetime.now(UTC), most=2)
    assert row["audit_id"] == "daily_snapshot_20260120"
    assert numbers_in(row, settings) == {
        "Contacts/backlog": 2,
        "Contacts/suspect_records": 1,
        "Deals/backlog": 0,
        "nameless_contacts": 1,
    }


def test_what_is_not_known_is_left_out_of_the_notes(contacts: tuple[Settings, DuckDBWarehouse]) -> None:
    _, warehouse = contacts
    with warehouse.cursor() as cursor:
        cursor.execute('DELETE FROM "lake-prod".crm.contacts')
    Bundle(files_of(CONTACTS), warehouse).run("snapshot", datetime(2026, 1, 20, 18, 29, tzinfo=UTC))
    [row] = warehouse.ask("measure/snapshots", audit_id="", now=datetime.now(UTC), most=2)
    assert row["notes"] == "Deals/backlog: 0"


def test_a_number_with_a_statement_of_its_own_is_validated_as_well(contacts: tuple[Settings, DuckDBWarehouse]) -> None:
    settings, warehouse = contacts
    stale = settings.check_called("stale_contacts")
    assert stale
    critical = stale.model_copy(update={"critical": parse_limit("< 100")})
    others = tuple(one for one in settings.checks if one != stale)
    files = bundle_files(replace(settings, checks=(*others, critical)))
    with pytest.raises(duckdb.Error, match=r"Stale contacts: 0 \(critical < 100\)"):
        Bundle(files, warehouse).run("validation", datetime(2026, 1, 20, 18, 29, tzinfo=UTC))


def test_another_schema_than_that_of_pipeline_yml_is_one_variable(contacts: tuple[Settings, DuckDBWarehouse]) -> None:
    settings, warehouse = contacts
    with pytest.raises(duckdb.Error, match="elsewhere"):
        Bundle(bundle_files(replace(settings, deploy_to="lake-prod.elsewhere")), warehouse).alert()
    assert Bundle(files_of(CONTACTS), warehouse).alert()[0] == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_data_and_not_valid(
    contacts: tuple[Settings, DuckDBWarehouse], tmp_path: Path, value: str
) -> None:
    settings, warehouse = contacts
    shutil.copytree(CONTACTS.parent, folder := tmp_path / "contacts")
    text = f"SELECT\n  1 AS contact_rows,\n  CAST('{value}' AS DOUBLE) AS nameless_contacts\n"
    (folder / "sql" / "health.sql").write_text(text, encoding="utf-8")
    with pytest.raises(duckdb.Error, match="Contacts without a name: "):
        Bundle(bundle_files(replace(settings, folder=folder)), warehouse).run("validation", datetime.now(UTC))
