"""`make bench`: what the bot adds to the statement it runs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.store.sql_store import SqlStore
from bot.config.pipeline_file import SyncSettings
from bot.demo.estate import Estate
from bot.ports import Ports
from bot.runtime.composition import SystemClock, disconnect, settings_from
from bot.runtime.demo import Demo
from bot.services.ask_warehouse import QUEUES
from bot.services.measure import measure
from bot.services.run_checks import run_checks
from tests.bench.cost_of_a_day import what_a_day_costs
from tests.bench.load import crowd_asks, who_waits
from tests.bench.many_syncs import many_syncs
from tests.bench.simulated_day import awake_minutes
from tests.bench.state import state
from tests.fakes import HEALTH, FakeCensus, FakeChannel, FakeWarehouse, HandClock
from tests.sql_folder import shipped_statements

PAIRS = 7
PER_SYNC = ("census_error_rate", "failed_runs", "schedule_enabled", "sync_recency")  # with a reading at every look
BARE = """
import duckdb, sys
connection = duckdb.connect(":memory:")
for catalog in ("crm", "rds", "hive_metastore"):
    connection.execute(f"ATTACH '{sys.argv[1]}/{catalog}.duckdb' AS {catalog} (READ_ONLY)")
connection.execute("SET TimeZone = 'UTC'")
print(connection.execute(sys.argv[2]).fetchall())
"""


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def pairs(ours: Callable[[], object], bare: Callable[[], object], name: str) -> None:
    """Both in turn, after one warm-up of each; the ratio pair by pair holds when the machine's speed drifts."""
    ours(), bare()
    times = [(timed(ours), timed(bare)) for _ in range(PAIRS)]
    ratios = sorted(one / other for one, other in times)
    mine, others = (statistics.median(column) for column in zip(*times, strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    sys.stdout.write(f"{name}: {statistics.median(ratios):.2f} × ({spread}; {mine:.3f} s against {others:.3f} s)\n")


def process(command: list[str], **environment: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)


def crowd(count: int, folder: Path) -> Callable[[], object]:
    """A tick over so many syncs with five checks each; the outside costs nothing, the state is a file."""
    clock = HandClock(datetime(2026, 3, 2, 20, tzinfo=UTC))  # noon, when every check is looked at
    shipped = settings_from({})
    per_sync = [check for check in shipped.checks if check.name in PER_SYNC]
    twin = per_sync[0].model_copy(update={"name": "twin"})
    syncs = tuple(SyncSettings(name=f"Sync {n}", id=n, queue=f"crm.sfdc_dbx.queue_{n}") for n in range(1, count + 1))
    settings = replace(shipped, syncs=syncs, checks=(*per_sync, twin))
    census = FakeCensus(clock, *(sync.id for sync in syncs))
    for sync in syncs:
        census.finish(census.start(sync.id).id, records_updated=5, records_failed=0, records_invalid=0)
    warehouse = FakeWarehouse(**{HEALTH: [{}]})
    store = SqlStore(f"sqlite:///{folder}/{count}.db")
    ports = Ports(settings, clock, warehouse, census, FakeChannel(), store)

    def tick() -> None:
        clock.pass_(minutes=1)
        evaluation, _ = run_checks(ports)
        assert len(evaluation.results) == 5 * count

    return tick


def growth(folder: Path) -> None:
    """How a tick grows from 20 syncs to 200, and what the larger one needs."""
    large, small = crowd(200, folder), crowd(20, folder)
    pairs(large, small, "a tick of 200 syncs × 5 checks / of 20 syncs × 5 checks")
    tracemalloc.start()
    large()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    sys.stdout.write(f"a tick of 200 syncs × 5 checks: {most / 1e6:.1f} MB at most\n")


def main() -> None:
    """All benches; the first three on one healthy estate."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder))
        Estate(warehouse, SystemClock().now).build()
        warehouse.close()
        demo = Demo(speed=1)  # whose clock is that of the command
        demo.start()
        statement = shipped_statements().joined([HEALTH, QUEUES], "duckdb").text
        # Modules are compiled before they are timed, as pip leaves them, whether or not this machine keeps bytecode.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/compiled", "SSL_CERT_FILE": ""}
        bare = process([sys.executable, "-c", BARE, folder, statement], **compiled)
        environment = compiled | {
            "SYNC_HEALTH_WAREHOUSE": f"duckdb:{folder}",
            "CENSUS_API_URL": demo.census.url,
            "CENSUS_API_TOKEN": demo.tokens["census"],
            "SYNC_HEALTH_STATE": f"sqlite:///{folder}/state.db",
        }
        command = [str(Path(sys.executable).parent / "sync-health"), "check"]
        dry = process([*command, "--dry-run"], **environment)
        pairs(dry, bare, "check --dry-run as a process, no state / a bare script with the same statement")
        process(command, **demo.environment() | environment)()  # which makes a state
        pairs(dry, bare, "check --dry-run as a process, beside a state / a bare script with the same statement")
        ports, _ = demo.connect()
        beside = replace(ports, warehouse=demo.warehouse)  # the same statement, on the same tables
        with demo.warehouse.cursor() as cursor:
            pairs(
                lambda: measure(beside),
                lambda: cursor.execute(statement).fetchall(),
                "one evaluation in process, Census asked too / the bare statement",
            )
        disconnect(ports)
        demo.stop()
        growth(Path(folder))
    crowd_asks()
    who_waits()
    state()
    many_syncs()
    awake_minutes()
    what_a_day_costs()


if __name__ == "__main__":
    main()
