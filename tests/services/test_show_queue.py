"""What is pending, how long it has been, and where it is heading."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts.offers import Offer
from bot.answers.syncs import PendingRecord
from bot.errors import PermanentError, TemporaryError
from bot.facts import RunStatus
from bot.messages.sync_buttons import offered_by_queue
from bot.runtime.composition import settings_from
from bot.services.ask_warehouse import QUEUE
from bot.services.run_checks import run_checks
from bot.services.show_queue import show_queue
from checks.model import Check, Outcome
from tests.services.conftest import CHECK, World

OF_B = f"{QUEUE}/1"


def row(kind: str, part: str | None = None, records: int = 1, **more: Any) -> dict[str, object]:
    empty = dict.fromkeys(("label", "oldest_at", "key_0", "key_1", "key_2", "suspect"))
    return {"kind": kind, "part": part, "records": records, "suspects": 0} | empty | more


@pytest.fixture
def waits(world: World) -> list[dict[str, object]]:
    """What the warehouse says of the update queue: twelve records, two of them wrong."""
    oldest_at = world.clock.now() - timedelta(hours=3)
    told = [
        row("group", "company_name", 10, label="Company 1"),
        row("group", "company_name", 2, label=""),
        row("group", "state", 12, label="CA"),
        row("record", "first", key_0="1", key_1="a0X000000000001"),
        row("record", "first", key_0="2", key_1="a0X000000000002", suspect=0),
        row("record", "suspect", key_0="9", key_1="a0X000000000009", suspect=1),
        row("total", None, 12, suspects=2, oldest_at=oldest_at),
    ]
    world.numbers(update_queue=12, update_queue_suspicious=2, update_queue_oldest=oldest_at)
    world.warehouse.rows[OF_B] = told
    return told


def test_a_queue_shows_its_size_limits_age_groups_and_rows(world: World, waits: list[dict[str, object]]) -> None:
    [queue] = show_queue(world.ports, world.ports.settings.sync_called("b"))
    assert (queue.label, queue.size, queue.suspicious) == ("Sync B (UPDATE)", 12, 2)
    assert queue.suspects == (("no company name", 2),)
    assert queue.oldest == timedelta(hours=3)
    assert queue.judged is None, "no check of these tests looks at it"
    assert dict(queue.groups) == {"state": (("CA", 12),), "company_name": (("Company 1", 10), ("", 2))}
    assert queue.keys == ("rds_property_id", "sfdc_id")
    assert queue.first[0] == PendingRecord(("1", "a0X000000000001"), None)
    assert [record.keys[0] for record in queue.suspect] == ["2", "9"], "also those among the first"
    assert [record.suspect for record in queue.suspect] == ["no company name", "company name is the property name"]
    assert world.warehouse.asked == ["measure/health + queues/1", OF_B], "of this queue alone"


@pytest.mark.parametrize(
    ("changes", "in_vain", "said"),
    [
        ({"status": RunStatus.FAILED, "error": "INVALID_SESSION_ID: expired"}, True, "INVALID_SESSION_ID"),
        ({"status": RunStatus.FAILED, "error": "503: try again later"}, False, "503"),
    ],
)
def test_a_sync_whose_runs_fail_is_named_and_offers_a_rerun_only_where_one_can_help(
    world: World, waits: list[dict[str, object]], changes: dict[str, Any], in_vain: bool, said: str
) -> None:
    ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    for _ in range(2):
        run = world.census.start(world.sync_b)
        world.census.finish(run.id, **changes)
        world.clock.pass_(minutes=1)
    run_checks(ports)
    [queue] = show_queue(ports, ports.settings.sync_called("b"))
    assert (queue.in_vain, queue.running) == (in_vain, False)
    assert any(said in one.summary for one in queue.troubles)
    assert (Offer.RERUN in [offer for offer, _ in offered_by_queue(queue)]) is not in_vain


def test_the_pace_is_read_from_the_sizes_that_were_measured(world: World, waits: list[dict[str, object]]) -> None:
    for size in (72, 52):
        world.numbers(update_queue=size)
        world.look(7, after=60)
    world.numbers(update_queue=12)
    [queue] = show_queue(world.ports, world.ports.settings.sync_called("b"))
    assert queue.trend and (queue.trend.drained, queue.trend.over) == (60, timedelta(hours=1))
    assert queue.trend.to_empty == timedelta(minutes=12)


def test_with_too_few_sizes_the_pace_is_unknown(world: World, waits: list[dict[str, object]]) -> None:
    assert show_queue(world.ports, None)[1].trend is None
    world.look(7)
    world.clock.pass_(minutes=5)
    assert show_queue(world.ports, None)[1].trend is None


def test_a_queue_that_grows_has_no_end(world: World) -> None:
    world.look(7)
    world.numbers(update_queue=24)
    world.look(7, after=60)
    world.numbers(update_queue=40)
    world.clock.pass_(minutes=60)
    trend = show_queue(world.ports, None)[1].trend
    assert trend and (trend.drained, trend.per_hour, trend.to_empty) == (-28, -14.0, None)


def test_an_empty_queue_is_zero_and_empty_tables_are_unknown(world: World) -> None:
    world.numbers(create_queue=0, update_queue=0)
    assert [queue.size for queue in show_queue(world.ports, None)] == [0, 0]
    world.numbers(salesforce_rows=0)
    empty = show_queue(world.ports, None)
    assert [queue.size for queue in empty] == [None, None]
    assert [queue.trend for queue in empty] == [None, None]
    assert {queue.error for queue in empty} == {"table hive_metastore.salesforce.product_property is empty"}


@pytest.mark.parametrize(("size", "outcome"), [(12, Outcome.OK), (501, Outcome.WARN), (1001, Outcome.CRITICAL)])
def test_a_size_is_judged_by_the_check_on_that_queue(world: World, size: int, outcome: Outcome) -> None:
    limits = {"metric": "backlog", "per": "sync", "warn": "> 500", "critical": "> 1000"}
    check = Check.model_validate({"name": "q", "title": "Q", "source": "databricks", "summary": "{value}"} | limits)
    settings = replace(world.ports.settings, checks=(CHECK, check), checks_of={"Sync A": {"q": None}})
    ports = replace(world.ports, settings=settings)
    world.numbers(update_queue=size)
    create, update = show_queue(ports, None)
    assert create.judged is None
    assert update.judged and (update.judged.outcome, update.judged.critical) == (outcome, "> 1000")
    world.numbers(enriched_rows=0)
    unknown = show_queue(ports, None)[1].judged
    assert unknown and unknown.outcome is Outcome.NO_DATA


def test_a_warehouse_that_is_down_is_said_with_what_helps(world: World) -> None:
    world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    why = r"the warehouse cannot be reached\. /sync-health shows the last known backlogs"
    with pytest.raises(TemporaryError, match=why):
        show_queue(world.ports, None)


def test_a_queue_that_cannot_be_described_is_said_with_what_helps(world: World, waits: list[dict[str, object]]) -> None:
    del world.warehouse.rows[OF_B]
    with pytest.raises(TemporaryError, match=r"there is no such table\. /sync-health shows the last known backlogs"):
        show_queue(world.ports, world.ports.settings.sync_called("b"))


def test_tables_that_are_all_gone_are_said_once_with_what_helps(world: World) -> None:
    world.warehouse.failure = PermanentError("there is no table x")
    with pytest.raises(TemporaryError, match=r"there is no table x\. /sync-health shows the last known backlogs"):
        show_queue(world.ports, None)


@pytest.mark.parametrize("odd", ["many", -3, 1.5, float("inf")])
def test_a_backlog_that_cannot_be_read_is_said_to_be_so(
    world: World, waits: list[dict[str, object]], odd: object
) -> None:
    world.numbers(update_queue=odd)
    assert show_queue(world.ports, None)[1].size is None
    world.numbers(update_queue=12)
    sync = world.ports.settings.sync_called("b")
    for told in ([*waits, row("group", "state") | {"records": odd}], [{"part": "total"}]):
        world.warehouse.rows[OF_B] = told
        with pytest.raises(TemporaryError, match="cannot be read"):
            show_queue(world.ports, sync)
