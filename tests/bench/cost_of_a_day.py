"""What a day of the bot costs the warehouse, beside a plain poll and an alert of Databricks: no time passes really."""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from tests.bench.simulated_day import (
    BEGIN,
    DAILY_RUNS,
    DAY,
    HOURLY,
    STATEMENT,
    Rhythm,
    Simulation,
    Spans,
    awake_after,
    minutes_of,
)

AUTO_STOP = timedelta(minutes=10)
POLL, ALERT = timedelta(minutes=5), timedelta(hours=2)
ASKS = tuple(timedelta(hours=9, minutes=47 * n) for n in range(10))  # in a working day
FAULTS = tuple(timedelta(hours=1 + 5 * n, minutes=12 + 14 * n) for n in range(4))


@dataclass(frozen=True)
class Cost:
    """Of one way to watch a pipeline, on one day."""

    name: str
    statements: int
    woke: int
    awake: float  # minutes because of it, at most
    added: float  # minutes to those that the syncs keep the warehouse awake anyway
    detected: tuple[timedelta, ...]  # after each fault


def cost_of_polling(
    name: str, every: timedelta, runs: Spans, length: timedelta = DAY, faults: Sequence[timedelta] = FAULTS
) -> Cost:
    """A statement so often, whatever happens, that tells of a fault at once."""
    times = [BEGIN + n * every for n in range(1, int(length / every) + 1)]
    detected = (next(at for at in times if at >= BEGIN + fault) - BEGIN - fault for fault in faults if fault < length)
    return Cost(name, len(times), _woken(times, runs), *_awake(times, runs, length), tuple(detected))


def cost_of_the_bot(day: Simulation, detected: Iterable[timedelta] = ()) -> Cost:
    """As `sync-health status` tells it, after the day was run."""
    [used] = [one for one in day.days if one.day == BEGIN.date()]
    _, added = _awake(day.looks, day.runs, day.length)
    return Cost("Sync Health", used.statements, used.woke, used.awake.total_seconds() / 60, added, tuple(detected))


def detections(day: Simulation) -> Iterator[timedelta]:
    """How long after each fault of the day its incident opened."""
    for incident, fault in zip(day.incidents, day.faults, strict=True):
        yield incident.opened_at - BEGIN - fault


def _awake(times: Sequence[datetime], runs: Spans, length: timedelta) -> tuple[float, float]:
    """Minutes because of statements at these times, and how many they add to those of the syncs."""
    ours, end = [(at, at + STATEMENT) for at in times], BEGIN + length
    alone, both = (minutes_of(awake_after(asked, AUTO_STOP), BEGIN, end) for asked in (runs, [*runs, *ours]))
    return minutes_of(awake_after(ours, AUTO_STOP), BEGIN, end), both - alone


def _woken(times: Sequence[datetime], runs: Spans) -> int:
    """How many of them find the warehouse stopped."""
    before = [[*runs, *((at, at + STATEMENT) for at in times[:n])] for n in range(len(times))]
    return sum(
        not any(begin <= at < end for begin, end in awake_after(asked, AUTO_STOP))
        for at, asked in zip(times, before, strict=True)
    )


def costs_of_a_day(rhythm: Rhythm, path: Path) -> Iterator[Cost]:
    """The three ways, beside syncs of this rhythm; ten people ask the bot, and the faults come on another day.

    Beside daily syncs it is one that lasts: the bot sees it after the run.
    """
    day = Simulation(path, rhythm, AUTO_STOP, asks=ASKS)
    faults, lasting = (FAULTS, timedelta(minutes=150)) if rhythm.every < DAY else (FAULTS[:1], DAY)
    broken = Simulation(path.with_suffix(".broken"), rhythm, AUTO_STOP, faults=faults, faults_last=lasting)
    day.run()
    broken.run()
    yield cost_of_the_bot(day, detections(broken))
    yield cost_of_polling("a poll every 5 minutes", POLL, day.runs, faults=faults)
    yield cost_of_polling("an alert every 2 hours", ALERT, day.runs, faults=faults)


def what_a_day_costs() -> None:
    """A line for each way, with the poll's minutes as a ratio."""
    for rhythm in (HOURLY, DAILY_RUNS):
        sys.stdout.write(f"A simulated day, syncs {rhythm.name}, auto-stop 10 min, ten people ask:\n")
        with tempfile.TemporaryDirectory() as folder:
            costs = list(costs_of_a_day(rhythm, Path(folder) / "state.db"))
        poll = costs[1]
        for cost in costs:
            slowest, usual = (_minutes(some) for some in (max(cost.detected), median(cost.detected)))
            sys.stdout.write(
                f"  {cost.name}: {cost.statements} statements, {cost.woke} wakes, awake {cost.awake:.0f} min at most"
                f" ({cost.awake / poll.awake:.2f} × the poll), {cost.added:.0f} min more than the syncs;"
                f" a fault of the data is alerted after {usual:.0f} min, {slowest:.0f} at most\n"
            )


def _minutes(span: timedelta) -> float:
    return span.total_seconds() / 60


if __name__ == "__main__":
    what_a_day_costs()
