"""Handlers of buttons and submitted dialogs."""

from collections.abc import Callable
from functools import partial

from bot.alerts.attention import acknowledged_again
from bot.alerts.model import Action
from bot.answers import RerunFacts
from bot.errors import SyncHealthError
from bot.messages.incidents import incident_message
from bot.messages.plain import already_acknowledged, snooze_answer, still_acknowledged, taken_over
from bot.messages.rerun import REASON, read_consent, rerun_answer, rerun_modal
from bot.messages.summary import summary_message
from bot.services.acknowledge import AcknowledgedError, acknowledge
from bot.services.authorise import incident_for, incident_to_change, thread_for
from bot.services.rerun_sync import FactsChangedError, rerun_facts, rerun_sync
from bot.services.shared_answers import Answer
from bot.services.show_incident import incident_meant, show_incident
from bot.services.snooze import snooze
from bot.slack.commands import fresh_summary, summarised
from bot.slack.context import Context
from bot.slack.interaction import Interaction
from bot.transport.slack_api import call


def refresh(context: Context, interaction: Interaction) -> None:
    """Measure now and show it in the same message."""
    fresh_summary(context, interaction, replace=True)


def share(context: Context, interaction: Interaction) -> None:
    """The last numbers, for the whole channel."""
    shown = summary_message(
        summarised(context, interaction.arrived), context.ports.settings.zone, shared_by=interaction.person.id
    )
    context.answer(interaction, shown, to_all=True)


def acknowledge_thread(context: Context, interaction: Interaction) -> None:
    """Acknowledge what is open in the thread; the root says so. What others have acknowledged can be taken over."""
    context.authorise(interaction)
    incident_id = thread_for(context.ports, interaction.value, channel=interaction.channel, ts=interaction.message_ts)
    try:
        mine = acknowledge(context.ports, incident_id, interaction.person.id, take_over=False)
    except AcknowledgedError as refusal:
        context.answer(interaction, already_acknowledged(refusal.people, incident_id))
        context.audit(interaction, refusal)
        return
    if acknowledged_again(mine):  # no message in the channel shows it
        context.answer(interaction, still_acknowledged(mine, context.ports.settings.zone))


def take_over(context: Context, interaction: Interaction) -> None:
    """Acknowledge in place of somebody else, from the answer that offers it."""
    context.authorise(interaction)
    incident = incident_meant(context.ports, interaction.value)
    context.answer(
        interaction, taken_over(acknowledge(context.ports, incident.id, interaction.person.id)), replace=True
    )


def snooze_thread(context: Context, interaction: Interaction) -> None:
    """Snooze what is open in the thread, for as long as the chosen entry of the menu says."""
    context.authorise(interaction)
    about, _, span = interaction.value.partition(" ")
    incident_id = thread_for(context.ports, about, channel=interaction.channel, ts=interaction.message_ts)
    context.answer(interaction, snooze_answer(snooze(context.ports, incident_id, span, interaction.person.id), span))


def timeline(context: Context, interaction: Interaction) -> None:
    """What happened to the incident, for the one who pressed; a shared channel has people of other workspaces."""
    context.require_member(interaction)
    incident_id = thread_for(context.ports, interaction.value, channel=interaction.channel, ts=interaction.message_ts)
    found, actions = show_incident(context.ports, str(incident_id))
    context.answer(interaction, incident_message(found, actions, context.ports.settings.zone))


def rerun(context: Context, interaction: Interaction) -> None:
    """Fill the dialog with the facts, asked for now or found by a question that is in flight, never kept ones."""
    context.authorise(interaction)
    incident = incident_for(context.ports, interaction.value, channel=interaction.channel, ts=interaction.message_ts)
    context.ask(interaction, ("rerun", incident.id), partial(rerun_facts, context.ports, incident), _show_facts, keep=0)


def _show_facts(context: Context, interaction: Interaction, facts: Answer[RerunFacts]) -> None:
    context.show(interaction, rerun_modal(facts.value, context.ports.settings.zone))


def rerun_confirmed(context: Context, interaction: Interaction) -> None:
    """Run what was shown, and report it in the thread; what has changed for the worse is shown again instead."""
    context.authorise(interaction)
    consent = read_consent(interaction.value)
    incident = incident_to_change(context.ports, str(consent.incident_id))
    reason = (interaction.fields or {}).get(REASON, "")
    confirm = partial(rerun_sync, context.ports, incident, consent, interaction.person.id, reason)
    each = object()  # submission is a question of its own
    context.ask(interaction, each, partial(_rerun_if_unchanged, context, confirm), _show_outcome)


def _rerun_if_unchanged(context: Context, confirm: Callable[[], Action]) -> Action | FactsChangedError:
    try:
        return confirm()
    except FactsChangedError as changed:
        return changed
    finally:
        context.shared.forget()  # whatever came of it: what was asked before may be from before the run


def _show_outcome(context: Context, interaction: Interaction, found: Answer[Action | FactsChangedError]) -> None:
    """An answer to each submission: the thread's report is for everybody, and may come later."""
    changed = found.value
    if isinstance(changed, Action):
        context.answer(interaction, rerun_answer(changed))
        return
    view = rerun_modal(changed.facts, context.ports.settings.zone, changed.changes)
    try:
        call(context.client.views_open, trigger_id=interaction.trigger_id, view=view)
    except SyncHealthError:  # its three seconds are over: an answer says what to do
        raise changed from None
    context.audit(interaction, changed)
