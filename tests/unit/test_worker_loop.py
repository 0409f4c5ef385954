"""The outermost loop of the bot's threads: nothing that happens in a step ends it."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from bot.errors import StateError, TemporaryError
from bot.runtime import worker_loop
from bot.runtime.worker_loop import Woken, WorkerLoop
from tests.waiting import until


class AtOnce:
    """Pauses of no length."""

    def after(self, failures: int, shorter: float) -> timedelta:
        return timedelta(0)


class Work:
    """Fails as often as told, one after the other."""

    def __init__(self, *faults: Exception) -> None:
        self.faults, self.steps = list(faults), 0
        self.told: list[StateError] = []
        self.stopping, self.signal = threading.Event(), Woken()
        self.loop = WorkerLoop(
            "sender", self.step, self.stopping, self.signal, waits="messages wait", state_failed=self.told.append
        )

    def step(self) -> float:
        self.steps += 1
        if self.faults:
            raise self.faults.pop(0)
        return 3600.0

    def stop(self) -> None:
        self.stopping.set()
        self.loop.wake()
        self.loop.join(60)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Work]]:
    monkeypatch.setattr(worker_loop, "TRANSIENT", AtOnce())
    begun: list[Work] = []

    def run(*faults: Exception) -> Work:
        begun.append(Work(*faults))
        begun[-1].loop.start()
        return begun[-1]

    yield run
    for work in begun:
        work.stop()
        assert not work.loop._thread.is_alive()


def test_after_a_failure_of_any_kind_the_next_step_comes(running: Callable[..., Work]) -> None:
    work = running(StateError("the disk is full"), TemporaryError("Slack answered 503"), ZeroDivisionError())
    until(lambda: work.steps == 4)


def test_a_state_that_fails_is_told_to_whoever_watches_it(running: Callable[..., Work]) -> None:
    work = running(StateError("the disk is full"), StateError("the disk is full"))
    until(lambda: work.steps == 3)
    assert [error.reason for error in work.told] == ["the disk is full"] * 2


def test_what_goes_on_failing_is_a_warning_once(running: Callable[..., Work], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    work = running(*[TemporaryError("Slack answered 503")] * 3)
    until(lambda: work.steps == 4)
    told = [record.levelname for record in caplog.records if "messages wait: Slack answered 503" in record.message]
    assert told == ["WARNING", "DEBUG", "DEBUG"]


def test_a_bug_shows_where_it_is(running: Callable[..., Work], caplog: pytest.LogCaptureFixture) -> None:
    work = running(ZeroDivisionError("division by zero"))
    until(lambda: work.steps == 2)
    assert "sender" in caplog.text and "ZeroDivisionError" in caplog.text


def test_it_rests_until_it_is_woken(running: Callable[..., Work]) -> None:
    work = running()
    until(lambda: work.steps == 1)
    work.loop.wake()
    until(lambda: work.steps == 2)


def test_one_that_was_never_started_can_be_stopped() -> None:
    Work().stop()
