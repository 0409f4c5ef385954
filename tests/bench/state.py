"""What the state costs: many incidents at once, a quarter of a year, a minute without anything to do."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from slack_sdk import WebClient
from sqlalchemy import event, insert

from bot.adapters.store import tables as t
from bot.adapters.store.evaluations import EVALUATION, pack
from bot.messages.incidents import MOST
from bot.runtime.bot import Bot
from bot.runtime.composition import settings_from
from bot.services.measure import measure
from bot.services.run_checks import run_checks
from bot.services.show_incident import show_incidents
from bot.services.show_slo import show_slo
from checks.model import Check
from tests.services.conftest import CHECK, World
from tests.services.test_idle import live
from tests.services.test_state_under_load import open_more
from tests.unit import samples

MANY = 10_000  # incidents
FULL_DAYS, THINNED_DAYS = 30, 60
OWN = 50  # statements
SECONDS = 0.1  # that each takes
SERIES, INCIDENTS = 28, 200


def state() -> None:
    """All figures of the state, one a line."""
    with _world() as world:
        _many_incidents(world)
    with _world() as world:
        sys.stdout.write(f"idle: {_idle(world):.0f} transactions a minute\n")
    with _world() as world:
        days, thinned = _bytes(world, minutes=5), _bytes(world, minutes=60)
        total = FULL_DAYS * days + THINNED_DAYS * thinned
        sys.stdout.write(
            f"90 days of state: {total / 1e6:.1f} MB ({days / 1e3:.0f} kB a day, then {thinned / 1e3:.0f})\n"
        )
    with _world() as world:
        _own_statements(world)
    with _world() as world:
        _success_metrics(world)


def _many_incidents(world: World) -> None:
    world.open_incident()
    open_more(world, MANY - 1)
    checks = [
        f"a tick: {_seconds(lambda: run_checks(world.ports)):.2f} s",
        f"incidents: {_seconds(lambda: show_incidents(world.ports, MOST)):.2f} s",
    ]
    world.clock.pass_(minutes=16)
    checks.append(f"a tick that reminds: {_seconds(lambda: run_checks(world.ports)):.2f} s")
    owed = world.owed().count("reminder")
    sys.stdout.write(f"{MANY} open incidents: {', '.join(checks)} ({owed} reminders)\n")


def _idle(world: World) -> float:
    world.numbers(create_queue=0, update_queue=0)
    world.warehouse.runs_anyway = False
    bot = Bot(world.ports, WebClient(token="local"))
    live(bot, world, 10)
    begun: list[object] = []
    for engine in (world.store._engine, world.store._reading):
        event.listen(engine, "begin", begun.append)
    live(bot, world, 30)
    bot.checker.close()
    return len(begun) / 30


def _bytes(world: World, minutes: int) -> int:
    """By how much a day with a look every so many minutes lets the file grow."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    before = _size(world)
    for n in range(24 * 60 // minutes):
        world.numbers(update_queue=n)
        run_checks(world.ports)
        world.clock.pass_(minutes=minutes)
    return _size(world) - before


def _size(world: World) -> int:
    [(pages,)], [(size,)] = world.rows("PRAGMA page_count"), world.rows("PRAGMA page_size")
    return int(pages * size)


def _own_statements(world: World) -> None:
    names = [f"checks/own{n}" for n in range(OWN)]
    own = [CHECK.model_copy(update={"name": name, "metric": f"sql/{name}.sql"}) for name in names]
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=tuple[Check, ...](own)))
    world.warehouse.rows |= {name: [{"rows": 1}] for name in names}
    world.warehouse.unfit, asking = set(names), world.warehouse.ask

    def slow(question: str, **parameters: object) -> list[dict[str, object]]:
        time.sleep(SECONDS)
        return asking(question, **parameters)

    world.warehouse.ask = slow  # type: ignore[method-assign]
    took = _seconds(lambda: measure(world.ports))
    sys.stdout.write(f"{OWN} own statements of {SECONDS:g} s that fit into no other: {took:.1f} s\n")


def _success_metrics(world: World) -> None:
    """Of 45 days, in a state of 90 whose series turned every hour or two and brought incidents."""
    world.numbers(null_company_names=7)
    look, now = run_checks(world.ports)[0], world.clock.now()
    few = [now - timedelta(hours=n) for n in range(24 * (FULL_DAYS + THINNED_DAYS), 24 * FULL_DAYS, -1)]
    times = [*few, *(now - timedelta(minutes=5 * n) for n in range(24 * 12 * FULL_DAYS, 0, -1))]
    took = {}
    with world.store.transaction() as records:
        body = pack(EVALUATION.dump_json(look))
        records._db.execute(insert(t.evaluations), [{"checked_at": at, "body": body} for at in times])
        checks = [{"id": 100 + n, "check": f"check{n}", "sync": ""} for n in range(SERIES)]
        records._db.execute(insert(t.series), checks)
        fill = "INSERT INTO results SELECT s.id, e.id, iif(e.id % 20, 'ok', 'critical'), e.id % 97"
        records._db.exec_driver_sql(f"{fill} FROM series s, evaluations e WHERE s.id >= 100")
    for count in (1, INCIDENTS):
        with world.store.transaction() as records:
            for n in range(count):
                at, name = now - timedelta(hours=10 * n), f"check{n % SERIES}"
                records.create_incident(samples.incident(id=0, key=f"{name}/{count}/{n}", check=name, opened_at=at))
        took[count] = _seconds(lambda: show_slo(world.ports.settings, world.clock, world.census, world.store, 45))
    ratio = took[INCIDENTS] / took[1]
    sys.stdout.write(f"slo of 45 days: {took[1]:.2f} s, with {INCIDENTS} incidents {ratio:.1f} × as long\n")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def _world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "state.db")
        yield world
        world.close()


if __name__ == "__main__":
    state()
