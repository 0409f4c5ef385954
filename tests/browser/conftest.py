"""The page under test, in a real browser, before a Slack without a bot."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from bot.demo.slack.server import SlackServer
from tests.small_bot import TOKEN


@pytest.fixture
def slack_server() -> Iterator[Callable[..., SlackServer]]:
    """Starts one at this time, with these people, controls and documents, and stops it after the test."""
    started: list[SlackServer] = []

    def start(now: datetime, **more: Any) -> SlackServer:
        server = SlackServer(now=lambda: now, bot_token=TOKEN, app_token=TOKEN, **more)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def address(slack: SlackServer) -> str:
    """Of the Slack that a test module starts, unless it says another."""
    return slack.url


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """At this address; nothing may go wrong on it."""
    from tests.browsers import opened

    with opened(address) as one:
        yield one
