"""The notes of a snapshot as SQL, for pipelines whose snapshots the bot words: `Contacts/backlog: 12 | nameless: 3`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.services.audit_log import SEPARATOR, STAND_IN
from bot.sql.queues import QUEUES, queue_column
from bot.sql.statements import Statements
from bot.sql.trees import parse_text

if TYPE_CHECKING:
    from sqlglot import exp


def notes_of(statements: Statements, settings: Settings) -> "exp.Expr":
    """What a snapshot of the job says: what the warehouse knows; what it does not is left out, and NULL is nothing."""
    from sqlglot import exp

    known = [_note(name, value) for name, value in _numbers(statements, settings)]
    if not known:
        return exp.null()
    text = exp.Anonymous(this="CONCAT_WS", expressions=[exp.convert(SEPARATOR), *known])  # which leaves NULLs out
    said = exp.select(exp.Nullif(this=text, expression=exp.convert("")))
    names = [QUEUES] * any(sync.queue for sync in settings.syncs) + [settings.measure] * bool(settings.measure)
    for n, name in enumerate(map(str, names)):
        asked = parse_text(statements.in_dialect(name, "databricks"), name)
        source = exp.Subquery(this=asked, alias=exp.to_identifier(name.rpartition("/")[2]))
        said = said.join(source, join_type="cross") if n else said.from_(source)
    return said.subquery()


def _note(name: str, value: "exp.Expr") -> "exp.Expr":
    """Also NULL where the number is."""
    from sqlglot import exp

    text = exp.cast(value, "string", dialect="databricks")
    return exp.Concat(expressions=[exp.convert(f"{name.replace('|', STAND_IN)}: "), text], safe=False, coalesce=False)


def _numbers(statements: Statements, settings: Settings) -> "Iterator[tuple[str, exp.Expr]]":
    """What the bot notes and the warehouse knows: backlogs, suspect records, and what checks judge of `measure`."""
    from sqlglot import exp

    measured = str(settings.measure).rpartition("/")[2]
    for place, sync in enumerate(settings.syncs):
        for what, value in _of_queue(place, sync):
            yield f"{sync.name}/{what}", _if_needed_rows_are_there(value, sync, measured)
    columns = statements.columns(settings.measure) if settings.measure else ()
    for metric in dict.fromkeys(check.metric for check in settings.checks if not check.per):
        if metric in columns and not metric.endswith("_at"):  # a moment is no number
            yield metric, exp.cast(exp.column(metric, measured), "decimal(38, 6)")


def _of_queue(place: int, sync: SyncSettings) -> "Iterator[tuple[str, exp.Expr]]":
    from sqlglot import exp

    if not sync.queue:
        return
    yield "backlog", exp.column(queue_column(place, "backlog"), QUEUES)
    suspects = [exp.column(queue_column(place, one), QUEUES) for one in sync.counted if one.startswith("suspect_")]
    if suspects:
        total: exp.Expr = suspects[0]
        for one in suspects[1:]:
            total = exp.Add(this=total, expression=one)
        yield "suspect_records", total


def _if_needed_rows_are_there(value: "exp.Expr", sync: SyncSettings, measured: str) -> "exp.Expr":
    """The backlog says nothing while a table that it follows from is empty."""
    from sqlglot import exp

    there = [exp.GT(this=exp.column(need, measured), expression=exp.convert(0)) for need in sync.needs]
    return exp.Case().when(exp.and_(*there), value) if there else value
