"""A local warehouse: sessions and statements as the Thrift calls of Databricks' connector see them, on DuckDB."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal
from uuid import uuid4

import duckdb
from databricks.sql.thrift_api.TCLIService import ttypes

from bot import sql
from bot.config.pipeline_file import table_parts
from bot.demo.warehouse.rows import Table, bound
from bot.errors import PermanentError

State = ttypes.TOperationState
ENDED = (State.FINISHED_STATE, State.ERROR_STATE)  # one that was cancelled is asked about again
ZONE = "America/Los_Angeles"  # of a session that asks for none: a workspace has its own
NO_SESSION = "Session handle {} has not been initialized or had already closed"
OK = ttypes.TStatus(ttypes.TStatusCode.SUCCESS_STATUS)
DESCRIBE = re.compile(r"DESCRIBE TABLE EXTENDED (\S+)")
DESCRIBED = """
    WITH found AS (
      SELECT database_name, schema_name, view_name AS name, comment, 'VIEW' AS kind, sql FROM duckdb_views()
      UNION ALL
      SELECT database_name, schema_name, table_name, comment, 'MANAGED', NULL FROM duckdb_tables()
    ),
    wanted AS (
      SELECT * FROM found WHERE (database_name, schema_name, name) = ($1, $2, $3)
    )
    SELECT unnest(['Comment', 'Type', 'View Text']) AS col_name, unnest([comment, kind, sql]) AS data_type FROM wanted
    UNION ALL
    SELECT 'Name', CASE WHEN COUNT(*) = 0 THEN error('[TABLE_OR_VIEW_NOT_FOUND] ' || $3) ELSE $3 END FROM wanted
"""  # what Databricks tells of a table or view, as far as anybody here reads it
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
        self.errors: list[str] = []  # what the next statements fail with
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

    def starts(self) -> bool:
        """Whether it is not running yet; asking for something wakes it."""
        self.wake()
        return self.state == "STARTING"

    def forget(self) -> None:
        """What a restart leaves of sessions and statements."""
        self.sessions.clear()
        self.statements.clear()

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
        self._cursor.execute(*self._translated())
        self.table = Table(self._cursor.description or (), self._cursor.fetchall(), self._zone)

    def _translated(self) -> tuple[str, object]:
        """DuckDB's words and their parameters; what DESCRIBE TABLE EXTENDED tells is asked of its catalog."""
        if described := DESCRIBE.match(self._text):
            return DESCRIBED, table_parts(described[1])
        return sql.translate(self._text), self._parameters or None


def _unknown(what: str, guid: bytes) -> Any:
    return _failed(f"Invalid {what}Handle: {what}Handle [{guid.hex()}]")


def _failed(text: str) -> Any:
    return ttypes.TStatus(ttypes.TStatusCode.ERROR_STATUS, errorMessage=text)
