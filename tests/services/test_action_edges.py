"""Actions at the edges: what the state does not take, what was done in Census itself, and dialogs from before."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.alerts.model import ActionKind, ActionState
from bot.answers.consent import FactChange
from bot.errors import RefusedError, TemporaryError
from bot.services.act_on_sync import FactsChangedError, pause_all, pause_all_facts
from bot.services.authorise import Person
from bot.services.follow_actions import follow_actions
from bot.services.run_checks import run_checks
from bot.services.sync_facts import incident_about
from tests.fakes import BrittleStore
from tests.services.conftest import ADA, ROBIN, TEAM, World, settings_for_tests

ROBIN_HERE = Person(ROBIN, TEAM, TEAM)


@pytest.fixture
def scheduled(world: World) -> World:
    """The check of the schedule, too."""
    from bot.runtime.composition import settings_from

    checks = (*settings_for_tests().checks, *settings_from({}).checks_of_metric("schedule_on"))
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks))
    return world


def opened(world: World) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
    """What is open about a schedule: which sync, who has acknowledged it, its cause."""
    with world.store.snapshot() as records:
        found = [one for one in records.open_incidents() if one.check == "schedule_enabled"]
    return [(one.sync, one.acked_by, one.causes) for one in found]


@pytest.mark.parametrize("kind", [ActionKind.RERUN, ActionKind.PAUSE])
def test_what_census_has_done_and_the_state_did_not_take_is_found_out_and_not_called_failed(
    world: World, kind: ActionKind
) -> None:
    world.open_incident()
    consent = world.facts(kind).consent
    sound = world.ports
    world.ports = replace(world.ports, store=BrittleStore(world.store, "save_action"))  # type: ignore[arg-type]
    with pytest.raises(TemporaryError, match="state database did not answer"):
        world.act(consent=consent)
    world.ports = sound
    assert world.action().state is ActionState.REQUESTED
    follow_actions(world.ports, world.checker)
    assert world.action().state in (ActionState.RUNNING, ActionState.CHECKING)
    assert len(world.census.triggers) + len(world.census.changes) == 1


@pytest.mark.parametrize("kind", [ActionKind.RESUME, ActionKind.RERUN])
def test_a_dialog_from_before_pause_all_does_not_undo_it(world: World, kind: ActionKind) -> None:
    world.census.pause(world.sync_b)
    world.census.changes.clear()
    consent = world.facts(kind, incident=False).consent
    pause_all(world.ports, pause_all_facts(world.ports).consent, Person(ADA, TEAM, TEAM), "wrong names")
    with pytest.raises(FactsChangedError) as changed:
        world.act(consent=consent, then_rerun=kind is ActionKind.RESUME)
    assert FactChange.REQUESTED in changed.value.changes
    assert world.census.changes == [(world.sync_a, True)] and world.census.triggers == []


def test_pause_all_is_asked_again_where_something_was_requested_since_its_dialog(world: World) -> None:
    consent = pause_all_facts(world.ports).consent
    world.act(ActionKind.PAUSE, incident=False)
    with pytest.raises(RefusedError, match="since this dialog opened"):
        pause_all(world.ports, consent, ROBIN_HERE, "")


def test_pause_all_leaves_what_somebody_has_resumed_in_census_since(world: World) -> None:
    silent = world.census.sync
    world.census.sync = lambda sync_id: _refuse() if sync_id == world.sync_a else silent(sync_id)  # type: ignore[method-assign]
    pause_all(world.ports, pause_all_facts(world.ports).consent, ROBIN_HERE, "")
    world.census.resume(world.sync_b)
    world.census.sync = silent  # type: ignore[method-assign]
    follow_actions(world.ports, world.checker)
    assert world.census.changes == [(world.sync_b, True), (world.sync_b, False), (world.sync_a, True)]
    assert "Sync B" in world.action().verdict


def _refuse() -> None:
    raise TemporaryError("Census does not answer")


def test_a_sync_that_was_paused_before_is_not_said_to_be_paused_by_who_paused_all(scheduled: World) -> None:
    scheduled.census.pause(scheduled.sync_b)
    run_checks(scheduled.ports)
    pause_all(scheduled.ports, pause_all_facts(scheduled.ports).consent, ROBIN_HERE, "all stop")
    run_checks(scheduled.ports)
    [(_, _, first), (_, by, second)] = sorted(opened(scheduled), key=lambda one: one[0] != "Sync B")
    assert first[0].startswith("First seen paused")
    assert second[0].startswith(f"Paused by {{@{ROBIN}}}") and by == ROBIN


def test_a_pause_in_census_is_not_acknowledged_by_who_paused_the_sync_here_long_ago(scheduled: World) -> None:
    scheduled.act(ActionKind.PAUSE, incident=False)
    run_checks(scheduled.ports)
    assert [by for _, by, _ in opened(scheduled)] == [ROBIN]
    scheduled.census.resume(scheduled.sync_b)
    run_checks(scheduled.ports)
    scheduled.clock.pass_(days=60)
    scheduled.census.pause(scheduled.sync_b)
    run_checks(scheduled.ports)
    [(_, by, causes)] = opened(scheduled)
    assert by is None and causes[0].startswith("First seen paused")


def test_whoever_pauses_again_soon_is_not_called_either(scheduled: World) -> None:
    for kind in (ActionKind.PAUSE, ActionKind.RESUME, ActionKind.PAUSE):
        scheduled.act(kind, incident=False)
        follow_actions(scheduled.ports, scheduled.checker)
        scheduled.clock.pass_(minutes=5)
        run_checks(scheduled.ports)
    assert [by for _, by, _ in opened(scheduled)] == [ROBIN]
    assert not any(entry.broadcast for entry in scheduled.incident().timeline)


def test_a_typed_action_is_reported_where_it_belongs(scheduled: World) -> None:
    scheduled.open_incident()
    scheduled.census.pause(scheduled.sync_b)
    run_checks(scheduled.ports)
    settings, sync = scheduled.ports.settings, scheduled.ports.settings.syncs[1]
    with scheduled.store.snapshot() as records:
        found = {kind: incident_about(records, settings, sync, kind) for kind in (ActionKind.RESUME, ActionKind.RERUN)}
    assert {kind: one and one.check for kind, one in found.items()} == {
        ActionKind.RESUME: "schedule_enabled",
        ActionKind.RERUN: "null_company_names",
    }


def test_a_pause_is_carried_out_although_its_alert_is_over_by_then(world: World) -> None:
    world.open_incident()
    consent = world.facts(ActionKind.PAUSE).consent
    for after in (5, 15):
        world.look(0, after=after)
    assert world.incident().resolved_at
    assert world.act(consent=consent).incident_id is None
    assert world.census.changes == [(world.sync_b, True)]


@pytest.mark.parametrize(
    "how", ["UPDATE audit SET result = 'x'", "DELETE FROM audit", "INSERT OR REPLACE INTO audit SELECT * FROM audit"]
)
def test_the_audit_is_only_ever_added_to(world: World, how: str) -> None:
    world.act(ActionKind.PAUSE, incident=False)
    with closing(sqlite3.connect(world.path)) as db, pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
        db.execute(how)
