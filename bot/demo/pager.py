"""A local pager that behaves as documented: PagerDuty's Events API v2, and a receiver of the signed webhook."""

import asyncio
import hmac
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.door import MOST_CALLS, Doorkeeper, hang_up, quiet_server, serve
from bot.transport.bounded_http import json_object

log = logging.getLogger(__name__)

Json = dict[str, Any]
KEY_LENGTH, LONGEST_KEY, LONGEST_SUMMARY, LARGEST = 32, 255, 1024, 512 * 1024
SEVERITIES = ("critical", "error", "warning", "info")
FRESH = 300.0  # seconds that a signed timestamp may differ


@dataclass(frozen=True)
class PagerFault:
    """How the next event goes wrong; `done` says that it takes effect anyway, `drop` that its answer is lost.

    `body` is what is answered instead of JSON, `silence` the real seconds before that.
    """

    status: int = 202
    retry_after: str | None = None
    drop: bool = False
    done: bool = False
    body: str | None = None
    location: str | None = None
    silence: float = 0.0


@dataclass
class PagedAlert:
    """One alert at the pager, from its trigger to its resolve."""

    key: str
    status: str = "triggered"
    severity: str = ""
    summary: str = ""
    triggers: int = 0
    links: list[Json] = field(default_factory=list)


class PagerServer:
    """Both APIs on 127.0.0.1, callable from any thread; `secret` is that of the webhook.

    A trigger under a key that is open is added to that alert; one under a resolved key opens another. What nobody is
    open for is dropped. Only a new alert notifies somebody.
    """

    def __init__(self, *, secret: str = "", real: Callable[[], float] = time.time) -> None:
        self._secret, self._real = secret, real
        self._lock = threading.Lock()  # guards all below
        self._faults: list[PagerFault] = []
        self._ids: set[str] = set()
        self.alerts: list[PagedAlert] = []
        self.received: list[Json] = []  # every event that arrived, accepted or not; without the routing key
        self.repeated = 0  # events of the webhook that had been seen
        self.url = ""  # known once it has started

    def start(self) -> None:
        """Listen; returns once it does."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        routes = [
            Route("/v2/enqueue", self._enqueue, methods=["POST"]),
            Route("/webhook", self._hook, methods=["POST"]),
            Route("/alerts", self._list, methods=["GET"]),
        ]
        door = Doorkeeper(Starlette(routes=routes))
        door.port = port
        self._server = quiet_server(door, http="h11", ws="none")
        self._thread = threading.Thread(target=partial(asyncio.run, serve(self._server, listener)), daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)

    def stop(self) -> None:
        """Listen no more."""
        self._server.should_exit = True
        self._thread.join()

    def fail(self, *faults: PagerFault) -> None:
        """What becomes of the next events, in this order."""
        with self._lock:
            self._faults.extend(faults)

    def open(self) -> list[PagedAlert]:
        """The alerts that are not resolved."""
        with self._lock:
            return [alert for alert in self.alerts if alert.status != "resolved"]

    async def _enqueue(self, request: Request) -> Response:
        body = await request.body()
        event = json_object(body)
        wrong = ["the event is larger than 512 KB"] if len(body) > LARGEST else list(_wrong(event))
        return await self._answer(request, event, wrong, "dedup_key")

    async def _hook(self, request: Request) -> Response:
        body, at = await request.body(), request.headers.get("x-sync-health-timestamp", "")
        signed = hmac.digest(self._secret.encode(), f"v1:{at}:".encode() + body, "sha256").hex()
        given = request.headers.get("x-sync-health-signature", "")
        fresh = at.isdecimal() and abs(self._real() - int(at)) < FRESH
        if not (fresh and self._secret and hmac.compare_digest(given.encode(), f"v1={signed}".encode())):
            return JSONResponse({"message": "the signature is not valid"}, 401)
        event = json_object(body)
        with self._lock:
            if event.get("id") in self._ids:
                self.repeated += 1
                return JSONResponse({"status": "success"}, 202)
        return await self._answer(request, _as_pagerduty(event), [], "id")

    async def _answer(self, request: Request, event: Json, wrong: list[str], named_by: str) -> Response:
        with self._lock:
            self.received.append({name: value for name, value in event.items() if name != "routing_key"})
            del self.received[:-MOST_CALLS]
            fault = self._faults.pop(0) if self._faults else PagerFault()
            if wrong:
                said = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
                return JSONResponse(said, 400)
            if fault.done or fault == PagerFault():
                self._apply(event)
                self._ids.add(str(event.get("id")))
        if fault.drop:
            assert request.client
            hang_up(self._server, request.client)
            return Response(status_code=500)
        await asyncio.sleep(fault.silence)
        if fault.status != 202 or fault.body is not None:
            given = {"Retry-After": fault.retry_after, "Location": fault.location}
            body = json.dumps({"message": "Event object is invalid"}) if fault.body is None else fault.body
            return Response(body, fault.status, {name: value for name, value in given.items() if value is not None})
        return JSONResponse(
            {"status": "success", "message": "Event processed", named_by: event.get(named_by)}, status_code=202
        )

    def _apply(self, event: Json) -> None:
        key, action = event["dedup_key"], event["event_action"]
        alert = next((one for one in self.alerts if one.key == key and one.status != "resolved"), None)
        if alert is None and action == "trigger":
            alert = PagedAlert(key)
            self.alerts.append(alert)
        if alert is None:
            return
        if action == "trigger":
            said = event["payload"]
            alert.severity, alert.summary = said["severity"], said["summary"]
            alert.links, alert.triggers = event.get("links", []), alert.triggers + 1
        else:
            alert.status = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        log.info("pager: %s %s (%s)", action, key, alert.severity)

    async def _list(self, _: Request) -> Response:
        with self._lock:
            return Response(json.dumps([vars(alert) for alert in self.alerts]), media_type="application/json")


def _wrong(event: Json) -> Iterator[str]:
    """What the Events API refuses, in its manner."""
    if len(str(event.get("routing_key", ""))) != KEY_LENGTH:
        yield f"Length of 'routing_key' is incorrect (should be {KEY_LENGTH} characters)"
    if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        yield "'event_action' is invalid"
    key = event.get("dedup_key")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY:
        yield f"'dedup_key' is missing or longer than {LONGEST_KEY} characters"
    if event.get("event_action") == "trigger":
        payload = event.get("payload") if isinstance(event.get("payload"), dict) else {}
        assert isinstance(payload, dict)
        if not 0 < len(str(payload.get("summary", ""))) <= LONGEST_SUMMARY:
            yield f"'payload.summary' is missing or longer than {LONGEST_SUMMARY} characters"
        if not payload.get("source"):
            yield "'payload.source' is missing or blank"
        if payload.get("severity") not in SEVERITIES:
            yield f"'payload.severity' is invalid (must be one of the following: {', '.join(SEVERITIES)})"


def _as_pagerduty(event: Json) -> Json:
    said = {"summary": event.get("summary"), "severity": event.get("severity")}
    return {**event, "event_action": event.get("action"), "payload": said}
