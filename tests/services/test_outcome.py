"""An action in its thread: counts as they change, causes of rejected records minutes later, and who paused a sync."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.alerts.causes import at
from bot.alerts.model import ITSELF, ActionKind, ActionState, Did, Incident
from bot.alerts.rejections import Rejection
from bot.errors import TemporaryError
from bot.facts import RunStatus, Schedule
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.act_on_sync import pause_all, pause_all_facts
from bot.services.authorise import Person
from bot.services.explain_outcome import PATIENCE, ended_lately, explain_each
from bot.services.follow_actions import follow_actions
from bot.services.run_checks import Checker, run_checks
from tests.services.conftest import ADA, ROBIN, TEAM, World
from tests.services.test_lost_changes import follow


def explain_outcomes(ports: Ports) -> int:
    with ports.store.snapshot() as records:
        ended = ended_lately(ports, records)
    return explain_each(ports, ended)


def wanted(world: World) -> int:
    """How many versions of the action's message were enqueued."""
    return int(world.rows("SELECT wanted FROM outbox WHERE kind = 'run'")[0][0])


def test_counts_that_change_are_one_edit_each_and_say_when_they_were_read(world: World) -> None:
    world.open_incident()
    assert world.rerun().counted_at is None
    world.census.move(1, records_total=100, records_updated=20)
    seen = follow(world, seconds=30)
    assert (seen.began_at, seen.counted_at) == (world.census.run(1).created_at, world.clock.now())
    before = wanted(world)
    assert follow(world, seconds=30) == seen, "nothing was read that was not known"
    assert wanted(world) == before
    world.census.move(1, records_updated=60)
    assert follow(world, seconds=30).counted_at == world.clock.now()
    assert wanted(world) == before + 1


def rejected(world: World, count: int = 2) -> None:
    """A rerun that lost some records has ended, and Census does not tell why yet."""
    world.open_incident()
    world.rerun()
    world.census.finish(1, records_updated=10, records_failed=count, records_invalid=0)
    follow(world)
    assert follow(world).state is ActionState.FINISHED


def tell_why(world: World) -> None:
    said = "INVALID_SESSION_ID:Session expired or invalid:--"
    world.census.details[1] = [Rejection(f"{n}", "rejected", said) for n in range(2)]


def test_why_records_were_rejected_is_told_once_census_knows(world: World) -> None:
    rejected(world)
    assert explain_outcomes(world.ports) == 1, "asked for again soon"
    assert world.action().rejections == ()
    world.clock.pass_(minutes=6)
    tell_why(world)
    before = wanted(world)
    explain_outcomes(world.ports)
    [cause] = world.action().rejections
    assert cause.startswith("INVALID_SESSION_ID: 2 records; a rerun does not help")
    assert wanted(world) == before + 1
    assert explain_outcomes(world.ports) == 0, "and never again"
    assert wanted(world) == before + 1


def test_a_restart_in_between_loses_no_causes(world: World) -> None:
    rejected(world)
    tell_why(world)
    explain_outcomes(replace(world.ports))
    assert len(world.action().rejections) == 1


def test_causes_that_come_too_late_are_not_asked_for(world: World) -> None:
    rejected(world)
    world.clock.pass_(seconds=PATIENCE.total_seconds() + 1)
    tell_why(world)
    before = world.census.calls
    assert explain_outcomes(world.ports) == 0
    assert (world.action().rejections, world.census.calls) == ((), before)


def test_census_down_only_delays_the_causes(world: World) -> None:
    rejected(world)
    tell_why(world)
    world.census.failure = TemporaryError("Census cannot be reached")
    assert explain_outcomes(world.ports) == 1
    world.census.failure = None
    explain_outcomes(world.ports)
    assert world.action().rejections


# Who paused it


@pytest.fixture
def scheduled(world: World) -> Iterator[World]:
    """The check of the schedule alone, on a sync that was on."""
    check = settings_from({}).check_called("schedule_enabled", "Sync B")
    assert check
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=(check,)))
    world.checker.close()
    world.checker = Checker(world.ports)
    run_checks(world.ports)
    yield world


def alerted(world: World) -> Incident:
    """The incident of a paused sync."""
    for _ in range(4):
        follow(world, minutes=5) if world.rows("SELECT id FROM actions") else world.clock.pass_(minutes=5)
        run_checks(world.ports)
    return world.incident()


