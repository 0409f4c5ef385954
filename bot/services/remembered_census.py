"""Census for evaluations of many syncs: their list once, and the runs of those alone that may have new ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerts.due import cron_in
from bot.alerts.schedule import next_time
from bot.errors import SyncHealthError
from bot.facts import Run, Sync
from bot.ports import Census, Clock

MANY = 5  # syncs; fewer are asked one by one at each tick, which costs no more than their list
ASK_AGAIN = timedelta(
    minutes=9
)  # at the latest: with a tick it is seen within a quarter of an hour what nothing foretold
SETTLED = timedelta(minutes=5)  # after the end of a run Census still counts
LATE_START = timedelta(minutes=5)  # from the minute in which a run is due until Census shows it


@dataclass(frozen=True)
class Kept:
    """The runs of a sync as they were, newest first."""

    runs: Sequence[Run]
    most: int
    at: datetime
    updated_at: datetime | None  # the sync's, then


class RememberedCensus:
    """What an evaluation asks of Census. `begin` comes before each; threads may share it meanwhile."""

    def __init__(self, census: Census, clock: Clock) -> None:
        self._census, self._clock = census, clock
        self._listed: Mapping[int, Sync] = {}
        self._kept: dict[int, Kept] = {}
        self._fresh = True

    def begin(self, syncs: Collection[int], *, fresh: bool) -> None:
        """An evaluation of these syncs begins; a `fresh` one reads the runs of all."""
        self._fresh = fresh or len(syncs) <= MANY
        self._listed = {}
        if len(syncs) > MANY:
            try:
                self._listed = {sync.id: sync for sync in self._census.syncs()}
            except SyncHealthError:  # then each is asked by itself, and says why it cannot be
                self._listed = {}

    def sync(self, sync_id: int) -> Sync:
        """From the list, else by itself."""
        return self._listed.get(sync_id) or self._census.sync(sync_id)

    def runs(self, sync_id: int, *, most: int = 25) -> Sequence[Run]:
        """Those of before, where nothing says that there are others."""
        kept, sync = self._kept.get(sync_id), self._listed.get(sync_id)
        if kept and sync and not self._fresh and kept.most >= most and not self._may_have_new(sync, kept):
            return kept.runs[:most]
        at = self._clock.now()
        runs = self._census.runs(sync_id, most=most)
        self._kept[sync_id] = Kept(runs, most, at, sync.updated_at if sync else None)
        return runs

    def _may_have_new(self, sync: Sync, kept: Kept) -> bool:
        """Whether a run was in progress or just over, was due, cannot be foreseen, or Census has touched the sync."""
        now = self._clock.now()
        if not timedelta(0) <= now - kept.at < ASK_AGAIN or sync.updated_at != kept.updated_at:
            return True
        if any(
            run.is_going_on(now) or (run.completed_at and kept.at - run.completed_at < SETTLED) for run in kept.runs
        ):
            return True
        cron = cron_in(sync.schedule)
        due = next_time(cron, kept.at - LATE_START) if cron else None
        return cron is None or due is None or due <= now
