"""Tables and charts as Slack draws them itself, each with the text that stands for it where a workspace refuses it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from bot.messages.blocks import Block, Native, sections
from bot.messages.text import LONGEST_ADDRESS, PERSON, TIME, anchor, day_and_time, escape, person, with_times
from bot.sanitize import sanitize
from checks.numbers import in_figures

MOST_ROWS, MOST_POINTS = 50, 20  # of a table, so that it fits into a message beside others; of a chart
MOST_SERIES = 6  # and as many segments
TEXTS = 8000  # characters of all cells together: Slack takes 10,000 of a table, and its text has to fit, too
WHEN = 24  # what a time takes
CELL, TITLE, LABEL = 200, 50, 20  # characters
NOTHING = "–"
IN_BRACES = re.compile(r"(\{[^{}]+\})")


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere."""

    label: str
    address: str | None


@dataclass(frozen=True)
class By:
    """A cell that names a user or a user group by its Slack id."""

    id: str


@dataclass(frozen=True)
class Told:
    """A cell of a stored text, in which times and people stand in braces: see messages.text.with_times."""

    text: str


Cell = Told | str | int | float | datetime | Link | By | None


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], zone: ZoneInfo) -> Native:
    """A table; a column whose cells are numbers is aligned right. What does not fit is counted in its last row."""
    shown = list(rows_that_fit(map(tuple, rows[:MOST_ROWS])))
    numeric = [_is_numeric([row[at] for row in shown]) for at in range(len(columns))]
    cells = [[_raw(name) for name in columns], *([_cell(cell, zone) for cell in row] for row in shown)]
    lines = [_line(columns, row, zone) for row in shown]
    if hidden := len(rows) - len(shown):
        lines.append(f"… and {hidden:,} more")
        cells.append([_raw(lines[-1]), *(_raw(NOTHING) for _ in columns[1:])])
    settings = [{"align": "right" if right else "left", "is_wrapped": not right} for right in numeric]
    return Native({"type": "table", "column_settings": settings, "rows": cells}, tuple(sections(lines)))


def rows_that_fit(rows: Iterable[tuple[Cell, ...]], most: int = TEXTS) -> Iterator[tuple[Cell, ...]]:
    """The first rows, until their cells have so many characters together."""
    used = 0
    for row in rows:
        used += sum(_length(cell) for cell in row)
        if used > most:
            return
        yield row


def line_chart(title: str, series: Mapping[str, Sequence[float]], labels: Sequence[str], instead: str) -> Native:
    """A line for each series, over the same labels, which differ from each other."""
    return xy_chart("line", title, series, labels, [instead])


def xy_chart(
    kind: Literal["line", "area", "bar"],
    title: str,
    series: Mapping[str, Sequence[float]],
    labels: Sequence[str],
    instead: Sequence[str],
) -> Native:
    """Series over the same labels: up to six, of the last 20 points; `instead` are lines of text.

    Slack takes no missing point: every series has a value for every label.
    """
    names = distinct(labels[-MOST_POINTS:])
    kept = dict(list(series.items())[:MOST_SERIES])
    drawn = [
        {
            "name": name,
            "data": [
                {"label": label, "value": value} for label, value in zip(names, values[-MOST_POINTS:], strict=True)
            ],
        }
        for name, values in zip(distinct(list(kept)), kept.values(), strict=True)
    ]
    return _chart(title, {"type": kind, "series": drawn, "axis_config": {"categories": names}}, instead)


def pie_chart(title: str, segments: Mapping[str, float], instead: Sequence[str]) -> Native:
    """A pie of up to six values above zero."""
    kept = [(label, value) for label, value in segments.items() if value > 0][:MOST_SERIES]
    names = distinct([label for label, _ in kept])
    parts = [{"label": name, "value": value} for name, (_, value) in zip(names, kept, strict=True)]
    return _chart(title, {"type": "pie", "segments": parts}, instead)


