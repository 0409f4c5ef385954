"""Databricks logins: headers for a token or a service principal (OAuth M2M), and the warehouse's state over REST."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from bot.adapters.documents import Document, fits
from bot.config.environment import Databricks
from bot.errors import AccessError, ConfigurationError, NotFoundError, SyncHealthError, TemporaryError
from bot.transport.bounded_http import TooLargeError, bounded_session, json_object, take_body, untrusted, within

TIMEOUT = (3.05, 10.0)  # seconds: to connect, to hear something; together they bound a whole call
LARGEST = 2**20  # bytes of an answer: a token and the state of a warehouse are some kilobytes
# Seconds: a token that ends so soon is renewed, because the connector keeps the one that a session began with.
EARLY = 25 * 60.0
LONGEST = 24 * 3600.0  # seconds for which a token is kept, whatever its answer says
TOKEN_PATH = "/oidc/v1/token"  # noqa: S105 - an address
WAREHOUSE = re.compile(r"/?sql/1\.0/(?:warehouses|endpoints)/([\w-]+)")
GRANT = {"grant_type": "client_credentials", "scope": "all-apis"}
REMEDIES = {
    400: "the request was refused, check DATABRICKS_HOST and DATABRICKS_HTTP_PATH",
    401: "the login is not valid, check DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET",
    403: "the login may not use this warehouse (it needs CAN USE), or an access list keeps this machine out",
    404: "there is no such warehouse, check DATABRICKS_HOST and DATABRICKS_HTTP_PATH",
}
NO_TOKEN = {
    400: "the service principal gets no token, check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET",
    401: "the service principal gets no token, check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET",
    403: "the service principal may not log in here, check its access to the workspace",
    404: "there is no login for service principals here, check DATABRICKS_HOST",
}
STATES = ("running", "starting", "stopping", "stopped", "deleting", "deleted")


class WarehouseDocument(Document):
    """A SQL warehouse; 0 minutes: it never stops."""

    state: Annotated[str, fits("a word", "None", STATES)]
    auto_stop_mins: Annotated[int | None, fits("a whole number", None)]


class Login:
    """Tells Databricks who asks; threads may share it. Raises ConfigurationError rather than open a browser."""

    def __init__(
        self,
        settings: Databricks,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        if problems := list(_problems(settings)):
            raise ConfigurationError(problems)
        self._settings, self._monotonic, self._timeout = settings, monotonic, timeout
        self._lock = threading.Lock()  # guards the two below
        self._token, self._until = settings.token, float("inf" if settings.token else "-inf")

    @property
    def url(self) -> str:
        """The address of the workspace."""
        return self._settings.host if self._settings.is_local else f"https://{self._settings.host}"

    def headers(self) -> dict[str, str]:
        """What a request needs. Raises TemporaryError or PermanentError when a service principal gets no token."""
        with self._lock:
            if self._monotonic() > self._until - EARLY:
                principal = HTTPBasicAuth(self._settings.client_id, self._settings.client_secret)
                self._token, seconds = _token_in(self._request_json("POST", TOKEN_PATH, principal, GRANT))
                self._until = self._monotonic() + seconds
            return {"Authorization": f"Bearer {self._token}"}

    def warehouse(self) -> Mapping[str, object]:
        """What Databricks says of the warehouse, which wakes nobody. Raises NotFoundError for a cluster."""
        found = WAREHOUSE.match(self._settings.http_path)
        if not found:
            raise NotFoundError("DATABRICKS_HTTP_PATH names no SQL warehouse: its state cannot be asked for")
        return self._request_json("GET", f"/api/2.0/sql/warehouses/{found[1]}", _Bearer(self.headers()))

    def _request_json(
        self, method: str, path: str, auth: AuthBase, data: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        who = f"The token endpoint of Databricks, {self.url}{path}," if data else "Databricks"
        try:
            with within(sum(self._timeout)), bounded_session() as session:
                session.auth = auth
                answer = session.request(
                    method, f"{self.url}{path}", data=data, timeout=self._timeout, stream=True, allow_redirects=False
                )
                take_body(answer, LARGEST)
        except TooLargeError as error:
            raise TemporaryError(f"{who} sent more than can be read: try again later") from error
        except Exception as error:  # an adapter lets no other error out, whatever HTTP libraries raise
            where = "" if data else f" at {self.url}"
            unreached = TemporaryError(f"{who} cannot be reached{where} ({type(error).__name__})")
            raise untrusted(error, who) or unreached from error
        if answer.status_code != 200:
            raise refusal(answer.status_code, NO_TOKEN if data else REMEDIES, who)
        if not (document := json_object(answer.content)):
            raise TemporaryError(f"{who} answered in a form that cannot be read: try again later")
        return document


def refusal(status: int, remedies: Mapping[int, str] = REMEDIES, who: str = "Databricks") -> SyncHealthError:
    """What an HTTP status of Databricks means; the remedies are those of what was asked."""
    family = AccessError if status in remedies else TemporaryError
    return family(f"{who} answered {status}: {remedies.get(status, 'try again later')}")


def _token_in(answer: Mapping[str, object]) -> tuple[str, float]:
    """The token, and for how many seconds it holds; 0 where that is not said readably, so it is used only once."""
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,16384}", token):  # else no header can hold it
        raise TemporaryError("The token endpoint of Databricks answered without a token that can be used")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        return token, 0.0
    return token, float(min(seconds, LONGEST))


class _Bearer(AuthBase):
    """As authentication, not as a header: a .netrc would replace that."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _problems(settings: Databricks) -> Iterator[str]:
    if not settings.host or not settings.http_path:
        yield "DATABRICKS_HOST and DATABRICKS_HTTP_PATH: both are needed, they name the warehouse"
    if not settings.token and not (settings.client_id and settings.client_secret):
        yield "DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET: without them nobody may ask"
