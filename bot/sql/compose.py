"""Composes several one-row statements into one parsed tree: a subquery each, CROSS JOIN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bot.errors import PermanentError
from bot.sql.trees import any_of_list

if TYPE_CHECKING:
    from sqlglot import exp

MOST_JOINED = 60  # subqueries: the plan of more takes longer than asking for them
LARGEST = 10_000  # rows of a subquery that are counted: as many as an answer may have


@dataclass(frozen=True)
class Joined:
    """The text of a statement that returns one row, and the names of the columns of each question in it, in order."""

    text: str
    columns: Mapping[str, Sequence[str]]

    def split(self, row: Sequence[object]) -> dict[str, list[dict[str, object]]]:
        """The rows of each question, without values where they are not one; a question with too many is left out."""
        values, found = iter(row), {}
        for question, names in self.columns.items():
            count = next(values)
            own = {name: next(values) for name in names}
            if isinstance(count, int) and count <= LARGEST:
                found[question] = [own] if count == 1 else [{}] * count
        return found


def selected_names(tree: "exp.Expr") -> list[str]:
    """The columns of a query that can be joined to others; none where it cannot: it is no query, or says `*`."""
    from sqlglot import exp

    if not isinstance(tree, exp.Query) or tree.find(exp.Placeholder) or any(e.is_star for e in tree.selects):
        return []
    names = [e.alias_or_name or f"column {n}" for n, e in enumerate(tree.selects, 1)]
    return names if len(set(names)) == len(names) else []


def join(trees: "Sequence[exp.Query]") -> "exp.Select":
    """One row: of each query how many rows it has, and its values, `s0_rows`, `s0_c0`, …: two rows double nothing.

    Raises PermanentError where there is nothing to join.
    """
    from sqlglot import exp

    if not trees:
        raise PermanentError("none of these questions can be joined to others")
    parts = [_one_row(f"s{n}", tree) for n, tree in enumerate(trees)]
    whole = exp.select(*(exp.column(name, part.alias) for part in parts for name in part.this.named_selects))
    whole = whole.from_(parts[0])
    for part in parts[1:]:
        whole = whole.join(part, join_type="cross")
    return whole


def _one_row(prefix: str, tree: "exp.Query") -> "exp.Subquery":
    from sqlglot import exp

    columns = [f"c{n}" for n, _ in enumerate(tree.selects)]
    asked = tree.subquery()
    asked.set("alias", exp.TableAlias(this=exp.to_identifier(prefix), columns=[exp.to_identifier(c) for c in columns]))
    some = exp.select("*").from_(asked).limit(LARGEST + 1).subquery(prefix)
    values = [exp.alias_(exp.AnyValue(this=exp.column(column)), f"{prefix}_{column}") for column in columns]
    rows = exp.alias_(exp.Count(this=exp.Star()), f"{prefix}_rows")
    return exp.select(rows, *values).from_(some).subquery(prefix)


def written(tree: "exp.Expr", dialect: str, *, pretty: bool = False) -> str:
    """The text; each subquery keeps its own CTEs, which sqlglot would move to the top, where equal names meet."""
    from sqlglot.dialects import Databricks

    if dialect != "databricks":
        any_of_list(tree)
        return tree.sql(dialect, comments=False, pretty=pretty)

    class Nested(Databricks.generator_class):  # type: ignore[misc]
        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type]] = set()

    return str(Nested(dialect=Databricks(), comments=False, pretty=pretty).generate(tree))
