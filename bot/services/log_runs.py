"""Completed Census runs become rows of the audit log, each once, while the warehouse is running anyway."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bot.alerts.model import ITSELF, Action
from bot.config.syncs import SyncSettings
from bot.errors import SyncHealthError
from bot.facts import LONGEST_RUN, Run
from bot.ports import AWAKE, Ports
from bot.services.census_numbers import error_rate

RUN_LOG = "log_runs/"  # …and for how many rows: the name of a statement
SETTLED = timedelta(minutes=5)  # after its end: Census goes on counting for two to four minutes
FIRST = timedelta(days=1)  # how far back the first row goes
EVERY = timedelta(minutes=3)
AFTER_A_FAILURE = timedelta(minutes=15)  # …and at the latest for a sync that always runs
LARGEST = 2**31 - 1  # of the INT columns of the audit log
TOGETHER = 20  # rows of a statement: each brings eleven parameters, and Databricks takes 255


class RunLog:
    """Which runs are in the audit log, as far as the state knows; the statement bears to be run twice."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._not_before: datetime | None = None

    def write(self) -> int:
        """Write what is due; how many rows. Raises like Census and the warehouse, and then waits a while."""
        now = self._ports.clock.now()
        waits = self._not_before is not None and now < self._not_before <= now + AFTER_A_FAILURE
        settings = self._ports.settings
        if waits or settings.deploy_to is None or settings.observes:
            return 0
        self._not_before = now + EVERY
        try:
            return self._write_due(now)
        except SyncHealthError:
            self._not_before = now + AFTER_A_FAILURE
            raise

    def _write_due(self, now: datetime) -> int:
        until = now - SETTLED
        with self._ports.store.snapshot() as records:
            last, logged = records.latest_evaluation(), records.logged_until()
        ended = {one.name: one.last_sync.completed_at for one in last.syncs if one.last_sync} if last else {}
        due = []
        for sync in self._ports.settings.syncs:
            since, completed = logged.get(sync.id, now - FIRST), ended.get(sync.name)
            overdue = since < until - AFTER_A_FAILURE  # the last run of a sync that always runs is never old
            if completed and since < completed and (completed <= until or overdue):
                due.append((sync, since))
        if not due or self._ports.warehouse.state() not in AWAKE:
            return 0
        found = [(sync, run) for sync, since in due for run in self._completed(sync, since, until)]
        for begin in range(0, len(found), TOGETHER):
            some = found[begin : begin + TOGETHER]
            with self._ports.store.snapshot() as records:
                started = records.reruns_of([run.id for _, run in some])
            self._ports.warehouse.do(f"{RUN_LOG}{len(some)}", **_parameters(some, started))
            self._remember(some)
        return len(found)

    def _completed(self, sync: SyncSettings, since: datetime, until: datetime) -> Iterator[Run]:
        """The oldest first, so that what was written is always what came before the rest."""
        for run in reversed(self._ports.census.runs_since(sync.id, since - LONGEST_RUN)):
            if run.counts_as_sync and run.completed_at and since < run.completed_at <= until:
                yield run

    def _remember(self, written: Sequence[tuple[SyncSettings, Run]]) -> None:
        with self._ports.store.transaction() as records:
            for sync, run in written:
                if run.completed_at:
                    records.note_logged(sync.id, run.completed_at)


def _parameters(rows: Sequence[tuple[SyncSettings, Run]], started: Mapping[int, Action]) -> Mapping[str, object]:
    said = [_row(sync, run, started.get(run.id)) for sync, run in rows]
    return {f"{name}_{n}": value for n, row in enumerate(said) for name, value in row.items()}


def _row(sync: SyncSettings, run: Run, rerun: Action | None) -> Mapping[str, object]:
    """What the audit log says of a run, and of the rerun that started it. Counts that Census does not give are NULL."""
    lost = None if run.records_failed is None else run.records_failed + (run.records_invalid or 0)
    return {
        "audit_id": f"census_run_{run.id}",
        "sync_name": sync.label,
        "sync_type": (sync.role or sync.name).upper(),
        "completed_at": run.completed_at,
        "processed": _count(None if lost is None or run.records_updated is None else run.records_updated + lost),
        "succeeded": _count(run.records_updated),
        "failed": _count(lost),
        "error_rate": error_rate(run),
        "executed_by": _starter(rerun) if rerun else f"Census ({run.trigger or 'unknown'})",
        "notes": None,  # dashboards of the team read numbers in them
        "census_sync_id": sync.id,
    }


def _starter(rerun: Action) -> str:
    """`Sync Health (U012ABCDEF)`: who asked for it."""
    return f"Sync Health ({'automatic' if rerun.by == ITSELF else rerun.by})"


def _count(records: int | None) -> int | None:
    """A number that the column can hold; one row that it cannot would keep all others out."""
    return records if records is not None and records <= LARGEST else None
