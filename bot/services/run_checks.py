"""Run the validation: measure, judge, move the alerts, owe what has to be said."""

import logging
import math
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from bot.alerts.lifecycle import Reason, timer_ends
from bot.errors import StateError
from bot.model import Evaluation
from bot.ports import Ports, Sources, Store
from bot.services.examples import add_examples
from bot.services.measure import measure
from bot.services.move_alerts import Said, move_alerts, policy_of
from bot.services.rehearsal import Rehearsal
from bot.services.state_health import StateHealth

log = logging.getLogger(__name__)


class Checker:
    """The validation of one process: many askers at once cost one statement."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._guard = threading.Lock()
        self._one = ThreadPoolExecutor(1, "checks")
        self._flight: Future[Evaluation] | None = None
        self._thorough = False  # whether that one asks the warehouse in any case
        self._ended = 0.0  # monotonic
        self.state = StateHealth(ports.clock)  # told by what is or is not stored here

    def run(self, *, join: bool = True, thrifty: bool = False) -> Evaluation:
        """Validate now; `join` takes the result of a validation that is going on already.

        A `thrifty` one asks the warehouse only where that is worth its cost. Raises StateError when the result
        could not be kept.
        """
        return self.begin(join=join, thrifty=thrifty)[0].result()

    def begin(
        self, *, join: bool = True, thrifty: bool = False, asked: float = math.inf
    ) -> tuple[Future[Evaluation], bool]:
        """A validation to wait for, and whether it was begun for this caller.

        One that ended after they `asked` (a reading of the monotonic clock) will do: they waited for their turn.
        """
        with self._guard:
            enough = self._thorough or thrifty
            if join and enough and self._flight and (not self._flight.done() or asked < self._ended):
                return self._flight, False
            self._thorough = not thrifty
            self._flight = self._one.submit(self._fly, thrifty)
            return self._flight, True

    def _fly(self, thrifty: bool) -> Evaluation:
        try:
            evaluation = run_checks(self._ports, thrifty=thrifty)[0]
        except StateError as error:
            self.state.failed(error)
            raise
        else:
            self.state.stored()
            return evaluation
        finally:
            self._ended = self._ports.clock.monotonic()

    def close(self) -> None:
        """Start none any more; one that is going on ends."""
        self._one.shutdown(wait=True, cancel_futures=True)


def run_checks(ports: Ports, *, thrifty: bool = False) -> tuple[Evaluation, list[Said]]:
    """One validation, kept with everything that follows from it in one transaction."""
    evaluation = measure(ports, _latest(ports), thrifty=thrifty)
    with ports.store.transaction() as records:
        said = move_alerts(records, evaluation, ports.settings)
    for one in said:
        log.info("incident %s (%s): %s", one.incident.id, one.incident.check, one.reason)
    add_examples(ports, evaluation, [one.incident for one in said if one.reason is Reason.OPENED])
    return evaluation, said


def timer_ended(ports: Ports) -> bool:
    """Whether a pending or recovering alert wants to be measured now: its timer ended since it was measured last."""
    checks = {check.name: check for check in ports.settings.checks}
    with ports.store.transaction() as records:
        waiting, last = records.waiting_alerts(), records.latest_evaluation()
    if last is None:
        return False
    ends = [
        (timer_ends(alert, policy_of(checks[alert.check])), last.measured_at(checks[alert.check]))
        for alert in waiting
        if alert.check in checks
    ]
    return any(end and (seen is None or seen < end) and end <= ports.clock.now() for end, seen in ends)


def rehearse_checks(sources: Sources, store: Store | None) -> tuple[Evaluation, list[Said]]:
    """One validation that leaves no trace, and what would be said because of it, given what the store knows."""
    evaluation = measure(sources)
    if store is None:
        return evaluation, move_alerts(Rehearsal(), evaluation, sources.settings)
    with store.transaction() as records:
        return evaluation, move_alerts(Rehearsal(records), evaluation, sources.settings)


def _latest(ports: Ports) -> Evaluation | None:
    with ports.store.transaction() as records:
        return records.latest_evaluation()
