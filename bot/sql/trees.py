"""Parsed statements: tables renamed, values and limits set, columns kept, and DuckDB's dialect."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.config.pipeline_file import table_parts
from bot.errors import PermanentError
from checks.model import Limit

if TYPE_CHECKING:
    from sqlglot import exp

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


def keep_column(tree: "exp.Expr", column: str) -> "exp.Expr":
    """The statement with one column of its last SELECT, and with nothing that this one does not need."""
    from sqlglot import exp

    tree.set("expressions", [e for e in tree.expressions if e.alias_or_name == column])
    needed = {c.table for e in tree.expressions for c in e.find_all(exp.Column)}
    sources = [tree.args["from_"].this, *(join.this for join in tree.args.get("joins") or [])]
    first, *others = [source for source in sources if source.alias_or_name in needed]
    tree.set("from_", exp.From(this=first))
    tree.set("joins", [exp.Join(this=source, kind="CROSS") for source in others])
    return _prune_query(tree)


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


def quoted_table(name: str) -> "exp.Table":
    """Every part in backticks: Databricks wants them for letters beyond ASCII, dashes and reserved words."""
    from sqlglot import exp

    parts = [exp.to_identifier(part, quoted=True) for part in table_parts(name)]
    catalog, db, this = [None, None, *parts][-3:]
    return exp.Table(this=this, db=db, catalog=catalog)


def as_written(table: "exp.Table") -> str:
    """As pipeline.yml writes it."""
    return ".".join(
        f"`{part.name.replace('`', '``')}`" if re.search("[.`]", part.name) else part.name for part in table.parts
    )


def full_name(table: "exp.Table") -> str:
    return ".".join(part.name for part in table.parts).casefold()


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
    """What the `settings` CTE holds: `500 AS update_queue_warn` and others."""
    from sqlglot import exp

    return [e for cte in tree.find_all(exp.CTE) if cte.alias == "settings" for e in cte.this.expressions]


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
    comment = tree.find(exp.SchemaCommentProperty) if isinstance(tree, exp.Create) and tree.kind == "VIEW" else None
    if comment is None:
        return tree.sql("duckdb", comments=False)
    tree.set("properties", None)
    said = exp.Comment(this=tree.this.copy(), kind="VIEW", expression=comment.this)
    return f"{tree.sql('duckdb', comments=False)}; {said.sql('duckdb')}"


def unqualify_merge(tree: "exp.Expr") -> None:
    """DuckDB wants `SET v = …` where Databricks takes `SET t.v = …` too."""
    from sqlglot import exp

    for when in tree.find_all(exp.When):
        update = when.args.get("then")
        for change in update.expressions if isinstance(update, exp.Update) else ():
            if isinstance(change.this, exp.Column):
                change.this.set("table", None)
