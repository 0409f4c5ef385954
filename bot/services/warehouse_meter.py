"""Counts the statements that this process sends to the warehouse, and writes them into the state now and then."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from bot.alerts.warehouse_use import Purpose, SentStatement, usage_by_day
from bot.config.trace import TRACE
from bot.errors import SyncHealthError
from bot.ports import Clock, Store, Warehouse
from bot.services.ask_warehouse import QUEUE, STILL_PENDING
from bot.services.audit_log import SNAPSHOTS
from bot.services.examples import EXAMPLES
from bot.services.follow_trace import LOGGED_RUN
from bot.services.log_runs import RUN_LOG
from bot.services.take_snapshot import POPULATE

ASLEEP = frozenset({"STOPPED", "STOPPING"})  # states in which a statement starts it
NEVER = datetime.min.replace(tzinfo=UTC)
AT_ONCE = timedelta(minutes=1)  # after a statement that has just begun others wake nothing
KNOWN_FOR = timedelta(hours=1)  # the auto-stop, which somebody may change
MOST = 10_000  # unsaved statements, while nothing can be written
BY_METHOD = {  # those that are a statement, whatever it is called
    "ask": Purpose.MEASURE,
    "ask_joined": Purpose.MEASURE,
    "ask_column": Purpose.MEASURE,
    "do": Purpose.MEASURE,
    "columns": Purpose.EXAMINE,
    "list_tables": Purpose.EXAMINE,
    "try_write": Purpose.EXAMINE,
    "existing_object": Purpose.DEPLOY,
    "create": Purpose.DEPLOY,
}
BY_NAME = {  # how a statement begins that is asked or done
    QUEUE: Purpose.QUEUE,
    STILL_PENDING: Purpose.QUEUE,
    EXAMPLES: Purpose.EXAMPLES,
    TRACE: Purpose.TRACE,
    LOGGED_RUN: Purpose.TRACE,
    SNAPSHOTS: Purpose.SNAPSHOT,
    POPULATE: Purpose.SNAPSHOT,
    RUN_LOG: Purpose.RUN_LOG,
    "doctor/": Purpose.START,
    "dashboard_tiles/": Purpose.TILE,
}


class WarehouseMeter:
    """The statements since the last `save`; any thread may count.

    Whether a statement wakes the warehouse is asked only where none of ours keeps it awake: once per waking.
    """

    def __init__(self, clock: Clock, warehouse: Warehouse) -> None:
        self._clock, self._warehouse = clock, warehouse
        self._lock = threading.Lock()
        self._unsaved: list[SentStatement] = []
        self._awake_until = NEVER  # because of us
        self._auto_stop: tuple[timedelta | None, datetime] = None, NEVER  # and when it was asked for

    def counted(self, purpose: Purpose, statement: Callable[[], object]) -> object:
        """What the statement returns or raises; it is counted either way."""
        begin = self._clock.now()
        with self._lock:  # of several at once the first one wakes it
            asleep = begin >= self._awake_until and self._is_asleep()
            self._awake_until = max(self._awake_until, begin + AT_ONCE)
        try:
            return statement()
        finally:
            sent = SentStatement(purpose, begin, self._clock.now(), self._known_auto_stop(), woke=asleep)
            with self._lock:
                self._awake_until = max(self._awake_until, sent.awake[1])
                self._unsaved = [*self._unsaved, sent][-MOST:]

    def save(self, store: Store, zone: ZoneInfo) -> None:
        """Write what was counted, in one transaction; none where nothing was. Raises StateError, and keeps it then."""
        with self._lock:
            sent, self._unsaved = self._unsaved, []
        if not sent:
            return
        try:
            with store.transaction() as records:
                records.note_usage(usage_by_day(sent, zone))
                records.note_awake([one.awake for one in sent])
        except BaseException:
            with self._lock:
                self._unsaved = [*sent, *self._unsaved]
            raise

    def _is_asleep(self) -> bool:
        try:
            return self._warehouse.state() in ASLEEP
        except SyncHealthError:
            return False  # not known to be

    def _known_auto_stop(self) -> timedelta | None:
        now = self._clock.now()
        known, asked_at = self._auto_stop
        if timedelta(0) <= now - asked_at < KNOWN_FOR:
            return known
        with suppress(SyncHealthError):
            known = self._warehouse.auto_stop()
        self._auto_stop = known, now
        return known


class MeteredWarehouse:
    """A Warehouse whose statements are counted; what is no statement passes."""

    def __init__(self, warehouse: Warehouse, meter: WarehouseMeter) -> None:
        self._warehouse, self._meter = warehouse, meter

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = cast("Callable[..., object]", getattr(self._warehouse, name))
        return partial(self._count, name, method) if name in BY_METHOD else method

    def _count(self, name: str, method: Callable[..., object], *given: object, **named: object) -> object:
        purpose = _purpose_of(name, given[0] if given else "")
        return self._meter.counted(purpose, partial(method, *given, **named))


def metered(warehouse: Warehouse, clock: Clock) -> tuple[Warehouse, WarehouseMeter]:
    """The same warehouse, counted, and what counts."""
    meter = WarehouseMeter(clock, warehouse)
    return cast("Warehouse", MeteredWarehouse(warehouse, meter)), meter


def _purpose_of(method: str, statement: object) -> Purpose:
    if method in ("ask", "do"):
        begins = (purpose for name, purpose in BY_NAME.items() if str(statement).startswith(name))
        return next(begins, BY_METHOD[method])
    return BY_METHOD[method]
