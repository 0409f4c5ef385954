"""Writes that the state refused: kept in memory, and retried until they succeed."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from bot.errors import SyncHealthError

log = logging.getLogger(__name__)
MOST = 1000


class DeferredWrites:
    """Writes in their order, each tried until it succeeds; at most `MOST` wait, and a restart forgets them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Callable[[], object]]] = deque()
        self._busy = threading.Lock()

    def write(self, what: str, act: Callable[[], object]) -> None:
        """Do it now, or later where the state does not answer; `what` is for the log."""
        self.keep(what, act)
        self.flush()

    def keep(self, what: str, act: Callable[[], object]) -> None:
        """Do it with the next `flush`."""
        if len(self._waiting) >= MOST:
            log.error("%s will not be written: %d writes wait for the state", what, MOST)
            return
        self._waiting.append((what, act))

    def flush(self) -> None:
        """Retry the deferred writes, unless another thread does; raises what nobody foresaw, and forgets that write."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            while self._waiting:
                what, act = self._waiting.popleft()
                try:
                    act()
                except SyncHealthError as error:
                    self._waiting.appendleft((what, act))
                    log.warning(
                        "%s is not written yet (%s): kept in memory with %d more", what, error, len(self._waiting) - 1
                    )
                    return
        finally:
            self._busy.release()
