"""Slack's published limits of Block Kit, as rules that say where a block breaks them."""

import math
from collections.abc import Callable, Collection, Iterator
from typing import Any

Json = dict[str, Any]
Rule = tuple[str, str, bool]  # where below the block, what is to hold, whether it does
TABLE_ROWS, TABLE_COLUMNS, TABLE_CHARACTERS = 100, 20, 10_000
CHARTS, SERIES, POINTS, LABEL = 2, 12, 20, 20  # charts in a message; what one may hold, and a name's characters
IMAGES = ("image", "mrkdwn", "plain_text")
INTERACTIVE = ("button", "overflow", "static_select", "image")


def faults(blocks: object, at: str, most: int, unknown: Collection[str] = ()) -> Iterator[str]:
    """What Slack has against these blocks, each with its JSON pointer; `unknown` are types this place does not take."""
    if not isinstance(blocks, list):
        yield f"must be an array [json-pointer:{at}]"
        return
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
    for number, block in enumerate(blocks):
        for where, rule, holds in _block(block, unknown):
            if not holds:
                yield f"{rule} [json-pointer:{at}/{number}{where}]"


def faults_together(blocks: list[Json]) -> Iterator[str]:
    """What Slack has against the blocks of one message or view, those of its attachments among them."""
    kinds = [block["type"] for block in blocks]
    ids = [block["block_id"] for block in blocks]
    cells = [cell for block in blocks for row in block.get("rows", []) for cell in row]
    if len(set(ids)) < len(ids):
        yield "block_id must be unique"
    if kinds.count("data_visualization") > CHARTS:
        yield "too many data_visualization blocks"
    if sum(map(len, strings(cells))) > TABLE_CHARACTERS:
        yield f"no more than {TABLE_CHARACTERS} characters in all cells of tables"


def faults_of_attachments(attachments: object) -> Iterator[str]:
    """What Slack has against attachments of blocks, apart from their blocks."""
    if not isinstance(attachments, list):
        yield "must be an array [json-pointer:/attachments]"
        return
    for number, one in enumerate(attachments):
        color = str(one.get("color") or "good")
        hexadecimal = len(color) == 7 and color[0] == "#" and not set(color[1:]) - set("0123456789abcdefABCDEF")
        rules = {
            "only color, blocks and fallback": not set(one) - {"id", "color", "blocks", "fallback"},
            "color: #RRGGBB, good, warning or danger": hexadecimal or color in ("good", "warning", "danger"),
            "blocks": bool(one.get("blocks")),
        }
        yield from (f"{rule} [json-pointer:/attachments/{number}]" for rule, holds in rules.items() if not holds)


def is_text(value: object, most: int, *kinds: str) -> bool:
    """Whether this is a text object of 1 to `most` characters."""
    match value:
        case {"type": kind, "text": str(text)}:
            return kind in (kinds or ("mrkdwn", "plain_text")) and 1 <= len(text) <= most
    return False


def strings(node: object) -> Iterator[str]:
    """What Slack counts as the characters of a message."""
    if isinstance(node, dict):
        for key, value in node.items():
            counts = key in ("text", "alt_text", "title", "value", "label", "name") and isinstance(value, str)
            yield from [value] if counts else strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def _block(block: Any, unknown: Collection[str]) -> Iterator[Rule]:
    kind = block.get("type") if isinstance(block, dict) else None
    yield "/type", f"unsupported type: {kind}", kind in BLOCKS and kind not in unknown
    rules, keys = BLOCKS[kind]
    yield _known("", block, f"block_id {keys}")
    yield _short("/block_id", block.get("block_id", ""), 0, 255)
    yield from rules(block)


def _known(where: str, node: Json, keys: str) -> Rule:
    odd = sorted(set(node) - set(f"type visible_to_user_ids {keys}".split()))
    return where, f"invalid additional property: {', '.join(odd)}", not odd


def _text(where: str, value: object, most: int, *kinds: str) -> Rule:
    return where, f"{' or '.join(kinds) or 'text'} of 1 to {most} characters", is_text(value, most, *kinds)


