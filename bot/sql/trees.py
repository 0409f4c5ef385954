"""Parsed statements: tables renamed, values and limits set, columns kept, and DuckDB's dialect."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from bot.config.names import table_name, table_parts
from bot.errors import PermanentError
from bot.sql.text import no_query
from checks.forms import Limit

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Values = Mapping[str, str | float | Limit | None]  # of a `settings` CTE; None: there is no such limit


def parse_text(text: str, what: str) -> "exp.Expr":
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


def query_in(text: str, what: str) -> "exp.Query":
    """The one query of a text. Raises PermanentError for what creates or changes anything, however deep it stands."""
    from sqlglot import exp

    tree = parse_text(text, what)
    if not isinstance(tree, exp.Query) or tree.find(exp.DDL, exp.DML, exp.Into):
        raise no_query(what, text)
    return tree


def selected_columns(text: str, what: str) -> list[str]:
    """The columns that a statement returns, but for those that have no name, whatever its layout.

    Raises PermanentError where it cannot be read, is no query, or does not say which.
    """
    query = query_in(text, what)
    if any(e.is_star for e in query.selects):
        raise PermanentError(f"{what} selects *: write the names of its columns")
    return [name for name in query.named_selects if name]


def keep_column(tree: "exp.Expr", column: str) -> "exp.Expr":
    """The statement with one column of its last SELECT, and with nothing that this one does not need."""
    from sqlglot import exp

    tree.set("expressions", [e for e in tree.expressions if e.alias_or_name == column])
    needed = {c.table for e in tree.expressions for c in e.find_all(exp.Column)}
    joins = tree.args.get("joins") or []
    alone = all(join.kind in ("", "CROSS") and not {"side", "on", "using"} & _given(join) for join in joins)
    if joins and alone and needed and "" not in needed and not tree.args.get("where"):
        sources = [tree.args["from_"].this, *(join.this for join in joins)]
        first, *others = [source for source in sources if source.alias_or_name in needed]
        tree.set("from_", exp.From(this=first))
        tree.set("joins", [exp.Join(this=source, kind="CROSS") for source in others])
    return _prune_query(tree)


def _given(part: "exp.Expr") -> set[str]:
    return {name for name, value in part.args.items() if value}


def _prune_query(tree: "exp.Expr") -> "exp.Expr":
    """The same without the columns, joins and CTEs that do not matter to its answer."""
    from sqlglot.optimizer.eliminate_ctes import eliminate_ctes
    from sqlglot.optimizer.eliminate_joins import eliminate_joins
    from sqlglot.optimizer.pushdown_projections import pushdown_projections
    from sqlglot.optimizer.qualify import qualify

    tree = qualify(tree, dialect="databricks", quote_identifiers=False, validate_qualify_columns=False)
    for _ in range(2):  # a join that is gone needs no columns any more
        tree = eliminate_joins(pushdown_projections(tree))
    return eliminate_ctes(pushdown_projections(tree))


def rename_tables(tree: "exp.Expr", tables: Mapping[str, str]) -> bool:
    """Give the tables their actual names, in place; says whether there was anything to do."""
    from sqlglot import exp

    actual = {shipped.casefold(): name for shipped, name in tables.items()}
    found = [table for table in tree.find_all(exp.Table) if full_name(table) in actual]
    for table in found:
        named = quoted_table(actual[full_name(table)])
        for place in ("this", "db", "catalog"):
            table.set(place, named.args.get(place))
    return bool(found)


def leave_schema_out(tree: "exp.Expr", schema: str, beside: Collection[str] = ()) -> None:
    """Bare names for the tables of this catalog and schema, in place, and for columns that are called by them.

    A table that is called like a CTE of the statement, or of one that it becomes a part of (`beside`), keeps its full
    name: bare, it would be the CTE.
    """
    from sqlglot import exp

    place = tuple(part.casefold() for part in table_parts(schema))
    taken = {*beside, *cte_names(tree)}
    named: list[tuple[exp.Table | exp.Column, str]] = [(one, one.name) for one in tree.find_all(exp.Table)]
    named += [(one, one.table) for one in tree.find_all(exp.Column)]
    for one, name in named:
        if (one.catalog.casefold(), one.db.casefold()) == place and name.casefold() not in taken:
            one.set("db", None)
            one.set("catalog", None)


def cte_names(tree: "exp.Expr") -> set[str]:
    """What the CTEs of a statement are called, in lower case."""
    from sqlglot import exp

    return {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}


def quoted_table(name: str) -> "exp.Table":
    """Every part in backticks: Databricks wants them for letters beyond ASCII, dashes and reserved words."""
    from sqlglot import exp

    parts = [exp.to_identifier(part, quoted=True) for part in table_parts(name)]
    catalog, db, this = [None, None, *parts][-3:]
    return exp.Table(this=this, db=db, catalog=catalog)


def as_written(table: "exp.Table") -> str:
    """As pipeline.yml writes it."""
    return table_name(part.name for part in table.parts)


def full_name(table: "exp.Table") -> str:
    return ".".join(part.name for part in table.parts).casefold()


def source_table(scope: "Scope", alias: str, name: str) -> "exp.Table | None":
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
                if table := source_table(source, inner, name):
                    return table
    return None


def keep_table(tree: "exp.Expr") -> bool:
    """CREATE OR REPLACE TABLE becomes CREATE TABLE IF NOT EXISTS; says whether it was one."""
    from sqlglot import exp

    replaces = isinstance(tree, exp.Create) and tree.kind == "TABLE" and bool(tree.args.get("replace"))
    if replaces:
        tree.set("replace", False)
        tree.set("exists", True)
        tree.pop_comments()  # they warn of what it no longer does
    return replaces


def set_values(tree: "exp.Expr", values: Values) -> bool:
    """Put these values into the `settings` CTE where they differ, and limits into what compares with them."""
    from sqlglot import exp

    compared = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE, "=": exp.EQ, "!=": exp.NEQ}
    different = [e for e in settings_of(tree) if e.alias in values and e.this.to_py() != _literal(values[e.alias])]
    for e in different:
        value = _literal(values[e.alias])
        e.set("this", exp.cast(exp.null(), "double") if value is None else exp.convert(value))
    others: list[exp.Expr] = []
    for comparison in list(tree.find_all(*compared.values())):
        limit = values.get(comparison.expression.name) if isinstance(comparison.expression, exp.Column) else None
        if isinstance(limit, Limit) and not isinstance(comparison, compared[limit.comparison]):
            others.append(comparison.replace(compared[limit.comparison](**comparison.args)))
    return bool(different or others)


def settings_of(tree: "exp.Expr") -> "list[exp.Expr]":
    """What the `settings` CTE holds, in each of its rows: `500 AS update_queue_warn` and others."""
    from sqlglot import exp

    ctes = [cte for cte in tree.find_all(exp.CTE) if cte.alias == "settings"]
    return [e for cte in ctes for row in cte.find_all(exp.Select) for e in row.expressions]


def _literal(value: str | float | Limit | None) -> str | float | None:
    number = value.number if isinstance(value, Limit) else value
    return int(number) if isinstance(number, float) and number.is_integer() else number


def meaning_of(text: str, dialect: str) -> str:
    """A query without its layout, its comments and the values of its settings."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, dialect=dialect)
    except sqlglot.errors.SqlglotError:
        return text
    query = tree.expression if isinstance(tree, exp.Create) else tree
    for e in settings_of(query):
        e.set("this", exp.null())
    for table in query.find_all(exp.Table) if dialect == "duckdb" else ():
        table.set("catalog", None)  # DuckDB leaves a view's own catalog out of its text
    return str(query.sql(dialect, comments=False))


