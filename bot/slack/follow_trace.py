"""Follows a record on timers and tells the one who asked: that it has arrived, what shows it, or that it has not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bot.alerts.trace import Standing
from bot.answers.trace import Arrival, LogLook
from bot.errors import RefusedError
from bot.facts import Run
from bot.messages.follow_trace import (
    arrival_message,
    audit_row_message,
    following_message,
    named,
    not_arrived_message,
    not_followed_message,
)
from bot.messages.plain import note
from bot.services.follow_trace import (
    LATE,
    STARTS,
    Followed,
    arrival,
    begin_following,
    follow_on,
    is_logged,
    logged_run,
)
from bot.services.shared_answers import Answer
from bot.services.show_trace import id_meant, require_trace
from bot.slack.context import Context, Show, Work
from bot.slack.follows import MOST
from bot.slack.interaction import Interaction
from checks.numbers import duration

T = TypeVar("T")
LOOK, LOOK_FOR_ROW = timedelta(seconds=30), timedelta(minutes=2)  # of the pipeline's time, between two looks
SHORTEST = 1.0  # real seconds between two
ENDED = {Standing.STOPPED: "it goes no further", Standing.UNKNOWN: "where it is is unknown"}
RESTART = "Following {} ended: Sync Health is restarting. Follow it again in a minute."


def follow_record(context: Context, interaction: Interaction) -> None:
    """Follow the record of this id until it has arrived, in a bounded time."""
    ports = context.ports
    require_trace(ports.settings)
    one = id_meant(interaction.value)
    context.ask(interaction, object(), partial(begin_following, ports, ports.census, one, ports.store), _show_beginning)


def _show_beginning(context: Context, interaction: Interaction, found: Answer[Followed]) -> None:
    followed = found.value
    trace, person, settings = followed.trace, interaction.person.id, context.ports.settings
    if not followed.goes_on:  # it is there, or goes no further: nothing to wait for
        context.answer(interaction, not_followed_message(trace, settings))
        return
    if not context.follows.begin(person, trace.followed_by, followed.until + LATE + STARTS, found.as_of):
        raise RefusedError(f"You follow {MOST} records already, or this one. The outcome comes here.")
    _Following(partial(context.follows.end, person, trace.followed_by)).begin(context, interaction, followed)


@dataclass(frozen=True)
class _Following:
    """The steps of one; what fails in a step in a way that nobody foresaw ends it, as its last step does."""

    end: Callable[[], None]

    def begin(self, context: Context, interaction: Interaction, followed: Followed) -> None:
        """Say that it begins, and look in a while."""
        with self._ends_with_a_fault():
            said = following_message(followed.trace, followed.until, context.ports.settings)
            context.answer(interaction, said)
            self._look_later(context, interaction, followed)

    def _look_later(self, context: Context, interaction: Interaction, followed: Followed) -> None:
        """The next look, after a while; no worker waits for it."""
        ports, show = context.ports, partial(self._show_look, before=followed)
        find = partial(follow_on, ports, ports.census, followed, ports.store)
        _after(context, interaction, LOOK, self._question(find, show), named(followed.trace, ports.settings, "this"))

    def _show_look(
        self, context: Context, interaction: Interaction, found: Answer[Followed], *, before: Followed
    ) -> None:
        followed, settings = found.value, context.ports.settings
        verdict = followed.trace.verdict
        if verdict.standing is Standing.ARRIVED and (not followed.goes_on or found.as_of >= followed.until):
            ports = context.ports
            self._question(partial(arrival, ports, ports.census, followed), self._show_arrival)(context, interaction)
        elif not followed.goes_on or found.as_of >= followed.until:
            took = duration(found.as_of - followed.began_at)
            why = f"not arrived after {took}" if followed.goes_on else ENDED.get(verdict.standing, "")
            self.end()
            context.answer(interaction, not_arrived_message(followed.trace, settings, why))
        else:
            was = before.trace.verdict
            if (verdict.standing, verdict.place) != (was.standing, was.place):
                said = following_message(followed.trace, followed.until, settings, followed.trouble)
                context.answer(interaction, said)
            self._look_later(context, interaction, followed)

    def _show_arrival(self, context: Context, interaction: Interaction, found: Answer[Arrival]) -> None:
        arrived, settings = found.value, context.ports.settings
        waits = arrived.run is not None and is_logged(context.ports)
        context.answer(interaction, arrival_message(arrived, settings, logs=waits))
        if arrived.run and waits:
            ended = min(arrived.run.completed_at or found.as_of, found.as_of)
            self._await_row(context, interaction, arrived, arrived.run, ended + LATE)
        else:
            self.end()

    def _await_row(
        self, context: Context, interaction: Interaction, arrived: Arrival, run: Run, until: datetime
    ) -> None:
        """The row of the run in the audit log comes some minutes later."""
        find = partial(logged_run, context.ports, run, until)

        def show(again: Context, pressed: Interaction, found: Answer[LogLook]) -> None:
            if found.value.row is None and not found.value.last:
                self._await_row(again, pressed, arrived, run, until)
                return
            self.end()
            again.answer(pressed, audit_row_message(arrived, found.value, again.ports.settings, LATE))

        what = named(arrived.trace, context.ports.settings, "this")
        _after(context, interaction, LOOK_FOR_ROW, self._question(find, show), what)

    def _question(self, find: Callable[[], T], show: Show[Answer[T]]) -> Work:
        """Ask the sources in a worker, then show what they say."""

        def guarded() -> T:
            with self._ends_with_a_fault():
                return find()

        def guarded_show(context: Context, interaction: Interaction, found: Answer[T]) -> None:
            with self._ends_with_a_fault():
                show(context, interaction, found)

        return lambda context, interaction: context.ask(interaction, object(), guarded, guarded_show)

    @contextmanager
    def _ends_with_a_fault(self) -> Iterator[None]:
        with ExitStack() as undo:
            undo.callback(self.end)
            yield
            undo.pop_all()


def _after(context: Context, interaction: Interaction, pause: timedelta, work: Work, what: str) -> None:
    """Do this after so much of the pipeline's time; where the bot stops meanwhile, say that following has ended."""

    def end(again: Context, pressed: Interaction) -> None:
        again.answer(pressed, note(RESTART.format(what)))

    def act() -> None:
        context.take(interaction, end if context.retries.closed else work, late=end)

    seconds = max(SHORTEST, pause.total_seconds() / context.ports.clock.speed)
    if not context.retries.after(seconds, act):
        end(context, interaction)
