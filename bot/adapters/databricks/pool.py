"""A pool of Databricks sessions: each statement takes one for as long as it runs."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Thread

from bot.adapters.databricks.outcomes import MAY_BE_WRITTEN, NotReadyError
from bot.adapters.databricks.session import Session
from bot.adapters.values import Rows
from bot.errors import PermanentError, TemporaryError, UncertainError

KEEP = 4  # idle sessions: more were opened for a rush
MOST = 64  # sessions in use: those of a server that answers byte by byte end when it does, and must not pile up
CLOSE_TIMEOUT = 3.0  # seconds to close all sessions


@dataclass(eq=False)
class Call:
    """One statement on its way."""

    name: str
    text: str
    parameters: Mapping[str, object]
    writes: bool
    answer: "Future[Rows]" = field(default_factory=Future)


class Pool:
    """Runs statements in threads of its own: neither a caller nor the end of the process has to wait for ever."""

    def __init__(
        self, new: Callable[[], Session], *, patience: float, lifetime: float, monotonic: Callable[[], float]
    ) -> None:
        self._new, self._patience, self._lifetime, self._monotonic = new, patience, lifetime, monotonic
        self._idle: list[Session] = []
        self._busy: dict[Session, Call] = {}
        self._closed = False
        self._last_statement = float("-inf")
        self._change = Condition()  # guards the four above; notified when a session has gone

    def run(self, call: Call) -> Rows:
        """The rows of a statement, or the error that came of it, after `patience` seconds at most."""
        session = self._take_session(call)
        _start_thread(self._run_statement, session, call)
        try:
            return call.answer.result(self._patience)
        except TimeoutError:
            if self._give_up(session, call, f"no answer within {self._patience:g} seconds"):
                _start_thread(session.cancel)
            return call.answer.result()

    def idle_seconds(self) -> float:
        """How long ago the last statement ended."""
        with self._change:
            return self._monotonic() - self._last_statement

    def close(self) -> None:
        """Cancel what runs and end all sessions; returns within seconds, whatever the server does."""
        with self._change:
            if self._closed:
                return
            self._closed = True
            idle, busy = self._idle, dict(self._busy)
            self._idle = []
            for session, call in busy.items():
                self._give_up(session, call, "the warehouse was closed meanwhile")
        end = time.monotonic() + CLOSE_TIMEOUT
        for closing in [_start_thread(session.close) for session in idle] + [
            _start_thread(session.cancel) for session in busy
        ]:
            closing.join(max(0.0, end - time.monotonic()))
        with self._change:
            self._change.wait_for(lambda: not self._busy, max(0.0, end - time.monotonic()))

    def _take_session(self, call: Call) -> Session:
        with self._change:
            if self._closed:
                raise PermanentError("the warehouse was closed")
            if len(self._busy) >= MOST:
                raise TemporaryError(f"{call.name}: {MOST} statements are in progress, so it was not sent")
            oldest = self._monotonic() - self._lifetime
            old = [session for session in self._idle if session.since < oldest]
            self._idle = [session for session in self._idle if session.since >= oldest]
            session = self._idle.pop() if self._idle else self._new()
            self._busy[session] = call
        for one in old:
            _start_thread(one.close)
        return session

    def _run_statement(self, session: Session, call: Call) -> None:
        rows: Rows = []
        error: BaseException | None = None
        try:
            may_send = partial(self._may_send, session, call)
            rows = session.execute(call.name, call.text, call.parameters, writes=call.writes, may_send=may_send)
        except BaseException as raised:  # noqa: BLE001 - raised again by whoever waits for the answer
            error = raised
        with self._change:
            leaving = self._put_back(session, call)
            if not call.answer.done():
                call.answer.set_exception(error) if error else call.answer.set_result(rows)
        for one in leaving:
            one.close()
        if leaving:  # else somebody else may have it by now
            with self._change:
                del self._busy[session]
                self._change.notify_all()

    def _may_send(self, session: Session, call: Call) -> bool:
        """Whether somebody still waits; whoever gives up from now on is told that it may have been done."""
        with self._change:
            session.sent = not call.answer.done()
            return session.sent

    def _put_back(self, session: Session, call: Call) -> list[Session]:
        """Keep the session for the next statement, or return it and others: those to close."""
        if session.sent:
            self._last_statement = self._monotonic()
        if not session.usable:  # what broke one, such as a restart, broke those that wait, too
            leaving, self._idle = [session, *self._idle], []
            return leaving
        if self._closed or call.answer.done() or len(self._idle) >= KEEP:
            return [session]
        self._idle.append(session)
        del self._busy[session]
        return []

    def _give_up(self, session: Session, call: Call, why: str) -> bool:
        """Tell the caller that no answer comes; False if it has one. The session serves nobody else from then on."""
        with self._change:
            if call.answer.done():
                return False
            maybe = call.writes and session.sent
            text = f"{call.name}: {why}" + f"; {MAY_BE_WRITTEN}" * maybe
            call.answer.set_exception((UncertainError if maybe else NotReadyError)(text))
            return True


def _start_thread(function: Callable[..., object], *arguments: object) -> Thread:
    thread = Thread(target=function, args=arguments, name="databricks", daemon=True)
    thread.start()
    return thread
