"""A generated pipeline and its faults: data in a warehouse, changed as RDS and Census would change it."""

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
    "sync_audit_log",
    "pipeline/census/run_rows",
    "pipeline/views/rds_properties_enriched",
    "pipeline/views/properties_aggregated_by_sfdc_id",
    "pipeline/views/properties_to_create",
    "pipeline/views/properties_to_update",
    "daily_health_check",
    "sync_health_monitor",
    "pipeline/rows/forget_snapshots",
    "pipeline/rows/companies",
    "pipeline/rows/properties",
    "pipeline/rows/product_property_w_features",
    "pipeline/rows/product_property",  # reads the views: Salesforce holds what was synced
    "pipeline/rows/sync_audit_log",  # reads everything
)

TAKE = {"create": "pipeline/census/take_create", "update": "pipeline/census/take_update"}
BRING = {"create": "pipeline/census/bring_create", "update": "pipeline/census/bring_update"}
ALL_ROWS = 2**31 - 1
EMPTY = "properties_empty"
NEW_EVERY = 5  # steps of a working day


@dataclass(frozen=True)
class Fault:
    """A failure that can be switched on and off, by statements."""

    name: str
    title: str
    on: tuple[str, ...]
    off: tuple[str, ...]


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            "company_name_bug",
            "A leftover filter in a view loses company names",
            on=("pipeline/faults/company_name_bug",),
            off=("pipeline/views/rds_properties_enriched",),
        ),
        Fault(
            "company_names_lost",
            "900 Salesforce records lose their company name",
            on=("pipeline/faults/company_names_lost",),
            off=("pipeline/faults/company_names_found",),
        ),
        Fault(
            "company_names_mixed_up",
            "1,100 Salesforce records get the property name as company name",
            on=("pipeline/faults/company_names_mixed_up",),
            off=("pipeline/faults/company_names_sorted_out",),
        ),
        Fault(
            "update_queue_grows",
            "600 records change at once",
            on=("pipeline/faults/properties_renamed",),
            off=("pipeline/faults/properties_renamed_back",),
        ),
        Fault(
            "salesforce_rows_deleted",
            "1,300 Salesforce records are deleted",
            on=("pipeline/faults/salesforce_rows_deleted",),
            off=("pipeline/faults/salesforce_rows_restored",),
        ),
        Fault(
            EMPTY,
            "The table of properties arrives empty",
            on=("pipeline/faults/properties_put_aside", "pipeline/faults/properties_gone"),
            off=("pipeline/faults/properties_brought_back",),
        ),
        Fault(
            "view_missing",
            "The view that the UPDATE sync reads is dropped",
            on=("pipeline/faults/update_queue_dropped",),
            off=("pipeline/views/properties_to_update",),
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
            if on == self.is_on(name):
                return  # a second copy put aside would be an empty one
            fault = self.faults[name]
            for statement in fault.on if on else fault.off:
                self._warehouse.do(statement)
            (self._on.add if on else self._on.discard)(name)

    def is_on(self, name: str) -> bool:
        """Whether this fault is switched on."""
        return name in self._on

    def work(self, step: int) -> None:
        """Two minutes of a working day, the `step`th: a few properties change, now and then one is new."""
        with self._lock:
            if self.is_on(EMPTY):
                return  # a new row would fill the table that is to be empty
            self._warehouse.do("pipeline/rows/properties_edited", step=step, now=self._now())
            if step % NEW_EVERY == 0:
                self._warehouse.do("pipeline/rows/property_added", step=step, now=self._now())

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

    def keys(self, run_id: int) -> list[str]:
        """The sync keys of a run's rows, in the order in which they are written."""
        with self._lock:
            return [str(row["key"]) for row in self._warehouse.ask("pipeline/census/keys", run_id=run_id)]

    def forget(self, run_id: int) -> None:
        """Drop the rows of a run that is over."""
        with self._lock:
            self._warehouse.do("pipeline/census/forget", run_id=run_id)

    def _count(self, run_id: int, first: int, last: int) -> int:
        [row] = self._warehouse.ask("pipeline/census/count_rows", run_id=run_id, first=first, last=last)
        return int(str(row["row_count"]))
