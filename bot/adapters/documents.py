"""Answers of other systems as pydantic models: read tolerantly, or compared with what is documented."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, WrapValidator, model_validator

MISSING, NEEDED = object(), object()
NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
NAMES |= {dict: "an object", list: "a list"}
SAYABLE = re.compile(r"[A-Za-z_ ]{1,30}")  # a new word of an enumeration; anything else could be somebody's value


class Document(BaseModel):
    """What is read of an object; a field without a default is documented to be there."""

    model_config = ConfigDict(strict=True, defer_build=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object, info: ValidationInfo) -> object:
        if info.context and not isinstance(data, Mapping):
            return data
        documented = {field.alias or name: MISSING for name, field in cls.model_fields.items() if field.is_required()}
        return documented | (dict(data) if isinstance(data, Mapping) else {})


T = TypeVar("T", bound=Document)


def fits(expected: str, otherwise: object = NEEDED, known: Collection[str] = (), called: str = "") -> WrapValidator:
    """A field that is compared with what is `expected` and the words that are `known`; read, it is more tolerant:

    new words are taken, and what is missing or something else is `otherwise`, unless the document needs it.
    """

    def read_value(given: object, read_typed: Callable[[object], object], info: ValidationInfo) -> object:
        if given is MISSING and not info.context and otherwise is not NEEDED:
            return otherwise
        try:
            value = read_typed(given)
        except ValidationError as error:
            ours = _own_words(error.errors()[0])
            if info.context and (given is MISSING or _name(given) not in expected):
                raise ValueError(_misfit(given, expected)) from None
            if info.context or otherwise is NEEDED or ours:
                raise ValueError(ours or f"{called or info.field_name} is missing") from None
            return otherwise
        if info.context and known and str(value).casefold() not in known:
            raise ValueError(f"an unknown word{f', “{value}”' if SAYABLE.fullmatch(str(value)) else ''}")
        return value

    return WrapValidator(read_value)


def read(model: type[T], answer: object) -> T:
    """The document. Raises ValueError, in words that can be shown, where it lacks what it cannot be without."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        raise ValueError(_own_words(error.errors()[0])) from None


def differences(model: type[Document], answer: object) -> list[str]:
    """`data.schedule_hour: a string where a whole number or null is expected`, for all that is read of an answer."""
    found: dict[str, None] = {}
    try:
        model.model_validate(answer, context="compare")
    except ValidationError as error:
        for one in error.errors():
            where = "".join("[]" if isinstance(step, int) else f".{step}" for step in one["loc"]).removeprefix(".")
            expected = "a list" if one["type"] == "list_type" else "an object"
            found[f"{where}: {_own_words(one) or _misfit(one['input'], expected)}"] = None
    return list(found)


def _misfit(value: object, expected: str) -> str:
    return "missing" if value is MISSING else f"{_name(value)} where {expected} is expected"


def _name(value: object) -> str:
    return NAMES.get(type(value), "something else")


def _own_words(error: Any) -> str:
    """What a validator of ours said; nothing of pydantic's, which may quote a value."""
    return str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
