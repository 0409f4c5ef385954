"""Run the validation: evaluate, move the alerts, enqueue the messages."""

import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot.alerts.attention import next_nudge
from bot.alerts.lifecycle import Reason, timer_ends
from bot.alerts.model import Incident
from bot.alerts.timetable import backlog_is_due
from bot.config.settings import Settings
from bot.errors import StateError
from bot.model import Evaluation
from bot.ports import Ports, Sources, Store
from bot.services.apply_remedies import apply_remedies
from bot.services.examples import add_examples, unexplained_rejections
from bot.services.in_memory_records import InMemoryRecords
from bot.services.measure import measure
from bot.services.move_alerts import Said, move_alerts
from bot.services.remembered_census import RememberedCensus
from bot.services.rename_checks import policy_of
from bot.services.send_test_alert import close_abandoned_tests
from bot.services.state_health import StateHealth
from checks.model import Severity

log = logging.getLogger(__name__)

ASKED_FOR = (Reason.OPENED, Reason.REOPENED, Reason.ESCALATED)  # each may have another cause than the time before


class Checker:
    """The validation of one process: many askers at once cost one statement."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._guard = threading.Lock()
        self._one = ThreadPoolExecutor(1, "checks")
        self._flight: Future[Evaluation] | None = None
        self._thorough = False  # whether that one asks the warehouse in any case
        self._census = RememberedCensus(ports.census, ports.clock)
        self.ended = 0.0  # monotonic: when the latest validation did
        self.state = StateHealth(ports.clock)  # by what is or is not stored here

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
            if join and enough and self._flight and (not self._flight.done() or asked < self.ended):
                return self._flight, False
            self._thorough = not thrifty
            self._flight = self._one.submit(self._evaluate_and_note, thrifty)
            return self._flight, True

    def _evaluate_and_note(self, thrifty: bool) -> Evaluation:
        try:
            evaluation = run_checks(self._ports, thrifty=thrifty, census=self._census)[0]
        except StateError as error:
            self.state.failed(error)
            raise
        else:
            self.state.stored()
            apply_remedies(self._ports, evaluation)
            return evaluation
        finally:
            self.ended = self._ports.clock.monotonic()

    def close(self) -> None:
        """Start none any more; one that is going on ends."""
        self._one.shutdown(wait=True, cancel_futures=True)


def run_checks(
    ports: Ports, *, thrifty: bool = False, census: RememberedCensus | None = None
) -> tuple[Evaluation, list[Said]]:
    """One validation, kept with everything that follows from it in one transaction; `census` knows earlier ones.

    One that another process overtook is measured again; overtaken once more, the other one's is returned.
    """
    evaluation, said = _measure_and_keep(ports, thrifty=thrifty, census=census)
    if said is None:
        log.info("an evaluation that began at %s was overtaken by another process", evaluation.checked_at)
        evaluation, said = _measure_and_keep(ports, thrifty=thrifty, census=census)
    if said is None:
        return _latest(ports) or evaluation, []
    for one in said:
        log.info("incident %s (%s): %s", one.incident.id, one.incident.check, one.reason)
    asked = {one.incident.id: one.incident for one in said if one.reason in ASKED_FOR}
    late = unexplained_rejections(ports, evaluation)
    add_examples(ports, evaluation, [*asked.values(), *(one for one in late if one.id not in asked)])
    return evaluation, said


def _measure_and_keep(
    ports: Ports, *, thrifty: bool, census: RememberedCensus | None
) -> tuple[Evaluation, list[Said] | None]:
    """What was measured, and what is said of it; None where newer numbers were kept meanwhile, so it is not kept."""
    remembered = census or RememberedCensus(ports.census, ports.clock)
    remembered.begin([sync.id for sync in ports.settings.syncs], fresh=not thrifty)
    sources = Sources(ports.settings, ports.clock, ports.warehouse, remembered)
    evaluation = measure(sources, _latest(ports), thrifty=thrifty)
    close_abandoned_tests(ports, f"evaluation {uuid4().hex}")
    with ports.store.transaction() as records:
        now, kept = ports.clock.now(), records.latest_evaluation()
        if kept and (
            _is_older(evaluation.checked_at, kept.checked_at, now)
            or _is_older(evaluation.warehouse_at, kept.warehouse_at, now)
        ):
            return evaluation, None
        return evaluation, move_alerts(records, evaluation, ports.settings, ended=now)


def _is_older(at: datetime | None, kept: datetime | None, now: datetime) -> bool:
    """Whether it was measured before what is kept; what is ahead of now was kept before the clock was set back."""
    return at is not None and kept is not None and at < kept <= now


def timer_ended(ports: Ports) -> bool:
    """Whether the end of a timer wants a measurement that there was not yet.

    Of a pending or recovering alert, of the next escalation of what the warehouse would else not be asked for (nobody
    is alerted to what was not evaluated just now), or of the five minutes before a run, after which it is too late to
    warn of suspect records.
    """
    settings, now = ports.settings, ports.clock.now()
    with ports.store.snapshot() as records:
        waiting, last, opened = records.waiting_alerts(), records.latest_evaluation(), records.open_incidents()
    if last is None:
        return False
    may_ask = last.warehouse_may_be_asked(now)
    if may_ask and _runs_soon(settings, last, now):
        return True
    known = [(settings.check_called(one.check, one.sync), one) for one in waiting]
    ends = [(check, timer_ends(one, policy_of(check))) for check, one in known if check]
    for incident in opened:
        check = settings.check_called(incident.check, incident.sync)
        if check and check.wakes_the_warehouse and incident.severity is Severity.CRITICAL:
            ends.append((check, _next_said(incident, now, settings.zone)))
    return any(
        end is not None and end <= now and ((seen := last.measured_at(check)) is None or seen < end)
        for check, end in ends
        if may_ask or not check.wakes_the_warehouse
    )


def _runs_soon(settings: Settings, last: Evaluation, now: datetime) -> bool:
    """Whether a sync with suspect conditions is about to write a backlog that was not measured lately."""
    measured_at = last.warehouse_at if last.warehouse_reached else None
    for sync in last.syncs:
        known = settings.sync_named(sync.name)
        if known is None or not known.suspect:
            continue
        ended = [run.completed_at for run in (sync.latest, sync.last_sync) if run and run.completed_at]
        holds = settings.remedy_of(known, "pause") is not None
        if backlog_is_due(sync.next_run, max(ended, default=None), measured_at, now, before_every_run=holds):
            return True
    return False


def _next_said(incident: Incident, now: datetime, zone: ZoneInfo) -> datetime | None:
    due = None if incident.not_evaluated_since else next_nudge(incident, now, zone)
    return due and due[0]


def dry_run_checks(sources: Sources, remember: Callable[[], Store | None]) -> tuple[Evaluation, list[Said]]:
    """One validation that leaves no trace, and what would be said because of it, given what the store knows.

    The store is opened while the statement runs.
    """
    with ThreadPoolExecutor(1, "dry-run") as pool:
        measured = pool.submit(measure, sources)
        store = remember()
        evaluation = measured.result()
    if store is None:
        return evaluation, move_alerts(InMemoryRecords(), evaluation, sources.settings)
    with store.snapshot() as records:
        return evaluation, move_alerts(InMemoryRecords(records), evaluation, sources.settings)


def _latest(ports: Ports) -> Evaluation | None:
    with ports.store.snapshot() as records:
        return records.latest_evaluation()
