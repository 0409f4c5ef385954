"""Why a run failed: what Census and the destination say of it → its class, its name and the next step."""

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.alerts.rejections import Known, Needs, cause_of


class ErrorClass(StrEnum):
    """What kind of trouble fails a run; the first three do not pass without somebody changing something."""

    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"

    @property
    def permanent(self) -> bool:
        """Whether the next run fails as well, until somebody has changed something."""
        return self in (ErrorClass.AUTHENTICATION, ErrorClass.PERMISSION, ErrorClass.CONFIGURATION)


@dataclass(frozen=True)
class RunError:
    """An error in what may be shown of it. `name` is a code, or empty where there is none."""

    kind: ErrorClass
    name: str
    remedy: str


REMEDIES = {
    ErrorClass.AUTHENTICATION: "Reconnect the source or destination in Census: its login was refused",
    ErrorClass.PERMISSION: "Give the sync's user the missing permission; the error in Census names it",
    ErrorClass.CONFIGURATION: "Correct the sync or the view that it reads: the error in Census names what is missing",
    ErrorClass.TRANSIENT: "Wait for the next run; if it stays, check that the source and the destination are up",
    ErrorClass.UNKNOWN: "Read the error of the run in Census",
}
LOGINS = frozenset({"INVALID_SESSION_ID", "OAUTH_APP_BLOCKED"})  # of what Salesforce calls permission
BY_NEEDS = {
    Needs.TRANSIENT: ErrorClass.TRANSIENT,
    Needs.PERMISSION: ErrorClass.PERMISSION,
    Needs.MAPPING: ErrorClass.CONFIGURATION,
}
# What the systems on both sides say without a code of Salesforce; the first that is found counts.
WORDS = {
    ErrorClass.AUTHENTICATION: (
        r"invalid_grant|unauthori[sz]ed|unauthenticated|authenticat|credential|\b401\b",
        r"(refused|expired|invalid) (the )?(login|token|password)|token (has )?expired",
    ),
    ErrorClass.PERMISSION: (r"permission|forbidden|access.denied|not allowed|insufficient privilege|\b403\b",),
    ErrorClass.CONFIGURATION: (
        r"(TABLE_OR_VIEW|SCHEMA|COLUMN)_NOT_FOUND|UNRESOLVED_\w+|configuration|\b404\b",
        r"does not exist|not found|is missing",
        r"no such (table|column|field|object)|(invalid|missing|unknown)[ _](mapping|field|column|object)",
    ),
    ErrorClass.TRANSIENT: (
        r"time.?out|timed out|temporar|rate.?limit|throttl|too many requests|unavailable|overloaded|try again",
        r"connection (was )?(reset|closed|refused|lost)|\b(429|50[0234])\b",
    ),
}
CLASSES = {kind: re.compile("|".join(words), re.IGNORECASE) for kind, words in WORDS.items()}
CODE = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)+")


def run_error(message: str | None, code: str | None, known: Known) -> RunError:
    """The class of a failed run's error. `code` is Census' own, `message` what it quotes of the other side."""
    cause = cause_of(message or "", known)
    if cause.code in known.meaning:  # by words alone a table tells of records, not of runs
        kind = ErrorClass.AUTHENTICATION if cause.code in LOGINS else BY_NEEDS.get(cause.needs, ErrorClass.UNKNOWN)
        return RunError(kind, cause.code, cause.remedy)
    said = f"{message or ''} {code or ''}"
    kind = next((kind for kind, words in CLASSES.items() if words.search(said)), ErrorClass.UNKNOWN)
    kind = ErrorClass.AUTHENTICATION if cause.code in LOGINS else kind
    name = code if code and CODE.fullmatch(code) else cause.code or ""
    return RunError(kind, name, REMEDIES[kind])
