"""The page on which people read, type and press, and break the pipeline."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import validate_call
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.demo.slack.blocks import Json, SlackError, parsed_object
from bot.demo.slack.sockets import SocketMode
from bot.demo.slack.state import Workspace

Act = Callable[..., Coroutine[Any, Any, object]]
Document = Callable[[str], str | None]  # the HTML of a page that links lead to, by its path
WEB = Path(__file__).parents[1] / "web"
PAGE_MESSAGES = 300  # what the page shows; the state is sent whole each time
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Control:
    """A switch on the page. `set` may take its time, `get` must not."""

    name: str
    title: str
    get: Callable[[], bool]
    set: Callable[[bool], None]


class Page:
    """Serves the page and keeps it up to date; `acts` are what a person can do, by name."""

    def __init__(
        self,
        workspace: Workspace,
        apps: SocketMode,
        controls: Sequence[Control],
        now: Callable[[], datetime],
        speed: float,
        zone: str,
        acts: Mapping[str, Act],
        document: Document,
    ) -> None:
        self._workspace, self._apps, self._now = workspace, apps, now
        self._scenery, self._document_of = {"speed": speed, "zone": zone}, document
        self._controls = {control.name: control for control in controls}
        own: dict[str, Act] = {"close": self._close, "dismiss": self._dismiss, "control": self._control}
        self._acts: dict[str, Act] = {name: validate_call(act) for name, act in {**acts, **own}.items()}
        self._open: set[asyncio.Event] = set()

    def routes(self) -> list[BaseRoute]:
        """Where the page, its files and what it posts are found."""
        return [
            Route("/", self._file),
            Route("/{name}", self._file),
            Route("/archives/{channel}/{message}", self._file),  # a permalink: the page opens its thread
            Route("/documents/{path:path}", self._document),
            Route("/demo/{what}", self._act, methods=["POST"]),
            WebSocketRoute("/demo/live", self._live),
        ]

    def refresh(self) -> None:
        """Let every open page look for what is new."""
        for changed in self._open:
            changed.set()

    async def _file(self, request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in ("index.html", "blocks.js", "page.js", "page.css"):
            return PlainTextResponse("not found", 404)
        return FileResponse(WEB / name, headers=HEADERS)

    async def _document(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._document_of, request.path_params["path"])
        return HTMLResponse(found, headers=HEADERS) if found else PlainTextResponse("not found", 404)

    async def _act(self, request: Request) -> Response:
        try:
            asked = parsed_object(await request.body(), "invalid_json")
            await self._acts[request.path_params["what"]](**asked)
        except (LookupError, ValueError, SlackError) as wrong:
            return JSONResponse({"ok": False, "error": str(wrong)}, 400)
        finally:
            self.refresh()
        return JSONResponse({"ok": True})

    async def _close(self, user: str) -> None:
        if view := self._workspace.modal(user):
            self._workspace.view_answered(user, view["id"], {})

    async def _dismiss(self, user: str, ts: str) -> None:
        self._workspace.dismiss(user, ts)

    async def _control(self, name: str, on: bool) -> None:
        await asyncio.to_thread(self._controls[name].set, on)

    async def _live(self, websocket: WebSocket) -> None:
        """Send the whole of what this person may see whenever it changed, and every few seconds for the clock."""
        user = websocket.query_params.get("user", "")
        user = user if user in self._workspace.people else next(iter(self._workspace.people))
        changed, sent, quiet = asyncio.Event(), None, 0
        await websocket.accept()
        self._open.add(changed)
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                state = self._state(user)
                quiet = 0 if state != sent else quiet + 1
                if quiet % 5 == 0:
                    await websocket.send_text(json.dumps(state | {"clock": self._now().timestamp()}))
                sent = state
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), 1)
                changed.clear()
        self._open.discard(changed)

    def _state(self, user: str) -> Json:
        people = [{"id": p.id, "name": p.name, "role": p.role} for p in self._workspace.people.values()]
        switches = [{"name": c.name, "title": c.title, "on": c.get()} for c in self._controls.values()]
        return {
            "me": user,
            "channel": self._workspace.channel,
            "people": people,
            **self._scenery,
            "controls": switches,
            "connected": bool(self._apps.open),
            "messages": self._workspace.latest(PAGE_MESSAGES),
            "ephemerals": self._workspace.ephemerals(user),
            "modal": self._workspace.modal(user),
            "home": self._workspace.home(user),
        }
