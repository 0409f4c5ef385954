"""Every action on a sync, pressed and typed: the dialog at once, one call to Census, a message, and who may not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.alerts.model import ActionKind, ActionState, State
from bot.config.pipeline_file import Operators
from bot.model import Kind
from bot.services.authorise import Person
from bot.services.fair_pool import FairPool
from bot.services.follow_actions import follow_actions
from bot.services.shared_answers import SharedAnswers
from bot.slack.context import Context
from bot.slack.handlers import handle
from bot.slack.interaction import Interaction
from tests.fakes import FakeCensus
from tests.services.conftest import GROUP, ROBIN, SAM, World
from tests.slack.conftest import words
from tests.slack.test_interactions import TEAM, Client, settled
from tests.unit.payloads import markup
from tests.waiting import until

RERUN, PAUSE, RESUME, CANCEL = ActionKind.RERUN, ActionKind.PAUSE, ActionKind.RESUME, ActionKind.CANCEL
REASON = {"reason": "the view is fixed"}


class Desk(Client):
    """Slack with dialogs that open and are filled, unless it refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.filled: list[dict[str, Any]] = []
        self.refuses = ""  # what views.open or views.update answers
        self.order: list[str] = []

    def views_open(self, *, view: dict[str, Any], **_: object) -> Any:
        self.order.append("opened")
        self._refuse("views_open")
        return super().views_open(view=view)

    def views_update(self, *, view: dict[str, Any], **_: object) -> Any:
        self.order.append("filled")
        self._refuse("views_update")
        self.filled.append(view)
        return SimpleNamespace(data={"ok": True})

    def _refuse(self, method: str) -> None:
        which, _, error = self.refuses.partition(" ")
        if which == method:
            answer = {"ok": False, "error": error}
            more: Any = {"client": None, "http_verb": "POST", "api_url": "", "req_args": {}, "headers": {}}
            raise SlackApiError(error, SlackResponse(data=answer, status_code=200, **more))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    one.channel.groups[GROUP] = frozenset({SAM})
    one.open_incident()
    one.deliver()
    yield one
    one.census.free.set()
    one.close()


@pytest.fixture
def context(services: World) -> Context:
    shared = SharedAnswers(services.clock, FairPool(2, "question", 2))
    return Context(services.ports, services.checker, Desk(), FairPool(4, "press", 4), shared)  # type: ignore[arg-type]


def desk(context: Context) -> Any:
    return context.client


def do(context: Context, kind: Any, word: str, value: str = "", who: Person | None = None, **more: Any) -> None:
    """Typed, pressed or submitted, until it is answered."""
    by = Interaction(who or Person(ROBIN, TEAM, ""), word, value, "C1", trigger_id="t", **more)
    context.receive(by, partial(handle, kind))
    until(lambda: settled(context))


def dialog(context: Context) -> dict[str, Any]:
    """What is in it now."""
    found: dict[str, Any] = desk(context).filled[-1]
    return found


def submit(context: Context, who: Person | None = None, **fields: str) -> None:
    do(context, "submission", "act", dialog(context)["private_metadata"], who, fields=REASON | fields)


def asked(census: FakeCensus) -> list[object]:
    """All that Census was asked to do."""
    return [*census.triggers, *census.changes, *census.canceled]


def stand(services: World, kind: ActionKind) -> None:
    """So that the action is possible."""
    if kind is RESUME:
        services.census.pause(services.sync_b)
        services.census.changes.clear()
    if kind is CANCEL:
        services.census.start(services.sync_b)


KINDS: dict[ActionKind, Callable[[World], object]] = {
    RERUN: lambda services: services.sync_b,
    PAUSE: lambda services: (services.sync_b, True),
    RESUME: lambda services: (services.sync_b, False),
    CANCEL: lambda services: 1,
}


