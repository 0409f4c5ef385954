"""Which blocks and attachments the local Slack takes, keeps and refuses, and what it sends when one is pressed."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.demo.slack.server import SlackServer
from tests import oracles
from tests.contract import test_slack_server as common
from tests.contract.test_slack_server import PAYLOADS, button, modal, refusal, say, strangers

real, slack, client, bot, listening = common.real, common.slack, common.client, common.bot, common.listening  # fixtures
Json = dict[str, Any]
OPTIONS = [{"text": {"type": "plain_text", "text": v}, "value": v} for v in ("Snooze", "Resolve")]


def bar(*blocks: Json, color: str = "#E01E5A", **more: object) -> Json:
    return {"color": color, "blocks": list(blocks) or [say("Cause"), button()], **more}


def cells(*texts: str) -> list[Json]:
    return [{"type": "raw_text", "text": text} for text in texts]


def table(rows: int = 2, columns: int = 2, **more: object) -> Json:
    return {"type": "table", "rows": [cells(*("x" * columns)) for _ in range(rows)], **more}


def points(*values: object) -> list[Json]:
    return [{"label": str(n), "value": value} for n, value in enumerate(values)]


def line(*series: Json, title: str = "Missing names", **more: object) -> Json:
    given = list(series) or [{"name": "Value", "data": points(1, -2.5)}]
    axis = {"categories": [point["label"] for point in given[0]["data"]], **more}
    return {
        "type": "data_visualization",
        "title": title,
        "chart": {"type": "line", "series": given, "axis_config": axis},
    }


def pie(*values: object) -> Json:
    return {"type": "data_visualization", "title": "Why", "chart": {"type": "pie", "segments": points(*values)}}


def rich(*parts: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def overflow(*options: Json, **more: object) -> Json:
    return {"type": "overflow", "action_id": "more", "options": list(options) or OPTIONS, **more}


def test_what_an_attachment_holds_is_kept_and_comes_back(client: WebClient, slack: SlackServer) -> None:
    sent = bar(fallback="Cause")
    answer = client.chat_postMessage(channel="sync-health", text="red", attachments=[sent])
    kept = answer["message"]["attachments"][0]
    assert [block["type"] for block in kept["blocks"]] == ["section", "actions"]
    assert all(block["block_id"] for block in kept["blocks"])
    assert {key: kept[key] for key in ("id", "color", "fallback")} == {"id": 1, "color": "#E01E5A", "fallback": "Cause"}
    assert client.conversations_history(channel="sync-health")["messages"][0]["attachments"] == [kept]
    assert client.conversations_replies(channel="sync-health", ts=answer["ts"])["messages"][0]["attachments"] == [kept]
    form = {"channel": "sync-health", "attachments": json.dumps([bar()])}
    unnamed = client.api_call("chat.postMessage", data=form)["message"]
    assert (unnamed["text"], unnamed["attachments"][0]["fallback"]) == ("", "[no preview available]")
    client.chat_postEphemeral(channel="sync-health", user="U001", text="psst", attachments=[bar(color="danger")])
    assert slack.ephemerals("U001")[0]["attachments"][0]["color"] == "danger"


@pytest.mark.parametrize(
    ("update", "left"),
    [
        ({"text": "new"}, {"text": "new", "attachments": ["red"]}),
        ({"text": "new", "attachments": []}, {"text": "new"}),
        ({"text": "new", "blocks": [say("new")]}, {"text": "new", "blocks": ["section"], "attachments": ["red"]}),
        ({"attachments": [bar(fallback="b")]}, {"text": "red", "blocks": ["section"], "attachments": ["b"]}),
        ({"text": "new", "attachments": [bar(fallback="b")]}, {"text": "new", "attachments": ["b"]}),
        ({"text": "new", "blocks": [], "attachments": []}, {"text": "new"}),
    ],
    ids=lambda one: "+".join(one) + (" empty" if [] in one.values() else ""),
)
def test_an_update_keeps_attachments_until_others_or_none_are_sent(
    client: WebClient, slack: SlackServer, update: Json, left: Json
) -> None:
    first = {"text": "red", "blocks": [say("red")], "attachments": [bar(fallback="red")]}
    ts = client.chat_postMessage(channel="sync-health", **first)["ts"]
    client.chat_update(channel="sync-health", ts=ts, **update)
    [now] = slack.messages()
    shown = {"text": now["text"], "blocks": [b["type"] for b in now.get("blocks", [])]}
    shown["attachments"] = [a["fallback"] for a in now.get("attachments", [])]
    assert {key: value for key, value in shown.items() if value} == left


def test_a_replaced_original_has_the_attachments_that_its_replacement_brings(
    client: WebClient, slack: SlackServer
) -> None:
    client.chat_postEphemeral(channel="sync-health", user="U001", text="psst", attachments=[bar()])
    client.chat_postMessage(channel="sync-health", text="red", attachments=[bar()])
    for shown in (slack.messages, lambda: slack.ephemerals("U001")):
        replace = WebhookClient(slack._workspace.action("U001", shown()[0]["ts"], "rerun", None)["response_url"])
        for said, left in (({"attachments": [bar(fallback="new")]}, ["new"]), ({"text": "as text"}, [])):
            assert replace.send_dict({**said, "replace_original": True}).status_code == 200
            assert [a["fallback"] for a in shown()[0].get("attachments", [])] == left
        refused_in = replace.send_dict({"attachments": [bar(color="red")], "replace_original": True})
        assert (refused_in.status_code, "invalid_attachments" in refused_in.body) == (400, True)


def test_a_scheduled_message_is_posted_with_its_attachments(
    client: WebClient, slack: SlackServer, real: common.Time
) -> None:
    at = int(real()) + 60
    client.chat_scheduleMessage(channel="sync-health", post_at=at, text="late", attachments=[bar(fallback="late")])
    real.ahead = 61
    assert slack.messages()[-1]["attachments"][0]["fallback"] == "late"


def test_a_press_inside_an_attachment_says_where_it_was(listening: App, client: WebClient, slack: SlackServer) -> None:
    bodies: list[Json] = []

    @listening.action("rerun")
    @listening.action("more")
    def keep(ack: Any, body: Json) -> None:
        ack()
        bodies.append(body)

    blocks = [say("first"), {**say("Cause"), "accessory": overflow()}, button()]
    root = client.chat_postMessage(channel="sync-health", text="root")["ts"]
    parts = [bar(say("other")), bar(*blocks)]
    ts = client.chat_postMessage(channel="sync-health", text="red", attachments=parts, thread_ts=root)["ts"]
    slack.press("U001", ts, "rerun")
    slack.press("U001", ts, "more", "Resolve")
    where = {"message_ts": ts, "channel_id": "C0001", "is_ephemeral": False, "thread_ts": root}
    for body in bodies:
        assert body["container"] == {"type": "message_attachment", "attachment_id": 2, "is_app_unfurl": False, **where}
        assert body["actions"][0]["block_id"] in [b["block_id"] for b in body["message"]["attachments"][1]["blocks"]]
    assert bodies[1]["actions"][0]["selected_option"] == OPTIONS[1]
    with pytest.raises(LookupError):
        slack.press("U001", ts, "more", "Explode")
    if PAYLOADS.exists():
        oracle = json.loads((PAYLOADS / "BlockActionPayload.json").read_text())
        oracle["message"] = {**oracle["message"], "attachments": []}
        assert not [key for body in bodies for key in strangers(body, oracle)]


def radio(*values: str, **more: object) -> Json:
    options = [{"text": {"type": "plain_text", "text": "One"}, "value": value} for value in values or ("1h", "4h")]
    return {"type": "actions", "elements": [{"type": "radio_buttons", "action_id": "r", "options": options, **more}]}


GOOD: dict[str, Json] = {
    "radio buttons": radio(),
    "ten radio buttons, one chosen": radio(
        *map(str, range(10)), initial_option={"text": {"type": "plain_text", "text": "One"}, "value": "3"}
    ),
    "a chart": line(),
    "a chart with two series and names of axes": line(
        {"name": "Value", "data": points(1, 0)}, {"name": "Threshold", "data": points(50, 50)}, x_label="x", y_label="y"
    ),
    "a pie": pie(1, 0.5),
    "the largest table": table(100, 20),
    "a table with settings": table(column_settings=[{"align": "right", "is_wrapped": True}, {}]),
    "a table of numbers": table() | {"rows": [cells("n"), [{"type": "raw_number", "value": 7.5, "text": "7.5"}]]},
    "a table of rich text": table() | {"rows": [[rich({"type": "text", "text": "x", "style": {"bold": True}})]]},
    "rich text": rich({"type": "link", "url": "https://example.com"}, {"type": "emoji", "name": "eyes"}),
    "fields": {"type": "section", "fields": [say("*State* on")["text"]] * 10},
    "a menu with a link": {**say("x"), "accessory": overflow({**OPTIONS[0], "url": "https://example.com"})},
    "a button that is a link": {
        "type": "actions",
        "elements": [button()["elements"][0] | {"url": "https://example.com"}],
    },
}
BAD: dict[str, tuple[Json, str]] = {
    "11 radio buttons": (radio(*map(str, range(11))), "/blocks/0/elements/0/options]"),
    "a radio button with a long value": (radio("x" * 151), "/blocks/0/elements/0/options/0/value]"),
    "radio buttons with a placeholder": (radio(placeholder=say("x")["text"]), "placeholder"),
    "a row too many": (table(101), "/blocks/0/rows]"),
    "a column too many": (table(2, 21), "/blocks/0/rows/0]"),
    "no rows": (table(0), "/blocks/0/rows]"),
    "an empty cell": (table() | {"rows": [cells("x"), cells("")]}, "/blocks/0/rows/1/0/text]"),
    "a number without a value": (
        table() | {"rows": [[{"type": "raw_number", "text": "7"}]]},
        "missing required field: value [json-pointer:/blocks/0/rows/0/0]",
    ),
    "mrkdwn in a cell": (table() | {"rows": [[say("x")["text"]]]}, "/blocks/0/rows/0/0/type]"),
    "rich text with mrkdwn": (
        table() | {"rows": [[rich(say("x")["text"])]]},
        "/blocks/0/rows/0/0/elements/0/elements/0/type]",
    ),
    "an alignment of its own": (table(column_settings=[{"align": "justify"}]), "/blocks/0/column_settings/0/align]"),
    "too much in the cells": (table() | {"rows": [cells("x" * 5000)] * 2 + [cells("x")]}, "10000 characters"),
    "a long title": (line(title="x" * 51), "/blocks/0/title]"),
    "no title": (line(title=""), "/blocks/0/title]"),
    "an unknown chart": ({**line(), "chart": {"type": "radar"}}, "/blocks/0/chart/type]"),
    "a gap": (line({"name": "Value", "data": points(1, None)}), "/blocks/0/chart/series/0/data/1/value]"),
    "a text for a number": (line({"name": "Value", "data": points("1")}), "/blocks/0/chart/series/0/data/0/value]"),
    "a point too few": (
        line({"name": "a", "data": points(1, 2)}, {"name": "b", "data": points(1)}),
        "/blocks/0/chart/series/1/data]",
    ),
    "two series of one name": (line(*[{"name": "a", "data": points(1)}] * 2), "/blocks/0/chart/series]"),
    "a long name": (line({"name": "x" * 21, "data": points(1)}), "/blocks/0/chart/series/0/name]"),
    "21 points": (line({"name": "a", "data": points(*range(21))}), "/blocks/0/chart/series/0/data]"),
    "13 series": (line(*[{"name": str(n), "data": points(1)} for n in range(13)]), "/blocks/0/chart/series]"),
    "a pie of nothing": (pie(1, 0), "/blocks/0/chart/segments/1/value]"),
    "13 segments": (pie(*range(1, 14)), "/blocks/0/chart/segments]"),
    "six options": ({**say("x"), "accessory": overflow(*OPTIONS * 3)}, "/blocks/0/accessory/options]"),
    "mrkdwn in an option": (
        {**say("x"), "accessory": overflow({**OPTIONS[0], "text": say("x")["text"]})},
        "/blocks/0/accessory/options/0/text/type]",
    ),
    "11 fields": ({"type": "section", "fields": [say("x")["text"]] * 11}, "/blocks/0/fields]"),
    "a long field": ({"type": "section", "fields": [say("x" * 2001)["text"]]}, "/blocks/0/fields/0/text]"),
    "a section of nothing": ({"type": "section"}, "text or fields [json-pointer:/blocks/0]"),
    "a button in a context": ({**button(), "type": "context"}, "/blocks/0/elements/0/type]"),
    "an odd key": (table(page_size=5), "invalid additional property: page_size [json-pointer:/blocks/0]"),
    "an odd key in an element": (
        {**say("x"), "accessory": overflow(style="danger")},
        "style [json-pointer:/blocks/0/accessory]",
    ),
    "an odd key in a chart": (line(z_label="z"), "z_label [json-pointer:/blocks/0/chart/axis_config]"),
    "a long address": (
        {"type": "actions", "elements": [button()["elements"][0] | {"url": "https://" + "x" * 3000}]},
        "/blocks/0/elements/0/url]",
    ),
}


@pytest.mark.parametrize("block", GOOD.values(), ids=GOOD)
def test_blocks_that_slack_takes_are_taken(client: WebClient, block: Json) -> None:
    client.chat_postMessage(channel="sync-health", text="x", blocks=[block])
    client.chat_postMessage(channel="sync-health", text="x", attachments=[bar(block)])
    if oracles.there():
        assert not list(oracles.script("slack/check_blocks.py").faults([block]))


@pytest.mark.parametrize(("block", "why"), BAD.values(), ids=BAD)
def test_blocks_beyond_the_limits_are_refused_with_their_place(client: WebClient, block: Json, why: str) -> None:
    answer = refused(client.chat_postMessage, blocks=[block])
    assert answer["error"] == "invalid_blocks"
    assert why in answer["errors"][0]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {answer['errors'][0]}"]
    if why.endswith("]"):
        answer = refused(client.chat_postMessage, attachments=[bar(say("x")), bar(say("x"), block)])
        assert answer["error"] == "invalid_attachments"
        assert why.replace("/blocks/0", "/attachments/1/blocks/1") in answer["errors"][0]


def refused(call: Callable[..., object], **arguments: object) -> Json:
    with pytest.raises(SlackApiError) as error:
        call(channel="sync-health", text="x", **arguments)
    data = error.value.response.data
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    ("attachments", "why"),
    [
        ([bar(title="legacy")], "invalid additional property: title [json-pointer:/attachments/0]"),
        ([bar(color="red")], "#RRGGBB"),
        ([bar(color="#12345G")], "#RRGGBB"),
        ([bar(*[say("x")] * 6)], "no more than 5 items allowed [json-pointer:/attachments/0/blocks]"),
        ([{"color": "good", "blocks": []}], "blocks"),
        ({"color": "good"}, "must be an array"),
        ([bar(table()), bar(table())], "only_one_table_allowed"),
    ],
    ids=["legacy keys", "a word", "no hex", "six blocks", "none", "no list", "two tables"],
)
def test_attachments_that_slack_refuses_are_refused(client: WebClient, attachments: object, why: str) -> None:
    answer = refused(client.chat_postMessage, attachments=attachments)
    assert answer["error"] == "invalid_attachments"
    assert why in answer["errors"][0]


def test_a_message_holds_one_table_and_two_charts_wherever_they_are(client: WebClient) -> None:
    assert refused(client.chat_postMessage, blocks=[table()], attachments=[bar(table())])["errors"] == [
        "only_one_table_allowed"
    ]
    client.chat_postMessage(channel="sync-health", text="x", blocks=[line(), table(), pie(1)])
    three = refused(client.chat_postMessage, blocks=[line(), pie(1)], attachments=[bar(line())])
    assert three["errors"] == ["too many data_visualization blocks"]
    twice = {**say("x"), "block_id": "same"}
    assert refused(client.chat_postMessage, blocks=[twice], attachments=[bar(twice)])["error"] == "invalid_blocks"


def test_a_chart_is_for_messages_only(listening: App, client: WebClient, slack: SlackServer) -> None:
    said: list[str] = []

    @listening.command("/sync-health")
    def answer(ack: Any, body: Json) -> None:
        ack()
        view = {**modal(), "blocks": [line()]}
        said.append(refusal(client.views_open, trigger_id=body["trigger_id"], view=view))

    slack.command("U001", "")
    common.until(lambda: said)
    assert said == ["invalid_blocks"]


def test_a_workspace_may_refuse_tables_and_charts_until_it_is_healed(client: WebClient, slack: SlackServer) -> None:
    ts = client.chat_postMessage(channel="sync-health", text="x", blocks=[line(), table()])["ts"]
    slack.unknown_blocks |= {"table", "data_visualization"}
    for call in (client.chat_postMessage, lambda **said: client.chat_update(ts=ts, **said)):
        answer = refused(call, blocks=[say("x"), table()])
        assert answer["error"] == "invalid_blocks"
        assert answer["errors"] == ["unsupported type: table [json-pointer:/blocks/1/type]"]
    private = refused(lambda **said: client.chat_postEphemeral(user="U001", **said), blocks=[line()])
    assert private["errors"] == ["unsupported type: data_visualization [json-pointer:/blocks/0/type]"]
    assert refused(client.chat_postMessage, attachments=[bar(table())])["error"] == "invalid_attachments"
    client.chat_postMessage(channel="sync-health", text="x", blocks=[say("as text")])
    slack.heal()
    client.chat_postMessage(channel="sync-health", text="x", blocks=deepcopy([table()]))
