"""Outages of the Slack connection, kept for the daily summary."""

from bot.model import Outage
from bot.ports import Ports


def note_outage(ports: Ports, outage: Outage) -> None:
    """Write down one that is over."""
    with ports.store.transaction() as records:
        records.note_outage(outage)
