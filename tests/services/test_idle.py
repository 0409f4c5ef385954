"""What a bot costs its state while nothing happens, and how soon it notices that something does."""

import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from slack_sdk import WebClient
from sqlalchemy import event

from bot.runtime.bot import FOLLOW, Bot
from tests.services.conftest import World

MINUTES = 30
MOST = 0.5  # transactions, reads and writes, for each time that a job or the sender looks


@pytest.fixture
def bot(world: World) -> Iterator[Bot]:
    """Healthy, with a warehouse that nobody else uses; it is not started: the test fires what would fire by itself."""
    world.numbers(create_queue=0, update_queue=0)
    world.warehouse.runs_anyway = False
    bot = Bot(world.ports, WebClient(token="local"))
    yield bot
    bot.checker.close()


def live(bot: Bot, world: World, minutes: float) -> int:
    """So many minutes of its life; how often anything was fired."""
    fired = 0
    for step in range(int(timedelta(minutes=minutes) / FOLLOW)):
        for every, fire in bot.jobs.values():
            if (step * FOLLOW) % every == timedelta(0):
                fire()
                fired += 1
        bot.deliver_what_is_due()
        fired += 1
        world.clock.pass_(seconds=FOLLOW.total_seconds())
    return fired


@pytest.mark.full
def test_an_idle_bot_leaves_its_state_alone_most_of_the_time(bot: Bot, world: World) -> None:
    live(bot, world, 10)
    begun: Counter[str] = Counter()

    def note(_: object) -> None:
        begun[" > ".join(frame.name for frame in traceback.extract_stack() if "/bot/" in frame.filename)] += 1

    for engine in (world.store._engine, world.store._reading):
        event.listen(engine, "begin", note)
    fired = live(bot, world, MINUTES)
    assert fired / 20 < begun.total() <= fired * MOST, begun.most_common()


@pytest.mark.full
def test_what_becomes_open_meanwhile_is_noticed_all_the_same(bot: Bot, world: World) -> None:
    live(bot, world, 10)
    world.numbers(null_company_names=60)
    world.warehouse.runs_anyway = True
    live(bot, world, 12)
    assert world.incident().opened_at
    assert [root.incident_id for root in world.channel.roots()] == [1]
