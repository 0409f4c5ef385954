"""Changes whose answer is lost, refused or late: pause, resume, cancel, and pause all with a sync that refuses."""

from collections.abc import Callable

import pytest

from bot.alerts.model import Action, ActionKind, ActionState
from bot.errors import PermanentError, RefusedError, TemporaryError, UncertainError
from bot.facts import RunStatus
from bot.services.act_on_sync import pause_all, pause_all_facts
from bot.services.authorise import Person
from bot.services.follow_actions import follow_actions
from bot.services.follow_change import PATIENCE, UNCONFIRMED
from tests.services.conftest import ROBIN, TEAM, World

LOST = UncertainError("Census answered 500; it may be done anyway")


@pytest.fixture(autouse=True)
def told(world: World) -> None:
    world.open_incident()


def follow(world: World, **later: float) -> Action:
    world.clock.pass_(**later)
    follow_actions(world.ports, world.checker)
    return world.action()


def paused(world: World) -> bool:
    return world.census.sync(world.sync_b).schedule.paused


@pytest.mark.parametrize("kind", [ActionKind.PAUSE, ActionKind.RESUME])
def test_a_change_that_happened_although_its_answer_was_lost_is_seen_and_finished(
    world: World, kind: ActionKind
) -> None:
    if kind is ActionKind.RESUME:
        world.census.pause(world.sync_b)
    world.census.changes.clear()
    world.census.loses_answers = True
    assert world.act(kind).state is ActionState.REQUESTED
    assert follow(world, seconds=5).state is ActionState.CHECKING
    assert follow(world, seconds=5).state is ActionState.FINISHED
    assert world.census.changes == [(world.sync_b, kind is ActionKind.PAUSE)], "once"


@pytest.mark.parametrize("kind", [ActionKind.PAUSE, ActionKind.RESUME])
def test_a_change_that_never_arrived_is_said_to_have_failed_and_how_the_sync_stands(
    world: World, kind: ActionKind
) -> None:
    if kind is ActionKind.RESUME:
        world.census.pause(world.sync_b)
    before = paused(world)
    world.census.refusal = LOST
    assert world.act(kind).state is ActionState.REQUESTED
    assert follow(world, seconds=UNCONFIRMED - 1).state is ActionState.REQUESTED
    ended = follow(world, seconds=2)
    shown = "paused" if before else "on"
    assert (ended.state, ended.verdict) == (
        ActionState.FAILED,
        f"Census did not confirm the request, and shows the sync {shown}.",
    )
    assert world.rows("SELECT state, after FROM audit ORDER BY id DESC LIMIT 1") == [("failed", shown)]


@pytest.mark.parametrize(
    "refusal", [PermanentError("Census answered 403"), TemporaryError("Census refuses to connect")]
)
@pytest.mark.parametrize("kind", [ActionKind.PAUSE, ActionKind.CANCEL, ActionKind.RERUN])
def test_what_census_certainly_refused_has_failed_at_once(
    world: World, kind: ActionKind, refusal: PermanentError | TemporaryError
) -> None:
    if kind is ActionKind.CANCEL:
        world.census.start(world.sync_b)
    world.census.refusal = refusal
    ended = world.act(kind)
    assert (ended.state, ended.verdict) == (ActionState.FAILED, f"Nothing was done: {refusal}")


@pytest.mark.parametrize("happened", [True, False])
def test_a_cancellation_whose_answer_was_lost_ends_as_the_run_does(world: World, happened: bool) -> None:
    run = world.census.start(world.sync_b)
    world.census.loses_answers, world.census.refusal = happened, None if happened else LOST
    assert world.act(ActionKind.CANCEL).state is ActionState.REQUESTED
    ended = follow(world, seconds=UNCONFIRMED + 1)
    if happened:
        assert (ended.state, ended.run_status) == (ActionState.FINISHED, RunStatus.CANCELLED)
    else:
        assert ended.state is ActionState.FAILED
        assert "the run is still in progress" in ended.verdict
    assert world.census.canceled == [run.id]


def test_a_run_that_completes_before_its_cancellation_arrives_was_not_canceled(world: World) -> None:
    run = world.census.start(world.sync_b)
    consent = world.facts(ActionKind.CANCEL).consent
    cancel = world.census.cancel

    def late(run_id: int) -> None:
        world.census.finish(run_id, records_updated=5)
        cancel(run_id)

    world.census.cancel = late  # type: ignore[method-assign]
    assert world.act(ActionKind.CANCEL, consent=consent).state is ActionState.RUNNING
    ended = follow(world, seconds=5)
    assert (ended.state, ended.verdict) == (
        ActionState.FAILED,
        "The run ended before it could be canceled: completed.",
    )
    assert world.census.canceled == [run.id]


