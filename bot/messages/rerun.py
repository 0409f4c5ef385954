"""The dialog before a rerun: pending and suspect records, and whether a rerun can help."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from bot.alerts.model import Action, ActionState
from bot.answers import Consent, FactChange, RerunFacts
from bot.errors import RefusedError
from bot.messages.blocks import Block, Message, context, modal, question, section
from bot.messages.text import code, day_and_time, escape
from checks.numbers import count_of

REASON = "reason"
CONSENT = TypeAdapter(Consent)


def loading_modal(title: str) -> dict[str, Any]:
    """Open at once: a trigger lives three seconds, the facts may take longer."""
    return modal(title, [section("⏳ Loading …")], callback="loading")


def answer_modal(title: str, message: Message) -> dict[str, Any]:
    """A short answer in a dialog, instead of what it was opened for."""
    return modal(title, message.shown(native=False), callback="answer")


def rerun_modal(facts: RerunFacts, zone: ZoneInfo, changes: Sequence[FactChange] = ()) -> dict[str, Any]:
    """The facts, and a reason to give where it is risky; `changes`: why it is shown again instead of a run."""
    title = f"Rerun {facts.sync}"
    blocks = [section(*_changes(changes))] if changes else []
    blocks.append(section(*_facts(facts, zone)))
    if facts.paused or not (facts.can_help or facts.running):
        return modal(title, blocks, callback="answer")
    consent = CONSENT.dump_json(facts.consent).decode()
    if facts.running:
        return modal(title, blocks, callback="rerun", metadata=consent, submit="Follow")
    blocks += [_reason(facts), context("Does not undo earlier writes")]
    submit = "Rerun anyway" if facts.risky else "Rerun"
    return modal(title, blocks, callback="rerun", metadata=consent, submit=submit)


def rerun_answer(action: Action) -> Message:
    """What a submission came to, for the one who submitted it; the thread reports the rest to everybody."""
    sync = escape(action.sync, 100)
    match action.state:
        case ActionState.FAILED:
            text = f"{sync} rerun failed. {escape(action.verdict, 300)}"
        case ActionState.REQUESTED:
            text = f"{sync} rerun requested, not yet confirmed by Census. The thread reports the outcome."
        case _ if action.adopted:
            text = f"{sync} was already running. The thread reports that run."
        case _:
            text = f"{sync} is running. The thread reports its progress."
    return Message(text, (section(text),))


def read_consent(metadata: str) -> Consent:
    """What the dialog had shown, from its metadata. Raises RefusedError for one of another version."""
    try:
        return CONSENT.validate_json(metadata)
    except ValidationError as error:
        raise RefusedError("This dialog is from another version of Sync Health. Click Rerun again.") from error


def _changes(changes: Sequence[FactChange]) -> list[str]:
    return ["⚠️ *Nothing was started.* Since this dialog opened:", *(f"• {change}" for change in changes)]


def _facts(facts: RerunFacts, zone: ZoneInfo) -> list[str]:
    as_of = day_and_time(facts.as_of, zone)
    pending = (
        "❔ Pending records: unknown"
        if facts.queue is None
        else f"{'About ' if facts.queue else ''}*{_pending(facts.queue)}*"
    )
    lines = [f"*{escape(facts.label, 300)}*", f"{pending} (as of {as_of}) in {code(facts.source, 300)}"]
    if facts.paused:
        return [*lines, "⏸️ Paused in Census, so no run can start. Resume it there first."]
    if facts.running:
        began = day_and_time(facts.running.created_at, zone)
        lines.append(f"▶️ {escape(facts.sync, 100)} has been running since {began}, so no new run will start.")
        return [*lines, "Follow reports that run in the thread. It read its records when it began."]
    if not facts.can_help:
        lines.append("➖ A rerun changes nothing now. Records become pending again once their source has other values.")
        return [*lines, *([f"*Next step* {escape(facts.helps)}"] if facts.helps else [])]
    if facts.suspicious is None:
        lines.append("⚠️ Suspect records: unknown. The run writes every pending record as it is.")
    elif facts.suspicious:
        lines.append(f"⚠️ *Includes {count_of(facts.suspicious, 'suspect record')}*, written as they are")
    elif facts.queue:
        lines.append("✅ No suspect records")
    return lines


def _pending(count: int) -> str:
    return count_of(count, "pending record")


def _reason(facts: RerunFacts) -> Block:
    label = "Reason to rerun anyway" if facts.risky else "Reason (shown in the thread)"
    return question(REASON, label, hint="The view is fixed", optional=not facts.risky)
