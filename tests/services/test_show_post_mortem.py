"""All that is known of an incident, read from the state alone: also of one of a shared thread, or without values."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.model import ActionKind
from bot.errors import RefusedError
from bot.services.acknowledge import acknowledge
from bot.services.resolve_by_hand import resolve_thread
from bot.services.show_post_mortem import show_post_mortem
from tests.services.conftest import ROBIN, World


def of(world: World, typed: str = "1") -> object:
    return show_post_mortem(world.store, world.clock.now(), typed)


def test_a_resolved_incident_is_told_with_its_durations_its_actions_and_the_values_around_it(world: World) -> None:
    world.look(7)
    world.open_incident()
    world.clock.pass_(minutes=3)
    acknowledge(world.ports, 1, ROBIN)
    world.rerun(ROBIN, "fixed")
    world.look(7, after=5)
    world.look(7, after=10)
    for _ in range(8):
        world.look(6, after=10)
    found = show_post_mortem(world.store, world.clock.now(), "1")
    assert found.figures.time_to_acknowledge == timedelta(minutes=3)
    assert found.figures.time_to_recover == timedelta(minutes=18)
    assert [(one.kind, one.reason) for one in found.actions] == [(ActionKind.RERUN, "fixed")]
    first, last = found.values[0][0], found.values[-1][0]
    assert first < found.incident.opened_at and found.incident.resolved_at
    assert timedelta(minutes=50) <= last - found.incident.resolved_at <= timedelta(hours=1)
    assert max(value for _, value in found.values) == 60


@pytest.mark.parametrize("typed", ["1", "#1", "1.", " 1 ", "#1,"])
def test_a_number_is_read_as_people_write_it(world: World, typed: str) -> None:
    world.open_incident()
    assert show_post_mortem(world.store, world.clock.now(), typed).incident.id == 1


@pytest.mark.parametrize("typed", ["", "2", "-1", "x", "1.5", "²", "9" * 40, "<!channel>", "."])
def test_one_that_nobody_knows_is_refused(world: World, typed: str) -> None:
    world.open_incident()
    with pytest.raises(RefusedError, match="There is no incident"):
        of(world, typed)


def test_one_of_a_shared_thread_names_the_others_and_what_was_done_there(world: World) -> None:
    first = world.open_incident()
    with world.store.transaction() as records:
        other = records.create_incident(replace(first, key="another", thread_id=1))
        records.save_incident(replace(first, thread_id=1))
    world.rerun(ROBIN, "fixed")
    found = show_post_mortem(world.store, world.clock.now(), str(other.id))
    assert found.beside == (1,)
    assert [one.reason for one in found.actions] == ["fixed"]
    assert show_post_mortem(world.store, world.clock.now(), "1").beside == (other.id,)


def test_values_that_were_pruned_leave_the_rest(world: World) -> None:
    world.open_incident()
    resolve_thread(world.ports, 1, "the view is fixed", ROBIN)
    world.look(7, after=60 * 24 * 100)
    with world.store.transaction() as records:
        while records.prune_evaluations(world.clock.now() - timedelta(days=90), 100, keep_hourly=False):
            pass
    found = show_post_mortem(world.store, world.clock.now(), "1")
    assert found.values == ()
    assert found.figures.ended and found.figures.ended.detail.startswith("the view is fixed")


def test_a_clock_that_was_set_back_fails_nothing(world: World) -> None:
    world.open_incident()
    found = show_post_mortem(world.store, world.clock.now() - timedelta(days=1), "1")
    assert found.figures.is_open and found.figures.lasted == timedelta(0)
