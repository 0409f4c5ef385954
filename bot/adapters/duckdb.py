"""The embedded warehouse: the same statements on DuckDB, in memory or in a folder with one file per catalog."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Condition, Timer

import duckdb

from bot.adapters.values import MOST_ROWS, Rows, first_line, plain, plain_rows
from bot.config.names import table_name, table_parts
from bot.errors import PermanentError, StatementError, SyncHealthError, TemporaryError
from bot.objects import Column, ExistingObject
from bot.sanitize import redact
from bot.sql.catalog import TABLES, to_attach, to_list_columns
from bot.sql.differences import databricks_type
from bot.sql.existing import Described, compare_object
from bot.sql.missing import missing_in
from bot.sql.statements import Statements
from bot.sql.trees import Values

TIME_LIMIT = 60.0  # seconds for a statement, as at Databricks
PATIENCE = 100  # times that close() interrupts what still runs, every 50 ms
RESERVED = {"main", "memory", "system", "temp"}
DESCRIBED = """
    SELECT 'view', comment, sql FROM duckdb_views()
    WHERE (database_name, schema_name, lower(view_name)) = ($1, $2, lower($3))
    UNION ALL
    SELECT 'table', comment, sql FROM duckdb_tables()
    WHERE (database_name, schema_name, lower(table_name)) = ($1, $2, lower($3))
"""
COLUMNS = """
    SELECT column_name, data_type, is_nullable FROM duckdb_columns()
    WHERE (database_name, schema_name, lower(table_name)) = ($1, $2, lower($3))
    ORDER BY column_index
