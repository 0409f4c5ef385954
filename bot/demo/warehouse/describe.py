"""What DESCRIBE TABLE EXTENDED answers, from DuckDB's catalog and the texts of views as they were sent."""

import re
from dataclasses import dataclass

import duckdb
import sqlglot

from bot.config.names import table_parts
from bot.sql.differences import databricks_type, query_text
from bot.sql.text import named_tables

DESCRIBE = re.compile(r"DESCRIBE TABLE EXTENDED (\S+)")
VIEW = re.compile(r"\bCREATE\s+(?:OR\s+REPLACE\s+)?VIEW\b", re.IGNORECASE)
HEAD = (("col_name", "VARCHAR"), ("data_type", "VARCHAR"), ("comment", "VARCHAR"))
FOUND = """
    SELECT 'VIEW', comment, sql FROM duckdb_views() WHERE (database_name, schema_name, view_name) = ($1, $2, $3)
    UNION ALL
    SELECT 'MANAGED', comment, '' FROM duckdb_tables() WHERE (database_name, schema_name, table_name) = ($1, $2, $3)
"""
COLUMNS = """
    SELECT column_name, data_type FROM duckdb_columns() WHERE (database_name, schema_name, table_name) = ($1, $2, $3)
    ORDER BY column_index
"""

Place = tuple[str, ...]


@dataclass(frozen=True)
class SentView:
    """The query that created a view, as it was sent, and what DuckDB made of it: until that is another one."""

    text: str
    kept: str


def described_name(text: str) -> Place | None:
    """The parts of the name that a statement asks about; None of any other statement."""
    found = DESCRIBE.match(text)
    return table_parts(found[1]) if found else None


def describe(
    cursor: duckdb.DuckDBPyConnection, place: Place, sent: dict[Place, SentView], *, hides_text: bool
) -> list[tuple[str, str, str | None]]:
    """Columns, an empty row, a heading, and what kind it is. Raises CatalogException in Databricks' words."""
    row = cursor.execute(FOUND, place).fetchone()
    if row is None:
        name = ".".join(f"`{part}`" for part in place)
        raise duckdb.CatalogException(f"The table or view {name} cannot be found. Verify the spelling.")
    kind, comment, kept = row
    columns = cursor.execute(COLUMNS, place).fetchall()
    details = {"Catalog": place[0], "Database": place[1], "Table": place[2], "Type": kind}
    details |= {"Comment": comment} if comment else {}
    if kind == "VIEW" and not hides_text:
        known = sent.get(place)
        details["View Text"] = known.text if known and known.kept == kept else _in_databricks(kept)
    told = [(name, databricks_type(type_, "duckdb").lower(), None) for name, type_ in columns]
    heading = [("", "", ""), ("# Detailed Table Information", "", "")]
    return [*told, *heading, *((name, value, "") for name, value in details.items())]


def remember_view(cursor: duckdb.DuckDBPyConnection, text: str, sent: dict[Place, SentView]) -> None:
    """Databricks keeps a view's text as it was sent; DuckDB writes it in its own way."""
    if VIEW.search(text) and (names := named_tables(text)):
        place = table_parts(names[0])
        row = cursor.execute(FOUND, place).fetchone()
        sent[place] = SentView(query_text(text), row[2] if row else "")


def _in_databricks(created: str) -> str:
    """Of a view that was created past the wire."""
    return query_text(sqlglot.transpile(created, read="duckdb", write="databricks")[0])
