"""What waits, how long it has, and where it is heading."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.answers import WaitingRow
from bot.errors import PermanentError, TemporaryError
from bot.services.show_queue import QUEUE, show_queue
from checks.model import Check, Outcome
from tests.services.conftest import CHECK, World


def row(direction: str, part: str, waiting: int = 1, **more: Any) -> dict[str, object]:
    empty = dict.fromkeys(("label", "oldest_at", "rds_property_id", "sfdc_id", "wrong"))
    counts = dict.fromkeys(("suspicious",), 0)
    return {"direction": direction, "part": part, "waiting": waiting} | empty | counts | more


@pytest.fixture
def waits(world: World) -> list[dict[str, object]]:
    """What the warehouse says of the update queue: twelve rows, two of them wrong."""
    oldest_at = world.clock.now() - timedelta(hours=3)
    told = [
        row("both", "measurable", 1000),
        row("update", "company", 10, label="Company 1"),
        row("update", "company", 2, label=""),
        row("update", "first", rds_property_id=1, sfdc_id="a0X000000000001"),
        row("update", "first", rds_property_id=2, sfdc_id="a0X000000000002", wrong="nameless"),
        row("update", "state", 12, label="CA"),
        row("update", "total", 12, suspicious=2, oldest_at=oldest_at),
        row("update", "wrong", rds_property_id=9, sfdc_id="a0X000000000009", wrong="misnamed"),
    ]
    world.warehouse.rows[QUEUE] = told
    return told


def test_a_queue_shows_its_size_limits_age_groups_and_rows(world: World, waits: list[dict[str, object]]) -> None:
    [queue] = show_queue(world.ports, world.ports.settings.sync_called("b"))
    assert (queue.label, queue.size, queue.suspicious) == ("Sync B (UPDATE)", 12, 2)
    assert queue.oldest == timedelta(hours=3)
    assert queue.judged is None, "no check of these tests looks at it"
    assert dict(queue.groups) == {"state": (("CA", 12),), "company": (("Company 1", 10), ("", 2))}
    assert queue.first[0] == WaitingRow("1", "a0X000000000001", None)
    assert [row.property_id for row in queue.wrong] == ["2", "9"], "also those among the first"


def test_the_pace_is_read_from_the_sizes_that_were_measured(world: World, waits: list[dict[str, object]]) -> None:
    for size in (72, 52):
        world.numbers(update_queue=size)
        world.look(7, after=60)
    [queue] = show_queue(world.ports, world.ports.settings.sync_called("b"))
    assert queue.trend and (queue.trend.drained, queue.trend.over) == (60, timedelta(hours=1))
    assert queue.trend.to_empty == timedelta(minutes=12)


def test_with_too_few_sizes_the_pace_is_unknown(world: World, waits: list[dict[str, object]]) -> None:
    assert show_queue(world.ports, None)[1].trend is None
    world.look(7)
    world.clock.pass_(minutes=5)
    assert show_queue(world.ports, None)[1].trend is None


def test_a_queue_that_grows_has_no_end(world: World, waits: list[dict[str, object]]) -> None:
    world.look(7)
    world.numbers(update_queue=24)
    world.look(7, after=60)
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 9), row("update", "total", 40)]
    world.clock.pass_(minutes=60)
    trend = show_queue(world.ports, None)[1].trend
    assert trend and (trend.drained, trend.per_hour, trend.to_empty) == (-28, -14.0, None)


def test_an_empty_queue_is_zero_and_empty_tables_are_unknown(world: World) -> None:
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 1000)]
    assert [queue.size for queue in show_queue(world.ports, None)] == [0, 0]
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 0)]
    assert [queue.size for queue in show_queue(world.ports, None)] == [None, None]
    assert [queue.trend for queue in show_queue(world.ports, None)] == [None, None]


@pytest.mark.parametrize(("size", "outcome"), [(12, Outcome.OK), (501, Outcome.WARN), (1001, Outcome.CRITICAL)])
def test_a_size_is_judged_by_the_check_on_that_queue(world: World, size: int, outcome: Outcome) -> None:
    limits = {"metric": "update_queue", "warn": "> 500", "critical": "> 1000"}
    check = Check.model_validate({"name": "q", "title": "Q", "source": "databricks", "summary": "{value}"} | limits)
    ports = replace(world.ports, settings=replace(world.ports.settings, checks=(CHECK, check)))
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 1000), row("update", "total", size)]
    create, update = show_queue(ports, None)
    assert create.judged is None
    assert update.judged and (update.judged.outcome, update.judged.critical) == (outcome, "> 1000")
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 0)]
    unknown = show_queue(ports, None)[1].judged
    assert unknown and unknown.outcome is Outcome.NO_DATA


def test_a_warehouse_that_is_down_is_said_with_what_helps(world: World) -> None:
    world.warehouse.failure = PermanentError("there is no table x")
    with pytest.raises(TemporaryError, match=r"there is no table x\. /sync-health shows the last known backlogs"):
        show_queue(world.ports, None)


@pytest.mark.parametrize("odd", [{"waiting": "many"}, {"waiting": -3}, {"waiting": 1.5}, {"waiting": float("inf")}])
def test_a_backlog_that_cannot_be_read_is_said_to_be_so(world: World, odd: dict[str, object]) -> None:
    world.warehouse.rows[QUEUE] = [row("both", "measurable", 1000), row("update", "total") | odd]
    with pytest.raises(TemporaryError, match="cannot be read"):
        show_queue(world.ports, None)
    world.warehouse.rows[QUEUE] = [{"part": "total"}]
    with pytest.raises(TemporaryError, match="cannot be read"):
        show_queue(world.ports, None)
