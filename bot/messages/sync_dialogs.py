"""The dialogs before an action on a sync: what is known of it, and a reason to give where it is risky."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from bot.alerts.model import ActionKind
from bot.answers.consent import Consent, FactChange, PauseAllFacts, SyncFacts
from bot.errors import RefusedError
from bot.facts import Run, RunStatus, counts_in_words
from bot.messages.blocks import TITLE, Block, Message, choice, context, modal, question, section
from bot.messages.text import by_whom, code, day_and_time, escape, number
from checks.numbers import count_of, duration, pending

REASON, CHOICE = "reason", "choice"
FULL, THEN_RERUN = "full", "rerun"  # of CHOICE, beside its first option
CONSENT = TypeAdapter(Consent)
SUBMITS = {
    ActionKind.RERUN: "Rerun",
    ActionKind.PAUSE: "Pause",
    ActionKind.RESUME: "Resume",
    ActionKind.CANCEL: "Cancel run",
}
REASONS = {  # what the field for a reason shows until somebody writes into it
    ActionKind.RERUN: "The view is fixed",
    ActionKind.PAUSE: "Wrong values are being written",
    ActionKind.RESUME: "The view is fixed",
    ActionKind.CANCEL: "It writes wrong values",
    ActionKind.PAUSE_ALL: "Wrong values are being written",
}
PAUSE_ALL = "Pause all syncs"
AGAIN = "This dialog is from another version of Sync Health. Click the button again."


def loading_modal(title: str) -> dict[str, Any]:
    """Open at once: a trigger lives three seconds, the facts may take longer."""
    return modal(title, [section("⏳ Loading …")], callback="loading")


def answer_modal(title: str, message: Message, about: str = "") -> dict[str, Any]:
    """A short answer in a dialog, instead of what it was opened for; `about` is the incident that its buttons are."""
    return modal(title, message.shown(native=False), callback="answer", metadata=about)


def action_modal(
    facts: SyncFacts, zone: ZoneInfo, changes: Sequence[FactChange] = (), reason: str = ""
) -> dict[str, Any]:
    """The facts, and what to choose and give a reason for; `changes`: why it is shown again instead of being done.

    `reason` is what was written before.
    """
    title, told = _title(facts), [change for change in changes if change is not FactChange.FULL_SYNC]
    blocks = [section(*_changes(told))] if told else []
    blocks.append(section(*_facts(facts, zone)))
    if not _is_possible(facts):
        return modal(title, blocks, callback="answer")
    consent = CONSENT.dump_json(facts.consent).decode()
    if _follows(facts):
        return modal(title, blocks, callback="act", metadata=consent, submit="Follow")
    blocks += [*_choices(facts), _reason(facts, reason)]
    if facts.kind is ActionKind.RERUN:
        blocks.append(context("Does not undo earlier writes"))
    close = "Keep running" if facts.kind is ActionKind.CANCEL else "Cancel"
    return modal(title, blocks, callback="act", metadata=consent, submit=_submit(facts), close=close)


def pause_all_modal(facts: PauseAllFacts, zone: ZoneInfo) -> dict[str, Any]:
    """Which syncs it pauses, and what it leaves."""
    if not (facts.on or facts.unknown):
        return modal(PAUSE_ALL, [section("⏸️ Every sync is already paused.")], callback="answer")
    at = f"(as of {day_and_time(facts.as_of, zone)})"
    lines = [f"*Pauses {count_of(len(facts.on), 'sync')}*: {escape(', '.join(facts.on))} {at}"] if facts.on else []
    if facts.unknown:
        lines.append("❔ *Pauses them too, as far as Census answers*:" if facts.on else f"*Pauses* {at}:")
        lines += [f"• {escape(name, 100)}: {escape(why, 200)}" for name, why in facts.unknown]
    lines += [f"Already paused: {escape(', '.join(facts.paused))}"] if facts.paused else []
    if facts.running:
        lines.append(f"▶️ Runs in progress continue: {escape(', '.join(facts.running))}. Cancel them to stop them.")
    small = context("Pending records stay pending. Each sync is resumed on its own.")
    blocks = [section(*lines), _question(ActionKind.PAUSE_ALL, "Reason (shown in the channel)", optional=True), small]
    consent = CONSENT.dump_json(facts.consent).decode()
    return modal(PAUSE_ALL, blocks, callback="act", metadata=consent, submit="Pause all")


def read_consent(metadata: str) -> Consent:
    """What the dialog had shown, from its metadata. Raises RefusedError for one of another version."""
    try:
        return CONSENT.validate_json(metadata)
    except ValidationError as error:
        raise RefusedError(AGAIN) from error


def _title(facts: SyncFacts) -> str:
    """What is done, and to which sync as far as whole words of its name fit; the dialog names it in full."""
    done = "Follow" if _follows(facts) else SUBMITS[facts.kind]
    joined = f"{done} of" if facts.kind is ActionKind.CANCEL else done
    if len(whole := f"{joined} {facts.sync}") <= TITLE:
        return whole
    words = facts.sync.split()
    starts = (" ".join(words[:count]) for count in range(len(words) - 1, 0, -1))
    fitting = (f"{joined} {start}…" for start in starts if len(joined) + len(start) + 2 <= TITLE)
    return next(fitting, done if facts.kind is ActionKind.CANCEL else f"{done} sync")


def _follows(facts: SyncFacts) -> bool:
    """Whether there is a run to follow instead of one to start."""
    return facts.kind is ActionKind.RERUN and facts.running is not None


def _is_possible(facts: SyncFacts) -> bool:
    match facts.kind:
        case ActionKind.RERUN:
            return facts.can_help or facts.running is not None
        case ActionKind.PAUSE:
            return not facts.paused
        case ActionKind.RESUME:
            return facts.paused
    return facts.running is not None


def _submit(facts: SyncFacts) -> str:
    word = SUBMITS[facts.kind]
    if facts.full_sync:
        word = "Run full sync"  # with the resumption it would be longer than Slack takes
    elif facts.kind is ActionKind.RERUN and facts.paused:
        word = "Resume and rerun"
    return f"{word} anyway" if facts.risky else word


def _changes(changes: Sequence[FactChange]) -> list[str]:
    return ["⚠️ *Nothing was done.* Since this dialog opened:", *(f"• {change}" for change in changes)]


def _facts(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    match facts.kind:
        case ActionKind.RERUN:
            return _facts_to_rerun(facts, zone)
        case ActionKind.PAUSE:
            return _facts_to_pause(facts, zone)
        case ActionKind.RESUME:
            return _facts_to_resume(facts, zone)
    return _facts_to_cancel(facts, zone)


def _facts_to_rerun(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    if facts.running:
        began = day_and_time(facts.running.created_at, zone)
        lines = [f"▶️ *{_name(facts)} has been running* since {began}, so no new run will start", *_written(facts)]
        return [
            *lines,
            "Follow reports that run in the thread. It read its records when it began.",
        ]
    if not facts.can_help:
        lines = [f"*{_name(facts)}: nothing pending* {_in_source(facts, zone)}, so a rerun changes nothing now"]
        return [*lines, *([f"*Next step* {escape(facts.helps)}"] if facts.helps else [])]
    lines = [f"⏸️ {_paused(facts, zone)}. It is resumed first, so later runs start too."] if facts.paused else []
    return [_processes(facts, zone), *_warnings(facts), *lines, *_time_it_takes(facts, zone), *_dependents(facts)]


def _facts_to_pause(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    if facts.paused:
        return [f"⏸️ *{_name(facts)} is already paused*", f"{_paused(facts, zone)}."]
    lines = [f"*{_name(facts)} starts no run until it is resumed*; pending records stay pending"]
    if facts.queue is not None:
        suspect = f", {count_of(facts.suspicious, 'suspect record')} among them" if facts.suspicious else ""
        backlog = escape(pending(facts.queue, *facts.noun.words))
        when = f" (as of {day_and_time(facts.counted_at, zone)})" if facts.counted_at else " at the last evaluation"
        lines.append(f"{'⚠️ ' if suspect else ''}{backlog}{suspect}{when}")
    if facts.running:
        began = day_and_time(facts.running.created_at, zone)
        lines.append(f"▶️ The run in progress since {began} continues. Cancel it to stop it.")
    elif facts.next_run:
        lines.append(f"Its next run, {day_and_time(facts.next_run, zone)}, will not start")
    return [*lines, *_dependents(facts)]


def _facts_to_resume(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    if not facts.paused:
        return [f"▶️ *{_name(facts)} is not paused*"]
    lines = [_processes(facts, zone), *_warnings(facts), f"⏸️ {_paused(facts, zone)}"]
    if facts.running:
        lines.append(f"▶️ A run has been in progress since {day_and_time(facts.running.created_at, zone)}")
    lines += [f"Next run {day_and_time(facts.next_run, zone)}"] if facts.next_run else []
    return [*lines, *_time_it_takes(facts, zone), *_dependents(facts)]


def _facts_to_cancel(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    if facts.running is None:
        return [f"➖ *{_name(facts)} has no run in progress*"]
    lines = [f"▶️ *{_name(facts)} has been running* since {day_and_time(facts.running.created_at, zone)}"]
    return [*lines, *_written(facts), "What is written stays written; the rest is left for the next run"]


def _name(facts: SyncFacts) -> str:
    return escape(facts.label, 100)


def _processes(facts: SyncFacts, zone: ZoneInfo) -> str:
    """`Sync B will process about 240 pending records (as of 3:11 AM)`, as far as that can be known."""
    will = f"{_name(facts)} will process"
    if facts.full_sync:
        return f"⚠️ *{will} every record of its source*, changed or not, which takes longer than an incremental run"
    if facts.source is None:
        return f"*{will} whatever Census finds changed* since its last run"
    if facts.queue is None:
        return f"❔ *{will} an unknown number of pending {escape(facts.noun.many)}* {_in_source(facts, zone)}"
    if not facts.queue:
        return f"*{_name(facts)}: nothing pending* {_in_source(facts, zone)}"
    return f"*{will} about {escape(pending(facts.queue, *facts.noun.words))}* {_in_source(facts, zone)}"


def _in_source(facts: SyncFacts, zone: ZoneInfo) -> str:
    where = f" in {code(facts.source, 300)}" if facts.source else ""
    return f"(as of {day_and_time(facts.as_of, zone)}){where}"


def _written(facts: SyncFacts) -> list[str]:
    """How far the run in progress is, as Census says."""
    run = facts.running
    if run is None or not run.records_total:
        return []
    return [f"{number(run.records_updated or 0)} of {number(run.records_total)} records written so far"]


def _paused(facts: SyncFacts, zone: ZoneInfo) -> str:
    if action := facts.paused_by:
        why = f": “{escape(action.reason, 200)}”" if action.reason else ""
        return f"Paused by {by_whom(action.by)} {day_and_time(action.requested_at, zone)}{why}"
    return "Paused in Census"


def _warnings(facts: SyncFacts) -> list[str]:
    """What a run would write that it should not."""
    lines = []
    if facts.critical:
        lines.append(f"🔴 *Critical now:* {escape(', '.join(facts.critical), 300)}. A run may write such values again.")
    if facts.suspicious is None:
        return [*lines, f"⚠️ *Suspect records: unknown.* Every pending {escape(facts.noun.one)} is written as it is."]
    if facts.suspicious:
        labels = f" ({escape(', '.join(facts.suspects), 200)})" if facts.suspects else ""
        shown = ", ".join(code(one, 40) for one in facts.examples)
        such = f", such as {shown}" if shown else ""
        return [*lines, f"⚠️ *Includes {count_of(facts.suspicious, 'suspect record')}*{labels}{such}"]
    return [*lines, *(["✅ No suspect records"] if facts.queue else [])]


def _time_it_takes(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    """`Usually about 5 min · Last run completed in 7 min …`; the last run alone where too few say what is usual."""
    full = "Full syncs usually take" if facts.full_sync else "Usually"
    usual = [f"{full} about {duration(facts.usual)}"] if facts.usual else []
    line = [*usual, *_last_run(facts, zone)]
    return [" · ".join(line)] if line else []


def _last_run(facts: SyncFacts, zone: ZoneInfo) -> list[str]:
    run = facts.last_run
    if run is None:
        return []
    ended = day_and_time(run.completed_at or run.created_at, zone)
    took = f" in {duration(run.completed_at - run.created_at)}" if run.completed_at else ""
    status = "canceled" if run.status is RunStatus.CANCELLED else run.status
    return [f"Last run {status}{took} ({ended}){_wrote(run)}"]


def _wrote(run: Run) -> str:
    if run.error:
        return f": {escape(run.error, 150)}"
    known = counts_in_words(run)
    return f": {known}" if known else ""


def _dependents(facts: SyncFacts) -> list[str]:
    return [f"Starts after its runs: {escape(', '.join(facts.dependents), 200)}"] if facts.dependents else []


def _choices(facts: SyncFacts) -> list[Block]:
    if facts.kind is ActionKind.RERUN and not facts.full_sync:
        options = (("Incremental: what changed since the last run", "changed"), ("Full sync: every record", FULL))
        return [choice(CHOICE, "Records", options)]
    if facts.kind is ActionKind.RESUME and facts.can_help and not facts.running:
        return [choice(CHOICE, "Then", (("Wait for the next run", "wait"), ("Rerun now", THEN_RERUN)))]
    return []


def _reason(facts: SyncFacts, written: str) -> Block:
    where = "thread" if facts.incident_id else "channel"
    label = f"Reason to {facts.kind} anyway" if facts.risky else "Reason"
    return _question(facts.kind, f"{label} (shown in the {where})", optional=not facts.risky, written=written)


def _question(kind: ActionKind, label: str, *, optional: bool, written: str = "") -> Block:
    return question(REASON, label, hint=REASONS[kind], optional=optional, written=written)
