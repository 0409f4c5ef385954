"""The sync that somebody names behind a command."""

from bot.config.syncs import SyncSettings
from bot.errors import RefusedError
from bot.messages.many import MOST as MOST_SYNCS
from bot.slack.context import Context
from bot.slack.interaction import Interaction


def sync_meant(context: Context, interaction: Interaction) -> SyncSettings | None:
    """The sync that is named behind the command; None where none is. Raises RefusedError with those there are."""
    found = context.ports.settings.sync_called(interaction.value) if interaction.value else None
    if interaction.value and found is None:
        known = [sync.label for sync in context.ports.settings.syncs]
        more = f" and {len(known) - MOST_SYNCS:,} more" if len(known) > MOST_SYNCS else ""
        raise RefusedError(f"Unknown sync “{interaction.value[:40]}”. Syncs: {', '.join(known[:MOST_SYNCS])}{more}.")
    return found
