"""A Databricks on loopback with a small DuckDB behind it, and the unmodified connector in front."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bot.adapters.databricks.warehouse import DatabricksWarehouse
from bot.adapters.duckdb import DuckDBWarehouse
from bot.config.databricks import Databricks
from bot.demo.warehouse.server import PATH, WarehouseServer
from bot.ports import Warehouse
from tests.sql_folder import named, shipped_statements

TOKEN = "opens-nothing"
NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)


class LocalDatabricks:
    """`duckdb` is what is in it, `server` what speaks for it; `warehouse()` makes clients."""

    def __init__(self, duckdb: DuckDBWarehouse | None = None, **server: Any) -> None:
        self.duckdb = duckdb or DuckDBWarehouse(statements=shipped_statements())
        self.server = WarehouseServer(self.duckdb.cursor, token=TOKEN, **server)
        self._clients: list[DatabricksWarehouse] = []

    def warehouse(self, tables: dict[str, str] | None = None, **patience: Any) -> DatabricksWarehouse:
        """A client; it is closed at the end."""
        token, pipeline = patience.pop("token", TOKEN), patience.pop("pipeline", "")
        settings = Databricks(self.server.url, PATH, token=token)
        self._clients.append(DatabricksWarehouse(settings, named(tables), pipeline, **patience))
        return self._clients[-1]

    def run(self, text: str) -> list[tuple[object, ...]]:
        """DuckDB's SQL, past the wire."""
        with self.duckdb.cursor() as cursor:
            return list(cursor.execute(text).fetchall())

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()
        self.duckdb.close()


class DuckDBPlace:
    """DuckDB itself."""

    def __init__(self) -> None:
        self.duckdb = DuckDBWarehouse(statements=shipped_statements())

    def warehouse(self, tables: dict[str, str] | None = None) -> Warehouse:
        return DuckDBWarehouse(statements=named(tables)) if tables else self.duckdb

    def running(self) -> int:
        return len(self.duckdb._running)

    def close(self) -> None:
        self.duckdb.close()


class DatabricksPlace(LocalDatabricks):
    """The same, spoken to over the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.server.start()

    def running(self) -> int:
        return len(self.server.statements)


Place = DuckDBPlace | DatabricksPlace


@contextmanager
def local_databricks(**server: Any) -> Iterator[LocalDatabricks]:
    local = LocalDatabricks(**server)
    local.server.start()
    try:
        yield local
    finally:
        local.close()


def snapshot(warehouse: Warehouse, audit_id: str = "daily_snapshot_20260120") -> None:
    """The one statement of the services that writes rows."""
    warehouse.do(
        "populate_audit_log",
        audit_id=audit_id,
        execution_timestamp=NOON,
        executed_by='a test\'s "hand"',
        zone="America/Los_Angeles",
        coverage_warn=95.0,
        coverage_critical=90.0,
    )
