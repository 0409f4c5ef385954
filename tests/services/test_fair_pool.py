"""Workers that people share: nobody takes all, everybody has their turn, and nothing is lost at the end."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

from bot.services.fair_pool import FairPool
from tests.waiting import until


class Work:
    """Begins, says so, and waits to be let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = threading.Event()

    def named(self, name: str) -> Callable[[], str]:
        def work() -> str:
            self.begun.append(name)
            assert self.go.wait(60), "a test forgot to let it go"
            return name

        return work


@pytest.fixture
def work() -> Iterator[Work]:
    one = Work()
    yield one
    one.go.set()


def test_one_person_occupies_their_share_and_another_begins_beside_it(work: Work) -> None:
    pool = FairPool(3, "w", 2)
    robin = [pool.submit("robin", work.named(f"robin {n}")) for n in range(9)]
    until(lambda: len(work.begun) == 2)
    ada = pool.submit("ada", work.named("ada"))
    until(lambda: "ada" in work.begun)
    assert sorted(work.begun) == ["ada", "robin 0", "robin 1"]
    work.go.set()
    assert ada.result(60) == "ada"
    assert [one.result(60) for one in robin] == [f"robin {n}" for n in range(9)]


def test_people_take_turns_whoever_has_more_in_line(work: Work) -> None:
    pool = FairPool(1, "w", 1)
    for name in ("robin 0", "robin 1", "robin 2", "ada 0", "ada 1", "sam 0"):
        pool.submit(name.split()[0], work.named(name))
    work.go.set()
    pool.shutdown()
    assert work.begun == ["robin 0", "robin 1", "ada 0", "sam 0", "robin 2", "ada 1"]


def test_what_several_wait_for_begins_with_the_first_turn_of_anybody_and_is_done_once(work: Work) -> None:
    pool = FairPool(2, "w", 1)
    pool.submit("robin", work.named("first"))
    shared = pool.submit("robin", work.named("shared"))
    pool.join("ada", shared)
    until(lambda: len(work.begun) == 2)
    work.go.set()
    assert shared.result(60) == "shared"
    pool.join("sam", shared)
    pool.shutdown()
    assert sorted(work.begun) == ["first", "shared"]


def test_an_error_belongs_to_who_waits_for_it_and_the_worker_goes_on() -> None:
    pool = FairPool(1, "w", 1)
    broken = pool.submit("robin", lambda: 1 // 0)
    assert pool.submit("robin", lambda: "on").result(60) == "on"
    assert isinstance(broken.exception(60), ZeroDivisionError)


def test_a_shutdown_does_all_that_it_had_taken_and_takes_nothing_more() -> None:
    pool = FairPool(2, "w", 1)
    taken = [pool.submit("robin", lambda n=n: n) for n in range(50)]
    pool.shutdown()
    assert [one.result(0) for one in taken] == list(range(50))
    with pytest.raises(RuntimeError):
        pool.submit("robin", lambda: None)


def test_a_forced_shutdown_cancels_what_has_not_begun_and_whoever_is_told_may_use_the_pool(work: Work) -> None:
    pool, told = FairPool(1, "w", 1), []
    begun, waiting = (pool.submit("robin", work.named(name)) for name in ("begun", "waiting"))

    def told_by(_: object) -> None:
        with pytest.raises(RuntimeError):
            pool.submit("robin", lambda: None)
        told.append(1)

    waiting.add_done_callback(told_by)
    pool.join("ada", waiting)
    until(lambda: work.begun)
    pool.shutdown(wait=False, cancel=True)
    assert told == [1]
    with pytest.raises(CancelledError):
        waiting.result(0)
    work.go.set()
    pool.shutdown()
    assert (begun.result(0), work.begun) == ("begun", ["begun"])


def test_work_for_which_no_thread_can_be_started_is_done_later_and_not_refused(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = FairPool(2, "w", 2)
    first = pool.submit("robin", work.named("first"))
    until(lambda: work.begun == ["first"])

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuse)
        second = pool.submit("robin", work.named("second"))
    work.go.set()
    assert (first.result(60), second.result(60)) == ("first", "second")
    pool.shutdown()
