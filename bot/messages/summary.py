"""`/sync-health`: how the pipeline is, in one look."""

from zoneinfo import ZoneInfo

from bot.answers import Summary
from bot.messages.alert import is_fact, number_of
from bot.messages.blocks import Block, Message, actions, button, context, divider, section
from bot.messages.text import ICONS, day_and_time, escape, number, person, rows, when
from bot.ports import Evaluation, Run, RunStatus, Schedule, SyncStatus
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result

HEADLINES = {
    Outcome.OK: "is healthy",
    Outcome.WARN: "needs a look",
    Outcome.CRITICAL: "is in trouble",
    Outcome.NO_DATA: "cannot be judged: there is no data",
    Outcome.ERROR: "cannot be judged: not everything could be measured",
}
FREQUENCIES = {
    "continuous": "continuously",
    "quarter_hourly": "every 15 minutes",
    "hourly": "every hour",
    "daily": "every day",
    "weekly": "every week",
    "expression": "by its cron expression",
}
MOST_INCIDENTS = 5
PER_SECTION = 7  # check lines, of up to 400 characters each


def summary_message(summary: Summary, zone: ZoneInfo) -> Message:
    """The answer to `/sync-health`; says how old it is and what is not known."""
    evaluation = summary.evaluation
    name = escape(summary.pipeline, 100)
    if evaluation is None:
        text = f"❔ The {name} pipeline has not been measured yet"
        small = "The first look is on its way." if summary.measuring else "Press Refresh to measure it now."
        return Message(text, (section(f"*{text}.*"), context(small), actions(_refresh())))
    head = f"{ICONS[evaluation.outcome]} The {name} pipeline {HEADLINES[evaluation.outcome]}"
    blocks: list[Block] = [section(f"*{head}*")]
    blocks += (
        [section(*[f"❗ {escape(problem, 300)}" for problem in evaluation.problems])] if evaluation.problems else []
    )
    queues = {f"{sync.direction}_queue" for sync in evaluation.syncs}  # shown beside their sync when they are well
    whole = [r for r in evaluation.results if r.sync is None and not (r.check in queues and r.outcome is Outcome.OK)]
    lines = [_check_line(result) for result in sorted(whole, key=lambda result: WORST_FIRST.index(result.outcome))] or [
        "❔ There is no check."
    ]
    blocks += [section(*lines[n : n + PER_SECTION]) for n in range(0, len(lines), PER_SECTION)]
    blocks.append(divider())
    blocks += [_sync(sync, [r for r in evaluation.results if r.sync == sync.name], zone) for sync in evaluation.syncs]
    blocks += _incidents(summary, zone)
    if summary.undelivered:
        blocks.append(section(f"❗ Slack does not take some of my messages: {escape(summary.undelivered, 300)}"))
    blocks += [
        context(_age(evaluation, zone, measuring=summary.measuring)),
        actions(_refresh(), button("Snapshot", "snapshot", "now")),
    ]
    return Message(head, tuple(blocks))


def _check_line(result: Result) -> str:
    # Why something could not be measured is told once, above; here only what.
    summary = result.summary.partition(" (")[0] if result.outcome is Outcome.ERROR else result.summary
    line = f"{ICONS[result.outcome]} {escape(summary, 300)}"
    limits = [f"{word} {limit}" for word, limit in (("warn", result.warn), ("critical", result.critical)) if limit]
    return f"{line} · {escape(', '.join(limits))}" if result.value is not None else line


def _sync(sync: SyncStatus, results: list[Result], zone: ZoneInfo) -> Block:
    queue = "queue unknown" if sync.queue is None else f"{rows(sync.queue)} waiting"
    if sync.suspicious:
        queue += f", {number(sync.suspicious)} of them suspicious"
    lines = [f"*{escape(sync.label)}* · {queue}"]
    if sync.error:
        lines.append(f"❗ {escape(sync.error, 300)}")
    else:
        lines.append(f"{_last_sync(sync.last_sync, zone)} · {_schedule(sync.schedule)}")
    if sync.running:
        lines.append(f"▶️ running now: {number(sync.running.records_updated)} of {rows(sync.running.records_total)}")
    elif sync.latest and sync.latest.status is RunStatus.FAILED:
        lines.append(f"❗ the newest run failed: {escape(sync.latest.error or 'Census gives no reason', 300)}")
    # A sync whose Census is silent has said so above; what is well needs no line.
    lines += [_check_line(r) for r in results if r.outcome is not Outcome.OK and not sync.error][:4]
    return section(*lines)


def _last_sync(run: Run | None, zone: ZoneInfo) -> str:
    if run is None or run.completed_at is None:
        return "❔ no completed run is known"
    counted = [count for count in (run.records_failed, run.records_invalid) if count is not None]
    counts = f"{number(run.records_updated)} updated, {number(sum(counted) if counted else None)} rejected"
    return f"last sync {day_and_time(run.completed_at, zone)}: {counts}"


def _schedule(schedule: Schedule | None) -> str:
    if schedule is None:
        return "schedule unknown"
    if schedule.paused:
        return "⏸️ paused"
    if not schedule.enabled:
        return "⛔ no schedule"
    return f"runs {FREQUENCIES.get(schedule.frequency, escape(schedule.frequency, 40))}"


def _incidents(summary: Summary, zone: ZoneInfo) -> list[Block]:
    lines = []
    for incident in summary.incidents[:MOST_INCIDENTS]:
        who = f"{person(incident.acked_by)} has it" if incident.acked_by else "nobody has it yet"
        icon = "⏳" if incident.state == "recovering" else ICONS[incident.severity]
        since = when(incident.opened_at, zone)
        measured = "" if is_fact(incident) else f": {number(incident.value)}, limit {number_of(incident.limit)}"
        what = f"{escape(incident.title, 300)}{f', {escape(incident.sync, 100)}' if incident.sync else ''}{measured}"
        lines.append(f"{icon} {what} · since {since} · {who}")
    if (more := len(summary.incidents) - MOST_INCIDENTS) > 0:
        lines.append(f"… and {more} more")
    return [divider(), section("*Open incidents*", *lines)] if lines else []


def _age(evaluation: Evaluation, zone: ZoneInfo, *, measuring: bool) -> str:
    measured = f"Measured {day_and_time(evaluation.checked_at, zone)} in {evaluation.seconds:.2f} s"
    return f"{measured} · newer numbers follow in a moment" if measuring else measured


def _refresh() -> Block:
    return button("Refresh", "refresh", "summary")
