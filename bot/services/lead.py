"""Leader election among replicas by a lease: the leader schedules and sends, all of them answer."""

import logging
from datetime import timedelta

from bot.ports import Ports
from bot.services.deliver import LEADER
from bot.services.write_gate import WriteGate

log = logging.getLogger(__name__)

LENGTH = 60.0  # real seconds: how long a dead leader keeps others waiting


class Lease:
    """The leader's lease as one process sees it; threads may share it.

    Its holder trusts it for half its length by whichever of the two clocks has gone further: the monotonic one does
    not jump, the wall clock goes on while a machine sleeps. Others wait for its whole length, by their own clocks.
    """

    def __init__(self, ports: Ports, holder: str) -> None:
        self._ports, self._holder = ports, holder
        self._gate = WriteGate()  # one renewal at a time; one that fails speaks for all who wait for it
        self._leads: bool | None = None  # None: not asked yet
        self._monotonic, self._wall = 0.0, ports.clock.real()  # when it was taken last

    def held(self) -> bool:
        """Whether this process leads; asked often, the row is written twice a minute.

        Raises StateError where that fails.
        """
        if not (self._leads and self._is_fresh()):
            with self._gate.passing():
                if not (self._leads and self._is_fresh()):  # nobody else has renewed it meanwhile
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
        with self._gate.passing():
            self._leads = False
            self._ports.store.release_lease(LEADER, self._holder)

    def _is_fresh(self) -> bool:
        clock = self._ports.clock
        gone = max(timedelta(seconds=clock.monotonic() - self._monotonic), clock.real() - self._wall)
        return gone < timedelta(seconds=LENGTH / 2)

    def _renew_lease(self) -> None:
        clock = self._ports.clock
        monotonic, wall = clock.monotonic(), clock.real()
        leads = self._ports.store.take_lease(LEADER, self._holder, clock, LENGTH)
        if leads is not self._leads:
            log.info("this process leads" if leads else "another process leads: this one answers, and stands by")
        self._leads, self._monotonic, self._wall = leads, monotonic, wall
