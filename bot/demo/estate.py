"""A generated pipeline to look after, and its failures: data in a warehouse, changed as RDS and Census would."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from bot.errors import RefusedError
from bot.ports import Warehouse

BUILD = (
    "pipeline/tables/companies",
    "pipeline/tables/properties",
    "pipeline/tables/product_property_w_features",
    "pipeline/tables/product_property",
    "pipeline/tables/sync_audit_log",
    "pipeline/census/run_rows",
    "pipeline/views/rds_properties_enriched",
    "pipeline/views/properties_aggregated_by_sfdc_id",
    "pipeline/views/properties_to_create",
    "pipeline/views/properties_to_update",
    "pipeline/rows/companies",
    "pipeline/rows/properties",
    "pipeline/rows/product_property_w_features",
    "pipeline/rows/product_property",  # reads the views: Salesforce holds what was synced
    "pipeline/rows/sync_audit_log",  # reads everything
)

TAKE = {"create": "pipeline/census/take_create", "update": "pipeline/census/take_update"}
BRING = {"create": "pipeline/census/bring_create", "update": "pipeline/census/bring_update"}
ALL_ROWS = 2**31 - 1


@dataclass(frozen=True)
class Fault:
    """A failure that can be switched on and off: two statements."""

    name: str
    title: str
    on: str
    off: str


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            "company_name_bug",
            "A leftover filter in a view loses company names",
            on="pipeline/faults/company_name_bug",
            off="pipeline/views/rds_properties_enriched",
        ),
    )
}


class Estate:
    """The demo's pipeline in a warehouse; any thread may use it, one at a time is served."""

    faults = FAULTS

    def __init__(self, warehouse: Warehouse, now: Callable[[], datetime]) -> None:
        self._warehouse = warehouse
        self._now = now
        self._on: set[str] = set()
        self._lock = RLock()

    def build(self) -> None:
        """Make everything anew, healthy: tables, views, rows. Takes a second or two."""
        with self._lock:
            now = self._now()
            for statement in BUILD:
                self._warehouse.do(statement, now=now)
            self._on.clear()

    def switch(self, name: str, on: bool) -> None:
        """Break the pipeline in this way, or mend it. Raises RefusedError for a fault that we do not know."""
        if name not in self.faults:
            raise RefusedError(f"there is no fault {name!r}; there are: {', '.join(self.faults)}")
        with self._lock:
            fault = self.faults[name]
            self._warehouse.do(fault.on if on else fault.off)
            (self._on.add if on else self._on.discard)(name)

    def is_on(self, name: str) -> bool:
        """Whether this fault is switched on."""
        return name in self._on

    def take(self, direction: str, run_id: int) -> int:
        """Freeze the queue of a direction for a run, as Census does when it starts; returns the number of rows."""
        with self._lock:
            self._warehouse.do(TAKE[direction], run_id=run_id)
            return self._count(run_id, 1, ALL_ROWS)

    def bring(self, direction: str, run_id: int, first: int, last: int) -> int:
        """Write rows first to last (from 1, both included) of a run into Salesforce; returns how many these are."""
        with self._lock:
            self._warehouse.do(BRING[direction], run_id=run_id, first=first, last=last, now=self._now())
            return self._count(run_id, first, last)

    def forget(self, run_id: int) -> None:
        """Drop the rows of a run that is over."""
        with self._lock:
            self._warehouse.do("pipeline/census/forget", run_id=run_id)

    def _count(self, run_id: int, first: int, last: int) -> int:
        [row] = self._warehouse.ask("pipeline/census/count_rows", run_id=run_id, first=first, last=last)
        return int(str(row["row_count"]))
