"""The Databricks warehouse, through Databricks' own connector, which is imported by the first who asks."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass, field
from threading import Condition, Thread

from bot import sql
from bot.adapters.databricks_login import Login
from bot.adapters.databricks_session import Rows, Session
from bot.errors import PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.settings import Databricks

log = logging.getLogger(__name__)

PATIENCE = 75.0  # seconds for a statement, longer than Databricks' own limit: it has the better words
SILENCE = 20.0  # seconds without a byte before the connector asks again
LIFETIME = 20 * 60.0  # seconds: sessions are forgotten by Databricks, and the connector remembers every cursor
KEEP = 4  # idle sessions: more were opened for a rush
CLOSE = 3.0  # seconds for all goodbyes together
NEVER = float("-inf")


@dataclass(eq=False)
class Call:
    """One statement on its way."""

    name: str
    text: str
    parameters: Mapping[str, object]
    writes: bool
    answer: "Future[Rows]" = field(default_factory=Future)


class DatabricksWarehouse:
    """A Warehouse in Databricks; any thread may ask, each statement has a session of its own while it runs.

    Every statement must bear to be run twice: the connector repeats it, silently, when its answer is lost.
    Raises UncertainError for a write without an answer. After `patience` seconds nobody waits any longer.
    """

    def __init__(
        self,
        settings: Databricks,
        tables: Mapping[str, str] | None = None,
        *,
        patience: float = PATIENCE,
        silence: float = SILENCE,
        lifetime: float = LIFETIME,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._tables = settings, dict(tables or {})
        self._login = Login(settings, monotonic=monotonic)
        self._patience, self._silence, self._lifetime, self._monotonic = patience, silence, lifetime, monotonic
        self._idle: list[Session] = []
        self._busy: dict[Session, Call] = {}
        self._closed = False
        self._last_statement = NEVER
        self._change = Condition()  # guards the four above; told when a statement ends

    def ask(self, question: str, **parameters: object) -> Rows:
        return self._run(question, sql.for_databricks(question, self._tables), parameters)

    def ask_column(self, question: str, column: str) -> dict[str, object]:
        rows = self._run(question, sql.column_for_databricks(question, column, self._tables), {})
        return rows[0] if rows else {}

    def do(self, statement: str, **parameters: object) -> None:
        self._run(statement, sql.for_databricks(statement, self._tables), parameters, writes=True)

    def create(self, statement: str, values: Mapping[str, str | float]) -> None:
        self._run(statement, sql.to_deploy(statement, self._tables, values), {}, writes=True)

    def awake(self) -> bool:
        try:
            warehouse = self._login.warehouse()
        except SyncHealthError as error:
            log.info("whether the warehouse is awake is not known: %s", error)
            return False
        with self._change:
            idle = self._monotonic() - self._last_statement
        stops_after = warehouse.get("auto_stop_mins")
        return warehouse.get("state") == "RUNNING" and isinstance(stops_after, int) and idle >= 60 * stops_after

    def state(self) -> str:
        """RUNNING, STOPPED, STARTING, …, without waking it. Raises TemporaryError and PermanentError."""
        return str(self._login.warehouse().get("state"))

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
        end = time.monotonic() + CLOSE
        for goodbye in [_start(session.close) for session in idle] + [_start(session.cancel) for session in busy]:
            goodbye.join(max(0.0, end - time.monotonic()))
        with self._change:
            self._change.wait_for(lambda: not self._busy, max(0.0, end - time.monotonic()))

    def _run(self, name: str, text: str, parameters: Mapping[str, object], *, writes: bool = False) -> Rows:
        from bot.adapters.databricks_errors import AgainError

        used = {key: parameters[key] for key in sql.parameters(name) & parameters.keys()}
        try:
            return self._attempt(Call(name, text, used, writes))
        except AgainError:
            return self._attempt(Call(name, text, used, writes))

    def _attempt(self, call: Call) -> Rows:
        """Run it in a thread that nobody has to wait for: neither the caller for ever, nor the end of the process."""
        session = self._take(call)
        _start(self._serve, session, call)
        try:
            return call.answer.result(self._patience)
        except NoAnswerError:
            with self._change:
                self._give_up(session, call, f"no answer within {self._patience:g} seconds")
            _start(session.cancel)
            return call.answer.result()

    def _take(self, call: Call) -> Session:
        with self._change:
            if self._closed:
                raise PermanentError("the warehouse was closed")
            oldest = self._monotonic() - self._lifetime
            old = [session for session in self._idle if session.since < oldest]
            self._idle = [session for session in self._idle if session.since >= oldest]
            session = self._idle.pop() if self._idle else self._new_session()
            self._busy[session] = call
        for one in old:
            _start(one.close)
        return session

    def _new_session(self) -> Session:
        return Session(
            self._settings, self._login, silence=self._silence, patience=self._patience, monotonic=self._monotonic
        )

    def _serve(self, session: Session, call: Call) -> None:
        rows: Rows = []
        error: BaseException | None = None
        try:
            rows = session.execute(call.name, call.text, call.parameters, writes=call.writes)
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

    def _put_back(self, session: Session, call: Call) -> list[Session]:
        """Keep the session for the next statement, or return it and others: those to say goodbye to."""
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

    def _give_up(self, session: Session, call: Call, why: str) -> None:
        if not call.answer.done():
            maybe = call.writes and session.sent
            text = f"{call.name}: {why}" + "; it may have been written: look before doing it again" * maybe
            call.answer.set_exception((UncertainError if maybe else TemporaryError)(text))


def _start(function: Callable[..., object], *arguments: object) -> Thread:
    thread = Thread(target=function, args=arguments, name="databricks", daemon=True)
    thread.start()
    return thread
