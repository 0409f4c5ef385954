"""Who may change something, decided from our own record."""

import pytest

from bot.errors import RefusedError, TemporaryError
from bot.services.authorise import Person, authorise, incident_to_change, note_refusal, thread_for
from tests.fakes import CHANNEL_ID, Fault, answer_lost
from tests.services.conftest import ADA, GROUP, ROBIN, SAM, World

HOME = "T1"


def person(id_: str, team: str = HOME) -> Person:
    return Person(id_, team, HOME)


def refusal(world: World, who: Person) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        authorise(world.ports, who)
    return refused.value


def test_operators_pass_and_leave_no_trace(world: World) -> None:
    world.channel.fail_next("members", Fault(TemporaryError("not asked")))
    authorise(world.ports, person(ROBIN))
    assert world.audit() == []


def test_others_are_refused_and_told_whom_to_ask(world: World) -> None:
    world.channel.groups[GROUP] = frozenset()
    refused = refusal(world, person(SAM))
    assert "Only operators may do that" in str(refused)
    assert refused.people == (ROBIN, ADA, GROUP)


def test_members_of_the_group_pass(world: World) -> None:
    world.channel.groups[GROUP] = frozenset({SAM})
    authorise(world.ports, person(SAM))


@pytest.mark.parametrize("failing", [True, False])
def test_who_cannot_be_looked_up_does_not_pass(world: World, failing: bool) -> None:
    if failing:
        world.channel.groups[GROUP] = frozenset({SAM})
        world.channel.fail_next("members", Fault(TemporaryError("Slack cannot be reached")))
    why = (
        "could not be looked up (Slack cannot be reached)"
        if failing
        else f"User group {GROUP} in pipeline.yml was deleted"
    )
    assert why in str(refusal(world, person(SAM)))


def test_named_operators_pass_while_the_group_cannot_be_looked_up(world: World) -> None:
    authorise(world.ports, person(ADA))


def test_people_of_other_workspaces_are_refused_even_with_an_operators_id(world: World) -> None:
    world.channel.groups[GROUP] = frozenset({SAM})
    for who in (ROBIN, SAM):
        assert "members of this workspace" in str(refusal(world, person(who, team="T2")))


def test_an_unknown_workspace_is_nobodys_home(world: World) -> None:
    assert "members of this workspace" in str(refusal(world, Person(ROBIN, "", "")))


def test_a_refusal_is_written_down(world: World) -> None:
    note_refusal(
        world.ports, world.clock.now(), person(SAM), "rerun", "incident 1", refusal(world, person(SAM, team="T2"))
    )
    assert world.audit() == [(SAM, "rerun", "incident 1", "refused: Only members of this workspace may do that.")]


def test_a_button_of_an_open_incidents_message_belongs_to_it(world: World) -> None:
    world.open_incident()
    world.deliver()
    [root] = world.channel.roots()
    assert thread_for(world.ports, "1", channel=CHANNEL_ID, ts=root.ts) == 1


@pytest.mark.full
def test_a_button_still_belongs_to_its_incident_after_a_lost_answer(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", answer_lost())
    world.deliver_patiently()
    [root] = world.channel.roots()
    assert thread_for(world.ports, "1", channel=CHANNEL_ID, ts=root.ts) == 1


def test_a_button_that_is_not_where_we_put_it_is_refused(world: World) -> None:
    world.open_incident()
    world.deliver()
    [root] = world.channel.roots()
    places = [("1", CHANNEL_ID, "1.0"), ("1", "C9999", root.ts), ("2", CHANNEL_ID, root.ts)]
    for incident_id, channel, ts in [*places, ("1 OR 1=1", CHANNEL_ID, root.ts), ("", CHANNEL_ID, root.ts)]:
        with pytest.raises(RefusedError, match="not one that Sync Health posted here"):
            thread_for(world.ports, incident_id, channel=channel, ts=ts)


def test_a_button_of_a_resolved_incident_is_refused(world: World) -> None:
    world.open_incident()
    world.deliver()
    [root] = world.channel.roots()
    world.look(7, after=5)
    world.look(7, after=10)
    with pytest.raises(RefusedError, match="is resolved already"):
        incident_to_change(world.ports, str(thread_for(world.ports, "1", channel=CHANNEL_ID, ts=root.ts)))


@pytest.mark.parametrize("incident_id", ["99", "x", "", "-1", "9" * 30, "9" * 5000])
def test_an_unknown_incident_is_refused(world: World, incident_id: str) -> None:
    with pytest.raises(RefusedError, match="There is no incident"):
        incident_to_change(world.ports, incident_id)
