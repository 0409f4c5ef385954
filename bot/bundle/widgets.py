"""Widgets of an AI/BI dashboard, by the chart that a tile asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.charts import TIMES, Threshold, Tile, draws_thresholds, in_words, title_with_unit
from checks.model import Severity

HEADER = 2  # rows of the grid that the title takes
VERSIONS = {"counter": 2, "table": 2}  # of the others it is 3
COLOURS = {Severity.WARN: 2, Severity.CRITICAL: 4}  # amber and red of the standard theme
PLAIN = {"type": "number-plain", "abbreviation": "none", "decimalPlaces": {"type": "max", "places": 2}}
Widget = dict[str, Any]


def widget(tile: Tile, columns: Sequence[str], lines: Sequence[Threshold], said: str) -> Widget:
    """One tile; `columns` are those of its answer, `said` what its thresholds are."""
    from sqlglot import exp

    drawn = lines if draws_thresholds(tile) else ()
    shown = (
        columns
        if tile.chart == "table"
        else [*filter(None, (tile.x, *tile.y, tile.series)), *(one.column for one in drawn)]
    )
    fields = [{"name": name, "expression": exp.to_identifier(name, quoted=True).sql("databricks")} for name in shown]
    query = {"datasetName": name_of(tile), "fields": fields, "disaggregated": True}
    return {
        "name": name_of(tile),
        "queries": [{"name": "main_query", "query": query}],
        "spec": {
            "version": VERSIONS.get(tile.chart, 3),
            "widgetType": tile.chart,
            "encodings": _encodings(tile, columns, lines),
            "frame": _frame(tile, said),
        },
    }


def name_of(tile: Tile) -> str:
    """What its dataset and its widget are called; two tiles may have one name, but never one number."""
    return f"{tile.number:02}_{tile.name}"[:60]


def text_widget(lines: Sequence[str]) -> Widget:
    """Markdown."""
    return {"name": "title", "multilineTextboxSpec": {"lines": list(lines)}}


def _frame(tile: Tile, said: str) -> Widget:
    return {
        "showTitle": True,
        "title": title_with_unit(tile),
        "showDescription": True,
        "description": f"{tile.question} {said}".strip(),
    }


def _encodings(tile: Tile, columns: Sequence[str], lines: Sequence[Threshold]) -> Widget:
    if tile.chart == "table":
        return {"columns": [{"fieldName": name, "displayName": in_words(name)} for name in columns]}
    if tile.chart == "counter":
        return {"value": {**_number(tile.y[0], tile.unit), "style": {"rules": [_rule(one) for one in lines]}}}
    if tile.chart == "pie":
        return {"angle": _quantity(tile), "color": _named(str(tile.x), "categorical")}
    scale = "temporal" if tile.chart != "bar" or tile.x in TIMES else "categorical"
    return {"x": _named(str(tile.x), scale), **_drawn(tile, lines if draws_thresholds(tile) else ())}


def _drawn(tile: Tile, lines: Sequence[Threshold]) -> Widget:
    """The y axis, and what tells several lines or bars of it apart."""
    if len(tile.y) == 1 and not lines:
        return {"y": _quantity(tile)} | ({"color": _named(tile.series, "categorical")} if tile.series else {})
    named = {tile.y[0]: tile.title} if len(tile.y) == 1 else {name: in_words(name) for name in tile.y}
    values = [{"fieldName": name, "displayName": text, "format": PLAIN} for name, text in named.items()]
    limits = [{"fieldName": one.column, "displayName": one.label} for one in lines]
    axis = {"scale": {"type": "quantitative"}, "axis": {"title": tile.unit}, "fields": [*values, *limits]}
    colours = [{"value": one.label, "color": _colour(one)} for one in lines]
    return {"y": axis} | ({"color": {"scale": {"type": "categorical", "mappings": colours}}} if colours else {})


def _quantity(tile: Tile) -> Widget:
    return {**_number(tile.y[0], tile.unit), "scale": {"type": "quantitative"}}


def _number(column: str, unit: str) -> Widget:
    return {"fieldName": column, "displayName": unit or in_words(column), "format": PLAIN}


def _named(column: str, scale: str) -> Widget:
    return {"fieldName": column, "displayName": in_words(column), "scale": {"type": scale}}


def _rule(line: Threshold) -> Widget:
    """The colour of a counter beyond a threshold; the first rule that holds decides."""
    operand = {"type": "data-value", "value": f"{line.limit.number:g}"}
    return {"condition": {"operand": operand, "operator": line.limit.comparison}, "color": _colour(line)}


def _colour(line: Threshold) -> Mapping[str, object]:
    return {"themeColorType": "visualizationColors", "position": COLOURS[line.severity]}
