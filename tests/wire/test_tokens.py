"""Service principals: who issues their tokens, when they are renewed, and what is said where there is none."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
from databricks.sql.auth.authenticators import AzureServicePrincipalCredentialProvider

from bot.adapters.databricks.login import Login
from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH, Fault
from bot.errors import AccessError, PermanentError, TemporaryError, UncertainError
from tests.dripping import answer, dripping
from tests.entra import APPLICATION, SECRET, TENANT, Entra, entra, refused
from tests.fakes import HandClock
from tests.wire.measured import Wire

PRINCIPAL = Databricks("", PATH, client_id="application", client_secret="hush")
REGISTRATION = Databricks("", PATH, client_id=APPLICATION, client_secret=SECRET, tenant_id=TENANT)
ALWAYS = 1000
HTML = b"<html><body>Sign in to continue</body></html>"


@pytest.fixture
def microsoft() -> Iterator[Entra]:
    with entra() as server:
        yield server


@pytest.fixture(params=["OAuth M2M", "Entra"])
def principal(
    request: pytest.FixtureRequest, wire: Wire, clock: HandClock, microsoft: Entra
) -> Iterator[DatabricksWarehouse]:
    settings = PRINCIPAL
    if request.param == "Entra":
        settings = replace(REGISTRATION, authority=microsoft.url)
        wire.local.server.token = microsoft.token
    settings = replace(settings, host=wire.local.server.url)
    one = DatabricksWarehouse(settings, monotonic=clock.monotonic, **wire.patience)
    yield one
    one.close()


@pytest.fixture
def asked(wire: Wire, microsoft: Entra) -> Callable[[], int]:
    """How often a token was asked for, whoever issues it."""
    return lambda: wire.local.server.calls.count("token") + len(microsoft.forms)


def reissue(wire: Wire, microsoft: Entra, token: str) -> None:
    """From now on another token holds, and no earlier one."""
    wire.local.server.token = microsoft.token = token
    wire.local.server.token_answer = {"access_token": token, "expires_in": 3600}


def test_a_service_principal_gets_a_token_keeps_it_and_renews_it_in_time(
    principal: DatabricksWarehouse, clock: HandClock, asked: Callable[[], int]
) -> None:
    principal.ask("measure/health")
    principal.ask("measure/health")
    assert principal.state() == "RUNNING"
    assert asked() == 1
    clock.pass_(minutes=36)  # of its hour: a session that begins now may last for twenty minutes
    assert principal.state() == "RUNNING"
    assert asked() == 2


def test_a_token_that_was_revoked_is_replaced_once_and_nobody_notices(
    wire: Wire, microsoft: Entra, principal: DatabricksWarehouse, clock: HandClock, asked: Callable[[], int]
) -> None:
    before = principal.ask("measure/health")
    clock.pass_(minutes=2)
    reissue(wire, microsoft, "the-second")
    assert principal.ask("measure/health") == before
    assert asked() == 2
    clock.pass_(minutes=2)
    reissue(wire, microsoft, "the-third")
    assert principal.state() == "RUNNING"
    assert asked() == 3


def test_a_new_token_that_is_refused_as_well_is_an_error_and_no_loop(
    wire: Wire, principal: DatabricksWarehouse, clock: HandClock, asked: Callable[[], int]
) -> None:
    principal.ask("measure/health")
    clock.pass_(minutes=2)
    wire.local.server.token = "nobody-issues-this"
    with pytest.raises(AccessError, match="401"):
        principal.ask("measure/health")
    with pytest.raises(AccessError, match="401"):
        principal.state()
    assert asked() == 2


def test_a_write_that_met_an_outdated_token_is_not_sent_again_and_the_next_one_has_a_new_token(
    wire: Wire, microsoft: Entra, principal: DatabricksWarehouse, clock: HandClock
) -> None:
    principal.ask("measure/health")
    clock.pass_(minutes=2)
    reissue(wire, microsoft, "the-second")
    assert isinstance(wire.write(principal).error, UncertainError)
    assert wire.snapshots() == 0
    assert wire.write(principal).error is None
    assert wire.snapshots() == 1


@pytest.mark.parametrize(
    ("call", "status", "body", "family", "said"),
    [
        ("discovery", 404, HTML, AccessError, "check DATABRICKS_HOST"),
        ("discovery", 302, b"", AccessError, "the address redirects, check DATABRICKS_HOST"),
        ("discovery", 200, HTML, TemporaryError, "in a form that cannot be read: check DATABRICKS_HOST"),
        ("discovery", 200, b"{}", TemporaryError, "in a form that cannot be read"),
        ("discovery", 200, b'{"issuer": 5}', AccessError, "names no token endpoint"),
        ("discovery", 200, b'{"token_endpoint": "http://elsewhere.example/t"}', AccessError, "names no token endpoint"),
        (
            "discovery",
            200,
            b'{"token_endpoint": "https://elsewhere.example/t"}',
            AccessError,
            "names no token endpoint",
        ),
        ("discovery", 200, b'{"token_endpoint": "https://10.0.0.1/t"}', AccessError, "names no token endpoint"),
        (
            "discovery",
            200,
            b'{"token_endpoint": "https://x.databricks.com.example/"}',
            AccessError,
            "names no token end",
        ),
        ("discovery", 503, b"", TemporaryError, "503: try again later"),
        ("token", 401, b'{"error": "invalid_client"}', AccessError, "(invalid_client): the service principal gets no"),
        ("token", 400, b'{"error": "invalid_client"}', AccessError, "check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT"),
        (
            "token",
            400,
            b'{"error": "My hush is bad"}',
            AccessError,
            "answered 400: the service principal gets no token",
        ),
        ("token", 403, HTML, AccessError, "add it to the workspace"),
        ("token", 429, b"", TemporaryError, "429: try again later"),
        ("token", 500, HTML, TemporaryError, "500: try again later"),
        ("token", 200, HTML, TemporaryError, "in a form that cannot be read"),
    ],
)
def test_a_workspace_that_issues_no_token_is_told_with_its_remedy(
    wire: Wire, call: str, status: int, body: bytes, family: type[Exception], said: str
) -> None:
    wire.local.server.faults = [Fault(call, status, ALWAYS, body=body)]
    with pytest.raises(family) as refused_login:
        Login(replace(PRINCIPAL, host=wire.local.server.url)).headers()
    assert said in str(refused_login.value)
    assert "hush" not in str(refused_login.value)


def test_the_wait_that_the_token_endpoint_asks_for_is_passed_on(wire: Wire) -> None:
    wire.local.server.faults = [Fault("token", 429, retry_after="7")]
    with pytest.raises(TemporaryError) as busy:
        Login(replace(PRINCIPAL, host=wire.local.server.url)).headers()
    assert busy.value.retry_after == 7


@pytest.mark.parametrize("call", ["discovery", "token"])
@pytest.mark.parametrize("what", ["hang", "drop"])
def test_a_silent_token_endpoint_is_given_up_in_bounded_time(wire: Wire, call: str, what: Any) -> None:
    wire.local.server.faults = [Fault(call, what, ALWAYS)]
    with pytest.raises(TemporaryError, match="cannot be reached"):
        Login(replace(PRINCIPAL, host=wire.local.server.url), timeout=(0.2, 0.3)).headers()


def test_an_answer_without_an_end_is_given_up() -> None:
    huge = answer(json.dumps({"token_endpoint": "x" * 2**21}).encode(), "Connection: close")
    with dripping(huge, drip=b"") as server, pytest.raises(TemporaryError, match="sent more than can be read"):
        Login(replace(PRINCIPAL, host=server.url)).headers()


def test_a_wrong_secret_reaches_the_caller_of_a_statement_with_its_remedy(wire: Wire) -> None:
    client = DatabricksWarehouse(replace(PRINCIPAL, host=wire.local.server.url, client_secret="hush-hush"))
    for outcome in (wire.read(client), wire.write(client)):
        assert isinstance(outcome.error, PermanentError) and "DATABRICKS_CLIENT_SECRET" in str(outcome.error)
        assert "hush" not in str(outcome.error)
    client.close()
    assert "OpenSession" not in wire.local.server.calls


@pytest.mark.parametrize(
    ("answered", "family", "said"),
    [
        (refused("AADSTS7000215", "Invalid client secret"), AccessError, "it is the secret's value, not its ID"),
        (refused("AADSTS7000222", "The keys are expired"), AccessError, "the secret has expired"),
        (refused("AADSTS700016", "Not found", 400), AccessError, "check ARM_CLIENT_ID and ARM_TENANT_ID"),
        (refused("AADSTS90002", "No tenant", 400), AccessError, "there is no such tenant, check ARM_TENANT_ID"),
        (refused("AADSTS123", "Something new"), AccessError, "check ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET"),
        ((400, HTML), AccessError, "check ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET"),
        ((429, b""), TemporaryError, "429: try again later"),
        ((503, HTML), TemporaryError, "503: try again later"),
        ((200, HTML), TemporaryError, "in a form that cannot be read"),
        ((200, b'{"access_token": ""}'), TemporaryError, "without a token that can be used"),
    ],
)
def test_an_entra_that_issues_no_token_is_told_with_its_remedy(
    microsoft: Entra, answered: tuple[int, bytes], family: type[Exception], said: str
) -> None:
    microsoft.answers = [answered]
    with pytest.raises(family) as refused_login:
        registration(microsoft).headers()
    assert said in str(refused_login.value)
    assert str(refused_login.value).startswith("Microsoft Entra, ")
    assert SECRET not in str(refused_login.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant_id": "another"}, "AADSTS90002"),
        ({"client_id": "another"}, "AADSTS700016"),
        ({"client_secret": "canary"}, "AADSTS7000215"),
    ],
)
def test_entra_says_which_of_the_three_is_wrong(microsoft: Entra, changes: dict[str, str], said: str) -> None:
    with pytest.raises(AccessError, match=said) as refused_login:
        registration(microsoft, **changes).headers()
    assert "canary" not in str(refused_login.value)


def test_entra_is_asked_as_the_connectors_own_login_asks(microsoft: Entra) -> None:
    registration(microsoft).headers()
    [ours] = microsoft.forms

    class Theirs(AzureServicePrincipalCredentialProvider):
        AZURE_AAD_ENDPOINT = microsoft.url  # fixed in the connector: no setting leads to a local server

    Theirs("https://adb-1.2.azuredatabricks.net/", APPLICATION, SECRET, _Urllib3(), TENANT)()()
    assert ours in microsoft.forms[1:]


def test_no_secret_and_no_token_of_any_login_reaches_a_log_or_a_text(
    wire: Wire, principal: DatabricksWarehouse, caplog: pytest.LogCaptureFixture, clock: HandClock, microsoft: Entra
) -> None:
    caplog.set_level(logging.DEBUG)
    issued = [wire.local.server.token]
    principal.ask("measure/health")
    clock.pass_(minutes=2)
    reissue(wire, microsoft, "the-second-token")
    principal.ask("measure/health")
    clock.pass_(minutes=2)
    wire.local.server.token = "nobody-issues-this"
    said = [str(wire.read(principal).error), str(wire.write(principal).error), repr(principal.login())]
    for canary in ("hush", SECRET, "the-second-token", *issued):
        assert canary not in caplog.text + "".join(said)


class _Urllib3:
    """The connector's HTTP client, as far as its login needs it."""

    def request(self, method: Any, url: str, headers: dict[str, str], body: str) -> SimpleNamespace:
        said = urllib3.request(method.value, url, headers=headers, body=body)
        return SimpleNamespace(status=said.status, data=said.data)


