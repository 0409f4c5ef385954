"""Census over HTTP: its inconsistent answers become our runs, syncs and errors."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from bot.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
)
from bot.ports import Run, RunStatus, Schedule, Sync

PAGE = 100  # the most rows that Census gives at once
BACKOFF = 0.5  # seconds before the second attempt, doubled from then on
LONGEST_WAIT = 20.0  # seconds: a longer Retry-After is handed to the caller instead of sat out
LONGEST_RETRY_AFTER = 3600.0  # seconds: nobody is told to wait for a year
STATUSES = {status.value: status for status in RunStatus} | {"canceled": RunStatus.CANCELLED}
# What must not reach a message or a log: payloads, links (they can be signed), e-mail addresses.
UNSAYABLE = re.compile(r"\{.*|\w+://\S+|\S+@\S+", re.DOTALL)
REMEDIES = {
    401: "the token is not valid, check CENSUS_API_TOKEN",
    403: "the owner of CENSUS_API_TOKEN has no access, check the owner's rights and CENSUS_GROUP_ID",
    404: "there is no such thing, or the owner of CENSUS_API_TOKEN cannot see it",
    410: "it is no longer available",
}
LOOK = "a run may have started: look in the run list"

T = TypeVar("T")
Document = dict[str, object]


class CensusClient:
    """Census V2, and V1 for as long as it lives. Threads may share it: each one gets a Session of its own."""

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
        return _read(_sync, self._ask("GET", f"syncs/{sync_id}", what)["data"], what)

    def syncs(self) -> list[Sync]:
        what = "the list of syncs"
        return [_read(_sync, row, what) for rows in self._pages("syncs", what, PAGE) for row in rows]

    def runs(self, sync_id: int, *, most: int = 25) -> list[Run]:
        what = f"the runs of sync {sync_id}"
        found: dict[int, Run] = {}  # by id: a run that starts between two pages pushes another one onto both
        for rows in self._pages(f"syncs/{sync_id}/sync_runs", what, max(1, min(most, PAGE)), order="desc"):
            found |= {run.id: run for run in (_read(_run, row, what) for row in rows)}
            if len(found) >= most:
                break
        return sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True)[: max(0, most)]

    def run(self, run_id: int) -> Run:
        what = f"run {run_id}"
        return _read(_run, self._ask("GET", f"sync_runs/{run_id}", what)["data"], what)

    def trigger(self, sync_id: int) -> int:
        what = f"sync {sync_id}"
        run_id = _whole(_dict(self._ask("POST", f"syncs/{sync_id}/trigger", what)["data"]).get("sync_run_id"))
        if run_id is None:
            raise UncertainError(f"Census named no run of {what}; {LOOK}")
        return run_id

    def _pages(self, path: str, what: str, per_page: int, **parameters: str) -> Iterator[list[object]]:
        page, seen = 1, {0}
        while page not in seen:
            seen.add(page)
            answer = self._ask("GET", path, what, page=page, per_page=per_page, **parameters)
            if not isinstance(rows := answer["data"], list):
                raise TemporaryError(f"Census described {what} in a way that we cannot read: no list")
            yield rows
            page = _whole(_dict(answer.get("pagination")).get("next_page")) or 0

    def _ask(self, method: str, path: str, what: str, **parameters: str | int) -> Document:
        """The answer of one call, which has `data`; attempted again where that cannot do anything twice."""
        attempt = 1
        while True:
            try:
                return self._once(method, path, what, parameters)
            except _AgainError as error:
                wait = error.retry_after if error.retry_after is not None else BACKOFF * 2 ** (attempt - 1)
                if attempt >= self._attempts or wait > LONGEST_WAIT:
                    raise
                self._sleep(wait)
            attempt += 1

    def _once(self, method: str, path: str, what: str, parameters: dict[str, str | int]) -> Document:
        scoped = parameters | ({"group_id": self._group_id} if self._group_id else {})
        url = f"{self._base}/{path}"
        try:
            # Followed, a redirect would turn a POST into a GET, or take the token elsewhere.
            answer = self._session().request(method, url, params=scoped, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise _lost(error, method, what) from error
        if not 200 <= answer.status_code < 300:
            raise _refusal(answer, method, what, self._token)
        document = _json(answer)
        if document.get("data") is None:
            text = f"Census answered {answer.status_code} for {what}, with nothing in it that we can read"
            raise UncertainError(f"{text}; {LOOK}") if method == "POST" else TemporaryError(text)
        return document

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.auth = self._sign  # not a header: a .netrc would replace that
            session.headers["User-Agent"] = "sync-health"
            session.trust_env = urlsplit(self._base).hostname != "127.0.0.1"  # no proxy reaches our own machine
        return session

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _AgainError(TemporaryError):
    """It certainly did nothing, and another attempt right away is worth it."""


def _lost(error: requests.RequestException, method: str, what: str) -> SyncHealthError:
    """No answer: what that means depends on how far the request can have come."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError):
        return _AgainError(f"Census cannot be reached, nothing was asked about {what}: check CENSUS_API_URL")
    text = f"Census {'was silent for too long' if isinstance(error, requests.Timeout) else 'broke off'} on {what}"
    if method == "POST":
        return UncertainError(f"{text}; {LOOK}")
    return _AgainError(text) if isinstance(error, requests.ConnectionError) else TemporaryError(text)


