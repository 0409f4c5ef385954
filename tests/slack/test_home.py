"""App Home: who is published what and when, what each of its buttons does, and what Slack may refuse."""

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.errors import StateError, TemporaryError, UncertainError
from bot.model import Place
from bot.services.authorise import Person
from bot.services.fair_pool import FairPool
from bot.services.next_step import TRANSIENT
from bot.services.shared_answers import SharedAnswers
from bot.slack import home_publisher
from bot.slack.context import Context
from bot.slack.handlers import HANDLERS, handle
from bot.slack.home import opened
from bot.slack.home_publisher import LOOK, REFUSED, HomePublisher
from bot.slack.home_views import ALL, LATELY, MOST, UPDATES
from bot.slack.interaction import Interaction, interaction_from
from tests.services.conftest import ADA, GROUP, ROBIN, SAM, World
from tests.slack.conftest import words
from tests.slack.test_interactions import TEAM, failing, settled
from tests.slack.test_sync_actions import Desk
from tests.unit.payloads import GOLDEN
from tests.waiting import until

CROWD = [f"U0CROWD{n:03}" for n in range(200)]


class HomeSlack(Desk):
    """Slack with Homes: refuses what it is told to, once for each."""

    def __init__(self) -> None:
        super().__init__()
        self.homes: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, str] = {}
        self.published: list[str] = []  # whose, in order
        self.faults: list[tuple[str, dict[str, str]]] = []  # an error and the headers of its answer
        self.broken: dict[str, str] = {}  # whose Home fails whenever it is published, and how
        self.tried = 0

    def views_publish(self, *, user_id: str, view: dict[str, Any], hash: str = "") -> Any:  # noqa: A002 - Slack's name
        self.tried += 1
        error, headers = self.faults.pop(0) if self.faults else (self.broken.get(user_id, ""), {})
        if error == "silence":
            raise TimeoutError
        if hash and hash != self.versions.get(user_id):
            error = "hash_conflict"
        if error:
            status = 429 if error == "ratelimited" else 200
            more: Any = {"client": None, "http_verb": "POST", "api_url": "", "req_args": {}, "headers": headers}
            answer = SlackResponse(data={"ok": False, "error": error}, status_code=status, **more)
            raise SlackApiError(error, answer)
        self.homes[user_id], self.versions[user_id] = view, f"v{self.tried}"
        self.published.append(user_id)
        return SimpleNamespace(data={"ok": True, "view": {"id": "V1", "hash": self.versions[user_id]}})

    def shows(self, user: str = ROBIN) -> str:
        return words(self.homes[user]["blocks"])


