"""The snapshot of each day: at its time, once, late when nobody was there, by the pipeline's local date."""

from datetime import date, timedelta

import pytest

from bot.errors import RefusedError
from bot.model import Evaluation
from bot.services.authorise import Person, note_refusal
from bot.services.daily_snapshot import take_due_snapshot
from bot.services.take_snapshot import SCHEDULED_BY
from checks.model import Outcome
from tests.services.test_snapshot import World, world
from tests.small_pipeline import local

__all__ = ["world"]  # the fixture


def at_work_since(world: World, when: str) -> None:
    with world.ports.store.transaction() as records:
        records.save_evaluation(Evaluation(local(when), Outcome.OK, 1, 0.1, (), ()))


def live(world: World, begin: str, days: float, minutes: int = 60) -> list[str]:
    """The ids that are taken, tick by tick."""
    world.clock.pass_(seconds=(local(begin) - world.clock.now()).total_seconds())
    taken = []
    for _ in range(int(days * 24 * 60 / minutes)):
        if snapshot := take_due_snapshot(world.ports):
            taken.append(snapshot.id)
        world.clock.pass_(minutes=minutes)
    return taken


@pytest.mark.full
@pytest.mark.parametrize("begin", [date(2026, 3, 6), date(2026, 10, 30)], ids=["spring", "autumn"])
def test_each_local_day_has_one_snapshot_when_clocks_change(world: World, begin: date) -> None:
    at_work_since(world, f"{begin} 00:30")
    days = [begin + timedelta(days=n) for n in range(4)]
    assert live(world, f"{begin} 00:59", days=4.1) == [f"daily_snapshot_{day:%Y%m%d}" for day in days]
    assert {by for _, by in world.log()} == {SCHEDULED_BY}


@pytest.mark.full
def test_after_a_downtime_the_latest_missed_one_is_taken_once_with_its_true_time(world: World) -> None:
    at_work_since(world, "2026-01-10 12:00")
    assert live(world, "2026-01-20 10:00", days=0.5) == ["daily_snapshot_20260119"]
    [row] = world.small.run("SELECT execution_timestamp FROM crm.sfdc_dbx.sync_audit_log")
    assert row[0] == local("2026-01-20 10:00")


def test_a_restart_at_the_very_minute_takes_no_second_one(world: World) -> None:
    at_work_since(world, "2026-01-20 12:00")
    assert live(world, "2026-01-20 23:59", days=0.01, minutes=1) == ["daily_snapshot_20260120"]
    assert len(world.log()) == 1


def test_a_bot_that_was_not_yet_at_work_owes_no_snapshot(world: World) -> None:
    assert live(world, "2026-01-20 10:00", days=0.2) == []
    at_work_since(world, "2026-01-20 15:00")
    assert live(world, "2026-01-20 15:00", days=0.2) == []


def test_the_one_before_midnight_in_los_angeles_does_not_get_tomorrows_date(world: World) -> None:
    at_work_since(world, "2026-01-20 12:00")
    assert live(world, "2026-01-20 23:59", days=0.001, minutes=1) == ["daily_snapshot_20260120"], (
        "it is the 21st in UTC"
    )


def test_a_refusal_in_the_audit_does_not_stand_for_the_snapshot_of_that_day(world: World) -> None:
    at_work_since(world, "2026-01-20 12:00")
    person = Person("U0SAM", "T1", "T1")
    note_refusal(
        world.ports, world.clock.now(), person, "snapshot", "daily_snapshot_20260120", RefusedError("Only operators.")
    )
    assert live(world, "2026-01-20 23:59", days=0.001, minutes=1) == ["daily_snapshot_20260120"]
