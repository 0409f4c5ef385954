"""`/sync-health trace`: where one record is on its way, what holds it there, and what differs."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.offers import Offer
from bot.alerts.trace import Difference, Hop, Standing, detail_of
from bot.answers.trace import Trace
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, Native, actions, button, context, section
from bot.messages.native import Told, table
from bot.messages.phrases import warehouse_as_of
from bot.messages.sync_buttons import sync_button
from bot.messages.text import code, escape, with_times, without_braces
from bot.sanitize import HIDDEN
from checks.numbers import count_of, listed

ICONS = {
    Standing.ARRIVED: "✅",
    Standing.WAITING: "⏳",
    Standing.HELD: "⛔",
    Standing.STOPPED: "⛔",
    Standing.SUSPECT: "🟠",
    Standing.UNKNOWN: "❔",
}
PASSED, DIFFERS, STOPS, WAITS, NOT_THERE = "✅", "🟠", "⛔", "⏳", "–"
MOST = 3  # buttons
HELPS = tuple(one for one in Offer if one is not Offer.FOLLOW)  # a run is followed in the thread of an alert
SENTENCE = 900  # characters
NOT_SHOWN = (
    "An ID is not shown where it could be a phone number or a name. It is shown if sql/measure/trace.sql returns it as "
    "a number, or as the key of a backlog whose column is the key of its sync in pipeline.yml."
)
HEAD = ("Hop", "Changed", "Detail")


def trace_message(trace: Trace, settings: Settings, following: str = "") -> Message:
    """The one sentence, the hops, what differs, and what can help; `following`: until when it is followed."""
    zone, verdict = settings.zone, trace.verdict
    head = f"{ICONS[verdict.standing]} *{with_times(verdict.sentence, zone, SENTENCE)}*"
    blocks: list[Block | Native] = [section(head, *_next_step(trace, zone))]
    if trace.hops:
        blocks.append(table(HEAD, [_row(mark, hop, trace) for mark, hop in marked(trace)], zone))
    if differences := differing(trace):
        blocks.append(section(f"*Differences* ({compared(trace)})", *map(_difference, differences)))
    if more := more_differ(trace):
        blocks.append(context(more))
    said = [escape(one, 300) for one in [*trace.remarks, *not_shown(trace)]]
    blocks.append(context(*said, warehouse_as_of(trace.as_of, zone)))
    if following:
        blocks.append(context(following))
    if offered := _buttons(trace, settings, follows=bool(following)):
        blocks.append(actions(*offered))
    return Message(
        f"{ICONS[verdict.standing]} {without_braces(escape(verdict.sentence, SENTENCE), zone)}", tuple(blocks)
    )


def marked(trace: Trace) -> list[tuple[str, Hop]]:
    """Every hop with its mark: passed, where it stops or waits, and the rest."""
    found, over = list[tuple[str, Hop]](), False
    for hop in trace.hops:
        here = not over and hop.place == trace.verdict.place
        over = over or here
        waits = trace.verdict.standing is Standing.WAITING
        there = (DIFFERS if hop.differences or hop.suspect else PASSED) if hop.found else NOT_THERE
        wrong = DIFFERS if trace.verdict.standing is Standing.SUSPECT else STOPS
        mark = (WAITS if waits else wrong) if here else there
        found.append((mark, hop))
    return found


def compared(trace: Trace) -> str:
    """What the values of a difference are; of what no sync would write that is not said."""
    writes = trace.verdict.standing in (Standing.WAITING, Standing.HELD)
    return f"{'the sync would write' if writes else 'expected'} → what is there"


def differing(trace: Trace) -> Sequence[Difference]:
    """The fields of the destination that differ."""
    return trace.hops[-1].differences if trace.hops else ()


def more_differ(trace: Trace) -> str:
    """How many fields differ beside those that are listed; empty: none."""
    more = trace.hops[-1].more if trace.hops else 0
    return f"… and {count_of(more, 'more field')}" if more else ""


def sharing(trace: Trace) -> list[str]:
    """The ids of the records that share the one that is asked for, as far as they may be shown."""
    return [one for one in trace.records if one != HIDDEN] if trace.matches > 1 else []


def not_shown(trace: Trace) -> list[str]:
    """Why an id is missing from the answer."""
    return [NOT_SHOWN] if HIDDEN in trace.records else []


def values_of(one: Difference) -> str:
    """`true → false`; of what may not be shown that it differs."""
    if one.ours is None and one.theirs is None:
        return "differs"
    return f"{one.ours or 'a value'} → {one.theirs or 'a value'}"


def _next_step(trace: Trace, zone: ZoneInfo) -> list[str]:
    lines = []
    if shown := sharing(trace):
        lines.append(listed([code(one, 40) for one in shown], len(shown), of=trace.matches))
    step = trace.verdict.next_step
    return [*lines, *[f"*Next step* {with_times(step.rstrip('.'), zone, 500)}."] * bool(step)]


def _row(mark: str, hop: Hop, trace: Trace) -> tuple[str, datetime | None, Told]:
    detail = detail_of(hop, is_verdict=hop.place == trace.verdict.place)
    return f"{mark} {hop.place}", hop.changed_at, Told(detail)


def _difference(one: Difference) -> str:
    return f"{code(one.field, 60)} {escape(values_of(one), 150)}"


def _buttons(trace: Trace, settings: Settings, *, follows: bool) -> list[Block]:
    """Follow what is pending, and the action on its sync that can help now."""
    verdict = trace.verdict
    sync = settings.sync_named(verdict.sync)
    carrier = next((one for one in trace.carriers if one.sync == verdict.sync), None)
    pending = verdict.standing in (Standing.WAITING, Standing.HELD) and trace.followed_by
    offered = [button("Follow record", "follow_trace", trace.followed_by)] if pending and not follows else []
    if not pending or sync is None or carrier is None or settings.observes:
        return offered
    suspect = any(hop.suspect for hop in trace.hops if hop.sync == verdict.sync and hop.holds)
    if carrier.paused:
        return offered if suspect else [*offered, sync_button(Offer.RESUME, sync)]
    if suspect:
        return [*offered, sync_button(Offer.PAUSE, sync)]
    if trace.alert:
        return [*offered, *(sync_button(Offer(one), sync) for one in trace.alert.offers if one in HELPS)][:MOST]
    is_written = carrier.wrote and verdict.place == trace.hops[-1].place
    lasting = carrier.remedy or (carrier.cause and carrier.cause.needs != "transient")
    useless = carrier.running or is_written or lasting
    return offered if useless else [*offered, sync_button(Offer.RERUN, sync)]
