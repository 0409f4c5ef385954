"""What is owed reaches Slack: in order, never lost, never twice."""

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import TemporaryError
from bot.model import Announcement, Kind, Place
from bot.services.acknowledge import acknowledge
from bot.services.deliver import CLAIM, deliver_all, deliver_next
from bot.services.snooze import snooze
from bot.services.summarise import summarise
from tests.fakes import (
    CHANNEL_ID,
    Fault,
    answer_lost,
    forbidden,
    patience,
    refused,
    request_lost,
)
from tests.services.conftest import ROBIN, World


def kinds(world: World) -> list[str]:
    return [said.kind for said in world.channel.everything()]


def resolve(world: World) -> None:
    world.look(7, after=5)
    world.look(7, after=10)


def second_incident(world: World) -> None:
    """Another trouble beside the first, as a check of its own would make it."""
    with world.store.transaction() as records:
        first = records.incident(1)
        assert first
        other = records.create_incident(replace(first, key="properties/other", title="Another trouble"))
        records.enqueue(other.id, Kind.ROOT)
        records.enqueue(other.id, Kind.EVIDENCE)


def test_the_root_comes_first_and_the_evidence_is_in_its_thread(world: World) -> None:
    world.open_incident()
    assert world.deliver() == 2
    [root] = world.channel.roots()
    assert "60 properties have no company name" in root.text
    [evidence] = world.channel.thread(root.ts)
    assert evidence.kind is Kind.EVIDENCE
    assert "Mend the view first." in evidence.text
    assert world.claimed() == []
    assert world.deliver() == 0


def test_nothing_owed_asks_slack_nothing(world: World) -> None:
    assert deliver_next(world.ports, "sender") is False
    assert world.channel.calls == []


def test_a_message_is_rendered_from_what_holds_when_it_is_sent(world: World) -> None:
    world.open_incident(60)
    world.look(75, after=5)
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    [root] = world.channel.roots()
    assert "75 properties" in root.text
    assert f"Acknowledged by <@{ROBIN}>" in root.text
    assert root.edits == 0, "one message, not three"


def test_several_changes_become_one_edit(world: World) -> None:
    world.open_incident(60)
    world.deliver()
    for value in (70, 80, 90):
        world.look(value, after=4)
    assert world.deliver() == 1
    assert [(root.edits, "90 properties" in root.text) for root in world.channel.roots()] == [(1, True)]


def test_slack_being_down_delays_the_alert_but_never_loses_it(world: World) -> None:
    world.open_incident()
    world.channel.fail(refused())
    for _ in range(30):
        world.deliver()
        world.clock.pass_real(seconds=20)
    assert world.channel.everything() == []
    assert [one.why for one in summarise(world.ports).undelivered] == ["the connection was refused"]
    world.channel.heal()
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]
    assert world.channel.thread()[0].kind is Kind.EVIDENCE
    assert summarise(world.ports).undelivered == ()


def test_a_refused_message_waits_a_moment_before_the_next_attempt(world: World) -> None:
    world.open_incident()
    world.channel.fail(refused())
    world.deliver()
    assert len(world.channel.calls) == 1
    world.clock.pass_real(seconds=1.9)
    assert world.deliver() == 0
    world.clock.pass_real(seconds=0.1)
    assert world.deliver() == 1


@pytest.mark.parametrize("lost", [["post"], ["post", "post"]])
def test_a_message_whose_answer_was_lost_is_looked_up_and_not_doubled(world: World, lost: list[str]) -> None:
    world.open_incident()
    world.channel.fail_next("post", answer_lost())
    world.channel.fail_next("find", *[refused() for _ in lost])
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]
    assert world.channel.calls.count(("post", Kind.ROOT)) == 1
    assert world.channel.thread()[0].kind is Kind.EVIDENCE, "and the thread is anchored to it"


def test_a_lost_answer_in_the_thread_is_looked_up_there(world: World) -> None:
    world.open_incident()
    deliver_next(world.ports, "sender")
    world.channel.fail_next("post", answer_lost())
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]


def test_a_message_whose_request_was_lost_is_looked_for_and_sent(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", request_lost())
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]
    assert [method for method, kind in world.channel.calls if kind is Kind.ROOT][:3] == ["post", "find", "post"]


def test_doubt_outlives_every_other_failure(world: World) -> None:
    """Each failure on the way could make the sender forget that the message may be there."""
    world.open_incident()
    world.channel.fail_next("post", answer_lost())
    world.channel.fail_next("find", refused(), patience(3), forbidden(), request_lost())
    for _ in range(10):
        world.deliver()
        world.clock.pass_real(seconds=61)
    assert kinds(world) == ["root", "evidence"]


