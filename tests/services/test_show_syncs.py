"""What Census did and will do; one that is silent is said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.errors import TemporaryError
from bot.facts import RunStatus, Schedule
from bot.messages.phrases import how_often
from bot.services.look_at_sync import look_at
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


def test_a_run_in_progress_comes_with_the_time_that_is_expected(world: World) -> None:
    for took in (25, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1):
        begun = world.census.start(world.sync_b)
        world.clock.pass_(minutes=took)
        world.census.finish(begun.id, records_updated=5)
    assert show_runs(world.ports, None)[1].running is None
    going_on = world.census.start(world.sync_b)
    world.clock.pass_(minutes=15)
    world.census.start(world.sync_b)  # which is skipped
    shown = show_runs(world.ports, None)[1]
    assert (shown.running, shown.expected) == (going_on, timedelta(minutes=25)), "by all runs that Census shows"
    assert len(shown.runs) == 10


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


def rerun_daily(world: World, sync: int, days: int) -> None:
    for _ in range(days):
        world.census.finish(world.census.start(sync).id)
        world.clock.pass_(days=1)


def test_what_a_sync_is_judged_by_is_named(world: World) -> None:
    follows = Schedule("never", paused=False, triggers=("sync_sequence",), follows=world.sync_a)
    world.census.set_schedule(world.sync_b, follows)
    world.census.set_schedule(world.sync_a, Schedule("never", paused=False, triggers=("fivetran",)))
    rerun_daily(world, world.sync_a, 9)
    external, sequence = (how_often(one.schedule) for one in show_schedules(world.ports) if one.schedule)
    assert external == "after a Fivetran sync, lately at least every 1 d"
    assert sequence == "after Sync A"
    settings = world.ports.settings
    syncs = tuple(sync.model_copy(update={"expect_every": timedelta(hours=36)}) for sync in settings.syncs)
    world.ports = replace(world.ports, settings=replace(settings, syncs=syncs))
    [given, _] = show_schedules(world.ports)
    assert given.schedule
    assert how_often(given.schedule) == "after a Fivetran sync, expected every 1 d 12 h"


def test_a_sync_is_late_by_the_one_before_it_unless_census_does_not_show_that_one(world: World) -> None:
    after_a = Schedule("never", paused=False, triggers=("sync_sequence",), follows=world.sync_a)
    world.census.set_schedule(world.sync_b, after_a)
    _, sync_b = world.ports.settings.syncs
    rerun_daily(world, world.sync_b, 3)
    world.census.finish(world.census.start(world.sync_a).id)
    world.clock.pass_(hours=2)
    late = look_at(world.ports, sync_b)
    assert (late.readings["hours_since_last_run"].value, late.readings["hours_since_last_run"].case) == (2, "scheduled")
    world.census.set_schedule(world.sync_b, replace(after_a, follows=None))
    assert "hours_since_last_run" not in look_at(world.ports, sync_b).readings, "three runs are no rhythm"
    rerun_daily(world, world.sync_b, 5)
    assert look_at(world.ports, sync_b).readings["hours_since_last_run"].case == "expected"


def test_why_the_latest_run_failed_is_classed_and_what_was_skipped_since_is_no_run(world: World) -> None:
    bad = world.census.start(world.sync_b)
    world.census.finish(bad.id, RunStatus.FAILED, error="INVALID_SESSION_ID: expired")
    skipped = world.census.start(world.sync_b)
    world.census.finish(skipped.id, RunStatus.SKIPPED)
    sync = world.ports.settings.sync_called("b")
    [found] = show_runs(world.ports, sync)
    assert found.failure and found.failure.kind.permanent
    good = world.census.start(world.sync_b)
    world.census.finish(good.id)
    assert show_runs(world.ports, sync)[0].failure is None
