"""What is asked of an engine about its catalogs, tables and views: attach, describe, list columns."""

from functools import lru_cache

from bot.sql.translations import read_or_cache
from bot.sql.trees import in_duckdb, parse_text, quoted_table

TABLES = "init/tables"  # the statement that lists the tables and views, by catalog, schema and name


def to_attach(file: str, catalog: str, *, read_only: bool) -> str:
    """What gives DuckDB a file, or `:memory:`, as a catalog."""

    def build() -> str:
        from sqlglot import exp

        options = [exp.AttachOption(this=exp.var("READ_ONLY"))] if read_only else []
        target = exp.alias_(exp.Literal.string(file), catalog, quoted=True)
        return exp.Attach(this=target, expressions=options).sql("duckdb")

    return read_or_cache(["attach", file, catalog, str(read_only)], build)


def to_list_columns(table: str, dialect: str) -> str:
    """One row of NULLs that has the columns of a table, by its name here; no row of it is read."""
    from sqlglot import exp

    joined = quoted_table(table)
    joined.set("alias", exp.TableAlias(this=exp.to_identifier("t")))
    one = exp.select(exp.alias_(exp.Literal.number(1), "one")).subquery("o")
    return exp.select("t.*").from_(one).join(joined, on="1 = 0", join_type="left").sql(dialect)


def to_describe(table: str) -> str:
    """What asks Databricks for the columns, the kind, the comment and the text of an object, by its name here."""
    return f"DESCRIBE TABLE EXTENDED {quoted_table(table).sql('databricks')}"


@lru_cache(maxsize=512)
def translate(text: str) -> str:
    """Databricks SQL of any origin in DuckDB's words, with `$name` parameters. Raises PermanentError."""
    return in_duckdb(parse_text(text, "the statement"))
