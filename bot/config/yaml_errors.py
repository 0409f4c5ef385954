"""Text that is not YAML: the line, and what to write instead of what the parser stumbled over."""

import re
from typing import Any

import yaml

VALUE = re.compile(r"(?:^\s*-|:)\s+([>|%@`!&*?].*?|(?:[^\"'\s][^\"']*?)?: .*?)(?:\s+#.*)?$")  # none as it stands
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # where YAML begins a line
INDENTED = "this line is indented unlike those above it"
REMEDIES = {  # by a part of the words of libyaml or of its Python twin
    "another document": "there is a second document: leave --- out",
    "expected ':'": "a colon with a blank behind it is missing",
    "stream": "a quote or bracket is opened here and not closed",
    "',' or": "a [ or { is opened here and not closed, or a comma is missing",
    "expected key": INDENTED,
    "<block end>": INDENTED,
    "'-' indicator": INDENTED,
    "mapping values": "a colon does not fit here: indent this line as those above it, or put the value in quotes",
    "escape": "a backslash in double quotes begins a character: write \\\\ or use single quotes",
    "hexdec": "a backslash in double quotes begins a character: write \\\\ or use single quotes",
}
BEGUN = ("expected ':'", "stream", "',' or")  # what is wrong shows only further down


def explain(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line, counted from 1, and what to do."""
    problem = str(getattr(error, "problem", None) or "")
    remedy = next((words for part, words in REMEDIES.items() if part in problem), None)
    here: Any = getattr(error, "problem_mark", None)
    opened: Any = getattr(error, "context_mark", None)
    begun = any(part in problem for part in BEGUN)
    mark = opened if opened and begun else here
    number = mark.line if mark else 0
    line = line_of(BREAK.split(text), number)
    if re.match(r" *\t", line):
        return number + 1, "indent with blanks, not tabs"
    if not begun and (value := VALUE.search(line)):
        return number + 1, f"put it in quotes: {_in_quotes(value[1])}"
    if remedy == INDENTED and re.search(r"[\"']", line):
        return number + 1, "a quote ends before the value does: put the whole value in quotes"
    return number + 1, remedy or "the value cannot be read: put it in quotes"


def line_of(lines: list[str], number: int) -> str:
    """One line, counted from 0; nothing where there is none, as behind the end of a file."""
    return lines[number] if number < len(lines) else ""


def _in_quotes(value: str) -> str:
    return "'" + value.replace("'", "''") + "'" if '"' in value or "\\" in value else f'"{value}"'
