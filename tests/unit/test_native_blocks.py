"""Tables and charts go out as Slack draws them until a workspace refuses one; from then on it is text."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import BlocksRefusedError, ContentRefusedError, TemporaryError
from bot.messages.blocks import MESSAGE_BLOCKS, Message, section
from bot.messages.native import MOST_ROWS, By, Link, line_chart, table
from bot.transport.native_blocks import NativeBlocks
from tests.unit.samples import NOW, ZONE

ROWS = [
    (NOW, "Sync B", 240, Link("12", "https://slack.example/1"), By("U0ROBIN")),
    (NOW, "", 0, Link("13", None), None),
]
TABLE = table(("Started", "Sync", "Updated", "Incident", "By"), ROWS, ZONE)
CHART = line_chart("Values", {"Value": (1.0, 60.0), "Threshold": (50.0, 50.0)}, ("03:00", "03:05"), "1 → 60")


def message(*blocks: Any) -> Message:
    return Message("Runs", blocks)


class Workspace:
    """Takes text, and `native` blocks where it is that new."""

    def __init__(self, *, native: bool) -> None:
        self.native, self.calls, self.told = native, list[Mapping[str, Any]](), 0
        self.blocks = NativeBlocks(remember=self.remember)

    def remember(self) -> None:
        self.told += 1

    def take(self, payload: Mapping[str, Any]) -> str:
        self.calls.append(payload)
        if not self.native and {"table", "data_visualization"} & {block["type"] for block in payload["blocks"]}:
            raise BlocksRefusedError("Slack refuses: invalid_blocks")
        return f"sent {len(self.calls)}"


def test_a_workspace_that_takes_them_gets_tables_and_charts() -> None:
    slack = Workspace(native=True)
    for _ in range(2):
        slack.blocks.send(message(TABLE, CHART), slack.take)
    assert [[block["type"] for block in one["blocks"]] for one in slack.calls] == [["table", "data_visualization"]] * 2
    assert slack.told == 0


def test_a_workspace_that_refuses_one_gets_text_at_once_and_from_then_on() -> None:
    slack = Workspace(native=False)
    assert slack.blocks.send(message(TABLE), slack.take) == "sent 2"
    assert slack.blocks.send(message(CHART), slack.take) == "sent 3"
    assert [block["type"] for one in slack.calls[1:] for block in one["blocks"]] == ["section", "section"]
    assert slack.told == 1


def test_it_is_remembered_after_a_restart() -> None:
    slack = Workspace(native=False)
    NativeBlocks(refused=True).send(message(TABLE), slack.take)
    assert len(slack.calls) == 1


def test_what_is_refused_as_text_too_was_not_about_tables() -> None:
    slack = Workspace(native=True)

    def refuse(_: Mapping[str, Any]) -> None:
        raise ContentRefusedError("Slack refuses: msg_too_long")

    with pytest.raises(ContentRefusedError):
        slack.blocks.send(message(TABLE), refuse)
    assert slack.told == 0
    slack.blocks.send(message(TABLE), slack.take)
    assert slack.calls[0]["blocks"][0]["type"] == "table", "the next one is tried as a table"


def test_no_other_failure_turns_a_table_into_text() -> None:
    slack = Workspace(native=True)

    def fail(_: Mapping[str, Any]) -> None:
        raise TemporaryError("Slack asks for patience")

    with pytest.raises(TemporaryError):
        slack.blocks.send(message(TABLE), fail)
    assert slack.told == 0


def test_a_message_of_text_alone_is_sent_once_even_when_it_is_refused() -> None:
    calls = []

    def refuse(payload: Mapping[str, Any]) -> None:
        calls.append(payload)
        raise ContentRefusedError("Slack refuses: invalid_blocks")

    with pytest.raises(ContentRefusedError):
        NativeBlocks().send(message(section("text")), refuse)
    assert len(calls) == 1


def test_a_row_reads_as_a_sentence_where_there_is_no_table() -> None:
    text = TABLE.instead[0]["text"]["text"]
    assert "Sync B · 240 updated · <https://slack.example/1|12> · <@U0ROBIN>" in text
    assert text.splitlines()[1].endswith("0 updated · 13")


def test_numbers_stand_at_the_right_and_every_cell_holds_something() -> None:
    assert [one["align"] for one in TABLE.block["column_settings"]] == ["left", "left", "right", "left", "left"]
    assert all(cell.get("text", "-") for row in TABLE.block["rows"] for cell in row)


def test_rows_that_do_not_fit_are_counted_in_both_forms() -> None:
    long = table(("Record",), [(f"{n}",) for n in range(MOST_ROWS + 7)], ZONE)
    assert len(long.block["rows"]) == MOST_ROWS + 2
    assert long.block["rows"][-1][0]["text"] == "… and 7 more"
    assert "… and 7 more" in long.instead[-1]["text"]["text"]
    assert len(message(*[long] * 1).payload(native=False)["blocks"]) <= MESSAGE_BLOCKS


def test_a_chart_has_a_threshold_beside_its_values_and_says_them_where_it_is_refused() -> None:
    series = CHART.block["chart"]["series"]
    assert [one["name"] for one in series] == ["Value", "Threshold"]
    assert [point["value"] for point in series[1]["data"]] == [50.0, 50.0]
    assert CHART.instead[0]["text"]["text"] == "1 → 60"


def test_one_table_that_is_too_long_is_sent_as_text_and_the_next_one_as_a_table() -> None:
    slack, tried = Workspace(native=True), []

    def refuse_the_first(payload: Mapping[str, Any]) -> str:
        tried.append(payload)
        if len(tried) == 1:
            raise ContentRefusedError("Slack refuses: msg_blocks_too_long")
        return "sent"

    assert slack.blocks.send(message(TABLE), refuse_the_first) == "sent"
    assert slack.told == 0
    slack.blocks.send(message(TABLE), slack.take)
    assert slack.calls[0]["blocks"][0]["type"] == "table"
