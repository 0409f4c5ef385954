"""The thread that keeps App Home up to date: neither alerts nor answers wait for it."""

import logging
import threading

from bot.errors import SyncHealthError
from bot.runtime.composition import jitter
from bot.services.next_step import TRANSIENT
from bot.slack.context import Context
from bot.slack.home_publisher import HomePublisher

log = logging.getLogger(__name__)
STOP_WITHIN = 10.0  # real seconds


class HomeLoop:
    """Publishes to those who opened App Home in this process."""

    def __init__(self, context: Context) -> None:
        self._homes, self._publisher = context.app_home, HomePublisher(context, jitter)
        self._stopping = threading.Event()
        context.ports.store.when_written(self._homes.note_write)
        self._thread = threading.Thread(target=self._loop, name="app home", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def end(self) -> None:
        """Publish nothing more; returns at once."""
        self._stopping.set()
        self._homes.wake()

    def join(self) -> None:
        """Wait for what is being published, in bounded time."""
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_WITHIN)

    def _loop(self) -> None:
        """An outermost loop: whatever happens to a publication, the next one comes."""
        failures, rest = 0, 0.0
        while not self._wait(failures, rest):
            try:
                rest = self._publisher.publish_next()
                failures = 0
            except SyncHealthError as error:
                log.log(logging.DEBUG if failures else logging.WARNING, "App Home waits: %s; trying again", error)
                failures += 1
            except Exception:
                log.exception("App Home met something unforeseen; trying again")
                failures += 1

    def _wait(self, failures: int, rest: float) -> bool:
        if failures:
            return self._stopping.wait(TRANSIENT.after(failures - 1, jitter()).total_seconds())
        self._homes.wait(rest)
        return self._stopping.is_set()
