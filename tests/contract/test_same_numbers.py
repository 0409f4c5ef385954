"""The numbers of the shipped pipeline are those of the statement that counted all of them before syncs were data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.demo.estate import FAULTS
from bot.sql.trees import in_duckdb, keep_column, parse_text
from tests.contract.test_estate import World

FILE = Path(__file__).parent.parent / "upgrade" / "79dfcf0-health.sql"
EARLIER = FILE.read_text(encoding="utf-8")
COUNTED_BY_THE_QUEUES = {"create_queue", "update_queue", "create_queue_suspicious", "update_queue_suspicious"}
NEW = {"gap", "logged_coverage_percentage"}  # what only the statement of today returns
BLIND_WITHOUT_A_QUEUE = {"update_queue", "update_queue_suspicious", "newest_row_at"}  # the earlier statement, that is


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Every test leaves it as it was."""
    one = World()
    yield one
    one.warehouse.close()


def earlier(world: World) -> tuple[dict[str, Any], set[str]]:
    """Its numbers, each by itself where it is spoilt, as they were asked then; and those that had none for that."""
    tree = parse_text(EARLIER, FILE.name)
    names = [column.alias for column in tree.selects]
    try:
        [row] = world.rows(in_duckdb(tree))
        return dict(zip(names, row, strict=True)), set()
    except duckdb.Error:
        alone, spoilt = dict.fromkeys(names), set()
    for name in names:
        try:
            alone[name] = world.number(in_duckdb(keep_column(parse_text(EARLIER, FILE.name), name)))
        except duckdb.Error:
            spoilt.add(name)
    return alone, spoilt


def test_the_healthy_pipeline_has_the_numbers_that_it_had(world: World) -> None:
    before, spoilt = earlier(world)
    assert not spoilt
    assert before.keys() >= COUNTED_BY_THE_QUEUES
    valid, rows = before["rds_with_sfdc_id"], before["salesforce_rows"]
    assert world.health() == before | {"gap": valid - rows, "logged_coverage_percentage": round(100 * rows / valid, 2)}


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_pipeline_has_the_numbers_that_it_had(fault: str, world: World) -> None:
    healthy = world.health()
    world.estate.switch(fault, on=True)
    try:
        (before, spoilt), now = earlier(world), world.health()
    finally:
        world.estate.switch(fault, on=False)
    assert spoilt == (BLIND_WITHOUT_A_QUEUE if fault == "view_missing" else set())
    if spoilt:  # what the queues do not say stays known today
        assert now["newest_row_at"] == healthy["newest_row_at"]
        before["newest_row_at"] = now["newest_row_at"]
    gap, logged = now.pop("gap"), now.pop("logged_coverage_percentage")
    assert now == before
    assert now != {name: value for name, value in healthy.items() if name not in NEW}, "it breaks something"
    known = before["enriched_rows"] and before["salesforce_rows"]
    assert gap == (before["rds_with_sfdc_id"] - before["salesforce_rows"] if known else None)
    assert logged == (round(100 * before["salesforce_rows"] / before["rds_with_sfdc_id"], 2) if known else None)
