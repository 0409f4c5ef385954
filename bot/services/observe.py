"""Observe mode: alerts and answers, and no change to Census or the warehouse."""

from bot.config.settings import REFUSES_CHANGES, Settings
from bot.errors import RefusedError


def require_act_mode(settings: Settings) -> None:
    """Let pass what changes something outside of the bot. Raises RefusedError in observe mode."""
    if settings.observes:
        raise RefusedError(REFUSES_CHANGES)
