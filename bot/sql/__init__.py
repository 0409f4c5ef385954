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
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING

from bot.config import shipped
from bot.config.pipeline_file import table_parts
from bot.errors import NotFoundError, PermanentError
from bot.sql.compose import MOST_JOINED, Joined, join, selected_names, written
from checks.model import Limit

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

FOLDER = shipped.FOLDER / "sql"
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "sync-health"  # noqa: PTH111 - no home is no error
READ = (
    *(f"measure/{name}" for name in ("health", "queue", "examples", "snapshots", "snapshot_by_hand")),
    *("daily_health_check", "sync_health_monitor", "populate_audit_log"),  # the views, and the snapshot
)

STRING_OR_COMMENT = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
PARAMETER = re.compile(r"(?<![:\w]):([a-zA-Z_]\w*)")
LAST_SELECT = re.compile(r"^SELECT(?: DISTINCT)?[ ]*$", re.MULTILINE)
FULL_NAME = re.compile(r"(?<![\w.])[a-z_]\w*\.[a-z_]\w*\.[a-z_]\w*(?![\w.])")
COLUMN = re.compile(r"(?:^|\bAS |\.)(\w+)\s*$")


Values = Mapping[str, str | float | Limit | None]  # of a `settings` CTE; None: there is no such limit


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

    return _read_or_cache(["attach", file, catalog, str(read_only)], build)


def to_list_columns(table: str, dialect: str) -> str:
    """One row of NULLs that has the columns of a table, by its name here; no row of it is read."""
    from sqlglot import exp

    joined = _table(table)
    joined.set("alias", exp.TableAlias(this=exp.to_identifier("t")))
    one = exp.select(exp.alias_(exp.Literal.number(1), "one")).subquery("o")
    return exp.select("t.*").from_(one).join(joined, on="1 = 0", join_type="left").sql(dialect)


def needed_columns(tables: Mapping[str, str], statements: Sequence[str]) -> dict[str, frozenset[str]]:
    """The columns that these statements read, in lower case, by the table's name here."""
    from sqlglot.optimizer.scope import traverse_scope

    found: dict[str, set[str]] = {}
    for name in statements:
        tree = _parse(name)
        _rename(tree, tables)
        for scope in traverse_scope(tree):
            for column in scope.columns:
                if table := _source_table(scope, column.table, column.name):
                    found.setdefault(_written(table), set()).add(column.name.lower())
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

    tree = _parse(name)
    _rename(tree, tables)
    return _written(tree.this.find(exp.Table))


def kind(name: str) -> str:
    """`view` or `table`: what a statement creates."""
    return str(_parse(name).args["kind"]).lower()


def mark(name: str) -> str | None:
    """The comment by which a deploy knows what an earlier one created."""
    from sqlglot import exp

    comment = _parse(name).find(exp.SchemaCommentProperty)
    return str(comment.this.name) if comment else None


def versions(name: str, tables: Mapping[str, str], dialect: str) -> list[str]:
    """The queries of the view as it is created now, and as earlier versions did; their settings may differ."""
    trees = [_parse(one) for one in (name, f"earlier/{name}") if one in names()]
    for tree in trees:
        _rename(tree, tables)
    return [tree.expression.sql(dialect, comments=False) for tree in trees]


def is_same_query(text: str, other: str, dialect: str) -> bool:
    """Whether two texts, of queries or of views, ask the same, whatever their `settings` and their layout."""
    return _meaning(text, dialect) == _meaning(other, dialect)


def to_describe(table: str) -> str:
    """What asks Databricks for the kind, the comment and the text of an object, by its name here."""
    return f"DESCRIBE TABLE EXTENDED {_table(table).sql('databricks')}"


def to_deploy(name: str, tables: Mapping[str, str], values: Values, dialect: str = "databricks") -> str:
    """What creates the object of a statement, its `settings` CTE as given; a table that is there stays as it is."""
    text, tree = load(name), _parse(name)
    changed = [_rename(tree, _quoted_names(tables)), _keep_table(tree), _set_values(tree, values)]
    if dialect == "databricks":
        return f"{tree.sql('databricks', pretty=True)}\n" if any(changed) else text
    return _in_duckdb(tree)


