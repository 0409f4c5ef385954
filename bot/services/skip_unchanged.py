"""Skips a job's query of the state while nothing was written and nothing is due."""

import threading
from collections.abc import Callable

from bot.ports import Clock


class SkipUnchanged:
    """Does its work after this process has written, while there is some, when its `turn` has come, or after a while.

    The work says whether it wants to be done again at the next firing. `most` are the real seconds after which what
    other processes have written is seen; `turn` is compared with what it was at the last look.
    """

    def __init__(
        self, work: Callable[[], object], clock: Clock, most: float, turn: Callable[[], object] = lambda: None
    ) -> None:
        self._work, self._clock, self._most, self._turn = work, clock, most, turn
        self._written = threading.Event()
        self._busy, self._looked, self._seen = True, 0.0, turn()

    def note_write(self) -> None:
        """The state was written."""
        self._written.set()

    def __call__(self) -> None:
        """The job has fired; raises what its work raises, and then it is done again at the next firing."""
        now, turn = self._clock.monotonic(), self._turn()
        due = self._busy or self._written.is_set() or turn != self._seen or now - self._looked >= self._most
        if not due:
            return
        self._written.clear()  # before the work: what is written meanwhile is read again
        self._busy, self._looked, self._seen = True, now, turn
        self._busy = bool(self._work())
