"""The log and the terminal: nothing from outside forges a line, colours one, or tells what it should not."""

import logging
import unicodedata
from io import StringIO
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.cli import terminal
from bot.cli.logs import SafeFormatter
from checks.model import Outcome
from tests.unit import samples

HOSTILE = [
    "[/x]",
    "[red]x[/red]",
    ":fire:",
    "x\x1b[2J\x1b[31mred",
    "one\ntwo\r\x08three",
    "\u202eabc\u200b",
    "日本語 [b]",
]


def logged(name: str, message: str, *arguments: object, error: Exception | None = None) -> list[str]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, arguments, info)
    return SafeFormatter().format(record).split("\n")


def raised(message: str) -> Exception:
    try:
        try:
            raise ValueError(message)
        except ValueError as cause:
            raise RuntimeError(f"worse: {message}") from cause
    except RuntimeError as error:
        return error


@given(st.text(min_size=1))
@example("x\n2026-01-09T03:05:00+00:00 ERROR bot.runtime.bot: forged")
@example("\x1b[2J\u202e\ud83d")
@settings(deadline=None)
def test_a_record_is_one_line_whatever_is_in_it(text: str) -> None:
    for name in ("bot.runtime.bot", "slack_sdk"):
        [line] = logged(name, "it said %s", text)
        assert f" WARNING {name}: " in line
        assert line.isprintable() or not line.isascii()
        assert "\x1b" not in line and "\u202e" not in line
        line.encode()


def test_a_traceback_is_indented_names_its_frames_and_quotes_nobody() -> None:
    head, *frames = logged("bot.runtime.bot", "unforeseen", error=raised("syntax error: Jane\nforged"))
    assert head.endswith(" WARNING bot.runtime.bot: unforeseen")
    assert [line for line in frames if "Traceback" in line] == [
        "  Traceback of RuntimeError: …: syntax error: …",
        "  Traceback of ValueError: syntax error: …",
    ]
    assert all(line.startswith("  ") for line in frames)
    assert any("test_logs.py" in line and line.endswith(" in raised") for line in frames)


def test_others_loggers_tell_no_headers_and_no_bodies_and_ours_tell_names() -> None:
    [line] = logged("slack_sdk.web", "headers: %s, body: %s", {"Authorization": "Bearer abc"}, "Jane Doe")
    assert "abc" not in line and "Jane" not in line
    [line] = logged("bot.runtime.bot", "Sync Ä: [TABLE_OR_VIEW_NOT_FOUND] `a`.`b` by U0ROBIN")
    assert line.endswith("bot.runtime.bot: Sync Ä: [TABLE_OR_VIEW_NOT_FOUND] `a`.`b` by U0ROBIN")


def test_a_records_time_is_iso_8601_with_its_offset() -> None:
    [line] = logged("bot", "x")
    assert line[10] == "T" and line[:29].partition(" ")[0][-6] in "+-"


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a terminal that shows colours gets."""
    written = Screen()
    for name, value in (("COLUMNS", "200"), ("TERM", "xterm"), ("NO_COLOR", "")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(terminal, "sys", SimpleNamespace(stdout=written))
    return written


def wide(text: str) -> int:
    """Cells of a terminal: CJK characters take two."""
    return sum(1 + (unicodedata.east_asian_width(character) == "W") for character in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_terminal_shows_text_as_it_is_in_its_column(text: str, screen: StringIO) -> None:
    wrong = samples.result(Outcome.CRITICAL, 9.0, summary=text, check=text)
    blind = samples.result(Outcome.ERROR, None, summary="Coverage: status unknown", error=text)
    looked = samples.evaluation(
        Outcome.CRITICAL, results=(wrong, blind), problems=(text,), syncs=(samples.sync_status(label=text),)
    )
    terminal.print_evaluation(looked, [], ZoneInfo("UTC"), verbose=True)
    plain = screen.getvalue()
    for ours in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[35m"):
        plain = plain.replace(ours, "")
    assert all(character.isprintable() or character == "\n" for character in plain)
    shown = terminal.sanitize(text, 100)
    assert plain.count(shown) == 5
    _, first, second = plain.splitlines()[:3]
    assert first.startswith("critical  ") and second.startswith("error     ")
    assert wide(first.partition("9 ")[0]) == wide(second.partition("– ")[0]), "columns stand below each other"
    assert f"({shown})" in second
    assert len(plain.splitlines()) == 3 + 2 + 1 + 1
