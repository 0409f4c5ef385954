"""The thread of one pager: neither a pager that hangs nor Slack holds the other up."""

import logging
import threading
from collections.abc import Callable

from bot.errors import StateError, SyncHealthError
from bot.ports import Pager, Ports
from bot.runtime.composition import jitter
from bot.services.lead import Lease
from bot.services.next_step import TRANSIENT
from bot.services.page import next_look, retry_refused, send_pages

log = logging.getLogger(__name__)

LOOK_EVERY = 15.0  # real seconds: what time alone brings about, as the end of a snooze, and other processes' writes
STOP_WITHIN = 10.0  # real seconds; an event that is cut off is in doubt, and sent again after the next start


class PagerLoop:
    """Sends one pager what it is owed, while this process leads."""

    def __init__(
        self, ports: Ports, pager: Pager, lease: Lease, holder: str, state_failed: Callable[[StateError], object]
    ) -> None:
        self._ports, self._pager, self._lease, self._holder = ports, pager, lease, holder
        self._state_failed = state_failed
        self._begun = False
        self._stopping, self._written = threading.Event(), threading.Event()
        ports.store.when_written(self._written.set)
        self._thread = threading.Thread(target=self._loop, name=f"pager {pager.name}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def end(self) -> None:
        """Send no further event; returns at once."""
        self._stopping.set()
        self._written.set()

    def join(self) -> None:
        """Wait for the event that is being sent, in bounded time."""
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_WITHIN)

    def _loop(self) -> None:
        """An outermost loop: whatever happens to an event, the next look comes."""
        failures, rest = 0, 0.0
        while not self._wait(failures, rest):
            try:
                rest = self._send_what_is_due()
                failures = 0
            except StateError as error:
                self._state_failed(error)
                failures += 1
            except SyncHealthError as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "pages wait: %s; trying again", error)
                failures += 1
            except Exception:
                log.exception("a page met something unforeseen; trying again")
                failures += 1

    def _wait(self, failures: int, rest: float) -> bool:
        if failures:
            return self._stopping.wait(TRANSIENT.after(failures - 1, jitter()).total_seconds())
        self._written.wait(rest)
        self._written.clear()
        return self._stopping.is_set()

    def _send_what_is_due(self) -> float:
        """How many real seconds nothing else will be, as far as is known here."""
        if self._may_send() and not self._begun:
            retry_refused(self._ports, self._pager.name)
            self._begun = True
        while self._may_send():
            if not send_pages(self._ports, self._pager, self._holder, jitter=jitter(), go_on=self._may_send):
                break
        again = next_look(self._ports, self._pager)
        wait = (again - self._ports.clock.real()).total_seconds() if again else LOOK_EVERY
        return min(max(wait, 0.1), LOOK_EVERY)

    def _may_send(self) -> bool:
        return not self._stopping.is_set() and self._lease.held()
