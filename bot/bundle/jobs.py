"""What the alert and the jobs ask: statements of sql/bundle and of the pipeline, with the values of pipeline.yml."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from bot.bundle.notes import notes_of
from bot.config.settings import Settings
from bot.errors import PermanentError
from bot.services.take_snapshot import POPULATE, thresholds_of_snapshot
from bot.sql.compose import written
from bot.sql.statements import Statements
from bot.sql.trees import cte_names, leave_schema_out, parse_text, set_values
from checks.model import Check

if TYPE_CHECKING:
    from sqlglot import exp

Judged = Sequence[tuple[Check, str]]  # each with the column of its number
Source = tuple["exp.Expr | None", Judged]  # the statement of these columns; None where there is none
LARGEST = "1E308"  # a double
ROW = ("audit_id", "execution_timestamp", "executed_by")  # what sql/bundle/snapshot_row.sql says


def alert_query(statements: Statements, settings: Settings, catalog: str, schema: str) -> str:
    """The query of the alert, on the view in this catalog and schema unless pipeline.yml has it elsewhere."""
    from sqlglot import exp

    tree = parse_here(statements, settings, "bundle/red_syncs")
    for table in tree.find_all(exp.Table):
        if not table.db:
            table.set("db", exp.to_identifier(schema, quoted=True))
            table.set("catalog", exp.to_identifier(catalog, quoted=True))
    return f"{written(tree, 'databricks', pretty=True)}\n"


def snapshot_job(statements: Statements, settings: Settings) -> str:
    """The MERGE of the bot's own snapshots, with the values of pipeline.yml in place of its parameters.

    Raises PermanentError where the pipeline's own statement wants one that no job knows.
    """
    from sqlglot import exp

    tree = parse_here(statements, settings, POPULATE)
    row = parse_here(statements, settings, "bundle/snapshot_row")
    due = settings.schedule.snapshot
    set_values(row, {"zone": settings.zone.key, "due_minute": 60 * due.hour + due.minute})
    values = {name: exp.convert(value) for name, value in thresholds_of_snapshot(settings).items()}
    for place in list(tree.find_all(exp.Placeholder)):
        if place.name in ROW:
            _join_row(place, row)
            place.replace(exp.column(place.name, "job"))
        elif place.name == "notes":
            place.replace(notes_of(statements, settings))
        elif place.name in values:
            place.replace(values[place.name].copy())
        else:
            raise PermanentError(f"sql/{POPULATE}.sql asks for :{place.name}, which no job of the bundle knows")
    return _as_file(tree)


def validation_job(statements: Statements, settings: Settings) -> str:
    """Fails where a sync is red, a number of the pipeline is critical or missing, or yesterday's snapshot is."""
    from sqlglot import exp

    tree = parse_here(statements, settings, "bundle/findings")
    set_values(tree, {"zone": settings.zone.key})
    [findings] = (cte for cte in tree.find_all(exp.CTE) if cte.alias == "findings")
    names = cte_names(tree)
    measured, own = _of_measure(statements, settings, names), _with_own_statement(statements, settings, names)
    for source, judged in (measured, own):
        if source and judged:
            findings.set("this", exp.union(findings.this, _findings(source, judged), distinct=False))
    return _as_file(_failing_with(tree))


def parse_here(statements: Statements, settings: Settings, name: str, beside: Collection[str] = ()) -> "exp.Expr":
    """A statement with the names of here, bare where they lie in `deploy_to`: a target of the bundle names that.

    `beside` are the CTEs of the statement that it becomes a part of.
    """
    tree = parse_text(statements.in_dialect(name, "databricks"), f"sql/{name}.sql")
    leave_schema_out(tree, str(settings.deploy_to), beside)
    return tree


def _as_file(tree: "exp.Expr") -> str:
    """The text of a job's file: where bare names are, by the parameters of the job, then the statement."""
    places = [_use(kind).sql("databricks") for kind in ("catalog", "schema")]
    return ";\n\n".join([*places, written(tree, "databricks", pretty=True)]) + ";\n"


def _use(kind: str) -> "exp.Use":
    """`USE CATALOG IDENTIFIER(:catalog)`."""
    from sqlglot import exp

    named = exp.Anonymous(this="IDENTIFIER", expressions=[exp.Placeholder(this=kind)])
    return exp.Use(kind=exp.var(kind.upper()), this=named)


