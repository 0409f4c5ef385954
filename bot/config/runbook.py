"""The runbook as sections by their anchors: the product's own, under those of a pipeline's `./runbook.md`."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bot.config import shipped

FILE = shipped.FOLDER / "docs" / "OPERATIONS_RUNBOOK.md"
OWN = "runbook.md"  # next to pipeline.yml
OWN_CHECK = "a-check-of-your-own"  # the section of a check that has none
CONTACTS = "contacts-and-escalation"
ALERTS, REJECTIONS, EMERGENCIES = "Alerts", "Rejected records", "Emergencies"  # the parts whose sections are topics
LONGEST = 500_000  # bytes of a file
HEADING = re.compile(r"(#{2,3}) +(.+?)[ #]*")
FENCE = re.compile(r"\s*(`{3,}|~{3,})")  # where a code block begins or ends
NOT_IN_AN_ANCHOR = re.compile(r"[^\w -]")


@dataclass(frozen=True)
class Section:
    """A part of the runbook below one heading, in Markdown; what stands below a heading of its own is not in it."""

    anchor: str
    title: str
    text: str
    part: str  # the title of the heading of the second level above it, or its own
    is_own: bool = False  # of the pipeline's file


Sections = Mapping[str, Section]


def read_runbook(folder: Path) -> tuple[Sections, list[str]]:
    """The sections of both, by anchor, and what is wrong in the file of a pipeline's folder.

    Its sections take the place of the product's of the same anchor; others are added.
    """
    path = folder / OWN
    if not os.path.lexists(path):
        return product_runbook(), []
    text, why = _text_of(path)
    own: dict[str, Section] = {}
    found = [why] if why else []
    for number, one in sections_of(text, is_own=True):
        if one.anchor in own:
            found.append(f'{path}:{number}: there is another section "{one.title}": leave one')
        own[one.anchor] = one
    if begins := _swallowing(text):
        found.append(f"{path}:{begins}: the code block that begins here does not end, and hides headings below it")
    if not (own or found):
        found.append(f'{path}: has no section: begin each with a heading such as "## Backlog"')
    kept = {anchor: own.get(anchor, one) for anchor, one in product_runbook().items()}
    return MappingProxyType(kept | own), found


@cache
def product_runbook() -> Sections:
    """The sections of docs/OPERATIONS_RUNBOOK.md, in its order."""
    text = FILE.read_text(encoding="utf-8")
    return MappingProxyType({one.anchor: one for _, one in sections_of(text)})


def sections_of(text: str, *, is_own: bool = False) -> Iterator[tuple[int, Section]]:
    """The sections of a Markdown text, each with its line, from 1; a heading in a code block is none."""
    found: list[tuple[int, str, str, list[str]]] = []
    part, fence = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = fence_after(fence, line)
        if not fence and (heading := HEADING.fullmatch(line.rstrip())):
            part = heading[2] if len(heading[1]) == 2 else part
            found.append((number, heading[2], part or heading[2], []))
        elif found:
            found[-1][3].append(line)
    for number, title, above, lines in found:
        yield number, Section(anchor_of(title), title, "\n".join(lines).strip("\n"), above, is_own)


def fence_after(fence: str, line: str) -> str:
    """The fence of the code block that goes on behind this line, where one does; `fence` is that before it."""
    found = FENCE.match(line)
    if not found:
        return fence
    if not fence:
        return found[1]
    return "" if found[1].startswith(fence) and line.strip() == found[1] else fence


def anchor_of(title: str) -> str:
    """What the address of a heading ends with, as GitHub makes it."""
    return NOT_IN_AN_ANCHOR.sub("", title.strip().lower()).replace(" ", "-")


def _swallowing(text: str) -> int | None:
    """The line of a code block without an end, where headings stand below it."""
    fence, begins, hidden = "", 0, False
    for number, line in enumerate(text.splitlines(), 1):
        before, fence = fence, fence_after(fence, line)
        begins, hidden = (number, False) if fence and not before else (begins, hidden)
        hidden |= bool(fence) and HEADING.fullmatch(line.rstrip()) is not None
    return begins if fence and hidden else None


def _text_of(path: Path) -> tuple[str, str]:
    """The text of a file, or why there is none."""
    try:
        written = path.read_bytes()
        if len(written) > LONGEST:
            return "", f"{path}: is longer than {LONGEST:,} bytes"
        return written.decode("utf-8-sig"), ""
    except OSError as error:
        return "", f"{path}: cannot be opened: {error.strerror}"
    except UnicodeDecodeError:
        return "", f"{path}: is not UTF-8: save it as UTF-8"
