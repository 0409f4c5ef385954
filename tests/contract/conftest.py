"""What several of these tests stand on: a small pipeline, its tiles, both warehouses, two stores on one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.runtime.composition import settings_from
from tests.new_state import new_state
from tests.small_pipeline import SmallPipeline
from tests.tile_answers import TileAnswers
from tests.warehouses import DatabricksPlace, DuckDBPlace, Place


@pytest.fixture
def small() -> Iterator[SmallPipeline]:
    one = SmallPipeline()
    yield one
    one.warehouse.close()


@pytest.fixture(scope="module")
def answers() -> Iterator[TileAnswers]:
    """The shipped pipeline's tiles, over tables without rows."""
    small = SmallPipeline()
    yield TileAnswers(settings_from({}), small.warehouse)
    small.warehouse.close()


@pytest.fixture(params=[DuckDBPlace, DatabricksPlace], ids=["duckdb", "databricks"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    one = request.param()
    yield one
    one.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    one = new_state(tmp_path / "state.db")
    yield one
    one.close()


@pytest.fixture
def other(store: SqlStore, tmp_path: Path) -> Iterator[SqlStore]:
    """Another process' store on the same file."""
    one = SqlStore(f"sqlite:///{tmp_path / 'state.db'}")
    yield one
    one.close()
