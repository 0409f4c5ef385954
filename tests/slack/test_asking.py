"""What people type, and what they are answered."""

import re
import time

import pytest

from bot.demo.slack.server import Fault
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import Demo
from bot.slack.handlers import HANDLERS
from tests.slack.conftest import World, words
from tests.waiting import until


def _ask(world: World, text: str = "") -> str:
    return words(world.ask(text, world.visitor))


def test_anybody_may_ask_how_the_pipeline_is(world: World) -> None:
    answer = _ask(world)
    assert "✅ properties: healthy" in answer
    assert re.search(r"\b(\d\d) of \1 checks passing", answer), "all of them"
    assert "Sync A (CREATE)" in answer
    assert "Sync B (UPDATE)" in answer
    assert "*Next run*" in answer
    assert "Warehouse as of" in answer
    assert not world.demo.slack.messages(), "only the one who asked sees it"


@pytest.mark.full
def test_an_unknown_word_gets_the_nearest_command(world: World) -> None:
    assert "Did you mean `/sync-health help`?" in _ask(world, "hlep")
    assert "Unknown command `&lt;!channel&gt;`" in _ask(world, "<!channel>")


def test_help_lists_every_command(world: World) -> None:
    assert "`/sync-health help` this list" in _ask(world, "help")


@pytest.mark.full
def test_refresh_replaces_the_answer_with_newer_numbers(world: World) -> None:
    _ask(world)
    [answer] = world.demo.slack.ephemerals(world.visitor)
    world.ports.warehouse.do("pipeline/rows/companies", now=world.demo.clock.now())  # leaves the numbers as they are
    before = words(answer)
    time.sleep(0.15)  # more than a minute of the pipeline
    world.demo.slack.press(world.visitor, answer["ts"], "refresh")
    [refreshed] = until(lambda: [m for m in world.demo.slack.ephemerals(world.visitor) if words(m) != before])
    assert refreshed["ts"] == answer["ts"]
    assert len(world.demo.slack.ephemerals(world.visitor)) == 1


def test_census_down_is_said_and_is_not_healthy(world: World) -> None:
    world.demo.census.stop()
    answer = until(lambda: (a := _ask(world)) and "Census, Sync A (CREATE): Census" in a and a)
    assert "status unknown" in answer
    assert "✅ properties" not in answer


@pytest.mark.full
def test_the_warehouse_down_is_said_and_is_not_healthy(world: World) -> None:
    world.demo.census.stop()  # it would meet the closed warehouse first
    world.ports.warehouse.close()
    answer = until(lambda: (a := _ask(world)) and "the warehouse:" in a and a)
    assert "status unknown" in answer
    assert "unknown" in answer


@pytest.mark.full
def test_something_unforeseen_is_still_answered_with_a_reference(world: World, monkeypatch, caplog) -> None:
    monkeypatch.setitem(HANDLERS, ("command", "help"), lambda context, interaction: 1 / 0)
    answer = _ask(world, "help")
    assert "Unexpected error" in answer
    assert re.search("reference ([0-9a-f]{8})", caplog.text)[1] in answer
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.full
def test_the_bot_starts_without_slack_and_connects_when_it_comes(monkeypatch, caplog) -> None:
    monkeypatch.setattr("bot.slack.connection.RECONNECT", 0.1)
    demo = Demo(speed=600)
    demo.start()
    demo.slack.fail_next("apps.connections.open", Fault(status=503), times=3)
    ports, client = demo.connect()
    bot = Bot(ports, client)
    bot.start()
    try:
        until(lambda: demo.slack.connections == 1)
        assert "not connected to Slack since" in caplog.text
        assert "demo" not in [word for line in caplog.messages for word in line.split()], "no token in the log"
    finally:
        bot.stop()
        disconnect(ports)
        demo.stop()


@pytest.mark.full
def test_what_somebody_shares_is_seen_by_all_names_them_and_offers_nothing_to_press(world: World) -> None:
    _ask(world)
    [answer] = world.demo.slack.ephemerals(world.visitor)
    world.demo.slack.press(world.visitor, answer["ts"], "share")
    [shared] = until(lambda: world.demo.slack.messages())
    assert "✅ properties: healthy" in words(shared)
    assert f"Shared by <@{world.visitor}>" in words(shared)
    assert all(block["type"] != "actions" for block in shared["blocks"])
    assert len(world.demo.slack.ephemerals(world.visitor)) == 1, "the answer stays as it is"