def _short(where: str, value: object, least: int, most: int) -> Rule:
    return where, f"{least} to {most} characters", isinstance(value, str) and least <= len(value) <= most


def _some(where: str, items: object, least: int, most: int) -> Rule:
    return where, f"{least} to {most} items", isinstance(items, list) and least <= len(items) <= most


def _nothing(_: Json) -> Iterator[Rule]:
    yield from ()


def _header(block: Json) -> Iterator[Rule]:
    yield _text("/text", block.get("text"), 150, "plain_text")


def _section(block: Json) -> Iterator[Rule]:
    fields = block.get("fields", [])
    yield "", "text or fields", "text" in block or bool(fields)
    if "text" in block:
        yield _text("/text", block["text"], 3000)
    yield _some("/fields", fields, 0, 10)
    yield from (_text(f"/fields/{n}", field, 2000) for n, field in enumerate(fields))
    if "accessory" in block:
        yield from _element("/accessory", block["accessory"], INTERACTIVE)


def _context(block: Json, most: int = 10, kinds: Collection[str] = IMAGES) -> Iterator[Rule]:
    elements = block.get("elements")
    yield _some("/elements", elements, 1, most)
    for number, element in enumerate(elements or []):
        yield from _element(f"/elements/{number}", element, kinds)


def _actions(block: Json) -> Iterator[Rule]:
    yield from _context(block, 25, INTERACTIVE[:3])
    ids = [e["action_id"] for e in block["elements"] if e.get("action_id")]
    yield "/elements", "action_id must be unique", len(set(ids)) == len(ids)


def _image(block: Json) -> Iterator[Rule]:
    yield _short("/alt_text", block.get("alt_text"), 1, 2000)


def _input(block: Json) -> Iterator[Rule]:
    yield _text("/label", block.get("label"), 2000, "plain_text")
    yield from _element("/element", block.get("element", {}), ("plain_text_input", "static_select"))


def _rich(block: Json) -> Iterator[Rule]:
    yield "/elements", "rich text", _is_rich(block)


def _table(block: Json) -> Iterator[Rule]:
    rows, columns = block.get("rows"), block.get("column_settings", [])
    yield _some("/rows", rows, 1, TABLE_ROWS)
    yield _some("/column_settings", columns, 0, TABLE_COLUMNS)
    for n, column in enumerate(columns):
        known = {"align": ("left", "center", "right"), "is_wrapped": (True, False)}
        yield f"/column_settings/{n}", "align and is_wrapped", all(v in known.get(k, ()) for k, v in column.items())
    for n, row in enumerate(rows or []):
        yield _some(f"/rows/{n}", row, 0, TABLE_COLUMNS)
        for m, cell in enumerate(row):
            yield f"/rows/{n}/{m}", "raw_text, raw_number (with value and text) or rich_text", _is_cell(cell)


def _chart(block: Json) -> Iterator[Rule]:
    chart = block.get("chart", {})
    yield _short("/title", block.get("title"), 1, 50)
    yield "/chart/type", "line, bar, area or pie", chart.get("type") in ("line", "bar", "area", "pie")
    yield _known("/chart", chart, "segments" if chart["type"] == "pie" else "series axis_config")
    if chart["type"] == "pie":
        yield _some("/chart/segments", chart.get("segments"), 1, SERIES)
        yield from _points("/chart/segments", chart["segments"])
        yield "/chart/segments", "values above 0", all(one["value"] > 0 for one in chart["segments"])
        return
    axis, series = chart.get("axis_config", {}), chart.get("series", [])
    categories = axis.get("categories")
    yield _some("/chart/axis_config/categories", categories, 1, POINTS)
    yield from (_short("/chart/axis_config/categories", one, 1, LABEL) for one in categories or [])
    yield _known("/chart/axis_config", axis, "categories x_label y_label")
    yield from (_short(f"/chart/axis_config/{k}", axis[k], 0, 50) for k in ("x_label", "y_label") if k in axis)
    yield _some("/chart/series", series, 1, SERIES)
    yield "/chart/series", "unique names", len({one.get("name") for one in series}) == len(series)
    for n, one in enumerate(series):
        yield _short(f"/chart/series/{n}/name", one.get("name"), 1, LABEL)
        yield from _points(f"/chart/series/{n}/data", one.get("data", []))
        labels = [point["label"] for point in one.get("data", [])]
        yield f"/chart/series/{n}/data", "one point for each category, in their order", labels == categories


