"""`/sync-health slo`: the success metrics as a table, what is missed first, and the worst incidents."""

from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.alerts.incident_figures import Figures
from bot.alerts.success import Known, SuccessMetric, SuccessStanding, Unit
from bot.answers.history import Slo
from bot.messages.blocks import Block, Message, Native, context, section, sections
from bot.messages.native import NOTHING, Cell, rows_that_fit, table
from bot.messages.phrases import titled
from bot.messages.text import ICONS, SIGNS, anchor, code, day_and_time, escape
from bot.sanitize import sanitize
from checks.numbers import count_of, duration, in_figures, in_percent, listed

COLUMNS = ("Metric", "Target", "Value", "Trend", "Met", "Source")
MET = {SuccessStanding.MISSED: "❗ No", SuccessStanding.UNKNOWN: "❔ Unknown", SuccessStanding.MET: "✅ Yes"}
NAMED = 2  # metrics in the headline
SHORT, LONG = 80, 160  # characters of a cell
PER = {"daily_operations": " a day"}
SPANS = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}


def slo_message(slo: Slo, links: Mapping[int, str | None], zone: ZoneInfo) -> Message:
    """Every metric with its target; `links` lead to the threads of the worst incidents, by incident id."""
    head = escape(headline(slo), 500)
    rows = list(rows_that_fit(map(_row, slo.metrics)))
    blocks: list[Block | Native] = [section(f"*{head}*"), table(COLUMNS, rows, zone)]
    if hidden := len(slo.metrics) - len(rows):
        command = code(f"sync-health slo --days {slo.days}")
        blocks.append(context(f"{hidden:,} more not shown. On the command line: {command}"))
    if slo.worst:
        lines = [_case(one, links.get(one.incident.id), zone) for one in slo.worst]
        blocks += sections(["*Longest incidents*", *lines])
    window = f"{day_and_time(slo.since, zone)} to {day_and_time(slo.until, zone)}"
    before = f"trend against the {'day' if slo.days == 1 else f'{slo.days} days'} before"
    return Message(head, (*blocks, context(f"{window} · {before} · definitions: `/sync-health runbook go/no-go`")))


def _row(one: SuccessMetric) -> tuple[Cell, ...]:
    title, source, value = sanitize(one.title, SHORT), sanitize(one.source, LONG), sanitize(value_text(one), SHORT)
    return title, target_text(one), value, trend_text(one), MET[one.standing], source


def headline(slo: Slo) -> str:
    """`SLO, last 7 days: 7 of 9 met · Health query 6.1 s (target < 5 s)`: the verdict with its reason; not escaped."""
    met = sum(one.standing is SuccessStanding.MET for one in slo.metrics)
    last = "day" if slo.days == 1 else f"{slo.days} days"
    parts = [f"SLO, last {last}: {met} of {len(slo.metrics)} met"]
    missed = [one for one in slo.metrics if one.standing is SuccessStanding.MISSED]
    unknown = [one for one in slo.metrics if one.standing is SuccessStanding.UNKNOWN]
    parts += [f"{sanitize(one.title, SHORT)} {number_text(one)} (target {target_text(one)})" for one in missed[:NAMED]]
    parts += [f"{len(missed) - NAMED} more missed"] if len(missed) > NAMED else []
    if missed:
        parts += [f"{len(unknown)} unknown"] if unknown else []
    elif unknown:
        parts.append(f"unknown: {listed([sanitize(one.title, SHORT) for one in unknown], NAMED)}")
    return " · ".join(parts)


def target_text(metric: SuccessMetric) -> str:
    """`> 95%`, `≤ 15 min`, `< 5 min a day`."""
    comparison = metric.target.comparison
    number = metric.target.number
    written = f"{in_figures(number)}%" if metric.unit is Unit.PERCENT else _in_unit(number, metric)
    return f"{SIGNS.get(comparison, comparison)} {written}"


def value_text(metric: SuccessMetric) -> str:
    """`97.2%`, and for how many of the days it is known where that is not enough."""
    return f"{number_text(metric)}{_known(metric.known)}"


def number_text(metric: SuccessMetric) -> str:
    """`2 h 41 min`, `at least 5 h` of what is not over, `no incidents`."""
    if metric.value is None:
        return metric.nothing
    return f"{'at least ' if metric.at_least else ''}{_in_unit(metric.value, metric)}"


def trend_text(metric: SuccessMetric) -> str:
    """`better, was 3 h 2 min`, against the window before where both are known."""
    if metric.value is None or metric.before is None:
        return NOTHING
    was = _in_unit(metric.before, metric)
    if was == _in_unit(metric.value, metric):
        return "no change"
    better = (metric.value > metric.before) == metric.target.rises
    return f"{'better' if better else 'worse'}, was {was}"


def case_text(case: Figures) -> str:
    """`recovered after 2 h 41 min`, `open for 5 h`."""
    return f"{'open for' if case.is_open else 'recovered after'} {duration(case.lasted)}"


def _known(known: Known) -> str:
    if known.enough:
        return ""
    return f" ({known.why})" if known.why else f" ({in_figures(known.days, decimals=1)} of {count_of(known.of, 'day')})"


def _in_unit(value: float, metric: SuccessMetric) -> str:
    """Never rounded onto the target."""
    target = metric.target.number
    per = PER.get(metric.key, "")
    if metric.unit is Unit.PERCENT:
        return in_percent(value, [target])
    if (span := SPANS.get(metric.unit)) is None:
        return in_figures(value, [target]) + (" s" if metric.unit is Unit.SECONDS else "")
    text = duration(value * span)
    if value != target and text == duration(target * span):
        return f"{in_figures(value, [target])} {'min' if metric.unit is Unit.MINUTES else 'h'}{per}"
    return f"{text}{per}"


def _case(case: Figures, link: str | None, zone: ZoneInfo) -> str:
    incident = case.incident
    parts = [f"{ICONS[case.severity]} *{incident.id}* {titled(incident)}", case_text(case)]
    parts += [f"since {day_and_time(case.opened_at, zone)}", *([anchor("thread", link)] if link else [])]
    return " · ".join(parts)
