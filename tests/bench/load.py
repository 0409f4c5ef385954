"""Many slash commands at once, over Socket Mode: the local Slack in this process, the bot in one of its own."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.demo.slack.server import SlackServer
from bot.runtime.demo import OPERATOR
from tests.small_bot import CROWD, small_slack
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
            waited = slack.commands(CROWD, ["check"] * count)
        sys.stdout.write(f"  {count} to a listener that works in Bolt's threads: {_acknowledged(waited)}\n")


def who_waits() -> None:
    """What needs our state alone, behind questions to a warehouse and a Census that are slow."""
    sys.stdout.write("Behind 32 questions, until they are answered:\n")
    for question, seconds in (("queue", (10, 0)), ("schedules", (0, 2))):
        with _bot("ours", *seconds) as (slack, _):
            slack.commands(CROWD, [question] * 32)
            times = [_answered(slack, text) for text in ("help", "ack 1")]
            sys.stdout.write(
                f"  {question}: help {times[0]:.2f} s, ack {times[1]:.2f} s, Rerun dialog {_dialog(slack)}\n"
            )
    with _bot("ours", 1, 0) as (slack, bot):
        began = time.perf_counter()
        slack.commands(CROWD, ["queue"] * 200)
        took = _last_answer(slack) - began
        sys.stdout.write(
            f"200 queue at once, a statement takes 1 s: {_asked(bot)['statements']:.0f} statements, {took:.1f} s\n"
        )
    with _bot("ours", 0, 0.1) as (slack, bot):
        slack.commands(CROWD, ["runs"] * 90)
        _last_answer(slack)
        sys.stdout.write(f"90 people asking runs: {_asked(bot)['calls']:.0f} calls to Census\n")
    with _bot("ours", 1, 0) as (slack, _):
        root = str(until(slack.messages)[0]["ts"])
        for _interaction in range(200):
            slack.press(OPERATOR, root, "rerun")
        time.sleep(QUIET)
        failed = sum("This button failed" in str(message) for message in slack.ephemerals(OPERATOR))
        sys.stdout.write(f"200 Rerun presses: {failed} expired\n")


def _asked(bot: Bot) -> dict[str, float]:
    """What it cost; the bot ends."""
    assert bot.stdin
    bot.stdin.write("\n")
    bot.stdin.flush()
    return _told(bot)


def _answered(slack: SlackServer, text: str) -> float:
    """Seconds until the operator has one more answer."""
    before, began = len(slack.ephemerals(OPERATOR)), time.perf_counter()
    slack.command(OPERATOR, text)
    until(lambda: len(slack.ephemerals(OPERATOR)) > before, 60)
    return time.perf_counter() - began


def _dialog(slack: SlackServer) -> str:
    """Seconds until it is open."""
    root, began = str(until(slack.messages)[0]["ts"]), time.perf_counter()
    slack.press(OPERATOR, root, "rerun")
    until(lambda: slack.modal(OPERATOR), 60)
    return f"{time.perf_counter() - began:.2f} s"


def _ours(count: int) -> tuple[float, str]:
    """The p99 of one round, and what to say of it."""
    with _bot("ours") as (slack, bot):
        began = time.perf_counter()
        waited = slack.commands(CROWD, ["check"] * count)
        took = _last_answer(slack) - began
        facts = _asked(bot)
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
def _bot(way: str, *seconds: float) -> Iterator[tuple[SlackServer, Bot]]:
    """A bot that is connected and has nothing to do; `seconds` that the warehouse and Census take."""
    slack = small_slack()
    slack.start()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.asked_bot", way, slack.url, folder, *map(str, seconds)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as bot:
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
