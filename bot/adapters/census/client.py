"""The Census client: syncs, runs and records, read page by page and verified; triggers, pauses and cancellations."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from bot.adapters.census import documents
from bot.adapters.census.documents import document, read_rejection, read_run, read_sync
from bot.adapters.census.http import Call, CensusHttp
from bot.adapters.documents import read
from bot.alerts.rejections import Rejection
from bot.errors import TemporaryError, UncertainError, UnreadableError
from bot.facts import Run, Sync

log = logging.getLogger(__name__)
PAGE = 100  # the most rows that Census gives at once
LIST_TIMEOUT = 60.0  # seconds for all pages of a list
MOST_PAGES = 100  # of one list: more is a list that does not end
RECORD_STATUSES = frozenset({"succeeded", "rejected", "invalid"})  # those that can be asked for

T = TypeVar("T")


class CensusClient:
    """Census V2, and V1 for as long as it lives; threads may share it. Timeouts and retries: see CensusHttp."""

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
        base = f"{base_url.rstrip('/')}/{version}"
        self._http = CensusHttp(base, token=token, group_id=group_id, timeout=timeout, sleep=sleep, attempts=attempts)

    def sync(self, sync_id: int) -> Sync:
        what = f"sync {sync_id}"
        sync = _read_document(read_sync, self._http.ask(Call("GET", f"syncs/{sync_id}", what))["data"], what)
        return _require_same(sync, sync.id == sync_id, what)

    def syncs(self) -> list[Sync]:
        what = "the list of syncs"
        found: list[Sync] = []
        for row in (row for rows in self._pages("syncs", what, PAGE) for row in rows):
            try:
                found.append(_read_document(read_sync, row, what))
            except UnreadableError as error:  # of one sync, which need not be one of ours
                log.warning("%s; one sync is left out", error)
        return found

    def pause(self, sync_id: int) -> None:
        self._set_paused(sync_id, True)

    def resume(self, sync_id: int) -> None:
        self._set_paused(sync_id, False)

    def runs(self, sync_id: int, *, most: int = 25) -> list[Run]:
        per_page = max(1, min(most, PAGE))
        return self._runs(sync_id, per_page, lambda runs: len(runs) >= most)[: max(0, most)]

    def runs_since(self, sync_id: int, since: datetime) -> list[Run]:
        runs = self._runs(sync_id, PAGE, lambda runs: any(run.created_at < since for run in runs))
        return [run for run in runs if run.created_at >= since]

    def run(self, run_id: int) -> Run:
        what = f"run {run_id}"
        run = _read_document(read_run, self._http.ask(Call("GET", f"sync_runs/{run_id}", what))["data"], what)
        return _require_same(run, run.id == run_id, what)

    def trigger(self, sync_id: int, *, full_sync: bool = False) -> int:
        doubt = "a run may have started: look in the run list"
        full: dict[str, str | int] = {"force_full_sync": "true"} if full_sync else {}
        call = Call("POST", f"syncs/{sync_id}/trigger", f"sync {sync_id}", full, doubt=doubt)
        answer = self._http.ask(call)["data"]
        try:
            return read(documents.Triggered, answer).sync_run_id
        except ValueError as error:
            raise UncertainError(f"Census named no run of {call.what}; {doubt}") from error

    def cancel(self, run_id: int) -> None:
        doubt = "it may be cancelled anyway: check it"
        self._http.ask(Call("POST", f"sync_runs/{run_id}/cancel", f"run {run_id}", doubt=doubt))

    def records(self, run_id: int, status: str, *, most: int) -> list[Rejection]:
        what = f"the {status} records of run {run_id}"
        pages = islice(self._pages(f"sync_runs/{run_id}/records", what, PAGE, status=status), -(-most // PAGE))
        found = [read_rejection(row) for rows in pages for row in rows]
        # A filter that is not heeded would show the others too; NULL and DUPLICATE are kinds of invalid.
        return [one for one in found if one.status not in RECORD_STATUSES - {status}][:most]

    def record_count(self, run_id: int, status: str) -> int:
        call = Call("GET", f"sync_runs/{run_id}/records_count", f"the record count of run {run_id}", {"status": status})
        rows = self._http.ask(call)["data"]
        try:
            return read(documents.RecordCount, rows[0] if isinstance(rows, list) and rows else None).record_count
        except ValueError as error:
            raise _unreadable(call.what, "no number") from error

    def raw(self, path: str, **parameters: str | int) -> dict[str, object]:
        """The answer of a read as it is, for comparing its shape alone."""
        return self._http.ask(Call("GET", path, path, parameters))

    def _runs(self, sync_id: int, per_page: int, enough: Callable[[Collection[Run]], bool]) -> list[Run]:
        """The runs of a sync, newest first, page by page until they are enough."""
        what = f"the runs of sync {sync_id}"
        found: dict[int, Run] = {}  # by id: a run that starts between two pages pushes another one onto both
        for rows in self._pages(f"syncs/{sync_id}/sync_runs", what, per_page, order="desc"):
            found |= {run.id: run for run in _read_runs(rows, sync_id, what, is_first=not found)}
            if enough(found.values()):
                break
        return sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True)

    def _set_paused(self, sync_id: int, paused: bool) -> None:
        """Only this key: others would be changed with it, and `mode` has to be sent whole or not at all."""
        doubt = f"it may be {'paused' if paused else 'on'} anyway: check it"
        call = Call("PATCH", f"syncs/{sync_id}", f"sync {sync_id}", body={"paused": paused}, doubt=doubt)
        if document(self._http.ask(call)["data"]).get("paused") is not paused:
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
            answer = self._http.ask(Call("GET", path, what, {"page": page, "per_page": per_page, **parameters}))
            if not isinstance(rows := answer["data"], list):
                raise _unreadable(what, "no list")
            new = set(map(_key, rows)) - known
            if not new:
                return  # empty, or `page` is not heeded: it would go on for ever
            yield rows
            known |= new
            if isinstance(pagination := answer.get("pagination"), dict):
                page = read(documents.Pages, pagination).next_page or 0
            else:  # records have pages and do not say so
                page = page + 1 if len(rows) >= per_page else 0


def _read_document(reader: Callable[[object], T], row: object, what: str) -> T:
    try:
        return reader(row)
    except ValueError as error:
        raise _unreadable(what, str(error)) from error


def _read_runs(rows: Sequence[object], sync_id: int, what: str, *, is_first: bool) -> list[Run]:
    """The runs of a page. One that cannot be read is left out, unless it may be the newest of all."""
    found: list[Run] = []
    for row in rows:
        try:
            run = _read_document(read_run, row, what)
            found.append(_require_same(run, run.sync_id == sync_id, what))
        except UnreadableError as error:
            if is_first and not found:
                raise
            log.warning("%s; one run is left out", error)
    return found


def _require_same(found: T, same: bool, what: str) -> T:
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
