"""Completed runs in the audit log: each once, with its final counts, and only while the warehouse runs anyway."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.errors import PermanentError
from bot.facts import RunStatus
from bot.ports import Ports
from bot.services.log_runs import TOGETHER, RunLog
from tests.services.conftest import World
from tests.sql_folder import shipped_statements

COUNTS = "records_processed, records_succeeded, records_failed, error_rate"
LOG = f"SELECT audit_id, sync_name, sync_type, {COUNTS}, executed_by"


class Log:
    """A real audit log in an embedded warehouse, next to a Census of this test."""

    def __init__(self, path: Path) -> None:
        self.world = World(path)
        self.warehouse = DuckDBWarehouse(statements=shipped_statements())
        self.warehouse.do("sync_audit_log")
        self.ports: Ports = replace(self.world.ports, warehouse=self.warehouse)
        self.log = RunLog(self.ports)

    def complete(self, sync: int, trigger: str = "Schedule", **counts: int) -> int:
        run = self.world.census.start(sync, trigger)
        self.world.census.finish(run.id, **counts)
        return run.id

    def write(self, *, after: float = 6) -> int:
        """So many minutes later the bot evaluates, and writes."""
        self.world.clock.pass_(minutes=after)
        self.world.look(7)
        return self.log.write()

    def rows(self, what: str = LOG) -> list[tuple[object, ...]]:
        with self.warehouse.cursor() as cursor:
            return list(
                cursor.execute(f"{what} FROM crm.sfdc_dbx.sync_audit_log ORDER BY execution_timestamp").fetchall()
            )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    one = Log(tmp_path / "state.db")
    yield one
    one.world.close()
    one.warehouse.close()


def test_a_completed_run_is_a_row_with_its_counts_and_what_started_it(log: Log) -> None:
    run = log.complete(log.world.sync_b, records_updated=178, records_failed=2, records_invalid=20)
    assert log.write() == 1
    [row] = log.rows()
    assert row == (f"census_run_{run}", "Sync B (UPDATE)", "UPDATE", 200, 178, 22, 11.0, "Census (Schedule)")
    assert log.rows("SELECT census_sync_id, notes") == [(log.world.sync_b, None)]


def test_each_run_is_written_once_whatever_is_forgotten(log: Log) -> None:
    log.complete(log.world.sync_a, records_updated=1, records_failed=0)
    assert [log.write(), log.write()] == [1, 0]
    with log.world.store.transaction() as records:
        records.note_logged(log.world.sync_a, log.world.clock.now() - timedelta(hours=9))
    assert log.write() == 1, "its answer was lost, as far as the state knows"
    assert len(log.rows()) == 1


def test_a_run_is_left_alone_until_census_has_counted(log: Log) -> None:
    log.complete(log.world.sync_a, records_updated=1, records_failed=0)
    assert log.write(after=2) == 0
    assert log.write(after=4) == 1


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED])
def test_what_did_not_complete_is_no_row(log: Log, status: RunStatus) -> None:
    run = log.world.census.start(log.world.sync_a, "Schedule")
    log.world.census.finish(run.id, status=status)
    assert log.write() == 0
    assert log.rows() == []


def test_counts_that_census_does_not_give_are_null(log: Log) -> None:
    run = log.complete(log.world.sync_a)
    assert log.world.census.run(run).records_failed is None
    assert log.write() == 1
    assert log.rows("SELECT records_processed, records_failed, error_rate") == [(None, None, None)]


def test_a_count_that_the_column_cannot_hold_is_null_and_keeps_no_other_run_out(log: Log) -> None:
    log.complete(log.world.sync_a, records_updated=3_000_000_000, records_failed=0)
    log.complete(log.world.sync_b, records_updated=5, records_failed=0)
    assert log.write() == 2
    assert sorted(log.rows("SELECT records_processed"), key=str) == [(5,), (None,)]


def test_a_sleeping_warehouse_is_not_woken_for_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.complete(log.world.sync_a, records_updated=1, records_failed=0)
    monkeypatch.setattr(log.warehouse, "state", lambda: "STOPPED")
    assert log.write() == 0
    monkeypatch.setattr(log.warehouse, "state", lambda: "RUNNING")
    assert log.write() == 1


def test_many_runs_are_a_few_statements(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(TOGETHER + 5):
        log.complete(log.world.sync_a, records_updated=1, records_failed=0)
        log.world.clock.pass_(seconds=30)
    done: list[str] = []
    do = log.warehouse.do
    monkeypatch.setattr(log.warehouse, "do", lambda name, **given: (done.append(name), do(name, **given)))
    assert log.write() == TOGETHER + 5
    assert done == [f"log_runs/{TOGETHER}", "log_runs/5"]
    assert len(log.rows()) == TOGETHER + 5


def test_a_log_that_is_not_there_is_tried_again_after_a_while(log: Log) -> None:
    with log.warehouse.cursor() as cursor:
        cursor.execute("DROP TABLE crm.sfdc_dbx.sync_audit_log")
    log.complete(log.world.sync_a, records_updated=1, records_failed=0)
    with pytest.raises(PermanentError):
        log.write()
    assert log.write(after=1) == 0, "not at every look"
    log.warehouse.do("sync_audit_log")
    assert log.write(after=15) == 1


def test_a_pipeline_without_a_place_for_it_has_no_such_rows(log: Log) -> None:
    nowhere = replace(log.ports.settings, deploy_to=None)
    log.log = RunLog(replace(log.ports, settings=nowhere))
    log.complete(log.world.sync_a, records_updated=1, records_failed=0)
    assert log.write() == 0


def test_runs_that_follow_each_other_within_minutes_are_written_too(log: Log) -> None:
    written = 0
    for _ in range(12):
        log.complete(log.world.sync_a, records_updated=1, records_failed=0)
        written += log.write(after=4)
    assert written >= 8, "the last run is never five minutes old"
    assert len(log.rows()) == written
