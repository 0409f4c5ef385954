"""One form for the values of every warehouse."""

from datetime import UTC, datetime
from decimal import Decimal


def plain(value: object) -> object:
    """Aware UTC times, where a time without a zone is UTC already; floats for decimals."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return float(value) if isinstance(value, Decimal) else value
