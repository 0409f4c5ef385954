"""How a number went over days: values put between local times, one point for each span of a chart, two weeks compared.

Pure. A point is the value nearest to the threshold side of its span, so that a peak stays whatever it is averaged with.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from checks.model import Check

MOST_POINTS = 20  # of a chart in Slack
WEEK = 7
YEAR = timedelta(days=365)  # from here on two days may have one label
COMPARED = 2 * WEEK  # days: the last seven, and the seven before
HOURS = {1: 2, 2: 4, 3: 4}  # of a point, where so few days of 24 hours are shown; longer times have whole local days


class Pick(StrEnum):
    """Which value of a span is its point."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    LAST = "last"


@dataclass(frozen=True)
class Spread:
    """The values between two times, in numbers: what a chart needs of thousands of them."""

    count: int
    lowest: float
    highest: float
    mean: float
    last: float
    first_at: datetime
    last_at: datetime

    def picked(self, pick: Pick) -> float:
        """The one that stands for all."""
        return {Pick.HIGHEST: self.highest, Pick.LOWEST: self.lowest, Pick.LAST: self.last}[pick]


Spreads = Mapping[int, Spread]  # by the edge that they follow; -1: before the first


@dataclass(frozen=True)
class Span:
    """A point's part of the time axis: from the edge `first` to the edge `last`, which is not of it."""

    first: int
    last: int
    label: str


@dataclass(frozen=True)
class Axis:
    """The last `days` days up to now: edges of time (UTC, ascending), and the spans that a chart shows."""

    days: int
    edges: tuple[datetime, ...]
    dates: tuple[date, ...]  # the local day that each edge begins or lies in
    spans: tuple[Span, ...]
    hours: int  # of a span; 0: it has whole days
    step: int  # days of a span

    @property
    def begin(self) -> datetime:
        """When the first span begins."""
        return self.edges[self.spans[0].first]

    @cached_property
    def today(self) -> date:
        """The last day."""
        return self.dates[-2]


@dataclass(frozen=True)
class Point:
    """A span with its value; None: nothing was measured in it."""

    label: str
    value: float | None


@dataclass(frozen=True)
class Weeks:
    """The averages of the last seven days and of the seven before, each day counting alike; None: no value."""

    now: float | None
    before: float | None
    days_before: int  # that have a value, of seven

    @property
    def change(self) -> float | None:
        """By how much it moved; None where that is not known."""
        return None if self.now is None or self.before is None else self.now - self.before


def pick_for(check: Check | None) -> Pick:
    """The value that its thresholds are about: the highest where more is worse, the lowest where less is."""
    limit = check.mildest if check else None
    if limit is None or limit.comparison == "!=":
        return Pick.LAST
    return Pick.HIGHEST if limit.rises else Pick.LOWEST


