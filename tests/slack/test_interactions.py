"""What a person is told when things are slow, fail, change meanwhile, or the bot stops."""

import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.alerts.model import ActionState
from bot.errors import PermanentError, StateError, SyncHealthError, TemporaryError
from bot.messages.plain import note
from bot.messages.sync_dialogs import action_modal
from bot.runtime.bot import Bot
from bot.services import run_checks
from bot.services.authorise import Person
from bot.services.deferred_writes import DeferredWrites
from bot.services.fair_pool import FairPool
from bot.services.shared_answers import SharedAnswers
from bot.slack.command_table import COMMANDS
from bot.slack.connection import Connection
from bot.slack.context import Context
from bot.slack.handlers import HANDLERS, handle
from bot.slack.in_flight import MOST_PER_PERSON, Grace
from bot.slack.interaction import Interaction
from bot.slack.sync_actions import confirmed as act
from tests.fakes import HEALTH
from tests.services.conftest import ADA, GROUP, ROBIN, SAM, World
from tests.slack.conftest import words
from tests.slack.test_load import DeadLine
from tests.waiting import until

TEAM = "T1"


class Client:
    """Slack, as far as people see it: who was told what, and the dialogs that were opened."""

    ssl, base_url = None, "https://slack.example/api/"

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.blocks: list[Any] = []  # of what was said
        self.opened: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self.says_team = threading.Event()
        self.says_team.set()
        self.team: object = TEAM

    def auth_test(self) -> Any:
        self.asked.append(1)
        assert self.says_team.wait(60), "a test forgot to let Slack answer"
        if isinstance(self.team, SyncHealthError):
            raise ConnectionResetError
        return {"team_id": self.team}

    def chat_postEphemeral(self, *, user: str, blocks: Any = (), text: str = "", **_: object) -> Any:  # noqa: N802
        self.said.append((user, words(blocks) or text))
        self.blocks.append(blocks)
        return SimpleNamespace(data={"ok": True})

    def views_open(self, *, view: dict[str, Any], **_: object) -> Any:
        self.opened.append(view)
        return SimpleNamespace(data={"ok": True, "view": {"id": "V1"}})

    def told(self, user: str = ROBIN) -> list[str]:
        return [text for who, text in self.said if who == user]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    yield one
    one.census.free.set()
    one.warehouse.free.set()
    one.close()


@pytest.fixture
def context(services: World) -> Context:
    questions = FairPool(2, "question", 2)
    shared = SharedAnswers(services.clock, questions)
    return Context(services.ports, services.checker, Client(), FairPool(4, "press", 4), shared)  # type: ignore[arg-type]


def client(context: Context) -> Any:
    return context.client


def force_stop(context: Context) -> None:
    """As Bot does once its farewell is over."""
    context.shared._pool.shutdown(wait=False, cancel=True)
    context.pool.shutdown(wait=False, cancel=True)


def press(word: str, value: str = "", who: str = ROBIN, **more: Any) -> Interaction:
    return Interaction(Person(who, TEAM, ""), word, value, channel="C1", **more)


def ask(context: Context, word: str, value: str = "", who: str = ROBIN) -> None:
    context.receive(press(word, value, who), partial(handle, "command"))


def submission(services: World, who: str = ROBIN) -> Interaction:
    """The dialog as it is now, submitted."""
    modal = action_modal(services.facts(), services.ports.settings.zone)
    return press("act", modal["private_metadata"], who, fields={"reason": "the view is fixed"}, trigger_id="t")


def settled(context: Context) -> bool:
    return not context.in_flight.count()


# -- a stop that is forced


