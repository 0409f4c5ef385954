"""A post-mortem as Markdown: whatever stands in an incident, the document keeps its shape, in Slack too."""

import html
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.alerts.model import ITSELF, TEST_ALERT, ActionKind, ActionState, Did, Entry
from bot.answers.history import PostMortem
from bot.messages.incident_markdown import BLOCK, escape_markdown, incident_markdown, markdown_message
from bot.messages.incidents import incident_message
from bot.messages.post_mortem import worst_of_each
from tests.unit import payloads as common
from tests.unit.samples import NOW, OPERATOR, action, ended, incident, minutes, post_mortem, resolved

GOLDEN = common.GOLDEN / "post_mortem"
SETTINGS, LINKED = common.SETTINGS, common.LINKED
faults = common.faults  # the fixture
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = "# | a | `b` *c* _d_ [e](https://evil.example) <img src=x> ~~f~~ &lt; <@U0MALLORY> <!channel> ``` \\ 1. g"
TOLD = (
    Entry(NOW, Did.OPENED, detail="246 Salesforce records missing company name"),
    Entry(NOW + minutes(1), Did.ACKNOWLEDGED, OPERATOR),
    Entry(NOW + minutes(2), Did.TAKEN_OVER, "U0ROBIN", OPERATOR),
    Entry(NOW + minutes(3), Did.CALLED, "S0OPS", OPERATOR),
    Entry(NOW + minutes(4), Did.CALLED, None, OPERATOR),
    Entry(NOW + minutes(5), Did.REMEDY, ITSELF, "would pause at {2026-01-09T11:10:00+00:00}, asked by {@U0ROBIN}"),
    Entry(NOW + minutes(6), Did.NOTED, OPERATOR, HOSTILE),
    Entry(NOW + minutes(26), Did.RESOLVED),
)
FULL = post_mortem(
    resolved(
        timeline=TOLD,
        causes=("view broken since {2026-01-09T10:50:00+00:00}",),
        examples=("row a0X(1)", "row a|b"),
        explained_by="Sync overdue",
    ),
    actions=(
        ended(verdict="Evaluated again: 12.", reason=HOSTILE),
        action(ActionState.FINISHED, id=4, kind=ActionKind.PAUSE, by=ITSELF, reason="at {2026-01-09T11:10:00+00:00}"),
    ),
    beside=(8, 9),
)


def document(found: PostMortem, *, linked: bool = False) -> str:
    return incident_markdown(found, LINKED if linked else SETTINGS)


