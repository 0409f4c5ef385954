"""What each fault comes to: the family and the words of the error, the time it takes, and never a row too many."""

from dataclasses import dataclass, replace

import pytest

from bot.demo.warehouse_server import Fault
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
    patience: float = 4.5  # less than the five seconds that the connector waits on a 429 or 503
    silence: float = 1.5


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
    Case("403 in a session", (Fault(STATEMENT, 403, ALWAYS),), PERMANENT, PERMANENT, "answered 403"),
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
    Case("429", (Fault(STATEMENT, 429, ALWAYS),), TEMPORARY, TEMPORARY, "in trouble, and asks for more"),
    Case("503", (Fault(OPEN, 503, ALWAYS),), TEMPORARY, TEMPORARY, "in trouble, and asks for more"),
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
        UNCERTAIN,
        "broke off or was silent",
        rows=1,
    ),
    Case("drops at the login", (Fault(OPEN, "drop", ALWAYS),), TEMPORARY, TEMPORARY, "broke off or was silent"),
    Case("a silence", (Fault(STATEMENT, "hang"),), ANSWER, ANSWER, rows=1, silence=0.3),
    Case("a silence after it ran", (Fault(STATEMENT, "hang", done=True),), ANSWER, ANSWER, rows=1, silence=0.3),
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
        UNCERTAIN,
        "broke off or was silent",
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


SLOW = {
    "drops before it runs",
    "drops at the login",
    "silence",
    "silence at the login",
    "500 to the login",
    "403 in a session",
}
MARKED = [pytest.param(one, id=one.name, marks=[pytest.mark.full] if one.name in SLOW else []) for one in CASES]


@pytest.mark.parametrize("case", MARKED)
def test_a_fault_comes_to_this_and_no_row_is_written_twice(wire: Wire, case: Case) -> None:
    for call, expected in (("read", case.read), ("write", case.write)):
        wire.local.server.faults = [replace(fault) for fault in case.faults]
        outcome = getattr(wire, call)(wire.client(patience=case.patience, silence=case.silence), case.name)
        assert outcome.family == expected, outcome.error
        assert case.said in str(outcome.error or "")
        assert outcome.seconds < case.seconds
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
    assert 4.9 < outcome.seconds < 8  # the connector waits five seconds, whatever it is told


@pytest.mark.full
def test_a_warehouse_that_stays_busy_is_given_up_after_three_waits(wire: Wire) -> None:
    wire.local.server.faults = [Fault(OPEN, 503, ALWAYS)]
    outcome = wire.read(wire.client(patience=60.0), "503, again and again")
    assert outcome.family == TEMPORARY and "too many 503 error responses" in str(outcome.error)
    assert 14.9 < outcome.seconds < 20
