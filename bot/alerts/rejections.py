"""Why rows were rejected: Salesforce's words → a cause and what helps. Nothing personal in them gets past here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Needs(StrEnum):
    """Who or what can help. Only what is transient is worth a rerun."""

    TRANSIENT = "transient"
    QUOTA = "quota"
    DATA = "data"
    IDENTITY = "identity"
    MAPPING = "mapping"
    PERMISSION = "permission"
    AUTOMATION = "automation"
    SOURCE = "source"
    UNKNOWN = "unknown"


KNOWN = {
    Needs.TRANSIENT: {
        "UNABLE_TO_LOCK_ROW": "Something else held the row: if it stays, use smaller batches, one sync at a time",
        "TOO_MANY_APEX_REQUESTS": "Salesforce was busy with other requests: if it stays, use smaller batches",
        "SERVER_UNAVAILABLE": "Salesforce was not available: wait until status.salesforce.com is green",
        "REQUEST_RUNNING_TOO_LONG": "Salesforce took too long: if it stays, use smaller batches",
        "QUERY_TIMEOUT": "Salesforce took too long to look rows up: if it stays, use smaller batches",
        "UNKNOWN_EXCEPTION": "Salesforce failed inside: if it stays, its support can look the error up",
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": "Salesforce is being maintained: wait for its end",
    },
    Needs.QUOTA: {
        "REQUEST_LIMIT_EXCEEDED": "The API calls of 24 hours are used up: pause, find who else makes them, wait",
        "STORAGE_LIMIT_EXCEEDED": "The org's storage is full: pause until the Salesforce admin has freed some",
        "LIMIT_EXCEEDED": "A limit of the org is reached: pause until the Salesforce admin knows which one",
    },
    Needs.DATA: {
        "REQUIRED_FIELD_MISSING": "Fill the field in the view that the sync reads, or map it",
        "STRING_TOO_LONG": "Shorten the value in the view, or let the field be made longer",
        "INVALID_EMAIL_ADDRESS": "Correct the address in the source, or leave it empty in the view",
        "NUMBER_OUTSIDE_VALID_RANGE": "Correct the number in the view, or let the field take more digits",
        "INVALID_TYPE_ON_FIELD_IN_RECORD": "Cast the value in the view to the type of the field",
        "MALFORMED_ID": "The value is no Salesforce id of the right kind: correct the lookup in the view",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "Map the value in the view, or add it to the picklist in Salesforce",
    },
    Needs.IDENTITY: {
        "DUPLICATE_VALUE": "Another row has this unique value: find the two and keep one",
        "DUPLICATE_EXTERNAL_ID": "Several rows in Salesforce have this external id: merge them",
        "DUPLICATES_DETECTED": "A duplicate rule of the org found a similar row: merge them, or exempt the sync's user",
        "INVALID_CROSS_REFERENCE_KEY": "The row points to one that does not exist: correct the id in the view",
        "ENTITY_IS_DELETED": "The row was deleted in Salesforce: restore it, or drop its id from the view",
        "INVALID_ID_FIELD": "The id is none of this object's: correct it in the view",
    },
    Needs.MAPPING: {
        "INVALID_FIELD": "The field does not exist or is hidden from the sync's user: correct the mapping in Census",
        "INVALID_TYPE": "The object does not exist or is hidden from the sync's user: correct the mapping in Census",
        "INVALID_FIELD_FOR_INSERT_UPDATE": "The field cannot be written: take it out of the mapping, or open it",
    },
    Needs.PERMISSION: {
        "INSUFFICIENT_ACCESS": "Give the sync's user the right to change these rows",
        "INSUFFICIENT_ACCESS_OR_READONLY": "Give the sync's user the right to change these rows",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "Give the sync's user access to the rows that these point to",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "An Apex trigger refused the rows: its owner reads on in Census",
        "INACTIVE_OWNER_OR_USER": "The rows belong to a user who has left: give them another owner",
        "OAUTH_APP_BLOCKED": "The org blocks Census: allow its app, then connect it anew",
        "INVALID_SESSION_ID": "The login of Census has ended: connect Salesforce anew in Census",
        "API_DISABLED_FOR_ORG": "The org or the sync's user may not use the API: allow it",
    },
    Needs.AUTOMATION: {
        "CANNOT_EXECUTE_FLOW_TRIGGER": "A flow of the org fails: its owner finds the error under Setup → Flows",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the org refuses the rows: correct them, or the rule",
        "FIELD_FILTER_VALIDATION_EXCEPTION": "A lookup filter of the org refuses the rows: correct them, or the filter",
        "FIELD_INTEGRITY_EXCEPTION": "The value does not go with others of the row: correct it in the view",
        "ENTITY_IS_LOCKED": "The row is in an approval: somebody has to decide it",
        "RECORD_IN_USE_BY_WORKFLOW": "A workflow of the org holds the row: somebody has to end it",
        "System.LimitException": "A trigger or flow does too much at once: smaller batches, or a lighter one",
    },
}
CODES = {code: (needs, remedy) for needs, codes in KNOWN.items() for code, remedy in codes.items()}
FLOW_FAILED, PICKLIST = "CANNOT_EXECUTE_FLOW_TRIGGER", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
BAD_KEY = "The key of the row is empty or there twice: correct it in the view"
UNKNOWN = "Salesforce's words are not among those that are known here: read them in Census"

CODE = re.compile(rf"\b({'|'.join(map(re.escape, CODES))})(?=\s*(?:[:,]|$))")
NEW_CODE = re.compile(r"([A-Z]{2,}(?:_[A-Z]{2,}){1,6})\s*:")
CUT_OFF = re.compile(r"\b([A-Z]+_[A-Z_]*)(?:…|\.{3})?$")  # Census cuts long messages
FLOW = re.compile(r"the [“\"]([^“”\"]{1,80})[”\"] process failed")
NAMES = r"([A-Za-z]\w{0,79}(?:, ?[A-Za-z]\w{0,79})*)"
AT_THE_END = re.compile(rf":\s*(?:{NAMES}\s*--|\[{NAMES}\]:?(?:\s*--)?)\s*$")
NAMED = re.compile(rf"(?:are missing: \[|value found: |No such column '|create/update fields: ){NAMES}")
# What follows these words is a value of the row: no code and no field is looked for in it.
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
IDENTIFIER = re.compile(r"[\w.:-]{1,40}")
LONGEST = 4000  # characters of a message that are looked at


@dataclass(frozen=True)
class Rejection:
    """A row that did not arrive. The message can quote the row: it is read here and shown nowhere."""

    identifier: str  # empty where the row has none
    status: str  # case-folded: rejected (by Salesforce); invalid, null, duplicate (by Census)
    message: str = field(repr=False)


@dataclass(frozen=True)
class Cause:
    """Why rows were rejected, in what may be shown of it: equal for all rows with the same cause."""

    code: str | None  # the innermost that is known; None where the message has no code
    needs: Needs
    remedy: str
    via: tuple[str, ...] = ()  # the codes around it, the outermost first
    flow: str | None = None
    field: str | None = None
    value: str | None = None  # of a picklist; nothing else of a row is ever taken

    @property
    def rerun_helps(self) -> bool:
        """Whether it passes by itself."""
        return self.needs is Needs.TRANSIENT


@dataclass(frozen=True)
class CauseGroup:
    """The rows of one cause, and the identifiers of some."""

    cause: Cause
    rows: int
    examples: tuple[str, ...]


def group_by_cause(rejections: Iterable[Rejection], *, examples: int = 3) -> tuple[CauseGroup, ...]:
    """The causes, the most frequent first."""
    found: dict[Cause, list[str]] = {}
    for one in rejections:
        found.setdefault(cause_of(one.message, one.status), []).append(one.identifier)
    groups = (CauseGroup(cause, len(ids), _examples(ids, examples)) for cause, ids in found.items())
    return tuple(sorted(groups, key=lambda group: -group.rows))


def cause_of(message: str, status: str = "rejected") -> Cause:
    """The innermost cause that a message names. `status` is the record's, case-folded."""
    message = " ".join(message.split())[:LONGEST]
    stated = STATED.search(message)
    said = message[: stated.start("said")] if stated else message
    codes = _codes(said)
    if not codes:
        return _without_code(message, status)
    code, flow = codes[-1], FLOW.search(said) if FLOW_FAILED in codes else None
    return Cause(
        code,
        *CODES[code],
        via=tuple(dict.fromkeys(other for other in codes if other != code)),
        flow=_blind(flow[1]) if flow else None,
        field=_field(message, said, stated),
        value=_blind(VALUE_ENDS.split(message[stated.end() :], maxsplit=1)[0]) if stated and code == PICKLIST else None,
    )