def test_whoever_pauses_a_sync_here_is_its_cause_and_holds_its_incident(scheduled: World) -> None:
    action = scheduled.act(ActionKind.PAUSE, by=ADA, reason="wrong {names}", incident=False)
    found = alerted(scheduled)
    at = action.requested_at.isoformat(timespec="seconds")
    assert found.causes == (f"Paused by {{@{ADA}}} {{{at}}}: wrong (names)",)
    assert found.acked_by == ADA
    assert [(entry.did, entry.by) for entry in found.timeline][:2] == [(Did.OPENED, None), (Did.ACKNOWLEDGED, ADA)]


def test_whoever_pauses_all_holds_what_that_opens(scheduled: World) -> None:
    pause_all(scheduled.ports, pause_all_facts(scheduled.ports).consent, Person(ROBIN, TEAM, TEAM), "")
    assert alerted(scheduled).acked_by == ROBIN


def test_a_sync_that_sync_health_paused_itself_is_for_people_to_acknowledge(scheduled: World) -> None:
    scheduled.act(ActionKind.PAUSE, by=ITSELF, reason="", incident=False)
    found = alerted(scheduled)
    assert found.causes[0].startswith("Paused by Sync Health {")
    assert found.acked_by is None


def test_a_sync_that_was_paused_in_census_is_nobodys_here(scheduled: World) -> None:
    scheduled.census.pause(scheduled.sync_b)
    found = alerted(scheduled)
    assert found.causes[0].startswith("First seen paused {")
    assert found.acked_by is None


@pytest.mark.parametrize("how", ["resumed", "resumed for a rerun that failed"])
def test_a_pause_counts_until_the_sync_is_resumed_here(scheduled: World, how: str) -> None:
    scheduled.act(ActionKind.PAUSE, by=ADA, reason="", incident=False)
    follow(scheduled)
    follow(scheduled)
    kind = ActionKind.RESUME if how == "resumed" else ActionKind.RERUN
    scheduled.act(kind, reason="", incident=False)
    if how != "resumed":
        scheduled.census.finish(1, RunStatus.FAILED)
    follow(scheduled)
    follow(scheduled)
    with scheduled.store.snapshot() as records:
        assert records.latest_pause("Sync B") is None
        assert records.latest_pause("Sync A") is None


@pytest.mark.parametrize(
    ("numbers", "backlog"),
    [
        ({}, "12 pending properties"),
        ({"update_queue_suspicious": 3}, "12 pending properties, 3 suspect records among them"),
    ],
)
def test_a_resumption_names_the_next_run_and_what_it_finds(
    scheduled: World, numbers: dict[str, object], backlog: str
) -> None:
    scheduled.numbers(**numbers)
    scheduled.census.set_schedule(scheduled.sync_b, Schedule("hourly", paused=True, minute=40))
    measured_at = scheduled.clock.now()
    run_checks(scheduled.ports)
    scheduled.warehouse.runs_anyway = False
    scheduled.act(ActionKind.RESUME, reason="the view is fixed", incident=False)
    ended = follow(scheduled, minutes=1)
    following = measured_at.replace(minute=40, second=0, microsecond=0)
    assert ended.state is ActionState.FINISHED
    assert ended.verdict == f"Next run {at(following)} · {backlog} (as of {at(measured_at)})"
    assert scheduled.audit()[-1] == (ROBIN, "resume", "Sync B", "resumed")


def test_a_resumption_says_no_more_than_is_known(scheduled: World) -> None:
    scheduled.census.set_schedule(scheduled.sync_b, Schedule("continuous", paused=True))
    run = scheduled.census.start(scheduled.sync_b)
    consent = scheduled.facts(ActionKind.RESUME, incident=False).consent
    scheduled.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    run_checks(scheduled.ports)
    scheduled.act(
        ActionKind.RESUME, reason="fixed", incident=False, consent=replace(consent, queue=None, suspicious=None)
    )
    assert follow(scheduled, minutes=1).verdict == f"A run has been in progress since {at(run.created_at)}"
    scheduled.census.finish(run.id)
    scheduled.census.pause(scheduled.sync_b)
    scheduled.act(ActionKind.RESUME, reason="fixed", incident=False)
    scheduled.clock.pass_(minutes=1)
    follow_actions(scheduled.ports, scheduled.checker)
    assert scheduled.action(2).verdict == ""
