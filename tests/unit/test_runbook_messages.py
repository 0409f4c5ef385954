"""The runbook in Slack: golden payloads, Markdown, and text from anywhere.

`UPDATE_GOLDEN=1` writes tests/golden/runbook anew; read the difference before you keep it.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings

from bot.answers.operations import RunbookPage
from bot.config.pipeline_file import Operators
from bot.config.runbook import Section
from bot.messages.markdown import inline, markdown_blocks
from bot.messages.runbook import runbook_message, topics_message
from tests.unit import payloads
from tests.unit.payloads import LINKED, PAGING, SETTINGS, Payload, anything, golden, said, unescaped
from tests.unit.samples import incident

GOLDEN = payloads.GOLDEN / "runbook"
faults = payloads.faults  # the fixture
TEXT = """\
<!-- of which nothing is shown -->
**You see**
> 🔴 Critical · properties: Sync B is paused in Census
>
> 🔴 Critical · properties: Sync B has no *schedule*

**It means** Nothing starts it, and what is <pending>
stays pending: see [Backlog](#backlog), [the page](https://wiki.example.com/a?b=1&c=2) and
[a file](../README.md#upgrade).

**Do this**
1. Type `/sync-health resume Sync B`, or
   click **Resume Sync B**.
2. Then
   - wait; or
   - `SELECT * FROM a WHERE b < 1`

| who | number |
|---|---|
| on call | `<number>` |

```sql
SELECT 1 WHERE 1 < 2
  AND @channel
```
#### After that
Nothing.
"""
PAGE = RunbookPage(Section("schedule-enabled", "Schedule enabled", TEXT, "Alerts"))
PEOPLE = Operators(users=("U0ROBIN",), groups=("S0OPERATORS",))
TOPICS = {
    "Alerts": [("schedule_enabled", "Census schedule"), ("null_names", "Names that are <null>")],
    "Emergencies": [("view-bug", "A view returns wrong values.")],
    "Of this pipeline": [],
}
GOLDENS: dict[str, Callable[[], Payload]] = {
    "section": lambda: said(runbook_message(PAGE, SETTINGS)),
    "section_of_an_incident": lambda: said(
        runbook_message(
            replace(PAGE, next_step="Resume it.", owner="S0DATAONCALL", incident=incident()),
            replace(PAGING, operators=PEOPLE),
        )
    ),
    "section_with_an_address": lambda: said(runbook_message(PAGE, LINKED)),
    "topics": lambda: said(topics_message(TOPICS)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_section_is_as_its_golden_and_slack_would_take_it(name: str, faults: Callable[[Payload], list[str]]) -> None:
    payload = GOLDENS[name]()
    assert payload == golden(GOLDEN / f"{name}.json", payload)
    assert faults(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**Pause** at _once_", "*Pause* at _once_"),
        ("**Pause.** `a` *b*", "*Pause.* `a` _b_"),
        ("2 * 3 * 4", "2 ∗ 3 ∗ 4"),
        ("a*b*c", "a∗b∗c"),
        ("*Rerun now*, then", "_Rerun now_, then"),
        ("`a < b`", "`a &lt; b`"),
        ("[x](javascript:alert)", "x"),
        ("<!channel> and <@U1>", "&lt;!channel&gt; and &lt;@U1&gt;"),
        ("[Backlog](#backlog)", "Backlog (`/sync-health runbook backlog`)"),
        ("[a](https://w.example/A_(b)) c", "<https://w.example/A_(b)|a> c"),
        ('[a](https://w.example/b "c")', "<https://w.example/b|a>"),
        ("![a](https://w.example/b.png)", "<https://w.example/b.png|a>"),
        (
            "<https://w.example/~me> (https://w.example/b).",
            "<https://w.example/~me|https://w.example/∼me> (<https://w.example/b|https://w.example/b>).",
        ),
        ("[the words](../STAKEHOLDERS.md#now)", "the words (`STAKEHOLDERS.md`)"),
        ("[STAKEHOLDERS.md](STAKEHOLDERS.md)", "STAKEHOLDERS.md"),
    ],
)
def test_what_markdown_says_of_a_line_slack_shows(written: str, shown: str) -> None:
    assert inline(written).replace("ˍ", "_") == shown


def test_a_list_a_wrapped_line_and_a_quotation_keep_their_form() -> None:
    blocks = markdown_blocks("One\nsentence.\n\n- a\n  b\n- c\n\n> said\n>\n> and more\n\n1. x\n   - y")
    assert [block["text"]["text"] for block in blocks] == [
        "One sentence.",
        "• a b\n• c",
        "> said\n> and more",
        "1. x\n    ◦ y",
    ]


def test_a_code_block_keeps_its_lines_and_closes_however_long_it_is() -> None:
    [block] = markdown_blocks("```\n" + "  a ``` b\n" * 900)
    text = block["text"]["text"]
    assert text.startswith("```\n  a ''' b\n") and text.endswith("…\n```") and text.count("```") == 2
    assert len(text) <= 3000


def test_of_a_long_paragraph_nothing_is_left_out() -> None:
    written = " ".join(f"word{n}" for n in range(600))
    blocks = markdown_blocks(written)
    assert " ".join("\n".join(block["text"]["text"] for block in blocks).split()) == written
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)


def test_a_code_block_of_one_long_line_shows_its_beginning() -> None:
    [block] = markdown_blocks("```\nSELECT " + "x" * 4000 + "\n```")
    assert block["text"]["text"].startswith("```\nSELECT xxx")


@pytest.mark.parametrize("fence", ["~~~", "````"])
def test_a_code_block_ends_with_the_fence_that_began_it(fence: str) -> None:
    blocks = markdown_blocks(f"{fence}\n```\n## a\n```\n{fence}\nafter")
    assert [block["text"]["text"] for block in blocks] == ["```\n'''\n## a\n'''\n```", "after"]


LINKS = re.compile(r"<https?://[^|<>]*\|[^<>|]*>")
QUOTES = re.compile(r"(?m)^> ")


@pytest.mark.parametrize("place", ["text", "title", "next_step"])
@given(anything)
@example("<!channel>" * 3000)
@example("> " * 9000)
@example("**" * 5000)
@example("`[x](https://a.example/<!channel>)" * 400)
@example("```\n<!here>\n")
@settings(deadline=None, max_examples=40)
def test_slack_takes_whatever_somebody_writes_and_it_pings_nobody(
    faults: Callable[[Payload], list[str]], place: str, text: str
) -> None:
    section = replace(PAGE.section, **({place: text} if place != "next_step" else {}))
    payload = said(runbook_message(replace(PAGE, section=section, next_step=text), SETTINGS))
    assert faults(payload) == []
    assert [text for text in unescaped(payload) if unescaped({"text": QUOTES.sub("", text)})] == []
