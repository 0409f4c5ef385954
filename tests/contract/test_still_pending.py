"""sql/measure/still_pending.sql: which identifiers are in a queue, of whatever type, however long the queue is."""

from datetime import UTC, datetime

import pytest

from bot.adapters.duckdb import DuckDBWarehouse
from bot.config.syncs import SyncSettings
from bot.demo.estate import Estate
from bot.errors import PermanentError
from bot.sql.statements import Statements
from tests.sql_folder import shipped_statements

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
ODD = ["1", "it's", 'a "quote"', "a,b", "$1 :name", "ÅÄÖ 東京", "'; DROP TABLE x --", r"a\nb", "100%"]


def ask(warehouse: DuckDBWarehouse, identifiers: list[str], place: int = 0) -> list[object]:
    rows = warehouse.ask(f"measure/still_pending/{place}", identifiers="\n".join(identifiers))
    return [row["identifier"] for row in rows]


def of_table(columns: str) -> DuckDBWarehouse:
    """One sync, whose queue is this."""
    one = SyncSettings(name="One", id=1, queue="lake.crm.pending", key="key")
    warehouse = DuckDBWarehouse(statements=Statements(syncs=(one,)))
    with warehouse.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS lake.crm")
        cursor.execute(f"CREATE TABLE lake.crm.pending AS {columns}")
    return warehouse


@pytest.mark.full
def test_the_queues_of_the_shipped_pipeline_are_looked_through_by_what_census_calls_the_identifier() -> None:
    warehouse = DuckDBWarehouse(statements=shipped_statements())
    Estate(warehouse, lambda: NOW).build()
    for place, queue, column in (
        (0, "properties_to_create", "rds_property_id"),
        (1, "properties_to_update", "snappt_property_id_c"),
    ):
        with warehouse.cursor() as cursor:
            found = cursor.execute(f"SELECT {column}::TEXT FROM crm.sfdc_dbx.{queue} ORDER BY 1 LIMIT 3").fetchall()
        pending = [str(one) for (one,) in found]
        assert ask(warehouse, ["0", *pending, "no such"], place) == pending
    warehouse.close()


def test_identifiers_are_values_whatever_they_look_like() -> None:
    listed = ", ".join("('" + one.replace("'", "''") + "')" for one in [*ODD, "another"])
    warehouse = of_table(f"SELECT * FROM (VALUES {listed}, (NULL), ('1')) AS t(key)")
    assert ask(warehouse, [*ODD, "1", "nobody"]) == sorted(ODD)
    assert ask(warehouse, ["nobody"]) == []
    warehouse.close()


def test_whole_numbers_are_compared_as_they_are_written() -> None:
    warehouse = of_table("SELECT i::BIGINT AS key FROM range(100000) AS r(i)")
    assert ask(warehouse, [*map(str, range(99_700, 100_300)), "07"]) == sorted(map(str, range(99_700, 100_000)))
    warehouse.close()


def test_a_column_that_is_not_there_is_named() -> None:
    warehouse = of_table("SELECT 1 AS other")
    with pytest.raises(PermanentError, match="key"):
        ask(warehouse, ["1"])
    warehouse.close()
