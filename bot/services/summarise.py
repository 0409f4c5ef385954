"""How the pipeline is, from the last look."""

from bot.answers import Summary
from bot.ports import Ports


def summarise(ports: Ports, *, measuring: bool = False) -> Summary:
    """The last evaluation and what is open; asks nobody, so it answers at once."""
    with ports.store.snapshot() as records:
        return Summary(
            pipeline=ports.settings.pipeline,
            evaluation=records.latest_evaluation(),
            incidents=tuple(records.open_incidents()),
            maintenance=records.maintenance(),
            undelivered=records.undelivered(),
            unscheduled=records.watch().error,
            measuring=measuring,
        )
