"""Two engines for the same Databricks SQL: DuckDB through `bot.sql`, and Sail, Spark and Delta in Rust.

Both read the clock from `now`, so that their rows can be compared; what is in a view is the `now` of its creation.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlglot import exp, parse_one

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.values import plain
from bot.config.names import table_parts
from bot.sql.compose import written
from bot.sql.statements import Statements
from bot.sql.trees import in_duckdb

NOW = datetime(2026, 1, 21, 7, 59, 30, tzinfo=UTC)  # 23:59:30 on January 20 where the shipped pipeline lives
CLOCK = re.compile(r"CURRENT_TIMESTAMP(?:\(\))?")
Rows = list[dict[str, object]]


class Engine(Protocol):
    """As much of a Warehouse as the matrix needs; `write` and `read` take trees of a test's own."""

    now: datetime

    def do(self, statement: str, **parameters: object) -> None: ...

    def ask(self, question: str, **parameters: object) -> Rows: ...

    def create(self, statement: str, values: Mapping[str, Any]) -> None: ...

    def write(self, tree: exp.Expr) -> None: ...

    def read(self, tree: exp.Expr) -> Rows: ...


class DuckDB:
    """The product's own translation, on the embedded engine."""

    def __init__(self, statements: Statements) -> None:
        self._statements, self._warehouse, self.now = statements, DuckDBWarehouse(statements=statements), NOW

    def do(self, statement: str, **parameters: object) -> None:
        self._named(statement, parameters)

    def ask(self, question: str, **parameters: object) -> Rows:
        return self._named(question, parameters)

    def create(self, statement: str, values: Mapping[str, Any]) -> None:
        self._run(self._statements.to_deploy(statement, values, "duckdb"))

    def write(self, tree: exp.Expr) -> None:
        self._run(in_duckdb(tree.copy()))

    def read(self, tree: exp.Expr) -> Rows:
        return self._run(in_duckdb(tree.copy()))

    def close(self) -> None:
        self._warehouse.close()

    def _named(self, name: str, parameters: Mapping[str, object]) -> Rows:
        used = {key: parameters[key] for key in self._statements.parameters(name)}
        return self._run(self._statements.in_dialect(name, "duckdb"), used)

    def _run(self, text: str, parameters: Mapping[str, object] | None = None) -> Rows:
        with self._warehouse.cursor() as cursor:
            cursor.execute(CLOCK.sub(f"TIMESTAMPTZ '{self.now.isoformat()}'", text), parameters or None)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()]


class Sail:
    """What Databricks gets; Sail takes no parameters in commands, so values are written into the parsed statement."""

    def __init__(self, session: Any, statements: Statements) -> None:
        self._session, self._statements, self.now = session, statements, NOW

    def do(self, statement: str, **parameters: object) -> None:
        self.write(self._bound(statement, parameters))

    def ask(self, question: str, **parameters: object) -> Rows:
        return self.read(self._bound(question, parameters))

    def create(self, statement: str, values: Mapping[str, Any]) -> None:
        self.write(parse_one(self._statements.to_deploy(statement, values), dialect="databricks"))

    def write(self, tree: exp.Expr) -> None:
        self._session.sql(self._text(tree))  # a command runs at once

    def read(self, tree: exp.Expr) -> Rows:
        rows = self._session.sql(self._text(tree)).toArrow().to_pylist()
        return [{name: plain(value) for name, value in row.items()} for row in rows]

    def _bound(self, name: str, parameters: Mapping[str, object]) -> exp.Expr:
        tree = parse_one(self._statements.in_dialect(name, "databricks"), dialect="databricks")
        for place in list(tree.find_all(exp.Placeholder)):
            place.replace(literal(parameters[place.name]))
        return tree

    def _text(self, tree: exp.Expr) -> str:
        tree = tree.copy()
        for clock in list(tree.find_all(exp.CurrentTimestamp)):
            clock.replace(literal(self.now))
        if isinstance(tree, exp.Create) and tree.kind == "TABLE":  # on Databricks every table is one
            kept = tree.args.get("properties") or exp.Properties()
            kept.append("expressions", exp.FileFormatProperty(this=exp.var("DELTA")))
            tree.set("properties", kept)
        return written(tree, "databricks")


def literal(value: object) -> exp.Expr:
    """A value as it stands in a statement; times with their zone."""
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamptz")
    return exp.convert(value)


@contextmanager
def duckdb(statements: Statements) -> Iterator[DuckDB]:
    """An embedded warehouse in memory."""
    engine = DuckDB(statements)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def sail(statements: Statements, folder: Path) -> Iterator[Sail]:
    """A server in this process, its catalogs in memory, its tables in the folder."""
    places = sorted({table_parts(name)[:2] for name in statements.tables_here()})
    os.environ["SAIL_CATALOG__LIST"] = _catalogs(dict(places))
    os.environ["SAIL_CATALOG__DEFAULT_CATALOG"] = places[0][0]
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    try:
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").create()
        settings = {"session.timeZone": "UTC", "ansi.enabled": "true", "warehouse.dir": str(folder)}
        for name, value in settings.items():
            session.conf.set(f"spark.sql.{name}", value)
        engine = Sail(session, statements)
        for catalog, schema in places:
            engine.write(exp.Create(kind="SCHEMA", exists=True, this=exp.table_("", db=schema, catalog=catalog)))
        yield engine
        session.stop()
    finally:
        server.stop()


def _catalogs(places: Mapping[str, str]) -> str:
    """Sail's own notation: TOML's inline tables in a list."""
    named = (f'{{type="memory", name={json.dumps(c)}, initial_database=[{json.dumps(s)}]}}' for c, s in places.items())
    return f"[{', '.join(named)}]"
