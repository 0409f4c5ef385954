"""Waits for a SQL warehouse that is stopped or starting, with progress on standard error."""

import sys
import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import TextIO

from bot.errors import PermanentError, StartingError, SyncHealthError, TemporaryError
from bot.ports import Warehouse

WAKE = "doctor/wake"
ASLEEP = frozenset({"STOPPED", "STOPPING"})  # a statement starts it
STARTING = "STARTING"
LONGEST = 600.0  # real seconds
PAUSE = 2.0  # real seconds between two looks at its state
QUIET = 60.0  # real seconds between two lines where nobody watches


def await_warehouse(
    warehouse: Warehouse,
    *,
    wait: bool = True,
    monotonic: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
    stream: TextIO | None = None,
) -> None:
    """Return once it runs. Raises StartingError after ten minutes, or at once where nobody is to `wait`.

    One that tells no state (embedded, a cluster, out of reach) is not waited for: the command finds out for itself.
    """
    began, progress = monotonic(), Progress(stream or sys.stderr)
    wake: _Wake | None = None
    try:
        while (state := _state(warehouse)) in {*ASLEEP, STARTING}:
            seconds = monotonic() - began
            if not wait:
                raise StartingError(f"The warehouse is {state}, nothing was run: start it, or leave out --no-wait")
            if seconds >= LONGEST:
                raise StartingError(f"The warehouse is still {state} after 10 min: look at it in Databricks")
            if wake:
                wake.raise_refusal()
            if wake is None or (wake.ended and state in ASLEEP):
                wake = _Wake(warehouse)
            progress.show(f"The warehouse is {state}: waiting for it", seconds)
            pause(PAUSE)
    finally:
        progress.clear()


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line a minute."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rewrites = stream, stream.isatty()
        self._shown: float | None = None  # the seconds of the last line

    def show(self, text: str, seconds: float) -> None:
        """What is waited for, and since when."""
        line = f"{text}, {int(seconds // 60)}:{int(seconds % 60):02d} of up to 10:00"
        if self._rewrites:
            self._stream.write(f"\r\x1b[K{line}")
        elif self._shown is None or seconds - self._shown >= QUIET:
            self._stream.write(f"{line}\n")
        else:
            return
        self._shown = seconds
        self._stream.flush()

    def clear(self) -> None:
        """Nothing is waited for any more."""
        if self._rewrites and self._shown is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


class _Wake:
    """A statement on its way in a thread of its own: it ends when the warehouse runs, or gives up before."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._refusal: SyncHealthError | None = None
        self._thread = Thread(target=partial(self._wake_warehouse, warehouse), name="wake", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def raise_refusal(self) -> None:
        """Who may not use the warehouse waits in vain."""
        if self._refusal:
            raise self._refusal

    def _wake_warehouse(self, warehouse: Warehouse) -> None:
        try:
            warehouse.ask(WAKE)
        except TemporaryError:
            pass  # not yet
        except SyncHealthError as error:
            self._refusal = error


def _state(warehouse: Warehouse) -> str:
    try:
        return warehouse.state()
    except (TemporaryError, PermanentError):
        return "unknown"