GOLDENS: dict[str, Callable[[], str]] = {
    "resolved": lambda: document(post_mortem()),
    "full": lambda: document(FULL, linked=True),
    "open": lambda: document(post_mortem(incident(), actions=(), values=())),
    "test": lambda: document(
        post_mortem(incident(check=TEST_ALERT, key="properties/test-alert", title="Test"), actions=(), values=())
    ),
    "check_gone": lambda: document(post_mortem(resolved(check="former"), actions=())),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_document_is_as_its_golden(name: str) -> None:
    path, text = GOLDEN / f"{name}.md", GOLDENS[name]()
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(GOLDENS)


# -- text from anywhere


def with_text(text: str) -> PostMortem:
    """An incident all of whose texts come from elsewhere."""
    words: dict[str, Any] = dict.fromkeys(("title", "summary", "check", "key", "explained_by"), text)
    told = (Entry(NOW, Did.OPENED), Entry(NOW + minutes(1), Did.NOTED, OPERATOR, text))
    about = incident(**words, causes=(text, text), examples=(f"row {text}",), timeline=told)
    return post_mortem(about, actions=(ended(verdict=text, reason=text, sync=text),), beside=(8,))


def shape(text: str) -> list[str]:
    """How Markdown reads a document, without its words."""
    tokens = (token for block in PARSER.parse(text) for token in (block, *(block.children or ())))
    return [token.type for token in tokens if token.type not in ("text", "text_special")]


@given(common.anything)
@example(HOSTILE)
@example("1. a list")
@example("1) a list")
@example("- a list")
@example("+ a list")
@example("# a heading")
@example("---")
@example("> quoted")
@example("```")
@example("a | b | c")
@example("{@U0ROBIN} {2026-01-09T10:50:00+00:00}")
@example("\\")
@example("a\\|b")
@example("&copy; &#35; &amp;")
@example("[x]: https://evil.example")
@example("![x](https://evil.example)")
@example("<https://evil.example>")
@settings(deadline=None, max_examples=60)
def test_no_text_changes_how_markdown_reads_the_document(text: str) -> None:
    assert shape(document(with_text(text))) == shape(document(with_text("word")))
    short = text[:40]  # of longer ones an address is left out
    assert shape(document(with_text(short), linked=True)) == shape(document(with_text("word"), linked=True))


@pytest.mark.parametrize("text", [HOSTILE, "a_b_c __d__", "1. x", "10) x", "# x", "- x", "+ x", "&lt;b&gt;", "a\\*b"])
def test_a_text_reads_as_it_was_written(text: str) -> None:
    [paragraph] = [token for token in PARSER.parse(escape_markdown(text)) if token.type == "inline"]
    read = "".join(child.content for child in paragraph.children or ())
    assert read.replace("\N{FULLWIDTH COMMERCIAL AT}", "@") == text


@given(common.anything, st.integers(0, 300))
@example("`" * 999, 300)
@example("&" * 3000, 40)
@example("<!channel>" * 300, 300)
@settings(deadline=None, max_examples=25)
def test_slack_takes_the_markdown_and_nothing_ends_its_code_blocks(
    faults: Callable[[common.Payload], list[str]], text: str, count: int
) -> None:
    found = with_text(text)
    noted = tuple(Entry(NOW + minutes(n), Did.NOTED, OPERATOR, text) for n in range(count))
    payload = markdown_message(replace(found, incident=replace(found.incident, timeline=noted)), SETTINGS).payload()
    assert faults(payload) == []
    for block in payload["blocks"][1:-1]:
        if block["type"] == "context":
            continue  # what no message holds is counted
        inside = block["text"]["text"].removeprefix("```\n").removesuffix("\n```")
        assert block["text"]["text"] == f"```\n{inside}\n```"
        assert "```" not in inside
        assert len(inside) <= BLOCK
        assert "<" not in inside and ">" not in inside, "no mention, no link"
        assert re.sub(r"&(?:amp|lt|gt);", "", inside).count("&") == 0, "no entity is torn"


def test_what_is_copied_from_slack_is_the_document() -> None:
    blocks = markdown_message(FULL, LINKED).payload()["blocks"][1:-1]
    pieces = (block["text"]["text"].removeprefix("```\n").removesuffix("\n```") for block in blocks)
    assert html.unescape("\n".join(pieces)) == document(FULL, linked=True).rstrip("\n")


# -- what is said


@pytest.mark.parametrize(
    ("text", "read"), [("ask @asha", "ask ＠asha"), ("@all", "＠all"), ("jq@x.example", "jq@x.example")]
)
def test_a_text_mentions_nobody_where_the_document_is_pasted(text: str, read: str) -> None:
    assert escape_markdown(text) == read


def test_a_timeline_of_thousands_is_rendered_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[int | None] = []

    def counting(*about: Any, events: int | None = None) -> str:
        rendered.append(events)
        return incident_markdown(*about, events=events)

    monkeypatch.setattr("bot.messages.incident_markdown.incident_markdown", counting)
    told = tuple(Entry(NOW + minutes(n), Did.NOTED, OPERATOR, "x" * 50) for n in range(3000))
    shown = common.text_of(markdown_message(post_mortem(incident(timeline=told), actions=()), SETTINGS).payload())
    assert len(rendered) < 15 and max(filter(None, rendered)) < 600
    assert 8000 < len(shown) < 13_000


def test_of_a_long_timeline_slack_shows_the_latest_and_the_file_all() -> None:
    told = tuple(Entry(NOW + minutes(n), Did.NOTED, OPERATOR, f"step {n:03} " + "x" * 200) for n in range(300))
    found = post_mortem(incident(timeline=told), actions=())
    text = document(found)
    assert all(f"step {n:03}" in text for n in range(300))
    shown = common.text_of(markdown_message(found, SETTINGS).payload())
    assert "step 299" in shown and "step 000" not in shown
    assert re.search(r"… \d+ earlier events", shown)
    assert "sync-health incident 7 --markdown" in shown
    assert "more line" not in shown


def test_no_mention_pings_outside_of_slack_and_people_stay_known() -> None:
    text = document(FULL, linked=True)
    assert "acknowledged by @U0ROBIN instead of @U0OPERATOR" in text
    assert "escalated by @U0OPERATOR to @S0OPS" in text
    assert "escalated by @U0OPERATOR, mentioning nobody" in text
    assert "<@" not in text and "{@" not in text
    assert text.count("America/Los_Angeles") == 1
    assert "+00:00" not in text


def test_a_mention_that_somebody_wrote_mentions_nobody() -> None:
    found = post_mortem(actions=(ended(reason="ask {@U0MALLORY} <@U0MALLORY>"),))
    payload = incident_message(found, SETTINGS).payload()
    assert "<@U0MALLORY>" not in common.text_of(payload)
    assert '"user_id": "U0MALLORY"' not in str(payload).replace("'", '"')


def test_a_check_without_values_says_why() -> None:
    assert "No value of that time is stored" in document(post_mortem(values=()))
    assert "Its check is no longer configured" in document(post_mortem(resolved(check="former"), values=()))
    assert "is stored" not in document(post_mortem(incident(limit="= 0"), values=()))


@pytest.mark.parametrize(("limit", "worst"), [("> 50", 99.0), ("< 50", -99.0)])
def test_a_chart_of_many_values_keeps_the_worst(limit: str, worst: float) -> None:
    values = tuple((NOW + minutes(n), worst if n == 501 else 3.0) for n in range(1000))
    found = post_mortem(resolved(limit=limit), values=values)
    shown = worst_of_each(found)
    assert len(shown) <= 20
    assert worst in [value for _, value in shown]


def test_an_incident_whose_clock_was_set_back_is_still_told() -> None:
    text = document(post_mortem(incident(), as_of=NOW, actions=(), values=()))
    assert "Recovered after:** not yet" in text
