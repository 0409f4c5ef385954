"""Slack's published limits of Block Kit as a table, and how to say where something breaks them."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Check = Callable[[Any, str], Iterator[str]]  # a value and its JSON pointer: what Slack has against it
TABLE_CHARACTERS, CHARTS = 10_000, 2  # in all tables, and how many charts, of one message


def faults(blocks: object, at: str, most: int, unknown: Collection[str] = ()) -> Iterator[str]:
    """What Slack has against these blocks; `unknown` are types that this place does not take.

    Whoever goes on after the first fault may come upon values of another kind than expected.
    """
    yield from items(0, most, typed({kind: check for kind, check in BLOCKS.items() if kind not in unknown}))(blocks, at)


def faults_together(blocks: list[Json]) -> Iterator[str]:
    """What Slack has against the blocks of one message or view, those of its attachments among them."""
    ids, kinds = [block["block_id"] for block in blocks], [block["type"] for block in blocks]
    cells = [cell for block in blocks for row in block.get("rows", []) for cell in row]
    if len(set(ids)) < len(ids):
        yield "block_id must be unique"
    if kinds.count("data_visualization") > CHARTS:
        yield "too many data_visualization blocks"
    if sum(map(len, strings(cells))) > TABLE_CHARACTERS:
        yield f"no more than {TABLE_CHARACTERS} characters in all cells of tables"


def strings(node: object) -> Iterator[str]:
    """What Slack counts as the characters of a message."""
    if isinstance(node, dict):
        for key, value in node.items():
            counts = key in ("text", "alt_text", "title", "value", "label", "name") and isinstance(value, str)
            yield from [value] if counts else strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


def must(rule: str, holds: Callable[[Any], bool]) -> Check:
    """A value for which this holds."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not holds(value):
            yield f"{rule} [json-pointer:{at}]"

    return check


def string(least: int, most: int) -> Check:
    """A text of so many characters."""
    return must(f"must be {least} to {most} characters", lambda v: isinstance(v, str) and least <= len(v) <= most)


