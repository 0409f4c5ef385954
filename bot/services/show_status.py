"""How the bot itself is, and what it costs the warehouse: as its state tells, next to a running bot or without one."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

from bot.alerts.warehouse_use import Usage, awake_by_day
from bot.answers.operations import BotStatus, WarehouseDay
from bot.config.settings import Settings
from bot.model import Leader, Watch
from bot.ports import Clock, Records, Store
from bot.services.deliver import LEADER
from bot.services.watchdog import grace
from checks.numbers import duration

DAYS = 7
SKEW = timedelta(seconds=30)  # between the clock here and that of the bot


def show_status(store: Store, settings: Settings, clock: Clock) -> BotStatus:
    """All of the same moment. Raises StateError."""
    now = clock.now()
    with store.snapshot() as records:
        leader, watch, evaluation = records.leader(LEADER), records.watch(), records.latest_evaluation()
        if leader and leader.until < clock.real() - SKEW:
            leader = None
        return BotStatus(
            at=now,
            trouble=_trouble(leader, watch, settings, clock),
            leader=leader,
            completed_at=watch.completed_at,
            evaluation=evaluation,
            open_incidents=records.count_open(),
            maintenance=records.maintenance(),
            undelivered=records.undelivered(),
            unsent_pages=records.unsent_pages(),
            watch=watch,
            days=_days(records, settings, now),
        )


def _trouble(leader: Leader | None, watch: Watch, settings: Settings, clock: Clock) -> str | None:
    """The same time without an evaluation counts as silence as in the channel."""
    if leader is None:
        return "no bot is running: nobody holds the lease"
    if watch.completed_at is None:
        return "no evaluation was completed on schedule yet"
    gone = (clock.now() - watch.completed_at) / clock.speed
    if gone > grace(settings, clock) + SKEW:
        return f"no evaluation was completed for {duration(gone)}"
    return None


def _days(records: Records, settings: Settings, now: datetime) -> tuple[WarehouseDay, ...]:
    first = now.astimezone(settings.zone).date() - timedelta(days=DAYS - 1)
    begin = datetime.combine(first, time(), settings.zone).astimezone(UTC)
    usages: dict[date, list[Usage]] = defaultdict(list)
    for one in records.usage_since(first):
        usages[one.day].append(one)
    awake = awake_by_day(records.awake_since(begin), settings.zone, now)
    days = sorted({*usages, *(day for day in awake if day >= first)}, reverse=True)
    return tuple(WarehouseDay(day, tuple(usages.get(day, ())), awake.get(day, timedelta(0))) for day in days)
