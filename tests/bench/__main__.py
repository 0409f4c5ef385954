"""`make bench`: what the bot adds to the statement it runs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bot import sql
from bot.adapters.duckdb import DuckDBWarehouse
from bot.demo.estate import Estate
from bot.main import DEMO_TOKEN, Demo, SystemClock
from bot.services.measure import HEALTH, measure

PAIRS = 7
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


def main() -> None:
    """Both benches on one healthy estate."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder))
        Estate(warehouse, SystemClock().now).build()
        warehouse.close()
        demo = Demo()
        demo.start()
        statement = sql.for_duckdb(HEALTH, {})
        pairs(
            process(
                [str(Path(sys.executable).parent / "sync-health"), "check", "--dry-run"],
                SYNC_HEALTH_WAREHOUSE=f"duckdb:{folder}",
                CENSUS_API_URL=demo.census.url,
                CENSUS_API_TOKEN=DEMO_TOKEN,
                SYNC_HEALTH_STATE=f"sqlite:///{folder}/none.db",
            ),
            process([sys.executable, "-c", BARE, folder, statement]),
            "check --dry-run as a process / a bare script with the same statement",
        )
        ports, _ = demo.connect()
        with demo.warehouse.cursor() as cursor:
            pairs(
                lambda: measure(ports),
                lambda: cursor.execute(statement).fetchall(),
                "one evaluation in process, Census asked too / the bare statement",
            )
        ports.store.close()
        demo.stop()


if __name__ == "__main__":
    main()
