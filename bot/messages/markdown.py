"""Markdown as Slack shows it: paragraphs, lists, quotations, code and links; all else of it is plain text."""

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby

from bot.config.runbook import FENCE, fence_after
from bot.messages.blocks import Block, sections
from bot.messages.text import anchor, code, cut, escape

LONGEST_CODE = 2800  # characters of a code block, which is never torn
LONGEST_PIECE = 1500  # characters of a paragraph that become one line; a longer one is broken, and nothing is left out
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ITEM = re.compile(r"( *)(?:[-*+]|([0-9]{1,3})[.)]) +(.*)")
RULE = re.compile(r"\|[\s:|-]+\||-{3,}|\*{3,}|>")  # below the head of a table, across, or between quoted lines
HEADING = re.compile(r"#{1,6} +(.+?)[ #]*")
INLINE = re.compile(
    r"`(?P<code>[^`]{1,300})`|\*\*(?P<bold>[^*]{1,300})\*\*|(?<![\w*])\*(?P<italic>[^*\s][^*]{,300})\*(?![\w*])"
    r"|!?\[(?P<label>[^\[\]]{1,300})\]\(<?(?P<where>(?:[^()\s<>]|\([^()\s<>]*\)){1,1000})>?(?: +\"[^\"]*\")?\)"
    r"|<?(?P<bare>https?://[^\s<>`|\[\]\"]{0,990}[^\s<>`|\[\]\".,;:!?)*'])>?"
)
FILE = re.compile(r"(?:[\w. -]+/)*(?P<name>[\w-]+\.md)(?:#.*)?")  # next to the one that names it
TICKS = "```"


def markdown_blocks(text: str) -> list[Block]:
    """A block for each paragraph, list, quotation or code block."""
    blocks: list[Block] = []
    for lines in _paragraphs(COMMENT.sub("", text)):
        blocks += sections([_code_block(lines[1:])] if FENCE.match(lines[0]) else _lines(lines))
    return blocks


def inline(text: str) -> str:
    """A line with its code, bold words and links; everything between them is escaped."""
    shown, end = [], 0
    for found in INLINE.finditer(text):
        shown += [_prose(text[end : found.start()]), _marked(found)]
        end = found.end()
    return "".join([*shown, _prose(text[end:])])


def _paragraphs(text: str) -> Iterator[list[str]]:
    """Lines that stand together; a code block is one, without its last line."""
    lines = iter(text.splitlines())
    paragraph: list[str] = []
    for line in lines:
        fence = fence_after("", line)
        if (fence or not line.strip()) and paragraph:
            yield paragraph
            paragraph = []
        if fence:
            yield [line, *_until_the_fence(lines, fence)]
        elif line.strip():
            paragraph.append(line)
    if paragraph:
        yield paragraph


def _until_the_fence(lines: Iterator[str], fence: str) -> Iterator[str]:
    for line in lines:
        if not fence_after(fence, line):
            return
        yield line


def _lines(lines: list[str]) -> list[str]:
    """A line for each item, row or quoted line; the rest of a paragraph is one, however it is wrapped."""
    joined: list[str] = []
    for kind, group in groupby(lines, _kind):
        for line in group:
            if kind == "text" and joined and not (joined[-1].startswith(("> ", "|")) or HEADING.fullmatch(joined[-1])):
                joined[-1] += f" {line.strip()}"
            elif kind != "rule":
                joined.append(line.rstrip())
    return [_line(piece) for line in joined for piece in _pieces(line)]


def _pieces(line: str) -> list[str]:
    if len(line) <= LONGEST_PIECE or line.startswith("|"):
        return [line]
    return textwrap.wrap(line, LONGEST_PIECE, break_on_hyphens=False)


def _kind(line: str) -> str:
    if RULE.fullmatch(line.strip()):
        return "rule"
    own = ITEM.fullmatch(line.rstrip()) or HEADING.fullmatch(line.strip()) or line.lstrip().startswith((">", "|"))
    return "own" if own else "text"


def _line(line: str) -> str:
    if item := ITEM.fullmatch(line):
        bullet = f"{item[2]}." if item[2] else "◦" if item[1] else "•"
        return f"{'    ' * bool(item[1])}{bullet} {inline(item[3])}"
    if heading := HEADING.fullmatch(line.strip()):
        return f"*{_prose(heading[1])}*"
    if line.lstrip().startswith(">"):
        return f"> {inline(line.lstrip()[1:].strip())}"
    if line.lstrip().startswith("|"):
        return " · ".join(inline(cell.strip()) for cell in line.strip().strip("|").split("|") if cell.strip())
    return inline(line.strip())


def _marked(found: re.Match[str]) -> str:
    if found["code"]:
        return code(found["code"])
    if found["bold"]:
        return f"*{_prose(found['bold'].strip())}*"
    if found["italic"]:
        return f"_{_prose(found['italic'].strip())}_"
    if found["bare"]:  # Slack would link it, and escaping as prose would respell it
        return anchor(found["bare"], found["bare"])
    label, where = found["label"].replace("`", ""), found["where"]
    if where.startswith(("https://", "http://")):
        return anchor(label, where)
    if where.startswith("#"):
        return f"{_prose(label)} ({code(f'/sync-health runbook {where[1:]}')})"
    file = FILE.fullmatch(where)
    if file is None or file["name"].removesuffix(".md") in label:
        return _prose(label)
    return f"{_prose(label)} ({code(file['name'])})"


def _prose(text: str) -> str:
    """Escaped, with the blanks at its edges."""
    if not text.strip():
        return " " * bool(text)
    return f"{' ' * text[:1].isspace()}{escape(text)}{' ' * text[-1:].isspace()}"


def _code_block(lines: list[str]) -> str:
    """As it is; a longer one is cut at a line."""
    kept = "\n".join(lines).replace(TICKS, "'''")
    if len(kept) > LONGEST_CODE:
        kept = f"{kept[:LONGEST_CODE].rpartition(chr(10))[0] or kept[:LONGEST_CODE]}\n…"
    safe = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{TICKS}\n{cut(safe, LONGEST_CODE)}\n{TICKS}"
