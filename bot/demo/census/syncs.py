"""The syncs of the local Census: they run by schedule or on demand, and really bring rows to a destination."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from bot.errors import SyncHealthError, TemporaryError

QUEUED = timedelta(seconds=3)  # from the order to the first look at the source
SHORTEST = timedelta(seconds=6)  # what a run takes even without rows
BATCH = 10  # rows that are written at once, when it is not the end
STAGGER = timedelta(minutes=5)  # between two syncs of the same schedule
KEPT_RUNS = 400  # of which the keys of their rows are remembered
CATCH_UP = 8  # missed scheduled runs that really run after time has jumped
STEPS = {"quarter_hourly": timedelta(minutes=15), "hourly": timedelta(hours=1), "daily": timedelta(days=1)}
COUNTS = ("source_record_count", "records_processed", "records_updated", "records_failed", "records_invalid")

PICKLIST = (
    "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the “Product Property Rollup” process failed. Give "
    "your Salesforce admin these details. This error occurred when the flow tried to update records: "
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Property Status: bad value for restricted picklist field: LEASE_UP. You "
    "can look up ExceptionCode values in the SOAP API Developer Guide. Error ID: {error}-{row} ({row}):--"
)
LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 001DEMO{row:011}:--"

Document = dict[str, Any]


class Destination(Protocol):
    """Where the rows go. It is called with the server's lock held, so it must not call the server back."""

    def take(self, direction: str, run_id: int) -> int:
        """Freeze the queue's rows for this run; returns how many."""

    def bring(self, direction: str, run_id: int, first: int, last: int) -> int:
        """Write rows first..last (1-based); returns how many were accepted, the others count as rejected."""

    def keys(self, run_id: int) -> Sequence[str]:
        """The sync keys of its rows, in order, as Census shows them; fewer than rows where they are not known."""

    def forget(self, run_id: int) -> None:
        """The run is over."""


@dataclass
class LocalSync:
    """A sync of the local Census; may be changed while it is in use."""

    id: int
    label: str
    direction: str
    frequency: str = "quarter_hourly"  # hourly, daily (at hour:minute UTC), never
    paused: bool = False
    hour: int = 0
    minute: int = 0
    failing: bool = False
    trouble: Literal["", "fails", "finds nothing", "rejects", "hangs"] = ""


@dataclass(frozen=True)
class SyncFault:
    """A failure that can be switched on and off: a value of the update sync that should be another."""

    name: str
    title: str
    attribute: str
    broken: object


SYNC_FAULTS = {
    fault.name: fault
    for fault in (
        SyncFault("schedule_off", "The UPDATE sync loses its schedule", "frequency", "never"),
        SyncFault("sync_paused", "The UPDATE sync is paused", "paused", True),
        SyncFault("runs_fail", "Every run of the UPDATE sync fails", "trouble", "fails"),
        SyncFault("runs_find_nothing", "Runs of the UPDATE sync take no records", "trouble", "finds nothing"),
        SyncFault("runs_hang", "Runs of the UPDATE sync stop halfway and do not end", "trouble", "hangs"),
        SyncFault("rows_rejected", "Salesforce rejects one record in ten", "trouble", "rejects"),
    )
}


@dataclass
class _Going:
    run: Document
    starts: datetime
    total: int | None = None  # None: it has not looked yet
    brought: int = 0
    accepted: int = 0


@dataclass
class _Carried:
    """The rows of a run, by their keys, and which of them were rejected, by their places."""

    keys: Sequence[str] = ()
    rejected: list[int] = field(default_factory=list)

    def key(self, run_id: int, row: int) -> str:
        return self.keys[row] if row < len(self.keys) else f"a0XDEMO{(run_id * 1000 + row) % 10**11:011}"

    def in_order(self, processed: int, failed: int) -> list[tuple[int, bool]]:
        """The rows by place, the rejected ones first; of a run that nobody saw the first ones count as these."""
        rejected = (self.rejected or list(range(failed)))[:failed]
        others = sorted(set(range(processed)) - set(rejected))
        return [*((row, True) for row in rejected), *((row, False) for row in others)]


