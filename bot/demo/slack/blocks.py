"""What Slack refuses in a message or a view, and what it sends when an element of one is pressed or filled in."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Json = dict[str, Any]
BLOCKS = {"header", "section", "context", "actions", "divider", "input", "image", "table"}
ELEMENTS = {"button", "overflow", "static_select", "plain_text_input", "image", "mrkdwn", "plain_text"}
MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # what it leads to
PRESSED_KEYS = {"type", "action_id", "block_id", "text", "value", "style", "placeholder", "confirm", "url"}


class SlackError(Exception):
    """An answer `{"ok": false, "error": code}`; `why` is for the reader of the answer."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"{code} {why}".strip())
        self.code, self.why = code, why


def flag(value: object) -> bool:
    """A boolean argument, which forms send as text."""
    return str(value).lower() in ("1", "true")


def parsed(value: object, error: str) -> Any:
    """An argument that may have been sent as JSON text; none that could not be said again: NaN, half a character."""
    if not isinstance(value, str | bytes):
        return value
    try:
        read = json.loads(value)
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as broken:
        raise SlackError(error) from broken
    return read


def parsed_object(body: bytes, error: str) -> Json:
    """A body that is to be a JSON object; raises SlackError, `error` where it is no JSON at all."""
    if not isinstance(read := parsed(body, error), dict):
        raise SlackError("json_not_object")
    return read


@contextmanager
def shaped(error: str) -> Iterator[None]:
    """Where arguments are read: a list where a text belongs, letters for a number … raise a SlackError."""
    try:
        yield
    except MISSHAPEN as wrong:
        raise SlackError(error, repr(wrong)) from wrong


def content(said: Json) -> Json:
    """The text and blocks of a message as Slack would take them."""
    text, blocks = str(said.get("text") or ""), checked_blocks(said.get("blocks"))
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > 40_000:
        raise SlackError("msg_too_long")
    if sum(map(len, _strings(blocks))) > 13_200:
        raise SlackError("msg_blocks_too_long")
    return {"text": text, "blocks": blocks} if blocks else {"text": text}


def metadata(said: Json) -> Json:
    """The metadata of a message, if it brings any."""
    given = parsed(said.get("metadata"), "invalid_metadata_format")
    if given is None:
        return {}
    if not isinstance(given, dict) or set(given) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not isinstance(given["event_type"], str) or not isinstance(given["event_payload"], dict):
        raise SlackError("invalid_metadata_schema")
    return {"metadata": given}


def checked_blocks(given: object, most: int = 50) -> list[Json]:
    """The blocks with their ids; raises `invalid_blocks` with the place and the rule."""
    blocks = parsed(given, "invalid_blocks_format") or []
    _need(isinstance(blocks, list) and all(isinstance(b, dict) for b in blocks), "a list of blocks")
    _need(len(blocks) <= most, f"at most {most} blocks")
    for number, block in enumerate(blocks):
        for rule, holds in _rules(block):
            _need(holds, f"/blocks/{number}: {rule}")
    blocks = [{"block_id": secrets.token_hex(3), **block} for block in blocks]
    _need(len({b["block_id"] for b in blocks}) == len(blocks), "block_id: unique")
    return blocks


def is_text(value: object, most: int, *kinds: str) -> bool:
    """Whether this is a text object of 1 to `most` characters."""
    known = isinstance(value, dict) and value.get("type") in (kinds or ("mrkdwn", "plain_text"))
    return known and isinstance(value, dict) and 1 <= len(str(value.get("text") or "")) <= most


def pressed(message: Json, action_id: str, value: str | None) -> Json:
    """The entry of `actions` for an element of this message; raises LookupError when it has none such."""
    for block in message.get("blocks", []):
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            options = [o for o in element.get("options", []) if value is None or o["value"] == value]
            same = value is None or element.get("value", value) == value
            if element.get("action_id") == action_id and same and (options or "options" not in element):
                sent = {k: v for k, v in element.items() if k in PRESSED_KEYS} | {"block_id": block["block_id"]}
                return sent | {"selected_option": options[0]} if options else sent
    raise LookupError(f"nothing to press: {action_id!r}, value {value!r}")


def filled(blocks: list[Json], values: Mapping[str, str]) -> Json:
    """`view.state.values` of a modal, its initial values where nothing else was filled in."""
    found: Json = {}
    for block in (b for b in blocks if b["type"] == "input"):
        element = block["element"]
        name = element.setdefault("action_id", block["block_id"])
        value = values.get(block["block_id"], values.get(name))
        if "options" in element:
            chosen = [o for o in element["options"] if o["value"] == value]
            key, got = "selected_option", chosen[0] if chosen else element.get("initial_option")
        else:
            key, got = "value", (value or None) if value is not None else element.get("initial_value")
        found[block["block_id"]] = {name: {"type": element["type"], key: got}}
    return found


def _need(holds: bool, rule: str) -> None:
    if not holds:
        raise SlackError("invalid_blocks", rule)


def _rules(block: Json) -> Iterator[tuple[str, bool]]:
    kind = block.get("type")
    elements = block.get("elements", [])
    yield f"block type {kind!r}", kind in BLOCKS
    if kind == "header":
        yield "text: plain_text of 1 to 150", is_text(block.get("text"), 150, "plain_text")
    elif kind == "section":
        fields = block.get("fields", [])
        yield "text: 1 to 3000", is_text(block["text"], 3000) if "text" in block else bool(fields)
        yield "fields: 10 of 1 to 2000", len(fields) <= 10 and all(is_text(f, 2000) for f in fields)
    elif kind == "context":
        yield "elements: 1 to 10", 1 <= len(elements) <= 10
    elif kind == "actions":
        ids = [e.get("action_id") for e in elements if e.get("action_id")]
        yield "elements: 1 to 25", 1 <= len(elements) <= 25
        yield "action_id: unique", len(set(ids)) == len(ids)
    elif kind == "input":
        yield "label: plain_text of 1 to 2000", is_text(block.get("label"), 2000, "plain_text")
        yield "element", "element" in block
    for element in [*elements, *(block[k] for k in ("accessory", "element") if k in block)]:
        yield from _element_rules(element)


def _element_rules(element: Json) -> Iterator[tuple[str, bool]]:
    kind, confirm = element.get("type"), element.get("confirm")
    yield f"element type {kind!r}", kind in ELEMENTS
    yield "action_id: up to 255", len(element.get("action_id", "")) <= 255
    if kind in ("mrkdwn", "plain_text"):
        yield "text: 1 to 2000", is_text(element, 2000)
    elif kind == "button":
        yield "text: plain_text of 1 to 75", is_text(element.get("text"), 75, "plain_text")
        yield "value: up to 2000", len(element.get("value", "")) <= 2000
        yield "style: primary or danger", element.get("style", "primary") in ("primary", "danger")
    elif kind in ("overflow", "static_select"):
        options = element.get("options", [])
        yield "options", 1 <= len(options) <= (5 if kind == "overflow" else 100)
        yield (
            "options: text of 1 to 75, value up to 150",
            all(is_text(o.get("text"), 75) and len(o.get("value", "")) <= 150 for o in options),
        )
    if confirm:
        yield (
            "confirm: title of 100, text of 300",
            is_text(confirm.get("title"), 100) and is_text(confirm.get("text"), 300),
        )
        buttons = [confirm[k] for k in ("confirm", "deny") if k in confirm]
        yield "confirm: buttons of 30", all(is_text(b, 30, "plain_text") for b in buttons)


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "text" and isinstance(value, str) else _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
