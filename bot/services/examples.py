"""Example records of an alert: a few ids, added to its evidence a moment after it was posted."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.model import Incident, State
from bot.config.settings import Settings
from bot.errors import SyncHealthError
from bot.model import Evaluation, Kind
from bot.ports import Ports
from bot.sanitize import HIDDEN, shown_id
from bot.services.circumstances import REJECTED
from bot.services.show_errors import errors_of

EXAMPLES = "measure/examples"
KINDS = frozenset({"row", "property"})
log = logging.getLogger(__name__)


def add_examples(ports: Ports, evaluation: Evaluation, opened: Sequence[Incident]) -> None:
    """Ask for examples and for the cause of rejections; the alert neither waits for them nor fails with them."""
    for incident in opened:
        if incident.thread_id is not None:
            continue
        examples, rejection = _examples_of(ports, evaluation, incident), _rejection_of(ports, incident)
        if not (examples or rejection):
            continue
        with ports.store.transaction() as records:
            current = records.incident(incident.id) or incident
            changed = replace(current, examples=examples)
            if rejection:
                cause, step = rejection
                changed = replace(changed, causes=(cause,), helps=step)
                records.enqueue(incident.id, Kind.ROOT)
            records.save_incident(changed)
            records.enqueue(incident.id, Kind.EVIDENCE)


def unexplained_rejections(opened: Sequence[Incident], evaluation: Evaluation, settings: Settings) -> list[Incident]:
    """Incidents about rejected records whose latest run has no cause yet: Census has the records late."""
    latest = {one.name: one.last_sync.id for one in evaluation.syncs if one.last_sync}
    checks = {check.name for check in settings.checks if check.metric == REJECTED}
    return [
        one
        for one in opened
        if one.check in checks and one.state is State.FIRING and one.sync in latest
        if not any(cause.endswith(f"in run {latest[one.sync]}") for cause in one.causes)
    ]


def _rejection_of(ports: Ports, incident: Incident) -> tuple[str, str] | None:
    """The most frequent cause of the records that were rejected in the last run, and its next step."""
    check = ports.settings.check_called(incident.check)
    sync = next((one for one in ports.settings.syncs if one.name == incident.sync), None)
    if check is None or sync is None or check.metric != REJECTED:
        return None
    found = errors_of(ports, sync)
    if not found.groups or found.run is None:
        return None
    first, lost = found.groups[0], found.rejected + found.invalid
    read = f"the {found.read:,} that were read of {lost:,}" if found.read < lost else f"{lost:,}"
    what = f"{first.records:,} of {read} rejected records in run {found.run.id}"
    cause = f"{first.cause.code or 'Unknown error'}: {what}"
    return cause, f"{first.cause.remedy}. /sync-health errors lists every cause."


def _examples_of(ports: Ports, evaluation: Evaluation, incident: Incident) -> tuple[str, ...]:
    """`row …` in Salesforce, `property …` in RDS, or the newest `run …` of the sync."""
    if incident.source == "census":
        status = next((status for status in evaluation.syncs if status.name == incident.sync), None)
        return (f"run {status.latest.id}",) if status and status.latest else ()
    check = ports.settings.check_called(incident.check)
    if incident.source != "databricks" or check is None:
        return ()
    try:
        rows = ports.warehouse.ask(EXAMPLES, metric=check.metric)
    except SyncHealthError as error:
        log.info("no examples for incident %s: %s", incident.id, error)
        return ()
    shown = [(str(row.get("kind")), shown_id(row.get("id"))) for row in rows]
    return tuple(f"{kind} {id_}" for kind, id_ in shown if kind in KINDS and id_ != HIDDEN)
