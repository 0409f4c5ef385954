"""Builders of what services hand to messages: plausible values, of which a test changes what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.alerts.incident_figures import figures_of
from bot.alerts.model import Action, ActionKind, ActionState, Did, Entry, Incident, State
from bot.answers.consent import SyncFacts
from bot.answers.health import Summary
from bot.answers.history import PostMortem
from bot.facts import Run, RunStatus, Schedule, SyncStatus
from bot.model import Announcement, Evaluation, Kind
from checks.model import Outcome, Result, Severity

ZONE = ZoneInfo("America/Los_Angeles")
OPERATOR = "U0OPERATOR"
NOW = datetime(2026, 1, 9, 11, 5, tzinfo=UTC)  # 03:05 in ZONE


def minutes(count: float) -> timedelta:
    """A span of so many minutes."""
    return timedelta(minutes=count)


def incident(**changes: object) -> Incident:
    """A critical one that fires and that nobody has yet."""
    fresh = Incident(
        id=7,
        key="properties/null_company_names",
        check="null_company_names",
        sync=None,
        title="Missing company names",
        severity=Severity.CRITICAL,
        state=State.FIRING,
        opened_at=NOW,
        summary="246 Salesforce records missing company name",
        value=246.0,
        limit="> 50",
        clear="<= 25",
        helps="Fix the company join in rds_properties_enriched first, then rerun the UPDATE sync.",
        rerun="Sync B",
        offers=("rerun",),
        peak=246.0,
        runbook="null-company-names",
        channel="C0ALERTS",
        timeline=(Entry(NOW, Did.OPENED),),
        measured_at=NOW,
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


def course(*values: float) -> tuple[tuple[datetime, float], ...]:
    """Values five minutes apart, the last of them now."""
    return tuple((NOW - minutes(5 * (len(values) - 1 - n)), value) for n, value in enumerate(values))


def acknowledged(**changes: object) -> Incident:
    """One that an operator took after six minutes."""
    taken = NOW + minutes(6)
    timeline = (Entry(NOW, Did.OPENED), Entry(taken, Did.ACKNOWLEDGED, OPERATOR))
    return incident(**{"acked_by": OPERATOR, "acked_at": taken, "timeline": timeline} | changes)


def recovering(**changes: object) -> Incident:
    """One that was taken, rerun, and is inside its clear threshold since 03:21."""
    before = acknowledged()
    more = (Entry(NOW + minutes(7), Did.RERUN, OPERATOR, "Sync B"), Entry(NOW + minutes(16), Did.RECOVERING))
    healthy = {
        "state": State.RECOVERING,
        "value": 12.0,
        "summary": "12 Salesforce records missing company name",
        "timeline": before.timeline + more,
        "measured_at": NOW + minutes(21),
    }
    return acknowledged(**healthy | changes)


def resolved(**changes: object) -> Incident:
    """One that was over after 26 minutes."""
    before, end = recovering(), NOW + minutes(26)
    over = {"state": State.OK, "resolved_at": end, "timeline": (*before.timeline, Entry(end, Did.RESOLVED))}
    return recovering(**over | changes)


def announcement(kind: Kind, about: Incident | None = None, **changes: object) -> Announcement:
    """A message that is owed about an incident."""
    told = about or incident()
    place = None if kind in (Kind.ROOT, Kind.DIGEST) else "1767956700.000100"
    owed = Announcement("m-1", kind, "C0ALERTS", place, None, told, (told,))
    return replace(owed, **changes)  # type: ignore[arg-type]


def thread() -> tuple[Incident, ...]:
    """Six that opened at once: one is over, one recovers, one is taken."""
    critical = incident(id=11, thread_id=11, rerun=None)
    return (
        critical,
        incident(
            id=12,
            thread_id=11,
            title="Coverage",
            value=80.0,
            limit="< 90",
            helps="Check the CREATE backlog and its rejected records.",
        ),
        recovering(id=13, thread_id=11, title="CREATE backlog", value=48.0, limit="> 50", severity=Severity.WARN),
        incident(id=14, thread_id=11, title="Data quality", value=96.0, limit="< 97", severity=Severity.WARN),
        acknowledged(
            id=15, thread_id=11, title="Census schedule", sync="Sync B", value=0.0, limit="= 0", source="census"
        ),
        resolved(id=16, thread_id=11, title="UPDATE backlog"),
    )


def post_mortem(about: Incident | None = None, **changes: object) -> PostMortem:
    """What is known of an incident two hours after it opened: values around it, and the rerun that ended it."""
    told, as_of = about or resolved(), NOW + minutes(120)
    figures = figures_of(told, as_of)
    assert figures
    values = tuple((NOW + minutes(5 * n - 60), 3.0 if n < 12 or n > 15 else 246.0 - n) for n in range(24))
    found = PostMortem(told, figures, as_of, (ended(verdict="Evaluated again: 12."),), values)
    return replace(found, **changes)  # type: ignore[arg-type]


def action(state: ActionState = ActionState.REQUESTED, **changes: object) -> Action:
    """A rerun of Sync B that the operator asked for at 03:12."""
    asked = Action(
        id=3,
        sync="Sync B",
        incident_id=7,
        by=OPERATOR,
        reason="The view is fixed",
        state=state,
        requested_at=NOW + minutes(7),
        latest_run_id=500,
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


def ended(state: ActionState = ActionState.FINISHED, **changes: object) -> Action:
    """One whose run wrote everything in 5 minutes."""
    outcome = {
        "run_id": 501,
        "run_status": "completed",
        "records_total": 246,
        "records_updated": 246,
        "records_failed": 0,
        "records_invalid": 0,
        "ended_at": NOW + minutes(12),
    }
    return action(state, **outcome | changes)


def run(**changes: object) -> Run:
    """A completed run of Sync B that updated 180 rows."""
    done = Run(
        id=500,
        sync_id=3394041,
        status=RunStatus.COMPLETED,
        dry_run=False,
        trigger="Schedule",
        created_at=NOW - minutes(24),
        completed_at=NOW - minutes(20),
        records_total=180,
        records_processed=180,
        records_updated=180,
        records_failed=0,
        records_invalid=0,
    )
    return replace(done, **changes)  # type: ignore[arg-type]


def working(**changes: object) -> Run:
    """One that has written 50 of 246 rows."""
    going_on = run(id=501, status=RunStatus.WORKING, completed_at=None, records_total=246, records_updated=50)
    return replace(going_on, **changes)  # type: ignore[arg-type]


def sync_status(**changes: object) -> SyncStatus:
    """A healthy Sync B."""
    well = SyncStatus(
        name="Sync B",
        label="Sync B (UPDATE)",
        queue=180,
        suspicious=0,
        latest=run(),
        last_sync=run(),
        schedule=Schedule("hourly", paused=False),
        next_run=NOW + minutes(10),
        error_rate=0.0,
        success_rate=99.0,
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def sync_a(**changes: object) -> SyncStatus:
    """A healthy Sync A."""
    done = run(id=490, sync_id=3394022, records_total=12, records_updated=12)
    well = {"name": "Sync A", "label": "Sync A (CREATE)", "queue": 12}
    return sync_status(**well | {"latest": done, "last_sync": done} | changes)


def result(outcome: Outcome = Outcome.OK, value: float | None = 4.0, **changes: object) -> Result:
    """What the shipped check says; a value of None where there is none."""
    what = "no data" if value is None else f"{value:,.10g} Salesforce records missing company name"
    found = Result(
        check="null_company_names",
        sync=None,
        outcome=outcome,
        value=value,
        warn="> 30",
        critical="> 50",
        limit={Outcome.WARN: "> 30", Outcome.CRITICAL: "> 50"}.get(outcome),
        cleared=outcome is Outcome.OK,
        summary=what if value is not None else f"Missing company names: {what}",
        runbook="null-company-names",
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def evaluation(outcome: Outcome = Outcome.OK, **changes: object) -> Evaluation:
    """A look at both syncs and one check."""
    looked = Evaluation(
        checked_at=NOW,
        outcome=outcome,
        statements=1,
        seconds=0.213,
        results=(result(),),
        syncs=(sync_a(), sync_status()),
        warehouse_at=NOW,
    )
    return replace(looked, **changes)  # type: ignore[arg-type]


def critical_evaluation(**changes: object) -> Evaluation:
    """One in which 246 names are missing."""
    wrong = {"results": (result(Outcome.CRITICAL, 246.0),), "syncs": (sync_a(), sync_status(queue=246, suspicious=246))}
    return evaluation(Outcome.CRITICAL, **wrong | changes)


def summary(looked: Evaluation | None = None, **changes: object) -> Summary:
    """What `/sync-health` has to show."""
    return replace(Summary("properties", looked or evaluation()), **changes)  # type: ignore[arg-type]


def sync_facts(**changes: object) -> SyncFacts:
    """A rerun of a queue of 246 rows without fault, and nothing that stands against it."""
    clean = SyncFacts(
        kind=ActionKind.RERUN,
        sync="Sync B",
        label="Sync B (UPDATE)",
        incident_id=7,
        as_of=NOW + minutes(6),
        queue=246,
        suspicious=0,
        running=None,
        latest_run_id=500,
        latest_action_id=2,
        paused=False,
        source="crm.sfdc_dbx.properties_to_update",
        helps="Fix the company join in rds_properties_enriched first, then rerun the UPDATE sync.",
    )
    return replace(clean, **changes)  # type: ignore[arg-type]