@pytest.fixture
def services(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    one.channel.groups[GROUP] = frozenset()
    one.look(7)
    yield one
    one.census.free.set()
    one.warehouse.free.set()
    one.close()


@pytest.fixture
def context(services: World) -> Context:
    shared = SharedAnswers(services.clock, FairPool(2, "question", 2))
    one = Context(services.ports, services.checker, HomeSlack(), FairPool(4, "press", 4), shared)  # type: ignore[arg-type]
    services.store.when_written(one.app_home.note_write)
    return one


@pytest.fixture
def publisher(context: Context) -> HomePublisher:
    return HomePublisher(context)


def slack(context: Context) -> HomeSlack:
    assert isinstance(context.client, HomeSlack)
    return context.client


def event(user: str = ROBIN, tab: str = "home", team: str = TEAM, version: str = "") -> dict[str, Any]:
    view = {"view": {"id": "V1", "type": "home", "hash": version}} if version else {}
    told = {"type": "app_home_opened", "user": user, "channel": "D1", "tab": tab, **view}
    return {"type": "event_callback", "event_id": "Ev1", "team_id": team, "event": told}


def publish(publisher: HomePublisher) -> float:
    """All that may be published now; how long there is nothing else to do."""
    while not (rest := publisher.publish_next()):
        pass
    return rest


def show(context: Context, publisher: HomePublisher, *users: str) -> None:
    """These people have their Home open, as it is now."""
    for user in users or (ROBIN,):
        opened(context, event(user))
    publish(publisher)
    slack(context).published.clear()


def press(context: Context, publisher: HomePublisher, word: str, value: str = "", who: str = ROBIN) -> None:
    """A click in Home, until it is answered and Home is as it should be."""
    home = slack(context).versions.get(who, "")
    by = Interaction(Person(who, TEAM, ""), word, value, trigger_id="t", home=home)
    context.receive(by, partial(handle, "button"))
    until(lambda: settled(context))
    publish(publisher)


# -- who is published what, and when


def test_who_opens_it_is_shown_the_summary(context: Context, publisher: HomePublisher) -> None:
    opened(context, event())
    assert publish(publisher) == LOOK
    assert slack(context).published == [ROBIN]
    assert "✅ properties: healthy" in slack(context).shows()


@pytest.mark.parametrize(
    ("body", "odd"),
    [
        (event(tab="messages"), False),
        (event(tab="about"), False),
        (event(user=""), True),
        ({"type": "event_callback"}, True),
        *(({"event": odd}, True) for odd in (None, [], "x", 7, [event()["event"]])),
        *(({"event": event()["event"] | {"tab": odd}}, True) for odd in (None, ["home"], "new")),
        *(({"event": event()["event"] | {"user": odd}}, True) for odd in (None, [], 7, {"id": ROBIN})),
        *(({"event": event()["event"] | {"view": odd}}, True) for odd in ("x", ["x"], {"hash": 5}, {"id": "V1"})),
    ],
)
def test_other_tabs_publish_nothing_and_what_cannot_be_read_is_a_line_in_the_log_that_names_nobody(
    context: Context, publisher: HomePublisher, body: dict[str, Any], odd: bool, caplog: pytest.LogCaptureFixture
) -> None:
    opened(context, body)
    publish(publisher)
    assert slack(context).tried == 0
    assert caplog.text.count("in a form that cannot be read") == odd
    assert ROBIN not in caplog.text


@pytest.mark.parametrize("view", [None, {}, []])
def test_who_has_no_home_yet_is_shown_one(context: Context, publisher: HomePublisher, view: Any) -> None:
    opened(context, event() | {"event": event()["event"] | {"view": view}})
    publish(publisher)
    assert slack(context).published == [ROBIN]


def test_what_changes_is_published_to_those_who_opened_it_lately_and_to_nobody_else(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher, SAM)
    services.clock.pass_(seconds=LATELY)
    show(context, publisher, ROBIN, ADA)
    services.clock.pass_(seconds=1)
    services.open_incident()
    publish(publisher)
    assert sorted(slack(context).published) == [ADA, ROBIN]
    assert "1 open incident" in slack(context).shows(ADA)
    assert "1 open incident" not in slack(context).shows(SAM)


def test_what_has_not_changed_is_not_published_again(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher)
    with services.store.transaction() as records:
        records.mark_done("digest", services.clock.now().date(), services.clock.now())  # nothing that Home shows
    services.clock.pass_(seconds=2 * LOOK)
    publish(publisher)
    opened(context, event(version=slack(context).versions[ROBIN]))
    publish(publisher)
    assert slack(context).published == []


def test_who_opens_a_version_that_we_do_not_know_gets_the_current_one(
    context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher)
    slack(context).versions[ROBIN] = "of another process"
    opened(context, event(version="of another process"))
    publish(publisher)
    assert slack(context).published == [ROBIN]


def test_people_of_another_workspace_are_told_so_and_see_nothing_of_the_pipeline(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    opened(context, event("U0STRANGER", team="T9"))
    publish(publisher)
    assert "members of its own workspace only" in slack(context).shows("U0STRANGER")
    services.open_incident()
    publish(publisher)
    assert slack(context).published == ["U0STRANGER"]
    assert "properties" not in json.dumps(slack(context).homes["U0STRANGER"])


def test_everybody_sees_the_same(services: World, context: Context, publisher: HomePublisher) -> None:
    services.open_incident()
    show(context, publisher, ROBIN, SAM)
    assert slack(context).homes[ROBIN] == slack(context).homes[SAM]


def test_two_hundred_people_are_served_in_turn_within_the_limit_and_who_clicks_comes_first(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    rests = [partial(opened, context, event(user)) for user in CROWD]
    for tell in rests:
        tell()
    per_minute = []
    for _ in range(12):
        before = slack(context).tried
        assert 0 < publish(publisher) <= LOOK
        per_minute.append(slack(context).tried - before)
        services.clock.pass_(seconds=60.5)
    assert max(per_minute) == ALL
    assert Counter(slack(context).published) == Counter(CROWD)
    slack(context).published.clear()
    services.open_incident()
    for minute in range(3):
        publish(publisher)
        assert len(slack(context).published) == UPDATES * (minute + 1)
        services.clock.pass_(seconds=60.5)
    publish(publisher)
    late = next(user for user in CROWD if user not in slack(context).published)
    before = len(slack(context).published)
    press(context, publisher, "runbook", who=late)
    assert slack(context).published[before:] == [late]
    for _ in range(6):
        publish(publisher)
        services.clock.pass_(seconds=60.5)
    assert set(slack(context).published) == set(CROWD)
    assert all("1 open incident" in slack(context).shows(user) for user in CROWD)


def test_of_too_many_those_who_opened_it_longest_ago_are_not_kept_up_to_date(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    for n in range(MOST + 5):
        services.clock.pass_(seconds=1)
        opened(context, event(f"U{n:04}"))
    kept = {one.person.id for one in context.app_home.in_turn()}
    assert kept == {f"U{n:04}" for n in range(5, MOST + 5)}


def test_evaluations_that_have_stopped_leave_nobody_with_a_healthy_home(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher)
    services.clock.pass_(minutes=20)
    publish(publisher)
    assert "status unknown" in slack(context).shows()
    assert "none completed for more than 15 min" in slack(context).shows()
    assert "healthy" not in slack(context).shows()


def test_nothing_is_healthy_while_nothing_can_be_stored(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher)
    context.checker.state.failed(StateError("the disk is full"))
    services.clock.pass_(seconds=LOOK)
    publish(publisher)
    assert "Status unknown" in slack(context).shows()
    assert "acknowledge" not in json.dumps(slack(context).homes[ROBIN])


def test_addresses_of_threads_are_asked_for_once(services: World, context: Context, publisher: HomePublisher) -> None:
    services.open_incident()
    services.deliver()
    show(context, publisher)
    assert "View thread" in slack(context).shows()
    services.channel.fail_next("permalink", fault_of(TemporaryError("down")))
    services.look(70, after=5)
    publish(publisher)
    assert "View thread" in slack(context).shows()


def fault_of(error: Exception) -> Any:
    from tests.fakes import Fault

    return Fault(error)


# -- what Slack refuses


def refused(context: Context, error: str, times: int = 1, **headers: str) -> None:
    slack(context).faults += [(error, headers)] * times


def test_a_version_of_another_process_is_replaced_by_what_is_so_now(
    context: Context, publisher: HomePublisher, services: World
) -> None:
    show(context, publisher)
    slack(context).versions[ROBIN] = "of another process"
    services.open_incident()
    publish(publisher)
    assert slack(context).published == [ROBIN]
    assert "1 open incident" in slack(context).shows()


def test_who_is_gone_is_forgotten(
    services: World, context: Context, publisher: HomePublisher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refused(context, "user_not_found")
    opened(context, event())
    publish(publisher)
    services.open_incident()
    publish(publisher)
    assert slack(context).tried == 1
    assert caplog.text.count("is published no more") == 1


@pytest.mark.parametrize("error", ["not_enabled", "invalid_auth"])
def test_an_app_without_a_home_is_tried_every_few_minutes_with_a_line_in_the_log(
    services: World, context: Context, publisher: HomePublisher, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused(context, error, times=2)
    for user in (ROBIN, ADA):
        opened(context, event(user))
    assert publish(publisher) == LOOK
    services.clock.pass_(seconds=REFUSED / 2)
    publish(publisher)
    assert slack(context).tried == 1
    services.clock.pass_(seconds=REFUSED / 2)
    publish(publisher)
    assert slack(context).tried == 2
    assert caplog.text.count("App Home is not published for 5 min") == 2
    services.clock.pass_(seconds=REFUSED)
    publish(publisher)
    assert sorted(slack(context).published) == [ADA, ROBIN]


@pytest.mark.parametrize("error", ["view_too_large", "invalid_arguments", "invalid_blocks", "something_new"])
def test_what_slack_refuses_is_shortened_to_its_headline_until_it_changes(
    services: World, context: Context, publisher: HomePublisher, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    refused(context, error)
    opened(context, event())
    publish(publisher)
    assert "The rest does not fit here" in slack(context).shows()
    assert "Sync A" not in slack(context).shows()
    services.clock.pass_(seconds=2 * LOOK)
    publish(publisher)
    assert slack(context).tried == 2
    services.open_incident()
    publish(publisher)
    assert "Sync A" in slack(context).shows()
    assert caplog.text.count("is shortened to its headline") == 1


def test_what_is_refused_even_shortened_is_not_tried_again_until_it_changes(
    services: World, context: Context, publisher: HomePublisher, caplog: pytest.LogCaptureFixture
) -> None:
    refused(context, "invalid_arguments", times=2)
    opened(context, event())
    publish(publisher)
    services.clock.pass_(seconds=2 * LOOK)
    publish(publisher)
    assert slack(context).tried == 2
    assert "refused, short as it is" in caplog.text
    services.open_incident()
    publish(publisher)
    assert slack(context).published == [ROBIN]


def test_patience_that_slack_asks_for_is_kept_by_everybody(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    slack(context).faults.append(("ratelimited", {"Retry-After": "40"}))
    for user in (ROBIN, ADA):
        opened(context, event(user))
    assert publish(publisher) == LOOK
    services.clock.pass_(seconds=39)
    assert publish(publisher) == pytest.approx(1)
    assert slack(context).tried == 1
    services.clock.pass_(seconds=1)
    publish(publisher)
    assert sorted(slack(context).published) == [ADA, ROBIN]


FAILS = ["internal_error", "fatal_error", "not a code", "silence", "hash_conflict"]


@pytest.mark.parametrize("error", FAILS)
def test_a_home_that_fails_for_one_person_stops_nobody_else_s(
    services: World, context: Context, publisher: HomePublisher, error: str
) -> None:
    slack(context).broken[SAM] = error
    for user in (SAM, ROBIN, ADA):
        opened(context, event(user))
    assert 0 < publish(publisher) < LOOK
    assert slack(context).published == [ROBIN, ADA]
    del slack(context).broken[SAM]
    services.clock.pass_(seconds=TRANSIENT.shortest)
    assert publish(publisher) == LOOK
    assert slack(context).published == [ROBIN, ADA, SAM]


@pytest.mark.parametrize("error", FAILS)
def test_it_is_tried_ever_more_seldom_and_after_some_times_only_when_it_is_opened_again(
    services: World, context: Context, publisher: HomePublisher, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack(context).broken[SAM] = error
    opened(context, event(SAM))
    pauses = [publish(publisher)]
    tried = slack(context).tried
    while pauses[-1] < math.inf:
        opened(context, event(ROBIN, version=f"of another process {tried}"))
        slack(context).versions.pop(ROBIN, None)
        refused(context, "hash_conflict")
        services.clock.pass_(seconds=pauses[-1])
        publish(publisher)
        pauses.append(context.app_home.seconds_until_again())
    assert pauses == [2, 4, 8, 16, 32, math.inf]
    assert caplog.text.count("is not published until it is opened again") == 1
    assert caplog.text.count(f"App Home of {SAM} is not published: ") == 1
    del slack(context).broken[SAM]
    services.clock.pass_(minutes=10)
    publish(publisher)
    assert SAM not in slack(context).published
    opened(context, event(SAM))
    publish(publisher)
    assert SAM in slack(context).published


def test_who_is_tried_again_comes_behind_those_who_wait(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    slack(context).broken[SAM] = "internal_error"
    opened(context, event(SAM))
    services.clock.pass_(seconds=publish(publisher))
    opened(context, event(ROBIN))
    assert [one.person.id for one in context.app_home.in_turn()] == [ROBIN, SAM]
    services.clock.pass_(seconds=publish(publisher))
    services.open_incident()
    assert [one.person.id for one in context.app_home.in_turn()] == [ROBIN, SAM], "what has changed comes first by now"


def test_what_fails_for_several_in_a_row_is_slack_s_and_waits_for_everybody_and_nobody_is_forgotten(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    slack(context).broken |= dict.fromkeys(CROWD[:3], "internal_error")
    for user in CROWD[:3]:
        opened(context, event(user))
    assert publisher.publish_next() == 0, "one may be a failure of this person's alone"
    for _ in range(20):
        with pytest.raises(UncertainError, match="internal_error"):
            publish(publisher)
        services.clock.pass_(seconds=TRANSIENT.longest)
    slack(context).broken.clear()
    publish(publisher)
    assert sorted(slack(context).published) == CROWD[:3]


def test_whose_home_fails_is_remembered_no_longer_than_they_are(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    users = [f"U{n:04}" for n in range(MOST + 50)]
    slack(context).broken |= dict.fromkeys(users, "internal_error")
    for user in users:
        services.clock.pass_(seconds=TRANSIENT.shortest)
        opened(context, event(user))
        with suppress(UncertainError):
            publish(publisher)
    assert len(context.app_home._failing) <= MOST + 1


def test_where_slack_cannot_be_reached_everybody_waits(
    context: Context, publisher: HomePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise URLError(ConnectionRefusedError())

    monkeypatch.setattr(slack(context), "views_publish", refuse)
    for user in (ROBIN, ADA):
        opened(context, event(user))
    for _ in range(2):
        with pytest.raises(TemporaryError, match="refused"):
            publisher.publish_next()


def test_a_stranger_whose_home_is_refused_is_not_shown_a_headline_instead(
    context: Context, publisher: HomePublisher
) -> None:
    refused(context, "invalid_arguments")
    opened(context, event("U0STRANGER", team="T9"))
    publish(publisher)
    assert (slack(context).tried, slack(context).homes) == (1, {})


def test_another_version_met_by_the_headline_is_replaced_as_well(context: Context, publisher: HomePublisher) -> None:
    refused(context, "invalid_blocks")
    refused(context, "hash_conflict")
    refused(context, "invalid_blocks")
    slack(context).versions[ROBIN] = "of another process"
    opened(context, event(version="of another process"))
    publish(publisher)
    assert "The rest does not fit here" in slack(context).shows()


def test_threads_whose_addresses_slack_tells_slowly_are_asked_for_bit_by_bit(
    services: World, context: Context, publisher: HomePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Place] = []
    show(context, publisher)

    def slow(_: Context, root: Place) -> str:
        asked.append(root)
        services.clock.pass_(seconds=LOOK)
        return f"https://example.slack.com/{root.ts}"

    monkeypatch.setattr(Context, "link_to", slow)
    roots = {n: Place("C1", f"{n}.0") for n in range(3)}
    assert len(publisher._links_to(roots)) == 1
    assert len(publisher._links_to(roots)) == 2
    assert len(publisher._links_to(roots)) == 3
    assert asked == list(roots.values())


# -- buttons


def test_acknowledge_in_home_acknowledges_once_and_shows_it(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    services.open_incident()
    services.deliver()
    show(context, publisher, ROBIN, SAM)
    press(context, publisher, "acknowledge", "1")
    assert services.incident().acked_by == ROBIN
    assert f"Acknowledged by <@{ROBIN}>" in slack(context).shows()
    assert f"Acknowledged by <@{ROBIN}>" in slack(context).shows(SAM)
    assert [row for row in services.audit() if row[1] == "acknowledge"] == [
        (ROBIN, "acknowledge", "incident 1", "done")
    ]
    press(context, publisher, "acknowledge", "1", who=ADA)
    assert "Already acknowledged by" in words(slack(context).opened[-1])
    assert services.incident().acked_by == ROBIN


def test_what_is_offered_in_the_answer_to_that_works_there(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    services.open_incident()
    press(context, publisher, "acknowledge", "1")
    press(context, publisher, "acknowledge", "1", who=ADA)
    answer = slack(context).opened[-1]
    in_dialog = {"view_id": "V1", "view_title": "Sync Health", "metadata": answer["private_metadata"]}
    by = Interaction(Person(ADA, TEAM, ""), "take_over", "1", trigger_id="t", **in_dialog)
    context.receive(by, partial(handle, "button"))
    until(lambda: settled(context))
    assert services.incident().acked_by == ADA


def test_who_may_not_is_told_so_in_a_dialog(services: World, context: Context, publisher: HomePublisher) -> None:
    services.open_incident()
    press(context, publisher, "acknowledge", "1", who=SAM)
    assert "Only operators may do that" in words(slack(context).opened[-1])
    assert services.incident().acked_by is None


@pytest.mark.parametrize("value", ["99", "", "x", "1 OR 1=1", "9" * 30])
def test_an_incident_that_is_unknown_is_refused(
    services: World, context: Context, publisher: HomePublisher, value: str
) -> None:
    services.open_incident()
    press(context, publisher, "acknowledge", value)
    assert "another version of Sync Health" in words(slack(context).opened[-1])
    assert services.incident().acked_by is None


def test_a_button_of_another_version_says_so_and_the_current_ones_appear(
    context: Context, publisher: HomePublisher
) -> None:
    slack(context).versions[ROBIN] = "old"
    press(context, publisher, "sing", "7")
    assert "This button is from another version" in words(slack(context).opened[-1])
    assert slack(context).published == [ROBIN]


PRESSED = {
    "runbook": "",
    "help": "",
    "runs": "now",
    "queue": "now",
    "errors": "now",
    "schedules": "now",
    "snapshot": "now",
    "resume": "sync {b}",
    "pause": "sync {b}",
    "rerun": "1",
    "follow": "1",
    "cancel": "1",
    "pause_all": "all",
    "snooze": "1",
    "note": "1",
    "resolve": "1",
    "escalate": "1",
    "more": "1",
    "take_over": "1",
    "unacknowledge": "1",
    "timeline": "1",
}


@pytest.mark.parametrize("word", PRESSED)
def test_each_button_opens_a_dialog_in_which_its_answer_stands(
    services: World, context: Context, publisher: HomePublisher, word: str
) -> None:
    services.open_incident()
    services.deliver()
    show(context, publisher)
    press(context, publisher, word, PRESSED[word].format(b=services.sync_b))
    client = slack(context)
    assert len(client.opened) == 1
    answer = words(client.filled[-1])
    assert "Loading" not in answer
    assert "another version" not in answer
    assert "not one that Sync Health posted" not in answer
    assert client.said == [], "nothing goes to a channel in which this person may not be"


def test_every_button_that_home_ever_shows_is_one_of_these() -> None:
    shown: set[str] = set()
    for file in (GOLDEN / "home").glob("*.json"):
        for block in json.loads(file.read_text(encoding="utf-8"))["blocks"]:
            for element in block.get("elements", []):
                if element.get("type") == "button" and "url" not in element:
                    shown.add(element["action_id"])
                shown |= {one["value"].split()[0] for one in element.get("options", []) if "url" not in one}
    assert shown <= {*PRESSED, "acknowledge", "refresh", "check"}
    assert {("button", word) for word in shown} <= set(HANDLERS)


@pytest.mark.parametrize("word", ["refresh", "check"])
def test_refresh_evaluates_and_home_shows_it(
    services: World, context: Context, publisher: HomePublisher, word: str
) -> None:
    show(context, publisher)
    services.clock.pass_(minutes=5)
    services.numbers(null_company_names=9)
    services.warehouse.asked.clear()
    press(context, publisher, word, "summary")
    assert services.warehouse.asked
    assert slack(context).published
    assert "Newer values follow" not in slack(context).shows()
    assert slack(context).opened == []


def test_until_refresh_is_over_home_says_that_newer_values_follow(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    show(context, publisher, ROBIN, SAM)
    services.warehouse.free.clear()
    by = Interaction(Person(ROBIN, TEAM, ""), "refresh", "summary", trigger_id="t", home="")
    context.receive(by, partial(handle, "button"))
    until(lambda: publish(publisher) and "Newer values follow" in slack(context).shows())
    assert "Newer values follow" not in slack(context).shows(SAM)
    services.warehouse.free.set()
    until(lambda: settled(context))
    publish(publisher)
    assert "Newer values follow" not in slack(context).shows()


def test_a_refresh_that_fails_says_why_until_something_newer_is_known(
    services: World, context: Context, publisher: HomePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(context, publisher)
    with monkeypatch.context() as patched:
        failing(patched, TemporaryError("asleep")).set()
        press(context, publisher, "refresh", "summary")
    assert "the evaluation failed" in slack(context).shows()
    assert "asleep" in slack(context).shows()
    services.clock.pass_(seconds=LOOK)
    publish(publisher)
    assert "asleep" in slack(context).shows()
    services.look(7, after=5)
    publish(publisher)
    assert "✅ properties: healthy" in slack(context).shows()
    assert services.audit()[-1][1] == "refresh"


def test_an_answer_whose_dialog_does_not_open_is_told_in_the_channel(
    services: World, context: Context, publisher: HomePublisher
) -> None:
    services.open_incident()
    slack(context).refuses = "views_open expired_trigger_id"
    press(context, publisher, "acknowledge", "1", who=SAM)
    assert "Only operators may do that" in slack(context).told(SAM)[-1]


def test_a_press_in_home_is_read_as_such_and_never_as_one_in_a_dialog() -> None:
    view = {"id": "V1", "type": "home", "hash": "h1", "private_metadata": "", "callback_id": "home"}
    body = {
        "type": "block_actions",
        "user": {"id": ROBIN, "team_id": TEAM},
        "team": {"id": TEAM},
        "trigger_id": "t1",
        "container": {"type": "view", "view_id": "V1"},
        "view": view,
        "actions": [{"action_id": "acknowledge", "value": "7"}],
    }
    pressed = interaction_from(body)
    assert (pressed.home, pressed.view_id, pressed.metadata, pressed.response_url) == ("h1", "", None, "")
    assert interaction_from(body | {"view": view | {"type": "modal"}}).home is None


def test_the_publisher_reads_the_state_once_for_a_crowd(
    context: Context, publisher: HomePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    real: Callable[..., Any] = home_publisher.show_home
    monkeypatch.setattr(home_publisher, "show_home", lambda *facts: read.append(facts) or real(*facts))
    for user in CROWD[:50]:
        opened(context, event(user))
    publish(publisher)
    assert len(slack(context).published) == 50
    assert len(read) == 1
