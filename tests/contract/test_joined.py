"""Many one-row questions as one statement: the same answers as one by one, on DuckDB and over Databricks' wire."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import sqlglot

from bot.config import shipped
from bot.errors import PermanentError
from bot.ports import Sources, Warehouse
from bot.runtime.composition import settings_from
from bot.services.ask_warehouse import ask_warehouse
from checks.model import Check, Reading
from tests.fakes import HEALTH, FakeCensus, HandClock
from tests.small_pipeline import SmallPipeline
from tests.sql_folder import SHIPPED, named, statements_in
from tests.warehouses import NOON, LocalDatabricks

OWN = {
    "one": "SELECT COUNT(*) AS n FROM crm.sfdc_dbx.properties_to_create",
    "two_rows": "SELECT 1 AS n UNION ALL SELECT 2 AS n",
    "no_row": "SELECT 1 AS n WHERE 1 = 0",
    "null": "SELECT CAST(NULL AS BIGINT) AS n",
    "with_cte": "WITH a AS (SELECT 3 AS n) SELECT n FROM a ORDER BY n LIMIT 1",
    "same_cte": "WITH a AS (SELECT 4 AS n) SELECT n FROM a",
    "future": "SELECT 0 AS n, TIMESTAMP '2999-01-01 00:00:00' AS loaded_at",
    "text": "SELECT 'n/a' AS n",
    "decimal": "SELECT CAST(1.5 AS DECIMAL(10, 2)) AS n",
}
APART = {"starred": "SELECT * FROM (SELECT 5 AS n) AS a", "unread": "SELECT FROM WHERE"}
BROKEN = {"no_column": "SELECT nothing_like_it AS n FROM crm.sfdc_dbx.properties_to_create"}


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], list[str]]]:
    """Puts own statements next to the shipped ones, and returns their names."""
    folder = tmp_path / "sql"
    shutil.copytree((shipped.FOLDER / "sql"), folder)
    (folder / "checks").mkdir()
    with statements_in(folder):

        def all_of(texts: dict[str, str]) -> list[str]:
            for name, text in texts.items():
                (folder / "checks" / f"{name}.sql").write_text(f"-- How many?\n{text}\n", encoding="utf-8")
            return [f"checks/{name}" for name in texts]

        yield all_of


@pytest.fixture
def local() -> Iterator[LocalDatabricks]:
    """A pipeline of a few rows behind a local Databricks."""
    one = LocalDatabricks()
    one.server.start()
    small = SmallPipeline(one.duckdb)
    small.properties(7)
    small.salesforce(4)
    yield one
    one.close()


@pytest.fixture(params=["duckdb", "databricks"])
def warehouse(request: pytest.FixtureRequest, local: LocalDatabricks) -> Warehouse:
    return local.duckdb if request.param == "duckdb" else local.warehouse()


def sources(warehouse: Warehouse, own: list[str]) -> Sources:
    settings = settings_from({})
    mould = next(check for check in settings.checks if check.name == "null_company_names")
    checks = [mould.model_copy(update={"name": name.split("/")[1], "metric": f"sql/{name}.sql"}) for name in own]
    clock = HandClock(NOON)
    return Sources(replace(settings, checks=(*settings.checks, *checks)), clock, warehouse, FakeCensus(clock))


def readings(warehouse: Warehouse, own: list[str]) -> dict[str, Reading]:
    asked = sources(warehouse, own)
    numbers = ask_warehouse(asked)
    metrics = [
        check.metric for check in cast("tuple[Check, ...]", asked.settings.checks) if check.source == "databricks"
    ]
    return {metric: numbers.reading(metric) for metric in metrics if metric in numbers.row or metric in numbers.errors}


class OneByOne:
    """A warehouse in which nothing can be joined."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def ask_joined(self, _: object) -> dict[str, list[dict[str, object]]]:
        raise PermanentError("not here")

    def __getattr__(self, name: str) -> object:
        return getattr(self._warehouse, name)


@pytest.mark.full
def test_joined_and_one_by_one_give_the_same_readings(
    warehouse: Warehouse, write: Callable[[dict[str, str]], list[str]]
) -> None:
    names = write({**OWN, **APART})
    assert warehouse.ask_joined([HEALTH, *names]).keys() == {HEALTH, *names} - {"checks/starred", "checks/unread"}
    joined = readings(warehouse, names)
    assert joined == readings(cast("Warehouse", OneByOne(warehouse)), names)
    assert joined["sql/checks/one.sql"].value == 3
    assert joined["sql/checks/with_cte.sql"].value == 3 and joined["sql/checks/same_cte.sql"].value == 4
    assert joined["sql/checks/two_rows.sql"].detail == "the statement returned 2 rows instead of one"
    assert joined["sql/checks/no_row.sql"].detail == "the statement returned no rows instead of one"
    assert joined["sql/checks/future.sql"].detail == "loaded_at is in the future"


