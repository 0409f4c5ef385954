"""A state that cannot be written, end to end: the channel hears of it once, and nobody is shown old numbers."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from sqlite3 import connect

import pytest
from sqlalchemy import event

from tests.slack.conftest import World, words
from tests.waiting import until

NEEDS_ROOM = """
CREATE TABLE ballast (held BLOB);
CREATE TRIGGER needs_room AFTER INSERT ON evaluations BEGIN INSERT INTO ballast VALUES (zeroblob(1000000)); END;
"""


@contextmanager
def on_every_connection(world: World, *pragmas: str, after: str) -> Iterator[None]:
    """Real limits of SQLite on each connection that the bot uses meanwhile, and none afterwards."""
    engine = world.ports.store._engine  # type: ignore[attr-defined]

    def limit(connection: object, *_: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()  # type: ignore[attr-defined]

    def unlimit(connection: object, *_: object) -> None:
        connection.execute(f"PRAGMA {after}").close()  # type: ignore[attr-defined]

    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        event.listen(engine, "checkout", unlimit)


@contextmanager
def full(world: World) -> Iterator[None]:
    """ "database or disk is full", from SQLite itself: the file may not grow, and an evaluation finds no room in it."""
    with closing(connect(world.ports.settings.state_url.removeprefix("sqlite:///"), timeout=60)) as db:
        db.executescript(NEEDS_ROOM)
        [pages] = db.execute("PRAGMA page_count").fetchone()
        with on_every_connection(world, f"max_page_count={pages}", after="max_page_count=1000000"):
            yield
        db.executescript("DROP TRIGGER needs_room; DROP TABLE ballast")


@contextmanager
def read_only(world: World) -> Iterator[None]:
    """ "attempt to write a readonly database", from SQLite itself."""
    with on_every_connection(world, "query_only=ON", after="query_only=OFF"):
        yield


@contextmanager
def locked(world: World) -> Iterator[None]:
    """ "database is locked": another process is in the middle of a transaction and stays there."""
    path = world.ports.settings.state_url.removeprefix("sqlite:///")
    limits = on_every_connection(world, "busy_timeout=20", after="busy_timeout=10000")
    with limits, closing(connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


REASONS = {full: "disk is full", read_only: "read-only", locked: "locked"}


def heard(world: World, part: str) -> list[str]:
    return [message["text"] for message in world.demo.slack.messages() if part in message["text"]]


@pytest.mark.full
@pytest.mark.parametrize("broken", REASONS, ids=[broken.__name__ for broken in REASONS])
@pytest.mark.parametrize("world", [60], indirect=True)
def test_the_channel_hears_once_that_nothing_can_be_stored_and_once_that_it_is_over(
    world: World, broken: Callable[[World], Iterator[None]]
) -> None:
    with broken(world):  # type: ignore[attr-defined]
        until(lambda: heard(world, "cannot write its state"))
        [told] = heard(world, "cannot write its state")
        assert told.startswith("🔴 Critical · properties: ")
        [message] = [one for one in world.demo.slack.messages() if one["text"] == told]
        assert REASONS[broken] in words(message["blocks"])

        world.demo.slack.command(world.operator, "")
        until(lambda: "Status unknown" in world.told(world.operator))
        assert "healthy" not in world.told(world.operator)
        assert REASONS[broken] in world.told(world.operator)

        answers = len(world.demo.slack.ephemerals(world.operator))
        world.demo.slack.command(world.operator, "ack")
        until(lambda: len(world.demo.slack.ephemerals(world.operator)) > answers)
        assert "Something went wrong" not in world.told(world.operator)
    until(lambda: heard(world, "can write its state again"))
    assert len(heard(world, "cannot write its state")) == 1
    assert len(heard(world, "can write its state again")) == 1
    world.demo.slack.command(world.operator, "check")
    until(lambda: "properties: healthy" in world.told(world.operator))
