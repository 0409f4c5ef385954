"""The bot is killed at every step of an action: its thread ends truthfully, and Census was asked once at most."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.model import Action, ActionKind, ActionState
from bot.model import Kind
from bot.ports import Ports, Records
from bot.services.act_on_sync import act_on_sync, pause_all, pause_all_facts
from bot.services.authorise import Person
from bot.services.follow_actions import follow_actions
from tests.services.conftest import ROBIN, TEAM, World

ME = Person(ROBIN, TEAM, TEAM)
CHANGES = ("trigger", "pause", "resume", "cancel")
MOST_STEPS = 30


class Killed(BaseException):
    """Nothing of the process runs after this."""


class Life:
    """It ends at the nth step: before or after a commit, before or after a call that changes something in Census."""

    def __init__(self, real: Ports, steps: int) -> None:
        self._real, self._left, self.ports = real, steps, replace(real, store=self, census=MortalCensus(self, real))  # type: ignore[arg-type]

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed

    @contextmanager
    def transaction(self) -> Iterator[Records]:
        with self._real.store.transaction() as records:
            yield records
            self.step()
        self.step()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real.store, name)


class MortalCensus:
    """Census as a process asks it that may be killed before it asks, and after it was answered."""

    def __init__(self, life: Life, real: Ports) -> None:
        self._life, self._real = life, real

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real.census, name)
        if name not in CHANGES:
            return found

        def called(*given: Any, **named: Any) -> Any:
            self._life.step()
            answer = found(*given, **named)
            self._life.step()
            return answer

        return called


def confirm(kind: ActionKind, **chosen: bool) -> Callable[[Ports, World], object]:
    def act(ports: Ports, world: World) -> object:
        shown = replace(world.facts(kind), **chosen).consent
        return act_on_sync(ports, shown, ME, "because", **chosen)

    return act


def confirm_all(ports: Ports, world: World) -> object:
    return pause_all(ports, pause_all_facts(world.ports).consent, ME, "because")


ACTIONS: dict[str, Callable[[Ports, World], object]] = {
    "rerun": confirm(ActionKind.RERUN),
    "full sync": confirm(ActionKind.RERUN, full_sync=True),
    "resume and rerun": confirm(ActionKind.RERUN),
    "resume": confirm(ActionKind.RESUME),
    "pause": confirm(ActionKind.PAUSE),
    "cancel": confirm(ActionKind.CANCEL),
    "pause all": confirm_all,
}


def in_world(path: Path, what: str) -> World:
    """The sync stands as the action needs it, and nothing of that was done by the bot."""
    world = World(path)
    world.open_incident()
    if what.startswith("resume"):
        world.census.pause(world.sync_b)
        world.census.changes.clear()
    if what == "cancel":
        world.census.start(world.sync_b)
    return world


def follow_to_the_end(world: World) -> None:
    """A new process follows what is open; a run takes a minute or two, and one that nobody cancels some more."""
    for minute in range(40):
        if not follow_actions(world.ports, world.checker):
            return
        world.clock.pass_(minutes=1)
        for run in world.census.runs(world.sync_b):
            if not run.final and minute >= (3 if world.census.triggers else 20):
                world.census.finish(run.id, records_updated=5, records_failed=0, records_invalid=0)
    raise AssertionError("it stays open for ever")


def is_paused(world: World, sync_id: int) -> bool:
    return world.census.sync(sync_id).schedule.paused


def happened(world: World, what: str) -> bool:
    """Whether Census did what was asked."""
    if what == "pause all":
        return all(is_paused(world, one) for one in (world.sync_a, world.sync_b))
    if what in ("pause", "resume"):
        return is_paused(world, world.sync_b) is (what == "pause")
    return bool(world.census.canceled if what == "cancel" else world.census.triggers)


def asked_once(world: World, what: str) -> bool:
    changed = [sync for sync, _ in world.census.changes]
    each = len(changed) == len(set(changed))  # of each sync once at most
    if what == "full sync" and world.census.full_syncs != world.census.triggers:
        return False
    return each and len(world.census.triggers) <= 1 and len(world.census.canceled) <= 1


def judge_end(world: World, what: str, action: Action) -> None:
    """The state that its thread ends in is what Census shows."""
    done = happened(world, what)
    is_run = action.kind is ActionKind.RERUN
    not_done = ActionState.UNKNOWN if is_run else ActionState.FAILED
    assert action.state is (ActionState.FINISHED if done else not_done), action
    if is_run and not done and what == "resume and rerun":
        shown = "still paused" if is_paused(world, world.sync_b) else "resumed"
        assert action.verdict.endswith(f"The sync is {shown}.")
    world.deliver_patiently()
    roots = world.channel.roots()
    said = [one for root in roots for one in (root, *world.channel.thread(root.ts)) if one.kind is Kind.RUN]
    assert len(said) == 1
    words = (
        re.split("[:{]", action.verdict)[0][:60].removeprefix("The sync ").removesuffix(".")
    )  # the headline may say it
    assert words in said[0].text


@pytest.mark.full
@pytest.mark.parametrize("what", ACTIONS)
def test_an_action_whose_process_is_killed_at_any_step_ends_truthfully(tmp_path: Path, what: str) -> None:
    ends = []
    for step in range(1, MOST_STEPS):
        world = in_world(tmp_path / f"{step}.db", what)
        try:
            ACTIONS[what](Life(world.ports, step).ports, world)
            killed = False
        except Killed:
            killed = True
        follow_to_the_end(world)
        assert asked_once(world, what), (step, world.census.changes, world.census.triggers)
        if rows := world.rows("SELECT id FROM actions"):
            assert len(rows) == 1
            judge_end(world, what, world.action())
            ends.append(world.action().state)
        else:
            assert not happened(world, what), "what is done stands in our row before"
        world.close()
        if not killed:
            break
    assert step > 5, "there were steps to be killed at"
    assert ends[-1] is ActionState.FINISHED


@pytest.mark.full
@pytest.mark.parametrize("what", ACTIONS)
def test_a_follower_that_is_killed_at_any_step_leaves_the_rest_to_the_next_one(tmp_path: Path, what: str) -> None:
    for step in range(1, MOST_STEPS):
        world = in_world(tmp_path / f"{step}.db", what)
        world.census.loses_answers = True
        ACTIONS[what](world.ports, world)
        world.census.loses_answers = False
        life, killed = Life(world.ports, step), False
        try:
            for _ in range(4):
                follow_actions(life.ports, world.checker)
                world.clock.pass_(seconds=20)
        except Killed:
            killed = True
        follow_to_the_end(world)
        assert asked_once(world, what)
        state = world.action().state
        assert (state is ActionState.FINISHED) is happened(world, what), (step, world.action())
        world.close()
        if not killed:
            break
    assert step > 1 or what == "resume and rerun", "which ends when the resumption is not confirmed"
