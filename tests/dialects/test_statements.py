"""Each statement on each engine, on the same estate; docs/STATEMENTS.md lists them."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlglot import exp, parse_one

from bot.sql.trees import as_written
from tests.dialects.engines import Engine, Rows, duckdb, sail
from tests.dialects.script import CANNOT, ENGINES, PARAMETERS, asks, in_order, rows_of, same
from tests.sql_folder import shipped_statements

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")

STATEMENTS = shipped_statements()


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    with duckdb(STATEMENTS) as one, sail(STATEMENTS, tmp_path_factory.mktemp("delta")) as other:
        yield dict(zip(ENGINES, (one, other), strict=True))


@pytest.mark.full
def test_every_statement_leaves_equal_rows_on_both_engines(engines: dict[str, Engine]) -> None:
    for name in in_order(STATEMENTS):
        left = [_rows_left(one, name) for engine, one in engines.items() if (name, engine) not in CANNOT]
        assert all(same(one, other) for one, other in pairwise(left)), name


@pytest.mark.full
@pytest.mark.parametrize(("name", "engine"), CANNOT)
def test_what_an_engine_is_said_not_to_do_it_does_not_do(name: str, engine: str, engines: dict[str, Engine]) -> None:
    with pytest.raises(Exception, match=r"(?i)not found|not supported|does not exist"):
        _rows_left(engines[engine], name)


@pytest.mark.full
@pytest.mark.parametrize(
    ("one", "other"),
    [("7 DIV 2 AS n", "7 / 2 AS n"), ("NULL AS n", "0 AS n"), ("1 AS n", "1 AS m")],
)
def test_a_planted_difference_is_seen(one: str, other: str, engines: dict[str, Engine]) -> None:
    texts = zip(engines.values(), (one, other), strict=True)
    assert not same(*(engine.read(parse_one(f"SELECT {text}", dialect="databricks")) for engine, text in texts))


def _rows_left(engine: Engine, name: str) -> Rows:
    """The answer to a question; of a command the table or view that it is about."""
    if asks(STATEMENTS, name):
        return engine.ask(name, **PARAMETERS)
    engine.do(name, **PARAMETERS)
    tree = parse_one(STATEMENTS.in_dialect(name, "databricks"), dialect="databricks")
    return [] if isinstance(tree, exp.Drop) else rows_of(engine, as_written(tree.this.find(exp.Table)))
