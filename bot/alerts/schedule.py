"""When Census runs a sync next: its schedule as a cron expression, and that read in UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# minute, hour, day of the month, month, day of the week: the lowest, the highest, names from the lowest on
FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, MONTHS), (0, 7, WEEKDAYS))
FARTHEST = 366 * 9  # days: 29 February can be eight years away, and must fall on a weekday


def cron_of(frequency: str, *, day: str | None, hour: int | None, minute: int | None, cron: str | None) -> str | None:
    """A Census schedule as cron in UTC; None where Census does not say enough: nothing is guessed."""
    match frequency:
        case "quarter_hourly":
            return f"{(minute or 0) % 15}-59/15 * * * *"
        case "hourly" if minute is not None:
            return f"{minute} * * * *"
        case "daily" if hour is not None and minute is not None:
            return f"{minute} {hour} * * *"
        case "weekly" if hour is not None and minute is not None and (day or "").casefold()[:3] in WEEKDAYS:
            return f"{minute} {hour} * * {(day or '')[:3]}"
        case "expression":
            return cron
    return None


def next_time(cron: str, after: datetime) -> datetime | None:
    """The first minute after `after` (aware) that a cron expression of 5 fields names in UTC; None where none is.

    Raises ValueError with the part that cannot be read.
    """
    words = cron.split()
    if len(words) != len(FIELDS):
        raise ValueError(f"{cron!r} has not 5 fields")
    minutes, hours, days, months, weekdays = (_read(word, *field) for word, field in zip(words, FIELDS, strict=True))
    weekdays = {day % 7 for day in weekdays}
    either = not words[2].startswith("*") and not words[4].startswith("*")  # both named: one of the two is enough
    first = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    for ahead in range(FARTHEST):
        date = first.date() + timedelta(days=ahead)
        fits = (date.day in days, date.isoweekday() % 7 in weekdays)
        if date.month not in months or not (any(fits) if either else all(fits)):
            continue
        moments = (time(hour, minute, tzinfo=UTC) for hour in sorted(hours) for minute in sorted(minutes))
        found = next((at for at in moments if ahead or at >= first.timetz()), None)
        if found:
            return datetime.combine(date, found)
    return None


def _read(word: str, low: int, high: int, names: Sequence[str]) -> set[int]:
    """`*/15`, `1-5`, `mon,thu`, `5-30/5` → the numbers that it names."""
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        first = low if span == "*" else _number(begin, low, high, names)
        last = _number(end, low, high, names) if dash else high if slash or span == "*" else first
        every = _number(step, 1, 99, ()) if slash else 1
        if first > last:
            raise ValueError(f"{part!r} ends before it begins")
        found |= set(range(first, last + 1, every))
    return found


def _number(word: str, low: int, high: int, names: Sequence[str]) -> int:
    if word.casefold() in names:
        return names.index(word.casefold()) + low
    if not (word.isascii() and word.isdecimal() and len(word) < 4 and low <= int(word) <= high):
        raise ValueError(f"{word!r} is not between {low} and {high}")
    return int(word)
