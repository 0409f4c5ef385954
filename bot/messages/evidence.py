"""The first reply to an alert: what helps, the numbers behind it, where to look."""

from bot.alerts.model import Incident
from bot.config.pipeline_file import Links, SyncSettings
from bot.config.settings import Settings
from bot.messages.blocks import Message, context, section
from bot.messages.phrases import is_fact
from bot.messages.text import as_of, code, escape, limit_in_words, link, number
from checks.model import Check
from checks.numbers import duration

EXAMPLES = {"row": "rows in Salesforce", "property": "properties", "run": "newest run in Census"}


def evidence_message(incident: Incident, readings: tuple[float, ...], settings: Settings) -> Message:
    """What somebody needs who has just been woken by it."""
    lines = [f"*What helps:* {escape(incident.helps)}"] if incident.helps else []
    if not is_fact(incident):
        ends = f" · ends {limit_in_words(incident.clear)}" if incident.clear else ""
        age = f" ({as_of(incident.measured_at, settings.zone)})" if incident.measured_at else ""
        measured = f"*Measured:* {number(incident.value, incident.limit)}{age}"
        lines.append(f"{measured} · fires {limit_in_words(incident.limit)}{ends}")
        if len(readings) > 1:
            lines.append(f"*Latest readings:* {' → '.join(number(value, incident.limit) for value in readings)}")
    sync = next((sync for sync in settings.syncs if sync.name in (incident.sync, incident.rerun)), None)
    if incident.examples:
        lines.append(_examples(incident.examples, settings.links, sync))
    if places := _places(incident, settings.links, sync):
        lines.append(f"*Look at:* {' · '.join(places)}")
    small = [f"explained in {code(f'checks/{incident.check}.yml')}", *_measured(incident, settings)]
    if incident.is_test:
        small = [f"sent by {code('sync-health test-alert')}"]
    blocks = [section(*lines)] if lines else []
    return Message(
        f"Evidence: {escape(incident.summary)}", (*blocks, context(" · ".join([*small, f"incident {incident.id}"])))
    )


def _examples(examples: tuple[str, ...], links: Links, sync: SyncSettings | None) -> str:
    kind = examples[0].partition(" ")[0]
    addresses = {"row": links.salesforce_record, "run": links.census_run}
    ids = [one.partition(" ")[2] for one in examples]
    shown = [link(id_, addresses.get(kind), id=id_, run=id_, sync=sync.id if sync else 0) for id_ in ids]
    return f"*For example:* {EXAMPLES.get(kind, kind)} {', '.join(shown)}"


def _places(incident: Incident, links: Links, sync: SyncSettings | None) -> list[str]:
    """Where to look, as far as pipeline.yml says where that is."""
    found = []
    if sync and links.census_sync:
        found.append(link(f"{sync.name} in Census", links.census_sync, sync=sync.id))
    if links.dashboard:
        found.append(link("dashboard", links.dashboard))
    if incident.runbook and links.runbook:
        found.append(link("runbook", links.runbook, section=incident.runbook))
    return found


def _measured(incident: Incident, settings: Settings) -> list[str]:
    """By what its number is measured, and how soon."""
    check = settings.check_called(incident.check)
    if incident.source == "census":
        return ["asked of Census at every tick"]
    if incident.source != "databricks" or check is None:
        return []
    return [f"measured by {code(_file(check))}", *_promise(check, settings)]


def _file(check: Check) -> str:
    return check.metric if check.statement else "sql/measure/health.sql"


def _promise(check: Check, settings: Settings) -> list[str]:
    if check.promise == "always":
        return []
    return [f"at sync time, at least every {duration(settings.schedule.idle_floor)}"]
