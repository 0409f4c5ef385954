"""A local Databricks on loopback: the connector's Thrift calls and the REST calls of the bot, with faults to order."""

import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import duckdb
from databricks.sql.thrift_api.TCLIService import TCLIService
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from bot.demo.door import FORBIDDEN, is_welcome
from bot.demo.warehouse.sessions import LocalWarehouse

PATH = "/sql/1.0/warehouses/local"


@dataclass
class Fault:
    """How the next calls of a kind go wrong: `call` is one of Thrift's, or `state` or `token`, those of REST.

    `what`: an HTTP status; `hang`: no answer; `drop`: the connection ends; `restart`: sessions and statements are
    forgotten; `error`: the statement fails with `text`. `done`: what was asked is done, only the answer is lost.
    """

    call: str
    what: int | Literal["hang", "drop", "restart", "error"]
    times: int = 1
    done: bool = False
    retry_after: str | None = None
    text: str = ""


class WarehouseServer(LocalWarehouse):
    """The warehouse behind HTTP. `faults` is what will go wrong, `calls` what was asked."""

    def __init__(
        self,
        cursor: Callable[[], duckdb.DuckDBPyConnection],
        *,
        token: str,
        port: int = 0,
        now: Callable[[], float] = time.monotonic,
        start_seconds: float = 0.0,
        auto_stop_mins: int = 10,
    ) -> None:
        super().__init__(cursor, now=now, start_seconds=start_seconds, auto_stop_mins=auto_stop_mins)
        self.token = token
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}  # by call: what happens before it is served
        self.token_answer: dict[str, object] = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        self.stopping = threading.Event()
        self.processor = TCLIService.Processor(self)
        self._port = port
        self._order = threading.Lock()  # guards faults and calls

    @property
    def url(self) -> str:
        """The address for a client; known once it has started."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen. May be called again after `stop`: the port stays the same, sessions are forgotten."""
        self.forget()
        self.stopping.clear()
        self._http = _Http(("127.0.0.1", self._port), self)
        self._port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close every connection and interrupt what runs."""
        self.stopping.set()
        for statement in list(self.statements.values()):
            statement.cancel()
        self._http.end()

    def next_fault(self, call: str) -> Fault | None:
        """Note the call; what is to go wrong with it, if anything."""
        with self._order:
            self.calls.append(call)
            for fault in self.faults:
                if fault.call == call and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], warehouse: WarehouseServer) -> None:
        self.warehouse = warehouse
        self._open: set[Any] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left in the middle is nothing to print."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            _hang_up(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an ACK
    server: _Http

    def do_GET(self) -> None:
        if self._is_turned_away():
            return
        warehouse = self.server.warehouse
        if self.path == "/api/2.0/sql/warehouses/local":
            self._serve("state", lambda: {"state": warehouse.state, "auto_stop_mins": warehouse.auto_stop_mins})
        else:
            self._answer(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._is_turned_away():
            return
        if self.path == "/oidc/v1/token":
            self._serve("token", lambda: self.server.warehouse.token_answer)
        elif self.path == PATH:
            call, _, _ = TBinaryProtocol(TMemoryBuffer(body)).readMessageBegin()
            warehouse = self.server.warehouse
            if call == "OpenSession" and warehouse.while_starting == "503" and warehouse.starts():
                self._answer(503)
            else:
                self._serve(call, lambda: self._thrift(body))
        else:
            self._answer(404)

    def _is_turned_away(self) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        welcome = is_welcome(headers, self.server.server_port)
        if not welcome:
            self._answer(403, FORBIDDEN.encode())
        return not welcome

    def log_message(self, *_: Any) -> None:
        """Nothing: `calls` has it."""

    def _serve(self, call: str, act: Callable[[], bytes | dict[str, object]]) -> None:
        warehouse = self.server.warehouse
        fault = warehouse.next_fault(call)
        warehouse.before.get(call, lambda: None)()
        wanted = f"Bearer {warehouse.token}"
        if call != "token" and not hmac.compare_digest(self.headers.get("Authorization", "").encode(), wanted.encode()):
            return self._answer(401)
        if fault and fault.what == "restart":
            warehouse.forget()
        if fault and fault.what == "error":
            warehouse.errors.append(fault.text)
        if fault is None or fault.done or fault.what in ("restart", "error"):
            said = act()
            if fault is None or not (fault.done or isinstance(fault.what, int)):
                return self._answer(200, said if isinstance(said, bytes) else json.dumps(said).encode())
        if isinstance(fault.what, int):
            return self._answer(fault.what, reason=fault.text, retry_after=fault.retry_after)
        if fault.what == "hang":
            warehouse.stopping.wait()
        self.close_connection = True
        return _hang_up(self.connection)

    def _thrift(self, body: bytes) -> bytes:
        answer = TMemoryBuffer()
        self.server.warehouse.processor.process(TBinaryProtocol(TMemoryBuffer(body)), TBinaryProtocol(answer))
        return bytes(answer.getvalue())

    def _answer(self, status: int, body: bytes = b"", *, reason: str = "", retry_after: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if reason:  # how Databricks' gateway says why
            self.send_header("x-databricks-error-or-redirect-message", reason)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # it may be gone already
        connection.shutdown(socket.SHUT_RDWR)
