"""Calls over the wire, with what came of them."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.errors import SyncHealthError
from tests.warehouses import TOKEN, LocalDatabricks, snapshot


@dataclass
class Outcome:
    """What came of one call: its rows or its error, and the real seconds it took."""

    rows: list[dict[str, object]] | None
    error: SyncHealthError | None
    seconds: float

    @property
    def family(self) -> str:
        """An answer, or which of our three errors."""
        if self.error is None:
            return "answer"
        return next(kind.__name__ for kind in type(self.error).__mro__ if kind.__base__ is SyncHealthError)


@dataclass
class Wire:
    """A local Databricks with the pipeline in it; `patience`, of a loaded machine, goes to every client."""

    local: LocalDatabricks
    note: Callable[[str, object], None]
    patience: dict[str, Any] = field(default_factory=lambda: {"silence": 60.0, "patience": 60.0})

    def client(self, **patience: Any) -> DatabricksWarehouse:
        return self.local.warehouse(**self.patience | patience)

    def read(self, warehouse: DatabricksWarehouse, fault: str = "") -> Outcome:
        """Ask for the numbers of the pipeline."""
        return self._try(lambda: warehouse.ask("measure/health"), fault, "read")

    def write(self, warehouse: DatabricksWarehouse, fault: str = "") -> Outcome:
        """Take the snapshot of a day."""
        return self._try(lambda: snapshot(warehouse), fault, "write")

    def snapshots(self) -> int:
        for statement in list(self.local.server.statements.values()):  # one whose answer was lost may still run
            assert statement.over.wait(60)
        [(count,)] = self.local.run("SELECT COUNT(*) FROM crm.sfdc_dbx.sync_audit_log")
        return int(str(count))

    def _try(self, call: Callable[[], Any], fault: str, what: str) -> Outcome:
        began = time.monotonic()
        rows, error = None, None
        try:
            rows = call()
        except SyncHealthError as raised:
            error = raised
            told = "".join(traceback.format_exception(raised))
            assert TOKEN not in told and "\\x" not in str(raised) and "\n" not in str(raised)
        outcome = Outcome(rows, error, time.monotonic() - began)
        if fault:
            self.note("wire", (fault, what, outcome.family, str(error or ""), round(outcome.seconds, 2)))
        return outcome
