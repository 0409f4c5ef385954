"""The statements of sql/: loaded by name, with table names mapped and, for DuckDB, translated."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

from bot import shipped
from bot.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from sqlglot import exp

FOLDER = shipped.FOLDER / "sql"
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "sync-health"  # noqa: PTH111 - no home is no error
MEASURING = ("measure/health", "measure/queue", "measure/examples", "measure/snapshots")
TRANSLATOR = f"sqlglot {version('sqlglot')}"

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


def to_attach(file: str, catalog: str, *, read_only: bool) -> str:
    """What gives DuckDB a file, or `:memory:`, as a catalog."""

    def build() -> str:
        from sqlglot import exp

        options = [exp.AttachOption(this=exp.var("READ_ONLY"))] if read_only else []
        target = exp.alias_(exp.Literal.string(file), catalog, quoted=True)
        return exp.Attach(this=target, expressions=options).sql("duckdb")

    return _kept(["attach", file, catalog, str(read_only)], build)


def to_list_columns(table: str, dialect: str) -> str:
    """One row of NULLs that has the columns of a table, by its name here; no row of it is read."""
    from sqlglot import exp

    parts = [exp.to_identifier(part.strip("`"), quoted=True) for part in table.split(".")]
    catalog, db, name = [None, None, *parts][-3:]
    joined = exp.Table(this=name, db=db, catalog=catalog, alias=exp.TableAlias(this=exp.to_identifier("t")))
    one = exp.select(exp.alias_(exp.Literal.number(1), "one")).subquery("o")
    return exp.select("t.*").from_(one).join(joined, on="1 = 0", join_type="left").sql(dialect)


def needed_columns(tables: Mapping[str, str], statements: Sequence[str]) -> dict[str, frozenset[str]]:
    """The columns that these statements read, in lower case, by the table's name here."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    found: dict[str, set[str]] = {}
    for name in statements:
        tree = _parse(name)
        _rename(tree, tables)
        for scope in traverse_scope(tree):
            named = {alias: source for alias, source in scope.sources.items() if isinstance(source, exp.Table)}
            only = next(iter(scope.sources.values())) if len(scope.sources) == 1 else None
            for column in scope.columns:
                table = named.get(column.table) if column.table else only
                if isinstance(table, exp.Table):
                    found.setdefault(".".join(part.name for part in table.parts), set()).add(column.name.lower())
    return {table: frozenset(columns) for table, columns in found.items()}


def to_deploy(
    name: str, tables: Mapping[str, str], values: Mapping[str, str | float], dialect: str = "databricks"
) -> str:
    """What creates the object of a statement, its `settings` CTE as given; a table that is there stays as it is."""
    text, tree = load(name), _parse(name)
    changed = [_rename(tree, _renamed(tables)), _keep_table(tree), _set(tree, values)]
    if dialect == "databricks":
        return f"{tree.sql('databricks', pretty=True)}\n" if any(changed) else text
    return tree.sql(dialect, comments=False)


def column_for_databricks(name: str, column: str, tables: Mapping[str, str]) -> str:
    """One column of a one-row statement, for Databricks: nothing else is read, so nothing else can fail."""
    return _column(name, column, frozenset(tables.items()), "databricks")


def column_for_duckdb(name: str, column: str, tables: Mapping[str, str]) -> str:
    """The same for DuckDB."""
    return _column(name, column, frozenset(tables.items()), "duckdb")


@lru_cache(maxsize=512)
def translate(text: str) -> str:
    """Databricks SQL of any origin in DuckDB's words, with `$name` parameters. Raises PermanentError."""
    tree = _parse_text(text, "the statement")
    _unqualify_merge(tree)
    return tree.sql("duckdb", comments=False)


@lru_cache(maxsize=512)
def _for_databricks(name: str, tables: frozenset[tuple[str, str]]) -> str:
    text = load(name)
    renamed = _renamed(dict(tables))
    if not any(shipped.casefold() in text.casefold() for shipped in renamed):
        return text
    tree = _parse(name)
    return f"{tree.sql('databricks', pretty=True)}\n" if _rename(tree, renamed) else text


@lru_cache(maxsize=512)
def _for_duckdb(name: str, tables: frozenset[tuple[str, str]]) -> str:
    def translate() -> str:
        tree = _parse(name)
        _rename(tree, dict(tables))
        _unqualify_merge(tree)
        return tree.sql("duckdb", comments=False)

    return _kept([load(name), *map(str, sorted(tables))], translate)


