"""`/sync-health trend`: how a number went, against its thresholds and the week before; and what can be asked for."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from bot.alerts.history import Axis, Pick, Point, pick_for
from bot.alerts.model import SEVERITIES
from bot.charts import Metric, MetricList, MetricTrend, MetricValue, limits_of
from bot.messages.blocks import Block, Message, Native, context, section
from bot.messages.native import LABEL, MOST_ROWS, Cell, rows_that_fit, table, xy_chart
from bot.messages.snapshot import PERCENT
from bot.messages.text import ICONS, as_of, code, day_and_time, escape, figure, signs, with_sync
from bot.model import KEPT_DAYS
from checks.forms import Limit
from checks.model import Outcome, Severity
from checks.numbers import count_of, in_figures, listed

COMMAND = "/sync-health trend"
COLUMNS = ("Type", "Metric", "Latest", "Of")
MOST_GAPS = 3  # that are named
LARGE = 100  # from here on averages have no decimals


def trend_message(trend: MetricTrend, zone: ZoneInfo) -> Message:
    """A chart of a metric with its thresholds, or why there is none."""
    metric, axis = trend.metric, trend.axis
    title = f"{_title(metric)}, last {f'{axis.days} days' if axis.days > 1 else '24 hours'}"
    known = [point for point in trend.points if point.value is not None]
    blocks: list[Block | Native] = [section(f"*{escape(title, 150)}*", *_sentences(trend, zone))]
    if len(known) > 1:
        blocks.append(_chart(trend, known))
    elif known and trend.latest and trend.latest[0] >= axis.begin:
        blocks.append(section("A chart takes two points; so far there is one."))
    blocks.append(context(*_small(trend, known, zone)))
    now = f"{escape(_value(metric, trend.latest[1]))}, {as_of(trend.latest[0], zone)}" if trend.latest else "no values"
    return Message(f"{escape(title, 150)}: {now}", tuple(blocks))


def metrics_message(found: MetricList, zone: ZoneInfo) -> Message:
    """What can be asked for, with the latest value of each, and how to ask for the worst."""
    groups = [*found.of_pipeline, *found.of_syncs, *found.logged]
    if not groups:
        return Message(
            "No metrics", (section("*No metrics*", "No check is in force here: `checks` in pipeline.yml adds some."),)
        )
    rows = list(rows_that_fit(_row(one) for one in groups[:MOST_ROWS]))
    first = min(groups, key=_rank)
    how = f"{code(f'{COMMAND} {first.metric.typed} 30')} shows one over 30 days; "
    how += f"any number from 1 to {KEPT_DAYS} works."
    dated = [f"Values {as_of(found.as_of, zone)}"] if found.as_of else ["Nothing was evaluated yet"]
    dated += [f"The audit log was not read: {escape(found.log_error, 300)}"] if found.log_error else []
    dated += [f"{len(groups) - len(rows)} more not shown"] if len(groups) > len(rows) else []
    head = section(f"*{count_of(len(groups), 'metric')}*", how)
    return Message(count_of(len(groups), "metric"), (head, table(COLUMNS, rows, zone), context(*dated)))


def points_in_words(labels: Sequence[str], series: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """A chart as lines of text: `Nov 28` 96.0%, of several series each with its name."""
    if len(series) == 1:
        return [f"{code(label)} {escape(value)}" for label, value in zip(labels, series[0][1], strict=True)]
    return [
        f"{code(label)} " + " · ".join(f"{escape(name, 60)} {escape(values[n])}" for name, values in series)
        for n, label in enumerate(labels)
    ]


def gaps_in_words(points: Sequence[Point]) -> str:
    """`No value on Nov 3, Nov 5 and 2 more, which the chart leaves out`; Slack's charts take no missing point."""
    empty = [point.label for point in points if point.value is None]
    if not empty:
        return ""
    return f"No value: {escape(listed(empty, MOST_GAPS))}. The chart leaves {'them' if len(empty) > 1 else 'it'} out"


def _title(metric: Metric) -> str:
    return with_sync(metric.title, metric.sync)


def _sentences(trend: MetricTrend, zone: ZoneInfo) -> Iterator[str]:
    """The latest value, the two weeks, and what is known of the beginning."""
    metric = trend.metric
    if trend.latest is None:
        yield "No values yet."
        return
    at, value = trend.latest
    holds = next((severity for severity, limit in limits_of(metric.check) if limit.holds(value)), None)
    icon = f"{ICONS[holds]} " if holds else ""
    yield f"{icon}Latest {escape(_value(metric, value))}, {as_of(at, zone)}"
    if not trend.points:
        yield "Nothing was measured in this time."
    if trend.points or trend.weeks.now is not None:
        yield _weeks(trend)
    if trend.since:
        yield f"Values since {day_and_time(trend.since, zone)}: nothing older is known."


