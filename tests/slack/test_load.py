"""Many at once, and lines that come and go: everybody is acknowledged, and everybody is answered once."""

import json
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from websocket import ABNF

from bot.demo.slack.server import Fault, SlackServer
from bot.model import Kind
from bot.runtime.bot import SHARE, WORKERS, Bot
from bot.runtime.demo import OPERATOR
from bot.slack.connection import Connection
from bot.slack.in_flight import MOST_PER_PERSON
from tests.fakes import CHANNEL, HEALTH, FakeCensus, FakeWarehouse
from tests.slack.conftest import Pauses, words
from tests.small_bot import small_bot, small_slack
from tests.unit.samples import incident
from tests.waiting import until

MANY = 50  # three times the workers of our pool


@dataclass
class Load:
    """A bot, and what the people before it see."""

    slack: SlackServer
    bot: Bot
    warehouse: FakeWarehouse
    census: FakeCensus

    def root(self) -> str:
        """An incident is open, and its root stands in the channel: the ts of that message."""
        now = self.bot.ports.clock.now()
        with self.bot.ports.store.transaction() as records:
            opened = records.create_incident(
                incident(id=0, opened_at=now, timeline=(), channel=CHANNEL, rerun="Sync B")
            )
            records.enqueue(opened.id, Kind.ROOT)
        return str(until(lambda: self.slack.messages() and self.slack.messages()[0]["ts"]))

    def occupy(self) -> None:
        """Every worker that asks the warehouse waits for it, and more questions are in line."""
        self.warehouse.free.clear()
        for n in range(2 * WORKERS):
            self.bot._context.shared.ask(f"U{n}", object(), partial(self.warehouse.ask, HEALTH))
        until(lambda: len(self.warehouse.asked) == WORKERS)

    def ask(self, text: str, count: int = MANY) -> int:
        """So many ask at once; how many were acknowledged in time."""
        return sum(seconds < math.inf for seconds in self.slack.commands([OPERATOR], [text] * count))

    def lined_up(self) -> int:
        """How many different questions wait for a worker, or have one."""
        return len(self.bot._context.shared._flights)

    def answered(self) -> int:
        """How many of those who asked have an answer."""
        return sum(map(bool, self.slack.answers))

    def answers(self, with_: str = "") -> int:
        """How many were given, with these words in them."""
        return sum(with_ in words(message) for message in self.slack.ephemerals(OPERATOR))


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    slack, warehouse = small_slack(), FakeWarehouse()
    slack.start()
    bot = small_bot(slack.url, tmp_path, warehouse)
    until(lambda: slack.connections == 1)
    yield Load(slack, bot, warehouse, bot.ports.census)  # type: ignore[arg-type]
    warehouse.free.set()
    bot.ports.census.free.set()  # type: ignore[attr-defined]
    bot.stop()
    bot.ports.store.close()
    slack.stop()


@pytest.mark.full
def test_fifty_who_ask_at_once_cost_one_statement_and_are_all_answered(load: Load) -> None:
    load.warehouse.free.clear()
    assert load.ask("check") == MANY
    until(lambda: load.answers("Newer values follow") == MANY)
    load.warehouse.free.set()
    until(lambda: load.answers() == 2 * MANY)
    assert load.answers("Newer values follow") == MANY == load.answered()
    assert load.warehouse.asked.count(HEALTH) == 1


@pytest.mark.full
def test_everybody_is_acknowledged_while_every_worker_waits_for_the_warehouse(load: Load) -> None:
    load.warehouse.free.clear()
    assert load.ask("queue") == MANY
    assert load.answered() == 0
    load.warehouse.free.set()
    until(lambda: load.answered() == MANY)


@pytest.mark.full
def test_equal_questions_cost_one_statement_however_many_ask(load: Load) -> None:
    load.warehouse.free.clear()
    assert load.ask("queue") == MANY
    load.warehouse.free.set()
    until(lambda: load.answered() == MANY)
    assert load.answers("did not say") == 0
    assert load.warehouse.asked.count(HEALTH) == 1


@pytest.mark.full
def test_fifty_who_ask_for_runs_cost_one_call_to_census_per_sync(load: Load) -> None:
    before = load.census.calls
    load.census.free.clear()
    assert load.ask("runs") == MANY
    load.census.free.set()
    until(lambda: load.answers("Census as of") == MANY)
    assert load.census.calls - before == 2


