"""The root of an alert's thread: what is wrong, why, since when, who has acknowledged it, and what can help now."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerts.attention import next_escalation
from bot.alerts.model import Did, Incident, State
from bot.alerts.paging import next_page, paged_at
from bot.config.pipeline_file import Links
from bot.config.settings import Settings
from bot.messages.blocks import COLORS, Bar, Block, Message, actions, button, overflow, section
from bot.messages.evidence import runbook_of
from bot.messages.menu import buttons, entries, menu
from bot.messages.phrases import (
    acknowledged,
    by_hand,
    is_fact,
    life_line,
    resolved_by,
    severity_word,
    snoozed,
    titled,
    value_age,
    was_closed,
)
from bot.messages.text import ICONS, day_and_time, escape, number, person, threshold, time_of_day, with_times
from checks.forms import parse_limit
from checks.model import Severity

AGAIN = (Did.REOPENED, Did.STILL_FIRING)
WORSENED = (Did.ESCALATED, Did.RETURNED, *AGAIN)  # since when it is critical, if not from its beginning


def root_message(incident: Incident, settings: Settings) -> Message:
    """What is wrong, why, since when, who has acknowledged it, and what can be done about it now."""
    zone = settings.zone
    head = headline(incident, settings)
    if incident.state is State.OK:
        bar = Bar(
            COLORS["closed" if was_closed(incident) else "resolved"], (section(life_line(incident, zone, names=True)),)
        )
        return Message(head, (section(f"*{head}*"),), bar)
    owner = settings.owner_of(incident.check, incident.sync)
    causes = _causes(incident, zone)
    mention = f" · {person(owner)}" if owner and _needs_owner(incident) else ""  # an edit mentions nobody again
    about = (section(*standing(incident, settings)), actions(*incident_buttons(incident, settings.links)))
    bar = Bar(COLORS[_color(incident)], about)
    return Message(f"{'. '.join([head, *causes[:1]])}{mention}", (section(f"*{head}*{mention}"),), bar)


def headline(incident: Incident, settings: Settings, *, pipeline: bool = True) -> str:
    """`🔴 Critical · properties: 247 Salesforce records missing company name (threshold > 50)`.

    Without `pipeline` where the message names it already.
    """
    if incident.state is State.OK:
        return resolution(incident, settings)
    if incident.state is State.RECOVERING:
        word = "⏳ Recovering"
    else:
        word = f"{'🧪' if incident.is_test else ICONS[incident.severity]} {severity_word(incident)}"
    check = settings.check_called(incident.check)
    in_words = incident.state is State.RECOVERING and check is not None and check.healthy is not None
    name = f"{escape(settings.pipeline, 100)}: " if pipeline else ""
    return f"{word} · {name}{escape(incident.summary) if in_words else summary_and_threshold(incident)}"


def standing(incident: Incident, settings: Settings) -> list[str]:
    """How an open one stands: its causes, since when, who has acknowledged it, what comes next, and its number."""
    zone, owner = settings.zone, settings.owner_of(incident.check, incident.sync)
    causes = _causes(incident, zone)
    state = [*_since(incident, zone), acknowledged(incident), *_escalates(incident, owner, zone)]
    state += [*_pages(incident, settings), *_overlay(incident, zone), f"incident {incident.id}"]
    return [*([f"*Cause* {' · '.join(causes)}"] if causes else []), " · ".join(state)]


def _causes(incident: Incident, zone: ZoneInfo) -> list[str]:
    """Why it fires; kept for the post-mortem, they are shown while it does."""
    return [with_times(cause, zone) for cause in incident.causes] if incident.state is State.FIRING else []


def _needs_owner(incident: Incident) -> bool:
    critical = incident.state is State.FIRING and incident.severity is Severity.CRITICAL
    return critical and not (incident.acked_by or incident.is_test)


def _color(incident: Incident) -> str:
    if incident.is_test:
        return "closed"
    return "recovering" if incident.state is State.RECOVERING else incident.severity.value


def _since(incident: Incident, zone: ZoneInfo) -> list[str]:
    """`Critical since 3:05 AM`, and how old its value is."""
    if incident.state is State.RECOVERING:
        began, word = last_at(incident, Did.RECOVERING), "Recovering"
    else:
        worse = incident.severity is Severity.CRITICAL
        began, word = (
            last_at(incident, *(WORSENED if worse else (Did.EASED, *AGAIN))),
            severity_word(incident),
        )
    return [f"{word} since {day_and_time(began, zone)}", *value_age(incident, began, zone)]


def _escalates(incident: Incident, owner: str | None, zone: ZoneInfo) -> list[str]:
    """When, and whom it mentions then."""
    due = next_escalation(incident)
    if due is None or incident.is_test:
        return []
    at = time_of_day(due, zone)  # within the hour
    return [f"Escalates to {person(owner)} at {at}" if owner else f"Escalates at {at} (no owner to mention)"]


def _pages(incident: Incident, settings: Settings) -> list[str]:
    """When somebody is woken, or was."""
    if not settings.pagers.names or incident.is_test:
        return []
    if due := next_page(incident, at_once=settings.pager.at_once):
        return [f"Pages at {time_of_day(due, settings.zone)}"]  # within the hour
    paged = paged_at(incident)
    return [f"Paged {day_and_time(paged, settings.zone)}"] if paged else []


def resolution(incident: Incident, settings: Settings) -> str:
    """`✅ Resolved · properties: missing company names down to 7 (peak 247, threshold > 50)`, or that it was closed."""
    pipeline, title = escape(settings.pipeline, 100), titled(incident)
    if was_closed(incident):
        return f"☑️ Closed · {pipeline}: {title} · {escape(incident.ended.detail if incident.ended else '')}"
    if entry := by_hand(incident):
        why = escape(entry.detail, 300)
        return f"✅ {resolved_by([incident])} · {pipeline}: {summary_and_threshold(incident)}, {why}"
    check = settings.check_called(incident.check)
    if incident.is_test:
        return f"✅ Resolved · {pipeline}: {title}"
    if is_fact(incident):
        return f"✅ Resolved · {pipeline}: {escape(incident.summary)}"
    if check and check.healthy:
        return f"✅ Resolved · {pipeline}: {escape(incident.summary)} ({peak_and_threshold(incident)})"
    now = f"{'down' if _rises(incident) else 'up'} to {number(incident.value, incident.limit)}"
    return f"✅ Resolved · {pipeline}: {title} {now} ({peak_and_threshold(incident)})"


def summary_and_threshold(incident: Incident) -> str:
    """`247 Salesforce records missing company name (threshold > 50)`; a fact has no threshold."""
    limit = "" if is_fact(incident) else f" ({threshold(incident.limit)})"
    return f"{escape(incident.summary)}{limit}"


def peak_and_threshold(incident: Incident) -> str:
    """`peak 247, threshold > 50`: its worst value next to where it began."""
    if incident.peak is None:
        return threshold(incident.limit)
    name = "peak" if _rises(incident) else "lowest"
    return f"{name} {number(incident.peak, incident.limit)}, {threshold(incident.limit)}"


def _rises(incident: Incident) -> bool:
    """Whether more is worse."""
    return not incident.limit or parse_limit(incident.limit).rises


def _overlay(incident: Incident, zone: ZoneInfo) -> list[str]:
    """What people and other alerts have laid over it."""
    words = []
    if incident.snoozed_until and incident.snoozed_by:
        words.append(snoozed(incident.snoozed_until, [incident.snoozed_by], zone))
    if incident.not_evaluated_since:
        why = f" (explained by {escape(incident.explained_by)})" if incident.explained_by else ""
        words.append(f"Not evaluated since {day_and_time(incident.not_evaluated_since, zone)}{why}")
    if incident.flapping_until:
        words.append(f"Flapping: no replies until {day_and_time(incident.flapping_until, zone)}")
    return words


def incident_buttons(incident: Incident, links: Links) -> list[Block]:
    """Two at most, acknowledge and what can help now; the rest behind `⋯`."""
    shown = [] if incident.acked_by else [acknowledge_button(incident)]
    shown += [button(one.label, one.what, str(incident.id)) for one in buttons(incident)]
    return [*shown, overflow(*menu(incident, entries(incident, runbook_of(incident, links))))]


def acknowledge_button(incident: Incident, label: str = "Acknowledge") -> Block:
    """The button that acknowledges this incident; in a reminder it may say `Acknowledge again`."""
    return button(label, "acknowledge", str(incident.id), style="primary")


def last_at(incident: Incident, *dids: Did) -> datetime:
    """When one of these last stood in its timeline, UTC; when it opened if none did."""
    return next((entry.at for entry in reversed(incident.timeline) if entry.did in dids), incident.opened_at)
