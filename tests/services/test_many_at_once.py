"""More than five alerts that begin at once are one message; each still lives its own life."""

from dataclasses import replace

import pytest

from bot.alerts.model import Did, State
from bot.errors import RefusedError
from bot.services.acknowledge import AcknowledgedError, acknowledge, unacknowledge
from bot.services.authorise import thread_for
from bot.services.run_checks import run_checks
from bot.services.show_incident import incident_meant, show_incidents
from bot.services.snooze import snooze
from checks.model import Check
from tests.services.conftest import ADA, CHECK, ROBIN, World

NAMES = ["a", "b", "c", "d", "e", "f", "g"]


def check_on(name: str) -> Check:
    """A check of its own number, told at once and over at once."""
    changes = {"name": name, "metric": name, "title": f"Number {name}", "rerun": None}
    return CHECK.model_copy(update=changes | {"for_": CHECK.for_ * 0, "keep_firing_for": CHECK.for_ * 0})


@pytest.fixture
def crowd(world: World) -> World:
    world.ports = replace(
        world.ports, settings=replace(world.ports.settings, checks=tuple(check_on(name) for name in NAMES))
    )
    return world


def look(crowd: World, after: float = 5, **numbers: int) -> None:
    """So many minutes later these numbers are as given, all others are well."""
    crowd.clock.pass_(minutes=after)
    crowd.numbers(**dict.fromkeys(NAMES, 0) | numbers)
    run_checks(crowd.ports)
    crowd.deliver()


def break_(crowd: World, count: int, value: int = 60) -> None:
    look(crowd, **dict.fromkeys(NAMES[:count], value))


def test_five_at_once_are_five_messages(crowd: World) -> None:
    break_(crowd, 5)
    assert len(crowd.channel.roots()) == 5


def test_six_at_once_are_one_message_with_a_line_for_each_and_one_reply(crowd: World) -> None:
    break_(crowd, 6)
    [root] = crowd.channel.roots()
    assert "6 alerts at once" in root.text
    for name in NAMES[:6]:
        assert f"Number {name}: 60 (threshold &gt; 50)" in root.text
    assert [reply.kind for reply in crowd.channel.thread(root.ts)] == ["evidence"]


def test_each_resolves_as_its_own_line_and_the_end_is_told_once(crowd: World) -> None:
    break_(crowd, 7)
    look(crowd, after=10, a=60, b=60)
    [root] = crowd.channel.roots()
    assert "2 of 7 alerts open" in root.text
    assert root.text.count("✅ Number") == 5
    assert [reply.kind for reply in crowd.channel.thread()] == ["evidence"], "nothing is over yet"
    look(crowd, after=10)
    [root] = crowd.channel.roots()
    assert "✅ Resolved · properties: 7 alerts" in root.text
    [_, end] = crowd.channel.thread()
    assert end.kind == "resolved"
    assert not end.broadcast
    assert "(20 min)" in end.text


def test_acknowledge_covers_all_that_are_open_and_nothing_else(crowd: World) -> None:
    break_(crowd, 6)
    look(crowd, a=60, b=60, c=60, d=60, e=60)  # f is over
    acknowledge(crowd.ports, 1, ROBIN)
    crowd.deliver()
    assert [crowd.incident(n).acked_by for n in range(1, 7)] == [ROBIN] * 5 + [None]
    [root] = crowd.channel.roots()
    assert f"Acknowledged by <@{ROBIN}>" in root.text
    assert "Acknowledge\n" not in root.text, "the button"
    assert len([row for row in crowd.audit() if row[1] == "acknowledge"]) == 5
    with pytest.raises(AcknowledgedError) as refused:
        acknowledge(crowd.ports, 3, ADA, take_over=False)
    assert refused.value.people == (ROBIN,)


def test_whatever_the_first_ones_state_the_button_of_the_root_covers_all_that_is_open(crowd: World) -> None:
    break_(crowd, 6)
    look(crowd, b=60, c=60)  # the first is over
    [root] = crowd.channel.roots()
    first = thread_for(crowd.ports, "1", channel="C0001", ts=root.ts)
    acknowledge(crowd.ports, first, ROBIN, take_over=False)
    [*snoozed] = snooze(crowd.ports, first, "2h", ADA)
    crowd.deliver()
    assert [one.id for one in snoozed] == [2, 3]
    assert [crowd.incident(n).acked_by for n in (1, 2, 3)] == [None, ROBIN, ROBIN]
    [root] = crowd.channel.roots()
    assert f"Acknowledged by <@{ROBIN}>" in root.text
    assert f"by <@{ADA}>" in root.text.partition("Snoozed until")[2]
    unacknowledge(crowd.ports, first, ROBIN)
    crowd.deliver()
    assert "Unacknowledged" in crowd.channel.roots()[0].text


