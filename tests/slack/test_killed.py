"""The bot as a process of its own, killed: Slack tells."""

import os
import subprocess
import sys
import time

import pytest

from bot.runtime.demo import Demo
from tests.waiting import until

WORDS = "properties: Sync Health has not reported since"


@pytest.mark.full
def test_slack_tells_of_a_bot_that_was_killed_and_nothing_of_one_that_was_stopped() -> None:
    demo = Demo(speed=60)
    demo.start()
    try:
        with started(demo) as bot:
            until(lambda: demo.slack.scheduled)
            bot.terminate()
            assert bot.wait(60) == 0
        assert demo.slack.scheduled == [], "an orderly stop is nobody's news"

        with started(demo) as bot:
            until(lambda: demo.slack.scheduled)
            bot.kill()
        assert WORDS in demo.slack.scheduled[0]["text"]
        demo.slack._workspace.real = lambda: time.time() + 3600
        assert [WORDS in message["text"] for message in demo.slack.messages()][-1:] == [True]
    finally:
        demo.stop()


def started(demo: Demo) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **demo.environment()}
    return subprocess.Popen([sys.executable, "-m", "bot.cli", "run"], env=environment, stdin=subprocess.PIPE)
