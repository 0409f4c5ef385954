"""A test alert: an incident that goes the whole way of a real one, and is resolved."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.alerts.model import TEST_ALERT, Did, Entry, Incident
from bot.answers.operations import AlertTest
from bot.config.settings import Settings
from bot.errors import RefusedError, SyncHealthError
from bot.model import AuditRow, AuditState, Kind
from bot.ports import Outlet, Records
from bot.services.audited import Ending, add_end
from bot.services.deliver import CLAIM, LEADER, deliver_all
from bot.services.move_alerts import Said, close_incident, enqueue, move
from bot.services.send_test_page import send_test_page
from checks.judge import judge
from checks.model import Check, Reading, Result

LEASE = 60.0  # real seconds: a test that has not been heard of for so long was abandoned; longer than one message takes
LOOK_EVERY = 0.5  # real seconds
ERROR_LASTS = 10.0  # real seconds after which an error is no hiccup
GRACE = 10.0  # real seconds in which the end of a test that failed is sent
ABANDONED = "the command that sent it did not finish"

# Judged and moved like any other: no patience, and a second test is not the first one again.
_WRITTEN = {
    "name": "test_alert",
    "title": "Test alert",
    "metric": "test",
    "source": "bot",
    "critical": "= 1",
    "clear": "= 0",
    "for": "0m",
    "keep_firing_for": "0m",
    "reopen_within": "0m",
    "summary": "Test alert, no action needed",
    "helps": "No action needed: this shows that alerts arrive. Acknowledge works as on a real alert.",
}
CHECK = Check.model_validate(_WRITTEN).model_copy(update={"name": TEST_ALERT})


@dataclass(frozen=True)
class TrialOptions:
    """What a test alert does on its way; spans in real seconds."""

    by: str  # who sends it, in the audit
    escalate: bool = False
    mention: str | None = None  # the user or user group that the escalation mentions
    wait: float = 30.0  # for somebody to click Acknowledge, where a bot is running
    timeout: float = 90.0  # for everything else together; longer than the lease of a bot that has just died


def close_abandoned_tests(outlet: Outlet, holder: str) -> int:
    """Close what a test alert left open whose command is gone; returns how many there were."""
    with outlet.store.snapshot() as records:
        if not records.open_tests():
            return 0
    if not outlet.store.take_lease(TEST_ALERT, holder, outlet.clock, LEASE):
        return 0  # its command is at work
    try:
        with outlet.store.transaction() as records:
            return len([_close_test(records, test, ABANDONED, outlet.clock.now()) for test in records.open_tests()])
    finally:
        outlet.store.release_lease(TEST_ALERT, holder)


class Trial:
    """One test alert, sent by a running bot or, where none leads, by this process (`holder` names it).

    `pause` waits so many real seconds; `say` is told what is going on.
    """

    def __init__(
        self, outlet: Outlet, holder: str, pause: Callable[[float], object], say: Callable[[str], object]
    ) -> None:
        self._outlet, self._holder, self._pause, self._say = outlet, holder, pause, say
        self._ends = 0.0  # by the monotonic clock: when it has to have arrived

    def run(self, options: TrialOptions) -> AlertTest:
        """Send it and resolve it. Raises RefusedError where another one is under way or a maintenance window is on.

        Whatever stops it, it is not left open: the report says why it got no further.
        """
        if not self._keep_lease():
            raise RefusedError("another test alert is in progress; try again when it has ended")
        self._ends = self._outlet.clock.monotonic() + options.timeout
        try:
            test = self._open_test(options)
            try:
                report = self._go_all_the_way(test, options)
            except BaseException:
                self._abandon_test(test, "it was interrupted")
                self._audit_end(test, options, "it was interrupted", AuditState.UNKNOWN)
                raise
            state = AuditState.SUCCEEDED if report.ok else AuditState.FAILED
            self._audit_end(test, options, report.error or "went all the way", state)
            return report
        finally:
            self._outlet.store.release_lease(TEST_ALERT, self._holder)

    def _go_all_the_way(self, test: Incident, options: TrialOptions) -> AlertTest:
        self._say(f"posting test alert {test.id} in {_called(test.channel)}")
        report = AlertTest(test.id, test.channel)
        if why := self._await_delivery(test, options):
            return self._report_failure(test, report, f"the alert was not delivered to {_called(test.channel)}: {why}")
        report = self._with_place(test, report)
        if options.escalate or options.mention:
            self._say("escalating")
            report = replace(report, escalated_at=self._escalate(test, options), mentioned=options.mention)
            if why := self._await_delivery(test, options):
                return self._report_failure(test, report, f"the escalation was not delivered: {why}")
        if self._outlet.pagers:
            report, why = self._page(test, report)
            if why:
                return self._report_failure(test, report, why)
        report = replace(report, acknowledgeable=self._bot_is_running())
        if report.acknowledgeable and options.wait:
            self._say(f"waiting up to {options.wait:g} s for somebody to click Acknowledge")
            began = self._outlet.clock.monotonic()
            self._wait_until(lambda: self._now(test).acked_by or self._now(test).resolved_at, began + options.wait)
            self._ends += self._outlet.clock.monotonic() - began
        report = replace(report, acknowledged_by=self._now(test).acked_by)
        self._say("resolving")
        report = replace(report, resolved_at=self._resolve(test))
        if why := self._await_delivery(test, options):
            return self._report_failure(test, report, f"its end was not delivered: {why}")
        return report

    def _page(self, test: Incident, report: AlertTest) -> tuple[AlertTest, str | None]:
        """To each pager in turn; how far that went, and what stopped it."""
        for pager in self._outlet.pagers:
            self._say(f"triggering, acknowledging and resolving at {pager.name}")
            if why := send_test_page(self._outlet, pager, test, self._pause):
                return report, f"{pager.name} did not accept the page ({why})"
            self._keep_lease()
            report = replace(report, paged=(*report.paged, pager.name))
        return report, None

    def _open_test(self, options: TrialOptions) -> Incident:
        now = self._outlet.clock.now()
        with self._outlet.store.transaction() as records:
            if window := records.maintenance():
                until = window.until.astimezone(self._outlet.settings.zone)
                raise RefusedError(
                    f"a maintenance window is on until {until:%Y-%m-%d %H:%M %Z} and nothing is sent meanwhile; "
                    "`/sync-health snooze all end` ends it"
                )
            for abandoned in records.open_tests():
                _close_test(records, abandoned, ABANDONED, now)
            said = self._move_test(records, 1, now)
            records.audit(_audited(options, said.incident, now))
        return said.incident

    def _audit_end(self, test: Incident, options: TrialOptions, result: str, state: AuditState) -> None:
        requested = _audited(options, test, self._outlet.clock.now())
        add_end(self._outlet, requested, Ending(result, "resolved"), state)

    def _move_test(self, records: Records, value: float, now: datetime) -> Said:
        settings = self._outlet.settings
        said = move(records, CHECK, _result(value, settings), settings, now)
        assert said, "a test is never explained by anything, and its check has no patience"
        enqueue(records, said)
        return said

    def _escalate(self, test: Incident, options: TrialOptions) -> datetime:
        """The message that a real one gets after 15 minutes, at once."""
        now = self._outlet.clock.now()
        with self._outlet.store.transaction() as records:
            records.note(test.id, Entry(now, Did.CALLED, options.mention, broadcast=True))
            records.enqueue(test.id, Kind.REMINDER)
        return now

    def _resolve(self, test: Incident) -> datetime | None:
        """When it was over; unless somebody closed it before us."""
        now = self._outlet.clock.now()
        with self._outlet.store.transaction() as records:
            if any(one.id == test.id for one in records.open_tests()):
                self._move_test(records, 0, now)
        return self._now(test).resolved_at

    def _await_delivery(self, test: Incident, options: TrialOptions) -> str | None:
        """Wait until Slack shows its thread as it should; why it does not, when the time is up."""
        began, clock = self._outlet.clock.monotonic(), self._outlet.clock

        def is_over() -> bool:
            why = self._obstacle(test)
            lasting = clock.monotonic() - began >= ERROR_LASTS
            return not self._is_unsent(test) or bool(why and lasting)

        self._wait_until(is_over, self._ends)
        if self._now(test).summary.endswith(ABANDONED):
            return "this process slept, and the bot closed it"
        if self._is_unsent(test):
            return self._obstacle(test) or f"{self._suspect()} within {options.timeout:g} s"
        return None

    def _suspect(self) -> str:
        if self._bot_is_running():
            return "the running bot, whose log may say why, did not send it"
        return "it was not its turn, because other messages come first,"

    def _is_unsent(self, test: Incident) -> bool:
        with self._outlet.store.snapshot() as records:
            return not all(message.delivered for message in records.deliveries(test.id))

    def _obstacle(self, test: Incident) -> str | None:
        """What stands in the way of its messages, or of the whole channel."""
        with self._outlet.store.snapshot() as records:
            errors = [message.error for message in records.deliveries(test.id) if not message.delivered]
            channel = records.incident(test.id) or test
            others = [one.why for one in records.undelivered() if one.channel == channel.channel]
        return next((error for error in [*errors, *others] if error), None)

    def _wait_until(self, over: Callable[[], object], ends: float) -> None:
        """Look again and again, and send meanwhile where no bot does: one message at a time, which may take long."""
        while True:
            self._keep_lease()
            deliver_all(self._outlet, self._holder, most=1)
            if over() or self._outlet.clock.monotonic() >= ends:
                return
            self._pause(LOOK_EVERY)

    def _keep_lease(self) -> bool:
        return self._outlet.store.take_lease(TEST_ALERT, self._holder, self._outlet.clock, LEASE)

    def _bot_is_running(self) -> bool:
        store = self._outlet.store
        if store.take_lease(LEADER, self._holder, self._outlet.clock, CLAIM):
            store.release_lease(LEADER, self._holder)
            return False
        return True

    def _now(self, test: Incident) -> Incident:
        with self._outlet.store.snapshot() as records:
            return records.incident(test.id) or test

    def _with_place(self, test: Incident, report: AlertTest) -> AlertTest:
        """Where it stands; a channel that refused it is an error although another one took it."""
        now = self._now(test)
        with self._outlet.store.snapshot() as records:
            root = records.root_of(test.id)
        assert root, "it has arrived"
        link = None
        with suppress(SyncHealthError):
            link = self._outlet.messenger.permalink(root)
        moved = next((entry.detail for entry in now.timeline if entry.did is Did.MOVED), None)
        error = f"it was posted in {_called(now.channel)} instead of #{moved}" if moved else None
        at = datetime.fromtimestamp(float(root.ts), UTC)
        return replace(report, channel=now.channel, posted_at=at, permalink=link, error=error)

    def _report_failure(self, test: Incident, report: AlertTest, why: str) -> AlertTest:
        self._abandon_test(test, why)
        resolved_at = self._now(test).resolved_at
        return replace(report, resolved_at=resolved_at, error=why if report.ok else f"{report.error}; {why}")

    def _abandon_test(self, test: Incident, why: str) -> None:
        with self._outlet.store.transaction() as records:
            if any(one.id == test.id for one in records.open_tests()):
                _close_test(records, test, why, self._outlet.clock.now())
            records.drop_unposted(test.id)
        ends = self._outlet.clock.monotonic() + GRACE
        while self._is_unsent(test) and deliver_all(self._outlet, self._holder, most=1):
            if self._outlet.clock.monotonic() >= ends:
                break


def _close_test(records: Records, test: Incident, why: str, now: datetime) -> Said:
    """What was not posted by now is not posted later: it would be news of a test that is over."""
    said = close_incident(records, test, why, now)
    enqueue(records, said)
    if records.root_of(test.id) is None:
        records.drop_unposted(test.id)
    return said


def _audited(options: TrialOptions, test: Incident, at: datetime) -> AuditRow:
    of = f"incident {test.id}"
    return AuditRow(at, options.by, "test alert", of, "requested", AuditState.REQUESTED, reference=of)


def _result(value: float, settings: Settings) -> Result:
    judged = judge(CHECK, Reading(value))
    return replace(judged, summary=f"Test alert for the {settings.pipeline} pipeline, no action needed")


def _called(channel: str) -> str:
    return f"#{channel.removeprefix('#')}"
