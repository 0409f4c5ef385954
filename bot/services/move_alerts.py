"""An evaluation's results → alerts, incidents and outbox messages, in one transaction."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.alerts.attention import flapping_until, is_flapping, may_broadcast, snoozed_as_warning
from bot.alerts.causes import ended_causes
from bot.alerts.lifecycle import Change, Reason, advance, close
from bot.alerts.model import ITSELF, Alert, Did, Entry, Incident, State
from bot.config.settings import Settings
from bot.model import Evaluation, Kind
from bot.ports import AlertRecords
from bot.services.circumstances import Known, pause_behind, syncs_being_rerun, what_is_known
from bot.services.explain import OPEN_STATES, alert_key, critical_by_explainer, explanation, with_what_it_explains
from bot.services.judge_all import unmeasured, what_is_lacking
from bot.services.refresh_offers import refresh_offers
from bot.services.remind import remind
from bot.services.rename_checks import follow_renamed, policy_of
from checks.forms import parse_limit
from checks.judge import clear_limit, judge
from checks.model import Check, Outcome, Result, Severity

MOST_ROOTS = 5  # more incidents that open at once share one thread

# What a change means for an open incident: what its timeline says, and which messages are enqueued.
SAID: dict[Reason, tuple[Did, tuple[Kind, ...]]] = {
    Reason.OPENED: (Did.OPENED, (Kind.ROOT, Kind.EVIDENCE)),
    Reason.REOPENED: (Did.REOPENED, (Kind.ROOT, Kind.EVIDENCE, Kind.REOPENED)),
    Reason.STILL_FIRING: (Did.STILL_FIRING, (Kind.ROOT, Kind.EVIDENCE, Kind.REOPENED)),
    Reason.ESCALATED: (Did.ESCALATED, (Kind.ROOT, Kind.SEVERITY)),
    Reason.RETURNED: (Did.RETURNED, (Kind.ROOT, Kind.SEVERITY)),
    Reason.EASED: (Did.EASED, (Kind.ROOT, Kind.SEVERITY)),
    Reason.RECOVERING: (Did.RECOVERING, (Kind.ROOT,)),
    Reason.RELAPSED: (Did.RELAPSED, (Kind.ROOT,)),
    Reason.RESOLVED: (Did.RESOLVED, (Kind.ROOT, Kind.RESOLVED)),
    Reason.RESOLVED_BY_HAND: (Did.RESOLVED_BY_HAND, (Kind.ROOT, Kind.RESOLVED)),
    Reason.CLOSED: (Did.CLOSED, (Kind.ROOT, Kind.RESOLVED)),
}
BROADCAST = {Reason.ESCALATED, Reason.REOPENED, Reason.STILL_FIRING}  # an edit of the root alerts nobody


@dataclass(frozen=True)
class Said:
    """A change that people hear of."""

    incident: Incident
    reason: Reason
    kinds: tuple[Kind, ...]


def move_alerts(
    records: AlertRecords, evaluation: Evaluation, settings: Settings, *, ended: datetime | None = None
) -> list[Said]:
    """Keep the evaluation, move every alert it touches, enqueue the messages.

    Results come in the order of the checks: what others depend on is moved before them. What is reminded of is decided
    at the time when the evaluation `ended`: somebody may have acknowledged since it began, when it is `checked_at`.
    """
    now = evaluation.checked_at
    follow_renamed(records, records.open_incidents(), settings, now)  # before anything is kept under the new names
    records.save_evaluation(evaluation)
    opened = records.open_incidents()
    said: list[Said | None] = [*_close_removed(records, opened, settings, now)]
    closed = {one.incident.id for one in said if one}
    evaluated, rerunning = _evaluated(evaluation, settings), syncs_being_rerun(records)
    keys = {alert_key(settings, check.name, result.sync) for check, result in evaluated}
    records.read_alerts(keys)
    critical = critical_by_explainer(evaluation, settings)
    for check, result in evaluated:
        worst = with_what_it_explains(records, check, result, critical, settings)
        said.append(move(records, check, worst, settings, now, evaluation, rerunning))
    for incident in opened:
        if incident.id not in closed:
            refresh_offers(records, incident, evaluation, settings, rerunning)
    told = _share_a_thread(records, [one for one in said if one])
    over: dict[int, bool] = {}
    for one in told:
        enqueue(records, one, over)
    others = [one for one in opened if one.key not in keys and one.id not in closed]
    remind(records, settings, ended or now, keys, others)  # of what is still open after all that
    return told


def enqueue(records: AlertRecords, said: Said, over: dict[int, bool] | None = None) -> None:
    """Enqueue the messages of a change; what all of a thread share is read once and kept in `over`."""
    over = {} if over is None else over
    for kind in said.kinds:  # the end of a thread is its own: told once, when the last of its incidents is over
        records.enqueue(said.incident.thread if kind is Kind.RESOLVED else said.incident.id, kind)
    thread = said.incident.thread
    if said.incident.state is State.OK and thread not in over:
        over[thread] = all(one.state is State.OK for one in records.incidents_beside(said.incident))
    if said.incident.state is State.OK and over[thread]:
        records.enqueue_answers(said.incident.id)


def close_incident(records: AlertRecords, incident: Incident, why: str, now: datetime) -> Said:
    """Close what nothing will evaluate again, and say why."""
    if (kept := records.alert(incident.key)) and (change := close(kept, now)):
        records.save_alert(change.alert)
    closed = replace(incident, state=State.OK, resolved_at=now, summary=f"Closed: {why}")
    records.save_incident(closed)
    return record_change(records, closed, Reason.CLOSED, why, now)


def _evaluated(evaluation: Evaluation, settings: Settings) -> list[tuple[Check, Result]]:
    """What was evaluated just now, the bot's own checks last: they judge how many of the others got no number."""
    checks = {check.name: check for check in settings.checks}
    fresh = [
        (settings.check_called(result.check, result.sync) or checks[result.check], result)
        for result in evaluation.results
        if not result.carried
    ]
    bots = [check for check in settings.checks if check.source == "bot"]
    blind = unmeasured(evaluation, checks).items()
    return fresh + [(check, judge(check, seen)) for metric, seen in blind for check in bots if check.metric == metric]


