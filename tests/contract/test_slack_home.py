"""The Home that the local Slack shows: what it takes from views.publish, and what it sends when one is used."""

import json
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.demo.slack.server import Fault, SlackServer
from bot.errors import AccessError, ConflictError, NotFoundError, PermanentError, TemporaryError
from bot.transport.slack_api import call
from tests.contract import test_slack_server as common
from tests.contract.test_slack_blocks import line, table
from tests.contract.test_slack_server import PAYLOADS, button, modal, refusal, say, strangers
from tests.waiting import until

real, slack, client, bot, listening = common.real, common.slack, common.client, common.bot, common.listening  # fixtures
Json = dict[str, Any]


def home(*blocks: Json, **more: object) -> Json:
    return {"type": "home", "blocks": list(blocks) or [say("healthy"), button()], **more}


def test_what_is_published_is_shown_to_one_person_and_replaced_by_the_next(
    client: WebClient, slack: SlackServer
) -> None:
    assert slack.home("U001") is None
    first = client.views_publish(user_id="U001", view=home())["view"]
    second = client.views_publish(user_id="U001", view=home(say("critical")), hash=first["hash"])["view"]
    assert (second["id"], second["root_view_id"]) == (first["id"], first["id"])
    assert second["hash"] != first["hash"]
    assert [block["type"] for block in (slack.home("U001") or {})["blocks"]] == ["section"]
    assert slack.home("U002") is None


def test_a_hash_of_another_version_is_a_conflict_and_changes_nothing(client: WebClient, slack: SlackServer) -> None:
    first = client.views_publish(user_id="U001", view=home())["view"]
    client.views_publish(user_id="U001", view=home(say("newer")))
    assert refusal(client.views_publish, user_id="U001", view=home(), hash=first["hash"]) == "hash_conflict"
    assert "newer" in json.dumps(slack.home("U001"))


@pytest.mark.parametrize(
    ("view", "error"),
    [
        (home(*[say(str(n)) for n in range(101)]), "no more than 100 items"),
        (home(table()), "unsupported type: table"),
        (home(line()), "unsupported type: data_visualization"),
        (home(say("x" * 3001)), "1 to 3000 characters"),
        (home(private_metadata="x" * 3001), "private_metadata"),
        (modal(), "a view of type home"),
        ({"type": "home", "blocks": [{"block_id": "a", **say("1")}, {"block_id": "a", **say("2")}]}, "unique"),
        ({"type": "home", "blocks": [say("x" * 2900) for _ in range(90)]}, "view_too_large"),
    ],
    ids=["101 blocks", "table", "chart", "long text", "metadata", "modal", "ids", "size"],
)
def test_what_slack_refuses_in_a_home_is_refused(client: WebClient, slack: SlackServer, view: Json, error: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.views_publish(user_id="U001", view=view)
    assert error in json.dumps(refused.value.response.data)
    assert slack.home("U001") is None


def test_a_home_of_a_hundred_blocks_is_taken(client: WebClient) -> None:
    assert client.views_publish(user_id="U001", view=home(*[say(str(n)) for n in range(100)]))["ok"]


def test_nobody_is_published_who_is_not_there(client: WebClient) -> None:
    assert refusal(client.views_publish, user_id="U404", view=home()) == "user_not_found"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("hash_conflict"), ConflictError),
        (Fault("not_enabled"), AccessError),
        (Fault("user_not_found"), NotFoundError),
        (Fault("view_too_large"), PermanentError),
        (Fault("invalid_arguments"), PermanentError),
    ],
    ids=lambda one: one.error if isinstance(one, Fault) else "",
)
def test_what_is_refused_is_known_by_its_kind(
    client: WebClient, slack: SlackServer, fault: Fault, kind: type[Exception]
) -> None:
    slack.fail_next("views.publish", fault)
    with pytest.raises(PermanentError) as refused:
        call(client.views_publish, user_id="U001", view=home())
    assert type(refused.value) is kind
    assert call(client.views_publish, user_id="U001", view=home())["ok"]


def test_patience_comes_with_its_seconds(client: WebClient, slack: SlackServer) -> None:
    slack.fail_next("views.publish", Fault(retry_after=30))
    with pytest.raises(TemporaryError) as refused:
        call(client.views_publish, user_id="U001", view=home())
    assert refused.value.retry_after == 30


def test_the_app_is_told_of_each_opening_and_of_what_is_shown_there(
    listening: App, client: WebClient, slack: SlackServer
) -> None:
    bodies: list[Json] = []

    @listening.event("app_home_opened")
    def keep(ack: Any, body: Json) -> None:
        bodies.append(body)
        ack()

    slack.open_home("U001", "messages")
    until(lambda: len(bodies) == 1)
    slack.open_home("U001")
    until(lambda: len(bodies) == 2)
    shown = client.views_publish(user_id="U001", view=home())["view"]
    slack.open_home("U001")
    until(lambda: len(bodies) == 3)
    messages, first, second = (body["event"] for body in bodies)
    assert (messages["tab"], first["tab"], second["user"]) == ("messages", "home", "U001")
    assert "view" not in messages | first
    assert second["view"]["hash"] == shown["hash"]
    assert len({body["event_id"] for body in bodies}) == 3
    assert "trigger_id" not in bodies[0]
    if PAYLOADS.exists():
        oracle = json.loads((PAYLOADS / "AppHomeOpenedPayload.json").read_text())
        assert not [key for body in bodies for key in strangers(body | {"event": body["event"] | {"view": {}}}, oracle)]


def test_a_press_in_a_home_has_a_trigger_and_the_view_and_nothing_of_a_message(
    listening: App, client: WebClient, slack: SlackServer
) -> None:
    bodies: list[Json] = []

    @listening.action("rerun")
    def keep(ack: Any, body: Json) -> None:
        bodies.append(body)
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal())

    with pytest.raises(LookupError):
        slack.press("U001", "", "rerun")
    shown = client.views_publish(user_id="U001", view=home())["view"]
    slack.press("U001", "", "rerun", "A")
    [pressed] = bodies
    assert pressed["container"] == {"type": "view", "view_id": shown["id"]}
    assert (pressed["view"]["type"], pressed["view"]["hash"]) == ("home", shown["hash"])
    assert not {"channel", "message", "response_url"} & pressed.keys()
    until(lambda: slack.modal("U001"))
    assert slack.home("U001") == shown, "a dialog stands before the Home, which stays"
    if PAYLOADS.exists():
        oracle = json.loads((PAYLOADS / "BlockActionPayload.json").read_text())
        assert not list(strangers({**pressed, "view": {}}, oracle))
