"""Follows a record on timers and tells the one who asked: that it has arrived, what shows it, or that it has not."""

from datetime import datetime, timedelta
from functools import partial

from bot.alerts.trace import Standing
from bot.answers.trace import Arrival, LoggedRun
from bot.errors import RefusedError
from bot.messages.follow_trace import (
    arrival_message,
    audit_row_message,
    following_message,
    named,
    not_arrived_message,
)
from bot.messages.plain import note
from bot.messages.trace import trace_message
from bot.services.follow_trace import (
    LATE,
    Followed,
    arrival,
    begin_following,
    follow_on,
    is_logged,
    logged_run,
)
from bot.services.shared_answers import Answer
from bot.services.show_trace import id_meant, require_trace
from bot.slack.context import Context, Work
from bot.slack.follows import MOST
from bot.slack.interaction import Interaction
from checks.numbers import duration

LOOK, LOOK_FOR_ROW = timedelta(seconds=30), timedelta(minutes=2)  # of the pipeline's time, between two looks
SHORTEST = 1.0  # real seconds between two
ENDED = {Standing.STOPPED: "it goes no further", Standing.UNKNOWN: "where it is is unknown"}
RESTART = "Following {} ended: Sync Health is restarting. Follow it again in a minute."


def follow_record(context: Context, interaction: Interaction) -> None:
    """Follow the record of this id until it has arrived, in a bounded time."""
    ports = context.ports
    require_trace(ports.settings)
    one = id_meant(interaction.value)
    context.ask(interaction, object(), partial(begin_following, ports, ports.census, one), _show_beginning)


def _show_beginning(context: Context, interaction: Interaction, found: Answer[Followed]) -> None:
    followed = found.value
    trace, person, settings = followed.trace, interaction.person.id, context.ports.settings
    if not followed.goes_on:  # it is there, or goes no further: nothing to wait for
        context.answer(interaction, trace_message(trace, settings))
        return
    if not context.follows.begin(person, trace.followed_by, followed.until + LATE, found.as_of):
        raise RefusedError(f"You follow {MOST} records already, or this one. The outcome comes here.")
    context.answer(interaction, following_message(trace, followed.until, settings))
    _follow(context, interaction, followed)


def _follow(context: Context, interaction: Interaction, followed: Followed) -> None:
    """The next look, after a while; no worker waits for it."""
    ports, what = context.ports, named(followed.trace, context.ports.settings, "this")
    find, show = partial(follow_on, ports, ports.census, followed), partial(_show_look, before=followed)

    def look(again: Context, pressed: Interaction) -> None:
        again.ask(pressed, object(), find, show)

    _after(context, interaction, LOOK, look, what)


def _show_look(context: Context, interaction: Interaction, found: Answer[Followed], *, before: Followed) -> None:
    followed, settings = found.value, context.ports.settings
    verdict = followed.trace.verdict
    if verdict.standing is Standing.ARRIVED and (not followed.goes_on or found.as_of >= followed.until):
        ports = context.ports
        context.ask(interaction, object(), partial(arrival, ports, ports.census, followed), _show_arrival)
    elif not followed.goes_on or found.as_of >= followed.until:
        took = duration(found.as_of - followed.began_at)
        why = f"not arrived after {took}" if followed.goes_on else ENDED.get(verdict.standing, "")
        context.follows.end(interaction.person.id, before.trace.followed_by)
        context.answer(interaction, not_arrived_message(followed.trace, settings, why))
    else:
        was = before.trace.verdict
        if (verdict.standing, verdict.place) != (was.standing, was.place):
            context.answer(interaction, following_message(followed.trace, followed.until, settings, followed.trouble))
        _follow(context, interaction, followed)


def _show_arrival(context: Context, interaction: Interaction, found: Answer[Arrival]) -> None:
    arrived, settings = found.value, context.ports.settings
    waits = arrived.run is not None and is_logged(context.ports)
    context.answer(interaction, arrival_message(arrived, settings, logs=waits))
    if arrived.run and waits:
        ended = min(arrived.run.completed_at or found.as_of, found.as_of)
        _await_row(context, interaction, arrived, ended + LATE)
    else:
        context.follows.end(interaction.person.id, arrived.trace.followed_by)


def _await_row(context: Context, interaction: Interaction, arrived: Arrival, until: datetime) -> None:
    """The row of the run in the audit log comes some minutes later."""
    assert arrived.run
    find = partial(logged_run, context.ports, arrived.run)
    show = partial(_show_row, arrived=arrived, until=until)

    def look(again: Context, pressed: Interaction) -> None:
        again.ask(pressed, object(), find, show)

    _after(context, interaction, LOOK_FOR_ROW, look, named(arrived.trace, context.ports.settings, "this"))


def _show_row(
    context: Context, interaction: Interaction, found: Answer[LoggedRun | None], *, arrived: Arrival, until: datetime
) -> None:
    if found.value is None and found.as_of < until:
        _await_row(context, interaction, arrived, until)
        return
    context.follows.end(interaction.person.id, arrived.trace.followed_by)
    context.answer(interaction, audit_row_message(arrived, found.value, context.ports.settings))


def _after(context: Context, interaction: Interaction, pause: timedelta, work: Work, what: str) -> None:
    """Do this after so much of the pipeline's time; where the bot stops meanwhile, say that following has ended."""

    def end(again: Context, pressed: Interaction) -> None:
        again.answer(pressed, note(RESTART.format(what)))

    def act() -> None:
        context.take(interaction, end if context.retries.closed else work, late=end)

    seconds = max(SHORTEST, pause.total_seconds() / context.ports.clock.speed)
    if not context.retries.after(seconds, act):
        end(context, interaction)
