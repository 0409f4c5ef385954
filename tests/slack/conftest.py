"""The whole bot against the local Slack, Census and warehouse, on a clock that runs 600 times as fast."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.demo.estate import FAULTS
from bot.demo.slack.server import SlackServer
from bot.ports import Ports
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR, VISITOR, Demo
from bot.services.summarise import summarise
from tests import oracles
from tests.small_bot import small_slack
from tests.waiting import until

SPEED = 600
NAMES = next(iter(FAULTS))
OFFERED = "'action_id': 'rerun'"


@dataclass
class World:
    """The demo and its bot, and what a person sees of them."""

    demo: Demo
    bot: Bot
    ports: Ports
    operator: str = OPERATOR
    visitor: str = VISITOR

    def root(self) -> dict[str, Any] | None:
        """The newest alert in the channel; it may be three in the morning there, when a digest comes too.

        Suspect records are told before they are written, in a thread of their own, which is not this story.
        """
        others = ("Daily summary", "Weekly review", " pipeline ", "uspect record", "maintenance window")
        alerts = [m for m in self.demo.slack.messages() if not any(words in m["text"] for words in others)]
        return alerts[-1] if alerts else None

    def thread(self) -> list[dict[str, Any]]:
        """Its replies."""
        root = self.root()
        return self.demo.slack.messages(root["ts"])[1:] if root else []

    def break_names(self) -> dict[str, Any]:
        """Switch the missing names on; once it is told, no scheduled run comes between what people do."""
        self.demo.estate.switch(NAMES, True)
        root = until(self.root)
        until(lambda: not self.owed())  # nobody clicks before the bot has heard that it was posted
        self.rest()
        for step in range(3):  # people change properties: there is something to rerun for
            self.demo.estate.work(step)
        return root

    def rest(self) -> None:
        """No run on schedule of the UPDATE sync goes on, nor begins for nearly a day."""
        sync = self.demo.census.syncs[self.update_sync()]
        sync.hour, sync.frequency = (self.demo.clock.now().hour + 23) % 24, "daily"
        until(lambda: all(run["status"] not in ("queued", "working") for run in self.update_runs()))

    def update_sync(self) -> int:
        """The id of the sync that the missing names are about."""
        return next(sync.id for sync in self.ports.settings.syncs if sync.role == "update")

    def update_runs(self) -> list[dict[str, Any]]:
        """Its runs in Census, newest first."""
        return list(self.demo.census.runs(self.update_sync()))

    def rerun(self, user: str) -> None:
        """Click Rerun in the newest alert, once it is offered: a rerun of a source that is wrong is not."""
        root = until(lambda: (found := self.root()) and OFFERED in str(found) and found)
        self.demo.slack.press(user, root["ts"], "rerun")

    def ask(self, text: str, user: str) -> list[dict[str, Any]]:
        """What is answered to /sync-health TEXT, to its end: newer numbers may follow."""
        seen = len(self.demo.slack.ephemerals(user))
        self.demo.slack.command(user, text)
        until(lambda: len(self.demo.slack.ephemerals(user)) > seen and not self.bot._context.in_flight.count())
        return self.demo.slack.ephemerals(user)[seen:]

    def told(self, user: str) -> str:
        """All that only this person sees."""
        return "\n".join(words(message) for message in self.demo.slack.ephemerals(user))

    def audit(self) -> list[tuple[str, str, str]]:
        """Who did what, and what came of it."""
        with self.ports.store.transaction() as records:
            rows = records._db.exec_driver_sql('SELECT "user", what, result FROM audit ORDER BY id')  # type: ignore[attr-defined]
            return [tuple(row) for row in rows]

    def owed(self) -> int:
        """How many messages Slack does not show yet as it should."""
        with self.ports.store.transaction() as records:
            return int(records._db.exec_driver_sql("SELECT COUNT(*) FROM outbox WHERE wanted > sent").scalar())  # type: ignore[attr-defined]


class Pauses(threading.Event):
    """An event on which nobody waits long; it remembers for how long they wanted to."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.wanted.append(timeout or 0.0)
        return super().wait(0.01)


def words(thing: Any) -> str:
    """Every text in a message or view."""
    if isinstance(thing, dict):
        return "\n".join(filter(None, (words(value) for key, value in thing.items() if key not in ("type", "ts"))))
    if isinstance(thing, list):
        return "\n".join(filter(None, map(words, thing)))
    return thing if isinstance(thing, str) else ""


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    one = small_slack()
    one.start()
    yield one
    one.stop()


@contextmanager
def at_work(demo: Demo, ports: Ports, client: WebClient) -> Iterator[World]:
    """The bot, connected and with a first evaluation; with it everything ends."""
    bot = Bot(ports, client)
    bot.start()
    try:
        until(lambda: demo.slack.connections == 1 and summarise(ports).evaluation)
        yield World(demo, bot, ports)
    finally:
        bot.stop()
        disconnect(ports)
        demo.stop()


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A healthy pipeline with the bot connected; `parametrize("world", [60], indirect=True)` for a slower clock."""
    demo = Demo(speed=getattr(request, "param", SPEED))
    demo.start()
    with at_work(demo, *demo.connect()) as one:
        yield one
        if oracles.there():
            oracles.refuse_unknown_calls(demo.slack.calls)
