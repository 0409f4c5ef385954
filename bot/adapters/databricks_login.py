"""Who asks Databricks: headers for a token or a service principal, and the state of the warehouse over REST."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from bot.environment import Databricks
from bot.errors import AccessError, ConfigurationError, NotFoundError, SyncHealthError, TemporaryError

TIMEOUT = (3.05, 10.0)  # seconds: to connect, to hear something
EARLY = (
    25 * 60.0
)  # seconds: a token that ends so soon is renewed; the connector keeps the one that a session began with
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


class Login:
    """Tells Databricks who asks; threads may share it. Raises ConfigurationError rather than open a browser."""

    def __init__(self, settings: Databricks, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if problems := list(_problems(settings)):
            raise ConfigurationError(problems)
        self._settings, self._monotonic = settings, monotonic
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
                self._token, seconds = _token_in(self._call("POST", "/oidc/v1/token", principal, GRANT))
                self._until = self._monotonic() + seconds
            return {"Authorization": f"Bearer {self._token}"}

    def warehouse(self) -> Mapping[str, object]:
        """What Databricks says of the warehouse, which wakes nobody. Raises NotFoundError for a cluster."""
        found = WAREHOUSE.match(self._settings.http_path)
        if not found:
            raise NotFoundError("DATABRICKS_HTTP_PATH names no SQL warehouse: its state cannot be asked for")
        return self._call("GET", f"/api/2.0/sql/warehouses/{found[1]}", _Bearer(self.headers()))

    def _call(self, method: str, path: str, auth: AuthBase, data: Mapping[str, str] | None = None) -> dict[str, object]:
        try:
            with requests.Session() as session:
                session.trust_env = not self._settings.is_local  # no proxy reaches our own machine
                answer = session.request(
                    method, f"{self.url}{path}", auth=auth, data=data, timeout=TIMEOUT, allow_redirects=False
                )
            document = answer.json() if answer.ok else {}
        except requests.RequestException as error:
            raise TemporaryError(f"Databricks cannot be reached at {self.url} ({type(error).__name__})") from error
        if answer.status_code != 200 or not isinstance(document, dict):
            raise refusal(answer.status_code, NO_TOKEN if data else REMEDIES)
        return document


def refusal(status: int, remedies: Mapping[int, str] = REMEDIES) -> SyncHealthError:
    """What an HTTP status of Databricks means; the remedies are those of what was asked."""
    family = AccessError if status in remedies else TemporaryError
    return family(f"Databricks answered {status}: {remedies.get(status, 'try again later')}")


def _token_in(answer: Mapping[str, object]) -> tuple[str, float]:
    """The token, and for how many seconds it holds."""
    token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
    if not isinstance(token, str) or not token or not isinstance(seconds, int | float):
        raise TemporaryError("Databricks answered without a token that can be read: try again later")
    return token, float(seconds)


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
    secrets = {
        "DATABRICKS_TOKEN": settings.token,
        "DATABRICKS_CLIENT_ID": settings.client_id,
        "DATABRICKS_CLIENT_SECRET": settings.client_secret,
    }
    for name, secret in secrets.items():
        if not re.fullmatch(r"[!-~]*", secret):  # else the HTTP library raises an error that quotes it
            yield f"{name}: it has blanks or letters that no header can hold, write it bare"