"""
ATTACHED = "SELECT database_name FROM duckdb_databases()"
VERSION = "SELECT sql FROM duckdb_views() WHERE view_name = 'sync_health_version'"
# A statement that names an address must not have an extension fetched from the network, and run.
NO_DOWNLOADS = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")
PASSING = (duckdb.TransactionException, duckdb.OutOfMemoryException, duckdb.InterruptException)


class DuckDBWarehouse:
    """A Warehouse in this process; any thread may ask. It is opened by the first who does.

    Asking raises PermanentError when the folder is missing,
    TemporaryError as long as another process holds one of its files.
    """

    def __init__(
        self,
        folder: Path | None = None,
        statements: Statements | None = None,
        read_only: bool = False,
        *,
        incomplete: bool = False,
    ) -> None:
        """`incomplete`: a file that is not there yet is an empty catalog, and not created."""
        self._folder, self._statements, self._read_only = folder, statements or Statements(), read_only
        self._incomplete = incomplete
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._closed = False
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._quiet = Condition()  # guards _running; notified when a statement ends

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        self._statements.require_query(question)
        with self._run_named(question, parameters) as cursor:
            names = [column[0] for column in cursor.description or ()]
            return plain_rows(question, names, cursor.fetchmany(MOST_ROWS + 1))

    def ask_joined(self, questions: Sequence[str]) -> dict[str, Rows]:
        joined = self._statements.joined(questions, "duckdb")
        with self._execute_sql("joined", joined.text) as cursor:
            return joined.split([plain(value) for value in cursor.fetchone() or ()])

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        with self._execute_sql(question, self._statements.only_column(question, column, "duckdb")) as cursor:
            row = cursor.fetchone()
            return {column: plain(row[0])} if row else {}

    def do(self, statement: str, **parameters: object) -> None:
        with self._run_named(statement, parameters):
            pass

    def try_write(self, statement: str) -> None:
        """Rolled back; of a folder that is only read, whether its file could be written."""
        text = self._statements.in_dialect(statement, "duckdb")
        if not (self._read_only and self._folder):
            with self._execute_sql(statement, "BEGIN") as cursor:
                try:
                    cursor.execute(text)
                finally:
                    cursor.rollback()
            return
        catalog, _, _ = table_parts(self._statements.created(statement))
        if not os.access(file := self._folder / f"{catalog}.duckdb", os.W_OK):
            raise PermanentError(f"{file} cannot be written by this user")

    def create(self, statement: str, values: Values) -> None:
        with self._execute_sql(statement, self._statements.to_deploy(statement, values, "duckdb")):
            pass

    def existing_object(self, statement: str, values: Values) -> ExistingObject:
        place = table_parts(self._statements.created(statement))
        with self.cursor() as cursor:
            found = None
            if row := cursor.execute(DESCRIBED, place).fetchone():
                kind, comment, text = row
                columns = cursor.execute(COLUMNS, place).fetchall()
                found = Described(kind, comment, tuple(_column(*one) for one in columns), text)
            return compare_object(self._statements, statement, values, found, "duckdb", partial(_as_kept, cursor))

    def state(self) -> str:
        with self._quiet:
            self._opened()
        return "embedded"

    def login(self) -> None:
        return None

    def columns(self, table: str) -> frozenset[str]:
        with self._execute_sql(table, to_list_columns(table, "duckdb")) as cursor:
            return frozenset(column[0].lower() for column in cursor.description or ())

    def list_tables(self) -> list[str]:
        with self._quiet:
            self._attach_folder(self._opened())
        return [table_name(row.values()) for row in self.ask(TABLES)]

    def auto_stop(self) -> timedelta:
        return timedelta(0)

    def awake(self) -> bool:
        return True  # it costs nothing

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one thread, for those who bring DuckDB SQL of their own."""
        with self._quiet:
            return self._opened().cursor()

    def close(self) -> None:
        """Give back what is held; may be called twice. Statements that still run are interrupted."""
        with self._quiet:
            for _ in range(PATIENCE):  # again and again: one that only begins does not hear the first
                for cursor in self._running:
                    cursor.interrupt()
                if self._quiet.wait_for(lambda: not self._running, timeout=0.05):
                    break
            self._closed = True
            if self._connection:
                self._connection.close()

    @contextmanager
    def _run_named(self, name: str, parameters: Mapping[str, object]) -> Iterator[duckdb.DuckDBPyConnection]:
        used = {key: parameters[key] for key in self._statements.parameters(name) & parameters.keys()}
        with self._execute_sql(name, self._statements.in_dialect(name, "duckdb"), used) as cursor:
            yield cursor

    @contextmanager
    def _execute_sql(
        self, name: str, text: str, parameters: Mapping[str, object] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run a statement on a cursor of its own: it costs microseconds, and threads never meet on it."""
        try:
            with self._quiet:
                cursor = self._opened().cursor()
                self._running.add(cursor)
            limit = Timer(TIME_LIMIT, cursor.interrupt)
            limit.daemon = True
            limit.start()
            try:
                yield cursor.execute(text, parameters or None)
            finally:
                limit.cancel()
                with self._quiet:
                    cursor.close()
                    self._running.discard(cursor)
                    self._quiet.notify_all()
        except duckdb.Error as error:
            if missing := missing_in(first_line(error), text):
                raise missing from error
            raise _family(error)(f"{name}: {redact(first_line(error))}") from error
        except SyncHealthError:
            raise
        except Exception as error:  # a value that Python has no form for: an adapter lets no other error out
            raise PermanentError(f"{name}: an answer that cannot be read ({type(error).__name__})") from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The connection, with every catalog attached."""
        if self._closed:
            raise PermanentError("the warehouse was closed")
        if self._connection is None:
            if self._folder is not None and not self._folder.is_dir():
                raise PermanentError(f"there is no folder {self._folder}: create it, or correct duckdb:FOLDER")
            connection = duckdb.connect(":memory:", config=dict.fromkeys(NO_DOWNLOADS, False))
            try:
                connection.execute("SET GLOBAL TimeZone = 'UTC'")
                self._attach_catalogs(connection)
                if self._folder is None:  # nothing outside is needed: no statement reads or writes a file
                    connection.execute("SET enable_external_access = false")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _attach_catalogs(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Attach a database per catalog and create the schemas that are missing."""
        folder, read_only = self._folder, self._read_only
        schemas = self._schemas()
        for catalog in sorted({catalog for catalog, _ in schemas}):
            self._attach(connection, catalog)
        if read_only and folder:
            return
        from sqlglot import exp

        for catalog, schema in schemas:
            target = exp.table_("", db=schema, catalog=catalog, quoted=True)
            connection.execute(exp.Create(kind="SCHEMA", exists=True, this=target).sql("duckdb"))

    def _attach_folder(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Attach every file of the folder, those that no statement names, too."""
        names = {path.stem for path in self._folder.glob("*.duckdb")} if self._folder else set()
        there = {str(name) for (name,) in connection.execute(ATTACHED).fetchall()}
        for catalog in sorted(name for name in names - there if name.casefold() not in RESERVED):
            self._attach(connection, catalog)

    def _attach(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        path = self._folder / f"{catalog}.duckdb" if self._folder else None
        if self._incomplete and path and not path.exists():
            path = None
        file = str(path or ":memory:")
        try:
            connection.execute(to_attach(file, catalog, read_only=bool(self._read_only and path)))
        except duckdb.Error as error:
            raise _not_attached(file, error) from error

    def _schemas(self) -> list[tuple[str, str]]:
        """The (catalog, schema) pairs of the tables as they are called here: others need not exist."""
        pairs = set()
        for name in self._statements.tables_here():
            parts = table_parts(name)
            if len(parts) != 3 or parts[0].casefold() in RESERVED:
                others = ", ".join(sorted(RESERVED))
                raise PermanentError(
                    f"DuckDB has no room for {name}: write catalog.schema.name, catalog not one of {others}"
                )
            pairs.add((parts[0], parts[1]))
        return sorted(pairs)


def _column(name: str, kind: str, nullable: bool) -> Column:
    return Column(name, databricks_type(kind, "duckdb"), nullable)


def _as_kept(cursor: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query as DuckDB writes it once it is a view's; as it is where something that it reads is not here."""
    try:
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW sync_health_version AS {query}")
    except duckdb.Error:
        return query
    [(kept,)] = cursor.execute(VERSION).fetchall()
    return str(kept)


def _family(error: duckdb.Error) -> type[SyncHealthError]:
    if isinstance(error, PASSING):
        return StatementError
    return TemporaryError if isinstance(error, duckdb.IOException) else PermanentError


def _not_attached(file: str, error: duckdb.Error) -> SyncHealthError:
    reason = first_line(error)
    if "Could not set lock" in reason:
        return TemporaryError(f"{file} is in use by another process: {redact(reason)}")
    if "does not exist" in reason:
        return PermanentError(f"there is no {file}: sync-health deploy creates it, or correct duckdb:FOLDER")
    return PermanentError(f"{file} cannot be opened: {redact(reason)}")
