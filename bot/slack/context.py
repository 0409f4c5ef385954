"""The context of interactions: their handlers run in pools, answer, show dialogs, and are audited."""

import logging
import uuid
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import Any, TypeVar

from slack_sdk import WebClient

from bot.errors import (
    NotFoundError,
    PermanentError,
    RefusedError,
    StateError,
    SyncHealthError,
    TemporaryError,
    UnconfirmedError,
)
from bot.messages.blocks import Message
from bot.messages.plain import failure, note, state_failure
from bot.messages.sync_dialogs import answer_modal
from bot.model import Place
from bot.ports import Ports
from bot.sanitize import shown_id
from bot.services.authorise import Person, authorise, note_refusal
from bot.services.deferred_writes import DeferredWrites
from bot.services.fair_pool import FairPool
from bot.services.run_checks import Checker
from bot.services.shared_answers import KEPT, Answer, SharedAnswers
from bot.services.summarise import SharedSummary
from bot.services.thread_links import links_to
from bot.slack.connection_status import ConnectionStatus
from bot.slack.follows import Follows
from bot.slack.home_team import HomeTeam
from bot.slack.home_views import HomeViews
from bot.slack.in_flight import MOST_PER_PERSON, Grace, InFlight
from bot.slack.interaction import Interaction
from bot.slack.replies import by_dialog, by_ephemeral, fill_dialog, pause_before_next
from bot.slack.retry_timers import RetryTimers
from bot.transport.native_blocks import NativeBlocks
from bot.transport.slack_api import answer_url

log = logging.getLogger(__name__)
T = TypeVar("T")
COMMAND, PRODUCT = "/sync-health", "Sync Health"
NOT_SHARED = "Slack did not confirm that it was shared. Check the channel; if nothing is there, click Share again."
NOT_DONE = "nothing was done: the bot is stopping"
NOT_SHOWN = "the answer could not be shown: the bot is stopping. Check the thread, /sync-health and Census"
NOT_FILLED = "The dialog could not be filled. Close it and click the button again."
ABOUT_RECORDS = frozenset({"trace", "follow_trace"})  # what is typed there may name a person: an id alone is kept
MOST_LINKS = 200  # to threads, that are remembered
REFERENCE = "sync_health_reference"  # where an error carries what the log calls it


Work = Callable[["Context", Interaction], None]
Show = Callable[["Context", Interaction, T], None]


