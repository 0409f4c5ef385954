"""The success metrics of a pipeline over some days, each against its target: pure.

No data is never a pass: what is met as far as it is known, but not known for nearly all of the days, is unknown. What
is missed is missed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from bot.alerts.alert_times import Announced
from bot.alerts.incident_figures import WindowFigures, window_figures
from bot.alerts.model import Incident
from bot.facts import Run
from checks.forms import Limit
from checks.model import Check

DAY = timedelta(days=1)
ENOUGH = 0.95  # of the days that have to be known
Window = tuple[datetime, datetime]


class SuccessStanding(StrEnum):
    """How a metric stands against its target."""

    MISSED = "missed"
    UNKNOWN = "unknown"
    MET = "met"


class Unit(StrEnum):
    """What a value and its target are measured in."""

    PERCENT = "percent"
    MINUTES = "minutes"
    SECONDS = "seconds"
    HOURS = "hours"
    NUMBER = "number"


@dataclass(frozen=True)
class Known:
    """For how many of the days of a window something is known, and why not for all."""

    days: float
    of: int
    why: str = ""

    @property
    def enough(self) -> bool:
        """Whether something that holds for them holds for the window."""
        return not self.why and self.days >= ENOUGH * self.of


@dataclass(frozen=True)
class SuccessMetric:
    """One success metric over the window."""

    key: str
    title: str
    target: Limit  # in its unit
    unit: Unit
    known: Known
    value: float | None
    before: float | None = None  # of the window before, where that is known
    source: str = ""  # what it is counted from, in words
    nothing: str = "no data"  # what stands in place of a value
    standing: SuccessStanding = SuccessStanding.UNKNOWN
    at_least: bool = False  # the value goes on growing with what is not over


@dataclass(frozen=True)
class Evaluated:
    """One evaluation: when, how long it took, and whether the warehouse answered it."""

    at: datetime
    seconds: float  # real ones
    answered: bool


Values = tuple[tuple[datetime, float], ...]  # the oldest first
Measurements = tuple[tuple[str, Values], ...]  # of a check: by the sync, or ""


@dataclass(frozen=True)
class SyncRunsRead:
    """The runs of a sync as Census tells them; `error` says why it does not."""

    name: str
    label: str
    runs: tuple[Run, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of the window that ends `until` and of the one before it."""

    until: datetime
    days: int
    longest_gap: timedelta  # between two evaluations of a bot that is at work
    evaluations: tuple[Evaluated, ...] = ()
    incidents: tuple[Incident, ...] = ()
    announced: tuple[Announced, ...] = ()
    syncs: tuple[SyncRunsRead, ...] = ()
    runs_since: datetime | None = None  # how far back runs were read
    objectives: tuple[tuple[Check, Measurements], ...] = ()  # of the checks that have an `slo`
    presses: tuple[datetime, ...] = ()  # when people acted
    has_warehouse: bool = True

    @property
    def window(self) -> Window:
        """The one that is judged."""
        return self.until - self.days * DAY, self.until

    @property
    def before(self) -> Window:
        """The one before it."""
        return self.window[0] - self.days * DAY, self.window[0]

    def watched(self, window: Window) -> Known:
        """For how much of one of the windows the bot was at work, by its evaluations; a gap between two is nobody's."""
        return self._watched[window]

    def figures(self, window: Window) -> WindowFigures:
        """The incidents of one of the windows."""
        return self._figures[window]

    @cached_property
    def _watched(self) -> Mapping[Window, Known]:
        times = [one.at for one in self.evaluations]
        spans = [(a, b) for a, b in pairwise([*times, self.until]) if b - a <= self.longest_gap]
        return {(since, until): self._at_work(spans, since, until) for since, until in (self.before, self.window)}

    def _at_work(self, spans: Iterable[Window], since: datetime, until: datetime) -> Known:
        inside = (min(b, until) - max(a, since) for a, b in spans if a < until and b > since)
        return Known(sum(inside, timedelta(0)) / DAY, self.days)

    @cached_property
    def _figures(self) -> Mapping[Window, WindowFigures]:
        return {window: window_figures(self.incidents, *window) for window in (self.before, self.window)}


def verdict(found: Iterable[SuccessMetric]) -> SuccessStanding:
    """Of all of them: missed where one is, else unknown where one is, met where all are."""
    standings = {one.standing for one in found}
    return next((one for one in SuccessStanding if one in standings), SuccessStanding.UNKNOWN)
