"""The statements of sql/: loaded by name, with table names mapped and, for DuckDB, translated."""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal

from bot.config import shipped
from bot.errors import NotFoundError, PermanentError
from bot.sql.compose import MOST_JOINED, Joined, join, selected_names, written
from bot.sql.translations import read_or_cache
from bot.sql.trees import (
    Values,
    as_written,
    in_duckdb,
    keep_column,
    keep_table,
    meaning_of,
    parse_text,
    quoted_table,
    rename_tables,
    set_values,
)

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Dialect = Literal["databricks", "duckdb"]
FOLDER = shipped.FOLDER / "sql"
READ = (
    *(f"measure/{name}" for name in ("health", "queue", "examples", "snapshots", "snapshot_by_hand")),
    *("daily_health_check", "sync_health_monitor", "populate_audit_log"),  # the views, and the snapshot
)

STRING_OR_COMMENT = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
PARAMETER = re.compile(r"(?<![:\w]):([a-zA-Z_]\w*)")
LAST_SELECT = re.compile(r"^SELECT(?: DISTINCT)?[ ]*$", re.MULTILINE)
FULL_NAME = re.compile(r"(?<![\w.])[a-z_]\w*\.[a-z_]\w*\.[a-z_]\w*(?![\w.])")
COLUMN = re.compile(r"(?:^|\bAS |\.)(\w+)\s*$")