def test_a_rerun_that_started_while_the_bot_stops_is_told_as_started(services: World, context: Context) -> None:
    services.open_incident()
    confirmed, trigger = submission(services), services.census.trigger
    entered, go = threading.Event(), threading.Event()

    def slow(sync_id: int, *, full_sync: bool = False) -> int:
        entered.set()
        assert go.wait(60)
        return trigger(sync_id, full_sync=full_sync)

    services.census.trigger = slow  # type: ignore[method-assign]
    context.receive(confirmed, act)
    assert entered.wait(60)
    force_stop(context)
    go.set()
    until(lambda: settled(context))
    assert services.census.triggers == [services.sync_b]
    [told] = client(context).told()
    assert "Sync B is running" in told
    assert "nothing" not in told
    assert [row[3] for row in services.audit()] == ["requested"]


def test_a_question_that_ended_while_the_bot_stops_is_answered_with_what_was_found(
    services: World, context: Context
) -> None:
    services.census.free.clear()
    ask(context, "runs")
    until(lambda: services.census.calls)
    force_stop(context)
    services.census.free.set()
    until(lambda: settled(context))
    assert "Census as of" in client(context).told()[0]


def test_a_question_that_failed_while_the_bot_stops_is_answered_with_how(services: World, context: Context) -> None:
    services.warehouse.free.clear()
    services.warehouse.failure = PermanentError("the warehouse was closed")
    ask(context, "queue")
    until(lambda: services.warehouse.asked)
    force_stop(context)
    services.warehouse.free.set()
    until(lambda: settled(context))
    assert "the warehouse was closed" in client(context).told()[0]


@pytest.mark.full
def test_an_evaluation_that_ended_while_the_bot_stops_is_shown(services: World, context: Context) -> None:
    services.look(7)
    services.warehouse.free.clear()
    asked = len(services.warehouse.asked)
    context.receive(press("check"), COMMANDS["check"].run)
    until(lambda: len(services.warehouse.asked) > asked and client(context).said)
    force_stop(context)
    services.warehouse.free.set()
    until(lambda: settled(context))
    first, second = client(context).told()
    assert "Newer values follow" in first
    assert "properties: healthy" in second


def test_what_was_cancelled_before_it_began_is_told_so_and_was_not_done(
    services: World, context: Context, caplog
) -> None:
    services.census.free.clear()
    for calls, word in enumerate(("runs", "schedules"), 1):  # as many as there are workers
        ask(context, word)
        until(lambda calls=calls: services.census.calls >= calls)
    ask(context, "errors")
    until(lambda: ("errors", None) in context.shared._flights and context.in_flight.count() == 3)
    force_stop(context)
    until(lambda: client(context).said)
    [told] = client(context).told()
    assert "nothing was done" in told
    assert "errors by U0ROBIN: Sync Health is restarting, so nothing was done" in caplog.text
    [row] = until(services.audit)  # written after the answer
    assert (row[1], row[3][:33]) == ("errors", "failed: Sync Health is restarting")


def held_desk(services: World, context: Context, release: threading.Event) -> Context:
    """Its only worker is busy until `release`."""
    held = replace(context, pool=FairPool(1, "press", 1))
    busy = threading.Event()

    def hold() -> None:
        busy.set()
        assert release.wait(60)

    held.pool.submit("somebody", hold)
    assert busy.wait(60)
    return held


def test_a_press_that_is_dropped_is_answered_and_leaves_an_audit_row(services: World, context: Context) -> None:
    release = threading.Event()
    held = held_desk(services, context, release)
    held.receive(press("ack", "7"), COMMANDS["ack"].run)
    force_stop(held)
    release.set()
    assert "nothing was done" in client(context).told()[0]
    [row] = services.audit()
    assert row[1:3] == ("ack", "7")
    assert row[3].startswith("failed: Sync Health is restarting")