def _refusal(answer: requests.Response, method: str, what: str, token: str) -> SyncHealthError:
    status, said = answer.status_code, _json(answer).get("message")
    text = f"Census answered {status} for {what}: {REMEDIES.get(status) or answer.reason or 'it does not say why'}"
    if isinstance(said, str) and said:
        text += f" ({_sayable(said.replace(token, '…'))})"
    if status >= 500 and method == "POST":
        return UncertainError(f"{text}; {LOOK}")
    if status in (429, 502, 503, 504):
        return _AgainError(text, retry_after=_retry_after(answer))
    if status == 425 or status >= 500:
        return TemporaryError(text)
    return NotFoundError(text) if status == 404 else PermanentError(text)


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds of real time, from a number or a date; a date is held against the server's clock, not ours."""
    value = answer.headers.get("Retry-After", "")
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError):  # no date, or one of the two without a zone
        return None
    return min(max(wait.total_seconds(), 0.0), LONGEST_RETRY_AFTER)


def _json(answer: requests.Response) -> Document:
    try:
        return _dict(answer.json())
    except requests.JSONDecodeError:
        return {}


def _sayable(text: str) -> str:
    return " ".join(UNSAYABLE.sub("…", text).split())[:300]


def _read(reader: Callable[[Document], T], row: object, what: str) -> T:
    try:
        return reader(_dict(row))
    except (ValueError, OverflowError) as error:
        raise TemporaryError(f"Census described {what} in a way that we cannot read: {_sayable(str(error))}") from error


def _run(row: Document) -> Run:
    tag = _dict(row.get("sync_trigger_reason")).get("ui_tag")  # never ui_detail: it can name a person
    trigger = _sayable(tag) if isinstance(tag, str) else ""
    status = STATUSES.get(str(row.get("status")).casefold(), RunStatus.UNKNOWN)
    invalid = _whole(row.get("records_invalid"))
    error = row.get("error_message") or row.get("error_code")
    return Run(
        id=_needed(_whole(row.get("id")), "id"),
        sync_id=_needed(_whole(row.get("sync_id")), "sync_id"),
        status=RunStatus.CANCELLED if row.get("canceled") is True else status,  # it can be `completed` beside that
        dry_run=trigger.casefold() == "dry run",
        trigger=trigger,
        created_at=_needed(_time(row.get("created_at")), "created_at"),
        completed_at=_time(row.get("completed_at")),
        records_total=_whole(row.get("source_record_count")),
        records_processed=_whole(row.get("records_processed")),
        records_updated=_whole(row.get("records_updated")),
        records_failed=_whole(row.get("records_failed")),
        records_invalid=invalid if invalid is not None else _whole(row.get("source_record_invalids")),
        error=_sayable(error) if isinstance(error, str) else None,
    )


def _sync(row: Document) -> Sync:
    sync_id = _needed(_whole(row.get("id")), "id")
    mode = _dict(row.get("mode"))
    newer = _dict(_dict(mode.get("triggers")).get("schedule"))
    prefix, fields = ("", newer) if newer.get("frequency") else ("schedule_", row)
    frequency = fields.get(f"{prefix}frequency") or ("continuous" if mode.get("type") == "live" else "never")
    day, cron, paused = fields.get(f"{prefix}day"), fields.get("cron_expression"), row.get("paused")
    schedule = Schedule(
        frequency=str(frequency).casefold(),
        paused=_needed(paused if isinstance(paused, bool) else None, "paused"),  # taken for False it would look healthy
        hour=_whole(fields.get(f"{prefix}hour")),
        minute=_whole(fields.get(f"{prefix}minute")),
        day=str(day) if day is not None else None,
        cron=str(cron) if cron is not None else None,
    )
    label, status = str(row.get("label") or f"sync {sync_id}"), str(row.get("status") or "")
    return Sync(id=sync_id, label=label, status=status.casefold(), schedule=schedule)


def _dict(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(str(value))
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def _needed(value: T | None, field: str) -> T:
    if value is None:
        raise ValueError(f"{field} is missing")
    return value