def _share_a_thread(records: AlertRecords, said: list[Said]) -> list[Said]:
    """Many that open at once have one cause: they are one message, named after the first of them."""
    opened = [one.incident for one in said if one.reason is Reason.OPENED]
    if len(opened) <= MOST_ROOTS:
        return said
    for incident in opened:
        records.save_incident(replace(incident, thread_id=opened[0].id))
    return [
        replace(one, incident=replace(one.incident, thread_id=opened[0].id)) if one.reason is Reason.OPENED else one
        for one in said
    ]


def _close_removed(
    records: AlertRecords, opened: Sequence[Incident], settings: Settings, now: datetime
) -> Iterator[Said]:
    """Close what the configuration has no check, sync or pipeline for any more, and say why."""
    for alert in records.waiting_alerts():
        removed = _why_removed(settings, alert)
        if removed and alert.state is State.PENDING and (change := close(alert, now)):
            records.save_alert(change.alert)
        elif removed and alert.resolved_by:  # nothing will evaluate whether it is
            records.save_alert(replace(alert, resolved_by=None))
    for incident in opened:
        if why := _why_removed(settings, incident):
            yield close_incident(records, incident, why, now)


def _why_removed(settings: Settings, about: Alert | Incident) -> str | None:
    check, sync = settings.check_called(about.check), settings.sync_named(about.sync)
    if not about.key.startswith(f"{settings.pipeline}/"):
        return f"the pipeline is called {settings.pipeline} now"
    if check is None:
        return "its check was removed from the configuration or switched off"
    if about.sync and sync is None:
        return f"{about.sync} was removed from the configuration or renamed"
    mine = settings.check_called(about.check, about.sync)
    if mine is None:
        return f"its check was switched off for {about.sync}"
    if (check.per == "sync") != (about.sync is not None):
        return "its check is evaluated per sync now" if check.per else "its check is no longer evaluated per sync"
    if sync and (lacking := what_is_lacking(settings, mine, sync)):
        return f"{about.sync} has no {lacking} any more"
    return None


