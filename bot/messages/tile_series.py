"""The rows of a tile as series over labels, as many as Slack's charts take: each with a value at every label."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.alerts.history import MOST_POINTS, condensed, day_label
from bot.charts import TIMES, Tile, TileAnswer, draws_thresholds, in_words
from bot.messages.native import MOST_SERIES
from bot.sanitize import sanitize
from checks.numbers import count_of, listed

LARGEST = 2.0**63  # more is no count of anything
MOST_NAMED, NAME = 3, 60  # of what is left out; characters of a name
Values = dict[str, list[float | None]]


@dataclass(frozen=True)
class Drawn:
    """What a chart shows: no value is missing, and `notes` say what is left out."""

    labels: list[str]
    series: Mapping[str, list[float]] = field(default_factory=dict)
    thresholds: Mapping[str, list[float]] = field(default_factory=dict)
    caption: str = ""  # what a point stands for, where that is several values
    notes: tuple[str, ...] = ()
    blanks: frozenset[tuple[str, int]] = frozenset()  # bars without a value: their series, and the place of the label


def number_in(value: object) -> float | None:
    """A number that a chart can draw; None for a text, NULL, NaN, infinity and what no count comes to."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= LARGEST else None


def drawn_of(answer: TileAnswer, zone: ZoneInfo) -> Drawn:
    """At most twenty points of at most six series, thresholds among them."""
    tile, notes = answer.tile, list[str]()
    labels, series = _read(answer, zone)
    in_time = str(tile.x) in TIMES
    lines = answer.thresholds if draws_thresholds(tile) else ()
    series = _fewer(series, MOST_SERIES - len(lines), notes)
    labels, series, caption = _shorter(tile, answer, labels, series, notes, in_time=in_time)
    if tile.chart == "bar":
        labels, whole, blanks = _bars(labels, series, notes)
    else:
        labels, whole, blanks = *_without_gaps(labels, series, notes), frozenset[tuple[str, int]]()
    thresholds = {one.label: [one.limit.number] * len(labels) for one in lines}
    if tile.x == "day":
        notes.append(f"Days in {zone.key}")
    return Drawn(labels, whole, thresholds, caption, tuple(notes), blanks)


def _read(answer: TileAnswer, zone: ZoneInfo) -> tuple[list[str], Values]:
    """The labels in their order, and each series with what it has there: the last value where there are several."""
    tile, cells = answer.tile, dict[str, dict[str, float | None]]()
    labels: dict[str, None] = {}
    for row in answer.rows:
        label = _label(row.get(str(tile.x)), zone)
        labels[label] = None
        for name, value in _named(tile, row):
            cells.setdefault(name, {})[label] = value
    return list(labels), {name: [mine.get(label) for label in labels] for name, mine in cells.items()}


def _named(tile: Tile, row: Mapping[str, object]) -> Iterator[tuple[str, float | None]]:
    if tile.series:
        yield sanitize(str(row.get(tile.series)), NAME), number_in(row.get(tile.y[0]))
        return
    for column in tile.y:
        yield (tile.title if len(tile.y) == 1 else in_words(column)), number_in(row.get(column))


def _label(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        return f"{day_label(local.date())} {local:%H:%M}"
    return day_label(value) if isinstance(value, date) else sanitize("–" if value is None else str(value), NAME)


def _fewer(series: Values, most: int, notes: list[str]) -> Values:
    """Those with the largest values, in their order; a series without any number is none."""
    known = {name: max(map(abs, found)) for name, values in series.items() if (found := _numbers(values))}
    if silent := [name for name in series if name not in known]:
        notes.append(f"No number: {listed(silent, MOST_NAMED)}")
    chosen = sorted(known, key=lambda name: -known[name])[:most]
    if left := [name for name in known if name not in chosen]:
        notes.append(f"The {len(chosen)} largest of {len(known):,}; not drawn: {listed(left, MOST_NAMED)}")
    return {name: values for name, values in series.items() if name in chosen}


def _shorter(
    tile: Tile, answer: TileAnswer, labels: list[str], series: Values, notes: list[str], *, in_time: bool
) -> tuple[list[str], Values, str]:
    """Twenty points: those next to each other in time together, of names the first ones."""
    if len(labels) <= MOST_POINTS:
        return labels, series, ""
    if not in_time:
        notes.append(f"The first {MOST_POINTS} of {len(labels):,}")
        return labels[:MOST_POINTS], {name: values[:MOST_POINTS] for name, values in series.items()}, ""
    size = -(-len(labels) // MOST_POINTS)
    pick = None if tile.chart == "bar" and tile.unit != "%" else answer.pick
    if pick is None and (short := len(labels) % size):  # a sum of fewer would look like a low one
        labels, series = labels[short:], {name: values[short:] for name, values in series.items()}
    points = {name: condensed(list(zip(labels, values, strict=True)), pick) for name, values in series.items()}
    each = count_of(size, str(tile.x))
    told = f"Sum per {each}, from {labels[0]}" if pick is None else f"{pick.capitalize()} value per {each}"
    shown = [point.label for point in next(iter(points.values()), [])]
    return shown, {name: [point.value for point in some] for name, some in points.items()}, told


def _bars(
    labels: list[str], series: Values, notes: list[str]
) -> tuple[list[str], dict[str, list[float]], frozenset[tuple[str, int]]]:
    """Every label at which there is a value. Where a series has none its bar is 0 high, which draws none."""
    at = _known(labels, series)
    found = {name: [values[n] for n in at] for name, values in series.items()}
    blanks = frozenset((name, n) for name, values in found.items() for n, value in enumerate(values) if value is None)
    if blanks:
        notes.append("No bar: no value")
    return [labels[n] for n in at], {name: [value or 0.0 for value in some] for name, some in found.items()}, blanks


def _without_gaps(labels: list[str], series: Values, notes: list[str]) -> tuple[list[str], dict[str, list[float]]]:
    """Labels at which every series has a value; a series that would cost the others most of theirs is left out."""
    at = _known(labels, series)
    kept, left = dict(series), list[str]()
    while len(kept) > 1 and 2 * len(_full(kept, at)) < len(at):
        left.append(min(kept, key=lambda name: len(_numbers(kept[name]))))
        del kept[left[-1]]
    full = _full(kept, at)
    if left:
        notes.append(f"Not drawn, as most of their values are missing: {listed(left, MOST_NAMED)}")
    if gaps := [label for n, label in enumerate(labels) if n not in full]:
        notes.append(f"No value: {listed(gaps, MOST_NAMED)}. The chart leaves {'them' if len(gaps) > 1 else 'it'} out")
    whole = {name: [value for n in full if (value := values[n]) is not None] for name, values in kept.items()}
    return [labels[n] for n in full], whole


def _known(labels: Sequence[str], series: Values) -> list[int]:
    """The places at which any series has a value."""
    return [n for n in range(len(labels)) if any(values[n] is not None for values in series.values())]


def _full(series: Values, at: Sequence[int]) -> list[int]:
    return [n for n in at if all(values[n] is not None for values in series.values())]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
