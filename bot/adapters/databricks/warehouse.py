"""The Databricks SQL warehouse, through Databricks' own connector, which is imported on first use."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bot import sql
from bot.adapters.databricks.login import Login, WarehouseDocument
from bot.adapters.databricks.outcomes import NotReadyError, RetryableError
from bot.adapters.databricks.pool import Call, Pool
from bot.adapters.databricks.session import Session
from bot.adapters.documents import read
from bot.adapters.values import Rows
from bot.config.environment import Databricks
from bot.errors import PermanentError, StartingError, SyncHealthError
from bot.ports import ExistingObject
from bot.sanitize import sanitize
from bot.sql.trees import Values

log = logging.getLogger(__name__)

PATIENCE = 75.0  # seconds for a statement, longer than Databricks' own limit: it has the better words
SILENCE = 20.0  # seconds without a byte before the connector asks again
STARTING = frozenset({"STARTING", "STOPPED"})  # the state of one that a statement has just begun to wake may lag
STOPS_LATE = 120  # seconds after its time that a warehouse may still be found running
LIFETIME = 20 * 60.0  # seconds: sessions are forgotten by Databricks, and the connector remembers every cursor


class DatabricksWarehouse:
    """A Warehouse in Databricks; any thread may ask, each statement has a session of its own while it runs.

    Every statement must bear to be run twice: the connector repeats it, silently, when its answer is lost.
    Raises UncertainError for a write without an answer. After `patience` seconds nobody waits any longer.
    """

    def __init__(
        self,
        settings: Databricks,
        tables: Mapping[str, str] | None = None,
        *,
        patience: float = PATIENCE,
        silence: float = SILENCE,
        lifetime: float = LIFETIME,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tables = dict(tables or {})
        self._login = Login(settings, monotonic=monotonic)
        session = partial(Session, settings, self._login, silence=silence, patience=patience, monotonic=monotonic)
        self._pool = Pool(session, patience=patience, lifetime=lifetime, monotonic=monotonic)

    def ask(self, question: str, **parameters: object) -> Rows:
        return self._run_named(question, sql.in_dialect(question, self._tables, "databricks"), parameters)

    def ask_joined(self, questions: Sequence[str]) -> dict[str, Rows]:
        joined = sql.joined(questions, self._tables, "databricks")
        [row] = self._run_named("joined", joined.text, {})
        return joined.split(list(row.values()))

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        rows = self._run_named(question, sql.only_column(question, column, self._tables, "databricks"), {})
        return rows[0] if rows else {}

    def do(self, statement: str, **parameters: object) -> None:
        self._run_named(statement, sql.in_dialect(statement, self._tables, "databricks"), parameters, writes=True)

    def try_write(self, statement: str) -> None:
        self.do(statement)  # Delta records no commit for a write of nothing

    def create(self, statement: str, values: Values) -> None:
        self._run_named(statement, sql.to_deploy(statement, self._tables, values), {}, writes=True)

    def existing_object(self, statement: str) -> ExistingObject:
        table = sql.created(statement, self._tables)
        try:
            rows = self._run_named(table, sql.to_describe(table), {})
        except PermanentError as error:
            if "_NOT_FOUND]" not in str(error):
                raise
            return ExistingObject(statement, table, sql.kind(statement), None, ours=False)
        said = {str(row["col_name"]): str(row["data_type"]) for row in rows}  # columns first, then what it is
        kind, text = "view" if said.get("Type") == "VIEW" else "table", said.get("View Text", "")
        versions = sql.versions(statement, self._tables, "databricks") if kind == "view" else []
        ours = said.get("Comment") == sql.mark(statement) or any(
            sql.is_same_query(text, version, "databricks") for version in versions
        )
        return ExistingObject(statement, table, sql.kind(statement), kind, ours)

    def awake(self) -> bool:
        try:
            warehouse = read(WarehouseDocument, self._login.warehouse())
        except SyncHealthError as error:
            log.info("whether the warehouse is awake is not known: %s", error)
            return False
        minutes = warehouse.auto_stop_mins
        if minutes is None or warehouse.state != "RUNNING":
            return False
        return not minutes or self._pool.idle_seconds() >= 60 * minutes + STOPS_LATE

    def state(self) -> str:
        """RUNNING, STOPPED, STARTING, …, without waking it. Raises TemporaryError and PermanentError."""
        return sanitize(read(WarehouseDocument, self._login.warehouse()).state, 40)

    def columns(self, table: str) -> frozenset[str]:
        [row] = self._run_named(table, sql.to_list_columns(table, "databricks"), {})
        return frozenset(name.lower() for name in row)

    def raw(self) -> Mapping[str, object]:
        """How Databricks describes the warehouse, for comparing its shape alone."""
        return self._login.warehouse()

    def close(self) -> None:
        self._pool.close()

    def _run_named(self, name: str, text: str, parameters: Mapping[str, object], *, writes: bool = False) -> Rows:
        used = {key: parameters[key] for key in sql.parameters(name) & parameters.keys()} if parameters else {}
        try:
            return self._run_translated(Call(name, text, used, writes))
        except RetryableError:
            return self._run_translated(Call(name, text, used, writes))

    def _run_translated(self, call: Call) -> Rows:
        try:
            return self._pool.run(call)
        except NotReadyError as error:
            if self._is_starting():
                raise StartingError(f"The warehouse is starting ({error})") from error
            raise

    def _is_starting(self) -> bool:
        """By its state, which costs nothing to ask; a cluster has none, and an unknown one is not starting."""
        try:
            return self.state() in STARTING
        except SyncHealthError:
            return False
