"""`/sync-health runs` and `schedules`: the latest runs of Census, and the next ones."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers import SyncRuns, SyncSchedule
from bot.facts import Run, RunStatus
from bot.messages.blocks import Block, Message, Native, context, section, sections
from bot.messages.native import Cell, table
from bot.messages.phrases import census_as_of, how_often
from bot.messages.text import day_and_time, escape
from checks.numbers import count_of, duration, in_percent

STATUSES = {
    RunStatus.QUEUED: "⏳ Queued",
    RunStatus.WORKING: "▶️ Running",
    RunStatus.COMPLETED: "Completed",
    RunStatus.FAILED: "❗ Failed",
    RunStatus.SKIPPED: "⏭️ Skipped",
    RunStatus.CANCELLED: "⏹️ Cancelled",
    RunStatus.UNKNOWN: "❔ Unknown",
}
RUNS = ("Started", "Sync", "Status", "Updated", "Rejected", "Invalid", "Duration")


def runs_message(syncs: Sequence[SyncRuns], zone: ZoneInfo, as_of: datetime) -> Message:
    """The latest runs, newest first, those that failed or wrote something; runs without changes are a count."""
    told = [(run, sync.label, rate) for sync in syncs for run, rate in sync.runs]
    changed = (one for one in told if not _changed_nothing(one[0], one[2]))
    shown = sorted(changed, key=lambda one: one[0].created_at, reverse=True)
    blocks: list[Block | Native] = [section(*(line for sync in syncs for line in _runs_head(sync, zone)))]
    if shown:
        blocks.append(table(RUNS, [_run_row(*one) for one in shown], zone))
    text = " · ".join(f"{escape(sync.label, 100)}: {_counted(sync)}" for sync in syncs)
    return Message(text, (*blocks, context(census_as_of(as_of, zone))))


def schedules_message(syncs: Sequence[SyncSchedule], zone: ZoneInfo, as_of: datetime) -> Message:
    """When Census starts each sync."""
    lines = [f"*{escape(sync.label, 100)}* · {_schedule(sync, zone)}" for sync in syncs]
    return Message("Census schedules", (*sections(lines), context(census_as_of(as_of, zone))))


def _runs_head(sync: SyncRuns, zone: ZoneInfo) -> list[str]:
    """`*Sync B (UPDATE)* 2 of its last 10 runs failed · 7 runs with no changes`, and why the latest of them did."""
    head = f"*{escape(sync.label, 100)}* {_counted(sync)}"
    failed = next((run for run, _ in sync.runs if run.status is RunStatus.FAILED), None)
    if failed is None or not failed.error:
        return [head]
    return [head, f"❗ {day_and_time(failed.created_at, zone)}: {escape(failed.error, 150)}"]


def _counted(sync: SyncRuns) -> str:
    if sync.error:
        return f"❗ {escape(sync.error, 300)}"
    if not sync.runs:
        return "❔ Census has no runs of it"
    failed = sum(run.status is RunStatus.FAILED for run, _ in sync.runs)
    empty = sum(_changed_nothing(run, rate) for run, rate in sync.runs)
    if len(sync.runs) == 1:
        said = ["its only run failed" if failed else "its only run did not fail"]
    else:
        said = [f"{failed or 'none'} of its last {len(sync.runs)} runs failed"]
    return " · ".join(said + [f"{count_of(empty, 'run')} with no changes"] * bool(empty))


def _changed_nothing(run: Run, rate: float | None) -> bool:
    return run.status is RunStatus.COMPLETED and not run.dry_run and rate == 0 and not run.records_updated


def _run_row(run: Run, label: str, rate: float | None) -> Sequence[Cell]:
    ended = run.completed_at if run.final and run.status is not RunStatus.SKIPPED else None
    lasted = duration(ended - run.created_at) if ended else ""
    counts = (run.records_updated, run.records_failed, run.records_invalid)
    return (run.created_at, label, _status(run, rate), *counts, lasted)


def _status(run: Run, rate: float | None) -> str:
    if run.dry_run:
        return f"🧪 Dry run, {STATUSES[run.status].lower()}"
    if run.status is RunStatus.COMPLETED:
        rejected = "" if rate is None else f", {in_percent(rate)} rejected" if rate else ""
        return f"{'❔' if rate is None else '🟠' if rate else '✅'} Completed{rejected}"
    return STATUSES[run.status]


def _schedule(sync: SyncSchedule, zone: ZoneInfo) -> str:
    schedule = sync.schedule
    if schedule is None:
        return f"❗ {escape(sync.error or 'Census does not say', 300)}"
    often = how_often(schedule)
    if not often:
        return f"⛔ no schedule{', paused' if schedule.paused else ''}"
    if schedule.paused:
        return f"⏸️ Paused; otherwise {often}"
    if sync.next_run:
        return f"✅ On, {often} · next {day_and_time(sync.next_run, zone)}"
    scheduled = schedule.frequency not in ("never", "continuous")
    return f"✅ On, {often}{' · next run unknown' if scheduled else ''}"
