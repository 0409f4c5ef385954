"""Handlers of buttons on alerts and answers."""

from bot.alerts.attention import acknowledged_again
from bot.messages.plain import already_acknowledged, still_acknowledged, taken_over
from bot.messages.summary import summary_message
from bot.services.acknowledge import AcknowledgedError, acknowledge
from bot.services.authorise import incident_of_dialog
from bot.services.show_incident import incident_meant
from bot.slack.commands import fresh_summary, summarised
from bot.slack.context import Context
from bot.slack.interaction import Interaction
from bot.slack.pressed_incident import pressed_about


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
    by = context.authorise(interaction)
    incident_id = pressed_about(context, interaction)
    try:
        mine = acknowledge(context.ports, incident_id, by.id, take_over=False, team=by.team)
    except AcknowledgedError as refusal:
        context.answer(interaction, already_acknowledged(refusal.people, incident_id))
        context.audit(interaction, refusal)
        return
    if acknowledged_again(mine):  # no message in the channel shows it
        context.answer(interaction, still_acknowledged(mine, context.ports.settings.zone))


def take_over(context: Context, interaction: Interaction) -> None:
    """Acknowledge in place of somebody else, from the answer or the dialog that offers it."""
    by, about = context.authorise(interaction), interaction.value
    if interaction.metadata is not None:
        about = str(incident_of_dialog(context.ports, interaction.metadata, about))
    incident = incident_meant(context.ports, about)
    mine = acknowledge(context.ports, incident.id, by.id, team=by.team)
    context.answer(interaction, taken_over(mine), replace=True)
