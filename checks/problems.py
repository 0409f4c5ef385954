"""Configuration that cannot work, reported with its place and what to write instead."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

MOST = 20  # names in a suggestion
LONGEST = 60  # characters of a value that is quoted
FAMILIES = {  # the first part of pydantic's kinds of error
    "int": "a whole number, written in digits alone",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a block of keys and values",
    "model": "a block of keys and values",
}
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Written:
    """A piece of configuration as somebody wrote it, and a way to find the line of each part, if it has lines."""

    file: str
    data: object
    line: Callable[[Place], int] | None

    def part(self, place: Place) -> object:
        """What was written at this place; None where nothing was."""
        part: Any = self.data
        for key in place:
            try:
                part = part[key]
            except (LookupError, TypeError):
                return None
        return part

    def problem(self, place: Place, what: str) -> str:
        """`pipeline.yml:12: limits.coverage: …`"""
        name = ".".join(str(part) for part in place if not isinstance(part, int))
        where = f"{self.file}:{self.line(place)}" if self.line else self.file
        return " ".join(f"{where}: {name + ': ' if name else ''}{what}".split())


def nearest(word: str, known: Iterable[str]) -> str:
    """` did you mean "…"?` when something known is near, else what is known."""
    choices = sorted(known)
    close = close_to(word, choices)
    listed = ", ".join(choices if len(choices) <= MOST else [*choices[:MOST], "…"])
    return f'did you mean "{close}"?' if close else f"known are {listed}"


def close_to(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)), None)


def problems(written: Written, model: type[BaseModel], error: ValidationError, at: Place = ()) -> Iterator[str]:
    """Every problem that pydantic found, in our words. `at` is where in the file the model's data stand."""
    for found in error.errors(include_url=False):
        place = tuple(part for part in found["loc"] if part != "[key]")
        match found["type"]:
            case "extra_forbidden" | "invalid_key":
                what = f'unknown key "{place[-1]}": {nearest(str(place[-1]), _keys(model, place[:-1]))}'
            case "missing":
                yield written.problem((*at, *place[:-1]), f'"{place[-1]}" is missing')
                continue
            case "too_short" if len(found["input"]) >= found["ctx"]["min_length"]:
                continue  # there are some, and what is wrong with each of them is told
            case "value_error":
                what = str(found["ctx"]["error"])
            case kind if found["input"] is None:
                what = f"has no value: write {_expected(kind, found.get('ctx', {}))}"
            case kind:
                what = f"{shown(found['input'])} is not {_expected(kind, found.get('ctx', {}))}"
        yield written.problem((*at, *place), what)


def shown(value: object) -> str:
    """A value in YAML's words, short."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict() | list():
            return f"{'a' if value else 'an empty'} {'list' if isinstance(value, list) else 'mapping'}"
    text = '""' if value == "" else f'"{value}"' if isinstance(value, str) else str(value)
    return " ".join(text[:LONGEST].split()) + "…" * (len(text) > LONGEST)


def quoted(value: object) -> str:
    """The same where a text that cannot be read shall show each of its blanks."""
    return repr(value) if isinstance(value, str) else shown(value)


def _expected(kind: str, context: Mapping[str, object]) -> str:
    """What belongs there, by pydantic's kind of error."""
    match kind:
        case "literal_error" | "enum":
            return f"one of {str(context['expected']).replace(' or ', ', ').replace(chr(39), '')}"
        case "greater_than" | "greater_than_equal":
            return "a number above 0"
        case "string_too_long":
            return f"short enough: write {context['max_length']} characters at most"
        case "string_too_short" | "too_short":
            return "enough: write at least one"
    family = next((words for start, words in FAMILIES.items() if kind.startswith(start)), None)
    return family or f"valid here ({kind.replace('_', ' ')})"


def written_like(pattern: str, what: str) -> Callable[[str], str]:
    """A validator: text of this shape, else `"…" is not {what}`."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{shown(text)} is not {what}")
        return text

    return check


def _keys(model: type[BaseModel], place: Place) -> set[str]:
    """The keys that are allowed at a place inside a model."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            inner = _inner_model(model.model_fields[part].annotation)
            model = inner or model
    return {field.alias or name for name, field in model.model_fields.items()}


def _inner_model(annotation: object) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
