"""Socket Mode: an app connects with a ticket, gets envelopes and acknowledges them."""

import asyncio
import random
import secrets
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.demo.slack.blocks import Json, SlackError, parsed_object
from bot.demo.slack.modals import APP

ACK_SECONDS = 3.0  # in which an app acknowledges an envelope


class SocketMode:
    """The open connections of the app; every method belongs to the server's loop."""

    def __init__(self, ack_seconds: float) -> None:
        self.open: list[WebSocket] = []
        self._ack_seconds = ack_seconds
        self._tickets: set[str] = set()
        self._acks: dict[str, asyncio.Future[Json]] = {}

    def ticket(self) -> str:
        """What lets one connection in."""
        ticket = secrets.token_urlsafe(12)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        """Say hello and take acknowledgments until the app goes away."""
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(4401)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        self.open.append(websocket)
        try:
            debug = {"host": "local", "build_number": 1, "approximate_connection_time": 18060}
            hello = {"type": "hello", "num_connections": len(self.open), "connection_info": {"app_id": APP}}
            await websocket.send_json(hello | {"debug_info": debug})
            while True:
                self._acknowledge(parsed_object((await websocket.receive_text()).encode(), "invalid_json"))
        except WebSocketDisconnect:
            pass
        except (SlackError, KeyError):  # no JSON, or no text at all
            await websocket.close(1007)
        finally:
            if websocket in self.open:
                self.open.remove(websocket)

    def _acknowledge(self, ack: Json) -> None:
        waiting, payload = self._acks.get(str(ack.get("envelope_id"))), ack.get("payload")
        if waiting and not waiting.done():
            waiting.set_result(payload if isinstance(payload, dict) else {})

    async def refresh(self, seconds: float) -> None:
        """Take every connection away as Slack does: say so, go on using it for so long, hang up."""
        leaving = await self.announce_refresh()
        await asyncio.sleep(seconds)
        await self.close(leaving)

    async def announce_refresh(self) -> list[WebSocket]:
        """Say of every connection that it will be taken away; these."""
        leaving = list(self.open)
        for websocket in leaving:
            await websocket.send_json({"type": "disconnect", "reason": "refresh_requested"})
        return leaving

    async def close(self, leaving: list[WebSocket]) -> None:
        """Hang up on these."""
        for websocket in leaving:
            with suppress(ValueError, RuntimeError):  # gone by itself
                self.open.remove(websocket)
                await websocket.close()

    async def send(self, kind: str, payload: Json) -> Json:
        """Hand an envelope to one of the connections; what its acknowledgment brought.

        Raises SlackError: `dispatch_failed` with nobody there, `operation_timeout` with nobody answering.
        """
        if not self.open:
            raise SlackError("dispatch_failed")
        envelope, chosen = secrets.token_hex(16), random.choice(self.open)  # noqa: S311
        self._acks[envelope] = asyncio.get_running_loop().create_future()
        about = {"envelope_id": envelope, "type": kind, "accepts_response_payload": kind != "events_api"}
        try:
            await chosen.send_json(about | {"payload": payload})
            return await asyncio.wait_for(self._acks[envelope], self._ack_seconds)
        except TimeoutError as late:
            raise SlackError("operation_timeout") from late
        except (WebSocketDisconnect, RuntimeError) as gone:  # closed between choosing and sending
            raise SlackError("dispatch_failed") from gone
        finally:
            del self._acks[envelope]
