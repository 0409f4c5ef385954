"""What 50, 100 and 200 syncs cost: the statement, the settings, an evaluation, a tick, what Slack gets, Census."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import yaml
from starlette.requests import Request
from starlette.responses import Response

from bot.adapters.census.client import CensusClient
from bot.adapters.duckdb import DuckDBWarehouse
from bot.adapters.store.sql_store import SqlStore
from bot.config.settings import Settings
from bot.demo.census.server import CensusServer
from bot.demo.census.syncs import LocalSync
from bot.facts import Run, RunStatus, Schedule, Sync
from bot.messages.summary import summary_message
from bot.ports import Ports, Sources
from bot.runtime.composition import SystemClock, settings_from
from bot.services.measure import measure
from bot.services.remembered_census import RememberedCensus
from bot.services.run_checks import Checker
from bot.services.summarise import summarise
from bot.sql import translations
from bot.sql.queues import QUEUES
from bot.sql.statements import Statements
from tests.fakes import FakeChannel, FakeWarehouse, HandClock

SIZES = (50, 100, 200)  # syncs
ROUNDS = 5  # of which the fastest counts: the machine has other work
OWN_CHECKS = 1000
RUNS = 100  # of each sync
SECONDS = 0.1  # that Census takes for a call
ZONE_NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)


def many_syncs(*chosen: str) -> None:
    """All figures, one a line, or those of the benches that are named."""
    with tempfile.TemporaryDirectory() as folder:
        for bench in BENCHES:
            if not chosen or bench.__name__.strip("_") in chosen:
                bench(Path(folder))


def pipeline_of(count: int, folder: Path, own_checks: int = 0) -> Settings:
    """A pipeline of so many syncs, each with a queue and the product's nine checks, and of checks of its own."""
    home = folder / f"pipeline-{count}-{own_checks}"
    (home / "sql").mkdir(parents=True, exist_ok=True)
    syncs = [
        {
            "name": f"Sync {n}",
            "id": n,
            "queue": f"lake.crm.queue_{n}",
            "key": "record_id",
            "changed_at": "changed_at",
            "suspect": [{"when": "email IS NULL OR email = ''", "label": "no e-mail"}],
        }
        for n in range(1, count + 1)
    ]
    written: dict[str, object] = {"name": "many", "zone": "America/Los_Angeles", "channel": "C0MANY", "syncs": syncs}
    if own_checks:
        columns = ",\n".join(f"  {n} AS own_{n}" for n in range(own_checks))
        (home / "sql" / "health.sql").write_text(f"-- How is it?\nSELECT\n{columns}\nFROM lake.crm.queue_1\n")
        own = [
            {"name": f"own_{n}", "title": f"Own {n}", "metric": f"own_{n}", "source": "databricks", "warn": "> 2000"}
            | {"summary": "{value} records are odd", "helps": "Fix them."}
            for n in range(own_checks)
        ]
        written |= {"measure": "./sql/health.sql", "checks": ["sync", *own]}
    (home / "pipeline.yml").write_text(yaml.safe_dump(written, sort_keys=False))
    return settings_from({"SYNC_HEALTH_CONFIG": str(home), "CENSUS_API_TOKEN": "t"})


class ManySyncs:
    """Census in memory, which answers at once: hourly syncs, each with a page of runs."""

    def __init__(self, clock: HandClock, count: int, seconds: float = 0) -> None:
        begin = clock.now() - timedelta(hours=RUNS)
        self._syncs = {
            n: Sync(n, f"Sync {n}", "ready", Schedule("hourly", paused=False, minute=5), begin)
            for n in range(1, count + 1)
        }
        self._runs = {n: [self._run(n, k, begin + timedelta(hours=k)) for k in range(RUNS, 0, -1)] for n in self._syncs}
        self.calls = 0

    def sync(self, sync_id: int) -> Sync:
        self.calls += 1
        return self._syncs[sync_id]

    def syncs(self) -> list[Sync]:
        self.calls += 1
        return list(self._syncs.values())

    def runs(self, sync_id: int, *, most: int = 25) -> Sequence[Run]:
        self.calls += 1
        return self._runs[sync_id][:most]

    def _run(self, sync_id: int, k: int, at: datetime) -> Run:
        counts = {"records_total": 50, "records_processed": 50, "records_updated": 49, "records_failed": 1}
        ended = at + timedelta(minutes=1)
        return Run(
            sync_id * RUNS + k, sync_id, RunStatus.COMPLETED, False, "Schedule", at, ended, records_invalid=0, **counts
        )


def fake_warehouse(settings: Settings) -> FakeWarehouse:
    row: dict[str, object] = {}
    for n, sync in enumerate(settings.syncs):
        values = {"backlog": n % 90, "oldest": ZONE_NOON - timedelta(minutes=9), "suspect_0": 0}
        row |= {f"q{n}_{what}": values[what] for what in sync.counted}
    return FakeWarehouse(**{QUEUES: [row]})


