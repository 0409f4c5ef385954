"""A pipeline behind a local Databricks, and the table of what came of each fault (`make wire`)."""

import os
from collections.abc import Callable, Iterator

import pytest

from bot.adapters.databricks import pool as databricks_pool
from tests.small_pipeline import SmallPipeline
from tests.warehouses import local_databricks
from tests.wire.measured import Wire


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """The first import takes half a second, which is not the fault of any fault."""
    import databricks.sql.backend.thrift_backend  # noqa: F401


@pytest.fixture
def wire(record_property: Callable[[str, object], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setattr(databricks_pool, "CLOSE_TIMEOUT", 1.0)
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