def test_a_sender_that_died_after_posting_leaves_no_second_message(world: World) -> None:
    world.open_incident()
    claimed = world.claim("dead")
    world.channel.post(claimed.announcement)
    assert world.deliver() == 0, "it may still be at it"
    world.clock.pass_real(seconds=CLAIM + 1)
    world.deliver()
    assert kinds(world) == ["root", "evidence"]


def test_a_sender_that_died_before_posting_loses_nothing(world: World) -> None:
    world.open_incident()
    world.claim("dead")
    world.clock.pass_real(seconds=CLAIM + 1)
    world.deliver()
    assert kinds(world) == ["root", "evidence"]


def test_an_adopted_message_shows_what_holds_now(world: World) -> None:
    """It was written before its answer was lost; what happened since has to be seen all the same."""
    world.open_incident(60)
    world.channel.fail_next("post", answer_lost())
    world.deliver()
    acknowledge(world.ports, 1, ROBIN)
    world.deliver_patiently()
    [root] = world.channel.roots()
    assert f"Acknowledged by <@{ROBIN}>" in root.text


def test_an_adopted_root_of_what_is_over_says_that_it_is_over(world: World) -> None:
    world.open_incident(60)
    world.channel.fail_next("post", answer_lost())
    world.deliver()
    resolve(world)
    world.deliver_patiently()
    [root] = world.channel.roots()
    assert "Resolved" in root.text


