"""What the thread of one pager does: neither a pager that hangs nor Slack holds the other up."""

from threading import Event

from bot.ports import Pager, Ports
from bot.runtime.composition import jitter
from bot.services.lead import Lease
from bot.services.page import next_look, retry_refused, send_pages

LOOK_EVERY = 15.0  # real seconds: what time alone brings about, as the end of a snooze, and other processes' writes


class PagerWork:
    """Sends one pager what it is owed, while this process leads."""

    def __init__(self, ports: Ports, pager: Pager, lease: Lease, holder: str, stopping: Event) -> None:
        self._ports, self._pager, self._lease, self._holder = ports, pager, lease, holder
        self._stopping, self._begun = stopping, False

    def send_what_is_due(self) -> float:
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