def distinct(labels: Sequence[str], most: int = LABEL) -> list[str]:
    """Labels as short as Slack takes them, which still differ: `Feed 7`, `Feed 7 (2)`."""
    used: dict[str, None] = {}
    for label in labels:
        short, n = sanitize(label, most) or NOTHING, 1
        while short in used:
            n += 1
            short = f"{sanitize(label, most - len(f' ({n})')) or NOTHING} ({n})"
        used[short] = None
    return list(used)


def _chart(title: str, chart: Block, instead: Sequence[str]) -> Native:
    block = {"type": "data_visualization", "title": sanitize(title, TITLE), "chart": chart}
    return Native(block, tuple(sections(instead)))


def _is_numeric(cells: Sequence[Cell]) -> bool:
    """Whether a column holds numbers and nothing else; one of gaps alone is read as text."""
    known = [cell for cell in cells if cell is not None]
    return all(isinstance(cell, int | float) for cell in known) and bool(known or not cells)


def _length(cell: Cell) -> int:
    text = cell.text if isinstance(cell, Told) else cell
    return min(len(text), CELL) if isinstance(text, str) else WHEN


def _line(columns: Sequence[str], row: Sequence[Cell], zone: ZoneInfo) -> str:
    """A row as text: numbers are followed by what they count."""
    told = [
        cell_text(cell, zone) + (f" {escape(name.lower(), CELL)}" if isinstance(cell, int) else "")
        for name, cell in zip(columns, row, strict=True)
        if cell not in (None, "")
    ]
    return " · ".join(told)


def cell_text(cell: Cell, zone: ZoneInfo) -> str:
    """A cell as mrkdwn."""
    match cell:
        case datetime():
            return day_and_time(cell, zone)
        case Link():
            return anchor(cell.label, cell.address)
        case By():
            return person(cell.id)
        case Told():
            return with_times(cell.text or NOTHING, zone, CELL)
        case int() | float():
            return in_figures(cell) if isinstance(cell, float) else f"{cell:,}"
    return escape(cell or NOTHING, CELL)


def _cell(cell: Cell, zone: ZoneInfo) -> Block:
    match cell:
        case datetime():
            return _rich(_date(cell, zone))
        case Link(address=str() as address) if len(address) <= LONGEST_ADDRESS:
            return _rich({"type": "link", "url": address, "text": sanitize(cell.label, CELL)})
        case Link():
            return _raw(cell.label)
        case By():
            return _rich(_mention(cell.id))
        case Told():
            parts = _parts(cell.text, zone)
            return _rich(*parts) if any(part["type"] != "text" for part in parts) else _raw(cell.text)
        case int() | float():
            return _raw(in_figures(cell) if isinstance(cell, float) else f"{cell:,}")
    return _raw(cell or NOTHING)


def _raw(text: str) -> Block:
    return {"type": "raw_text", "text": sanitize(text, CELL) or NOTHING}


def _rich(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def _date(at: datetime, zone: ZoneInfo) -> Block:
    written, form = f"{at.astimezone(zone):%Y-%m-%d %H:%M}", "{date_short_pretty} at {time}"
    return {"type": "date", "timestamp": int(at.timestamp()), "format": form, "fallback": written}


def _mention(id_: str) -> Block:
    kind = "usergroup" if id_.startswith("S") else "user"
    return {"type": kind, f"{kind}_id": id_}


def _parts(text: str, zone: ZoneInfo) -> list[Block]:
    """A stored text as rich text: between its words the times and people that it names."""
    parts: list[Block] = []
    for part in IN_BRACES.split(sanitize(text, CELL) or NOTHING):
        if who := PERSON.fullmatch(part):
            parts.append(_mention(who[1]))
        elif at := _moment(part):
            parts.append(_date(at, zone))
        elif part:
            parts.append({"type": "text", "text": part})
    return parts


def _moment(part: str) -> datetime | None:
    try:
        return datetime.fromisoformat(part[1:-1]) if TIME.fullmatch(part) else None
    except ValueError:  # somebody's own braces
        return None
