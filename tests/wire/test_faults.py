"""What each fault comes to: the family and the words of the error, the time it takes, and never a row too many."""

import threading
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from databricks.sql.thrift_api.TCLIService import ttypes

from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH, Fault
from bot.errors import AccessError, StartingError
from tests.waiting import until
from tests.wire.measured import Wire

ANSWER, TEMPORARY, UNCERTAIN, PERMANENT = "answer", "TemporaryError", "UncertainError", "PermanentError"
STATEMENT, OPEN = "ExecuteStatement", "OpenSession"
ALWAYS = 1000
CONFLICT = "[DELTA_CONCURRENT_APPEND] ConcurrentAppendException: Files were added by a concurrent update."


@dataclass(frozen=True)
class Case:
    """Faults, what a read and a write come to, a part of what the error says, and seconds it may take at most."""

    name: str
    faults: tuple[Fault, ...]
    read: str
    write: str
    said: str = ""
    seconds: float = 6.0
    rows: int = 0  # of the snapshot, once the write is over
    patience: float | None = None
    silence: float = 1.5

    @property
    def waits(self) -> float:
        """The client's patience: where it has to end, less than the five seconds of the connector on a 429 or 503."""
        return self.patience or (4.5 if TEMPORARY in (self.read, self.write) else 60.0)


CASES = [
    Case(
        "401",
        (Fault(OPEN, 401, ALWAYS),),
        PERMANENT,
        PERMANENT,
        "answered 401: the login is not valid, check DATABRICKS",
    ),
    Case(
        "403", (Fault(OPEN, 403, ALWAYS),), PERMANENT, PERMANENT, "answered 403: the login may not use this warehouse"
    ),
    Case("404", (Fault(OPEN, 404, ALWAYS),), PERMANENT, PERMANENT, "answered 404: there is no such warehouse"),
    Case("403 in a session", (Fault(STATEMENT, 403, ALWAYS),), PERMANENT, UNCERTAIN, "answered 403"),
    Case(
        "403 after an answer was lost",
        (Fault(STATEMENT, "drop", done=True), Fault(STATEMENT, 403, ALWAYS)),
        PERMANENT,
        UNCERTAIN,
        "answered 403",
        rows=1,
    ),
    Case(
        "429 after an answer was lost",
        (Fault(STATEMENT, "drop", done=True), Fault(STATEMENT, 429, ALWAYS)),
        TEMPORARY,
        UNCERTAIN,
        "asks for more time",
        rows=1,
    ),
    Case("500 to a statement", (Fault(STATEMENT, 500, ALWAYS),), TEMPORARY, UNCERTAIN, "answered 500"),
    Case(
        "500 to a statement that ran",
        (Fault(STATEMENT, 500, ALWAYS, done=True),),
        TEMPORARY,
        UNCERTAIN,
        "answered 500",
        rows=1,
    ),
    Case("500 to the login", (Fault(OPEN, 500, ALWAYS),), TEMPORARY, TEMPORARY, "more time than there is"),
    Case("429", (Fault(STATEMENT, 429, ALWAYS),), TEMPORARY, UNCERTAIN, "busy or starting, and asks for more"),
    Case("503", (Fault(OPEN, 503, ALWAYS),), TEMPORARY, TEMPORARY, "busy or starting, and asks for more"),
    Case(
        "503, in an hour",
        (Fault(OPEN, 503, ALWAYS, retry_after="3600"),),
        TEMPORARY,
        TEMPORARY,
        "asks for more time than there is",
        patience=60.0,
    ),
    Case("a drop before it ran", (Fault(STATEMENT, "drop"),), ANSWER, ANSWER, rows=1),
    Case("a drop after it ran", (Fault(STATEMENT, "drop", done=True),), ANSWER, ANSWER, rows=1),
    Case("drops before it runs", (Fault(STATEMENT, "drop", ALWAYS),), TEMPORARY, UNCERTAIN, "broke off or was silent"),
    Case(
        "drops after it ran",
        (Fault(STATEMENT, "drop", ALWAYS, done=True),),
        TEMPORARY,
        UNCERTAIN,  # whether the connector or we give up first depends on the machine
        rows=1,
    ),
    Case("drops at the login", (Fault(OPEN, "drop", ALWAYS),), TEMPORARY, TEMPORARY, "broke off or was silent"),
    Case("a silence", (Fault(STATEMENT, "hang"),), ANSWER, ANSWER, rows=1, silence=2.0),
    Case("a silence after it ran", (Fault(STATEMENT, "hang", done=True),), ANSWER, ANSWER, rows=1, silence=2.0),
    Case("silence", (Fault(STATEMENT, "hang", ALWAYS),), TEMPORARY, UNCERTAIN, "broke off or was silent", silence=0.3),
    Case(
        "silence for longer than anybody waits",
        (Fault(STATEMENT, "hang", ALWAYS, done=True),),
        TEMPORARY,
        UNCERTAIN,
        "no answer within 1 seconds",
        rows=1,
        patience=1.0,
        silence=5.0,
    ),
    Case(
        "silence until there is no time for another attempt",
        (Fault(STATEMENT, "hang", ALWAYS, done=True),),
        TEMPORARY,
        UNCERTAIN,  # whether the connector or we give up first depends on the machine
        rows=1,
        patience=1.0,
        silence=0.3,
    ),
    Case(
        "silence at the login", (Fault(OPEN, "hang", ALWAYS),), TEMPORARY, TEMPORARY, "silent for too long", silence=0.3
    ),
    Case("a session that is forgotten", (Fault(STATEMENT, "restart"),), ANSWER, ANSWER, rows=1),
    Case(
        "sessions that are always forgotten",
        (Fault(STATEMENT, "restart", ALWAYS),),
        TEMPORARY,
        TEMPORARY,
        "has forgotten",
    ),
    Case("one conflict", (Fault(STATEMENT, "error", text=CONFLICT),), ANSWER, ANSWER, rows=1),
    Case(
        "conflicts", (Fault(STATEMENT, "error", ALWAYS, text=CONFLICT),), TEMPORARY, TEMPORARY, "Files were added by a"
    ),
    Case(
        "a Spark error",
        (Fault(STATEMENT, "error", ALWAYS, text="[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012"),),
        PERMANENT,
        PERMANENT,
        "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012",
    ),
    Case(
        "Databricks' own time limit",
        (Fault(STATEMENT, "error", ALWAYS, text="Statement has timed out after 60 seconds"),),
        TEMPORARY,
        TEMPORARY,
        "timed out after 60 seconds",
    ),
]


