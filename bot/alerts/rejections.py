"""Why records were rejected: the destination's errors → a cause and the next step. Nothing personal gets past here.

Errors of a destination that has a table of codes are read by their codes, those of any other by what they say.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.alerts.error_body import LONGEST
from bot.alerts.error_text import ErrorText, error_texts
from bot.sanitize import HIDDEN, shown_id

IDENTIFIER = 100  # characters of an identifier; a longer one is cut, and no record is told by it


class Needs(StrEnum):
    """Who or what can help. Only what is transient is worth a rerun."""

    TRANSIENT = "transient"
    BATCH = "batch"  # smaller ones
    QUOTA = "quota"
    DATA = "data"
    IDENTITY = "identity"
    MAPPING = "mapping"
    PERMISSION = "permission"
    AUTOMATION = "automation"
    SOURCE = "source"
    UNKNOWN = "unknown"


Phrase = Annotated[str, Field(min_length=5)]


class Words(BaseModel):
    """Words that say more than the code before them; a `…` in them stands for anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: Phrase | tuple[Phrase, ...]
    needs: Needs
    next_step: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the phrases, in any case, from the beginning of a word on."""
        phrases = (self.says,) if isinstance(self.says, str) else self.says
        either = "|".join(r"\b.*\b".join(map(re.escape, phrase.split(f" {HIDDEN} "))) for phrase in phrases)
        return re.compile(rf"\b(?:{either})", re.IGNORECASE)


class Known(BaseModel):
    """What a destination's errors mean: the form of a file in checks/rejections/. Without codes, the words decide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: dict[Needs, dict[str, str]]
    words: tuple[Words, ...] = ()
    without_code: dict[str, str] = {}  # what a message without a code says → the code that it stands for

    @model_validator(mode="after")
    def _consistent(self) -> "Known":
        listed = [code for codes in self.codes.values() for code in codes]
        if twice := sorted({code for code in listed if listed.count(code) > 1}):
            raise ValueError(f"{twice[0]} stands in two classes: leave one")
        if missing := sorted(set(self.without_code.values()) - set(listed)):
            raise ValueError(f"without_code names {missing[0]}, which is not among the codes")
        return self

    @cached_property
    def meaning(self) -> dict[str, tuple[Needs, str]]:
        """Code → who or what can help, and the next step."""
        return {code: (needs, text) for needs, codes in self.codes.items() for code, text in codes.items()}

    @cached_property
    def code(self) -> re.Pattern[str]:
        """A known code where it is one: before a colon, a comma or the end."""
        return re.compile(rf"\b({self._any_code})(?=\s*(?:[:,]|$))")

    @cached_property
    def next_error(self) -> re.Pattern[str]:
        """Where one error of a message ends and another begins: `CODE:text:FIELD --CODE:text:FIELD--`."""
        return re.compile(rf"(?<=--)\s*(?=(?:{self._any_code})\s*:)")

    @property
    def _any_code(self) -> str:
        return "|".join(map(re.escape, self.meaning)) or r"(?!)"

    def words_in(self, text: str) -> Words | None:
        """The first of the words that the text says."""
        return next((one for one in self.words if one.pattern.search(text)), None)


FLOW_FAILED, PICKLIST = "CANNOT_EXECUTE_FLOW_TRIGGER", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
REFUSED_BY_CENSUS = ("invalid", "null", "duplicate")  # states of a record
BAD_KEY = "The primary identifier is empty or repeated: correct it in the view"
UNKNOWN = "Open the run in Census: it shows the full error"

NEW_CODE = re.compile(r"([A-Z]{2,}(?:_[A-Z]{2,}){1,6})\s*:")
CUT_OFF = re.compile(r"\b([A-Z]+_[A-Z_]*)(?:…|\.{3})?$")  # Census cuts long messages
FLOW = re.compile(r"the [“\"]([^“”\"]{1,80})[”\"] process failed")
NAMES = r"([A-Za-z]\w{0,79}(?:, ?[A-Za-z]\w{0,79})*)"
AT_THE_END = re.compile(rf":\s*(?:{NAMES}\s*--|\[{NAMES}\]:?(?:\s*--)?)\s*$")
NAMED = re.compile(
    rf"(?:are missing: \[|value found: |No such column '|create/update fields: |not found for field ){NAMES}"
)
# What follows these words is a value of the record: no code and no field is looked for in it.
STATED = re.compile(
    r"(?:[:,]\s*([^:,]{1,80}?))?[:,]\s*(?P<said>bad value for restricted picklist field|data value too large|"
    r"invalid email address|value not of required type|id value of incorrect type|"
    r"value outside of valid range on numeric field)\s*:"
)
VALUE_ENDS = re.compile(r"\.?\s+You can look up|\.?\s*Error ID|\s*:\s*\[[\w, ]*\]|\s*:[\w, ]*--\s*$")
# UUIDs, Salesforce ids of 15 or 18 characters, telephone and error numbers.
NUMBERED = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\+?\d[\d().\s-]{4,}\d"
    r"|(?<![a-z0-9])(?=[a-z]*[0-9])(?:[a-z0-9]{15}|[a-z0-9]{18})(?![a-z0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rejection:
    """A record that was not written. The message can quote it: it is read here and shown nowhere."""

    identifier: str  # empty where the record has none
    status: str  # case-folded: rejected (by the destination); invalid, null, duplicate (by Census)
    message: str = field(repr=False)


def comparable(identifiers: Iterable[str]) -> list[str]:
    """Those that a record can be told by, each once: those that are there and whole."""
    return list(dict.fromkeys(one for one in identifiers if one and not one.endswith(HIDDEN)))


