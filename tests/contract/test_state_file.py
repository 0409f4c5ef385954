"""The state file: private, and one clear line where it cannot be used."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.adapters.store.state_file import look_at_state
from bot.errors import StateError
from bot.model import AuditRow, Evaluation
from bot.runtime.composition import settings_from
from bot.services.prune import BATCH, KEPT, KEPT_EACH, prune
from bot.services.run_checks import run_checks
from checks.model import Outcome, Result
from tests.services.conftest import World

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    yield one
    one.close()


def not_a_database(path: Path) -> str:
    path.write_bytes(b"something else " * 400)
    return f"sqlite:///{path}"


def damaged(path: Path) -> str:
    SqlStore(f"sqlite:///{path}").close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    return f"sqlite:///{path}"


def newer(path: Path) -> str:
    SqlStore(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()
    return f"sqlite:///{path}"


def of_something_else(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE alerts (id INTEGER)")
    return f"sqlite:///{path}"


def folder(path: Path) -> str:
    path.mkdir()
    return f"sqlite:///{path}"


def below_a_file(path: Path) -> str:
    path.write_text("")
    return f"sqlite:///{path}/state.db"


UNUSABLE: dict[Callable[[Path], str], str] = {
    not_a_database: "not a database",
    damaged: "damaged",
    newer: "a newer version of Sync Health wrote it",
    of_something_else: "the database of something else",
    folder: "is a folder",
    below_a_file: "cannot be opened",
    lambda path: f"sqlite:///{path}/no/such/folder.db": "cannot be opened",
    lambda _: "sqlite:state.db": "write sqlite:///FILE",
    lambda _: "sqlite://host/state.db": "write sqlite:///FILE",
    lambda _: "sqlite+odd:///state.db": "write sqlite:///FILE",
}


@pytest.mark.parametrize(("make", "why"), UNUSABLE.items())
def test_a_state_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, make: Callable[[Path], str], why: str) -> None:
    url = make(tmp_path / "state.db")
    with pytest.raises(StateError, match=why) as said:
        SqlStore(url)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("make", [not_a_database, damaged, newer, of_something_else, folder])
def test_the_doctor_says_the_same_of_it_and_leaves_it_as_it_is(tmp_path: Path, make: Callable[[Path], str]) -> None:
    url = make(tmp_path / "state.db")
    before = contents(tmp_path)
    with pytest.raises(StateError, match=UNUSABLE[make]):
        look_at_state(url)
    assert contents(tmp_path) == before


def test_a_look_at_the_state_makes_no_file_whether_there_is_one_or_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    assert look_at_state(url) == "not there yet: the bot creates it"
    assert contents(tmp_path) == {}
    SqlStore(url).close()
    before = contents(tmp_path)
    assert look_at_state(url) == "sqlite, all migrations"
    assert contents(tmp_path) == before


def test_a_look_at_the_state_of_a_running_bot_sees_what_it_wrote_last(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/state.db")
    with store.transaction():
        assert look_at_state(f"sqlite:///{tmp_path}/state.db") == "sqlite, all migrations"
    store.close()


def test_a_state_of_an_earlier_version_is_said_to_be_migrated_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    SqlStore(url).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")
        db.commit()
    assert look_at_state(url) == "sqlite, migrated when the bot starts"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.full
@pytest.mark.parametrize("make", [damaged, newer, folder])
def test_a_command_ends_with_that_line_and_exit_code_2(tmp_path: Path, make: Callable[[Path], str]) -> None:
    environment = {"SYNC_HEALTH_STATE": make(tmp_path / "state.db"), "SYNC_HEALTH_WAREHOUSE": f"duckdb:{tmp_path}"}
    tokens = dict.fromkeys(("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN"), "unused")
    command = [sys.executable, "-m", "bot.cli", "check"]
    ended = subprocess.run(  # nothing but the state is opened before it fails
        command, cwd=Path(__file__).parents[2], env=environment | tokens, capture_output=True, text=True, timeout=600
    )
    assert (ended.returncode, ended.stderr.count("\n"), "Traceback" in ended.stderr) == (2, 2, False), ended.stderr


def test_the_file_and_its_companions_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    one = SqlStore(f"sqlite:///{path}")
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == dict.fromkeys(
        ("state.db", "state.db-wal", "state.db-shm"), "0o600"
    )
    for file in tmp_path.iterdir():
        file.chmod(0o644)
    other = SqlStore(f"sqlite:///{path}")
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}, "also one that was there"
    other.close()
    one.close()


def evaluation(at: datetime) -> Evaluation:
    result = Result("a", None, Outcome.OK, 1.0, None, None, None, True, "well", None)
    return Evaluation(at, Outcome.OK, 1, 0.1, (result,), ())


@pytest.mark.full
def test_old_evaluations_are_pruned_in_batches_and_all_else_is_kept(world: World) -> None:
    world.open_incident()
    now = world.clock.now()
    with world.store.transaction() as records:
        records.audit(AuditRow(now - 2 * KEPT, "U1", "rerun", "Sync B", "well"))
    kept = world.rows("SELECT count(*) FROM evaluations")[0][0]
    world.clock.pass_(days=KEPT.days)
    with world.store.transaction() as records:
        for n in range(BATCH + 10):
            records.save_evaluation(evaluation(world.clock.now() - timedelta(minutes=BATCH + 10 - n)))
        newest = records.latest_evaluation()
    world.clock.pass_(minutes=1)
    assert prune(world.ports) == kept
    world.clock.pass_(days=KEPT.days)
    assert prune(world.ports) == BATCH + 8, "the newest one stays, however old, and what it is read with"
    assert prune(world.ports) == 0
    assert world.rows("SELECT count(*) FROM evaluations") == world.rows("SELECT count(*) FROM results") == [(2,)]
    assert latest(world) == newest
    assert world.incident().timeline
    assert world.audit()


def test_of_what_is_older_than_a_month_the_first_of_each_hour_is_kept_with_its_values(world: World) -> None:
    with world.store.transaction() as records:
        for n in range(36):
            seen = evaluation(NOW + timedelta(minutes=5 * n))
            records.save_evaluation(replace(seen, results=(replace(seen.results[0], value=n),)))
    world.clock.pass_(days=KEPT_EACH.days)
    assert prune(world.ports) == 0
    world.clock.pass_(hours=5)
    assert prune(world.ports) == 33 - 1, "not the newest one"
    with world.store.snapshot() as records:
        kept = [(one.checked_at.hour, one.checked_at.minute) for one in records.latest_evaluations(9)]
        assert kept == [(12, 0), (13, 0), (14, 0), (14, 55)]
        assert [value for _, value in records.latest_values("a", None, 9)] == [0, 12, 24, 35]


@pytest.mark.full
def test_the_state_stays_small(world: World) -> None:
    """A quarter of a year, a tick every five minutes: so much in 30 days, and an evaluation per hour of 60 more."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    for n in range(24):
        world.numbers(update_queue=n)
        run_checks(world.ports)
        world.clock.pass_(minutes=5)
    [(first,)] = world.rows("SELECT MAX(LENGTH(body)) FROM evaluations WHERE base_id IS NULL")
    [(later,)] = world.rows("SELECT MAX(LENGTH(body)) FROM evaluations WHERE base_id IS NOT NULL")
    results = 22 * len(latest(world).results)
    assert (first + results) * 24 * 90 + (later + results) * 264 * 30 < 20e6


