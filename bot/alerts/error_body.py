"""The errors in what a destination answers: JSON, JSON as text inside of JSON, JSON that was cut off, or plain text."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

LONGEST = 4000  # characters of a message that are looked at
DEPTH = 6  # of errors within errors
TEXTS = (
    *("message", "msg", "errorMessage", "error_message", "error_description", "detail", "details", "description"),
    *("reason", "title", "error", "type", "code"),
)
CODES = ("error", "errorCode", "error_code", "subCategory", "code", "category", "type")
FIELDS = ("propertyName", "fieldName", "field_name", "property", "field", "column", "attribute", "param", "in")
WITHIN = ("errors", "validationResults", "failures", "reasons", "results", "result", "error", "details")
STATUSES = ("status", "statusCode", "status_code", "code")

PAIR = re.compile(r'"(\w{1,40})"\s*:\s*(?:"((?:[^"\\]|\\.)*)("?)|(\d{3})\b)')
BODY = re.compile(r'\{\s*(?:"|$)|\[\s*\{')


@dataclass(frozen=True)
class RawError:
    """One error as it was written. Its text can quote the record; nothing of it has been cleaned."""

    text: str = ""
    code: str = ""
    field: str = ""
    status: int | None = None  # of HTTP

    def within(self, outer: "RawError") -> "RawError":
        """With what the error around it says and it does not."""
        code, field = self.code or outer.code, self.field or outer.field
        return replace(self, code=code, field=field, status=self.status or outer.status)


def raw_errors(message: str, depth: int = DEPTH) -> Iterator[RawError]:
    """The innermost errors of a message, at least one; of JSON only what stands where errors are described."""
    line = " ".join(message.split())[:LONGEST]
    begin = BODY.search(line)
    if not begin or not depth:
        yield RawError(line)
        return
    outer = RawError(line[: begin.start()])
    try:
        body, _ = json.JSONDecoder().raw_decode(line, begin.start())
        found = [error for error in _errors_in(body, depth) if error != RawError()]
    except (ValueError, RecursionError):
        found = [_cut_off(line[begin.start() :])]
    if any(error.text for error in found):
        yield from (error for error in found if error.text)
    else:
        yield from (replace(error, text=outer.text) for error in found or [outer])


def _errors_in(part: object, depth: int) -> Iterator[RawError]:
    if not depth:
        return
    if isinstance(part, str):
        yield from raw_errors(part, depth - 1)
    elif isinstance(part, list):
        for one in part:
            yield from _errors_in(one, depth - 1)
    elif isinstance(part, dict):
        own = _described(part)
        inner = [
            error.within(own)
            for key in WITHIN
            if isinstance(part.get(key), list | dict)
            for error in _nested(part[key], depth - 1)
        ]
        told = [error for error in inner if error.text]
        yield from told or (error.within(own) for error in raw_errors(own.text, depth - 1))


def _nested(part: object, depth: int) -> Iterator[RawError]:
    """Errors by field, `{"email": ["is invalid"]}`, or as any other part."""
    if isinstance(part, dict) and part and all(_is_texts(texts) for texts in part.values()):
        described = _described(part)
        if described.text or described.field:
            yield from _errors_in(part, depth)
        else:
            yield from (RawError(text, field=field) for field, texts in part.items() for text in texts)
    else:
        yield from _errors_in(part, depth)


def _is_texts(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(one, str) for one in part)


def _described(part: Mapping[str, object]) -> RawError:
    """What an object says of its own error."""
    named = (*FIELDS, "name") if {"isValid", "error"} & part.keys() else FIELDS
    context = part.get("context")
    near = (part, context) if isinstance(context, dict) else (part,)
    return RawError(
        next((text for key in TEXTS if (text := _text(part.get(key))) and " " in text), ""),
        next((code for key in CODES if (code := _text(part.get(key))) and " " not in code), ""),
        next((field for one in near for key in named if (field := _text(one.get(key)))), ""),
        next((n for key in STATUSES if type(n := part.get(key)) is int and 400 <= n <= 599), None),
    )


def _text(part: object) -> str:
    """A text, or the first of several."""
    one = part[0] if isinstance(part, list) and part else part
    return one.strip() if isinstance(one, str) else ""


def _cut_off(body: str) -> RawError:
    """The innermost error of JSON without an end: the last of each kind of text, the nearest code and field."""
    while '\\"' in body:
        body = body.replace('\\\\"', '\\"').replace('\\"', '"')
    pairs = PAIR.findall(body)
    texts = [text.rstrip("[{ ") for key, text, *_ in pairs if key in TEXTS and " " in text]
    codes = [text for key, text, end, _ in pairs if key in CODES and end and " " not in text]
    fields = [text for key, text, end, _ in pairs if key in FIELDS and end]
    status = next((int(number) for key, *_, number in pairs if key in STATUSES and number[:1] in ("4", "5")), None)
    return RawError(texts[-1] if texts else "", codes[-1] if codes else "", fields[-1] if fields else "", status)