def test_once_there_is_no_time_for_answers_the_log_and_the_audit_say_what_nobody_was_told(
    services: World, context: Context, caplog
) -> None:
    release = threading.Event()
    held = replace(held_desk(services, context, release), grace=Grace(0.0))
    held.receive(press("ack", "7"), COMMANDS["ack"].run)
    held.ask(
        press("runs"), "runs", lambda: "found", lambda context, again, found: context.answer(again, note(found.value))
    )
    until(lambda: held.in_flight.count() == 2 and held.shared._flights["runs"].future.done())
    force_stop(held)
    release.set()
    assert client(context).said == []
    assert services.audit() == [], "written at the end, not while others wait to be told"
    held.deferred.flush()
    ack, runs = services.audit()
    assert (ack[1], ack[3]) == ("ack", "failed: nothing was done: the bot is stopping")
    assert runs[1] == "runs"
    assert "could not be shown" in runs[3]
    assert "Check the thread" in runs[3]
    assert "ack by U0ROBIN was not answered: nothing was done: the bot is stopping" in caplog.text


def test_an_answer_that_waits_for_a_worker_when_the_stop_is_forced_is_still_given(
    services: World, context: Context
) -> None:
    release = threading.Event()
    held = held_desk(services, context, release)
    held.ask(
        press("runs"), "runs", lambda: "found", lambda context, again, found: context.answer(again, note(found.value))
    )
    until(lambda: held.in_flight.count() == 1 and held.shared._flights["runs"].future.done())
    force_stop(held)
    release.set()
    assert client(context).told() == ["found"]
    assert services.audit() == []


def test_what_slack_sends_while_the_bot_stops_is_acknowledged_and_dispatched() -> None:
    handled: list[str] = []
    app = App(client=WebClient(), authorize=lambda: None, before_authorize=lambda body: handled.append(body["text"]))
    connection = Connection(app, "app-token", "http://127.0.0.1:1/api/")
    connection._bolt.shutdown()
    line = DeadLine([{"envelope_id": n, "type": "slash_commands", "payload": {"text": n}} for n in ("1", "2")])
    connection._lines[line] = threading.current_thread()  # type: ignore[index]
    connection._read_loop(line, threading.Event())  # type: ignore[arg-type]
    assert handled == ["1", "2"]


# -- what is ours of a workspace


def test_while_slack_does_not_say_which_workspace_is_ours_help_is_all_that_is_told(
    services: World, context: Context
) -> None:
    client(context).says_team.clear()
    for word in ("ack", "incidents", "runs"):
        ask(context, word)
    until(lambda: len(client(context).asked) == 3)
    ask(context, "help", who=SAM)
    until(lambda: client(context).told(SAM))
    assert client(context).told() == []
    client(context).says_team.set()
    until(lambda: len(client(context).told()) == 3)


def test_nobody_waits_for_the_question_of_somebody_else_and_the_answer_is_kept(context: Context) -> None:
    home = context.home
    client(context).says_team.clear()
    with ThreadPoolExecutor(1) as one:
        first = one.submit(home.id)
        until(lambda: client(context).asked)
        client(context).auth_test = lambda: {"team_id": TEAM}  # Slack answers again, others at least
        assert home.id() == TEAM
        client(context).says_team.set()
        assert first.result(60) == TEAM
    client(context).auth_test = None
    assert home.id() == TEAM


@pytest.mark.parametrize("wrong", [TemporaryError("down"), None, "", 7, {"id": "T1"}])
def test_what_is_no_workspace_is_refused_and_asked_for_again(context: Context, wrong: object) -> None:
    client(context).team = wrong
    with pytest.raises(TemporaryError, match="which workspace is ours"):
        context.home.id()
    client(context).team = TEAM
    assert context.home.id() == TEAM


# -- evaluations


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> threading.Event:
    """Evaluations fail, once they may end."""
    go = threading.Event()

    def measure(*_: object, **__: object) -> Any:
        assert go.wait(60), "a test forgot to let it go"
        raise error

    monkeypatch.setattr(run_checks, "measure", measure)
    return go


