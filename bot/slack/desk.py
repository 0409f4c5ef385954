"""What a listener needs: what arrived, the services' ports, and ways to answer."""

import html
import logging
import re
import uuid
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.errors import (
    NotFoundError,
    PermanentError,
    RefusedError,
    StateError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
)
from bot.messages.blocks import Message
from bot.messages.plain import failure, note, state_failure
from bot.messages.rerun import answer_modal
from bot.ports import Ports
from bot.sanitize import sanitize
from bot.services.authorise import Person, note_refusal
from bot.services.late_writes import LateWrites
from bot.services.run_checks import Checker
from bot.services.shared_answers import KEPT, Answer, SharedAnswers
from bot.slack.in_flight import MOST_PER_PERSON, InFlight
from bot.slack.line_status import LineStatus
from bot.slack.replies import by_ephemeral, fill_dialog
from bot.slack_api import answer_url, respond

log = logging.getLogger(__name__)
T = TypeVar("T")
COMMAND = "/sync-health"
NOT_SHARED = "Slack did not confirm that it was shared. Check the channel; if nothing is there, click Share again."
NOT_FILLED = "The dialog could not be filled. Close it and click the button again."
WORD = 255  # characters of a subcommand or of what Slack calls an action
LONGEST_TEXT = 3000  # what a field of a dialog holds, and more than anybody types behind a command
CURLY = str.maketrans("“”„‟«»‘’‚‛", '""""""\'\'\'\'')
QUOTED = re.compile(r"""(?<!\S)(["'`])(.+?)\1(?!\S)""")


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
    view_id: str = ""  # the dialog that was opened for it: answers stand there


@dataclass(frozen=True)
class Desk:
    """Where presses are worked on; listeners share it."""

    ports: Ports
    checker: Checker
    client: WebClient
    pool: Executor  # of what needs our state and Slack alone; questions to Census or the warehouse have `shared`
    shared: SharedAnswers
    line: LineStatus = field(default_factory=LineStatus)
    late: LateWrites = field(default_factory=LateWrites)
    in_flight: InFlight = field(default_factory=InFlight)

    def receive(self, press: Press, work: Callable[["Desk", Press], None]) -> None:
        """Do what has just arrived, unless this person has as much in progress as one may have."""
        self.take(press, _say_busy if self.in_flight.is_full(press.person.id) else work)

    def take(self, press: Press, work: Callable[["Desk", Press], None]) -> None:
        """Do this in our own pool; whatever goes wrong, the one who pressed hears of it, or the log says why not."""
        self.in_flight.begin(press.person.id)
        try:
            self.pool.submit(self.do, press, work).add_done_callback(partial(self._end, press))
        except RuntimeError:  # the pool is shut down
            self.do(press, _say_restarting)
            self.in_flight.end(press.person.id)

    def ask(
        self,
        press: Press,
        question: Hashable,
        find: Callable[[], T],
        show: Callable[["Desk", Press, Answer[T]], None],
        *,
        keep: float = KEPT,
    ) -> None:
        """Ask Census or the warehouse, or whoever asks the same already, and `show` what they say.

        No worker waits for the answer; it is shared for `keep` seconds of the pipeline's time.
        """
        self.in_flight.begin(press.person.id)
        try:
            flight = self.shared.ask(question, find, keep=keep)
        except RuntimeError:  # the pool is shut down
            self.in_flight.end(press.person.id)
            _say_restarting(self, press)
            return
        flight.add_done_callback(partial(self._show_answer, press, show))

    def _show_answer(
        self, press: Press, show: Callable[["Desk", Press, Answer[T]], None], flight: "Future[Answer[T]]"
    ) -> None:
        work = _say_restarting if flight.cancelled() else lambda desk, again: show(desk, again, flight.result())
        self.take(press, work)
        self.in_flight.end(press.person.id)

    def do(self, press: Press, work: Callable[["Desk", Press], None]) -> None:
        """Do this now; never raises."""
        try:
            work(self, replace(press, person=replace(press.person, home_team=self._home_team)))
        except RefusedError as refusal:
            log.info("%s by %s: %s", press.word, press.person.id, refusal)
            self._guarded(press, self.audit, refusal)
            self._guarded(press, self.answer, note(str(refusal), refusal.people))
        except StateError as error:
            self.checker.state.failed(error)
            self._guarded(press, self.audit, error)
            self._guarded(press, self.answer, state_failure(error.reason))
        except SyncHealthError as error:
            log.warning("%s by %s: %s", press.word, press.person.id, error)
            self._guarded(press, self.audit, error)
            self._guarded(press, self.answer, note(str(error)))
        except Exception:  # the outermost loop of what people do: logged, and still answered
            reference = uuid.uuid4().hex[:8]
            log.exception("%s by %s: reference %s", press.word, press.person.id, reference)
            self._guarded(press, self.audit, SyncHealthError(f"unforeseen, reference {reference}"))
            self._guarded(press, self.answer, failure(reference))

    def answer(self, press: Press, message: Message, *, replace: bool = False, to_all: bool = False) -> None:
        """Tell the one who pressed or typed; `replace` the message they pressed in, which commands do not have.

        In the dialog where one is open, else by response_url, else by a message that only this person sees.
        """
        if press.view_id:
            self.show(press, answer_modal(press.word.capitalize(), message))
            return
        if press.response_url:
            try:
                seen = {"response_type": "in_channel" if to_all else "ephemeral", "replace_original": replace}
                answer_url(self.client, press.response_url, **message.payload(), **seen)
                return
            except SyncHealthError as error:
                self._log_unanswered(press, error, "; trying chat.postEphemeral")
                message = note(f"{NOT_SHARED} ({error})") if to_all else message
        try:
            by_ephemeral(self.client, press.channel or self.ports.settings.channel, press.person.id, message)
        except SyncHealthError as error:
            self._log_unanswered(press, error)

    def show(self, press: Press, view: dict[str, Any]) -> None:
        """Fill the dialog of this press; who has closed it meanwhile needs nothing more."""
        instead = note(NOT_FILLED)
        for shown in (view, answer_modal(press.word.capitalize(), instead)):
            try:
                fill_dialog(self.client, press.view_id, shown)
                return
            except NotFoundError:
                log.info("%s by %s: the dialog was closed before it was filled", press.word, press.person.id)
                return
            except SyncHealthError as error:
                self._log_unanswered(press, error)
                if not isinstance(error, PermanentError):  # what Slack takes at all it may take in other words
                    break
        self.answer(replace(press, view_id=""), instead)

    def audit(self, press: Press, why: SyncHealthError) -> None:
        """Every press leaves a row in the audit; those that did something left theirs with what they did."""
        now = self.ports.clock.now()
        act = partial(note_refusal, self.ports, now, press.person, press.word, press.value, why)
        self.late.write(f"the audit row of {press.word} by {press.person.id}", act)

    def _end(self, press: Press, done: "Future[None]") -> None:
        self.in_flight.end(press.person.id)
        if done.cancelled():
            log.warning("%s by %s was not done and not answered: the bot is stopping", press.word, press.person.id)

    def _guarded(self, press: Press, act: Callable[[Press, Any], None], argument: object) -> None:
        try:
            act(press, argument)
        except Exception:  # handling an error ends here
            log.exception("%s by %s could not be answered", press.word, press.person.id)

    def _log_unanswered(self, press: Press, why: SyncHealthError, then: str = "") -> None:
        log.warning("%s by %s could not be answered: %s%s", press.word, press.person.id, why, then)

    @cached_property
    def _home_team(self) -> str:
        try:
            team = respond(self.client.auth_test).get("team_id")
            if not isinstance(team, str):  # kept, it would refuse everybody until a restart
                raise UncertainError("Slack failed: an answer without a workspace")
            return team
        except SyncHealthError as error:
            raise TemporaryError("Slack does not tell me which workspace is ours. Try again in a moment.") from error


