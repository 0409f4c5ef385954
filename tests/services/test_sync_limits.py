"""The thresholds of one sync alone: `limits` of a sync in pipeline.yml."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.alerts.model import Did, State
from bot.config import shipped
from bot.config.settings import Settings
from bot.facts import Schedule
from bot.messages.alert import alert_message
from bot.model import Evaluation, Kind
from bot.runtime.composition import settings_from
from bot.services.deliver import CLAIM
from bot.services.run_checks import run_checks
from checks.model import Outcome, Result
from tests.services.conftest import World

Limits = Mapping[str, Mapping[str, object]]


def pipeline(folder: Path, of_b: Limits | None = None, of_all: Limits | None = None, **more: Any) -> Settings:
    """The shipped one, with these limits of Sync B and of every sync."""
    written = yaml.safe_load((shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8"))
    written["syncs"][1]["limits"] = of_b or {}
    written["limits"] = of_all or {}
    path = folder / "pipeline.yml"
    path.write_text(yaml.safe_dump(written | more), encoding="utf-8")
    return settings_from({"SYNC_HEALTH_CONFIG": str(path)})


def with_settings(world: World, settings: Settings) -> None:
    """From now on these hold, of the backlogs alone."""
    only = tuple(check for check in settings.checks if check.name == "backlog")
    world.ports = replace(world.ports, settings=replace(settings, checks=only))


def look(world: World) -> dict[str | None, Result]:
    """What is said of each backlog, five minutes later."""
    world.clock.pass_(minutes=5)
    evaluation: Evaluation = run_checks(world.ports)[0]
    return {one.sync: one for one in evaluation.results if one.check == "backlog"}


def test_the_same_backlog_is_judged_by_the_thresholds_of_its_sync(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path))
    world.numbers(create_queue=80, update_queue=80)
    found = look(world)
    assert {sync: one.outcome for sync, one in found.items()} == {"Sync A": Outcome.WARN, "Sync B": Outcome.OK}
    assert (found["Sync A"].warn, found["Sync A"].critical) == ("> 50", "> 100")
    assert (found["Sync B"].warn, found["Sync B"].critical) == ("> 500", "> 1000")


@pytest.mark.parametrize(
    ("pending", "outcome"), [(20, Outcome.OK), (21, Outcome.WARN), (31, Outcome.CRITICAL), (2000, Outcome.CRITICAL)]
)
def test_other_thresholds_hold_for_that_sync_alone(
    world: World, tmp_path: Path, pending: int, outcome: Outcome
) -> None:
    with_settings(world, pipeline(tmp_path, {"backlog": {"warn": "> 20", "critical": "> 30"}}))
    world.numbers(create_queue=31, update_queue=pending)
    found = look(world)
    assert (found["Sync A"].outcome, found["Sync B"].outcome) == (Outcome.OK, outcome)


def test_an_alert_is_opened_and_patient_as_its_sync_says(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path, {"backlog": {"warn": "> 20", "critical": "> 30", "for": "20m"}}))
    world.numbers(create_queue=200, update_queue=200)
    for _ in range(2):
        look(world)
    assert [(one.sync, one.limit) for one in [world.incident()]] == [("Sync A", "> 100")]
    for _ in range(3):
        look(world)
    assert [(one.sync, one.limit) for one in [world.incident(2)]] == [("Sync B", "> 30")]


def test_one_sync_is_evaluated_at_hours_of_its_own(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path, {"backlog": {"active": "22:00-24:00"}}))
    world.numbers(create_queue=2000, update_queue=2000)
    assert set(look(world)) == {"Sync A"}
    at_night = {"backlog": {"active": "22:00-24:00"}}
    with_settings(world, pipeline(tmp_path, {"backlog": {"active": "00:00-24:00"}}, at_night))
    assert set(look(world)) == {"Sync B"}


def test_a_backlog_is_evaluated_a_while_after_its_sync_was_due(world: World, tmp_path: Path) -> None:
    settings = pipeline(tmp_path, {"backlog": {"active": "2h after schedule"}})
    assert settings.needed_sources == {"databricks", "census", "bot"}
    with_settings(world, settings)
    assert world.ports.settings.needed_sources == {"databricks", "census"}
    world.census.set_schedule(world.sync_b, Schedule("daily", paused=False, hour=12, minute=0))  # it is 10:00
    begun = world.census.start(world.sync_b)
    world.census.finish(begun.id)
    assert set(look(world)) == {"Sync A", "Sync B"}, "that of yesterday was due long ago"
    world.clock.pass_(hours=3)  # 13:05
    assert set(look(world)) == {"Sync A"}
    world.clock.pass_(hours=1)
    assert set(look(world)) == {"Sync A", "Sync B"}


def test_a_check_that_is_switched_off_for_one_sync_says_nothing_of_it(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path, {"backlog": {"enabled": False}}))
    world.numbers(create_queue=2000, update_queue=2000)
    assert set(look(world)) == {"Sync A"}
    assert set(look(world)) == {"Sync A"}
    assert world.rows("SELECT sync FROM incidents") == [("Sync A",)]


def test_its_open_incident_is_closed_with_that_reason(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path))
    world.numbers(create_queue=2000, update_queue=2000)
    for _ in range(2):
        look(world)
    world.deliver()
    with_settings(world, pipeline(tmp_path, {"backlog": {"enabled": False}}))
    look(world)
    a, b = world.incident(1), world.incident(2)
    assert [(one.sync, one.state) for one in (a, b)] == [("Sync A", State.FIRING), ("Sync B", State.OK)]
    assert b.timeline[-1].did is Did.CLOSED
    assert b.summary == "Closed: its check was switched off for Sync B"
    world.deliver()
    [root] = [root for root in world.channel.roots() if root.incident_id == b.id]
    assert "its check was switched off for Sync B" in root.text


def test_what_is_switched_off_for_one_sync_is_no_missing_number(world: World, tmp_path: Path) -> None:
    with_settings(world, pipeline(tmp_path, {"backlog": {"enabled": False}}))
    evaluation = run_checks(world.ports)[0]
    assert evaluation.outcome is Outcome.OK
    assert [sync.queue for sync in evaluation.syncs] == [3, 12], "it is shown all the same"


def test_the_owner_of_one_sync_s_check_is_mentioned(world: World, tmp_path: Path) -> None:
    settings = pipeline(tmp_path, {"backlog": {"owner": "S0TEAMB"}}, owner="S0TEAM")
    assert settings.owner_of("backlog", "Sync B") == "S0TEAMB"
    assert settings.owner_of("backlog", "Sync A") == "S0TEAM"
    with_settings(world, settings)
    world.numbers(create_queue=2000, update_queue=2000)
    for _ in range(2):
        look(world)
    said = {}
    while claimed := world.store.claim("sender", world.clock.real(), CLAIM):
        announcement = world.store.read_content(claimed.announcement)
        if announcement.kind is Kind.ROOT and announcement.incident:
            payload = alert_message(announcement, settings).payload(native=False)
            said[announcement.incident.sync] = str(payload)
    assert "S0TEAMB" in said["Sync B"] and "S0TEAMB" not in said["Sync A"]
    assert "S0TEAM" in said["Sync A"]


@pytest.mark.parametrize("of_b", [{}, {"backlog": {"warn": "> 20"}}], ids=["alone", "although a sync has its own"])
def test_a_check_that_is_switched_off_for_all_is_off_for_every_sync(world: World, tmp_path: Path, of_b: Limits) -> None:
    with_settings(world, pipeline(tmp_path))
    world.numbers(create_queue=2000, update_queue=2000)
    for _ in range(2):
        look(world)
    settings = pipeline(tmp_path, of_b, {"backlog": {"enabled": False}})
    assert [settings.check_called("backlog", sync) for sync in ("Sync A", "Sync B", None)] == [None] * 3
    with_settings(world, settings)
    assert look(world) == {}
    for one in (world.incident(1), world.incident(2)):
        assert one.summary == "Closed: its check was removed from the configuration or switched off"