@pytest.mark.full
def test_fifty_own_statements_and_the_health_row_are_one_statement(
    local: LocalDatabricks, write: Callable[[dict[str, str]], list[str]]
) -> None:
    names = write({f"n{n}": f"SELECT {n} AS n" for n in range(50)})
    numbers = ask_warehouse(sources(local.warehouse(), names))
    assert local.server.calls.count("ExecuteStatement") == numbers.statements == 1
    assert [numbers.value(f"sql/{name}.sql") for name in names] == list(range(50))
    assert numbers.value("salesforce_rows") == 4


def test_statements_whose_ctes_have_the_same_name_do_not_meet(
    warehouse: Warehouse, write: Callable[[dict[str, str]], list[str]]
) -> None:
    names = write({name: OWN[name] for name in ("with_cte", "same_cte")})
    assert warehouse.ask_joined(names) == {names[0]: [{"n": 3}], names[1]: [{"n": 4}]}


def test_what_cannot_be_joined_is_asked_by_itself_and_counted(
    local: LocalDatabricks, write: Callable[[dict[str, str]], list[str]]
) -> None:
    names = write({"one": OWN["one"], "starred": APART["starred"]})
    numbers = ask_warehouse(sources(local.warehouse(), names))
    assert local.server.calls.count("ExecuteStatement") == numbers.statements == 2
    assert [numbers.value(f"sql/{name}.sql") for name in names] == [3, 5]


@pytest.mark.full
def test_a_bad_column_in_one_blinds_no_other(
    warehouse: Warehouse, write: Callable[[dict[str, str]], list[str]]
) -> None:
    found = readings(warehouse, write({**BROKEN, "one": OWN["one"]}))
    assert found["sql/checks/no_column.sql"].error
    assert found["sql/checks/one.sql"].value == 3
    assert found["null_company_names"].value == 0


@pytest.mark.full
def test_more_rows_than_anybody_reads_are_that_error_and_not_counted(
    warehouse: Warehouse, write: Callable[[dict[str, str]], list[str]]
) -> None:
    many = "SELECT a.n AS n FROM (SELECT EXPLODE(SEQUENCE(1, 10001)) AS n) AS a"
    found = readings(warehouse, write({"many": many, "one": OWN["one"]}))
    assert "more than 10,000 rows" in str(found["sql/checks/many.sql"].error)
    assert found["sql/checks/one.sql"].value == 3


def test_tables_have_their_names_here_in_the_joined_statement(write: Callable[[dict[str, str]], list[str]]) -> None:
    names = write({"one": OWN["one"]})
    tables = {"crm.sfdc_dbx.properties_to_create": "lake-prod.crm.to_create"}
    text = named(tables).joined([HEALTH, *names], "databricks").text
    assert "`lake-prod`.`crm`.`to_create`" in text and "properties_to_create" not in text
    assert sqlglot.parse_one(text, dialect="databricks")


def test_the_joined_statement_is_databricks_sql_for_databricks(write: Callable[[dict[str, str]], list[str]]) -> None:
    names = write({"like": "SELECT CAST('a' RLIKE '(?i)A' AS INT) AS n"})
    joined = SHIPPED.joined([HEALTH, *names], "databricks")
    assert "REGEXP_LIKE" in joined.text and "REGEXP_MATCHES" not in joined.text and "CROSS JOIN" in joined.text
    assert "REGEXP_MATCHES" in SHIPPED.joined([HEALTH, *names], "duckdb").text
    assert list(joined.columns) == [HEALTH, *names]


def test_questions_with_parameters_and_statements_that_do_something_are_not_joined(
    write: Callable[[dict[str, str]], list[str]],
) -> None:
    names = write({"given": "SELECT :n AS n", "doing": "DROP TABLE a.b.c", "one": OWN["one"]})
    assert list(SHIPPED.joined([HEALTH, *names], "databricks").columns) == [HEALTH, "checks/one"]
    with pytest.raises(PermanentError):
        SHIPPED.joined(names[:2], "databricks")
