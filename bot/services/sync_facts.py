"""What somebody should know before acting on a sync: read when the dialog opens, and again when it is submitted."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.alerts.causes import OVERTIME
from bot.alerts.model import Action, ActionKind, Incident, State
from bot.alerts.offers import SUSPECT
from bot.alerts.run_time import usual_time
from bot.answers.consent import SyncFacts
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import RefusedError, SyncHealthError, TemporaryError
from bot.facts import Run, RunStatus, SyncStatus
from bot.model import Evaluation
from bot.ports import Ports, Records
from bot.sanitize import HIDDEN, shown_id
from bot.services.actions import refuse_second
from bot.services.ask_warehouse import ask_warehouse, describe_queue
from bot.services.circumstances import pause_behind
from bot.services.explain import SCHEDULE, alert_key
from bot.services.look_at_sync import look_at, with_queue
from checks.model import Severity

EXAMPLES = 3  # suspect records
IS_FOR = {ActionKind.CANCEL: OVERTIME, ActionKind.RESUME: SCHEDULE, ActionKind.PAUSE: SUSPECT}  # by metric
STARTS_RUNS = (ActionKind.RERUN, ActionKind.RESUME)


def read_facts(
    ports: Ports, kind: ActionKind, sync: SyncSettings, incident: Incident | None, *, full_sync: bool = False
) -> SyncFacts:
    """What to know before this is done to the sync. Raises RefusedError, TemporaryError.

    What starts no run waits for no warehouse: the backlog is that of the last evaluation then.
    """
    with ports.store.snapshot() as records:  # before Census is asked: what is requested meanwhile is noticed
        refuse_second(records, kind, sync.name)
        latest_action_id = records.latest_action_id(sync.name)
        last = records.latest_evaluation()
        critical = _critical(records, ports.settings, sync) if kind in STARTS_RUNS else ()
        paused_by = _paused_by(records, ports.settings, sync, ports.clock.now())
    look = look_at(ports, sync)
    if look.problem or look.status.schedule is None:
        raise TemporaryError(f"Census did not answer, so nothing can be done now: {look.problem}")
    status = _with_backlog(ports, kind, sync, look.status, last)
    schedule = look.status.schedule
    facts = SyncFacts(
        kind=kind,
        sync=sync.name,
        label=sync.label,
        incident_id=incident.id if incident else None,
        as_of=ports.clock.now(),
        queue=status.queue,
        suspicious=_suspicious(sync, status),
        suspects=tuple(label for label, _ in status.suspects),
        running=status.running,
        latest_run_id=status.latest.id if status.latest else 0,
        latest_action_id=latest_action_id,
        paused=schedule.paused,
        source=sync.queue,
        helps=incident.helps if incident else "",
        last_run=next((run for run in look.runs if _says_something(run)), None),
        usual=usual_time(look.runs, full_sync=full_sync and kind is ActionKind.RERUN),
        next_run=status.next_run,
        counted_at=None if kind in STARTS_RUNS or last is None else last.warehouse_at,
        dependents=_dependents(ports.settings, sync, last),
        critical=critical,
        paused_by=paused_by if schedule.paused else None,
        full_sync=full_sync and kind is ActionKind.RERUN,
        noun=ports.settings.noun,
    )
    return replace(facts, examples=_examples(ports, sync)) if facts.suspicious and kind in STARTS_RUNS else facts


def _says_something(run: Run) -> bool:
    """Whether it has ended and had work to do: one that was skipped began beside another."""
    return run.final and not run.dry_run and run.status is not RunStatus.SKIPPED


def sync_of(settings: Settings, incident: Incident) -> SyncSettings:
    """The sync that actions on an incident are about. Raises RefusedError where pipeline.yml has none of that name."""
    if sync := settings.sync_named(incident.rerun or incident.sync):
        return sync
    raise RefusedError("pipeline.yml has no sync that this alert is about.")


def incident_about(records: Records, settings: Settings, sync: SyncSettings, kind: ActionKind) -> Incident | None:
    """The open incident in whose thread an action on a sync is reported: what it is for, a critical one, the oldest."""
    about = [one for one in records.open_incidents() if sync.name in (one.sync, one.rerun)]

    def rank(one: Incident) -> tuple[bool, bool, int]:
        check = settings.check_called(one.check, one.sync)
        return check is None or check.metric != IS_FOR.get(kind), one.severity is not Severity.CRITICAL, one.id

    return min(about, key=rank, default=None)


def _paused_by(records: Records, settings: Settings, sync: SyncSettings, now: datetime) -> Action | None:
    """The action behind the pause, as the alert of it says."""
    keys = [alert_key(settings, one.name, sync.name) for one in settings.checks_of_metric(SCHEDULE)]
    firing = [one for key in keys if (one := records.alert(key)) and one.state is State.FIRING]
    return pause_behind(records, sync.name, firing[0].since if firing and firing[0].since else now)


def _with_backlog(
    ports: Ports, kind: ActionKind, sync: SyncSettings, status: SyncStatus, last: Evaluation | None
) -> SyncStatus:
    if kind in STARTS_RUNS:
        return with_queue(status, sync, ask_warehouse(ports, own_statements=False, only=sync))
    before = last.status_of.get(sync.name) if last else None
    return replace(status, queue=before.queue, suspicious=before.suspicious) if before else status


def _suspicious(sync: SyncSettings, status: SyncStatus) -> int | None:
    """How many pending records are suspect; none where pipeline.yml calls none so, or names no queue to look at."""
    return status.suspicious if sync.suspect or (sync.queue and status.queue is None) else 0


def _critical(records: Records, settings: Settings, sync: SyncSettings) -> tuple[str, ...]:
    """Titles of critical alerts about values in the destination, which a run would write again."""
    about = (one for one in records.open_incidents() if one.severity is Severity.CRITICAL and one.rerun == sync.name)
    firing = (one for one in about if one.state is State.FIRING and one.sync is None and one.source == "databricks")
    return tuple(one.title for one in firing if settings.check_called(one.check))


def _dependents(settings: Settings, sync: SyncSettings, last: Evaluation | None) -> tuple[str, ...]:
    """The syncs of the pipeline that Census runs after this one, by the last evaluation."""
    statuses = last.syncs if last else ()
    after = {one.name for one in statuses if one.schedule and one.schedule.follows == sync.id}
    return tuple(one.name for one in settings.syncs if one.name in after)


def _examples(ports: Ports, sync: SyncSettings) -> tuple[str, ...]:
    """Ids of suspect records; none where the warehouse does not tell them now, which keeps nobody from acting."""
    if not sync.key:
        return ()
    with suppress(SyncHealthError):
        rows = describe_queue(ports, sync, EXAMPLES)
        found = (shown_id(row["key_0"]) for row in rows if row["kind"] == "record" and row["suspect"] is not None)
        return tuple(dict.fromkeys(one for one in found if one != HIDDEN))[:EXAMPLES]
    return ()
