"""Access to a local server: its own Host and Origin only, and a deadline for each connection."""

import asyncio
import socket
from collections.abc import Mapping

import uvicorn
from starlette.datastructures import Address
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

FORBIDDEN = "only for programs and pages of this machine that call this server by its own address"
CLOSING = 3  # turns of the loop: from an accepted socket to its connection, and from its end to the closed socket


def is_welcome(headers: Mapping[str, str], port: int, *, page_only: bool = False) -> bool:
    """Whether a request with these headers (lower case) is let in; with `page_only` it must come from our own page.

    Another Host means DNS rebinding, another Origin a page that the person has open elsewhere.
    """
    own = (f"127.0.0.1:{port}", f"localhost:{port}")
    origin = headers.get("origin")
    from_page = origin in [f"http://{host}" for host in own]
    return headers.get("host") in own and (from_page or (origin is None and not page_only))


class Doorkeeper:
    """The check in front of an ASGI app. `acts` is where the paths begin on which a page acts for a person."""

    def __init__(self, app: ASGIApp, acts: str | None = None) -> None:
        self._app, self._acts = app, acts
        self.port = 0  # nobody is let in before there is one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI call."""
        connection = HTTPConnection(scope)
        page_only = self._acts is not None and connection.url.path.startswith(self._acts)
        if is_welcome(connection.headers, self.port, page_only=page_only):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).close(4403)
        else:
            await PlainTextResponse(FORBIDDEN, 403)(scope, receive, send)


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