@dataclass(frozen=True)
class Context:
    """Where presses are worked on; listeners share it."""

    ports: Ports
    checker: Checker
    client: WebClient
    pool: FairPool  # of what needs our state and Slack alone; questions to Census or the warehouse have `shared`
    shared: SharedAnswers
    connection: ConnectionStatus = field(default_factory=ConnectionStatus)
    deferred: DeferredWrites = field(default_factory=DeferredWrites)
    in_flight: InFlight = field(default_factory=InFlight)
    retries: RetryTimers = field(default_factory=RetryTimers)
    grace: Grace = field(default_factory=Grace)
    follows: Follows = field(default_factory=Follows)
    native: NativeBlocks = field(default_factory=NativeBlocks)

    def receive(self, interaction: Interaction, work: Work) -> None:
        """Do what has just arrived, unless this person has as much in progress as one may have."""
        self.take(interaction, _say_busy if self.in_flight.is_full(interaction.person.id) else work)

    def take(self, interaction: Interaction, work: Work, late: Work | None = None) -> None:
        """Do this in our own pool; whatever goes wrong, the one who pressed hears of it, or the log says why not.

        Where the bot is stopping and the pool does nothing any more, do `late` here: to say that nothing was done.
        """
        late = late or _say_restarting
        self.in_flight.begin(interaction.person.id)
        try:
            done = self.pool.submit(interaction.person.id, partial(self.do, interaction, work))
        except RuntimeError:  # the pool is shut down
            self._do_late(interaction, late)
            self.in_flight.end(interaction.person.id)
        else:
            done.add_done_callback(partial(self._note_done, interaction, late))

    def ask(
        self,
        interaction: Interaction,
        question: Hashable,
        find: Callable[[], T],
        show: "Show[Answer[T]]",
        *,
        keep: float = KEPT,
    ) -> None:
        """Ask Census or the warehouse, or whoever asks the same already, and `show` what they say.

        No worker waits for the answer; it is shared for `keep` seconds of the pipeline's time.
        """
        try:
            flight = self.shared.ask(interaction.person.id, question, find, keep=keep)
        except RuntimeError:  # the pool is shut down
            _say_restarting(self, interaction)
        else:
            self.follow(interaction, flight, lambda context, again, found: show(context, again, _result(found)))

    def follow(self, interaction: Interaction, flight: "Future[T]", show: "Show[Future[T]]") -> None:
        """`show` how this ends; until then it is one of the requests that this person has in progress."""
        self.in_flight.begin(interaction.person.id)
        flight.add_done_callback(partial(self._show_end, interaction, show))

    def _show_end(self, interaction: Interaction, show: "Show[Future[T]]", flight: "Future[T]") -> None:
        def told(context: Context, again: Interaction) -> None:
            show(context, again, flight)

        work = _say_restarting if flight.cancelled() else told  # cancelled: it had not begun
        self.take(interaction, work, late=work)
        self.in_flight.end(interaction.person.id)

    def do(self, interaction: Interaction, work: Work, tried: int = 1) -> None:
        """Do this now; never raises. A click on a message that Slack has not confirmed yet is looked at again."""
        try:
            work(self, interaction)
        except UnconfirmedError as error:
            pause = pause_before_next(tried, error)
            again = partial(Context.do, work=work, tried=tried + 1)
            if pause is None or not self._do_after(pause, interaction, again):
                self._answer_and_audit(interaction, note(self.explain(interaction, error)), error)
        except RefusedError as refusal:
            log.info("%s by %s: %s", interaction.word, interaction.person.id, refusal)
            thread = self._thread_of(refusal.incident) if refusal.incident else None
            self._answer_and_audit(interaction, note(str(refusal), refusal.people, thread), refusal)
        except StateError as error:
            self.checker.state.failed(error)
            self._answer_and_audit(interaction, state_failure(error.reason), error)
        except SyncHealthError as error:
            self._answer_and_audit(interaction, note(self.explain(interaction, error)), error)
        except Exception as error:  # noqa: BLE001 - the outermost loop of what people do: logged, and still answered
            self._answer_and_audit(interaction, failure(self.explain(interaction, error)), error)

    def links_to(self, roots: Mapping[int, Place]) -> dict[int, str]:
        """The addresses of threads, as far as Slack tells them; it is asked once for each, since they never change."""
        return links_to(self._permalink, roots)

    def _thread_of(self, incident_id: int) -> str | None:
        roots: Mapping[int, Place] = {}
        with suppress(StateError), self.ports.store.snapshot() as records:
            roots = records.roots_of([incident_id])
        return self.links_to(roots).get(incident_id)

    def explain(self, interaction: Interaction, error: BaseException) -> str:
        """Why this failed: in words, or the log's reference, which is the same for all who share the error."""
        if isinstance(error, SyncHealthError):
            log.warning("%s by %s: %s", interaction.word, interaction.person.id, error)
            return str(error)
        mine = uuid.uuid4().hex[:8]
        reference = _reference(error, mine)
        told = error if reference is mine else None  # its traceback stands in the log once
        log.error("%s by %s: reference %s", interaction.word, interaction.person.id, reference, exc_info=told)
        return reference

    def _answer_and_audit(self, interaction: Interaction, message: Message, why: BaseException) -> None:
        """The answer first: the audit waits where the state does."""
        self._try_to(interaction, self.answer, message)
        self._try_to(interaction, self.audit, why)

    def authorise(self, interaction: Interaction) -> Person:
        """Let operators of our workspace pass. Raises RefusedError, with whom to ask; TemporaryError."""
        person = self.home.admit(interaction.person)
        authorise(self.ports, person)
        return person

    def answer(
        self, interaction: Interaction, message: Message, *, replace: bool = False, to_all: bool = False
    ) -> None:
        """Tell the one who pressed or typed; `replace` the message they pressed in, which commands do not have.

        In the dialog where one is open, from App Home in one of its own, else by response_url, else by a message that
        only this person sees.
        """
        if interaction.view_id:
            self.show(interaction, answer_modal(interaction.view_title, message))
            return
        if interaction.home is not None:
            try:
                by_dialog(self.client, interaction.trigger_id, answer_modal(PRODUCT, message, interaction.value))
                return
            except SyncHealthError as error:
                self._log_unanswered(interaction, error, "; trying chat.postEphemeral")
        if interaction.response_url:
            try:
                seen = {"response_type": "in_channel" if to_all else "ephemeral", "replace_original": replace}
                self.native.send(
                    message, lambda said: answer_url(self.client, interaction.response_url, **said, **seen)
                )
                return
            except SyncHealthError as error:
                self._log_unanswered(interaction, error, "; trying chat.postEphemeral")
                message = note(f"{NOT_SHARED} ({error})") if to_all else message
        try:
            channel = interaction.channel or self.ports.settings.channel
            by_ephemeral(self.client, self.native, channel, interaction.person.id, message)
        except SyncHealthError as error:
            self._log_unanswered(interaction, error)

    def show(self, interaction: Interaction, view: dict[str, Any], tried: int = 1) -> None:
        """Fill the dialog of this press; who has closed it meanwhile needs nothing more."""
        instead = note(NOT_FILLED)
        for shown in (view, answer_modal(interaction.view_title, instead)):
            try:
                fill_dialog(self.client, interaction.view_id, shown)
                return
            except NotFoundError:
                log.info(
                    "%s by %s: the dialog was closed before it was filled", interaction.word, interaction.person.id
                )
                return
            except SyncHealthError as error:
                pause = pause_before_next(tried, error)
                if pause is not None and self._do_after(
                    pause, interaction, partial(Context.show, view=shown, tried=tried + 1)
                ):
                    return
                self._log_unanswered(interaction, error)
                if not isinstance(error, PermanentError):  # what Slack takes at all it may take in other words
                    break
        self.answer(replace(interaction, view_id=""), instead)

    def _do_after(self, pause: float, interaction: Interaction, work: Work) -> bool:
        """Do this after so many real seconds; it is in progress until then. False where the bot is stopping."""

        def act() -> None:
            self.take(interaction, work, late=work)
            self.in_flight.end(interaction.person.id)

        self.in_flight.begin(interaction.person.id)
        if not (taken := self.retries.after(pause, act)):
            self.in_flight.end(interaction.person.id)
        return taken

    def audit(self, interaction: Interaction, why: BaseException) -> None:
        """Every press leaves a row in the audit; those that did something left theirs with what they did."""
        if isinstance(why, SyncHealthError) and why.audited:
            return
        self.deferred.write(*self._audit_row(interaction, why))

    def _audit_row(self, interaction: Interaction, why: BaseException) -> tuple[str, Callable[[], None]]:
        reference = ""
        if not isinstance(why, SyncHealthError):
            reference = f"log {_reference(why)}"
            why = SyncHealthError(f"unforeseen, reference {_reference(why)}")
        act = partial(
            note_refusal,
            self.ports,
            self.ports.clock.now(),
            interaction.person,
            interaction.word,
            shown_id(interaction.value) if interaction.word in ABOUT_RECORDS else interaction.value,
            why,
            reference,
        )
        return f"the audit row of {interaction.word} by {interaction.person.id}", act

    def _note_done(self, interaction: Interaction, late: Work, done: "Future[None]") -> None:
        if done.cancelled():  # the stop is forced
            self._do_late(interaction, late)
        self.in_flight.end(interaction.person.id)

    def _do_late(self, interaction: Interaction, work: Work) -> None:
        """Answer while the bot stops, for a few seconds; after that the log and the audit say what nobody was told."""
        if self.grace.lasts():
            self.do(interaction, work)
            return
        why = SyncHealthError(NOT_DONE if work is _say_restarting else NOT_SHOWN)
        log.warning("%s by %s was not answered: %s", interaction.word, interaction.person.id, why)
        self.deferred.keep(*self._audit_row(interaction, why))

    def _try_to(self, interaction: Interaction, act: Callable[[Interaction, Any], None], argument: object) -> None:
        try:
            act(interaction, argument)
        except Exception:  # handling an error ends here
            log.exception("%s by %s could not be answered", interaction.word, interaction.person.id)

    def _log_unanswered(self, interaction: Interaction, why: SyncHealthError, then: str = "") -> None:
        log.warning("%s by %s could not be answered: %s%s", interaction.word, interaction.person.id, why, then)

    @cached_property
    def _permalink(self) -> Callable[[Place], str]:
        return lru_cache(MOST_LINKS)(self.ports.messenger.permalink)

    @cached_property
    def summary(self) -> SharedSummary:
        """How the pipeline is."""
        return SharedSummary(self.ports)

    @cached_property
    def app_home(self) -> HomeViews:
        """Who has opened App Home lately."""
        return HomeViews(self.ports.clock.monotonic)

    @cached_property
    def home(self) -> HomeTeam:
        """Whose members may ask; operators are some of them."""
        return HomeTeam(self.client)


def _result(flight: "Future[T]") -> T:
    """What was found. An error that many share is raised by each with its own way to here, not with that of all."""
    if error := flight.exception():
        raise error.with_traceback(None)
    return flight.result()


def _reference(error: BaseException, new: str = "") -> str:
    """By which the log finds it, the same for everybody who shares it: the `new` one of whoever comes first."""
    return str(vars(error).setdefault(REFERENCE, new or uuid.uuid4().hex[:8]))


def _say_busy(_context: Context, _interaction: Interaction) -> None:
    raise TemporaryError(f"{MOST_PER_PERSON} of your requests are in progress. Try again once they are answered.")


def _say_restarting(_context: Context, _interaction: Interaction) -> None:
    raise TemporaryError("Sync Health is restarting, so nothing was done. Try again in a minute.")
