"""The sync that somebody means by a word."""

from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import RefusedError
from checks.numbers import listed

MOST_SYNCS = 20  # that a refusal names


def sync_named(settings: Settings, word: str) -> SyncSettings:
    """The sync of this name, short name, role or id. Raises RefusedError with those there are."""
    if found := settings.sync_called(word):
        return found
    known = [sync.label for sync in settings.syncs]
    raise RefusedError(f"Unknown sync “{word[:40]}”. Syncs: {listed(known, MOST_SYNCS)}.")
