"""Two hundred syncs cost one statement, and Census is asked for what may have changed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.config.syncs import SyncSettings
from bot.facts import Schedule
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.run_checks import Checker
from bot.services.show_syncs import show_schedules
from bot.sql.queues import QUEUES
from tests.fakes import CountedCensus, FakeChannel, FakeWarehouse, HandClock
from tests.new_state import new_state

COUNT = 200
DUE = 7  # syncs that run at ten past, the others at a quarter to


class TwoHundred(CountedCensus):
    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock, *range(1, COUNT + 1))
        for n in range(1, COUNT + 1):
            self.set_schedule(n, Schedule("hourly", paused=False, minute=10 if n <= DUE else 45))


@pytest.fixture
def ports(tmp_path: Path) -> Any:
    clock = HandClock(datetime(2026, 3, 2, 10, 6, tzinfo=UTC))
    syncs = tuple(SyncSettings(name=f"Sync {n}", id=n, queue=f"lake.crm.queue_{n}") for n in range(1, COUNT + 1))
    checks = tuple(check for check in settings_from({}).checks if check.per == "sync")
    settings = replace(settings_from({}), syncs=syncs, checks=checks, checks_of={}, measure=None, row_counts={})
    row: dict[str, object] = {f"q{n}_backlog": n for n in range(COUNT)}
    warehouse, census = FakeWarehouse(**{QUEUES: [row]}), TwoHundred(clock)
    warehouse.runs_anyway = False
    census.asked.clear()
    return Ports(settings, clock, warehouse, census, FakeChannel(), new_state(tmp_path / "state.db"))


def test_two_hundred_syncs_cost_one_statement_and_their_list(ports: Any) -> None:
    checker = Checker(ports)
    first = checker.run()
    assert len(first.results) > 5 * COUNT
    assert [status.queue for status in first.syncs] == list(range(COUNT))
    assert ports.warehouse.asked == [QUEUES]
    assert ports.census.asked == {"list": 1, "runs": COUNT}
    ports.census.asked.clear()
    ports.clock.pass_(minutes=5)
    second = checker.run(thrifty=True)
    checker.close()
    assert len(ports.warehouse.asked) == 1
    assert second.statements == 0
    assert ports.census.asked == {"list": 1, "runs": DUE}, "those that were due since"


def test_schedules_of_many_are_read_from_their_list(ports: Any) -> None:
    assert [one.schedule.minute for one in show_schedules(ports) if one.schedule] == [10] * DUE + [45] * (COUNT - DUE)
    assert ports.census.asked == {"list": 1}
