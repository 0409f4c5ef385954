"""Every interaction ends in an answer, or in a log line that says why not."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_bolt import BoltRequest

from bot.demo.slack.server import Fault, SlackServer
from bot.errors import NotFoundError, PermanentError, RefusedError, StateError, TemporaryError, UncertainError
from bot.messages.plain import note
from bot.messages.text import with_times
from bot.runtime.bot import Bot
from bot.runtime.composition import connect_slack, disconnect, settings_from
from bot.runtime.demo import OPERATOR
from bot.services.acknowledge import acknowledge
from bot.services.authorise import Person
from bot.services.deferred_writes import MOST, DeferredWrites
from bot.services.fair_pool import FairPool
from bot.services.shared_answers import SharedAnswers
from bot.slack.app import build_app
from bot.slack.buttons import acknowledge_thread
from bot.slack.context import Context
from bot.slack.handlers import handle
from bot.slack.interaction import Interaction, interaction_from
from bot.slack.retry_timers import RetryTimers
from tests.dripping import dripping
from tests.fakes import FakeWarehouse
from tests.services.conftest import ADA, ROBIN, SAM
from tests.services.conftest import World as Services
from tests.slack.conftest import NAMES, World, words
from tests.small_bot import TOKEN, small_bot, small_slack
from tests.waiting import until


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[tuple[SlackServer, Bot]]:
    slack = small_slack()
    slack.start()
    one = small_bot(slack.url, tmp_path, FakeWarehouse())
    until(lambda: slack.connections == 1)
    yield slack, one
    one.stop()
    disconnect(one.ports)
    slack.stop()


REFUSED = [
    Fault(error="expired_url", status=404),
    Fault(error="invalid_blocks", status=400),
    Fault(status=429, retry_after=30),
    Fault(status=500),
    Fault(error="no_service"),  # 200 and no yes
    Fault(drop=True),
]


@pytest.mark.full
@pytest.mark.parametrize("fault", REFUSED, ids=str)
def test_an_answer_that_is_not_taken_by_response_url_comes_another_way(bot: Any, fault: Fault, caplog) -> None:
    slack, _ = bot
    slack.fail_next("response_url", fault)
    slack.command(OPERATOR, "help")
    until(lambda: "this list" in words(slack.ephemerals(OPERATOR)))
    assert re.search(r"help by U0ROBIN could not be answered: .*; trying chat.postEphemeral", caplog.text)


def test_where_no_way_leads_to_the_person_the_log_says_why(bot: Any, caplog) -> None:
    slack, _ = bot
    slack.fail_next("response_url", Fault(error="expired_url", status=404))
    slack.fail_next("chat.postEphemeral", Fault(error="not_in_channel"), times=2)
    slack.command(OPERATOR, "help")
    until(lambda: "could not be answered: Slack refuses: not_in_channel" in caplog.text)


def test_blocks_that_slack_refuses_become_words(bot: Any) -> None:
    slack, _ = bot
    slack.fail_next("response_url", Fault(error="invalid_blocks", status=400))
    slack.fail_next("chat.postEphemeral", Fault(error="invalid_blocks"))
    slack.command(OPERATOR, "help")
    [answer] = until(lambda: slack.ephemerals(OPERATOR))
    assert "blocks" not in answer


class LockedStore:
    """A state that does not answer until it is unlocked."""

    def __init__(self, store: Any) -> None:
        self.store, self.locked = store, True

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        if self.locked:
            raise StateError("the database is locked")
        with self.store.transaction() as records:
            yield records

    snapshot = transaction


class Ear:
    """A client that remembers what was said to people."""

    ssl = None

    def __init__(self) -> None:
        self.said: list[str] = []

    def auth_test(self) -> dict[str, str]:
        return {"team_id": "T1"}

    def chat_postEphemeral(self, *, text: str, **_: object) -> Any:  # noqa: N802 - as the SDK calls it
        self.said.append(text)
        return SimpleNamespace(data={"ok": True})


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    one = Services(tmp_path / "state.db")
    yield one
    one.close()


def desk_of(services: Services, store: Any = None) -> Context:
    ports = replace(services.ports, store=store) if store else services.ports
    pool = FairPool(1, "press", 1)
    return Context(ports, services.checker, Ear(), pool, SharedAnswers(ports.clock, pool))  # type: ignore[arg-type]


PRESS = Interaction(Person(SAM, "T1", ""), "ack", "7", channel="C1")


def _refuse(context: Context, press: Interaction) -> None:
    raise RefusedError("Only operators may do that.")


def test_a_refusal_is_answered_while_the_state_is_locked_and_written_down_later(services: Services, caplog) -> None:
    store = LockedStore(services.store)
    context = desk_of(services, store)
    refused_at = services.clock.now()
    context.do(PRESS, _refuse)
    context.do(replace(PRESS, value="8"), _refuse)
    assert context.client.said == ["Only operators may do that."] * 2  # type: ignore[attr-defined]
    assert services.audit() == []
    assert "kept in memory" in caplog.text
    services.clock.pass_(minutes=5)
    store.locked = False
    context.deferred.flush()
    context.deferred.flush()
    assert services.audit() == [(SAM, "ack", n, "refused: Only operators may do that.") for n in ("7", "8")]
    with services.store.transaction() as records:
        assert str(refused_at.replace(tzinfo=None)) in str(records._db.exec_driver_sql("SELECT at FROM audit").all())


def test_a_write_that_can_never_succeed_holds_up_no_other() -> None:
    done: list[str] = []
    late = DeferredWrites()
    with pytest.raises(ZeroDivisionError):
        late.write("a bug", lambda: 1 / 0)
    late.write("the next", lambda: done.append("next"))
    assert done == ["next"]


def test_what_waits_for_the_state_is_bounded(caplog) -> None:
    late, tried = DeferredWrites(), []

    def fail() -> None:
        tried.append(1)
        raise TemporaryError("locked")

    for _ in range(MOST + 1):
        late.write("a refusal", fail)
    assert len(late._waiting) == MOST
    assert "will not be written" in caplog.text


def test_a_person_is_answered_although_writing_down_the_refusal_breaks(services: Services, caplog) -> None:
    context = desk_of(services, SimpleNamespace(transaction=lambda: 1 / 0))
    context.do(PRESS, _refuse)
    assert context.client.said == ["Only operators may do that."]  # type: ignore[attr-defined]
    assert "ZeroDivisionError" in caplog.text


def test_what_nobody_foresaw_is_answered_with_what_is_known(services: Services) -> None:
    context = desk_of(services)
    context.do(PRESS, lambda context, press: 1 / 0)
    [said] = context.client.said  # type: ignore[attr-defined]
    assert "It may have taken effect" in said
    assert "nothing was changed" not in said.casefold()


def test_an_answer_that_breaks_is_logged_and_ends_there(services: Services, caplog) -> None:
    context = replace(desk_of(services), client=SimpleNamespace(ssl=None))  # type: ignore[arg-type]
    context.do(PRESS, _refuse)
    assert "ack by U0SAM could not be answered" in caplog.text


def test_a_click_while_the_bot_stops_is_answered(services: Services) -> None:
    context = desk_of(services)
    context.pool.shutdown()
    context.take(PRESS, _refuse)
    assert context.client.said == ["Sync Health is restarting, so nothing was done. Try again in a minute."]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "body",
    [
        {"command": "/sync-health", "text": "ack 1"},
        {"type": "block_actions", "user": {"id": ROBIN}, "actions": []},
        {"type": "view_submission", "user": {"id": ROBIN}, "view": {"type": "modal", "callback_id": "rerun"}},
    ],
    ids=["command", "button", "submission"],
)
def test_a_payload_of_another_form_is_answered_and_logged(services: Services, body: dict[str, Any], caplog) -> None:
    context = desk_of(services)
    body["actions"] = body.get("actions") or [{"action_id": "acknowledge"}]
    build_app(context).dispatch(BoltRequest(mode="socket_mode", body=body | {"user": {}}, context={"arrived": 0.0}))
    context.pool.shutdown()
    assert "cannot be read" in caplog.text
    assert "in a form that cannot be read" in context.client.said[0]  # type: ignore[attr-defined]


class Views:
    """views.update that fails so many times."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.shown = list(errors), []

    def views_update(self, *, view: Any, **_: object) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        self.shown.append(view)
        return SimpleNamespace(data={"ok": True})


