"""`sync-health test-alert` as a process of its own, before the local Slack."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from bot.alerts.model import TEST_ALERT
from bot.demo.slack.server import Fault
from bot.runtime.demo import Demo
from bot.services.summarise import summarise
from tests.slack.conftest import World, words
from tests.waiting import until

pytestmark = pytest.mark.full

BESIDE_A_BOT = pytest.mark.parametrize("world", [60], indirect=True)
TITLE = "Test alert for the properties pipeline, no action needed"


def begun(demo: Demo, *arguments: str) -> "subprocess.Popen[str]":
    """Somebody types it on the machine of the bot."""
    command = [sys.executable, "-m", "bot.cli", "test-alert", *arguments]
    environment = {**os.environ, **demo.environment()}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=600)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def pass_time(demo: Demo, statement: str) -> None:
    """A minute goes by at once: in the state, on which nothing else works at the moment."""
    with closing(sqlite3.connect(demo.environment()["SYNC_HEALTH_STATE"].removeprefix("sqlite:///"))) as db, db:
        assert db.execute(statement).rowcount == 1


def root(demo: Demo) -> dict[str, Any] | None:
    """The newest test alert in the channel."""
    roots = [m for m in demo.slack.messages() if m.get("thread_ts") in (None, m["ts"])]
    tests = [m for m in roots if "Test alert" in m["text"]]
    return tests[-1] if tests else None


@pytest.fixture
def alone() -> Iterator[Demo]:
    """The channel of a bot that is not running."""
    demo = Demo(speed=60)
    demo.start()
    yield demo
    demo.stop()


@BESIDE_A_BOT
def test_beside_a_bot_it_is_posted_escalated_acknowledged_by_a_click_and_resolved(world: World) -> None:
    slack = world.demo.slack
    process = begun(world.demo, "--json", "--escalate", "--mention", world.visitor, "--wait", "60")
    posted = until(lambda: root(world.demo))
    assert TITLE in words(posted)
    until(lambda: any("Escalated" in m["text"] for m in slack.messages(posted["ts"])[1:]))
    assert summarise(world.ports).incidents == ()
    slack.press(world.operator, posted["ts"], "acknowledge")
    code, out, _ = ended(process)
    report = json.loads(out)
    assert (code, report["ok"], report["acknowledged_by"], report["mentioned"]) == (0, True, "U0ROBIN", "U0SAM")
    assert report["permalink"].endswith(posted["ts"].replace(".", ""))
    over = words(root(world.demo))
    assert "Test alert" in over and "Acknowledged" in over
    assert [m["text"].split()[0] for m in slack.messages(posted["ts"])[1:]] == ["Evidence:", "Escalated", "✅"]


@BESIDE_A_BOT
def test_one_that_is_killed_in_the_middle_is_closed_by_the_bot(world: World) -> None:
    process = begun(world.demo, "--wait", "600")
    until(lambda: (found := root(world.demo)) and len(world.demo.slack.messages(found["ts"])) > 1)
    process.kill()
    process.communicate()
    pass_time(world.demo, f"UPDATE leases SET until = '2026-01-01 00:00:00.000000' WHERE name = '{TEST_ALERT}'")
    until(lambda: "Closed · properties: Test alert" in words(root(world.demo)), seconds=200)
    assert "the command that sent it did not finish" in words(root(world.demo))
    until(lambda: world.owed() == 0)


@BESIDE_A_BOT
def test_of_two_at_once_one_goes_all_the_way_and_the_other_is_refused(world: World) -> None:
    first = begun(world.demo, "--wait", "600")
    posted = until(lambda: root(world.demo))
    code, _, err = ended(begun(world.demo, "--wait", "0"))
    assert (code, "another test alert is in progress" in err) == (2, True)
    world.demo.slack.press(world.operator, posted["ts"], "acknowledge")
    assert ended(first)[0] == 0


def test_a_channel_that_refuses_is_2_with_what_to_do_and_the_next_one_arrives(alone: Demo) -> None:
    alone.slack.fail_next("chat.postMessage", Fault(error="not_in_channel"), times=None)
    code, out, _ = ended(begun(alone, "--timeout", "5"))
    assert code == 2
    assert "#sync-health: Slack refuses: not_in_channel (invite the bot to the channel)" in out
    assert "sync-health doctor" in out
    alone.slack.heal()
    pass_time(alone, "UPDATE channels SET not_before = NULL")
    code, out, err = ended(begun(alone, "--timeout", "90"))
    assert (code, "went all the way" in out) == (0, True), out + err
    assert "no bot is running that could take a click" in out
    assert len(alone.slack.messages()) == 1, "the one that was refused comes no more"
