"""Who asks Databricks: the headers of a login, renewed in time, and what Databricks says of it and of the warehouse."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from bot.adapters.databricks.asker import user_agent
from bot.adapters.databricks.outcomes import LoginRefusedError
from bot.adapters.databricks.rest import REMEDIES, TIMEOUT, Bearer, Caller
from bot.adapters.databricks.tokens import TokenSource
from bot.adapters.documents import Document, fits
from bot.config.databricks import Databricks
from bot.errors import ConfigurationError, NotFoundError, SyncHealthError
from bot.model import WarehouseLogin
from bot.sanitize import sanitize

# Seconds: a token that ends so soon is renewed, because the connector keeps the one that a session began with.
EARLY = 25 * 60.0
YOUNG = 60.0  # seconds: a token that is refused so soon after it was issued is refused for another reason
WAREHOUSE = re.compile(r"/?sql/1\.0/(?:warehouses|endpoints)/([\w-]+)")
WHO_AM_I = "/api/2.0/preview/scim/v2/Me"
STATES = ("running", "starting", "stopping", "stopped", "deleting", "deleted")
LONGEST_NAME = 200
LONGEST_STOP = 366 * 24 * 60  # minutes: a time beyond that is no answer, and too long to add to a date


class WarehouseDocument(Document):
    """A SQL warehouse; 0 minutes: it never stops."""

    state: Annotated[str, fits("a word", "None", STATES)]
    auto_stop_mins: Annotated[int | None, fits("a whole number", None)]

    @property
    def minutes(self) -> int | None:
        """Those of the auto-stop, None where what it says can be none."""
        return self.auto_stop_mins if self.auto_stop_mins in range(LONGEST_STOP) else None


class Login:
    """Tells Databricks who asks; threads may share it. Raises ConfigurationError rather than open a browser."""

    def __init__(
        self,
        settings: Databricks,
        pipeline: str = "",
        *,
        monotonic: Callable[[], float] = time.monotonic,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        if problems := list(_problems(settings)):
            raise ConfigurationError(problems)
        self._settings, self._monotonic = settings, monotonic
        self._caller = Caller(user_agent(pipeline), timeout)
        self._source = None if settings.token else TokenSource(settings, self.url, self._caller)
        self._lock = threading.Lock()  # guards the three below
        self._token, self._until = settings.token, float("-inf")
        self._since = float("-inf")

    @property
    def url(self) -> str:
        """The address of the workspace."""
        return self._settings.host if self._settings.is_local else f"https://{self._settings.host}"

    def headers(self) -> dict[str, str]:
        """What a request needs. Raises TemporaryError or PermanentError when a service principal gets no token."""
        with self._lock:
            if self._source and self._monotonic() > self._until - EARLY:
                self._token, seconds = self._source.issue()
                self._since = self._monotonic()
                self._until = self._since + seconds
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether other headers than the refused ones are to be had; a token of a person is never renewed."""
        with self._lock:
            if refused.get("Authorization") != f"Bearer {self._token}":
                return True  # somebody renewed it meanwhile
            if not self._source or self._monotonic() - self._since < YOUNG:
                return False
            self._until = float("-inf")
            return True

    def warehouse(self) -> Mapping[str, object]:
        """What Databricks says of the warehouse, which wakes nobody. Raises NotFoundError for a cluster."""
        found = WAREHOUSE.match(self._settings.http_path)
        if not found:
            raise NotFoundError("DATABRICKS_HTTP_PATH names no SQL warehouse: its state cannot be asked for")
        return self._ask(f"/api/2.0/sql/warehouses/{found[1]}")

    def described(self) -> WarehouseLogin:
        """The login in words, and the principal as GRANT names it. Raises what a login that is refused raises."""
        settings = self._settings
        name = settings.client_id or self._user_name()
        if settings.token:
            words = f"personal token{f' of {name}' if name else ''} (from {settings.origin or 'DATABRICKS_TOKEN'})"
            return WarehouseLogin(words, name or None)
        self.headers()  # that it gets a token is the half of it
        kind = f"Entra tenant {settings.tenant_id}" if settings.tenant_id else "OAuth M2M"
        return WarehouseLogin(f"{kind}, service principal {name} (client ID from {settings.origin})", name)

    def _user_name(self) -> str:
        """Whose token it is; empty where this login may not ask."""
        try:
            name = self._ask(WHO_AM_I).get("userName")
        except LoginRefusedError:
            raise
        except SyncHealthError:
            return ""
        return sanitize(name, LONGEST_NAME) if isinstance(name, str) else ""

    def _ask(self, path: str) -> dict[str, object]:
        who, url, headers = f"Databricks, {self.url},", f"{self.url}{path}", self.headers()
        try:
            return self._caller.get(who, url, REMEDIES, Bearer(headers))
        except LoginRefusedError:
            if not self.renew(headers):
                raise
        return self._caller.get(who, url, REMEDIES, Bearer(self.headers()))


def _problems(settings: Databricks) -> Iterator[str]:
    if not settings.host or not settings.http_path:
        yield "DATABRICKS_HOST and DATABRICKS_HTTP_PATH: both are needed, they name the warehouse"
    if not settings.token and not (settings.client_id and settings.client_secret):
        yield "DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET: without them nobody may ask"
