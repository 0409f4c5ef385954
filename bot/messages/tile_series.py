"""The rows of a tile as series over labels, as many as Slack's charts take: each with a value at every label."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from bot.alerts.history import MOST_POINTS, grouped, one_of
from bot.charts import TIMES, Tile, TileAnswer, draws_thresholds, in_words
from bot.messages.native import MOST_SERIES, distinct
from bot.messages.tile_labels import NAME, Place, Places, is_timely, name_of, place_of
from bot.sanitize import sanitize
from checks.numbers import count_of, listed

LARGEST = 2.0**63  # more is no count of anything
MOST_NAMED = 3  # of what is left out
Values = dict[str, list[float | None]]
Cells = dict[str, dict[Place, list[float]]]  # of each series, what its rows say at each place


@dataclass(frozen=True)
class Drawn:
    """What a chart shows: no value is missing, and `notes` say what is left out."""

    labels: list[str]
    series: Mapping[str, list[float]] = field(default_factory=dict)
    thresholds: Mapping[str, list[float]] = field(default_factory=dict)
    caption: str = ""  # what a point stands for, where that is several values
    notes: tuple[str, ...] = ()
    in_time: bool = False  # whether the last label is the newest
    unclear: str = ""  # why nothing is drawn, and the remedy
    blanks: frozenset[tuple[str, int]] = frozenset()  # bars without a value: their series, and the place of the label


def number_in(value: object) -> float | None:
    """A number that a chart can draw; None for a text, NULL, NaN, infinity and what no count comes to."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= LARGEST else None


def drawn_of(answer: TileAnswer, zone: ZoneInfo) -> Drawn:
    """At most twenty points of at most six series, thresholds among them."""
    tile, notes = answer.tile, list[str]()
    found, cells = _read(answer, notes)
    if not found:
        return Drawn([], unclear=f"{tile.x} is NULL in every row.")
    places = Places.of(found, zone, str(tile.x))
    several = {place for mine in cells.values() for place, there in mine.items() if len(there) > 1}
    if several:
        named = few([places.label(n, n) for n, place in enumerate(places.all) if place in several])
        if not _adds_up(tile, cells):
            return Drawn([], unclear=_remedy(tile, named))
        notes.append(f"Sum of several rows: {named}")
    lines = answer.thresholds if draws_thresholds(tile) else ()
    cells = _fewer(cells, MOST_SERIES - len(lines), notes)
    values = ([one_of(mine.get(place, ()), None) for place in places.all] for mine in cells.values())
    series = dict(zip(distinct([*cells], NAME), values, strict=True))
    labels, series, caption = _shorter(tile, answer, places, series, notes)
    labels, whole, blanks = (_bars if tile.chart == "bar" else _without_gaps)(labels, series, notes)
    thresholds = {one.label: [one.limit.number] * len(labels) for one in lines}
    if tile.x == "day":
        notes.append(f"Days in {zone.key}")
    return Drawn(labels, whole, thresholds, caption, tuple(notes), places.are_times, blanks=blanks)


def _read(answer: TileAnswer, notes: list[str]) -> tuple[list[Place], Cells]:
    """The places in the order of the rows, and the numbers of each series there."""
    tile, cells, timeless = answer.tile, Cells(), 0
    timely = is_timely(str(tile.x), (row.get(str(tile.x)) for row in answer.rows))
    places: dict[Place, None] = {}
    for row in answer.rows:
        place = place_of(row.get(str(tile.x)), timely=timely)
        if place is None and timely:
            timeless += 1
            continue
        places[place] = None
        for name, value in _named(tile, row):
            there = cells.setdefault(name, {}).setdefault(place, [])
            there += [] if value is None else [value]
    if timeless:
        notes.append(f"{count_of(timeless, 'row')} left out: {tile.x} is NULL")
    return list(places), cells


def _named(tile: Tile, row: Mapping[str, object]) -> Iterator[tuple[str, float | None]]:
    if tile.series:
        value = row.get(tile.series)
        yield name_of(None) if value is None else str(value), number_in(row.get(tile.y[0]))
        return
    for column in tile.y:
        yield (tile.title if len(tile.y) == 1 else in_words(column)), number_in(row.get(column))


def _adds_up(tile: Tile, cells: Cells) -> bool:
    """Whether several rows of a bar are parts of it: whole numbers of what is counted; a mean or a share is none."""
    numbers = (number for mine in cells.values() for there in mine.values() for number in there)
    return tile.chart == "bar" and tile.unit != "%" and all(number.is_integer() for number in numbers)