def _points(where: str, points: list[Json]) -> Iterator[Rule]:
    for number, point in enumerate(points):
        value = point.get("value")
        yield _short(f"{where}/{number}/label", point.get("label"), 1, LABEL)
        number_given = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        yield f"{where}/{number}/value", "must be a number", number_given


def _element(where: str, element: Json, kinds: Collection[str]) -> Iterator[Rule]:
    kind, confirm = element.get("type"), element.get("confirm")
    yield f"{where}/type", f"unsupported type: {kind}", kind in kinds
    yield _known(where, element, ELEMENTS[str(kind)])
    yield _short(f"{where}/action_id", element.get("action_id", ""), 0, 255)
    if kind in ("mrkdwn", "plain_text"):
        yield _text(where, element, 2000)
    elif kind == "button":
        yield _text(f"{where}/text", element.get("text"), 75, "plain_text")
        yield from _sent(where, element, 2000)
        yield f"{where}/style", "primary or danger", element.get("style", "primary") in ("primary", "danger")
    elif kind in ("overflow", "static_select"):
        options = element.get("options")
        yield _some(f"{where}/options", options, 1, 5 if kind == "overflow" else 100)
        for number, option in enumerate(options or []):
            yield _known(f"{where}/options/{number}", option, "text value url description")
            yield _text(f"{where}/options/{number}/text", option.get("text"), 75, "plain_text")
            yield from _sent(f"{where}/options/{number}", option, 150)
    if confirm:
        limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
        asked = [key for key in limits if key in confirm or key in ("title", "text")]
        yield from (_text(f"{where}/confirm/{key}", confirm.get(key), limits[key]) for key in asked)


def _sent(where: str, holder: Json, most: int) -> Iterator[Rule]:
    yield _short(f"{where}/value", holder.get("value", ""), 0, most)
    yield _short(f"{where}/url", holder.get("url", ""), 0, 3000)


def _is_cell(cell: object) -> bool:
    match cell:
        case {"type": "raw_text", "text": str(text), **more}:
            return bool(text) and not more
        case {"type": "raw_number", "value": int() | float() as value, "text": str(text), **more}:
            return bool(text) and not more and not isinstance(value, bool)
        case {"type": "rich_text"}:
            return _is_rich(cell)
    return False


def _is_rich(node: object) -> bool:
    match node:
        case {"type": str(kind), "elements": list(inside)} if kind.startswith("rich_text"):
            return all(map(_is_rich, inside))
        case (
            {"type": "text", "text": str(said)}
            | {"type": "link", "url": str(said)}
            | {"type": "emoji", "name": str(said)}
        ):
            return bool(said)
        case {"type": "user", "user_id": str()} | {"type": "date", "timestamp": int(), "format": str()}:
            return True
    return False


BLOCKS: dict[object, tuple[Callable[[Json], Iterator[Rule]], str]] = {  # by type: its rules and its keys
    "header": (_header, "text"),
    "section": (_section, "text fields accessory expand"),
    "context": (_context, "elements"),
    "actions": (_actions, "elements"),
    "divider": (_nothing, ""),
    "image": (_image, "image_url slack_file alt_text title"),
    "input": (_input, "label element hint optional dispatch_action"),
    "rich_text": (_rich, "elements"),
    "table": (_table, "rows column_settings"),
    "data_visualization": (_chart, "title chart"),
}
ELEMENTS = {  # by type: its keys
    "button": "action_id text value url style confirm accessibility_label",
    "overflow": "action_id options confirm",
    "static_select": "action_id options placeholder initial_option confirm focus_on_load",
    "plain_text_input": "action_id placeholder initial_value multiline min_length max_length focus_on_load",
    "image": "image_url slack_file alt_text",
    "mrkdwn": "text verbatim",
    "plain_text": "text emoji",
}
