"""How a number went: from the bot's own values, and for the days before these from the audit log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from bot.alerts.history import Axis, Spread, axis_of, pick_for, points_of, spread_out, weeks_of
from bot.charts import Metric, MetricList, MetricTrend, MetricValue, Tile, plain_name
from bot.errors import RefusedError, SyncHealthError
from bot.model import Evaluation
from bot.ports import AWAKE, Ports
from bot.services.audit_log import SNAPSHOTS, numbers_in, read_log, taken_at
from bot.services.metrics import (
    COMMAND,
    Asked,
    known_metrics,
    logged_metrics,
    metric_asked,
    metric_typed,
    near_metric,
    not_read,
    unknown_metric,
)
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result

Tiles = Callable[[], Sequence[Tile]]
ASLEEP = f"the warehouse is asleep. {COMMAND} and the name of one of its numbers reads it"
MOST = 1000  # snapshots: ten a day, for as long as evaluations are kept


def show_trend(ports: Ports, text: str, tiles: Tiles = tuple) -> MetricTrend:
    """The metric that is meant by `backlog Sync B 30`; where several syncs have it, that of the worst.

    The warehouse is asked only for what the bot has no values of: a number of the audit log by its name, or days before
    it began. Raises RefusedError where nothing is meant by it, with the one of `tiles` that shows it.
    """
    log, known = _Log(ports), known_metrics(ports.settings)
    asked = metric_asked(ports.settings, known, text) or _asked_of_log(ports, known, log, text, tiles)
    metric = _worst(ports, asked.metrics)
    others = tuple(one.sync for one in asked.metrics if one.sync and one is not metric)
    return _trend(ports, metric, axis_of(ports.clock.now(), asked.days, ports.settings.zone), log, others)


def _asked_of_log(ports: Ports, known: Sequence[Metric], log: "_Log", text: str, tiles: Tiles) -> Asked:
    """A number that stands in the audit log alone. Whatever looks like a typo or a tile wakes no warehouse."""
    near = near_metric(known, text)
    tile = next((one for one in tiles() if _is_called(one, metric_typed(text))), None)
    logged = logged_metrics(ports.settings, log.names_unless_asleep if near or tile else log.names)
    if asked := metric_asked(ports.settings, logged, text):
        return asked
    if tile:
        where = f"tile {tile.number}, {tile.title}, shows it: /sync-health tiles {tile.number}"
        unread = None if log.error == ASLEEP else log.error  # whoever sleeps is woken by the tile
        raise RefusedError(f"“{text[:40]}” is no metric; {where}.{not_read(unread)}")
    raise unknown_metric(text, near or near_metric(logged, text), log.error)


def _is_called(tile: Tile, name: str) -> bool:
    return plain_name(name) in (plain_name(tile.title), plain_name(tile.name))


def show_metrics(ports: Ports) -> MetricList:
    """What can be asked for, each with its latest value; the audit log is read only while the warehouse is awake."""
    with ports.store.snapshot() as records:
        evaluation = records.latest_evaluation()
    log, known = _Log(ports), known_metrics(ports.settings)
    results, newest = _results(evaluation), log.newest if log.wakes_nobody() else {}
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
    def names_unless_asleep(self) -> list[str]:
        """…as far as that wakes nobody."""
        return self.names if self.wakes_nobody() else []

    def wakes_nobody(self) -> bool:
        """Whether the warehouse is awake, or there is no log to ask it for; `error` says if not."""
        settings = self.ports.settings
        try:
            if not settings.has_warehouse or settings.deploy_to is None or self.ports.warehouse.state() in AWAKE:
                return True
            self.error = ASLEEP
        except SyncHealthError as error:
            self.error = str(error)
        return False

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