BUSY = 45.0  # seconds that a loaded machine may take on top; what is refused here waits for minutes
SLOW = {
    "drops before it runs",
    "drops at the login",
    "silence",
    "silence at the login",
    "500 to the login",
    "403 in a session",
}
MARKED = [pytest.param(one, id=one.name, marks=[pytest.mark.full] if one.name in SLOW else []) for one in CASES]


@pytest.mark.full
@pytest.mark.parametrize("case", MARKED)
def test_a_fault_comes_to_this_and_no_row_is_written_twice(wire: Wire, case: Case) -> None:
    for call, expected in (("read", case.read), ("write", case.write)):
        wire.local.server.faults = [replace(fault) for fault in case.faults]
        outcome = getattr(wire, call)(wire.client(patience=case.waits, silence=case.silence), case.name)
        assert outcome.family == expected, outcome.error
        assert case.said in str(outcome.error or "")
        assert outcome.seconds < case.seconds + BUSY
    assert wire.snapshots() == case.rows
    wire.local.server.faults = []
    assert wire.write(wire.client()).error is None  # whoever looks, and does it again…
    assert wire.snapshots() == 1  # …has it once


@pytest.mark.full
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", [None, "1"])
def test_a_short_wait_is_sat_out(wire: Wire, status: int, retry_after: str | None) -> None:
    wire.local.server.faults = [Fault(STATEMENT, status, retry_after=retry_after)]
    outcome = wire.write(wire.client(patience=20.0), f"{status} once" + ", Retry-After 1" * bool(retry_after))
    assert outcome.error is None and wire.snapshots() == 1
    assert 4.9 < outcome.seconds < 8 + BUSY  # the connector waits five seconds, whatever it is told


@pytest.mark.full
def test_a_warehouse_that_stays_busy_is_given_up_after_three_waits(wire: Wire) -> None:
    wire.local.server.faults = [Fault(OPEN, 503, ALWAYS)]
    outcome = wire.read(wire.client(patience=60.0), "503, again and again")
    assert outcome.family == TEMPORARY and "busy or starting" in str(outcome.error)
    assert 14.9 < outcome.seconds < 20 + BUSY


ACCEPTED = ["GetOperationStatus", "GetResultSetMetadata"]  # what follows once Databricks has the statement


