"""Small words for Block Kit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What goes to chat.postMessage, chat.update or a response_url: `text` is for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]

    def payload(self) -> dict[str, Any]:
        """As Slack takes it."""
        return {"text": self.text, "blocks": list(self.blocks)}


def plain(text: str) -> Block:
    """Text without markup."""
    return {"type": "plain_text", "text": text, "emoji": True}


def mrkdwn(text: str) -> Block:
    """Text with Slack's markup."""
    return {"type": "mrkdwn", "text": text}


def section(*lines: str) -> Block:
    """A paragraph of one or more lines."""
    return {"type": "section", "text": mrkdwn("\n".join(lines))}


def context(*lines: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(line) for line in lines]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(label: str, action: str, value: str, *, style: str | None = None) -> Block:
    """A button: `action` is a key of slack.buttons.BUTTONS, `value` the id of what it is about."""
    pressed = {"type": "button", "text": plain(label), "action_id": action, "value": value}
    return pressed | ({"style": style} if style else {})


def question(block_id: str, label: str, *, hint: str, optional: bool) -> Block:
    """A field of a modal to write into."""
    element = {"type": "plain_text_input", "action_id": block_id, "multiline": False, "max_length": 300}
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "element": element | {"placeholder": plain(hint)},
        "optional": optional,
    }


def modal(
    title: str, blocks: Sequence[Block], *, callback: str, metadata: str = "", submit: str | None = None
) -> dict[str, Any]:
    """A dialog; without `submit` it only informs. Titles have up to 24 characters."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback,
        "title": plain(title[:24]),
        "close": plain("Cancel" if submit else "Close"),
        "private_metadata": metadata,
        "blocks": list(blocks),
    }
    return view | ({"submit": plain(submit)} if submit else {})
