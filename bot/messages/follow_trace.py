"""Following one record: that it began, that it has arrived with what shows it, or that it has not."""

from datetime import datetime

from bot.answers.trace import Arrival, LoggedRun, Trace
from bot.config.settings import Settings
from bot.facts import counts_in_words
from bot.messages.blocks import Block, Message, fields, section
from bot.messages.text import code, day_and_time, escape, link, number, without_braces
from bot.messages.trace import SENTENCE, trace_message
from checks.numbers import duration

NOT_LOGGED = "This pipeline has no audit log, or the bot may not write into it."
LATER = "Not written yet: it follows a few minutes after the run"
MISSING = "Not written within 20 min of the run; `/sync-health` tells whether the bot can write into the warehouse"


def following_message(trace: Trace, until: datetime, settings: Settings, trouble: str = "") -> Message:
    """How it stands, and until when it is followed."""
    when = day_and_time(until, settings.zone)
    lasts = f"👀 Following until {when}; the outcome comes here. A restart of the bot ends it: then follow it again."
    failed = f" The last attempt failed: {escape(trouble, 200)}" if trouble else ""
    return trace_message(trace, settings, lasts + failed)


def arrival_message(arrival: Arrival, settings: Settings, *, logs: bool) -> Message:
    """It has arrived: after how long, by which run, and what moved."""
    head = f"{named(arrival.trace, settings)} has arrived in {escape(settings.destination, 100)}"
    shown = [
        ("Arrived", f"after {duration(arrival.after)}"),
        ("Carried by", _run(arrival, settings)),
        (f"{escape(arrival.sync, 60)} backlog", moved(arrival)),
        ("Audit log", LATER if logs else NOT_LOGGED),
    ]
    blocks: list[Block] = [fields(*(shown if arrival.sync else shown[:1]), head=f"✅ *{head}*")]
    return Message(f"✅ {head} after {duration(arrival.after)}", tuple(blocks))


def audit_row_message(arrival: Arrival, row: LoggedRun | None, settings: Settings) -> Message:
    """The row of the run in the audit log, or that there is none."""
    run = arrival.run.id if arrival.run else 0
    what = f"Audit log, run {run} of {escape(arrival.sync, 60)}, which carried {named(arrival.trace, settings)}"
    if row is None:
        return Message(f"❔ {what}: no row", (section(f"❔ *{what}*", MISSING),))
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


def named(trace: Trace, settings: Settings) -> str:
    """`Property 108617`."""
    one = escape(settings.noun.one, 40)
    return f"{one[:1].upper()}{one[1:]} {escape(trace.record, 40)}".rstrip()


def _run(arrival: Arrival, settings: Settings) -> str:
    run = arrival.run
    if run is None:
        return "Census does not show the run"
    shown = link(f"run {run.id}", settings.links.census_run, sync=run.sync_id, run=run.id)
    counted = counts_in_words(run)
    doubt = "" if arrival.confirmed else " (the last one before it arrived; Census does not show its records yet)"
    return f"{shown}: {counted or 'no counts'}{doubt}"
