"""What is confirmed is what is done: once, for that kind of action, and only while nothing has become worse."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerts.model import ActionKind, ActionState
from bot.answers.consent import Consent, FactChange
from bot.errors import RefusedError
from bot.services.act_on_sync import FactsChangedError
from bot.services.follow_actions import follow_actions
from tests.services.conftest import ADA, World

Happens = Callable[[World], object]
RERUN, PAUSE, RESUME, CANCEL = ActionKind.RERUN, ActionKind.PAUSE, ActionKind.RESUME, ActionKind.CANCEL


@pytest.fixture(autouse=True)
def told(world: World) -> None:
    world.open_incident()


def done(world: World) -> tuple[int, int, int]:
    """How many triggers, changes and cancellations arrived."""
    return len(world.census.triggers), len(world.census.changes), len(world.census.canceled)


def as_needed(world: World, kind: ActionKind) -> Consent:
    """What the dialog shows where the action is possible."""
    if kind is RESUME:
        world.census.pause(world.sync_b)
    if kind is CANCEL:
        world.census.start(world.sync_b)
    return world.facts(kind).consent


def follow(world: World, times: int = 3) -> None:
    for _ in range(times):
        for run in world.census.runs(world.sync_b):
            if not run.final:
                world.census.finish(run.id, records_updated=5)
        world.clock.pass_(seconds=30)
        follow_actions(world.ports, world.checker)


@pytest.mark.parametrize("then", ["at once", "after its end"])
@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        (RERUN, {}),
        (RERUN, {"full_sync": True}),
        (RESUME, {"then_rerun": True}),
        (PAUSE, {}),
        (RESUME, {}),
        (CANCEL, {}),
    ],
    ids=str,
)
def test_a_submission_that_arrives_twice_acts_once(
    world: World, kind: ActionKind, chosen: dict[str, bool], then: str
) -> None:
    consent = replace(as_needed(world, kind), full_sync="full_sync" in chosen)
    world.act(kind, consent=consent, **chosen)
    if then == "after its end":
        follow(world)
        assert world.action().state is ActionState.FINISHED
    before = done(world)
    with pytest.raises(RefusedError):
        world.act(kind, by=ADA, consent=consent, **chosen)
    assert done(world) == before
    assert len(world.rows("SELECT id FROM actions")) == 1


@pytest.mark.parametrize(
    ("kind", "happens", "change"),
    [
        (PAUSE, lambda world: world.census.pause(world.sync_b), FactChange.PAUSED),
        (RESUME, lambda world: world.census.resume(world.sync_b), FactChange.RESUMED),
        (RESUME, lambda world: world.numbers(update_queue_suspicious=4), FactChange.SUSPECT),
        (RESUME, lambda world: world.numbers(update_queue=None), FactChange.UNKNOWN),
        (CANCEL, lambda world: world.census.finish(1), FactChange.RUN_ENDED),
    ],
)
def test_what_became_worse_does_nothing_and_is_shown_again(
    world: World, kind: ActionKind, happens: Happens, change: FactChange
) -> None:
    consent = as_needed(world, kind)
    happens(world)
    before = done(world)
    with pytest.raises(FactsChangedError) as changed:
        world.act(kind, consent=consent)
    assert (changed.value.changes, changed.value.facts.kind) == ((change,), kind)
    assert done(world) == before


@pytest.mark.parametrize("kind", [RERUN, RESUME, PAUSE])
def test_what_became_better_is_still_agreed_to(world: World, kind: ActionKind) -> None:
    world.numbers(update_queue=500, update_queue_suspicious=4)
    consent = as_needed(world, kind)
    world.numbers(update_queue=20, update_queue_suspicious=1)
    assert world.act(kind, consent=consent).id == 1


def test_another_action_on_the_sync_since_the_dialog_is_worse_whatever_its_kind(world: World) -> None:
    consent = world.facts(RERUN).consent
    world.act(PAUSE)
    follow(world, 2)
    with pytest.raises(FactsChangedError) as changed:
        world.act(RERUN, consent=consent)
    assert changed.value.changes == (FactChange.REQUESTED, FactChange.PAUSED)
    assert world.census.triggers == []


def test_a_full_sync_is_confirmed_by_itself(world: World) -> None:
    with pytest.raises(FactsChangedError) as changed:
        world.act(full_sync=True)
    assert (changed.value.changes, changed.value.facts.full_sync) == ((FactChange.FULL_SYNC,), True)
    assert world.census.triggers == []
    assert world.act(consent=changed.value.facts.consent).full_sync
    assert world.census.full_syncs == world.census.triggers == [world.sync_b]


def test_a_full_sync_helps_where_nothing_is_pending(world: World) -> None:
    world.numbers(update_queue=0)
    with pytest.raises(FactsChangedError, match="no record is pending"):
        world.act()
    assert world.act(consent=replace(world.facts().consent, full_sync=True)).full_sync


@pytest.mark.parametrize(
    ("shown", "sent", "paused"),
    [
        (PAUSE, RESUME, False),
        (RESUME, PAUSE, True),
        (RERUN, RESUME, False),
        (RERUN, CANCEL, False),
        (PAUSE, CANCEL, False),
    ],
)
def test_what_one_dialog_showed_does_nothing_else(
    world: World, shown: ActionKind, sent: ActionKind, paused: bool
) -> None:
    if paused:
        world.census.pause(world.sync_b)
    before, consent = done(world), world.facts(shown).consent
    with pytest.raises(RefusedError):
        world.act(sent, consent=replace(consent, kind=sent))
    assert done(world) == before


def test_pause_all_is_no_action_on_one_sync(world: World) -> None:
    with pytest.raises(RefusedError, match="about another sync"):
        world.act(consent=replace(world.facts().consent, kind=ActionKind.PAUSE_ALL))
    assert done(world) == (0, 0, 0)


def test_only_resume_offers_a_rerun_behind_it(world: World) -> None:
    world.act(PAUSE, then_rerun=True)
    assert done(world) == (0, 1, 0)


def test_resume_and_rerun_while_a_run_goes_on_resumes_and_starts_no_other(world: World) -> None:
    world.census.start(world.sync_b)
    world.census.pause(world.sync_b)
    action = world.act(RESUME, then_rerun=True)
    assert (action.kind, world.census.triggers) == (RESUME, [])
    assert not world.census.sync(world.sync_b).schedule.paused


def test_a_resumption_lets_suspect_records_be_written_even_after_the_run_in_progress(world: World) -> None:
    world.numbers(update_queue_suspicious=3)
    world.census.start(world.sync_b)
    world.census.pause(world.sync_b)
    with pytest.raises(RefusedError, match="a reason is needed"):
        world.act(RESUME, reason=" ")
    assert world.census.sync(world.sync_b).schedule.paused
