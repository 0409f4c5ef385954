"""Twenty syncs and no warehouse at all: what cannot be known is not mentioned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.twenty import COUNT, NAMES, Twenty
from tests.pipelines.world import in_own_words
from tests.waiting import until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Twenty]:
    world = Twenty(tmp_path)
    world.start()
    yield world
    world.stop()


def test_check_and_doctor_need_no_warehouse_and_what_does_says_so(world: Twenty) -> None:
    answer = world.check()
    assert answer["outcome"] == "ok" and answer["statements"] == 0 and len(answer["syncs"]) == COUNT
    text = world.cli("check", "--dry-run", "--verbose")[1]
    assert "pending" not in text and "last run (Europe/Madrid)" in text
    code, out, _ = world.cli("doctor")
    assert code == 0 and "✗" not in out
    for command in (["snapshot"], ["snapshot", "--dry-run"], ["deploy", "--yes"], ["check", "--replay", "3d"]):
        code, out, err = world.cli(*command)
        assert (code, out) == (2, ""), command
        assert "SYNC_HEALTH_WAREHOUSE is none; databricks or duckdb:FOLDER names a warehouse" in err
    in_own_words(text)


def test_twenty_syncs_are_shown_and_one_that_fails_is_alerted(world: Twenty) -> None:
    with world.started():
        world.evaluate()
        assert world.slack.messages() == []
        summary = world.ask("")
        assert all(name in summary for name in NAMES)
        for word in ("arehouse", "acklog", "ending", "unknown", "snapshot"):
            assert word not in summary, word
        queue = world.ask("queue")
        assert "`queue` under a sync in pipeline.yml would name" in queue
        assert "SYNC_HEALTH_WAREHOUSE is `none`" in queue and "as of" not in queue and len(queue) < 500
        assert "SYNC_HEALTH_WAREHOUSE is none" in world.ask("snapshot")
        for typed in ("tiles", "tiles 3"):
            assert "There are no tiles: SYNC_HEALTH_WAREHOUSE is none" in world.ask(typed)
        listed = world.ask("trend")
        assert "failed_runs" in listed and "backlog" not in listed and "audit log" not in listed
        trend = world.ask("trend failed_runs Feed 07")
        assert "Failed runs, Feed 07, last 30 days" in trend and "Latest 0" in trend and "arehouse" not in trend
        for asked in ("runs", "schedules", "errors"):
            answer = world.ask(asked)
            assert all(name in answer for name in NAMES), asked

        world.census.syncs[207].trouble = "fails"
        world.census.trigger(207)
        world.clock.jump(seconds=30)
        until(lambda: world.census.runs(207)[0]["status"] == "failed")
        world.evaluate()
        thread = world.thread("Feed 07's last run failed: INVALID_SESSION_ID")
        assert "its login was refused" in thread and "the view that the sync reads" not in thread
        assert len(world.slack.messages()) == 1
        in_own_words(world.said())
