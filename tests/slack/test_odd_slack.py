"""An action about no incident, while Slack refuses, loses or forgets its message: one outcome, one call, no block."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.slack.messenger import SlackMessenger
from bot.adapters.store.sql_store import SqlStore
from bot.alerts.model import ActionKind, ActionState
from bot.config.settings import Settings
from bot.demo.slack.server import DROP_AFTER, DROP_BEFORE, Fault, Person, SlackServer
from bot.model import Kind
from bot.ports import Ports
from bot.services.act_on_sync import pause_all, pause_all_facts
from bot.services.authorise import Person as By
from bot.services.deliver import deliver_next
from bot.services.follow_actions import follow_actions
from bot.services.summarise import summarise
from bot.transport.slack_api import web_client
from tests.fakes import CHANNEL, CHANNEL_ID, FakeChannel
from tests.services.conftest import ROBIN, TEAM, World
from tests.slack.conftest import words
from tests.small_bot import TOKEN

PAUSE, RESUME, RERUN, CANCEL = ActionKind.PAUSE, ActionKind.RESUME, ActionKind.RERUN, ActionKind.CANCEL
ENDS = {
    PAUSE: "Sync B is paused",
    RESUME: "Sync B is resumed",
    RERUN: "rerun completed",
    CANCEL: "run canceled",
    ActionKind.PAUSE_ALL: "All syncs are paused",
}


class Odd(World):
    """The services with the real messenger before a local Slack whose time is the test's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        tokens = {"bot_token": TOKEN, "app_token": TOKEN}
        clock, people = self.clock, [Person(ROBIN, "robin")]
        self.slack = SlackServer(now=clock.real, real=lambda: clock.real().timestamp(), people=people, **tokens)
        self.slack.start()
        self.use(replace(self.ports.settings, channel="sync-health", fallback_channel=None))

    def use(self, settings: Settings) -> None:
        """The bot, started with these."""
        messenger = SlackMessenger(web_client(TOKEN, f"{self.slack.url}/api/"), settings)
        self.ports = replace(self.ports, settings=settings, messenger=messenger)

    def close(self) -> None:
        self.slack.stop()
        super().close()

    def begin(self, kind: ActionKind) -> None:
        """Somebody confirms it, and no alert is open about its sync."""
        if kind is RESUME:
            self.census.pause(self.sync_b)
            self.census.changes.clear()
        if kind is CANCEL:
            self.census.start(self.sync_b)
        if kind is ActionKind.PAUSE_ALL:
            pause_all(self.ports, pause_all_facts(self.ports).consent, By(ROBIN, TEAM, TEAM), "an emergency")
        else:
            self.act(kind, incident=False)

    def end(self) -> None:
        """Census has done it, and the bot has seen that."""
        for run in self.census.runs(self.sync_b):
            if not run.final:
                self.census.finish(run.id)
        for _ in range(3):
            follow_actions(self.ports, self.checker)
        assert self.action().state is ActionState.FINISHED, self.action()

    def settle(self, minutes: int = 40) -> None:
        """What is tried again is, until nothing waits."""
        for _ in range(minutes * 2):
            self.deliver()
            self.clock.pass_real(seconds=30)

    def shown(self) -> list[str]:
        """What stands in the channel about the action, oldest first; words are doubled, once in blocks."""
        roots = [words(one) for one in self.slack.messages()]
        return [said for said in roots if "Sync B" in said or "syncs" in said]

    def asked(self) -> list[object]:
        """All that Census was asked to do."""
        return [*self.census.triggers, *self.census.changes, *self.census.canceled]

    def edits(self) -> int:
        return sum(method == "chat.update" for method, _ in self.slack.calls)

    def states(self) -> list[str]:
        """The audit of the action."""
        return [state for (state,) in self.rows("SELECT state FROM audit ORDER BY id")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Odd]:
    one = Odd(tmp_path / "state.db")
    yield one
    one.close()


