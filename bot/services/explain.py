"""Which alert explains another one, so that one cause is one incident."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bot.alerts.model import OPENING, Alert, State
from bot.alerts.timetable import is_being_made_good
from bot.config.settings import Settings
from bot.facts import SyncStatus
from bot.model import Evaluation
from bot.ports import AlertRecords
from bot.services.census_numbers import next_run
from checks.model import Check, Outcome, Result, Severity

OPEN_STATES = (State.FIRING, State.RECOVERING)


def alert_key(settings: Settings, check: str, sync: str | None) -> str:
    """The dedup key of a check's alert."""
    return "/".join([settings.pipeline, check, *([sync] if sync else [])])


def with_what_it_explains(
    records: AlertRecords, check: Check, result: Result, evaluation: Evaluation, settings: Settings
) -> Result:
    """A warning that explains something critical is critical and says so: one incident, which names its cause."""
    if result.outcome is not Outcome.WARN:
        return result
    key = alert_key(settings, check.name, result.sync)
    for other in evaluation.results:
        explained = settings.check_called(other.check)
        if other.outcome is not Outcome.CRITICAL or explained is None:
            continue
        label = _sync_of(explained, other.sync, settings)
        if key in _explainers(explained, label, settings) and not _is_open_critical(
            records.alert(alert_key(settings, other.check, other.sync))
        ):
            return replace(result, outcome=Outcome.CRITICAL, summary=f"{result.summary} · {other.summary}")
    return result


def explanation(
    records: AlertRecords,
    check: Check,
    result: Result,
    alert: Alert,
    settings: Settings,
    syncs: tuple[SyncStatus, ...],
    now: datetime,
) -> str | None:
    """The title of what explains this check's trouble: it fires, or its first run since then makes it good just now.

    What is critical is explained by what is critical: a warning alerts nobody at night, and must not silence what does.
    """
    is_critical = result.outcome is Outcome.CRITICAL or _is_open_critical(alert)
    label = _sync_of(check, result.sync, settings)
    status = next((sync for sync in syncs if sync.name == label), None)
    explaining = (
        one.check
        for key in _explainers(check, label, settings)
        if (one := records.alert(key)) and (one.severity is Severity.CRITICAL or not is_critical)
        if one.state in OPEN_STATES or (status and _is_being_made_good(records, one, status, now))
    )
    return next((one.title for name in explaining for one in settings.checks if one.name == name), None)


def _is_open_critical(alert: Alert | None) -> bool:
    return alert is not None and alert.state in OPEN_STATES and alert.severity is Severity.CRITICAL


def _sync_of(check: Check, sync: str | None, settings: Settings) -> str | None:
    """The sync that a result is about: a check of a queue belongs to the sync that drains it."""
    return sync or next((one.name for one in settings.syncs if one.direction == check.rerun), None)


def _explainers(check: Check, sync: str | None, settings: Settings) -> Iterator[str]:
    """The keys of the alerts that explain this check's trouble, for the same sync or for the whole pipeline."""
    return (alert_key(settings, name, label) for name in check.depends_on for label in (sync, None))


def _is_being_made_good(records: AlertRecords, explainer: Alert, sync: SyncStatus, now: datetime) -> bool:
    """Whether the explainer is over, and no run that began since it opened has completed yet but one soon will."""
    incident = records.incident(explainer.incident_id) if explainer.incident_id else None
    if explainer.state is not State.OK or explainer.resolved_at is None or incident is None:
        return False
    opened = next((e.at for e in reversed(incident.timeline) if e.did in OPENING), incident.opened_at)
    if sync.last_sync and sync.last_sync.created_at > opened:
        return False
    due = next_run(sync.schedule, explainer.resolved_at) if sync.schedule else None
    begun = sync.latest.created_at if sync.latest else None
    return is_being_made_good(explainer.resolved_at, due, begun, now, going_on=sync.running is not None)
