"""How a number went: from the bot's own values, and for the days before these from the audit log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from bot.alerts.history import Axis, Spread, axis_of, pick_for, points_of, spread_out, weeks_of
from bot.charts import Metric, MetricList, MetricTrend, MetricValue
from bot.errors import SyncHealthError
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.audit_log import SNAPSHOTS, numbers_in, read_log, taken_at
from bot.services.metrics import known_metrics, logged_metrics, metric_asked, unknown_metric
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result

MOST = 1000  # snapshots: ten a day, for as long as evaluations are kept


def show_trend(ports: Ports, text: str) -> MetricTrend:
    """The metric that is meant by `backlog Sync B 30`; where several syncs have it, that of the worst.

    The warehouse is asked only for what the bot has no values of: another metric, or days before it began. Raises
    RefusedError where nothing is meant by it.
    """
    log, known = _Log(ports), known_metrics(ports.settings)
    asked = metric_asked(ports.settings, known, text)
    if asked is None:
        logged = logged_metrics(ports.settings, log.names)
        asked = metric_asked(ports.settings, logged, text)
        if asked is None:
            raise unknown_metric([*known, *logged], text)
    metric = _worst(ports, asked.metrics)
    others = tuple(one.sync for one in asked.metrics if one.sync and one is not metric)
    return _trend(ports, metric, axis_of(ports.clock.now(), asked.days, ports.settings.zone), log, others)


def show_metrics(ports: Ports) -> MetricList:
    """What can be asked for, each with its latest value."""
    with ports.store.snapshot() as records:
        evaluation = records.latest_evaluation()
    log, known = _Log(ports), known_metrics(ports.settings)
    results, newest = _results(evaluation), log.newest
    logged = logged_metrics(ports.settings, newest)
    return MetricList(
        tuple(sorted((_value(one, results) for one in known if one.sync is None), key=_is_of_the_bot)),
        tuple(_of_syncs([one for one in known if one.sync], lambda one: _value(one, results))),
        tuple(_of_syncs(logged, lambda one: MetricValue(one, newest[one.logged]))),
        evaluation.checked_at if evaluation else None,
        log.error,
    )


@dataclass
class _Log:
    """The audit log, read once, by the first who needs it; nobody fails with it."""

    ports: Ports
    error: str | None = field(default=None, init=False)

    @cached_property
    def snapshots(self) -> list[tuple[datetime, Mapping[str, float | None]]]:
        """When each was taken, and its numbers; the newest first."""
        settings = self.ports.settings
        if not settings.has_warehouse or settings.deploy_to is None:
            return []
        try:
            rows = read_log(self.ports, SNAPSHOTS, audit_id=None, now=self.ports.clock.now(), most=MOST)
            return [(taken_at(row), numbers_in(row, settings)) for row in rows]
        except SyncHealthError as error:
            self.error = str(error)
            return []

    @property
    def names(self) -> list[str]:
        """What its numbers are called."""
        return list(dict.fromkeys(name for _, numbers in self.snapshots for name in numbers))

    @property
    def newest(self) -> Mapping[str, float | None]:
        """The newest of each number."""
        return {name: value for _, numbers in reversed(self.snapshots) for name, value in numbers.items()}

    def spreads(self, name: str, axis: Axis) -> dict[int, Spread]:
        """What was measured of a number."""
        values = ((at, value) for at, numbers in self.snapshots if (value := numbers.get(name)) is not None)
        return spread_out(values, axis.edges)


def _trend(ports: Ports, metric: Metric, axis: Axis, log: _Log, others: tuple[str, ...]) -> MetricTrend:
    mine: dict[int, Spread] = {}
    if metric.check:
        with ports.store.snapshot() as records:
            mine = dict(records.spreads_of_values(metric.check.name, metric.sync, axis.edges))
    in_log = metric.check is None or metric.check.source == "databricks"
    before = log.spreads(metric.logged, axis) if in_log and min(mine, default=1) > 0 else {}
    spreads, first = before | mine, min(mine, default=len(axis.edges))
    last = max(spreads.values(), key=lambda one: one.last_at, default=None)
    begun = spreads[min(spreads)].first_at if spreads else None
    pick = pick_for(metric.check)
    return MetricTrend(
        metric,
        axis,
        pick,
        points_of(spreads, axis, pick),
        weeks_of(spreads, axis),
        latest=(last.last_at, last.last) if last else None,
        since=begun if begun and begun >= axis.edges[axis.spans[0].last] else None,
        others=others,
        from_log=any(n < first for n in before),
        log_error=log.error if in_log else None,
    )


def _results(evaluation: Evaluation | None) -> Mapping[tuple[str, str | None], Result]:
    return {(one.check, one.sync): one for one in evaluation.results} if evaluation else {}


def _value(metric: Metric, results: Mapping[tuple[str, str | None], Result]) -> MetricValue:
    found = results.get((metric.name, metric.sync))
    return MetricValue(metric, found.value, found.outcome) if found else MetricValue(metric, None)


def _of_syncs(metrics: Sequence[Metric], value: Callable[[Metric], MetricValue]) -> list[MetricValue]:
    """Of each metric that of the worst sync, and how many syncs have it."""
    named: dict[str, list[MetricValue]] = {}
    for one in metrics:
        named.setdefault(one.name, []).append(value(one))
    worst = [(min(some, key=_badness), some) for some in named.values()]
    return [
        replace(one, syncs=len(some), alike=len({(each.value, each.outcome) for each in some}) == 1)
        for one, some in worst
    ]


def _is_of_the_bot(one: MetricValue) -> bool:
    return bool(one.metric.check and one.metric.check.source == "bot")


def _badness(one: MetricValue) -> tuple[int, bool, float]:
    """The worst outcome first, of these the value that is nearest to its threshold's side, and no value last."""
    outcome = WORST_FIRST.index(one.outcome or Outcome.OK)
    value = one.value or 0.0
    return outcome, one.value is None, -value if pick_for(one.metric.check) == "highest" else value


def _worst(ports: Ports, metrics: Sequence[Metric]) -> Metric:
    if len(metrics) == 1:
        return metrics[0]
    with ports.store.snapshot() as records:
        results = _results(records.latest_evaluation())
    return min((_value(one, results) for one in metrics), key=_badness).metric
