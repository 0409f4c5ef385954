"""A pool of worker threads with a share per person: nobody's requests can occupy all workers."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Task(Future[T], Generic[T]):
    """Work in line, maybe in the lines of several people; whose turn comes first has it done for all of them."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self.work = work


class FairPool:
    """`workers` threads; one person occupies at most `share` of them, and people take turns."""

    def __init__(self, workers: int, name: str, share: int) -> None:
        self._threads = ThreadPoolExecutor(workers, name)
        self._workers, self._share = workers, share
        self._changed = threading.Condition()
        self._lines: dict[str, deque[_Task[Any]]] = {}  # by person; whoever's turn is next comes first
        self._busy: Counter[str] = Counter()  # workers by person
        self._open = True

    def submit(self, person: str, work: Callable[[], T]) -> Future[T]:
        """Do it when it is this person's turn. Raises RuntimeError when the pool is shut down."""
        task = _Task(work)
        with self._changed:
            if not self._open:
                raise RuntimeError("the pool is shut down")
            self._line_up(person, task)
        return task

    def join(self, person: str, known: Future[Any]) -> None:
        """This person waits for it, too: it begins with the first turn of anybody who does."""
        with self._changed:
            if isinstance(known, _Task) and not (known.running() or known.done()):
                self._line_up(person, known)

    def shutdown(self, *, wait: bool = True, cancel: bool = False) -> None:
        """Take nothing more; `cancel` what has not begun, `wait` for the rest."""
        with self._changed:
            self._open = False
            dropped = [task for line in self._lines.values() for task in line] if cancel else []
            if cancel:
                self._lines.clear()
        for task in dropped:  # with no lock held: whoever waits for it is notified in this thread
            task.cancel()
        if wait:
            with self._changed:
                self._changed.wait_for(lambda: not self._lines and not self._busy.total())
            self._threads.shutdown()

    def _line_up(self, person: str, task: _Task[Any]) -> None:
        self._lines.setdefault(person, deque()).append(task)
        self._fill_workers()

    def _fill_workers(self) -> None:
        """Give free workers what is in line. The caller holds the lock."""
        while self._busy.total() < self._workers:
            person = next((one for one in self._lines if self._busy[one] < self._share), None)
            if person is None:
                return
            line = self._lines.pop(person)
            task = line.popleft()
            if line:
                self._lines[person] = line  # behind the others
            if not (task.running() or task.done()) and task.set_running_or_notify_cancel():
                self._busy[person] += 1
                with suppress(RuntimeError):  # no thread can be started now: it is in the executor's line anyway
                    self._threads.submit(self._run_task, person, task)

    def _run_task(self, person: str, task: _Task[T]) -> None:
        try:
            found = task.work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            task.set_exception(error)
        else:
            task.set_result(found)
        with self._changed:
            self._busy[person] -= 1
            self._busy += Counter()  # forgets those who have none
            self._fill_workers()
            self._changed.notify_all()
