"""A maintenance window: nothing is sent meanwhile, everything is recorded, and its end is one message."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.alerts.model import Action, ActionState, Did, Maintenance, State
from bot.errors import RefusedError
from bot.model import Kind, Outage
from bot.services.acknowledge import acknowledge
from bot.services.maintenance import begin_maintenance, end_due_maintenance, end_maintenance
from bot.services.summarise import summarise
from checks.model import Severity
from tests.fakes import CHANNEL, Said, answer_lost
from tests.services.conftest import ADA, ROBIN, World

BEGUN = "Nothing is sent to the channel meanwhile"


def begin(world: World, span: str = "2h") -> Maintenance:
    """Somebody begins one; the channel is told so, and that nothing else will come."""
    before = len(world.channel.roots())
    window = begin_maintenance(world.ports, span, "loading old records", ROBIN)
    world.deliver()
    [told] = world.channel.roots()[before:]
    assert BEGUN in told.text
    return window


def after(messages: list[Said]) -> list[Said]:
    """Without what says that one begins."""
    return [message for message in messages if BEGUN not in message.text]


def said(world: World) -> list[Kind]:
    return [message.kind for message in after(world.channel.everything())]


def roots(world: World) -> list[Said]:
    return after(world.channel.roots())


def did(world: World) -> list[Did]:
    return [entry.did for entry in world.incident().timeline]


def live(world: World, minutes: int, nameless: int) -> None:
    """The bot goes on: it evaluates, delivers and looks whether the window is over."""
    for _ in range(0, minutes, 5):
        world.look(nameless, after=5)
        end_due_maintenance(world.ports)
        world.deliver()


def test_the_channel_is_told_that_it_begins_until_when_by_whom_and_why(world: World) -> None:
    begin(world)
    [told] = world.channel.roots()
    assert "properties: Maintenance window until" in told.text
    assert f"by <@{ROBIN}>: loading old records" in told.text
    begin_maintenance(world.ports, "3h", "more of it", ADA)
    world.deliver()
    assert "more of it" in world.channel.roots()[-1].text, "it goes on until another time"


def test_a_window_that_ends_before_anybody_heard_of_it_is_one_message(world: World) -> None:
    begin_maintenance(world.ports, "2h", "loading old records", ROBIN)
    end_maintenance(world.ports, ADA)
    world.deliver()
    [told] = world.channel.roots()
    assert "maintenance window ended" in told.text


def test_nothing_is_sent_meanwhile_and_everything_is_recorded(world: World) -> None:
    world.look(7)
    begin(world)
    live(world, 60, nameless=60)
    live(world, 30, nameless=7)
    assert said(world) == []
    assert world.incident().state is State.OK
    assert did(world) == [Did.OPENED, Did.RECOVERING, Did.RESOLVED]
    with world.store.transaction() as records:
        records.enqueue_digest(CHANNEL)
        records.enqueue_absence(Outage(world.clock.now(), world.clock.now()), CHANNEL)
    assert world.deliver() == 0, "nor the daily summary"


@pytest.mark.full
def test_its_end_is_one_message_about_what_came_and_went(world: World) -> None:
    world.look(7)
    begin(world)
    live(world, 60, nameless=60)
    live(world, 70, nameless=7)
    assert said(world) == [Kind.MAINTENANCE]
    [summary] = roots(world)
    assert "1 opened, 1 resolved, 0 still open" in summary.text
    assert f"(2 h) by <@{ROBIN}>: loading old records" in summary.text
    assert "✅ Companies without a name" in summary.text
    assert world.claimed() == []


@pytest.mark.full
def test_what_is_still_critical_gets_its_root_after_the_summary_and_escalates_fifteen_minutes_later(
    world: World,
) -> None:
    world.look(7)
    begin(world)
    live(world, 120, nameless=60)
    assert Did.CALLED not in did(world)
    assert said(world) == [Kind.MAINTENANCE, Kind.ROOT, Kind.EVIDENCE]
    assert "1 opened, 0 resolved, 1 still open" in roots(world)[0].text
    live(world, 10, nameless=60)
    assert Did.CALLED not in did(world)
    live(world, 5, nameless=60)
    assert did(world)[-1] is Did.CALLED
    assert said(world)[-1] is Kind.REMINDER


@pytest.mark.full
def test_a_root_that_stands_is_edited_and_its_replies_are_held_back(world: World) -> None:
    world.open_incident(40)
    world.deliver()
    begin(world)
    live(world, 10, nameless=60)
    acknowledge(world.ports, 1, ADA)
    world.deliver()
    assert said(world) == [Kind.ROOT, Kind.EVIDENCE]
    assert f"Acknowledged by <@{ADA}>" in roots(world)[0].text
    assert world.incident().severity is Severity.CRITICAL
    assert not any(entry.broadcast for entry in world.incident().timeline), "nobody heard of it in the channel"
    live(world, 30, nameless=7)
    live(world, 90, nameless=7)
    assert said(world) == [Kind.ROOT, Kind.EVIDENCE, Kind.MAINTENANCE]
    assert "0 opened, 1 resolved, 0 still open" in roots(world)[-1].text


def test_a_rerun_that_a_person_asked_for_is_followed_in_its_thread(world: World) -> None:
    world.open_incident()
    world.deliver()
    begin(world)
    with world.store.transaction() as records:
        asked = Action(0, "Sync B", 1, ADA, "", ActionState.REQUESTED, world.clock.now(), 0)
        records.enqueue(1, Kind.RUN, action_id=records.create_action(asked).id)
    world.deliver()
    assert said(world)[-1] is Kind.RUN
    assert world.channel.everything()[-1].thread_ts is not None


def test_a_rerun_waits_for_a_root_that_is_held_back_and_never_stands_alone_in_the_channel(world: World) -> None:
    world.look(7)
    begin(world)
    world.open_incident()
    with world.store.transaction() as records:
        asked = Action(0, "Sync B", 1, ADA, "", ActionState.REQUESTED, world.clock.now(), 0)
        records.enqueue(1, Kind.RUN, action_id=records.create_action(asked).id)
    assert world.deliver() == 0
    end_maintenance(world.ports, ROBIN)
    world.deliver()
    assert said(world) == [Kind.MAINTENANCE, Kind.ROOT, Kind.EVIDENCE, Kind.RUN]


def test_what_was_owed_before_it_began_is_sent_once_it_has_ended(world: World) -> None:
    world.open_incident()
    world.look(7, after=5)
    world.look(7, after=10)
    assert world.incident().state is State.OK
    begin(world)
    world.deliver()
    assert said(world) == []
    end_maintenance(world.ports, ROBIN)
    world.deliver()
    assert Kind.ROOT in said(world), "the window's summary says nothing of it"


def test_what_may_have_arrived_before_is_brought_up_to_date(world: World) -> None:
    world.look(7)
    world.open_incident()
    world.channel.fail_next("post", answer_lost())
    world.deliver()
    begin(world)
    live(world, 40, nameless=7)
    assert "60 properties" in roots(world)[0].text
    end_maintenance(world.ports, ROBIN)
    world.deliver_patiently()
    [root] = [message for message in roots(world) if message.kind is Kind.ROOT]
    assert "✅ Resolved" in root.text


def test_it_survives_a_restart_that_lasts_longer_than_itself(world: World) -> None:
    world.look(7)
    begin(world, "1h")
    world.look(60, after=5)
    world.look(60, after=5)
    world.store.close()
    world.store = SqlStore(f"sqlite:///{world.path}")
    world.ports = replace(world.ports, store=world.store)
    assert world.deliver() == 0
    world.clock.pass_(hours=3)
    assert end_due_maintenance(world.ports)
    world.deliver()
    assert "(1 h) by" in roots(world)[0].text, "it ended when it was due, not when the bot came back"
    assert not end_due_maintenance(world.ports)


def test_a_second_one_changes_when_and_why_and_an_operator_ends_it_early(world: World) -> None:
    first = begin(world)
    world.clock.pass_(minutes=30)
    second = begin_maintenance(world.ports, "3h", "more of it", ADA)
    assert (second.id, second.since, second.until) == (first.id, first.since, world.clock.now() + timedelta(hours=3))
    shown = summarise(world.ports).maintenance
    assert shown and (shown.by, shown.reason) == (ADA, "more of it")
    end_maintenance(world.ports, ROBIN)
    assert summarise(world.ports).maintenance is None
    with pytest.raises(RefusedError, match="No maintenance window is on"):
        end_maintenance(world.ports, ROBIN)
    written = world.rows("SELECT \"user\", result, reason, before, after FROM audit WHERE what = 'maintenance'")
    assert [row[:3] for row in written] == [
        (ROBIN, "begun for 2h", "loading old records"),
        (ADA, "begun for 3h", "more of it"),
        (ROBIN, "ended", ""),
    ]
    assert written[0][3] == "no window" and written[0][4].startswith("until 2026-")
    assert [written[0][4], written[1][4], "ended"] == [written[1][3], written[2][3], written[2][4]]


@pytest.mark.full
def test_an_acknowledgment_does_not_lapse_unheard(world: World) -> None:
    world.open_incident()
    world.deliver()
    acknowledge(world.ports, 1, ADA)
    world.clock.pass_(hours=3)
    begin(world)
    live(world, 115, nameless=60)
    assert world.incident().acked_by == ADA
    live(world, 10, nameless=60)
    assert did(world)[-1] is Did.ACK_LAPSES, "warned once the window has ended"
    live(world, 10, nameless=60)
    assert Did.ACK_LAPSED in did(world)


def test_a_window_from_before_the_clock_was_set_back_ends_now_instead_of_an_hour_late(world: World) -> None:
    begin_maintenance(world.ports, "1h", "upgrade", ROBIN)
    world.clock.set_back(hours=1)
    assert end_due_maintenance(world.ports)
    [(ended_at,)] = world.rows("SELECT ended_at FROM maintenance")
    assert ended_at.startswith(f"{world.clock.now():%Y-%m-%d %H:%M}"), "no end lies in the future"
