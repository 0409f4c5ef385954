"""A post-mortem as Markdown, for a wiki or a file: one document, and the same in code blocks of a Slack message.

People stand by their Slack ids, because nothing outside of Slack knows their names; times are those of the pipeline's
zone, which is named once.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from bot.answers.history import PostMortem
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, context, section
from bot.messages.native import By, Link, Told
from bot.messages.post_mortem import (
    DEEDS,
    Code,
    Line,
    Part,
    cause_lines,
    deeds,
    duration_pairs,
    evidence_lines,
    headline,
    state_words,
    summary_pairs,
    timeline,
    trigger,
    value_words,
    worst_of_each,
)
from bot.messages.text import ADDRESS, LIKE, PERSON, TIME, code, number
from bot.sanitize import sanitize
from checks.numbers import count_of

TEXT, SUMMARY = 2000, 500  # characters of a part
IN_SLACK = 10_000  # characters of a document in a message, which holds 13,000 with all that stands around it
SHORTEST = len("- 2026-01-09 03:10 …\n")  # of an event
BLOCK = 2800  # characters of one code block: a section holds 3,000
MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_+|_+(?![^\W_])")  # `_` only at the edge of a word
MENTION = re.compile(r"(?<![\w{])@(?=\w)")  # of somebody where the document is pasted; `{@…}` is one of ours
AT_THE_START = re.compile(r"(?:[#+-]|\d+(?=[.)]))")  # a heading, a list, a rule
IN_LINK = "".join(set(ADDRESS) - set("()"))
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
IN_CODE = str.maketrans({"`": "'", "|": "\N{FULLWIDTH VERTICAL LINE}"})  # what would end a code span, or a table's cell


def incident_markdown(found: PostMortem, settings: Settings, *, events: int | None = None) -> str:
    """The document; of its timeline the latest `events`, or all."""
    lines = [f"# {escape_markdown(headline(found.incident))}", "", *_paragraphs(found, settings)]
    return "\n".join([*lines, *_timeline(found, settings, events)]) + "\n"


def markdown_message(found: PostMortem, settings: Settings) -> Message:
    """The same to copy, in as few code blocks as Slack takes it; of a long timeline the latest events."""

    def length(events: int) -> int:
        return len(_in_slack(incident_markdown(found, settings, events=events)))

    most = min(len(timeline(found)), IN_SLACK // SHORTEST)
    fitting = bisect_right(range(most + 1), IN_SLACK, key=length) - 1
    text = incident_markdown(found, settings, events=max(fitting, 0))
    head = f"Incident {found.incident.id} as Markdown"
    hint = f"On the command line: {code(f'sync-health incident {found.incident.id} --markdown')}"
    return Message(head, (section(f"*{head}*"), *map(_code_block, _pieces(text)), context(hint)))


def escape_markdown(text: str, most: int = TEXT) -> str:
    """Text from outside as Markdown prose: one line, no markup, no HTML, no mention, no end of a table's cell.

    A bare address stays one: whatever makes a link of it shows where it leads.
    """
    line = MENTION.sub(LIKE["@"], sanitize(text, most))
    for character, entity in ENTITIES.items():
        line = line.replace(character, entity)
    line = MARKUP.sub(lambda match: "".join(f"\\{one}" for one in match[0]), line)
    return AT_THE_START.sub(_escape_start, line, count=1) if AT_THE_START.match(line) else line


def _escape_start(start: re.Match[str]) -> str:
    return f"{start[0]}\\" if start[0].isdecimal() else f"\\{start[0]}"


def _paragraphs(found: PostMortem, settings: Settings) -> Iterator[str]:
    incident, zone = found.incident, settings.zone
    yield escape_markdown(f"{state_words(found)}. {trigger(incident)}.", SUMMARY)
    yield f"\nTimes are in {zone.key}.\n"
    yield "## Summary\n"
    yield from (f"- **{name}:** {line_markdown(line, zone)}" for name, line in summary_pairs(found))
    yield "\n## Durations\n"
    yield from (f"- **{name}:** {line_markdown(line, zone)}" for name, line in duration_pairs(found))
    yield "\n## Causes\n"
    causes = [f"- {line_markdown(line, zone)}" for line in cause_lines(incident)]
    yield from causes or ["None was found."]
    yield "\n## Actions\n"
    yield from _actions(found, settings)
    yield "\n## Evidence\n"
    yield f"- Check {_part(Code(incident.check), zone)}, alert {_part(Code(incident.key), zone)}"
    yield from (f"- {line_markdown(line, zone)}" for line in evidence_lines(found, settings))
    yield from _values(found, settings)


def line_markdown(line: Line, zone: ZoneInfo) -> str:
    """A line of a post-mortem as Markdown."""
    return "".join(_part(part, zone) for part in line)


def _part(part: Part, zone: ZoneInfo) -> str:
    match part:
        case Code():
            return f"`{sanitize(part.text, 300).translate(IN_CODE) or '–'}`"
        case Told():
            return _told(part.text, zone)
        case datetime():
            return _time(part, zone)
        case By():
            return f"@{sanitize(part.id, 40)}"
        case Link():
            return _link(part)
        case str():
            return _with_edges(part)
    return "–" if part is None else f"{part:,}"


def _with_edges(text: str) -> str:
    """Our own words begin and end with the blanks that part them from others."""
    bare = text.strip(" ")
    return text.replace(bare, escape_markdown(bare), 1) if bare else text


def _told(text: str, zone: ZoneInfo) -> str:
    """A stored text of ours, in which times and people stand in braces."""

    def written(match: re.Match[str]) -> str:
        try:
            return _time(datetime.fromisoformat(match[1]), zone)
        except ValueError:  # somebody's own braces
            return match[0]

    return PERSON.sub(lambda match: f"@{match[1]}", TIME.sub(written, escape_markdown(text, 300)))


def _time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _link(link: Link) -> str:
    label = escape_markdown(link.label)
    return f"[{label}]({quote(link.address, safe=IN_LINK)})" if link.address else label


def _actions(found: PostMortem, settings: Settings) -> Iterator[str]:
    done = deeds(found, settings)
    if not done:
        yield "None was taken on a sync."
        return
    yield f"| {' | '.join(DEEDS)} |"
    yield f"|{' --- |' * len(DEEDS)}"
    for deed in done:
        yield f"| {' | '.join(_part(cell, settings.zone) for cell in deed.cells)} |"


def _values(found: PostMortem, settings: Settings) -> Iterator[str]:
    """The values around it as a table."""
    if why := value_words(found, settings):
        yield f"- {why}"
    if shown := worst_of_each(found):
        yield "\n| Time | Value |\n| --- | ---: |"
        for at, value in shown:
            yield f"| {_time(at, settings.zone)} | {number(value, found.incident.limit)} |"


def _timeline(found: PostMortem, settings: Settings, events: int | None) -> Iterator[str]:
    told = timeline(found)
    shown = told if events is None else told[len(told) - events :]
    yield "\n## Timeline\n"
    if hidden := len(told) - len(shown):
        yield f"- … {count_of(hidden, 'earlier event')}"
    yield from (f"- {_time(at, settings.zone)} {line_markdown(line, settings.zone)}" for at, line in shown)


def _in_slack(text: str) -> str:
    for character, entity in ENTITIES.items():
        text = text.replace(character, entity)
    return text


def _pieces(text: str) -> Iterator[str]:
    """As Slack takes it, a few lines at a time; a line that is too long for a block is broken."""
    piece = ""
    for line in _in_slack(text).splitlines():
        for part in _broken(line):
            if piece and len(piece) + 1 + len(part) > BLOCK:
                yield piece
                piece = part
            else:
                piece = f"{piece}\n{part}" if piece else part
    if piece.strip():
        yield piece


def _broken(line: str) -> Iterable[str]:
    """Between words where it has any, and in no entity."""
    while len(line) > BLOCK:
        end = max(line.rfind(" ", 0, BLOCK), 0) or BLOCK
        torn = line.rfind("&", 0, end)
        end = torn if torn > 0 and ";" not in line[torn:end] else end
        yield line[:end]
        line = line[end:].lstrip(" ")
    yield line


def _code_block(piece: str) -> Block:
    block = section(f"```\n{piece}\n```")
    block["text"]["verbatim"] = True
    return block
