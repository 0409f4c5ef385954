"""While the state cannot be written one goes on trying, and nobody else waits for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import StateError
from bot.services.write_gate import WriteGate
from tests.waiting import until

LOCKED = "another process keeps the database locked"


class Writer:
    """Writes until a test says how that ends."""

    def __init__(self, gate: WriteGate) -> None:
        self.gate, self.inside, self.end = gate, threading.Event(), threading.Event()
        self.fails = False

    def write(self) -> str:
        with self.gate.passing():
            self.inside.set()
            assert self.end.wait(60), "a test forgot to let it end"
            if self.fails:
                raise StateError(LOCKED)
        return "written"


def test_who_waited_for_a_writer_that_failed_is_told_so_and_does_not_try() -> None:
    gate = WriteGate()
    first, others = Writer(gate), [Writer(gate) for _ in range(5)]
    first.fails = True
    with ThreadPoolExecutor(6) as pool:
        failing = pool.submit(first.write)
        assert first.inside.wait(60)
        waiting = [pool.submit(one.write) for one in others]
        first.end.set()
        for one in (failing, *waiting):
            with pytest.raises(StateError, match=LOCKED):
                one.result(60)
    assert not any(one.inside.is_set() for one in others)


def test_while_it_fails_one_tries_and_the_others_are_told_at_once_until_it_succeeds() -> None:
    gate = WriteGate()
    broken, trying, other = Writer(gate), Writer(gate), Writer(gate)
    broken.fails = True
    broken.end.set()
    with pytest.raises(StateError):
        broken.write()
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(trying.write)
        assert trying.inside.wait(60)
        with pytest.raises(StateError, match=LOCKED):
            other.write()  # in this thread: it waits for nobody
        trying.end.set()
        assert trial.result(60) == "written"
    other.end.set()
    assert other.write() == "written"


def test_writers_that_succeed_take_turns() -> None:
    gate = WriteGate()
    writers = [Writer(gate) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        ends = [pool.submit(one.write) for one in writers]
        until(lambda: sum(one.inside.is_set() for one in writers) == 1)
        for one in writers:
            one.end.set()
        assert [end.result(60) for end in ends] == ["written"] * 3
