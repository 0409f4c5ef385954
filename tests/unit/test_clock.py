"""Time: the machine's own where it must be, and jobs that go on whatever happens to it."""

import threading
import time
from datetime import UTC, datetime, timedelta

import apscheduler.schedulers.base
import pytest

from bot.adapters import scheduler
from bot.adapters.scheduler import Job, Scheduler
from bot.runtime.composition import SystemClock
from tests.waiting import until


def test_the_clock_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, began = SystemClock(), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began - 3600)  # it stood still for an hour
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_fast_clock_is_the_same_in_the_demo_and_its_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = SystemClock(60.0)
    bot, began = SystemClock(as_written=demo.written()), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 60)
    assert bot.speed == 60
    assert bot.now() == demo.now()
    assert bot.now() - datetime.now(UTC) > timedelta(minutes=58)


class WallClock(datetime):
    """What APScheduler takes for the time."""

    behind = timedelta(0)

    @classmethod
    def now(cls, tz: object = None) -> "WallClock":  # type: ignore[override]
        return datetime.now(UTC) - cls.behind  # type: ignore[return-value]


def test_jobs_go_on_though_the_wall_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler alone would wait for an hour."""
    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", WallClock)
    monkeypatch.setattr(WallClock, "behind", timedelta(0))
    monkeypatch.setattr(scheduler, "WATCH", 0.02)
    ran = threading.Semaphore(0)
    jobs = Scheduler([Job("tick", ran.release, 0.05)], first=WallClock.now(), wall=WallClock.now)
    jobs.start()
    try:
        for _ in range(2):
            assert ran.acquire(timeout=60)
        WallClock.behind = timedelta(hours=1)
        for _ in range(5):
            assert ran.acquire(timeout=60), "no job runs any more"
    finally:
        jobs.stop()


def test_a_clock_that_runs_on_or_jumps_ahead_makes_no_job_run_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", WallClock)
    monkeypatch.setattr(WallClock, "behind", timedelta(0))
    monkeypatch.setattr(scheduler, "WATCH", 0.02)
    ran: list[int] = []
    looked = threading.Semaphore(0)

    def wall() -> datetime:
        looked.release()
        return WallClock.now()

    jobs = Scheduler([Job("hourly", lambda: ran.append(1), 3600)], first=WallClock.now(), wall=wall)
    jobs.start()
    try:
        until(lambda: ran)
        WallClock.behind = -timedelta(minutes=30)
        for _ in range(5):
            assert looked.acquire(timeout=60)
    finally:
        jobs.stop()
    assert ran == [1]