def _weeks(trend: MetricTrend) -> str:
    """`7-day average 96.0%, down 0.4 points from the week before`; nothing is said of a week without values."""
    weeks, metric = trend.weeks, trend.metric
    if weeks.now is None:
        return "No values in the last 7 days, so nothing to compare with the week before."
    average = f"7-day average {escape(_average(metric, weeks.now))}"
    if weeks.change is None:
        return f"{average}; the week before is unknown"
    few = f" (values on {weeks.days_before} of its 7 days)" if weeks.days_before < 7 else ""
    return f"{average}, {escape(_change(metric, weeks.change, weeks.now))} the week before{few}"


def _change(metric: Metric, change: float, beside: float) -> str:
    if _is_percent(metric):
        moved = f"{abs(change):,.1f}"
        amount = f"{moved} {'point' if moved == '1.0' else 'points'}" if float(moved.replace(",", "")) else ""
    else:
        moved = _average(metric, abs(change), beside=beside)
        amount = "" if moved in ("0", "0 s") else moved
    return f"{'up' if change > 0 else 'down'} {amount} from" if amount else "the same as"


def _average(metric: Metric, value: float, beside: float = 0.0) -> str:
    """A number that was never measured as such: of large ones, and `beside` them, the decimals say nothing."""
    if _is_percent(metric) or _unit(metric):
        return _value(metric, value)
    return in_figures(value, decimals=0 if max(abs(value), abs(beside)) >= LARGE else 1)


def _value(metric: Metric, value: float) -> str:
    beside = [limit.number for _, limit in limits_of(metric.check)]
    return figure(value, "%" if _is_percent(metric) else _unit(metric), beside)


def _unit(metric: Metric) -> str:
    return next((limit.unit for _, limit in limits_of(metric.check)), "")


def _is_percent(metric: Metric) -> bool:
    return _unit(metric) == "%" or (metric.check is None and metric.logged.endswith(PERCENT))


def _chart(trend: MetricTrend, known: Sequence[Point]) -> Native:
    metric, labels, caption = trend.metric, [point.label for point in known], _picked(trend.pick, trend.axis)
    values = [point.value for point in known if point.value is not None]
    series = {metric.title if len(metric.title) <= LABEL else "Value": values}
    for severity, limit in _lines(metric):
        series[f"{SEVERITIES[severity]} {signs(str(limit))}"] = [limit.number] * len(values)
    instead = points_in_words(labels, [("", [_value(metric, value) for value in values])])
    return xy_chart("line", caption, series, labels, [f"{caption}:", *instead])


def _lines(metric: Metric) -> Iterator[tuple[Severity, Limit]]:
    """The thresholds that are a line: an equality is none."""
    for severity, limit in limits_of(metric.check):
        if limit.comparison not in ("=", "!="):
            yield severity, limit


def _picked(pick: Pick, axis: Axis) -> str:
    """`Highest value per day`: what a point stands for."""
    if axis.hours:
        return f"{pick.capitalize()} value per {axis.hours} hours"
    return f"{pick.capitalize()} value per {'day' if axis.step == 1 else f'{axis.step} days'}"


def _small(trend: MetricTrend, known: Sequence[Point], zone: ZoneInfo) -> Iterator[str]:
    limits = [
        escape(f"{SEVERITIES[severity]} {signs(str(limit))}") for severity, limit in limits_of(trend.metric.check)
    ]
    if len(known) > 1:
        yield f"{'Times' if trend.axis.hours else 'Days'} in {zone.key}"
    yield " · ".join(limits) or "No thresholds"
    if gaps := gaps_in_words(trend.points):
        yield gaps
    if trend.from_log:
        yield "Days before the bot's own values come from the audit log"
    if trend.log_error:
        yield f"The audit log was not read: {escape(trend.log_error, 300)}"
    if trend.others:
        yield _among(trend)


def _among(trend: MetricTrend) -> str:
    """Which of several syncs this is, and how to ask for another."""
    another = f"{COMMAND} {trend.metric.name} {trend.others[0]}"
    rank = "One" if trend.pick is Pick.LAST else trend.pick.capitalize()
    return f"{rank} of {len(trend.others) + 1} syncs · {code(another)} shows another"


def _row(one: MetricValue) -> tuple[Cell, ...]:
    metric = one.metric
    icon = f"{ICONS[one.outcome]} " if one.outcome and one.outcome is not Outcome.OK else ""
    latest = f"{icon}{_value(metric, one.value)}" if one.value is not None else f"{icon}–"
    if metric.sync is None:
        return metric.name, metric.title, latest, "audit log" if metric.check is None else "pipeline"
    if one.alike:
        return metric.name, metric.title, latest, count_of(one.syncs, "sync") if one.syncs > 1 else metric.sync
    pick = pick_for(metric.check)
    rank = "worst" if icon else "one" if pick is Pick.LAST or one.value is None else pick
    return metric.typed, metric.title, latest, f"{metric.sync}, {rank} of {one.syncs} syncs"


def _rank(one: MetricValue) -> tuple[int, bool, bool, int]:
    """The worst first; where all is well, one that has a value and is quick to type."""
    bad = [Outcome.CRITICAL, Outcome.WARN]
    worst = bad.index(one.outcome) if one.outcome in bad else len(bad)
    return worst, one.value is None, one.metric.check is None, len(one.metric.typed)
