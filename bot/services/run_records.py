"""The records of a run as Census shows them, and one of them by its identifier."""

from collections.abc import Sequence

from bot.alerts.rejections import Rejection
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Run
from bot.ports import Census

READ = 1000  # records of a run that are looked through for one: ten pages
MOST = 2000  # …of all runs of a sync
RUNS = 3  # of a sync that are looked through for the one that wrote it


def records_of(census: Census, run: Run, status: str, count: int | None, *, most: int) -> list[Rejection]:
    """The first of those that it counts; none where Census does not show them yet, or no more."""
    try:
        return census.records(run.id, status, most=most) if count != 0 else []
    except NotFoundError:
        return []


def _unseen(records: Sequence[Rejection], count: int) -> int:
    """How many records of a run nobody can look for: without an identifier, or counted and not shown."""
    return sum(not one.identifier for one in records) + max(count - len(records), 0)


class RecordSearch:
    """Looks for one record among those of runs, in a bounded number of calls; `remarks` say what was not looked at."""

    def __init__(self, census: Census, key: str) -> None:
        self._census, self._key, self._left = census, key, MOST
        self.rejected: list[Rejection] = []
        self.remarks: list[str] = []
        self.looked = 0  # runs, the newest, that are known to have written it or not

    def lost_in(self, run: Run) -> Rejection | None:
        """What became of it in this run, where that could not write it."""
        if found := self._find(run, "rejected", run.records_failed):
            self.rejected.append(found)
            return found
        return self._find(run, "invalid", run.records_invalid)

    def written_in(self, runs: Sequence[Run]) -> Run | None:
        """The newest of some runs that wrote it."""
        some = [run for run in runs if run.records_updated != 0][: RUNS + 1]
        self.looked = runs.index(some.pop()) if len(some) > RUNS else len(runs)
        return next((run for run in some if self._find(run, "succeeded", run.records_updated)), None)

    def _find(self, run: Run, status: str, count: int | None) -> Rejection | None:
        most = min(READ, self._left)
        if count == 0 or most <= 0:
            return None
        try:
            records = records_of(self._census, run, status, count, most=most)
        except SyncHealthError as error:
            self.remarks.append(f"The {status} records of run {run.id} could not be read: {error}")
            return None
        self._left -= max(len(records), 1)
        found = next((one for one in records if one.identifier == self._key), None)
        if not records and count:
            self.remarks.append(f"Census shows no {status} records of run {run.id} yet, or no longer keeps them")
        elif found is None and len(records) >= most:
            self.remarks.append(f"Not among the first {most:,} {status} records of run {run.id}")
        elif found is None and (unseen := _unseen(records, count or 0)):
            self.remarks.append(f"Census does not identify {unseen:,} of the {status} records of run {run.id}")
        return found
