"""`/sync-health`: the health summary."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.model import SEVERITIES, Incident, State
from bot.answers.health import Summary
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
from bot.messages.many import others_line, worst_of
from bot.messages.native import table
from bot.messages.notices import notice_blocks
from bot.messages.phrases import MORE_OPEN, how_often, incident_line, sources_as_of
from bot.messages.sync_buttons import offered_by_summary
from bot.messages.text import ICONS, day_and_time, escape, person, threshold
from bot.messages.watch import unstored_summary
from bot.model import Evaluation
from checks.judge import WORST_FIRST
from checks.model import Outcome, Result, Severity
from checks.numbers import count_of, in_percent

MOST_INCIDENTS = 5
MOST_CHECKS = 20
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
    evaluation, name = summary.evaluation, escape(summary.pipeline, 100)
    if summary.state_outage:
        return unstored_summary(summary, summary.state_outage, zone)
    notices = list(notice_blocks(summary, zone))
    if evaluation is None:
        text = f"❔ {name}: not evaluated yet"
        small = "The first evaluation is in progress." if summary.measuring else "Click Refresh to evaluate it now."
        ask = (context(small + _mode(summary)), actions(refresh_button()))
        return Message(text, (section(f"*{text}*"), *notices, *ask))
    head = headline(evaluation, summary)
    blocks: list[Block | Native] = [section(f"*{head}*"), *notices, *_incidents(summary, zone)]
    blocks += [*check_blocks(summary), divider(), *sync_blocks(evaluation, zone)]
    if shared_by:
        blocks.append(context(f"{age(summary, zone)} · Shared by {person(shared_by)}"))
    else:
        blocks += [context(age(summary, zone)), actions(*buttons(summary, button("Share", "share", "summary")))]
    return Message(head, tuple(blocks))


def sync_blocks(evaluation: Evaluation, zone: ZoneInfo, *, tables: bool = True) -> Iterator[Block | Native]:
    """The fields of each sync; of more than three a table, where the place takes `tables`."""
    worst, others = worst_of(evaluation.syncs, _rank)
    if tables and len(evaluation.syncs) > FEW_SYNCS:
        yield _table_of(worst, zone)
    else:
        yield from (_sync(sync, zone) for sync in worst)
    if others:
        yield section(others_line(map(_standing, others), "runs"))


def age(summary: Summary, zone: ZoneInfo) -> str:
    """How old what is shown is, and whether newer values are on their way."""
    dated = sources_as_of(summary.evaluation, zone) if summary.evaluation else "No evaluation yet"
    return dated + " · Newer values follow in a moment" * summary.measuring + _mode(summary)


def _mode(summary: Summary) -> str:
    return f" · {OBSERVES}" * summary.observes


def buttons(summary: Summary, *others: Block) -> list[Block]:
    """What can help now, then what can be asked here: the menu has no room for all of it."""
    shown, urgent = offered_by_summary(summary)
    return [*shown, refresh_button(), *others, overflow(*urgent, *_more(summary))]


def _more(summary: Summary) -> list[tuple[str, str]]:
    """What else can be asked here; what pipeline.yml leaves out is not offered."""
    queues = summary.evaluation and any(sync.has_queue for sync in summary.evaluation.syncs)
    left_out = [
        *([] if queues else [BACKLOGS]),
        *([] if summary.has_audit_log and not summary.observes else [SNAPSHOT]),
    ]
    return [one for one in MORE if one not in left_out]


def urgency(incident: Incident) -> tuple[bool, bool, bool, datetime]:
    """The smaller, the more it needs somebody."""
    recovers = incident.state is State.RECOVERING
    return recovers, incident.severity is not Severity.CRITICAL, incident.acked_by is not None, incident.opened_at


def headline(evaluation: Evaluation, summary: Summary) -> str:
    """The state and the one reason; never healthy above an open incident, which can outlast the values it opened for.

    Where an evaluation has just failed it is none: what is known is from before.
    """
    name = escape(summary.pipeline, 100)
    if summary.failed:
        return f"❔ {name}: status unknown, the evaluation failed; values are from before"
    firing = [one for one in summary.incidents if one.state is State.FIRING and one.source != "bot"]
    worst = min(firing, key=urgency, default=None)
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
    if not evaluation.results:
        return f"❔ {name}: status unknown · nothing is checked"
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


def _not_passing(evaluation: Evaluation) -> list[Result]:
    wrong = [result for result in evaluation.results if result.outcome is not Outcome.OK]
    return sorted(wrong, key=lambda result: WORST_FIRST.index(result.outcome))


def check_blocks(summary: Summary) -> Iterator[Block]:
    """How many pass, and the others that no open incident above tells of; what could not run is a count of its own."""
    evaluation, told = summary.evaluation, {(one.check, one.sync) for one in summary.incidents}
    assert evaluation, "nothing is told of checks before that"
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
    return sections([head, *lines], 1 + MOST_INCIDENTS, MORE_OPEN) if lines else []


def refresh_button() -> Block:
    """Evaluates now, and shows it where the button stands."""
    return button("Refresh", "refresh", "summary")
