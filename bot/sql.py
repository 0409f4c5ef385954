"""The statements of sql/: loaded by name, with table names mapped and, for DuckDB, translated."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from sqlglot import exp

FOLDER = Path(__file__).resolve().parent.parent / "sql"

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
    _, *selects = LAST_SELECT.split(_bare(name))
    if not selects:
        raise PermanentError(f"sql/{name}.sql has no SELECT of its own: it does something, it answers nothing")
    listed = re.split(r"^FROM\b", selects[-1], maxsplit=1, flags=re.MULTILINE)[0].strip()
    return tuple(found[1] for item in re.split(r",\s*\n {2}(?=\S)", listed) if (found := COLUMN.search(item)))


@cache
def table_names() -> frozenset[str]:
    """The full names of the tables and views that the statements read or write."""
    return frozenset(found for name in names() for found in FULL_NAME.findall(_bare(name)))


@cache
def parameters(name: str) -> frozenset[str]:
    """The names of a statement's `:name` parameters."""
    return frozenset(PARAMETER.findall(_bare(name)))


def for_databricks(name: str, tables: Mapping[str, str]) -> str:
    """What Databricks gets: the file as it is, unless a table of it has another name (shipped → actual)."""
    return _for_databricks(name, frozenset(tables.items()))


def for_duckdb(name: str, tables: Mapping[str, str]) -> str:
    """What DuckDB gets, with `$name` parameters; tables maps shipped names to actual ones."""
    return _for_duckdb(name, frozenset(tables.items()))


@lru_cache(maxsize=512)
def _for_databricks(name: str, tables: frozenset[tuple[str, str]]) -> str:
    text = load(name)
    renamed = {shipped: actual for shipped, actual in tables if shipped.casefold() != actual.casefold()}
    if not any(shipped.casefold() in text.casefold() for shipped in renamed):
        return text
    tree = _parse(name)
    return f"{tree.sql('databricks', pretty=True)}\n" if _rename(tree, renamed) else text


@lru_cache(maxsize=512)
def _for_duckdb(name: str, tables: frozenset[tuple[str, str]]) -> str:
    tree = _parse(name)
    _rename(tree, dict(tables))
    _unqualify_merge(tree)
    return tree.sql("duckdb", comments=False)


def _bare(name: str) -> str:
    """The text without comments, and with nothing in its strings."""
    return STRING_OR_COMMENT.sub(lambda found: "''" if found[0].startswith("'") else "", load(name))


def _parse(name: str) -> "exp.Expr":
    """The one statement of a file. Raises PermanentError where it cannot be read or holds several."""
    import sqlglot  # takes a tenth of a second: only those who translate pay

    try:
        trees = [tree for tree in sqlglot.parse(load(name), dialect="databricks") if tree is not None]
    except sqlglot.ParseError as error:
        first = str(error).splitlines()[0]
        raise PermanentError(f"sql/{name}.sql cannot be read as Databricks SQL: {first}") from error
    if len(trees) != 1:
        raise PermanentError(f"sql/{name}.sql must hold one statement, it holds {len(trees)}")
    return trees[0]


def _rename(tree: "exp.Expr", tables: Mapping[str, str]) -> bool:
    """Give the tables their actual names, in place; says whether there was anything to do."""
    from sqlglot import exp

    actual = {shipped.casefold(): name for shipped, name in tables.items()}
    found = [table for table in tree.find_all(exp.Table) if _full_name(table) in actual]
    for table in found:
        parts = [exp.to_identifier(part.strip("`")) for part in actual[_full_name(table)].split(".")]
        for place, part in zip(("this", "db", "catalog"), [*reversed(parts), None, None], strict=False):
            table.set(place, part)
    return bool(found)


def _full_name(table: "exp.Table") -> str:
    return ".".join(part.name for part in table.parts).casefold()


def _unqualify_merge(tree: "exp.Expr") -> None:
    """DuckDB wants `SET v = …` where Databricks takes `SET t.v = …` too."""
    from sqlglot import exp

    for when in tree.find_all(exp.When):
        update = when.args.get("then")
        for change in update.expressions if isinstance(update, exp.Update) else ():
            if isinstance(change.this, exp.Column):
                change.this.set("table", None)
