"""Snapshots: by hand, by local date, once each, and never changed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.answers.history import Snapshot
from bot.errors import PermanentError, RefusedError, TemporaryError, UncertainError
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.take_snapshot import SCHEDULED_BY, daily_id, dry_run_snapshot, local_day, take_snapshot
from checks.forms import parse_limit
from tests.fakes import BrittleStore, FakeCensus, FakeChannel, HandClock
from tests.new_state import new_state
from tests.services.conftest import settings_for_tests
from tests.small_pipeline import SALESFORCE, SmallPipeline, local

ROBIN = "U0ROBIN"
PENDING = ("Sync A/backlog", "Sync B/backlog", "null_company_names")
NUMBERS = ("coverage_percentage", "data_quality_percentage", "enriched_rows", "salesforce_rows", "gap", *PENDING)


class LossyWarehouse:
    """Writes, and loses the answer."""

    def __init__(self, small: SmallPipeline) -> None:
        self._warehouse = small.warehouse
        self.loses = True

    def do(self, statement: str, **parameters: object) -> None:
        self._warehouse.do(statement, **parameters)
        if self.loses:
            raise UncertainError("the warehouse was silent for too long")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


@dataclass
class World:
    small: SmallPipeline
    clock: HandClock
    ports: Ports

    def take(self, **how: Any) -> Snapshot:
        return take_snapshot(self.ports, ROBIN, **how)

    def log(self) -> list[tuple[object, ...]]:
        return self.small.run("SELECT audit_id, executed_by FROM crm.sfdc_dbx.sync_audit_log ORDER BY 1")

    def whole_log(self) -> list[tuple[object, ...]]:
        return self.small.run("SELECT * FROM crm.sfdc_dbx.sync_audit_log ORDER BY 1")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    small, clock = SmallPipeline(), HandClock(local("2026-01-20 23:59"))
    small.properties(200)
    small.salesforce(192)
    store = new_state(tmp_path / "state.db")
    ports = Ports(settings_for_tests(), clock, small.warehouse, FakeCensus(clock), FakeChannel(), store)
    yield World(small, clock, ports)
    store.close()
    small.warehouse.close()


def test_a_snapshot_by_hand_tells_the_numbers(world: World) -> None:
    taken = world.take()
    assert (taken.id, taken.by, taken.existed) == ("manual_snapshot_20260121T075900Z", ROBIN, False)
    assert taken.taken_at == world.clock.now()
    assert (taken.numbers["coverage_percentage"], taken.numbers["gap"]) == (96.0, 8)
    assert (taken.numbers["enriched_rows"], taken.numbers["salesforce_rows"]) == (200, 192)
    assert [taken.numbers[name] for name in PENDING] == [8, 0, 0]
    assert (taken.previous_id, taken.previous, taken.change("Sync A/backlog")) == (None, {}, None)


def test_the_next_one_tells_what_changed(world: World) -> None:
    first = world.take()
    world.clock.pass_(minutes=6)
    world.small.salesforce(198, first=193, company=None)
    second = world.take()
    assert second.previous_id == first.id
    changes = [second.change(name) for name in ("coverage_percentage", "salesforce_rows", "gap")]
    assert changes == [3.0, 6, -6]
    assert [second.change(name) for name in PENDING] == [-6, 6, 6]


def test_a_second_press_within_five_minutes_is_the_first_snapshot(world: World) -> None:
    first = world.take()
    for minutes in (0, 3, 1.9):
        world.clock.pass_(minutes=minutes)
        again = take_snapshot(world.ports, "U0ADA")
        assert again == replace(first, existed=True)
    world.clock.pass_(minutes=0.2)
    assert world.take().existed is False
    assert len(world.log()) == 2


def test_presses_at_the_same_moment_make_one_snapshot(world: World) -> None:
    def press(_: int) -> str:
        try:
            return world.take().id
        except RefusedError as refusal:
            assert "at this very moment" in str(refusal)
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(press, range(8)))
    assert ids - {"refused"} == {"manual_snapshot_20260121T075900Z"}
    assert len(world.log()) == 1
    assert world.take().existed, "nobody holds the lease any more"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-20 23:59", "daily_snapshot_20260120"),  # already the 21st in UTC
        ("2026-01-21 00:00", "daily_snapshot_20260121"),
        ("2026-03-08 23:59", "daily_snapshot_20260308"),
        ("2026-11-01 23:59", "daily_snapshot_20261101"),
        ("2026-12-31 23:59", "daily_snapshot_20261231"),
    ],
)
def test_the_daily_one_is_called_after_the_local_date(at: str, expected: str, world: World) -> None:
    assert daily_id(local_day(world.ports, local(at))) == expected


def test_the_daily_one_is_taken_once_whoever_asks_and_how_often(world: World) -> None:
    day = local_day(world.ports)
    first = take_snapshot(world.ports, SCHEDULED_BY, day=day)
    before = world.whole_log()
    world.clock.pass_(hours=2)
    world.small.run(f"DELETE FROM {SALESFORCE} WHERE id <> 's1'")
    assert world.take(day=day) == replace(first, existed=True)
    assert world.whole_log() == before
    assert world.log() == [("daily_snapshot_20260120", SCHEDULED_BY)]


def test_a_missed_day_is_taken_late_with_its_true_time(world: World) -> None:
    taken = world.take(day=date(2026, 1, 18))
    assert (taken.id, taken.taken_at) == ("daily_snapshot_20260118", world.clock.now())


def test_a_lost_answer_leaves_one_row_and_asking_again_finds_it(world: World) -> None:
    warehouse = LossyWarehouse(world.small)
    ports = replace(world.ports, warehouse=warehouse)  # type: ignore[arg-type]
    for how in ({"day": date(2026, 1, 20)}, {}):
        with pytest.raises(UncertainError):
            take_snapshot(ports, ROBIN, **how)
    warehouse.loses = False
    for how in ({"day": date(2026, 1, 20)}, {}):
        assert take_snapshot(ports, ROBIN, **how).existed
    assert len(world.log()) == 2


def test_nothing_to_measure_is_no_number_and_a_row_all_the_same(world: World) -> None:
    world.small.run(f"DELETE FROM {SALESFORCE}")
    numbers = world.take().numbers
    assert numbers == dict.fromkeys(NUMBERS) | {"salesforce_rows": 0}


def test_a_dry_run_shows_the_same_numbers_and_writes_nothing(world: World) -> None:
    world.take()
    before = world.whole_log()
    world.clock.pass_(minutes=6)
    world.small.salesforce(210, first=193)
    dry_run = dry_run_snapshot(world.ports, ROBIN)
    assert dry_run.dry_run
    assert world.whole_log() == before
    taken = world.take()
    assert (dry_run.numbers, dry_run.previous) == (taken.numbers, taken.previous)
    assert (dry_run.id, dry_run.previous_id) == (taken.id, taken.previous_id)
    assert dry_run.numbers["gap"] == -10


def test_who_took_which_is_audited(world: World) -> None:
    written = []

    class Listening(BrittleStore):
        def strain(self, method: str) -> None:
            written.append(method)

    ports = replace(world.ports, store=Listening(world.ports.store, "none"))  # type: ignore[arg-type]
    take_snapshot(ports, ROBIN)
    assert written == ["audit", "audit"], "before the warehouse is asked to write, and afterwards"


def test_a_state_that_cannot_say_who_asks_takes_none(world: World) -> None:
    ports = replace(world.ports, store=BrittleStore(world.ports.store, "audit"))  # type: ignore[arg-type]
    with pytest.raises(TemporaryError):
        take_snapshot(ports, ROBIN)
    assert world.log() == []


def test_a_state_that_breaks_afterwards_is_told_and_asking_again_finds_the_row(world: World) -> None:
    ports = replace(world.ports, store=BrittleStore(world.ports.store, "audit", 2))  # type: ignore[arg-type]
    with pytest.raises(TemporaryError):
        take_snapshot(ports, ROBIN)
    assert world.take().existed


def test_a_missing_log_is_named_with_what_helps(world: World) -> None:
    world.small.run("DROP TABLE crm.sfdc_dbx.sync_audit_log")
    with pytest.raises(PermanentError, match=r"sync_audit_log.*sync-health deploy"):
        world.take()
    with pytest.raises(PermanentError, match="sync-health deploy"):
        world.take(day=date(2026, 1, 20))


def test_rows_of_other_kinds_are_not_taken_for_snapshots(world: World) -> None:
    world.small.run(
        "INSERT INTO crm.sfdc_dbx.sync_audit_log SELECT 'setup_1', 'Setup', 'SETUP',"
        f" TIMESTAMPTZ '{datetime(2026, 1, 1, tzinfo=UTC)}', 0, 0, 0, 0, 'x', 'Rolled out', NULL, NULL"
    )
    taken = world.take()
    assert (taken.previous_id, taken.previous) == (None, {})


@pytest.mark.parametrize(
    ("author", "written", "said"),
    [
        ("etl_job", "2026-01-20 23:58", "a row of etl_job, written 1 min ago"),
        ("etl_job", "2026-01-19 23:59", "a row of etl_job, written 1 d ago"),
        (SCHEDULED_BY, "2026-01-19 23:59", "a row of sync-health, written 1 d ago"),
        (SCHEDULED_BY, "2026-01-20 23:58", None),
        (SCHEDULED_BY, "2026-01-21 00:10", None),
    ],
)
def test_the_row_of_another_writer_under_our_id_is_named(
    author: str, written: str, said: str | None, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    day = local_day(world.ports)
    world.small.snapshot(daily_id(day), local(written), executed_by=author)
    if local(written) > world.clock.now():
        world.clock.pass_(minutes=30)
    before = world.whole_log()
    taken = take_snapshot(world.ports, SCHEDULED_BY, day=day)
    assert (taken.existed, world.whole_log()) == (True, before)
    assert (said or "") in (taken.foreign or "")
    assert bool(said) == bool(taken.foreign) == (author in caplog.text and "taken by a row" in caplog.text)


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ({}, "🟢 GOOD"),
        ({"critical": "<= 96"}, "🔴 CRITICAL"),
        ({"warn": "< 96.5"}, "🟡 WARNING"),
        ({"warn": "<= 95.9"}, "🟢 GOOD"),
    ],
)
def test_the_status_is_judged_by_the_thresholds_as_they_are_written(
    limits: dict[str, str], status: str, world: World
) -> None:
    changed = {"warn": None, "critical": None} | {name: parse_limit(text) for name, text in limits.items()}
    [check] = [check for check in settings_from({}).checks if check.name == "coverage"]
    settings = replace(world.ports.settings, checks=(check.model_copy(update=changed),))
    take_snapshot(replace(world.ports, settings=settings), ROBIN)
    [(notes,)] = world.small.run("SELECT notes FROM crm.sfdc_dbx.sync_audit_log")
    assert f"Status: {status} |" in str(notes)
