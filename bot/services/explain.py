"""Which alert explains another one, so that one cause is one incident."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.alerts.causes import OVERDUE, OVERTIME
from bot.alerts.model import ITSELF, OPENING, ActionKind, Alert, State
from bot.alerts.timetable import is_being_made_good
from bot.config.settings import Settings
from bot.facts import SyncStatus
from bot.model import Evaluation
from bot.ports import AlertRecords
from bot.services.census_numbers import next_run
from checks.model import Check, Outcome, Result, Severity

SCHEDULE = "schedule_on"  # the metric of what is paused or has no schedule
OPEN_STATES = (State.FIRING, State.RECOVERING)


def alert_key(settings: Settings, check: str, sync: str | None) -> str:
    """The dedup key of a check's alert."""
    return "/".join([settings.pipeline, check, *([sync] if sync else [])])


def critical_by_explainer(evaluation: Evaluation, settings: Settings) -> Mapping[str, Sequence[Result]]:
    """What is critical, by the key of each alert that would explain it."""
    found: dict[str, list[Result]] = {}
    for result in evaluation.results:
        check = settings.check_called(result.check, result.sync) if result.outcome is Outcome.CRITICAL else None
        if check:
            label = _sync_of(check, result.sync, settings)
            overdue = [alert_key(settings, name, label) for name in _overdue_by(check, settings)]
            for key in {*_explainers(check, label, settings), *overdue}:
                found.setdefault(key, []).append(result)
    return found


def with_what_it_explains(
    records: AlertRecords, check: Check, result: Result, critical: Mapping[str, Sequence[Result]], settings: Settings
) -> Result:
    """A warning that explains something critical is critical and says so: one incident, which names its cause."""
    if result.outcome is not Outcome.WARN:
        return result
    key = alert_key(settings, check.name, result.sync)
    for other in critical.get(key, ()):
        if not _is_open_critical(records.alert(alert_key(settings, other.check, other.sync))):
            return replace(result, outcome=Outcome.CRITICAL, summary=f"{result.summary} · {other.summary}")
    return result


def explanation(
    records: AlertRecords,
    check: Check,
    result: Result,
    alert: Alert,
    settings: Settings,
    evaluation: Evaluation | None,
    now: datetime,
) -> str | None:
    """The title of what explains this check's trouble: it fires, or its first run since then makes it good just now.

    What is critical is explained by what is critical: a warning alerts nobody at night, and must not silence what does.
    """
    is_critical = result.outcome is Outcome.CRITICAL or _is_open_critical(alert)
    label = _sync_of(check, result.sync, settings)
    status = evaluation.status_of.get(label or "") if evaluation else None
    if status and (held_for := _held_for(records, check, result, status, settings, now)):
        return held_for
    if evaluation and (overdue := _told_as_overdue(records, check, alert, label, settings, evaluation)):
        return overdue
    explaining = (
        one.check
        for key in _explainers(check, label, settings)
        if (one := records.alert(key)) and (one.severity is Severity.CRITICAL or not is_critical)
        if one.state in OPEN_STATES or (status and _is_being_made_good(records, one, status, now))
    )
    return next((found.title for name in explaining if (found := settings.check_called(name))), None)


def _told_as_overdue(
    records: AlertRecords, check: Check, alert: Alert, sync: str | None, settings: Settings, evaluation: Evaluation
) -> str | None:
    """The title of the open incident of the overdue run, of a long run that is found afterwards: it is the same run.

    Whichever is told first keeps the thread, so that of two that are open the long run is still the explanation.
    """
    if alert.state in OPEN_STATES:
        return None
    for name in _overdue_by(check, settings):
        one, result = records.alert(alert_key(settings, name, sync)), evaluation.result_of.get((name, sync))
        breached = result is not None and result.outcome in (Outcome.WARN, Outcome.CRITICAL)
        if one and one.state is State.FIRING and breached and (found := settings.check_called(name)):
            return found.title
    return None


def _overdue_by(check: Check, settings: Settings) -> Iterator[str]:
    """The checks that a long run makes overdue; none of another check."""
    if check.metric == OVERTIME:
        yield from (one.name for one in settings.checks if one.metric in OVERDUE and check.name in one.depends_on)


def _held_for(
    records: AlertRecords, check: Check, result: Result, sync: SyncStatus, settings: Settings, now: datetime
) -> str | None:
    """The title of the open incident for which the bot paused the sync, of what follows from the pause."""
    about = [check, *(one for name in check.depends_on if (one := settings.check_called(name, sync.name)))]
    follows = any(one.metric == SCHEDULE for one in about) and (check.metric != SCHEDULE or result.case == "paused")
    if not follows or sync.schedule is None or not sync.schedule.paused:
        return None
    asked = (one for one in records.open_actions() if (one.sync, one.kind) == (sync.name, ActionKind.PAUSE))
    action = next(asked, None) or records.latest_pause(sync.name)
    if action is None or action.by != ITSELF or action.incident_id is None:
        return None
    incident = records.incident(action.incident_id)
    if incident is None or (incident.resolved_at and (check.metric == SCHEDULE or incident.resolved_at < now)):
        return None  # what follows from the pause waits for the alert of the pause itself, which comes next
    return incident.title


def _is_open_critical(alert: Alert | None) -> bool:
    return alert is not None and alert.state in OPEN_STATES and alert.severity is Severity.CRITICAL


def _sync_of(check: Check, sync: str | None, settings: Settings) -> str | None:
    """The sync that a result is about: a check of a queue belongs to the sync that drains it."""
    return sync or settings.helping_sync(check, None)


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
