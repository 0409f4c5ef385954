"""Run the validation: measure, judge, move the alerts, owe what has to be said."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from bot.alerts.lifecycle import timer_ends
from bot.ports import Evaluation, Ports
from bot.services.measure import measure
from bot.services.move_alerts import Said, move_alerts, policy_of

log = logging.getLogger(__name__)


class Checker:
    """The validation of one process: many askers at once cost one statement."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._guard = threading.Lock()
        self._one = ThreadPoolExecutor(1, "checks")
        self._flight: Future[Evaluation] | None = None

    def run(self, *, join: bool = True) -> Evaluation:
        """Validate now; `join` takes the result of a validation that is going on already.

        Raises TemporaryError when the result could not be kept.
        """
        return self.begin(join=join)[0].result()

    def begin(self, *, join: bool = True) -> tuple[Future[Evaluation], bool]:
        """A validation to wait for, and whether it was begun for this caller."""
        with self._guard:
            if join and self._flight and not self._flight.done():
                return self._flight, False
            self._flight = self._one.submit(lambda: run_checks(self._ports)[0])
            return self._flight, True

    def close(self) -> None:
        """Start none any more; one that is going on ends."""
        self._one.shutdown(wait=True, cancel_futures=True)


def run_checks(ports: Ports) -> tuple[Evaluation, list[Said]]:
    """One validation, kept with everything that follows from it in one transaction."""
    evaluation = measure(ports)
    with ports.store.transaction() as records:
        said = move_alerts(records, evaluation, ports.settings)
    for one in said:
        log.info("incident %s (%s): %s", one.incident.id, one.incident.check, one.reason)
    return evaluation, said


def timer_ended(ports: Ports) -> bool:
    """Whether a pending or recovering alert wants to be measured now: its timer ended since the last look."""
    policies = {check.name: policy_of(check) for check in ports.settings.checks}
    with ports.store.transaction() as records:
        waiting, last = records.waiting_alerts(), records.latest_evaluation()
    ends = [timer_ends(alert, policies[alert.check]) for alert in waiting if alert.check in policies]
    return last is not None and any(end and last.checked_at < end <= ports.clock.now() for end in ends)


class _DryRun(Exception):  # noqa: N818 - it carries an answer out of a transaction that must not be kept
    def __init__(self, said: list[Said]) -> None:
        self.said = said


def rehearse_checks(ports: Ports) -> tuple[Evaluation, list[Said]]:
    """One validation that leaves no trace, and what would be said because of it."""
    evaluation = measure(ports)
    try:
        with ports.store.transaction() as records:
            raise _DryRun(move_alerts(records, evaluation, ports.settings))
    except _DryRun as dry:
        return evaluation, dry.said
