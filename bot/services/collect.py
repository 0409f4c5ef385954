"""Collect the readings of one evaluation: from Census always, from the warehouse where that is worth its cost."""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.alerts.timetable import HELD_FLOOR, ran_unmeasured, warehouse_is_due
from bot.config.pipeline_file import Noun
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.facts import SyncStatus
from bot.model import Evaluation
from bot.ports import Sources
from bot.services.ask_warehouse import ask_warehouse
from bot.services.census_numbers import backlog_not_shrinking, empty_runs, ended_at
from bot.services.each_sync import AT_ONCE
from bot.services.look_at_sync import SyncLook, look_at, not_asked, with_queue
from bot.services.warehouse_numbers import Numbers
from checks.model import Outcome, Reading
from checks.numbers import pending

log = logging.getLogger(__name__)
SOURCES = frozenset({"databricks", "census"})
WAREHOUSE = "the warehouse: "  # how its problems begin
LOOK_FIRST = "Fix the suspect records before you resume it: its next run writes them. /sync-health queue lists them."
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
    warehouse_at: datetime | None = now if sources.settings.asks_warehouse else None
    if last and (carries or starting):
        numbers, warehouse_at = _carried_over(sources.settings, last), last.warehouse_at
        problems = [problem for problem in last.problems if problem.startswith(WAREHOUSE)]
    problems += [f"Census, {look.status.label}: {look.problem}" for look in looks if look.problem]
    measured_at = warehouse_at if numbers.reached else None
    pairs = zip(sources.settings.syncs, looks, strict=True)
    looks = [_with_queue(look, sync, numbers, last, now, measured_at, sources.settings) for sync, look in pairs]
    return Collected(now, tuple(looks), numbers, warehouse_at, starting, tuple(problems))


def _worth_asking(sources: Sources, last: Evaluation, looks: Sequence[SyncLook], now: datetime) -> bool:
    """Whether the warehouse may have something new, is awake anyway, or did not answer the last time."""
    ended, going_on = [at for look in looks for at in ended_at(look.runs)], any(look.status.running for look in looks)
    floor = sources.settings.schedule.idle_floor
    if any(
        _is_held(sources.settings, sync, last, look) for sync, look in zip(sources.settings.syncs, looks, strict=True)
    ):
        floor = min(floor, HELD_FLOOR)
    due = warehouse_is_due(last.warehouse_at, ended, floor, now, going_on=going_on)
    return due or last.asked_in_vain or (not going_on and _is_awake(sources))


def _is_held(settings: Settings, sync: SyncSettings, last: Evaluation, look: SyncLook) -> bool:
    """Whether it is paused with suspect records that pipeline.yml has held: nothing runs that would show them gone."""
    schedule, before = look.status.schedule, last.status_of.get(sync.name)
    paused = schedule is not None and schedule.paused
    return paused and bool(before and before.suspicious) and settings.remedy_of(sync, "pause") is not None


def _unheld_at(status: SyncStatus, last: Evaluation | None, *, holds: bool) -> datetime | None:
    """Since the run before which nobody could say whether the sync had to be held; kept until the next one."""
    before = last.status_of.get(status.name) if last else None
    if not holds or last is None or before is None:
        return None
    if status.latest is None or (before.latest and status.latest.id <= before.latest.id):
        return before.unheld_at
    measured_at = last.warehouse_at if last.warehouse_reached else None
    unmeasured = ran_unmeasured(before.next_run, status.latest.created_at, measured_at)
    if unmeasured is None:
        return before.unheld_at
    return status.latest.created_at if unmeasured else None


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
    row: dict[str, object] = {}
    for sync in settings.syncs:
        if status := last.status_of.get(sync.name):
            row |= {f"{sync.name}/backlog": status.queue, f"{sync.name}/suspect_records": status.suspicious}
            row |= {f"{sync.name}/oldest": status.oldest_pending}
            counts = dict(status.suspects)
            row |= {f"{sync.name}/suspect_{n}": counts.get(one.label, 0) for n, one in enumerate(sync.suspect)}
    for result in last.results:
        check = settings.check_called(result.check, result.sync)
        if check and check.source == "databricks":
            error, detail = (
                result.error if result.outcome is one else None for one in (Outcome.ERROR, Outcome.NO_DATA)
            )
            helps = result.helps if result.cause else None  # of the measured reason, which is not measured again
            row[check.reading_of(result.sync)] = Reading(
                result.value, error, detail, helps=helps, cause=result.cause, carried=True
            )
    return Numbers(row, statements=0)


def _with_queue(
    look: SyncLook,
    sync: SyncSettings,
    numbers: Numbers,
    last: Evaluation | None,
    now: datetime,
    measured_at: datetime | None,
    settings: Settings,
) -> SyncLook:
    """The same, with its backlog, since when there is one, and the runs that took nothing of it or too little."""
    noun, holds = settings.noun, settings.remedy_of(sync, "pause") is not None
    status = with_queue(look.status, sync, numbers)
    status = replace(status, unheld_at=_unheld_at(status, last, holds=holds))
    before = last.status_of.get(status.name) if last else None
    # While the warehouse is silent the backlog stays what it was; an empty or missing table has none to be taken.
    gone = status.queue == 0 or (status.queue is None and numbers.reached and numbers.statements > 0)
    since = None if gone else (before.pending_since if before else None) or (now if status.queue else None)
    status = _with_lowest(replace(status, pending_since=since), before, now)
    readings = dict(look.readings)
    if not status.error and (empty := empty_runs(look.runs, status.queue, status.pending_since, noun)):
        readings["empty_runs"] = empty
    if not status.error and (grows := backlog_not_shrinking(look.runs, status, measured_at, noun)):
        readings["backlog_not_shrinking"] = grows
    if (on := readings.get("schedule_on")) and on.value == 0 and status.queue:
        readings["schedule_on"] = _with_what_waits(on, status, noun)
    return replace(look, status=status, readings=readings)


def _with_what_waits(on: Reading, status: SyncStatus, noun: Noun) -> Reading:
    """The same with what is pending meanwhile, and what to look at before the sync is resumed."""
    waits = pending(status.queue or 0, *noun.words)
    if not status.suspicious:
        return replace(on, detail=waits)
    labels = f" ({', '.join(label for label, _ in status.suspects)})" if status.suspects else ""
    helps = LOOK_FIRST if on.case == "paused" else None
    return replace(on, detail=f"{waits}, {status.suspicious:,} suspect{labels}", helps=helps)


def _with_lowest(status: SyncStatus, before: SyncStatus | None, now: datetime) -> SyncStatus:
    """The same with its smallest backlog since it was last empty, and since when it is that small."""
    if status.pending_since is None:
        return status
    lowest, at = (before.lowest, before.lowest_at) if before else (None, None)
    if status.queue is not None and (lowest is None or status.queue < lowest):
        lowest, at = status.queue, now
    return replace(status, lowest=lowest, lowest_at=at, oldest_seen_at=_oldest_seen_at(status, before, now))


def _oldest_seen_at(status: SyncStatus, before: SyncStatus | None, now: datetime) -> datetime | None:
    """Since when the oldest is known to be pending: a record can become so long after it changed."""
    known = before.oldest_seen_at if before else None
    if status.oldest_pending is None:
        return known
    earlier = before.oldest_pending if before else None
    return known if earlier and earlier <= status.oldest_pending else now