def _kept(made_from: Sequence[str], make: Callable[[], str]) -> str:
    """What any process made of this already: loading the translator takes longer than all the rest of a `check`."""
    key = hashlib.sha256(json.dumps([TRANSLATOR, *made_from]).encode()).hexdigest()
    try:
        if _is_ours_alone(KEPT):
            return (KEPT / key).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        pass  # not made yet, or spoilt
    made = make()
    with suppress(OSError):  # a home that cannot be written to costs time alone
        KEPT.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours_alone(KEPT):
            return made
        half = KEPT / f"{key}.{os.getpid()}-{threading.get_ident()}"
        half.write_text(made, encoding="utf-8")
        half.replace(KEPT / key)
    return made


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can have put a statement there."""
    if not hasattr(os, "getuid"):
        return True  # a profile's folder on Windows is
    found = folder.lstat()
    return S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _renamed(tables: Mapping[str, str]) -> dict[str, str]:
    return {shipped: actual for shipped, actual in tables.items() if shipped.casefold() != actual.casefold()}


def _bare(name: str) -> str:
    """The text without comments, and with nothing in its strings."""
    return STRING_OR_COMMENT.sub(lambda found: "''" if found[0].startswith("'") else "", load(name))


@lru_cache(maxsize=512)
def _column(name: str, column: str, tables: frozenset[tuple[str, str]], dialect: str) -> str:
    tree = _only(_parse(name), column)
    _rename(tree, dict(tables))
    return tree.sql(dialect, comments=False)


def _only(tree: "exp.Expr", column: str) -> "exp.Expr":
    """The statement with one column of its last SELECT, and with nothing that this one does not need."""
    from sqlglot import exp

    tree.set("expressions", [e for e in tree.expressions if e.alias_or_name == column])
    needed = {c.table for e in tree.expressions for c in e.find_all(exp.Column)}
    sources = [tree.args["from_"].this, *(join.this for join in tree.args.get("joins") or [])]
    first, *others = [source for source in sources if source.alias_or_name in needed]
    tree.set("from_", exp.From(this=first))
    tree.set("joins", [exp.Join(this=source, kind="CROSS") for source in others])
    return _prune(tree)


def _prune(tree: "exp.Expr") -> "exp.Expr":
    """The same without the columns, joins and CTEs that do not matter to its answer."""
    from sqlglot.optimizer.eliminate_ctes import eliminate_ctes
    from sqlglot.optimizer.eliminate_joins import eliminate_joins
    from sqlglot.optimizer.pushdown_projections import pushdown_projections
    from sqlglot.optimizer.qualify import qualify

    tree = qualify(tree, dialect="databricks", quote_identifiers=False, validate_qualify_columns=False)
    for _ in range(2):  # a join that is gone needs no columns any more
        tree = eliminate_joins(pushdown_projections(tree))
    return eliminate_ctes(pushdown_projections(tree))


def _parse(name: str) -> "exp.Expr":
    """The one statement of a file."""
    return _parse_text(load(name), f"sql/{name}.sql")


def _parse_text(text: str, what: str) -> "exp.Expr":
    """The one statement of a text. Raises PermanentError where it cannot be read or holds several."""
    import sqlglot  # takes a tenth of a second: only those who translate pay

    try:
        trees = [tree for tree in sqlglot.parse(text, dialect="databricks") if tree is not None]
    except sqlglot.ParseError as error:
        first = str(error).splitlines()[0]
        raise PermanentError(f"{what} cannot be read as Databricks SQL: {first}") from error
    if len(trees) != 1:
        raise PermanentError(f"{what} must hold one statement, it holds {len(trees)}")
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


def _keep_table(tree: "exp.Expr") -> bool:
    """CREATE OR REPLACE TABLE becomes CREATE TABLE IF NOT EXISTS; says whether it was one."""
    from sqlglot import exp

    replaces = isinstance(tree, exp.Create) and tree.kind == "TABLE" and bool(tree.args.get("replace"))
    if replaces:
        tree.set("replace", False)
        tree.set("exists", True)
        tree.pop_comments()  # they warn of what it no longer does
    return replaces


def _set(tree: "exp.Expr", values: Mapping[str, str | float]) -> bool:
    """Put these values into the `settings` CTE where they differ; says whether one did."""
    from sqlglot import exp

    ctes = [cte for cte in tree.find_all(exp.CTE) if cte.alias == "settings"]
    literals = [e for cte in ctes for e in cte.this.expressions if e.alias in values]
    different = [e for e in literals if e.this.to_py() != values[e.alias]]
    for e in different:
        e.set("this", exp.convert(values[e.alias]))
    return bool(different)


def _unqualify_merge(tree: "exp.Expr") -> None:
    """DuckDB wants `SET v = …` where Databricks takes `SET t.v = …` too."""
    from sqlglot import exp

    for when in tree.find_all(exp.When):
        update = when.args.get("then")
        for change in update.expressions if isinstance(update, exp.Update) else ():
            if isinstance(change.this, exp.Column):
                change.this.set("table", None)