@dataclass(frozen=True)
class Cause:
    """Why records were rejected, in what may be shown of it: equal for all with the same cause and other values."""

    code: str | None  # the innermost that is known, or a new one; None where the message has no code
    needs: Needs
    remedy: str
    via: tuple[str, ...] = ()  # the codes around it, the outermost first
    flow: str | None = None
    field: str | None = None
    text: str | None = None  # what an error says that no code of a table names, normalized


@dataclass(frozen=True)
class Reason:
    """One error of a message: its cause, and the value of a picklist; nothing else of a record is ever taken."""

    cause: Cause
    value: str | None = None


@dataclass(frozen=True)
class CauseGroup:
    """The records of one cause, the identifiers of some, and the picklist values that it was about."""

    cause: Cause
    records: int
    examples: tuple[str, ...] = ()
    values: tuple[tuple[str, int], ...] = ()  # the most frequent first, each with its number of records


def group_by_cause(rejections: Iterable[Rejection], known: Known, *, examples: int = 3) -> tuple[CauseGroup, ...]:
    """The causes, the most frequent first. A record that was rejected for several reasons counts for each of them."""
    ids: dict[Cause, list[str]] = {}
    values: dict[Cause, Counter[str]] = {}
    for one in rejections:
        reasons = reasons_of(one.message, known, one.status)
        for cause in dict.fromkeys(reason.cause for reason in reasons):
            ids.setdefault(cause, []).append(one.identifier)
        for reason in reasons:
            values.setdefault(reason.cause, Counter()).update([reason.value] if reason.value else [])
    groups = (
        CauseGroup(cause, len(found), _examples(found, examples), tuple(values[cause].most_common()))
        for cause, found in ids.items()
    )
    return tuple(sorted(groups, key=lambda group: -group.records))


def reasons_of(message: str, known: Known, status: str = "rejected") -> tuple[Reason, ...]:
    """The errors that a message holds, each once. `status` is the record's, case-folded."""
    line = " ".join(message.split())[:LONGEST]
    if known.meaning:
        return tuple(dict.fromkeys(_reason(part, known, status) for part in known.next_error.split(line)))
    if status in REFUSED_BY_CENSUS:
        return (Reason(Cause(status.upper(), Needs.SOURCE, BAD_KEY)),)
    return tuple(dict.fromkeys(Reason(_by_words(error, known)) for error in error_texts(line)))


def cause_of(message: str, known: Known) -> Cause:
    """The cause that a message names first."""
    return reasons_of(message, known)[0].cause


def _reason(message: str, known: Known, status: str) -> Reason:
    stated = STATED.search(message)
    said = message[: stated.start("said")] if stated else message
    codes = _codes(said, known) or _codes_without_code(message[: stated.end()] if stated else message, known)
    words = known.words_in(said)
    if not codes and not words:
        return Reason(_without_code(message, status))
    code, flow = codes[-1] if codes else None, FLOW.search(said) if FLOW_FAILED in codes else None
    needs, remedy = (words.needs, words.next_step) if words else known.meaning[codes[-1]]
    cause = Cause(
        code,
        needs,
        remedy,
        via=tuple(dict.fromkeys(other for other in codes if other != code)),
        flow=_hide_values(flow[1]) if flow else None,
        field=_field(message, said, stated, known),
        text=None if code else error_texts(message)[0].text,
    )
    if not stated or code != PICKLIST:
        return Reason(cause)
    return Reason(cause, _hide_values(VALUE_ENDS.split(message[stated.end() :], maxsplit=1)[0]))


def _codes(said: str, known: Known) -> list[str]:
    """Outermost first; the last may be cut off, if what is left can only be one."""
    found = known.code.findall(said)
    if cut := CUT_OFF.search(said):
        meant = [cut[1]] if cut[1] in known.meaning else [code for code in known.meaning if code.startswith(cut[1])]
        found += meant if len(meant) == 1 else []
    return found


def _codes_without_code(said: str, known: Known) -> list[str]:
    """The code that a message without one stands for."""
    return [code for words, code in known.without_code.items() if words.casefold() in said.casefold()][:1]


def _without_code(message: str, status: str) -> Cause:
    if status in REFUSED_BY_CENSUS:
        return Cause(status.upper(), Needs.SOURCE, BAD_KEY)
    if new := NEW_CODE.match(message):
        return Cause(new[1], Needs.UNKNOWN, UNKNOWN)
    return Cause(None, Needs.UNKNOWN, UNKNOWN, text=error_texts(message)[0].text)


def _by_words(error: ErrorText, known: Known) -> Cause:
    """What an error of a destination without a table of codes means, by its words."""
    words = known.words_in(error.said)
    needs, remedy = (words.needs, words.next_step) if words else (Needs.UNKNOWN, UNKNOWN)
    return Cause(error.code, needs, remedy, field=error.field, text=error.text)


def _field(message: str, said: str, stated: re.Match[str] | None, known: Known) -> str | None:
    """By its API name at the end or in the sentence, else by its label before what is said of it."""
    if ended := AT_THE_END.search(message):
        return _hide_values(ended[1] or ended[2])
    if named := NAMED.search(said):
        return _hide_values(named[1])
    return _hide_values(stated[1]) if stated and stated[1] and stated[1].strip() not in known.meaning else None


def _hide_values(text: str, most: int = 60) -> str | None:
    words = ("…" if "@" in word or "://" in word else word for word in text.split())
    shown = NUMBERED.sub("…", " ".join(words))
    return (shown if len(shown) <= most else shown[: most - 1] + "…") or None


def _examples(identifiers: Iterable[str], most: int) -> tuple[str, ...]:
    """Distinct ones that look like ids: a sync may be keyed by an e-mail address."""
    return tuple(dict.fromkeys(one for one in identifiers if shown_id(one) != HIDDEN))[:most]
