"""What an incident keeps of its circumstances: causes, what can help now, the next step, its worst value."""

from dataclasses import replace

import pytest

from bot.alerts.model import Action, ActionState, Incident, State
from bot.alerts.rejections import Rejection
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.ask_warehouse import HEALTH
from bot.services.run_checks import run_checks
from tests.fakes import shipped_settings
from tests.services.conftest import ADA, World
from tests.services.test_not_measured import HEALTHY

NAMES = shipped_settings().check_called("null_company_names")
assert NAMES


@pytest.fixture
def whole(world: World) -> Ports:
    """Every shipped check, on a pipeline that is well."""
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    for sync in (world.sync_a, world.sync_b):
        world.census.finish(world.census.start(sync).id, records_updated=5, records_failed=0, records_invalid=0)
    return replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))


def measured(world: World, ports: Ports, times: int = 2, **numbers: object) -> Incident:
    """The incident after the warehouse has measured this."""
    world.numbers(**numbers)
    for _ in range(times):
        run_checks(ports)
        world.clock.pass_(minutes=5)
    return world.incident()


@pytest.mark.parametrize(
    ("queue", "suspect", "causes", "offers", "helps"),
    [
        (
            240,
            0,
            (),
            ("rerun",),
            NAMES.cases["clean_backlog"].helps,
        ),
        (0, 0, ("Not in the backlog: no record is pending in Sync B",), (), NAMES.cases["empty_backlog"].helps),
        (240, 200, ("200 suspect records pending in Sync B",), ("pause",), NAMES.helps),
        (240, 9, ("9 suspect records pending in Sync B",), ("pause", "rerun"), NAMES.helps),
    ],
)
def test_an_incident_knows_its_cause_what_can_help_and_the_next_step(
    world: World, whole: Ports, queue: int, suspect: int, causes: tuple[str, ...], offers: tuple[str, ...], helps: str
) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    numbers = {"null_company_names": 60, "update_queue": queue, "update_queue_suspicious": suspect}
    found = measured(world, only, **numbers)
    assert (found.check, found.causes, found.offers, found.helps) == ("null_company_names", causes, offers, helps)
    assert found.rerun == "Sync B", "that is what the offers are about"


