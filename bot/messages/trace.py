"""`/sync-health trace`: where one record is on its way, what holds it there, and what differs."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.offers import Offer
from bot.alerts.trace import Difference, Hop, Standing
from bot.answers.trace import Trace
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, Native, actions, button, context, section
from bot.messages.native import Told, table
from bot.messages.phrases import warehouse_as_of
from bot.messages.sync_buttons import sync_button
from bot.messages.text import code, escape, with_times, without_braces
from checks.numbers import listed

ICONS = {
    Standing.ARRIVED: "✅",
    Standing.WAITING: "⏳",
    Standing.HELD: "⛔",
    Standing.STOPPED: "⛔",
    Standing.UNKNOWN: "❔",
}
PASSED, DIFFERS, STOPS, WAITS, NOT_THERE = "✅", "🟠", "⛔", "⏳", "–"
SENTENCE = 900  # characters
HEAD = ("Hop", "Changed", "Detail")


def trace_message(trace: Trace, settings: Settings, following: str = "") -> Message:
    """The one sentence, the hops, what differs, and what can help; `following`: until when it is followed."""
    zone, verdict = settings.zone, trace.verdict
    head = f"{ICONS[verdict.standing]} *{with_times(verdict.sentence, zone, SENTENCE)}*"
    blocks: list[Block | Native] = [section(head, *_next_step(trace, zone))]
    if trace.hops:
        blocks.append(table(HEAD, [_row(mark, hop, trace) for mark, hop in marked(trace)], zone))
    if differences := differing(trace):
        blocks.append(section("*Differences* (the sync would write → what is there)", *map(_difference, differences)))
    blocks.append(context(*(escape(one, 300) for one in remarks(trace)), warehouse_as_of(trace.as_of, zone)))
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
        there = (DIFFERS if hop.differences else PASSED) if hop.found else NOT_THERE
        mark = (WAITS if waits else STOPS) if here else there
        found.append((mark, hop))
    return found


def detail_of(hop: Hop, *, is_verdict: bool = False) -> str:
    """What is known of a hop, with times in braces; of the one that the verdict is about, what that does not say."""
    said = () if is_verdict else (hop.stops, f"suspect: {hop.suspect}" if hop.suspect else "")
    return " · ".join(filter(None, (*said, hop.note)))


def differing(trace: Trace) -> Sequence[Difference]:
    """The fields of the destination that differ."""
    return trace.hops[-1].differences if trace.hops else ()


def values_of(one: Difference) -> str:
    """`true → false`; of what may not be shown that it differs."""
    if one.ours is None and one.theirs is None:
        return "differs"
    return f"{one.ours or 'a value'} → {one.theirs or 'a value'}"


def remarks(trace: Trace) -> list[str]:
    """What of Census' records was not looked at."""
    return [remark for carrier in trace.carriers for remark in carrier.remarks]


def _next_step(trace: Trace, zone: ZoneInfo) -> list[str]:
    lines = []
    if trace.matches > 1:
        known = [code(one, 40) for one in trace.records]
        lines.append(listed(known, len(known), of=trace.matches))
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
    sync, carrier = settings.sync_named(verdict.sync), next(iter(trace.carriers), None)
    pending = verdict.standing in (Standing.WAITING, Standing.HELD) and trace.record
    offered = [button("Follow record", "follow_trace", trace.record)] if pending and not follows else []
    if not pending or sync is None or carrier is None or settings.observes:
        return offered
    suspect = any(hop.suspect for hop in trace.hops if hop.sync == verdict.sync and hop.holds)
    if carrier.paused:
        return offered if suspect else [*offered, sync_button(Offer.RESUME, sync)]
    if suspect:
        return [*offered, sync_button(Offer.PAUSE, sync)]
    useless = carrier.running or carrier.wrote or (carrier.cause and carrier.cause.needs != "transient")
    return offered if useless else [*offered, sync_button(Offer.RERUN, sync)]