def _worst_of(peak: float | None, value: float | None, limit: str | None) -> float | None:
    """The value that is furthest beyond its threshold."""
    known = [one for one in (peak, value) if one is not None]
    return max(known, key=parse_limit(limit).beyond if limit else None, default=None)


def record_change(
    records: AlertRecords,
    incident: Incident,
    reason: Reason,
    detail: str,
    now: datetime,
    *,
    by: str | None = None,
    request: str | None = None,
    quiet: bool = False,
) -> Said:
    """Keep a change in the timeline; which messages it means is said, and they are not enqueued yet."""
    did, kinds = SAID[reason]
    if is_flapping(incident, now):
        kinds = (Kind.ROOT,)  # which says that it flaps; more replies would say nothing
    loud = incident.severity is Severity.CRITICAL and reason in BROADCAST and len(kinds) > 1
    heard = loud and not quiet and records.maintenance() is None
    # Whoever saw it resolved by hand has to hear that it is not, however lately something was broadcast.
    spare = reason is Reason.STILL_FIRING or may_broadcast(records.incidents_beside(incident), now)
    broadcast = heard and spare
    records.note(incident.id, Entry(now, did, by, detail, broadcast, request))
    return Said(incident, reason, kinds)


def move(
    records: AlertRecords,
    check: Check,
    result: Result,
    settings: Settings,
    now: datetime,
    evaluation: Evaluation | None = None,
    rerunning: Collection[str] = (),
) -> Said | None:
    """Move one alert; what has to be said of it is in its timeline, and not enqueued yet."""
    check = check.in_case(result.case)
    key = alert_key(settings, check.name, result.sync)
    alert = records.alert(key) or Alert(key, check.name, result.sync)
    since = _since(records, alert, now)
    paused_by = pause_behind(records, result.sync, since) if result.case == "paused" and result.sync else None
    known_to = paused_by.by if paused_by and paused_by.by != ITSELF else None
    known = what_is_known(check, result, evaluation, settings, since, rerunning, paused_by)
    result = replace(result, helps=known.helps)  # never that of an earlier cause
    # What another alert explains is not evaluated: its timers stand still, as they do when nothing is known.
    explained = explanation(records, check, result, alert, settings, evaluation, now)
    outcome = Outcome.NO_DATA if explained else result.outcome
    change = advance(alert, outcome, policy_of(check), now, cleared=result.cleared)
    if change is None or change.reason not in SAID:
        if change:
            records.save_alert(change.alert)
        _refresh_root(records, alert, None if explained else result, explained, known, now)
        return None
    incident = _incident(records, change, check, result, settings, known, now)
    records.save_alert(replace(change.alert, incident_id=incident.id))
    said = record_change(records, incident, change.reason, result.summary, now, quiet=known_to is not None)
    begins = change.reason in (Reason.OPENED, Reason.REOPENED)
    return _acknowledged_by(records, said, known_to, now) if begins and known_to else said


def _since(records: AlertRecords, alert: Alert, now: datetime) -> datetime:
    """Since when its check is known to be breached; resolving it by hand did not change that."""
    if alert.resolved_by and alert.incident_id and (incident := records.incident(alert.incident_id)):
        return incident.opened_at
    return alert.since if alert.state in OPEN_STATES and alert.since else now


def _acknowledged_by(records: AlertRecords, said: Said, known_to: str, now: datetime) -> Said:
    """Whoever paused a sync here knows that it is paused: nobody else is called for that."""
    held = replace(said.incident, acked_by=known_to, acked_at=now)
    records.save_incident(held)
    records.note(held.id, Entry(now, Did.ACKNOWLEDGED, known_to))
    return replace(said, incident=held)