class HandLater(RetryTimers):
    """Nothing waits longer than a test says; pauses are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.due: list[Callable[[], None]] = []

    def after(self, seconds: float, act: Callable[[], None]) -> bool:
        self.pauses.append(seconds)
        self.due.append(act)
        return True


def filling(services: Services, *errors: Exception) -> tuple[Context, HandLater, Views]:
    """A dialog that is being filled, and meets these errors."""
    later, views = HandLater(), Views(*errors)
    context = replace(desk_of(services), retries=later)
    context.client.views_update = views.views_update  # type: ignore[method-assign]
    context.take(replace(PRESS, view_id="V1"), lambda context, press: context.show(press, {"type": "modal"}))
    return context, later, views


def test_a_dialog_is_filled_once_slack_has_had_its_patience_and_no_worker_sleeps_meanwhile(services: Services) -> None:
    context, later, views = filling(services, TemporaryError("429", retry_after=7.0), UncertainError("it broke"))
    until(lambda: later.due)
    free = context.pool.submit("another", lambda: "the only worker is free")
    assert free.result(60) == "the only worker is free"
    assert (later.pauses, views.shown, context.in_flight.count()) == ([7.0], [], 1)
    later.due.pop()()
    until(lambda: later.due)
    later.due.pop()()
    until(lambda: not context.in_flight.count())
    assert views.shown == [{"type": "modal"}]


@pytest.mark.parametrize(
    ("errors", "waits"), [([TemporaryError("429", retry_after=31.0)], 0), ([TemporaryError("429")] * 9, 3)]
)
def test_a_dialog_is_given_up_in_bounded_time_and_says_so_elsewhere(
    services: Services, errors: list[Exception], waits: int
) -> None:
    context, later, _ = filling(services, *errors)
    for _ in range(waits):
        until(lambda: later.due)
        later.due.pop()()
    until(lambda: not context.in_flight.count())
    assert len(later.pauses) == waits
    assert context.client.said == ["The dialog could not be filled. Close it and click the button again."]  # type: ignore[attr-defined]


def test_a_dialog_that_waits_is_tried_once_more_when_the_bot_stops(services: Services) -> None:
    views = Views(TemporaryError("429", retry_after=29.0))
    context = desk_of(services)
    context.client.views_update = views.views_update  # type: ignore[method-assign]
    context.take(replace(PRESS, view_id="V1"), lambda context, press: context.show(press, {"type": "modal"}))
    until(lambda: context.retries._acts)
    context.retries.close()
    context.pool.shutdown()
    assert views.shown == [{"type": "modal"}]
    assert context.in_flight.count() == 0


def test_a_dialog_that_slack_does_not_take_while_the_bot_stops_says_so_elsewhere(services: Services) -> None:
    context = desk_of(services)
    context.retries.close()
    context.client.views_update = Views(TemporaryError("429", retry_after=29.0)).views_update  # type: ignore[method-assign]
    context.show(replace(PRESS, view_id="V1"), {})
    assert context.client.said == ["The dialog could not be filled. Close it and click the button again."]  # type: ignore[attr-defined]
    assert context.in_flight.count() == 0


def test_a_dialog_that_slack_does_not_take_says_so_in_its_place(services: Services) -> None:
    context, views = desk_of(services), Views(PermanentError("Slack refuses: view_too_large"))
    context.client.views_update = views.views_update  # type: ignore[method-assign]
    context.show(replace(PRESS, word="rerun", view_id="V1", view_title="Rerun"), {})
    assert views.shown[0]["title"]["text"] == "Rerun"
    assert "could not be filled" in words(views.shown[0])
    assert context.client.said == []  # type: ignore[attr-defined]


def test_who_closed_the_dialog_hears_nothing_more(services: Services, caplog) -> None:
    caplog.set_level(logging.INFO)
    context = desk_of(services)
    context.client.views_update = Views(NotFoundError("Slack: not_found")).views_update  # type: ignore[method-assign]
    context.show(replace(PRESS, view_id="V1"), {})
    assert context.client.said == []  # type: ignore[attr-defined]
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (lambda context, press: _refuse(context, press), "Only operators"),
        (lambda context, press: 1 / 0, "may have taken effect"),
    ],
)
def test_a_dialog_says_itself_why_there_are_no_facts(services: Services, form: Callable[..., Any], said: str) -> None:
    context, views = desk_of(services), Views()
    context.client.views_update = views.views_update  # type: ignore[method-assign]
    context.do(replace(PRESS, word="rerun", view_id="V1", view_title="Rerun"), form)
    assert said in words(views.shown[0])
    assert context.client.said == []  # type: ignore[attr-defined]


@pytest.mark.full
@pytest.mark.parametrize("world", [240], indirect=True)
def test_a_dialog_is_filled_although_slack_asks_for_patience_once(world: World) -> None:
    world.break_names()
    world.demo.estate.switch(NAMES, False)
    world.demo.slack.fail_next("views.update", Fault(status=429, retry_after=0))
    world.rerun(world.operator)
    until(lambda: "Loading" not in words(world.demo.slack.modal(world.operator) or {"text": "Loading"}))


def test_what_was_shared_in_vain_is_told_to_who_shared_it(bot: Any) -> None:
    slack, one = bot
    settings = settings_from(
        {"SLACK_BOT_TOKEN": TOKEN, "SLACK_APP_TOKEN": TOKEN, "SLACK_API_URL": f"{slack.url}/api/"}, ("slack",)
    )
    pool = FairPool(1, "press", 1)
    context = Context(one.ports, one.checker, connect_slack(settings)[1], pool, SharedAnswers(one.ports.clock, pool))
    lost = Interaction(
        Person(OPERATOR, "T", "T"), "share", channel="C0001", response_url=f"{slack.url}/response/expired"
    )
    context.answer(lost, note("the summary"), to_all=True)
    assert "click Share again" in words(slack.ephemerals(OPERATOR))
    assert slack.messages() == []


@pytest.mark.full
def test_a_response_url_of_somebody_else_gets_nothing_and_the_person_is_still_told(bot: Any, caplog) -> None:
    slack, one = bot
    settings = settings_from(
        {"SLACK_BOT_TOKEN": TOKEN, "SLACK_APP_TOKEN": TOKEN, "SLACK_API_URL": f"{slack.url}/api/"}, ("slack",)
    )
    pool = FairPool(1, "press", 1)
    context = Context(one.ports, one.checker, connect_slack(settings)[1], pool, SharedAnswers(one.ports.clock, pool))
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", drip=b"") as elsewhere:
        url = elsewhere.url.replace("127.0.0.1", "localhost")
        context.answer(
            Interaction(Person(OPERATOR, "T", "T"), "help", channel="C0001", response_url=url), note("a word")
        )
    assert elsewhere.asked == 0
    assert "a word" in words(slack.ephemerals(OPERATOR))
    assert "names a host that is not Slack's" in caplog.text


TYPED = [
    ("queue Sync B (UPDATE)", "queue", "Sync B (UPDATE)"),
    ("queue\u00a0b", "queue", "b"),
    ("queue\n\tb ", "queue", "b"),
    ("queue “Sync B”", "queue", "Sync B"),
    ("queue ‘Sync B’", "queue", "Sync B"),
    ("“queue” `b`", "queue", "b"),
    ("snooze '7' 2h", "snooze", "7 2h"),
    ("queue Bob's sync", "queue", "Bob's sync"),
    ("queue a &amp; b", "queue", "a & b"),
    ("ack \ud83d", "ack", "\N{REPLACEMENT CHARACTER}"),
    ("\u200back\u200b 7\ufeff", "ack", "7"),
    (" \u00a0 ", "", ""),
]


@pytest.mark.parametrize(("text", "word", "value"), TYPED)
def test_typed_words_are_read_as_they_are_meant(text: str, word: str, value: str) -> None:
    body = {"command": "/sync-health", "text": text, "user_id": "U1", "team_id": "T", "channel_id": "C"}
    press = interaction_from(body | {"response_url": "x"})
    assert (press.word, press.value) == (word, value)


@pytest.mark.parametrize(
    ("team", "enterprise", "first", "belongs_to"),
    [
        ({"id": "T0OURS", "enterprise_id": "E0"}, {"id": "E0"}, "T0FIRST", "T0OURS"),
        ({"id": "T0OURS"}, None, "T0OURS", "T0OURS"),
        ({"id": "T0OURS"}, None, None, "T0OURS"),
        ({"id": "T0OURS"}, None, "T0OTHER", "T0OTHER"),  # from outside, in a shared channel
        ({"id": "T0OTHER", "enterprise_id": "E1"}, {"id": "E1"}, "T0OURS", "T0OTHER"),
        (None, {"id": "E0"}, "T0OURS", "T0OURS"),  # installed for a whole organisation
        (None, None, None, ""),
    ],
)
def test_a_person_belongs_where_slack_vouches_for(team: Any, enterprise: Any, first: Any, belongs_to: str) -> None:
    body = {"type": "block_actions", "actions": [{"action_id": "x"}], "user": {"id": "U1", "team_id": first}}
    assert interaction_from(body | {"team": team, "enterprise": enterprise}).person.team == belongs_to


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (TemporaryError("Census did not answer"), "failed: Census did not answer"),
        (UncertainError("Slack failed: an answer that cannot be read"), "failed: Slack failed: an answer that"),
        (StateError("the disk is full"), "failed: Sync Health cannot write its state: the disk is full"),
        (RefusedError("Only operators may do that."), "refused: Only operators may do that."),
        (ZeroDivisionError(), "failed: unforeseen, reference "),
    ],
)
def test_whatever_an_interaction_ends_in_leaves_an_audit_row(services: Services, error: Exception, result: str) -> None:
    def fail(_context: Context, _interaction: Interaction) -> None:
        raise error

    context = desk_of(services)
    context.do(PRESS, fail)
    [(user, what, target, outcome)] = services.audit()
    assert (user, what, target) == (SAM, "ack", "7")
    assert outcome.startswith(result)


class WriteLockedStore(LockedStore):
    """One that can be read, and in which nothing can be noted for the audit until it is unlocked."""

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self.store.transaction() as records:
            if self.locked:
                records.audit = self._refuse
            yield records

    snapshot = transaction

    @staticmethod
    def _refuse(*_: object) -> None:
        raise StateError("the database is locked")


def test_who_acknowledges_second_is_answered_while_the_audit_cannot_be_written_and_it_is_written_later(
    services: Services,
) -> None:
    services.open_incident()
    services.deliver()
    [root] = services.channel.roots()
    acknowledge(services.ports, 1, ADA)
    store = WriteLockedStore(services.store)
    context = desk_of(services, store)
    person = Person(ROBIN, "T1", "")
    context.do(Interaction(person, "acknowledge", "1", channel=root.channel, message_ts=root.ts), acknowledge_thread)
    assert "Already acknowledged" in context.client.said[0]  # type: ignore[attr-defined]
    store.locked = False
    context.deferred.flush()
    assert services.audit()[-1] == (ROBIN, "acknowledge", "1", f"refused: Already acknowledged by {ADA}")


def test_the_audit_is_not_shown_to_people_of_another_workspace(services: Services) -> None:
    context = desk_of(services)
    for team in ("T2", "T1"):
        context.do(Interaction(Person(SAM, team, ""), "audit"), partial(handle, "command"))
    assert [text[:12] for text in context.client.said] == ["Only members", "1 audit entr"], "the refusal"  # type: ignore[attr-defined]


def test_what_the_work_has_written_down_is_not_written_again(services: Services) -> None:
    def fail(_context: Context, _interaction: Interaction) -> None:
        error = TemporaryError("the warehouse is down")
        error.audited = True
        raise error

    context = desk_of(services)
    context.do(PRESS, fail)
    assert services.audit() == [] and "warehouse is down" in context.client.said[0]  # type: ignore[attr-defined]


def test_who_acknowledges_what_is_theirs_already_is_told_so_and_until_when(services: Services) -> None:
    services.open_incident()
    services.deliver()
    [root] = services.channel.roots()
    context = desk_of(services)
    press = Interaction(Person(ROBIN, "T1", ""), "acknowledge", "1", channel=root.channel, message_ts=root.ts)
    context.do(press, acknowledge_thread)
    assert context.client.said == [], "the root says it"  # type: ignore[attr-defined]
    services.clock.pass_(minutes=30)
    context.do(press, acknowledge_thread)
    [said] = context.client.said  # type: ignore[attr-defined]
    assert "already acknowledged by you" in said
    assert "lasts until" in said


def test_a_dialog_of_another_version_is_refused_not_failed(services: Services) -> None:
    context = desk_of(services)
    context.do(replace(PRESS, word="answer"), partial(handle, "submission"))
    assert "dialog is from another version" in words(context.client.said)  # type: ignore[attr-defined]


def test_what_somebody_types_is_never_read_as_a_mention_of_ours() -> None:
    """A stored text names people as `{@U…}`, which is written as a mention where it is shown."""
    typed = "{@U0MALLORY} {@S0ALL} {{@S0ALL}}"
    user, team = {"id": ROBIN, "team_id": "T0OURS"}, {"id": "T0OURS"}
    state = {"values": {"reason": {"reason": {"value": typed}}}}
    view = {"id": "V1", "callback_id": "snooze", "private_metadata": "1", "state": state}
    fields = interaction_from({"type": "view_submission", "user": user, "team": team, "view": view}).fields or {}
    about = {"command": "/sync-health", "user_id": ROBIN, "team_id": "T0OURS", "channel_id": "C1", "response_url": "x"}
    command = interaction_from(about | {"text": f"note {typed}"})
    for text in (fields["reason"], command.value):
        assert "MALLORY" in text and "<" not in with_times(text, ZoneInfo("UTC"))
