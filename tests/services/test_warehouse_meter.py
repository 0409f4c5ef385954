"""Every statement is counted once, in one place, and costs no transaction of its own."""

import inspect
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from sqlalchemy import event

from bot.alerts.rejections import Rejection
from bot.alerts.warehouse_use import Purpose, Usage, awake_by_day
from bot.errors import StateError, TemporaryError
from bot.ports import Warehouse
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect, remembered
from bot.runtime.demo import Demo
from bot.services.prune import prune
from bot.services.run_checks import run_checks
from bot.services.show_queue import show_queue
from bot.services.show_status import show_status
from bot.services.take_snapshot import take_snapshot
from bot.services.warehouse_meter import BY_METHOD, WarehouseMeter, metered
from tests.fakes import HEALTH, START
from tests.services.conftest import World

FREE = {"state", "login", "auto_stop", "awake", "close"}


@pytest.fixture
def meter(world: World) -> WarehouseMeter:
    """Of the world's warehouse, which sleeps until it is asked."""
    world.warehouse.says = "STOPPED"
    counted, meter = metered(world.warehouse, world.clock)
    object.__setattr__(world.ports, "warehouse", counted)
    return meter


def usage(world: World, meter: WarehouseMeter) -> list[Usage]:
    meter.save(world.store, world.ports.settings.zone)
    return saved(world)


def saved(world: World) -> list[Usage]:
    with world.store.snapshot() as records:
        return records.usage_since(world.clock.now().date() - timedelta(days=5))


def awake_minutes(world: World, after: float = 60) -> float:
    """In all until so many minutes from now."""
    with world.store.snapshot() as records:
        spans = records.awake_since(world.clock.now() - timedelta(days=5))
    days = awake_by_day(spans, world.ports.settings.zone, world.clock.now() + timedelta(minutes=after))
    return sum(days.values(), timedelta(0)) / timedelta(minutes=1)


def test_every_method_of_the_port_is_a_statement_or_costs_nothing() -> None:
    methods = {name for name, _ in inspect.getmembers(Warehouse, inspect.isfunction) if not name.startswith("_")}
    assert methods == BY_METHOD.keys() | FREE, "say of a new method which it is"
    assert not BY_METHOD.keys() & FREE


def test_an_evaluation_is_one_statement_that_wakes_it_for_ten_minutes(world: World, meter: WarehouseMeter) -> None:
    evaluation, _ = run_checks(world.ports)
    [used] = usage(world, meter)
    assert evaluation.statements == 1
    assert (used.purpose, used.statements, used.woke) == (Purpose.MEASURE, 1, 1)
    assert awake_minutes(world) == 10


def test_it_is_woken_once_however_many_statements_follow_while_it_is_awake(world: World, meter: WarehouseMeter) -> None:
    for _ in range(3):
        run_checks(world.ports)
        world.clock.pass_(minutes=6)
    [used] = usage(world, meter)
    assert (used.statements, used.woke) == (3, 1)
    world.clock.pass_(minutes=20)
    run_checks(world.ports)
    [used] = usage(world, meter)
    assert (used.statements, used.woke) == (4, 2)
    assert awake_minutes(world) == 22 + 10


def test_a_warehouse_that_others_keep_running_is_not_woken_by_us(world: World, meter: WarehouseMeter) -> None:
    world.warehouse.says = "RUNNING"
    run_checks(world.ports)
    assert [one.woke for one in usage(world, meter)] == [0]


def test_who_asks_for_a_backlog_is_counted_by_what_was_asked(world: World, meter: WarehouseMeter) -> None:
    run_checks(world.ports)
    sync = world.ports.settings.syncs[1]
    world.warehouse.rows["queues/1"] = [world.warehouse.row("queues")]
    world.warehouse.rows["measure/queue/1"] = []
    world.warehouse.rows["measure/still_pending/1"] = []
    rejecting = world.census.start(world.sync_b)
    world.census.finish(rejecting.id, records_failed=1, records_invalid=0)
    world.census.details[rejecting.id] = [Rejection("1", "rejected", "")]
    show_queue(world.ports, sync)
    assert {one.purpose: one.statements for one in usage(world, meter)} == {"measure": 2, "queue": 2}