@pytest.mark.full
def test_what_needs_our_state_alone_is_answered_while_every_question_waits(load: Load) -> None:
    root = load.root()
    load.occupy()
    answered = load.answered()
    assert load.ask("help", 1) + load.ask("ack 1", 1) + load.ask("incidents", 1) + load.ask("snooze 1 2h", 1) == 4
    until(lambda: load.answered() == answered + 4)
    load.slack.press(OPERATOR, root, "rerun")
    until(lambda: load.slack.modal(OPERATOR))
    assert "Loading" in words(load.slack.modal(OPERATOR))
    load.warehouse.free.set()
    until(lambda: "Loading" not in words(load.slack.modal(OPERATOR)))


@pytest.mark.full
def test_one_person_cannot_take_the_place_of_all_and_is_told_so(load: Load) -> None:
    load.warehouse.free.clear()
    assert load.ask("queue", 3 * MOST_PER_PERSON) == 3 * MOST_PER_PERSON
    until(lambda: load.answers("of your requests are in progress") == 2 * MOST_PER_PERSON)
    load.warehouse.free.set()
    until(lambda: load.answered() == 3 * MOST_PER_PERSON)
    assert set(load.slack.answers) == {1}, "one answer each"
    assert load.warehouse.asked.count(HEALTH) == 1


@pytest.mark.full
def test_two_hundred_presses_of_one_button_start_one_run_and_none_expires(load: Load) -> None:
    root = load.root()
    load.warehouse.rows[HEALTH][0]["update_queue"] = 5
    for _ in range(200):
        load.slack.press(OPERATOR, root, "rerun")
    opened = [method for method, _ in load.slack.calls].count("views.open")
    assert opened
    until(lambda: not load.bot._context.in_flight.count())
    assert "failed with the error" not in "".join(map(words, load.slack.ephemerals(OPERATOR)))
    load.slack.submit(OPERATOR, {"reason": "the view is fixed"})
    until(lambda: load.census.triggers)
    until(lambda: not load.bot._context.in_flight.count())
    assert len(load.census.triggers) == 1


@pytest.mark.full
def test_what_was_acknowledged_is_answered_before_the_bot_stops(load: Load) -> None:
    load.warehouse.free.clear()
    assert load.ask("queue") == MANY
    stop = threading.Thread(target=load.bot.stop)
    stop.start()
    until(lambda: load.slack.connections == 0)
    load.warehouse.free.set()
    stop.join()
    assert load.answered() == MANY


