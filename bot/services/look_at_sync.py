"""Evaluate one sync in Census: its schedule, its runs, and the readings that follow from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.config.pipeline_file import SyncSettings
from bot.errors import UnreadableError
from bot.facts import Run, Schedule, SyncStatus
from bot.ports import Sources
from bot.services.ask_warehouse import reason_of
from bot.services.census_numbers import census_numbers, due_run, next_run, schedule_of, success_rate
from bot.services.warehouse_numbers import Numbers
from checks.model import Reading

RUNS = 100  # one page: a day of runs every quarter of an hour


@dataclass(frozen=True)
class SyncLook:
    """A sync as Census tells it, and its readings by metric."""

    status: SyncStatus
    readings: Mapping[str, Reading] = field(default_factory=dict)
    due: datetime | None = None  # when a daily or rarer schedule asked for its latest run
    runs: Sequence[Run] = ()
    problem: str | None = None  # why something of it is missing


def look_at(sources: Sources, sync: SyncSettings) -> SyncLook:
    """One sync as Census tells it; its backlog is not asked for. Never raises."""
    status = SyncStatus(sync.name, sync.label, sync.direction)
    try:
        return _look_at(sources, sync, status)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this sync alone
        reason = reason_of(error)
        return SyncLook(replace(status, error=reason), problem=reason)


def _look_at(sources: Sources, sync: SyncSettings, status: SyncStatus) -> SyncLook:
    schedule, problem = _schedule_of(sources, sync)
    runs = sources.census.runs(sync.id, most=RUNS)
    now = sources.clock.now()  # not before it answered: what ended meanwhile did not end in the future
    readings = census_numbers(runs, schedule, now, sources.settings.zone, sources.settings.rejections)
    due = due_run(runs, schedule, now) if schedule else None
    seen = replace(
        status,
        latest=runs[0] if runs else None,
        running=next((run for run in runs if run.is_going_on(now)), None),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=schedule,
        next_run=next_run(schedule, now) if schedule else None,
        success_rate=success_rate(runs, now),
        error_rate=readings["error_rate"].value if "error_rate" in readings else None,
    )
    return SyncLook(seen, readings, due.latest if due else None, runs, problem)


def _schedule_of(sources: Sources, sync: SyncSettings) -> tuple[Schedule | None, str | None]:
    """When the sync runs, or why that cannot be read: only what needs it is unknown then."""
    try:
        return schedule_of(sources.census.sync(sync.id), sync), None
    except UnreadableError as error:
        return None, str(error)


def not_asked(sync: SyncSettings) -> SyncLook:
    """Where Census is not needed."""
    return SyncLook(SyncStatus(sync.name, sync.label, sync.direction))


def with_queue(status: SyncStatus, numbers: Numbers) -> SyncStatus:
    """The same, with its backlog."""
    queue, suspicious = (numbers.count(f"{status.direction}_queue{which}") for which in ("", "_suspicious"))
    return replace(status, queue=queue, suspicious=suspicious)
