"""Example records of an alert: a few ids, added to its evidence a moment after it was posted."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.alerts.causes import OVERTIME
from bot.alerts.model import Incident, State
from bot.alerts.offers import SUSPECT
from bot.errors import SyncHealthError
from bot.model import Evaluation, Kind
from bot.ports import Ports
from bot.sanitize import HIDDEN, sanitize, shown_id
from bot.services.ask_warehouse import describe_queue
from bot.services.circumstances import REJECTED
from bot.services.explain import alert_key
from bot.services.show_errors import errors_of
from checks.model import Check

EXAMPLES = "measure/examples"
KINDS = frozenset({"row", "record"})
MOST = 3
LABEL = 80  # characters of a cause without a code
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


def unexplained_rejections(ports: Ports, evaluation: Evaluation) -> list[Incident]:
    """Incidents about rejected records whose latest run has no cause yet: Census has the records late."""
    latest = {one.name: one.last_sync.id for one in evaluation.syncs if one.last_sync}
    checks = {check.name for check in ports.settings.checks_of_metric(REJECTED)}
    not_clear = [one for one in evaluation.results if one.check in checks and not one.cleared]
    if not not_clear:  # then no such incident fires: the store is not asked
        return []
    with ports.store.snapshot() as records:
        opened = records.open_incidents(keys={alert_key(ports.settings, one.check, one.sync) for one in not_clear})
    return [
        one
        for one in opened
        if one.state is State.FIRING and one.sync in latest
        if not any(cause.endswith(f"in run {latest[one.sync]}") for cause in one.causes)
    ]


def _rejection_of(ports: Ports, incident: Incident) -> tuple[str, str] | None:
    """The most frequent cause of the records that were rejected in the last run, and its next step."""
    check = ports.settings.check_called(incident.check, incident.sync)
    sync = ports.settings.sync_named(incident.sync)
    if check is None or sync is None or check.metric != REJECTED:
        return None
    found = errors_of(ports, sync)
    if not found.groups or found.run is None:
        return None
    first, lost = found.groups[0], found.rejected + found.invalid
    read = f"the {found.read:,} that were read of {lost:,}" if found.read < lost else f"{lost:,}"
    what = f"{first.records:,} of {read} rejected records in run {found.run.id}"
    said = (first.cause.text or "Unknown error").removesuffix(f": {HIDDEN}")
    cause = f"{first.cause.code or sanitize(said, LABEL)}: {what}"
    return cause, f"{first.cause.remedy}. /sync-health errors lists every cause."


def _examples_of(ports: Ports, evaluation: Evaluation, incident: Incident) -> tuple[str, ...]:
    """`row …` in the destination, `record …` in the source, or the newest `run …` of the sync."""
    if incident.source == "census":
        status = evaluation.status_of.get(incident.sync or "")
        check = ports.settings.check_called(incident.check, incident.sync)
        about = status.running if status and check and check.metric == OVERTIME else status and status.latest
        return (f"run {about.id}",) if about else ()
    check = ports.settings.check_called(incident.check, incident.sync)
    if incident.source != "databricks" or check is None:
        return ()
    try:
        rows = _rows_of(ports, check, incident.sync)
    except SyncHealthError as error:
        log.info("no examples for incident %s: %s", incident.id, error)
        return ()
    shown = [(str(row.get("kind")), shown_id(row.get("id"))) for row in rows]
    return tuple(f"{kind} {id_}" for kind, id_ in shown if kind in KINDS and id_ != HIDDEN)


def _rows_of(ports: Ports, check: Check, sync: str | None) -> list[dict[str, object]]:
    """Records by kind and id: of a queue those that are pending, else what the pipeline's own statement finds."""
    if sync is None:
        known = EXAMPLES in ports.settings.statements
        return ports.warehouse.ask(EXAMPLES, metric=check.metric) if known else []
    about = ports.settings.sync_named(sync)
    if about is None or not about.key:
        return []
    rows = describe_queue(ports, about, MOST)
    suspect = check.metric == SUSPECT
    wanted = (row for row in rows if row["kind"] == "record" and (not suspect or row["suspect"] is not None))
    return [{"kind": "record", "id": row["key_0"]} for row in wanted][:MOST]
