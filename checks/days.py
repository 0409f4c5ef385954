"""On which days a check is evaluated, as its owner writes it: `mon-fri`, `sat,sun`, `except 12-25, 2026-11-27`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})"
# Weekdays, then what is not about days, then the exceptions; each may be missing.
WRITTEN = re.compile(
    rf"(?P<weekdays>{WEEKDAY}(?:-{WEEKDAY})?(?:, ?{WEEKDAY}(?:-{WEEKDAY})?)*(?= |$))? ?"
    r"(?P<hours>(?!except\b)[^ ].*?)??(?:(?:^| )except (?P<dates>[0-9][0-9, -]*))?",
    re.IGNORECASE,
)
LEAP_YEAR = "2000-"  # so that 02-29 is a date


@dataclass(frozen=True)
class Days:
    """Weekdays (0 is Monday) without some dates, which are written like 2026-12-25, or 12-25 for every year."""

    weekdays: frozenset[int] = frozenset(range(7))
    not_on: frozenset[str] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day.weekday() in self.weekdays and self.not_on.isdisjoint({f"{day:%Y-%m-%d}", f"{day:%m-%d}"})


EVERY_DAY = Days()


def parse_days(text: str) -> tuple[Days, str] | None:
    """The days of `mon-fri 08:00-18:00 except 12-25`, and what else is written; None where neither can be read.

    Raises ValueError for a date that is none.
    """
    found = WRITTEN.fullmatch(text)
    if not text or not found:
        return None
    weekdays = frozenset(_weekdays(found["weekdays"])) if found["weekdays"] else EVERY_DAY.weekdays
    dates = re.split(r", ?", found["dates"]) if found["dates"] else []
    return Days(weekdays, frozenset(map(_date, dates))), found["hours"] or ""


def _weekdays(text: str) -> Iterator[int]:
    """The days of each range, over the turn of the week as well."""
    for part in re.split(r", ?", text.casefold()):
        first, _, last = part.partition("-")
        begin = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last or first) - begin) % 7 + 1
        yield from ((begin + n) % 7 for n in range(length))


def _date(text: str) -> str:
    if re.fullmatch(r"(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}", text):
        try:
            date.fromisoformat(text if len(text) > len("12-25") else LEAP_YEAR + text)
        except ValueError:
            pass
        else:
            return text
    raise ValueError(f'"{text}" is no date: write it like "12-25", for every year, or "2026-12-25"')