@pytest.mark.full
@pytest.mark.parametrize(
    ("error", "why"),
    [(KeyError("a bug"), "unexpected error, reference"), (TemporaryError("asleep"), "asleep")],
)
def test_an_evaluation_that_fails_after_newer_numbers_were_promised_is_told_as_failed_beside_those_of_before(
    services: World, context: Context, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str, caplog
) -> None:
    services.look(7)
    go = failing(monkeypatch, error)
    ask(context, "check")
    until(lambda: client(context).said)
    go.set()
    until(lambda: settled(context))
    first, second = client(context).told()
    assert "Newer values follow" in first
    assert "the evaluation failed" in second
    assert f"Evaluation failed: {why}" in second
    assert "1 of 1 check passing" in second
    assert "Warehouse as of" in second
    assert "is healthy" not in second
    assert "follow" not in second
    assert services.audit()[-1][1] == "check"
    assert services.audit()[-1][3].startswith("failed: ")
    if isinstance(error, KeyError):
        assert "a bug" in caplog.text
        assert "a bug" not in second


def test_an_evaluation_that_fails_at_once_is_told_the_same_way(
    services: World, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.look(7)
    failing(monkeypatch, TemporaryError("no")).set()
    ask(context, "check")
    until(lambda: settled(context))
    assert "Evaluation failed: no" in client(context).told()[-1]


@pytest.mark.full
def test_evaluations_that_somebody_waits_for_count_as_in_progress(services: World, context: Context) -> None:
    services.look(7)
    services.warehouse.free.clear()
    for _ in range(MOST_PER_PERSON):
        ask(context, "check")
        until(lambda: context.in_flight.count() <= len(client(context).said))  # one more waits, shown what is known
    assert len(client(context).told()) == MOST_PER_PERSON
    ask(context, "check")
    until(lambda: "of your requests are in progress" in client(context).told()[-1])
    services.warehouse.free.set()
    until(lambda: settled(context))
    assert len(client(context).told()) == 2 * MOST_PER_PERSON + 1
    assert services.warehouse.asked.count(HEALTH) == 2


# -- reruns


@pytest.mark.full
def test_who_asks_after_a_rerun_is_shown_what_is_so_after_it(services: World, context: Context) -> None:
    services.open_incident()
    ask(context, "runs")
    until(lambda: settled(context))
    assert "Census has no runs of it" in client(context).told()[-1]
    context.receive(submission(services), act)
    until(lambda: settled(context))
    ask(context, "runs", who=ADA)
    until(lambda: settled(context))
    assert "▶️ Running" in client(context).told(ADA)[-1], "the clock stands still"


@pytest.mark.parametrize(
    ("census", "state", "said"),
    [
        ({}, ActionState.RUNNING, "Sync B is running. The thread reports its progress."),
        ({"refusal": PermanentError("Census answered 403")}, ActionState.FAILED, "rerun failed. Nothing was done"),
        ({"loses_answers": True}, ActionState.REQUESTED, "not yet confirmed by Census"),
    ],
)
def test_each_submission_is_answered_with_what_is_known_of_it(
    services: World, context: Context, census: dict[str, Any], state: ActionState, said: str
) -> None:
    services.open_incident()
    confirmed = submission(services)
    for name, value in census.items():
        setattr(services.census, name, value)
    context.receive(confirmed, act)
    until(lambda: settled(context))
    assert services.action().state is state
    [told] = client(context).told()
    assert said in told


def test_a_run_that_was_going_on_already_is_told_as_such(services: World, context: Context) -> None:
    services.open_incident()
    services.census.start(services.sync_b)
    context.receive(submission(services), act)
    until(lambda: settled(context))
    assert "was already running" in client(context).told()[0]


def test_one_submission_that_arrives_twice_starts_one_run_and_each_is_answered(
    services: World, context: Context
) -> None:
    services.open_incident()
    confirmed = submission(services)
    context.receive(confirmed, act)
    until(lambda: settled(context))
    context.receive(confirmed, act)
    until(lambda: settled(context))
    assert services.census.triggers == [services.sync_b]
    first, second = client(context).told()
    assert "is running" in first
    assert "is in progress" in second
    assert client(context).opened == []


def test_facts_that_changed_open_the_dialog_again_and_leave_an_audit_row(services: World, context: Context) -> None:
    services.open_incident()
    confirmed = submission(services)
    services.census.pause(services.sync_b)
    context.receive(confirmed, act)
    until(lambda: settled(context))
    [view] = client(context).opened
    assert "Nothing was done" in words(view)
    assert "the sync was paused" in services.audit()[-1][3]


@pytest.mark.parametrize("lost", ["group", "workspace"])
def test_who_is_no_operator_any_more_when_the_dialog_is_submitted_starts_nothing(
    services: World, context: Context, lost: str
) -> None:
    services.open_incident()
    services.deliver()
    services.channel.groups[GROUP] = frozenset({SAM})
    [root] = services.channel.roots()
    dialog = replace(press("rerun", "1", SAM), channel=root.channel, message_ts=root.ts, trigger_id="t")
    shown: list[dict[str, Any]] = []
    client(context).views_update = lambda *, view, **_: shown.append(view) or SimpleNamespace(data={"ok": True})
    context.receive(dialog, partial(handle, "button"))
    until(lambda: shown and settled(context))
    assert shown[0]["callback_id"] == "act", "an operator is shown the facts"
    confirmed = press("act", shown[0]["private_metadata"], SAM, fields={"reason": "why not"}, trigger_id="t")
    if lost == "group":
        services.channel.groups[GROUP] = frozenset()
    else:
        confirmed = replace(confirmed, person=Person(SAM, "T0OTHER", ""))
    context.receive(confirmed, partial(handle, "submission"))
    until(lambda: settled(context))
    assert services.census.triggers == []
    assert services.rows("SELECT * FROM actions") == []
    assert client(context).told(SAM)[-1].startswith("Only ")
    assert services.audit()[-1][:2] == (SAM, "rerun" if lost == "group" else "act")
    assert services.audit()[-1][3].startswith("refused: Only ")


def test_an_unforeseen_error_that_many_share_stands_in_the_log_once_under_one_reference(
    services: World, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    go, planted = threading.Event(), KeyError("planted")

    def fail() -> str:
        assert go.wait(60)
        raise planted

    crowd = [press("queue", who=f"U{n:04}") for n in range(40)]
    for one in crowd:
        context.ask(one, "the same", fail, lambda *_: None)
    go.set()
    until(lambda: len(client(context).said) == 40)
    answers = {text for _, text in client(context).said}
    assert len(answers) == 1, "one failure has one reference"
    traced = [record for record in caplog.records if record.exc_info]
    assert len(traced) == 1
    assert len(list(traceback.walk_tb(planted.__traceback__))) < 12, "not the ways of all of them to their answers"


def test_a_refusal_is_answered_before_it_is_audited(services: World, context: Context) -> None:
    go = threading.Event()
    waits = replace(context, deferred=Waits(go))
    waits.receive(press("ack", "1", "U0VISITOR"), COMMANDS["ack"].run)
    until(lambda: client(context).told("U0VISITOR"))
    assert not go.is_set()
    go.set()
    waits.in_flight.wait_until_none(20)


class Waits(DeferredWrites):
    """Writes nothing until it may."""

    def __init__(self, go: threading.Event) -> None:
        super().__init__()
        self._go = go

    def write(self, what: str, act: Callable[[], object]) -> None:
        assert self._go.wait(60)
        super().write(what, act)


def test_the_channel_is_told_of_a_locked_state_before_another_attempt_to_write_is_waited_for(
    services: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, order = Bot(services.ports, WebClient()), []

    def attempt() -> bool:
        order.append("attempt")
        raise StateError("another process keeps the database locked")

    bot.checker.state.failed(StateError("another process keeps the database locked"))
    monkeypatch.setattr(bot.checker.state, "tell", lambda _: order.append("told"))
    monkeypatch.setattr(bot._lease, "held", attempt)
    bot._watch_state()
    assert order == ["told", "attempt", "told"]
    order.clear()
    bot._stopping.set()
    bot._watch_state()
    assert "attempt" not in order, "a bot that stops waits for no state"


def test_a_second_operator_is_told_who_acknowledged_and_takes_over_with_one_press(
    services: World, context: Context
) -> None:
    services.open_incident()
    services.deliver()
    [root] = services.channel.roots()
    for who in (ROBIN, ADA):
        pressed = replace(press("acknowledge", "1", who), channel=root.channel, message_ts=root.ts)
        context.receive(pressed, partial(handle, "button"))
        until(lambda: settled(context))
    assert services.incident().acked_by == ROBIN
    [answer] = client(context).told(ADA)
    assert "Already acknowledged by" in answer and "Take over" in answer
    context.receive(press("take_over", "1", ADA), partial(handle, "button"))
    until(lambda: settled(context))
    assert services.incident().acked_by == ADA
    context.receive(press("take_over", "1", SAM), partial(handle, "button"))
    until(lambda: client(context).told(SAM))
    assert services.incident().acked_by == ADA, "who is no operator takes nothing over"


# -- the menu of an alert


def from_menu(services: World, word: str, value: str, who: Person | None = None, **more: Any) -> Interaction:
    [root] = services.channel.roots()
    pressed = replace(press(word, value), **{"channel": root.channel, "message_ts": root.ts, **more})
    return replace(pressed, person=who) if who else pressed


def test_what_is_open_in_a_thread_is_snoozed_from_its_menu(services: World, context: Context) -> None:
    services.open_incident()
    services.deliver()
    context.receive(from_menu(services, "snooze", "1 4h"), partial(handle, "button"))
    until(lambda: settled(context))
    assert client(context).told()[-1].startswith("Incident 1 is snoozed until <!date^")
    assert services.incident().snoozed_by == ROBIN


@pytest.mark.parametrize(("word", "value"), [("snooze", "1 1h"), ("snooze", "all 24h forged"), ("timeline", "1")])
def test_a_menu_that_is_not_on_a_message_of_ours_does_nothing(
    services: World, context: Context, word: str, value: str
) -> None:
    services.open_incident()
    services.deliver()
    context.receive(from_menu(services, word, value, message_ts="1.1"), partial(handle, "button"))
    until(lambda: settled(context))
    assert "is not one that Sync Health posted here" in client(context).told()[-1]
    assert services.incident().snoozed_until is None
    assert services.rows("SELECT * FROM maintenance") == []


@pytest.mark.parametrize(("kind", "word"), sorted({*HANDLERS, ("command", "no such word")} - {("command", "help")}))
def test_nobody_of_another_workspace_acts_or_reads(services: World, context: Context, kind: Any, word: str) -> None:
    services.open_incident()
    services.deliver()
    [root] = services.channel.roots()
    stranger = replace(press(word, "1"), person=Person(ROBIN, "T0OTHER", ""), message_ts=root.ts)
    context.receive(replace(stranger, channel=root.channel, trigger_id="t"), partial(handle, kind))
    until(lambda: settled(context))
    assert client(context).told() == ["Only members of this workspace may do that."]
    assert client(context).opened == []
    assert services.audit()[-1][3].startswith("refused: Only members")
    assert services.incident().snoozed_until is None


def test_help_is_for_everybody_and_says_nothing_of_the_pipeline(services: World, context: Context) -> None:
    context.receive(replace(press("help"), person=Person(ROBIN, "T0OTHER", "")), partial(handle, "command"))
    until(lambda: settled(context))
    [told] = client(context).told()
    assert "acknowledges an incident" in told
    assert not any(name in told for name in (services.ports.settings.pipeline, "Sync B", "properties_to"))
