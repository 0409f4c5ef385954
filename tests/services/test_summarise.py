"""How the pipeline is, from the last look and without asking anybody."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import pytest

from bot.errors import StateError
from bot.ports import Ports, Records, Store
from bot.services.acknowledge import acknowledge
from bot.services.summarise import SharedSummary, summarise
from checks.model import Outcome
from tests.fakes import CHANNEL, forbidden, refused
from tests.services.conftest import ROBIN, World


def test_before_the_first_look_nothing_is_known(world: World) -> None:
    summary = summarise(world.ports, measuring=True)
    assert (summary.pipeline, summary.evaluation, summary.incidents) == ("properties", None, ())
    assert summary.measuring


def test_it_is_the_last_look_and_asks_nobody(world: World) -> None:
    world.look(7)
    newest = world.look(40, after=5)
    asked = list(world.warehouse.asked)
    summary = summarise(world.ports)
    assert summary.evaluation == newest
    assert summary.evaluation.outcome is Outcome.WARN
    assert world.warehouse.asked == asked
    assert world.channel.calls == []


def test_open_incidents_are_there_until_they_are_over(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    [incident] = summarise(world.ports).incidents
    assert (incident.acked_by, incident.value) == (ROBIN, 60)
    world.look(7, after=5)
    assert len(summarise(world.ports).incidents) == 1, "recovering is not over"
    world.look(7, after=10)
    assert summarise(world.ports).incidents == ()


def test_what_slack_does_not_take_is_said_until_it_does(world: World) -> None:
    world.open_incident()
    assert summarise(world.ports).undelivered == (), "not tried yet is no trouble"
    world.channel.fail_next("post", forbidden("is_archived"))
    world.deliver()
    [waiting] = summarise(world.ports).undelivered
    assert (waiting.channel, waiting.messages, waiting.since) == (CHANNEL, 1, world.clock.real())
    assert "is_archived" in waiting.why
    world.channel.fail_next("post", refused())
    world.clock.pass_real(minutes=2)
    world.deliver()
    assert [one.why for one in summarise(world.ports).undelivered] == ["the connection was refused"]
    world.clock.pass_real(minutes=2)
    world.deliver()
    assert summarise(world.ports).undelivered == ()


@dataclass
class CountedStore:
    """The real one, which notes how often it is read and can be out of order."""

    inner: Store
    read: int = 0
    trouble: StateError | None = None

    def transaction(self) -> AbstractContextManager[Records]:
        return self.inner.transaction()

    def snapshot(self) -> AbstractContextManager[Records]:
        self.read += 1
        if self.trouble:
            raise self.trouble
        return self.inner.snapshot()


def counted(world: World) -> tuple[Ports, CountedStore]:
    store = CountedStore(world.store)
    return replace(world.ports, store=store), store


def test_who_asked_before_a_reading_began_shares_it(world: World) -> None:
    ports, store = counted(world)
    shared = SharedSummary(ports)
    world.clock.pass_(seconds=2)
    [one, other] = [shared.since(0.0), shared.since(1.0, measuring=True)]
    assert store.read == 1
    assert not one.measuring
    assert other == replace(one, measuring=True)


def test_who_asks_later_sees_what_happened_meanwhile(world: World) -> None:
    ports, _ = counted(world)
    shared = SharedSummary(ports)
    world.clock.pass_(seconds=1)
    assert shared.since(0.0).incidents == ()
    world.open_incident()
    assert len(shared.since(world.clock.monotonic()).incidents) == 1


def test_a_state_that_cannot_be_read_is_told_to_those_who_share_it_and_to_nobody_later(world: World) -> None:
    ports, store = counted(world)
    shared = SharedSummary(ports)
    world.clock.pass_(seconds=1)
    store.trouble = StateError("database is locked")
    for asked in (0.0, 0.5):
        with pytest.raises(StateError, match="locked"):
            shared.since(asked)
    assert store.read == 1
    store.trouble = None
    assert shared.since(world.clock.monotonic()).pipeline == "properties"


def test_after_a_reading_that_failed_unforeseen_nobody_is_shown_an_older_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = SharedSummary(world.ports)
    assert shared.since(world.clock.monotonic()).incidents == ()
    world.open_incident()
    asked = world.clock.monotonic()
    with monkeypatch.context() as broken, pytest.raises(ValueError, match="planted"):
        broken.setattr("bot.services.summarise.summarise", lambda _: (_ for _ in ()).throw(ValueError("planted")))
        shared.since(asked)
    assert len(shared.since(asked - 1).incidents) == 1
