"""Collect the readings of one evaluation: from Census always, from the warehouse where that is worth its cost."""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.alerts.timetable import warehouse_is_due
from bot.config.settings import Settings
from bot.model import Evaluation
from bot.ports import Sources
from bot.services.ask_warehouse import ask_warehouse
from bot.services.census_numbers import empty_runs, ended_at, pending
from bot.services.look_at_sync import SyncLook, look_at, not_asked, with_queue
from bot.services.warehouse_numbers import Numbers
from checks.model import Outcome, Reading

log = logging.getLogger(__name__)
SOURCES = frozenset({"databricks", "census"})
WAREHOUSE = "the warehouse: "  # how its problems begin
MATCHED = "matched_coverage_percentage"
AT_ONCE = 8  # syncs that Census is asked for
START = timedelta(minutes=15)  # the longest that a warehouse takes to start, with some to spare


@dataclass(frozen=True)
class Collected:
    """The readings of one evaluation."""

    at: datetime
    looks: tuple[SyncLook, ...]
    numbers: Numbers
    warehouse_at: datetime | None  # when they were measured; earlier, where they are carried over
    starting: bool  # …because the warehouse is not there yet
    problems: tuple[str, ...]  # what could not be asked, and why


def collect(
    sources: Sources, last: Evaluation | None = None, *, thrifty: bool = False, needed: Collection[str] = SOURCES
) -> Collected:
    """What holds now; `last`, `thrifty` and `needed` as for `measure`. A source that cannot be asked leaves errors."""
    now = sources.clock.now()
    thrifty = thrifty and last is not None
    with ThreadPoolExecutor(AT_ONCE + 1, "collect") as pool:
        ask = ask_warehouse if "databricks" in needed else lambda _: Numbers({}, statements=0)
        asked = None if thrifty else pool.submit(ask, sources)
        look = partial(look_at, sources) if "census" in needed else not_asked
        looks = list(pool.map(look, sources.settings.syncs))
        carries = last is not None and thrifty and not _worth_asking(sources, last, looks, now)
        numbers = Numbers() if carries else asked.result() if asked else ask_warehouse(sources)
        starting = last is not None and numbers.starting and _stands_in(sources, last, now)
    problems = [f"{WAREHOUSE}{reason}" for reason in dict.fromkeys(numbers.errors.values())]
    warehouse_at: datetime | None = now
    if last and (carries or starting):
        numbers, warehouse_at = _carried_over(sources.settings, last), last.warehouse_at
        problems = [problem for problem in last.problems if problem.startswith(WAREHOUSE)]
    problems += [f"Census, {look.status.label}: {look.problem}" for look in looks if look.problem]
    looks = [_with_queue(look, numbers, last, now) for look in looks]
    return Collected(now, tuple(looks), numbers, warehouse_at, starting, tuple(problems))


def _worth_asking(sources: Sources, last: Evaluation, looks: Sequence[SyncLook], now: datetime) -> bool:
    """Whether the warehouse may have something new, is awake anyway, or did not answer the last time."""
    ended, going_on = [at for look in looks for at in ended_at(look.runs)], any(look.status.running for look in looks)
    due = warehouse_is_due(last.warehouse_at, ended, sources.settings.schedule.idle_floor, now, going_on=going_on)
    return due or last.asked_in_vain or (not going_on and _is_awake(sources))


def _is_awake(sources: Sources) -> bool:
    try:
        return sources.warehouse.awake()
    except Exception:  # what nobody foresaw is an error of this source alone
        log.exception("whether the warehouse is awake is not known")
        return False


def _stands_in(sources: Sources, last: Evaluation, now: datetime) -> bool:
    """Whether its numbers are young enough to stay while the warehouse starts; else it is missing, not starting."""
    return last.warehouse_at is not None and now - last.warehouse_at < sources.settings.schedule.idle_floor + START


def _carried_over(settings: Settings, last: Evaluation) -> Numbers:
    """The readings of an earlier evaluation, by its results, and what is shown next to them."""
    row: dict[str, object] = {MATCHED: last.matched_coverage}
    for sync in last.syncs:
        row |= {f"{sync.direction}_queue": sync.queue, f"{sync.direction}_queue_suspicious": sync.suspicious}
    directions = {sync.name: sync.direction for sync in last.syncs}
    for result in last.results:
        check = settings.check_called(result.check)
        if check and check.source == "databricks":
            error, detail = (
                result.error if result.outcome is one else None for one in (Outcome.ERROR, Outcome.NO_DATA)
            )
            metric = check.column(directions[result.sync]) if result.sync else check.metric
            row[metric] = Reading(result.value, error=error, detail=detail, carried=True)
    return Numbers(row, statements=0)


def _with_queue(look: SyncLook, numbers: Numbers, last: Evaluation | None, now: datetime) -> SyncLook:
    """The same, with its backlog, since when there is one, and the runs that took nothing of it since."""
    status = with_queue(look.status, numbers)
    before = next((sync.pending_since for sync in last.syncs if sync.name == status.name), None) if last else None
    # While the warehouse is silent the backlog stays what it was; an empty or missing table has none to be taken.
    gone = status.queue == 0 or (status.queue is None and numbers.reached and numbers.statements > 0)
    since = None if gone else before or (now if status.queue else None)
    status = replace(status, pending_since=since)
    empty = None if status.error else empty_runs(look.runs, status.queue, status.pending_since)
    readings = {**look.readings, **({"empty_runs": empty} if empty else {})}
    if (on := readings.get("schedule_on")) and on.value == 0 and status.queue:
        readings["schedule_on"] = replace(on, detail=pending(status.queue))  # what stands still meanwhile
    return replace(look, status=status, readings=readings)
