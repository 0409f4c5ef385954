"""What pipeline.yml asks for is done without anybody: once, announced, audited, and never on what is not known."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts.model import ITSELF, ActionKind, ActionState, Did, State
from bot.config.remedies import Remedy
from bot.errors import PermanentError, StartingError, SyncHealthError, TemporaryError
from bot.facts import RunStatus, Schedule
from bot.messages.summary import summary_message
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.follow_actions import follow_actions
from bot.services.run_checks import Checker, run_checks, timer_ended
from bot.services.summarise import summarise
from tests.fakes import HEALTH
from tests.services.conftest import World
from tests.services.test_not_measured import HEALTHY

PAUSE = Remedy.model_validate({"when": "suspect_records", "do": "pause"})
RERUN = Remedy.model_validate({"when": "failed_run", "cause": "transient", "do": "rerun"})
WELL = {"records_updated": 5, "records_failed": 0, "records_invalid": 0}


class Story:
    """A pipeline with every shipped check and these remedies, and what happens in it."""

    def __init__(self, world: World, *remedies: Remedy) -> None:
        self.world = world
        world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
        world.warehouse.runs_anyway = False
        self.ports = self.with_remedies(*remedies)
        self.checker = world.checker = Checker(self.ports)
        for sync in (world.sync_a, world.sync_b):
            world.census.set_schedule(sync, Schedule("hourly", paused=False, minute=0))
        self.run_both()
        self.checker.run()

    def with_remedies(self, *remedies: Remedy) -> Ports:
        settings = self.world.ports.settings
        return replace(
            self.world.ports,
            settings=replace(settings, checks=settings_from({}).checks, remedies=remedies),
        )

    def run_both(self, **changes: Any) -> None:
        """Both syncs run on schedule, where they are not paused."""
        status = changes.pop("status", RunStatus.COMPLETED)
        for sync in (self.world.sync_a, self.world.sync_b):
            if not self.world.census.sync(sync).schedule.paused:
                failed = sync == self.world.sync_b
                run = self.world.census.start(sync)
                self.world.census.finish(run.id, status if failed else RunStatus.COMPLETED, **WELL | changes)

    def suspect(self, count: object) -> None:
        self.world.numbers(update_queue_suspicious=count)

    def look(self, *, after: float = 0, thrifty: bool = False) -> None:
        self.world.clock.pass_(minutes=after)
        self.checker.run(join=False, thrifty=thrifty)

    def follow(self) -> None:
        follow_actions(self.ports, self.checker)

    def hold(self, count: int = 240) -> None:
        """So many suspect records are measured and the sync is held, to the end of the action."""
        self.suspect(count)
        self.look(after=1)
        self.follow()

    @property
    def pauses(self) -> list[tuple[int, bool]]:
        return self.world.census.changes

    def open(self) -> list[tuple[str, str | None]]:
        with self.world.store.snapshot() as records:
            return [(one.check, one.sync) for one in records.open_incidents()]

    def thread(self) -> str:
        self.world.deliver()
        return "\n".join(one.text for one in self.world.channel.everything())

    def messages(self, words: str) -> int:
        """How many have these."""
        self.thread()
        return sum(words in one.text for one in self.world.channel.everything())


@pytest.fixture
def story(world: World) -> Iterator[Story]:
    world.checker.close()
    yield Story(world, PAUSE)


def test_critical_suspect_records_pause_their_sync_once_and_the_thread_says_why(story: Story) -> None:
    story.hold()
    story.look(after=1)
    assert story.pauses == [(story.world.sync_b, True)]
    action = story.world.action()
    assert (action.by, action.kind, action.state) == (ITSELF, ActionKind.PAUSE, ActionState.FINISHED)
    assert "Sync B is paused* (by Sync Health" in story.thread()
    assert "240 suspect records (no company name) were about to be written at" in story.thread()
    assert "Resume Sync B" in story.thread()
    mine = [row for row in story.world.audit() if row[0] == ITSELF]
    assert [(what, target) for _, what, target, _ in mine] == [("pause", "Sync B")] * 2
    states = story.world.rows(f"SELECT state FROM audit WHERE \"user\" = '{ITSELF}' ORDER BY id")
    assert states == [("requested",), ("succeeded",)]


def test_without_a_remedy_nothing_is_automatic(world: World) -> None:
    world.checker.close()
    story = Story(world)
    story.hold()
    story.run_both(status=RunStatus.FAILED, error="503: try again later")
    story.look(after=5)
    story.run_both(status=RunStatus.FAILED, error="503: try again later")
    story.look(after=5)
    assert story.pauses == [] and world.census.triggers == []


@pytest.mark.parametrize("count", [0, 5, None, float("nan"), "many"])
def test_what_is_not_critical_or_not_known_pauses_nothing(story: Story, count: object) -> None:
    story.suspect(count)
    for _ in range(4):
        story.look(after=5)
    assert story.pauses == []


def test_a_value_that_is_carried_over_pauses_nothing(world: World) -> None:
    """It was measured before the remedy was written into pipeline.yml."""
    world.checker.close()
    story = Story(world)
    story.hold()
    ports = story.with_remedies(PAUSE)
    story.checker = Checker(ports)
    story.look(after=1, thrifty=True)
    assert story.pauses == []
    story.look(after=1)
    assert story.pauses == [(world.sync_b, True)]
    story.checker.close()


def test_a_dry_remedy_says_once_what_it_would_have_done_and_never_calls_census(world: World) -> None:
    world.checker.close()
    story = Story(world, PAUSE.model_copy(update={"dry": True}), RERUN.model_copy(update={"dry": True}))
    for _ in range(3):
        story.hold()
    assert story.pauses == []
    assert story.messages("Would have paused Sync B: 240 suspect records") == 1
    said = [entry.detail for entry in world.incident().timeline if entry.did is Did.REMEDY]
    assert len(said) == 1 and said[0].endswith("(remedy is dry)")
    story.suspect(0)
    for _ in range(3):
        story.run_both(status=RunStatus.FAILED, error="503: try again later")
        story.look(after=15)
    assert world.census.triggers == []
    assert story.messages("Would have rerun Sync B") == 1


def test_a_run_that_began_before_the_measurement_is_said_and_can_be_canceled(story: Story) -> None:
    story.world.census.start(story.world.sync_b)
    story.suspect(240)
    story.look(after=1)
    story.look(after=1)
    assert story.pauses == []
    assert story.messages("Not paused in time: a run of Sync B began") == 1
    assert "cancel" in story.world.incident().offers


def test_two_replicas_pause_once(story: Story) -> None:
    other = Checker(replace(story.ports))
    story.suspect(240)
    story.world.clock.pass_(minutes=1)
    flights = [one.begin(join=False)[0] for one in (story.checker, other)]
    for flight in flights:
        flight.result()
    story.follow()
    other.run(join=False)
    other.close()
    assert story.pauses == [(story.world.sync_b, True)]
    assert len(story.world.rows("SELECT id FROM actions")) == 1


def test_a_crash_between_the_row_and_the_call_still_pauses(story: Story) -> None:
    pause, story.world.census.pause = story.world.census.pause, _crash  # type: ignore[method-assign]
    story.suspect(240)
    with pytest.raises(KeyboardInterrupt):
        story.look(after=1)
    assert story.world.action().state is ActionState.REQUESTED
    story.world.census.pause = pause  # type: ignore[method-assign]
    story.follow()
    assert story.pauses == [(story.world.sync_b, True)]
    assert story.world.action().state is ActionState.CHECKING


def _crash(_: int) -> None:
    raise KeyboardInterrupt


def test_while_census_does_not_answer_the_thread_says_so_and_the_pause_is_tried_again(story: Story) -> None:
    story.world.census.refusal = TemporaryError("Census answered 503")
    story.suspect(240)
    story.look(after=1)
    assert "Not paused yet: Census answered 503. Trying again." in story.thread()
    story.world.clock.pass_(minutes=3)
    story.follow()
    assert story.world.action().state is ActionState.REQUESTED
    story.world.census.refusal = None
    story.follow()
    story.follow()
    assert story.world.action().state is ActionState.FINISHED
    assert "Not paused yet" not in story.thread()


def test_a_refused_pause_is_told_and_not_repeated_for_ever(story: Story) -> None:
    story.world.census.refusal = PermanentError("Census refuses CENSUS_API_TOKEN (401)")
    for _ in range(6):
        story.hold()
    assert len(story.pauses) == 3
    assert "Sync B was not paused" in story.thread()


def test_a_resume_by_a_person_wins_until_more_records_are_suspect(story: Story) -> None:
    story.hold()
    story.world.census.resume(story.world.sync_b)
    story.pauses.clear()
    story.look(after=1)
    story.hold(100)
    story.hold(240)
    assert story.pauses == [], "the same records"
    story.hold(241)
    assert story.pauses == [(story.world.sync_b, True)]


def test_a_new_wave_is_held_however_small_it_is(story: Story) -> None:
    story.hold()
    story.world.census.resume(story.world.sync_b)
    story.pauses.clear()
    story.suspect(0)
    story.look(after=1)
    story.hold(20)
    assert story.pauses == [(story.world.sync_b, True)]


def test_a_held_sync_is_one_incident_until_the_records_are_gone_and_the_pause_is_forgotten(story: Story) -> None:
    story.hold()
    for _ in range(16):  # four hours: nothing that follows from the pause is told
        story.run_both()
        story.look(after=15)
        story.follow()
        assert story.open() == [("suspect_records", "Sync B")]
    story.suspect(0)
    for _ in range(4):
        story.look(after=5)
    assert story.open() == [("schedule_enabled", "Sync B")]
    forgotten = story.world.incident(2)
    assert forgotten.acked_by is None and forgotten.offers == ("resume",)
    assert forgotten.causes[0].startswith("Paused by Sync Health {")
    assert "Paused by Sync Health <!date^" in story.thread()
    story.world.census.resume(story.world.sync_b)
    story.run_both()
    story.look(after=1)
    assert story.open() == [] and story.world.incident(2).state is State.OK


def test_a_pause_by_a_person_is_an_incident_of_its_own(story: Story) -> None:
    story.suspect(5)
    story.world.census.pause(story.world.sync_b)
    story.look(after=1)
    assert ("schedule_enabled", "Sync B") in story.open()


def test_the_backlog_is_measured_before_every_run_where_records_are_held(story: Story) -> None:
    """An hourly sync ran at 10:00, which an alert alone takes for new enough."""
    story.world.clock.pass_(minutes=54)
    story.look(thrifty=True)
    assert not timer_ended(story.ports)
    story.world.clock.pass_(minutes=1, seconds=1)
    assert timer_ended(story.ports)
    assert not timer_ended(story.with_remedies())
    story.look()
    assert not timer_ended(story.ports), "once in these five minutes"


def before_the_run(story: Story, minutes: float = 4.9) -> None:
    """So many minutes before the next full hour; both syncs ran at the last one."""
    story.world.clock.pass_(minutes=60 - minutes)
    story.suspect(240)


def runs_on_schedule(story: Story, minutes: float) -> None:
    """It is a little after the full hour, and both syncs have run."""
    story.world.clock.pass_(minutes=minutes + 0.1)
    story.run_both()


def status(story: Story) -> str:
    return str(summary_message(summarise(story.ports), story.ports.settings.zone))


def test_a_stopped_warehouse_is_woken_for_a_run_that_may_have_to_be_held(story: Story) -> None:
    before_the_run(story)
    asked = len(story.world.warehouse.asked)
    story.look(thrifty=True)
    assert len(story.world.warehouse.asked) == asked, "a tick leaves it asleep"
    assert timer_ended(story.ports)
    story.look()
    assert story.pauses == [(story.world.sync_b, True)]


LATE = [StartingError("the warehouse is starting"), TemporaryError("the warehouse cannot be reached")]


@pytest.mark.parametrize("late", LATE, ids=["starting", "unreachable"])
def test_a_warehouse_that_is_late_is_asked_every_minute_and_holds_in_time(story: Story, late: SyncHealthError) -> None:
    before_the_run(story)
    story.world.warehouse.failure = late
    for _ in range(3):
        assert timer_ended(story.ports)
        story.look()
        assert not timer_ended(story.ports), "once a minute"
        story.world.clock.pass_(minutes=1)
    story.world.warehouse.failure = None
    assert timer_ended(story.ports) and story.pauses == []
    story.look()
    assert story.pauses == [(story.world.sync_b, True)]
    runs_on_schedule(story, 1.9)
    story.look(thrifty=True)
    assert "was not held" not in status(story)


@pytest.mark.parametrize("late", LATE, ids=["starting", "unreachable"])
def test_a_run_that_came_before_the_warehouse_is_named_in_the_summary_and_the_thread(
    story: Story, late: SyncHealthError
) -> None:
    before_the_run(story)
    story.world.warehouse.failure = late
    story.look()
    assert "was not held" not in status(story), "the run has not begun"
    runs_on_schedule(story, 4.9)
    story.look(thrifty=True)
    assert story.pauses == []
    assert "Sync B (UPDATE) was not held before the run that began" in status(story)
    story.world.warehouse.failure = None
    story.world.census.refusal = TemporaryError("Census answered 503")  # so that it runs again
    for _ in range(3):
        story.look(after=2)
    assert story.messages("Not held: a run of Sync B began") == 1
    story.world.clock.pass_(minutes=60 - 4.9 - 6.1)
    story.look()
    runs_on_schedule(story, 4.9)
    story.look(thrifty=True)
    assert "was not held" not in status(story), "this one was measured before"


def test_without_a_hold_or_after_a_run_by_hand_nothing_is_said_to_be_not_held(world: World) -> None:
    world.checker.close()
    story = Story(world)
    for remedies, minutes in ((), 4.9), ((PAUSE,), 30):
        story.checker.close()
        story.ports = story.with_remedies(*remedies)
        story.checker = world.checker = Checker(story.ports)
        story.look()
        before_the_run(story, minutes)
        world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
        if remedies:
            story.run_both()
        else:
            runs_on_schedule(story, minutes)
        story.look(thrifty=True)
        assert "was not held" not in status(story)
        world.warehouse.failure = None


def minutes_until_seen(story: Story) -> float:
    """That the suspect records are gone, at ticks of five minutes that leave the warehouse asleep."""
    story.suspect(0)
    for minutes in range(5, 100, 5):
        story.look(after=5, thrifty=True)
        with story.world.store.snapshot() as records:
            last = records.latest_evaluation()
        if last and last.status_of["Sync B"].suspicious == 0:
            return minutes
    raise AssertionError("never")


def test_while_records_are_held_a_sleeping_warehouse_is_asked_every_quarter_of_an_hour(story: Story) -> None:
    story.hold()
    story.world.census.pause(story.world.sync_a)  # which would run, and have it measured
    assert minutes_until_seen(story) <= 15


def test_a_paused_sync_without_suspect_records_wakes_nothing(story: Story) -> None:
    story.world.census.pause(story.world.sync_b)
    asked = len(story.world.warehouse.asked)
    for _ in range(10):
        story.look(after=5, thrifty=True)
    assert len(story.world.warehouse.asked) == asked


def failing(story: Story) -> None:
    story.run_both(status=RunStatus.FAILED, error="503: try again later")
    story.look(after=15)


def test_a_transient_failure_is_rerun_and_at_most_as_often_as_it_says_also_after_a_restart(world: World) -> None:
    world.checker.close()
    story = Story(world, RERUN)
    failing(story)
    assert world.census.triggers == [], "one failure may pass"
    for _ in range(4):
        failing(story)
        for run in world.census.runs(world.sync_b):
            if not run.final:
                world.census.finish(run.id, RunStatus.FAILED, error="503: try again later")
        story.follow()
        story.checker.close()
        story.checker = Checker(replace(story.ports))  # it restarts
        story.look(after=1)
        for run in world.census.runs(world.sync_b):
            if not run.final:
                world.census.finish(run.id, RunStatus.FAILED, error="503: try again later")
        story.follow()
    assert world.census.triggers == [world.sync_b] * 2
    assert {row[0] for row in world.audit() if row[1] == "rerun"} == {ITSELF}
    world.clock.pass_(minutes=timedelta(hours=6).total_seconds() / 60)
    failing(story)
    assert world.census.triggers == [world.sync_b] * 3
    story.checker.close()


@pytest.mark.parametrize("error", ["INVALID_SESSION_ID: expired", None])
def test_what_is_not_transient_is_never_rerun(world: World, error: str | None) -> None:
    world.checker.close()
    story = Story(world, RERUN)
    for _ in range(4):
        story.run_both(status=RunStatus.FAILED, error=error)
        story.look(after=15)
    assert world.census.triggers == []


@pytest.mark.parametrize("pending", [3, None])
def test_nothing_is_rerun_that_could_write_suspect_records(world: World, pending: int | None) -> None:
    world.checker.close()
    story = Story(world, RERUN)
    story.suspect(pending)
    for _ in range(4):
        failing(story)
    assert world.census.triggers == []


def test_healthy_weeks_trigger_no_remedy(world: World) -> None:
    world.checker.close()
    story = Story(world, PAUSE, RERUN)
    for tick in range(14 * 24):
        world.numbers(update_queue=tick * 83 % 480, update_queue_suspicious=0)
        story.run_both()
        story.look(after=60, thrifty=True)
        if timer_ended(story.ports):
            story.look()
    assert story.pauses == [] and world.census.triggers == []
    assert world.rows("SELECT id FROM actions") == [] and story.open() == []


def test_the_evaluation_of_a_command_line_acts_on_nothing(story: Story) -> None:
    story.suspect(240)
    run_checks(story.ports)
    assert story.pauses == []
