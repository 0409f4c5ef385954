"""What a chart's values stand at: times in their order, with the year where they span one, and names as they come."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from bot.alerts.history import YEAR, days_label
from bot.charts import TIMES
from bot.messages.native import NOTHING
from bot.sanitize import sanitize

DAY = timedelta(days=1)
NAME = 60  # characters of a name
ISO = re.compile(r"\d{4}-\d\d")  # how a text begins that is in order as a time is
Place = date | str | int | float | None  # a time, a name, a number, or NULL


def place_of(value: object, *, timely: bool) -> Place:
    """What tells it from others; on an axis of time the text of a day, `2026-11-28` or `2026-11`, is that day."""
    if value is None or isinstance(value, date | int | float):
        return value
    text = str(value)
    if timely and len(text) in (7, 10) and ISO.match(text):
        try:
            return date.fromisoformat(f"{text}-01"[:10])
        except ValueError:
            return text
    return text


def name_of(place: Place) -> str:
    """As a person reads it; NULL has no name."""
    return NOTHING if place is None else sanitize(str(place), NAME)


def is_timely(unit: str, values: Iterable[object]) -> bool:
    """Whether a column is an axis of time: by its name, or by what is in it."""
    return unit in TIMES or {isinstance(one, date) for one in values if one is not None} == {True}


@dataclass(frozen=True)
class Places:
    """Those of a chart, in the order in which they are drawn."""

    all: Sequence[Place]
    zone: ZoneInfo
    unit: str  # the column

    @classmethod
    def of(cls, found: Sequence[Place], zone: ZoneInfo, unit: str) -> "Places":
        """Times ascend, whatever order a statement has; numbers of hours or weeks may begin anywhere, as names do."""
        timely = all(isinstance(one, date) or (isinstance(one, str) and ISO.match(one)) for one in found)
        try:
            return cls(sorted(found) if timely else found, zone, unit)  # type: ignore[type-var]
        except TypeError:  # days beside times of a day
            return cls(found, zone, unit)

    @property
    def are_times(self) -> bool:
        """Whether those next to each other belong together, and the last is the newest."""
        return is_timely(self.unit, self.all)

    def label(self, first: int, last: int) -> str:
        """`Nov 28`, `Nov 1–3`, `Nov 28 22:00–23:00`, `Dec 2024`; of names the first and the last."""
        begin, end = self.all[first], self.all[last]
        if isinstance(begin, datetime) and isinstance(end, datetime):
            return self._times(begin, end)
        if isinstance(begin, datetime) or not isinstance(begin, date) or not isinstance(end, date):
            return name_of(begin) if first == last else f"{name_of(begin)}–{name_of(end)}"
        if self._are_months:
            first_year = f" {begin.year}" * (begin.year < end.year)
            return f"{begin:%b}{first_year}–{end:%b} {end.year}" if end > begin else f"{begin:%b} {begin.year}"
        return days_label(begin, end, year=self._has_years)

    def _times(self, begin: datetime, end: datetime) -> str:
        here, there = _local(begin, self.zone), _local(end, self.zone)
        if end - begin >= DAY:
            return days_label(here.date(), there.date(), year=self._has_years)
        clock = f"{days_label(here.date(), here.date(), year=self._has_years)} {_clock(here)}"
        return f"{clock}–{_clock(there)}" if end > begin else clock

    @cached_property
    def _are_months(self) -> bool:
        return self.unit == "month" and all(isinstance(one, date) and one.day == 1 for one in self.all)

    @cached_property
    def _has_years(self) -> bool:
        """Whether a day may stand for two without its year."""
        days = [one.date() if isinstance(one, datetime) else one for one in self.all if isinstance(one, date)]
        return bool(days) and max(days) - min(days) >= YEAR


def _clock(at: datetime) -> str:
    """`14:00`; of an hour that a day has twice also which: `01:00 PDT`."""
    twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
    return f"{at:%H:%M %Z}" if twice else f"{at:%H:%M}"


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    try:
        return at.astimezone(zone)
    except OverflowError:  # the first and the last day that there are
        return at
