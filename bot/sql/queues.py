"""The queues of the syncs as questions: composed as parsed trees, from what pipeline.yml says of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.config.syncs import MOST_KEYS, SyncSettings
from bot.sql.conditions import parse_condition
from bot.sql.trees import quoted_table

if TYPE_CHECKING:
    from sqlglot import exp

QUEUES = "queues"  # the question that counts all
QUEUE = "measure/queue"  # the template that describes one
STILL_PENDING = "measure/still_pending"  # the template that looks for identifiers in one
TOGETHER = 10  # queues of a UNION ALL: each branch is planned with the columns of all of them


def queue_column(place: int, what: str) -> str:
    """What a number of the Nth sync's queue is called in the statement: `q0_backlog`, `q0_oldest`, `q0_suspect_0`."""
    return f"q{place}_{what}"


def counted(syncs: Sequence[SyncSettings]) -> "exp.Select":
    """One row with the numbers of all queues; some at a time, so that its plan grows with them and no faster."""
    from sqlglot import exp

    asked = [(place, sync) for place, sync in enumerate(syncs) if sync.queue]
    groups = [_counted_together(asked[n : n + TOGETHER]) for n in range(0, len(asked), TOGETHER)]
    if len(groups) == 1:
        return groups[0]
    parts = [group.subquery(f"g{n}", copy=False) for n, group in enumerate(groups)]
    values = [exp.column(name, f"g{n}") for n, group in enumerate(groups) for name in group.named_selects]
    joins = [exp.Join(this=part, kind="CROSS") for part in parts[1:]]
    return exp.Select(expressions=values, from_=exp.From(this=parts[0]), joins=joins)


def _counted_together(asked: "Sequence[tuple[int, SyncSettings]]") -> "exp.Select":
    """One row with the numbers of these queues, by a UNION ALL."""
    from sqlglot import exp

    every = list(dict.fromkeys(what for _, sync in asked for what in sync.counted))
    parts = [_counted_row(place, sync, every) for place, sync in asked]
    rows = exp.union(*parts, distinct=False, copy=False) if len(parts) > 1 else parts[0]
    values = [
        exp.alias_(
            exp.Max(this=exp.Case().when(exp.column("place").eq(place), exp.column(what))),
            queue_column(place, what),
        )
        for place, sync in asked
        for what in sync.counted
    ]
    return exp.select(*values).from_(exp.Subquery(this=rows, alias=exp.to_identifier("q")))


def counted_alone(syncs: Sequence[SyncSettings], place: int) -> "exp.Select":
    """One row with the numbers of one queue."""
    from sqlglot import exp

    values = [exp.alias_(_number(syncs[place], what), queue_column(place, what)) for what in syncs[place].counted]
    return exp.select(*values).from_(quoted_table(str(syncs[place].queue)))


def described(template: "exp.Expr", sync: SyncSettings) -> "exp.Expr":
    """The statement of sql/measure/queue.sql about the queue of this sync."""
    from sqlglot import exp

    ctes = {cte.alias: cte.this for cte in template.find_all(exp.CTE)}
    ctes["pending"].set("expressions", _pending(sync))
    ctes["pending"].find(exp.Table).replace(quoted_table(str(sync.queue)))
    ctes["grouped"].replace(_grouped(ctes["grouped"], sync))
    return template


def looked_through(template: "exp.Expr", sync: SyncSettings) -> "exp.Expr":
    """The statement of sql/measure/still_pending.sql about the queue of this sync, which says its `identifier`."""
    from sqlglot import exp

    pending = next(cte.this for cte in template.find_all(exp.CTE) if cte.alias == "pending")
    identifier = exp.cast(column_called(str(sync.identified_by)), "string")
    pending.set("expressions", [exp.alias_(identifier, "identifier")])
    pending.find(exp.Table).replace(quoted_table(str(sync.queue)))
    return template


def _counted_row(place: int, sync: SyncSettings, every: Sequence[str]) -> "exp.Select":
    from sqlglot import exp

    mine = sync.counted
    kinds = {"oldest": "timestamp"}
    values = [
        _number(sync, what) if what in mine else exp.cast(exp.null(), kinds.get(what, "bigint")) for what in every
    ]
    named = [exp.alias_(value, what) for value, what in zip(values, every, strict=True)]
    return exp.select(exp.alias_(exp.convert(place), "place"), *named).from_(quoted_table(str(sync.queue)))


def _number(sync: SyncSettings, what: str) -> "exp.Expr":
    from sqlglot import exp

    if what == "backlog":
        return exp.Count(this=exp.Star())
    if what == "oldest":
        return exp.Min(this=changed_at(sync))
    n = int(what.removeprefix("suspect_"))
    return exp.Count(this=exp.Case().when(_suspect(sync, n), exp.convert(1)))


def _suspect(sync: SyncSettings, n: int) -> "exp.Expr":
    """The Nth condition, where none before it holds: a record is counted once."""
    from sqlglot import exp

    before = (exp.paren(parse_condition(one.when)) for one in sync.suspect[:n])
    first = (exp.Coalesce(this=one, expressions=[exp.false()]) for one in before)
    mine = exp.paren(parse_condition(sync.suspect[n].when))
    return exp.and_(mine, *(exp.not_(one) for one in first))


def _pending(sync: SyncSettings) -> "list[exp.Expr]":
    """What the template reads of a pending record: keys, moment, groups, and which condition makes it suspect."""
    from sqlglot import exp

    keys: list[exp.Expr] = [exp.cast(column_called(name), "string") for name in sync.key]
    keys += [exp.cast(exp.null(), "string")] * (MOST_KEYS - len(keys))
    case = exp.Case()
    for n, one in enumerate(sync.suspect):
        case = case.when(parse_condition(one.when), exp.convert(n))
    return [
        *(exp.alias_(key, f"key_{n}") for n, key in enumerate(keys)),
        exp.alias_(changed_at(sync), "changed_at"),
        *(exp.alias_(exp.cast(column_called(name), "string"), f"group_{n}") for n, name in enumerate(sync.group_by)),
        exp.alias_(case if sync.suspect else exp.cast(exp.null(), "int"), "suspect"),
    ]


def _grouped(template: "exp.Expr", sync: SyncSettings) -> "exp.Expr":
    """The total, and a branch like the template's last one for each group."""
    from sqlglot import exp

    branches = [one for one in template.find_all(exp.Select) if one.parent_select is template.parent_select]
    total = next(one for one in branches if not one.args.get("group"))
    pattern = next(one for one in branches if one.args.get("group"))
    parts = [total.copy()]
    for n, name in enumerate(sync.group_by):
        part = pattern.copy()
        next(e for e in part.selects if e.alias == "part").set("this", exp.convert(name))
        for column in list(part.find_all(exp.Column)):
            if column.name.startswith("group_"):
                column.replace(exp.column(f"group_{n}"))
        parts.append(part)
    return exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]


def changed_at(sync: SyncSettings) -> "exp.Expr":
    """Since when a record of its queue is pending, also where the column holds days; NULL where there is no such."""
    from sqlglot import exp

    named = column_called(sync.changed_at) if sync.changed_at else exp.null()
    return exp.cast(named, "timestamp", dialect="databricks")


def column_called(name: str) -> "exp.Expr":
    """A column as pipeline.yml names it, quoted."""
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True))
