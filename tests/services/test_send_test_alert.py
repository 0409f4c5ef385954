"""A test alert goes the whole way of a real one, and counts nowhere as one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from bot.alerts.model import Did
from bot.answers.operations import AlertTest
from bot.errors import AccessError, RefusedError, UncertainError
from bot.model import Announcement, Kind, Place
from bot.services.acknowledge import acknowledge
from bot.services.deliver import LEADER
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.run_checks import run_checks
from bot.services.send_test_alert import GRACE, LEASE, Trial, TrialOptions, close_abandoned_tests
from bot.services.show_incident import show_incidents
from bot.services.summarise import summarise
from checks.model import Outcome
from tests.fakes import CHANNEL, CHANNEL_ID, FakePager, refused
from tests.services.conftest import ADA, ROBIN, World
from tests.unit import samples

OPTIONS = TrialOptions("somebody")
BOT = "the running bot"


def trial(
    world: World, options: TrialOptions = OPTIONS, meanwhile: Callable[[], object] = lambda: None, holder: str = "me"
) -> AlertTest:
    """Send one; `meanwhile` happens each time that the command waits."""

    def pause(seconds: float) -> None:
        world.clock.pass_real(seconds=seconds)
        meanwhile()

    return Trial(world.ports, holder, pause, lambda _: None).run(options)


def bot_leads(world: World) -> None:
    """A running bot holds its lease and sends."""
    assert world.store.take_lease(LEADER, BOT, world.clock, 60)
    world.deliver(BOT)


def bot_closes_it(world: World) -> None:
    """So long after the command was heard of that the running bot takes it for abandoned."""
    world.clock.pass_real(minutes=6)
    bot_leads(world)
    run_checks(world.ports)
    bot_leads(world)


def set_fallback(world: World) -> None:
    """pipeline.yml names a channel for what the first one refuses."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, fallback_channel="C0OTHER"))
    world.channel.channels["C0OTHER"] = "C0OTHER"


def kinds(world: World) -> list[Kind]:
    return [said.kind for said in world.channel.thread()]


class Killed(BaseException):
    """What a process cannot clean up after."""


