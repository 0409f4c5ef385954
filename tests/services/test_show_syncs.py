"""What Census did and will do; one that is silent is said."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.errors import TemporaryError
from bot.facts import Schedule
from bot.services.show_syncs import show_runs, show_schedules
from tests.services.conftest import World


def test_runs_are_the_newest_ten_of_the_sync_that_was_named(world: World) -> None:
    for _ in range(12):
        world.census.finish(
            world.census.start(world.sync_b).id, records_updated=180, records_failed=20, records_invalid=0
        )
    [shown] = show_runs(world.ports, world.ports.settings.sync_called("b"))
    assert [run.id for run, _ in shown.runs] == list(range(12, 2, -1))
    assert shown.runs[0][1] == 10.0
    assert [one.label for one in show_runs(world.ports, None)] == ["Sync A (CREATE)", "Sync B (UPDATE)"]


def test_the_next_run_is_told_in_utc_unless_there_is_none_or_it_cannot_be_known(world: World) -> None:
    told = {
        Schedule("daily", paused=False, hour=7, minute=30): datetime(2026, 3, 3, 7, 30, tzinfo=UTC),
        Schedule("expression", paused=False, cron="0 6 * * sat"): datetime(2026, 3, 7, 6, tzinfo=UTC),
        Schedule("daily", paused=True, hour=7, minute=30): None,
        Schedule("expression", paused=False, cron="every now and then"): None,
        Schedule("never", paused=False): None,
        Schedule("continuous", paused=False): None,
    }
    for schedule, expected in told.items():
        world.census._syncs[world.sync_a] = replace(world.census._syncs[world.sync_a], schedule=schedule)
        assert show_schedules(world.ports)[0].next_run == expected


def test_a_silent_census_is_said_for_each_sync(world: World) -> None:
    world.census.failure = TemporaryError("Census cannot be reached: check CENSUS_API_URL")
    for shown in (*show_runs(world.ports, None), *show_schedules(world.ports)):
        assert shown.error == "Census cannot be reached: check CENSUS_API_URL"
