"""The sync that somebody names behind a command."""

from bot.config.syncs import SyncSettings
from bot.services.named_sync import sync_named
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def sync_meant(context: Context, interaction: Interaction) -> SyncSettings | None:
    """The sync that is named behind the command; None where none is. Raises RefusedError with those there are."""
    return sync_named(context.ports.settings, interaction.value) if interaction.value else None