def test_they_follow_what_is_known_and_vanish_when_it_recovers(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    assert measured(world, only, null_company_names=60).offers == ("rerun",)
    later = measured(world, only, times=1, null_company_names=80, update_queue=0)
    assert (later.offers, later.helps) == ((), NAMES.cases["empty_backlog"].helps)
    over = measured(world, only, times=1, null_company_names=3, update_queue=12)
    assert (over.state, over.causes, over.offers) == (State.RECOVERING, (), ())
    world.deliver()
    [root] = world.channel.roots()
    assert "Recovering" in root.text
    assert "rerun" not in root.text
    assert over.peak == 80.0, "its worst value stays"


@pytest.mark.parametrize(
    ("metric", "values", "worst"),
    [("null_company_names", (60, 90, 70), 90.0), ("coverage_percentage", (88.0, 80.0, 85.0), 80.0)],
)
def test_the_worst_value_is_the_lowest_where_low_is_bad(
    world: World, whole: Ports, metric: str, values: tuple[float, ...], worst: float
) -> None:
    measured(world, whole, **{metric: values[0]})
    for value in values:
        found = measured(world, whole, times=1, **{metric: value})
    assert (found.value, found.peak) == (values[-1], worst)


def test_rejections_are_named_by_their_cause_at_later_evaluations_too(world: World, whole: Ports) -> None:
    run = world.census.start(world.sync_b)
    world.census.finish(run.id, records_updated=50, records_failed=50, records_invalid=0)
    world.census.details[run.id] = [
        Rejection(f"{n}", "rejected", "FIELD_CUSTOM_VALIDATION_EXCEPTION: the name of Jane Doe") for n in range(50)
    ]
    found = measured(world, whole, times=1)
    cause = f"FIELD_CUSTOM_VALIDATION_EXCEPTION: 50 of 50 rejected records in run {run.id}"
    assert (found.check, found.causes) == ("census_error_rate", (cause,))
    assert found.helps.endswith(". /sync-health errors lists every cause.")
    later = measured(world, whole, times=2)
    assert (later.causes, later.helps) == (found.causes, found.helps)
    world.deliver()
    [root] = world.channel.roots()
    assert cause in root.text
    assert "Jane" not in "".join(world.everything())


def test_the_root_says_when_it_escalates_next_after_an_escalation_was_sent(world: World) -> None:
    def due(minutes: float) -> str:
        return f"Escalates at <!date^{int(world.incident().opened_at.timestamp() + 60 * minutes)}^"

    world.open_incident()
    world.deliver()
    [root] = world.channel.roots()
    assert due(15) in root.text
    world.look(60, after=15)
    world.deliver()
    [root] = world.channel.roots()
    assert due(30) in root.text
    assert due(15) not in root.text
    acknowledge(world.ports, 1, ADA)
    world.deliver()
    [root] = world.channel.roots()
    assert "Escalates" not in root.text


def test_a_value_between_threshold_and_recovery_keeps_its_cause_and_what_can_help(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    measured(world, only, null_company_names=60, update_queue=240)
    inside = measured(world, only, times=3, null_company_names=28, update_queue=240)
    assert (inside.state, inside.value) == (State.FIRING, 28.0)
    assert inside.offers == ("rerun",)
    assert inside.causes == ()


def test_a_rerun_that_did_not_help_can_be_requested_again_at_once(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    found = measured(world, only, null_company_names=60, update_queue=240)
    asked = Action(0, "Sync B", found.id, ADA, "", ActionState.REQUESTED, world.clock.now(), 0)
    with world.ports.store.transaction() as records:
        action = records.create_action(asked)
    assert measured(world, only, times=1, null_company_names=60).offers == (), "it is in progress"
    with world.ports.store.transaction() as records:
        records.save_action(replace(action, state=ActionState.CHECKING))
    assert measured(world, only, times=1, null_company_names=58).offers == ("rerun",)


def test_what_another_alert_explains_neither_names_a_cause_nor_offers_what_cannot_help(
    world: World, whole: Ports
) -> None:
    measured(world, whole, update_queue=7881)
    backlog = world.incident()
    assert (backlog.check, backlog.offers) == ("update_queue", ("rerun",))
    world.census.pause(world.sync_b)
    measured(world, whole, times=1, update_queue=7881)
    with world.ports.store.snapshot() as records:
        explained = records.incident(backlog.id)
    assert explained
    assert explained.explained_by == "Census schedule"
    assert (explained.causes, explained.offers) == ((), ())


def test_rejections_that_come_back_have_their_own_cause(world: World, whole: Ports) -> None:
    def rejects(code: str) -> Incident:
        run = world.census.start(world.sync_b)
        world.census.finish(run.id, records_updated=50, records_failed=50, records_invalid=0)
        world.census.details[run.id] = [Rejection(f"{n}", "rejected", f"{code}: no") for n in range(50)]
        return measured(world, whole, times=1)

    assert rejects("FIELD_CUSTOM_VALIDATION_EXCEPTION").causes[0].startswith("FIELD_CUSTOM_VALIDATION_EXCEPTION")
    for _ in range(4):
        run = world.census.start(world.sync_b)
        world.census.finish(run.id, records_updated=50, records_failed=0, records_invalid=0)
        measured(world, whole, times=1)
    again = rejects("REQUIRED_FIELD_MISSING")
    assert (again.id, again.causes[0].partition(":")[0]) == (1, "REQUIRED_FIELD_MISSING")


def test_the_next_step_in_the_thread_follows_what_is_known(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    measured(world, only, null_company_names=60, update_queue=240)
    world.deliver()
    assert "rerun the UPDATE sync" in world.channel.thread()[0].text
    measured(world, only, times=1, null_company_names=80, update_queue=0)
    world.deliver()
    assert "A rerun does not fix records that are not pending" in world.channel.thread()[0].text


def test_a_measured_reason_is_the_cause_and_no_rerun_is_offered_while_it_holds(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    broken = {"null_company_names": 60, "update_queue": 240, "enriched_without_company_name": 1240}
    found = measured(world, only, **broken)
    assert found.causes == ("rds_properties_enriched returns no company name for 1,240 records",)
    assert (found.offers, found.helps) == ((), NAMES.because[0].helps)
    fixed = measured(world, only, times=1, enriched_without_company_name=0)
    assert (fixed.offers, fixed.helps) == (("rerun",), NAMES.cases["clean_backlog"].helps)
