"""`/sync-health errors`: the causes of rejected records, each with its next step."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.rejections import Cause, CauseGroup, Needs
from bot.answers.syncs import SyncErrors
from bot.messages.blocks import Block, Message, Native, context, section
from bot.messages.many import others_line, worst_of
from bot.messages.native import Cell, table
from bot.messages.phrases import census_as_of
from bot.messages.text import code, day_and_time, escape, number, records
from checks.numbers import count_of, listed

MOST = 8  # causes in a message, which has its limits
VALUES = 3  # of a picklist, per cause
NEEDS = {
    Needs.TRANSIENT: "Retryable: the next run tries these records again, and a rerun helps now.",
    Needs.BATCH: "A rerun with the same batch size fails again.",
    Needs.QUOTA: "A rerun makes it worse.",
    Needs.DATA: "A rerun does not help before the data is fixed.",
    Needs.IDENTITY: "A rerun does not help before the IDs are fixed.",
    Needs.MAPPING: "A rerun does not help before the mapping is fixed.",
    Needs.PERMISSION: "A rerun does not help before access is granted.",
    Needs.AUTOMATION: "A rerun does not help before the org is changed.",
    Needs.SOURCE: "A rerun does not help before the data is fixed.",
    Needs.UNKNOWN: "Whether a rerun helps is unknown.",
}


def errors_message(syncs: Sequence[SyncErrors], zone: ZoneInfo, as_of: datetime) -> Message:
    """Per sync how many records were rejected; then the causes, the most frequent first, each with its next step."""
    worst, others = worst_of(syncs, _rank)
    blocks: list[Block | Native] = [section(*_head(sync, zone)) for sync in worst]
    if others:
        blocks.append(section(others_line(map(_standing, others), "errors")))
    causes = [(sync, group) for sync in syncs for group in sync.groups]
    causes.sort(key=lambda one: one[1].records, reverse=True)
    if causes:
        rows = [_row(sync, group) for sync, group in causes[:MOST]]
        blocks.append(table(("Records", "Cause", "Sync", "Rerun"), rows, zone))
        blocks += [section(*_next_step(group)) for _, group in causes[:MOST]]
    if hidden := causes[MOST:]:
        blocks.append(
            section(f"… and {count_of(len(hidden), 'more cause')}, at most {records(hidden[0][1].records)} each")
        )
    text = " · ".join(_told(sync) for sync in worst)
    return Message(text, (*blocks, context(*_steps(causes[:MOST]), census_as_of(as_of, zone))))


def cause_name(cause: Cause) -> str:
    """Its code or what was said, with the field, the codes around it and the flow; escaped."""
    named = (cause.code and code(cause.code, 60), cause.text and f"“{escape(cause.text, 130)}”")
    said = " ".join(filter(None, named)) or "an unknown error"
    if cause.field:
        said += f", field “{escape(cause.field, 60)}”"
    if cause.via:
        said += f" (via {', '.join(code(one, 60) for one in cause.via[:2])})"
    return said + (f" in flow “{escape(cause.flow, 60)}”" if cause.flow else "")


STANDINGS = ("unknown", "with rejected records", "without a recent completed run", "with nothing rejected")


def _rank(sync: SyncErrors) -> tuple[int, int]:
    """The worst first."""
    return (STANDINGS.index(_standing(sync)), -sync.rejected - sync.invalid)


def _standing(sync: SyncErrors) -> str:
    if sync.error:
        return "unknown"
    if sync.run is None:
        return "without a recent completed run"
    return "with rejected records" if sync.rejected + sync.invalid else "with nothing rejected"


def _row(sync: SyncErrors, group: CauseGroup) -> Sequence[Cell]:
    cause = group.cause
    named = (cause.code, cause.text) if cause.code or cause.text else ("unknown error",)
    said = " · ".join(filter(None, (*named, cause.field, cause.flow)))
    helps = {Needs.TRANSIENT: "helps", Needs.UNKNOWN: "unknown"}.get(cause.needs, "does not help")
    return (group.records, said, sync.label, helps)


def _steps(causes: Sequence[tuple[SyncErrors, CauseGroup]]) -> list[str]:
    """Where each class that is shown is gone through step by step."""
    classes = dict.fromkeys(group.cause.needs for _, group in causes)
    typed = [code(f"/sync-health runbook {one}") for one in classes]
    return [f"Step by step: {' · '.join(typed)}"] if typed else []


def _told(sync: SyncErrors) -> str:
    lost = sync.rejected + sync.invalid
    known = "unknown" if sync.error or sync.run is None else f"{lost:,}"
    return f"{escape(sync.label, 100)}: {known} rejected"


def _head(sync: SyncErrors, zone: ZoneInfo) -> list[str]:
    title, run, lost = f"*Rejected records of {escape(sync.label, 100)}*", sync.run, sync.rejected + sync.invalid
    if sync.error:
        return [title, f"❗ {escape(sync.error, 300)}"]
    if run is None:
        return [title, "❔ Census shows no recent completed run."]
    lines = [f"{title}, run of {day_and_time(run.completed_at or run.created_at, zone)}"]
    if not lost:
        return [*lines, f"✅ Nothing was rejected; {records(run.records_updated)} updated."]
    tried = "an unknown number" if run.records_updated is None else number(run.records_updated + lost)
    lines.append(f"🟠 {number(lost)} of {tried}: {number(sync.rejected)} rejected, {number(sync.invalid)} invalid.")
    if not sync.read:
        lines.append("Census has no record details yet (they can lag minutes behind), or no longer keeps them.")
    elif sync.read < lost:
        lines.append(f"Of {number(lost)}, the first {number(sync.read)} were read.")
    return lines


def _next_step(group: CauseGroup) -> list[str]:
    cause = group.cause
    lines = [
        f"*{cause_name(cause)}* ({records(group.records)})",
        f"*Next step* {escape(cause.remedy, 150)}. {NEEDS[cause.needs]}",
    ]
    if group.values:
        values = [f"“{escape(value, 60)}” ({number(count)})" for value, count in group.values]
        lines.append(f"*Values* {listed(values, VALUES)}")
    if group.examples:
        lines.append(f"*Examples* {', '.join(code(one, 40) for one in group.examples)}")
    return lines
