"""Small words for Block Kit, which keep what they make within Slack's limits: the worst comes first and stays."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.text import cut
from bot.sanitize import sanitize

Block = dict[str, Any]

# Of the bar beside an alert.
COLORS = {"critical": "#d92d20", "warn": "#e8a200", "recovering": "#3b82c4", "resolved": "#2e9d63", "closed": "#868e96"}

# Slack's limits, in characters where nothing else is said.
TEXT = 3000  # of a section; the text of a notification needs no more
SMALL_PRINT, SMALL_PRINTS = 2000, 10
FIELD, FIELDS = 2000, 10
OPTIONS = 5  # of an overflow menu
BUTTON, TITLE = 75, 24
COUNTED = 40  # what a count of what is left out may take
MODAL_BLOCKS = HOME_BLOCKS = 100
HOME_BYTES = 240_000  # of JSON; Slack takes 250 kB
BAR_BLOCKS = 5  # of an attachment: Slack folds what stands behind them
MESSAGE_BLOCKS, MESSAGE = 50, 13_000  # the latter of all blocks together; Slack refuses more than 13,200


@dataclass(frozen=True)
class Native:
    """A block that not every workspace takes yet, and the text blocks that stand for it there."""

    block: Block
    instead: tuple[Block, ...]


@dataclass(frozen=True)
class Bar:
    """Blocks beside a bar of a color, below those of the message."""

    color: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Message:
    """What goes to chat.postMessage, chat.update or a response_url: `text` is for notifications and screen readers.

    It fits into Slack whatever it is made of: what is too much at the end is replaced by a count.
    """

    text: str
    blocks: tuple[Block | Native, ...]
    bar: Bar | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", cut(self.text, TEXT))

    @property
    def is_native(self) -> bool:
        """Whether some of it may be refused by a workspace that takes text."""
        return any(isinstance(block, Native) for block in self.blocks)

    def payload(self, *, native: bool = True) -> dict[str, Any]:
        """As Slack takes it; an edit takes away blocks and attachments that are not there any more."""
        attached = []
        if self.bar:
            inside = fit(self.bar.blocks, BAR_BLOCKS)
            attached = [{"color": self.bar.color, "blocks": inside, "fallback": self.text}]
        return {"text": self.text, "blocks": self.shown(native=native), "attachments": attached}

    def shown(self, *, native: bool = True) -> list[Block]:
        """Its own blocks, as many as Slack takes."""
        chosen = (_chosen(block, native=native) for block in self.blocks)
        return fit([block for blocks in chosen for block in blocks], MESSAGE_BLOCKS)


def plain(text: str, most: int = 2000) -> Block:
    """Text without markup."""
    return {"type": "plain_text", "text": sanitize(text, most), "emoji": True}


def mrkdwn(text: str) -> Block:
    """Text with Slack's markup."""
    return {"type": "mrkdwn", "text": text}


def section(*lines: str) -> Block:
    """A paragraph of one or more lines; those that do not fit are counted."""
    first, *others = _paragraphs(lines)
    if not others:
        return {"type": "section", "text": mrkdwn(first)}
    kept = first
    while len(kept) > TEXT - COUNTED:
        kept = kept.rpartition("\n")[0] or cut(kept, TEXT - COUNTED)
    hidden = len(lines) - kept.count("\n") - 1
    return {"type": "section", "text": mrkdwn(f"{kept}\n{_more(hidden)}")}


def sections(lines: Sequence[str], most: int | None = None, rest: str = "… and {} more") -> list[Block]:
    """As many paragraphs as the first `most` lines need, and how many lines there are besides."""
    shown = list(lines[:most])
    if len(lines) > len(shown):
        shown.append(rest.format(f"{len(lines) - len(shown):,}"))
    return [{"type": "section", "text": mrkdwn(text)} for text in _paragraphs(shown) if text]


def context(*lines: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(cut(line, SMALL_PRINT)) for line in lines[:SMALL_PRINTS]]}


def fields(*pairs: tuple[str, str], head: str | None = None) -> Block:
    """A name and its value, each, in two columns; `head` is a line above them."""
    shown = [mrkdwn(cut(f"*{name}*\n{value}", FIELD)) for name, value in pairs[:FIELDS]]
    above = {"text": mrkdwn(cut(head, TEXT))} if head else {}
    return {"type": "section", **above, **({"fields": shown} if shown else {})}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(label: str, action: str, value: str, *, style: str | None = None) -> Block:
    """A button: `action` is a word of slack.handlers.HANDLERS, `value` the id of what it is about."""
    pressed = {"type": "button", "text": plain(label, BUTTON), "action_id": action, "value": value}
    return pressed | ({"style": style} if style else {})


