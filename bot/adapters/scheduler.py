"""The scheduler: fires jobs at an interval; what is due is decided elsewhere."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

WATCH = 1.0  # real seconds between looks at the wall clock
STEP = timedelta(seconds=2)  # by which it may lag behind the monotonic one before it was set back


@dataclass(frozen=True)
class Job:
    """Something to do every so many real seconds; it must not raise."""

    name: str
    run: Callable[[], object]
    seconds: float


class Scheduler:
    """APScheduler, with nothing stored: each job runs `first`, then on its interval, never twice at a time.

    APScheduler waits for times of the wall clock. When that is set back, every job is due at once: otherwise none would
    run until the clock reads again what it had read before.
    """

    def __init__(
        self,
        jobs: list[Job],
        first: datetime,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._watch_clock, name="clock", daemon=True)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        for job in jobs:
            self._scheduler.add_job(
                job.run,
                "interval",
                id=job.name,
                seconds=job.seconds,
                next_run_time=first,
                misfire_grace_time=None,  # late is better than never; APScheduler's default forgets after a second
                coalesce=True,
                max_instances=1,
            )

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Fire no more, and wait for what runs."""
        self._stopping.set()
        if self._scheduler.running:
            self._watch.join()
            self._scheduler.shutdown(wait=True)

    def _watch_clock(self) -> None:
        wall, monotonic = self._wall(), self._monotonic()
        while not self._stopping.wait(WATCH):
            before = wall + timedelta(seconds=self._monotonic() - monotonic)
            wall, monotonic = self._wall(), self._monotonic()
            if before - wall > STEP:
                log.warning("the clock was set back by %.0f s; every job is due now", (before - wall).total_seconds())
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=wall)
