"""What an engine says of an object that is there, held against the statement that would create it."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.objects import OURS, Column, ExistingObject, ViewDifference
from bot.sql.differences import column_differences, view_difference
from bot.sql.statements import Statements
from bot.sql.trees import Values


@dataclass(frozen=True)
class Described:
    """An object as its engine describes it; `text` is a view's, None where the login may not read it."""

    kind: str
    comment: str | None
    columns: tuple[Column, ...]
    text: str | None


def compare_object(
    statements: Statements,
    statement: str,
    values: Values,
    found: Described | None,
    dialect: str,
    as_kept: Callable[[str], str] = lambda query: query,
) -> ExistingObject:
    """`as_kept` is a query as the engine writes it once it is a view's."""
    name, creates = statements.created(statement), statements.kind(statement)
    if found is None:
        return ExistingObject(statement, name, creates, None)
    if creates == "table":
        differences = column_differences(
            name, statements.declared(statement), found.columns, dialect, is_written=statement in OURS
        )
        return ExistingObject(statement, name, creates, found.kind, False, found.columns, differences)
    marked = found.comment is not None and found.comment == statements.mark(statement)
    view = _compare_view(statements, statement, values, found, dialect, as_kept)
    return ExistingObject(statement, name, creates, found.kind, marked, found.columns, view=view)


def _compare_view(
    statements: Statements,
    statement: str,
    values: Values,
    found: Described,
    dialect: str,
    as_kept: Callable[[str], str],
) -> ViewDifference | None:
    if found.kind != "view":
        return None
    wanted, *earlier = map(as_kept, statements.queries(statement, values, dialect))
    return view_difference(found.text, wanted, earlier, dialect)
