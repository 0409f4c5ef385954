"""Who asks: tokens, service principals, the state of the warehouse, and nothing of it in any text."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.databricks.asker import plain, product_version, session_tags, user_agent
from bot.adapters.databricks.login import Login
from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH, Fault
from bot.errors import AccessError, ConfigurationError, NotFoundError, PermanentError, TemporaryError
from bot.model import WarehouseLogin
from bot.runtime.composition import SystemClock, connect, disconnect, settings_from
from bot.services.warehouse_meter import metered
from tests.fakes import HandClock
from tests.warehouses import TOKEN
from tests.wire.measured import Wire


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token": ""}, "DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET"),
        ({"token": "", "client_id": "application"}, "DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and"),
        ({"http_path": ""}, "DATABRICKS_HOST and DATABRICKS_HTTP_PATH: both are needed"),
    ],
)
def test_without_a_login_it_refuses_instead_of_opening_a_browser(changes: dict[str, str], said: str) -> None:
    settings = replace(Databricks("dbc.example", PATH, token="bare"), **changes)
    with pytest.raises(ConfigurationError) as refused:
        DatabricksWarehouse(settings)
    assert said in str(refused.value)
    assert "two" not in str(refused.value) and "schl" not in str(refused.value)


@pytest.mark.full
def test_the_environment_alone_leads_to_an_answer(wire: Wire, tmp_path: Path) -> None:
    environment = {
        "SYNC_HEALTH_WAREHOUSE": "databricks",
        "DATABRICKS_HOST": wire.local.server.url,
        "DATABRICKS_HTTP_PATH": PATH,
        "DATABRICKS_TOKEN": TOKEN,
        "SYNC_HEALTH_STATE": f"sqlite:///{tmp_path}/state.db",
    }
    ports, _ = connect(settings_from(environment, ("warehouse",)), SystemClock())
    assert ports.warehouse.ask("measure/health") == wire.local.duckdb.ask("measure/health")
    disconnect(ports)
    assert wire.local.server.sessions == {}


def test_secrets_do_not_show() -> None:
    shown = repr(Databricks("dbc.example", PATH, token="dapi", client_id="application", client_secret="hush"))
    assert "dbc.example" in shown and "dapi" not in shown and "hush" not in shown


def test_a_wrong_token_is_told_with_its_remedy_and_does_not_show(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = wire.client(token="outdated-token")
    with pytest.raises(PermanentError, match="check DATABRICKS_TOKEN") as asked:
        client.ask("measure/health")
    with pytest.raises(PermanentError, match="check DATABRICKS_TOKEN") as looked:
        client.state()
    assert not client.awake()
    assert "outdated" not in caplog.text + str(asked.value) + str(looked.value)


def test_what_we_keep_awake_ourselves_is_not_awake(wire: Wire, clock: HandClock) -> None:
    wire.local.server.now = clock.monotonic
    client = wire.client(monotonic=clock.monotonic)
    assert not client.awake()  # STOPPED, and asking that wakes nobody
    wire.local.server.wake()
    assert client.awake()  # by somebody else
    client.ask("measure/health")
    assert client.state() == "RUNNING" and not client.awake()
    clock.pass_(minutes=9)
    wire.local.server.wake()  # somebody else keeps it awake
    assert not client.awake()
    clock.pass_(minutes=1)
    assert not client.awake(), "it may be about to stop, and a statement at every tick would keep it awake for ever"
    clock.pass_(minutes=2)
    assert client.awake()
    clock.pass_(minutes=9)
    assert not client.awake() and client.state() == "STOPPED"


def test_what_never_stops_is_awake_even_after_our_own_statement(wire: Wire) -> None:
    wire.local.server.auto_stop_mins = 0
    client = wire.client()
    client.ask("measure/health")
    assert client.awake()


@pytest.mark.parametrize("minutes", [-5, 10**13, "10", 10.5, True, None, [10]])
def test_an_auto_stop_that_can_be_none_is_not_known_and_breaks_no_statement(
    wire: Wire, minutes: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Login, "warehouse", lambda _: {"state": "RUNNING", "auto_stop_mins": minutes})
    client, _ = metered(wire.client(), HandClock())
    assert client.ask("measure/health")
    assert client.auto_stop() is None
    assert not client.awake(), "else a bot would keep it awake for ever"


def test_asking_for_the_state_opens_no_session(wire: Wire) -> None:
    client = wire.client()
    assert client.state() == "STOPPED" and not client.awake()
    assert wire.local.server.calls == ["state", "state"]


@pytest.mark.parametrize("fault", [500, 403, "drop"])
def test_a_state_that_is_not_told_is_not_awake_and_the_log_says_why(
    wire: Wire, fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wire.local.server.wake()
    wire.local.server.faults = [Fault("state", fault, 2)]  # type: ignore[arg-type]
    client = wire.client()
    assert not client.awake()
    assert "whether the warehouse is awake is not known: Databricks" in caplog.text
    assert TOKEN not in caplog.text
    with pytest.raises((PermanentError, TemporaryError)):
        client.state()


def test_a_cluster_has_no_state_to_ask_for(wire: Wire) -> None:
    cluster = Databricks(wire.local.server.url, "sql/protocolv1/o/1/0101-101010-cluster", token=TOKEN)
    with pytest.raises(NotFoundError, match="names no SQL warehouse"):
        DatabricksWarehouse(cluster).state()


def test_the_owner_of_a_warehouse_sees_who_asks_for_which_pipeline_and_what_for(wire: Wire) -> None:
    client = wire.client(pipeline="orders: north, Zürich")
    client.ask("measure/health")
    client.state()
    [session] = wire.local.server.sessions.values()
    name, number = "orders-north-Z-rich", product_version()
    tags = f"application:sync-health,version:{number},pipeline:{name},purpose:pipeline-health"
    assert session["QUERY_TAGS"] == tags
    assert wire.local.server.tags == ["statement:measure/health"]
    assert all(f"sync-health/{number} pipeline/{name}" in agent for agent in wire.local.server.agents)
    assert len(wire.local.server.agents) == len(wire.local.server.calls)


@pytest.mark.parametrize(
    ("written", "tag"),
    [("a" * 500, "a" * 120), ("a:b,c\\d", "a-b-c-d"), ("two\r\nlines: yes", "two-lines-yes"), ("é", "")],
)
def test_a_name_becomes_a_tag_that_no_header_and_no_list_of_tags_breaks_at(written: str, tag: str) -> None:
    assert plain(written) == tag
    assert user_agent(written).isascii() and user_agent(written).isprintable()
    assert (("pipeline", tag) in session_tags(written).items()) is bool(tag)


def test_a_login_is_described_with_where_it_stands_and_as_grant_names_it(wire: Wire) -> None:
    place = replace(Databricks(wire.local.server.url, PATH), origin="DATABRICKS_TOKEN")
    personal = DatabricksWarehouse(replace(place, token=TOKEN)).login()
    assert personal == WarehouseLogin(
        "personal token of operations@example.com (from DATABRICKS_TOKEN)", "operations@example.com"
    )
    principal = replace(place, client_id="application", client_secret="hush", origin='profile "team"')
    found = DatabricksWarehouse(principal).login()
    assert found == WarehouseLogin(
        'OAuth M2M, service principal application (client ID from profile "team")', "application"
    )
    assert wire.local.server.state == "STOPPED"


def test_a_login_that_may_not_ask_who_it_is_is_described_anyway(wire: Wire) -> None:
    wire.local.server.faults = [Fault("me", 403)]
    assert wire.client().login() == WarehouseLogin("personal token (from DATABRICKS_TOKEN)", None)
    with pytest.raises(AccessError, match="check DATABRICKS_TOKEN"):
        wire.client(token="outdated-token").login()
