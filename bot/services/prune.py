"""Retention: old evaluations and counts of statements are deleted; incidents, actions and the audit are kept."""

from collections.abc import Callable
from datetime import timedelta

from bot.model import KEPT_DAYS
from bot.ports import Ports, Records

KEPT = timedelta(days=KEPT_DAYS)
KEPT_EACH = timedelta(days=30)  # of older ones the first of each hour
BATCH = 200  # evaluations per transaction: others get their turn in between


def prune(ports: Ports) -> int:
    """Thin out what is older than a month, delete what is older than three; returns how many evaluations went."""
    now = ports.clock.now()
    with ports.store.transaction() as records:
        records.prune_usage(now - KEPT, (now - KEPT).astimezone(ports.settings.zone).date())
    thinned = _in_batches(ports, lambda records: records.prune_evaluations(now - KEPT_EACH, BATCH, keep_hourly=True))
    return thinned + _in_batches(ports, lambda records: records.prune_evaluations(now - KEPT, BATCH, keep_hourly=False))


def _in_batches(ports: Ports, step: Callable[[Records], int]) -> int:
    pruned = 0
    while True:
        with ports.store.transaction() as records:
            batch = step(records)
        pruned += batch
        if batch < BATCH:
            return pruned