def killed_while_it_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is gone, and with it whatever it would have done afterwards; its lease runs on."""

    def die() -> None:
        raise Killed

    with monkeypatch.context() as gone, pytest.raises(Killed):
        bot_leads(world)
        gone.setattr(Trial, "_abandon_test", lambda *_: None)
        gone.setattr(type(world.store), "release_lease", lambda *_: None)
        trial(world, meanwhile=die)


@pytest.mark.full
def test_without_a_bot_the_command_sends_it_itself_and_resolves_it(world: World) -> None:
    report = trial(world)
    [root] = world.channel.roots()
    assert "✅ Resolved · properties: Test alert" in root.text
    assert kinds(world) == [Kind.EVIDENCE, Kind.RESOLVED]
    assert report.ok and report.posted_at and report.resolved_at and report.permalink
    assert (report.acknowledgeable, report.acknowledged_by, report.escalated_at) == (False, None, None)
    assert world.audit() == [
        ("somebody", "test alert", "incident 1", "requested"),
        ("somebody", "test alert", "incident 1", "went all the way"),
    ]
    assert trial(world).incident_id == 2, "the next one is another incident, not the first one again"
    assert len(world.channel.roots()) == 2


def test_beside_a_bot_that_one_sends_and_whoever_clicks_is_named(world: World) -> None:
    seen: list[str] = []

    def bot() -> None:
        bot_leads(world)
        seen.append(world.channel.roots()[0].text)
        if len(seen) == 3:
            acknowledge(world.ports, 1, ROBIN)

    bot_leads(world)
    report = trial(world, meanwhile=bot)
    assert "Test alert for the properties pipeline, no action needed" in seen[0]
    assert (report.ok, report.acknowledged_by) == (True, ROBIN)
    assert len(seen) < 15, "it waits no longer than until somebody clicks"
    assert [entry.did for entry in world.incident().timeline] == [Did.OPENED, Did.ACKNOWLEDGED, Did.RESOLVED]


@pytest.mark.parametrize("mention", [None, ADA])
def test_the_escalation_is_the_real_message_at_once_and_mentions_only_who_was_named(
    world: World, mention: str | None
) -> None:
    report = trial(world, replace(OPTIONS, escalate=True, mention=mention))
    [escalation] = [said for said in world.channel.thread() if said.kind is Kind.REMINDER]
    assert "Escalated" in escalation.text and escalation.broadcast
    assert escalation.text.count("<@") == (2 if mention else 0), "in the notification and in the message"
    assert report.escalated_at and report.mentioned == mention


def test_where_a_pager_is_configured_it_triggers_acknowledges_and_resolves_there_too(world: World) -> None:
    pager = FakePager()
    world.ports = replace(world.ports, pagers=(pager,))
    pager.failures = [(UncertainError("PagerDuty broke off"), True)]
    report = trial(world)
    assert (report.ok, report.paged) == (True, ("PagerDuty",))
    assert pager.told == [["trigger critical", "trigger critical", "acknowledge", "resolve"]]


def test_a_pager_that_refuses_stops_it_and_nothing_stays_open(world: World) -> None:
    pager = FakePager()
    world.ports = replace(world.ports, pagers=(pager,))
    pager.failures = [(None, True), (AccessError("answered 403: correct PAGERDUTY_ROUTING_KEY"), False)]
    report = trial(world)
    assert not report.ok
    assert report.paged == ()
    assert "PAGERDUTY_ROUTING_KEY" in str(report.error)
    assert pager.told[0][-1] == "resolve"
    assert world.incident().resolved_at


@pytest.mark.full
def test_evaluations_meanwhile_neither_close_nor_count_nor_remind_of_it(world: World) -> None:
    def tick() -> None:
        bot_leads(world)
        looked = run_checks(world.ports)[0]
        summary = summarise(world.ports)
        assert (looked.outcome, summary.incidents) == (Outcome.OK, ())
        assert show_incidents(world.ports, 10) == (0, [], {})
        with world.store.transaction() as records:
            assert records.digest().opened == () and records.digest().resolved == 0  # type: ignore[attr-defined]
            assert len(records.open_tests()) <= 1

    world.look(7)
    bot_leads(world)
    report = trial(world, meanwhile=tick)
    assert report.ok
    assert [entry.did for entry in world.incident().timeline] == [Did.OPENED, Did.RESOLVED]


@pytest.mark.full
def test_a_real_incident_is_neither_explained_nor_counted_with_it(world: World) -> None:
    def bot() -> None:
        world.look(60)
        bot_leads(world)

    world.open_incident()
    bot_leads(world)
    report = trial(world, meanwhile=bot)
    assert (report.ok, report.incident_id) == (True, 2)
    assert [one.id for one in summarise(world.ports).incidents] == [1]
    assert world.incident().not_evaluated_since is None
    assert len(world.channel.roots()) == 2, "each in a thread of its own"


@pytest.mark.full
def test_a_channel_that_refuses_is_told_with_what_to_do_and_nothing_comes_later(world: World) -> None:
    world.channel.closed[CHANNEL_ID] = "not_in_channel"
    before = world.clock.monotonic()
    report = trial(world)
    assert report.error and "#sync-health: Slack refuses: not_in_channel (invite the bot" in report.error
    assert world.clock.monotonic() - before < 30
    world.channel.closed.clear()
    world.clock.pass_real(minutes=20)
    world.deliver()
    assert world.channel.roots() == [], "it is no news any more"
    assert world.incident().resolved_at and world.claimed() == []


def test_an_escalation_that_is_refused_is_named_and_does_not_come_later(world: World) -> None:
    bot_leads(world)
    escalate = replace(OPTIONS, escalate=True)

    def bot() -> None:
        bot_leads(world)
        if world.channel.thread():
            world.channel.closed[CHANNEL_ID] = "restricted_action"

    report = trial(world, escalate, meanwhile=bot)
    assert report.error and report.error.startswith(
        "the escalation was not delivered: Slack refuses: restricted_action"
    )
    world.channel.closed.clear()
    world.clock.pass_real(minutes=20)
    world.deliver()
    assert kinds(world) == [Kind.EVIDENCE]
    assert "☑️ Closed · properties: Test alert" in world.channel.roots()[0].text


def test_another_channel_that_took_it_is_named_as_what_went_wrong(world: World) -> None:
    set_fallback(world)
    world.channel.closed[CHANNEL_ID] = "is_archived"
    report = trial(world)
    assert report.error and report.error.startswith("it was posted in #C0OTHER instead of #sync-health: Slack refuses")
    assert report.resolved_at and not world.claimed()


@pytest.mark.full
def test_a_bot_that_does_not_send_is_not_waited_for_for_ever(world: World) -> None:
    def hangs() -> None:
        assert world.store.take_lease(LEADER, BOT, world.clock, 60)

    hangs()
    report = trial(world, meanwhile=hangs)
    assert report.error and "the running bot, whose log may say why, did not send it within 90 s" in report.error
    world.deliver(BOT)
    assert world.channel.roots() == []


def slow(world: World, seconds: float, meanwhile: Callable[[], object] = lambda: None, call: str = "post") -> None:
    """Slack takes so long for each of these calls from now on."""
    really = getattr(world.channel, call)

    def slowly(message: Announcement) -> Place | None:
        world.clock.pass_real(seconds=seconds)
        meanwhile()
        return really(message)

    setattr(world.channel, call, slowly)


def backlog(world: World, size: int) -> None:
    """Messages of other incidents, owed before the test's."""
    with world.store.transaction() as records:
        for n in range(size):
            check = f"other_{n}"
            one = samples.incident(
                id=0, key=f"properties/{check}", check=check, opened_at=world.clock.now(), timeline=(), channel=CHANNEL
            )
            records.enqueue(records.create_incident(one).id, Kind.ROOT)


