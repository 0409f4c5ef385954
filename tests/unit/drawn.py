"""Trends and tiles of any text and length, for tests that try every message."""

from datetime import timedelta

from bot.alerts.history import axis_of, pick_for, points_of, spread_out, weeks_of
from bot.charts import Chart, Metric, MetricList, MetricTrend, MetricValue, Tile, TileAnswer
from tests.fakes import shipped_settings
from tests.unit.samples import NOW, ZONE


def a_metric(text: str) -> Metric:
    """Of a sync that is called so."""
    return Metric(text, text, shipped_settings().check_called("coverage"), text, text)


def a_trend(text: str, count: int) -> MetricTrend:
    """Of so many days, each third without a value."""
    axis, metric = axis_of(NOW, max(1, count), ZONE), a_metric(text)
    values = [(NOW - timedelta(days=n), 95.0 + n) for n in range(count) if n % 3]
    spreads, pick = spread_out(values, axis.edges), pick_for(metric.check)
    latest = values[0] if values else None
    points, weeks = points_of(spreads, axis, pick), weeks_of(spreads, axis)
    return MetricTrend(metric, axis, pick, points, weeks, latest, NOW, (text,) * count, from_log=True, log_error=text)


def some_metrics(text: str, count: int) -> MetricList:
    """So many of each kind."""
    values = (MetricValue(a_metric(text), 95.0, syncs=count, alike=False),) * count
    return MetricList(values, values, values, NOW, text)


def a_tile(text: str, chart: Chart = "line") -> Tile:
    """A tile that is called so, of columns that are."""
    return Tile(7, text, "dashboard_tiles/07_a", text, text, chart, text, text, ("y",), "series", ())


def a_tile_answer(text: str, count: int, chart: Chart) -> TileAnswer:
    """So many rows of as many series."""
    rows = [{text: f"{text}{n % 7}", "series": f"{text}{n % 9}", "y": 5.0 * n, "other": text} for n in range(count)]
    return TileAnswer(a_tile(text, chart), rows, said=text)
