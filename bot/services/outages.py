"""Times without a connection to Slack, kept for the daily summary: while they last nobody can be told."""

from bot.model import Outage
from bot.ports import Ports


def note_outage(ports: Ports, outage: Outage) -> None:
    """Write down one that is over."""
    with ports.store.transaction() as records:
        records.note_outage(outage)