@pytest.mark.parametrize("kind", ENDS)
def test_an_action_about_no_incident_is_one_message_in_the_channel_that_says_how_it_ended(
    world: Odd, kind: ActionKind
) -> None:
    world.begin(kind)
    world.deliver()
    assert len(world.shown()) == 1
    calls = len(world.asked())
    world.end()
    world.deliver()
    [said] = world.shown()
    assert ENDS[kind] in said
    assert len(world.asked()) == calls == (2 if kind is ActionKind.PAUSE_ALL else 1)
    assert world.states() == ["requested", "succeeded"]
    assert world.edits() == 1


# What Slack does to the edit that tells the outcome, and how many messages that makes.
ODD_EDITS = {
    "edit_window_closed": ([Fault(error="edit_window_closed")] * 9, 2),
    "cant_update_message": ([Fault(error="cant_update_message")] * 9, 2),
    "message_not_found": ([], 1),
    "is_inactive": ([Fault(error="is_inactive")] * 9, 2),
    "msg_too_long": ([Fault(error="msg_too_long")], 1),
    "invalid_blocks": ([Fault(error="invalid_blocks")], 1),
    "invalid_blocks, even as text": ([Fault(error="invalid_blocks")] * 2, 2),
    "is_archived, then not": ([Fault(error="is_archived")] * 3, 1),
    "channel_not_found, then found": ([Fault(error="channel_not_found")] * 3, 1),
    "not_in_channel, then invited": ([Fault(error="not_in_channel")] * 3, 1),
    "an error that nobody knows": ([Fault(error="out_of_cheese")], 1),
    "429": ([Fault(status=429, retry_after=30)] * 2, 1),
    "429, in a day": ([Fault(status=429, retry_after=86400)], 1),
    "500": ([Fault(status=500)] * 3, 1),
    "HTML": ([Fault(status=200)] * 2, 1),
    "internal_error": ([Fault(error="internal_error")] * 2, 1),
    "reset before": ([DROP_BEFORE], 1),
    "reset after": ([DROP_AFTER], 1),
    "token_revoked, then mended": ([Fault(error="token_revoked")] * 2, 1),
}


@pytest.mark.parametrize("kind", [PAUSE, RERUN])
@pytest.mark.parametrize("odd", ODD_EDITS)
def test_the_outcome_is_told_once_whatever_happens_to_its_edit(world: Odd, odd: str, kind: ActionKind) -> None:
    faults, messages = ODD_EDITS[odd]
    world.begin(kind)
    world.deliver()
    world.end()
    if odd == "message_not_found":
        world.slack._workspace.call("chat.delete", {"channel": "sync-health", "ts": world.slack.messages()[-1]["ts"]})
    for fault in faults:
        world.slack.fail_next("chat.update", fault)
    world.deliver()
    world.settle()
    said = world.shown()
    assert len(said) == messages
    assert any(word in said[-1] for word in (ENDS[kind], "completed")), "the newest one tells it"
    assert world.claimed() == []
    assert len(world.asked()) == 1
    assert world.states() == ["requested", "succeeded"]


@pytest.mark.parametrize("error", ["edit_window_closed", "message_not_found", "msg_too_long", "invalid_blocks"])
def test_what_is_wrong_with_the_message_of_an_action_holds_up_no_alert(world: Odd, error: str) -> None:
    world.begin(PAUSE)
    world.deliver()
    world.end()
    world.slack.fail_next("chat.update", Fault(error=error), times=None)
    world.open_incident()
    world.deliver()
    assert any("60 properties have no company name" in words(one) for one in world.slack.messages())
    world.settle(60)
    assert len(world.shown()) <= 1 + 60 / 15, "a new one every quarter of an hour at most"


ODD_POSTS = {
    "invalid_blocks": [Fault(error="invalid_blocks")],
    "msg_too_long": [Fault(error="msg_too_long")],
    "channel_not_found, then found": [Fault(error="channel_not_found")] * 3,
    "is_archived, then not": [Fault(error="is_archived")] * 2,
    "429": [Fault(status=429, retry_after=30)] * 2,
    "500, done": [Fault(status=500, done=True)],
    "HTML, done": [Fault(status=200, done=True)],
    "reset before": [DROP_BEFORE] * 2,
    "reset after": [DROP_AFTER],
}


