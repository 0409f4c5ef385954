"""The open incidents, the story of one, and quiet about it for a while."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.model import Did
from bot.errors import RefusedError
from bot.services.acknowledge import acknowledge
from bot.services.show_incident import incident_called, incident_meant, show_incidents
from bot.services.snooze import snooze
from tests.services.conftest import ROBIN, World


def test_an_open_incident_is_listed_with_its_thread_once_it_has_one(world: World) -> None:
    world.open_incident()
    _, _, before = show_incidents(world.ports, 10)
    world.deliver()
    _, [incident], after = show_incidents(world.ports, 10)
    assert (before, incident.id) == ({}, 1)
    assert after[1].ts == world.channel.roots()[0].ts


def test_a_story_has_changes_presses_and_runs_and_outlives_the_incident(world: World) -> None:
    acknowledge(world.ports, world.open_incident().id, ROBIN)
    world.rerun(ROBIN, "fixed")
    world.look(7, after=5)
    world.look(7, after=10)
    assert show_incidents(world.ports, 10) == (0, [], {})
    incident = incident_meant(world.ports, "#1")
    with world.store.snapshot() as records:
        [action] = records.actions_of(incident.id)
    dids = [entry.did for entry in incident.timeline]
    assert dids == [Did.OPENED, Did.ACKNOWLEDGED, Did.RERUN, Did.RECOVERING, Did.RESOLVED]
    assert (action.sync, action.reason) == ("Sync B", "fixed")


@pytest.mark.parametrize("typed", ["", "2", "-1", "seven", "9" * 30, "<!channel>", "1; DROP TABLE incidents", "²"])
def test_an_incident_that_nobody_knows_is_refused(world: World, typed: str) -> None:
    world.open_incident()
    with pytest.raises(RefusedError, match="There is no incident"), world.store.snapshot() as records:
        incident_called(records, typed)


def test_without_a_number_the_only_open_one_is_meant(world: World) -> None:
    with pytest.raises(RefusedError, match="No incident is open"):
        incident_meant(world.ports, "")
    world.open_incident()
    assert incident_meant(world.ports, "").id == incident_meant(world.ports, "#1").id == 1
    first = world.incident()
    with world.store.transaction() as records:
        records.create_incident(replace(first, key="another"))
    with pytest.raises(RefusedError, match="Open: 1, 2"):
        incident_meant(world.ports, "")


@pytest.mark.full
def test_snoozing_is_written_owed_and_audited_and_cancels_nothing_else(world: World) -> None:
    world.open_incident()
    world.deliver()
    acknowledge(world.ports, 1, ROBIN)
    now = world.clock.now()
    snooze(world.ports, 1, "2h", ROBIN)
    incident = world.incident()
    assert (incident.snoozed_by, incident.snoozed_until) == (ROBIN, now + timedelta(hours=2))
    assert incident.acked_by == ROBIN
    assert incident.timeline[-1].did is Did.SNOOZED
    assert "root" in world.claimed()
    assert world.audit()[-1] == (ROBIN, "snooze", "incident 1", "snoozed for 2h")
    world.look(7, after=5)
    world.look(7, after=10)
    assert world.incident().resolved_at, "alerts go on"


def test_a_snooze_that_has_ended_is_not_shown(world: World) -> None:
    world.open_incident()
    snooze(world.ports, 1, "2h", ROBIN)
    world.clock.pass_(minutes=119)
    assert show_incidents(world.ports, 10)[1][0].snoozed_by == ROBIN
    world.clock.pass_(minutes=1)
    assert show_incidents(world.ports, 10)[1][0].snoozed_by is None


@pytest.mark.parametrize("span", ["", "0", "14m", "25h", "2 weeks", "-2h", "<!here>", "999999d"])
def test_a_span_that_makes_no_sense_is_refused_and_nothing_is_written(world: World, span: str) -> None:
    world.open_incident()
    with pytest.raises(RefusedError, match=r"15m to 24h|Cannot read the duration"):
        snooze(world.ports, 1, span, ROBIN)
    assert world.incident().snoozed_until is None


def test_what_is_over_cannot_be_snoozed(world: World) -> None:
    world.open_incident()
    world.look(7, after=5)
    world.look(7, after=10)
    with pytest.raises(RefusedError, match="already resolved"):
        snooze(world.ports, 1, "2h", ROBIN)


def test_the_root_says_when_a_snooze_is_over(world: World) -> None:
    world.open_incident()
    snooze(world.ports, 1, "15m", ROBIN)
    world.deliver()
    assert "Snoozed until" in world.channel.roots()[0].text
    world.look(60, after=16)
    world.deliver()
    assert "Snoozed until" not in world.channel.roots()[0].text
    assert world.incident().snoozed_by is None
