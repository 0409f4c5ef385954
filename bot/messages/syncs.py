"""`/sync-health runs` and `schedules`: the latest runs of Census, and the next ones."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.answers.syncs import SyncRuns, SyncSchedule
from bot.facts import Run, RunStatus
from bot.messages.blocks import Block, Message, Native, context, section, sections
from bot.messages.many import others_line, worst_of
from bot.messages.native import Cell, table
from bot.messages.phrases import census_as_of, how_often
from bot.messages.sync_buttons import offer_row, offered_by_runs
from bot.messages.text import day_and_time, escape
from checks.numbers import count_of, duration, in_percent

STATUSES = {
    RunStatus.QUEUED: "⏳ Queued",
    RunStatus.WORKING: "▶️ Running",
    RunStatus.COMPLETED: "Completed",
    RunStatus.FAILED: "❗ Failed",
    RunStatus.SKIPPED: "⏭️ Skipped",
    RunStatus.CANCELLED: "⏹️ Canceled",
    RunStatus.UNKNOWN: "❔ Unknown",
}
RUNS = ("Started", "Sync", "Status", "Updated", "Rejected", "Invalid", "Duration")


def runs_message(syncs: Sequence[SyncRuns], zone: ZoneInfo, as_of: datetime) -> Message:
    """The latest runs, newest first, those that failed or wrote something; runs without changes are a count."""
    told = [(run, sync.label, rate) for sync in syncs for run, rate in sync.runs]
    changed = (one for one in told if not _changed_nothing(one[0], one[2]))
    shown = sorted(changed, key=lambda one: one[0].created_at, reverse=True)
    worst, others = worst_of(syncs, lambda one: (RUNS_STANDINGS.index(_standing(one)), -_failures(one)))
    blocks: list[Block | Native] = [*sections([line for sync in worst for line in _runs_head(sync, zone, as_of)])]
    if others:
        blocks.append(section(others_line(map(_standing, others), "runs")))
    if shown:
        blocks.append(table(RUNS, [_run_row(*one, as_of) for one in shown], zone))
    text = " · ".join(f"{escape(sync.label, 100)}: {_counted(sync)}" for sync in worst)
    buttons = offer_row(offered_by_runs(worst[0])) if len(syncs) == 1 else []
    return Message(text, (*blocks, context(census_as_of(as_of, zone)), *buttons))


def schedules_message(syncs: Sequence[SyncSchedule], zone: ZoneInfo, as_of: datetime) -> Message:
    """When Census starts each sync."""
    worst, others = worst_of(syncs, lambda one: SCHEDULE_STANDINGS.index(_kind(one)))
    lines = [f"*{escape(sync.label, 100)}* · {_schedule(sync, zone)}" for sync in worst]
    lines += [others_line(map(_kind, others), "runs")] if others else []
    return Message("Census schedules", (*sections(lines), context(census_as_of(as_of, zone))))


RUNS_STANDINGS = ("unknown", "with failed runs", "without runs", "without a failed run")  # the worst first
SCHEDULE_STANDINGS = ("unknown", "without a schedule", "paused", "on")


def _standing(sync: SyncRuns) -> str:
    """In the words in which many are counted."""
    if sync.error:
        return "unknown"
    return "without runs" if not sync.runs else "with failed runs" if _failures(sync) else "without a failed run"


def _kind(sync: SyncSchedule) -> str:
    if sync.schedule is None:
        return "unknown"
    if not how_often(sync.schedule):
        return "without a schedule"
    return "paused" if sync.schedule.paused else "on"


def _failures(sync: SyncRuns) -> int:
    return sum(run.status is RunStatus.FAILED for run, _ in sync.runs)


def _runs_head(sync: SyncRuns, zone: ZoneInfo, as_of: datetime) -> list[str]:
    """`*Sync B (UPDATE)* 2 of its last 10 runs failed · 7 runs with no changes`, and why the latest of them did."""
    head = f"*{escape(sync.label, 100)}* {_counted(sync)}"
    if sync.running and sync.expected:
        doing = "queued" if sync.running.status is RunStatus.QUEUED else "running"
        took = duration(as_of - sync.running.created_at)
        head += f" · {doing} for {took} (expected {duration(sync.expected)} or less)"
    failed = next((run for run, _ in sync.runs if run.status is RunStatus.FAILED), None)
    if failed is None or not failed.error:
        return [head]
    why = f"❗ {day_and_time(failed.created_at, zone)}: {escape(failed.error, 150)}"
    return [head, why, *([f"*Next step* {escape(sync.failure.remedy, 300)}."] if sync.failure else [])]


def _counted(sync: SyncRuns) -> str:
    if sync.error:
        return f"❗ {escape(sync.error, 300)}"
    if not sync.runs:
        return "❔ Census has no runs of it"
    failed = _failures(sync)
    empty = sum(_changed_nothing(run, rate) for run, rate in sync.runs)
    if len(sync.runs) == 1:
        said = ["its only run failed" if failed else "its only run did not fail"]
    else:
        said = [f"{failed or 'none'} of its last {len(sync.runs)} runs failed"]
    skipped = sum(run.status is RunStatus.SKIPPED for run, _ in sync.runs)
    said += [f"{skipped} skipped"] * bool(skipped)
    return " · ".join(said + [f"{count_of(empty, 'run')} with no changes"] * bool(empty))


def _changed_nothing(run: Run, rate: float | None) -> bool:
    return run.status is RunStatus.COMPLETED and not run.dry_run and rate == 0 and not run.records_updated


def _run_row(run: Run, label: str, rate: float | None, as_of: datetime) -> Sequence[Cell]:
    ended = run.completed_at if run.final and run.status is not RunStatus.SKIPPED else None
    lasted = duration(ended - run.created_at) if ended else ""
    if run.is_going_on(as_of):
        lasted = f"{duration(as_of - run.created_at)} so far"
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