def press_from(body: Mapping[str, Any]) -> Press:
    """What Slack sent, read by its documented keys; which workspace is ours it does not say."""
    if "command" in body:
        word, _, rest = _as_meant(str(body.get("text") or "")).partition(" ")
        person = Person(str(body["user_id"]), str(body["team_id"]), home_team="")
        return Press(person, word.lower()[:WORD], rest, str(body["channel_id"]), response_url=str(body["response_url"]))
    person = Person(str(body["user"]["id"]), _team(body), home_team="")
    trigger = str(body.get("trigger_id", ""))
    if body["type"] == "view_submission":
        view = body["view"]
        values = view.get("state", {}).get("values", {})
        written = {block: next(iter(inputs.values())).get("value") or "" for block, inputs in values.items()}
        fields = {block: sanitize(str(value), LONGEST_TEXT) for block, value in written.items()}
        return Press(person, str(view["callback_id"]), str(view["private_metadata"]), fields=fields, trigger_id=trigger)
    action, container = body["actions"][0], body.get("container", {})
    value = (action.get("selected_option") or action).get("value") or ""
    return Press(
        person,
        sanitize(str(action["action_id"]), WORD),
        sanitize(str(value), LONGEST_TEXT),
        channel=str(container.get("channel_id", "")),
        message_ts=str(container.get("message_ts", "")),
        trigger_id=trigger,
        response_url=str(body.get("response_url", "")),
    )


def _as_meant(text: str) -> str:
    """Typed or pasted words: one kind of blanks and of quotes, no quotes around names, nothing that Slack escaped."""
    line = sanitize(html.unescape(text).strip(), LONGEST_TEXT).translate(CURLY)
    return QUOTED.sub(r"\2", line)


def _team(body: Mapping[str, Any]) -> str:
    """Where somebody belongs who presses: on Enterprise Grid `user.team_id` is the first of their workspaces there."""
    user, here = body["user"], body.get("team") or {}
    on_grid = (body.get("enterprise") or {}).get("id") or here.get("enterprise_id")
    first = user.get("team_id")
    return str((here.get("id") if on_grid or not first else first) or first or "")


def _say_busy(_desk: Desk, _press: Press) -> None:
    raise TemporaryError(f"{MOST_PER_PERSON} of your requests are in progress. Try again once they are answered.")


def _say_restarting(_desk: Desk, _press: Press) -> None:
    raise TemporaryError("I am restarting, and did nothing. Try again in a minute.")
