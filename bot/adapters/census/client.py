"""Census' Management API over HTTP: calls with timeouts, retries with backoff, and errors translated into ours."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from typing import Literal, TypeVar

import requests
from urllib3.exceptions import NewConnectionError

from bot.adapters.census.documents import Document, document, identity, read_rejection, read_run, read_sync, whole
from bot.alerts.rejections import Rejection
from bot.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
    UnreadableError,
)
from bot.facts import Run, Sync
from bot.sanitize import redact
from bot.transport.bounded_http import TooLargeError, bounded_session, retry_after, take_body, untrusted, within

log = logging.getLogger(__name__)
PAGE = 100  # the most rows that Census gives at once
LIST_TIMEOUT = 60.0  # seconds for all pages of a list
MOST_PAGES = 100  # of one list: more is a list that does not end
BACKOFF = 0.5  # seconds before the second attempt, doubled from then on
LONGEST_WAIT = 20.0  # seconds that one call sleeps, all in all: a person may be waiting, and so is a thread of the pool
LONGEST_RETRY_AFTER = 3600.0  # seconds: nobody is told to wait for a year
RECORD_STATUSES = frozenset({"succeeded", "rejected", "invalid"})  # those that can be asked for
REMEDIES = {
    401: "the token is not valid, check CENSUS_API_TOKEN",
    403: "the owner of CENSUS_API_TOKEN has no access, check the owner's rights and CENSUS_GROUP_ID",
    404: "there is no such thing, or the owner of CENSUS_API_TOKEN cannot see it",
    410: "it is no longer available",
}

T = TypeVar("T")


@dataclass(frozen=True)
class _Call:
    """One request. `doubt` says what may have come of it when its answer is lost; a read has none."""

    method: Literal["GET", "POST", "PATCH"]
    path: str
    what: str  # it is about, in an error
    parameters: dict[str, str | int] = field(default_factory=dict)
    body: dict[str, bool] | None = None
    doubt: str = ""


class CensusClient:
    """Census V2, and V1 for as long as it lives. Threads may share it: each one gets a Session of its own.

    A call takes at most `attempts` times the time to connect and to answer in full, and LONGEST_WAIT asleep: a minute
    as shipped. A longer Retry-After is handed to the caller, in `retry_after`.
    """

    def __init__(
        self,
        base_url: str = "https://app.getcensus.com/api",
        version: str = "v2",
        *,
        token: str,
        group_id: str | None = None,
        timeout: tuple[float, float] = (3.05, 10),
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 3,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", token):  # else the HTTP library raises an error that quotes it
            raise ConfigurationError(["CENSUS_API_TOKEN: it is empty or has blanks, write the bare token"])
        self._base, self._token, self._group_id = f"{base_url.rstrip('/')}/{version}", token, group_id
        self._timeout, self._sleep, self._attempts = timeout, sleep, attempts
        self._local = threading.local()

    def sync(self, sync_id: int) -> Sync:
        what = f"sync {sync_id}"
        sync = _read(read_sync, self._ask_document(_Call("GET", f"syncs/{sync_id}", what))["data"], what)
        return _require(sync, sync.id == sync_id, what)

    def syncs(self) -> list[Sync]:
        what = "the list of syncs"
        return [_read(read_sync, row, what) for rows in self._pages("syncs", what, PAGE) for row in rows]

    def pause(self, sync_id: int) -> None:
        self._set_paused(sync_id, True)

    def resume(self, sync_id: int) -> None:
        self._set_paused(sync_id, False)

    def runs(self, sync_id: int, *, most: int = 25) -> list[Run]:
        what = f"the runs of sync {sync_id}"
        found: dict[int, Run] = {}  # by id: a run that starts between two pages pushes another one onto both
        for rows in self._pages(f"syncs/{sync_id}/sync_runs", what, max(1, min(most, PAGE)), order="desc"):
            found |= {run.id: run for run in _read_runs(rows, sync_id, what, is_first=not found)}
            if len(found) >= most:
                break
        return sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True)[: max(0, most)]

    def runs_since(self, sync_id: int, since: datetime) -> list[Run]:
        what = f"the runs of sync {sync_id}"
        found: dict[int, Run] = {}
        for rows in self._pages(f"syncs/{sync_id}/sync_runs", what, PAGE, order="desc"):
            page = _read_runs(rows, sync_id, what, is_first=not found)
            found |= {run.id: run for run in page if run.created_at >= since}
            if any(run.created_at < since for run in page):
                break
        return sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True)

    def run(self, run_id: int) -> Run:
        what = f"run {run_id}"
        run = _read(read_run, self._ask_document(_Call("GET", f"sync_runs/{run_id}", what))["data"], what)
        return _require(run, run.id == run_id, what)

    def trigger(self, sync_id: int, *, full: bool = False) -> int:
        parameters: dict[str, str | int] = {"force_full_sync": "true"} if full else {}
        doubt = "a run may have started: look in the run list"
        call = _Call("POST", f"syncs/{sync_id}/trigger", f"sync {sync_id}", parameters, doubt=doubt)
        run_id = identity(document(self._ask_document(call)["data"]).get("sync_run_id"))
        if run_id is None:
            raise UncertainError(f"Census named no run of {call.what}; {doubt}")
        return run_id

    def cancel(self, run_id: int) -> None:
        doubt = "it may be cancelled all the same: look at it"
        self._ask_document(_Call("POST", f"sync_runs/{run_id}/cancel", f"run {run_id}", doubt=doubt))

    def records(self, run_id: int, status: str, *, most: int) -> list[Rejection]:
        what = f"the {status} records of run {run_id}"
        pages = islice(self._pages(f"sync_runs/{run_id}/records", what, PAGE, status=status), -(-most // PAGE))
        found = [read_rejection(document(row)) for rows in pages for row in rows]
        # A filter that is not heeded would show the others too; NULL and DUPLICATE are kinds of invalid.
        return [one for one in found if one.status not in RECORD_STATUSES - {status}][:most]

    def record_count(self, run_id: int, status: str) -> int:
        call = _Call(
            "GET", f"sync_runs/{run_id}/records_count", f"the record count of run {run_id}", {"status": status}
        )
        rows = self._ask_document(call)["data"]
        count = whole(document(rows[0] if isinstance(rows, list) and rows else None).get("record_count"))
        if count is None:
            raise _unreadable(call.what, "no number")
        return count

    def raw(self, path: str, **parameters: str | int) -> Document:
        """The answer of a read as it is, for comparing its shape alone."""
        return self._ask_document(_Call("GET", path, path, parameters))

    def _set_paused(self, sync_id: int, paused: bool) -> None:
        """Only this key: others would be changed with it, and `mode` has to be sent whole or not at all."""
        doubt = f"it may be {'paused' if paused else 'on'} all the same: look at it"
        call = _Call("PATCH", f"syncs/{sync_id}", f"sync {sync_id}", body={"paused": paused}, doubt=doubt)
        if document(self._ask_document(call)["data"]).get("paused") is not paused:
            raise UncertainError(f"Census answered, and does not show {call.what} as asked; {doubt}")

    def _pages(self, path: str, what: str, per_page: int, **parameters: str | int) -> Iterator[list[object]]:
        page, asked, known, end = 1, {0}, set[object](), time.monotonic() + LIST_TIMEOUT
        while page not in asked:
            if len(asked) > MOST_PAGES:
                raise UnreadableError(f"Census' answer for {what} does not end: {MOST_PAGES} pages were read")
            if time.monotonic() > end:
                raise TemporaryError(
                    f"Census' answer for {what} was not complete after {LIST_TIMEOUT:g} s, {len(asked) - 1} pages"
                )
            asked.add(page)
            answer = self._ask_document(_Call("GET", path, what, {"page": page, "per_page": per_page, **parameters}))
            if not isinstance(rows := answer["data"], list):
                raise _unreadable(what, "no list")
            new = set(map(_key, rows)) - known
            if not new:
                return  # empty, or `page` is not heeded: it would go on for ever
            yield rows
            known |= new
            if isinstance(pagination := answer.get("pagination"), dict):
                page = whole(pagination.get("next_page")) or 0
            else:  # records have pages and do not say so
                page = page + 1 if len(rows) >= per_page else 0

    def _ask_document(self, call: _Call) -> Document:
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

    def _ask_once(self, call: _Call) -> Document:
        try:
            answer = self._send_request(call)
        except (requests.RequestException, TimeoutError) as error:
            raise _error_of_lost_answer(error, call) from error
        except Exception as error:
            text = f"Census answered in a way that we cannot read ({type(error).__name__}) for {call.what}"
            raise (UncertainError(f"{text}; {call.doubt}") if call.doubt else UnreadableError(text)) from error
        if not 200 <= answer.status_code < 300:
            raise _refusal(answer, call)
        found = _json(answer)
        if found.get("status") == "error":  # nothing was done, whatever the status of HTTP says
            raise PermanentError(
                f"Census refused {call.what}: {redact(str(found.get('message') or 'no reason given'))}"
            )
        if found.get("data") is None:
            text = f"Census answered {answer.status_code} for {call.what}, with nothing in it that we can read"
            raise UncertainError(f"{text}; {call.doubt}") if call.doubt else UnreadableError(text)
        return found

    def _send_request(self, call: _Call) -> requests.Response:
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


def _error_of_lost_answer(error: requests.RequestException | TimeoutError, call: _Call) -> SyncHealthError:
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


def _refusal(answer: requests.Response, call: _Call) -> SyncHealthError:
    status, said = answer.status_code, _json(answer).get("message")
    text = f"Census answered {status} for {call.what}: {REMEDIES.get(status) or _phrase(status)}"
    if isinstance(said, str) and said:
        text += f" ({redact(said)})"
    if status >= 500 and call.doubt:
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


def _json(answer: requests.Response) -> Document:
    try:
        return document(json.loads(answer.content, object_hook=_without_payload))
    except (ValueError, RecursionError):  # no JSON, endless digits, or deeper than anybody nests
        return {}


def _without_payload(found: Document) -> Document:
    """What a record says of people is dropped while it is parsed: what nobody holds, nobody can show or log."""
    found.pop("record_payload", None)
    return found


def _read(reader: Callable[[Document], T], row: object, what: str) -> T:
    try:
        return reader(document(row))
    except (ValueError, OverflowError) as error:
        raise _unreadable(what, redact(str(error))) from error


def _read_runs(rows: Sequence[object], sync_id: int, what: str, *, is_first: bool) -> list[Run]:
    """The runs of a page. One that cannot be read is left out, unless it may be the newest of all."""
    found: list[Run] = []
    for row in rows:
        try:
            run = _read(read_run, row, what)
            found.append(_require(run, run.sync_id == sync_id, what))
        except UnreadableError as error:
            if is_first and not found:
                raise
            log.warning("%s; one run is left out", error)
    return found


def _require(found: T, same: bool, what: str) -> T:
    """What was found, if it is what was asked for."""
    if not same:
        raise _unreadable(what, "it is about another one")
    return found


def _unreadable(what: str, why: str) -> UnreadableError:
    return UnreadableError(f"Census described {what} in a way that we cannot read: {why}")


def _key(row: object) -> object:
    """What tells a row of a list from others: its id, or what a record is about."""
    values = (document(row).get(name) for name in ("id", "identifier", "status_message"))
    return tuple(value if isinstance(value, str | int) else None for value in values)
