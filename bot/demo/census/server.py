"""A local Census on loopback: the V2 calls that the bot makes, over syncs that really run, with faults to order."""

import asyncio
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.demo.census.syncs import CensusSyncs, Destination, Document, LocalSync
from bot.demo.door import Doorkeeper, quiet_server, serve
from bot.transport.bounded_http import json_object

Answer = tuple[int, Document]
MISSING: Answer = (404, {"status": 404})  # an integer and no message, as the real one does it


@dataclass
class _Fault:
    where: str
    what: int | Literal["hang", "drop"]
    times: int
    act: bool
    retry_after: str | None
    body: str | Document


@dataclass(frozen=True)
class _Call:
    id: int
    query: QueryParams
    body: bytes


class CensusServer(CensusSyncs):
    """The syncs behind HTTP. Of use without `start` too: `advance` and `runs` need no network."""

    def __init__(
        self,
        destination: Destination,
        syncs: Iterable[LocalSync],
        *,
        token: str,
        now: Callable[[], datetime],
        port: int = 0,
        rows_per_minute: float = 50,
        history_days: int = 1,
    ) -> None:
        super().__init__(destination, syncs, now=now, rows_per_minute=rows_per_minute, history_days=history_days)
        self._token, self._port = token, port
        self._faults: list[_Fault] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The base address for a client; known once it has started."""
        return f"http://127.0.0.1:{self._port}/api"

    def start(self) -> None:
        """Listen, and run the schedules. May be called again after `stop`: the port stays the same."""
        listener = socket.create_server(("127.0.0.1", self._port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for an ACK
        self._port = listener.getsockname()[1]
        self._stopping.clear()
        routes = [
            Route(f"/api/{{version}}{path}", partial(self._serve, operation), methods=[method])
            for operation, (method, path, _) in OPERATIONS.items()
        ]
        door = Doorkeeper(Starlette(routes=routes))
        door.port = self._port
        self._server = quiet_server(door, http="h11", ws="none")
        listen = partial(asyncio.run, serve(self._server, listener))
        self._threads = [threading.Thread(target=target, daemon=True) for target in (listen, self._tick)]
        for thread in self._threads:
            thread.start()
        while not self._server.started and self._threads[0].is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Close every connection and end both threads, within about a second. Runs stay where they are."""
        self._stopping.set()
        for thread in self._threads:
            self._server.should_exit = True
            thread.join(timeout=60)  # what it is in the middle of ends before its destination closes
        self._threads = []

    def fail_next(
        self,
        where: str,
        what: int | Literal["hang", "drop"],
        times: int = 1,
        *,
        act: bool = False,
        retry_after: str | None = None,
        body: str | Document = "",
    ) -> None:
        """Answer the next calls wrongly: with a status, never, or by dropping the connection.

        `where` is a key of OPERATIONS or, with a slash, a part of the path; `act`: do first what was asked.
        """
        with self._lock:
            self._faults.append(_Fault(where, what, times, act, retry_after, body))

    def heal(self) -> None:
        """Forget the faults that are still to come."""
        with self._lock:
            self._faults.clear()

    def _tick(self) -> None:
        while not self._stopping.wait(0.2):
            self.advance()

    async def _serve(self, operation: str, request: Request) -> Response:
        sent = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(sent, f"Bearer {self._token}".encode()):
            return JSONResponse({"status": 401}, 401)
        fault = self._next_fault(operation, request.url.path)
        status, answer = 200, Document()
        if fault is None or fault.act:
            call = _Call(request.path_params.get("id", 0), request.query_params, await request.body())
            status, answer = await asyncio.to_thread(self._act, operation, call)
        if fault is None:
            return JSONResponse(answer, status)
        if isinstance(fault.what, int):
            body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
            return Response(body, fault.what, {"retry-after": fault.retry_after} if fault.retry_after else None)
        while fault.what == "hang" and not self._stopping.is_set() and not await request.is_disconnected():
            await asyncio.sleep(0.02)
        for connection in list(self._server.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == request.client:
                connection.transport.abort()
        return Response()  # nobody hears it

    def _next_fault(self, operation: str, path: str) -> _Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and (fault.where == operation or ("/" in fault.where and fault.where in path)):
                    fault.times -= 1
                    return fault
        return None

    def _act(self, operation: str, call: _Call) -> Answer:
        with self._lock:
            self.advance()
            return OPERATIONS[operation][2](self, call)

    def _list_syncs(self, call: _Call) -> Answer:
        return 200, _page([self.describe(sync_id) for sync_id in {*self.syncs, *self._planted}], call.query)

    def _get_sync(self, call: _Call) -> Answer:
        known = call.id in self.syncs or call.id in self._planted
        return (200, {"status": "success", "data": self.describe(call.id)}) if known else MISSING

    def _change_sync(self, call: _Call) -> Answer:
        if (sync := self.syncs.get(call.id)) is None:
            return MISSING
        paused = json_object(call.body).get("paused")
        if not isinstance(paused, bool):
            return 422, {"status": "error", "message": "paused must be true or false"}
        sync.paused = paused
        return 200, {"status": "updated", "data": self.describe(call.id)}

    def _trigger_sync(self, call: _Call) -> Answer:
        if call.id not in self.syncs:
            return MISSING
        run_id = self.trigger(call.id, full=call.query.get("force_full_sync") == "true")
        return 200, {"status": "success", "data": {"sync_run_id": run_id}}

    def _list_runs(self, call: _Call) -> Answer:
        return (200, _page(self.runs(call.id), call.query)) if call.id in self.syncs else MISSING

    def _get_run(self, call: _Call) -> Answer:
        run = self._runs.get(call.id)
        return MISSING if run is None else (200, {"status": "success", "data": dict(run)})

    def _cancel_run(self, call: _Call) -> Answer:
        if call.id not in self._runs:
            return MISSING
        self.cancel(call.id)
        return 200, {"status": "cancelled", "data": {}}

    def _list_records(self, call: _Call) -> Answer:
        if call.id not in self._runs:
            return MISSING
        paged = _page(self._records_asked(call), call.query)
        return 200, {"status": "success", "data": paged["data"]}  # without `pagination`, as the real one does it

    def _count_records(self, call: _Call) -> Answer:
        if call.id not in self._runs:
            return MISSING
        return 200, {"status": "success", "data": [{"record_count": len(self._records_asked(call))}]}

    def _records_asked(self, call: _Call) -> list[Document]:
        return [row for row in self.records(call.id) if call.query.get("status") in (None, row["status"])]


OPERATIONS: dict[str, tuple[str, str, Callable[[CensusServer, _Call], Answer]]] = {
    "list_syncs": ("GET", "/syncs", CensusServer._list_syncs),
    "get_sync": ("GET", "/syncs/{id:int}", CensusServer._get_sync),
    "change_sync": ("PATCH", "/syncs/{id:int}", CensusServer._change_sync),
    "trigger": ("POST", "/syncs/{id:int}/trigger", CensusServer._trigger_sync),
    "list_runs": ("GET", "/syncs/{id:int}/sync_runs", CensusServer._list_runs),
    "get_run": ("GET", "/sync_runs/{id:int}", CensusServer._get_run),
    "cancel": ("POST", "/sync_runs/{id:int}/cancel", CensusServer._cancel_run),
    "list_records": ("GET", "/sync_runs/{id:int}/records", CensusServer._list_records),
    "count_records": ("GET", "/sync_runs/{id:int}/records_count", CensusServer._count_records),
}


def _page(rows: list[Document], query: QueryParams) -> Document:
    page = max(_number(query.get("page"), 1), 1)
    size = min(max(_number(query.get("per_page"), 25), 1), 100)
    rows = sorted(rows, key=lambda row: int(row.get("id", 0)), reverse=query.get("order") != "asc")
    last = max(1, -(-len(rows) // size))
    around = {"prev_page": page - 1 if page > 1 else None, "next_page": page + 1 if page < last else None}
    pagination = {"total_records": len(rows), "per_page": size, "page": page, "last_page": last} | around
    return {"status": "success", "data": rows[(page - 1) * size : page * size], "pagination": pagination}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