def axis_of(now: datetime, days: int, zone: ZoneInfo) -> Axis:
    """The time axis of a chart; its edges reach back far enough for two weeks to be compared."""
    today, hours = now.astimezone(zone).date(), HOURS.get(days, 0)
    back = max(days, COMPARED) - 1
    edges: list[tuple[datetime, date]] = []
    for n in range(back, -1, -1):
        day = today - timedelta(days=n)
        begins = range(0, 24, hours) if hours and n <= days else (0,)
        edges += [(_moment(day, hour, zone), day) for hour in begins]
    times = [at for at, _ in edges if at <= now]
    dates = [day for _, day in edges[: len(times)]]
    step = -(-days // MOST_POINTS)
    begin = now - timedelta(days=days) if hours else _moment(today - timedelta(days=days - 1), 0, zone)
    first = next(n for n, at in enumerate(times) if at >= begin)
    size = 1 if hours else step
    # the last span ends today, so the first may be the short one
    starts = [*range(len(times) - size, first, -size), first][::-1]
    ends = [*starts[1:], len(times)]
    clock = zone if hours else None
    spans = tuple(Span(a, b, _label(times, dates, a, b, clock)) for a, b in zip(starts, ends, strict=True))
    end = now + timedelta(microseconds=1)
    return Axis(days, (*times, end), (*dates, today), spans, hours, step)


def spread_out(values: Iterable[tuple[datetime, float]], edges: Sequence[datetime]) -> dict[int, Spread]:
    """The values by the edge that they follow; what is at the last edge or later is left out."""
    found: dict[int, list[tuple[datetime, float]]] = defaultdict(list)
    at = -1
    for moment, value in sorted(values):
        while at + 1 < len(edges) and edges[at + 1] <= moment:
            at += 1
        if at == len(edges) - 1:
            break
        found[at].append((moment, value))
    return {n: _spread(some) for n, some in found.items()}


def points_of(spreads: Spreads, axis: Axis, pick: Pick) -> tuple[Point, ...]:
    """One for each span, from the first that has a value: before it nothing was measured, which is no gap.

    Nor is the last span, which is not over, while it has none.
    """
    points = [Point(span.label, _value(_within(spreads, span.first, span.last), pick)) for span in axis.spans]
    known = [n for n, point in enumerate(points) if point.value is not None]
    end = len(points) - (points[-1].value is None)
    return tuple(points[known[0] : end]) if known else ()


def weeks_of(spreads: Spreads, axis: Axis) -> Weeks:
    """The last seven days next to the seven before."""
    ends = axis.today - timedelta(days=WEEK)
    means = {day: mean for day, mean in _daily_means(spreads, axis).items() if day > ends - timedelta(days=WEEK)}
    now, before = ([mean for day, mean in means.items() if (day > ends) is late] for late in (True, False))
    return Weeks(_mean(now), _mean(before), len(before))


def grouped(count: int, most: int = MOST_POINTS) -> list[range]:
    """So many places in order as at most so many groups of those next to each other; the last group is a whole one."""
    size = max(1, -(-count // most))
    begin = count % size or size
    return [range(begin), *(range(n, n + size) for n in range(begin, count, size))] if count else []


def one_of(values: Iterable[float | None], pick: Pick | None) -> float | None:
    """Which of these stands for them; `pick` None: their sum. None where there is no value."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if pick is None:
        return sum(known)
    return {Pick.HIGHEST: max(known), Pick.LOWEST: min(known), Pick.LAST: known[-1]}[pick]


def _moment(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _label(times: Sequence[datetime], dates: Sequence[date], first: int, last: int, zone: ZoneInfo | None) -> str:
    """`Nov 28 14:00` of hours, `Nov 28` of a day, `Oct 30–Nov 1` of several."""
    if zone:
        return f"{day_label(dates[first])} {times[first].astimezone(zone):%H:%M}"
    return days_label(dates[first], dates[last - 1])


def day_label(day: date) -> str:
    """`Nov 8`."""
    return f"{day:%b} {day.day}"


def days_label(first: date, last: date, *, year: bool = False) -> str:
    """`Nov 1–3`, `Oct 30–Nov 1`, and one alone; with the year of the last day, and of the first where that is far."""
    end = f", {last.year}" if year else ""
    if first == last:
        return f"{day_label(first)}{end}"
    begin = f"{day_label(first)}, {first.year}" if year and last - first >= YEAR else day_label(first)
    same = (first.year, first.month) == (last.year, last.month)
    return f"{begin}–{last.day if same else day_label(last)}{end}"


def _spread(values: Sequence[tuple[datetime, float]]) -> Spread:
    numbers = [value for _, value in values]
    mean = sum(numbers) / len(numbers)
    return Spread(len(numbers), min(numbers), max(numbers), mean, numbers[-1], values[0][0], values[-1][0])


def _within(spreads: Spreads, first: int, last: int) -> list[Spread]:
    return [spreads[n] for n in range(first, last) if n in spreads]


def _value(some: Sequence[Spread], pick: Pick) -> float | None:
    return one_of([one.picked(pick) for one in some], pick)


def _daily_means(spreads: Spreads, axis: Axis) -> dict[date, float]:
    """The mean of all values of each day that has some."""
    known = [(axis.dates[n], spread) for n, spread in sorted(spreads.items()) if n >= 0]
    found = {}
    for day, those in groupby(known, key=lambda one: one[0]):
        some = [spread for _, spread in those]
        found[day] = sum(one.mean * one.count for one in some) / sum(one.count for one in some)
    return found


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
