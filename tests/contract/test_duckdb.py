"""What only DuckDB has: folders, files that somebody else holds, names it cannot take. The rest: test_warehouse.py."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from bot.adapters.duckdb import NO_DOWNLOADS, DuckDBWarehouse
from bot.errors import PermanentError, StatementError, TemporaryError
from bot.sql.statements import Statements
from tests.sql_folder import SHIPPED, named, shipped_statements

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_folder_keeps_what_was_written_and_can_be_opened_to_read(tmp_path: Path, write: Callable[[str], str]) -> None:
    folder = tmp_path / "warehouse"
    folder.mkdir()
    make, read = (
        write("CREATE TABLE rds.pg_rds_public.companies AS SELECT 7 AS id"),
        write("SELECT id FROM rds.pg_rds_public.companies"),
    )
    writer = DuckDBWarehouse(folder)
    writer.do(make)
    writer.close()
    reader = DuckDBWarehouse(folder, read_only=True)
    try:
        assert reader.ask(read) == [{"id": 7}]
        with pytest.raises(PermanentError, match="read-only"):
            reader.do(write("DELETE FROM rds.pg_rds_public.companies"))
    finally:
        reader.close()


def test_whether_it_may_be_written_is_found_without_writing_it(tmp_path: Path) -> None:
    folder = tmp_path / "warehouse"
    folder.mkdir()
    writer = DuckDBWarehouse(folder)
    writer.do("sync_audit_log")
    writer.try_write("doctor/may_write")
    writer.close()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    reader = DuckDBWarehouse(folder, read_only=True)
    reader.try_write("doctor/may_write")
    reader.close()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_write_that_is_tried_is_taken_back(write: Callable[[str], str]) -> None:
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    warehouse.do(write("CREATE TABLE rds.pg_rds_public.companies AS SELECT 7 AS id"))
    warehouse.try_write(write("DELETE FROM rds.pg_rds_public.companies"))
    assert warehouse.ask(write("SELECT id FROM rds.pg_rds_public.companies")) == [{"id": 7}]
    with pytest.raises(PermanentError, match="nothing"):
        warehouse.try_write(write("DELETE FROM rds.pg_rds_public.nothing"))
    warehouse.close()


@pytest.mark.parametrize("name", ["main.app.firms", "app.firms"])
def test_names_that_duckdb_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(PermanentError, match=r"write catalog\.schema\.name"):
        DuckDBWarehouse(statements=named({"rds.pg_rds_public.companies": name})).cursor()


def test_a_missing_folder_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="create it, or correct duckdb:FOLDER"):
        DuckDBWarehouse(tmp_path / "nowhere").cursor()
    with pytest.raises(PermanentError, match="sync-health deploy creates it"):
        DuckDBWarehouse(tmp_path, read_only=True).cursor()


def test_a_file_of_something_else_is_permanent(tmp_path: Path) -> None:
    (tmp_path / "crm.duckdb").write_text("not a database " * 1000, encoding="utf-8")
    with pytest.raises(PermanentError, match="cannot be opened"):
        DuckDBWarehouse(tmp_path).cursor()


@pytest.mark.full
def test_a_file_that_another_process_holds_is_asked_for_again_until_it_is_free(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "crm.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdin
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(TemporaryError, match="is in use by another process: "):
            warehouse.cursor()
        holder.stdin.close()
    warehouse.cursor().close()
    warehouse.close()


def test_catalogs_that_no_table_of_the_configuration_is_in_need_not_exist(tmp_path: Path) -> None:
    tables = {name: f"lake.`my größe`.{name.rpartition('.')[2]}" for name in SHIPPED.table_names()}
    DuckDBWarehouse(tmp_path, named(tables)).cursor().close()
    assert [file.name for file in tmp_path.iterdir()] == ["lake.duckdb"]
    reader = DuckDBWarehouse(tmp_path, named(tables), read_only=True)
    assert reader.state() == "embedded"
    reader.close()
    with pytest.raises(PermanentError, match="crm"):
        DuckDBWarehouse(tmp_path, named(tables | {"crm.sfdc_dbx.sync_audit_log": "crm.a.log"}), read_only=True).state()


def test_a_statement_has_a_time_limit_and_the_next_one_is_answered(
    write: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.duckdb.TIME_LIMIT", 0.3)
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    endless = write("SELECT COUNT(*) AS n FROM range(1000000000) AS a CROSS JOIN range(1000000000) AS b WHERE a <> b")
    with pytest.raises(StatementError):
        warehouse.ask(endless)
    assert warehouse.ask(write("SELECT 1 AS n")) == [{"n": 1}]
    warehouse.close()


def test_every_file_of_the_folder_is_listed_and_none_is_needed(tmp_path: Path) -> None:
    for catalog in ("lake-prod", "other"):
        with duckdb.connect(str(tmp_path / f"{catalog}.duckdb")) as connection:
            connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.contacts AS SELECT 1 AS contact_id")
    warehouse = DuckDBWarehouse(tmp_path, Statements(tmp_path), read_only=True)
    assert warehouse.list_tables() == ["lake-prod.crm.contacts", "other.crm.contacts"]
    assert warehouse.list_tables() == ["lake-prod.crm.contacts", "other.crm.contacts"], "more than once"
    assert warehouse.columns("lake-prod.crm.contacts") == {"contact_id"}
    warehouse.close()


def test_no_statement_has_code_fetched_from_the_network(tmp_path: Path, write: Callable[[str], str]) -> None:
    (folder := tmp_path / "warehouse").mkdir()
    warehouse = DuckDBWarehouse(folder)
    asked = [f"CURRENT_SETTING('{name}') AS {name}" for name in NO_DOWNLOADS]
    try:
        [found] = warehouse.ask(write(f"SELECT {', '.join(asked)}"))
        assert found == dict.fromkeys(NO_DOWNLOADS, False)
        with pytest.raises(PermanentError):
            warehouse.ask(write("SELECT * FROM READ_CSV('http://127.0.0.1:9/rows.csv')"))
    finally:
        warehouse.close()
