"""Following one record: that it began, that it has arrived with what shows it, or that it has not."""

from datetime import datetime, timedelta

from bot.alerts.trace import Standing
from bot.answers.trace import Arrival, LogLook, Trace
from bot.config.settings import Settings
from bot.facts import counts_in_words
from bot.messages.blocks import Block, Message, context, fields, section
from bot.messages.text import code, day_and_time, escape, link, number, without_braces
from bot.messages.trace import SENTENCE, trace_message
from checks.numbers import duration

NOT_LOGGED = "This pipeline has no audit log, or the bot may not write into it."
LATER = "Not written yet: it follows a few minutes after the run"
MISSING = (
    "Not written within {} of the run. The bot writes it while the warehouse is awake; "
    "`/sync-health` tells whether it can write"
)
UNKNOWN = "Whether it was written is unknown"


def following_message(trace: Trace, until: datetime, settings: Settings, trouble: str = "") -> Message:
    """How it stands, and until when it is followed."""
    when = day_and_time(until, settings.zone)
    lasts = f"👀 Following until {when}; the outcome comes here. A restart of the bot ends it: then follow it again."
    failed = f" The last attempt failed: {escape(trouble, 200)}" if trouble else ""
    return trace_message(trace, settings, lasts + failed)


def not_followed_message(trace: Trace, settings: Settings) -> Message:
    """How it stands, and why following it would wait for nothing."""
    shown = trace_message(trace, settings)
    return Message(shown.text, (*shown.blocks, context(f"Not followed: {NOT_FOLLOWED[trace.verdict.standing]}")))


NOT_FOLLOWED = {
    Standing.ARRIVED: "it has arrived.",
    Standing.SUSPECT: "it is in the destination.",
    Standing.STOPPED: "no run carries it as it is. Follow it once that is changed.",
    Standing.UNKNOWN: "no single record is known to be on its way.",
    Standing.WAITING: "its ID cannot be shown.",
    Standing.HELD: "its ID cannot be shown.",
}


def arrival_message(arrival: Arrival, settings: Settings, *, logs: bool) -> Message:
    """It has arrived: after how long, by which run, and what moved."""
    head = f"{named(arrival.trace, settings)} has arrived in {escape(settings.destination, 100)}"
    shown = [
        ("Arrived", f"{duration(arrival.after)} after you followed it"),
        ("Carried by", _run(arrival, settings)),
        (f"{escape(arrival.sync, 60)} backlog since you followed it", moved(arrival)),
        ("Audit log", LATER if logs else NOT_LOGGED),
    ]
    blocks: list[Block] = [fields(*(shown if arrival.sync else shown[:1]), head=f"✅ *{head}*")]
    return Message(f"✅ {head}, {duration(arrival.after)} after you followed it", tuple(blocks))


def audit_row_message(arrival: Arrival, look: LogLook, settings: Settings, within: timedelta) -> Message:
    """The row of the run in the audit log, that there was none `within` so long, or why that is not known."""
    run = arrival.run.id if arrival.run else 0
    what = f"Audit log, run {run} of {escape(arrival.sync, 60)}, which carried {named(arrival.trace, settings, 'this')}"
    row = look.row
    if row is None and look.unknown:
        return Message(f"❔ {what}: unknown", (section(f"❔ *{what}*", f"{UNKNOWN}: {escape(look.unknown, 300)}"),))
    if row is None:
        return Message(f"❔ {what}: no row", (section(f"❔ *{what}*", MISSING.format(duration(within))),))
    counted = f"{number(row.processed)} processed, {number(row.succeeded)} succeeded, {number(row.failed)} failed"
    return Message(f"✅ {what}: written", (section(f"✅ *{what}*", f"Row {code(row.audit_id, 80)}: {counted}"),))


def not_arrived_message(trace: Trace, settings: Settings, why: str) -> Message:
    """Following has ended without its arrival; `why`, such as `not arrived after 2 h`."""
    zone = settings.zone
    said = f"🏁 Following ended: {escape(why, 200)}"
    shown = trace_message(trace, settings)
    blocks = (section(f"*{said}*"), *shown.blocks)
    return Message(f"{said}. {without_braces(escape(trace.verdict.sentence, SENTENCE), zone)}", blocks)


def moved(arrival: Arrival) -> str:
    """`181 → 180`."""
    return f"{number(arrival.before)} → {number(arrival.now)}"


def named(trace: Trace, settings: Settings, this: str = "This") -> str:
    """`Property 108617`; `This property` where its id is not shown."""
    noun = settings.noun
    return escape(noun.named(trace.record) if trace.record else f"{this} {noun.one}", 100)


def _run(arrival: Arrival, settings: Settings) -> str:
    run = arrival.run
    if run is None:
        return "Census does not show the run"
    shown = link(f"run {run.id}", settings.links.census_run, sync=run.sync_id, run=run.id)
    counted = counts_in_words(run)
    doubt = "" if arrival.confirmed else " (the last one before it arrived; Census does not show its records yet)"
    return f"{shown}: {counted or 'no counts'}{doubt}"
