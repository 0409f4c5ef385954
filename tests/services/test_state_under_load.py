"""The state with many incidents open: what is asked of it, and who waits for whom."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bot.alerts.model import Did, Entry, Incident
from bot.errors import StateError
from bot.messages.incidents import MOST
from bot.services.remind import remind
from bot.services.run_checks import run_checks
from bot.services.show_incident import show_incidents
from bot.services.summarise import summarise
from checks.model import Severity
from tests.services.conftest import KEY, World


class Statements(list[str]):
    """What the database was asked, once per statement however many rows it is run for."""

    def of(self, work: Any) -> int:
        """How many statements this needs."""
        self.clear()
        work()
        return len(self)


@pytest.fixture
def statements() -> Iterator[Statements]:
    seen = Statements()

    def see(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    yield seen
    event.remove(Engine, "before_cursor_execute", see)


def open_more(world: World, count: int) -> list[Incident]:
    """So many more incidents of the same check, each with a timeline and a thread of its own."""
    like = world.incident()
    with world.store.transaction() as records:
        first = records.count_open()
        made = [records.create_incident(replace(like, key=f"{KEY}/{first + n}")) for n in range(count)]
        records.note_each([(one.id, Entry(one.opened_at, Did.OPENED)) for one in made])
    return made


def remind_of(world: World, incidents: list[Incident]) -> None:
    with world.store.transaction() as records:
        remind(records, world.ports.settings, world.clock.now(), {one.key for one in incidents})


def test_a_tick_asks_no_more_of_the_state_however_many_incidents_are_open(world: World, statements: Statements) -> None:
    world.open_incident()
    open_more(world, 2)
    few = statements.of(lambda: run_checks(world.ports))
    open_more(world, 200)
    assert statements.of(lambda: run_checks(world.ports)) == few


def test_reminding_of_many_asks_no_more_than_reminding_of_a_few(world: World, statements: Statements) -> None:
    world.open_incident()
    few, many = open_more(world, 2), open_more(world, 200)
    world.clock.pass_(minutes=16)
    asked = statements.of(lambda: remind_of(world, few))
    assert statements.of(lambda: remind_of(world, many)) == asked
    assert world.claimed().count("reminder") == 202


def test_each_of_many_reminders_is_in_the_timeline_and_a_second_one_makes_no_second_message(world: World) -> None:
    world.open_incident()
    made = open_more(world, 3)
    for _ in range(2):
        world.clock.pass_(minutes=16)
        remind_of(world, made)
    assert world.claimed().count("reminder") == 3, "nobody has tried to send the first one"
    for one in made:
        timeline = world.incident(one.id).timeline
        assert [entry.did for entry in timeline] == [Did.OPENED, Did.CALLED, Did.CALLED]
    assert world.rows("SELECT DISTINCT severity, summary FROM timeline WHERE did = 'called'") == [
        (Severity.CRITICAL, world.incident().summary)
    ]


def test_the_list_reads_only_what_it_shows_and_counts_the_rest(world: World, statements: Statements) -> None:
    world.open_incident()
    open_more(world, 30)
    few = statements.of(lambda: show_incidents(world.ports, MOST))
    open_more(world, 200)
    assert statements.of(lambda: show_incidents(world.ports, MOST)) == few
    count, shown, _ = show_incidents(world.ports, MOST)
    assert (count, [one.id for one in shown]) == (231, list(range(1, MOST + 1)))


def test_who_reads_waits_for_no_writer(world: World) -> None:
    world.open_incident()
    with world.store.transaction() as records:
        records.mark_done("snapshot", world.clock.now().date(), world.clock.now())
        assert len(summarise(world.ports).incidents) == 1
        assert show_incidents(world.ports, MOST)[0] == 1


def test_who_reads_does_not_wait_behind_those_who_wait_to_write(world: World) -> None:
    """Each of them holds a connection while it waits."""
    world.open_incident()
    ready = threading.Barrier(31)

    def write() -> None:
        ready.wait(60)
        with world.store.transaction() as records:
            records.count_open()

    writers = [threading.Thread(target=write) for _ in range(30)]
    with world.store.transaction():
        for writer in writers:
            writer.start()
        ready.wait(60)
        assert show_incidents(world.ports, MOST)[0] == 1
    for writer in writers:
        writer.join()


def test_a_snapshot_is_of_one_moment_and_writes_nothing(world: World) -> None:
    world.open_incident()
    with world.store.snapshot() as before:
        assert before.count_open() == 1
        open_more(world, 2)
        assert before.count_open() == 1
    with pytest.raises(StateError), world.store.snapshot() as records:
        records.mark_done("snapshot", world.clock.now().date(), world.clock.now())
