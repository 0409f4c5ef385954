"""Whether the bot's own state can be written, and who is notified when it cannot."""

import logging
import threading
import uuid
from dataclasses import replace
from datetime import timedelta

from bot.errors import StateError, SyncHealthError, UncertainError
from bot.model import Announcement, Kind, Outage
from bot.ports import Clock, Ports

log = logging.getLogger(__name__)

TOLD_AFTER = timedelta(minutes=1)  # of the pipeline's time; a backup may keep the database locked for some seconds


class StateHealth:
    """What this process knows of its state; it cannot be kept there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._outage: Outage | None = None  # until its end was reported
        self._failed_at = 0.0  # monotonic
        self.told = False  # whether the channel has heard of this outage

    @property
    def outage(self) -> Outage | None:
        """Since when, and why, nothing can be stored; None while all is well."""
        known = self._outage
        return known if known and known.until is None else None

    @property
    def unsettled(self) -> bool:
        """Whether there is an outage, or one that is over and of which the channel has not heard that yet."""
        return self._outage is not None

    def failed(self, error: StateError) -> None:
        """Something could not be stored."""
        with self._guard:
            if self.outage:
                return
            log.error("%s; alerts are neither opened nor resolved until this is fixed", error)
            if self._outage:  # reported, and its end not yet: still the same outage
                self._outage = replace(self._outage, until=None)
                return
            self._outage = Outage(self._clock.now(), None, error.reason)
            self._failed_at = self._clock.monotonic()

    def stored(self) -> None:
        """An evaluation was stored, which needs as much as anything that is stored."""
        with self._guard:
            if self.outage:
                log.warning("Sync Health can write its state again")
                self._outage = replace(self.outage, until=self._clock.now()) if self.told else None

    def tell(self, ports: Ports) -> None:
        """Tell the channel once that nothing can be stored and once that it is over, past the outbox, best effort."""
        outage = self._outage
        if outage is None:
            return
        lasted = timedelta(seconds=(self._clock.monotonic() - self._failed_at) * self._clock.speed)
        if outage.until is None and (self.told or lasted < TOLD_AFTER):
            return
        kind = Kind.STATE_RESTORED if outage.until else Kind.STATE_FAILED
        try:
            ports.messenger.post(
                Announcement(uuid.uuid4().hex, kind, ports.settings.channel, None, None, outage=outage)
            )
        except UncertainError as error:
            log.warning("the channel may not have heard about the state: %s", error)
        except SyncHealthError as error:
            log.info("the channel cannot be told about the state: %s; trying again", error)
            return
        with self._guard:
            self.told = kind is Kind.STATE_FAILED
            if kind is Kind.STATE_RESTORED and self._outage == outage:
                self._outage = None