@pytest.mark.parametrize(
    ("method", "statement", "purpose"),
    [
        ("ask", "measure/health", Purpose.MEASURE),
        ("ask", "checks/own", Purpose.MEASURE),
        ("ask", "measure/examples", Purpose.EXAMPLES),
        ("ask", "measure/snapshots", Purpose.SNAPSHOT),
        ("do", "populate_audit_log", Purpose.SNAPSHOT),
        ("do", "log_runs/7", Purpose.RUN_LOG),
        ("ask", "doctor/wake", Purpose.START),
        ("ask", "dashboard_tiles/02_coverage_trend", Purpose.TILE),
        ("columns", "a.b.c", Purpose.EXAMINE),
        ("try_write", "doctor/may_write", Purpose.EXAMINE),
    ],
)
def test_what_a_statement_is_for_follows_from_its_name(
    world: World, meter: WarehouseMeter, method: str, statement: str, purpose: Purpose
) -> None:
    world.warehouse.rows[statement], world.warehouse.tables["a.b.c"] = [], {"id"}
    getattr(world.ports.warehouse, method)(statement)
    assert [(one.purpose, one.statements) for one in usage(world, meter)] == [(purpose, 1)]


def test_what_failed_was_sent_all_the_same_and_the_auto_stop_is_assumed(world: World, meter: WarehouseMeter) -> None:
    world.warehouse.failure = TemporaryError("out of reach")
    with pytest.raises(TemporaryError):
        world.ports.warehouse.ask(HEALTH)
    [used] = usage(world, meter)
    assert (used.statements, used.woke, used.auto_stop_unknown) == (1, 0, 1)
    assert awake_minutes(world) == 10


@pytest.mark.parametrize(("stops", "minutes"), [(timedelta(minutes=45), 45), (timedelta(0), 0)])
def test_the_auto_stop_is_that_of_the_warehouse(
    world: World, meter: WarehouseMeter, stops: timedelta, minutes: float
) -> None:
    world.warehouse.stops_after = stops
    run_checks(world.ports)
    [used] = usage(world, meter)
    assert (used.auto_stop_unknown, used.auto_stop_off) == (0, int(not stops))
    assert awake_minutes(world) == minutes


def test_counting_costs_one_transaction_for_many_statements_and_none_for_no_statement(
    world: World, meter: WarehouseMeter
) -> None:
    begun: list[Any] = []
    event.listen(world.store._engine, "begin", begun.append)
    for _ in range(30):
        world.ports.warehouse.ask(HEALTH)
    assert not begun
    meter.save(world.store, world.ports.settings.zone)
    meter.save(world.store, world.ports.settings.zone)
    assert len(begun) == 1


def test_what_could_not_be_saved_is_saved_the_next_time(world: World, meter: WarehouseMeter) -> None:
    world.ports.warehouse.ask(HEALTH)

    class Full:
        def transaction(self) -> Any:
            raise StateError("the disk is full")

    with pytest.raises(StateError):
        meter.save(Full(), world.ports.settings.zone)  # type: ignore[arg-type]
    world.ports.warehouse.ask(HEALTH)
    assert [one.statements for one in usage(world, meter)] == [2]


def test_a_running_bot_saves_what_it_counted_every_five_minutes(world: World, meter: WarehouseMeter) -> None:
    bot = Bot(replace(world.ports, meter=meter), WebClient(token="local"))
    bot.checker.run()
    assert saved(world) == []
    job = bot._scheduler._scheduler.get_job("usage")
    assert job.trigger.interval == timedelta(minutes=5)
    job.func()
    assert [one.statements for one in saved(world)] == [1]
    bot.checker.close()


def test_a_command_saves_at_its_end_what_it_sent(world: World, meter: WarehouseMeter) -> None:
    run_checks(world.ports)
    disconnect(replace(world.ports, meter=meter))
    assert [one.statements for one in saved(world)] == [1]


def test_what_is_older_than_ninety_days_goes_with_the_evaluations(world: World, meter: WarehouseMeter) -> None:
    run_checks(world.ports)
    first = usage(world, meter)[0].day
    world.clock.pass_(hours=89 * 24)
    run_checks(world.ports)
    for hours, left in ((0, 2), (48, 1)):
        world.clock.pass_(hours=hours)
        prune(world.ports)
        meter.save(world.store, world.ports.settings.zone)
        with world.store.snapshot() as records:
            kept = records.usage_since(first), records.awake_since(START - timedelta(days=1))
        assert [len(one) for one in kept] == [left, left]


@pytest.mark.full
def test_what_goes_to_databricks_is_counted_by_whoever_has_a_state() -> None:
    demo = Demo(speed=1)
    demo.start()
    try:
        ports, _ = demo.connect()
        evaluation, _ = run_checks(ports)
        take_snapshot(ports, "somebody")
        disconnect(ports)
        store = remembered(ports.settings)
        assert store
        [day] = show_status(store, ports.settings, demo.clock).days
        store.close()
    finally:
        demo.stop()
    sent = {one.purpose: one.statements for one in day.usages}
    assert sent["measure"] >= evaluation.statements and sent["snapshot"] >= 2
    assert day.woke == 0, "the demo's never stops"
    assert sum(one.auto_stop_off for one in day.usages) == day.statements
