"""One of several processes leads: by the monotonic clock for itself, by the wall clock for the others."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.errors import StateError
from bot.services.deliver import deliver_next
from bot.services.lead import LENGTH, Lease
from tests.fakes import HandClock
from tests.services.conftest import World
from tests.waiting import until


@pytest.fixture
def mine(world: World) -> Lease:
    return Lease(world.ports, "me")


@pytest.fixture
def yours(world: World) -> Lease:
    return Lease(world.ports, "you")


def test_one_leads_and_another_takes_over_when_that_one_is_gone(world: World, mine: Lease, yours: Lease) -> None:
    assert (mine.held(), yours.held()) == (True, False)
    world.clock.pass_(seconds=LENGTH - 1)
    assert not yours.held()
    world.clock.pass_(seconds=1)
    assert yours.held()
    assert not mine.held()


def test_a_leader_writes_its_row_once_in_half_its_length(world: World, mine: Lease) -> None:
    mine.held()
    first = world.rows("SELECT until FROM leases")
    world.clock.pass_(seconds=LENGTH / 2 - 1)
    assert mine.held() and world.rows("SELECT until FROM leases") == first
    world.clock.pass_(seconds=1)
    assert mine.held() and world.rows("SELECT until FROM leases") != first


def test_a_clock_that_is_set_back_leaves_the_leader_leading_and_its_row_true(
    world: World, mine: Lease, yours: Lease
) -> None:
    mine.held()
    world.clock.set_back(hours=1)
    assert mine.held(), "its own lease is monotonic"
    world.clock.pass_(seconds=LENGTH / 2)
    assert mine.held()
    assert not yours.held(), "the row was written anew, by the clock that holds now"


def test_a_leader_that_died_before_the_clock_was_set_back_keeps_nobody_waiting_for_an_hour(
    world: World, mine: Lease, yours: Lease
) -> None:
    mine.held()
    world.clock.set_back(hours=1)
    assert not yours.held()
    world.clock.pass_(seconds=LENGTH)
    assert yours.held()


@pytest.mark.parametrize("apart", [-3600, -120, -31, 31, 120])
def test_one_of_two_whose_clocks_differ_leads_and_posts_an_alert_once(world: World, apart: float) -> None:
    theirs = HandClock(world.clock.real() + timedelta(seconds=apart))
    with closing(SqlStore(f"sqlite:///{world.path}")) as store:
        bots = [(world.ports, Lease(world.ports, "me"))]
        another = replace(world.ports, clock=theirs, store=store)
        bots.append((another, Lease(another, "you")))
        led = [set[str](), set[str]()]
        world.open_incident()
        for _ in range(40):
            for number, (ports, lease) in enumerate(bots):
                if lease.held():
                    led[number].add("leads")
                    while deliver_next(ports, str(number)):
                        pass
            world.clock.pass_(seconds=7)
            theirs.pass_(seconds=7)
        assert led == [{"leads"}, set()]
        assert len(world.channel.roots()) == 1
        assert not bots[1][1].held()
        theirs.pass_(seconds=LENGTH)
        assert bots[1][1].held(), "the first one died"


def test_a_machine_that_slept_asks_before_it_leads_on(world: World, mine: Lease, yours: Lease) -> None:
    mine.held()
    world.clock.sleep(hours=8)
    assert yours.held()
    assert not mine.held(), "its monotonic clock stood still meanwhile"


def test_who_leads_is_logged_once_a_change(
    world: World, mine: Lease, yours: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.services.lead")
    for _ in range(5):
        assert mine.held() and not yours.held()
        world.clock.pass_(seconds=20)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "this process leads",
        "another process leads",
    ]
    mine.release()
    assert yours.held() and not mine.held()
    assert [record.message for record in caplog.records[2:]] == ["this process leads"], "who gave it up knows"


def test_a_leader_that_gives_up_its_lease_is_followed_at_once(mine: Lease, yours: Lease) -> None:
    mine.held()
    mine.release()
    assert yours.held()


def test_who_never_asked_does_not_lead_and_neither_does_who_was_followed(mine: Lease, yours: Lease) -> None:
    assert (mine.leads, yours.leads) == (False, False)
    mine.held(), yours.held()
    assert (mine.leads, yours.leads) == (True, False)


class Locked:
    """A state that cannot be written; an attempt takes until a test says so."""

    def __init__(self) -> None:
        self.tried, self.end = 0, Event()

    def take_lease(self, *_: object) -> bool:
        self.tried += 1
        assert self.end.wait(60), "a test forgot to let it end"
        raise StateError("another process keeps the database locked")


def test_while_the_renewal_fails_one_tries_and_speaks_for_all_who_ask(world: World) -> None:
    store = Locked()
    lease = Lease(replace(world.ports, store=store), "me")  # type: ignore[arg-type]
    store.end.set()
    with pytest.raises(StateError, match="locked"):
        lease.held()
    store.end.clear()
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(lease.held)
        until(lambda: store.tried == 2)
        for _ in range(3):
            with pytest.raises(StateError, match="locked"):
                lease.held()
        store.end.set()
        with pytest.raises(StateError, match="locked"):
            trial.result(60)
    assert store.tried == 2
