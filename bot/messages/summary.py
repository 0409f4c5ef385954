"""`/sync-health`: the health summary."""

from zoneinfo import ZoneInfo

from bot.answers import Summary
from bot.facts import RunStatus, SyncStatus
from bot.messages.blocks import Block, Message, actions, button, context, divider, section, sections
from bot.messages.maintenance import maintenance_line
from bot.messages.phrases import how_often, incident_line, sources_as_of
from bot.messages.text import ICONS, channel, day_and_time, escape, number, person, rows
from bot.messages.watch import unscheduled_words, unstored_summary
from bot.model import Undelivered
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result
from checks.numbers import in_percent

HEADLINES = {
    Outcome.OK: "is healthy",
    Outcome.WARN: "needs a look",
    Outcome.CRITICAL: "is in trouble",
    Outcome.NO_DATA: "cannot be judged: there is no data",
    Outcome.ERROR: "cannot be judged: not everything could be measured",
}
MOST_INCIDENTS = 5
MOST_PROBLEMS, MOST_CHECKS = 10, 20


def summary_message(summary: Summary, zone: ZoneInfo, *, shared_by: str | None = None) -> Message:
    """The answer to `/sync-health`; says how old it is and what is not known. Who shares it names themselves."""
    evaluation = summary.evaluation
    name = escape(summary.pipeline, 100)
    if summary.state_outage:
        return unstored_summary(summary, summary.state_outage, zone)
    quiet = [section(f"🔧 {maintenance_line(summary.maintenance, zone)}")] if summary.maintenance else []
    if summary.failed:
        quiet.append(section(f"❗ Evaluation failed: {escape(summary.failed, 300)}"))
    if evaluation is None:
        text = f"❔ The {name} pipeline has not been measured yet"
        small = "The first look is on its way." if summary.measuring else "Press Refresh to measure it now."
        return Message(text, (section(f"*{text}.*"), *quiet, context(small), actions(_refresh())))
    head = _headline(name, evaluation.outcome, len(summary.incidents), failed=bool(summary.failed))
    blocks: list[Block] = [section(f"*{head}*"), *quiet]
    if evaluation.problems:
        blocks += sections([f"❗ {escape(problem, 300)}" for problem in evaluation.problems], MOST_PROBLEMS)
    queues = {f"{sync.direction}_queue" for sync in evaluation.syncs}  # shown beside their sync when they are well
    whole = [r for r in evaluation.results if r.sync is None and not (r.check in queues and r.outcome is Outcome.OK)]
    ordered = sorted(whole, key=lambda result: WORST_FIRST.index(result.outcome))
    lines = [check_line(result) for result in ordered] or ["❔ There is no check."]
    blocks += sections(lines, MOST_CHECKS)
    blocks.append(divider())
    blocks += [_sync(sync, [r for r in evaluation.results if r.sync == sync.name], zone) for sync in evaluation.syncs]
    blocks += _incidents(summary, zone)
    if summary.undelivered:
        blocks.append(section(*(undelivered_line(one, zone) for one in summary.undelivered)))
    if summary.unscheduled:
        blocks.append(section(f"❗ {unscheduled_words(summary.unscheduled)}"))
    if summary.other_connections:
        blocks.append(section(_others(summary.other_connections)))
    age = sources_as_of(evaluation, zone) + " · newer numbers follow in a moment" * summary.measuring
    if shared_by:
        blocks.append(context(f"{age} · shared by {person(shared_by)}"))
    else:
        buttons = _refresh(), button("Share", "share", "summary"), button("Snapshot", "snapshot", "now")
        blocks += [context(age), actions(*buttons)]
    return Message(head, tuple(blocks))


def _headline(name: str, outcome: Outcome, incidents: int, *, failed: bool) -> str:
    """The state in one line; never healthy above an open incident, which can outlast the values that opened it.

    Where an evaluation has just `failed` it is none: what is known is from before.
    """
    if failed:
        return f"❔ The {name} pipeline could not be evaluated; values are from before"
    if outcome is Outcome.OK and incidents:
        return f"⏳ The {name} pipeline has {incidents} open incident{'' if incidents == 1 else 's'}"
    return f"{ICONS[outcome]} The {name} pipeline {HEADLINES[outcome]}"


def check_line(result: Result) -> str:
    """What a check found, with its limits."""
    line = f"{ICONS[result.outcome]} {escape(result.summary, 300)}"  # why it has no number is told once, above
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
        lines.append(_last_sync(sync, zone))
        lines.append(_schedule(sync, zone))
    if sync.running:
        lines.append(f"▶️ running now: {number(sync.running.records_updated)} of {rows(sync.running.records_total)}")
    elif sync.latest and sync.latest.status is RunStatus.FAILED:
        lines.append(f"❗ the newest run failed: {escape(sync.latest.error or 'Census gives no reason', 300)}")
    # A sync whose Census is silent has said so above; what is well needs no line.
    lines += [check_line(r) for r in results if r.outcome is not Outcome.OK and not sync.error][:4]
    return section(*lines)


def _last_sync(sync: SyncStatus, zone: ZoneInfo) -> str:
    run = sync.last_sync
    if run is None or run.completed_at is None:
        return "❔ no completed run is known"
    rate = "no rejection rate" if sync.error_rate is None else f"{in_percent(sync.error_rate)} rejected"
    return f"last sync {day_and_time(run.completed_at, zone)}: {number(run.records_updated)} updated, {rate}"


def _schedule(sync: SyncStatus, zone: ZoneInfo) -> str:
    schedule = sync.schedule
    if schedule is None:
        return "schedule unknown"
    if schedule.paused:
        return "⏸️ paused"
    if not schedule.enabled:
        return "⛔ no schedule"
    following = f", next {day_and_time(sync.next_run, zone)}" if sync.next_run else ""
    return f"runs {how_often(schedule)}{following}"


def _incidents(summary: Summary, zone: ZoneInfo) -> list[Block]:
    lines = [incident_line(incident, zone) for incident in summary.incidents]
    return [divider(), *sections(["*Open incidents*", *lines], 1 + MOST_INCIDENTS)] if lines else []


def _others(count: int) -> str:
    connections = "another connection" if count == 1 else f"{count} more connections"
    return f"⚠️ Slack counts {connections} with this app token: another process receives part of the clicks"


def undelivered_line(waiting: Undelivered, zone: ZoneInfo) -> str:
    """How many messages for which channel are stuck, since when and why."""
    count = f"{waiting.messages} message{'' if waiting.messages == 1 else 's'}"
    since = f" since {day_and_time(waiting.since, zone)}" if waiting.since else ""
    return f"⚠️ {count} for {channel(waiting.channel)} not delivered{since}: {escape(waiting.why, 300)}"


def _refresh() -> Block:
    return button("Refresh", "refresh", "summary")
