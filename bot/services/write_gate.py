"""One writer at a time; while the state cannot be written, one tries and the others fail at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import StateError


class WriteGate:
    """One writer at a time, as SQLite has it; while writing fails one goes on trying, and the others fail at once.

    Else everybody who wants to write waits for the database's own time-out, and takes a worker from who does not.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._failed: str | None = None  # why the latest attempt did; None where it succeeded

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Raises StateError where another one tries, or has just failed while this one waited."""
        known = self._failed
        if not self._turn.acquire(blocking=known is None):
            raise StateError(known or "")
        try:
            if known is None and self._failed is not None:
                raise StateError(self._failed)
            yield
            self._failed = None
        except StateError as error:
            self._failed = error.reason
            raise
        finally:
            self._turn.release()
