"""Example records of an alert: a few ids, added to its evidence a moment after it was posted."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.model import Incident
from bot.errors import SyncHealthError
from bot.model import Evaluation, Kind
from bot.ports import Ports
from bot.sanitize import HIDDEN, shown_id

EXAMPLES = "measure/examples"
KINDS = frozenset({"row", "property"})
log = logging.getLogger(__name__)


def add_examples(ports: Ports, evaluation: Evaluation, opened: Sequence[Incident]) -> None:
    """Ask for the examples of new incidents; the alert neither waits for them nor fails with them."""
    for incident in opened:
        if incident.thread_id is None and (examples := _examples_of(ports, evaluation, incident)):
            with ports.store.transaction() as records:
                current = records.incident(incident.id) or incident
                records.save_incident(replace(current, examples=examples))
                records.enqueue(incident.id, Kind.EVIDENCE)


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
