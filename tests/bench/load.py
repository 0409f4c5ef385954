"""Many slash commands at once, over Socket Mode: the local Slack in this process, the bot in one of its own."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.demo.slack_server import SlackServer
from bot.demonstration import OPERATOR
from tests.small_bot import small_slack
from tests.waiting import until

Bot = subprocess.Popen[str]
STEADY = 1.0  # real seconds that a line has stood: Bolt's client replaces its first one
QUIET = 1.5  # real seconds without another answer: there is none to come
ROUNDS = 3


def crowd_asks() -> None:
    """Our bot and one as Bolt's guide shows it, asked by 200 and by 1,000 people at once."""
    sys.stdout.write("`/sync-health check` at once, a statement takes 1 s; Slack and the bot are a process each:\n")
    for count in (200, 1000):
        middle = sorted(_ours(count) for _ in range(ROUNDS))[ROUNDS // 2]
        sys.stdout.write(f"  {count} to the bot: {middle[1]} (of {ROUNDS} rounds the one with the median p99)\n")
        with _bot("plain") as (slack, _):
            waited = slack.commands(OPERATOR, ["check"] * count)
        sys.stdout.write(f"  {count} to a listener that works in Bolt's threads: {_acknowledged(waited)}\n")


def _ours(count: int) -> tuple[float, str]:
    """The p99 of one round, and what to say of it."""
    with _bot("ours") as (slack, bot):
        began = time.perf_counter()
        waited = slack.commands(OPERATOR, ["check"] * count)
        took = _last_answer(slack) - began
        assert bot.stdin
        bot.stdin.write("\n")
        bot.stdin.flush()
        facts = _told(bot)
        bot.wait(20)
    answered = f"{sum(map(bool, slack.answers))} answered, the last of {sum(slack.answers)} answers after {took:.1f} s"
    cost = f"{facts['statements']} statement, {facts['megabytes']:.0f} MB more at most"
    return _percentile(waited, 99), f"{_acknowledged(waited)}; {answered}; {cost}"


def _last_answer(slack: SlackServer) -> float:
    """When it came."""
    given, at = -1, 0.0
    while given < 0 or time.perf_counter() - at < QUIET:
        if given < (given := sum(slack.answers)):
            at = time.perf_counter()
        time.sleep(0.05)
    return at


@contextmanager
def _bot(way: str) -> Iterator[tuple[SlackServer, Bot]]:
    """A bot that is connected and has nothing to do."""
    slack = small_slack()
    slack.start()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.asked_bot", way, slack.url, folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bot:
            _told(bot)
            until(lambda: slack.connections == 1)
            time.sleep(STEADY)
            yield slack, bot
            bot.kill()
    slack.stop()


def _told(bot: Bot) -> dict[str, float]:
    assert bot.stdout
    return dict(json.loads(bot.stdout.readline()))


def _acknowledged(waited: Sequence[float]) -> str:
    lost = waited.count(math.inf)
    figures = ", ".join(f"p{of} {_percentile(waited, of):.0f}" for of in (50, 99))
    return f"{len(waited) - lost} acknowledged ({lost} lost), {figures}, max {_percentile(waited, 100):.0f} ms"


def _percentile(waited: Sequence[float], of: int) -> float:
    """Of those that were acknowledged in time, in ms."""
    ordered = sorted(1000 * seconds for seconds in waited if seconds < math.inf)
    return ordered[max(0, math.ceil(len(ordered) * of / 100) - 1)] if ordered else math.nan
