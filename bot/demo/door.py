"""Access to a local server: its own Host and Origin only, bodies of a bounded size, a deadline for each connection."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import uvicorn
from starlette.datastructures import Address
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

FORBIDDEN = "only for programs and pages of this machine that call this server by its own address"
MOST_BODY = 4 * 2**20  # bytes of a request: the longest message of Slack is a tenth of that
MOST_TARGET = 4000  # characters of a path and its query; of digits, fewer than int() reads
MOST_CALLS = 4000  # that a server remembers, the newest
CLOSING = 3  # turns of the loop: from an accepted socket to its connection, and from its end to the closed socket


def is_welcome(headers: Mapping[str, str], port: int, *, page_only: bool = False) -> bool:
    """Whether a request with these headers (lower case) is let in; with `page_only` it must come from our own page.

    Another Host means DNS rebinding, another Origin a page that the person has open elsewhere.
    """
    own = (f"127.0.0.1:{port}", f"localhost:{port}")
    origin = headers.get("origin")
    from_page = origin in [f"http://{host}" for host in own]
    return headers.get("host") in own and (from_page or (origin is None and not page_only))


def refused_length(text: str | None) -> int:
    """The status that says what is wrong with this Content-Length; 0: nothing."""
    if text is None:
        return 411
    if not (text.isascii() and text.isdecimal()):
        return 400
    return 413 if len(text) > 9 or int(text) > MOST_BODY else 0


class Doorkeeper:
    """The check in front of an ASGI app. `acts` is where the paths begin on which a page acts for a person."""

    def __init__(self, app: ASGIApp, acts: str | None = None) -> None:
        self._app, self._acts = app, acts
        self.port = 0  # nobody is let in before there is one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call."""
        connection = HTTPConnection(scope)
        page_only = self._acts is not None and scope["path"].startswith(self._acts)
        welcome = is_welcome(connection.headers, self.port, page_only=page_only)
        if scope["type"] == "websocket":
            await (self._app(scope, receive, send) if welcome else WebSocket(scope, receive, send).close(4403))
        elif status := _refused(connection) if welcome else 403:
            await PlainTextResponse("" if welcome else FORBIDDEN, status)(scope, receive, send)
        else:
            await self._app(scope, _bounded(receive), send)


def _refused(request: HTTPConnection) -> int:
    """The status of a request that is too large to be read, as far as its first lines tell; 0: it is not."""
    target = len(request.scope["path"]) + len(request.scope["query_string"])
    return 414 if target > MOST_TARGET else refused_length(request.headers.get("content-length", "0"))


def _bounded(receive: Receive) -> Receive:
    """The same, for bodies that do not say how long they are."""
    taken = 0

    async def receive_some() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BODY:
            raise HTTPException(413)
        return message

    return receive_some


def quiet_server(app: ASGIApp, **options: Any) -> uvicorn.Server:
    """A server that writes no log and does not wait long for whoever is still connected."""
    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False, "lifespan": "off"}
    return uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, **quiet, **options))


async def serve(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until the server `should_exit`; then nobody is left connected, whoever came while it ended included."""
    await server.serve(sockets=[listener])
    for _ in range(CLOSING):
        hang_up(server)
        await asyncio.sleep(0)


def hang_up(server: uvicorn.Server, on: Address | None = None) -> None:
    """Drop a connection, or all, in mid-sentence."""
    for connection in list(server.server_state.connections):
        if on is None or getattr(connection, "client", None) == (on.host, on.port):
            connection.transport.abort()
