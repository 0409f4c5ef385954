"""Who asks: tokens, service principals, the state of the warehouse, and nothing of it in any text."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.databricks.login import Login
from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.config.environment import Databricks
from bot.demo.warehouse.server import PATH, Fault
from bot.errors import ConfigurationError, NotFoundError, PermanentError, TemporaryError
from bot.runtime.composition import SystemClock, connect, disconnect, settings_from
from tests.dripping import answer, dripping
from tests.fakes import HandClock
from tests.warehouses import TOKEN
from tests.wire.measured import Wire

PRINCIPAL = Databricks("", PATH, client_id="application", client_secret="hush")
ALWAYS = 1000


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def principal(wire: Wire, clock: HandClock) -> Iterator[DatabricksWarehouse]:
    one = DatabricksWarehouse(replace(PRINCIPAL, host=wire.local.server.url), monotonic=clock.monotonic)
    yield one
    one.close()


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


def test_a_service_principal_gets_a_token_keeps_it_and_renews_it_in_time(
    wire: Wire, principal: DatabricksWarehouse, clock: HandClock
) -> None:
    calls = wire.local.server.calls
    principal.ask("measure/health")
    principal.ask("measure/health")
    assert principal.state() == "RUNNING"
    assert calls.count("token") == 1
    clock.pass_(minutes=36)  # of its hour: a session that begins now may last for twenty minutes
    assert principal.state() == "RUNNING"
    assert calls.count("token") == 2


@pytest.mark.parametrize(
    ("status", "family", "said"),
    [
        (401, PermanentError, "DATABRICKS_CLIENT_SECRET"),
        (400, PermanentError, "DATABRICKS_CLIENT_SECRET"),
        (503, TemporaryError, "503"),
    ],
)
def test_a_service_principal_without_a_token_is_told_why_and_nothing_was_asked(
    wire: Wire, principal: DatabricksWarehouse, status: int, family: type[Exception], said: str
) -> None:
    wire.local.server.faults = [Fault("token", status, ALWAYS)]
    for outcome in (wire.read(principal), wire.write(principal)):
        assert isinstance(outcome.error, family) and said in str(outcome.error)
        assert "hush" not in str(outcome.error)
    assert wire.local.server.calls == ["token", "token"]


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


@pytest.mark.parametrize("token", ["", "two\nlines", "a blank", "schlüssel", 7, None, ["t"], "x" * 20_000])
def test_a_token_that_no_header_can_hold_is_refused_unseen(token: object) -> None:
    with pytest.raises(TemporaryError, match="token endpoint") as refused:
        principal_at({"access_token": token, "expires_in": 3600})
    assert "HTTP_PATH" not in str(refused.value)
    if isinstance(token, str) and token:
        assert token not in str(refused.value)


@pytest.mark.parametrize("body", [[], ["access_token"], "text", 5, None])
def test_a_token_endpoint_that_answers_something_else_is_named(body: object) -> None:
    with pytest.raises(TemporaryError, match=r"token endpoint of Databricks, .*/oidc/v1/token"):
        principal_at(body)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -5, 0, "3600", True, None, [3600]])
def test_a_token_that_does_not_say_how_long_it_holds_is_used_once(seconds: object) -> None:
    assert principal_at({"access_token": "t", "expires_in": seconds}, times=3) == 3


def test_a_token_is_kept_for_a_day_at_most() -> None:
    clock = HandClock()
    assert principal_at({"access_token": "t", "expires_in": 1e300}, clock, times=3) == 1
    assert principal_at({"access_token": "t", "expires_in": 1e300}, clock, times=3, hours=12) == 2


def principal_at(body: object, clock: HandClock | None = None, *, times: int = 1, hours: int = 0) -> int:
    """Log in that often at an endpoint that answers this; how often it was asked."""
    clock = clock or HandClock()
    with dripping(answer(json.dumps(body).encode(), "Connection: close"), drip=b"") as server:
        login = Login(replace(PRINCIPAL, host=server.url), monotonic=clock.monotonic)
        for _ in range(times):
            assert login.headers() == {"Authorization": "Bearer t"}
            clock.pass_(hours=hours)
        return server.asked
