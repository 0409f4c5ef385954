"""The warehouse's answer → the metrics that checks judge, and why some are missing: pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from checks.model import Reading

LARGEST = 2.0**63  # more is no count of anything
NULLS = frozenset({"", "null", "none", "nil", "n/a", "na", "nan", "undefined"})
COUNTED = {  # how many rows a table has, as the health statement calls it
    "salesforce_rows": "hive_metastore.salesforce.product_property",
    "enriched_rows": "crm.sfdc_dbx.rds_properties_enriched",
}
Row = Mapping[str, object]


@dataclass(frozen=True)
class Numbers:
    """What one evaluation brought: the warehouse's row, and why something of it is missing."""

    row: Row = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)  # by metric
    statements: int = 1
    reached: bool = True
    starting: bool = False  # nothing was read, because the warehouse is not there yet

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


def one_row(rows: Sequence[Row], metrics: Sequence[str], tables: Mapping[str, str]) -> Row:
    """The one row of a measurement, or why each of its numbers is none: the table that has no rows, where it says so.

    `tables` are those that have another name here.
    """
    if len(rows) != 1:
        return dict.fromkeys(metrics, Reading(detail=_not_one(rows)))
    empty = [
        f"table {tables.get(table, table)} is empty" for count, table in COUNTED.items() if rows[0].get(count) == 0
    ]
    because = Reading(detail=", ".join(empty))
    return {name: because if empty and value is None else value for name, value in rows[0].items()}


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
