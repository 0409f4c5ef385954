"""The warehouse's answer → the metrics that checks judge, and why some are missing: pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from types import MappingProxyType

from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from checks.model import Reading

LARGEST = 2.0**63  # more is no count of anything
NULLS = frozenset({"", "null", "none", "nil", "n/a", "na", "nan", "undefined"})
Row = Mapping[str, object]


@dataclass(frozen=True)
class Numbers:
    """What one evaluation brought: the warehouse's row, and why something of it is missing."""

    row: Row = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)  # by metric
    statements: int = 1
    reached: bool = True
    starting: bool = False  # nothing was read, because the warehouse is not there yet

    def plus(self, *others: "Numbers") -> "Numbers":
        """All of them."""
        row, errors, statements = dict(self.row), dict(self.errors), self.statements
        for other in others:
            row.update(other.row)
            errors.update(other.errors)
            statements += other.statements
        return Numbers(row, errors, statements)

    def moment(self, metric: str) -> datetime | None:
        """A time, None where there is none."""
        value = self.row.get(metric)
        return value if isinstance(value, datetime) else None

    def value(self, metric: str) -> float | None:
        """A number, None where there is none."""
        return self.reading(metric).value

    def count(self, metric: str) -> int | None:
        """A number of records, None where there is none."""
        value = self.value(metric)
        return int(value) if value is not None and value.is_integer() else None

    def reading(self, metric: str) -> Reading:
        """The number, or why there is none."""
        if metric in self.errors:
            return Reading(error=self.errors[metric])
        value = self.row.get(metric)
        if isinstance(value, Reading):
            return value
        if isinstance(value, int | float) and not (why := _misfit(metric, value)):
            return Reading(float(value))
        return Reading(detail=why if isinstance(value, int | float) else _no_number(value))


def _no_number(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return f"the warehouse returned text{' that spells null' * (value.strip().casefold() in NULLS)} instead of a number"


def _misfit(metric: str, value: float) -> str | None:
    """Why a number cannot be that of a metric: they are counts, percentages, hours to a moment, or somebody's own."""
    if isinstance(value, bool):
        return "the warehouse returned true or false instead of a number"
    if not -LARGEST < value < LARGEST:  # NaN is in no range
        return (
            "the warehouse returned infinity or NaN"
            if not isinstance(value, int) and not math.isfinite(value)
            else "the warehouse returned too large a number"
        )
    if metric.endswith("_percentage"):
        return None if 0 <= value <= 100 else f"{value:,.10g}% is not between 0% and 100%"
    if value < 0 and not metric.startswith("sql/") and not metric.endswith("_at"):
        return f"{value:,.10g} is less than 0"
    return None


def one_row(rows: Sequence[Row], metrics: Sequence[str], settings: Settings) -> Row:
    """The one row of a measurement, or why each of its numbers is none: the table that has no rows, if it says so."""
    if len(rows) != 1:
        return dict.fromkeys(metrics, Reading(detail=_not_one(rows)))
    empty = [_is_empty(count, settings) for count in settings.row_counts if rows[0].get(count) == 0]
    because = Reading(detail=", ".join(empty))
    return {name: because if empty and value is None else value for name, value in rows[0].items()}


def _is_empty(count: str, settings: Settings) -> str:
    return f"table {table_of(count, settings)} is empty"


def table_of(count: str, settings: Settings) -> str:
    """The table whose rows a number counts, by its name here."""
    table = settings.row_counts[count]
    return settings.tables.get(table, table)


def numbers_of_queue(
    sync: SyncSettings, place: int, columns: Row, errors: Mapping[str, str] = MappingProxyType({})
) -> Numbers:
    """What a statement says of the queue of the Nth sync, under the sync's name: `Sync B/backlog`."""
    row: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for what in sync.counted:
        column = f"q{place}_{what}"
        if column in errors:
            wrong[f"{sync.name}/{what}"] = errors[column]
        else:
            row[f"{sync.name}/{what}"] = columns.get(column)
    suspects = [f"{sync.name}/{what}" for what in sync.counted if what.startswith("suspect_")]
    total = f"{sync.name}/suspect_records"
    counts = [row.get(name) for name in suspects]
    if failed := next((wrong[name] for name in suspects if name in wrong), None):
        wrong[total] = failed
    elif suspects:
        row[total] = sum(counts) if all(isinstance(count, int) for count in counts) else None  # type: ignore[arg-type]
    return Numbers(row, wrong, statements=0)


def with_needs(numbers: Numbers, settings: Settings) -> Numbers:
    """The same; the queue of a sync says nothing while a table that it needs is empty, or not known to have rows."""
    row = dict(numbers.row)
    for sync in settings.syncs:
        why = next((reading for need in sync.needs if (reading := _missing(need, numbers, settings))), None)
        if why:
            mine = (f"{sync.name}/{what}" for what in (*sync.counted, "suspect_records"))
            row.update(dict.fromkeys((name for name in mine if name in row), why))
    return replace(numbers, row=row)


def _missing(need: str, numbers: Numbers, settings: Settings) -> Reading | None:
    """Why a number that a sync needs is none, or 0."""
    reading = numbers.reading(need)
    if reading.error is None and reading.value:
        return None
    if reading.error or reading.detail:
        return reading
    if reading.value is None:
        return Reading(detail=f"the warehouse returned no number of rows for table {table_of(need, settings)}")
    return Reading(detail=_is_empty(need, settings))


def only_value(rows: Sequence[Row], now: datetime) -> object:
    """The one number of a statement, or why it is none."""
    if len(rows) != 1:
        return Reading(detail=_not_one(rows))
    ahead = [name for name, value in rows[0].items() if isinstance(value, date) and _moment(value) > now]
    if ahead:
        return Reading(detail=f"{', '.join(ahead)} is in the future")
    return next(iter(rows[0].values()), None)


def _not_one(rows: Sequence[Row]) -> str:
    return f"the statement returned {len(rows) or 'no'} rows instead of one"


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
