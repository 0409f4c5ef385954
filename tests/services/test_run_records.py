"""Records of a run by identifier: those of a trace and those of a backlog are told by the same rule."""

import pytest

from bot.adapters.census.documents import read_rejection
from bot.alerts.rejections import IDENTIFIER, comparable
from bot.alerts.trace import Hop
from bot.services.carrier import TOO_LONG, carrier_of
from bot.services.read_trace import hops_of
from tests.services.conftest import World

LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"


def pending(world: World, key: str) -> Hop:
    """The backlog of Sync B as a trace returns it."""
    row = {"record": "1", "hop": 1, "place": "Backlog", "found": True, "sync": "Sync B", "key": key}
    [hop] = hops_of([row], world.ports.settings)
    return hop


def rejected(world: World, key: str) -> None:
    """The last run could not write the record of this key."""
    run = world.census.start(world.sync_b)
    world.census.finish(run.id, records_updated=0, records_failed=1, records_invalid=0)
    world.census.details[run.id] = [
        read_rejection({"id": 1, "identifier": key, "status": "rejected", "status_message": LOCKED})
    ]


@pytest.mark.parametrize("length", [1, IDENTIFIER])
def test_a_key_that_census_shows_whole_is_found_among_the_rejected(world: World, length: int) -> None:
    rejected(world, "k" * length)
    hop = pending(world, "k" * length)
    found = carrier_of(world.ports, world.census, hop, hop)
    assert found.cause and found.remarks == ()
    assert comparable(["k" * length])


@pytest.mark.parametrize("length", [IDENTIFIER + 1, 150, 200, 300])
def test_a_key_that_is_cut_is_compared_with_nothing_and_that_is_said(world: World, length: int) -> None:
    rejected(world, "k" * length)
    hop = pending(world, "k" * length)
    found = carrier_of(world.ports, world.census, hop, hop)
    assert (found.cause, found.remarks) == (None, (TOO_LONG,))
    assert comparable([hop.key]) == []
