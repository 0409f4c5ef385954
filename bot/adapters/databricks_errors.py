"""What goes wrong with the Databricks connector, in the terms in which we act on it."""

import re

from databricks.sql import exc
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ResponseError

from bot.adapters.databricks_login import REMEDIES, refusal
from bot.adapters.databricks_session import LOOK, AgainError
from bot.errors import PermanentError, SyncHealthError, TemporaryError, UncertainError

FORESEEN = (exc.Error, HTTPError, OSError, ImportError)  # the last: a kind of warehouse that wants another part
CONFLICT = re.compile(r"\[DELTA_CONCURRENT_|Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction)Exception")
LOST_SESSION = re.compile("Invalid SessionHandle")
LOST_STATEMENT = re.compile("Invalid OperationHandle|unexpectedly closed server side")
PASSING = re.compile(
    r"\b(?:timed? ?out|timeout|cancell?ed|TEMPORARILY_UNAVAILABLE|RESOURCE_EXHAUSTED|REQUEST_LIMIT_EXCEEDED)\b"
    r"|SQLSTATE: (?:08|40|53|57)",
    re.IGNORECASE,
)


def session_survives(error: BaseException) -> bool:
    """Whether it was the statement alone that failed."""
    return isinstance(error, exc.ServerOperationError)


def translate(error: BaseException, name: str, *, sent: bool, writes: bool) -> SyncHealthError:
    """Our error for one of theirs. `sent`: the statement may have reached Databricks. Never their `context`.

    What was sent, writes, and has no answer may have happened, however often the connector tried.
    """
    cause = error.args[1] if isinstance(error, exc.RequestError) and len(error.args) > 1 else None
    said = _first_line(error)
    if isinstance(cause, SyncHealthError):  # our own login got no token
        return cause
    if LOST_SESSION.search(said) or (LOST_STATEMENT.search(said) and not writes):
        return AgainError(f"{name}: Databricks has forgotten the session")
    if LOST_STATEMENT.search(said):
        return UncertainError(f"{name}: Databricks has forgotten the statement; {LOOK}")
    if isinstance(error, exc.ServerOperationError):
        return _statement_failed(name, said)
    if isinstance(error, exc.DataError):
        return AgainError(f"{name}: rows of the answer were lost on the way")
    if patience := _asks_for_patience(error, cause):
        return TemporaryError(f"{name}: {patience}")
    code = error.context.get("http-code") if isinstance(error, exc.RequestError) else None
    if code in REMEDIES:
        return refusal(code)
    if isinstance(error, exc.RequestError | HTTPError | OSError):
        return _no_answer(error, name, code, may_be_done=sent and writes)
    return _statement_failed(name, said)


def _statement_failed(name: str, said: str) -> SyncHealthError:
    if CONFLICT.search(said):
        return AgainError(f"{name}: {said}")
    return (TemporaryError if PASSING.search(said) else PermanentError)(f"{name}: {said}")


def _asks_for_patience(error: BaseException, cause: object) -> str | None:
    """Databricks answers 429 or 503 again and again, or asks for a longer wait than we have; taken at its word."""
    if isinstance(cause, exc.MaxRetryDurationError) and cause.__context__ is None:  # else an attempt was lost before it
        return "Databricks is busy, starting or in trouble, and asks for more time than there is"
    if isinstance(error, MaxRetryError) and isinstance(error.reason, ResponseError):
        return f"Databricks is busy, starting or in trouble ({error.reason})"
    return None


def _no_answer(error: BaseException, name: str, code: object, *, may_be_done: bool) -> SyncHealthError:
    if isinstance(error, MaxRetryError) and isinstance(error.reason, NewConnectionError):
        what = "Databricks cannot be reached, check DATABRICKS_HOST"
    elif isinstance(code, int) and code >= 500:
        what = f"Databricks answered {code}"
    else:
        what = "Databricks broke off or was silent for too long"
    if may_be_done:
        return UncertainError(f"{name}: {what}; {LOOK}")
    return TemporaryError(f"{name}: {what}")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:500]
