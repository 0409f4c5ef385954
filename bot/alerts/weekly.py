"""The weekly review as values: what a week was like, from incidents, values, runs and statements; pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from bot.alerts.capacity import Advice, Pace, SyncLoad
from bot.alerts.causes import cause_name, without_counts
from bot.alerts.incident_figures import Figures, WindowFigures
from bot.alerts.model import Action, Incident
from bot.alerts.noise import Noise
from checks.forms import parse_limit
from checks.model import Severity

WEEK = timedelta(days=7)
WEEKS = 4  # over which causes are counted
MOST_CAUSES = 6
NONE = timedelta(0)
SPLIT = ": "  # between the code of a rejection and how many records it had


class Verdict(StrEnum):
    """How a week was."""

    UNKNOWN = "unknown"  # nothing was evaluated, or nothing is checked
    CALM = "calm"  # no incidents
    RESOLVED = "resolved"  # …all over by now
    OPEN = "open"
    CRITICAL = "critical"  # …and one that is open is critical


@dataclass(frozen=True)
class Incidents:
    """How the incidents of a window went. None where no time is known."""

    critical: int
    warnings: int
    to_acknowledge: timedelta | None
    to_recover: timedelta | None

    @property
    def opened(self) -> int:
        """Of any severity."""
        return self.critical + self.warnings


@dataclass(frozen=True)
class Case:
    """One incident of the week."""

    id: int
    title: str
    sync: str | None
    severity: Severity
    opened_at: datetime
    lasted: timedelta
    acked_by: str | None = None


@dataclass(frozen=True)
class CauseCount:
    """How often a cause came up, by week, the latest first."""

    cause: str
    weeks: tuple[int, ...]


@dataclass(frozen=True)
class Metric:
    """One of the pipeline's own percentages over the week."""

    title: str
    first: float
    latest: float
    worst: float
    limit: str


@dataclass(frozen=True)
class Cost:
    """What the bot's statements cost the warehouse; `before`: in the window before, None where that is not whole."""

    statements: int
    woke: int
    awake: timedelta
    before: timedelta | None


@dataclass(frozen=True)
class Review:
    """A week of the pipeline. Empty parts were not there, `unknown` says which could not be found out, and why."""

    since: datetime
    until: datetime
    read_at: datetime | None = None  # where that was after its end: what is open is as of then
    whole: bool = True  # False: the bot is younger, and began at `since`
    evaluated: bool = True  # False: never in this time
    checked: bool = True  # False: pipeline.yml names no check
    not_evaluated: timedelta = NONE  # how much of it
    week: Incidents = field(default_factory=lambda: Incidents(0, 0, None, None))
    before: Incidents | None = None  # the window before; None where the bot was not at work in all of it
    still_open: tuple[Case, ...] = ()  # the longest first
    longest: Case | None = None  # of those that are over
    causes: tuple[CauseCount, ...] = ()
    metrics: tuple[Metric, ...] = ()
    loads: tuple[SyncLoad, ...] = ()
    paces: tuple[Pace, ...] = ()
    advice: tuple[Advice, ...] = ()
    noise: tuple[Noise, ...] = ()
    cost: Cost | None = None
    unknown: tuple[str, ...] = ()
    observes: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the headline says; without an evaluation, or a check, nothing is known, whatever the counts are."""
        if not self.evaluated:
            return Verdict.UNKNOWN
        if any(one.severity is Severity.CRITICAL for one in self.still_open):
            return Verdict.CRITICAL
        if self.still_open:
            return Verdict.OPEN
        if not self.checked:
            return Verdict.UNKNOWN
        return Verdict.RESOLVED if self.week.opened else Verdict.CALM

    @property
    def as_of(self) -> datetime:
        """When what is open was looked up."""
        return self.read_at or self.until

    @property
    def named(self) -> tuple[int, ...]:
        """The incidents that it names, by id."""
        return tuple(one.id for one in (*self.still_open, *([self.longest] if self.longest else [])))


def incidents_of(window: WindowFigures) -> Incidents:
    """The figures that a review shows of a window."""
    by_severity = window.by_severity
    return Incidents(
        critical=by_severity[Severity.CRITICAL],
        warnings=by_severity[Severity.WARN],
        to_acknowledge=window.time_to_acknowledge.value,
        to_recover=window.time_to_recover.value,
    )


def case_of(one: Figures) -> Case:
    """An incident as a review names it."""
    incident = one.incident
    acked_by = incident.acked_by if one.is_open else None
    return Case(incident.id, incident.title, incident.sync, one.severity, one.opened_at, one.lasted, acked_by)


def longest_of(window: WindowFigures) -> Case | None:
    """The incident that took longest of those that recovered in the window."""
    return next((case_of(one) for one in window.slowest(len(window.touched)) if one.recovered_at), None)


def causes_of(incidents: Iterable[Incident], actions: Iterable[Action], until: datetime) -> tuple[CauseCount, ...]:
    """How often each cause came up in the last weeks: of incidents that opened then, and of rejected records of reruns.

    Names that differ only in how many there are are one cause, named by the latest of them. The most frequent of this
    week first, then of the weeks before.
    """
    named_causes = (
        (one.opened_at, name)
        for one in incidents
        if not one.is_test
        for name in dict.fromkeys(cause_name(cause, one.sync) for cause in one.every_cause)
    )
    found = [(at, name) for at, name in named_causes if name]
    found += [(one.ended_at, text.split(SPLIT)[0]) for one in actions if one.ended_at for text in one.rejections]
    named: dict[str, str] = {}
    counts: dict[str, Counter[int]] = {}
    for at, name in sorted(found):
        week = (until - at) // WEEK
        if at > until or week >= WEEKS:
            continue
        key = without_counts(name)
        named[key] = name
        counts.setdefault(key, Counter())[week] += 1
    rows = [CauseCount(named[key], tuple(by_week[n] for n in range(WEEKS))) for key, by_week in counts.items()]
    return tuple(sorted(rows, key=lambda one: ([-n for n in one.weeks], one.cause))[:MOST_CAUSES])


def metric_of(title: str, limit: str, values: Sequence[tuple[datetime, float]]) -> Metric | None:
    """How a percentage went; None where fewer than two values say it."""
    if len(values) < 2:
        return None
    numbers = [value for _, value in values]
    worst = max(numbers, key=parse_limit(limit).beyond)
    return Metric(title, numbers[0], numbers[-1], worst, limit)


def gaps(evaluated: Sequence[datetime], since: datetime, until: datetime, tick: timedelta) -> timedelta:
    """How long nothing was evaluated: the time between two evaluations, where that is longer than three ticks.

    An hour at least, so that a slow evaluation or a restart is none.
    """
    longest = max(tick * 3, timedelta(hours=1))
    times = [since, *(at for at in sorted(evaluated) if since < at <= until), until]
    return sum((later - earlier for earlier, later in pairwise(times) if later - earlier > longest), NONE)
