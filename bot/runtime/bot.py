"""The running bot: its jobs, its sender, its Socket Mode connection, and its shutdown."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.adapters.scheduler import Job, Scheduler
from bot.alerts.timetable import latest_due, latest_weekly
from bot.errors import StateError, SyncHealthError
from bot.model import Outage
from bot.ports import Ports
from bot.runtime.composition import holder_name, jitter, native_blocks
from bot.runtime.pager_work import PagerWork
from bot.runtime.worker_loop import Signal, Woken, WorkerLoop
from bot.services.daily_digest import run_due_validation, send_due_digest
from bot.services.daily_snapshot import take_due_snapshot
from bot.services.deferred_writes import DeferredWrites
from bot.services.deliver import deliver_next, follow_channel
from bot.services.fair_pool import FairPool
from bot.services.follow_actions import follow_and_explain
from bot.services.heartbeat import Pulse
from bot.services.lead import Lease
from bot.services.log_runs import RunLog
from bot.services.maintenance import end_due_maintenance
from bot.services.prune import prune
from bot.services.run_checks import Checker, timer_ended
from bot.services.shared_answers import SharedAnswers
from bot.services.skip_unchanged import SkipUnchanged
from bot.services.watch_runs import RunWatch
from bot.services.watchdog import cancel_silence, complete_evaluation, postpone_silence
from bot.services.weekly_review import post_due_review
from bot.slack.app import build_app
from bot.slack.connection import Connection
from bot.slack.connection_status import ConnectionStatus
from bot.slack.context import Context
from bot.slack.home_publisher import HomePublisher

if TYPE_CHECKING:
    from slack_sdk import WebClient

log = logging.getLogger(__name__)

WORKERS = 16
SHARE = 4  # of them that one person occupies at most
SHUTDOWN_TIMEOUT = 10.0  # real seconds that a stop waits for what was begun
JOINED_WITHIN = 15.0  # real seconds, for each thread; what is cut off is in doubt, and looked up at the next start
FOLLOW = timedelta(seconds=15)  # of the pipeline's time: how often a run, or a pending alert, is evaluated
DAILY = timedelta(minutes=1)  # of the pipeline's time: how often it is asked whether something daily is due
LOOK_FOR_WORK = timedelta(minutes=1)  # of the pipeline's time: how late is seen what another process has written
LOOK_DAILY = timedelta(minutes=15)  # the same, of what was done for a date
PRUNE = timedelta(days=1)  # of the pipeline's time: how often old evaluations are deleted
SAVE_USAGE = 300.0  # real seconds: statements counted in so long are lost if it is killed
LOOK_FOR_OWED = 15.0  # real seconds between looks into the outbox for what other processes have put there


class Bot:
    """The running bot: answers, checks and sends until it is stopped."""

    def __init__(self, ports: Ports, client: "WebClient") -> None:
        self.ports = ports
        self.checker = Checker(ports)
        self._runs = RunWatch(ports)
        self._pulse = Pulse(ports.heartbeat)
        self.holder = holder_name()
        self._lease = Lease(ports, self.holder)
        self._pool, self._slow = (FairPool(WORKERS, name, SHARE) for name in ("press", "question"))
        self._deferred = DeferredWrites()
        status = ConnectionStatus(
            self._note_outage, wall=lambda: ports.clock.real().timestamp(), monotonic=ports.clock.monotonic
        )
        shared = SharedAnswers(ports.clock, self._slow)
        native = native_blocks(ports.store, ports.clock)
        self._context = Context(ports, self.checker, client, self._pool, shared, status, self._deferred, native=native)
        app = build_app(self._context)
        self._connection = Connection(app, ports.settings.slack_app_token, ports.settings.slack_api_url, status)
        schedule = ports.settings.schedule
        self.jobs: dict[str, tuple[timedelta, Callable[[], object]]] = {  # of whoever leads, in the pipeline's time
            "checks": (schedule.tick, self._evaluate),
            "timers": (FOLLOW, self._skip_while_unchanged(self._end_timers)),
            "runs": (FOLLOW, lambda: self._runs.has_news() and self.checker.run(thrifty=True)),
            "follow": (FOLLOW, self._skip_while_unchanged(self._follow_runs)),
            "run log": (FOLLOW, RunLog(ports).write),
            "snapshot": (DAILY, self._look_daily(partial(take_due_snapshot, ports), schedule.snapshot)),
            "validation": (DAILY, self._look_daily(partial(run_due_validation, ports, self.checker), schedule.digest)),
            "digest": (DAILY, self._look_daily(partial(send_due_digest, ports, self.checker), schedule.summary)),
            "report": (DAILY, self._look_weekly(partial(post_due_review, ports))),
            "maintenance": (FOLLOW, self._skip_while_unchanged(partial(end_due_maintenance, ports))),
            "silence": (FOLLOW, self._skip_while_unchanged(partial(postpone_silence, ports))),
            "heartbeat": (FOLLOW, self._pulse.send),
            "prune": (PRUNE, partial(prune, ports)),
        }
        led = [
            Job(name, partial(self._run_as_leader, run), self._real_seconds(every))
            for name, (every, run) in self.jobs.items()
        ]
        state = Job("state", self._watch_state, self._real_seconds(FOLLOW))  # also where no lease can be taken
        # Every replica has refusals, and statements of people who ask, to write down, not only the one that leads.
        usage = Job("usage", partial(self._run_and_log, self._save_usage), SAVE_USAGE)
        late = Job("late writes", partial(self._run_and_log, self._deferred.flush), self._real_seconds(FOLLOW))
        self._scheduler = Scheduler([*led, state, late, usage], first=ports.clock.real())
        self._stopping, self._channel_followed = threading.Event(), False
        self._loops = tuple(self._workers())

    def _workers(self) -> Iterator[WorkerLoop]:
        """What goes on all the time, each in a thread of its own so that none waits for another."""
        written, home = self.ports.store.when_written, self._context.app_home
        unsent = Woken()
        written(unsent.wake)
        yield self._worker("sender", self._send, unsent, "messages wait")
        for pager in self.ports.pagers:
            work = PagerWork(self.ports, pager, self._lease, self.holder, self._stopping)
            unpaged = Woken()
            written(unpaged.wake)
            yield self._worker(f"pager {pager.name}", work.send_what_is_due, unpaged, "pages wait")
        written(home.note_write)
        yield self._worker("app home", HomePublisher(self._context, jitter).publish_next, home, "App Home waits")

    def _worker(self, name: str, step: Callable[[], float], signal: Signal, waits: str) -> WorkerLoop:
        failed = self.checker.state.failed
        return WorkerLoop(name, step, self._stopping, signal, waits=waits, state_failed=failed)

    def start(self) -> None:
        """Begin; returns at once. What is unreachable is tried again until it answers."""
        self._scheduler.start()
        for loop in self._loops:
            loop.start()
        self._connection.start()

    def stop(self) -> None:
        """Shut down in bounded time; unsent messages stay in the outbox."""
        self._stopping.set()
        for loop in self._loops:
            loop.wake()
        late = threading.Timer(SHUTDOWN_TIMEOUT, self._give_up)
        late.start()
        self._connection.stop()
        self._scheduler.stop()
        for loop in self._loops:
            loop.join(JOINED_WITHIN)
        self._context.in_flight.wait_until_none(SHUTDOWN_TIMEOUT)  # what was acknowledged is done, too
        self._context.retries.close()
        self._slow.shutdown()
        self._pool.shutdown()
        late.cancel()
        late.join()  # it may be answering still
        self.checker.close()
        self._deferred.flush()
        self._run_and_log(self._save_usage)
        self._run_and_log(self._cancel_silence_message)

    def _give_up(self) -> None:
        """Close the warehouse and drop queued interactions; whoever sent them is notified."""
        self._slow.shutdown(wait=False, cancel=True)
        self.ports.warehouse.close()
        self._pool.shutdown(wait=False, cancel=True)

    def _cancel_silence_message(self) -> None:
        if self._lease.leads and self._lease.held():  # not what another process has scheduled
            cancel_silence(self.ports)
        self._lease.release()

    def _real_seconds(self, every: timedelta) -> float:
        return max(0.5, every.total_seconds() / self.ports.clock.speed)

    def _skip_while_unchanged(self, work: Callable[[], object]) -> SkipUnchanged:
        look = SkipUnchanged(work, self.ports.clock, self._real_seconds(LOOK_FOR_WORK))
        self.ports.store.when_written(look.note_write)
        return look

    def _look_daily(self, work: Callable[[], object], at: time) -> SkipUnchanged:
        """What is not due, or is done, stays so until it is due the next time."""
        clock, zone = self.ports.clock, self.ports.settings.zone
        return SkipUnchanged(work, clock, self._real_seconds(LOOK_DAILY), lambda: latest_due(at, clock.now(), zone))

    def _look_weekly(self, work: Callable[[], object]) -> SkipUnchanged:
        """The same of what is due once a week; never, where it is switched off."""
        clock, zone, weekly = self.ports.clock, self.ports.settings.zone, self.ports.settings.schedule.report
        turn = (lambda: latest_weekly(weekly, clock.now(), zone)) if weekly else (lambda: None)
        return SkipUnchanged(work, clock, self._real_seconds(LOOK_DAILY), turn)

    def _end_timers(self) -> bool:
        """Whether anything waits for one, so that the next look comes soon."""
        if timer_ended(self.ports):
            self.checker.run()
        with self.ports.store.snapshot() as records:
            return bool(records.waiting_alerts() or records.count_open())

    def _note_outage(self, seconds: float) -> None:
        """Slack could not reach us for so many real seconds until now."""
        now = self.ports.clock.now()
        outage = Outage(now - timedelta(seconds=seconds * self.ports.clock.speed), now)

        def write() -> None:
            with self.ports.store.transaction() as records:
                records.note_outage(outage)

        self._deferred.write("an outage of the connection to Slack", write)

    def _evaluate(self) -> None:
        self.checker.run(thrifty=True)
        complete_evaluation(self.ports, told=self.checker.state.told)
        self._pulse.completed()

    def _follow_runs(self) -> int:
        """How many actions are open or lack their causes, so that the next look comes soon."""
        followed, lacking = follow_and_explain(self.ports, self.checker)
        if followed:  # what is written of one outdates answers from before
            self._context.shared.forget()
        return followed + lacking

    def _save_usage(self) -> None:
        if self.ports.meter:
            self.ports.meter.save(self.ports.store, self.ports.settings.zone)

    def _watch_state(self) -> None:
        """While nothing can be stored, try more often than at every tick; whoever leads tells the channel.

        It tells first: an attempt to write takes as long as the database's time-out.
        """
        state = self.checker.state
        if not state.unsettled:
            return
        if not self._lease.follows:
            self._run_and_log(partial(state.tell, self.ports))
        self._run_as_leader(self._evaluate)
        if not self._lease.follows:
            self._run_and_log(partial(state.tell, self.ports))

    def _run_as_leader(self, run: Callable[[], object]) -> None:
        self._run_and_log(lambda: not self._stopping.is_set() and self._lease.held() and run())

    def _run_and_log(self, run: Callable[[], object]) -> None:
        """The outermost loop of jobs, as WorkerLoop is of threads: one that failed is due again."""
        try:
            run()
        except StateError as error:
            self.checker.state.failed(error)
        except SyncHealthError as error:
            log.warning("a scheduled job could not be done: %s; trying again", error)
        except Exception:
            log.exception("a scheduled job met something unforeseen; trying again")

    def _send(self) -> float:
        if self._lease.held() and not self._channel_followed:
            follow_channel(self.ports)
            self._channel_followed = True
        return self.deliver_what_is_due()

    def deliver_what_is_due(self) -> float:
        """How many real seconds nothing else will be, as far as is known here."""
        store, now = self.ports.store, self.ports.clock.real()
        if not self._lease.held():
            return LOOK_FOR_OWED
        attempts = store.next_attempts(now)
        if now in attempts:
            while not self._stopping.is_set() and self._lease.held() and self._deliver_next():
                pass
            now = self.ports.clock.real()
            attempts = store.next_attempts(now)
        waits = [(at - now).total_seconds() for at in attempts if at > now]  # what no time holds waits for one of these
        return min([*waits, LOOK_FOR_OWED])

    def _deliver_next(self) -> bool:
        return deliver_next(self.ports, self.holder, jitter=jitter())
