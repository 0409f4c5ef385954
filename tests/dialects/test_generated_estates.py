"""What both engines say of generated estates: equal rows, whatever is in the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlglot import exp

from bot.demo.estate import BUILD
from tests.dialects.engines import Engine, Rows, duckdb, literal, sail
from tests.dialects.estates import Estate, estates
from tests.dialects.script import CANNOT, PARAMETERS, asks, rows_of, same
from tests.sql_folder import shipped_statements

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")]

STATEMENTS = shipped_statements()
LOG = "crm.sfdc_dbx.sync_audit_log"
VIEWS = ("daily_health_check", "sync_health_monitor")  # they read the clock
LOOKED_AT = [STATEMENTS.created(name) for name in BUILD if "/views/" in name or name in VIEWS]
OURS = [name for name in sorted(STATEMENTS.own) if not name.startswith(("pipeline/", "init/", "doctor/", "earlier/"))]
NOT_EVERYWHERE = {name for name, _ in CANNOT}
ASKED = [name for name in dict.fromkeys([*OURS, *STATEMENTS.at_work()]) if name not in NOT_EVERYWHERE]
QUESTIONS = [name for name in ASKED if asks(STATEMENTS, name)]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    with duckdb(STATEMENTS) as one, sail(STATEMENTS, tmp_path_factory.mktemp("delta")) as other:
        for engine in (one, other):
            for name in BUILD:
                if "/rows/" not in name:
                    engine.do(name)
        yield one, other


@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(estate=estates())
def test_both_engines_say_the_same_of_any_estate(estate: Estate, engines: tuple[Engine, Engine]) -> None:
    said, other = (_everything_said(engine, *estate) for engine in engines)
    different = {name: (rows, other[name]) for name, rows in said.items() if not same(rows, other[name])}
    assert not different


def _everything_said(engine: Engine, now: datetime, tables: dict[str, Rows]) -> dict[str, Rows]:
    """The answer to every question, the rows of every view, and the snapshot that is taken of them."""
    engine.now = now
    for table, rows in tables.items():
        _fill(engine, table, rows)
    for view in VIEWS:
        engine.do(view)
    parameters = PARAMETERS | {"now": now, "execution_timestamp": now, "since": now - timedelta(hours=1)}
    said = {question: engine.ask(question, **parameters) for question in QUESTIONS}
    said |= {view: rows_of(engine, view) for view in LOOKED_AT}
    engine.do("populate_audit_log", **parameters)
    return said | {LOG: rows_of(engine, LOG)}


def _fill(engine: Engine, table: str, rows: Rows) -> None:
    engine.write(exp.delete(exp.to_table(table)))
    if rows:
        columns = list(rows[0])
        listed = exp.Schema(this=exp.to_table(table), expressions=[exp.to_identifier(name) for name in columns])
        values = [exp.Tuple(expressions=[literal(row[name]) for name in columns]) for row in rows]
        engine.write(exp.Insert(this=listed, expression=exp.Values(expressions=values)))