def link_button(label: str, address: str, action: str) -> Block:
    """A button that opens an address; Slack tells us of the press, too."""
    return {"type": "button", "text": plain(label, BUTTON), "action_id": f"open_{action}", "url": address}


def overflow(*options: tuple[str, str]) -> Block:
    """The menu behind `⋯`, of up to five: a label each, and an action with its value (`snooze 7`) or an address."""
    shown = [
        {"text": plain(label, BUTTON), **({"url": what, "value": "open_link"} if "://" in what else {"value": what})}
        for label, what in options[:OPTIONS]
    ]
    return {"type": "overflow", "action_id": "more", "options": shown}


def question(
    block_id: str, label: str, *, hint: str, optional: bool, most: int = 300, lines: bool = False, written: str = ""
) -> Block:
    """A field of a modal to write into, up to `most` characters; several `lines` high, with `written` in it."""
    element = {"type": "plain_text_input", "action_id": block_id, "multiline": lines, "max_length": most}
    element |= {"initial_value": cut(sanitize(written, most), most)} if written else {}
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element | {"placeholder": plain(hint, 150)},
        "optional": optional,
    }


def choice(block_id: str, label: str, options: Sequence[tuple[str, str]]) -> Block:
    """A field of a modal with up to ten options, of which the first is chosen: a label and a value each."""
    shown = [{"text": plain(text, BUTTON), "value": value} for text, value in options]
    element = {"type": "radio_buttons", "action_id": block_id, "options": shown, "initial_option": shown[0]}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}


def with_button(text: str, pressed: Block) -> Block:
    """A paragraph with a button to its right."""
    return {"type": "section", "text": mrkdwn(cut(text, TEXT)), "accessory": pressed}


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback: str,
    metadata: str = "",
    submit: str | None = None,
    close: str = "Cancel",
) -> dict[str, Any]:
    """A dialog; without `submit` it only informs. Titles and buttons have up to 24 characters."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title, TITLE),
        "close": plain(close if submit else "Close"),
        "private_metadata": metadata,
        "blocks": fit(blocks, MODAL_BLOCKS),
    }
    return view | ({"submit": plain(submit)} if submit else {})


def home(blocks: Sequence[Block | Native]) -> dict[str, Any]:
    """What App Home shows of these, without what does not fit at the end: it takes text for tables and charts."""
    shown: list[Block] = []
    left = HOME_BYTES
    for block in (one for each in blocks for one in _chosen(each, native=False)):
        left -= len(json.dumps(block)) + 2
        if left < 0 or len(shown) == HOME_BLOCKS - 1:
            shown.append(context("… the rest does not fit here: `/sync-health`"))
            break
        shown.append(block)
    return {"type": "home", "callback_id": "home", "blocks": shown}


def fit(blocks: Sequence[Block], most: int) -> list[Block]:
    """At most so many blocks, and no more text than a message takes: the last paragraphs give way to a count.

    Buttons stay, without them nobody could act; small print goes when nothing else is left.
    """
    if len(blocks) <= most and _size(blocks) <= MESSAGE:
        return list(blocks)
    kept, hidden, gap = list(blocks), 0, len(blocks)
    for stays in ({"actions", "input", "context"}, {"actions", "input"}):
        for place in range(len(kept) - 1, 0, -1):
            if len(kept) < most and _size(kept) <= MESSAGE - COUNTED:
                break
            if kept[place]["type"] not in stays:
                hidden += _lines(kept.pop(place))
                gap = place
    return [*kept[:gap], context(_more(hidden)), *kept[gap:]]


def _chosen(block: Block | Native, *, native: bool) -> Sequence[Block]:
    if isinstance(block, Native):
        return (block.block,) if native else block.instead
    return (block,)


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """The lines in as few texts as a section takes; a line is never torn, unless it is too long for one."""
    paragraph = ""
    for line in (cut(line, TEXT) for line in lines):
        if paragraph and len(paragraph) + 1 + len(line) > TEXT:
            yield paragraph
            paragraph = line
        else:
            paragraph = f"{paragraph}\n{line}" if paragraph else line
    yield paragraph


def _size(blocks: Sequence[Block]) -> int:
    return sum(map(len, _texts(blocks)))


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from [value] if key == "text" and isinstance(value, str) else _texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value)


def _lines(block: Block) -> int:
    return sum(text.count("\n") + 1 for text in _texts(block))


def _more(lines: int) -> str:
    return f"… and {lines:,} more line{'' if lines == 1 else 's'}"
