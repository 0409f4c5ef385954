"""`/sync-health runs` and `schedules`: the latest runs of Census, and the next ones."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers import SyncRuns, SyncSchedule
from bot.facts import Run, RunStatus
from bot.messages.blocks import Block, Message, context, sections
from bot.messages.phrases import census_as_of, how_often
from bot.messages.text import day_and_time, escape, number
from checks.numbers import duration

STATUSES = {
    RunStatus.QUEUED: "⏳ queued",
    RunStatus.WORKING: "▶️ running",
    RunStatus.COMPLETED: "done",
    RunStatus.FAILED: "❗ failed",
    RunStatus.SKIPPED: "⏭️ skipped: another one was going on",
    RunStatus.CANCELLED: "⏹️ cancelled",
    RunStatus.UNKNOWN: "❔ in a state that I do not know",
}


def runs_message(syncs: Sequence[SyncRuns], zone: ZoneInfo, as_of: datetime) -> Message:
    """The latest runs of each sync, newest first."""
    blocks: list[Block] = []
    for sync in syncs:
        lines = [f"*Runs of {escape(sync.label, 100)}*"]
        lines += [_run_line(run, rate, zone) for run, rate in sync.runs] or [_none(sync)]
        blocks += sections(lines)
    return Message("Census runs", (*blocks, context(census_as_of(as_of, zone))))


def schedules_message(syncs: Sequence[SyncSchedule], zone: ZoneInfo, as_of: datetime) -> Message:
    """When each sync runs by itself."""
    lines = [f"*{escape(sync.label, 100)}* · {_schedule(sync, zone)}" for sync in syncs]
    return Message("Census schedules", (*sections(lines), context(census_as_of(as_of, zone))))


def _none(sync: SyncRuns) -> str:
    return f"❗ {escape(sync.error, 300)}" if sync.error else "❔ Census knows of no run."


def _run_line(run: Run, rate: float | None, zone: ZoneInfo) -> str:
    parts = [day_and_time(run.created_at, zone), _status(run, rate)]
    if run.completed_at and run.final and run.status is not RunStatus.SKIPPED:
        parts[-1] += f" in {duration(run.completed_at - run.created_at)}"
    if run.status in (RunStatus.COMPLETED, RunStatus.FAILED) and not run.dry_run:
        counts = {"updated": run.records_updated, "rejected": run.records_failed, "invalid": run.records_invalid}
        parts += [f"{number(count)} {what}" for what, count in counts.items()]
        parts.append("errors unknown" if rate is None else f"{number(rate)} % errors")
    if run.error:
        parts.append(escape(run.error, 120))
    return " · ".join(parts)


def _status(run: Run, rate: float | None) -> str:
    said = STATUSES[run.status]
    if run.dry_run:
        return f"🧪 dry run, nothing written: {said}"
    if run.status is RunStatus.COMPLETED:
        return f"{'❔' if rate is None else '🟠' if rate else '✅'} {said}"
    return said


def _schedule(sync: SyncSchedule, zone: ZoneInfo) -> str:
    schedule = sync.schedule
    if schedule is None:
        return f"❗ {escape(sync.error or 'Census does not say', 300)}"
    often = how_often(schedule)
    if not often:
        return f"⛔ never runs by itself{' and is paused' if schedule.paused else ''}"
    if schedule.paused:
        return f"⏸️ paused; otherwise {often}"
    if sync.next_run:
        return f"✅ on, {often} · next {day_and_time(sync.next_run, zone)}"
    scheduled = schedule.frequency not in ("never", "continuous")
    return f"✅ on, {often}{' · next run unknown' if scheduled else ''}"
