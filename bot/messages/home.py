"""App Home: the summary, with each open incident to act on, the figures of the week, and where else to look."""

from collections.abc import Iterator
from typing import Any

from bot.alerts.incident_figures import Mean, WindowFigures
from bot.alerts.model import Incident
from bot.answers.health import Home, Summary
from bot.config.pipeline_file import Links
from bot.config.settings import Settings
from bot.messages.blocks import Block, Native, actions, button, context, divider, fields, home, link_button, section
from bot.messages.notices import notice_blocks
from bot.messages.phrases import MORE_OPEN, TIME_TO_ACKNOWLEDGE, TIME_TO_RECOVER
from bot.messages.root import headline as incident_headline
from bot.messages.root import incident_buttons, standing
from bot.messages.summary import age, buttons, check_blocks, headline, summary_message, sync_blocks
from bot.messages.text import anchor, channel, code
from checks.numbers import count_of, duration

MOST = 10  # open incidents, of two blocks each: with all else they stay far below the 100 of a view
View = dict[str, Any]


def home_view(shown: Home, settings: Settings) -> View:
    """The same for everybody: nothing in it is about the one who looks."""
    return home([*_body(shown, settings), context(_places(settings))])


def small_home_view(shown: Home, settings: Settings) -> View:
    """The headline alone, where Slack refuses the rest."""
    summary, zone = shown.summary, settings.zone
    head = summary_message(summary, zone).text
    lines = [f"*{head}*", *([_counted(summary)] if summary.incidents else [])]
    step = f"The rest does not fit here. {code('/sync-health')} shows it."
    return home([section(*lines), context(f"{age(summary, zone)} · {step}"), actions(*buttons(summary))])


def strangers_view() -> View:
    """For people of another workspace: nothing of the pipeline."""
    return home([section("Sync Health shows its pipeline to members of its own workspace only.")])


def _body(shown: Home, settings: Settings) -> Iterator[Block | Native]:
    summary, zone, evaluation = shown.summary, settings.zone, shown.summary.evaluation
    if summary.state_outage or evaluation is None:
        yield from summary_message(summary, zone).blocks
        return
    yield section(f"*{headline(evaluation, summary)}*")
    yield context(age(summary, zone))
    yield actions(*buttons(summary, *_ways(settings.links)))
    yield from notice_blocks(summary, zone)
    yield from _incidents(shown, settings)
    yield divider()
    yield from check_blocks(summary)
    yield from sync_blocks(evaluation, zone, tables=False)
    if shown.week and (evaluation.results or shown.week.touched):  # where nothing is checked, none is no news
        yield divider()
        yield _week(shown.week)


def _incidents(shown: Home, settings: Settings) -> Iterator[Block]:
    incidents = shown.summary.incidents
    if not incidents:
        return
    yield divider()
    yield section(f"*{_counted(shown.summary)}*")
    for one in shown.shown[:MOST]:
        head, *lines = incident_headline(one, settings, pipeline=False), *standing(one, settings)
        lines[-1] += _thread(one, shown)
        yield section(f"*{head}*", *lines)
        yield actions(*incident_buttons(one, settings.links))
    if hidden := len(incidents) - len(shown.shown[:MOST]):
        yield section(MORE_OPEN.format(f"{hidden:,}"))


def _thread(incident: Incident, shown: Home) -> str:
    address = shown.threads.get(incident.id)
    return f" · {anchor('View thread', address)}" if address else ""


def _counted(summary: Summary) -> str:
    return count_of(len(summary.incidents), "open incident")


def _week(figures: WindowFigures) -> Block:
    """How many incidents there were, and how soon they were taken and over."""
    opened, resolved = len(figures.opened), len(figures.recovered)
    if not figures.touched:
        return section("*Last 7 days* · No incidents")
    shown = (
        ("Opened", count_of(opened, "incident")),
        ("Resolved", count_of(resolved, "incident")),
        (TIME_TO_ACKNOWLEDGE, _mean(figures.time_to_acknowledge)),
        (TIME_TO_RECOVER, _mean(figures.time_to_recover)),
    )
    return fields(*shown, head="*Last 7 days*")


def _mean(found: Mean) -> str:
    return "–" if found.value is None else f"{duration(found.value)} (of {found.of:,})"


def _ways(links: Links) -> Iterator[Block]:
    """What else there is to read."""
    yield button("Runbook", "runbook", "")
    if links.dashboard:
        yield link_button("View dashboard", links.dashboard, "dashboard")
    yield button("Commands", "help", "")


def _places(settings: Settings) -> str:
    return f"Alerts go to {channel(settings.channel)} · Pipeline time zone {settings.zone.key}"