def test_a_429_pauses_the_channel_only_as_long_as_told(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", patience(30))
    world.deliver()
    assert len(world.channel.calls) == 1
    world.clock.pass_real(seconds=29)
    assert world.deliver() == 0
    world.clock.pass_real(seconds=1)
    assert world.deliver() == 2
    assert kinds(world) == ["root", "evidence"]


def test_whole_seconds_of_a_429_count_like_others(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", Fault(TemporaryError("Slack asks for patience", retry_after=30)))
    world.deliver()
    world.clock.pass_real(seconds=29)
    assert world.deliver() == 0


def test_the_pipelines_fast_clock_does_not_shorten_a_429(world: World) -> None:
    world.clock.speed = 60
    world.open_incident()
    world.channel.fail_next("post", patience(30))
    world.deliver()
    world.clock.pass_(minutes=20)
    assert world.deliver() == 0
    world.clock.pass_(minutes=10)
    assert world.deliver() == 2


def test_a_429_holds_for_every_incident_of_the_channel(world: World) -> None:
    world.open_incident()
    second_incident(world)
    world.channel.fail_next("post", patience(30))
    world.deliver()
    assert world.channel.calls == [("post", Kind.ROOT)]


def test_a_429_in_a_thread_holds_for_new_incidents_of_the_channel_too(world: World) -> None:
    """The channel is known by its name before the first message and by its id afterwards; it is the same one."""
    world.open_incident()
    deliver_next(world.ports, "sender")
    second_incident(world)
    world.channel.fail_next("post", patience(30))
    before = len(world.channel.calls)
    world.deliver()
    assert world.channel.calls[before:] == [("post", Kind.EVIDENCE)]


def test_a_429_on_a_new_incident_holds_for_the_threads_of_the_channel_too(world: World) -> None:
    world.open_incident()
    world.deliver()
    second_incident(world)
    world.look(75, after=5)
    world.channel.fail_next("edit", refused())
    world.channel.fail_next("post", patience(30))
    before = len(world.channel.calls)
    world.deliver()
    world.clock.pass_real(seconds=5)  # the refused edit would be due by now
    world.deliver()
    assert world.channel.calls[before:] == [("edit", Kind.ROOT), ("post", Kind.ROOT)]


def test_trouble_with_one_incident_does_not_hold_up_another(world: World) -> None:
    world.open_incident()
    second_incident(world)
    world.channel.fail_next("post", refused())
    world.deliver()
    assert {said.incident_id for said in world.channel.everything()} == {2}
    assert kinds(world) == ["root", "evidence"]


def test_a_reply_never_overtakes_its_root(world: World) -> None:
    world.open_incident()
    world.channel.fail_next("post", refused(), request_lost(), patience(5), forbidden())
    for _ in range(20):
        world.deliver()
        for reply in (said for said in world.channel.everything() if said.kind is not Kind.ROOT):
            assert reply.thread_ts == world.channel.roots()[0].ts
        world.clock.pass_real(seconds=15)
    assert kinds(world) == ["root", "evidence"]


@pytest.mark.parametrize("replies", [True, False])
def test_a_deleted_root_is_posted_anew_and_the_thread_goes_on_there(world: World, replies: bool) -> None:
    world.open_incident()
    world.deliver()
    [root] = world.channel.roots()
    if not replies:
        [evidence] = world.channel.thread(root.ts)
        world.channel.delete(evidence.ts)
    world.channel.delete(root.ts)
    world.look(75, after=5)
    world.deliver()
    [anew] = world.channel.roots()
    assert anew.ts != root.ts
    assert "75 properties" in anew.text
    resolve(world)
    world.deliver()
    assert [said.kind for said in world.channel.thread(anew.ts)] == [Kind.RESOLVED]


def test_a_reply_to_a_deleted_root_brings_the_root_back(world: World) -> None:
    """The number stays the same, so that nothing else would ever edit the root and find it gone."""
    world.open_incident()
    deliver_next(world.ports, "sender")
    world.channel.delete(world.channel.roots()[0].ts)
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]
    assert len(world.channel.thread()) == 1


def test_what_fired_and_recovered_while_slack_was_down_is_one_message(world: World) -> None:
    world.channel.fail(refused())
    world.open_incident()
    world.deliver()
    resolve(world)
    world.deliver()
    world.channel.heal()
    world.deliver_patiently()
    [only] = world.channel.everything()
    assert only.kind is Kind.ROOT
    assert "Resolved" in only.text
    assert world.claimed() == []


def test_what_escalated_and_recovered_while_slack_was_down_rings_nobody(world: World) -> None:
    world.open_incident(40)
    world.deliver()
    world.channel.fail(refused())
    world.look(60, after=5)
    resolve(world)
    world.deliver()
    world.channel.heal()
    world.deliver_patiently()
    assert [said.text for said in world.channel.everything() if said.broadcast] == []
    assert [said.kind for said in world.channel.thread()] == [Kind.EVIDENCE, Kind.RESOLVED]


def test_what_resolved_twice_while_slack_was_down_is_told_resolved_once(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.channel.fail(refused())
    resolve(world)
    world.look(60, after=5)
    resolve(world)
    world.channel.heal()
    world.deliver_patiently()
    assert [said.kind for said in world.channel.thread()] == [Kind.EVIDENCE, Kind.RESOLVED]


@pytest.mark.full
def test_what_escalated_and_eased_while_slack_was_down_is_told_once(world: World) -> None:
    world.open_incident(40)
    world.deliver()
    world.channel.fail(refused())
    world.look(60, after=5)
    world.look(40, after=5)
    world.look(40, after=10)
    world.channel.heal()
    world.deliver_patiently()
    assert [said.kind for said in world.channel.thread()] == [Kind.EVIDENCE, Kind.SEVERITY]


def test_a_resolve_line_that_is_no_longer_so_is_not_told(world: World) -> None:
    world.open_incident()
    world.deliver()
    resolve(world)
    world.look(60, after=5)
    world.deliver()
    assert [said.kind for said in world.channel.thread()] == [Kind.EVIDENCE, Kind.REOPENED]
    assert "Resolved" not in world.channel.roots()[0].text


def test_resolving_again_after_a_return_is_told_again(world: World) -> None:
    world.open_incident()
    world.deliver()
    for value in (7, 60, 7):
        world.look(value, after=5)
        world.look(value, after=10)
        world.deliver()
    assert [said.kind for said in world.channel.thread()] == [
        *(Kind.EVIDENCE, Kind.RESOLVED, Kind.REOPENED, Kind.RESOLVED)
    ]


def test_an_escalation_is_also_sent_to_the_channel_and_easing_is_not(world: World) -> None:
    world.open_incident(40)
    world.look(60, after=5)
    world.deliver()
    world.look(40, after=5)
    world.look(40, after=10)
    world.deliver()
    _, up, down = world.channel.thread()
    assert ("Now critical" in up.text, up.broadcast) == (True, True)
    assert ("Eased" in down.text, down.broadcast) == (True, False)


def test_what_slack_refuses_for_good_is_kept_and_people_see_why(world: World) -> None:
    world.open_incident()
    world.channel.fail(forbidden("not_in_channel"))
    for _ in range(5):
        world.deliver()
        world.clock.pass_real(minutes=10)
    assert len(world.channel.calls) == 5, "not hammered"
    assert world.claimed() == ["root", "evidence"]
    assert "not_in_channel" in str(summarise(world.ports).undelivered)
    world.channel.heal()
    world.deliver_patiently()
    assert kinds(world) == ["root", "evidence"]
    assert summarise(world.ports).undelivered == ()


def test_a_change_while_a_message_is_being_sent_is_not_lost(world: World) -> None:
    world.open_incident(60)
    claimed = world.claim()
    place = world.channel.post(claimed.announcement)
    world.look(75, after=0.5)
    assert world.store.mark_sent(claimed, "sender", place=place)
    world.deliver()
    assert "75 properties" in world.channel.roots()[0].text


def test_a_sender_that_lost_its_claim_changes_nothing_any_more(world: World) -> None:
    world.open_incident()
    frozen = world.claim("frozen")
    world.clock.pass_real(seconds=CLAIM + 1)
    world.deliver("other")
    late = world.channel.post(frozen.announcement)
    assert world.store.mark_sent(frozen, "frozen", place=late) is False
    world.look(75, after=5)
    world.deliver("other")
    assert "75 properties" in world.channel.roots()[0].text, "the first message is the one that lives"


class Sleeper:
    """A channel whose sender freezes in the middle of a post, until another has taken over and sent everything."""

    def __init__(self, world: World, fault: Fault | None = None) -> None:
        self.world, self.fault, self.asleep = world, fault, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.channel, name)

    def post(self, announcement: Announcement) -> Place:
        if not self.asleep:
            self.asleep = True
            self.world.clock.pass_real(seconds=CLAIM + 1)
            self.world.deliver("other")
            if self.fault:
                self.world.channel.fail_next("post", self.fault)
        return self.world.channel.post(announcement)


@pytest.mark.parametrize("fault", [None, answer_lost(), request_lost()], ids=["posts", "answer lost", "request lost"])
def test_a_sender_that_froze_in_mid_call_takes_its_copy_back(world: World, fault: Fault | None) -> None:
    world.open_incident()
    frozen = replace(world.ports, messenger=Sleeper(world, fault))  # type: ignore[arg-type]
    assert deliver_next(frozen, "frozen")
    [root] = world.channel.roots()
    assert [message.kind for message in world.channel.everything()] == ["root", "evidence"]
    world.look(75, after=5)
    world.deliver("other")
    assert "75 properties" in world.channel.roots()[0].text
    assert world.channel.roots()[0].ts == root.ts, "the older one lives on"


def test_a_copy_that_cannot_be_taken_back_is_logged_and_nothing_else_suffers(world: World, caplog) -> None:
    world.open_incident()
    world.channel.fail_next("take_back", refused())
    frozen = replace(world.ports, messenger=Sleeper(world))  # type: ignore[arg-type]
    assert deliver_next(frozen, "frozen")
    assert "may be there twice" in caplog.text
    assert len(world.channel.roots()) == 2


def test_only_one_process_sends(world: World) -> None:
    world.open_incident()
    assert world.store.take_lease("leader", "other", world.clock, 60)
    assert deliver_all(world.ports, "me") == 0
    assert world.channel.calls == []
    world.store.release_lease("leader", "other")
    assert deliver_all(world.ports, "me") == 2
    assert world.store.take_lease("leader", "other", world.clock, 60), "the lease was given back"


def test_what_nobody_foresaw_of_one_message_is_not_in_the_way_of_others_and_the_lease_is_given_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.open_incident()
    second_incident(world)
    world.channel.fail_next("post", Fault(RuntimeError("unforeseen")))  # type: ignore[arg-type]
    deliver_all(world.ports, "me")
    assert len(world.channel.roots()) == 2
    assert "a message met something unforeseen" in caplog.text
    assert world.store.take_lease("leader", "other", world.clock, 60)


def test_the_lease_of_a_command_is_kept_while_it_sends(world: World) -> None:
    world.open_incident()
    post, taken = world.channel.post, list[bool]()

    def slowly(message: Announcement) -> Place:
        taken.append(world.store.take_lease("leader", "other", world.clock, 60))
        world.clock.pass_real(seconds=40)
        return post(message)

    world.channel.post = slowly  # type: ignore[method-assign]
    assert deliver_all(world.ports, "me") == 2
    assert taken == [False, False]


def test_it_stops_after_as_many_as_it_may(world: World) -> None:
    world.open_incident()
    second_incident(world)
    assert deliver_all(world.ports, "me", most=3) == 3
    assert len(world.channel.everything()) == 3


def test_messages_are_posted_to_the_channel_by_id_once_it_is_known(world: World) -> None:
    world.open_incident()
    world.deliver()
    assert {place for (place,) in world.rows("SELECT posted_in FROM outbox")} == {CHANNEL_ID}


def test_an_escalation_that_slack_held_up_is_not_sent_once_somebody_has_acknowledged(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.look(60, after=20)
    assert world.claimed() == ["root", "reminder"]
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    assert Kind.REMINDER not in kinds(world)
    assert world.claimed() == []


def test_a_reminder_held_up_is_not_sent_into_a_snooze(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.look(60, after=20)
    snooze(world.ports, 1, "1h", ROBIN)
    world.deliver()
    assert Kind.REMINDER not in kinds(world)


@pytest.mark.parametrize("again", [False, True])
def test_a_warning_that_an_ack_lapses_is_not_sent_to_who_has_acknowledged_again(world: World, again: bool) -> None:
    world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    world.look(60, after=3 * 60 + 51)
    if again:
        acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    assert (Kind.REMINDER in kinds(world)) is not again