def test_a_root_on_which_some_are_acknowledged_says_how_many_and_still_has_its_button(crowd: World) -> None:
    break_(crowd, 6)
    acknowledge(crowd.ports, 1, ROBIN)
    look(crowd, **dict.fromkeys(NAMES[1:6], 60))
    look(crowd, **dict.fromkeys(NAMES[:6], 60))  # the first again, which takes its acknowledgment away
    [root] = crowd.channel.roots()
    assert f"5 of 6 acknowledged by <@{ROBIN}>" in root.text
    assert "Acknowledge\n" in root.text
    acknowledge(crowd.ports, 1, ADA, take_over=False)
    assert [crowd.incident(n).acked_by for n in (1, 2)] == [ADA, ROBIN], "the button takes nothing from others"
    acknowledge(crowd.ports, 1, ADA)
    assert crowd.incident(2).acked_by == ADA


def test_of_many_that_turn_critical_at_once_one_is_sent_to_the_channel(crowd: World) -> None:
    break_(crowd, 6)
    look(crowd)
    break_(crowd, 6)
    again = [reply for reply in crowd.channel.thread() if reply.kind == "reopened"]
    assert [reply.broadcast for reply in again] == [True, *[False] * 5]


def test_without_a_number_the_only_thread_is_meant(crowd: World) -> None:
    break_(crowd, 6)
    assert incident_meant(crowd.ports, "").thread == 1


def test_the_button_of_the_shared_message_is_one_of_ours_for_every_incident_in_it(crowd: World) -> None:
    break_(crowd, 6)
    [root] = crowd.channel.roots()
    for n in range(1, 7):
        assert thread_for(crowd.ports, str(n), channel="C0001", ts=root.ts) == n
    with pytest.raises(RefusedError, match="not one that Sync Health posted here"):
        thread_for(crowd.ports, "1", channel="C0001", ts="1.000000")


def test_whoever_lists_the_incidents_is_led_to_the_shared_thread(crowd: World) -> None:
    break_(crowd, 6)
    [root] = crowd.channel.roots()
    assert {place.ts for place in show_incidents(crowd.ports, 10)[2].values()} == {root.ts}


def test_one_that_comes_back_soon_is_told_in_the_same_thread(crowd: World) -> None:
    break_(crowd, 6)
    look(crowd)
    look(crowd, a=60)
    [root] = crowd.channel.roots()
    assert "1 of 6 alerts open" in root.text
    assert crowd.incident(1).state is State.FIRING


def test_one_that_begins_later_has_a_message_of_its_own(crowd: World) -> None:
    break_(crowd, 6)
    break_(crowd, 7)
    assert len(crowd.channel.roots()) == 2


def test_nobody_is_reminded_of_each_of_them(crowd: World) -> None:
    break_(crowd, 6)
    break_(crowd, 6, value=61)  # 5 min
    for _ in range(3):
        break_(crowd, 6)
    replies = crowd.channel.thread()
    assert [reply.kind for reply in replies] == ["evidence", "reminder"]
    assert replies[1].broadcast, "critical, and nobody has it"
    assert "the others in this thread" in replies[1].text
    assert all(any(e.did is Did.CALLED for e in crowd.incident(n).timeline) for n in range(1, 7))


def test_a_shared_root_that_somebody_deleted_is_posted_anew_for_all(crowd: World) -> None:
    break_(crowd, 6)
    [root] = crowd.channel.roots()
    crowd.channel.delete(root.ts)
    look(crowd, a=60)
    crowd.deliver_patiently()
    [again] = crowd.channel.roots()
    assert "1 of 6 alerts open" in again.text


def test_what_fired_and_ended_while_slack_was_down_is_one_message(crowd: World) -> None:
    from tests.fakes import refused

    crowd.channel.fail(refused())
    break_(crowd, 6)
    look(crowd, after=10)
    crowd.channel.heal()
    crowd.deliver_patiently()
    [root] = crowd.channel.roots()
    assert "✅ Resolved · properties: 6 alerts" in root.text
    assert crowd.channel.thread() == []
