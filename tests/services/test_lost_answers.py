"""A rerun over the wire: what happens to the run when the answer to our order is lost."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.adapters.census.client import CensusClient
from bot.alerts.model import Action, ActionState
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import LocalSync
from bot.services.follow_actions import follow_actions
from bot.services.run_checks import Checker
from tests.contract.test_census import NotedDestination
from tests.services.conftest import ADA, World


class Wired:
    """The services' world with the real client in front of the local Census."""

    def __init__(self, world: World) -> None:
        syncs = [LocalSync(world.sync_a, "A", "create", "never"), LocalSync(world.sync_b, "B", "update", "never")]
        self.server = CensusServer(NotedDestination(), syncs, token="t", now=world.clock.now)
        self.server.start()
        client = CensusClient(self.server.url, token="t", timeout=(60, 60), sleep=lambda _: None)
        self.world, self.ports = world, replace(world.ports, census=client)
        self.checker = Checker(self.ports)

    def lose_order(self, what: int | Literal["drop", "hang"]) -> None:
        """The answer to the next order does not come, though it is carried out; nobody waits long for it."""
        self.server.fail_next("trigger", what, act=True)
        if what == "hang":
            hasty = CensusClient(self.server.url, token="t", timeout=(1, 0.3), sleep=lambda _: None)
            self.ports.census.trigger = hasty.trigger  # type: ignore[method-assign]

    def rerun(self) -> Action:
        self.world.open_incident()
        self.world.ports = self.ports
        return self.world.act(by=ADA)

    def follow(self, **later: float) -> Action:
        self.world.clock.pass_(**later)
        follow_actions(self.ports, self.checker)
        return self.world.action()

    def ordered(self) -> list[dict[str, Any]]:
        """The runs that were ordered through the API, newest first."""
        runs = self.server.runs(self.world.sync_b)
        return [run for run in runs if run["sync_trigger_reason"]["ui_tag"] == "API Request"]


@pytest.fixture
def wired(world: World) -> Iterator[Wired]:
    one = Wired(world)
    yield one
    one.checker.close()
    one.server.stop()


@pytest.mark.full
@pytest.mark.parametrize("what", ["drop", "hang", 504, 200])
def test_a_run_whose_answer_was_lost_is_found_adopted_and_followed_to_its_end(
    wired: Wired, what: int | Literal["drop", "hang"]
) -> None:
    wired.lose_order(what)
    assert wired.rerun().state is ActionState.REQUESTED
    [run] = wired.ordered()
    found = wired.follow(seconds=1)
    assert (found.state, found.run_id) == (ActionState.RUNNING, run["id"])
    wired.follow(minutes=1)
    ended = wired.follow(seconds=1)
    assert (ended.state, ended.run_id, ended.run_status) == (ActionState.FINISHED, run["id"], "completed")
    assert len(wired.ordered()) == 1, "it was ordered once"


def test_an_order_that_never_arrived_is_looked_for_and_its_fate_is_said_to_be_unknown(wired: Wired) -> None:
    wired.server.fail_next("trigger", "drop")
    assert wired.rerun().state is ActionState.REQUESTED
    assert wired.follow(seconds=80).state is ActionState.REQUESTED
    assert "still looking" in wired.follow(seconds=20).verdict
    ended = wired.follow(minutes=14)
    assert ended.state is ActionState.UNKNOWN
    assert "Whether a run started is unknown" in ended.verdict
    assert wired.ordered() == []


def test_a_run_that_somebody_cancels_in_census_ends_the_action(wired: Wired) -> None:
    run_id = wired.rerun().run_id
    assert run_id
    wired.ports.census.cancel(run_id)
    ended = wired.follow(seconds=1)
    assert (ended.state, ended.run_status) == (ActionState.FAILED, "cancelled")
    assert ended.verdict == "The run was canceled."


def test_a_run_in_a_state_that_nobody_knows_is_never_taken_for_over(wired: Wired) -> None:
    wired.rerun()
    wired.server.plant(wired.ordered()[0] | {"status": "Reticulating", "completed_at": "2026-03-02T10:06:00Z"})
    assert wired.follow(hours=1).state is ActionState.RUNNING
    ended = wired.follow(hours=6)
    assert ended.state is ActionState.UNKNOWN
    assert "no end of the run after 6 hours" in ended.verdict


def test_our_run_is_found_behind_pages_of_newer_ones(wired: Wired) -> None:
    wired.server.fail_next("trigger", "drop", act=True)
    wired.rerun()
    [ours] = wired.ordered()
    later = {"status": "skipped", "sync_trigger_reason": {"ui_tag": "Schedule"}}
    for number in range(1, 231):
        wired.server.plant(ours | later | {"id": ours["id"] + number})
    found = wired.follow(seconds=1)
    assert (found.state, found.run_id) == (ActionState.RUNNING, ours["id"])
