"""The thread of many alerts that began at once: one message, a line for each of them."""

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.alerts.model import SEVERITIES, Incident, State
from bot.config.settings import Settings
from bot.messages.blocks import COLORS, Bar, Block, Message, actions, button, context, overflow, section, sections
from bot.messages.menu import entries, menu, offered
from bot.messages.phrases import (
    MORE_OPEN,
    by_hand,
    incident_words,
    life,
    resolved_by,
    snoozed,
    titled,
    value_age,
    was_closed,
)
from bot.messages.root import acknowledge_button
from bot.messages.text import ICONS, cut, day_and_time, escape, person
from checks.model import Severity
from checks.numbers import duration

MOST = 20  # lines; each has up to 500 characters


def shared_root(thread: Sequence[Incident], settings: Settings) -> Message:
    """The worst first, and those that are over last; Acknowledge covers all."""
    zone, pipeline = settings.zone, escape(settings.pipeline, 100)
    still = [one for one in thread if one.state is not State.OK]
    if not still:
        head = f"✅ {resolved_by(thread)} · {pipeline}: {len(thread)} alerts{_reason(thread)}"
        bar = Bar(COLORS["resolved"], (*_list(thread, zone), section(_life(thread, zone))))
        return Message(head, (section(f"*{head}*"),), bar)
    worst = min(still, key=_badness)
    count = f"{len(still)} alerts at once" if still == list(thread) else f"{len(still)} of {len(thread)} alerts open"
    head = f"{ICONS[worst.severity]} {SEVERITIES[worst.severity]} · {pipeline}: {count}"
    owner = next((found for one in still if (found := settings.owner_of(one.check, one.sync))), None)
    mention = f" · {person(owner)}" if owner and worst.severity is Severity.CRITICAL and not worst.acked_by else ""
    since = f"{SEVERITIES[worst.severity]} since {day_and_time(thread[0].opened_at, zone)}"
    state = section(" · ".join([since, *_overlay(still, zone), "probably one cause"]))
    bar = Bar(COLORS[worst.severity], (state, *_list(thread, zone), actions(*_buttons(still))))
    titles = ", ".join(dict.fromkeys(escape(one.title, 60) for one in still[:MOST]))
    return Message(cut(f"{head}: {titles}", 500) + mention, (section(f"*{head}*{mention}"),), bar)


def shared_evidence(thread: Sequence[Incident], zone: ZoneInfo) -> Message:  # noqa: ARG001 - as all of them
    """The next step of each kind of alert, once, and the command that shows each timeline."""
    helps = dict.fromkeys(f"*{escape(one.title, 120)}:* {escape(one.helps, 400)}" for one in thread if one.helps)
    numbers = f"{thread[0].id} to {thread[-1].id}"
    small = context(f"Incidents {numbers} · `/sync-health incident` and a number shows one timeline")
    return Message("Evidence: the next step for each", (*sections(["*Next steps*", *helps], 1 + MOST), small))


def shared_end(thread: Sequence[Incident], zone: ZoneInfo) -> Message:
    """The last of them is over."""
    text = f"✅ {len(thread)} alerts: all resolved"
    return Message(text, (section(f"*{text}* · {_life(thread, zone)}{_reason(thread)}"),))


def _reason(thread: Sequence[Incident]) -> str:
    """Why a person resolved them, or the last of them."""
    reasons = dict.fromkeys(escape(entry.detail, 300) for one in thread if (entry := by_hand(one)))
    return f", {list(reasons)[-1]}" if reasons else ""


def _overlay(still: Sequence[Incident], zone: ZoneInfo) -> list[str]:
    """Who has acknowledged and snoozed them, all or some."""
    acked = [one for one in still if one.acked_by]
    quiet = [one for one in still if one.snoozed_until and one.snoozed_by]
    words = ["Unacknowledged"]
    if acked:
        who = " and ".join(person(one) for one in sorted({one.acked_by for one in acked if one.acked_by}))
        words = [_share_of(acked, still, f"Acknowledged by {who}")]
    if quiet:
        until = max(one.snoozed_until for one in quiet if one.snoozed_until)
        by = sorted({one.snoozed_by for one in quiet if one.snoozed_by})
        words.append(_share_of(quiet, still, snoozed(until, by, zone)))
    return words


def _share_of(some: Sequence[Incident], still: Sequence[Incident], words: str) -> str:
    return words if len(some) == len(still) else f"{len(some)} of {len(still)} {words[0].lower()}{words[1:]}"


def _list(thread: Sequence[Incident], zone: ZoneInfo) -> list[Block]:
    ordered = sorted(thread, key=_badness)
    return sections([_line(one, zone) for one in ordered], MOST, MORE_OPEN)


def _line(incident: Incident, zone: ZoneInfo) -> str:
    if incident.resolved_at is None:
        return " · ".join([incident_words(incident), *value_age(incident, incident.opened_at, zone)])
    lasted = duration(incident.resolved_at - incident.opened_at)
    resolved = resolved_by([incident]).replace("R", "r", 1)
    end = "☑️ {}: closed" if was_closed(incident) else f"✅ {{}}: {resolved}"
    return f"{end.format(titled(incident))} {day_and_time(incident.resolved_at, zone)} ({lasted})"


def _badness(incident: Incident) -> tuple[bool, bool, int]:
    return incident.state is State.OK, incident.severity is not Severity.CRITICAL, incident.id


def _buttons(still: Sequence[Incident]) -> list[Block]:
    shown = []
    if not all(one.acked_by for one in still):
        shown.append(acknowledge_button(still[0]))
    helped = [(one, found) for one in sorted(still, key=_badness) for found in offered(one)]
    if len({one.rerun or one.sync for one, _ in helped}) == 1:  # of several syncs none is the one
        one, offer = helped[0]
        shown.append(button(offer.label, offer.what, str(one.id)))
    about = min(still, key=_badness)
    acked = next((one.acked_by for one in still if one.acked_by), None)
    return [*shown, overflow(*menu(about, entries(replace(about, acked_by=acked, offers=()), None)))]


def _life(thread: Sequence[Incident], zone: ZoneInfo) -> str:
    told = {(entry.at, entry.did): entry for one in thread for entry in one.timeline}
    timeline = tuple(entry for _, entry in sorted(told.items()))
    ends = [one.resolved_at for one in thread]
    return life(thread[0].opened_at, timeline, max(filter(None, ends)) if all(ends) else None, zone)
