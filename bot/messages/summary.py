"""`/sync-health`: the health summary."""

from collections.abc import Collection, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.model import State
from bot.answers import Summary
from bot.facts import RunStatus, SyncStatus
from bot.messages.blocks import (
    Block,
    Message,
    Native,
    actions,
    button,
    context,
    divider,
    fields,
    overflow,
    section,
    sections,
)
from bot.messages.maintenance import maintenance_line
from bot.messages.native import table
from bot.messages.phrases import SEVERITIES, how_often, incident_line, sources_as_of
from bot.messages.text import ICONS, channel, day_and_time, escape, person, threshold
from bot.messages.watch import unscheduled_words, unstored_summary
from bot.model import Evaluation, Undelivered
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result, Severity
from checks.numbers import count_of, in_percent

MOST_INCIDENTS = 5
MOST_PROBLEMS, MOST_CHECKS = 10, 20
FEW_SYNCS = 3  # more of them are a table
MORE = (
    ("Runs", "runs"),
    ("Backlogs", "queue"),
    ("Rejected records", "errors"),
    ("Schedules", "schedules"),
    ("Take audit snapshot", "snapshot now"),
)
UNKNOWN = (Outcome.NO_DATA, Outcome.ERROR)


def summary_message(summary: Summary, zone: ZoneInfo, *, shared_by: str | None = None) -> Message:
    """The answer to `/sync-health`; says how old it is and what is not known. Who shares it names themselves."""
    evaluation = summary.evaluation
    name = escape(summary.pipeline, 100)
    if summary.state_outage:
        return unstored_summary(summary, summary.state_outage, zone)
    notices = list(_notices(summary, zone))
    if evaluation is None:
        text = f"❔ {name}: not evaluated yet"
        small = "The first evaluation is in progress." if summary.measuring else "Click Refresh to evaluate it now."
        return Message(text, (section(f"*{text}*"), *notices, context(small), actions(_refresh())))
    head = _headline(name, evaluation, summary)
    blocks: list[Block | Native] = [section(f"*{head}*"), *notices, *_incidents(summary, zone)]
    blocks += _checks(evaluation, {(one.check, one.sync) for one in summary.incidents})
    blocks.append(divider())
    if len(evaluation.syncs) <= FEW_SYNCS:
        blocks += [_sync(sync, zone) for sync in evaluation.syncs]
    else:
        blocks.append(table(("Sync", *SYNC), [(sync.label, *_cells(sync)) for sync in evaluation.syncs], zone))
    age = sources_as_of(evaluation, zone) + " · Newer values follow in a moment" * summary.measuring
    if shared_by:
        blocks.append(context(f"{age} · Shared by {person(shared_by)}"))
    else:
        blocks += [context(age), actions(_refresh(), button("Share", "share", "summary"), overflow(*MORE))]
    return Message(head, tuple(blocks))


def _headline(name: str, evaluation: Evaluation, summary: Summary) -> str:
    """The state and the one reason; never healthy above an open incident, which can outlast the values it opened for.

    Where an evaluation has just failed it is none: what is known is from before.
    """
    if summary.failed:
        return f"❔ {name}: status unknown, the evaluation failed; values are from before"
    firing = [one for one in summary.incidents if one.state is State.FIRING and one.source != "bot"]
    worst = next(iter(sorted(firing, key=lambda one: (one.severity is not Severity.CRITICAL, one.opened_at))), None)
    found = next(iter(_not_passing(evaluation)), None)
    unknown = any(one.state is State.FIRING and one.source == "bot" for one in summary.incidents) or (
        found is not None and found.outcome in UNKNOWN
    )
    critical = found if found and found.outcome is Outcome.CRITICAL else None
    if worst and not critical and (worst.severity is Severity.CRITICAL or not unknown):
        return f"{ICONS[worst.severity]} {name}: {SEVERITIES[worst.severity].lower()} · {_short(worst.summary)}"
    if found and (critical or not unknown):
        return f"{ICONS[found.outcome]} {name}: {WORDS[found.outcome]} · {_short(found.summary)}"
    if found is None and evaluation.outcome is not Outcome.OK:
        return f"{ICONS[evaluation.outcome]} {name}: {WORDS.get(evaluation.outcome, 'status unknown')}"
    if bot := next((one for one in summary.incidents if one.state is State.FIRING and one.source == "bot"), None):
        return f"❔ {name}: status unknown · {_short(bot.summary)}"
    if blind := sum(one.outcome in UNKNOWN for one in evaluation.results):
        return f"❔ {name}: status unknown · {blind} of {count_of(len(evaluation.results), 'check')} could not run"
    if summary.incidents:
        return f"⏳ {name}: recovering · {count_of(len(summary.incidents), 'open incident')}"
    return f"✅ {name}: healthy"


