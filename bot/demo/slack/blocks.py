"""What Slack refuses in a message or a view, and what it sends when an element of one is pressed or filled in."""

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bot.demo.slack.rules import ATTACHMENTS, faults, faults_together, strings
from bot.demo.slack.rules import Json as Json

MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # what it leads to
PRESSED_KEYS = {"type", "action_id", "block_id", "text", "value", "style", "placeholder", "confirm", "url"}


class SlackError(Exception):
    """An answer `{"ok": false, "error": code}`; `why` is for the reader of the answer."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"{code} {why}".strip())
        notes = {"errors": [why], "response_metadata": {"messages": [f"[ERROR] {why}"]}} if why else {}
        self.code, self.answer = code, {"ok": False, "error": code, **notes}


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


def content(said: Json, unknown: Collection[str] = ()) -> Json:
    """The text, blocks and attachments of a message as Slack would take them, without blocks of an unknown type."""
    text, blocks = str(said.get("text") or ""), checked_blocks(said.get("blocks"), unknown=unknown)
    attachments = _attachments(said.get("attachments"), unknown)
    every = [*blocks, *(block for one in attachments for block in one["blocks"])]
    if not text and not every:
        raise SlackError("no_text")
    if len(text) > 40_000:
        raise SlackError("msg_too_long")
    if [block["type"] for block in every].count("table") > 1:
        raise SlackError("invalid_attachments", "only_one_table_allowed")  # Slack keeps tables as attachments
    for fault in faults_together(every):
        raise SlackError("invalid_blocks", fault)
    if sum(map(len, strings(every))) > 13_200:
        raise SlackError("msg_blocks_too_long")
    parts = {"text": text, "blocks": blocks, "attachments": attachments}
    return {key: part for key, part in parts.items() if part or key == "text"}


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


def checked_blocks(
    given: object, most: int = 50, unknown: Collection[str] = (), at: str = "/blocks", error: str = "invalid_blocks"
) -> list[Json]:
    """The blocks with their ids; raises `error` with the rule and the place."""
    blocks = parsed(given, f"{error}_format" if error == "invalid_blocks" else error) or []
    for fault in faults(blocks, at, most, unknown):
        raise SlackError(error, fault)
    return [{"block_id": secrets.token_hex(3), **block} for block in blocks]


def pressed(message: Json, action_id: str, value: str | None) -> tuple[Json, Json]:
    """The entry of `actions` for an element of this message, and what of `container` says where it is; LookupError."""
    places: list[tuple[Json, list[Json]]] = [({"type": "message"}, message.get("blocks", []))]
    for one in message.get("attachments", []):
        place = {"type": "message_attachment", "attachment_id": one["id"], "is_app_unfurl": False}
        places.append((place, one["blocks"]))
    for place, blocks in places:
        if found := _pressed_in(blocks, action_id, value):
            return found, place
    raise LookupError(f"nothing to press: {action_id!r}, value {value!r}")


def pressed_in_view(view: Json, action_id: str, value: str | None) -> Json:
    """The entry of `actions` for an element of this view; LookupError."""
    if found := _pressed_in(view["blocks"], action_id, value):
        return found
    raise LookupError(f"nothing to press in the view: {action_id!r}, value {value!r}")


def _pressed_in(blocks: list[Json], action_id: str, value: str | None) -> Json | None:
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory", {})]:
            options = [o for o in element.get("options", []) if value is None or o.get("value") == value]
            same = value is None or element.get("value", value) == value
            if element.get("action_id") == action_id and same and (options or "options" not in element):
                sent = {k: v for k, v in element.items() if k in PRESSED_KEYS} | {"block_id": block["block_id"]}
                return sent | ({"selected_option": options[0]} if options else {})
    return None


def unfilled(blocks: list[Json], state: Json) -> dict[str, str]:
    """What Slack's own window says of fields before it sends them: by block_id, empty where all is well."""
    wrong = {}
    for block in (b for b in blocks if b["type"] == "input"):
        element = block["element"]
        field = state[block["block_id"]][element["action_id"]]
        text = field.get("value") or ""
        if not block.get("optional") and not text.strip() and not field.get("selected_option"):
            wrong[block["block_id"]] = "Complete this required field."
        elif len(text) > element.get("max_length", 3000):
            wrong[block["block_id"]] = f"Must be up to {element.get('max_length', 3000)} characters."
        elif text and len(text) < element.get("min_length", 0):
            wrong[block["block_id"]] = f"Must be at least {element['min_length']} characters."
    return wrong


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


def _attachments(given: object, unknown: Collection[str]) -> list[Json]:
    """The attachments as Slack keeps them; raises `invalid_attachments`, also where a block of theirs is wrong."""
    error = "invalid_attachments"
    attachments = parsed(given, error) or []
    for fault in ATTACHMENTS(attachments, "/attachments"):
        raise SlackError(error, fault)
    kept = []
    for number, one in enumerate(attachments):
        blocks = checked_blocks(one["blocks"], at=f"/attachments/{number}/blocks", error=error, unknown=unknown)
        kept.append({"fallback": "[no preview available]", **one, "id": number + 1, "blocks": blocks})
    return kept
