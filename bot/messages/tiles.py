"""`/sync-health tiles`: the tiles of the dashboard, and one of them as a chart, a table or a number."""

from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, datetime
from zoneinfo import ZoneInfo

from bot.charts import TIMES, Tile, TileAnswer, in_words, title_with_unit
from bot.messages.blocks import Block, Message, Native, context, section
from bot.messages.native import MOST_ROWS, MOST_SERIES, Cell, distinct, pie_chart, rows_that_fit, table, xy_chart
from bot.messages.phrases import warehouse_as_of
from bot.messages.text import ICONS, code, escape, figure
from bot.messages.tile_labels import Place, Places, place_of
from bot.messages.tile_series import Drawn, drawn_of, few, number_in
from bot.messages.trend import points_in_words
from bot.sanitize import sanitize
from checks.numbers import count_of, in_percent

COMMAND = "/sync-health tiles"
MOST_COLUMNS, CELL = 20, 60  # of a table; characters
OTHERS = "Other"


def tiles_message(tiles: Sequence[Tile]) -> Message:
    """What there is, and how to ask for one."""
    rows = [(str(tile.number), title_with_unit(tile), sanitize(tile.question, 200)) for tile in tiles]
    first = tiles[min(1, len(tiles) - 1)]
    how = f"{code(f'{COMMAND} {first.number}')} or {code(f'{COMMAND} {first.title.lower()}')} shows one."
    head = section(f"*{count_of(len(tiles), 'tile')} of the dashboard*", how)
    return Message(count_of(len(tiles), "tile"), (head, table(("#", "Tile", "Question"), rows, ZoneInfo("UTC"))))


def tile_message(answer: TileAnswer, zone: ZoneInfo, as_of: datetime) -> Message:
    """A tile as its file says that it is drawn; whatever its rows hold, something is said."""
    tile = answer.tile
    head = section(f"*{tile.number} · {escape(title_with_unit(tile), 100)}*", escape(tile.question, 500))
    body, said, small = _body(answer, zone)
    small += [escape(answer.said, 500)] if answer.said and answer.rows else []
    told = context(*small, warehouse_as_of(as_of, zone))
    return Message(f"{escape(title_with_unit(tile), 100)}: {escape(said, 500)}", (head, *body, told))


Parts = tuple[list[Block | Native], str, list[str]]  # the blocks, one sentence of them, small print


def _body(answer: TileAnswer, zone: ZoneInfo) -> Parts:
    if not answer.rows:
        return [section("The statement returned no rows.")], "no rows", []
    match answer.tile.chart:
        case "table":
            return _table(answer, zone)
        case "counter":
            return _counter(answer)
        case "pie":
            return _pie(answer, zone)
    return _curves(answer, zone)


def _table(answer: TileAnswer, zone: ZoneInfo) -> Parts:
    """Every column, up to twenty; of long values the beginning."""
    columns = list(answer.rows[0])
    shown = columns[:MOST_COLUMNS]
    rows = [tuple(_cell(row.get(name)) for name in shown) for row in answer.rows]
    kept = list(rows_that_fit(rows[:MOST_ROWS]))
    small = [f"{len(rows) - len(kept):,} more rows not shown"] if len(rows) > len(kept) else []
    if hidden := columns[MOST_COLUMNS:]:
        small.append(f"Columns not shown: {escape(', '.join(hidden), 300)}")
    heads = [in_words(name) for name in shown]
    return [table(heads, kept, zone)], count_of(len(rows), "row"), small


def _cell(value: object) -> Cell:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime() if not MINYEAR < value.year < MAXYEAR:  # stands for no time; in another zone it may be none
            return value.isoformat(" ", "minutes")
        case None | datetime():
            return value
        case int() | float():
            return value if number_in(value) is not None else sanitize(str(value), CELL)
    return sanitize(str(value), CELL)


def _counter(answer: TileAnswer) -> Parts:
    """The number of the first row, with the severity of the threshold beyond which it is."""
    tile, value = answer.tile, number_in(answer.rows[0].get(answer.tile.y[0]))
    if value is None:
        return _no_numbers(tile)
    worst = next((one for one in answer.thresholds if one.limit.holds(value)), None)
    said = _figure(value, answer)
    return [section(f"{ICONS[worst.severity]} *{said}*" if worst else f"*{said}*")], said, []


