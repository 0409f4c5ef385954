"""A pipeline behind a local Databricks, and the table of what came of each fault (`make wire`)."""

import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters import databricks
from bot.adapters.databricks import DatabricksWarehouse
from bot.errors import SyncHealthError
from tests.small_pipeline import SmallPipeline
from tests.warehouses import TOKEN, LocalDatabricks, local_databricks

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
SNAPSHOT = "daily_snapshot_20260120"


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
    """A local Databricks with the pipeline in it; `patience` goes to every client."""

    local: LocalDatabricks
    note: Callable[[str, object], None]
    patience: dict[str, Any] = field(default_factory=lambda: {"silence": 0.2, "patience": 2.5})

    def client(self, **patience: Any) -> DatabricksWarehouse:
        return self.local.warehouse(**self.patience | patience)

    def read(self, warehouse: DatabricksWarehouse, fault: str = "") -> Outcome:
        """Ask for the numbers of the pipeline."""
        return self._try(lambda: warehouse.ask("measure/health"), fault, "read")

    def write(self, warehouse: DatabricksWarehouse, fault: str = "") -> Outcome:
        """Take the snapshot of a day."""
        return self._try(lambda: take_snapshot(warehouse), fault, "write")

    def snapshots(self) -> int:
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


def take_snapshot(warehouse: DatabricksWarehouse) -> None:
    warehouse.do(
        "populate_audit_log",
        audit_id=SNAPSHOT,
        execution_timestamp=NOON,
        executed_by="test",
        zone="America/Los_Angeles",
        coverage_warn=95.0,
        coverage_critical=90.0,
    )


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """The first import takes half a second, which is not the fault of any fault."""
    import databricks.sql.backend.thrift_backend  # noqa: F401


@pytest.fixture
def wire(record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setattr(databricks, "CLOSE", 1.0)
    with local_databricks() as local:
        local.server.direct_seconds = 0.1
        pipeline = SmallPipeline(local.duckdb)
        pipeline.properties(4)
        pipeline.salesforce(3)
        yield Wire(local, record_property)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get("WIRE"):
        return
    terminalreporter.section("what comes of each fault")
    terminalreporter.line("| fault | call | outcome | seconds | what is said |")
    terminalreporter.line("|---|---|---|---|---|")
    for report in terminalreporter.stats.get("passed", []):
        for name, row in report.user_properties:
            if name == "wire":
                fault, what, family, said, seconds = row
                terminalreporter.line(f"| {fault} | {what} | {family} | {seconds:.2f} | {said} |")