@pytest.mark.parametrize("timeout", [1.0, 30.0, 90.0])
def test_its_timeout_bounds_the_whole_command_whatever_else_is_owed(world: World, timeout: float) -> None:
    backlog(world, 12)
    slow(world, 18)
    began = world.clock.monotonic()
    report = trial(world, replace(OPTIONS, escalate=True, timeout=timeout))
    assert world.clock.monotonic() - began < timeout + 18 + GRACE + 18
    assert report.error and f"other messages come first, within {timeout:g} s" in report.error
    assert world.incident(report.incident_id).resolved_at


def test_nobody_takes_its_leases_while_it_sends(world: World) -> None:
    taken: list[object] = []

    def others() -> None:
        taken.append(world.store.take_lease(LEADER, BOT, world.clock, 60))
        taken.append(close_abandoned_tests(world.ports, BOT))

    backlog(world, 6)
    slow(world, 18, others)
    assert trial(world, replace(OPTIONS, timeout=300.0)).ok
    assert not any(taken) and len(taken) > 12


@pytest.mark.full
def test_the_time_in_which_it_waited_for_a_click_is_not_part_of_its_timeout(world: World) -> None:
    bot_leads(world)
    report = trial(world, replace(OPTIONS, wait=200.0), meanwhile=lambda: bot_leads(world))
    assert report.ok and report.resolved_at


def test_a_message_of_another_incident_that_is_broken_does_not_end_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, broken = world.store.read_content, world.open_incident()

    def stumbles(message: Announcement) -> Announcement:
        found = read(message)
        if found.incident and found.incident.id == broken.id:
            raise KeyError("a bug of one message")
        return found

    monkeypatch.setattr(world.store, "read_content", stumbles)
    assert trial(world).ok