def _join_row(place: "exp.Expr", row: "exp.Expr") -> None:
    """Let the SELECT around a parameter read the row of the job, once."""
    from sqlglot import exp

    select = place.parent_select
    assert isinstance(select, exp.Select)
    sources = [select.args["from_"], *(select.args.get("joins") or [])] if select.args.get("from_") else []
    if any(one.this.alias_or_name == "job" for one in sources):
        return
    job = exp.Subquery(this=row.copy(), alias=exp.TableAlias(this=exp.to_identifier("job")))
    if sources:
        select.join(job, join_type="cross", copy=False)
    else:
        select.from_(job, copy=False)


def _of_measure(statements: Statements, settings: Settings, beside: Collection[str]) -> Source:
    """The pipeline's own statement and what it measures; a moment is judged by the bot alone."""
    columns = statements.columns(settings.measure) if settings.measure else ()
    numbers = {name for name in columns if not _is_a_moment(name)}
    judged = [(one, one.metric) for one in _critical(settings) if one.metric in numbers]
    return (parse_here(statements, settings, str(settings.measure), beside), judged) if judged else (None, [])


def _with_own_statement(statements: Statements, settings: Settings, beside: Collection[str]) -> Source:
    """The numbers of the checks that have a statement each, as columns of one row; one without a row is NULL."""
    from sqlglot import exp

    asked = [
        (one, parse_here(statements, settings, one.statement, beside)) for one in _critical(settings) if one.statement
    ]
    fitting = [(check, tree) for check, tree in asked if isinstance(tree, exp.Query) and _is_a_number(tree)]
    named = [(check, f"own_{n}", tree) for n, (check, tree) in enumerate(fitting)]
    row = exp.select(*(exp.alias_(exp.Subquery(this=tree), name) for _, name, tree in named))
    return row, [(check, name) for check, name, _ in named]


def _critical(settings: Settings) -> list[Check]:
    return [check for check in settings.checks if check.critical and not check.per]


def _is_a_number(query: "exp.Query") -> bool:
    """Whether a query answers with one column that a threshold is held against, and needs nothing for it."""
    from sqlglot import exp

    one = query.selects[0]
    return len(query.selects) == 1 and not (
        one.is_star or _is_a_moment(one.alias_or_name) or query.find(exp.Placeholder)
    )


def _is_a_moment(column: str) -> bool:
    return column.endswith("_at")


def _failing_with(findings: "exp.Expr") -> "exp.Select":
    """One row where there are none; a task of a job has failed when its statement has."""
    from sqlglot import exp

    assert isinstance(findings, exp.Select)
    finding = exp.column("finding")
    sort = exp.func("ARRAY_SORT", exp.func("COLLECT_LIST", finding.copy(), dialect="databricks"), dialect="databricks")
    every = exp.func("ARRAY_JOIN", sort, exp.convert("; "), dialect="databricks")
    fails = exp.Anonymous(this="RAISE_ERROR", expressions=[every])
    result = exp.Case().when(exp.Count(this=finding).eq(0), exp.convert("Nothing critical")).else_(fails)
    return exp.select(exp.alias_(result, "result")).from_(findings.subquery("found"))


def _findings(measured: "exp.Expr", judged: Judged) -> "exp.Select":
    """A row for each check whose number is critical or missing; the statement is run once."""
    from sqlglot import exp

    every = exp.Explode(this=exp.Array(expressions=[_finding(check, column) for check, column in judged]))
    found = exp.select(exp.alias_(every, "finding")).from_(
        exp.Subquery(this=measured, alias=exp.to_identifier("measured"))
    )
    one = exp.column("finding")
    return exp.select(one).from_(found.subquery("found")).where(one.copy().is_(exp.null()).not_())


def _finding(check: Check, column: str) -> "exp.Expr":
    """`Coverage: 88.5 (critical < 90%)`, NULL where it is not; what is no number is no data."""
    from sqlglot import exp

    assert check.critical
    compared = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE, "=": exp.EQ, "!=": exp.NEQ}
    value = exp.column(column, "measured")
    bad = compared[check.critical.comparison](this=value.copy(), expression=exp.convert(check.critical.number))
    size = exp.Abs(this=exp.cast(value.copy(), "double"))
    missing = exp.GT(this=size, expression=exp.Literal.number(LARGEST))  # as NaN is in SQL, and infinity
    said = exp.Coalesce(
        this=exp.cast(value.copy(), "string", dialect="databricks"), expressions=[exp.convert("no data")]
    )
    parts = [exp.convert(f"{check.title}: "), said, exp.convert(f" (critical {check.critical})")]
    text = exp.Concat(expressions=parts, safe=False, coalesce=False)
    return exp.Case().when(exp.Coalesce(this=exp.or_(bad, missing), expressions=[exp.true()]), text)