def column_for_databricks(name: str, column: str, tables: Mapping[str, str]) -> str:
    """One column of a one-row statement, for Databricks: nothing else is read, so nothing else can fail."""
    return _column(name, column, frozenset(tables.items()), "databricks")


def column_for_duckdb(name: str, column: str, tables: Mapping[str, str]) -> str:
    """The same for DuckDB."""
    return _column(name, column, frozenset(tables.items()), "duckdb")


def joined_for_databricks(questions: Sequence[str], tables: Mapping[str, str]) -> Joined:
    """Those of the questions that fit in one statement, for Databricks. Raises PermanentError where none does."""
    return _join_statements(tuple(questions), frozenset(tables.items()), "databricks")


def joined_for_duckdb(questions: Sequence[str], tables: Mapping[str, str]) -> Joined:
    """The same for DuckDB."""
    return _join_statements(tuple(questions), frozenset(tables.items()), "duckdb")


@lru_cache(maxsize=64)
def _join_statements(questions: tuple[str, ...], tables: frozenset[tuple[str, str]], dialect: str) -> Joined:
    def build() -> str:
        trees = {question: tree for question in questions if (tree := _joinable(question, dict(tables)))}
        fitting = dict(islice(trees.items(), MOST_JOINED))
        text = written(join(list(fitting.values())), dialect)
        return json.dumps([text, {question: selected_names(tree) for question, tree in fitting.items()}])

    text, columns = json.loads(
        _read_or_cache(["joined", dialect, *map(load, questions), *map(str, sorted(tables))], build)
    )
    return Joined(text, columns)


def _joinable(question: str, tables: Mapping[str, str]) -> "exp.Query | None":
    """The tree of a question that can be joined to others."""
    from sqlglot import exp

    try:
        tree = _parse(question)
    except PermanentError:  # it tells why by itself
        return None
    _rename(tree, tables)
    return tree if isinstance(tree, exp.Query) and selected_names(tree) and not parameters(question) else None


@lru_cache(maxsize=512)
def translate(text: str) -> str:
    """Databricks SQL of any origin in DuckDB's words, with `$name` parameters. Raises PermanentError."""
    return _in_duckdb(_parse_text(text, "the statement"))


@lru_cache(maxsize=512)
def _for_databricks(name: str, tables: frozenset[tuple[str, str]]) -> str:
    text = load(name)
    renamed = _quoted_names(dict(tables))
    if not any(shipped.casefold() in text.casefold() for shipped in renamed):
        return text
    tree = _parse(name)
    return f"{tree.sql('databricks', pretty=True)}\n" if _rename(tree, renamed) else text


@lru_cache(maxsize=512)
def _for_duckdb(name: str, tables: frozenset[tuple[str, str]]) -> str:
    def translate() -> str:
        tree = _parse(name)
        _rename(tree, dict(tables))
        return _in_duckdb(tree)

    return _read_or_cache([load(name), *map(str, sorted(tables))], translate)


def _read_or_cache(made_from: Sequence[str], make: Callable[[], str]) -> str:
    """What any process made of this already: loading the translator takes longer than all the rest of a `check`."""
    key = hashlib.sha256(json.dumps([_translator(), *made_from]).encode()).hexdigest()
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


