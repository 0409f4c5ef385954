"""A local Databricks on loopback: the connector's Thrift calls and the REST calls of the bot, with faults to order."""

import hmac
import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import duckdb
from databricks.sql.thrift_api.TCLIService import TCLIService
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TException
from thrift.transport.TTransport import TMemoryBuffer

from bot.demo.door import FORBIDDEN, MOST_CALLS, is_welcome, refused_length
from bot.demo.warehouse.sessions import LocalWarehouse

DISCOVERY, TOKEN_PATH = "/oidc/.well-known/oauth-authorization-server", "/oidc/v1/token"
PATH = "/sql/1.0/warehouses/local"
MISSHAPEN = (TException, EOFError, RecursionError, TypeError, ValueError, struct.error)  # what reading no Thrift raises
CHUNK = 64 * 1024  # bytes of what is thrown away


@dataclass
class Fault:
    """How the next calls of a kind go wrong: `call` is one of Thrift's, or `state`, `me`, `discovery`, `token` of REST.

    `what`: an HTTP status; `hang`: no answer; `drop`: the connection ends; `restart`: sessions and statements are
    forgotten; `error`: the statement fails with `text`. `done`: what was asked is done, only the answer is lost.
    `body` is what an HTTP status brings along, such as the HTML of a login page.
    """

    call: str
    what: int | Literal["hang", "drop", "restart", "error"]
    times: int = 1
    done: bool = False
    retry_after: str | None = None
    text: str = ""
    body: bytes = b""


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
        self.calls: list[str] = []  # the newest
        self.before: dict[str, Callable[[], object]] = {}  # by call: what happens before it is served
        self.user = "operations@example.com"  # whose token it is
        self.principals = {"application": "hush"}  # service principals, each with its secret
        self.agents: list[str] = []  # the User-Agent of each call, the newest
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

    def next_fault(self, call: str, agent: str = "") -> Fault | None:
        """Note the call and who asks; what is to go wrong with it, if anything."""
        with self._order:
            self.calls.append(call)
            self.agents.append(agent)
            del self.calls[:-MOST_CALLS], self.agents[:-MOST_CALLS]
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
        warehouse = self.server.warehouse
        if not self._is_welcome():
            self._answer(403, FORBIDDEN.encode())
        elif self.path == DISCOVERY:
            self._serve("discovery", lambda: {"token_endpoint": warehouse.url + TOKEN_PATH})
        elif not self._has_token():
            self._answer(401)
        elif self.path == "/api/2.0/preview/scim/v2/Me":
            self._serve("me", lambda: {"userName": warehouse.user})
        elif self.path == "/api/2.0/sql/warehouses/local":
            self._serve("state", lambda: {"state": warehouse.state, "auto_stop_mins": warehouse.auto_stop_mins})
        else:
            self._answer(404)

    def do_POST(self) -> None:
        status = refused_length(self.headers.get("Content-Length")) if self._is_welcome() else 403
        if status:
            self.close_connection = True  # what was posted is not read, and nothing can come after it
            self._answer(status, FORBIDDEN.encode() if status == 403 else b"")
        elif self.path == TOKEN_PATH:
            self._skip_body()
            self._issue_token()
        elif self.path != PATH or not self._has_token():
            self._skip_body()
            self._answer(401 if self.path == PATH else 404)
        else:
            self._run_call(self.rfile.read(int(self.headers["Content-Length"])))

    def _is_welcome(self) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return is_welcome(headers, self.server.server_port)

    def _has_token(self) -> bool:
        wanted = f"Bearer {self.server.warehouse.token}"
        return hmac.compare_digest(self.headers.get("Authorization", "").encode(), wanted.encode())

    def _issue_token(self) -> None:
        """A token for whoever knows the secret of a principal."""
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        known = [
            b64encode(f"{one}:{secret}".encode()).decode() for one, secret in self.server.warehouse.principals.items()
        ]
        if kind == "Basic" and given in known:
            self._serve("token", lambda: self.server.warehouse.token_answer)
        else:
            self._answer(401, json.dumps({"error": "invalid_client", "error_description": given}).encode())

    def _skip_body(self) -> None:
        """Read what was posted and keep nothing: who still writes would not hear the answer."""
        left = int(self.headers["Content-Length"])
        while left and (chunk := self.rfile.read(min(left, CHUNK))):
            left -= len(chunk)

    def _run_call(self, body: bytes) -> None:
        warehouse = self.server.warehouse
        try:
            call, _, _ = TBinaryProtocol(TMemoryBuffer(body)).readMessageBegin()
            if call == "OpenSession" and warehouse.while_starting == "503" and warehouse.starts():
                self._answer(503)
            else:
                self._serve(call, lambda: self._thrift(body))
        except MISSHAPEN:
            self._answer(400)

    def log_message(self, *_: Any) -> None:
        """Nothing: `calls` has it."""

    def _serve(self, call: str, act: Callable[[], bytes | dict[str, object]]) -> None:
        warehouse = self.server.warehouse
        fault = warehouse.next_fault(call, self.headers.get("User-Agent", ""))
        warehouse.before.get(call, lambda: None)()
        if fault and fault.what == "restart":
            warehouse.forget()
        if fault and fault.what == "error":
            warehouse.errors.append(fault.text)
        if fault is None or fault.done or fault.what in ("restart", "error"):
            said = act()
            if fault and fault.done:
                warehouse.wait_for_statements()
            if fault is None or not (fault.done or isinstance(fault.what, int)):
                return self._answer(200, said if isinstance(said, bytes) else json.dumps(said).encode())
        if isinstance(fault.what, int):
            return self._answer(fault.what, fault.body, reason=fault.text, retry_after=fault.retry_after)
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