@pytest.mark.full
def test_a_second_one_at_the_same_time_is_refused_and_the_first_goes_on(world: World) -> None:
    refused: list[str] = []

    def second() -> None:
        bot_leads(world)
        with pytest.raises(RefusedError) as refusal:
            trial(world, holder="another")
        refused.append(str(refusal.value))

    bot_leads(world)
    assert trial(world, meanwhile=second).ok
    assert set(refused) == {"another test alert is in progress; try again when it has ended"}
    world.clock.pass_real(minutes=2)  # the bot has ended
    assert trial(world, holder="another").ok


def test_one_whose_command_was_killed_is_closed_by_the_next_evaluation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_while_it_waits(world, monkeypatch)
    bot_leads(world)
    run_checks(world.ports)
    assert world.incident().resolved_at is None, "for all we know it is at work"
    world.clock.pass_real(seconds=LEASE)
    run_checks(world.ports)
    bot_leads(world)
    [root] = world.channel.roots()
    assert "☑️ Closed · properties: Test alert · the command that sent it did not finish" in root.text
    assert close_abandoned_tests(world.ports, BOT) == 0


def test_one_whose_command_was_killed_is_closed_by_the_next_test_alert(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_while_it_waits(world, monkeypatch)
    with pytest.raises(RefusedError):
        trial(world, holder="another")
    world.clock.pass_real(seconds=90)
    assert trial(world, holder="another").incident_id == 2
    assert world.incident(1).timeline[-1].did is Did.CLOSED
    assert world.incident(2).timeline[-1].did is Did.RESOLVED


def test_one_that_was_never_posted_is_not_posted_when_it_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.channel.closed[CHANNEL_ID] = "not_in_channel"
    killed_while_it_waits(world, monkeypatch)
    world.channel.closed.clear()
    world.clock.pass_real(minutes=20)
    run_checks(world.ports)
    world.deliver()
    assert world.channel.roots() == []


def test_ctrl_c_closes_it(world: World) -> None:
    def interrupt() -> None:
        bot_leads(world)
        raise KeyboardInterrupt

    bot_leads(world)
    with pytest.raises(KeyboardInterrupt):
        trial(world, meanwhile=interrupt)
    assert world.incident().timeline[-1].detail == "it was interrupted"
    bot_leads(world)
    assert "☑️ Closed · properties: Test alert" in world.channel.roots()[0].text


def test_a_command_that_slept_finds_that_the_bot_has_closed_it(world: World) -> None:
    bot_leads(world)
    report = trial(world, meanwhile=lambda: bot_closes_it(world))
    assert report.error and "this process slept, and the bot closed it" in report.error
    assert [entry.did for entry in world.incident().timeline] == [Did.OPENED, Did.CLOSED], "once"


def test_one_that_the_bot_closes_while_a_click_is_waited_for_is_not_resolved_as_well(world: World) -> None:
    waits: list[float] = []

    def bot() -> None:
        waits.append(world.clock.monotonic())
        if len(waits) == 3:  # it has arrived
            bot_closes_it(world)
        bot_leads(world)

    bot_leads(world)
    report = trial(world, meanwhile=bot)
    assert report.posted_at and report.resolved_at
    assert [entry.did for entry in world.incident().timeline] == [Did.OPENED, Did.CLOSED]


@pytest.mark.full
def test_both_of_two_errors_are_told(world: World) -> None:
    set_fallback(world)
    world.channel.closed[CHANNEL_ID] = "is_archived"
    bot_leads(world)

    def bot() -> None:
        bot_leads(world)
        if world.channel.thread():
            world.channel.closed["C0OTHER"] = "restricted_action"

    report = trial(world, replace(OPTIONS, escalate=True), meanwhile=bot)
    assert report.error and report.error.startswith("it was posted in #C0OTHER instead of #sync-health")
    assert "; the escalation was not delivered: Slack refuses: restricted_action" in report.error


@pytest.mark.full
def test_a_message_that_somebody_is_sending_when_it_is_given_up_is_not_forgotten(world: World) -> None:
    def begins_to_send_and_hangs() -> None:
        assert world.store.take_lease(LEADER, BOT, world.clock, 60)
        if not sending:
            sending.append(world.claim(BOT).announcement.kind)

    sending: list[Kind] = []
    assert world.store.take_lease(LEADER, BOT, world.clock, 60)
    report = trial(world, meanwhile=begins_to_send_and_hangs)
    assert report.error and sending == [Kind.ROOT]
    world.clock.pass_real(minutes=20)
    world.deliver_patiently(BOT)
    [root] = world.channel.roots()
    assert "☑️ Closed · properties: Test alert" in root.text, "it may be in the channel, so it is shown as it ended"


@pytest.mark.full
def test_one_that_ends_in_a_maintenance_window_is_not_in_its_report(world: World) -> None:
    def bot() -> None:
        bot_leads(world)
        with world.store.snapshot() as records:
            begun = records.maintenance()
        if world.channel.roots() and not begun:
            begin_maintenance(world.ports, "2h", "a migration", ROBIN)

    bot_leads(world)
    assert trial(world, meanwhile=bot).resolved_at
    with world.store.transaction() as records:
        assert records.maintenance_report(1).resolved == ()  # type: ignore[attr-defined]


@pytest.mark.full
def test_what_stands_in_the_way_of_another_channel_is_not_named_as_its_obstacle(world: World) -> None:
    set_fallback(world)
    elsewhere = samples.incident(id=0, key="properties/elsewhere", check="elsewhere", timeline=(), channel="C0OTHER")
    with world.store.transaction() as records:
        records.enqueue(records.create_incident(elsewhere).id, Kind.ROOT)
    world.channel.fail(refused())
    world.deliver()
    world.channel.heal()
    with world.store.snapshot() as records:
        assert [one.channel for one in records.undelivered()] == ["C0OTHER"], "there is an obstacle elsewhere"
    bot_hangs = partial(world.store.take_lease, LEADER, BOT, world.clock, 60)
    assert bot_hangs()
    report = trial(world, meanwhile=bot_hangs)
    assert report.error and "whose log may say why, did not send it within 90 s" in report.error


@pytest.mark.full
def test_what_it_ends_with_is_sent_for_some_seconds_and_not_until_nothing_is_owed(world: World) -> None:
    def older_ones_change() -> None:
        if len(world.channel.roots()) > 40 and not edited:
            with world.store.transaction() as records:
                edited.extend(range(1, 41))
                for incident_id in edited:
                    records.enqueue(incident_id, Kind.ROOT)

    edited: list[int] = []
    backlog(world, 40)
    world.deliver()
    slow(world, 6, older_ones_change)
    slow(world, 6, call="edit")
    began = world.clock.monotonic()
    report = trial(world, replace(OPTIONS, escalate=True, timeout=20.0))
    assert report.posted_at and report.error and "it was not its turn" in report.error
    assert world.clock.monotonic() - began <= 20 + 6 + GRACE + 6
    assert len(world.claimed()) > 30, "the others are left to the bot"


def test_in_a_maintenance_window_nothing_is_sent_and_the_way_out_is_named(world: World) -> None:
    begin_maintenance(world.ports, "2h", "a migration", ROBIN)
    with pytest.raises(RefusedError, match=r"maintenance window is on until .* `/sync-health snooze all end` ends it"):
        trial(world)
    assert world.rows("SELECT COUNT(*) FROM incidents") == [(0,)]
    end_maintenance(world.ports, ROBIN)
    world.deliver()
    assert trial(world).ok
    with world.store.transaction() as records:
        assert records.maintenance_report(1).opened == ()  # type: ignore[attr-defined]
