"""Somebody acknowledges an incident, takes it over, gives it back; and how long that lasts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerts.model import Did
from bot.errors import RefusedError, UncertainError
from bot.services.acknowledge import AcknowledgedError, acknowledge, unacknowledge
from bot.services.snooze import snooze
from checks.model import Severity
from tests.fakes import Fault, Said
from tests.services.conftest import ADA, GROUP, ROBIN, World


@pytest.mark.full
def test_the_root_names_who_has_acknowledged_it(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.clock.pass_(minutes=3)
    taken = acknowledge(world.ports, 1, ROBIN)
    assert (taken.acked_by, taken.acked_at) == (ROBIN, world.clock.now())
    assert world.incident().acked_by == ROBIN
    assert (world.incident().timeline[-1].did, world.incident().timeline[-1].by) == (Did.ACKNOWLEDGED, ROBIN)
    assert world.claimed() == ["root"]
    world.deliver()
    [root] = world.channel.roots()
    assert f"Acknowledged by <@{ROBIN}>" in root.text
    assert "acknowledge\n" not in root.text, "the button is gone"
    assert world.audit() == [(ROBIN, "acknowledge", "incident 1", "done")]


def test_the_second_press_is_told_who_was_first_and_the_word_takes_over(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    with pytest.raises(AcknowledgedError, match="Already acknowledged by") as refused:
        acknowledge(world.ports, 1, ADA, take_over=False)
    assert refused.value.people == (ROBIN,)
    assert world.incident().acked_by == ROBIN
    world.clock.pass_(minutes=1)
    taken = acknowledge(world.ports, 1, ADA)
    assert (taken.acked_by, taken.acked_at) == (ADA, world.clock.now())
    assert (taken.timeline[-1].did, taken.timeline[-1].by, taken.timeline[-1].detail) == (Did.TAKEN_OVER, ADA, ROBIN)
    assert world.audit()[-1] == (ADA, "acknowledge", "incident 1", f"taken over from {ROBIN}")
    world.deliver()
    assert f"Acknowledged by <@{ADA}>" in world.channel.roots()[0].text


def test_the_same_person_again_begins_the_time_anew(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.clock.pass_(hours=3)
    assert acknowledge(world.ports, 1, ROBIN, take_over=False).acked_at == world.clock.now()


def test_what_is_given_back_is_unacknowledged_and_escalates_again(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    assert unacknowledge(world.ports, 1, ADA).acked_by == ROBIN, "whose it was"
    assert (world.incident().acked_by, world.incident().acked_at) == (None, None)
    assert world.audit()[-1] == (ADA, "unacknowledge", "incident 1", f"was acknowledged by {ROBIN}")
    world.deliver()
    assert "Unacknowledged" in world.channel.roots()[0].text
    assert "acknowledge\n" in world.channel.roots()[0].text
    world.look(60, after=14)
    assert world.claimed() == []
    world.look(60, after=1)
    assert world.claimed() == ["root", "reminder"], "the root says when it escalates next"
    with pytest.raises(RefusedError, match="Nobody has acknowledged"):
        unacknowledge(world.ports, 1, ADA)


def test_a_critical_acknowledgment_lapses_after_four_hours_and_its_holder_is_warned_before(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.look(60, after=229)
    world.deliver()
    assert [said.kind for said in world.channel.thread()] == ["evidence"]
    world.look(60, after=1)
    world.deliver()
    warned = world.channel.thread()[-1]
    assert f"<@{ROBIN}> Your acknowledgment lapses soon" in warned.text
    assert "Acknowledge again" in warned.text
    assert not warned.broadcast
    world.look(60, after=10)
    world.deliver()
    assert world.incident().acked_by is None
    assert f"<@{ROBIN}> Acknowledgment lapsed" in world.channel.thread()[-1].text
    assert "Unacknowledged" in world.channel.roots()[0].text


def test_it_does_not_lapse_while_a_rerun_of_its_holder_is_in_progress(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.clock.pass_(minutes=225)
    world.rerun(ROBIN, "fixed")
    world.look(60, after=60)
    assert world.incident().acked_by == ROBIN
    assert Did.ACK_LAPSES not in [entry.did for entry in world.incident().timeline]


def test_that_of_a_rerun_of_somebody_else_does(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.rerun(ADA, "fixed")
    world.look(60, after=230)
    assert world.incident().timeline[-1].did is Did.ACK_LAPSES


def test_what_comes_back_needs_a_new_acknowledgment_and_is_told_in_the_channel_when_critical(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.look(7, after=5)
    world.look(7, after=10)
    world.deliver()
    world.look(60, after=5)
    world.deliver()
    assert world.incident().acked_by is None
    again = world.channel.thread()[-1]
    assert "Critical again since" in again.text
    assert again.broadcast


def test_a_warning_that_comes_back_is_told_in_its_thread_alone(world: World) -> None:
    world.open_incident(40)
    world.look(7, after=5)
    world.look(7, after=10)
    world.look(40, after=5)
    world.deliver()
    again = world.channel.thread()[-1]
    assert ("Warning again since" in again.text, again.broadcast) == (True, False)


def test_a_warning_that_turns_critical_ends_its_snooze(world: World) -> None:
    world.open_incident(40)
    snooze(world.ports, 1, "4h", ROBIN)
    world.look(60, after=5)
    assert (world.incident().severity, world.incident().snoozed_until) == (Severity.CRITICAL, None)


@pytest.mark.parametrize(("first", "kept"), [(60, True), (40, False)], ids=["of a critical one", "of a warning"])
def test_what_is_critical_again_soon_keeps_only_the_snooze_of_a_critical_one(
    world: World, first: int, kept: bool
) -> None:
    world.open_incident()
    world.look(first, after=5)
    if first == 60:
        snooze(world.ports, 1, "4h", ROBIN)
    world.look(40, after=5)
    world.look(40, after=10)
    if first == 40:
        snooze(world.ports, 1, "4h", ROBIN)
    world.look(60, after=5)
    assert [entry.did for entry in world.incident().timeline][-1] is Did.RETURNED
    assert (world.incident().snoozed_until is not None) is kept


@pytest.mark.full
def test_what_keeps_coming_back_says_so_and_escalates_all_the_same(world: World) -> None:
    world.open_incident()
    for _ in range(3):
        world.look(7, after=5)
        world.look(7, after=10)
        world.look(60, after=5)
        world.deliver()
    replies = [said.kind for said in world.channel.thread()]
    assert replies.count("reopened") == 2, "the third is said by the root alone"
    assert "Flapping: no replies until" in world.channel.roots()[0].text
    world.look(60, after=15)
    world.deliver()
    assert world.channel.thread()[-1].broadcast
    for _ in range(25):
        world.look(60, after=15)
        world.deliver()
    assert "Flapping" not in world.channel.roots()[0].text
    assert world.incident().flapping_until is None


def test_the_owner_is_mentioned_at_each_escalation(world: World) -> None:
    owned = tuple(check.model_copy(update={"owner": GROUP}) for check in world.ports.settings.checks)
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=owned))
    world.open_incident()
    for _ in range(4):
        world.look(60, after=15)
        world.deliver()
    calls = [said for said in world.channel.thread() if said.broadcast]
    assert len(calls) == 4
    assert all(f"<!subteam^{GROUP}> Escalated" in said.text for said in calls)


def escalated(world: World, times: int = 2) -> None:
    """An incident that nobody has acknowledged for a while."""
    world.open_incident()
    for _ in range(times):
        world.look(60, after=15)
        world.deliver()
    assert all("Next escalation" in said.text for said in reminders(world))


def reminders(world: World) -> list[Said]:
    return [said for said in world.channel.thread() if said.kind == "reminder"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda world: acknowledge(world.ports, 1, ROBIN), f"Acknowledged by <@{ROBIN}>"),
        (lambda world: snooze(world.ports, 1, "2h", ADA), f"Snoozed by <@{ADA}>"),
        (lambda world: (world.look(7, after=1), world.look(7, after=10)), "Resolved"),
    ],
    ids=["acknowledged", "snoozed", "resolved"],
)
def test_escalations_that_stand_in_the_thread_say_what_was_done_about_them(
    world: World, answer: Callable[[World], object], said: str
) -> None:
    escalated(world)
    answer(world)
    world.deliver()
    assert len(reminders(world)) == 2, "nothing is said anew"
    for one in reminders(world):
        assert said in one.text
        assert "Unacknowledged" not in one.text
        assert "Next escalation" not in one.text
        assert "Escalated: Companies without a name" in one.text


def test_an_escalation_that_was_answered_is_edited_once(world: World) -> None:
    escalated(world)
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    acknowledge(world.ports, 1, ADA)
    assert "reminder" not in world.claimed()
    assert f"<@{ROBIN}>" in reminders(world)[0].text


def test_an_escalation_that_may_have_arrived_is_looked_for_and_says_what_was_done_about_it(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.look(60, after=15)
    world.channel.fail_next("post", Fault(UncertainError("the connection broke"), done=True))
    world.deliver()
    acknowledge(world.ports, 1, ROBIN)
    world.deliver_patiently()
    [one] = reminders(world)
    assert f"Acknowledged by <@{ROBIN}>" in one.text


def test_an_escalation_says_how_often_it_comes_when_next_and_that_it_mentions_nobody(world: World) -> None:
    escalated(world, times=5)
    first, *_, last = reminders(world)
    assert "every 15 min, from the 4th on every 1 h" in first.text
    assert "every 1 h)" in last.text
    assert "Mentions nobody: `null_company_names` has no owner in pipeline.yml" in first.text


def test_a_resolved_or_unknown_incident_cannot_be_taken(world: World) -> None:
    world.open_incident()
    world.look(7, after=5)
    world.look(7, after=10)
    for incident_id in (1, 99):
        with pytest.raises(RefusedError, match="already resolved"):
            acknowledge(world.ports, incident_id, ROBIN)
    assert world.incident().acked_by is None


def test_an_acknowledgment_during_a_slow_evaluation_lasts_as_long_as_any(world: World) -> None:
    world.open_incident()
    world.deliver()
    asked = world.warehouse.ask

    def slow(question: str, **parameters: object) -> list[dict[str, object]]:
        world.clock.pass_(minutes=2)
        if world.incident().acked_by is None:
            acknowledge(world.ports, 1, ROBIN)
        return asked(question, **parameters)

    world.warehouse.ask = slow  # type: ignore[method-assign]
    world.look(60, after=1)
    assert world.incident().acked_by == ROBIN
    assert "reminder" not in world.claimed(), "it lapses in four hours, not now"


def test_giving_back_ends_the_snooze_too(world: World) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    snooze(world.ports, 1, "2h", ROBIN)
    unacknowledge(world.ports, 1, ROBIN)
    assert (world.incident().acked_by, world.incident().snoozed_until) == (None, None)
    world.look(60, after=16)
    assert "reminder" in world.claimed(), "it escalates"
