"""The patience of Slack and of the bot: as shipped a bound of real time, which a loaded machine breaks."""

from typing import Any

from bot.adapters.census.client import CensusClient
from bot.demo.slack import modals, sockets
from bot.transport import slack_api

LONG = 60.0  # real seconds


def be_patient() -> None:
    """Wait for what comes; a test of what does not come says how long itself."""
    modals.TRIGGER_SECONDS = sockets.ACK_SECONDS = LONG
    slack_api.TIMEOUT, slack_api.WHOLE = int(LONG), 2 * LONG
    census: Any = CensusClient.__init__
    census.__kwdefaults__ |= {"timeout": (LONG, LONG)}
