"""Fires jobs again and again; what is due when they fire is decided elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler


@dataclass(frozen=True)
class Job:
    """Something to do every so many real seconds; it must not raise."""

    name: str
    run: Callable[[], object]
    seconds: float


class Scheduler:
    """APScheduler, with nothing stored: each job runs `first`, then on its interval, never twice at a time."""

    def __init__(self, jobs: list[Job], first: datetime) -> None:
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

    def stop(self) -> None:
        """Fire no more, and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
