"""A rerun, from the press to its end: one run however often it is asked for, and always an outcome."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.alerts.causes import at
from bot.alerts.model import Action, ActionState, Did, State
from bot.answers.consent import Consent, FactChange
from bot.errors import PermanentError, RefusedError, TemporaryError, UncertainError
from bot.facts import LONGEST_RUN, RunStatus
from bot.model import Kind
from bot.services.act_on_sync import FactsChangedError, act_on_sync
from bot.services.authorise import Person
from bot.services.deliver import deliver_next
from bot.services.follow_actions import SEARCH, follow_actions
from bot.services.follow_change import UNCONFIRMED
from bot.services.sync_facts import sync_of
from checks.model import Severity
from tests.fakes import HEALTH, BrittleStore, Said, refused
from tests.services.conftest import ADA, CHECK, ROBIN, TEAM, World
from tests.waiting import until


@pytest.fixture(autouse=True)
def told(world: World) -> None:
    """There is an incident that a rerun helps, and the channel knows of it."""
    world.open_incident()
    world.deliver()


def press(world: World, by: str = ROBIN, reason: str = "the view is fixed") -> Action:
    return confirm(world, shown(world), by, reason)


def shown(world: World) -> Consent:
    """What the dialog shows now."""
    return world.facts().consent


def confirm(world: World, consent: Consent, by: str = ROBIN, reason: str = "the view is fixed") -> Action:
    return world.act(by=by, reason=reason, consent=consent)


def follow(world: World) -> int:
    return follow_actions(world.ports, world.checker)


def story(world: World) -> Said:
    """What the thread says about the newest rerun."""
    world.deliver_patiently()
    return [said for said in world.channel.thread() if said.kind is Kind.RUN][-1]


def test_a_rerun_starts_one_run_and_the_thread_says_whose(world: World) -> None:
    action = press(world)
    assert (action.state, action.run_id, action.adopted) == (ActionState.RUNNING, 1, False)
    assert world.action() == action
    assert world.census.triggers == [world.sync_b], "the sync that the check names"
    assert (world.incident().timeline[-1].did, world.incident().timeline[-1].by) == (Did.RERUN, ROBIN)
    said = story(world)
    assert "Sync B is running" in said.text
    assert f"<@{ROBIN}>" in said.text
    assert "the view is fixed" in said.text
    assert said.edits == 0


def test_the_facts_say_what_would_be_written(world: World) -> None:
    world.numbers(update_queue=246, update_queue_suspicious=9)
    facts = world.facts()
    assert (facts.sync, facts.queue, facts.suspicious, facts.risky) == ("Sync B", 246, 9, True)
    assert (facts.running, facts.paused, facts.latest_run_id) == (None, False, 0)
    assert facts.source == "crm.sfdc_dbx.properties_to_update"
    assert facts.helps == "Mend the view first."


def test_when_nobody_knows_what_would_be_written_it_is_risky(world: World) -> None:
    world.warehouse.failure = TemporaryError("asleep")
    facts = world.facts()
    assert (facts.queue, facts.suspicious, facts.risky) == (None, None, True)


def test_census_down_runs_nothing(world: World) -> None:
    world.census.failure = TemporaryError("Census cannot be reached")
    with pytest.raises(TemporaryError, match="nothing can be done now"):
        press(world)
    assert world.rows("SELECT * FROM actions") == []


def test_a_risky_rerun_needs_a_reason(world: World) -> None:
    world.numbers(update_queue_suspicious=9)
    for reason in ("", "   "):
        with pytest.raises(RefusedError, match="a reason is needed"):
            press(world, reason=reason)
    assert world.census.triggers == []
    assert press(world, reason=" I know ").reason == "I know"


def test_what_is_wrong_already_and_critical_needs_a_reason_too(world: World) -> None:
    assert world.facts().critical == ("Companies without a name",)
    with pytest.raises(RefusedError, match="a reason is needed"):
        press(world, reason="")


def test_a_harmless_rerun_needs_none(world: World) -> None:
    world.look(40, after=30)
    world.look(40, after=30)
    assert (world.incident().severity, world.facts().risky) == (Severity.WARN, False)
    assert press(world, reason="").state is ActionState.RUNNING


def test_a_sync_that_was_paused_since_the_dialog_is_not_run(world: World) -> None:
    consent = shown(world)
    world.census.pause(world.sync_b)
    with pytest.raises(FactsChangedError, match="paused"):
        confirm(world, consent)
    assert world.census.triggers == []
    assert world.rows("SELECT * FROM actions") == []


def test_a_sync_that_the_dialog_showed_paused_is_resumed_and_then_run(world: World) -> None:
    world.census.pause(world.sync_b)
    action = press(world)
    assert (action.state, action.resumes) == (ActionState.RUNNING, True)
    assert world.census.changes == [(world.sync_b, True), (world.sync_b, False)]
    assert world.census.triggers == [world.sync_b]


def test_two_presses_at_once_make_one_run_and_the_second_is_told_whose(world: World) -> None:
    consent = shown(world)
    world.warehouse.free.clear()
    asked = len(world.warehouse.asked)
    with ThreadPoolExecutor(2) as two:
        presses = {by: two.submit(confirm, world, consent, by) for by in (ROBIN, ADA)}
        until(lambda: len(world.warehouse.asked) == asked + 2)
        world.warehouse.free.set()
        errors = {by: done.exception(10) for by, done in presses.items()}
    [first] = [by for by, error in errors.items() if error is None]
    [second] = [error for error in errors.values() if error]
    assert isinstance(second, RefusedError)
    assert "Requested by" in str(second)
    assert second.people == (first,)
    assert world.census.triggers == [world.sync_b]
    assert len(world.rows("SELECT * FROM actions")) == 1


def test_pressing_while_ones_own_run_is_going_on_is_refused(world: World) -> None:
    press(world)
    with pytest.raises(RefusedError, match="is in progress") as refused:
        press(world, by=ADA)
    assert refused.value.people == (ROBIN,)
    assert world.census.triggers == [world.sync_b]


def test_a_run_that_is_going_on_is_followed_and_none_is_started(world: World) -> None:
    world.numbers(update_queue_suspicious=9)
    running = world.census.start(world.sync_b)
    facts = world.facts()
    assert (facts.running, facts.risky) == (running, False)
    action = press(world, reason="")
    assert (action.state, action.run_id, action.adopted) == (ActionState.RUNNING, running.id, True)
    assert world.census.triggers == []
    assert "was already running" in story(world).text


def test_a_run_that_had_begun_before_and_did_not_help_says_that_another_one_may(world: World) -> None:
    running = world.census.start(world.sync_b)
    press(world, reason="")
    world.census.finish(running.id, records_updated=5, records_failed=0, records_invalid=0)
    follow(world)
    follow(world)
    assert "had begun before the request; Rerun starts one that reads current records." in world.action().verdict
    assert "🟠 *Sync B run completed, not recovered* in 0 s: 5 updated" in story(world).text
    assert Did.FOLLOWED in [entry.did for entry in world.incident().timeline]
    assert Did.RERUN not in [entry.did for entry in world.incident().timeline]
    assert press(world).run_id != running.id


def test_a_run_is_told_from_start_to_end_in_one_message(world: World) -> None:
    press(world)
    for done in (40, 80):
        world.clock.pass_(seconds=30)
        world.census.move(1, records_total=120, records_updated=done)
        assert follow(world) == 1
        assert f"{done} of 120 records" in story(world).text
    assert follow(world) == 1
    stalled = story(world).text
    assert "80 of 120 records" in stalled and "No progress since" in stalled and "left" not in stalled
    follow(world)
    assert world.claimed() == [], "nothing new is not told"
    world.census.finish(1, records_updated=118, records_failed=2, records_invalid=0)
    follow(world)
    said = story(world)
    assert "Evaluating the pipeline" in said.text
    world.numbers(null_company_names=7)
    follow(world)
    assert follow(world) == 0
    ended = story(world)
    assert ended.ts == said.ts
    assert "rerun completed" in ended.text
    assert "118 updated, 2 rejected, 0 invalid" in ended.text
    assert len([said for said in world.channel.thread() if said.kind is Kind.RUN]) == 1


def end_of_run(world: World, nameless: object) -> Action:
    press(world)
    world.clock.pass_(minutes=3)
    world.census.finish(1, records_updated=5)
    world.numbers(null_company_names=nameless)
    follow(world)
    assert world.action().state is ActionState.CHECKING
    follow(world)
    return world.action()


def test_a_healthy_end_says_so_and_the_incident_recovers(world: World) -> None:
    action = end_of_run(world, 7)
    assert action.state is ActionState.FINISHED
    assert "Evaluated again: 7 properties have no company name" in action.verdict
    assert action.ended_at == world.clock.now()
    resolves = world.clock.now() + CHECK.keep_firing_for
    assert f"Resolves {at(resolves)} if it stays there." in action.verdict
    assert f"Resolves <!date^{int(resolves.timestamp())}^" in story(world).text
    assert world.incident().state is State.RECOVERING
    assert "*Sync B rerun completed* in 3 min" in story(world).text


def test_an_end_that_did_not_help_says_so(world: World) -> None:
    action = end_of_run(world, 60)
    assert action.verdict.startswith("Not recovered: 60 properties")
    assert world.incident().state is State.FIRING
    assert "🟠 *Sync B rerun completed, not recovered*" in story(world).text


@pytest.mark.parametrize("how", ["down", "empty"])
def test_an_end_that_could_not_be_measured_is_never_called_healthy(world: World, how: str) -> None:
    if how == "down":
        press(world)
        world.census.finish(1)
        follow(world)
        world.warehouse.failure = TemporaryError("asleep")
        world.clock.pass_(minutes=20)  # it has had the time to come back
        follow(world)
    else:
        end_of_run(world, None)
    assert world.action().state is ActionState.FINISHED
    assert world.action().verdict.startswith("Status after the run is unknown")
    assert world.incident().state is State.FIRING
    assert "❔ *Sync B rerun completed, status unknown*" in story(world).text


def test_the_end_is_measured_afresh_and_not_joined_to_a_look_from_before(world: World) -> None:
    press(world)
    world.census.finish(1)
    follow(world)
    asked = len(world.warehouse.asked)
    world.warehouse.free.clear()
    before, _ = world.checker.begin()
    until(lambda: len(world.warehouse.asked) == asked + 1)
    world.numbers(null_company_names=7)
    with ThreadPoolExecutor(1) as one:
        following = one.submit(follow, world)
        world.warehouse.free.set()
        following.result(60)
    assert before.result(60).results[0].value == 60
    assert "Evaluated again: 7 properties" in world.action().verdict
    assert world.warehouse.asked[asked:] == [HEALTH, HEALTH]


def test_a_lost_answer_is_found_again_as_exactly_one_run(world: World) -> None:
    world.census.start(world.sync_b)
    world.census.finish(1)
    world.census.loses_answers = True
    action = press(world)
    assert (action.state, action.run_id) == (ActionState.REQUESTED, None)
    assert "rerun requested" in story(world).text
    with pytest.raises(RefusedError, match="is in progress"):
        press(world, by=ADA)
    follow(world)
    assert (world.action().state, world.action().run_id) == (ActionState.RUNNING, 2)
    world.census.finish(2)
    follow(world)
    follow(world)
    assert world.action().state is ActionState.FINISHED
    assert world.census.triggers == [world.sync_b]


def test_the_run_of_a_schedule_is_not_taken_for_ours(world: World) -> None:
    world.census.refusal = UncertainError("a gateway failed; look in the run list")
    press(world)
    world.census.start(world.sync_b, "Schedule")
    follow(world)
    assert world.action().state is ActionState.REQUESTED


def test_a_trigger_that_was_certainly_refused_ends_at_once_and_may_be_pressed_again(world: World) -> None:
    world.census.refusal = PermanentError("Census answered 403")
    action = press(world)
    assert (action.state, action.verdict) == (ActionState.FAILED, "Nothing was done: Census answered 403")
    assert action.ended_at == world.clock.now()
    assert "Nothing was done: Census answered 403" in story(world).text
    world.census.refusal = None
    assert press(world).state is ActionState.RUNNING
    assert len([said for said in world.channel.thread() if said.kind is Kind.RUN]) == 1
    story(world)
    assert len([said for said in world.channel.thread() if said.kind is Kind.RUN]) == 2, "each has its own message"


@pytest.mark.parametrize("speed", [1, 60])
def test_a_run_that_census_does_not_show_is_looked_for_and_never_said_not_to_have_started(
    world: World, speed: float
) -> None:
    world.clock.speed = speed
    world.census.refusal = RuntimeError("killed between our row and Census")
    with pytest.raises(RuntimeError):
        press(world)
    follow(world)
    assert (world.action().state, world.action().verdict) == (ActionState.REQUESTED, "")
    world.clock.pass_real(seconds=UNCONFIRMED + 1)
    follow(world)
    assert world.action().state is ActionState.REQUESTED
    assert "has not confirmed the request; still looking" in story(world).text
    world.clock.pass_real(seconds=SEARCH - UNCONFIRMED)
    follow(world)
    assert world.action().state is ActionState.UNKNOWN
    assert "Whether a run started is unknown" in story(world).text
    assert "outcome unknown" in story(world).text
    assert "not started" not in story(world).text
    assert world.audit()[-1][3].startswith("Whether a run started is unknown")
    world.census.refusal = None
    assert press(world).state is ActionState.RUNNING


def test_our_run_is_found_among_however_many_others_and_however_late(world: World) -> None:
    world.census.loses_answers = True
    press(world)
    for _ in range(40):  # each is skipped while ours is going on
        world.census.start(world.sync_b, "Schedule")
    world.clock.pass_real(seconds=SEARCH - 1)
    follow(world)
    assert (world.action().state, world.action().run_id) == (ActionState.RUNNING, 1)


def test_an_old_run_of_our_kind_is_not_taken_for_ours(world: World) -> None:
    world.census.start(world.sync_b, "API Request")
    world.census.finish(1)
    world.clock.pass_(hours=1)
    world.census.refusal = UncertainError("a gateway failed; look in the run list")
    press(world)
    with world.store.transaction() as records:  # as if Census had shown none when we asked
        action = records.action(1)
        assert action
        records.save_action(replace(action, latest_run_id=0))
    follow(world)
    assert world.action().state is ActionState.REQUESTED


def test_while_census_cannot_be_asked_nothing_is_given_up_too_early(world: World) -> None:
    world.census.loses_answers = True
    press(world)
    world.census.failure = TemporaryError("Census cannot be reached")
    world.clock.pass_real(seconds=SEARCH * 2)
    follow(world)
    assert world.action().state is ActionState.REQUESTED
    world.census.failure = None
    follow(world)
    assert world.action().state is ActionState.RUNNING


def test_a_skipped_run_makes_us_follow_the_one_that_is_going_on(world: World) -> None:
    world.census.meanwhile = lambda: world.census.start(world.sync_b, "Schedule")
    assert press(world).run_id == 2
    follow(world)
    assert (world.action().run_id, world.action().adopted) == (1, True)
    world.census.finish(1, records_updated=5)
    follow(world)
    follow(world)
    assert world.action().state is ActionState.FINISHED


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (RunStatus.FAILED, "Census says that the run failed: the destination is gone."),
        (RunStatus.CANCELLED, "The run was canceled: the destination is gone."),
        (RunStatus.SKIPPED, "Census skipped the run, and no other is going on: the destination is gone."),
    ],
)
def test_a_run_that_ends_badly_is_told_and_may_be_pressed_again(world: World, status: RunStatus, words: str) -> None:
    press(world)
    world.census.finish(1, status, error="the destination is gone")
    follow(world)
    assert (world.action().state, world.action().verdict) == (ActionState.FAILED, words)
    assert words in story(world).text
    assert ("canceled" if status is RunStatus.CANCELLED else "failed") in story(world).text
    assert press(world).state is ActionState.RUNNING


@pytest.mark.parametrize("status", [RunStatus.UNKNOWN, RunStatus.WORKING])
def test_a_run_that_never_ends_is_given_up_after_hours(world: World, status: RunStatus) -> None:
    press(world)
    world.census.move(1, status=status)
    world.clock.pass_(seconds=LONGEST_RUN.total_seconds())
    follow(world)
    assert world.action().state is ActionState.RUNNING
    world.clock.pass_(seconds=1)
    follow(world)
    assert world.action().state is ActionState.UNKNOWN, "not to see an end is not to have failed"
    assert "shows no end of the run after 6 hours" in story(world).text


def test_a_run_that_census_forgot_does_not_block_reruns(world: World) -> None:
    press(world)
    world.census.forget(1)
    follow(world)
    world.clock.pass_(seconds=UNCONFIRMED + 1)
    follow(world)
    assert world.action().state is ActionState.RUNNING, "its list may lag, and another run would be a second one"
    world.clock.pass_(seconds=SEARCH)
    follow(world)
    assert world.action().state is ActionState.UNKNOWN
    assert "Census has not shown run 1" in world.action().verdict
    assert press(world).state is ActionState.RUNNING


def test_trouble_with_one_action_does_not_hold_up_the_others(world: World) -> None:
    press(world)
    with world.store.transaction() as records:
        first = records.action(1)
        assert first
        records.create_action(Action(0, "Sync Z", None, ADA, "", ActionState.RUNNING, world.clock.now(), 0, run_id=99))
    world.census.finish(1)
    assert follow(world) == 2
    assert world.action().state is ActionState.CHECKING


def test_census_down_for_a_while_only_delays(world: World) -> None:
    press(world)
    world.census.failure = TemporaryError("Census cannot be reached")
    follow(world)
    world.census.failure = None
    world.census.finish(1)
    follow(world)
    assert world.action().state is ActionState.CHECKING


def test_what_the_follower_found_first_is_not_changed(world: World) -> None:
    """The sender of the request and the follower can both find the run."""
    world.census.meanwhile = lambda: (world.census.start(world.sync_b, "API Request"), follow(world))
    action = press(world)
    assert world.action() == action
    assert (action.state, action.run_id) == (ActionState.RUNNING, 1)


def test_a_sync_that_pipeline_yml_dropped_cannot_be_run(world: World) -> None:
    with pytest.raises(RefusedError, match="no sync that this alert is about"):
        sync_of(world.ports.settings, replace(world.incident(), rerun="Sync Z"))


def test_request_and_end_are_audited(world: World) -> None:
    end_of_run(world, 7)
    requested, ended = world.audit()
    assert requested == (ROBIN, "rerun", "Sync B", "requested")
    assert ended[:3] == (ROBIN, "rerun", "Sync B")
    assert ended[3] == "run completed: 7 properties have no company name"
    more = world.rows("SELECT state, team, reason, before, after, reference FROM audit ORDER BY id")
    assert more == [
        ("requested", TEAM, "the view is fixed", "on, 12 records pending", "", "action 1"),
        ("succeeded", None, "", "", "5 updated", "action 1, run 1"),
    ]
    assert [entry.did for entry in world.incident().timeline][-2:] == [Did.RECOVERING, Did.RUN_ENDED]


@pytest.mark.parametrize(
    ("nameless", "says"),
    [
        (60, "run completed, not recovered: 60 properties have no company name"),
        (None, "run completed, status unknown: Companies without a name: no data"),
    ],
)
def test_the_audit_says_of_a_completed_run_whether_its_incident_recovered(
    world: World, nameless: object, says: str
) -> None:
    end_of_run(world, nameless)
    assert world.audit()[-1] == (ROBIN, "rerun", "Sync B", says)


def test_an_end_that_census_refused_is_audited_and_in_the_timeline(world: World) -> None:
    world.census.refusal = PermanentError("Census answered 403")
    press(world)
    assert [row[3] for row in world.audit()] == ["requested", "Nothing was done: Census answered 403"]
    assert world.rows("SELECT state FROM audit ORDER BY id") == [("requested",), ("failed",)]
    assert world.incident().timeline[-1].did is Did.RUN_ENDED


def test_the_end_is_kept_together_or_not_at_all(world: World) -> None:
    """State, message, timeline and audit: a rerun that ended without its audit row would never get one."""
    press(world)
    world.census.finish(1, RunStatus.FAILED)
    brittle = replace(world.ports, store=BrittleStore(world.store, "audit"))
    follow_actions(brittle, world.checker)
    assert world.action().state is ActionState.RUNNING, "rolled back, so it is looked at again"
    follow(world)
    assert world.action().state is ActionState.FAILED
    assert world.audit()[-1][3] == "Census says that the run failed."


def test_slack_being_down_does_not_stop_a_rerun(world: World) -> None:
    world.channel.fail(refused())
    end_of_run(world, 7)
    deliver_next(world.ports, "sender")
    world.channel.heal()
    said = story(world)
    assert ("rerun completed" in said.text, said.edits) == (True, 0)


# Consent is bound to what was shown.


def run_began(world: World) -> None:
    world.census.start(world.sync_b)


def run_came_and_went(world: World) -> None:
    world.census.finish(world.census.start(world.sync_b).id)


def nobody_knows(world: World) -> None:
    world.warehouse.failure = TemporaryError("asleep")


@pytest.mark.parametrize(
    ("happens", "change"),
    [
        (run_began, FactChange.RUN_BEGAN),
        (run_came_and_went, FactChange.RUN_ENDED),
        (lambda world: world.census.pause(world.sync_b), FactChange.PAUSED),
        (lambda world: world.numbers(update_queue_suspicious=1), FactChange.SUSPECT),
        (nobody_knows, FactChange.UNKNOWN),
        (lambda world: world.numbers(update_queue=0), FactChange.NOTHING_PENDING),
    ],
)
def test_what_became_worse_since_the_dialog_starts_nothing_and_is_shown_again(
    world: World, happens: Callable[[World], object], change: FactChange
) -> None:
    consent = shown(world)
    happens(world)
    with pytest.raises(FactsChangedError) as changed:
        confirm(world, consent)
    assert changed.value.changes == (change,)
    assert world.census.triggers == [] and world.rows("SELECT * FROM actions") == []
    if change is not FactChange.NOTHING_PENDING:
        assert confirm(world, changed.value.facts.consent).state is ActionState.RUNNING, "the new ones can be confirmed"


def test_more_suspect_records_than_were_shown_are_not_agreed_to(world: World) -> None:
    world.numbers(update_queue_suspicious=2)
    consent = shown(world)
    world.numbers(update_queue_suspicious=3)
    with pytest.raises(FactsChangedError):
        confirm(world, consent)
    world.numbers(update_queue_suspicious=1, update_queue=4000)
    assert confirm(world, consent).state is ActionState.RUNNING, "fewer are, and so is a backlog that moves"


def test_follow_never_starts_a_run(world: World) -> None:
    running = world.census.start(world.sync_b)
    consent = shown(world)
    world.census.finish(running.id)
    with pytest.raises(FactsChangedError) as changed:
        confirm(world, consent)
    assert changed.value.changes == (FactChange.RUN_ENDED,)
    another = world.census.start(world.sync_b)
    with pytest.raises(FactsChangedError) as changed:
        confirm(world, consent)
    assert changed.value.changes == (FactChange.RUN_BEGAN,), "that is another one"
    assert world.census.triggers == []
    assert confirm(world, changed.value.facts.consent).run_id == another.id


def test_fifty_submissions_that_are_worked_off_slowly_start_one_run(world: World) -> None:
    consent = shown(world)
    for number in range(50):
        with suppress(RefusedError):
            confirm(world, consent, by=(ROBIN, ADA)[number % 2])
        for _ in range(2):  # the run is over before the next one's turn comes
            world.clock.pass_(minutes=1)
            if world.action().state is ActionState.RUNNING:
                world.census.finish(world.action().run_id or 0, records_updated=5)
            follow(world)
    assert world.action().state is ActionState.FINISHED
    assert world.census.triggers == [world.sync_b]


@pytest.mark.parametrize("ended", ["refused by Census", "not to be seen in Census"])
def test_a_submission_that_is_replayed_after_a_restart_starts_nothing(world: World, ended: str) -> None:
    consent = shown(world)
    if ended == "refused by Census":
        world.census.refusal = PermanentError("Census answered 403")
    confirm(world, consent)
    if ended == "not to be seen in Census":
        world.census.finish(1)
        follow(world)
        follow(world)
        world.census.forget(1)
    world.census.refusal = None
    restarted = replace(world.ports, store=SqlStore(f"sqlite:///{world.path}"))
    with pytest.raises(FactsChangedError) as changed:
        act_on_sync(restarted, consent, Person(ROBIN, TEAM, TEAM), "again")
    assert FactChange.REQUESTED in changed.value.changes
    restarted.store.close()
    assert len(world.census.triggers) == 1


def test_a_rerun_that_another_replica_requests_in_the_same_moment_is_noticed(world: World) -> None:
    """Between our look at the facts and our row, another one was requested, and has ended."""
    consent = shown(world)
    ask = world.warehouse.ask

    def other_first(question: str, **parameters: object) -> list[dict[str, object]]:
        with world.store.transaction() as records:
            records.create_action(Action(0, "Sync B", 1, ADA, "", ActionState.FAILED, world.clock.now(), 0))
        return ask(question, **parameters)

    world.warehouse.ask = other_first  # type: ignore[method-assign]
    with pytest.raises(FactsChangedError) as changed:
        confirm(world, consent)
    assert changed.value.changes == (FactChange.REQUESTED,)
    assert world.census.triggers == []


def test_a_consent_for_another_sync_or_incident_is_none_for_this(world: World) -> None:
    for change, why in (({"sync": "Sync A"}, "about another sync"), ({"incident_id": 2}, "There is no incident 2")):
        with pytest.raises(RefusedError, match=why):
            confirm(world, replace(shown(world), **change))  # type: ignore[arg-type]
    assert world.census.triggers == []


def test_one_old_run_of_unknown_state_does_not_stand_against_reruns(world: World) -> None:
    old = world.census.start(world.sync_b)
    world.census.move(old.id, status=RunStatus.UNKNOWN)
    assert shown(world).running == old.id, "it may be going on"
    world.clock.pass_(seconds=LONGEST_RUN.total_seconds())
    assert shown(world).running is None
    world.census.finish(old.id)  # else the fake skips the new one
    assert press(world).state is ActionState.RUNNING


def test_a_request_from_before_the_clock_was_set_back_is_not_looked_for_an_hour_longer(world: World) -> None:
    world.open_incident()
    world.census.refusal = UncertainError("the connection broke")
    world.rerun()
    world.clock.set_back(hours=1)
    follow_actions(world.ports, world.checker)
    world.clock.pass_(minutes=16)
    follow_actions(world.ports, world.checker)
    assert world.action().state is ActionState.UNKNOWN


def test_facts_that_changed_while_the_rerun_was_requested_name_the_rerun_that_changed_them(world: World) -> None:
    world.open_incident()
    consent = shown(world)
    asked = world.census.runs

    def somebody_else_first(*given: int, **named: int) -> object:
        world.census.runs = asked  # type: ignore[method-assign]
        world.census.refusal = PermanentError("Census refuses")
        world.rerun(ADA)
        return asked(*given, **named)

    world.census.runs = somebody_else_first  # type: ignore[method-assign,assignment]
    with pytest.raises(FactsChangedError) as changed:
        confirm(world, consent)
    assert changed.value.changes == (FactChange.REQUESTED,)
    assert changed.value.facts.latest_action_id == 1, "what is confirmed next is what is shown next"