@cache
def _translator() -> str:
    """The version of sqlglot, without importing it, or the packages' metadata: either takes longer than this."""
    found = find_spec("sqlglot")
    assert found and found.origin
    return Path(found.origin).with_name("_version.py").read_text(encoding="utf-8")


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can have put a statement there."""
    if not hasattr(os, "getuid"):
        return True  # a profile's folder on Windows is
    found = folder.lstat()
    return S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _quoted_names(tables: Mapping[str, str]) -> dict[str, str]:
    return {shipped: actual for shipped, actual in tables.items() if shipped.casefold() != actual.casefold()}


def _strip_literals(name: str) -> str:
    """The text without comments, and with nothing in its strings."""
    return STRING_OR_COMMENT.sub(lambda found: "''" if found[0].startswith("'") else "", load(name))


@lru_cache(maxsize=512)
def _column(name: str, column: str, tables: frozenset[tuple[str, str]], dialect: str) -> str:
    tree = _keep_column(_parse(name), column)
    _rename(tree, dict(tables))
    return tree.sql(dialect, comments=False)


def _keep_column(tree: "exp.Expr", column: str) -> "exp.Expr":
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
    except sqlglot.errors.SqlglotError as error:
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
        named = _table(actual[_full_name(table)])
        for place in ("this", "db", "catalog"):
            table.set(place, named.args.get(place))
    return bool(found)


def _table(name: str) -> "exp.Table":
    """Every part in backticks: Databricks wants them for letters beyond ASCII, dashes and reserved words."""
    from sqlglot import exp

    parts = [exp.to_identifier(part, quoted=True) for part in table_parts(name)]
    catalog, db, this = [None, None, *parts][-3:]
    return exp.Table(this=this, db=db, catalog=catalog)


def _written(table: "exp.Table") -> str:
    """As pipeline.yml writes it."""
    return ".".join(
        f"`{part.name.replace('`', '``')}`" if re.search("[.`]", part.name) else part.name for part in table.parts
    )


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


def _set_values(tree: "exp.Expr", values: Values) -> bool:
    """Put these values into the `settings` CTE where they differ, and limits into what compares with them."""
    from sqlglot import exp

    compared = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE, "=": exp.EQ, "!=": exp.NEQ}
    different = [e for e in _settings(tree) if e.alias in values and e.this.to_py() != _literal(values[e.alias])]
    for e in different:
        value = _literal(values[e.alias])
        e.set("this", exp.cast(exp.null(), "double") if value is None else exp.convert(value))
    others: list[exp.Expr] = []
    for comparison in list(tree.find_all(*compared.values())):
        limit = values.get(comparison.expression.name) if isinstance(comparison.expression, exp.Column) else None
        if isinstance(limit, Limit) and not isinstance(comparison, compared[limit.comparison]):
            others.append(comparison.replace(compared[limit.comparison](**comparison.args)))
    return bool(different or others)


def _settings(tree: "exp.Expr") -> "list[exp.Expr]":
    """What the `settings` CTE holds: `500 AS update_queue_warn` and others."""
    from sqlglot import exp

    return [e for cte in tree.find_all(exp.CTE) if cte.alias == "settings" for e in cte.this.expressions]


def _literal(value: str | float | Limit | None) -> str | float | None:
    number = value.number if isinstance(value, Limit) else value
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _meaning(text: str, dialect: str) -> str:
    """A query without its layout, its comments and the values of its settings."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, dialect=dialect)
    except sqlglot.errors.SqlglotError:
        return text
    query = tree.expression if isinstance(tree, exp.Create) else tree
    for e in _settings(query):
        e.set("this", exp.null())
    for table in query.find_all(exp.Table) if dialect == "duckdb" else ():
        table.set("catalog", None)  # DuckDB leaves a view's own catalog out of its text
    return str(query.sql(dialect, comments=False))


def _in_duckdb(tree: "exp.Expr") -> str:
    """What DuckDB runs: the comment of a view is a statement of its own there, and `SET t.v = …` loses its table."""
    from sqlglot import exp

    _unqualify_merge(tree)
    comment = tree.find(exp.SchemaCommentProperty) if isinstance(tree, exp.Create) and tree.kind == "VIEW" else None
    if comment is None:
        return tree.sql("duckdb", comments=False)
    tree.set("properties", None)
    said = exp.Comment(this=tree.this.copy(), kind="VIEW", expression=comment.this)
    return f"{tree.sql('duckdb', comments=False)}; {said.sql('duckdb')}"


def _unqualify_merge(tree: "exp.Expr") -> None:
    """DuckDB wants `SET v = …` where Databricks takes `SET t.v = …` too."""
    from sqlglot import exp

    for when in tree.find_all(exp.When):
        update = when.args.get("then")
        for change in update.expressions if isinstance(update, exp.Update) else ():
            if isinstance(change.this, exp.Column):
                change.this.set("table", None)