def registration(microsoft: Entra, **changes: str) -> Login:
    settings = replace(REGISTRATION, host="adb-1.2.azuredatabricks.net", authority=microsoft.url)
    return Login(replace(settings, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("token", ["", "two\nlines", "a blank", "schlüssel", 7, None, ["t"], "x" * 20_000])
def test_a_token_that_no_header_can_hold_is_refused_unseen(wire: Wire, token: object) -> None:
    with pytest.raises(TemporaryError, match="token endpoint") as refused_login:
        principal_at(wire, {"access_token": token, "expires_in": 3600})
    assert "HTTP_PATH" not in str(refused_login.value)
    if isinstance(token, str) and token:
        assert token not in str(refused_login.value)


@pytest.mark.parametrize("body", [[], ["access_token"], "text", 5, None])
def test_a_token_endpoint_that_answers_something_else_is_named(wire: Wire, body: object) -> None:
    with pytest.raises(TemporaryError, match=r"token endpoint of Databricks, .*/oidc/v1/token"):
        principal_at(wire, body)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -5, 0, "soon", "-5", True, None, [3600]])
def test_a_token_that_does_not_say_how_long_it_holds_is_used_once(wire: Wire, seconds: object) -> None:
    assert principal_at(wire, {"access_token": "t", "expires_in": seconds}, times=3) == 3


@pytest.mark.parametrize("seconds", [1e300, "999999999"])
def test_a_token_is_kept_for_a_day_at_most(wire: Wire, seconds: object) -> None:
    assert principal_at(wire, {"access_token": "t", "expires_in": seconds}, times=3) == 1
    assert principal_at(wire, {"access_token": "t", "expires_in": seconds}, times=3, hours=12) == 2


def principal_at(wire: Wire, body: object, *, times: int = 1, hours: int = 0) -> int:
    """Log in that often where the token endpoint answers this; how often it was asked."""
    clock, server = HandClock(), wire.local.server
    server.token_answer = body  # type: ignore[assignment]
    before = server.calls.count("token")
    login = Login(replace(PRINCIPAL, host=server.url), monotonic=clock.monotonic)
    for _ in range(times):
        assert login.headers() == {"Authorization": "Bearer t"}
        clock.pass_(hours=hours)
    return server.calls.count("token") - before
