"""What a listener needs: what arrived, the services' ports, and ways to answer."""

import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.errors import RefusedError, SyncHealthError, TemporaryError
from bot.messages.blocks import Message
from bot.messages.plain import failure, note
from bot.ports import Ports
from bot.services.authorise import Person, note_refusal
from bot.services.run_checks import Checker

log = logging.getLogger(__name__)
COMMAND = "/sync-health"
TIMEOUT = 10  # real seconds


@dataclass(frozen=True)
class Press:
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


@dataclass(frozen=True)
class Desk:
    """Where presses are worked on; listeners share it."""

    ports: Ports
    checker: Checker
    client: WebClient
    pool: Executor

    def take(self, press: Press, work: Callable[["Desk", Press], None]) -> None:
        """Do this in our own pool; whatever goes wrong, the one who pressed hears of it."""
        self.pool.submit(self._do, press, work)

    def answer(self, press: Press, message: Message, *, replace: bool = False, to_all: bool = False) -> None:
        """Tell the one who pressed or typed; `replace` the message they pressed in, which commands do not have."""
        try:
            if press.response_url:
                hook = WebhookClient(press.response_url, timeout=TIMEOUT, ssl=self.client.ssl, retry_handlers=[])
                seen = "in_channel" if to_all else "ephemeral"
                hook.send(text=message.text, blocks=list(message.blocks), response_type=seen, replace_original=replace)
            else:
                channel = press.channel or self.ports.settings.channel
                self.client.chat_postEphemeral(channel=channel, user=press.person.id, **message.payload())
        except (SlackApiError, OSError) as error:
            log.warning("%s by %s could not be answered: %s", press.word, press.person.id, type(error).__name__)

    def refused(self, press: Press, why: RefusedError) -> None:
        """Every press leaves a row in the audit; those that did something left theirs with what they did."""
        log.info("%s by %s: %s", press.word, press.person.id, why)
        note_refusal(self.ports, press.person, press.word, press.value, why)

    @cached_property
    def _home_team(self) -> str:
        try:
            return str(self.client.auth_test()["team_id"])
        except (SlackApiError, OSError) as error:
            raise TemporaryError("Slack does not tell me which workspace is ours. Try again in a moment.") from error

    def _do(self, press: Press, work: Callable[["Desk", Press], None]) -> None:
        try:
            work(self, replace(press, person=replace(press.person, home_team=self._home_team)))
        except RefusedError as refusal:
            self.refused(press, refusal)
            self.answer(press, note(str(refusal), refusal.people))
        except SyncHealthError as error:
            log.warning("%s by %s: %s", press.word, press.person.id, error)
            self.answer(press, note(str(error)))
        except Exception:  # the outermost loop of what people do: logged, and still answered
            reference = uuid.uuid4().hex[:8]
            log.exception("%s by %s: reference %s", press.word, press.person.id, reference)
            self.answer(press, failure(reference))


def press_from(body: Mapping[str, Any]) -> Press:
    """What Slack sent, read by its documented keys; which workspace is ours it does not say."""
    if "command" in body:
        word, _, rest = str(body.get("text", "")).strip().partition(" ")
        person = Person(str(body["user_id"]), str(body["team_id"]), home_team="")
        return Press(
            person, word.lower(), rest.strip(), str(body["channel_id"]), response_url=str(body["response_url"])
        )
    user = body["user"]
    person = Person(str(user["id"]), str(user.get("team_id") or (body.get("team") or {}).get("id")), home_team="")
    trigger = str(body.get("trigger_id", ""))
    if body["type"] == "view_submission":
        view = body["view"]
        values = view.get("state", {}).get("values", {})
        fields = {block: str(next(iter(inputs.values())).get("value") or "") for block, inputs in values.items()}
        return Press(person, str(view["callback_id"]), str(view["private_metadata"]), fields=fields, trigger_id=trigger)
    action, container = body["actions"][0], body.get("container", {})
    value = (action.get("selected_option") or action).get("value") or ""
    return Press(
        person,
        str(action["action_id"]),
        str(value),
        channel=str(container.get("channel_id", "")),
        message_ts=str(container.get("message_ts", "")),
        trigger_id=trigger,
        response_url=str(body.get("response_url", "")),
    )
