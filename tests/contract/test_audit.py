"""The audit: added to and never changed, cleaned when it is written, and read by people alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.model import AuditRow, AuditState
from bot.services.prune import KEPT, prune
from tests.new_state import new_state
from tests.services.conftest import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOT = Path(__file__).resolve().parents[2] / "bot"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(new_state(tmp_path / "state.db")) as one:
        yield one


def write(store: SqlStore, *rows: AuditRow) -> None:
    with store.transaction() as records:
        for row in rows:
            records.audit(row)


def row(what: str, minutes: int = 0) -> AuditRow:
    return AuditRow(NOON + timedelta(minutes=minutes), "U0ROBIN", what, "Sync B", "done")


@pytest.mark.parametrize("statement", ["UPDATE audit SET result = 'other'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_or_delete_what_was_written(
    store: SqlStore, tmp_path: Path, statement: str
) -> None:
    write(store, row("rerun"))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            db.execute(statement)
        db.rollback()
        assert db.execute("SELECT result FROM audit").fetchall() == [("done",)]


def test_everything_that_was_written_is_read_the_newest_first(store: SqlStore) -> None:
    said = AuditRow(
        NOON,
        "U0ROBIN",
        "rerun",
        "Sync B",
        "requested",
        AuditState.REQUESTED,
        "T0HOME",
        "the view is fixed",
        "on",
        "5 updated",
        "action 7",
    )
    write(store, said, row("pause", 1), row("snooze", -1))
    with store.snapshot() as records:
        assert [one.what for one in records.audit_rows(NOON - timedelta(hours=1))] == ["pause", "rerun", "snooze"]
        assert records.audit_rows(NOON - timedelta(hours=1), action="RERUN") == [said]
        assert [one.what for one in records.audit_rows(NOON - timedelta(hours=1), most=1)] == ["pause"]


def test_a_span_begins_with_its_first_moment_and_ends_before_its_last(store: SqlStore) -> None:
    write(store, row("a", -1), row("b"), row("c", 1))
    with store.snapshot() as records:
        assert [one.what for one in records.audit_rows(NOON, NOON + timedelta(minutes=1))] == ["b"]
        assert records.count_audit_rows(NOON, NOON + timedelta(minutes=1)) == 1
        assert records.count_audit_rows(NOON - timedelta(hours=1)) == 3
        assert records.count_audit_rows(NOON - timedelta(hours=1), action="b") == 1


def test_a_row_of_an_earlier_version_is_read_without_a_state(store: SqlStore, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute(
            'INSERT INTO audit (at, "user", what, target, result) VALUES (?, ?, ?, ?, ?)',
            ("2026-03-02 12:00:00.000000", "U0ROBIN", "rerun", "Sync B", "action 1: the view is fixed"),
        )
    with store.snapshot() as records:
        [old] = records.audit_rows(NOON)
    assert old == AuditRow(NOON, "U0ROBIN", "rerun", "Sync B", "action 1: the view is fixed", state=None)


PRIVATE = {
    "an address": "janequin.testbury@canary.example",
    "a telephone number": "+1 415 555-2671",
    "a telephone number at home": "(415) 555-2671",
    "a card": "4111 1111 1111 1111",
    "a number of a person": "123-45-6789",
    "a token of Slack": "-".join(("xoxb", "1111", "2222", "abcDEF")),
    "a token of Databricks": "dapi" + "0a1b2c3d" * 4,
    "a header": "Bearer abcdefgh12345678",
    "a long key": "A1b2C3d4" * 4,
    "a password": "password=hunter2",
}


@pytest.mark.parametrize("told", PRIVATE.values(), ids=PRIVATE)
@pytest.mark.parametrize("field", ["reason", "target", "result", "before", "after"])
def test_what_is_personal_or_secret_is_never_written(store: SqlStore, tmp_path: Path, told: str, field: str) -> None:
    texts = {"target": "Sync B", "result": "done"} | {field: f"asked for by {told}, it seems\x1b[2J"}
    write(store, AuditRow(NOON, "U0ROBIN", "rerun", **texts))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        [(kept,)] = db.execute(f'SELECT "{field}" FROM audit').fetchall()
    assert kept == "asked for by …, it seems[2J" or (told not in kept and kept.startswith("asked for by …"))
    assert "\x1b" not in kept


@pytest.mark.parametrize(
    "harmless",
    [
        "the view is fixed (ticket OPS-4711)",
        "snoozed until 2026-03-02 12:00 UTC by U0ROBIN",
        "run 99000001, action 12",
        "manual_snapshot_20260121T075900Z",
        "20,274 updated, 3 rejected",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST in crm.sfdc_dbx.properties_to_update",
    ],
)
def test_what_people_need_to_read_is_kept(harmless: str) -> None:
    assert AuditRow(NOON, "U0ROBIN", "rerun", "Sync B", harmless, reason=harmless).reason == harmless


def test_a_text_without_end_is_cut_to_its_column() -> None:
    long = AuditRow(NOON, "U" * 99, "w" * 99, "t " * 999, "r " * 9999, team="T" * 99, reference="f " * 99)
    assert [len(one or "") for one in (long.user, long.what, long.team)] == [40, 40, 40]
    assert len(long.target) <= 255 and len(long.result) <= 1000 and len(long.reference) <= 80


def test_retention_leaves_it_alone(tmp_path: Path) -> None:
    world = World(tmp_path / "state.db")
    write(world.store, AuditRow(world.clock.now() - 9 * KEPT, "U1", "rerun", "Sync B", "done"))
    world.look(7)
    world.clock.pass_(days=9 * KEPT.days)
    prune(world.ports)
    assert len(world.audit()) == 1
    world.close()


def test_nothing_decides_by_what_is_read_back() -> None:
    readers = {
        path.relative_to(BOT).as_posix() for path in BOT.rglob("*.py") if "audit_rows" in path.read_text("utf-8")
    }
    shown = {"services/show_audit.py", "services/show_slo.py"}  # to people, the latter as a number
    assert readers == {"ports.py", "adapters/store/audit.py", *shown}
    askers = {path.relative_to(BOT).as_posix() for path in BOT.rglob("*.py") if "show_audit" in path.read_text("utf-8")}
    assert askers == {"services/show_audit.py", "slack/commands.py", "slack/slo.py", "cli/audit.py"}
