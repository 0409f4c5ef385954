"""Suspect records are held: from a wrong view to a Resume, on the demo's real servers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.alerts.model import ITSELF
from bot.config.remedies import Remedy
from bot.demo.estate import FAULTS
from bot.runtime.demo import Demo
from tests.slack.conftest import World, at_work, words
from tests.waiting import until

BUG = next(iter(FAULTS))
SPEED = 60  # five minutes are five seconds: a busy machine measures and pauses within them
NAMELESS = "SELECT COUNT(*) FROM hive_metastore.salesforce.product_property WHERE COALESCE(company_name_c, '') = ''"
LONG = 240.0


@pytest.fixture
def world() -> Iterator[World]:
    """The demo with the remedy of the shipped pipeline.yml; its other sync rests."""
    demo = Demo(speed=SPEED)
    demo.start()
    connected, client = demo.connect()
    hold = Remedy.model_validate({"when": "suspect_records", "severity": "critical", "do": "pause"})
    ports = replace(connected, settings=replace(connected.settings, remedies=(hold,)))
    other = demo.census.syncs[ports.settings.syncs[0].id]
    other.hour, other.frequency = (demo.clock.now().hour + 12) % 24, "daily"
    with at_work(demo, ports, client) as one:
        yield one


def nameless(world: World) -> int:
    with world.demo.warehouse.cursor() as cursor:
        return int(cursor.execute(NAMELESS).fetchall()[0][0])


def runs(world: World, sync: int) -> list[dict[str, Any]]:
    """Newest first."""
    return list(world.demo.census.runs(sync))


def suspects(world: World) -> dict[str, Any] | None:
    return next(
        (one for one in world.demo.slack.messages() if "Sync B" in one["text"] and "uspect record" in one["text"]), None
    )


def replies(world: World) -> str:
    root = suspects(world)
    return words(world.demo.slack.messages(root["ts"])) if root else ""


@pytest.mark.full
def test_suspect_records_are_held_before_census_writes_one_and_go_on_after_a_resume(world: World) -> None:
    sync = world.ports.settings.syncs[1].id
    seen = len(runs(world, sync))
    until(lambda: len(runs(world, sync)) > seen and runs(world, sync)[0]["status"] == "completed", LONG)
    before, done = nameless(world), len(runs(world, sync))
    world.demo.estate.switch(BUG, True)
    until(lambda: "Sync B is paused* (by Sync Health" in replies(world), LONG)
    assert "suspect records (no company name) were about to be written at" in replies(world)
    assert "such as" in replies(world)
    assert world.demo.census.syncs[sync].paused
    assert len(runs(world, sync)) == done, "no run began since the view was wrong"
    assert nameless(world) == before, "Census has written no suspect record"
    assert (ITSELF, "pause") in [row[:2] for row in world.audit()]

    world.demo.estate.switch(BUG, False)
    root = suspects(world)
    assert root
    paused = next(one for one in world.demo.slack.messages(root["ts"]) if "is paused* (by" in words(one))
    world.demo.slack.press(world.operator, paused["ts"], "resume")
    until(lambda: (m := world.demo.slack.modal(world.operator)) and m.get("submit") and "Loading" not in words(m), LONG)
    world.demo.slack.submit(world.operator, {"reason": "the view is right again"})
    until(lambda: not world.demo.census.syncs[sync].paused, LONG)
    until(lambda: len(runs(world, sync)) > done and runs(world, sync)[0]["status"] == "completed", LONG)
    until(lambda: all(one.sync is None or one.check != "suspect_records" for one in _open(world)), LONG)
    until(lambda: "Resolved" in words(suspects(world)), LONG)
    assert nameless(world) <= before
    assert not [one for one in world.demo.slack.messages() if "is paused in Census" in one["text"]], "one incident"


def _open(world: World) -> list[Any]:
    with world.ports.store.snapshot() as records:
        return records.open_incidents()
