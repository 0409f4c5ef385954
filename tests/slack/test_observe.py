"""Observe mode, end to end: it alerts and answers, and offers and does nothing that changes the pipeline."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.errors import RefusedError
from bot.runtime.composition import connect, settings_from
from bot.runtime.demo import Demo
from bot.services.authorise import Person
from bot.slack.context import Context
from bot.slack.handlers import HANDLERS, OURS, handle
from bot.slack.interaction import Interaction
from tests.services.conftest import ROBIN
from tests.slack.conftest import OFFERED, SPEED, World, at_work, words
from tests.waiting import until

# What changes Census or the warehouse, or follows what does.
OUTSIDE = {"rerun", "follow", "pause", "pause_all", "resume", "cancel", "act", "snapshot"}
REFUSED = "Observe mode makes no changes to Census or the warehouse. To allow them, set mode to act in pipeline.yml."


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    demo = Demo(speed=SPEED)
    demo.start()
    settings = replace(settings_from(demo.environment()), mode="observe")
    with at_work(demo, *connect(settings, demo.clock)) as one:
        yield one


def _ask(world: World, text: str) -> list[dict[str, Any]]:
    return world.ask(text, world.operator)


def _actions(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = [block for bar in message.get("attachments", ()) for block in bar["blocks"]]
    return [block for block in [*message.get("blocks", ()), *blocks] if block["type"] == "actions"]


def _runs(world: World, sync: int) -> list[dict[str, Any]]:
    return world.demo.census.runs(sync)


def test_every_word_is_known_to_change_something_outside_or_not() -> None:
    assert {word for _, word in HANDLERS} == OURS | OUTSIDE, "say of a new one which it does; until then it is refused"
    assert not OURS & OUTSIDE


@pytest.mark.parametrize(("kind", "word"), sorted((kind, word) for kind, word in HANDLERS if word in OUTSIDE))
def test_a_click_from_before_is_refused_in_one_sentence(kind: Any, word: str, world: World) -> None:
    context = cast("Context", SimpleNamespace(ports=world.ports, home=SimpleNamespace(admit=lambda person: person)))
    with pytest.raises(RefusedError) as refused:
        handle(kind, context, Interaction(Person(ROBIN, "T1", "T1"), word=word, value="1"))
    assert str(refused.value) == REFUSED


def test_the_summary_says_so_and_offers_no_snapshot(world: World) -> None:
    said = _ask(world, "")
    assert "Observe mode: no changes to Census or the warehouse" in words(said)
    assert "snapshot now" not in str(said)


def test_a_typed_snapshot_is_refused_in_one_sentence(world: World) -> None:
    assert REFUSED in words(_ask(world, "snapshot"))
    until(lambda: ("U0ROBIN", "snapshot", f"refused: {REFUSED}") in world.audit())  # written after the answer


def test_an_alert_offers_nothing_that_changes_the_pipeline_and_can_be_acknowledged(world: World) -> None:
    world.demo.estate.switch("company_names_lost", True)
    root = until(lambda: (found := world.root()) and "missing company name" in found["text"] and found)
    pressed = {element["action_id"] for block in _actions(root) for element in block["elements"]}
    assert pressed == {"acknowledge", "more"}
    until(lambda: not world.owed())  # nobody clicks before the bot has heard that it was posted
    world.demo.slack.press(world.operator, root["ts"], "acknowledge")
    until(lambda: "Acknowledged by" in words(world.demo.slack.messages(root["ts"])[0]))
    world.demo.estate.switch("company_names_lost", False)
    until(lambda: "Resolved" in words(world.demo.slack.messages(root["ts"])[0]))
    assert OFFERED not in str(world.demo.slack.messages())
    started = {run["sync_trigger_reason"]["ui_tag"] for sync in world.demo.census.syncs for run in _runs(world, sync)}
    assert started == {"Schedule"}