def _remedy(tile: Tile, named: str) -> str:
    """What a statement does that has several rows where a chart takes one value."""
    columns = " and ".join(filter(None, (tile.x, tile.series)))
    apart = "" if tile.series else ", or name the column that tells them apart as series of the tile"
    return f"Several rows have the same {columns}: {named}. Group the statement by {columns}{apart}."


def _fewer(cells: Cells, most: int, notes: list[str]) -> Cells:
    """Those with the largest values, in their order; a series without any number is none."""
    sums = {name: [abs(sum(there)) for there in mine.values() if there] for name, mine in cells.items()}
    known = {name: max(found) for name, found in sums.items() if found}
    if silent := [name for name in cells if name not in known]:
        notes.append(f"No number: {few(silent)}")
    chosen = dict.fromkeys(sorted(known, key=lambda name: -known[name])[:most])
    if left := [name for name in known if name not in chosen]:
        notes.append(f"The {len(chosen)} largest of {len(known):,}; not drawn: {few(left)}")
    return {name: mine for name, mine in cells.items() if name in chosen}


def _shorter(
    tile: Tile, answer: TileAnswer, places: Places, series: Values, notes: list[str]
) -> tuple[list[str], Values, str]:
    """Twenty points: those next to each other in time together, of names the first ones."""
    count = len(places.all)
    if count <= MOST_POINTS or not places.are_times:
        if count > MOST_POINTS:
            notes.append(f"The first {MOST_POINTS} of {count:,}")
        labels = [places.label(n, n) for n in range(min(count, MOST_POINTS))]
        return distinct(labels, NAME), {name: values[:MOST_POINTS] for name, values in series.items()}, ""
    groups = grouped(count)
    pick = None if tile.chart == "bar" and tile.unit != "%" else answer.pick
    if pick is None and len(groups[0]) < len(groups[-1]):  # a sum of fewer would look like a low one
        del groups[0]
    each = count_of(len(groups[-1]), str(tile.x) if tile.x in TIMES else "point")
    begin = places.label(groups[0][0], groups[0][0])
    told = f"Sum per {each}, from {begin}" if pick is None else f"{pick.capitalize()} value per {each}"
    labels = distinct([places.label(group[0], group[-1]) for group in groups], NAME)
    points = {name: [one_of((values[n] for n in group), pick) for group in groups] for name, values in series.items()}
    return labels, points, told


Whole = tuple[list[str], dict[str, list[float]], frozenset[tuple[str, int]]]  # the labels, their values, the blanks


def _bars(labels: list[str], series: Values, notes: list[str]) -> Whole:
    """Every label at which there is a value. Where a series has none its bar is 0 high, which draws none."""
    at = _known(labels, series)
    found = {name: [values[n] for n in at] for name, values in series.items()}
    blanks = frozenset((name, n) for name, values in found.items() for n, value in enumerate(values) if value is None)
    if blanks:
        notes.append("No bar: no value")
    return [labels[n] for n in at], {name: [value or 0.0 for value in some] for name, some in found.items()}, blanks


def _without_gaps(labels: list[str], series: Values, notes: list[str]) -> Whole:
    """Labels at which every series has a value; a series that would cost the others most of theirs is left out."""
    at = _known(labels, series)
    kept, left = dict(series), list[str]()
    while len(kept) > 1 and 2 * len(_full(kept, at)) < len(at):
        left.append(min(kept, key=lambda name: len(_numbers(kept[name]))))
        del kept[left[-1]]
    full = _full(kept, at)
    if left:
        notes.append(f"Not drawn, as most of their values are missing: {few(left)}")
    if gaps := [label for n, label in enumerate(labels) if n not in full]:
        notes.append(f"No value: {few(gaps)}. The chart leaves {'them' if len(gaps) > 1 else 'it'} out")
    whole = {name: [value for n in full if (value := values[n]) is not None] for name, values in kept.items()}
    return [labels[n] for n in full], whole, frozenset()


def _known(labels: Sequence[str], series: Values) -> list[int]:
    """The places at which any series has a value."""
    return [n for n in range(len(labels)) if any(values[n] is not None for values in series.values())]


def _full(series: Values, at: Sequence[int]) -> list[int]:
    return [n for n in at if all(values[n] is not None for values in series.values())]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def few(names: Sequence[str]) -> str:
    """The first of what is left out, and how many others there are."""
    return listed([sanitize(name, NAME) for name in names[:MOST_NAMED]], MOST_NAMED, of=len(names))
