"""Retries after a pause, on timers, so that no worker sleeps through it."""

import threading
from collections.abc import Callable


class RetryTimers:
    """Retries scheduled for the end of their pause; any thread may use it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._acts: dict[threading.Timer, Callable[[], None]] = {}
        self._open = True

    def after(self, seconds: float, act: Callable[[], None]) -> bool:
        """Do this so many real seconds from now; False, and nothing is done, once this is closed."""
        with self._guard:
            if not self._open:
                return False
            timer = threading.Timer(seconds, lambda: self._run_act(timer))
            timer.daemon = True
            self._acts[timer] = act
            timer.start()
            return True

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        with self._guard:
            return not self._open

    def close(self) -> None:
        """Run every scheduled retry now, and take nothing more."""
        with self._guard:
            self._open = False
            waiting = list(self._acts)
        for timer in waiting:
            timer.cancel()
            self._run_act(timer)

    def _run_act(self, timer: threading.Timer) -> None:
        with self._guard:
            act = self._acts.pop(timer, None)
        if act:
            act()
