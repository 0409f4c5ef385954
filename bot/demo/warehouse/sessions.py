"""A local warehouse: sessions and statements as the Thrift calls of Databricks' connector see them, on DuckDB."""

import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from typing import Any, Literal
from uuid import uuid4

import duckdb
from databricks.sql.thrift_api.TCLIService import ttypes

from bot.demo.warehouse.describe import HEAD, Place, SentView, describe, described_name, remember_view
from bot.demo.warehouse.rows import Table, bound
from bot.errors import PermanentError
from bot.sql.catalog import translate

State = ttypes.TOperationState
ENDED = (State.FINISHED_STATE, State.ERROR_STATE)  # one that was cancelled is asked about again
ZONE = "America/Los_Angeles"  # of a session that asks for none: a workspace has its own
NO_SESSION = "Session handle {} has not been initialized or had already closed"
MOST_TAGS = 1000
OK = ttypes.TStatus(ttypes.TStatusCode.SUCCESS_STATUS)
UNITY = {  # what Unity Catalog knows, and DuckDB does not or not so
    "system.information_schema.tables": (
        "(FROM system.information_schema.tables WHERE table_catalog <> 'hive_metastore')"
    ),
    "system.information_schema.schema_privileges": """(
        SELECT database_name AS catalog_name, schema_name, 'account users' AS grantee,
            unnest(getvariable('privileges')) AS privilege_type
        FROM duckdb_schemas()
    )""",
    "system.information_schema.schemata": """(
        SELECT database_name AS catalog_name, schema_name, 'the owner' AS schema_owner FROM duckdb_schemas()
    )""",
    "IS_ACCOUNT_GROUP_MEMBER(": "list_contains(['account users'], ",
}
CLASSES = (  # which Spark error class stands for what DuckDB says
    (duckdb.CatalogException, "TABLE_OR_VIEW_NOT_FOUND"),
    (duckdb.BinderException, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
    (duckdb.ConversionException, "CAST_INVALID_INPUT"),
    (duckdb.InvalidInputException, "UNBOUND_SQL_PARAMETER"),
    (duckdb.TransactionException, "DELTA_CONCURRENT_WRITE"),
    (PermanentError, "PARSE_SYNTAX_ERROR"),
)


class LocalWarehouse:
    """Asleep until the first statement, then it starts, and stops by itself when nobody asks.

    `cursor` gives cursors of DuckDB; `now` is the clock, in seconds, by which it starts and stops.
    """

    def __init__(
        self,
        cursor: Callable[[], duckdb.DuckDBPyConnection],
        *,
        now: Callable[[], float] = time.monotonic,
        start_seconds: float = 0.0,
        auto_stop_mins: int = 10,
    ) -> None:
        self.cursor, self.now = cursor, now
        self.start_seconds, self.auto_stop_mins = start_seconds, auto_stop_mins
        self.sessions: dict[bytes, dict[str, str]] = {}  # their configuration
        self.statements: dict[bytes, Statement] = {}  # those that were not closed
        self.privileges = ["ALL PRIVILEGES"]  # of the login, on every schema
        self.tags: list[str] = []  # those of each statement, the newest
        self.merging = threading.Lock()  # two that meet would both insert: Delta refuses one of them, here it waits
        self.errors: list[str] = []  # what the next statements fail with
        self.views: dict[Place, SentView] = {}  # by name
        self.hides_view_text = False  # as from a login that has no right to it
        self.rows_per_fetch = 100_000
        self.result_format = ttypes.TSparkRowSetType.COLUMN_BASED_SET
        self.while_starting: Literal["wait", "503", "session", "disk"] = "wait"  # what statements meet meanwhile
        self.direct_seconds = 0.5  # real ones: how long a call waits for the end before it says RUNNING
        self._ready_at: float | None = None  # None: asleep
        self._last = 0.0
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        """STOPPED, STARTING or RUNNING."""
        with self._lock:
            now, ready_at = self.now(), self._ready_at
            if ready_at is None or (self.auto_stop_mins and now - max(self._last, ready_at) > 60 * self.auto_stop_mins):
                self._ready_at = None
                return "STOPPED"
            return "STARTING" if now < ready_at else "RUNNING"

    def wake(self) -> None:
        """Somebody has a statement."""
        starts = self.state == "STOPPED"
        with self._lock:
            self._last = self.now()
            if starts:
                self._ready_at = self._last + self.start_seconds

    def know_views(self, texts: Iterable[str]) -> None:
        """That these statements, which ran past the wire, created what is there."""
        with self.cursor() as cursor:
            for text in texts:
                remember_view(cursor, text, self.views)

    def starts(self) -> bool:
        """Whether it is not running yet; asking for something wakes it."""
        self.wake()
        return self.state == "STARTING"

    def forget(self) -> None:
        """What a restart leaves of sessions and statements."""
        self.sessions.clear()
        self.statements.clear()

    def wait_for_statements(self) -> None:
        """Until each that has begun is over: what is said to have run has run, however busy the machine."""
        for statement in list(self.statements.values()):
            statement.over.wait()

    def OpenSession(self, request: Any) -> Any:
        guid = uuid4().bytes
        self.sessions[guid] = request.configuration or {}
        handle = ttypes.TSessionHandle(ttypes.THandleIdentifier(guid, uuid4().bytes))
        protocol = ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
        return ttypes.TOpenSessionResp(OK, serverProtocolVersion=protocol, sessionHandle=handle)

    def CloseSession(self, request: Any) -> Any:
        self.sessions.pop(request.sessionHandle.sessionId.guid, None)
        return ttypes.TCloseSessionResp(OK)

    def ExecuteStatement(self, request: Any) -> Any:
        configuration = self.sessions.get(request.sessionHandle.sessionId.guid)
        if configuration is None:
            return ttypes.TExecuteStatementResp(_unknown("Session", request.sessionHandle.sessionId.guid))
        if self.while_starting == "session" and self.starts():
            return ttypes.TExecuteStatementResp(_failed(NO_SESSION.format(request.sessionHandle.sessionId.guid.hex())))
        given = {parameter.name: bound(parameter) for parameter in request.parameters or ()}
        zone = configuration.get("TIMEZONE", ZONE)
        statement = Statement(self, request.statement, given, zone)
        self.statements[statement.id] = statement
        self.tags = [*self.tags[1 - MOST_TAGS :], (request.confOverlay or {}).get("query_tags", "")]
        handle = ttypes.THandleIdentifier(statement.id, uuid4().bytes)
        operation = ttypes.TOperationHandle(handle, ttypes.TOperationType.EXECUTE_STATEMENT, True)
        return ttypes.TExecuteStatementResp(OK, operation, self._direct(statement, request.getDirectResults.maxRows))

    def GetOperationStatus(self, request: Any) -> Any:
        statement = self._statement(request)
        return statement.status() if statement else ttypes.TGetOperationStatusResp(_unknown("Operation", b""))

    def GetResultSetMetadata(self, request: Any) -> Any:
        statement = self._statement(request)
        return statement.metadata() if statement else ttypes.TGetResultSetMetadataResp(_unknown("Operation", b""))

    def FetchResults(self, request: Any) -> Any:
        statement = self._statement(request)
        return statement.fetch(request.maxRows) if statement else ttypes.TFetchResultsResp(_unknown("Operation", b""))

    def CancelOperation(self, request: Any) -> Any:
        if statement := self._statement(request):
            statement.cancel()
        return ttypes.TCancelOperationResp(OK)

    def CloseOperation(self, request: Any) -> Any:
        self.statements.pop(request.operationHandle.operationId.guid, None)
        return ttypes.TCloseOperationResp(OK)

    def _statement(self, request: Any) -> "Statement | None":
        return self.statements.get(request.operationHandle.operationId.guid)

    def _direct(self, statement: "Statement", most: int) -> Any:
        """Everything in one answer, where the statement ends soon enough and its rows fit."""
        status = statement.status()
        direct = ttypes.TSparkDirectResults(operationStatus=status)
        if status.operationState == State.FINISHED_STATE:
            direct.resultSetMetadata, direct.resultSet = statement.metadata(), statement.fetch(most)
        if status.operationState in ENDED and not (direct.resultSet and direct.resultSet.hasMoreRows):
            direct.closeOperation = ttypes.TCloseOperationResp(OK)
            self.statements.pop(statement.id)
        return direct


class Statement:
    """One statement: waits for the warehouse, runs in a thread of its own, is asked how it stands."""

    def __init__(self, warehouse: LocalWarehouse, text: str, parameters: dict[str, object], zone: str) -> None:
        self._warehouse, self._text, self._parameters, self._zone = warehouse, text, parameters, zone
        self.id, self.state, self.error = uuid4().bytes, State.PENDING_STATE, ""
        self.table = Table((), [], zone)
        self.sent = 0  # rows
        self.over = threading.Event()
        self._cancelled = threading.Event()
        self._cursor = warehouse.cursor()
        threading.Thread(target=self._run, daemon=True).start()

    def cancel(self) -> None:
        """Interrupt it, and wait for its end; what has ended stays as it is."""
        self._cancelled.set()
        while not self.over.wait(0.02):  # again and again: one that only begins does not hear the first
            with suppress(duckdb.Error):  # it may end right now
                self._cursor.interrupt()

    def status(self) -> Any:
        """How it stands, after waiting a moment for its end."""
        self.over.wait(self._warehouse.direct_seconds)
        changed = re.match(r"\s*(--[^\n]*\n\s*)*(INSERT|MERGE|UPDATE|DELETE)", self._text, re.IGNORECASE)
        rows = self.table.rows[0][0] if changed and self.table.rows else None
        message = {"errorMessage": self.error, "displayMessage": self.error} if self.error else {}
        return ttypes.TGetOperationStatusResp(OK, operationState=self.state, numModifiedRows=rows, **message)

    def fetch(self, most: int) -> Any:
        """The next rows."""
        first, size = self.sent, min(most, self._warehouse.rows_per_fetch)
        self.sent = min(first + size, len(self.table.rows))
        return ttypes.TFetchResultsResp(
            OK,
            hasMoreRows=self.sent < len(self.table.rows),
            results=self.table.page(first, size),
            resultSetMetadata=self.metadata(),
        )

    def metadata(self) -> Any:
        """What its columns are."""
        return ttypes.TGetResultSetMetadataResp(
            OK, schema=self.table.schema, resultFormat=self._warehouse.result_format, lz4Compressed=False
        )

    def _run(self) -> None:
        try:
            self._warehouse.wake()
            while self._warehouse.state == "STARTING" and not self._cancelled.wait(0.01):
                if self._warehouse.while_starting == "disk":
                    raise duckdb.Error("Couldn't create directory /local_disk0/tmp")
            if not self._cancelled.is_set():
                self.state = State.RUNNING_STATE
                self._execute()
            self.state = State.CANCELED_STATE if self._cancelled.is_set() else State.FINISHED_STATE
        except (duckdb.Error, PermanentError) as error:
            name = next((f"[{name}] " for family, name in CLASSES if isinstance(error, family)), "")
            self.error = f"{name}{str(error).splitlines()[0]}\n\tat org.apache.spark.sql.Dataset.collect"
            self.state = State.CANCELED_STATE if self._cancelled.is_set() else State.ERROR_STATE
        finally:
            self._cursor.close()
            self._warehouse.wake()
            self.over.set()

    def _execute(self) -> None:
        if self._warehouse.errors:
            raise duckdb.Error(self._warehouse.errors.pop(0))
        self._cursor.execute(f"SET TimeZone = '{self._zone}'")
        if place := described_name(self._text):
            rows = describe(self._cursor, place, self._warehouse.views, hides_text=self._warehouse.hides_view_text)
            self.table = Table(HEAD, rows, self._zone)
            return
        self._cursor.execute("SET VARIABLE privileges = $1", [self._warehouse.privileges])
        text = translate(self._text)
        for name, here in UNITY.items():
            text = text.replace(name, here)
        with self._warehouse.merging if text.startswith("MERGE") else nullcontext():
            self._cursor.execute(text, self._parameters or None)
        self.table = Table(self._cursor.description or (), self._cursor.fetchall(), self._zone)
        remember_view(self._cursor, self._text, self._warehouse.views)


def _unknown(what: str, guid: bytes) -> Any:
    return _failed(f"Invalid {what}Handle: {what}Handle [{guid.hex()}]")


def _failed(text: str) -> Any:
    return ttypes.TStatus(ttypes.TStatusCode.ERROR_STATUS, errorMessage=text)