def _pie(answer: TileAnswer, zone: ZoneInfo) -> Parts:
    """The biggest parts, and what the others come to."""
    tile, parts = answer.tile, dict[Place, list[float]]()
    for row in answer.rows:
        if (value := number_in(row.get(tile.y[0]))) is not None and value > 0:
            parts.setdefault(place_of(row.get(str(tile.x)), timely=tile.x in TIMES), []).append(value)
    odd = len(answer.rows) - sum(map(len, parts.values()))
    if not parts:
        return _no_numbers(tile)
    places = Places(list(parts), zone, str(tile.x))
    named = [(places.label(n, n), some) for n, some in enumerate(parts.values())]
    ranked = sorted(((label, sum(some)) for label, some in named), key=lambda one: -one[1])
    shown = ranked if len(ranked) <= MOST_SERIES else ranked[: MOST_SERIES - 1]
    small = [f"{count_of(odd, 'row')} without a number above 0 left out"] if odd else []
    if several := [label for label, some in named if len(some) > 1]:
        small.append(f"Sum of several rows: {escape(few(several), 300)}")
    if rest := ranked[len(shown) :]:
        shown = [*shown, (OTHERS, sum(value for _, value in rest))]
    names = distinct([label for label, _ in shown], CELL)
    small += [f"{escape(names[-1], CELL)}: {len(rest):,} parts"] if rest else []
    total = sum(value for _, value in shown)
    segments = dict(zip(names, (value for _, value in shown), strict=True))
    lines = [f"{escape(name, 60)} {_figure(v, answer)} ({in_percent(100 * v / total)})" for name, v in segments.items()]
    said = f"most {names[0]}, {_figure(ranked[0][1], answer)}"
    return [pie_chart(title_with_unit(tile), segments, lines)], said, small


def _curves(answer: TileAnswer, zone: ZoneInfo) -> Parts:
    """A line, an area or bars."""
    tile, drawn = answer.tile, drawn_of(answer, zone)
    if drawn.unclear:
        return [section(escape(drawn.unclear, 500))], drawn.unclear, []
    if not drawn.labels:
        return _no_numbers(tile)
    last = _sentence(answer, drawn)
    small = [escape(one, 500) for one in drawn.notes]
    if len(drawn.labels) == 1:
        return [section(escape(last, 500), "A chart takes two points; there is one.")], last, small
    return [_chart(answer, drawn)], last, small


def _sentence(answer: TileAnswer, drawn: Drawn) -> str:
    """The newest values, of up to three series; of names that are no time the largest."""
    name, values = next(iter(drawn.series.items()))
    if not drawn.in_time:
        largest = max(range(len(values)), key=values.__getitem__)
        return f"most {drawn.labels[largest]}, {_told(drawn, answer, name, largest)}"
    several, last = len(drawn.series) > 1, len(values) - 1
    newest = [f"{one} " * several + _told(drawn, answer, one, last) for one in list(drawn.series)[:3]]
    return f"{drawn.labels[-1]}: {', '.join(newest)}"


def _told(drawn: Drawn, answer: TileAnswer, name: str, n: int) -> str:
    """The value of a series at a label, a dash for none."""
    return "–" if (name, n) in drawn.blanks else _figure(drawn.series[name][n], answer)


def _chart(answer: TileAnswer, drawn: Drawn) -> Native:
    tile = answer.tile
    told = [(name, [_told(drawn, answer, name, n) for n in range(len(drawn.labels))]) for name in drawn.series]
    lines = points_in_words(drawn.labels, told)
    assert tile.chart in ("line", "area", "bar"), tile.chart
    if drawn.caption:
        lines.insert(0, f"{escape(drawn.caption)}:")
    title = drawn.caption or title_with_unit(tile)
    return xy_chart(tile.chart, title, {**drawn.series, **drawn.thresholds}, drawn.labels, lines)


def _no_numbers(tile: Tile) -> Parts:
    columns = ", ".join(code(name, 60) for name in tile.y)
    return [section(f"There are rows, and no number in {columns}.")], "no number", []


def _figure(value: float, answer: TileAnswer) -> str:
    """`96.0%`, `20,274`; never rounded onto a threshold."""
    beside = [one.limit.number for one in answer.thresholds]
    return figure(value, "%" if answer.tile.unit == "%" else "", beside)
