"""What the warehouse answered → the numbers that checks judge, and why some of them are missing: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from checks.model import Reading

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

    def value(self, metric: str) -> float | None:
        """A number, None where there is none."""
        return self.reading(metric).value

    def count(self, metric: str) -> int | None:
        """A number of records, None where there is none."""
        value = self.row.get(metric)
        return value if isinstance(value, int) else None

    def reading(self, metric: str) -> Reading:
        """The number, or why there is none."""
        if metric in self.errors:
            return Reading(error=self.errors[metric])
        value = self.row.get(metric)
        if isinstance(value, Reading):
            return value
        if isinstance(value, str):
            what = "a text that spells null" if value.strip().casefold() in NULLS else "a text"
            return Reading(detail=f"{what} instead of a number")
        if not isinstance(value, int | float):
            return Reading()
        if metric.endswith("_percentage") and not 0 <= value <= 100:
            return Reading(detail=f"{value:,.10g}% is not between 0% and 100%")
        return Reading(float(value))


def only_value(rows: Sequence[Row], now: datetime) -> object:
    """The one number of a statement, or why it is none."""
    if len(rows) != 1:
        return Reading(detail=f"its statement returned {len(rows) or 'no'} row{'s' * (len(rows) != 1)} instead of one")
    ahead = [name for name, value in rows[0].items() if isinstance(value, date) and _moment(value) > now]
    if ahead:
        return Reading(detail=f"{', '.join(ahead)} is in the future")
    return next(iter(rows[0].values()), None)


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
