"""One POST to a pager in bounded time, its answer translated into our errors."""

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import NewConnectionError

from bot.errors import AccessError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.sanitize import redact
from bot.transport.bounded_http import bounded_session, json_object, retry_after, take_body, untrusted, within

TIMEOUT = (5.0, 10.0)  # seconds to connect, and for each silence
WHOLE = 20.0  # seconds for everything: an answer may come in drips
LARGEST = 2**20  # bytes of an answer that anybody reads
LONGEST_RETRY_AFTER = 900.0  # seconds
BUSY = 180.0  # seconds after a 429 that names none: PagerDuty asks for a few minutes


@dataclass(frozen=True)
class Receiver:
    """Who takes the events; `setting` is the variable to correct, and nothing of the address stands in an error."""

    name: str
    url: str
    setting: str
    timeout: tuple[float, float] = TIMEOUT
    whole: float = WHOLE


def post(
    receiver: Receiver, body: bytes, headers: Mapping[str, str] | None = None, accepted: int | None = None
) -> None:
    """Post JSON; returns once it is accepted: by this status and a JSON object, where one is named. Raises as a Pager.

    A page of a proxy that says 202 as well is no receipt, and an event too many is harmless, unlike a lost one.
    """
    given = {"Content-Type": "application/json", "User-Agent": "sync-health", **(headers or {})}
    try:
        with within(receiver.whole), bounded_session() as session:
            answer = session.post(
                receiver.url, data=body, headers=given, timeout=receiver.timeout, stream=True, allow_redirects=False
            )
            take_body(answer, LARGEST)
    except Exception as error:  # an adapter lets no other error out, whatever HTTP libraries raise
        raise _lost(receiver, error) from error
    if not 200 <= answer.status_code < 300:
        raise _refusal(receiver, answer)
    if accepted not in (None, answer.status_code):
        raise UncertainError(f"{receiver.name} answered {answer.status_code} instead of {accepted}; it is sent again")
    if accepted and not json_object(answer.content):
        raise UncertainError(f"{receiver.name} answered {accepted} without its receipt; it is sent again")


def _lost(receiver: Receiver, error: Exception) -> SyncHealthError:
    """No answer: what that means depends on how far the event can have come."""
    if refused := untrusted(error, receiver.name):
        return refused
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or isinstance(
        cause, NewConnectionError
    ):
        return TemporaryError(f"{receiver.name} cannot be reached")
    late = isinstance(error, requests.Timeout | TimeoutError)
    how = "was silent for too long" if late else f"broke off ({type(error).__name__})"
    return UncertainError(f"{receiver.name} {how}; the event may have arrived and is sent again")


def _refusal(receiver: Receiver, answer: requests.Response) -> SyncHealthError:
    status = answer.status_code
    text = f"{receiver.name} answered {status}{_reason(answer)}"
    if status == 429:
        wait = retry_after(answer.headers, LONGEST_RETRY_AFTER)
        return TemporaryError(f"{text}: too many events", retry_after=BUSY if wait is None else wait)
    if status == 503 and (wait := retry_after(answer.headers, LONGEST_RETRY_AFTER)) is not None:
        return TemporaryError(text, retry_after=wait)
    if status >= 500 or status in (408, 425):  # PagerDuty: "experienced an error while processing the event"
        return UncertainError(f"{text}; the event may have been accepted and is sent again")
    if status in (401, 403, 404, 410) or 300 <= status < 400:
        return AccessError(f"{text}: correct {receiver.setting}")
    return PermanentError(f"{text}: the event is refused; correct {receiver.setting} if it stays")


def _reason(answer: requests.Response) -> str:
    """What the receiver says of it, redacted: it may repeat the event, or the key."""
    said = json_object(answer.content)
    errors = said.get("errors")
    words = [said.get("message"), *(errors if isinstance(errors, list) else [])]
    shown = "; ".join(redact(word, 200) for word in words[:4] if isinstance(word, str) and word)
    return f" ({shown})" if shown else ""
