"""The local Slack behaves as Slack is documented, seen through the real slack_sdk and Bolt."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bot.demo.slack import modals
from bot.demo.slack.server import DROP_AFTER, DROP_BEFORE, Control, Fault, Person, SlackServer
from bot.demo.slack.state import METHODS
from tests.waiting import until

ADA, BEN = Person("U001", "Ada", role="operator"), Person("U002", "Ben")
PAYLOADS = Path(__file__).parents[3] / "shared/oracles/slack/payloads"
Json = dict[str, Any]


class Time:
    """Seconds since the epoch, which go by when a test says so."""

    def __init__(self) -> None:
        self.began, self.ahead = time.time(), 0.0

    def __call__(self) -> float:
        return self.began + self.ahead


@pytest.fixture
def real() -> Time:
    return Time()


@pytest.fixture
def slack(real: Time) -> Iterator[SlackServer]:
    switched: list[bool] = [False]
    server = SlackServer(
        now=lambda: datetime(2026, 3, 2, tzinfo=UTC),
        bot_token="bot-token",
        app_token="app-token",
        people=[ADA, BEN],
        controls=[Control("broken", "Break it", lambda: switched[-1], switched.append)],
        groups={"S001": ["U001"]},
        real=real,
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    return WebClient("bot-token", base_url=f"{slack.url}/api/", retry_handlers=[])


@pytest.fixture
def bot(client: WebClient) -> App:
    return App(client=client, token="bot-token")


@pytest.fixture
def listening(bot: App, slack: SlackServer) -> Iterator[App]:
    thread = threading.Thread(target=serve, args=(bot, slack))
    thread.start()
    until(lambda: slack.connections == 1)
    yield bot
    slack.stop()
    thread.join()


def serve(bot: App, slack: SlackServer) -> None:
    """Bolt behind Socket Mode; what a listener says in its ack goes into the acknowledgment."""
    url = bot.client.apps_connections_open(app_token="app-token")["url"]
    with suppress(ConnectionClosed), connect(url) as line:
        for envelope in map(json.loads, line):
            if "envelope_id" in envelope:
                said = bot.dispatch(BoltRequest(mode="socket_mode", body=envelope["payload"])).body
                answer = json.loads(said) if said.startswith("{") else {"text": said} if said else {}
                line.send(json.dumps({"envelope_id": envelope["envelope_id"], "payload": answer}))


def refusal(call: Callable[..., object], **arguments: object) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)
    return str(refused.value.response.get("error"))


def say(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(action_id: str = "rerun", value: str = "A") -> Json:
    text = {"type": "plain_text", "text": "Rerun"}
    return {"type": "actions", "elements": [{"type": "button", "action_id": action_id, "value": value, "text": text}]}


def modal(title: str = "Snooze", **more: object) -> Json:
    element = {"type": "plain_text_input", "action_id": "why"}
    label = {"type": "plain_text", "text": "Reason"}
    view = {"type": "modal", "callback_id": "snooze", "title": {"type": "plain_text", "text": title}}
    blocks = [{"type": "input", "block_id": "reason", "label": label, "element": element}]
    return view | {"submit": {"type": "plain_text", "text": "Go"}, "blocks": blocks} | more


def test_only_the_right_token_opens_a_method(slack: SlackServer, client: WebClient) -> None:
    assert client.auth_test()["bot_id"]
    assert refusal(WebClient("other", base_url=f"{slack.url}/api/").auth_test) == "invalid_auth"
    assert refusal(WebClient(base_url=f"{slack.url}/api/").auth_test) == "not_authed"
    assert refusal(client.apps_connections_open, app_token="bot-token") == "invalid_auth"
    assert client.apps_connections_open(app_token="app-token")["url"].startswith("ws://127.0.0.1:")
    assert "token" not in json.dumps(slack.calls)


def test_a_ticket_opens_one_socket_only(client: WebClient) -> None:
    url = client.apps_connections_open(app_token="app-token")["url"]
    with connect(url) as first:
        assert json.loads(first.recv())["type"] == "hello"
        with pytest.raises(Exception, match="403"), connect(url):
            pass


def test_channels_are_known_by_id_and_name_and_methods_by_name(client: WebClient) -> None:
    posted = client.chat_postMessage(channel="#sync-health", text="hello")
    assert client.chat_postMessage(channel=posted["channel"], text="again")["ts"] > posted["ts"]
    assert refusal(client.chat_postMessage, channel="elsewhere", text="hello") == "channel_not_found"
    assert refusal(client.api_call, api_method="chat.sing") == "unknown_method"
    assert client.usergroups_users_list(usergroup="S001")["users"] == ["U001"]
    assert refusal(client.usergroups_users_list, usergroup="S002") == "no_such_subteam"


def test_metadata_comes_back_only_when_asked_for(client: WebClient) -> None:
    about = {"event_type": "alert", "event_payload": {"id": "a1"}}
    root = client.chat_postMessage(channel="sync-health", text="root", metadata=about)["ts"]
    client.chat_postMessage(channel="sync-health", text="reply", thread_ts=root, metadata=about)
    everything = client.conversations_history(channel="sync-health", include_all_metadata=True)["messages"]
    assert [m["metadata"] for m in everything] == [about]
    assert everything[0]["reply_count"] == 1
    assert "metadata" not in client.conversations_history(channel="sync-health")["messages"][0]
    thread = client.conversations_replies(channel="sync-health", ts=root, include_all_metadata=True)["messages"]
    assert [(m["text"], m["metadata"]) for m in thread] == [("root", about), ("reply", about)]
    assert refusal(client.conversations_replies, channel="sync-health", ts="1.0") == "thread_not_found"
    wrong = {"event_type": "alert"}
    assert (
        refusal(client.chat_postMessage, channel="sync-health", text="x", metadata=wrong) == "invalid_metadata_format"
    )


def test_history_is_newest_first_in_pages_and_between_times(client: WebClient) -> None:
    stamps = [client.chat_postMessage(channel="sync-health", text=str(n))["ts"] for n in range(5)]
    assert stamps == sorted(set(stamps), key=float)
    pages = [p["messages"] for p in client.conversations_history(channel="sync-health", limit=2)]
    assert [[m["text"] for m in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]

    def between(**more: object) -> list[str]:
        found = client.conversations_history(channel="sync-health", oldest=stamps[1], latest=stamps[3], **more)
        return [m["text"] for m in found["messages"]]

    assert between() == ["2"]
    assert between(inclusive=True) == ["3", "2", "1"]


def test_a_broadcast_reply_shows_in_the_channel_too(slack: SlackServer, client: WebClient) -> None:
    root = client.chat_postMessage(channel="sync-health", text="root")["ts"]
    client.chat_postMessage(channel="sync-health", text="quiet", thread_ts=root)
    client.chat_postMessage(channel="sync-health", text="loud", thread_ts=root, reply_broadcast=True)
    assert [m["text"] for m in slack.messages()] == ["root", "loud"]
    assert [m["text"] for m in slack.messages(root)] == ["root", "quiet", "loud"]


def test_an_update_keeps_metadata_and_drops_the_blocks_it_does_not_bring(client: WebClient, slack: SlackServer) -> None:
    about = {"event_type": "alert", "event_payload": {"id": "a1"}}
    blocks = [say("red")]
    ts = client.chat_postMessage(channel="sync-health", text="red", blocks=blocks, metadata=about)["ts"]
    client.chat_update(channel="sync-health", ts=ts, text="green")
    assert [m["text"] for m in slack.messages()] == ["green"]
    assert slack.messages()[0]["metadata"] == about
    assert "edited" in slack.messages()[0]
    assert "blocks" not in slack.messages()[0]
    assert refusal(client.chat_update, channel="sync-health", ts="1.0", text="x") == "message_not_found"


def test_a_deleted_root_leaves_a_tombstone_that_cannot_be_updated(client: WebClient, slack: SlackServer) -> None:
    root = client.chat_postMessage(channel="sync-health", text="root")["ts"]
    reply = client.chat_postMessage(channel="sync-health", text="reply", thread_ts=root)["ts"]
    assert slack.url in client.chat_getPermalink(channel="sync-health", message_ts=root)["permalink"]
    client.chat_delete(channel="sync-health", ts=root)
    assert refusal(client.chat_update, channel="sync-health", ts=root, text="x") == "cant_update_message"
    client.chat_delete(channel="sync-health", ts=reply)
    assert [m.get("subtype") for m in slack.messages()] == ["tombstone"]


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([say("")], "1 to 3000"),
        ([say("x" * 3001)], "1 to 3000"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text/type]"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "150"),
        ([{"type": "actions", "elements": button()["elements"] * 2}], "unique"),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
            "75",
        ),
        ([{"type": "poem"}], "poem"),
    ],
)
def test_blocks_that_slack_refuses_are_refused(client: WebClient, blocks: list[Json], why: str) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="sync-health", text="x", blocks=blocks)
    assert refused.value.response["error"] == "invalid_blocks"
    assert why in refused.value.response["response_metadata"]["messages"][0]


def test_a_message_needs_words_but_not_too_many(client: WebClient) -> None:
    assert refusal(client.api_call, api_method="chat.postMessage", json={"channel": "sync-health"}) == "no_text"
    assert refusal(client.chat_postMessage, channel="sync-health", text="x" * 40_001) == "msg_too_long"
    much = [say("x" * 2900) for _ in range(5)]
    assert refusal(client.chat_postMessage, channel="sync-health", text="x", blocks=much) == "msg_blocks_too_long"


def test_a_dropped_line_tells_nothing_about_whether_it_was_stored(client: WebClient, slack: SlackServer) -> None:
    slack.fail_next("chat.postMessage", DROP_AFTER)
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        client.chat_postMessage(channel="sync-health", text="stored")
    slack.fail_next("chat.postMessage", DROP_BEFORE)
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        client.chat_postMessage(channel="sync-health", text="lost")
    assert [m["text"] for m in slack.messages()] == ["stored"]


def test_faults_come_once_or_until_they_are_healed(client: WebClient, slack: SlackServer) -> None:
    slack.fail_next("chat.postMessage", Fault(status=429, retry_after=7))
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel="sync-health", text="x")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")
    slack.fail_next("chat.postMessage", Fault("internal_error"))
    assert refusal(client.chat_postMessage, channel="sync-health", text="x") == "internal_error"
    slack.fail_next("*", Fault(status=500), times=None)
    for _ in range(2):
        with pytest.raises(SlackApiError) as broken:
            client.chat_postMessage(channel="sync-health", text="x")
        assert broken.value.response.status_code == 500
    slack.heal()
    client.chat_postMessage(channel="sync-health", text="through")
    assert [m["text"] for m in slack.messages()] == ["through"]
    assert len(slack.calls) == 5


def test_ephemerals_are_for_one_person_and_not_in_the_history(client: WebClient, slack: SlackServer) -> None:
    ts = client.chat_postEphemeral(channel="sync-health", user="U001", text="psst")["message_ts"]
    assert [m["ts"] for m in slack.ephemerals("U001")] == [ts]
    assert not slack.ephemerals("U002")
    assert not client.conversations_history(channel="sync-health")["messages"]
    assert refusal(client.chat_update, channel="sync-health", ts=ts, text="x") == "message_not_found"
    assert refusal(client.chat_postEphemeral, channel="sync-health", user="U9", text="x") == "user_not_in_channel"


def test_a_command_is_acknowledged_and_its_replace_original_posts_anew(listening: App, slack: SlackServer) -> None:
    said: list[Json] = []

    @listening.command("/sync-health")
    def answer(ack: Any, respond: Any, body: Json) -> None:
        said.append(body)
        ack("looking …")
        respond("first")
        respond("second", replace_original=True)
        respond("to all", response_type="in_channel")

    slack.command("U001", "queue A")
    until(lambda: slack.messages())
    assert {m["text"] for m in slack.ephemerals("U001")} == {"looking …", "first", "second"}
    assert [m["text"] for m in slack.messages()] == ["to all"]
    assert (said[0]["user_id"], said[0]["text"]) == ("U001", "queue A")


def test_a_press_on_a_message_may_replace_or_delete_it(listening: App, client: WebClient, slack: SlackServer) -> None:
    pressed: list[Json] = []

    @listening.action("rerun")
    def rerun(ack: Any, respond: Any, body: Json) -> None:
        ack()
        pressed.append(body)
        respond("running", replace_original=True)

    @listening.action("forget")
    def forget(ack: Any, respond: Any) -> None:
        ack()
        respond(delete_original=True)

    root = client.chat_postMessage(channel="sync-health", text="root")["ts"]
    blocks = [button(), button("forget")]
    ts = client.chat_postMessage(channel="sync-health", text="red", blocks=blocks, thread_ts=root)["ts"]
    slack.press("U002", ts, "rerun")
    until(lambda: [m["text"] for m in slack.messages(root)] == ["root", "running"])
    assert pressed[0]["message"]["ts"] == pressed[0]["container"]["message_ts"] == ts
    assert pressed[0]["container"] | {"is_ephemeral": False, "thread_ts": root} == pressed[0]["container"]
    assert pressed[0]["actions"][0]["value"] == "A"
    client.chat_update(channel="sync-health", ts=ts, text="red", blocks=blocks)
    slack.press("U002", ts, "forget")
    until(lambda: len(slack.messages(root)) == 1)
    with pytest.raises(LookupError):
        slack.press("U002", ts, "rerun")


def test_a_press_on_an_ephemeral_replaces_that_one(listening: App, client: WebClient, slack: SlackServer) -> None:
    pressed: list[Json] = []

    @listening.action("rerun")
    def rerun(ack: Any, respond: Any, body: Json) -> None:
        ack()
        pressed.append(body)
        respond("running", replace_original=True)

    client.chat_postEphemeral(channel="sync-health", user="U001", text="state", blocks=[button()])
    ts = slack.ephemerals("U001")[0]["ts"]
    with pytest.raises(LookupError):
        slack.press("U002", ts, "rerun")
    slack.press("U001", ts, "rerun")
    until(lambda: [(m["ts"], m["text"]) for m in slack.ephemerals("U001")] == [(ts, "running")])
    assert pressed[0]["container"]["is_ephemeral"] is True
    assert "message" not in pressed[0]


def test_an_overflow_sends_the_option_that_was_chosen(listening: App, client: WebClient, slack: SlackServer) -> None:
    chosen: list[str] = []

    @listening.action("more")
    def more(ack: Any, action: Json) -> None:
        ack()
        chosen.append(action["selected_option"]["value"])

    options = [{"text": {"type": "plain_text", "text": v}, "value": v} for v in ("trend", "trace")]
    accessory = {"type": "overflow", "action_id": "more", "options": options}
    ts = client.chat_postMessage(channel="sync-health", text="x", blocks=[{**say("x"), "accessory": accessory}])["ts"]
    slack.press("U001", ts, "more", "trace")
    assert until(lambda: chosen) == ["trace"]


@pytest.mark.full
def test_nobody_listening_and_nobody_answering_are_told_to_the_person(
    client: WebClient, slack: SlackServer, request: pytest.FixtureRequest
) -> None:
    slack.command("U001", "")
    assert "dispatch_failed" in slack.ephemerals("U001")[0]["text"]
    listening, over = request.getfixturevalue("listening"), threading.Event()

    @listening.command("/sync-health")
    def too_late(ack: Any) -> None:
        assert over.wait(60)
        ack()

    slack._apps._ack_seconds = 0.1
    slack.command("U001", "")
    over.set()
    assert "operation_timeout" in slack.ephemerals("U001")[1]["text"]
    assert not slack.ephemerals("U002")


def test_a_response_url_works_five_times_and_for_half_an_hour(listening: App, slack: SlackServer, real: Time) -> None:
    urls: list[str] = []

    @listening.command("/sync-health")
    def answer(ack: Any, body: Json) -> None:
        ack()
        urls.append(body["response_url"])

    slack.command("U001", "")
    slack.command("U001", "")
    until(lambda: len(urls) == 2)
    answers = [WebhookClient(urls[0]).send(text=str(n)) for n in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    real.ahead = 1801
    assert "expired_url" in WebhookClient(urls[1]).send(text="late").body


def test_a_trigger_opens_one_view_within_three_seconds(
    listening: App, client: WebClient, slack: SlackServer, real: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    triggers: list[str] = []
    monkeypatch.setattr(modals, "TRIGGER_SECONDS", 3.0)  # as shipped; the time of this Slack stands still

    @listening.command("/sync-health")
    def answer(ack: Any, body: Json) -> None:
        ack()
        triggers.append(body["trigger_id"])

    slack.command("U001", "")
    slack.command("U001", "")
    until(lambda: len(triggers) == 2)
    client.views_open(trigger_id=triggers[0], view=modal())
    assert refusal(client.views_open, trigger_id=triggers[0], view=modal()) == "exchanged_trigger_id"
    assert refusal(client.views_open, trigger_id="nonsense", view=modal()) == "invalid_trigger_id"
    real.ahead = 3.1
    assert refusal(client.views_open, trigger_id=triggers[1], view=modal()) == "expired_trigger_id"


def test_a_modal_is_opened_updated_refused_and_submitted(listening: App, client: WebClient, slack: SlackServer) -> None:
    answers: list[Json] = [{"response_action": "errors", "errors": {"reason": "say why"}}, {}]
    submitted: list[Json] = []

    @listening.command("/sync-health")
    def open_modal(ack: Any, body: Json) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal("Loading", external_id="one"))

    @listening.view("snooze")
    def submit(ack: Any, body: Json) -> None:
        submitted.append(body)
        ack(**answers.pop(0))

    slack.command("U001", "")
    until(lambda: slack.modal("U001"))
    before = slack.modal("U001") or {}
    assert slack.modal("U002") is None
    stale = {"view_id": before["id"], "hash": "stale", "view": modal()}
    assert refusal(client.views_update, **stale) == "hash_conflict"
    client.views_update(view_id=before["id"], hash=before["hash"], view=modal("Snooze", private_metadata="7"))
    slack.submit("U001", {"reason": "because"})
    assert (slack.modal("U001") or {})["errors"] == {"reason": "say why"}
    slack.submit("U001", {"why": "known"})
    assert slack.modal("U001") is None
    assert submitted[1]["view"]["state"]["values"]["reason"]["why"]["value"] == "known"
    assert submitted[1]["view"]["private_metadata"] == "7"
    assert refusal(client.views_update, view_id=before["id"], view=modal()) == "not_found"


def test_a_press_in_a_modal_says_which_and_a_field_that_is_not_filled_in_is_not_sent(
    listening: App, client: WebClient, slack: SlackServer
) -> None:
    bodies: list[Json] = []
    options = [{"text": {"type": "plain_text", "text": span}, "value": span} for span in ("1h", "4h")]
    element = {"type": "radio_buttons", "action_id": "span", "options": options}
    fields = [
        {"type": "input", "block_id": "span", "label": options[0]["text"], "element": element},
        modal()["blocks"][0] | {"element": {"type": "plain_text_input", "action_id": "why", "max_length": 5}},
        {**say("x"), "accessory": button("rerun", "7")["elements"][0]},
    ]

    @listening.command("/sync-health")
    def open_modal(ack: Any, body: Json) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(blocks=fields, private_metadata="7"))

    @listening.action("rerun")
    @listening.view("snooze")
    def keep(ack: Any, body: Json) -> None:
        ack()
        bodies.append(body)

    with pytest.raises(LookupError):
        slack.press("U001", "", "rerun")
    slack.command("U001", "")
    view = until(lambda: slack.modal("U001"))
    slack.press("U001", "", "rerun", "7")
    with pytest.raises(LookupError):
        slack.press("U001", "", "rerun", "8")
    [pressed] = until(lambda: bodies)
    assert pressed["container"] == {"type": "view", "view_id": view["id"]}
    assert not {"channel", "message", "response_url"} & pressed.keys()
    assert (pressed["view"]["private_metadata"], pressed["actions"][0]["value"]) == ("7", "7")
    for values in ({"span": "1h"}, {"reason": "why"}, {"span": "1h", "reason": "too long"}):
        with pytest.raises(ValueError, match="Slack sends nothing"):
            slack.submit("U001", values)
        assert (slack.modal("U001") or {})["errors"]
    slack.submit("U001", {"span": "4h", "reason": "why"})
    until(lambda: len(bodies) == 2)
    assert bodies[1]["view"]["state"]["values"]["span"]["span"]["selected_option"] == options[1]
    if PAYLOADS.exists():
        oracle = json.loads((PAYLOADS / "BlockActionPayload.json").read_text())
        assert not list(strangers({**pressed, "view": {}}, oracle))


@pytest.mark.skipif(not PAYLOADS.exists(), reason="the recorded payloads are not here")
def test_no_payload_has_a_key_that_slack_does_not_send(listening: App, client: WebClient, slack: SlackServer) -> None:
    bodies: dict[str, Json] = {}
    kinds = {"block_actions": "BlockAction", "view_submission": "ViewSubmission"}

    @listening.middleware
    def keep(body: Json, next_: Callable[[], None]) -> None:
        bodies[kinds.get(body.get("type"), "SlashCommand")] = body
        next_()

    @listening.command("/sync-health")
    def open_modal(ack: Any, body: Json) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal())
        ack()

    listening.action("rerun")(lambda ack: ack())
    listening.view("snooze")(lambda ack: ack())
    slack.command("U001", "")
    slack.submit("U001", {"reason": "x"})
    ts = client.chat_postMessage(channel="sync-health", text="x", blocks=[button()])["ts"]
    client.chat_postMessage(channel="sync-health", text="x", thread_ts=ts)
    slack.press("U001", ts, "rerun")
    assert len(bodies) == 3
    for name, body in bodies.items():
        oracle = json.loads((PAYLOADS / f"{name}Payload.json").read_text())
        if "actions" in body:
            assert set(body["actions"][0]) <= set(oracle["actions"][0])
        assert not list(strangers(body, oracle)), name


def strangers(ours: Json, theirs: Json) -> Iterator[str]:
    for key, value in ours.items():
        if key not in theirs:
            yield key
        elif isinstance(value, dict) and theirs[key]:
            yield from strangers(value, theirs[key])


def test_the_page_acts_but_no_other_site_does(slack: SlackServer) -> None:
    def post(origin: str | None, host: str | None = None) -> int:
        headers = {k: v for k, v in {"Origin": origin, "Host": host}.items() if v}
        body = {"name": "broken", "on": True}
        return requests.post(f"{slack.url}/demo/control", json=body, headers=headers, timeout=60).status_code

    port = urlsplit(slack.url).port
    assert post("https://elsewhere.example") == 403
    assert post(None) == 403
    assert post(f"http://rebound.example:{port}", f"rebound.example:{port}") == 403
    assert requests.get(slack.url, headers={"Host": "rebound.example"}, timeout=60).status_code == 403
    assert post(slack.url) == 200
    page = requests.get(slack.url, timeout=60)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.full
def test_the_page_is_sent_what_its_person_may_see(slack: SlackServer, client: WebClient) -> None:
    address = slack.url.replace("http", "ws") + "/demo/live?user="
    client.chat_postEphemeral(channel="sync-health", user="U001", text="psst")
    with connect(address + "U002", origin=slack.url) as page:  # type: ignore[arg-type]
        assert not json.loads(page.recv(60))["ephemerals"]
        client.chat_postMessage(channel="sync-health", text="hello")
        assert [m["text"] for m in json.loads(page.recv(60))["messages"]] == ["hello"]
    with pytest.raises(Exception, match="403"), connect(address + "U001", origin="https://elsewhere.example"):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        ("application/json", b"{bad", "invalid_json"),
        ("application/json", b"[1]", "json_not_object"),
        ("application/json", b'{"channel": "sync-health", "text": "half \\ud800"}', "invalid_json"),
        ("application/json", b'{"channel": "sync-health", "limit": 1e999}', "invalid_json"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=", "invalid_form_data"),
    ],
)
def test_a_body_that_slack_cannot_read_is_refused_in_its_words(
    slack: SlackServer, kind: str, body: bytes, error: str
) -> None:
    headers = {"Authorization": "Bearer bot-token", "Content-Type": kind}
    answer = requests.post(f"{slack.url}/api/chat.postMessage", data=body, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (200, error)
    assert slack.calls == []


ODD: list[object] = [
    None,
    -1,
    1.5,
    True,
    "x",
    "9" * 5000,
    [],
    [1],
    {},
    [{"type": []}],
    [{"type": "section", "text": 5}],
]


@pytest.mark.parametrize("method", [method for method in METHODS if method != "auth.test"])
def test_arguments_of_another_kind_are_refused_and_break_nothing(client: WebClient, method: str) -> None:
    root = client.chat_postMessage(channel="sync-health", text="root")["ts"]
    good = {"channel": "sync-health", "text": "x", "ts": root, "message_ts": root, "user": "U001", "post_at": 2**31}
    for name in (
        *good,
        "blocks",
        "attachments",
        "metadata",
        "view",
        "view_id",
        "limit",
        "cursor",
        "oldest",
        "usergroup",
        "thread_ts",
    ):
        for odd in ODD:
            try:
                client.api_call(method, json={**good, name: odd})
            except SlackApiError as refused:
                assert refused.response.status_code == 200, (name, odd)
    assert client.conversations_history(channel="sync-health")["ok"]


def test_what_is_posted_to_a_response_url_must_be_a_payload(slack: SlackServer) -> None:
    slack.command("U001", "")
    [known] = slack._workspace.response_urls
    for body in (b"bad", b"\xff", b"[" * 100_000, b'{"text": "x", "blocks": [{"type": []}]}'):
        answer = requests.post(f"{slack.url}/response/{known}", data=body, timeout=60)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_payload")
    assert requests.post(f"{slack.url}/response/{known}", data=b"[]", timeout=60).json()["error"] == "json_not_object"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("command", b"[]"),
        ("command", b"{bad"),
        ("command", b"\xff"),
        ("command", b"[" * 100_000),
        ("command", b"{}"),
        ("command", b'{"user": "U001", "text": "", "more": 1}'),
        ("command", b'{"user": ["U001"], "text": ""}'),
        ("command", b'{"user": "U001", "text": {}}'),
        ("command", b'{"user": "U001", "text": "\\ud800"}'),
        ("press", b'{"user": "U001", "ts": [], "action_id": "x"}'),
        ("submit", b'{"user": "U001", "values": 5}'),
        ("dismiss", b'{"user": "U001", "ts": {}}'),
        ("close", b'{"user": {}}'),
        ("control", b'{"name": [], "on": true}'),
        ("control", b'{"name": "broken", "on": "perhaps"}'),
        ("sing", b"{}"),
    ],
)
def test_what_the_page_would_never_post_is_a_bad_request(slack: SlackServer, what: str, body: bytes) -> None:
    answer = requests.post(f"{slack.url}/demo/{what}", data=body, headers={"Origin": slack.url}, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("said", ["{bad", "[1]", b"\x00"], ids=["no JSON", "no object", "no text"])
def test_an_app_that_talks_nonsense_is_hung_up_on(slack: SlackServer, client: WebClient, said: str | bytes) -> None:
    with connect(client.apps_connections_open(app_token="app-token")["url"]) as line:
        line.recv(60)
        line.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(60)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1007
    until(lambda: slack.connections == 0)


def test_an_acknowledgment_of_another_kind_says_nothing(slack: SlackServer, client: WebClient) -> None:
    with connect(client.apps_connections_open(app_token="app-token")["url"]) as line:
        line.recv(60)
        asking = threading.Thread(target=slack.command, args=("U001", ""))
        asking.start()
        envelope = json.loads(line.recv(60))["envelope_id"]
        line.send(json.dumps({"envelope_id": [envelope]}))
        line.send(json.dumps({"envelope_id": envelope, "payload": ["text"]}))
        asking.join(60)
        assert slack.connections == 1
    assert slack.ephemerals("U001") == []


def test_stopping_is_quick_even_with_people_on_the_line(slack: SlackServer, client: WebClient) -> None:
    with connect(client.apps_connections_open(app_token="app-token")["url"]):
        slack.stop()
        until(lambda: not slack._thread.is_alive())
