"""Handler of `/sync-health runbook` and of the button View runbook."""

from bot.messages.runbook import runbook_message, topics_message
from bot.services.show_runbook import incident_named, show_runbook, topics
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def runbook(context: Context, interaction: Interaction) -> None:
    """A section of the runbook by its topic or by an incident's number; without one, the topics."""
    settings, topic = context.ports.settings, interaction.value.strip()
    if not topic:
        context.answer(interaction, topics_message(topics(settings)))
        return
    page = show_runbook(settings, topic, incident_named(context.ports, topic))
    context.answer(interaction, runbook_message(page, settings))
