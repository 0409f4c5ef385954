"""The doctor opens the line to Slack, and swallows no click of a bot that runs."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.slack.self_test import try_line
from bot.demo.slack.server import SlackServer
from bot.errors import SyncHealthError
from bot.model import Outage
from bot.runtime.demo import OPERATOR
from bot.transport.slack_api import web_client
from tests.services.conftest import World, world  # noqa: F401
from tests.slack.conftest import words
from tests.slack.test_load import DeadLine
from tests.small_bot import TOKEN
from tests.waiting import until


class Delivered(DeadLine):
    """A line on which this was delivered; it remembers what was acknowledged."""

    def __init__(self, envelopes: list[dict[str, Any]]) -> None:
        super().__init__(envelopes)
        self.acknowledged: list[str] = []

    def send(self, text: str) -> None:
        self.acknowledged.append(json.loads(text)["envelope_id"])

    def send_close(self) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        pass


def test_a_line_is_opened_and_closed_again(slack: SlackServer) -> None:
    assert try_line(web_client(TOKEN, f"{slack.url}/api/")) == 0
    until(lambda: slack.connections == 0)


def test_a_token_that_opens_no_line_is_refused(slack: SlackServer) -> None:
    with pytest.raises(SyncHealthError, match="invalid_auth"):
        try_line(web_client("another", f"{slack.url}/api/"))


def test_who_clicks_meanwhile_is_told_to_try_again(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = slack._workspace.command(OPERATOR, "help")
    line = Delivered(
        [
            {"envelope_id": "1", "type": "slash_commands", "payload": typed},
            {"type": "hello", "num_connections": 3},
            {"envelope_id": "2", "type": "interactive", "payload": {"type": "view_submission"}},
        ]
    )
    monkeypatch.setattr("bot.adapters.slack.self_test.open_line", lambda client: line)
    assert try_line(web_client(TOKEN, f"{slack.url}/api/")) == 2
    assert line.acknowledged == ["1"], "of what is left Slack says itself that it failed"
    assert "Try again." in words(slack.ephemerals(OPERATOR))


def test_a_line_that_ends_without_a_hello_is_no_line(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.slack.self_test.open_line", lambda client: Delivered([]))
    with pytest.raises(SyncHealthError, match="before Slack said hello"):
        try_line(web_client(TOKEN, f"{slack.url}/api/"))


def test_the_daily_summary_tells_of_outages_of_the_last_day(world: World) -> None:  # noqa: F811
    world.look(7)
    now = world.clock.now()
    with world.store.transaction() as records:
        for hours, minutes in ((30, 9), (2, 15)):
            ended = now - timedelta(hours=hours)
            records.note_outage(Outage(ended - timedelta(minutes=minutes), ended))
        records.enqueue_digest(world.ports.settings.channel)
    world.deliver()
    [digest] = world.channel.roots()
    assert digest.text.count("Not connected to Slack for") == 1
    assert "Not connected to Slack for 15 min" in digest.text
