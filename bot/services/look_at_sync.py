"""Evaluate one sync in Census: its schedule, its runs, and the readings that follow from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.alerts.due import due_run
from bot.alerts.run_time import run_in_progress
from bot.config.syncs import SyncSettings
from bot.errors import UnreadableError
from bot.facts import Run, Schedule, SyncStatus
from bot.ports import Sources
from bot.services.ask_warehouse import reason_of
from bot.services.census_numbers import census_numbers, next_run, success_rate
from bot.services.read_schedule import RUNS, read_schedule, runs_before, with_rhythm
from bot.services.warehouse_numbers import Numbers
from checks.model import Reading


@dataclass(frozen=True)
class SyncLook:
    """A sync as Census tells it, and its readings by metric."""

    status: SyncStatus
    readings: Mapping[str, Reading] = field(default_factory=dict)
    due: datetime | None = None  # when its latest run was due, of one that is late by that
    runs: Sequence[Run] = ()
    problem: str | None = None  # why something of it is missing


def look_at(sources: Sources, sync: SyncSettings) -> SyncLook:
    """One sync as Census tells it; its backlog is not asked for. Never raises."""
    status = SyncStatus(sync.name, sync.label, has_queue=bool(sync.queue))
    try:
        return _look_at(sources, sync, status)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is an error of this sync alone
        reason = reason_of(error)
        return SyncLook(replace(status, error=reason), problem=reason)


def _look_at(sources: Sources, sync: SyncSettings, status: SyncStatus) -> SyncLook:
    schedule, problem = _schedule_of(sources, sync)
    runs = sources.census.runs(sync.id, most=RUNS)
    before = runs_before(sources, schedule) if schedule else None
    now, zone = sources.clock.now(), sources.settings.zone  # not before it answered: nothing ended in the future
    readings = census_numbers(runs, schedule, now, zone, sources.settings.rejections, before)
    due = due_run(runs, schedule, now, zone, before) if schedule else None
    seen = replace(
        status,
        latest=runs[0] if runs else None,
        running=run_in_progress(runs, now),
        last_sync=next((run for run in runs if run.counts_as_sync and run.completed_at), None),
        schedule=with_rhythm(sources, schedule, runs, before) if schedule else None,
        next_run=next_run(schedule, now) if schedule else None,
        success_rate=success_rate(runs, now),
        error_rate=readings["error_rate"].value if "error_rate" in readings else None,
    )
    return SyncLook(seen, readings, due.latest if due else None, runs, problem)


def _schedule_of(sources: Sources, sync: SyncSettings) -> tuple[Schedule | None, str | None]:
    """When the sync runs, or why that cannot be read: only what needs it is unknown then."""
    try:
        return read_schedule(sources, sync), None
    except UnreadableError as error:
        return None, str(error)


def not_asked(sync: SyncSettings) -> SyncLook:
    """Where Census is not needed."""
    return SyncLook(SyncStatus(sync.name, sync.label, has_queue=bool(sync.queue)))


def with_queue(status: SyncStatus, sync: SyncSettings, numbers: Numbers) -> SyncStatus:
    """The same, with its backlog."""
    counts = [(one.label, numbers.count(f"{sync.name}/suspect_{n}")) for n, one in enumerate(sync.suspect)]
    return replace(
        status,
        queue=numbers.count(f"{sync.name}/backlog"),
        suspicious=numbers.count(f"{sync.name}/suspect_records"),
        suspects=tuple((label, count) for label, count in counts if count),
        oldest_pending=numbers.moment(f"{sync.name}/oldest"),
    )
