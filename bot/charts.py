"""What is drawn: tiles of a dashboard with their thresholds, for Slack and for a bundle's dashboard, and trends."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.alerts.history import Axis, Pick, Point, Weeks
from bot.alerts.model import SEVERITIES
from bot.config.settings import Settings
from checks.forms import Limit, with_unit
from checks.model import Check, Outcome, Severity
from checks.numbers import in_figures

Chart = Literal["counter", "line", "area", "bar", "pie", "table"]
SEPARATORS = re.compile(r"[\s_\-/]+")
TIMES = frozenset({"hour", "day", "date", "week", "month"})  # columns that are an axis of time


@dataclass(frozen=True)
class Tile:
    """One tile; `statement` is the name by which a warehouse is asked, and `Statements.in_dialect` knows its text.

    `x`, `y` and `series` are columns of its answer: `series` tells several lines or bars apart; a table names none of
    them and shows all. `unit` is what `y` is counted in. `checks` are those in force here whose thresholds are drawn.
    """

    number: int
    name: str
    statement: str
    question: str
    title: str
    chart: Chart
    unit: str
    x: str | None
    y: tuple[str, ...]
    series: str | None
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Threshold:
    """One that a chart draws: its column in a dataset, and how a legend names it."""

    column: str
    label: str
    severity: Severity
    limit: Limit


@dataclass(frozen=True)
class TileAnswer:
    """The rows of a tile's statement, its thresholds (the worst first), and what these are in words.

    `pick` is which of several values stands for them.
    """

    tile: Tile
    rows: Sequence[Mapping[str, object]]
    thresholds: tuple[Threshold, ...] = ()
    said: str = ""
    pick: Pick = Pick.LAST


def draws_thresholds(tile: Tile) -> bool:
    """Whether thresholds are lines of its chart; where series tell several apart there is no room for more."""
    return tile.chart in ("line", "area") and not tile.series


def plain_name(text: str) -> str:
    """What a metric or a tile is called, however it is typed: `null-company_names` → null company names."""
    return SEPARATORS.sub(" ", text).strip().casefold()


def in_words(column: str) -> str:
    """`rds_total` → Rds total, for a legend or the head of a column."""
    words = column.replace("_", " ")
    return words[:1].upper() + words[1:]


def title_with_unit(tile: Tile) -> str:
    """`Coverage (%)`, `Pending records`: a unit that the title names already is not said again."""
    unit = f" ({tile.unit})" if tile.unit and tile.unit.casefold() not in tile.title.casefold() else ""
    return f"{tile.title}{unit}"


def thresholds_of(settings: Settings, tile: Tile) -> list[Threshold]:
    """Those of its checks, the worst first, where they are the same for every sync; what two share is one line."""
    known: set[tuple[Severity, Limit]] = set()
    found = []
    for check in filter(None, map(settings.check_called, tile.checks)):
        for severity, limit in () if _differs(settings, check) else limits_of(check):
            if (severity, limit) not in known:
                known.add((severity, limit))
                found.append(
                    Threshold(
                        f"{severity}_{len(known)}", f"{SEVERITIES[severity]} {_in_figures(limit)}", severity, limit
                    )
                )
    return sorted(found, key=lambda one: one.severity is not Severity.CRITICAL)


def said_of_thresholds(settings: Settings, tile: Tile) -> str:
    """Its thresholds in words, those of each sync where they differ."""
    said = [one.label for one in thresholds_of(settings, tile)]
    for name in tile.checks:
        check = settings.check_called(name)
        if check and _differs(settings, check):
            mine = ((sync, settings.check_called(name, sync.name)) for sync in settings.syncs if sync.queue)
            limits = (
                (sync, ", ".join(f"{SEVERITIES[one]} {_in_figures(limit)}" for one, limit in limits_of(found)))
                for sync, found in mine
            )
            said += [f"{sync.label}: {text}" for sync, text in limits if text]
    return " · ".join(said)


def _in_figures(limit: Limit) -> str:
    """`> 1,000`, `> 5%`."""
    return f"{limit.comparison} {in_figures(limit.number, decimals=15)}{with_unit(limit.unit)}"


def limits_of(check: Check | None) -> list[tuple[Severity, Limit]]:
    """The thresholds of a check, the worst first."""
    given = ((Severity.CRITICAL, check.critical), (Severity.WARN, check.warn)) if check else ()
    return [(severity, limit) for severity, limit in given if limit]


def _differs(settings: Settings, check: Check) -> bool:
    """Whether a sync has thresholds of its own."""
    return any(check.name in changed for changed in settings.checks_of.values())


@dataclass(frozen=True)
class Metric:
    """A number that has a past: that of a check, or one that stands in the audit log alone. Of a sync, by its name."""

    name: str  # as it is typed
    title: str
    check: Check | None = None  # as it is for this sync
    sync: str | None = None
    logged: str = ""  # what a snapshot of the audit log calls it

    @property
    def typed(self) -> str:
        """`backlog Sync B`."""
        return f"{self.name} {self.sync}" if self.sync else self.name


@dataclass(frozen=True)
class MetricTrend:
    """How a metric went. `points` is empty where nothing was measured in that time."""

    metric: Metric
    axis: Axis
    pick: Pick
    points: tuple[Point, ...]
    weeks: Weeks
    latest: tuple[datetime, float] | None = None  # of all time
    since: datetime | None = None  # the first value, where that is younger than what was asked for
    others: tuple[str, ...] = ()  # the syncs that have this metric, too
    from_log: bool = False  # whether days before the bot's own values come from the audit log
    log_error: str | None = None  # why the audit log was not read


@dataclass(frozen=True)
class MetricValue:
    """A metric with its latest value; of `syncs` that have it this one is the worst, or all are alike."""

    metric: Metric
    value: float | None
    outcome: Outcome | None = None
    syncs: int = 0
    alike: bool = True


@dataclass(frozen=True)
class MetricList:
    """What can be asked for: that of the pipeline, that of its syncs, and what stands in the audit log alone."""

    of_pipeline: tuple[MetricValue, ...]
    of_syncs: tuple[MetricValue, ...]
    logged: tuple[MetricValue, ...] = ()
    as_of: datetime | None = None  # of the last evaluation
    log_error: str | None = None
