"""One Databricks session and the statement that runs in it."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from bot.adapters.databricks.asker import session_tags, statement_tags, user_agent
from bot.adapters.databricks.login import Login
from bot.adapters.databricks.outcomes import RetryableError
from bot.adapters.values import MOST_ROWS, Rows, plain_rows
from bot.config.databricks import Databricks
from bot.errors import AccessError, SyncHealthError, TemporaryError
from bot.transport.bounded_http import keep_loopback_direct

if TYPE_CHECKING:
    from databricks.sql.client import Connection, Cursor

CONFIGURATION = {
    "TIMEZONE": "UTC",  # without pyarrow times arrive as text without a zone
    "STATEMENT_TIMEOUT": "60",  # seconds; Databricks' own is two days
    "ansi_mode": "true",
}
OPTIONS: dict[str, Any] = {
    "use_cloud_fetch": False,  # our answers are small
    "enable_telemetry": False,  # else connecting waits for it, half a minute where there is no way out
    "_disable_pandas": True,
    "_retry_stop_after_attempts_count": 3,
    "_retry_delay_min": 0.1,  # seconds
    "_retry_delay_max": 5,  # it is waited in full on every 429 and 503, and cannot be less
    "_retry_delay_default": 1,  # after a poll that failed
}


class Session:
    """Opened by its first statement; runs one at a time. `silence`, `patience`: see DatabricksWarehouse."""

    def __init__(
        self,
        settings: Databricks,
        login: Login,
        pipeline: str,
        *,
        silence: float,
        patience: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._settings, self._login, self._silence, self._patience = settings, login, silence, patience
        self._pipeline = pipeline
        self._headers: dict[str, str] = {}  # those that the connector was given last
        self._connection: Connection | None = None
        self._cursor: Cursor | None = None
        self.since = monotonic()
        self.sent = False  # whether the statement may have reached Databricks
        self.usable = False  # whether another one may follow

    def execute(
        self,
        name: str,
        text: str,
        parameters: Mapping[str, object],
        *,
        writes: bool,
        may_send: Callable[[], bool] = lambda: True,
    ) -> Rows:
        """The rows of a statement, none of one that writes. Raises our errors, whatever the connector raises.

        `may_send` is asked right before the statement goes out, which can be long after it was wanted.
        """
        from bot.adapters.databricks.errors import session_survives, translate

        self.sent = self.usable = False
        try:
            if self._connection is None:
                self._connection = self._open_connection()
            self._cursor = cursor = self._connection.cursor()
            self.sent = may_send()
            if not self.sent:
                raise TemporaryError(f"{name}: its caller no longer waits, so it was not sent")
            cursor.execute(text, dict(parameters) or None, query_tags=statement_tags(name))
            _refuse_cancelled(name, cursor)
            rows = [] if writes else _rows(name, cursor)
            self.usable = True
        except SyncHealthError:
            raise
        except Exception as error:
            self.usable = session_survives(error)
            accepted = self._cursor is not None and self._cursor.active_command_id is not None
            ours = translate(error, name, text, writes=writes and self.sent, accepted=accepted)
            raise self._renewed(error, ours) from error
        finally:
            self._cursor = None
        with suppress(Exception):
            cursor.close()
        return rows

    def cancel(self) -> None:
        """Ask Databricks to end what runs, as soon as it has a name; from any thread.

        On a line of its own: the cursor's cancel() waits until the poll that is under way has been answered.
        """
        while (cursor := self._cursor) and not (command := cursor.active_command_id):
            time.sleep(0.02)
        if cursor and command:
            with suppress(Exception), closing(self._open_connection()) as another:
                another.session.backend.cancel_command(command)

    def close(self) -> None:
        """Close the session, which can take as long as the server is silent."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()

    def _renewed(self, error: Exception, ours: SyncHealthError) -> SyncHealthError:
        """What to raise: where a newer token is to be had, and nothing was done, a second attempt is worth it."""
        from bot.adapters.databricks.errors import is_unauthorized

        if is_unauthorized(error) and self._login.renew(self._headers) and isinstance(ours, AccessError):
            return RetryableError(str(ours))
        return ours

    def _give_headers(self) -> dict[str, str]:
        self._headers = self._login.headers()
        return self._headers

    def _open_connection(self) -> "Connection":
        logging.getLogger("databricks.sql").setLevel(logging.CRITICAL)  # we tell its errors, and need no pyarrow
        from databricks import sql

        path = self._settings.http_path.lstrip("/")
        keep_loopback_direct()
        address = {"_connection_uri": f"{self._settings.host}/{path}"} if self._settings.is_local else {}
        connection = sql.connect(
            server_hostname=self._settings.host.removeprefix("http://"),
            http_path=self._settings.http_path,
            credentials_provider=lambda: self._give_headers,  # with none at all it would open a browser
            session_configuration=dict(CONFIGURATION),
            user_agent_entry=user_agent(self._pipeline),
            query_tags=session_tags(self._pipeline),
            _socket_timeout=self._silence,
            _retry_stop_after_attempts_duration=self._patience,
            **OPTIONS,
            **address,
        )
        logging.getLogger("databricks.sql.unsafe").setLevel(logging.CRITICAL)  # it has the handles of sessions
        return connection


def _rows(name: str, cursor: "Cursor") -> Rows:
    names = [column[0] for column in cursor.description or ()]
    return plain_rows(name, names, cursor.fetchmany(MOST_ROWS + 1))


def _refuse_cancelled(name: str, cursor: "Cursor") -> None:
    """Somebody cancelled the statement: to the connector that is an answer without rows."""
    from databricks.sql.backend.types import CommandState

    if cursor.active_result_set and cursor.active_result_set.status is CommandState.CANCELLED:
        raise TemporaryError(f"{name}: the statement was cancelled in Databricks")
