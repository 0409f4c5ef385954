"""Answers about many syncs: the worst first, the rest as counts, and Slack takes them all."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.answers.syncs import Queue, SyncErrors, SyncRuns, SyncSchedule
from bot.facts import RunStatus, Schedule, SyncStatus
from bot.messages.blocks import Message
from bot.messages.errors import errors_message
from bot.messages.many import MOST
from bot.messages.queue import queue_message
from bot.messages.summary import summary_message
from bot.messages.syncs import runs_message, schedules_message
from checks.model import Outcome
from tests.unit import payloads as common
from tests.unit import samples
from tests.unit.samples import NOW, ZONE

faults = common.faults  # the fixture
SIZES = (1, 2, 3, 4, 20, 21, 100, 101, 200)
LABEL = "A sync with a name as long as one may be"
FAILED = samples.run(status=RunStatus.FAILED, error="INVALID_SESSION_ID: " + "x" * 150)


def summary(count: int) -> Message:
    syncs = [_status(n) for n in range(count)]
    results = [samples.result(Outcome.CRITICAL, 9.0, check=f"c{n}", summary=f"{LABEL}: {n} wrong") for n in range(500)]
    results += [samples.result(Outcome.OK, 1.0, check=f"d{n}") for n in range(500)]
    evaluation = samples.evaluation(Outcome.CRITICAL, results=tuple(results), syncs=tuple(syncs))
    return summary_message(samples.summary(evaluation, incidents=(samples.incident(),) * count), ZONE)


def _status(n: int) -> SyncStatus:
    """The last one cannot be read, the one before has failed, that before is paused; backlogs grow."""
    paused = Schedule("hourly", paused=n % 50 == 47)
    status = samples.sync_status(name=f"{n}", label=f"{LABEL} {n}", schedule=paused, running=None, latest=None)
    status = replace(status, queue=n, suspicious=0, error="Census answered 503" if n % 50 == 49 else None)
    return replace(status, latest=FAILED) if n % 50 == 48 else status


def queues(count: int) -> Message:
    judged = samples.result(Outcome.CRITICAL, 9.0)
    return queue_message(
        [Queue(f"{LABEL} {n}", "a.b.c", n, judged, (("no e-mail", n),)) for n in range(count)], ZONE, NOW
    )


def runs(count: int) -> Message:
    return runs_message([SyncRuns(f"{LABEL} {n}", ((FAILED, None),) * 10) for n in range(count)], ZONE, NOW)


def schedules(count: int) -> Message:
    every = [Schedule("hourly", paused=n == count - 1, minute=5) for n in range(count)]
    return schedules_message([SyncSchedule(f"{LABEL} {n}", one, NOW) for n, one in enumerate(every)], ZONE, NOW)


def errors(count: int) -> Message:
    return errors_message([SyncErrors(f"{LABEL} {n}", samples.run(), n, 0, 0) for n in range(count)], ZONE, NOW)


ANSWERS: dict[str, Callable[[int], Message]] = {one.__name__: one for one in (summary, queues, runs, schedules, errors)}


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("name", ANSWERS)
def test_slack_takes_it_however_many_syncs_there_are(
    faults: Callable[[dict[str, Any]], list[str]], name: str, count: int
) -> None:
    message = ANSWERS[name](count)
    for native in (True, False):
        payload = message.payload(native=native)
        assert faults(payload) == []
        assert len(payload["blocks"]) <= 50
        hidden = count - MOST
        assert (f"{hidden:,} more sync" in str(payload["blocks"])) is (hidden > 0), "the rest is counted"
        for n in range(count if count <= MOST else 0):
            assert f"{LABEL} {n}" in str(payload["blocks"]), "few are all shown"


def test_of_many_the_worst_come_first_and_the_rest_are_counts() -> None:
    [table] = [block for block in summary(200).payload()["blocks"] if block["type"] == "table"]
    labels = [row[0]["text"].removeprefix(f"{LABEL} ") for row in table["rows"]]
    assert labels[1:14] == ["199", "149", "99", "49", "198", "148", "98", "48", "197", "147", "97", "47", "196"]
    assert labels[-1] == "189"
    said = str(summary(200).payload()["blocks"])
    assert "180 more syncs: 180 on · `/sync-health runs` and a sync's name shows one" in said


def test_a_sync_that_is_paused_is_seen_among_two_hundred() -> None:
    assert f"*{LABEL} 199* · ⏸️ Paused" in schedules(200).payload()["blocks"][0]["text"]["text"]
