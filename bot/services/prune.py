"""Forget evaluations that nobody looks back at; incidents, actions and the audit are kept."""

from datetime import timedelta

from bot.ports import Ports

KEPT = timedelta(days=90)
BATCH = 200  # evaluations per transaction: others get their turn in between


def prune(ports: Ports) -> int:
    """Delete what is older than that; returns how many evaluations."""
    before, pruned = ports.clock.now() - KEPT, 0
    while True:
        with ports.store.transaction() as records:
            batch = records.prune_evaluations(before, BATCH)
        pruned += batch
        if batch < BATCH:
            return pruned
