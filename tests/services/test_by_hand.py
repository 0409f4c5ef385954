"""What people do about an incident by hand: resolve it, note something, escalate it now."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.alerts.model import Did, Incident, State
from bot.errors import RefusedError, UncertainError
from bot.services.acknowledge import acknowledge
from bot.services.add_note import add_note
from bot.services.escalate_now import escalate_now
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.resolve_by_hand import resolve_thread
from bot.services.run_checks import timer_ended
from bot.services.snooze import next_morning, snooze
from checks.model import Severity
from tests.fakes import Fault
from tests.services.conftest import ADA, GROUP, ROBIN, World
from tests.unit.payloads import a_test


def owned(world: World, owner: str | None = GROUP) -> None:
    checks = tuple(check.model_copy(update={"owner": owner}) for check in world.ports.settings.checks)
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks))


def resolve(world: World, reason: str = "fixed the view", **more: str) -> list[Incident]:
    return resolve_thread(world.ports, 1, reason, ROBIN, **more)


def kinds(world: World) -> list[str]:
    """Of the replies in the thread of the incident, where other messages stand in the channel too."""
    [root] = [said for said in world.channel.roots() if said.kind == "root"]
    return [str(said.kind) for said in world.channel.thread(root.ts)]


def dids(world: World) -> list[Did]:
    return [entry.did for entry in world.incident().timeline]


# -- resolve


def test_an_incident_that_is_resolved_by_hand_says_by_whom_and_why(world: World) -> None:
    world.open_incident()
    world.deliver()
    snooze(world.ports, 1, "2h", ADA)
    world.clock.pass_(minutes=2)
    [over] = resolve(world, "fixed <!channel> *the* view")
    assert (over.state, over.resolved_at, over.snoozed_until) == (State.OK, world.clock.now(), None)
    assert (world.incident().timeline[-1].did, world.incident().timeline[-1].by) == (Did.RESOLVED_BY_HAND, ROBIN)
    [row] = world.rows("SELECT user, target, result, reason, before, after FROM audit WHERE what = 'resolve'")
    why = "fixed <!channel> *the* view"
    assert row == (ROBIN, "incident 1", "resolved by hand", why, "firing, critical", "resolved")
    world.deliver()
    [root] = world.channel.roots()
    assert root.text.startswith(f"✅ Resolved by <@{ROBIN}> · properties: 60 properties have no company name")
    assert "<!channel>" not in root.text
    ends = [said for said in world.channel.thread() if said.kind == "resolved"]
    assert len(ends) == 1
    assert "Resolved by hand" in ends[0].text and "Reopens if the next evaluation still finds it" in ends[0].text
    assert f"<@{ROBIN}>" not in ends[0].text, "nobody is notified of what they did themselves"
    assert not ends[0].broadcast


def test_what_is_still_critical_reopens_at_the_next_evaluation_and_the_channel_hears_of_it(world: World) -> None:
    opened = world.open_incident()
    acknowledge(world.ports, 1, ROBIN)
    world.deliver()
    resolve(world)
    world.look(247, after=1)
    again = world.incident()
    assert (again.state, again.resolved_at, again.acked_by) == (State.FIRING, None, None)
    assert again.opened_at == opened.opened_at, "its clock goes on"
    assert again.timeline[-1].did is Did.STILL_FIRING
    world.deliver()
    reply = world.channel.thread()[-1]
    assert f"Resolved by <@{ROBIN}>" in reply.text and "and still critical: 247" in reply.text
    assert reply.broadcast
    assert "Critical since" in world.channel.roots()[0].text and "Unacknowledged" in world.channel.roots()[0].text
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(1,)]
    world.look(247, after=15)
    assert "reminder" in world.claimed(), "it escalates"


def test_what_is_still_a_warning_reopens_in_its_thread_alone(world: World) -> None:
    world.open_incident()
    resolve(world)
    world.look(40, after=1)
    world.deliver()
    assert world.incident().severity is Severity.WARN
    reply = world.channel.thread()[-1]
    assert ("and still a warning: 40" in reply.text, reply.broadcast) == (True, False)


def test_it_is_measured_soon_even_where_nothing_else_would_be(world: World) -> None:
    world.open_incident()
    assert not timer_ended(world.ports)
    world.clock.pass_(seconds=5)
    resolve(world)
    assert timer_ended(world.ports)
    world.look(7, after=1)
    assert not timer_ended(world.ports)


def test_what_is_not_measured_stays_resolved_until_it_is_however_long_that_takes(world: World) -> None:
    world.open_incident()
    resolve(world)
    for _ in range(12):
        world.look(None, after=10)
        assert world.incident().resolved_at is not None
    world.look(60, after=10)
    assert (world.incident().resolved_at, world.incident().timeline[-1].did) == (None, Did.STILL_FIRING)


def test_an_evaluation_that_began_before_it_was_resolved_says_nothing_about_it(world: World) -> None:
    world.open_incident()
    asked = world.warehouse.ask

    def slow(question: str, **parameters: object) -> list[dict[str, object]]:
        found = asked(question, **parameters)
        if world.incident().resolved_at is None:
            world.clock.pass_(minutes=1)
            resolve(world)
        return found

    world.warehouse.ask = slow  # type: ignore[method-assign]
    world.look(60, after=1)
    assert world.incident().resolved_at is not None
    world.look(60, after=1)
    assert world.incident().resolved_at is None


def test_a_clock_that_was_set_back_does_not_leave_it_resolved(world: World) -> None:
    world.open_incident()
    resolve(world)
    world.clock.set_back(hours=2)
    world.look(60)
    assert world.incident().resolved_at is None


def test_what_was_resolved_rightly_stays_so_and_opens_anew_much_later(world: World) -> None:
    world.open_incident()
    resolve(world)
    world.look(7, after=1)
    alert = world.alert()
    assert alert and alert.resolved_by is None
    world.look(7, after=60)
    world.look(60, after=5)
    world.look(60, after=5)
    assert [row for (row,) in world.rows("SELECT id FROM incidents WHERE resolved_at IS NULL")] == [2]


def test_one_that_recovers_can_be_resolved_as_well(world: World) -> None:
    world.open_incident()
    world.look(7, after=5)
    assert world.incident().state is State.RECOVERING
    resolve(world)
    world.look(7, after=1)
    assert world.incident().state is State.OK
    assert dids(world)[-1] is Did.RESOLVED_BY_HAND


def test_resolving_again_and_again_never_silences_what_is_critical(world: World) -> None:
    world.open_incident()
    world.deliver()
    for _ in range(5):
        resolve(world)
        world.look(60, after=1)
        world.deliver()
        assert world.channel.thread()[-1].broadcast
        assert world.incident().flapping_until is None
    assert dids(world).count(Did.STILL_FIRING) == 5


def test_flapping_ends_with_it(world: World) -> None:
    world.open_incident()
    for _ in range(3):
        world.look(7, after=5)
        world.look(7, after=10)
        world.look(60, after=5)
    assert world.incident().flapping_until
    world.deliver()
    resolve(world)
    world.look(60, after=1)
    assert world.incident().flapping_until is None
    world.deliver()
    assert "and still critical" in world.channel.thread()[-1].text


def test_in_a_maintenance_window_it_is_resolved_and_reopened_without_a_word_in_the_channel(world: World) -> None:
    world.open_incident()
    world.deliver()
    begin_maintenance(world.ports, "2h", "loading", ADA)
    world.deliver()
    before = kinds(world)
    resolve(world)
    world.look(60, after=1)
    world.deliver()
    assert kinds(world) == before
    assert world.incident().state is State.FIRING
    end_maintenance(world.ports, ADA)


def test_a_reason_is_needed_and_what_is_over_is_refused(world: World) -> None:
    world.open_incident()
    with pytest.raises(RefusedError, match="Write a reason"):
        resolve(world, " \n ")
    resolve(world)
    for incident_id in (1, 99):
        with pytest.raises(RefusedError, match="already resolved"):
            resolve_thread(world.ports, incident_id, "again", ADA)


def test_a_test_alert_is_neither_resolved_nor_escalated_by_hand(world: World) -> None:
    with world.store.transaction() as records:
        made = records.create_incident(a_test())
    with pytest.raises(RefusedError, match="resolves by itself"):
        resolve_thread(world.ports, made.id, "seen", ROBIN)
    with pytest.raises(RefusedError, match="test-alert --escalate"):
        escalate_now(world.ports, made.id, ROBIN)
    assert world.audit() == []


def test_a_submission_that_comes_again_resolves_nothing_a_second_time(world: World) -> None:
    world.open_incident()
    resolve(world, request="V1")
    assert [one.id for one in resolve(world, request="V1")] == [1]
    world.look(60, after=1)
    resolve(world, request="V1")
    assert world.incident().state is State.FIRING
    assert [row[1] for row in world.audit()] == ["resolve"]
    resolve(world, request="V2")
    assert world.incident().state is State.OK


def test_all_that_is_open_in_a_thread_is_resolved_and_reopens_by_itself(world: World) -> None:
    many(world)
    world.deliver()
    assert len(resolve_thread(world.ports, 3, "one cause, fixed", ROBIN)) == 7
    world.deliver()
    [root] = world.channel.roots()
    assert root.text.startswith(f"✅ Resolved by <@{ROBIN}> · properties: 7 alerts, one cause, fixed")
    assert [said.kind for said in world.channel.thread()].count("resolved") == 1
    world.look(60, after=1)
    with world.store.snapshot() as records:
        assert len(records.open_incidents()) == 7


def many(world: World) -> None:
    """Seven that open at once."""
    [check] = world.ports.settings.checks
    checks = tuple(check.model_copy(update={"name": f"check_{n}", "title": f"Check {n}"}) for n in range(7))
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=checks))
    world.open_incident()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_still_breached_always_reopens_at_the_next_evaluation_that_measures_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    world = World(tmp_path_factory.mktemp("one") / "state.db")
    try:
        world.open_incident()
        for _ in range(data.draw(st.integers(0, 4), "before")):
            world.look(data.draw(st.sampled_from([7, 28, 40, 60, None])), after=data.draw(st.sampled_from([1, 5, 11])))
        if world.incident().resolved_at is not None:
            return
        resolve(world)
        for _ in range(data.draw(st.integers(0, 3), "unknown")):
            world.look(None, after=data.draw(st.sampled_from([1, 20, 300])))
            assert world.incident().resolved_at is not None, "nothing is known that speaks against it"
        world.look(data.draw(st.sampled_from([40, 60])), after=data.draw(st.sampled_from([1, 31, 500])))
        assert world.incident().state is State.FIRING
        assert world.incident().resolved_at is None
    finally:
        world.close()


# -- notes


def test_a_note_stands_in_the_timeline_and_quietly_in_the_thread(world: World) -> None:
    world.open_incident()
    world.deliver()
    add_note(world.ports, 1, "asked <!channel>\nthe *data* team", ADA)
    add_note(world.ports, 1, "they answered", ROBIN)
    world.deliver()
    first, second = [said for said in world.channel.thread() if said.kind == "note"]
    assert first.text.startswith(f"📝 <@{ADA}>: asked ")
    assert "<!channel>" not in first.text and "*data*" not in first.text
    assert second.text.startswith(f"📝 <@{ROBIN}>: they answered"), "each is a message of its own"
    assert not first.broadcast
    assert [(e.did, e.by, e.detail) for e in world.incident().timeline][-2:] == [
        (Did.NOTED, ADA, "asked <!channel> the *data* team"),
        (Did.NOTED, ROBIN, "they answered"),
    ]
    assert [row[:3] for row in world.audit()] == [(ADA, "note", "incident 1"), (ROBIN, "note", "incident 1")]


@pytest.mark.parametrize("over", [False, True], ids=["resolved", "closed"])
def test_a_resolved_incident_takes_notes_and_still_says_how_it_ended(world: World, over: bool) -> None:
    world.open_incident()
    world.deliver()
    if over:
        world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=()))
        world.look(60, after=1)
    else:
        resolve(world)
    world.deliver()
    ended = world.channel.roots()[0].text
    add_note(world.ports, 1, "post-mortem on Friday", ADA)
    world.deliver()
    assert world.channel.thread()[-1].kind == "note"
    with world.store.transaction() as records:
        records.enqueue(1, "root")  # type: ignore[arg-type]
    world.deliver()
    assert world.channel.roots()[0].text == ended


def test_a_note_is_refused_that_is_empty_too_long_or_about_nothing(world: World) -> None:
    world.open_incident()
    add_note(world.ports, 1, "x" * 500, ADA)
    for text, incident_id, why in (("", 1, "Write what"), ("x" * 501, 1, "500 char"), ("x", 9, "no incident 9")):
        with pytest.raises(RefusedError, match=why):
            add_note(world.ports, incident_id, text, ADA)
    assert dids(world).count(Did.NOTED) == 1


def test_a_note_that_is_submitted_twice_is_one_note_and_another_dialog_another(world: World) -> None:
    world.open_incident()
    for request in ("V1", "V1", "V2"):
        add_note(world.ports, 1, "the same words", ADA, request=request)
    world.deliver()
    assert dids(world).count(Did.NOTED) == 2
    assert [said.kind for said in world.channel.thread()].count("note") == 2
    assert len(world.audit()) == 2


def test_a_note_that_may_have_arrived_is_looked_for_and_none_is_lost_or_doubled(world: World) -> None:
    world.open_incident()
    world.deliver()
    world.channel.fail_next("post", Fault(UncertainError("the connection broke"), done=True))
    add_note(world.ports, 1, "one", ADA)
    world.deliver()
    add_note(world.ports, 1, "two", ADA)
    world.deliver_patiently()
    notes = [said.text for said in world.channel.thread() if said.kind == "note"]
    assert [one.split()[-1] for one in notes] == ["one", "two"]


def test_a_note_is_sent_in_a_maintenance_window_and_never_outside_a_thread(world: World) -> None:
    world.open_incident()
    world.deliver()
    begin_maintenance(world.ports, "2h", "loading", ADA)
    add_note(world.ports, 1, "while it lasts", ADA)
    world.deliver()
    assert kinds(world)[-1] == "note"
    end_maintenance(world.ports, ADA)
    world.deliver()
    assert kinds(world)[-1] == "note"
    assert "note" not in [said.kind for said in world.channel.roots()]


def test_a_note_on_what_was_never_posted_stays_in_its_timeline(world: World) -> None:
    begin_maintenance(world.ports, "2h", "loading", ADA)
    world.open_incident()
    add_note(world.ports, 1, "seen", ADA)
    resolve(world)
    world.look(7, after=1)
    end_maintenance(world.ports, ADA)
    world.deliver()
    assert "note" not in [said.kind for said in world.channel.roots()]
    assert world.claimed() == []
    assert Did.NOTED in dids(world)


# -- escalate now


@pytest.mark.parametrize(
    "before",
    [
        lambda _: None,
        lambda world: acknowledge(world.ports, 1, ROBIN),
        lambda world: snooze(world.ports, 1, "2h", ROBIN),
    ],
    ids=["unacknowledged", "acknowledged", "snoozed"],
)
@pytest.mark.parametrize("nameless", [60, 40], ids=["critical", "warning"])
def test_the_owner_is_mentioned_in_the_channel_at_once(
    world: World, before: Callable[[World], object], nameless: int
) -> None:
    owned(world)
    world.open_incident(nameless)
    world.deliver()
    before(world)
    done = escalate_now(world.ports, 1, ADA)
    assert done.owner == GROUP
    world.deliver()
    call = world.channel.thread()[-1]
    assert call.broadcast
    assert f"<!subteam^{GROUP}> Escalated by <@{ADA}>" in call.text
    acked = world.incident().acked_by
    assert ("Acknowledged by" if acked else "Unacknowledged") in call.text
    automatic = nameless == 60 and not acked and not world.incident().snoozed_until
    assert ("Next escalation" in call.text) is automatic
    assert world.audit()[-1] == (ADA, "escalate", "incident 1", f"mentioned {GROUP}")


def test_without_an_owner_the_channel_hears_of_it_and_nobody_is_mentioned(world: World) -> None:
    owned(world, None)
    world.open_incident()
    assert escalate_now(world.ports, 1, ADA).owner is None
    world.deliver()
    call = world.channel.thread()[-1]
    assert call.broadcast and "has no owner in pipeline.yml" in call.text


def test_an_incident_is_escalated_once_in_five_minutes_whoever_asks(world: World) -> None:
    owned(world)
    world.open_incident()
    world.look(60, after=15)
    with pytest.raises(RefusedError, match="escalated 0 s ago") as refused:
        escalate_now(world.ports, 1, ADA)
    assert refused.value.people == (GROUP,)
    world.clock.pass_(minutes=5)
    escalate_now(world.ports, 1, ADA)
    with pytest.raises(RefusedError, match="It mentioned"):
        escalate_now(world.ports, 1, ROBIN)
    assert dids(world).count(Did.CALLED) == 2


def test_escalating_by_hand_begins_the_pause_to_the_next_one_again(world: World) -> None:
    world.open_incident()
    world.look(60, after=10)
    escalate_now(world.ports, 1, ADA)
    world.look(60, after=10)
    assert dids(world).count(Did.CALLED) == 1
    world.look(60, after=5)
    assert dids(world).count(Did.CALLED) == 2


def test_what_recovers_is_over_or_would_reach_nobody_is_not_escalated(world: World) -> None:
    world.open_incident()
    begin_maintenance(world.ports, "1h", "loading", ADA)
    with pytest.raises(RefusedError, match="maintenance window is on until"):
        escalate_now(world.ports, 1, ADA)
    end_maintenance(world.ports, ADA)
    world.look(7, after=5)
    with pytest.raises(RefusedError, match="is recovering"):
        escalate_now(world.ports, 1, ADA)
    world.look(7, after=10)
    with pytest.raises(RefusedError, match="already resolved"):
        escalate_now(world.ports, 1, ADA)
    assert Did.CALLED not in dids(world)


# -- snooze, from its dialog


def test_a_snooze_lasts_until_the_next_morning_and_says_why(world: World) -> None:
    world.open_incident()
    now, zone = world.clock.now(), world.ports.settings.zone
    morning = next_morning(now, zone)
    assert morning.astimezone(zone).hour == 9
    snooze(world.ports, 1, morning.isoformat(), ROBIN, reason="the backfill runs", request="V1")
    assert world.incident().snoozed_until == morning
    assert world.incident().timeline[-1].detail.endswith(": the backfill runs")
    world.clock.pass_(hours=1)
    snooze(world.ports, 1, "1h", ROBIN, request="V1")
    assert world.incident().snoozed_until == morning, "the same submission"


@pytest.mark.parametrize("span", ["2020-01-01T09:00:00+00:00", "2999-01-01T09:00:00+00:00", "2026-01-01T09:00:00", ""])
def test_a_forged_end_of_a_snooze_is_refused(world: World, span: str) -> None:
    world.open_incident()
    with pytest.raises(RefusedError):
        snooze(world.ports, 1, span, ROBIN)
    assert world.incident().snoozed_until is None