class CensusSyncs:
    """Syncs and their runs, as documents of the API. Time is `now`: it may run fast, or be set by hand."""

    def __init__(
        self,
        destination: Destination,
        syncs: Iterable[LocalSync],
        *,
        now: Callable[[], datetime],
        rows_per_minute: float = 50,
        history_days: int = 1,
    ) -> None:
        self.syncs = {sync.id: sync for sync in syncs}
        self._place = {sync_id: n for n, sync_id in enumerate(self.syncs)}
        self._destination, self._now, self._rows_per_minute = destination, now, rows_per_minute
        self._runs: dict[int, Document] = {}
        self._planted: dict[int, Document] = {}
        self._touched: dict[int, Document] = {}  # by sync: its newest run that was not skipped at once
        self._going: dict[int, _Going] = {}  # by sync: each has one at a time
        self._carried: dict[int, _Carried] = {}  # by run, of the latest ones
        self._ids = itertools.count(98_000_001)
        self._lock = threading.RLock()
        self._seen = dict.fromkeys(self.syncs, now())  # until when each schedule was looked at
        past = []
        for sync in self.syncs.values():
            end = self._seen[sync.id] - QUEUED - SHORTEST
            past += [(slot, sync.id) for slot in self._slots(sync, end - timedelta(days=history_days), end)]
        for slot, sync_id in sorted(past):
            self._remember(sync_id, slot)

    def advance(self) -> None:
        """Bring every run up to now: progress, rows, ends; start the scheduled runs that are due."""
        with self._lock:
            now = self._now()
            for sync in self.syncs.values():
                due = [] if sync.paused else list(self._slots(sync, self._seen[sync.id], now))
                self._seen[sync.id] = now
                for slot in due[:-CATCH_UP]:
                    self._remember(sync.id, slot)
                for slot in due[-CATCH_UP:]:
                    self._progress(sync, slot)
                    self._begin(sync, slot, "Schedule")
                self._progress(sync, now)

    def runs(self, sync_id: int) -> list[Document]:
        """The runs of a sync as the API shows them, newest first."""
        with self._lock:
            return [dict(run) for run in reversed(self._runs.values()) if run["sync_id"] == sync_id]

    def plant(self, document: Document) -> None:
        """Show this run (it has a sync_id) or this sync, as odd as it is; it only needs an id."""
        with self._lock:
            (self._runs if "sync_id" in document else self._planted)[document["id"]] = document

    def trigger(self, sync_id: int, *, full: bool = False) -> int:
        """Start a run, as the button in Census or its API would; returns its id."""
        with self._lock:
            run = self._begin(self.syncs[sync_id], self._now(), "API Request")
            run["full_sync"] = full
            return int(run["id"])

    def cancel(self, run_id: int) -> None:
        """End a run where it is; one that is over stays as it was."""
        with self._lock:
            run = self._runs[run_id]
            going = self._going.get(run["sync_id"])
            if going and going.run is run:
                del self._going[run["sync_id"]]
                run["canceled"] = True
                _end(run, "completed", self._now())  # both at once, as the real one does it
                self._destination.forget(run_id)

    def records(self, run_id: int) -> list[Document]:
        """What became of each row; which were rejected, first, once the run is over."""
        run, carried = self._runs[run_id], self._carried.get(run_id, _Carried())
        failed = run["records_failed"] if run["status"] == "completed" else 0
        rows = carried.in_order(run["records_processed"] or 0, failed or 0)
        return [_record(run_id, row, carried.key(run_id, row), rejected=rejected) for row, rejected in rows]

    def switch(self, name: str, on: bool) -> None:
        """Break the update sync in this way, or mend it."""
        fault = SYNC_FAULTS[name]
        for sync in self._updating():
            healthy = next(f.default for f in fields(LocalSync) if f.name == fault.attribute)
            setattr(sync, fault.attribute, fault.broken if on else healthy)

    def is_on(self, name: str) -> bool:
        """Whether this fault is switched on."""
        fault = SYNC_FAULTS[name]
        return any(getattr(sync, fault.attribute) == fault.broken for sync in self._updating())

    def _updating(self) -> list[LocalSync]:
        return [sync for sync in self.syncs.values() if sync.direction == "update"]

    def describe(self, sync_id: int) -> Document:
        """A sync as the API shows it. The schedule stands in it twice, in the older and in the newer form."""
        if sync_id in self._planted:
            return self._planted[sync_id]
        sync = self.syncs[sync_id]
        late = STAGGER.seconds // 60 * self._place[sync.id]
        schedule = {"frequency": sync.frequency, "day": None, "hour": sync.hour, "minute": (sync.minute + late) % 60}
        return {f"schedule_{field}": value for field, value in schedule.items()} | {
            "id": sync.id,
            "label": sync.label,
            "paused": sync.paused,
            "status": "Failing" if sync.failing else "Up to Date",
            "operation": "insert" if sync.direction == "create" else "update",
            "cron_expression": None,
            "mode": {"type": "triggered", "triggers": {"schedule": schedule | {"cron_expression": None}}},
            "updated_at": self._touched[sync_id]["updated_at"] if sync_id in self._touched else None,
        }

    def _slots(self, sync: LocalSync, after: datetime, upto: datetime) -> Iterator[datetime]:
        """When its schedule starts a run, in (after, upto]."""
        if (step := STEPS.get(sync.frequency)) is None:
            return
        base = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=sync.minute)
        if sync.frequency == "daily":
            base += timedelta(hours=sync.hour)
        else:
            base += STAGGER * self._place[sync.id]
        slot = base + step * ((after - base) // step + 1)
        while slot <= upto:
            yield slot
            slot += step

    def _remember(self, sync_id: int, at: datetime) -> None:
        """A run that is long over, and moved nothing that anybody still sees."""
        run = self._new_run(sync_id, at, "Schedule")
        run |= _counts(*[run["id"] % 7] * 3)
        _end(run, "completed", at + QUEUED + SHORTEST)
        self._touched[sync_id] = run

    def _new_run(self, sync_id: int, at: datetime, tag: str) -> Document:
        run: Document = {
            "id": next(self._ids),
            "sync_id": sync_id,
            "status": "queued",
            "canceled": False,
            "full_sync": False,
        }
        run |= dict.fromkeys(("completed_at", "error_code", "error_message", "error_detail", *COUNTS))
        run |= {"created_at": _iso(at), "updated_at": _iso(at)}
        run["scheduled_execution_time"] = _iso(at) if tag == "Schedule" else None
        run["sync_trigger_reason"] = {"ui_tag": tag, "ui_detail": "by someone@example.com"}  # a trap, as in real life
        self._runs[run["id"]] = run
        return run

    def _begin(self, sync: LocalSync, at: datetime, tag: str) -> Document:
        run = self._new_run(sync.id, at, tag)
        if sync.id in self._going:
            _end(run, "skipped", at)
        else:
            self._going[sync.id] = _Going(run, at + QUEUED)
            self._touched[sync.id] = run
        return run

    def _progress(self, sync: LocalSync, upto: datetime) -> None:
        going = self._going.get(sync.id)
        if going is None or upto < going.starts:
            return
        try:
            ended = self._work(going, sync, upto)
        except SyncHealthError as error:
            going.run |= {"error_code": "destination_error", "error_message": str(error)}
            _end(going.run, "failed", None)  # when it ended stays open, as the real one does it
        else:
            if ended is None:
                return
            _end(going.run, "completed", ended)
        del self._going[sync.id]
        sync.failing = going.run["status"] == "failed"
        self._destination.forget(going.run["id"])

    def _work(self, going: _Going, sync: LocalSync, upto: datetime) -> datetime | None:
        """Write the rows that are due; returns when the run ended, if it has."""
        run_id = going.run["id"]
        if sync.trouble == "fails":
            raise TemporaryError("INVALID_SESSION_ID: the destination refused the login")
        if going.total is None:  # a run reads its source once
            going.total = 0 if sync.trouble == "finds nothing" else self._destination.take(sync.direction, run_id)
            self._remember_keys(run_id, going.total)
        duration = max(SHORTEST, timedelta(minutes=going.total / self._rows_per_minute))
        hangs = sync.trouble == "hangs"
        over = upto >= going.starts + duration and not hangs
        ready = going.total if over else int(going.total * min((upto - going.starts) / duration, 0.5 if hangs else 1.0))
        if ready - going.brought >= BATCH or (over and ready > going.brought):
            rejected = (ready - going.brought + 9) // 10 if sync.trouble == "rejects" else 0
            going.accepted += self._destination.bring(sync.direction, run_id, going.brought + 1, ready - rejected)
            self._carried.setdefault(run_id, _Carried()).rejected += range(ready - rejected, ready)
            going.brought = ready
        going.run |= {"status": "working", "updated_at": _iso(upto)}
        going.run |= _counts(going.total, going.brought, going.accepted)
        return going.starts + duration if over else None

    def _remember_keys(self, run_id: int, total: int) -> None:
        self._carried[run_id] = _Carried(self._destination.keys(run_id) if total else ())
        for old in list(self._carried)[:-KEPT_RUNS]:
            del self._carried[old]


def _counts(total: int, brought: int, accepted: int) -> Document:
    return dict(zip(COUNTS, (total, brought, accepted, brought - accepted, 0), strict=True))


def _record(run_id: int, row: int, key: str, *, rejected: bool) -> Document:
    text = (LOCKED if row % 7 == 6 else PICKLIST).format(error=run_id % 1_000_000, row=row + 1)
    return {
        "identifier": key,
        "operation": "upsert",
        "status": "rejected" if rejected else "succeeded",
        "status_message": text if rejected else "",
        "record_payload": {"name": "Somebody", "email": "someone@example.com"},  # a trap, as in real life
    }


def _end(run: Document, status: str, at: datetime | None) -> None:
    run["status"] = status
    if at is not None:
        run |= {"completed_at": _iso(at), "updated_at": _iso(at)}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
