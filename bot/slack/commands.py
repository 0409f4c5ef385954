"""Handlers of the commands behind /sync-health."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.answers.health import Summary
from bot.answers.history import Snapshot
from bot.config.syncs import SyncSettings
from bot.errors import RefusedError, StateError, SyncHealthError
from bot.messages.audit import audit_message
from bot.messages.blocks import Message
from bot.messages.incident_markdown import markdown_message
from bot.messages.incidents import MOST, incident_message, incidents_message
from bot.messages.maintenance import maintenance_begun
from bot.messages.native import MOST_ROWS
from bot.messages.plain import note, taken_over, unacknowledged
from bot.messages.snapshot import snapshot_message
from bot.messages.summary import summary_message
from bot.messages.syncs import schedules_message
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.shared_answers import Answer
from bot.services.show_audit import days_meant, show_audit
from bot.services.show_incident import incident_meant, show_incidents
from bot.services.show_post_mortem import show_post_mortem
from bot.services.show_syncs import show_schedules
from bot.services.take_snapshot import take_snapshot
from bot.slack.by_hand import snooze_thread
from bot.slack.context import COMMAND, Context, Show, Work
from bot.slack.interaction import Interaction, option
from bot.slack.named_sync import sync_meant

T = TypeVar("T")
RECENT = 60.0  # real seconds: numbers younger than this are not measured again because somebody asks
AS_MARKDOWN = option("markdown")
PATIENCE = 0.7  # real seconds to wait for fresh numbers before showing the last ones


def summary(context: Context, interaction: Interaction) -> None:
    """The health summary: the last values at once when they are recent, else fresh ones."""
    shown = summarised(context, interaction.arrived)
    if shown.evaluation:
        measured_at = shown.evaluation.warehouse_at or shown.evaluation.checked_at
        age = (context.ports.clock.now() - measured_at).total_seconds() / context.ports.clock.speed
        if 0 <= age < RECENT:  # below: measured before the clock was set back
            context.answer(interaction, summary_message(shown, context.ports.settings.zone))
            return
    fresh_summary(context, interaction, replace=False)


def fresh_summary(context: Context, interaction: Interaction, *, replace: bool) -> None:
    """Measure, then show; what is known already meanwhile, when measuring takes long."""
    flight, mine = context.checker.begin(asked=interaction.arrived)
    wait([flight], PATIENCE if mine else 0)
    if not flight.done():
        _show_summary(context, interaction, replace=replace, measuring=True)
    context.follow(interaction, flight, partial(_show_evaluated, replace=replace))


def _show_evaluated(context: Context, interaction: Interaction, flight: "Future[Evaluation]", *, replace: bool) -> None:
    """What was measured; where that failed why, above the numbers of before."""
    why = why_failed(context, interaction, flight)
    _show_summary(context, interaction, replace=replace, failed=why)
    if why and (error := flight.exception()):
        context.audit(interaction, error)


def why_failed(context: Context, interaction: Interaction, flight: "Future[Evaluation]") -> str | None:
    """Why an evaluation failed, in words; None where it did not, or where the summary says so in any case."""
    error = flight.exception()
    if isinstance(error, StateError):
        context.checker.state.failed(error)
        return None
    why = context.explain(interaction, error) if error else None
    return (
        why if error is None or isinstance(error, SyncHealthError) else f"unexpected error, reference {why} in the log"
    )


def summarised(context: Context, asked: float, *, measuring: bool = False, failed: str | None = None) -> Summary:
    """What was known at `asked` (monotonic) or later, also where nothing can be stored or even read."""
    try:
        shown = context.summary.since(asked, measuring=measuring)
    except StateError as error:
        context.checker.state.failed(error)
        shown = Summary(context.ports.settings.pipeline, None)
    outage, others = context.checker.state.outage, context.connection.others
    return dataclasses.replace(shown, state_outage=outage, other_connections=others, failed=failed)


def shown_as_of(render: Callable[[T, ZoneInfo, datetime], Message]) -> "Show[Answer[T]]":
    """What was found, and when it was asked for."""

    def show(context: Context, interaction: Interaction, found: Answer[T]) -> None:
        context.answer(interaction, render(found.value, context.ports.settings.zone, found.as_of))

    return show


def about_syncs(
    word: str, find: Callable[[Ports, SyncSettings | None], T], render: Callable[[T, ZoneInfo, datetime], Message]
) -> Work:
    """A question about the sync that is named behind the command, or about all."""
    show = shown_as_of(render)

    def ask(context: Context, interaction: Interaction) -> None:
        sync = sync_meant(context, interaction)
        context.ask(interaction, (word, sync.id if sync else None), partial(find, context.ports, sync), show)

    return ask


def schedules(context: Context, interaction: Interaction) -> None:
    """When Census runs what."""
    show = shown_as_of(schedules_message)
    context.ask(interaction, "schedules", partial(show_schedules, context.ports), show)


def incidents(context: Context, interaction: Interaction) -> None:
    """What is open, each with the way to its thread."""
    count, oldest, roots = show_incidents(context.ports, MOST)
    zone = context.ports.settings.zone
    context.answer(interaction, incidents_message(count, oldest, context.links_to(roots), zone))


def incident(context: Context, interaction: Interaction) -> None:
    """All that is known of one, as from the menu of an alert, or as Markdown."""
    number, *options = interaction.value.split() or [""]
    if not number or number in AS_MARKDOWN:
        raise RefusedError(
            f"Which one? Write {COMMAND} incident and its number; {COMMAND} incidents lists the open ones."
        )
    if unknown := [option for option in options if option.lower() not in AS_MARKDOWN]:
        raise RefusedError(f"Unknown option “{unknown[0][:20]}”. Write {COMMAND} incident {number[:20]} --markdown.")
    ports = context.ports
    found = show_post_mortem(ports.store, ports.clock.now(), number)
    context.answer(interaction, (markdown_message if options else incident_message)(found, ports.settings))


def ack(context: Context, interaction: Interaction) -> None:
    """The Acknowledge button, typed; also in place of somebody else."""
    by = context.authorise(interaction)
    meant = incident_meant(context.ports, interaction.value)
    context.answer(interaction, taken_over(acknowledge(context.ports, meant.id, by.id, team=by.team)))


def unack(context: Context, interaction: Interaction) -> None:
    """Give an acknowledgment back."""
    by, meant = context.authorise(interaction), incident_meant(context.ports, interaction.value)
    freed = unacknowledge(context.ports, meant.id, by.id, team=by.team)
    context.answer(interaction, unacknowledged(freed, by.id))


def quiet(context: Context, interaction: Interaction) -> None:
    """No reminders for a while, said publicly."""
    context.authorise(interaction)
    words = interaction.value.split()
    if words and words[0].lower() == "all":
        _maintenance(context, interaction, words[1:])
        return
    if not 1 <= len(words) <= 2:
        raise RefusedError(f"Write the incident's number and for how long, such as {COMMAND} snooze 7 2h.")
    meant = incident_meant(context.ports, words[0] if len(words) == 2 else "")
    snooze_thread(context, interaction, meant.id, words[-1])


def _maintenance(context: Context, interaction: Interaction, words: list[str]) -> None:
    """Begin, prolong or end a maintenance window."""
    by = interaction.person
    if [word.lower() for word in words] == ["end"]:
        end_maintenance(context.ports, by.id, team=by.team)
        context.answer(interaction, note("The maintenance window has ended; its summary goes to the channel."))
        return
    if len(words) < 2:
        example = f"{COMMAND} snooze all 2h loading old records"
        raise RefusedError(f"Write for how long and why, such as {example}. {COMMAND} snooze all end ends it.")
    window = begin_maintenance(context.ports, words[0], " ".join(words[1:]), by.id, team=by.team)
    context.answer(interaction, maintenance_begun(window, context.ports.settings.zone, COMMAND))


def snapshot(context: Context, interaction: Interaction) -> None:
    """A row for the audit log, typed or pressed."""
    by = context.authorise(interaction)
    take = partial(take_snapshot, context.ports, by.id, team=by.team)
    context.ask(interaction, object(), take, _show_snapshot)


def _show_snapshot(context: Context, interaction: Interaction, taken: Answer[Snapshot]) -> None:
    context.answer(interaction, snapshot_message(taken.value, context.ports.settings))


def audit(context: Context, interaction: Interaction) -> None:
    """Who did what."""
    ports, span = context.ports, days_meant(interaction.value)
    found = show_audit(ports.store, ports.clock.now() - span, most=MOST_ROWS)
    context.answer(interaction, audit_message(found, ports.settings.zone))


def _show_summary(
    context: Context,
    interaction: Interaction,
    *,
    replace: bool,
    measuring: bool = False,
    failed: str | None = None,
) -> None:
    shown = summarised(
        context, interaction.arrived if measuring else context.checker.ended, measuring=measuring, failed=failed
    )
    context.answer(interaction, summary_message(shown, context.ports.settings.zone), replace=replace)
