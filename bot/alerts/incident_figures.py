"""How incidents went, in numbers: time to acknowledge, time to recover, counts and minutes; pure, from their timelines.

Every figure is as of a moment, `until`: what stands in a timeline later is left out, so that the figures of an earlier
window are the same whenever they are asked for. An event belongs to a window where `since < its time <= until`. All
times are UTC, so that a day on which clocks change has as many minutes as it had.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from bot.alerts.attention import TAKEN
from bot.alerts.model import ENDS, OPENING, Did, Entry, Incident
from checks.model import Severity

RECOVERIES = frozenset({Did.RESOLVED, Did.RESOLVED_BY_HAND})
ONLY_CRITICAL = frozenset({Did.ESCALATED, Did.RETURNED, Did.EASED, Did.CALLED})  # in no timeline of a mere warning
NONE = timedelta(0)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Figures:
    """How one incident went up to a moment."""

    incident: Incident
    until: datetime
    severity: Severity  # the worst that its timeline tells of
    opened_at: datetime
    acknowledged: Entry | None  # the first time
    ended: Entry | None  # the line that says how it ended; None while it is open
    spans: tuple[Span, ...]  # when it was open, oldest first; the last one ends at `until` while it is
    reopened: int  # how often

    @property
    def is_open(self) -> bool:
        """Whether it had not ended by then."""
        return self.ended is None

    @property
    def was_escalated(self) -> bool:
        """Whether its owner had been mentioned for it by then."""
        return any(entry.did is Did.CALLED and entry.at <= self.until for entry in self.incident.timeline)

    @property
    def recovered_at(self) -> datetime | None:
        """When it was resolved; None while it is open, and where it was closed because nothing evaluates it."""
        return self.ended.at if self.ended and self.ended.did in RECOVERIES else None

    @property
    def acknowledged_at(self) -> datetime | None:
        """When a person who had to find it first acknowledged it."""
        return self.acknowledged.at if self.acknowledged and self.acknowledged.at > self.opened_at else None

    @property
    def time_to_acknowledge(self) -> timedelta | None:
        """From its opening to the first acknowledgment, whatever became of that one; None without any.

        An incident that was acknowledged as it opened, because somebody had paused the sync here, has none either: no
        one had to find it. A snooze, a rerun or resolving by hand acknowledges nothing.
        """
        return self._after(self.acknowledged_at)

    @property
    def time_to_recover(self) -> timedelta | None:
        """From its opening to its latest recovery, as its root says it; None without one.

        The minutes for which it has to stay clear are part of it. A reopened incident is the same incident: its clock
        goes on over the time in between. Resolved by hand is recovered, until an evaluation finds it still breached,
        after which it never was. While something else explains it or its value is unknown the clock goes on: nobody
        knows that it recovered. One that is open, or was closed with its check, sync or pipeline, never recovered.
        """
        return self._after(self.recovered_at)

    @property
    def lasted(self) -> timedelta:
        """From its opening to its end, or to `until` while it is open."""
        return self.spans[-1][1] - self.opened_at

    def open_between(self, since: datetime, until: datetime) -> timedelta:
        """How long it was open within a window; the time between a recovery and a reopening is not."""
        return sum((_within(span, since, until) for span in self.spans), NONE)

    def _after(self, at: datetime | None) -> timedelta | None:
        return None if at is None else max(at - self.opened_at, NONE)


@dataclass(frozen=True)
class Mean:
    """A mean and of how many; None of 0."""

    value: timedelta | None
    of: int


@dataclass(frozen=True)
class WindowFigures:
    """How the incidents of a window went; each incident once, those of a shared thread each by itself."""

    since: datetime
    until: datetime
    touched: tuple[Figures, ...]  # that were open at some time in it, oldest first

    @property
    def opened(self) -> tuple[Figures, ...]:
        """Those that opened in it."""
        return tuple(one for one in self.touched if self._holds(one.opened_at))

    @property
    def recovered(self) -> tuple[Figures, ...]:
        """Those that recovered in it and were not reopened since, whenever they opened."""
        return tuple(one for one in self.touched if self._holds(one.recovered_at))

    @property
    def acknowledged(self) -> tuple[Figures, ...]:
        """Those that were first acknowledged in it, whenever they opened."""
        return tuple(one for one in self.touched if self._holds(one.acknowledged_at))

    @property
    def closed(self) -> tuple[Figures, ...]:
        """Those that ended in it because nothing evaluates them any more."""
        return tuple(one for one in self.touched if one.ended and one.ended.did is Did.CLOSED)

    @property
    def still_open(self) -> tuple[Figures, ...]:
        """Those that were open at its end, the longest first."""
        return tuple(sorted((one for one in self.touched if one.is_open), key=lambda one: one.opened_at))

    @property
    def time_to_acknowledge(self) -> Mean:
        """MTTA, wherever it is shown: of those that were first acknowledged in it, of any severity."""
        return mean([one.time_to_acknowledge for one in self.acknowledged])

    @property
    def time_to_recover(self) -> Mean:
        """MTTR, wherever it is shown: of those that recovered in it, of any severity.

        Those that are still open are not in it: show `still_open` next to it.
        """
        return mean([one.time_to_recover for one in self.recovered])

    @property
    def by_severity(self) -> Counter[Severity]:
        """How many opened in it, by their worst severity."""
        return Counter(one.severity for one in self.opened)

    @property
    def time_with_any(self) -> timedelta:
        """How long at least one was open within it."""
        total, end = NONE, self.since
        for begin, until in sorted(chain.from_iterable(one.spans for one in self.touched)):
            total += _within((max(begin, end), until), self.since, self.until)
            end = max(end, until)
        return total

    def slowest(self, most: int) -> tuple[Figures, ...]:
        """The worst cases: those that lasted longest, with the time so far of what is open; closed ones left out."""
        cases = [one for one in self.touched if one.ended is None or one.ended.did in RECOVERIES]
        return tuple(sorted(cases, key=lambda one: (-one.lasted, one.incident.id))[:most])

    def _holds(self, at: datetime | None) -> bool:
        return at is not None and self.since < at <= self.until


def window_figures(incidents: Iterable[Incident], since: datetime, until: datetime) -> WindowFigures:
    """The figures of a window from incidents of any time, such as `Records.incidents_since(since)`; tests excepted."""
    known = (figures_of(one, until) for one in incidents if not one.is_test)
    touched = [one for one in known if one and (one.is_open or one.spans[-1][1] > since)]
    return WindowFigures(since, until, tuple(sorted(touched, key=lambda one: (one.opened_at, one.incident.id))))


def figures_of(incident: Incident, until: datetime) -> Figures | None:
    """How an incident went up to a moment; None where it opened later."""
    if incident.opened_at > until:
        return None
    told = [entry for entry in incident.timeline if entry.at <= until]
    spans, ended = _spans(incident, told, until)
    return Figures(
        incident=incident,
        until=until,
        severity=_worst_severity(incident, until),
        opened_at=incident.opened_at,
        acknowledged=next((entry for entry in told if entry.did in TAKEN), None),
        ended=ended,
        spans=spans,
        reopened=sum(1 for entry in told if entry.did in (Did.REOPENED, Did.STILL_FIRING)),
    )


def mean(times: Sequence[timedelta | None]) -> Mean:
    """Of those that are known."""
    known = [one for one in times if one is not None]
    return Mean(sum(known, NONE) / len(known) if known else None, len(known))


def _spans(incident: Incident, told: Sequence[Entry], until: datetime) -> tuple[tuple[Span, ...], Entry | None]:
    """When it was open, and how it ended; an end that an evaluation disproved was none."""
    spans: list[Span] = []
    begin: datetime | None = incident.opened_at
    ended: Entry | None = None
    for entry in told:
        if entry.did in ENDS and begin is not None:
            spans.append((begin, max(begin, entry.at)))
            begin, ended = None, entry
        elif entry.did in OPENING and begin is None:
            begin = spans.pop()[0] if entry.did is Did.STILL_FIRING else entry.at
            ended = None
    if begin is not None and incident.resolved_at and incident.resolved_at <= until and not _ends(incident):
        ended = Entry(incident.resolved_at, Did.RESOLVED)  # an earlier version wrote no line of it
    if begin is not None:
        spans.append((begin, max(begin, ended.at if ended else until)))
    return tuple(spans), ended


def _ends(incident: Incident) -> bool:
    return any(entry.did in ENDS for entry in incident.timeline)


def _worst_severity(incident: Incident, until: datetime) -> Severity:
    """Whether it was critical by then: as it stands now, without what changed since."""
    changes = [entry for entry in incident.timeline if entry.did in ONLY_CRITICAL]
    if any(entry.at <= until for entry in changes):
        return Severity.CRITICAL
    if not changes:
        return incident.severity
    worsened = changes[0].did in (Did.ESCALATED, Did.RETURNED)  # later: before that it was a warning
    return Severity.WARN if worsened else Severity.CRITICAL


def _within(span: Span, since: datetime, until: datetime) -> timedelta:
    """How much of a span lies in a window."""
    return max(min(span[1], until) - max(span[0], since), NONE)
