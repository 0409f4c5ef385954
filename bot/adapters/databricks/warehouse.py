"""The Databricks SQL warehouse, through Databricks' own connector, which is imported on first use."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from bot.adapters.databricks.description import read_description
from bot.adapters.databricks.login import Login, WarehouseDocument
from bot.adapters.databricks.outcomes import NotReadyError, RetryableError
from bot.adapters.databricks.pool import Call, Pool
from bot.adapters.databricks.session import Session
from bot.adapters.documents import read
from bot.adapters.values import Rows
from bot.config.databricks import Databricks
from bot.config.names import table_name
from bot.errors import MissingTableError, NotFoundError, PermanentError, StartingError, SyncHealthError
from bot.model import WarehouseLogin
from bot.objects import ExistingObject
from bot.sanitize import sanitize
from bot.sql.catalog import TABLES, to_describe, to_list_columns
from bot.sql.existing import compare_object
from bot.sql.statements import Statements
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
        statements: Statements | None = None,
        pipeline: str = "",
        *,
        patience: float = PATIENCE,
        silence: float = SILENCE,
        lifetime: float = LIFETIME,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statements = statements or Statements()
        self._login = Login(settings, pipeline, monotonic=monotonic)
        waits = {"silence": silence, "patience": patience}
        session = partial(Session, settings, self._login, pipeline, **waits, monotonic=monotonic)
        self._pool = Pool(session, patience=patience, lifetime=lifetime, monotonic=monotonic)

    def ask(self, question: str, **parameters: object) -> Rows:
        self._statements.require_query(question)
        return self._run_named(question, self._statements.in_dialect(question, "databricks"), parameters)

    def ask_joined(self, questions: Sequence[str]) -> dict[str, Rows]:
        joined = self._statements.joined(questions, "databricks")
        [row] = self._run_named("joined", joined.text, {})
        return joined.split(list(row.values()))

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        rows = self._run_named(question, self._statements.only_column(question, column, "databricks"), {})
        return rows[0] if rows else {}

    def do(self, statement: str, **parameters: object) -> None:
        self._run_named(statement, self._statements.in_dialect(statement, "databricks"), parameters, writes=True)

    def try_write(self, statement: str) -> None:
        self.do(statement)  # Delta records no commit for a write of nothing

    def create(self, statement: str, values: Values) -> None:
        self._run_named(statement, self._statements.to_deploy(statement, values), {}, writes=True)

    def existing_object(self, statement: str, values: Values) -> ExistingObject:
        table = self._statements.created(statement)
        try:
            found = read_description(self._run_named(table, to_describe(table), {}))
        except MissingTableError:
            found = None
        except NotFoundError as error:
            raise PermanentError(f"{error}: create it, or correct deploy_to in pipeline.yml") from error
        return compare_object(self._statements, statement, values, found, "databricks")

    def awake(self) -> bool:
        try:
            warehouse = read(WarehouseDocument, self._login.warehouse())
        except SyncHealthError as error:
            log.info("whether the warehouse is awake is not known: %s", error)
            return False
        minutes = warehouse.minutes
        if minutes is None or warehouse.state != "RUNNING":
            return False
        return not minutes or self._pool.idle_seconds() >= 60 * minutes + STOPS_LATE

    def auto_stop(self) -> timedelta | None:
        minutes = read(WarehouseDocument, self._login.warehouse()).minutes
        return None if minutes is None else timedelta(minutes=minutes)

    def state(self) -> str:
        """RUNNING, STOPPED, STARTING, …, without waking it. Raises TemporaryError and PermanentError."""
        return sanitize(read(WarehouseDocument, self._login.warehouse()).state, 40)

    def login(self) -> WarehouseLogin:
        return self._login.described()

    def columns(self, table: str) -> frozenset[str]:
        [row] = self._run_named(table, to_list_columns(table, "databricks"), {})
        return frozenset(name.lower() for name in row)

    def list_tables(self) -> list[str]:
        return [table_name(row.values()) for row in self.ask(TABLES)]

    def raw(self) -> Mapping[str, object]:
        """How Databricks describes the warehouse, for comparing its shape alone."""
        return self._login.warehouse()

    def close(self) -> None:
        self._pool.close()

    def _run_named(self, name: str, text: str, parameters: Mapping[str, object], *, writes: bool = False) -> Rows:
        used = (
            {key: parameters[key] for key in self._statements.parameters(name) & parameters.keys()}
            if parameters
            else {}
        )
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
