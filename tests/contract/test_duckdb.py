"""DuckDB as a Warehouse: threads, types, families of errors."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from math import isnan
from pathlib import Path
from time import sleep

import pytest

from bot import sql
from bot.adapters.duckdb import DuckDBWarehouse
from bot.errors import NotFoundError, PermanentError, TemporaryError

CACHED = (sql.names, sql.load, sql.columns, sql.parameters, sql._for_databricks, sql._for_duckdb)
NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def warehouse() -> Iterator[DuckDBWarehouse]:
    one = DuckDBWarehouse()
    yield one
    one.close()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Puts a statement into another sql folder and returns its name."""
    monkeypatch.setattr(sql, "FOLDER", tmp_path)

    def one(text: str) -> str:
        name = f"s{len(list(tmp_path.glob('*.sql')))}"
        (tmp_path / f"{name}.sql").write_text(f"-- ?\n{text}\n", encoding="utf-8")
        forget()
        return name

    yield one
    forget()


def forget() -> None:
    for function in CACHED:
        function.cache_clear()


def test_values_have_one_form(warehouse: DuckDBWarehouse, write: Callable[[str], str]) -> None:
    [row] = warehouse.ask(
        write(
            "SELECT :t AS aware, CAST(:t AS TIMESTAMP_NTZ) AS naive, CAST(1.5 AS DECIMAL(5, 2)) AS price,"
            " SUM(1) AS many, CAST('NaN' AS DOUBLE) AS nan, CAST(NULL AS INT) AS nothing, TRUE AS flag,"
            " DATE '2026-01-20' AS day, 'x' AS word"
        ),
        t=NOON.astimezone(timezone(timedelta(hours=-8))),
    )
    assert isnan(float(str(row.pop("nan"))))
    assert row == {
        "aware": NOON,
        "naive": NOON,
        "price": 1.5,
        "many": 1,
        "nothing": None,
        "flag": True,
        "day": date(2026, 1, 20),
        "word": "x",
    }
    assert [type(row[name]) for name in ("price", "many")] == [float, int]
    assert [getattr(row[name], "tzinfo", None) for name in ("aware", "naive")] == [UTC, UTC]


def test_only_the_parameters_that_a_statement_uses_are_passed(
    warehouse: DuckDBWarehouse, write: Callable[[str], str]
) -> None:
    assert warehouse.ask(write("SELECT :a AS a, ':b' AS b"), a=1, b=2) == [{"a": 1, "b": ":b"}]
    with pytest.raises(PermanentError, match="parameters: a"):
        warehouse.ask(write("SELECT :a AS a"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT * FROM crm.sfdc_dbx.nowhere", "nowhere"),
        ("SELECT * FROM lost.sfdc_dbx.nowhere", "lost.sfdc_dbx.nowhere"),
        ("SELECT missing FROM (SELECT 1 AS one)", "missing"),
        ("SELECT CAST('many' AS INT) AS n", "many"),
    ],
)
def test_what_cannot_work_is_permanent_and_told_in_a_line(
    text: str, told: str, warehouse: DuckDBWarehouse, write: Callable[[str], str]
) -> None:
    name = write(text)
    with pytest.raises(PermanentError) as caught:
        warehouse.ask(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and told in message
    assert "\n" not in message and "SELECT" not in message


def test_an_unknown_question_is_not_found(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(NotFoundError, match="nearest is measure/health"):
        warehouse.ask("measure/helth")


def test_two_writers_of_one_row_are_told_to_try_again(warehouse: DuckDBWarehouse, write: Callable[[str], str]) -> None:
    warehouse.do(write("CREATE TABLE crm.sfdc_dbx.t AS SELECT 1 AS n"))
    with warehouse.cursor() as other:
        other.execute("BEGIN")
        other.execute("UPDATE crm.sfdc_dbx.t SET n = 2")
        with pytest.raises(TemporaryError):
            warehouse.do(write("UPDATE crm.sfdc_dbx.t SET n = 3"))


def test_any_thread_may_ask_while_another_writes(warehouse: DuckDBWarehouse, write: Callable[[str], str]) -> None:
    warehouse.do(write("CREATE TABLE crm.sfdc_dbx.t (n BIGINT, at TIMESTAMP)"))
    add, read = (
        write("INSERT INTO crm.sfdc_dbx.t SELECT :n, :at"),
        write("SELECT COUNT(*) AS n, MAX(at) AS at FROM crm.sfdc_dbx.t"),
    )

    def work(n: int) -> object:
        warehouse.do(add, n=n, at=NOON)
        return warehouse.ask(read)[0]["at"]

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(200))) == {NOON}
    assert warehouse.ask(read) == [{"n": 200, "at": NOON}]


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


def test_renamed_tables_get_their_catalogs_and_schemas(write: Callable[[str], str]) -> None:
    warehouse = DuckDBWarehouse(tables={"rds.pg_rds_public.companies": "app.other-schema.firms"})
    warehouse.do(write("CREATE TABLE rds.pg_rds_public.companies AS SELECT 7 AS id"))
    with warehouse.cursor() as cursor:
        assert cursor.execute('SELECT id FROM app."other-schema".firms').fetchall() == [(7,)]
    warehouse.close()


@pytest.mark.parametrize("name", ["main.app.firms", "app.firms"])
def test_names_that_duckdb_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(PermanentError, match=r"write catalog\.schema\.name"):
        DuckDBWarehouse(tables={"rds.pg_rds_public.companies": name}).cursor()


def test_a_missing_folder_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="create it, or correct duckdb:FOLDER"):
        DuckDBWarehouse(tmp_path / "nowhere").cursor()
    with pytest.raises(PermanentError, match="build the estate there first"):
        DuckDBWarehouse(tmp_path, read_only=True).cursor()


def test_a_file_of_something_else_is_permanent(tmp_path: Path) -> None:
    (tmp_path / "crm.duckdb").write_text("not a database " * 1000, encoding="utf-8")
    with pytest.raises(PermanentError, match="cannot be opened"):
        DuckDBWarehouse(tmp_path).cursor()


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


def test_closing_twice_is_fine_and_asking_afterwards_is_an_error(write: Callable[[str], str]) -> None:
    warehouse = DuckDBWarehouse()
    warehouse.close()
    warehouse.close()
    with pytest.raises(PermanentError, match="closed"):
        warehouse.ask(write("SELECT 1 AS one"))


def test_closing_interrupts_those_who_still_ask(write: Callable[[str], str]) -> None:
    warehouse = DuckDBWarehouse()
    endless = write("SELECT SUM(a.i * b.i) AS n FROM RANGE(1000000) AS a(i) CROSS JOIN RANGE(1000000) AS b(i)")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(warehouse.ask, endless) for _ in range(4)]
        while len(warehouse._running) < 4:
            sleep(0.01)
        warehouse.close()
        assert all(isinstance(one.exception(), TemporaryError) for one in asked)