@pytest.mark.full
def test_a_file_that_is_mostly_free_is_shrunk_at_the_next_start(world: World) -> None:
    with closing(sqlite3.connect(world.path)) as db, db:
        for _ in range(20):
            db.execute("INSERT INTO evaluations (checked_at, body) VALUES ('2026-01-01', zeroblob(1000000))")
    with closing(sqlite3.connect(world.path)) as db, db:
        db.execute("DELETE FROM evaluations")
    with closing(SqlStore(f"sqlite:///{world.path}")):
        pass
    assert world.path.stat().st_size < 1_000_000
    with world.store.transaction() as records:
        records.audit(AuditRow(NOW, "U1", "rerun", "a store that was open meanwhile works on", "well"))
    assert world.audit()


@pytest.mark.parametrize("change", ["DELETE FROM audit", "UPDATE audit SET result = 'well'"])
def test_the_audit_is_only_ever_added_to(world: World, change: str) -> None:
    with world.store.transaction() as records:
        records.audit(AuditRow(NOW, "U1", "rerun", "Sync B", "requested"))
    with closing(sqlite3.connect(world.path)) as db, db, pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        db.execute(change)
    assert world.audit() == [("U1", "rerun", "Sync B", "requested")]


def latest(world: World) -> Evaluation:
    with world.store.snapshot() as records:
        found = records.latest_evaluation()
    assert found
    return found


def test_a_batch_is_no_bigger_than_asked(world: World) -> None:
    with world.store.transaction() as records:
        for n in range(5):
            records.save_evaluation(replace(evaluation(NOW), checked_at=NOW + timedelta(minutes=n)))
        assert records.prune_evaluations(NOW + KEPT, 2, keep_hourly=False) == 2
        assert [one.checked_at.minute for one in records.latest_evaluations(9)] == [0, 3, 4], "others are read with it"


def test_a_claim_reads_only_what_is_owed(world: World) -> None:
    """Half a second between two looks: what was sent long ago must not be read each time."""
    owed = "SELECT * FROM outbox WHERE wanted > sent ORDER BY seq"
    plan = " ".join(str(row) for row in world.rows(f"EXPLAIN QUERY PLAN {owed}"))
    assert "USING INDEX unsent" in plan
