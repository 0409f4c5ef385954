"""Conditions that pipeline.yml writes over the columns of a queue: one boolean expression, or why it is none."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

REFUSED = re.compile(  # built-in functions that act, ask somebody else, answer otherwise each time, or make rows
    "(try_)?reflect|java_method|(try_)?secret|ai_.*|http_request|raise_error|assert_true"
    "|rand|random|randn|randstr|uniform|shuffle|(gen_?)?(random_?)?uuid|monotonically_increasing_id"
    "|(pos)?explode(_outer)?|inline(_outer)?|stack|json_tuple|variant_explode(_outer)?|(read|remote)_.*|vector_search",
    re.IGNORECASE,
)
EXAMPLE = "write one such as: email IS NULL OR email = ''"


def parse_condition(text: str) -> "exp.Expr":
    """The expression; `a.b` is a field of a structure. Raises sqlglot's errors for what `why_no_condition` explains."""
    import sqlglot
    from sqlglot import exp

    def field(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Column) or not node.table:
            return node
        first, *others = (part.copy() for part in node.parts)
        return exp.Dot.build([exp.column(first), *others])

    return sqlglot.parse_one(text, dialect="databricks", into=exp.Condition).transform(field)


def why_no_condition(text: str) -> str | None:
    """Why a text is not one boolean expression over the columns of one table; None where it is one."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.annotate_types import annotate_types

    if ";" in _without_strings(text):
        return f"has a semicolon, and is one condition: {EXAMPLE}"
    try:
        tree = parse_condition(text)
    except sqlglot.errors.SqlglotError:
        return f"cannot be read as a condition of Databricks SQL: {EXAMPLE}"
    refused = {
        "a subquery": (exp.Query, exp.Subquery),
        "an aggregate": (exp.AggFunc, exp.Window),
        "a parameter": (exp.Placeholder, exp.Parameter),
        "a star": (exp.Star,),
        "an alias": (exp.Alias,),
    }
    for what, kinds in refused.items():
        if tree.find(*kinds):
            return f"has {what}, and may name columns of the queue alone: {EXAMPLE}"
    if refused_call := next(filter(None, map(_refused, tree.find_all(exp.Func))), None):
        return f"calls {refused_call}, and may do no more than look at a record, with the same answer again: {EXAMPLE}"
    if not tree.find(exp.Column):
        return f"names no column of the queue: {EXAMPLE}"
    kind = annotate_types(tree, dialect="databricks").type
    value = isinstance(tree, exp.Concat | exp.ConcatWs | exp.DPipe) or (
        isinstance(tree, exp.Binary) and not isinstance(tree, exp.Predicate | exp.Connector | exp.Dot)
    )
    if value or (kind is not None and not kind.is_type("boolean", "unknown", "null")):
        return f"is a value, not a condition: {EXAMPLE}"
    return None


def _refused(call: "exp.Func") -> str | None:
    """The name of a function that no condition may call; somebody's own, `schema.name(…)`, is theirs."""
    from sqlglot import exp

    if isinstance(call.parent, exp.Dot) and call.parent.expression is call:
        return None
    names = [call.name] if isinstance(call, exp.Anonymous) else call.sql_names()
    return next((name.lower() for name in names if REFUSED.fullmatch(name)), None)


def _without_strings(text: str) -> str:
    return re.sub(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`", "''", text)
