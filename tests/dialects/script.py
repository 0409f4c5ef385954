"""Every statement with values for its parameters, in an order in which each finds what it reads."""

import math
from datetime import timedelta

from sqlglot import exp, parse_one

from bot.demo.estate import BUILD, FAULTS
from bot.sql.statements import Statements
from tests.dialects.engines import NOW, Engine, Rows

ENGINES = ("DuckDB", "Sail")
CANNOT = {  # what an engine cannot do, and why
    ("init/tables", "Sail"): "has no information_schema",
    ("bundle/snapshot_row", "DuckDB"): "has no TIMESTAMP_MILLIS",
    ("doctor/may_create", "DuckDB"): "has no privileges of schemas",
    ("doctor/may_create", "Sail"): "has no information_schema",
}
PARAMETERS: dict[str, object] = {
    "now": NOW,
    "catalog": "crm",
    "schema": "sfdc_dbx",
    "since": NOW - timedelta(hours=1),
    "execution_timestamp": NOW,
    "completed_at": NOW,
    "audit_id": "daily_snapshot_20260120",
    "executed_by": 'a test\'s "hand"',
    "notes": "Backlog: 12 | Runs: 3",
    "zone": "America/Los_Angeles",
    "coverage_warn": 95.0,
    "coverage_critical": 90.0,
    "sync_name": "Sync B",
    "sync_type": "UPDATE",
    "processed": 3,
    "succeeded": 2,
    "failed": 1,
    "error_rate": 33.3,
    "census_sync_id": 7,
    "triggered_ms": "1768982340000",
    "trigger_type": "periodic",
    "metric": "null_company_names",
    "most": 50,
    "id": "100005",
    "identifiers": "100005\n100007\nnobody",
    "run_id": 1,
    "first": 1,
    "last": 5,
    "step": 5,
}
AT_LAST = ("pipeline/census/forget",)  # what others still read


def in_order(statements: Statements) -> list[str]:
    """All statements of the folder and those that are composed: the estate is built, broken and fixed, then asked."""
    faults = [name for fault in FAULTS.values() for name in (*fault.on, *fault.off)]
    first = [*BUILD, *(name for name in sorted(statements.own) if name.startswith("earlier/")), *faults]
    others = [name for name in [*sorted(statements.own), *statements.at_work()] if name not in (*first, *AT_LAST)]
    taken = [name for name in others if "/take_" in name]
    return [*first, *taken, *(name for name in dict.fromkeys(others) if name not in taken), *AT_LAST]


def asks(statements: Statements, name: str) -> bool:
    """Whether a statement has rows to compare."""
    return isinstance(parse_one(statements.in_dialect(name, "databricks"), dialect="databricks"), exp.Query)


def rows_of(engine: Engine, table: str) -> Rows:
    """All of a table or view."""
    return engine.read(exp.select("*").from_(exp.to_table(table, dialect="databricks")))


def same(some: Rows, others: Rows) -> bool:
    """Whether two answers have the same columns and rows, in any order; DOUBLEs to the ninth digit."""
    return [list(row) for row in some[:1]] == [list(row) for row in others[:1]] and _in_order(some) == _in_order(others)


def _in_order(rows: Rows) -> list[str]:
    return sorted(repr([_rounded(value) for value in row.values()]) for row in rows)


def _rounded(value: object) -> object:
    return float(f"{value:.9g}") if isinstance(value, float) and math.isfinite(value) else value
