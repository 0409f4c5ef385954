"""Each success metric: its target, its value, and what it is counted from; pure.

How each is defined stands in docs/OPERATIONS_RUNBOOK.md, "Go/no-go of the seven-day validation".
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

from bot.alerts.alert_times import Announced
from bot.alerts.attention import ESCALATE_EVERY
from bot.alerts.incident_figures import Mean
from bot.alerts.success import (
    DAY,
    Evidence,
    Known,
    Measurements,
    SuccessMetric,
    SuccessStanding,
    SyncRunsRead,
    Unit,
    Values,
    Window,
)
from bot.facts import RunStatus
from checks.forms import Limit
from checks.model import Check, Severity
from checks.numbers import count_of, duration, in_figures, in_percent
from checks.plausible import PROMISED, unit_of

MINUTE = timedelta(minutes=1)
NO_TIME = timedelta(0)
PRESS = timedelta(minutes=1)  # that an action of a person is taken to cost, with what they read before
SYNC_SUCCESS, RECOVERY, QUERY, OPERATIONS = Limit(">", 95, "%"), Limit("<", 120), Limit("<", 5), Limit("<", 5)
ALERT, ACKNOWLEDGE = Limit("<=", PROMISED / MINUTE), Limit("<", ESCALATE_EVERY / MINUTE)
UNITS = {"%": Unit.PERCENT, "h": Unit.HOURS, "": Unit.NUMBER}  # of a threshold
MOST_OF_THEM = 0.95  # the percentile of the health query
NO_INCIDENTS = "no incidents"
Spans = Sequence[timedelta | None]  # how long it took with each incident; None: not dated


def success_metrics(evidence: Evidence) -> tuple[SuccessMetric, ...]:
    """Those that this pipeline has: what is missed first, then what is unknown."""
    found = [
        _sync_success(evidence),
        _fault_to_slack(evidence),
        _breach_to_slack(evidence),
        _time_to_acknowledge(evidence),
        _time_to_recover(evidence),
        *(_objective(evidence, check, measured) for check, measured in evidence.objectives),
        *([_health_query(evidence)] if evidence.has_warehouse else []),
        _daily_operations(evidence),
    ]
    return tuple(sorted(found, key=lambda one: list(SuccessStanding).index(one.standing)))


@dataclass(frozen=True)
class Counted:
    """A value of a window and what it is counted from."""

    value: float | None
    source: str
    nothing: str = "no data"  # why there is no value
    at_least: bool = False
    fine: bool = False  # that there is no value meets any target


def _over_time(
    evidence: Evidence,
    named: tuple[str, str],
    target: Limit,
    unit: Unit,
    count: Callable[[Window], Counted],
    known: Callable[[Window], Known] | None = None,
) -> SuccessMetric:
    """A metric, its trend where the window before is known, and how it stands.

    What is known of a part of the window can miss the target, but not meet it. Without `known` it is what the bot saw.
    """
    known = known or evidence.watched
    now, before = count(evidence.window), count(evidence.before)
    metric = SuccessMetric(
        *named,
        target,
        unit,
        known(evidence.window),
        now.value,
        before=before.value if known(evidence.before).enough else None,
        source=now.source,
        nothing=now.nothing,
        at_least=now.at_least,
    )
    if now.value is not None and not target.holds(now.value):
        return replace(metric, standing=SuccessStanding.MISSED)
    good = metric.known.enough and (now.value is not None or now.fine)
    return replace(metric, standing=SuccessStanding.MET if good else SuccessStanding.UNKNOWN)


def _sync_success(evidence: Evidence) -> SuccessMetric:
    """Runs that completed, of those that completed or failed; dry, skipped and canceled runs are neither."""
    why = next((f"{one.label}: {one.error}" for one in evidence.syncs if one.error), "")

    def known(window: Window) -> Known:
        read = window[1] - max(evidence.runs_since or window[1], window[0])
        return Known(max(read / DAY, 0), evidence.days, why)

    def count(window: Window) -> Counted:
        rate, ended = _success(evidence.syncs, window)
        source = f"Census: {count_of(ended, 'run')} that completed or failed{_lowest(evidence.syncs, window)}"
        return Counted(rate, source, "no data" if why else "no runs")

    return _over_time(evidence, ("sync_success", "Sync success rate"), SYNC_SUCCESS, Unit.PERCENT, count, known)


def _success(syncs: Iterable[SyncRunsRead], window: Window) -> tuple[float | None, int]:
    """How many in a hundred runs completed in a window, and how many completed or failed."""
    runs = [run for sync in syncs for run in sync.runs if run.status is RunStatus.FAILED or run.counts_as_sync]
    ended = [run for run in runs if window[0] < (run.completed_at or run.created_at) <= window[1]]
    completed = sum(run.counts_as_sync for run in ended)
    return (100 * completed / len(ended) if ended else None), len(ended)


def _lowest(syncs: Sequence[SyncRunsRead], window: Window) -> str:
    """Which of several syncs is the worst."""
    rates = [(rate, sync.label) for sync in syncs if (rate := _success([sync], window)[0]) is not None]
    lowest, label = min(rates, default=(100.0, ""))
    return f"; lowest {label} {in_percent(lowest)}" if len(syncs) > 1 and lowest < 100 else ""


def _fault_to_slack(evidence: Evidence) -> SuccessMetric:
    """The slowest alert of what is promised within 15 minutes, from when the fault began or, at most, may have."""

    def count(window: Window) -> Counted:
        announced = _announced(evidence, window)
        promised = [one.since_fault(window[1]) for one in announced if one.promised]
        others = [one.since_fault(window[1]) for one in announced if not one.promised]
        if not others:
            return _slowest(promised)
        counted = _slowest(promised, "none but at sync time")
        longest = max(_dated(others), default=None)
        slowest = "" if longest is None else f", slowest {duration(longest)}"
        return replace(counted, source=f"{counted.source}; at sync time {_counted(others)}{slowest}")

    return _over_time(evidence, ("fault_to_slack", "Fault → Slack"), ALERT, Unit.MINUTES, count)


def _breach_to_slack(evidence: Evidence) -> SuccessMetric:
    """The slowest alert, from the evaluation that first found the breach."""

    def count(window: Window) -> Counted:
        return _slowest([one.since_breach(window[1]) for one in _announced(evidence, window)])

    return _over_time(evidence, ("breach_to_slack", "Breach → Slack"), ALERT, Unit.MINUTES, count)


def _announced(evidence: Evidence, window: Window) -> list[Announced]:
    """The incidents that opened in a window, without what a maintenance window held back."""
    opened = [one for one in evidence.announced if window[0] < one.incident.opened_at <= window[1]]
    return [one for one in opened if not one.held_back]


def _slowest(spans: Spans, none: str = NO_INCIDENTS) -> Counted:
    """Of those that are dated; no incident at all, which `none` says, meets any target."""
    source, longest = _counted(spans), max(_dated(spans), default=None)
    if longest is None:
        return Counted(None, source, "not dated") if spans else Counted(None, source, none, fine=True)
    return Counted(longest / MINUTE, f"slowest of {source}")


def _counted(spans: Spans) -> str:
    undated = len(spans) - len(_dated(spans))
    return count_of(len(spans), "incident") + (f", {undated} not dated" if undated else "")


def _dated(spans: Spans) -> list[timedelta]:
    return [span for span in spans if span is not None]


def _time_to_acknowledge(evidence: Evidence) -> SuccessMetric:
    """MTTA of critical incidents. One that escalated and nobody has acknowledged counts with the time it lasted."""

    def count(window: Window) -> Counted:
        figures = evidence.figures(window)
        done = [one.time_to_acknowledge for one in figures.acknowledged if one.severity is Severity.CRITICAL]
        never = [one for one in figures.touched if one.severity is Severity.CRITICAL and one.acknowledged is None]
        source = f"{count_of(len(done), 'critical incident')} acknowledged"
        source += f", {len(never)} never" if never else ""
        waited = [one.lasted if one.was_escalated else NO_TIME for one in never]
        counted = _mean(_dated(done), waited, ACKNOWLEDGE, source, "none acknowledged")
        return _beside(counted, "MTTA", figures.time_to_acknowledge)

    return _over_time(evidence, ("mtta_critical", "MTTA of critical ones"), ACKNOWLEDGE, Unit.MINUTES, count)


def _time_to_recover(evidence: Evidence) -> SuccessMetric:
    """MTTR of incidents that recovered. One that is open counts with the time so far, if that is late already."""

    def count(window: Window) -> Counted:
        figures = evidence.figures(window)
        critical = sum(one.severity is Severity.CRITICAL for one in figures.recovered)
        source = f"{count_of(len(figures.recovered), 'incident')} recovered"
        source += f", {critical} critical" if critical else ""
        source += f"; {len(figures.still_open)} open" if figures.still_open else ""
        done = _dated([one.time_to_recover for one in figures.recovered])
        so_far = [one.lasted for one in figures.still_open]
        counted = _mean(done, so_far, RECOVERY, source, "none recovered yet")
        return _beside(counted, "MTTR", figures.time_to_recover)

    return _over_time(evidence, ("mttr_with_open", "MTTR including open ones"), RECOVERY, Unit.MINUTES, count)


def _mean(done: list[timedelta], so_far: list[timedelta], target: Limit, source: str, nothing: str) -> Counted:
    """The mean; what has not happened and is late is in it, so that what never happens does not make it better."""
    late = [span for span in so_far if not target.holds(span / MINUTE)]
    if not done and not late:
        return Counted(None, source, nothing if so_far else NO_INCIDENTS, fine=True)
    return Counted(sum([*done, *late], NO_TIME) / len([*done, *late]) / MINUTE, source, at_least=bool(late))


def _beside(counted: Counted, term: str, figure: Mean) -> Counted:
    """With the figure that App Home and the weekly review show, where that is another one."""
    if figure.value is None or figure.value / MINUTE == counted.value:
        return counted
    return replace(counted, source=f"{counted.source}; {term} {duration(figure.value)}")


def _objective(evidence: Evidence, check: Check, measured: Measurements) -> SuccessMetric:
    """The worst value that was measured of a check: the objective has to hold of every one."""
    assert check.slo, "only checks that have one are listed"
    worst, word = (min, "lowest") if check.slo.rises else (max, "highest")

    def count(window: Window) -> Counted:
        found = [(value, sync) for sync, series in measured for value in _values(series, window)]
        value, sync = worst(found, default=(None, ""))
        of = f", {sync}" if sync and len(measured) > 1 else ""
        return Counted(value, f"{word} of {count_of(len(found), 'value')}{of}")

    def known(window: Window) -> Known:
        days = [_days(series, window) for _, series in measured]
        valued = len(set.intersection(*days)) if days else 0
        return Known(min(valued, evidence.watched(window).days), evidence.days)

    return _over_time(evidence, (check.name, check.title), check.slo, UNITS[unit_of(check)], count, known)


def _values(series: Values, window: Window) -> list[float]:
    return [value for at, value in series if window[0] < at <= window[1]]


def _days(series: Values, window: Window) -> set[int]:
    """The days of a window, counted back from its end, in which there was a value."""
    return {int((window[1] - at) / DAY) for at, _ in series if window[0] < at <= window[1]}


def _health_query(evidence: Evidence) -> SuccessMetric:
    """How long an evaluation that the warehouse answered takes: the statement, and Census beside it."""

    def count(window: Window) -> Counted:
        answered = [one for one in evidence.evaluations if one.answered and window[0] < one.at <= window[1]]
        took = sorted(one.seconds for one in answered)
        source = f"95th percentile of {count_of(len(took), 'evaluation')} with a statement"
        if not took:
            return Counted(None, source)
        slowest = f", slowest {in_figures(took[-1], decimals=1)} s"
        return Counted(took[ceil(MOST_OF_THEM * len(took)) - 1], source + slowest)

    return _over_time(evidence, ("health_query", "Health query"), QUERY, Unit.SECONDS, count)


def _daily_operations(evidence: Evidence) -> SuccessMetric:
    """The minutes a day that people spent, by their actions: an estimate. What they only read leaves no trace."""

    def count(window: Window) -> Counted:
        acted = sum(window[0] < at <= window[1] for at in evidence.presses)
        opened = evidence.figures(window).time_with_any / evidence.days
        source = f"{count_of(acted, 'action')} at 1 min each"
        source += f"; incidents open {duration(opened)} a day" if opened else "; no incident open"
        return Counted(acted * (PRESS / MINUTE) / evidence.days, source)

    return _over_time(evidence, ("daily_operations", "Daily operations"), OPERATIONS, Unit.MINUTES, count)