def _codes(said: str) -> list[str]:
    """Outermost first; the last may be cut off, if what is left can only be one."""
    found = CODE.findall(said)
    if cut := CUT_OFF.search(said):
        meant = [cut[1]] if cut[1] in CODES else [code for code in CODES if code.startswith(cut[1])]
        found += meant if len(meant) == 1 else []
    return found


def _without_code(message: str, status: str) -> Cause:
    if status in ("invalid", "null", "duplicate"):
        return Cause(status.upper(), Needs.SOURCE, BAD_KEY)
    new = NEW_CODE.match(message)
    return Cause(new[1] if new else None, Needs.UNKNOWN, UNKNOWN)


def _field(message: str, said: str, stated: re.Match[str] | None) -> str | None:
    """By its API name at the end or in the sentence, else by its label before what is said of it."""
    if ended := AT_THE_END.search(message):
        return _blind(ended[1] or ended[2])
    if named := NAMED.search(said):
        return _blind(named[1])
    return _blind(stated[1]) if stated and stated[1] and stated[1].strip() not in CODES else None


def _blind(text: str, most: int = 60) -> str | None:
    words = ("…" if "@" in word or "://" in word else word for word in text.split())
    shown = NUMBERED.sub("…", " ".join(words))
    return (shown if len(shown) <= most else shown[: most - 1] + "…") or None


def _examples(identifiers: Iterable[str], most: int) -> tuple[str, ...]:
    """Distinct ones that look like ids: a sync may be keyed by an e-mail address."""
    return tuple(dict.fromkeys(one for one in identifiers if IDENTIFIER.fullmatch(one)))[:most]