@cache
def names() -> tuple[str, ...]:
    """Every statement there is, by its path below sql/ without `.sql`."""
    return tuple(sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.sql")))


@cache
def load(name: str) -> str:
    """The text of a statement, byte for byte. Raises NotFoundError with the nearest name; nothing leaves sql/."""
    if name not in names():
        nearest = get_close_matches(name, names(), n=1, cutoff=0.0)
        raise NotFoundError(f"there is no statement {name!r} in sql/; the nearest is {' '.join(nearest)}")
    return (FOLDER / f"{name}.sql").read_bytes().decode("utf-8")


@cache
def columns(name: str) -> tuple[str, ...]:
    """The names in the last SELECT list at the left margin, one column at two spaces each; read without a parser."""
    _, *selects = LAST_SELECT.split(_strip_literals(name))
    if not selects:
        raise PermanentError(f"sql/{name}.sql has no SELECT of its own: it does something, it answers nothing")
    listed = re.split(r"^FROM\b", selects[-1], maxsplit=1, flags=re.MULTILINE)[0].strip()
    return tuple(found[1] for item in re.split(r",\s*\n {2}(?=\S)", listed) if (found := COLUMN.search(item)))


@cache
def table_names() -> frozenset[str]:
    """The full names of the tables and views that the statements read or write."""
    return frozenset(found for name in names() for found in FULL_NAME.findall(_strip_literals(name)))


@cache
def parameters(name: str) -> frozenset[str]:
    """The names of a statement's `:name` parameters."""
    return frozenset(PARAMETER.findall(_strip_literals(name)))


def in_dialect(name: str, tables: Mapping[str, str], dialect: Dialect) -> str:
    """What a warehouse gets, with its tables (shipped → actual).

    Databricks gets the file as it is, unless a table has another name; DuckDB's parameters are `$name`.
    """
    return (_in_databricks if dialect == "databricks" else _in_duckdb)(name, frozenset(tables.items()))


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


def needed_columns(tables: Mapping[str, str], statements: Sequence[str]) -> dict[str, frozenset[str]]:
    """The columns that these statements read, in lower case, by the table's name here."""
    from sqlglot.optimizer.scope import traverse_scope

    found: dict[str, set[str]] = {}
    for name in statements:
        tree = _parse_statement(name)
        rename_tables(tree, tables)
        for scope in traverse_scope(tree):
            for column in scope.columns:
                if table := _source_table(scope, column.table, column.name):
                    found.setdefault(as_written(table), set()).add(column.name.lower())
    return {table: frozenset(columns) for table, columns in found.items()}


def _source_table(scope: "Scope", alias: str, name: str) -> "exp.Table | None":
    """The table that a column comes from, also through `SELECT *`; None where a query computes it."""
    from sqlglot import exp

    selected = {known: source for known, (_, source) in scope.selected_sources.items() if alias in ("", known)}
    for source in selected.values():
        if isinstance(source, exp.Table):
            if alias or len(selected) == 1:
                return source
        elif isinstance(query := source.expression, exp.Query):
            if name.lower() in (one.lower() for one in query.named_selects):
                return None
            for star in (one for one in query.selects if one.is_star):
                inner = star.table if isinstance(star, exp.Column) else ""
                if table := _source_table(source, inner, name):
                    return table
    return None


def created(name: str, tables: Mapping[str, str]) -> str:
    """What the object that a statement creates is called here."""
    from sqlglot import exp

    tree = _parse_statement(name)
    rename_tables(tree, tables)
    return as_written(tree.this.find(exp.Table))


def kind(name: str) -> str:
    """`view` or `table`: what a statement creates."""
    return str(_parse_statement(name).args["kind"]).lower()


def mark(name: str) -> str | None:
    """The comment by which a deploy knows what an earlier one created."""
    from sqlglot import exp

    comment = _parse_statement(name).find(exp.SchemaCommentProperty)
    return str(comment.this.name) if comment else None


def versions(name: str, tables: Mapping[str, str], dialect: str) -> list[str]:
    """The queries of the view as it is created now, and as earlier versions did; their settings may differ."""
    trees = [_parse_statement(one) for one in (name, f"earlier/{name}") if one in names()]
    for tree in trees:
        rename_tables(tree, tables)
    return [tree.expression.sql(dialect, comments=False) for tree in trees]


def is_same_query(text: str, other: str, dialect: str) -> bool:
    """Whether two texts, of queries or of views, ask the same, whatever their `settings` and their layout."""
    return meaning_of(text, dialect) == meaning_of(other, dialect)


def to_describe(table: str) -> str:
    """What asks Databricks for the kind, the comment and the text of an object, by its name here."""
    return f"DESCRIBE TABLE EXTENDED {quoted_table(table).sql('databricks')}"


def to_deploy(name: str, tables: Mapping[str, str], values: Values, dialect: str = "databricks") -> str:
    """What creates the object of a statement, its `settings` CTE as given; a table that is there stays as it is."""
    text, tree = load(name), _parse_statement(name)
    changed = [rename_tables(tree, _quoted_names(tables)), keep_table(tree), set_values(tree, values)]
    if dialect == "databricks":
        return f"{tree.sql('databricks', pretty=True)}\n" if any(changed) else text
    return in_duckdb(tree)


def only_column(name: str, column: str, tables: Mapping[str, str], dialect: Dialect) -> str:
    """One column of a one-row statement: nothing else is read, so nothing else can fail."""
    return _only_column(name, column, frozenset(tables.items()), dialect)


def joined(questions: Sequence[str], tables: Mapping[str, str], dialect: Dialect) -> Joined:
    """Those of the questions that fit in one statement. Raises PermanentError where none does."""
    return _join_statements(tuple(questions), frozenset(tables.items()), dialect)


@lru_cache(maxsize=64)
def _join_statements(questions: tuple[str, ...], tables: frozenset[tuple[str, str]], dialect: Dialect) -> Joined:
    def build() -> str:
        trees = {question: tree for question in questions if (tree := _joinable(question, dict(tables)))}
        fitting = dict(islice(trees.items(), MOST_JOINED))
        text = written(join(list(fitting.values())), dialect)
        return json.dumps([text, {question: selected_names(tree) for question, tree in fitting.items()}])

    made_from = ["joined", dialect, *map(load, questions), *map(str, sorted(tables))]
    return Joined(*json.loads(read_or_cache(made_from, build)))


def _joinable(question: str, tables: Mapping[str, str]) -> "exp.Query | None":
    """The tree of a question that can be joined to others."""
    from sqlglot import exp

    try:
        tree = _parse_statement(question)
    except PermanentError:  # reported when it is asked alone
        return None
    rename_tables(tree, tables)
    return tree if isinstance(tree, exp.Query) and selected_names(tree) and not parameters(question) else None


@lru_cache(maxsize=512)
def translate(text: str) -> str:
    """Databricks SQL of any origin in DuckDB's words, with `$name` parameters. Raises PermanentError."""
    return in_duckdb(parse_text(text, "the statement"))


@lru_cache(maxsize=512)
def _in_databricks(name: str, tables: frozenset[tuple[str, str]]) -> str:
    text = load(name)
    renamed = _quoted_names(dict(tables))
    if not any(shipped.casefold() in text.casefold() for shipped in renamed):
        return text
    tree = _parse_statement(name)
    return f"{tree.sql('databricks', pretty=True)}\n" if rename_tables(tree, renamed) else text


@lru_cache(maxsize=512)
def _in_duckdb(name: str, tables: frozenset[tuple[str, str]]) -> str:
    def translate() -> str:
        tree = _parse_statement(name)
        rename_tables(tree, dict(tables))
        return in_duckdb(tree)

    return read_or_cache([load(name), *map(str, sorted(tables))], translate)


def _quoted_names(tables: Mapping[str, str]) -> dict[str, str]:
    return {shipped: actual for shipped, actual in tables.items() if shipped.casefold() != actual.casefold()}


def _strip_literals(name: str) -> str:
    """The text without comments, and with nothing in its strings."""
    return STRING_OR_COMMENT.sub(lambda found: "''" if found[0].startswith("'") else "", load(name))


@lru_cache(maxsize=512)
def _only_column(name: str, column: str, tables: frozenset[tuple[str, str]], dialect: Dialect) -> str:
    tree = keep_column(_parse_statement(name), column)
    rename_tables(tree, dict(tables))
    return tree.sql(dialect, comments=False)


def _parse_statement(name: str) -> "exp.Expr":
    """The one statement of a file."""
    return parse_text(load(name), f"sql/{name}.sql")
