"""Numbers as people write them, and never rounded onto a threshold that they stand next to."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

MOST_DECIMALS = 15


def in_figures(value: float, beside: Iterable[float] = (), *, decimals: int = 2) -> str:
    """`18,722`, `1.61`; as many decimals as it takes to tell it from the numbers `beside` it."""
    return f"{round(value, _decimals(value, beside, decimals)):,.15g}"


def in_percent(value: float, beside: Iterable[float] = ()) -> str:
    """`96.0%`, and 94.998 beside 95 is `94.998%`; never rounded to nothing or to all of it: `99.97%`."""
    return f"{value:,.{_decimals(value, [*beside, 0, 100], 1)}f}%"


def duration(span: timedelta) -> str:
    """`26 min`, `1 h 5 min`, `2 d 3 h`."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def count_of(count: int, one: str, many: str = "") -> str:
    """`1 record`, `20,274 records`; `many` where the plural is not made with s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(names: Sequence[str], most: int, of: int | None = None) -> str:
    """`Mon, Tue and 2 more`: the first so many names, and how many others there are `of` all."""
    more = (of or len(names)) - len(names[:most])
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def ordinal(count: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`, `22nd`."""
    teens = count % 100 in (11, 12, 13)
    return f"{count}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"


def pending(count: int, one: str, many: str) -> str:
    """`412 pending contacts`, as the pipeline calls its records."""
    return count_of(count, f"pending {one}", f"pending {many}")


def possessive(name: str) -> str:
    """`Sync B's`, `Contacts'`."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _decimals(value: float, beside: Iterable[float], least: int) -> int:
    """The fewest, from `least` on, with which the value reads as another number than its neighbors."""
    others = [number for number in beside if number != value]
    enough = (n for n in range(least, MOST_DECIMALS) if round(value, n) not in others)
    return next(enough, MOST_DECIMALS)