def items(least: int, most: int, each: Check) -> Check:
    """A list of so many such things."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list) or len(value) < least:
            yield f"must be an array of at least {least} items [json-pointer:{at}]"
        if len(value) > most:
            yield f"no more than {most} items allowed [json-pointer:{at}]"
        for number, one in enumerate(value):
            yield from each(one, f"{at}/{number}")

    return check


def having(parts: Mapping[str, Check]) -> Check:
    """An object with these keys, of which those with a `?` may be missing, and a type if it likes."""
    known = {key.rstrip("?"): check for key, check in parts.items()}

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"must provide an object [json-pointer:{at}]"
        for key in parts.keys() - value.keys():
            if not key.endswith("?"):
                yield f"missing required field: {key} [json-pointer:{at}]"
        for key, part in value.items():
            if key in known:
                yield from known[key](part, f"{at}/{key}")
            elif key not in ("type", "visible_to_user_ids"):
                yield f"invalid additional property: {key} [json-pointer:{at}]"

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object of one of these types."""

    def check(value: Any, at: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        yield from kinds[str(kind)](value, at)

    return check


def text(most: int, *kinds: str) -> Check:
    """A text object."""
    shape = having({"text": string(1, most), "emoji?": FLAG, "verbatim?": FLAG})
    return typed(dict.fromkeys(kinds or ("mrkdwn", "plain_text"), shape))


def plain(most: int) -> Check:
    """A text object without markup."""
    return text(most, "plain_text")


def _section(value: Any, at: str) -> Iterator[str]:
    yield from SECTION(value, at)
    if not value.get("text") and not value.get("fields"):
        yield f"must have text or fields [json-pointer:{at}]"


def _actions(value: Any, at: str) -> Iterator[str]:
    yield from having({**ID, "elements": items(1, 25, typed(PRESSED))})(value, at)
    ids = [one["action_id"] for one in value["elements"] if one.get("action_id")]
    if len(set(ids)) < len(ids):
        yield f"action_id must be unique [json-pointer:{at}/elements]"


def _curves(value: Any, at: str) -> Iterator[str]:
    yield from CURVES(value, at)
    names = [one["name"] for one in value["series"]]
    if len(set(names)) < len(names):
        yield f"names must be unique [json-pointer:{at}/series]"
    for number, one in enumerate(value["series"]):
        if [point["label"] for point in one["data"]] != value["axis_config"]["categories"]:
            yield f"must have one point for each category, in their order [json-pointer:{at}/series/{number}/data]"


def _rich(value: Any, at: str) -> Iterator[str]:
    yield from typed(RICH)(value, at)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


ANY, FLAG = must("", lambda _: True), must("must be a boolean", lambda value: isinstance(value, bool))
NUMBER, URL, LABEL = must("must be a number", _is_number), string(0, 3000), string(1, 20)
ABOVE_ZERO = must("must be more than 0", lambda value: _is_number(value) and value > 0)
STYLE = must("must be primary or danger", lambda value: value in ("primary", "danger"))
ALIGN = must("must be left, center or right", lambda value: value in ("left", "center", "right"))
HEX = re.compile("#[0-9A-Fa-f]{6}|good|warning|danger")
COLOR = must("must be #RRGGBB, good, warning or danger", lambda value: bool(HEX.fullmatch(value)))
ID, ACTION = {"block_id?": string(0, 255)}, {"action_id?": string(0, 255)}
BUTTONS = {"confirm?": plain(30), "deny?": plain(30), "style?": STYLE}
CONFIRM: dict[str, Check] = {"confirm?": having({"title": text(100), "text": text(300), **BUTTONS})}
OPTION = having({"text": plain(75), "value?": string(0, 150), "url?": URL, "description?": plain(75)})
ASKED = {"placeholder?": plain(150), "focus_on_load?": FLAG}
SELECT = having({"options": items(1, 100, OPTION), "initial_option?": OPTION, **ASKED, **ACTION, **CONFIRM})
BUTTON: dict[str, Check] = {"text": plain(75), "value?": string(0, 2000), "url?": URL, "style?": STYLE}
RADIO_OPTION = having({"text": text(75), "value": string(1, 150), "description?": text(75)})
RADIOS = {"options": items(1, 10, RADIO_OPTION), "initial_option?": RADIO_OPTION, "focus_on_load?": FLAG}
RADIO = having({**RADIOS, **ACTION, **CONFIRM})
PRESSED: dict[str, Check] = {
    "button": having({**BUTTON, **ACTION, **CONFIRM}),
    "overflow": having({"options": items(1, 5, OPTION), **ACTION, **CONFIRM}),
    "static_select": SELECT,
    "radio_buttons": RADIO,
}
IMAGE = {"image_url?": URL, "slack_file?": ANY, "alt_text": string(1, 2000)}
SHOWN = {"image": having(IMAGE), "mrkdwn": text(2000, "mrkdwn"), "plain_text": plain(2000)}
ACCESSORY = typed({**PRESSED, "image": SHOWN["image"]})
WORDS = {"text?": text(3000), "fields?": items(0, 10, text(2000))}
SECTION = having({**ID, **WORDS, "accessory?": ACCESSORY, "expand?": FLAG})
LENGTH = must("must be from 0 to 3000", lambda value: isinstance(value, int) and 0 <= value <= 3000)
TYPED = {"initial_value?": string(0, 3000), "multiline?": FLAG, "min_length?": LENGTH, "max_length?": LENGTH}
WRITTEN = having({**TYPED, **ASKED, **ACTION})
FILLED = typed({"static_select": SELECT, "radio_buttons": RADIO, "plain_text_input": WRITTEN})
RICH_PARTS = {"elements": items(0, 1000, _rich), **dict.fromkeys(("style?", "indent?", "offset?", "border?"), ANY)}
LITERAL = string(1, TABLE_CHARACTERS)
FONT = {"style?": having(dict.fromkeys(("bold?", "italic?", "strike?", "code?"), FLAG))}
RICH: dict[str, Check] = {
    **{f"rich_text_{kind}": having(RICH_PARTS) for kind in ("section", "list", "quote", "preformatted")},
    "text": having({"text": LITERAL, **FONT}),
    "link": having({"url": string(1, 3000), "text?": LITERAL, **FONT}),
    "emoji": having({"name": LITERAL, "unicode?": ANY}),
    "user": having({"user_id": LITERAL, **FONT}),
    "date": having({"timestamp": NUMBER, "format": LITERAL, "url?": URL, "fallback?": ANY, **FONT}),
}
RICH_TEXT = having({**ID, "elements": items(0, 1000, _rich)})
NUMERAL = having({"value": NUMBER, "text": LITERAL})
CELL = typed({"raw_text": having({"text": LITERAL}), "raw_number": NUMERAL, "rich_text": RICH_TEXT})
COLUMNS = items(0, 20, having({"align?": ALIGN, "is_wrapped?": FLAG}))
AXES = having({"categories": items(1, 20, LABEL), "x_label?": string(0, 50), "y_label?": string(0, 50)})
POINTS = items(1, 20, having({"label": LABEL, "value": NUMBER}))
CURVES = having({"axis_config": AXES, "series": items(1, 12, having({"name": LABEL, "data": POINTS}))})
PIE = having({"segments": items(1, 12, having({"label": LABEL, "value": ABOVE_ZERO}))})
CHART = typed({"pie": PIE, "line": _curves, "bar": _curves, "area": _curves})
ASKING = {"label": plain(2000), "element": FILLED, "hint?": plain(2000), "optional?": FLAG, "dispatch_action?": FLAG}
BLOCKS: dict[str, Check] = {
    "header": having({**ID, "text": plain(150)}),
    "section": _section,
    "context": having({**ID, "elements": items(1, 10, typed(SHOWN))}),
    "actions": _actions,
    "divider": having(ID),
    "image": having({**ID, **IMAGE, "title?": plain(2000)}),
    "input": having({**ID, **ASKING}),
    "rich_text": RICH_TEXT,
    "table": having({**ID, "rows": items(1, 100, items(0, 20, CELL)), "column_settings?": COLUMNS}),
    "data_visualization": having({**ID, "title": string(1, 50), "chart": CHART}),
}
TITLE = plain(24)
BAR = having({"id?": ANY, "color?": COLOR, "fallback?": ANY, "blocks": items(1, 5, ANY)})
ATTACHMENTS = items(0, 50, BAR)
