"""The heartbeat after each completed evaluation: an outside monitor alerts when it stops."""

import logging
import threading

from bot.errors import SyncHealthError
from bot.ports import Heartbeat

log = logging.getLogger(__name__)


class Pulse:
    """One beat for the evaluations completed since the last one; none is tried a second time."""

    def __init__(self, heartbeat: Heartbeat | None) -> None:
        self._heartbeat = heartbeat
        self._completed = threading.Event()
        self._failing = False

    def completed(self) -> None:
        """An evaluation was completed; returns at once."""
        self._completed.set()

    def send(self) -> None:
        """Send the beat that is due, if any; failures are logged once until one succeeds."""
        if self._heartbeat is None or not self._completed.is_set():
            return
        self._completed.clear()
        try:
            self._heartbeat.beat()
        except SyncHealthError as error:
            if not self._failing:
                log.warning("the heartbeat fails: %s; trying again after each evaluation", error)
            self._failing = True
        else:
            if self._failing:
                log.warning("the heartbeat works again")
            self._failing = False
