"""An interaction as Slack sends it: a command, a pressed button, a submitted dialog."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.sanitize import sanitize
from bot.services.authorise import Person

WORD = 255  # characters of a subcommand or of what Slack calls an action
REQUEST = 40  # characters of the id of a dialog
LONGEST_TEXT = 3000  # what a field of a dialog holds, and more than anybody types behind a command
CURLY = str.maketrans("“”„‟«»‘’‚‛", '""""""\'\'\'\'')
QUOTED = re.compile(r"""(?<!\S)(["'`])(.+?)\1(?!\S)""")


@dataclass(frozen=True)
class Interaction:
    """A command, a pressed button or a submitted modal; what does not apply is empty."""

    person: Person
    word: str  # the subcommand, action or callback
    value: str = ""  # what is typed behind it, the button's value, the modal's private metadata
    channel: str = ""
    message_ts: str = ""
    trigger_id: str = ""
    response_url: str = ""
    fields: Mapping[str, str] | None = None  # what was written into a modal
    arrived: float = 0.0  # by the monotonic clock
    view_id: str = ""  # the dialog that was opened for it: answers stand there
    view_title: str = ""
    metadata: str | None = None  # of the dialog that the button stands in; None: it stands in a message
    request: str | None = None  # Slack's id of the dialog that was submitted
    home: str | None = None  # Slack's hash of the App Home that the button stands in; None: it stands elsewhere


def interaction_from(body: Mapping[str, Any]) -> Interaction:
    """What Slack sent, read by its documented keys; which workspace is ours it does not say."""
    if "command" in body:
        word, _, rest = _as_meant(str(body.get("text") or "")).partition(" ")
        person = Person(str(body["user_id"]), str(body["team_id"]), home_team="")
        return Interaction(
            person,
            word.lower()[:WORD],
            rest,
            str(body["channel_id"]),
            trigger_id=str(body.get("trigger_id", "")),
            response_url=str(body["response_url"]),
        )
    person = Person(str(body["user"]["id"]), _team(body), home_team="")
    trigger = str(body.get("trigger_id", ""))
    if body["type"] == "view_submission":
        view = body["view"]
        values = view.get("state", {}).get("values", {})
        written = {block: _written(next(iter(inputs.values()))) for block, inputs in values.items()}
        fields = {block: _typed(str(value)) for block, value in written.items()}
        request = sanitize(str(view.get("id") or ""), REQUEST) or None
        callback, about = str(view["callback_id"]), str(view["private_metadata"])
        return Interaction(person, callback, about, fields=fields, trigger_id=trigger, request=request)
    action, container = body["actions"][0], body.get("container", {})
    word, value = str(action["action_id"]), str(action.get("value") or "")
    if chosen := action.get("selected_option"):  # of the menu behind `⋯`: the action, and what it is about
        word, _, value = str(chosen.get("value") or "").partition(" ")
    pressed = Interaction(
        person,
        sanitize(word, WORD),
        sanitize(value, LONGEST_TEXT),
        channel=str(container.get("channel_id", "")),
        message_ts=str(container.get("message_ts", "")),
        trigger_id=trigger,
        response_url=str(body.get("response_url", "")),
    )
    if (view := body.get("view")) and view.get("type") == "home":
        return replace(pressed, home=str(view.get("hash") or ""))
    if view:
        about, title = sanitize(str(view.get("private_metadata") or ""), LONGEST_TEXT), view.get("title") or {}
        return replace(pressed, view_id=str(view["id"]), view_title=str(title.get("text") or ""), metadata=about)
    return pressed


def _written(field: Mapping[str, Any]) -> str:
    """What was written or chosen in a field."""
    chosen = field.get("selected_option") or {}
    return str(field.get("value") or chosen.get("value") or "")


def _typed(text: str) -> str:
    """Storable, and with none of the braces in which people stand in stored texts of ours (messages.text.PERSON)."""
    return sanitize(text, LONGEST_TEXT).replace("{@", "{ @")


def _as_meant(text: str) -> str:
    """Typed or pasted words: one kind of blanks and of quotes, no quotes around names, nothing that Slack escaped."""
    line = _typed(html.unescape(text).strip()).translate(CURLY)
    return QUOTED.sub(r"\2", line)


def _team(body: Mapping[str, Any]) -> str:
    """Where somebody belongs who presses: on Enterprise Grid `user.team_id` is the first of their workspaces there."""
    user, here = body["user"], body.get("team") or {}
    on_grid = (body.get("enterprise") or {}).get("id") or here.get("enterprise_id")
    first = user.get("team_id")
    return str((here.get("id") if on_grid or not first else first) or first or "")


def option(name: str) -> frozenset[str]:
    """What is typed for `--name`: Slack's clients and keyboards make one dash of two."""
    return frozenset(f"{dashes}{name}" for dashes in ("--", "—", "–", ""))
