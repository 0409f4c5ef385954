"""Runs and schedules of Census → the metrics that checks judge: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.due import Basis, Due, basis_of, cron_in, due_run
from bot.alerts.rejections import Known
from bot.alerts.run_errors import run_error
from bot.alerts.run_time import SHORTEST, expected_time, run_in_progress
from bot.alerts.schedule import next_time
from bot.config.pipeline_file import Noun
from bot.config.syncs import SyncSettings
from bot.facts import Run, RunStatus, Schedule, Sync, SyncStatus
from checks.model import Reading, Situation
from checks.numbers import count_of, duration, pending

METRICS = frozenset(
    {"hours_since_last_run", "runs_today", "error_rate", "schedule_on", "failed_runs", "run_overtime", "empty_runs"}
)
CLOCK_SKEW = timedelta(minutes=5)  # between Census and this machine
FEW_RECORDS, FEW_REJECTED = 20, 10  # fewer of either is no page
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANY = Noun()
NO_RUN = "Census knows of no run"
NO_SCHEDULE = "the schedule of the sync cannot be read"


def census_numbers(
    runs: Sequence[Run],
    schedule: Schedule | None,
    now: datetime,
    zone: ZoneInfo,
    known: Known,
    before: Sequence[Run] | None = None,
) -> Mapping[str, Reading]:
    """Readings by metric, without those that mean nothing now; `runs` are the newest hundred or so, newest first.

    Without a schedule, because it could not be read, what depends on it is unknown. `before` are the runs of the sync
    that it follows, where they are known.
    """
    schedule_on = _schedule_on(schedule)
    if ahead := next((run for run in runs if run.completed_at and run.completed_at > now + CLOCK_SKEW), None):
        unknown = Reading(detail=f"run {ahead.id} completed in the future: {ahead.completed_at:%Y-%m-%d %H:%M} UTC")
        return dict.fromkeys(METRICS - {"empty_runs"}, unknown) | {"schedule_on": schedule_on}
    syncs = [run for run in runs if run.counts_as_sync and run.completed_at]
    unread = dict.fromkeys(("hours_since_last_run", "runs_today"), schedule_on)
    return {
        **_rate(runs, syncs),
        **(_punctuality(syncs, runs, schedule, now, zone, before) if schedule else unread),
        "schedule_on": schedule_on,
        "failed_runs": _failed_runs(runs, known),
        "run_overtime": run_overtime(runs, schedule, now) if schedule else schedule_on,
    }


def _rate(runs: Sequence[Run], syncs: Sequence[Run]) -> Mapping[str, Reading]:
    """How much of the last run was rejected; none to judge while runs fail, which alerts as such, or bring nothing."""
    if not runs:
        return {"error_rate": Reading(detail=NO_RUN)}
    failing = next((run.status is RunStatus.FAILED for run in runs if _ended(run)), False)
    counts = [(run.records_updated, run.records_failed, run.records_invalid) for run in syncs]
    some = any(any(one) or error_rate(run) is None for run, one in zip(syncs, counts, strict=True))
    return {"error_rate": _rejected(syncs[0])} if some and not failing else {}


def _ended(run: Run) -> bool:
    """Whether it says how the sync is: one that was cancelled, skipped or dry does not."""
    return run.status is RunStatus.FAILED or run.counts_as_sync


def _schedule_on(schedule: Schedule | None) -> Reading:
    if schedule is None:
        return Reading(detail=NO_SCHEDULE)
    return Reading(float(schedule.enabled), case="paused" if schedule.paused else None)


def empty_runs(
    runs: Sequence[Run], waiting: int | None, pending_since: datetime | None, noun: Noun = ANY
) -> Reading | None:
    """The latest completed runs in a row that took nothing while records were pending; None where that is not known.

    Only runs that began after records were seen pending count: what came in since then proves nothing.
    """
    if waiting is None:
        return None
    row = 0
    for run in runs:
        if not run.counts_as_sync:
            continue
        if pending_since is None or run.created_at < pending_since or not run.took_nothing:
            break
        row += 1
    return Reading(float(row), facts={"pending": pending(waiting, *noun.words)})


def backlog_not_shrinking(
    runs: Sequence[Run], status: SyncStatus, measured_at: datetime | None, noun: Noun = ANY
) -> Reading | None:
    """The completed runs after which a backlog was no smaller, although its oldest record was pending before them.

    None where that is not known: without the time at which pending records changed a backlog that is as big as before
    may be a new one. Runs that took nothing are counted by `empty_runs`.
    """
    if not status.queue or status.oldest_pending is None or status.lowest_at is None or measured_at is None:
        return Reading(0.0, facts={"pending": pending(0, *noun.words)}) if status.queue == 0 else None
    since = max(status.oldest_pending, status.lowest_at, status.oldest_seen_at or status.oldest_pending)
    row = [
        run
        for run in runs
        if run.counts_as_sync and not run.took_nothing and since < run.created_at and _completed(run) <= measured_at
    ]
    return Reading(float(len(row)), facts={"pending": pending(status.queue, *noun.words)})


def run_overtime(runs: Sequence[Run], schedule: Schedule, now: datetime) -> Reading:
    """How long the run in progress has taken, as a multiple of what is expected; 0 where there is none."""
    run = run_in_progress(runs, now)
    expected = expected_time(run, runs, schedule) if run else SHORTEST
    took = max(timedelta(0), now - run.created_at) if run else timedelta(0)
    doing = "queued" if run and run.status is RunStatus.QUEUED else "running"
    facts = {"doing": doing, "duration": duration(took), "expected": duration(expected)}
    return Reading(took / expected, facts=facts)


def success_rate(runs: Sequence[Run], now: datetime) -> float | None:
    """Those that completed of all that completed or failed within a day, in percent; None where there were none."""
    lately = [run for run in runs if _ended(run) and (run.completed_at or run.created_at) > now - DAY]
    return 100 * sum(run.counts_as_sync for run in lately) / len(lately) if lately else None


def ended_at(runs: Sequence[Run]) -> list[datetime]:
    """When those that did something ended."""
    done = [run for run in runs if run.final and run.status is not RunStatus.SKIPPED]
    return [run.completed_at for run in done if run.completed_at]


def error_rate(run: Run) -> float | None:
    """(failed + invalid) / (updated + failed + invalid) in percent; no rows: 0; None where Census gives no counts."""
    return _rejected(run).value


def schedule_of(found: Sync, sync: SyncSettings, syncs: Iterable[SyncSettings] = ()) -> Schedule:
    """When it runs, by Census and by pipeline.yml, whose `syncs` name the one that it follows."""
    name = next((other.name for other in syncs if other.id == found.schedule.follows), None)
    external = sync.starts == "external"
    return replace(found.schedule, external=external, expect_every=sync.expect_every, follows_name=name)


def next_run(schedule: Schedule, now: datetime) -> datetime | None:
    """When Census starts it next; None where that is never, always, or not to be known."""
    cron = cron_in(schedule) if schedule.enabled else None
    return next_time(cron, now) if cron else None


def _punctuality(
    syncs: Sequence[Run],
    runs: Sequence[Run],
    schedule: Schedule,
    now: datetime,
    zone: ZoneInfo,
    before: Sequence[Run] | None,
) -> Mapping[str, Reading]:
    """How late it is, and whether it has run; nothing where only what was due says so and nobody knows what was."""
    due = due_run(runs, schedule, now, zone, before)
    if runs and due is None and basis_of(schedule, before) is not Basis.AGE:
        return {}
    runs_today = _runs_today(syncs, runs, due, now.astimezone(zone))
    return {"hours_since_last_run": _lateness(syncs, runs, due, now), "runs_today": runs_today}


def _lateness(syncs: Sequence[Run], runs: Sequence[Run], due: Due | None, now: datetime) -> Reading:
    """Since the run that was due and is missing, else since the last run that counts.

    Where none of those we see counts, it is at least since the oldest of them.
    """
    if not runs:
        return Reading(detail=NO_RUN)
    if due:
        return _hours(now - due.missed if due.missed else timedelta(0), due.case)
    return _hours(max(timedelta(0), now - (_completed(syncs[0]) if syncs else runs[-1].created_at)))


def _hours(span: timedelta, case: Situation | None = None) -> Reading:
    return Reading(span / HOUR, case=case, facts={"duration": duration(span)})


def _runs_today(syncs: Sequence[Run], runs: Sequence[Run], due: Due | None, local: datetime) -> Reading:
    """Completed since midnight; of a sync that is late by what was due, since its latest run was."""
    if not runs:
        return Reading(detail=NO_RUN)
    if due:
        done = [run for run in syncs if due.latest and _completed(run) >= due.latest]
    else:
        done = [run for run in syncs if _completed(run).astimezone(local.tzinfo).date() == local.date()]
    return Reading(float(len(done)), case=due.case if due else None, facts={"runs": count_of(len(done), "run")})


def _rejected(run: Run) -> Reading:
    """The share of a run's records that were rejected or invalid, in percent."""
    counts = run.records_updated, run.records_failed
    if run.records_total == 0 and not any(counts) and not run.records_invalid:
        counts = 0, 0
    if counts[0] is None or counts[1] is None:
        return Reading(detail=f"Census gives no counts for run {run.id}")
    rejected = counts[1] + (run.records_invalid or 0)
    tried = counts[0] + rejected
    few = tried < FEW_RECORDS or rejected < FEW_REJECTED
    rate = 100 * rejected / tried if tried else 0.0
    facts = {"records": f"{tried:,}", "rejected": f"{rejected:,}"}
    return Reading(rate, case="few_records" if few else None, facts=facts)


def _failed_runs(runs: Sequence[Run], known: Known) -> Reading:
    """The latest runs in a row that failed, and why the last one did."""
    ended = [run for run in runs if _ended(run)]
    failed = next((n for n, run in enumerate(ended) if run.status is not RunStatus.FAILED), len(ended))
    if not failed:
        return Reading(0.0, facts={"runs": "last run"})
    error = run_error(ended[0].error, ended[0].error_code, known)
    case: Situation | None = "permanent" if error.kind.permanent else None
    return Reading(
        float(failed),
        detail=error.name or ended[0].error or "Census gives no reason",
        case="transient" if error.kind is error.kind.TRANSIENT else case,
        facts={"runs": "last run" if failed == 1 else f"last {failed} runs"},
        helps=f"{error.remedy}.",
        cause=None if error.kind is error.kind.UNKNOWN else f"{error.kind.capitalize()} error",
    )


def _completed(run: Run) -> datetime:
    assert run.completed_at, "only completed runs are counted"
    return run.completed_at
