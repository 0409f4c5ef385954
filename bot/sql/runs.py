"""Completed runs as rows of one statement: a template with the parameters of one, repeated for each."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

RUNS = "log_runs"


def logged(template: "exp.Expr", count: int) -> "exp.Expr":
    """The statement for so many runs; the parameters of the Nth end in `_N`."""
    from sqlglot import exp

    source = template.args["using"].this
    rows = [_numbered(source.copy(), n) for n in range(count)]
    source.replace(exp.union(*rows, distinct=False) if count > 1 else rows[0])
    return template


def _numbered(row: "exp.Expr", n: int) -> "exp.Expr":
    from sqlglot import exp

    for parameter in list(row.find_all(exp.Placeholder)):
        parameter.set("this", f"{parameter.name}_{n}")
    return row