WORDS = {Outcome.CRITICAL: "critical", Outcome.WARN: "warning"}


def _short(text: str) -> str:
    return escape(text, 150)


def _notices(summary: Summary, zone: ZoneInfo) -> Iterator[Block]:
    """What is not as it should be with Sync Health itself, or is meant to be quiet."""
    if summary.maintenance:
        yield section(f"🔧 {maintenance_line(summary.maintenance, zone)}")
    if summary.failed:
        yield section(f"❗ Evaluation failed: {escape(summary.failed, 300)}")
    if summary.evaluation and summary.evaluation.problems:
        yield from sections([f"❗ {escape(problem, 300)}" for problem in summary.evaluation.problems], MOST_PROBLEMS)
    if summary.undelivered:
        yield section(*(undelivered_line(one, zone) for one in summary.undelivered))
    if summary.unscheduled:
        yield section(f"❗ {unscheduled_words(summary.unscheduled)}")
    if summary.other_connections:
        yield section(_others(summary.other_connections))


def _not_passing(evaluation: Evaluation) -> list[Result]:
    wrong = [result for result in evaluation.results if result.outcome is not Outcome.OK]
    return sorted(wrong, key=lambda result: WORST_FIRST.index(result.outcome))


def _checks(evaluation: Evaluation, told: Collection[tuple[str, str | None]]) -> Iterator[Block]:
    """How many pass, and the others that no open incident above tells of; what could not run is a count of its own."""
    results = evaluation.results
    passing = sum(result.outcome is Outcome.OK for result in results)
    lines = [check_line(one) for one in _not_passing(evaluation) if (one.check, one.sync) not in told]
    counted = f"{passing} of {count_of(len(results), 'check')} passing" if results else "❔ There is no check"
    yield from sections([*lines[:MOST_CHECKS], counted])


def check_line(result: Result) -> str:
    """What a check found, with the threshold it crossed."""
    line = f"{ICONS[result.outcome]} {escape(result.summary, 300)}"  # why it has no value is told once, above
    return f"{line} ({threshold(result.limit)})" if result.limit and not result.limit.startswith("=") else line


SYNC = ("State", "Pending", "Last completed run", "Success rate (24 h)", "Next run")


def _sync(sync: SyncStatus, zone: ZoneInfo) -> Block:
    head = f"*{escape(sync.label)}*"
    if sync.error:
        return section(head, f"❗ {escape(sync.error, 300)}", f"{_pending(sync)} pending")
    values = [day_and_time(cell, zone) if isinstance(cell, datetime) else escape(str(cell)) for cell in _cells(sync)]
    return fields(*zip(SYNC, values, strict=True), head=head)


def _cells(sync: SyncStatus) -> tuple[str | datetime, ...]:
    """The values of a sync, in the order of its fields."""
    last = sync.last_sync.completed_at if sync.last_sync else None
    rate = "–" if sync.success_rate is None else in_percent(sync.success_rate)
    return (_state(sync), _pending(sync), last or "❔ none known", rate, sync.next_run or _when(sync))


def _pending(sync: SyncStatus) -> str:
    if sync.queue is None:
        return "unknown"
    return f"{sync.queue:,}" + (f" ({sync.suspicious:,} suspect)" if sync.suspicious else "")


def _state(sync: SyncStatus) -> str:
    if sync.error:
        return "❔ unknown"
    paused = sync.schedule is not None and sync.schedule.paused
    if sync.running:
        done, total = sync.running.records_updated, sync.running.records_total
        going_on = "⏸️ Paused, run in progress" if paused else "▶️ Running"
        return going_on + (f", {done or 0:,} of {total:,}" if total else "")
    if paused:
        return "⏸️ Paused"
    if sync.schedule and not sync.schedule.enabled:
        return "⛔ No schedule"
    return "❗ Last run failed" if sync.latest and sync.latest.status is RunStatus.FAILED else "✅ On"


def _when(sync: SyncStatus) -> str:
    schedule = sync.schedule
    if schedule is None:
        return "unknown"
    return how_often(schedule) if schedule.enabled else "none"


def _incidents(summary: Summary, zone: ZoneInfo) -> list[Block]:
    lines = [incident_line(incident, zone) for incident in summary.incidents]
    head = f"*{count_of(len(lines), 'open incident')}*"
    return sections([head, *lines], 1 + MOST_INCIDENTS, "… and {} more: `/sync-health incidents`") if lines else []


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
