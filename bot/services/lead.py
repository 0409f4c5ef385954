"""Leader election among replicas by a lease: the leader schedules and sends, all of them answer."""

import logging
import threading
from datetime import timedelta

from bot.errors import StateError
from bot.ports import Ports
from bot.services.deliver import LEADER

log = logging.getLogger(__name__)

LENGTH = 60.0  # real seconds: how long a dead leader keeps others waiting
PAUSE = 5.0  # real seconds for which one failed renewal speaks for all who ask


class Lease:
    """The leader's lease as one process sees it; threads may share it.

    Its holder trusts it for half its length by whichever of the two clocks has gone further: the monotonic one does
    not jump, the wall clock goes on while a machine sleeps. Others wait for its whole length, by their own clocks.
    """

    def __init__(self, ports: Ports, holder: str) -> None:
        self._ports, self._holder = ports, holder
        self._guard = threading.Lock()
        self._leads: bool | None = None  # None: not asked yet
        self._monotonic, self._wall = 0.0, ports.clock.real()  # when it was taken last
        self._failed: tuple[float, str] | None = None  # when, monotonic, and why the latest renewal failed

    def held(self) -> bool:
        """Whether this process leads; asked often, the row is written twice a minute.

        Raises StateError where that fails, to all who wait for it: a job for which nobody waits in line.
        """
        with self._guard:
            if not (self._leads and self._is_fresh()):
                self._renew_lease()
            return bool(self._leads)

    @property
    def follows(self) -> bool:
        """Whether another process leads, as far as is known; also where the state can be neither read nor written."""
        return self._leads is False

    @property
    def leads(self) -> bool:
        """Whether this process led when it asked last; one that never asked does not."""
        return self._leads is True

    def release(self) -> None:
        """Let another process lead at once."""
        with self._guard:
            self._leads = False
            self._ports.store.release_lease(LEADER, self._holder)

    def _is_fresh(self) -> bool:
        clock = self._ports.clock
        gone = max(timedelta(seconds=clock.monotonic() - self._monotonic), clock.real() - self._wall)
        return gone < timedelta(seconds=LENGTH / 2)

    def _renew_lease(self) -> None:
        clock = self._ports.clock
        monotonic, wall = clock.monotonic(), clock.real()
        if self._failed and monotonic - self._failed[0] < PAUSE:
            raise StateError(self._failed[1])
        try:
            leads = self._ports.store.take_lease(LEADER, self._holder, clock, LENGTH)
        except StateError as error:
            self._failed = clock.monotonic(), error.reason
            raise
        self._failed = None
        if leads is not self._leads:
            log.info("this process leads" if leads else "another process leads: this one answers, and stands by")
        self._leads, self._monotonic, self._wall = leads, monotonic, wall
