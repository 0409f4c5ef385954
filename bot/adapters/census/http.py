"""Census' Management API over HTTP: one call with timeouts, retries with backoff, and errors translated into ours."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

import requests
from urllib3.exceptions import NewConnectionError

from bot.errors import (
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
    UnreadableError,
)
from bot.sanitize import redact
from bot.transport.bounded_http import (
    TooLargeError,
    bounded_session,
    json_object,
    retry_after,
    take_body,
    untrusted,
    within,
)

BACKOFF = 0.5  # seconds before the second attempt, doubled from then on
LONGEST_WAIT = 20.0  # seconds that one call sleeps, all in all: a person may be waiting, and so is a thread of the pool
LONGEST_RETRY_AFTER = 3600.0  # seconds: nobody is told to wait for a year
REMEDIES = {
    401: "the token is not valid, check CENSUS_API_TOKEN",
    403: "the owner of CENSUS_API_TOKEN has no access, check the owner's rights and CENSUS_GROUP_ID",
    404: "there is no such thing, or the owner of CENSUS_API_TOKEN cannot see it",
    410: "it is no longer available",
}


@dataclass(frozen=True)
class Call:
    """One request. `doubt` says what may have come of it when its answer is lost; a read has none."""

    method: Literal["GET", "POST", "PATCH"]
    path: str
    what: str  # it is about, in an error
    parameters: dict[str, str | int] = field(default_factory=dict)
    body: dict[str, bool] | None = None
    doubt: str = ""


class CensusHttp:
    """Calls of the Management API. Threads may share it: each one gets a Session of its own.

    A call takes at most `attempts` times the time to connect and to answer in full, and LONGEST_WAIT asleep: a minute
    as shipped. A longer Retry-After is handed to the caller, in `retry_after`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str,
        group_id: str | None,
        timeout: tuple[float, float],
        sleep: Callable[[float], None],
        attempts: int,
    ) -> None:
        self._base, self._token, self._group_id = base_url, token, group_id
        self._timeout, self._sleep, self._attempts = timeout, sleep, attempts
        self._local = threading.local()

    def ask(self, call: Call) -> dict[str, object]:
        """The answer of one call, which has `data`; attempted again where that cannot do anything twice."""
        attempt, asleep = 1, 0.0
        while True:
            try:
                return self._ask_once(call)
            except _RetryableError as error:
                wait = error.retry_after if error.retry_after is not None else BACKOFF * 2 ** (attempt - 1)
                if attempt >= self._attempts or asleep + wait > LONGEST_WAIT:
                    raise
                self._sleep(wait)
            attempt, asleep = attempt + 1, asleep + wait

    def _ask_once(self, call: Call) -> dict[str, object]:
        try:
            answer = self._send_request(call)
        except (requests.RequestException, TimeoutError) as error:
            raise _error_of_lost_answer(error, call) from error
        except Exception as error:
            text = f"Census answered in a way that we cannot read ({type(error).__name__}) for {call.what}"
            raise (UncertainError(f"{text}; {call.doubt}") if call.doubt else UnreadableError(text)) from error
        if not 200 <= answer.status_code < 300:
            raise _refusal(answer, call)
        found = json_object(answer.content, _without_payload)
        if found.get("status") == "error":  # nothing was done, whatever the status of HTTP says
            raise PermanentError(
                f"Census refused {call.what}: {redact(str(found.get('message') or 'no reason given'))}"
            )
        if found.get("data") is None:
            text = f"Census answered {answer.status_code} for {call.what}, with nothing in it that we can read"
            raise UncertainError(f"{text}; {call.doubt}") if call.doubt else UnreadableError(text)
        return found

    def _send_request(self, call: Call) -> requests.Response:
        with within(sum(self._timeout)):
            answer = self._session().request(
                call.method,
                f"{self._base}/{call.path}",
                params=call.parameters | ({"group_id": self._group_id} if self._group_id else {}),
                json=call.body,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,  # followed, one would turn a POST into a GET, or take the token elsewhere
            )
            take_body(answer)
        return answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = bounded_session()
            session.auth = self._add_token  # not a header: a .netrc would replace that
            session.headers["User-Agent"] = "sync-health"
        return session

    def _add_token(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _RetryableError(TemporaryError):
    """It certainly did nothing, and another attempt right away is worth it."""


def _error_of_lost_answer(error: requests.RequestException | TimeoutError, call: Call) -> SyncHealthError:
    """No answer: what that means depends on how far the request can have come."""
    if refused := untrusted(error, "Census"):
        return refused
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError):
        return _RetryableError(f"Census cannot be reached, nothing was asked about {call.what}: check CENSUS_API_URL")
    late = isinstance(error, requests.Timeout | TimeoutError)
    how = "sent too much" if isinstance(error, TooLargeError) else "was silent for too long" if late else "broke off"
    text = f"Census {how} on {call.what}"
    if call.doubt:
        return UncertainError(f"{text}; {call.doubt}")
    return _RetryableError(text) if isinstance(error, requests.ConnectionError) else TemporaryError(text)


def _refusal(answer: requests.Response, call: Call) -> SyncHealthError:
    status, said = answer.status_code, json_object(answer.content, _without_payload).get("message")
    text = f"Census answered {status} for {call.what}: {REMEDIES.get(status) or _phrase(status)}"
    if isinstance(said, str) and said:
        text += f" ({redact(said)})"
    if (status >= 500 or status == 408) and call.doubt:
        return UncertainError(f"{text}; {call.doubt}")
    if status in (429, 502, 503, 504):
        return _RetryableError(text, retry_after=retry_after(answer.headers, LONGEST_RETRY_AFTER))
    if status == 425 or status >= 500:
        return TemporaryError(text)
    return NotFoundError(text) if status in (404, 410) else PermanentError(text)


def _phrase(status: int) -> str:
    """What a status means: the server's own phrase may be whatever a proxy likes."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "it does not say why"


def _without_payload(found: dict[str, object]) -> dict[str, object]:
    """What a record says of people is dropped while it is parsed: what nobody holds, nobody can show or log."""
    found.pop("record_payload", None)
    return found