@pytest.mark.full
def test_a_forced_stop_leaves_nobody_without_the_one_answer_that_is_true(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.runtime.bot.SHUTDOWN_TIMEOUT", 0.1)
    load.bot._context.grace._seconds = 60.0
    load.census.free.clear()
    texts = ["runs", "runs a", "runs b", "schedules", "errors", "errors a", "errors b"]  # more than one's workers
    assert len(load.slack.commands([OPERATOR], texts)) == len(texts)
    until(lambda: load.lined_up() == load.bot._context.in_flight.count() == len(texts))
    assert load.bot._slow._busy[OPERATOR] == SHARE
    stop = threading.Thread(target=load.bot.stop)
    stop.start()
    until(lambda: load.answers("nothing was done") == len(texts) - SHARE)
    load.census.free.set()
    stop.join()
    assert load.answered() == len(texts)
    assert load.answers("Census as of") == SHARE, "what was begun is told as it ended"
    assert set(load.slack.answers) == {1}


@pytest.mark.full
def test_whatever_slack_delivers_around_a_new_connection_is_acknowledged_and_answered_once(load: Load) -> None:
    with ThreadPoolExecutor(4) as slack:
        before = slack.submit(load.ask, "help")
        leaving = load.slack._await(load.slack._apps.announce_refresh())
        after = slack.submit(load.ask, "help")
        until(lambda: load.slack.connections == 2)
        meanwhile = load.ask("help")
        load.slack._await(load.slack._apps.close(leaving))
    assert load.slack.connections == 1
    assert before.result() + after.result() + meanwhile == 3 * MANY
    until(lambda: load.answered() == 3 * MANY)
    assert load.ask("help", 1) == 1
    until(lambda: load.answered() == 3 * MANY + 1)
    assert set(load.slack.answers) == {1}


@pytest.mark.full
def test_after_the_line_broke_a_new_one_is_there_and_nobody_was_answered_twice(load: Load) -> None:
    patience, load.slack._apps._ack_seconds = load.slack._apps._ack_seconds, 1.5  # for what was lost with the line
    with ThreadPoolExecutor(1) as slack:
        asked = slack.submit(load.ask, "help")
        load.slack.disconnect()
    load.slack._apps._ack_seconds = patience
    until(lambda: load.slack.connections == 1)
    assert load.ask("help", 1) == 1
    until(lambda: load.answered() > asked.result())
    assert max(load.slack.answers) == 1


class DeadLine:
    """What Slack had delivered before it went away can be read, and nothing can be sent any more."""

    def __init__(self, envelopes: list[dict]) -> None:
        self.left = [json.dumps(envelope).encode() for envelope in envelopes]

    def recv_data(self, control_frame: bool) -> tuple[int, bytes]:
        if not self.left:
            raise ConnectionResetError
        return ABNF.OPCODE_TEXT, self.left.pop(0)

    def send(self, text: str) -> None:
        raise BrokenPipeError

    def shutdown(self) -> None:
        pass


def test_what_slack_delivered_is_handled_although_it_cannot_be_acknowledged_any_more() -> None:
    handled: list[str] = []
    note = {"before_authorize": lambda body: handled.append(body["text"])}
    app = App(client=WebClient(), authorize=lambda: None, **note)
    connection = Connection(app, "app-token", "http://127.0.0.1:1/api/")
    presses = [{"envelope_id": str(n), "type": "slash_commands", "payload": {"text": str(n)}} for n in range(20)]
    line, leaving = DeadLine([*presses[:10], {"type": "disconnect"}, *presses[10:]]), threading.Event()
    connection._lines[line] = threading.current_thread()
    connection._read_loop(line, leaving)
    connection._bolt.shutdown()
    assert handled == [str(n) for n in range(20)], "once each, in their order"
    assert leaving.is_set()


@pytest.mark.full
def test_a_slack_that_takes_every_line_away_at_once_is_not_stormed(load: Load) -> None:
    pauses = load.bot._connection._stopping = Pauses()
    for _ in range(4):
        load.slack.refresh(0)
        until(lambda: load.slack.connections == 1)
    waits = until(lambda: len(pauses.wanted) >= 4 and pauses.wanted)
    assert 3 <= waits[2] < waits[3], "seconds, and longer each time"


@pytest.mark.full
def test_who_changes_something_is_told_when_slack_does_not_say_which_workspace_is_ours(load: Load) -> None:
    load.slack.fail_next("auth.test", Fault("internal_error"))
    assert load.ask("ack", 1) == 1
    until(lambda: load.answers("does not tell me which workspace is ours") == 1)
    assert load.ask("ack", 1) == 1
    until(lambda: load.answers("No incident is open") == 1)


@pytest.mark.full
def test_help_does_not_wait_for_slack_to_say_which_workspace_is_ours(load: Load) -> None:
    load.slack.fail_next("auth.test", Fault("internal_error"))
    assert load.ask("help", 1) == 1
    until(lambda: load.answers("this list") == 1)
    assert "auth.test" not in [method for method, _ in load.slack.calls]


@pytest.mark.full
def test_one_persons_questions_leave_workers_for_everybody_else(load: Load) -> None:
    load.warehouse.free.clear()
    load.census.free.clear()
    texts = [f"{word} {sync}".strip() for word in ("queue", "runs", "errors") for sync in ("", "Sync A", "Sync B")]
    assert sum(seconds < math.inf for seconds in load.slack.commands([OPERATOR], [*texts, "schedules"])) == 10
    until(lambda: load.lined_up() == load.bot._context.in_flight.count() == 10)
    asked = threading.Event()
    load.bot._context.shared.ask("U0OTHER", object(), asked.set)
    assert asked.wait(60)
    assert load.bot._slow._busy[OPERATOR] == SHARE < WORKERS
    load.warehouse.free.set()
    load.census.free.set()
    until(lambda: load.answered() == 10)
