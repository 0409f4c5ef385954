"""How tables and views that are there differ from what a statement creates: columns by type, views by their text."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bot.objects import Column, ColumnDifference, SettingChange, ViewDifference, ViewState
from bot.sql.compose import written
from bot.sql.trees import meaning_of, quoted_table, settings_of

if TYPE_CHECKING:
    from sqlglot import exp

WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
BROKEN = ("FLOAT", "DOUBLE", "DECIMAL")
BEFORE = "_before"  # how a column is renamed that has to make room


def databricks_type(text: str, dialect: str) -> str:
    """A type of either engine in Databricks' words, `TIMESTAMP WITH TIME ZONE` as `TIMESTAMP`; else as it is."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        return exp.DataType.build(text, dialect=dialect).sql("databricks")
    except (SqlglotError, ValueError):
        return text.upper()


def declared_columns(tree: "exp.Expr") -> tuple[Column, ...]:
    """What a CREATE TABLE declares."""
    from sqlglot import exp

    found = []
    for column in tree.find_all(exp.ColumnDef):
        nullable = not column.find(exp.NotNullColumnConstraint)
        found.append(Column(column.name, column.args["kind"].sql("databricks"), nullable))
    return tuple(found)


def column_differences(
    table: str, expected: Sequence[Column], found: Sequence[Column], dialect: str, *, is_written: bool
) -> tuple[ColumnDifference, ...]:
    """What is missing, has another type, or is there beyond what is expected, in this order of columns.

    `is_written`: we add rows, so a column that demands a value which we do not give does not fit.
    """
    there = {column.name.lower(): column for column in found}
    asked = {column.name.lower() for column in expected}
    pairs = [(column, there.get(column.name.lower())) for column in expected]
    pairs += [(None, column) for column in found if column.name.lower() not in asked]  # type: ignore[misc]
    compared = (_compare(table, one, other, dialect, is_written=is_written) for one, other in pairs)
    return tuple(one for one in compared if one)


def _compare(
    table: str, expected: Column | None, found: Column | None, dialect: str, *, is_written: bool
) -> ColumnDifference | None:
    if found is None:
        assert expected, "one of them is there"
        add = _alter(table, _add(expected, dialect), dialect)
        return ColumnDifference(expected.name, expected.type, "", fits=False, remedy=(add,))
    demands = is_written and found.nullable is False and (expected is None or expected.nullable is True)
    here = f"{found.type} NOT NULL" if demands else found.type
    declared = expected.type if expected else ""
    if expected and not _fits(expected.type, found.type):
        return ColumnDifference(expected.name, declared, here, fits=False, remedy=_retype(table, expected, dialect))
    if demands:
        return ColumnDifference(found.name, declared, here, fits=False, remedy=(_relax(table, found, dialect),))
    return ColumnDifference(found.name, declared, here, fits=True) if declared != found.type else None


def _fits(expected: str, found: str) -> bool:
    """Whether a column of one type holds what is written for the other; a narrow one as long as values are small."""
    name, _, inside = found.partition("(")
    if expected in WHOLE:
        return name in (*WHOLE, *BROKEN)
    if expected in BROKEN:
        return name in BROKEN and (name != "DECIMAL" or not inside.rstrip(")").endswith((" 0", ",0")))
    return expected == found or (expected == "STRING" and name == "VARCHAR")


def _add(column: Column, dialect: str) -> "exp.Expr":
    from sqlglot import exp

    kind = exp.DataType.build(column.type, dialect="databricks")
    added = exp.ColumnDef(this=exp.to_identifier(column.name, quoted=True), kind=kind)
    return added if dialect == "duckdb" else exp.Schema(expressions=[added])


def _retype(table: str, column: Column, dialect: str) -> tuple[str, ...]:
    """No engine turns every type into every other: the column that is there makes room, and keeps its values."""
    from sqlglot import exp

    there, moved = (exp.column(exp.to_identifier(column.name + end, quoted=True)) for end in ("", BEFORE))
    rename = exp.RenameColumn(this=there, to=moved)
    return _alter(table, rename, dialect), _alter(table, _add(column, dialect), dialect)


def _relax(table: str, column: Column, dialect: str) -> str:
    from sqlglot import exp

    change = exp.AlterColumn(this=exp.column(exp.to_identifier(column.name, quoted=True)), allow_null=True, drop=True)
    return _alter(table, change, dialect)


def _alter(table: str, action: "exp.Expr", dialect: str) -> str:
    from sqlglot import exp

    return exp.Alter(this=quoted_table(table), kind="TABLE", actions=[action]).sql(dialect)


def view_difference(text: str | None, wanted: str, earlier: Sequence[str], dialect: str) -> ViewDifference:
    """The query of a view that is there, or None where nobody may read it, against what a deploy would write."""
    laid_out = _lay_out(wanted, dialect)
    if text is None:
        return ViewDifference(ViewState.UNREADABLE, None, laid_out)
    found = _lay_out(text, dialect)
    if found == laid_out:
        return ViewDifference(ViewState.CURRENT, found, laid_out)
    meant = _meaning(text, dialect)
    if meant == meaning_of(wanted, dialect):
        return ViewDifference(ViewState.SETTINGS, found, laid_out, tuple(_changed(text, wanted, dialect)))
    known = any(meant == meaning_of(one, dialect) for one in earlier)
    return ViewDifference(ViewState.EARLIER if known else ViewState.OTHER, found, laid_out)


def _lay_out(text: str, dialect: str) -> str:
    """The query with a line for each part, without comments: what somebody typed differently is no difference."""
    try:
        return written(query, dialect, pretty=True) if (query := _query(text, dialect)) else text
    except RecursionError:  # somebody's view, nested deeper than a parser goes
        return text


def _meaning(text: str, dialect: str) -> str:
    try:
        return meaning_of(text, dialect)
    except RecursionError:
        return text


def _query(text: str, dialect: str) -> "exp.Expr | None":
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, dialect=dialect)
    except sqlglot.errors.SqlglotError:
        return None
    query: exp.Expr = tree.expression if isinstance(tree, exp.Create) else tree
    for table in query.find_all(exp.Table) if dialect == "duckdb" else ():
        table.set("catalog", None)  # DuckDB leaves a view's own catalog out of its text
    return query


def _changed(text: str, wanted: str, dialect: str) -> Iterator[SettingChange]:
    """Both have the same settings in the same order: their meaning is the same."""
    before, after = (settings_of(query) if (query := _query(one, dialect)) else [] for one in (text, wanted))
    for was, is_now in zip(before, after, strict=True):
        values = [one.this.sql(dialect) for one in (was, is_now)]
        if values[0] != values[1]:
            yield SettingChange(was.alias, *values)


def query_text(created: str) -> str:
    """The text after AS of a CREATE VIEW, as it is written: what Databricks keeps of it."""
    import sqlglot

    tokens = sqlglot.tokenize(created, read="databricks")
    return created[next(token.end for token in tokens if token.token_type.name == "ALIAS") + 1 :].strip()