@pytest.mark.parametrize("call", ACCEPTED)
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_status_after_the_statement_was_accepted_never_says_that_nothing_was_written(
    wire: Wire, call: str, status: int
) -> None:
    wire.local.server.direct_seconds = 0.0
    wire.local.server.faults = [Fault(call, status, ALWAYS)]
    patience = 8.0 if status in (429, 500, 503) else 60.0  # the connector asks again after these
    outcome = wire.write(wire.client(patience=patience), f"{status} to {call}")
    assert outcome.family == UNCERTAIN, outcome.error
    assert "look before doing it again" in str(outcome.error)
    assert wire.snapshots() == 1


@pytest.mark.parametrize("form", ["ARROW_BASED_SET", "URL_BASED_SET", "ROW_BASED_SET"])
@pytest.mark.parametrize("direct_seconds", [0.0, 0.1])
def test_an_answer_in_a_form_that_we_cannot_read_is_one_of_our_errors(
    wire: Wire, form: str, direct_seconds: float
) -> None:
    """Arrow and cloud fetch need pyarrow; without it the connector raises what it happens to stumble over."""
    wire.local.server.direct_seconds = direct_seconds
    wire.local.server.result_format = getattr(ttypes.TSparkRowSetType, form)
    outcome = wire.read(wire.client(), f"an answer as {form}")
    assert outcome.family == PERMANENT
    assert ("needs pyarrow, install it" in str(outcome.error)) == (form != "ROW_BASED_SET")
    assert wire.write(wire.client()).family in (UNCERTAIN, ANSWER)
    assert wire.snapshots() == 1


@pytest.mark.full
@pytest.mark.parametrize("how", ["wait", "503", "session", "disk"])
def test_a_warehouse_that_starts_says_so_and_nothing_was_written(wire: Wire, how: Literal["503", "session"]) -> None:
    wire.local.server.start_seconds, wire.local.server.while_starting = 60.0, how
    client = wire.client(patience=1.0)
    read, write = wire.read(client, f"starting, {how}"), wire.write(client, f"starting, {how}")
    assert isinstance(read.error, StartingError)
    if how == "wait":  # it was accepted, and might run once the warehouse has started, were it not cancelled
        assert write.family == UNCERTAIN
    else:
        assert isinstance(write.error, StartingError)
    assert client.state() == "STARTING"


@pytest.mark.parametrize(("how", "family"), [("503", TEMPORARY), ("session", TEMPORARY), ("disk", TEMPORARY)])
def test_the_same_words_from_a_warehouse_that_runs_are_no_start(
    wire: Wire, how: Literal["503", "session"], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.local.server.start_seconds, wire.local.server.while_starting = 60.0, how
    client = wire.client(patience=1.0)
    monkeypatch.setattr(client, "state", lambda: "RUNNING")
    outcome = wire.read(client, f"running, and {how}")
    assert outcome.family == family and not isinstance(outcome.error, StartingError)


def test_a_write_is_not_sent_once_its_caller_was_told_no(wire: Wire) -> None:
    """The session was still being opened when the caller's patience ended."""
    opening = threading.Event()
    wire.local.server.before["OpenSession"] = lambda: opening.wait(60)
    client = wire.client(patience=0.3, silence=5.0)
    outcome = wire.write(client, "a login slower than our patience")
    assert outcome.family == TEMPORARY and "no answer within 0.3 seconds" in str(outcome.error)
    opening.set()
    until(lambda: "CloseSession" in wire.local.server.calls)
    assert STATEMENT not in wire.local.server.calls and wire.snapshots() == 0


@pytest.mark.parametrize(
    ("answer", "said"), [({}, "in a form that cannot be read"), ({"access_token": ""}, "without a token")]
)
def test_a_token_that_cannot_be_read_is_one_of_our_errors(wire: Wire, answer: dict[str, object], said: str) -> None:
    settings = Databricks(wire.local.server.url, PATH, client_id="application", client_secret="hush")
    wire.local.server.token_answer = answer
    outcome = wire.read(DatabricksWarehouse(settings), "a token that cannot be read")
    assert outcome.family == TEMPORARY and said in str(outcome.error)


def test_each_remedy_is_that_of_what_was_asked(wire: Wire) -> None:
    settings = Databricks(wire.local.server.url, PATH, client_id="application", client_secret="hush")
    wire.local.server.faults = [Fault("token", 400, ALWAYS)]
    token = wire.read(DatabricksWarehouse(settings), "400 of the token endpoint")
    assert isinstance(token.error, AccessError)
    assert "CLIENT_SECRET" in str(token.error) and "HTTP_PATH" not in str(token.error)
