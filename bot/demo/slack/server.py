"""A local Slack that behaves as documented: the Web API, Socket Mode, response URLs, and a page for people."""

import asyncio
import hmac
import math
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from bot.demo.door import MOST_BODY, MOST_CALLS, Doorkeeper, hang_up, quiet_server, serve
from bot.demo.slack import sockets
from bot.demo.slack.blocks import Json, SlackError, parsed_object
from bot.demo.slack.modals import APP, Person
from bot.demo.slack.page import Act, Control, Document, Page
from bot.demo.slack.sockets import SocketMode
from bot.demo.slack.state import RESPONSE_URL_USES, SLACKBOT, Workspace

__all__ = ["DROP_AFTER", "DROP_BEFORE", "Control", "Fault", "Person", "SlackServer"]
T = TypeVar("T")
OPENING = "apps.connections.open"  # the one method that takes the app's token


@dataclass(frozen=True)
class Fault:
    """How a Web API call goes wrong; `done` says that it takes effect anyway, `silence` how many seconds before."""

    error: str = ""
    status: int = 200
    retry_after: int | None = None
    drop: bool = False
    done: bool = False
    silence: float = 0.0


DROP_BEFORE, DROP_AFTER = Fault(drop=True), Fault(drop=True, done=True)


class SlackServer:
    """Slack on 127.0.0.1, for the unmodified slack_sdk and Bolt; everything is callable from any thread.

    `now` is the time of the pipeline, for messages and the page (`speed` of its seconds go by in one), `zone` is where
    its people are, `real` the seconds since the epoch that triggers and response URLs go by; envelopes must be
    acknowledged in `ack_seconds`, Slack's three if none are given.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        bot_token: str,
        app_token: str,
        people: Sequence[Person],
        port: int = 0,
        channel: str = "sync-health",
        controls: Sequence[Control] = (),
        groups: Mapping[str, Sequence[str]] | None = None,
        speed: float = 1.0,
        zone: str = "UTC",
        real: Callable[[], float] = time.time,
        ack_seconds: float | None = None,
        scopes: Iterable[str] = (),
        document: Document = lambda _: None,
    ) -> None:
        self.calls: list[tuple[str, Json]] = []  # the newest, of those with the right token
        self.scopes = set(scopes)  # of the bot token
        self.url = ""
        self._workspace = Workspace(channel, people, groups or {}, now, real)
        self.messages, self.ephemerals = self._workspace.messages, self._workspace.ephemerals
        self.modal, self.home = self._workspace.modal, self._workspace.home
        self.unknown_blocks = self._workspace.unknown_blocks  # "table", …: types that this workspace refuses
        self._port = port
        self._tokens = {"app": app_token, "bot": bot_token}
        self._faults: dict[str, list[Fault]] = {}
        self._lasting: dict[str, Fault] = {}
        self._apps = SocketMode(sockets.ACK_SECONDS if ack_seconds is None else ack_seconds)
        acts: dict[str, Act] = {"command": self._command, "press": self._press, "submit": self._submit}
        acts["home"] = self._open_home
        self._page = Page(self._workspace, self._apps, controls, now, speed, zone, acts, document)
        routes = [
            Route("/api/{method}", self._api, methods=["GET", "POST"]),
            Route("/response/{token}", self._response, methods=["POST"]),
            WebSocketRoute("/link", self._apps.serve),
        ]
        self._door = Doorkeeper(Starlette(routes=[*routes, *self._page.routes()]), acts="/demo/")
        self._uvicorn = quiet_server(self._door, ws="websockets-sansio", ws_max_size=MOST_BODY)
        self._thread = threading.Thread(target=self._run, name="local-slack", daemon=True)

    def start(self) -> None:
        """Listen; returns once connections are taken."""
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self._door.port = self._socket.getsockname()[1]
        self.url = self._workspace.url = f"http://127.0.0.1:{self._door.port}"
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and wait for the thread, a second or so; may be called twice."""
        self._uvicorn.should_exit = True
        self._door.port = 0  # whoever reconnects now is turned away
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(hang_up, self._uvicorn)
            self._thread.join(5)

    @property
    def answers(self) -> list[int]:
        """How many were given on each response_url, in the order of commands and presses."""
        return [RESPONSE_URL_USES - url.uses for url in list(self._workspace.response_urls.values())]

    @property
    def scheduled(self) -> list[Json]:
        """What Slack will post later, as chat.scheduledMessages.list shows it."""
        return list(self._workspace.call("chat.scheduledMessages.list", {})["scheduled_messages"])

    @property
    def connections(self) -> int:
        """How many Socket Mode connections are open."""
        return len(self._apps.open)

    def command(self, user: str, text: str) -> None:
        """Type /sync-health TEXT; returns when the app acknowledged it or Slack gave up."""
        self._await(self._command(user, text))

    def commands(self, users: Sequence[str], texts: Sequence[str]) -> list[float]:
        """Type them all at once, these people in turn.

        For each the seconds until the app acknowledged it, infinite where Slack gave up.
        """
        return self._await(self._commands(users, texts))

    def press(self, user: str, message_ts: str, action_id: str, value: str | None = None) -> None:
        """Press in what this person sees: a message, or with `""` the open modal, else the Home; LookupError."""
        self._await(self._press(user, message_ts, action_id, value))

    def open_home(self, user: str, tab: str = "home") -> None:
        """Open a tab of the app; returns when the app acknowledged that or Slack gave up."""
        self._await(self._open_home(user, tab))

    def submit(self, user: str, values: Mapping[str, str] | None = None) -> None:
        """Submit the open modal; values by block_id or action_id."""
        self._await(self._submit(user, values or {}))

    def fail_next(self, method: str, fault: Fault, times: int | None = 1) -> None:
        """Let the next calls of a method (`*`: of any; `response_url`) fail; `times=None`: until `heal`."""
        if times is None:
            self._lasting[method] = fault
        else:
            self._faults.setdefault(method, []).extend([fault] * times)

    def heal(self) -> None:
        """Forget all faults and take every block."""
        self.unknown_blocks.clear()
        self._faults.clear()
        self._lasting.clear()

    def refresh(self, seconds: float) -> None:
        """Ask for new Socket Mode connections, as Slack does every few hours; the old ones live so much longer."""
        self._await(self._apps.refresh(seconds))

    def disconnect(self) -> None:
        """Drop every Socket Mode connection; clients come back by themselves."""
        self._await(self._drop_sockets())

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve(self._uvicorn, self._socket))

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._page.refresh)

    async def _api(self, request: Request) -> Response:
        method, fault = request.path_params["method"], None
        answer: Json = {"ok": True}
        try:
            arguments = await self._admitted(method, request)
            fault = self._fault(method, "*")
            if fault is None or fault.done:
                answer |= self._answer(method, arguments)
        except SlackError as refused:
            answer = refused.answer
        self._page.refresh()
        if fault:
            await asyncio.sleep(fault.silence)
            return self._spoilt(request, fault)
        return JSONResponse(answer, headers={"x-oauth-scopes": ",".join(self.scopes)})

    async def _admitted(self, method: str, request: Request) -> Json:
        """The arguments of a call, read unless the header has a wrong token, kept if the right one came; SlackError."""
        wanted = self._tokens["app" if method == OPENING else "bot"]
        if in_header := request.headers.get("authorization", "").removeprefix("Bearer "):
            _admit(in_header, wanted)
        arguments = await _arguments(request)
        in_body = str(arguments.pop("token", ""))
        _admit(in_header or in_body, wanted)
        self.calls.append((method, arguments))
        del self.calls[:-MOST_CALLS]
        return arguments

    def _answer(self, method: str, arguments: Json) -> Json:
        if method != OPENING:
            return self._workspace.call(method, arguments)
        return {"url": f"{self.url.replace('http', 'ws', 1)}/link?ticket={self._apps.ticket()}&app_id={APP}"}

    def _fault(self, *names: str) -> Fault | None:
        for name in names:
            if self._faults.get(name):
                return self._faults[name].pop(0)
            if name in self._lasting:
                return self._lasting[name]
        return None

    def _spoilt(self, request: Request, fault: Fault) -> Response:
        if fault.drop:
            hang_up(self._uvicorn, request.client)
        if fault.retry_after is not None:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(fault.retry_after)})
        if fault.error:
            return JSONResponse({"ok": False, "error": fault.error}, fault.status)
        return PlainTextResponse("Server Error", fault.status)

    async def _response(self, request: Request) -> Response:
        fault = self._fault("response_url")
        if fault and not fault.done:
            return self._spoilt(request, fault)
        try:
            said = parsed_object(await request.body(), "invalid_payload")
            self._workspace.respond(request.path_params["token"], said)
        except SlackError as refused:
            return JSONResponse({"ok": False, "error": refused.code}, 404 if "url" in refused.code else 400)
        self._page.refresh()
        return self._spoilt(request, fault) if fault else JSONResponse({"ok": True})

    async def _commands(self, users: Sequence[str], texts: Sequence[str]) -> list[float]:
        return await asyncio.gather(
            *(self._command(user, text) for user, text in zip(cycle(users), texts, strict=False))
        )

    async def _command(self, user: str, text: str) -> float:
        """Seconds until it was acknowledged."""
        payload, began = self._workspace.command(user, text), time.perf_counter()
        try:
            answer = await self._apps.send("slash_commands", payload)
        except SlackError as failed:
            text = f"/sync-health failed with the error “{failed.code}”"
            self._workspace.tell(user, {"text": text}, by=SLACKBOT)
            return math.inf
        took = time.perf_counter() - began
        if answer.get("response_type") == "in_channel":
            self._workspace.call("chat.postMessage", {**answer, "channel": self._workspace.channel})
        elif answer:
            self._workspace.tell(user, answer)
        return took

    async def _press(self, user: str, ts: str, action_id: str, value: str | None = None) -> None:
        payload = self._workspace.action(user, ts, action_id, value)
        try:
            await self._apps.send("interactive", payload)
        except SlackError as failed:
            where = {"thread_ts": payload["container"].get("thread_ts")}
            text = f"This button failed with the error “{failed.code}”"
            self._workspace.tell(user, {"text": text, **where}, by=SLACKBOT)

    async def _open_home(self, user: str, tab: str = "home") -> None:
        with suppress(SlackError):  # nobody sees that the app does not answer
            await self._apps.send("events_api", self._workspace.home_opened(user, tab))

    async def _submit(self, user: str, values: Mapping[str, str]) -> None:
        payload = self._workspace.submission(user, values)
        try:
            answer = await self._apps.send("interactive", payload)
        except SlackError as failed:
            text = f"We had some trouble connecting ({failed.code}). Try again?"
            answer = {"response_action": "errors", "errors": {"": text}}
        self._workspace.view_answered(user, payload["view"]["id"], answer)

    async def _drop_sockets(self) -> None:
        sockets, self._apps.open = self._apps.open, []
        for websocket in sockets:
            hang_up(self._uvicorn, websocket.client)


def _admit(token: str, wanted: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if not hmac.compare_digest(token.encode(), wanted.encode()):
        raise SlackError("invalid_auth")


async def _arguments(request: Request) -> Json:
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        return {**request.query_params, **parsed_object(body or b"{}", "invalid_json")}
    try:
        return {**request.query_params, **dict(parse_qsl(body.decode()))}
    except ValueError as undecodable:
        raise SlackError("invalid_form_data") from undecodable
