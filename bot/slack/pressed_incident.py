"""The incident that a button is about: by our record of the message, the dialog or the App Home that it stands in."""

from bot.services.authorise import incident_in_home, incident_of_dialog, thread_for
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def pressed_about(context: Context, interaction: Interaction, value: str | None = None) -> int:
    """Its id; `value` where the button's own says more than that. Raises RefusedError for one that was never ours."""
    about = interaction.value if value is None else value
    if interaction.metadata is not None:
        return incident_of_dialog(context.ports, interaction.metadata, about)
    if interaction.home is not None:
        return incident_in_home(context.ports, about)
    return thread_for(context.ports, about, channel=interaction.channel, ts=interaction.message_ts)