@pytest.mark.parametrize("how", ["pressed in the alert", "pressed on an answer", "typed"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_action_opens_its_dialog_at_once_and_its_submission_calls_census_once_and_is_told_in_the_thread(
    services: World, context: Context, kind: ActionKind, how: str
) -> None:
    stand(services, kind)
    [root] = services.channel.roots()
    if how == "typed":
        do(context, "command", kind.value, "b")
    elif how == "pressed on an answer":
        do(context, "button", kind.value, f"sync {services.sync_b}")
    else:
        context.receive(
            Interaction(Person(ROBIN, TEAM, ""), kind.value, "1", root.channel, root.ts, "t"), partial(handle, "button")
        )
        until(lambda: settled(context))
    assert desk(context).order == ["opened", "filled"]
    assert "Sync B (UPDATE)" in words(dialog(context))
    assert dialog(context)["callback_id"] == "act"
    assert asked(services.census) == [], "nothing is done before it is confirmed"
    submit(context)
    assert asked(services.census) == [KINDS[kind](services)]
    services.deliver()
    [said] = [one for one in services.channel.thread() if one.kind is Kind.RUN]
    assert f"<@{ROBIN}>" in said.text and "the view is fixed" in said.text
    assert "The thread reports" in desk(context).told()[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_submission_that_arrives_again_byte_for_byte_acts_once(
    services: World, context: Context, kind: ActionKind
) -> None:
    stand(services, kind)
    do(context, "command", kind.value, "b")
    submit(context)
    done = asked(services.census)
    submit(context)
    for _ in range(4):  # also once the first one is over
        follow_actions(services.ports, services.checker)
    submit(context)
    assert asked(services.census) == done
    assert len(services.rows("SELECT * FROM actions")) == 1
    assert services.audit()[-1][1:3] == (kind.value, "Sync B")


def test_a_full_sync_is_confirmed_by_a_dialog_of_its_own_that_keeps_the_reason(
    services: World, context: Context
) -> None:
    do(context, "command", "rerun", "b")
    submit(context, choice="full")
    assert asked(services.census) == []
    again = desk(context).opened[-1]
    assert words(again["submit"]).startswith("Run full sync") and "the view is fixed" in words(again)
    assert "Nothing was done" not in words(again), "what somebody chose is no surprise to them"
    do(context, "submission", "act", again["private_metadata"], fields=REASON)
    assert services.census.full_syncs == [services.sync_b]


def test_a_sync_is_resumed_and_rerun_with_one_submission(services: World, context: Context) -> None:
    stand(services, RESUME)
    do(context, "command", "resume", "b")
    submit(context, choice="rerun")
    assert asked(services.census) == [services.sync_b, (services.sync_b, False)]


def test_pause_all_pauses_every_sync_and_says_so_in_the_channel(services: World, context: Context) -> None:
    do(context, "command", "pause", "ALL")
    assert "Sync A, Sync B" in words(dialog(context))
    submit(context)
    assert sorted(services.census.changes) == sorted([(services.sync_a, True), (services.sync_b, True)])
    assert "All syncs: paused. The channel reports it." in desk(context).told()[-1]
    services.deliver()
    assert any("All syncs are paused" in root.text for root in services.channel.roots())
    done = len(services.census.changes)
    submit(context)
    assert len(services.census.changes) == done, "a replayed submission does nothing"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Which sync?"),
        ("c", "Unknown sync “c”. Syncs: Sync A (CREATE), Sync B (UPDATE)."),
        ("sync", "Unknown sync “sync”"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("9" * 40, "Unknown sync"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_means_no_sync_or_several_gets_the_list_in_the_dialog(
    services: World, context: Context, kind: ActionKind, typed: str, said: str
) -> None:
    do(context, "command", kind.value, typed)
    assert said in words(dialog(context))
    assert dialog(context).get("submit") is None
    assert "<!channel>" not in words(dialog(context))
    assert asked(services.census) == []


STRANGERS = {
    "no operator": Person("U0VISITOR", TEAM, ""),
    "another workspace": Person(ROBIN, "T0OTHER", ""),
    "a bot": Person("USLACKBOT", TEAM, ""),
}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("word", [*KINDS, "follow", "pause_all"])
def test_nobody_else_sees_the_facts_or_acts(services: World, context: Context, word: str, who: str) -> None:
    do(context, "button", str(word), f"sync {services.sync_b}", STRANGERS[who])
    seen = " ".join([*map(words, desk(context).filled), *(text for _, text in desk(context).said)])
    assert "Only " in seen
    assert "pending" not in seen
    assert services.audit()[-1][3].startswith("refused: Only ")
    do(context, "command", "rerun", "b")
    submit(context, STRANGERS[who])
    assert asked(services.census) == []
    assert services.rows("SELECT * FROM actions") == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("sync 999", "no such sync any more"),
        ("sync ", "no such sync any more"),
        ("sync 1 OR 1=1", "no such sync any more"),
        ("1", "is not one that Sync Health posted here"),
        ("", "is not one that Sync Health posted here"),
        ("٣", "is not one that Sync Health posted here"),
    ],
)
def test_a_button_that_was_never_ours_does_nothing(services: World, context: Context, value: str, said: str) -> None:
    do(context, "button", "pause", value, message_ts="1.1")
    assert said in words(dialog(context))
    assert asked(services.census) == []


def test_the_button_of_an_incident_that_is_over_says_so(services: World, context: Context) -> None:
    over = replace(services.incident(), state=State.OK, resolved_at=services.clock.now())
    with services.store.transaction() as records:
        records.save_incident(over)
    [root] = services.channel.roots()
    context.receive(
        Interaction(Person(ROBIN, TEAM, ""), "rerun", "1", root.channel, root.ts, "t"), partial(handle, "button")
    )
    until(lambda: settled(context))
    assert "is resolved already" in words(dialog(context))


TAMPERED = {
    "another sync than the alert's": {"sync": "Sync A"},
    "a sync that nobody knows": {"sync": "Sync Z"},
    "an incident that nobody knows": {"incident_id": 99},
    "a kind that nobody knows": {"kind": "delete"},
    "no number": {"latest_action_id": "x"},
    "an action of the future": {"latest_action_id": 7},
}


@pytest.mark.parametrize("how", TAMPERED)
def test_metadata_that_somebody_changed_does_nothing(services: World, context: Context, how: str) -> None:
    do(context, "command", "rerun", "b")
    changed = json.loads(dialog(context)["private_metadata"]) | TAMPERED[how]
    do(context, "submission", "act", json.dumps(changed), fields=REASON)
    assert asked(services.census) == []
    assert services.rows("SELECT * FROM actions") == []
    until(lambda: services.audit()[-1][3].startswith(("refused", "failed")))


def test_metadata_cannot_hide_that_a_record_is_suspect_behind_no_reason(services: World, context: Context) -> None:
    services.numbers(update_queue_suspicious=9)
    do(context, "command", "rerun", "b")
    do(context, "submission", "act", dialog(context)["private_metadata"], fields={"reason": "  "})
    assert asked(services.census) == []
    assert "a reason is needed" in desk(context).told()[-1]


def test_a_trigger_that_is_over_is_answered_with_what_to_do(services: World, context: Context) -> None:
    desk(context).refuses = "views_open expired_trigger_id"
    do(context, "command", "pause", "b")
    assert "The dialog did not open" in desk(context).told()[-1]
    assert asked(services.census) == []


@pytest.mark.parametrize("error", ["not_found", "invalid_arguments"])
def test_a_dialog_that_was_closed_or_that_slack_does_not_fill_does_nothing(
    services: World, context: Context, error: str
) -> None:
    desk(context).refuses = f"views_update {error}"
    do(context, "command", "pause", "b")
    assert asked(services.census) == []
    told = desk(context).told()
    assert (told == []) == (error == "not_found"), "who has closed it needs no answer"


HOSTILE = "<!channel> <@U0MALLORY> *b* jq@canary.example"


def test_a_reason_pings_nobody_wherever_it_is_shown(services: World, context: Context) -> None:
    do(context, "command", "pause", "b")
    submit(context, reason=HOSTILE)
    for _ in range(2):
        follow_actions(services.ports, services.checker)
    services.deliver()
    assert services.action().state is ActionState.FINISHED
    services.look(60, after=5)
    services.deliver()
    do(context, "command", "resume", "b")
    shown = [one.text for one in services.channel.thread()] + [words(dialog(context))]
    assert sum("canary" in text for text in shown) >= 2, "it is shown"
    do(context, "command", "incident", "1")
    assert "canary" in desk(context).told()[-1], "it is shown"
    shown += markup(desk(context).blocks[-1])  # in the cells of its table markup is text
    assert all("<!channel>" not in text and "<@U0MALLORY>" not in text for text in shown)


def test_no_operators_at_all_is_said(services: World, context: Context) -> None:
    nobody = replace(services.ports.settings, operators=Operators())
    alone = replace(context, ports=replace(services.ports, settings=nobody))
    do(alone, "command", "rerun", "b")
    assert "pipeline.yml names none yet" in words(dialog(alone))
