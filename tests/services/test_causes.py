"""What an incident keeps of its circumstances: causes, what can help now, the next step, its worst value."""

from dataclasses import replace

import pytest

from bot.alerts.model import Action, ActionState, Did, Incident, State
from bot.alerts.rejections import Rejection
from bot.config.load import rejections_of
from bot.facts import Schedule
from bot.messages.native import Told
from bot.messages.post_mortem import cause_lines
from bot.model import Kind
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.acknowledge import acknowledge
from bot.services.run_checks import run_checks
from tests.fakes import HEALTH, shipped_settings
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


def asleep(world: World, ports: Ports) -> Incident:
    """The incident after an evaluation for which the warehouse is not asked again."""
    world.warehouse.runs_anyway = False
    world.clock.pass_(minutes=5)
    evaluation, _ = run_checks(ports, thrifty=True)
    assert all(one.carried for one in evaluation.results if one.check == "suspect_records")
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
        (0, 0, ("Not in the backlog: no property is pending in Sync B",), (), NAMES.cases["empty_backlog"].helps),
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
    assert (over.state, over.causes, over.offers) == (State.RECOVERING, later.causes, ())
    assert later.causes, "which a post-mortem asks for"
    world.deliver()
    [root] = world.channel.roots()
    assert "Recovering" in root.text
    assert "Cause" not in root.text and later.causes[0] not in root.text
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


def test_rejections_of_a_destination_without_codes_are_named_by_what_they_say(world: World, whole: Ports) -> None:
    hubspot = replace(
        whole, settings=replace(whole.settings, destination="HubSpot", rejections=rejections_of("HubSpot"))
    )
    run = world.census.start(world.sync_b)
    world.census.finish(run.id, records_updated=50, records_failed=50, records_invalid=0)
    said = "Contact already exists. Existing ID: {}"
    world.census.details[run.id] = [Rejection(f"{n}", "rejected", said.format(n)) for n in range(50)]
    found = measured(world, hubspot, times=1)
    assert found.causes == (f"Contact already exists: 50 of 50 rejected records in run {run.id}",)
    assert found.helps.startswith("Another record in HubSpot has this unique value")


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
    assert (backlog.check, backlog.sync, backlog.offers) == ("backlog", "Sync B", ("rerun",))
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


def test_a_cause_that_ended_stays_in_the_timeline_whatever_number_it_had(world: World, whole: Ports) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    measured(world, only, null_company_names=60, update_queue=240, enriched_without_company_name=1240)
    again = measured(world, only, times=1, enriched_without_company_name=1250)
    assert Did.CAUSE_ENDED not in [entry.did for entry in again.timeline], "the same cause"
    fixed = measured(world, only, times=2, enriched_without_company_name=0)
    cause = "rds_properties_enriched returns no company name for 1,250 records"
    assert [entry.detail for entry in fixed.timeline if entry.did is Did.CAUSE_ENDED] == [cause]
    assert (cause in fixed.causes, cause in fixed.every_cause) == (False, True)
    [said] = cause_lines(fixed)[-1]
    assert isinstance(said, Told) and said.text.startswith(f"{cause}, until {{")


def test_suspect_records_of_a_sync_that_is_paused_by_now_have_another_next_step(world: World, whole: Ports) -> None:
    before = measured(world, whole, update_queue_suspicious=12, enriched_without_company_name=40)
    assert (before.check, before.offers) == ("suspect_records", ("pause",))
    assert "Pause the sync until then" in before.helps
    assert before.causes == ("rds_properties_enriched returns no company name for 40 records",)
    world.census.pause(world.sync_b)
    paused = asleep(world, whole)
    assert (paused.offers, paused.causes) == ((), before.causes)
    assert paused.helps.startswith("Fix the company name in rds_properties_enriched, then resume the sync.")
    world.deliver()
    assert "Pause" not in "".join(said.text for said in world.channel.everything() if "12 suspect" in said.text)
    world.census.resume(world.sync_b)
    assert (again := asleep(world, whole)).offers == before.offers
    assert again.helps == before.helps


def test_what_can_help_wrong_values_stays_while_their_measured_reason_is_carried_over(
    world: World, whole: Ports
) -> None:
    only = replace(whole, settings=replace(whole.settings, checks=(NAMES,)))
    before = measured(world, only, null_company_names=60, enriched_without_company_name=40)
    assert (before.causes[0][:23], before.offers) == ("rds_properties_enriched", ())
    assert asleep(world, only) == before, "no rerun is offered because the reason was not measured again"


@pytest.mark.parametrize(
    ("suspect", "what", "step"),
    [
        (0, "180 pending properties", "Resume it, unless it was paused on purpose."),
        (12, "180 pending properties, 12 suspect (no company name)", "Fix the suspect records before you resume it:"),
    ],
)
def test_the_alert_of_a_pause_says_what_to_look_at_before_resuming(
    world: World, whole: Ports, suspect: int, what: str, step: str
) -> None:
    only = tuple(one for one in whole.settings.checks if one.name == "schedule_enabled")
    ports = replace(whole, settings=replace(whole.settings, checks=only))
    world.census.pause(world.sync_b)
    found = measured(world, ports, update_queue_suspicious=suspect)
    assert found.summary == f"Sync B is paused in Census: {what}"
    assert found.helps.startswith(step)
    assert found.offers == (() if suspect else ("resume",))


def test_a_sync_without_a_schedule_is_not_to_be_resumed(world: World, whole: Ports) -> None:
    only = tuple(one for one in whole.settings.checks if one.name == "schedule_enabled")
    ports = replace(whole, settings=replace(whole.settings, checks=only))
    world.census.set_schedule(world.sync_b, Schedule("never", paused=False))
    found = measured(world, ports, update_queue_suspicious=12)
    assert found.summary == "Sync B has no schedule in Census: 180 pending properties, 12 suspect (no company name)"
    assert found.helps.startswith("Restore its schedule in Census.")


def test_the_evidence_shows_the_value_of_the_run_that_it_names(world: World, whole: Ports) -> None:
    def rejected(count: int) -> int:
        run = world.census.start(world.sync_b)
        world.census.finish(run.id, records_updated=100 - count, records_failed=count, records_invalid=0)
        world.census.details[run.id] = [Rejection("1", "rejected", "UNABLE_TO_LOCK_ROW: busy")]
        measured(world, whole, times=1)
        world.deliver()
        return run.id

    first, second = rejected(40), rejected(20)
    [evidence] = [said.text for said in world.channel.thread() if said.kind is Kind.EVIDENCE]
    assert f"*Latest run* {second}" in evidence.replace(f"<|{second}>", str(second))
    assert "20.0%" in evidence and "*Value*\n40" not in evidence
    assert f"*Latest run* {first}" not in evidence
