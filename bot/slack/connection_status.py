"""The state of the Slack connection: logged at growing intervals, and kept for the daily summary."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from checks.numbers import duration

log = logging.getLogger(__name__)
WORTH_KEEPING = 60.0  # real seconds without a connection; shorter ones nobody notices
FIRST_REPEAT, LAST_REPEAT = 60.0, 3600.0  # real seconds between two warnings of the same outage


class ConnectionStatus:
    """The connection to Slack as one state, whatever lines it is made of.

    `keep` gets the length of an outage in real seconds; `wall` are the seconds since the epoch, for the log.
    """

    def __init__(
        self,
        keep: Callable[[float], object] = lambda _: None,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.others = 0  # connections with our app token that are not ours
        self._keep, self._wall, self._monotonic = keep, wall, monotonic
        self._guard = threading.Lock()
        self._lost_at: float | None = self._monotonic()  # None: connected
        self._why, self._next_warning, self._repeat = "", 0.0, FIRST_REPEAT

    def connected(self, others: int) -> None:
        """A line stands."""
        with self._guard:
            self._warn_of_others(others)
            seconds = self._end_outage()
        if seconds is not None and seconds >= WORTH_KEEPING:
            self._keep(seconds)

    def lost(self) -> None:
        """The last line has ended; most often the next one is there at once."""
        with self._guard:
            if self._lost_at is None:
                self._lost_at = self._monotonic()

    def failed(self, why: str, error: Exception | None = None) -> None:
        """No line could be opened; `error` where nobody foresaw it."""
        with self._guard:
            self._lost_at = self._lost_at or self._monotonic()
            now = self._monotonic()
            if now < self._next_warning and why == self._why:
                return
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._wall() - (now - self._lost_at)))
            log.warning("not connected to Slack since %s: %s; trying again", since, why, exc_info=error)
            self._why, self._next_warning = why, now + self._repeat
            self._repeat = min(2 * self._repeat, LAST_REPEAT)

    def close(self) -> None:
        """We hang up: an outage until now is over for us."""
        with self._guard:
            seconds = self._monotonic() - self._lost_at if self._lost_at is not None else 0.0
        if seconds >= WORTH_KEEPING:
            self._keep(seconds)

    def _end_outage(self) -> float | None:
        if self._lost_at is None:
            return None
        seconds = self._monotonic() - self._lost_at
        if self._why:
            log.warning("connected to Slack again after %s", duration(timedelta(seconds=seconds)))
        else:
            log.info("connected to Slack")
        self._lost_at, self._why, self._next_warning, self._repeat = None, "", 0.0, FIRST_REPEAT
        return seconds

    def _warn_of_others(self, others: int) -> None:
        if others > 0 and others != self.others:
            log.warning(
                "Slack counts %d more connection%s with this app token: another process receives part of the clicks",
                others,
                "" if others == 1 else "s",
            )
        self.others = max(0, others)
