"""Many presses of one button at once, by threads and by two processes on one state: Census is asked once."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.adapters.census.client import CensusClient
from bot.adapters.store.sql_store import SqlStore
from bot.alerts.model import ActionKind
from bot.demo.census.server import OPERATIONS, Answer, CensusServer, _Call
from bot.demo.census.syncs import LocalSync
from bot.errors import RefusedError
from bot.messages.sync_dialogs import CONSENT
from bot.services.act_on_sync import act_on_sync
from bot.services.authorise import Person
from tests.contract.test_census import NotedDestination
from tests.services.conftest import ROBIN, TEAM, World

PRESSES = 50  # of each process


class NotedServer(CensusServer):
    """The local Census, which notes the changes that arrive."""

    def __init__(self, world: World) -> None:
        syncs = [LocalSync(world.sync_a, "A", "create", "never"), LocalSync(world.sync_b, "B", "update", "never")]
        super().__init__(NotedDestination(), syncs, token="t", now=world.clock.now)
        self.arrived: list[str] = []

    def _act(self, operation: str, call: _Call) -> Answer:
        self.arrived += [operation] * (OPERATIONS[operation][0] != "GET")
        return super()._act(operation, call)


@pytest.fixture
def server(world: World) -> Iterator[NotedServer]:
    one = NotedServer(world)
    one.start()
    world.open_incident()
    world.ports = replace(world.ports, census=CensusClient(one.url, token="t"))
    yield one
    one.stop()


@pytest.mark.full
@pytest.mark.parametrize("kind", [ActionKind.RERUN, ActionKind.PAUSE])
def test_a_hundred_presses_in_two_processes_ask_census_once(
    world: World, server: NotedServer, kind: ActionKind
) -> None:
    shown = CONSENT.dump_json(world.facts(kind).consent).decode()
    command = [sys.executable, "-m", "tests.services.pressing", str(world.path), server.url, shown, str(PRESSES)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as two:  # type: ignore[call-overload]
        both = (one, two)
        assert [process.stdout.readline().strip() for process in both] == ["ready"] * 2
        for process in both:
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [tuple(map(int, process.communicate(timeout=600)[0].split())) for process in both]
    assert sum(acted for acted, _ in said) == 1
    assert sum(refused for _, refused in said) == 2 * PRESSES - 1
    assert len(server.arrived) == 1, server.arrived
    assert len(world.rows("SELECT id FROM actions")) == 1


@pytest.mark.parametrize("kind", [ActionKind.RERUN, ActionKind.PAUSE])
def test_two_replicas_in_one_moment_ask_census_once(world: World, kind: ActionKind) -> None:
    world.open_incident()
    consent = world.facts(kind).consent
    other = replace(world.ports, store=SqlStore(f"sqlite:///{world.path}"))

    def press(number: int) -> bool:
        try:
            ports = (world.ports, other)[number % 2]
            act_on_sync(ports, consent, Person(ROBIN, TEAM, TEAM), "because")
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(press, range(32))) == 1
    other.store.close()
    assert len(world.census.triggers) + len(world.census.changes) == 1