def grows(name: str, works: dict[int, Callable[[], object]], rounds: int = ROUNDS) -> None:
    """The fastest of some rounds in turn for each size, and how that grows."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for size, work in works.items():
            began = time.perf_counter()
            work()
            best[size] = min(best[size], time.perf_counter() - began)
    few, half, many = (best[size] for size in SIZES)
    figures = " · ".join(f"{size}: {1000 * best[size]:.0f} ms" for size in works)
    sys.stdout.write(f"{name}: {figures} · 200/100 {many / half:.2f} × · 200/50 {many / few:.2f} ×\n")
    sys.stdout.flush()


def _statement(folder: Path) -> None:
    settings = {count: pipeline_of(count, folder) for count in SIZES}
    kept, translations.KEPT = translations.KEPT, folder / "translated"

    def compose(count: int) -> None:
        translations.KEPT = folder / f"translated-{time.perf_counter_ns()}"  # nobody has made it yet
        Statements.of(settings[count]).in_dialect(QUEUES, "duckdb")

    grows("the statement of all queues, composed cold", {count: (lambda c=count: compose(c)) for count in SIZES}, 3)
    warehouses = {}
    for count in SIZES:
        warehouse = warehouses[count] = DuckDBWarehouse(statements=Statements.of(settings[count]))
        with warehouse.cursor() as cursor:
            for sync in settings[count].syncs:
                rows = "SELECT i AS record_id, now() AS changed_at, 'a' AS email FROM range(100) AS r(i)"
                cursor.execute(f"CREATE TABLE {sync.queue} AS {rows}")
        warehouse.ask(QUEUES)
    grows("…planned and run on DuckDB", {count: (lambda w=w: w.ask(QUEUES)) for count, w in warehouses.items()})
    for warehouse in warehouses.values():
        warehouse.close()
    translations.KEPT = kept


def _settings(folder: Path) -> None:
    for name, own in (("settings", 0), ("settings with five own checks a sync", 5)):
        homes = {count: str(pipeline_of(count, folder, own * count).config.parent) for count in SIZES}
        loads = {count: partial(settings_from, {"SYNC_HEALTH_CONFIG": home}) for count, home in homes.items()}
        grows(name, loads, 3)


def _evaluation(folder: Path) -> None:
    works = {}
    for count in SIZES:
        clock, settings = HandClock(ZONE_NOON), pipeline_of(count, folder)
        census = ManySyncs(clock, count)
        sources = Sources(settings, clock, fake_warehouse(settings), census)
        works[count] = lambda s=sources: measure(s, measure(s))
    grows("two evaluations, the outside costs nothing", works, 3)


def _world(count: int, folder: Path, name: str, own_checks: int = 0) -> Ports:
    clock, settings = HandClock(ZONE_NOON), pipeline_of(count, folder, own_checks)
    store = SqlStore(f"sqlite:///{folder}/{name}-{count}.db")
    return Ports(settings, clock, fake_warehouse(settings), ManySyncs(clock, count), FakeChannel(), store)


def _tick(folder: Path) -> None:
    for name, thrifty, broken in (
        ("fresh, healthy", False, False),
        ("thrifty, healthy", True, False),
        ("fresh, all critical", False, True),
    ):
        works = {}
        for count in SIZES:
            ports = _world(count, folder, f"tick-{thrifty}-{broken}")
            if broken:
                row = ports.warehouse.rows[QUEUES][0]
                row |= {key: 10**6 for key in row if key.endswith(("backlog", "suspect_0"))}
            checker = Checker(ports)

            def tick(ports: Ports = ports, checker: Checker = checker, thrifty: bool = thrifty) -> None:
                ports.clock.pass_(minutes=1)
                checker.run(thrifty=thrifty)

            tick()
            works[count] = tick
        grows(f"a tick, {name}", works)


def _rendering(folder: Path) -> None:
    works = {}
    for count in SIZES:
        ports = _world(count, folder, "rendering")
        Checker(ports).run()
        works[count] = lambda p=ports: json.dumps(summary_message(summarise(p), p.settings.zone).payload())
    grows("/sync-health, read and rendered", works)


class SlowServer(CensusServer):
    """Every call takes its time."""

    async def _serve(self, operation: str, request: Request) -> Response:
        await asyncio.sleep(SECONDS)
        return await super()._serve(operation, request)


class Nowhere:
    """A destination that has nothing to do."""

    def take(self, _direction: str, _run_id: int) -> int:
        return 0

    def bring(self, _direction: str, _run_id: int, _first: int, _last: int) -> int:
        return 0

    def keys(self, _run_id: int) -> list[str]:
        return []

    def forget(self, _run_id: int) -> None:
        """It has nothing."""


def serve_census(told: Connection) -> None:
    """The local Census in a process of its own, until it is told to stop: else both would share one interpreter."""
    syncs = [LocalSync(n, f"Sync {n}", "update", "hourly") for n in range(1, SIZES[-1] + 1)]
    server = SlowServer(Nowhere(), syncs, token="t", now=SystemClock().now)
    server.start()
    told.send(server.url)
    told.recv()
    server.stop()


def _census(folder: Path) -> None:
    context = get_context("spawn")
    told, other = context.Pipe()
    process = context.Process(target=serve_census, args=(other,))
    process.start()
    ports, client = _world(SIZES[-1], folder, "census"), CensusClient(told.recv(), token="t")
    clock = SystemClock()
    remembered = RememberedCensus(client, clock)
    sources = Sources(ports.settings, clock, ports.warehouse, remembered)
    last = None
    for name, thrifty in (("a full evaluation", False), ("a thrifty one", True)):
        times, work = [], []
        for _ in range(ROUNDS):
            began, worked = time.perf_counter(), time.process_time()
            remembered.begin([sync.id for sync in ports.settings.syncs], fresh=not thrifty)
            last = measure(sources, last, thrifty=thrifty)
            times.append(time.perf_counter() - began)
            work.append(time.process_time() - worked)
            assert not last.problems, last.problems[0]
        sys.stdout.write(
            f"{SIZES[-1]} syncs, {SECONDS:g} s a call to Census: {name} {min(times):.2f} s ({min(work):.2f} s of CPU)\n"
        )
    told.send("stop")
    process.join(10)


BENCHES = (_statement, _settings, _evaluation, _tick, _rendering, _census)


if __name__ == "__main__":
    many_syncs(*sys.argv[1:])
