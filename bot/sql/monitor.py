"""The view with a row per sync: of the pipeline's own statement where it names the sync, else of a template."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.config.syncs import SyncSettings
from bot.sql.queues import changed_at
from bot.sql.trees import Values, quoted_table, set_values, settings_of
from checks.forms import Limit

if TYPE_CHECKING:
    from sqlglot import exp

MONITOR = "sync_health_monitor"
NAMED = "_sync_name"  # how a setting ends that is the name of the sync with this role


def monitored(
    own: "exp.Expr | None",
    template: "exp.Expr",
    syncs: Sequence[SyncSettings],
    row_counts: Mapping[str, str],
    values: Values,
) -> "exp.Expr":
    """What creates the view. `values` are its settings; those of one sync begin with its name and a slash."""
    from sqlglot import exp

    roles = {e.alias.removesuffix(NAMED) for e in settings_of(own) if e.alias.endswith(NAMED)} if own else set()
    rest = [sync for sync in syncs if not (own and sync.role in roles)]
    created = own or template.copy()
    parts = [own.expression.copy()] if own else []
    for part in parts:
        set_values(part, values)
    parts += [_rows(template.expression.copy(), alike, row_counts) for alike in _compared_alike(rest, values)]
    if len(parts) > 1:
        named = [exp.column(name) for name in template.expression.named_selects]
        rows = [
            exp.select(*(e.copy() for e in named)).from_(exp.Subquery(this=part, alias=exp.to_identifier(f"s{n}")))
            for n, part in enumerate(parts)
        ]
        created.set("expression", exp.union(*rows, distinct=False))
    elif rest:
        created.set("expression", parts[0])
    return created


Alike = Sequence[tuple[SyncSettings, Values]]  # each with its own values


def _compared_alike(syncs: Sequence[SyncSettings], values: Values) -> Iterator[Alike]:
    """The syncs whose limits compare alike, such as all by `>`: a query has one comparison for all its rows."""
    found: dict[object, list[tuple[SyncSettings, Values]]] = {}
    for sync in syncs:
        prefix = f"{sync.name}/"
        own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        compared = frozenset((key, one.comparison) for key, one in own.items() if isinstance(one, Limit))
        every = sync.expect_every.total_seconds() / 3600 if sync.expect_every else None
        mine = {**values, **own, "sync_name": sync.label, "census_sync_id": sync.id, "expect_every": every}
        found.setdefault(compared, []).append((sync, mine))
    yield from found.values()


def _rows(query: "exp.Expr", syncs: Alike, row_counts: Mapping[str, str]) -> "exp.Expr":
    """The template about these syncs: their settings, the tables that must not be empty, and their queues."""
    from sqlglot import exp

    ctes = {cte.alias: cte for cte in query.find_all(exp.CTE)}
    settings, pending = ctes["settings"].copy(), ctes["pending"].this.copy()
    set_values(query, syncs[0][1])
    parts: dict[str, Sequence[exp.Query]] = {
        "settings": [_settings(settings.copy(), values) for _, values in syncs],
        "needed": [exp.select(_id(sync), exp.alias_(_are_there(sync, row_counts), "is_there")) for sync, _ in syncs],
        "pending": [_pending(pending.copy(), sync) for sync, _ in syncs if sync.queue] or [_nothing()],
    }
    for name, rows in parts.items():
        ctes[name].set("this", exp.union(*rows, distinct=False, copy=False) if rows[1:] else rows[0])
    return query


def _settings(cte: "exp.CTE", values: Values) -> "exp.Query":
    set_values(cte, values)
    row: exp.Query = cte.this
    return row


def _pending(row: "exp.Select", sync: SyncSettings) -> "exp.Select":
    from sqlglot import exp

    row.selects[0].replace(_id(sync))
    queue = exp.select(exp.alias_(changed_at(sync), "changed_at")).from_(quoted_table(str(sync.queue)))
    row.args["from_"].this.set("this", queue)
    return row


def _nothing() -> "exp.Select":
    """What is pending where no sync has a queue."""
    from sqlglot import exp

    kinds = {"census_sync_id": "bigint", "records": "bigint", "future": "bigint", "oldest": "timestamp"}
    nulls = (exp.cast(exp.null(), kind, dialect="databricks") for kind in kinds.values())
    return exp.select(*map(exp.alias_, nulls, kinds))


def _id(sync: SyncSettings) -> "exp.Expr":
    from sqlglot import exp

    return exp.alias_(exp.convert(sync.id), "census_sync_id")


def _are_there(sync: SyncSettings, row_counts: Mapping[str, str]) -> "exp.Expr":
    """Whether each table that the sync needs has a row."""
    from sqlglot import exp

    some = [exp.select(exp.Count(this=exp.Star())).from_(quoted_table(row_counts[need])) for need in sync.needs]
    found = [exp.GT(this=exp.Subquery(this=one), expression=exp.convert(0)) for one in some]
    return exp.and_(*found) if found else exp.true()
