"""Observe mode: alerts and answers as ever, and nothing outside of the bot is changed."""

from dataclasses import replace

import pytest

from bot.alerts.model import ActionKind
from bot.errors import RefusedError
from bot.services.acknowledge import acknowledge
from bot.services.daily_snapshot import take_due_snapshot
from bot.services.deploy import deploy, plan_deploy
from bot.services.examine_warehouse import examine_warehouse
from bot.services.log_runs import RunLog
from bot.services.snooze import snooze
from bot.services.summarise import summarise
from bot.services.take_snapshot import dry_run_snapshot, take_snapshot
from bot.sql.grants import to_grant
from tests.services.conftest import ROBIN, World

REFUSED = "Observe mode makes no changes to Census or the warehouse. To allow them, set mode to act in pipeline.yml."
BUTTON = "Rerun Sync B"


def observe(world: World) -> None:
    """From now on, as after a restart."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, mode="observe"))
    world.channel._settings = replace(world.channel._settings, mode="observe")


@pytest.fixture
def watched(world: World) -> World:
    """A bot in observe mode from its first evaluation on."""
    observe(world)
    return world


def said(world: World) -> str:
    return "\n".join(message.text for message in world.channel.everything())


def test_an_alert_is_posted_without_an_action_and_can_be_acknowledged_and_snoozed(watched: World) -> None:
    watched.open_incident()
    watched.deliver()
    assert watched.incident().offers == ()
    assert "properties have no company name" in said(watched) and BUTTON not in said(watched)
    acknowledge(watched.ports, 1, ROBIN)
    snooze(watched.ports, 1, "2h", ROBIN)
    assert watched.incident().acked_by == ROBIN and watched.incident().snoozed_until
    watched.look(0, after=5)
    watched.look(0, after=15)
    assert watched.incident().resolved_at


def test_in_act_mode_the_same_alert_offers_a_rerun(world: World) -> None:
    world.open_incident()
    world.deliver()
    assert world.incident().offers == ("rerun",) and BUTTON in said(world)


def test_what_was_offered_before_is_taken_back(world: World) -> None:
    world.open_incident()
    observe(world)
    world.deliver()
    assert world.incident().offers and BUTTON not in said(world), "not even before the next evaluation"
    world.look(60, after=5)
    assert world.incident().offers == ()


def test_the_message_that_offered_it_is_edited(world: World) -> None:
    world.open_incident()
    world.deliver()
    assert BUTTON in said(world)
    observe(world)
    world.look(60, after=5)
    world.deliver()
    assert BUTTON not in said(world)


@pytest.mark.parametrize("kind", [ActionKind.RERUN, ActionKind.PAUSE])
def test_an_action_is_refused_before_anything_is_written_or_asked(world: World, kind: ActionKind) -> None:
    world.open_incident()
    consent = world.facts(kind).consent
    observe(world)
    with pytest.raises(RefusedError) as refused:
        world.act(consent=consent)
    assert str(refused.value) == REFUSED
    assert world.census.triggers == world.census.changes == world.rows("SELECT * FROM actions") == []


def test_no_snapshot_is_taken_and_no_run_logged(watched: World) -> None:
    watched.look(7)
    with pytest.raises(RefusedError, match="Observe mode"):
        take_snapshot(watched.ports, ROBIN)
    run = watched.census.start(watched.sync_b, "Schedule")
    watched.census.finish(run.id, records_updated=5, records_failed=0)
    watched.clock.pass_(minutes=10)
    watched.look(7)
    log = RunLog(watched.ports)
    for _ in range(2 * 24):
        watched.clock.pass_(hours=1)
        assert take_due_snapshot(watched.ports) is None
        assert log.write() == 0
    assert not [question for question in watched.warehouse.asked if not question.startswith(("measure/", "queues"))]


def test_a_dry_run_of_a_snapshot_only_reads_and_is_answered(watched: World) -> None:
    watched.warehouse.rows |= {"measure/snapshots": [], "measure/snapshot_by_hand": []}  # an empty log
    assert dry_run_snapshot(watched.ports, ROBIN).dry_run


def test_nothing_is_deployed(watched: World) -> None:
    plan = plan_deploy(watched.ports.settings)
    with pytest.raises(RefusedError, match="set mode to act"):
        deploy(watched.ports, ROBIN, plan, ())
    assert watched.audit() == []


def test_doctor_does_not_try_to_write(watched: World) -> None:
    found = {one.name: one for one in examine_warehouse(watched.ports, {}, to_grant)}
    assert found["audit log"].ok and "not tried in observe mode" in found["audit log"].detail


def test_the_summary_knows_its_mode(watched: World) -> None:
    assert summarise(watched.ports).observes
