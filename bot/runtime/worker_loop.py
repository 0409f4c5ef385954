"""The outermost loop of a thread that works until the bot stops: whatever happens in one step, the next one comes."""

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from bot.errors import StateError, SyncHealthError
from bot.runtime.composition import jitter
from bot.services.next_step import TRANSIENT

log = logging.getLogger(__name__)


class Signal(Protocol):
    """What tells a loop that there may be something to do before its time."""

    def wake(self) -> None:
        """Let `wait` return."""

    def wait(self, rest: float) -> object:
        """For so many real seconds, or until it is woken."""


class Woken:
    """The plainest signal."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def wait(self, rest: float) -> None:
        self._event.wait(rest)
        self._event.clear()


class WorkerLoop:
    """Takes step after step; each returns how many real seconds nothing else will be, as far as it knows.

    What fails is tried again after pauses that grow. `waits` says in the log what does meanwhile, as in "pages wait".
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        stopping: threading.Event,
        signal: Signal,
        *,
        waits: str,
        state_failed: Callable[[StateError], object],
    ) -> None:
        self._name, self._step, self._waits = name, step, waits
        self._stopping, self._signal, self._state_failed = stopping, signal, state_failed
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Look whether there is something to do, or whether the bot stops; returns at once."""
        self._signal.wake()

    def join(self, timeout: float) -> None:
        """Wait for the step that is being taken, for so many real seconds at most."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _loop(self) -> None:
        failures, rest = 0, 0.0
        while not self._wait(failures, rest):
            try:
                rest = self._step()
                failures = 0
            except StateError as error:
                self._state_failed(error)
                failures += 1
            except SyncHealthError as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s: %s; trying again", self._waits, error)
                failures += 1
            except Exception:
                log.exception("the thread “%s” met something unforeseen; trying again", self._name)
                failures += 1

    def _wait(self, failures: int, rest: float) -> bool:
        """Until the next step; whether the bot stops."""
        if failures:
            return self._stopping.wait(TRANSIENT.after(failures - 1, jitter()).total_seconds())
        self._signal.wait(rest)
        return self._stopping.is_set()
