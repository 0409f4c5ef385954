"""The weekly review: the verdict of the week on top, what is worth changing, then the numbers behind it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.capacity import Advice, AdviceKind, Pace, SyncLoad
from bot.alerts.noise import Noise
from bot.alerts.weekly import Case, Cost, Metric, Review, Verdict
from bot.config.settings import OBSERVES, Settings
from bot.messages.blocks import Block, Message, Native, actions, button, context, fields, section, sections
from bot.messages.native import table
from bot.messages.phrases import MORE_OPEN, TIME_TO_ACKNOWLEDGE, TIME_TO_RECOVER
from bot.messages.text import (
    ICONS,
    anchor,
    as_of,
    code,
    day_and_time,
    escape,
    limit_in_code,
    number,
    person,
    signs,
    with_sync,
)
from checks.forms import parse_limit
from checks.numbers import count_of, duration, in_figures

VERDICTS = {
    Verdict.UNKNOWN: "❔",
    Verdict.CALM: "✅",
    Verdict.RESOLVED: "✅",
    Verdict.OPEN: "🟡",
    Verdict.CRITICAL: "🔴",
}
INCOMPLETE = "⚠️"
LATE = timedelta(hours=1)  # after its window, from which on a review says so
CAUSES = ("Cause", "This week", "Last week", "2 weeks ago", "3 weeks ago")
MOST_OPEN, MOST_CHANGES, MOST_LOADS, MOST_METRICS = 5, 8, 5, 5
PREVIEW = "stakeholder_note"  # the button's action, and the callback of its dialog
NOTE = "Preview stakeholder note"
NO_CHANNELS = "To offer a note for people who use the data, add `report.channels` to pipeline.yml"


def review_message(review: Review, settings: Settings, links: Mapping[int, str | None]) -> Message:
    """All that is known of the week; what is not there has no heading. `links` lead to threads, by incident."""
    zone = settings.zone
    head = (
        f"Weekly review, {escape(settings.pipeline, 100)}, {days(review.since, review.until, zone, whole=review.whole)}"
    )
    head += f": {verdict_words(review)}"
    icon = INCOMPLETE if review.not_evaluated and not review.still_open else VERDICTS[review.verdict]
    blocks: list[Block | Native] = [section(f"{icon} *{head}*"), *_incidents(review, zone, links)]
    blocks += _titled("Worth changing", list(_changes(review, settings)), MOST_CHANGES)
    if review.causes:
        blocks.append(table(CAUSES, [(one.cause, *one.weeks) for one in review.causes], zone))
    blocks += _titled("Percentages", [_metric(one) for one in review.metrics], MOST_METRICS)
    loads = sorted(review.loads, key=lambda one: -(one.share or 0))
    blocks += _titled("Usual run duration", [_load(one) for one in loads], MOST_LOADS)
    blocks.append(context(*_small_print(review, settings)))
    if settings.report.channels:
        blocks.append(actions(button(NOTE, PREVIEW, "review")))
    return Message(head, tuple(blocks))


def verdict_words(review: Review) -> str:
    """`4 incidents, 1 still open (critical)`; whatever was not evaluated is part of it."""
    if review.verdict is Verdict.UNKNOWN:
        return f"no data, nothing {'is checked' if review.evaluated else 'was evaluated'}"
    still = len(review.still_open)
    words = count_of(review.week.opened, "incident") if review.week.opened else "no new incidents" if still else ""
    words = words or "no incidents"
    if still:
        words += f", {still} still open{' (critical)' * (review.verdict is Verdict.CRITICAL)}"
    elif review.week.opened:
        words += ", all resolved" if review.week.opened > 1 else ", resolved"
    return words + (f" · not evaluated for {duration(review.not_evaluated)}" if review.not_evaluated else "")


def days(since: datetime, until: datetime, zone: ZoneInfo, *, whole: bool = True) -> str:
    """`Nov 23 – 30`, `Nov 28 – Dec 5`; of a bot that is younger `since Thu, Nov 26`."""
    begin, end = since.astimezone(zone), until.astimezone(zone)
    if not whole:
        return f"since {begin:%a, %b} {begin.day}"
    last = f"{end.day}" if begin.month == end.month else f"{end:%b} {end.day}"
    return f"{begin:%b} {begin.day} – {last}"


def _incidents(review: Review, zone: ZoneInfo, links: Mapping[int, str | None]) -> list[Block]:
    """How many and how fast, next to the week before; then what is open."""
    week, before = review.week, review.before
    if review.verdict is Verdict.UNKNOWN:
        why = "pipeline.yml names no check" if review.evaluated else "no evaluation was completed"
        return [section(f"Nothing is known of this week: {why}.")]
    if not week.opened and not review.still_open and not review.longest:
        last = f" The week before had {before.opened or 'none'}." if before else ""
        when = "this week" if review.whole else "since then"
        when = "in the time that was evaluated" if review.not_evaluated else when
        return [section(f"No incidents {when}.{last}")]
    pairs = [("Incidents", _counted(week.opened, week.critical, before.opened if before else None))]
    if week.to_acknowledge is not None:
        mean = _compared(week.to_acknowledge, before.to_acknowledge if before else None)
        pairs.append((TIME_TO_ACKNOWLEDGE, mean))
    if week.to_recover is not None:
        pairs.append((TIME_TO_RECOVER, _compared(week.to_recover, before.to_recover if before else None)))
    if review.longest:
        pairs.append(("Longest", f"{_case(review.longest, links)}, {duration(review.longest.lasted)}"))
    open_lines = [_open(one, zone, links) for one in review.still_open]
    return [fields(*pairs), *(sections(["*Open now*", *open_lines], MOST_OPEN + 1, MORE_OPEN) if open_lines else [])]


def _counted(opened: int, critical: int, before: int | None) -> str:
    said = f"{opened:,}{f' ({critical:,} critical)' if critical else ''}"
    return said if before is None else f"{said} · week before {before:,}"


def _compared(now: timedelta, before: timedelta | None) -> str:
    return duration(now) if before is None else f"{duration(now)} · week before {duration(before)}"


def _case(case: Case, links: Mapping[int, str | None]) -> str:
    return anchor(with_sync(case.title, case.sync), links.get(case.id))


def _open(case: Case, zone: ZoneInfo, links: Mapping[int, str | None]) -> str:
    by = f"Acknowledged by {person(case.acked_by)}" if case.acked_by else "Unacknowledged"
    since = f"since {day_and_time(case.opened_at, zone)} ({duration(case.lasted)})"
    return f"{ICONS[case.severity]} {_case(case, links)} · {since} · {by} · incident {case.id}"


def _titled(title: str, lines: list[str], most: int) -> list[Block]:
    return sections([f"*{title}*", *lines], most + 1) if lines else []


def _changes(review: Review, settings: Settings) -> Iterator[str]:
    """What the numbers suggest, the most pressing first: what runs into a threshold, then what can be quieter."""
    yield from (_pace(one) for one in sorted(review.paces, key=_soonest) if one.reached_in)
    yield from (_advice(one) for one in review.advice)
    yield from (_noise(one, settings) for one in review.noise)


def _soonest(pace: Pace) -> timedelta:
    return pace.reached_in or timedelta.max


def _pace(one: Pace) -> str:
    moves = "grows" if one.per_day > 0 else "falls"
    percent = one.limit.endswith("%")
    value = number(one.value, one.limit)
    by = (
        f"{in_figures(abs(one.per_day), decimals=1)} points"
        if percent
        else f"about {in_figures(round(abs(one.per_day)) or 1)}"
    )
    assert one.reached_in, "only what is in sight is told"
    left = count_of(max(1, round(one.reached_in / timedelta(days=1))), "day")
    what = f"*{escape(with_sync(one.title, one.sync))}*"
    return f"📈 {what} {moves} by {by} a day (now {value}): {limit_in_code(one.limit)} in about {left}"


def _advice(one: Advice) -> str:
    name = f"*{escape(one.sync, 40)}*"
    if one.kind is AdviceKind.INCREMENTAL:
        counts = f"full syncs offer {one.offered or 0:,} records and write {one.written or 0:,}"
        return f"♻️ {name}: {counts}. An incremental sync would offer only what changed."
    assert one.usual and one.interval, "both are known where one is compared with the other"
    took = f"runs take {duration(one.usual)} of the {duration(one.interval)} between them"
    rate = f" (a run writes {in_figures(one.per_minute, decimals=0)} records a minute)" if one.per_minute else ""
    skips = ", so some are skipped" if one.kind is AdviceKind.TOO_LONG else ""
    return f"⏱️ {name}: {took}{skips}. Run it less often, or raise its batch size in Census{rate}."


def _noise(one: Noise, settings: Settings) -> str:
    said = f"🔕 *{escape(with_sync(one.title, one.sync))}*: {count_of(one.incidents, 'alert')}, each resolved within "
    said += f"{duration(one.longest)} without action."
    if one.proposed is None:
        return said
    others = {1: "1 alert", 0: "no alert"}.get(one.would, f"{one.would} alerts")
    where = f"limits of {escape(one.sync, 40)}" if one.sync and settings.sync_named(one.sync) else "limits"
    written = code(f'{one.check}: {{warn: "{one.proposed}"}}')
    instead = f"{limit_in_code(one.proposed)} instead of {limit_in_code(one.warn)}"
    return f"{said} {instead} would have raised {others}: {written} in {where}."


def _metric(one: Metric) -> str:
    first, latest, worst = (number(value, one.limit) for value in (one.first, one.latest, one.worst))
    word = "highest" if parse_limit(one.limit).rises else "lowest"
    change = one.latest - one.first
    moved = f" ({change:+.1f})" if abs(change) >= 0.05 else ""
    return (
        f"{escape(one.title)}: {first} → {latest}{moved} · {word} {worst} · {escape(f'threshold {signs(one.limit)}')}"
    )


def _load(one: SyncLoad) -> str:
    assert one.usual, "what is not known is not in the review"
    said = f"{escape(one.sync, 40)}: {duration(one.usual)}"
    if one.interval and one.share is not None:
        said += f" of {duration(one.interval)} ({one.share:.0%})"
    return said + (f" · {in_figures(one.per_minute, decimals=0)} records a minute" if one.per_minute else "")


def _small_print(review: Review, settings: Settings) -> Iterator[str]:
    if review.cost and review.cost.statements:
        yield _cost(review.cost)
    yield from (f"❗ {escape(one, 300)}" for one in review.unknown)
    if review.observes:
        yield OBSERVES
    dated = as_of(review.as_of, settings.zone)
    if review.as_of - review.until >= LATE:
        dated = f"counted until {day_and_time(review.until, settings.zone)}, open incidents {dated}"
    yield f"{escape(settings.pipeline, 100)} · {dated}"
    if not settings.report.channels:
        yield NO_CHANNELS


def _cost(cost: Cost) -> str:
    before = f" · week before {duration(cost.before)}" if cost.before is not None else ""
    woken = f", woken {count_of(cost.woke, 'time')}" if cost.woke else ""
    awake = f"awake at most {duration(cost.awake)} because of the bot{before}"
    return f"Warehouse: {count_of(cost.statements, 'statement')}{woken}, {awake}"
