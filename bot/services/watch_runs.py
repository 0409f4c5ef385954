"""Ask Census between two ticks whether a run ended, so that the warehouse is asked while it is still awake."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from bot.alerts.timetable import lies_ahead, warehouse_is_due
from bot.errors import SyncHealthError
from bot.facts import Run, SyncStatus
from bot.model import Evaluation
from bot.ports import Ports
from bot.services.census_numbers import ended_at
from bot.services.remembered_census import MANY

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)  # where no run is going on or due
NEWEST = 5  # runs of a sync that are read
AT_ONCE = 8  # syncs that Census is asked for


class RunWatch:
    """Which runs go on, as far as one process knows; a run that begins unseen is found within a minute."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._next: datetime | None = None  # when Census is asked next

    def has_news(self) -> bool:
        """Whether the warehouse is to be asked now. Census is asked at each call while a run is going on or is due."""
        now = self._ports.clock.now()
        if not self._ports.settings.asks_warehouse or lies_ahead(self._next, now, EVERY):
            return False
        self._next = now + EVERY
        with self._ports.store.snapshot() as records:
            last = records.latest_evaluation()
        if last is None or not last.warehouse_may_be_asked(now):
            return False
        try:
            runs = self._newest_runs(last, now)
        except SyncHealthError as error:
            log.debug("which runs ended is not known: %s", error)  # the next tick says so
            return False
        return self._must_ask(last, runs, now)

    def _must_ask(self, last: Evaluation, runs: list[Run], now: datetime) -> bool:
        going_on = any(run.is_going_on(now) for run in runs)
        begins = [sync.next_run for sync in last.syncs if sync.next_run]
        self._next = now if going_on else min([now + EVERY, *begins])
        floor = self._ports.settings.schedule.idle_floor
        return warehouse_is_due(last.warehouse_at, ended_at(runs), floor, now, going_on=going_on)

    def _newest_runs(self, last: Evaluation, now: datetime) -> list[Run]:
        """Of many syncs only of those that were running, or have been due since."""
        census, syncs = self._ports.census, self._ports.settings.syncs
        if len(syncs) > MANY:
            known = {one.name: one for one in last.syncs}
            syncs = tuple(one for one in syncs if one.name in known and _may_run(known[one.name], now))
        with ThreadPoolExecutor(AT_ONCE, "runs") as pool:
            found = list(pool.map(lambda sync: census.runs(sync.id, most=NEWEST), syncs))
        return [run for newest in found for run in newest]


def _may_run(sync: SyncStatus, now: datetime) -> bool:
    return sync.running is not None or (sync.next_run is not None and sync.next_run <= now)
