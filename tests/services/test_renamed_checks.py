"""A check of one sync that is evaluated per sync now: what it had open goes on under the new name."""

from dataclasses import replace

import pytest

from bot.alerts.lifecycle import Reason
from bot.alerts.model import Did, State
from bot.ports import Ports
from bot.services.acknowledge import acknowledge
from bot.services.resolve_by_hand import resolve_thread
from bot.services.run_checks import dry_run_checks, run_checks
from checks.model import Check, Outcome, Severity
from tests.fakes import START, shipped_settings
from tests.services.conftest import ADA, World

BACKLOG = shipped_settings().check_called("backlog")
assert BACKLOG
NOW = {"create_queue": ("Sync A", "> 50", "> 100"), "update_queue": ("Sync B", "> 500", "> 1000")}
BOTH = pytest.mark.parametrize("name", NOW)


def that_was(name: str) -> Check:
    """The check as an earlier version had it."""
    _, warn, critical = NOW[name]
    return Check.model_validate(
        {"name": name, "title": "Its backlog", "metric": name, "source": "databricks", "warn": warn}
        | {"critical": critical, "for": "5m", "summary": "{value} {nouns} pending".replace("{nouns}", "properties")}
    )


def with_checks(world: World, *checks: Check) -> None:
    """From now on the bot has these."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks))


def look(world: World, *, after: float = 0) -> None:
    world.clock.pass_(minutes=after)
    run_checks(world.ports)


def stuck(world: World, name: str) -> None:
    """An incident of the earlier check, with an acknowledgement and everything delivered."""
    with_checks(world, that_was(name))
    world.numbers(**{name: 2000})
    look(world)
    look(world, after=5)
    world.deliver()
    acknowledge(world.ports, 1, ADA)
    world.deliver()


@BOTH
def test_an_open_incident_goes_on_in_its_thread_with_its_values(world: World, name: str) -> None:
    stuck(world, name)
    before, [root] = world.incident(), world.channel.roots()
    said = len(world.channel.everything())
    with_checks(world, BACKLOG)
    look(world, after=5)
    world.deliver()
    after, sync = world.incident(), NOW[name][0]
    assert (before.key, after.key) == (f"properties/{name}", f"properties/backlog/{sync}")
    assert (after.check, after.sync, after.title) == ("backlog", sync, BACKLOG.title)
    assert (after.state, after.severity, after.acked_by) == (State.FIRING, Severity.CRITICAL, ADA)
    assert (after.opened_at, after.value, after.peak) == (before.opened_at, 2000.0, 2000.0)
    assert after.timeline == before.timeline
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    assert [one.ts for one in world.channel.roots()] == [root.ts]
    assert len(world.channel.everything()) == said, "nothing is said"
    with world.store.snapshot() as records:
        values = records.latest_values("backlog", sync, 9)
        assert [value for _, value in values] == [2000.0] * 3, "those of before, and that of now"
        assert values[0][0] == START
        assert records.latest_values(name, None, 9) == ()


@BOTH
def test_what_was_resolved_by_hand_reopens_under_the_new_name_however_long_ago(world: World, name: str) -> None:
    stuck(world, name)
    resolve_thread(world.ports, 1, "the check was split", ADA)
    with_checks(world, BACKLOG)
    look(world, after=120)
    again = world.incident()
    assert (again.state, again.key) == (State.FIRING, f"properties/backlog/{NOW[name][0]}")
    assert again.timeline[-1].did is Did.STILL_FIRING
    look(world, after=5)
    assert world.incident().resolved_at is None


@BOTH
def test_it_ends_in_the_same_thread(world: World, name: str) -> None:
    stuck(world, name)
    with_checks(world, BACKLOG)
    look(world, after=5)
    world.numbers(**{name: 0})
    look(world, after=5)
    look(world, after=15)
    world.deliver()
    assert world.incident().state is State.OK
    assert [entry.did for entry in world.incident().timeline][-1] is Did.RESOLVED
    [root] = world.channel.roots()
    assert "Resolved" in root.text


@BOTH
def test_what_was_pending_opens_when_its_time_is_up(world: World, name: str) -> None:
    with_checks(world, that_was(name))
    world.numbers(**{name: 2000})
    look(world)
    with_checks(world, BACKLOG)
    look(world, after=3)
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(0,)]
    look(world, after=2)
    assert (world.incident().check, world.incident().sync) == ("backlog", NOW[name][0])


@BOTH
def test_the_earlier_name_is_silent_afterwards(world: World, name: str) -> None:
    stuck(world, name)
    with_checks(world, BACKLOG)
    for _ in range(3):
        look(world, after=5)
    with world.store.transaction() as records:
        old, new = records.alert(f"properties/{name}"), records.alert(f"properties/backlog/{NOW[name][0]}")
        assert records.waiting_alerts() == []
    assert old and (old.state, old.incident_id) == (State.OK, None)
    assert new and (new.state, new.incident_id) == (State.FIRING, 1)


@BOTH
def test_what_had_just_resolved_is_reopened_in_its_thread(world: World, name: str) -> None:
    stuck(world, name)
    world.numbers(**{name: 0})
    look(world, after=5)
    look(world, after=15)
    world.deliver()
    assert world.incident().state is State.OK
    with_checks(world, BACKLOG)
    look(world, after=5)
    world.numbers(**{name: 2000})
    look(world, after=5)
    world.deliver()
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    after = world.incident()
    assert (after.state, after.check, after.sync, after.title) == (State.FIRING, "backlog", NOW[name][0], BACKLOG.title)
    assert after.timeline[-1].did is Did.REOPENED
    assert len(world.channel.roots()) == 1


@BOTH
def test_what_resolved_long_ago_stays_as_it_was(world: World, name: str) -> None:
    stuck(world, name)
    world.numbers(**{name: 0})
    look(world, after=5)
    look(world, after=15)
    with_checks(world, BACKLOG)
    look(world, after=BACKLOG.reopen_within.total_seconds() / 60 + 1)
    assert (world.incident().check, world.incident().sync) == (name, None)
    world.numbers(**{name: 2000})
    look(world, after=5)
    look(world, after=5)
    assert (world.incident(2).check, world.incident(2).sync) == ("backlog", NOW[name][0])


def dry_run(world: World, *, after: float) -> list[tuple[str, str | None, Reason]]:
    """What a dry run would say; it leaves no trace."""
    world.clock.pass_(minutes=after)
    before = world.everything()
    evaluation, said = dry_run_checks(world.ports, lambda: world.store)
    assert evaluation.outcome is Outcome.CRITICAL
    assert world.everything() == before
    return [(one.incident.check, one.incident.sync, one.reason) for one in said]


@BOTH
def test_a_dry_run_does_the_same_in_memory(world: World, name: str) -> None:
    stuck(world, name)
    with_checks(world, BACKLOG)
    assert dry_run(world, after=5) == [], "it is open already"


@BOTH
def test_a_dry_run_knows_what_was_pending(world: World, name: str) -> None:
    with_checks(world, that_was(name))
    world.numbers(**{name: 2000})
    look(world)
    with_checks(world, BACKLOG)
    assert dry_run(world, after=5) == [("backlog", NOW[name][0], Reason.OPENED)]


def test_a_check_that_is_still_called_so_is_left_alone(world: World) -> None:
    stuck(world, "update_queue")
    with_checks(world, that_was("update_queue"), BACKLOG)
    look(world, after=5)
    assert (world.incident().check, world.incident().sync) == ("update_queue", None)


def test_a_sync_without_that_role_closes_it_with_the_reason(world: World) -> None:
    stuck(world, "update_queue")
    with_checks(world, BACKLOG)
    ports: Ports = world.ports
    syncs = tuple(sync.model_copy(update={"role": None}) for sync in ports.settings.syncs)
    world.ports = replace(ports, settings=replace(ports.settings, syncs=syncs))
    look(world, after=5)
    assert world.incident().state is State.OK
    assert "its check was removed from the configuration or switched off" in world.incident().summary