def in_duckdb(tree: "exp.Expr") -> str:
    """What DuckDB runs: the comment of a view is a statement of its own there, and `SET t.v = …` loses its table."""
    from sqlglot import exp

    unqualify_merge(tree)
    any_of_list(tree)
    comment = tree.find(exp.SchemaCommentProperty) if isinstance(tree, exp.Create) and tree.kind == "VIEW" else None
    if comment is None:
        return tree.sql("duckdb", comments=False)
    tree.set("properties", None)
    said = exp.Comment(this=tree.this.copy(), kind="VIEW", expression=comment.this)
    return f"{tree.sql('duckdb', comments=False)}; {said.sql('duckdb')}"


def any_of_list(tree: "exp.Expr") -> None:
    """What DuckDB has for `exists(list, x -> …)`, of which sqlglot leaves the function out."""
    from sqlglot import exp

    for one in [one for one in tree.find_all(exp.Exists) if isinstance(one.args.get("expression"), exp.Lambda)]:
        held = exp.Transform(this=one.this.copy(), expression=one.args["expression"].copy())
        one.replace(exp.Anonymous(this="LIST_BOOL_OR", expressions=[held]))


def unqualify_merge(tree: "exp.Expr") -> None:
    """DuckDB wants `SET v = …` where Databricks takes `SET t.v = …` too."""
    from sqlglot import exp

    for when in tree.find_all(exp.When):
        update = when.args.get("then")
        for change in update.expressions if isinstance(update, exp.Update) else ():
            if isinstance(change.this, exp.Column):
                change.this.set("table", None)
