"""Somebody takes an incident, once."""

import pytest

from bot.alerts.model import Did
from bot.errors import RefusedError
from bot.services.acknowledge import acknowledge
from tests.services.conftest import ADA, ROBIN, World


def test_the_root_names_who_has_it(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.clock.pass_(minutes=3)
    taken = acknowledge(world.ports, 1, ROBIN)
    assert (taken.acked_by, taken.acked_at) == (ROBIN, world.clock.now())
    assert world.incident().acked_by == ROBIN
    assert (world.incident().timeline[-1].did, world.incident().timeline[-1].by) == (Did.ACKNOWLEDGED, ROBIN)
    assert world.owed() == ["root"]
    world.deliver()
    [root] = world.channel.roots()
    assert f"<@{ROBIN}> has it" in root.text
    assert "Acknowledge" not in root.text, "nobody else is asked any more"
    assert world.audit() == [(ROBIN, "acknowledge", "incident 1", "done")]


def test_the_second_is_told_who_was_first(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    with pytest.raises(RefusedError, match="taken already") as refused:
        acknowledge(world.ports, 1, ADA)
    assert refused.value.people == (ROBIN,)
    assert world.incident().acked_by == ROBIN


def test_a_resolved_or_unknown_incident_cannot_be_taken(world: World) -> None:
    world.open_incident()
    world.look(7, after=5)
    world.look(7, after=10)
    for incident_id in (1, 99):
        with pytest.raises(RefusedError, match="resolved already"):
            acknowledge(world.ports, incident_id, ROBIN)
    assert world.incident().acked_by is None
