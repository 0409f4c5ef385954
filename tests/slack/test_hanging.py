"""An evaluation that hangs for ever: Slack tells and the monitor outside hears nothing, though all other jobs run."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.demo.slack.server import SlackServer
from bot.runtime.bot import Bot
from bot.runtime.composition import SystemClock, connect, disconnect, settings_from
from tests.fakes import FakeCensus, FakeWarehouse
from tests.small_bot import TOKEN, healthy
from tests.waiting import until

WORDS = "properties: Sync Health has not reported since"


class Monitor:
    """ports.Heartbeat: counts the beats."""

    beats = 0

    def beat(self) -> None:
        self.beats += 1


class Hang:
    """What is asked never answers, once it is told to, and no bound of its own ends that."""

    def __init__(self) -> None:
        self.wanted, self.reached, self.over = threading.Event(), threading.Event(), threading.Event()

    def here(self) -> None:
        if self.wanted.is_set():
            self.reached.set()
            self.over.wait()


class HangingCensus(FakeCensus):
    hang: Hang

    def _fail(self) -> None:
        self.hang.here()
        super()._fail()


class HangingWarehouse(FakeWarehouse):
    hang: Hang

    def ask(self, question: str, **parameters: object) -> list[dict[str, object]]:
        self.hang.here()
        return super().ask(question, **parameters)


def fast_bot(slack: SlackServer, folder: Path, warehouse: FakeWarehouse, monitor: Monitor) -> Bot:
    """With a tick of half a second; a minute of its time is a second."""
    environment = {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_APP_TOKEN": TOKEN,
        "SLACK_API_URL": f"{slack.url}/api/",
        "CENSUS_API_TOKEN": TOKEN,
        "SYNC_HEALTH_STATE": f"sqlite:///{folder}/state.db",
    }
    settings, clock = settings_from(environment, ("slack", "census")), SystemClock(speed=60)
    settings = replace(settings, schedule=settings.schedule.model_copy(update={"tick": timedelta(seconds=30)}))
    ports, client = connect(settings, clock, healthy(warehouse))
    warehouse.runs_anyway = True
    census = HangingCensus(clock, *(sync.id for sync in settings.syncs))  # type: ignore[arg-type]
    return Bot(replace(ports, census=census, heartbeat=monitor), client)


@pytest.mark.full
@pytest.mark.parametrize("source", ["census", "warehouse"])
def test_slack_tells_of_a_tick_that_hangs_and_the_heartbeat_is_silent(
    slack: SlackServer, tmp_path: Path, source: str
) -> None:
    warehouse, monitor, hang, idle = HangingWarehouse(), Monitor(), Hang(), Hang()
    bot = fast_bot(slack, tmp_path, warehouse, monitor)
    census: Any = bot.ports.census
    census.hang, warehouse.hang = (hang, idle) if source == "census" else (idle, hang)
    bot.start()
    try:
        until(lambda: monitor.beats >= 2 and slack.scheduled)
        hang.wanted.set()
        assert hang.reached.wait(60)
        until(lambda: not bot._pulse._completed.is_set())  # the beat of the tick before
        until(lambda: all(runs_on(bot, name) for name in ("heartbeat", "silence")))
        beats = monitor.beats
        until(lambda: all(runs_on(bot, name) for name in ("heartbeat", "silence")))
        assert monitor.beats == beats, "no evaluation was completed"
        assert [WORDS in message["text"] for message in slack.messages()] == []
        slack._workspace.real = lambda: time.time() + 3600
        assert [WORDS in message["text"] for message in slack.messages()] == [True]
    finally:
        hang.over.set()
        bot.stop()
        disconnect(bot.ports)


def runs_on(bot: Bot, name: str) -> bool:
    """Whether this job was fired again twice since now, while the evaluation hangs."""
    job, now = bot._scheduler._scheduler.get_job(name), datetime.now(UTC)
    return bool(until(lambda: job.next_run_time > now + timedelta(seconds=1)))


@pytest.mark.full
def test_a_process_that_never_led_leaves_the_scheduled_message_of_the_leader_alone(
    slack: SlackServer, tmp_path: Path
) -> None:
    warehouse, monitor, idle = HangingWarehouse(), Monitor(), Hang()
    leader = fast_bot(slack, tmp_path, warehouse, monitor)
    leader.ports.census.hang = warehouse.hang = idle  # type: ignore[attr-defined]
    leader.start()
    try:
        until(lambda: slack.scheduled)
        Bot(leader.ports, WebClient())._cancel_silence_message()
        assert slack.scheduled
    finally:
        leader.stop()
        disconnect(leader.ports)
    assert slack.scheduled == [], "the leader cancels its own"
