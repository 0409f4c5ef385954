"""One form for the values of every warehouse, and how much of an answer is read."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from bot.errors import TooManyRowsError

MOST_ROWS = 10_000  # of an answer: ten years of snapshots; everything else is a few dozen
LONGEST = 2**16  # characters of a value: the text of a view is the longest

Rows = list[dict[str, object]]


def plain(value: object) -> object:
    """Aware UTC times, where a time without a zone is UTC already; floats for decimals; no endless text."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, str | bytes):
        return value[:LONGEST]
    return float(value) if isinstance(value, Decimal) else value


def first_line(error: BaseException) -> str:
    """The first line of what an error says; of one without a text its kind."""
    try:
        said = str(error)
    except TypeError:  # the connector's errors may hold no text, and fail to say so
        said = ""
    return next(iter(said.splitlines()), type(error).__name__)


def plain_rows(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Rows:
    """Rows by column. Raises TooManyRowsError where there are more than MOST_ROWS; fetch one more than these."""
    found = [dict(zip(columns, map(plain, row), strict=True)) for row in rows]
    if len(found) > MOST_ROWS:
        raise TooManyRowsError(f"{name} returns more than {MOST_ROWS:,} rows, the most that are read")
    return found
