"""Slack's line at the moments at which it only just stands."""

import threading
import time
from types import SimpleNamespace

import pytest

from bot.slack.app import build_app
from bot.slack.connection import Connection
from tests.small_bot import TOKEN, small_slack
from tests.waiting import until


def test_a_line_whose_reader_has_not_begun_can_be_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = threading.Thread.start

    def slowly(thread: threading.Thread) -> None:
        if thread.name == "line":
            time.sleep(0.2)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    slack = small_slack()
    slack.start()
    nobody = SimpleNamespace(take=lambda press, work: None)
    connection = Connection(build_app(nobody), TOKEN, f"{slack.url}/api/")  # type: ignore[arg-type]
    try:
        connection.start()
        until(lambda: slack.connections == 1)
        connection.stop()
        until(lambda: slack.connections == 0)
    finally:
        slack.stop()
