"""State and pipeline.yml of an earlier version: the bot goes on where that one stopped."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.model import ActionState, Did, State
from bot.model import Kind, Place
from bot.runtime.composition import settings_from
from bot.services.follow_actions import follow_actions
from bot.services.summarise import summarise
from checks.model import Severity
from tests.fakes import CHANNEL_ID, START, HandClock, Said, shipped_settings
from tests.services.conftest import ADA, CHECK, ROBIN, World

EARLIER = Path(__file__).parents[1] / "upgrade"
ROOT, EVIDENCE, RUN = "1700000001.000000", "1700000002.000001", "1700000004.000002"
THEN = [(ADA, "acknowledge", "incident 1", "done"), (ROBIN, "rerun", "Sync B", "action 1: the view is fixed")]


def write_earlier_state(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript((EARLIER / "d51b747.sql").read_text())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ten minutes later, with the new version; what the earlier one posted is in the channel."""
    write_earlier_state(tmp_path / "state.db")
    one = World(tmp_path / "state.db", HandClock(START + timedelta(minutes=18)))
    earlier = settings_from({"SYNC_HEALTH_CONFIG": str(EARLIER / "d51b747.yml")})
    one.ports = replace(one.ports, settings=replace(earlier, checks=(CHECK,)))
    for ts, kind, id_ in ((ROOT, Kind.ROOT, 1), (EVIDENCE, Kind.EVIDENCE, 2), (RUN, Kind.RUN, 3)):
        thread = None if ts == ROOT else ROOT
        one.channel._messages[ts] = Said(ts, f"message-{id_}", kind, 1, "as it was", thread, broadcast=False)
    yield one
    one.close()


def test_the_earlier_pipeline_yml_means_what_the_shipped_one_means() -> None:
    earlier, shipped = settings_from({"SYNC_HEALTH_CONFIG": str(EARLIER / "d51b747.yml")}), shipped_settings()
    for name in ("pipeline", "zone", "channel", "operators", "syncs", "schedule", "links", "tables"):
        assert getattr(earlier, name) == getattr(shipped, name)
    assert (earlier.noun.many, shipped.noun.many) == ("records", "properties"), "it does not say what its records are"
    assert (earlier.destination, shipped.destination) == ("destination", "Salesforce"), "nor where they go"
    called = [
        re.sub("propert(y|ies)", "record", str(one.checks).replace("records", "record")).replace(
            "Salesforce", "destination"
        )
        for one in (earlier, shipped)
    ]
    assert called[0] == called[1], "but for these words"


def test_the_open_incident_its_thread_its_rerun_and_the_audit_are_kept(world: World) -> None:
    incident = world.incident()
    assert (incident.state, incident.severity, incident.acked_by) == (State.FIRING, Severity.CRITICAL, ADA)
    assert [entry.did for entry in incident.timeline] == [Did.OPENED, Did.ACKNOWLEDGED, Did.RERUN]
    with world.store.transaction() as records:
        assert records.root_of(1) == Place(CHANNEL_ID, ROOT)
    assert (world.action().state, world.action().run_id) == (ActionState.RUNNING, 1)
    assert world.audit() == THEN
    shown = summarise(world.ports)
    assert shown.evaluation and shown.evaluation.results[0].value == 75.0


@pytest.mark.full
def test_what_was_measured_before_is_read_as_it_was(world: World) -> None:
    with world.store.snapshot() as records:
        earlier = records.latest_evaluations(9)
        assert [one.checked_at for one in earlier] == [START + timedelta(minutes=n) for n in (0, 5, 8)]
        assert [one.results[0].value for one in earlier] == [60.0, 60.0, 75.0]
        assert records.latest_values(CHECK.name, None, 9) == (
            (START, 60.0),
            (START + timedelta(minutes=5), 60.0),
            (START + timedelta(minutes=8), 75.0),
        )
        assert records.text_only_since() is None, "tables and charts are tried"


@pytest.mark.full
def test_an_incident_from_before_gets_its_worst_value_with_the_next_one(world: World) -> None:
    before = world.incident()
    assert (before.causes, before.offers, before.peak) == ((), (), None)
    world.look(75)
    after = world.incident()
    assert after.offers == (), "its rerun is in progress"
    assert after.peak == 75.0


def test_the_bot_goes_on_in_the_same_thread_to_its_end(world: World) -> None:
    run = world.census.start(world.sync_b, "API Request")
    world.deliver()
    world.census.finish(run.id, records_updated=75)
    world.numbers(null_company_names=7)
    for _ in range(3):
        follow_actions(world.ports, world.checker)
        world.deliver()
    world.look(7, after=15)
    world.deliver()
    assert (world.incident().state, world.action().state) == (State.OK, ActionState.FINISHED)
    [root] = world.channel.roots()
    assert root.ts == ROOT
    assert "Resolved" in root.text
    kinds = [said.kind for said in world.channel.thread(ROOT)]
    assert kinds == [Kind.EVIDENCE, Kind.RUN, Kind.RESOLVED], "what its sender had posted is found, and edited"
    assert world.audit()[:2] == THEN
    assert world.audit()[2][:3] == (ROBIN, "rerun", "Sync B")