def test_the_cancellation_of_a_run_that_vanished_is_unknown(world: World) -> None:
    run = world.census.start(world.sync_b)
    world.census.refusal = LOST
    world.act(ActionKind.CANCEL)
    world.census.forget(run.id)
    assert follow(world, seconds=5).state is ActionState.REQUESTED, "one answer is not all"
    ended = follow(world, seconds=UNCONFIRMED)
    assert ended.state is ActionState.UNKNOWN
    assert "no longer knows this run" in ended.verdict


def test_a_run_that_does_not_end_although_census_accepted_its_cancellation_is_unknown(world: World) -> None:
    run = world.census.start(world.sync_b)
    world.census.cancel = world.census.canceled.append  # type: ignore[method-assign]
    assert world.act(ActionKind.CANCEL).state is ActionState.RUNNING
    assert follow(world, seconds=PATIENCE - 1).state is ActionState.RUNNING
    assert follow(world, seconds=2).state is ActionState.UNKNOWN
    assert world.census.canceled == [run.id]


def test_a_trigger_that_is_refused_after_the_sync_was_resumed_says_both(world: World) -> None:
    world.census.pause(world.sync_b)
    consent = world.facts().consent
    resume = world.census.resume

    def then_refuse(sync_id: int) -> None:
        resume(sync_id)
        world.census.refusal = PermanentError("Census answered 403")

    world.census.resume = then_refuse  # type: ignore[method-assign]
    ended = world.act(consent=consent)
    assert ended.state is ActionState.FAILED
    assert ended.verdict == "Sync B is resumed, and no run started: Census answered 403"
    assert not paused(world)


def test_a_rerun_whose_resumption_was_not_confirmed_starts_no_run_and_says_so(world: World) -> None:
    world.census.pause(world.sync_b)
    consent = world.facts().consent
    world.census.loses_answers = True
    ended = world.act(consent=consent)
    assert ended.state is ActionState.FAILED
    assert "No run started: Census did not confirm that Sync B is resumed" in ended.verdict
    assert world.census.triggers == []


# Pause all


def pause_every(world: World) -> Action:
    return pause_all(world.ports, pause_all_facts(world.ports).consent, Person(ROBIN, TEAM, TEAM), "bad data")


def refusing(world: World, error: Exception) -> Callable[[], None]:
    """Pausing Sync A fails until what is returned is called."""
    pause = world.census.pause

    def one(sync_id: int) -> None:
        if sync_id == world.sync_a:
            raise error
        pause(sync_id)

    world.census.pause = one  # type: ignore[method-assign]
    return lambda: setattr(world.census, "pause", pause)


def test_pause_all_repeats_what_one_sync_refuses_until_it_recovers(world: World) -> None:
    recover = refusing(world, TemporaryError("Census answered 429"))
    begun = pause_every(world)
    assert (begun.state, begun.verdict) == (ActionState.REQUESTED, "Not paused yet: Sync A: Census answered 429")
    assert follow(world, seconds=10) == begun, "nothing new is not told"
    recover()
    assert follow(world, seconds=10).state is ActionState.CHECKING
    ended = follow(world)
    assert (ended.state, ended.verdict) == (ActionState.FINISHED, "")
    assert sorted(world.census.changes) == [(world.sync_a, True), (world.sync_b, True)]


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (PermanentError("Census answered 403"), ActionState.FAILED, "Not paused: Sync A: Census answered 403"),
        (LOST, ActionState.UNKNOWN, f"Whether these are paused is unknown: Sync A: {LOST}"),
    ],
)
def test_pause_all_names_what_it_did_not_pause_and_says_unknown_where_it_is(
    world: World, error: Exception, state: ActionState, words: str
) -> None:
    refusing(world, error)
    pause_every(world)
    ended = follow(world, seconds=PATIENCE + 1)
    assert (ended.state, ended.verdict) == (state, words)


def test_a_sync_that_somebody_resumes_while_all_are_paused_stays_as_that_person_wants_it(world: World) -> None:
    recover = refusing(world, TemporaryError("Census answered 429"))
    pause_every(world)
    assert paused(world)
    world.act(ActionKind.RESUME)
    recover()
    for _ in range(3):
        follow(world, seconds=10)
    assert not paused(world)
    assert world.action(1).verdict == "All other syncs are paused. Left as they are, by a later request: Sync B."


def test_pause_all_is_confirmed_once_and_by_its_own_dialog(world: World) -> None:
    person, consent = Person(ROBIN, TEAM, TEAM), pause_all_facts(world.ports).consent
    with pytest.raises(RefusedError, match="about another sync"):
        pause_all(world.ports, world.facts().consent, person, "")
    pause_all(world.ports, consent, person, "")
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"since this dialog opened|in progress"):
            pause_all(world.ports, consent, person, "")
        follow(world)
    assert len(world.census.changes) == 2
