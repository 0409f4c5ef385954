"""`/sync-health`: the health summary."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.model import Incident, State
from bot.answers import Summary
from bot.config.settings import OBSERVES
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
from bot.messages.many import others_line, worst_of
from bot.messages.native import table
from bot.messages.phrases import SEVERITIES, how_often, incident_line, sources_as_of
from bot.messages.sync_buttons import offered_by_summary
from bot.messages.text import ICONS, channel, day_and_time, escape, person, threshold
from bot.messages.watch import unscheduled_words, unstored_summary
from bot.model import Evaluation, Undelivered, UnsentPages
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result, Severity
from checks.numbers import count_of, in_percent

MOST_INCIDENTS = 5
MOST_PROBLEMS, MOST_CHECKS = 10, 20
FEW_SYNCS = 3  # more of them are a table
BACKLOGS, SNAPSHOT = ("Backlogs", "queue"), ("Take audit snapshot", "snapshot now")
MORE = (
    ("Runs", "runs"),
    BACKLOGS,
    ("Rejected records", "errors"),
    ("Schedules", "schedules"),
    SNAPSHOT,
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
        return Message(text, (section(f"*{text}*"), *notices, context(small + _mode(summary)), actions(_refresh())))
    head = _headline(name, evaluation, summary)
    blocks: list[Block | Native] = [section(f"*{head}*"), *notices, *_incidents(summary, zone)]
    blocks += _checks(evaluation, {(one.check, one.sync) for one in summary.incidents})
    blocks.append(divider())
    if len(evaluation.syncs) <= FEW_SYNCS:
        blocks += [_sync(sync, zone) for sync in evaluation.syncs]
    else:
        worst, others = worst_of(evaluation.syncs, _rank)
        blocks.append(_table_of(worst, zone))
        blocks += [section(others_line(map(_standing, others), "runs"))] if others else []
    age = sources_as_of(evaluation, zone) + " · Newer values follow in a moment" * summary.measuring + _mode(summary)
    if shared_by:
        blocks.append(context(f"{age} · Shared by {person(shared_by)}"))
    else:
        blocks += [context(age), actions(*_buttons(summary))]
    return Message(head, tuple(blocks))


def _mode(summary: Summary) -> str:
    return f" · {OBSERVES}" * summary.observes


def _buttons(summary: Summary) -> list[Block]:
    """What can help now, then what can be asked here: the menu has no room for all of it."""
    shown, urgent = offered_by_summary(summary)
    return [*shown, _refresh(), button("Share", "share", "summary"), overflow(*urgent, *_more(summary))]


def _more(summary: Summary) -> list[tuple[str, str]]:
    """What else can be asked here; what pipeline.yml leaves out is not offered."""
    queues = summary.evaluation and any(sync.has_queue for sync in summary.evaluation.syncs)
    left_out = [
        *([] if queues else [BACKLOGS]),
        *([] if summary.has_audit_log and not summary.observes else [SNAPSHOT]),
    ]
    return [one for one in MORE if one not in left_out]


def _urgency(incident: Incident) -> tuple[bool, bool, datetime]:
    return incident.severity is not Severity.CRITICAL, incident.acked_by is not None, incident.opened_at


def _headline(name: str, evaluation: Evaluation, summary: Summary) -> str:
    """The state and the one reason; never healthy above an open incident, which can outlast the values it opened for.

    Where an evaluation has just failed it is none: what is known is from before.
    """
    if summary.failed:
        return f"❔ {name}: status unknown, the evaluation failed; values are from before"
    firing = [one for one in summary.incidents if one.state is State.FIRING and one.source != "bot"]
    worst = min(firing, key=_urgency, default=None)
    held = {(one.check, one.sync) for one in summary.incidents if one.acked_by}
    found = min(  # what somebody has acknowledged is not the news
        _not_passing(evaluation),
        key=lambda one: (one.outcome is not Outcome.CRITICAL, (one.check, one.sync) in held),
        default=None,
    )
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
    unheld = [one for one in summary.evaluation.syncs if one.unheld_at] if summary.evaluation else []
    if unheld:
        yield from sections([unheld_line(one, zone) for one in unheld], MOST_PROBLEMS)
    if summary.undelivered:
        yield section(*(undelivered_line(one, zone) for one in summary.undelivered))
    if summary.unsent_pages:
        yield section(*(unsent_pages_line(one, zone) for one in summary.unsent_pages))
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


PENDING = "Pending"
SYNC = ("State", PENDING, "Last completed run", "Success rate (24 h)", "Next run")


def _sync(sync: SyncStatus, zone: ZoneInfo) -> Block:
    head = f"*{escape(sync.label)}*"
    if sync.error:
        pending = [f"{_pending(sync)} pending"] if sync.has_queue else []
        return section(head, f"❗ {escape(sync.error, 300)}", *pending)
    values = [day_and_time(cell, zone) if isinstance(cell, datetime) else escape(str(cell)) for cell in _cells(sync)]
    shown = [(name, value) for name, value in zip(SYNC, values, strict=True) if name != PENDING or sync.has_queue]
    return fields(*shown, head=head)


def _table_of(syncs: Sequence[SyncStatus], zone: ZoneInfo) -> Native:
    """A row each; of a pipeline without queues nothing is said of pending records."""
    columns = [n for n, name in enumerate(SYNC) if name != PENDING or any(sync.has_queue for sync in syncs)]
    rows = []
    for sync in syncs:
        cells = _cells(sync)
        rows.append((sync.label, *(cells[n] for n in columns)))
    return table(("Sync", *(SYNC[n] for n in columns)), rows, zone)


def _cells(sync: SyncStatus) -> tuple[str | datetime, ...]:
    """The values of a sync, in the order of its fields."""
    last = sync.last_sync.completed_at if sync.last_sync else None
    rate = "–" if sync.success_rate is None else in_percent(sync.success_rate)
    return (_state(sync), _pending(sync), last or "❔ none known", rate, sync.next_run or _when(sync))


def _pending(sync: SyncStatus) -> str:
    if sync.queue is None:
        return "unknown" if sync.has_queue else "–"
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


STANDINGS = ("unknown", "with a failed last run", "without a schedule", "paused", "running", "on")  # the worst first


def _rank(sync: SyncStatus) -> tuple[int, int, int]:
    return (STANDINGS.index(_standing(sync)), -(sync.suspicious or 0), -(sync.queue or 0))


def _standing(sync: SyncStatus) -> str:
    """The same in the words in which many are counted."""
    if sync.error:
        return "unknown"
    if sync.running:
        return "running"
    if sync.schedule and not sync.schedule.enabled:
        return "paused" if sync.schedule.paused else "without a schedule"
    return "with a failed last run" if sync.latest and sync.latest.status is RunStatus.FAILED else "on"


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


def unheld_line(sync: SyncStatus, zone: ZoneInfo) -> str:
    """That a run began although nobody knew whether it had to be held."""
    began = f" that began {day_and_time(sync.unheld_at, zone)}" if sync.unheld_at else ""
    return (
        f"⚠️ {escape(sync.label)} was not held before the run{began}: its suspect records could not be measured in time"
    )


def unsent_pages_line(waiting: UnsentPages, zone: ZoneInfo) -> str:
    """How many pages a pager has not accepted, since when, why, and what to do."""
    since = f" since {day_and_time(waiting.since, zone)}" if waiting.since else ""
    head = f"⚠️ {count_of(waiting.pages, 'page')} not accepted by {escape(waiting.target, 80)}{since}"
    return f"{head}: {escape(waiting.why, 300)}. `sync-health doctor` says how to try it"


def _refresh() -> Block:
    return button("Refresh", "refresh", "summary")
