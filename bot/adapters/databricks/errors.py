"""Errors of the Databricks connector translated into ours: temporary, permanent, uncertain."""

import re
from importlib.util import find_spec

from databricks.sql import exc
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ResponseError

from bot.adapters.databricks.outcomes import MAY_BE_WRITTEN, ClosedSessionError, NotReadyError, RetryableError
from bot.adapters.databricks.rest import REMEDIES, refusal
from bot.adapters.values import first_line
from bot.errors import PermanentError, StatementError, SyncHealthError, TemporaryError, UncertainError
from bot.sanitize import redact
from bot.sql.missing import missing_in
from bot.transport.bounded_http import untrusted

CONFLICT = re.compile(r"\[DELTA_CONCURRENT_|Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction)Exception")
LOST_SESSION = re.compile("Invalid SessionHandle")
NO_SESSION = re.compile("Session handle .*has not been initialized or had already closed")
NO_DISK = re.compile("Couldn't create directory /local_disk0")  # of a node that has no disk yet
LOST_STATEMENT = re.compile("Invalid OperationHandle|unexpectedly closed server side")
PASSING = re.compile(
    r"\b(?:timed? ?out|timeout|cancell?ed|TEMPORARILY_UNAVAILABLE|RESOURCE_EXHAUSTED|REQUEST_LIMIT_EXCEEDED)\b"
    r"|SQLSTATE: (?:08|40|53|57)",
    re.IGNORECASE,
)


def session_survives(error: BaseException) -> bool:
    """Whether it was the statement alone that failed."""
    return isinstance(error, exc.ServerOperationError)


def is_unauthorized(error: BaseException) -> bool:
    """Whether the login was refused, which a newer token may mend."""
    return isinstance(error, exc.RequestError) and error.context.get("http-code") == 401


def translate(error: Exception, name: str, text: str, *, writes: bool, accepted: bool) -> SyncHealthError:
    """Our error for one of theirs; never their `context`, which holds raw session bytes. `text` is the statement's.

    `writes`: it was a write, and may have reached Databricks. It may then have happened, however the last attempt
    ended (an earlier one may have run), unless Databricks says that the statement failed, or refuses to accept it.
    """
    ours = _meaning(error, name, text)
    failed = isinstance(error, exc.ServerOperationError) and not LOST_STATEMENT.search(first_line(error))
    refused = isinstance(error, exc.DatabaseError) and not isinstance(error, exc.RequestError) and not accepted
    if not writes or failed or refused:
        return ours
    return UncertainError(f"{ours}; {MAY_BE_WRITTEN}")


def _meaning(error: Exception, name: str, text: str) -> SyncHealthError:
    cause = error.args[1] if isinstance(error, exc.RequestError) and len(error.args) > 1 else None
    said = first_line(error)
    if isinstance(cause, SyncHealthError):  # our own login got no token
        return cause
    if NO_SESSION.search(said):
        return ClosedSessionError(f"{name}: Databricks has no such session")
    if NO_DISK.search(said):
        return NotReadyError(f"{name}: the warehouse has no disk yet")
    if LOST_SESSION.search(said):
        return RetryableError(f"{name}: Databricks has forgotten the session")
    if LOST_STATEMENT.search(said):
        return RetryableError(f"{name}: Databricks has forgotten the statement")
    if isinstance(error, exc.DataError):
        return RetryableError(f"{name}: rows of the answer were lost on the way")
    if isinstance(error, exc.RequestError | HTTPError | OSError):
        return _no_answer(error, cause, name)
    if isinstance(error, exc.Error):
        return _statement_failed(name, said, text)
    return PermanentError(f"{name}: {_unforeseen(error)}")


def _statement_failed(name: str, said: str, text: str) -> SyncHealthError:
    if missing := missing_in(said, text):
        return missing
    if CONFLICT.search(said):
        return RetryableError(f"{name}: {redact(said)}")
    return (StatementError if PASSING.search(said) else PermanentError)(f"{name}: {redact(said)}")


def _no_answer(error: Exception, cause: object, name: str) -> SyncHealthError:
    code = error.context.get("http-code") if isinstance(error, exc.RequestError) else None
    if isinstance(cause, exc.MaxRetryDurationError) and cause.__context__ is None:  # else it was silent before
        return NotReadyError(f"{name}: Databricks is busy or starting, and asks for more time than there is")
    if isinstance(error, MaxRetryError) and isinstance(error.reason, ResponseError):
        return NotReadyError(f"{name}: Databricks is busy or starting ({redact(str(error.reason))})")
    if isinstance(code, int) and code in REMEDIES:
        return refusal(code)
    if refused := untrusted(error, "Databricks"):
        return refused
    if isinstance(error, MaxRetryError) and isinstance(error.reason, NewConnectionError):
        return TemporaryError(f"{name}: Databricks cannot be reached, check DATABRICKS_HOST")
    if isinstance(code, int) and code >= 400:
        return TemporaryError(f"{name}: Databricks answered {code}")
    return TemporaryError(f"{name}: Databricks broke off or was silent for too long")


def _unforeseen(error: Exception) -> str:
    """The connector's own failure; its words may quote a row, its kind does not."""
    what = f"Databricks' connector failed ({type(error).__name__})"
    if isinstance(error, AttributeError | TypeError | RuntimeError | ImportError) and not find_spec("pyarrow"):
        return f"{what}: a warehouse that answers in Arrow or by cloud fetch needs pyarrow, install it"
    return what