def _incident(
    records: AlertRecords, change: Change, check: Check, result: Result, settings: Settings, known: Known, now: datetime
) -> Incident:
    """The incident as it is after the change, written."""
    if change.reason is Reason.OPENED:
        return records.create_incident(_new_incident(change, check, result, settings, known, now))
    assert change.alert.incident_id, "only opening makes an incident"
    before = records.incident(change.alert.incident_id)
    assert before, "an alert's incident is never deleted"
    resolved = change.reason is Reason.RESOLVED
    moved = replace(_with_overlay(before, change, now), severity=change.alert.severity or before.severity)
    incident = replace(
        _with_reading(moved, result, known, now),
        state=change.alert.state,
        resolved_at=now if resolved else None,
    )
    records.save_incident(incident)
    return incident


def _with_overlay(before: Incident, change: Change, now: datetime) -> Incident:
    """What is left of acknowledgment and snooze: neither was meant for something worse, or for the next time."""
    incident = before
    if change.reason in (Reason.ESCALATED, Reason.REOPENED, Reason.STILL_FIRING):
        incident = replace(incident, acked_by=None, acked_at=None)
    if change.reason is Reason.REOPENED:  # STILL_FIRING is no flapping: it never recovered
        incident = replace(incident, flapping_until=flapping_until(before, now), causes=())
    worse = before.severity is Severity.WARN and change.alert.severity is Severity.CRITICAL
    if worse and (change.reason is not Reason.RETURNED or snoozed_as_warning(before)):
        incident = replace(incident, snoozed_until=None, snoozed_by=None)
    return incident


def _new_incident(
    change: Change, check: Check, result: Result, settings: Settings, known: Known, now: datetime
) -> Incident:
    return Incident(
        id=0,
        key=change.alert.key,
        check=check.name,
        sync=result.sync,
        title=check.title,
        severity=change.alert.severity or Severity.CRITICAL,
        state=State.FIRING,
        opened_at=now,
        summary=result.summary,
        value=result.value,
        limit=result.limit,
        clear=str(clear_limit(check)),
        helps=result.helps,
        rerun=known.sync,
        offers=known.offers,
        causes=known.causes,
        peak=result.value,
        runbook=check.runbook,
        source=check.source,
        channel=settings.channel,
        measured_at=now,
    )


def _refresh_root(
    records: AlertRecords,
    alert: Alert,
    result: Result | None,
    explained: str | None,
    known: Known,
    now: datetime,
) -> None:
    """An open incident shows the newest number, or since when there is none and what explains that."""
    if alert.incident_id is None or alert.state not in OPEN_STATES:
        return
    before = records.incident(alert.incident_id)
    assert before, "an alert's incident is never deleted"
    if result is None or result.value is None:
        since = before.not_evaluated_since or now
        after = replace(before, not_evaluated_since=since, explained_by=explained)
        if explained:  # which names its cause and next step
            after = replace(after, causes=(), offers=())
    else:
        after = _with_reading(before, result, known, now)
        records.note_each(
            [(after.id, Entry(now, Did.CAUSE_ENDED, detail=one)) for one in ended_causes(before.causes, after.causes)]
        )
    if after != before:
        records.save_incident(after)
    if replace(after, measured_at=before.measured_at) != before:  # the same number again is no reason to edit
        records.enqueue(after.id, Kind.ROOT)
    if after.helps != before.helps:
        records.enqueue(after.id, Kind.EVIDENCE)


def _with_reading(incident: Incident, result: Result, known: Known, now: datetime) -> Incident:
    """The newest number and the next step; the limit is that of the severity, or the one that was crossed last."""
    eases = incident.severity is Severity.CRITICAL and result.outcome is Outcome.WARN
    limit = (result.critical if eases else result.limit) or incident.limit
    kept = known.asked_later and bool(incident.causes)  # of rejected records: they were asked for when it opened
    causes = incident.causes if kept or result.cleared else known.causes  # why it fired is asked when it is over
    return replace(
        incident,
        value=result.value,
        summary=result.summary,
        limit=limit,
        peak=_worst_of(incident.peak, result.value, limit),
        helps=incident.helps if kept else result.helps,
        rerun=known.sync,
        offers=known.offers,
        causes=causes,
        not_evaluated_since=None,
        explained_by=None,
        measured_at=now,
    )
