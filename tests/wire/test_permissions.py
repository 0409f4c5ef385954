"""`doctor` over the wire: which login was taken, what it may do, and the GRANT that gives it what it lacks."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.answers.operations import Finding
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH, Fault
from bot.ports import Sources
from bot.runtime.composition import shipped_settings
from bot.services.examine_warehouse import examine_warehouse
from bot.sql.grants import to_grant
from tests.entra import APPLICATION, SECRET, TENANT, entra
from tests.fakes import FakeCensus, HandClock
from tests.sql_folder import named
from tests.warehouses import TOKEN
from tests.wire.measured import Wire

TABLE = "crm.sfdc_dbx.properties_to_create"
COLUMNS = {TABLE: frozenset({"sfdc_id"})}
PERSON = "`operations@example.com`"
USES = f"GRANT USE CATALOG ON CATALOG `crm` TO {PERSON}; GRANT USE SCHEMA ON SCHEMA `crm`.`sfdc_dbx` TO {PERSON};"
DENIED = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: no SELECT on the table. SQLSTATE: 42501"
ALWAYS = 1000

Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def examine(wire: Wire) -> Iterator[Examine]:
    clients: list[DatabricksWarehouse] = []

    def examined(login: Databricks, place: str = "crm.sfdc_dbx") -> dict[str, Finding]:
        settings, clock = replace(shipped_settings(), deploy_to=place), HandClock()
        here = replace(login, host=wire.local.server.url, http_path=PATH)
        clients.append(warehouse := DatabricksWarehouse(here, named(), settings.pipeline, **wire.patience))
        sources = Sources(settings, clock, warehouse, FakeCensus(clock))
        return {finding.name: finding for finding in examine_warehouse(sources, COLUMNS, to_grant)}

    wire.local.server.auto_stop_mins = 0
    wire.local.server.wake()
    yield examined
    for client in clients:
        client.close()


PERSONAL = Databricks("", "", token=TOKEN, origin="DATABRICKS_TOKEN")
PRINCIPAL = Databricks("", "", client_id="application", client_secret="hush", origin="DATABRICKS_CLIENT_ID")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (PERSONAL, "personal token of operations@example.com (from DATABRICKS_TOKEN)"),
        (PRINCIPAL, "OAuth M2M, service principal application (client ID from DATABRICKS_CLIENT_ID)"),
        (
            replace(PRINCIPAL, origin='profile "team"'),
            "OAuth M2M, service principal application (client ID from pro",
        ),
    ],
)
def test_a_login_that_may_do_everything_is_named_with_what_it_may_do(
    examine: Examine, login: Databricks, words: str
) -> None:
    found = examine(login)
    assert list(found) == ["Databricks login", "warehouse", TABLE, "audit log", "deploy_to"]
    assert all(finding.ok and "⚠" not in finding.detail for finding in found.values())
    assert found["Databricks login"].detail.startswith(words)
    assert found["warehouse"].detail == "RUNNING; the login may use it"
    assert found["deploy_to"].detail == "tables and views can be created in crm.sfdc_dbx"


def test_a_login_of_entra_is_named_with_its_tenant(wire: Wire, examine: Examine) -> None:
    with entra() as microsoft:
        wire.local.server.token = microsoft.token
        login = replace(
            PRINCIPAL, client_id=APPLICATION, client_secret=SECRET, tenant_id=TENANT, origin="ARM_CLIENT_ID"
        )
        found = examine(replace(login, authority=microsoft.url))
    assert [name for name, finding in found.items() if not finding.ok] == []
    said = f"Entra tenant {TENANT}, service principal {APPLICATION} (client ID from ARM_CLIENT_ID)"
    assert found["Databricks login"].detail == said


def test_a_login_that_is_not_taken_ends_the_questions(wire: Wire, examine: Examine) -> None:
    found = examine(replace(PRINCIPAL, client_secret="hush-hush"))
    assert list(found) == ["Databricks login"]
    assert "DATABRICKS_CLIENT_SECRET" in found["Databricks login"].detail
    assert not found["Databricks login"].ok
    assert found["Databricks login"].remedy == "correct the setting that it names"
    assert "OpenSession" not in wire.local.server.calls


@pytest.mark.parametrize("call", ["state", "OpenSession"])
def test_a_login_without_can_use_is_told_where_to_give_it_and_no_table_is_blamed(
    wire: Wire, examine: Examine, call: str
) -> None:
    wire.local.server.faults = [Fault(call, 403, ALWAYS)]
    found = examine(PERSONAL)
    assert list(found) == ["Databricks login", "warehouse"]
    assert "it needs CAN USE" in found["warehouse"].detail
    said = "SQL Warehouses → this warehouse → Permissions: add operations@example.com with Can use"
    assert (found["warehouse"].ok, found["warehouse"].remedy) == (False, said)


def test_a_table_that_may_not_be_read_comes_with_the_grant_to_paste(wire: Wire, examine: Examine) -> None:
    wire.local.server.before["ExecuteStatement"] = lambda: deny(wire, after=1)  # the first one asks whether it answers
    found = examine(PERSONAL)
    assert [name for name, finding in found.items() if not finding.ok] == [TABLE]
    said = f"{USES} GRANT SELECT ON TABLE `crm`.`sfdc_dbx`.`properties_to_create` TO {PERSON};"
    assert found[TABLE].remedy == said


def test_an_audit_log_that_may_not_be_written_comes_with_the_grant_to_paste(wire: Wire, examine: Examine) -> None:
    wire.local.server.before["ExecuteStatement"] = lambda: deny(wire, after=2)
    found = examine(PERSONAL)
    said = f"{USES} GRANT SELECT, MODIFY ON TABLE `crm`.`sfdc_dbx`.`sync_audit_log` TO {PERSON};"
    assert (found["audit log"].ok, found["audit log"].remedy) == (False, said)


@pytest.mark.parametrize(
    ("privileges", "may"),
    [
        (["ALL_PRIVILEGES"], True),
        (["USE SCHEMA", "CREATE_TABLE"], True),
        (["USE SCHEMA", "CREATE FUNCTION"], False),
        ([], False),
    ],
)
def test_a_schema_in_which_nothing_may_be_created_is_a_warning_with_the_grant_to_paste(
    wire: Wire, examine: Examine, privileges: list[str], may: bool
) -> None:
    wire.local.server.privileges = privileges
    found = examine(PERSONAL)["deploy_to"]
    grant = f"`sync-health deploy` needs: {USES} GRANT CREATE TABLE ON SCHEMA `crm`.`sfdc_dbx` TO {PERSON};"
    assert found.ok
    assert found.detail.endswith("can be created in crm.sfdc_dbx" if may else grant)
    assert ("⚠" in found.detail) is not may


def test_what_a_catalog_does_not_tell_is_not_known_rather_than_wrong(wire: Wire, examine: Examine) -> None:
    found = examine(PERSONAL, "hive_metastore.ours")["deploy_to"]
    assert (found.ok, "does not list" in found.detail) == (True, True)
    assert not any("may_create" in tag for tag in wire.local.server.tags)


def test_a_refused_question_about_privileges_is_no_fault_of_the_pipeline(wire: Wire, examine: Examine) -> None:
    wire.local.server.before["ExecuteStatement"] = lambda: deny(wire, after=3)
    assert "is not known" in examine(PERSONAL)["deploy_to"].detail


def deny(wire: Wire, *, after: int) -> None:
    """From the statement after these on, one is refused."""
    done = len([tag for tag in wire.local.server.tags if tag])
    if done == after:
        wire.local.server.errors = [DENIED]
