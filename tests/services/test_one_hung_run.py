"""One run that hangs is one incident: a long run and the overdue run that it keeps back share a thread."""

from dataclasses import replace

import pytest

from bot.alerts.model import Incident
from bot.facts import Run, RunStatus
from bot.ports import Ports
from checks.forms import parse_limit
from checks.model import Severity
from tests.services.conftest import World
from tests.services.test_not_measured import done, open_checks, whole
from tests.services.test_recovery import live

__all__ = ["whole"]  # a fixture


def hang(world: World, known_runs: int) -> Run:
    """A run of Sync B that does not end, after so many that took no time."""
    for _ in range(known_runs - 1):  # one is known already
        done(world, world.sync_b)
    return world.census.start(world.sync_b)


def incidents(world: World) -> list[Incident]:
    ids = [one for (one,) in world.rows("SELECT id FROM incidents ORDER BY id")]
    return [world.incident(one) for one in ids]


def roots(world: World) -> int:
    world.deliver_patiently()
    return len(world.channel.roots())


def test_a_long_run_explains_that_it_is_overdue_and_what_is_overdue_after_its_end_is_told(
    world: World, whole: Ports
) -> None:
    run = hang(world, known_runs=3)
    live(world, whole, 150)
    assert [(one.check, one.severity) for one in incidents(world)] == [("long_run", Severity.CRITICAL)]
    assert roots(world) == 1
    world.census.finish(run.id, RunStatus.CANCELLED)
    live(world, whole, 90)
    assert open_checks(world) == [("sync_recency", "Sync B")], "it is over, and no run has completed since"
    assert roots(world) == 2


def test_an_overdue_run_that_is_told_first_stays_the_one_incident_and_names_the_long_run(
    world: World, whole: Ports
) -> None:
    run = hang(world, known_runs=1)  # so an hour is expected, and it is overdue before it is long
    live(world, whole, 100)
    assert open_checks(world) == [("sync_recency", "Sync B")]
    live(world, whole, 200)
    [told] = incidents(world)
    assert (told.check, told.severity, told.not_evaluated_since) == ("sync_recency", Severity.CRITICAL, None)
    assert told.causes[0] == "Sync B has been running for 5 h (expected 1 h or less)"
    assert told.offers[0] == "cancel"
    assert told.helps.startswith("Follow the run. If it takes no more records, cancel it")
    assert roots(world) == 1
    world.census.finish(run.id, RunStatus.CANCELLED)
    live(world, whole, 10)
    assert open_checks(world) == [("sync_recency", "Sync B")], "it goes on in its thread"
    assert "cancel" not in incidents(world)[0].offers
    done(world, world.sync_b)
    live(world, whole, 30)
    assert open_checks(world) == []
    assert roots(world) == 1


def test_a_long_run_that_is_critical_makes_the_warning_critical_whose_thread_it_shares(
    world: World, whole: Ports
) -> None:
    late = {"warn": parse_limit("> 0.4 h"), "critical": parse_limit("> 9 h"), "clear": parse_limit("<= 0.2 h")}
    checks = tuple(one.model_copy(update=late) if one.name == "sync_recency" else one for one in whole.settings.checks)
    ports = replace(whole, settings=replace(whole.settings, checks=checks))
    live(world, ports, 30)
    hang(world, known_runs=0)
    live(world, ports, 5)
    assert [(one.check, one.severity) for one in incidents(world)] == [("sync_recency", Severity.WARN)]
    live(world, ports, 235)
    [told] = incidents(world)
    assert (told.check, told.severity) == ("sync_recency", Severity.CRITICAL)
    assert told.summary.endswith(" · Sync B has been running for 4 h (expected 1 h or less)")
    assert "running for" not in "".join(told.causes), "which is said once"


@pytest.mark.parametrize("ends", [RunStatus.CANCELLED, RunStatus.COMPLETED])
def test_of_two_that_are_open_the_long_run_explains_the_other(world: World, whole: Ports, ends: RunStatus) -> None:
    """As a version before this one has left them; neither waits for the other for ever."""
    run = hang(world, known_runs=1)
    live(world, whole, 100)
    without = tuple(
        one.model_copy(update={"depends_on": ()}) if one.name == "sync_recency" else one
        for one in whole.settings.checks
    )
    live(world, replace(whole, settings=replace(whole.settings, checks=without)), 60)
    assert open_checks(world) == [("sync_recency", "Sync B"), ("long_run", "Sync B")]
    live(world, whole, 100)
    long = incidents(world)[1]
    assert long.not_evaluated_since is None
    world.census.finish(run.id, ends, records_updated=5, records_failed=0, records_invalid=0)
    live(world, whole, 30)
    still = [("sync_recency", "Sync B")] if ends is RunStatus.CANCELLED else []
    assert open_checks(world) == still