@pytest.mark.parametrize("early", [True, False], ids=["while it goes on", "once it is over"])
@pytest.mark.parametrize("odd", ODD_POSTS)
def test_an_action_is_announced_once_whatever_happens_to_its_post(world: Odd, odd: str, early: bool) -> None:
    world.begin(PAUSE)
    for fault in ODD_POSTS[odd]:
        world.slack.fail_next("chat.postMessage", fault)
    if early:
        world.deliver()
    world.end()
    world.settle()
    [said] = world.shown()
    assert ENDS[PAUSE] in said or "Sync B: pause completed" in said
    assert world.claimed() == []
    assert world.states() == ["requested", "succeeded"]


def test_a_channel_that_stays_closed_is_named_with_why_and_the_action_ends_all_the_same(world: Odd) -> None:
    world.slack.fail_next("chat.postMessage", Fault(error="is_archived"), times=None)
    world.begin(PAUSE)
    world.deliver()
    world.end()
    world.settle(10)
    [stuck] = summarise(world.ports).undelivered
    assert "is_archived" in stuck.why and stuck.channel == "sync-health"
    assert world.states() == ["requested", "succeeded"]


def moved(world: World, channel: str) -> FakeChannel:
    """The bot restarts with another channel in pipeline.yml."""
    world.channel.channels[channel] = "C0OTHER"
    world.ports = replace(world.ports, settings=replace(world.ports.settings, channel=channel))
    return world.channel


@pytest.mark.parametrize("closed", ["", "is_archived", "channel_not_found"])
def test_an_action_that_outlives_its_channel_in_the_configuration_is_told_where_people_can_see_it(
    tmp_path: Path, closed: str
) -> None:
    """Its message stays where it was posted, so that nothing says "requested" for ever, unless it is closed there."""
    world = World(tmp_path / "state.db")
    world.act(PAUSE, incident=False)
    world.deliver()
    channel = moved(world, "another")
    if closed:
        channel.closed[CHANNEL_ID] = closed
    for _ in range(2):
        follow_actions(world.ports, world.checker)
    world.deliver_patiently()
    assert [one.channel for one in channel.roots()] == [CHANNEL_ID, *(["C0OTHER"] if closed else [])]
    assert ENDS[PAUSE] in channel.roots()[-1].text
    assert world.claimed() == []
    world.close()


def test_a_message_of_an_action_in_a_channel_that_is_closed_now_pauses_no_other_channel(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db")
    world.act(PAUSE, incident=False)
    world.deliver()
    moved(world, "another").closed[CHANNEL_ID] = "is_archived"
    for _ in range(2):
        follow_actions(world.ports, world.checker)
    world.deliver()
    world.open_incident()
    world.deliver()
    assert [one.channel for one in world.channel.roots() if one.kind is Kind.ROOT] == ["C0OTHER"]
    world.close()


def test_an_action_that_was_not_announced_yet_is_announced_in_the_channel_that_is_named_now(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db")
    world.act(PAUSE, incident=False)
    channel = moved(world, "another")
    world.deliver_patiently()
    assert [one.channel for one in channel.roots()] == ["C0OTHER"]
    assert CHANNEL != "another"
    world.close()


@pytest.mark.parametrize("kind", [PAUSE, RERUN])
def test_two_replicas_that_follow_one_action_make_one_message_and_edit_it_once_for_each_step(
    world: Odd, kind: ActionKind
) -> None:
    other = SqlStore(f"sqlite:///{world.path}")
    replicas: list[Ports] = [world.ports, replace(world.ports, store=other)]
    world.begin(kind)
    for run in world.census.runs(world.sync_b):
        world.census.finish(run.id)

    def live(number: int) -> None:
        ports = replicas[number % 2]
        for _ in range(4):
            while deliver_next(ports, f"replica {number}"):
                pass
            follow_actions(ports, world.checker)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(4)))
    world.settle(2)
    other.close()
    [said] = world.shown()
    assert ENDS[kind] in said
    assert len(world.asked()) == 1
    assert world.states() == ["requested", "succeeded"]
    edits: list[Any] = [arguments["text"] for method, arguments in world.slack.calls if method == "chat.update"]
    assert len(edits) == len(set(edits)), "no edit is made twice"
