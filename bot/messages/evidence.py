"""The first reply to an alert: the next step, the value against its thresholds, its course, and where to look."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from math import ceil, floor
from zoneinfo import ZoneInfo

from bot.alerts.model import Incident
from bot.config.pipeline_file import Links
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.messages.blocks import Block, Message, Native, actions, button, context, fields, link_button, section
from bot.messages.native import Link, line_chart
from bot.messages.phrases import is_fact
from bot.messages.text import anchor, as_of, code, escape, filled, limit_in_code, number
from checks.forms import parse_limit
from checks.model import Check
from checks.numbers import duration

Values = Sequence[tuple[datetime, float]]


def evidence_message(incident: Incident, values: Values, settings: Settings) -> Message:
    """What somebody needs who has just been woken by it."""
    sync = sync_of(incident, settings)
    blocks: list[Block | Native] = [section(f"*Next step* {escape(incident.helps)}")] if incident.helps else []
    if not is_fact(incident):
        blocks.append(fields(*_numbers(incident, settings)))
        blocks += course(incident, values, settings.zone, "Last {} values", "Last values")
    if incident.examples:
        blocks.append(section(_examples(incident.examples, settings, sync)))
    if places := [*_runbook_shown(incident, settings.links), *_places(incident, settings.links, sync)]:
        blocks.append(actions(*places))
    small = [code(settings.files.get(incident.check, incident.check)), *_measured(incident, settings)]
    if incident.is_test:
        small = [f"sent by {code('sync-health test-alert')}"]
    blocks.append(context(" · ".join([*small, f"incident {incident.id}"])))
    return Message(f"Evidence: {escape(incident.summary)}", tuple(blocks))


def sync_of(incident: Incident, settings: Settings) -> SyncSettings | None:
    """The sync that it is about, or whose rerun can help."""
    return next((sync for sync in settings.syncs if sync.name in (incident.sync, incident.rerun)), None)


def runbook_of(incident: Incident, links: Links) -> str | None:
    """The address of its section of the runbook, where pipeline.yml says where that is."""
    return runbook_address(incident.runbook, links) if incident.runbook else None


def runbook_address(section: str, links: Links) -> str | None:
    """The address of a section of the runbook."""
    return filled(links.runbook, section=section)


def _numbers(incident: Incident, settings: Settings) -> list[tuple[str, str]]:
    age = f" ({as_of(incident.measured_at, settings.zone)})" if incident.measured_at else ""
    pairs = [("Value", f"{number(incident.value, incident.limit)}{age}")]
    pairs.append(("Threshold", limit_in_code(incident.limit)))
    return pairs + ([("Recovers at", limit_in_code(_of_counts(incident)))] if incident.clear else [])


def _of_counts(incident: Incident) -> str:
    """Where it recovers; of whole numbers `≤ 4`, not `≤ 4.75`."""
    clear, crossed = parse_limit(incident.clear), parse_limit(incident.limit) if incident.limit else None
    whole = crossed is not None and crossed.number.is_integer() and (incident.value or 0.0).is_integer()
    if clear.unit or not whole or clear.comparison not in ("<=", ">="):
        return str(clear)
    return str(replace(clear, number=float((floor if clear.comparison == "<=" else ceil)(clear.number))))


def course(incident: Incident, values: Values, zone: ZoneInfo, title: str, words: str) -> list[Native]:
    """These values with the threshold, under a title with their number; of several within a minute the latest.

    `words` begin the text that stands for it.
    """
    local = [(at.astimezone(zone), value) for at, value in values]
    form = "%H:%M" if len({at.date() for at, _ in local}) < 2 else "%b %d %H:%M"
    by_minute = {at.strftime(form): value for at, value in dict(sorted(local)).items()}
    if len(by_minute) < 2 or not incident.limit:
        return []
    shown = [number(value, incident.limit) for value in by_minute.values()]
    threshold = parse_limit(incident.limit).number
    series = {"Value": list(by_minute.values()), "Threshold": [threshold] * len(by_minute)}
    named = f"{title.format(len(by_minute))} ({zone.key})"
    return [line_chart(named, series, list(by_minute), f"*{words}* {' → '.join(shown)}")]


def examples_of(
    examples: tuple[str, ...], settings: Settings, sync: SyncSettings | None
) -> tuple[str, tuple[Link, ...]]:
    """What the examples of an incident are, and each by its id, leading to where pipeline.yml says that it is."""
    kind, links = examples[0].partition(" ")[0], settings.links
    names = {"row": f"{settings.destination} records", "record": settings.noun.many, "property": settings.noun.many}
    addresses = {"row": links.record, "run": links.census_run}
    ids = [one.partition(" ")[2] for one in examples]
    places = [filled(addresses.get(kind), id=id_, run=id_, sync=sync.id if sync else 0) for id_ in ids]
    return names.get(kind, kind), tuple(map(Link, ids, places))


def _examples(examples: tuple[str, ...], settings: Settings, sync: SyncSettings | None) -> str:
    kind, links = examples_of(examples, settings, sync)
    shown = [anchor(one.label, one.address) for one in links]
    if kind == "run":
        return f"*Latest run* {shown[0]}"
    return f"*Examples* {escape(kind, 80)} {', '.join(shown)}"


def _runbook_shown(incident: Incident, links: Links) -> list[Block]:
    """A button that answers with the section, where no address of the runbook is set."""
    if incident.is_test or runbook_of(incident, links):
        return []
    return [button("View runbook", "runbook", str(incident.id))]


def places_of(incident: Incident, links: Links, sync: SyncSettings | None) -> dict[str, str | None]:
    """Where to look: addresses by their labels, None where pipeline.yml does not say it."""
    run = next((one.partition(" ")[2] for one in incident.examples if one.startswith("run ")), None)
    return {
        "View runbook": runbook_of(incident, links),
        "View Census run": filled(links.census_run, sync=sync.id, run=run) if sync and run else None,
        "View Census sync": filled(links.census_sync, sync=sync.id) if sync and not run else None,
        "View dashboard": links.dashboard,
    }


def _places(incident: Incident, links: Links, sync: SyncSettings | None) -> list[Block]:
    places = places_of(incident, links, sync)
    return [link_button(label, where, f"link_{n}") for n, (label, where) in enumerate(places.items()) if where]


def _measured(incident: Incident, settings: Settings) -> list[str]:
    """By what its number is measured, and how soon."""
    check = settings.check_called(incident.check, incident.sync)
    if incident.source == "census":
        return ["evaluated at every tick"]
    if incident.source != "databricks" or check is None:
        return []
    return [f"measured by {code(_file(check, incident, settings))}", *_promise(check, settings)]


def _file(check: Check, incident: Incident, settings: Settings) -> str:
    """What counts it: a statement, or the queue itself."""
    queue = next((one.queue for one in settings.syncs if one.name == incident.sync), None)
    return queue or (check.metric if check.statement else f"sql/{settings.measure}.sql")


def _promise(check: Check, settings: Settings) -> list[str]:
    if check.promise == "always":
        return []
    return [f"at sync time, at least every {duration(settings.schedule.idle_floor)}"]
