"""`/sync-health errors`: the causes of rejected rows, each with what helps."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.alerts.rejections import Cause, CauseGroup, Needs
from bot.answers import SyncErrors
from bot.messages.blocks import Block, Message, section
from bot.messages.text import code, day_and_time, escape, number, rows

MOST = 8  # causes in a message, which has its limits; several syncs share them
NEEDS = {
    Needs.TRANSIENT: "It passes by itself: the next run tries these rows again, and a rerun helps.",
    Needs.QUOTA: "It needs a pause: a rerun makes it worse.",
    Needs.DATA: "The data needs a correction: until then a rerun does not help.",
    Needs.IDENTITY: "The ids need a correction: until then a rerun does not help.",
    Needs.MAPPING: "The sync's mapping needs a correction: until then a rerun does not help.",
    Needs.PERMISSION: "It needs a person in Salesforce: until then a rerun does not help.",
    Needs.AUTOMATION: "It needs a person in Salesforce: until then a rerun does not help.",
    Needs.SOURCE: "The data needs a correction: until then a rerun does not help.",
    Needs.UNKNOWN: "Whether a rerun helps is not known.",
}


def errors_message(syncs: Sequence[SyncErrors], zone: ZoneInfo) -> Message:
    """Per sync: how many rows of how many did not arrive, by cause, the most frequent first."""
    most = max(1, MOST // max(1, len(syncs)))
    blocks: list[Block] = []
    for sync in syncs:
        blocks.append(section(*_head(sync, zone)))
        blocks += [section(*_cause(group)) for group in sync.groups[:most]]
        if hidden := sync.groups[most:]:
            blocks.append(section(f"…and {rows(sum(group.rows for group in hidden))} with other causes."))
    return Message("Rejected rows", tuple(blocks))


def _head(sync: SyncErrors, zone: ZoneInfo) -> list[str]:
    title, run, lost = f"*Rejected rows of {escape(sync.label, 100)}*", sync.run, sync.rejected + sync.invalid
    if sync.error:
        return [title, f"❗ {escape(sync.error, 300)}"]
    if run is None:
        return [title, "❔ Census knows of no completed run lately."]
    lines = [f"{title}, run of {day_and_time(run.completed_at or run.created_at, zone)}"]
    if not lost:
        return [*lines, f"✅ Nothing was rejected; {rows(run.records_updated)} updated."]
    tried = "an unknown number" if run.records_updated is None else number(run.records_updated + lost)
    lines.append(f"🟠 {number(lost)} of {tried}: {number(sync.rejected)} rejected, {number(sync.invalid)} invalid.")
    if not sync.read:
        lines.append("Census has no record details yet (they can lag minutes behind), or keeps them no longer.")
    elif sync.read < lost:
        lines.append(f"Of {number(lost)}, the first {number(sync.read)} were read.")
    return lines


def _cause(group: CauseGroup) -> list[str]:
    cause = group.cause
    lines = [f"*{rows(group.rows)}* · {_name(cause)}", f"{escape(cause.remedy, 150)}. {NEEDS[cause.needs]}"]
    if group.examples:
        lines.append(f"For example {', '.join(code(one, 40) for one in group.examples)}")
    return lines


def _name(cause: Cause) -> str:
    said = code(cause.code, 60) if cause.code else "a cause that is not known here"
    if cause.field:
        said += f", field “{escape(cause.field, 60)}”"
    if cause.value:
        said += f", value “{escape(cause.value, 60)}”"
    if cause.via:
        said += f" (through {', '.join(code(one, 60) for one in cause.via[:2])})"
    return said + (f" in the flow “{escape(cause.flow, 60)}”" if cause.flow else "")
