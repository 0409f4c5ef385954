"""What the typed commands answer: golden payloads, and text from anywhere."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts.model import ITSELF, TEST_ALERT, ActionKind, ActionState, Did, Entry, Incident
from bot.alerts.rejected_again import RejectedAgain, pending_again
from bot.alerts.rejections import Needs, Rejection, group_by_cause
from bot.alerts.trends import Trend
from bot.answers.history import PostMortem, Snapshot
from bot.answers.syncs import PendingRecord, Queue, SyncErrors, SyncRuns, SyncSchedule
from bot.config.settings import Settings
from bot.facts import RunStatus, Schedule
from bot.messages.errors import NEEDS, errors_message
from bot.messages.incident_markdown import markdown_message
from bot.messages.incidents import MOST, incident_message, incidents_message
from bot.messages.queue import queue_message
from bot.messages.snapshot import snapshot_message
from bot.messages.syncs import runs_message, schedules_message
from bot.runtime.composition import settings_from
from checks.model import Outcome, Severity
from tests.fakes import shipped_settings
from tests.unit import payloads as common
from tests.unit.payloads import Payload, golden, said, text_of
from tests.unit.samples import (
    NOW,
    OPERATOR,
    ZONE,
    acknowledged,
    action,
    incident,
    minutes,
    post_mortem,
    recovering,
    resolved,
    result,
    run,
    working,
)

GOLDEN = common.GOLDEN / "commands"
LINK = "https://example.slack.com/archives/C0ALERTS/p1?thread_ts=1.0&cid=C0ALERTS"
faults = common.faults  # the fixture


def queue(**changes: Any) -> Queue:
    """180 rows of which 60 went in the last two hours."""
    well: dict[str, Any] = {
        "label": "Sync B (UPDATE)",
        "source": "crm.sfdc_dbx.properties_to_update",
        "size": 180,
        "judged": result(value=180.0, warn="> 500", critical="> 1000"),
        "oldest": timedelta(hours=5, minutes=12),
        "trend": Trend(60, timedelta(hours=2), timedelta(hours=6)),
        "keys": ("rds_property_id", "sfdc_id"),
        "groups": (("state", (("CA", 80), ("TX", 60), ("", 40))), ("company", (("Company & Sons", 20), ("", 2)))),
        "first": (
            PendingRecord(("108610", "a0XDEMO00000008610"), None),
            PendingRecord(("108187", "a0XDEMO00000008187"), None),
        ),
    }
    return Queue(**well | changes)


SUSPECTS = (("no company name", 1), ("company name is the property name", 1))


def trouble(**changes: Any) -> Queue:
    """One that grows, with rows that must not be written."""
    rows = (
        PendingRecord(("1", "a0X1"), "no company name"),
        PendingRecord(("2", "a0X2"), "company name is the property name"),
    )
    bad = result(Outcome.CRITICAL, 1180.0, warn="> 500", critical="> 1000")
    growing = Trend(-30, timedelta(hours=1), None)
    return queue(size=1180, judged=bad, suspects=SUSPECTS, suspect=rows, trend=growing, **changes)


def queues(*shown: Queue) -> Payload:
    return said(queue_message(shown, ZONE, NOW))


def runs(*shown: SyncRuns) -> Payload:
    return said(runs_message(shown, ZONE, NOW))


def schedules(*shown: SyncSchedule) -> Payload:
    return said(schedules_message(shown, ZONE, NOW))


def errors(*shown: SyncErrors) -> Payload:
    return said(errors_message(shown, ZONE, NOW))


def opened(*shown: Any, link: bool = True) -> Payload:
    return said(incidents_message(len(shown), shown[:MOST], {one.id: LINK for one in shown} if link else {}, ZONE))


UNKNOWN = queue(
    size=None,
    trend=None,
    error="table rds.pg_rds_public.properties is empty",
    judged=result(Outcome.NO_DATA, None, warn="> 500"),
)
EVERY_RUN = (
    (run(records_updated=178, records_failed=2), 1.11),
    (run(records_failed=None, records_invalid=None, records_updated=None), None),
    (working(), 0.0),
    (run(dry_run=True), 0.0),
    (run(status=RunStatus.CANCELLED), 0.0),
    (run(status=RunStatus.SKIPPED, records_updated=None), None),
    (run(status=RunStatus.FAILED, error="<the connection>\nbroke & " + "more " * 40), 0.0),
    (run(status=RunStatus.UNKNOWN), None),
    (run(records_updated=0), 0.0),
)
SCHEDULES = tuple(
    SyncSchedule(frequency, Schedule(frequency, paused=paused, day="Monday", cron="0 7 * * 1-5"), next_run)
    for frequency, paused, next_run in [
        ("quarter_hourly", False, NOW + minutes(10)),
        ("weekly", False, NOW + minutes(60 * 24)),
        ("expression", False, NOW + minutes(60)),
        ("expression", False, None),
        ("continuous", False, None),
        ("hourly", True, None),
        ("never", False, None),
        ("never", True, None),
        ("fort<nightly>", False, None),
    ]
) + tuple(
    SyncSchedule(label, Schedule("never", paused=paused, triggers=triggers, external=external))
    for label, paused, triggers, external in [
        ("a sequence", False, ("sync_sequence",), False),
        ("several", False, ("fivetran", "dbt_cloud", "on_a_<full>_moon"), False),
        ("live", True, ("live",), False),
        ("external", False, (), True),
    ]
)
FLOW = (
    "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the “Property & Unit Rollup” process failed. This "
    "error occurred when the flow tried to update records: INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Status: bad value "
    "for restricted picklist field: LEASE<UP>. You can look up ExceptionCode values. Error ID: 1-2 (3):--"
)
REJECTED = group_by_cause(
    known=settings_from({}).rejections,
    rejections=[
        *(Rejection(f"a0XDEMO{n:011}", "rejected", FLOW) for n in range(297)),
        *(Rejection(f"a0XDEMO{n:011}", "rejected", "UNABLE_TO_LOCK_ROW:unable to obtain access:--") for n in (7, 8)),
        Rejection("", "null", ""),
        Rejection("9", "rejected", "Somebody said no to jane@example.com"),
    ],
)
AGAIN = [
    *(Rejection(f"{n}", "rejected", FLOW) for n in range(30)),
    *(Rejection(f"{n}", "rejected", "UNABLE_TO_LOCK_ROW:unable to obtain access:--") for n in range(30, 37)),
]
GROWING = Trend(-90, timedelta(hours=1), None)


def rejected_again(lost: int = 37, *, known: list[Rejection] = AGAIN, pending: int = 37) -> RejectedAgain:
    """Of what the last run could not write so many are pending."""
    found = set(map(str, range(pending)))
    return pending_again(run(), lost, known, found, settings_from({}).rejections)


def with_rejections(rejected: RejectedAgain, **changes: Any) -> Payload:
    sync = shipped_settings().syncs[1]
    return queues(queue(rejected=rejected, sync=sync, **changes))


LATELY = run(records_updated=7263, records_failed=617, records_invalid=1)
SNOOZED = acknowledged(id=8, snoozed_by=OPERATOR, snoozed_until=NOW + minutes(120))
STORY = resolved(
    timeline=(
        *resolved().timeline,
        Entry(NOW + minutes(20), Did.SNOOZED, OPERATOR, "for 2h"),
        Entry(NOW + minutes(26), Did.RESOLVED, detail="12 have no name"),
    )
)
REOPENED = resolved(
    severity=Severity.WARN,
    timeline=(
        Entry(NOW, Did.OPENED, detail="246 Salesforce records missing company name"),
        Entry(NOW + minutes(2), Did.ESCALATED),
        Entry(NOW + minutes(16), Did.RESOLVED),
        Entry(NOW + minutes(20), Did.REOPENED),
        Entry(NOW + minutes(22), Did.EASED),
        Entry(NOW + minutes(26), Did.RESOLVED_BY_HAND, OPERATOR, "the view is fixed"),
    ),
)
KNOWN_WELL = {
    "causes": ("`company_name` is NULL since {2026-01-09T10:50:00+00:00}, by {@U0ROBIN}",),
    "examples": ("row a0XDEMO00000000001", "row a0XDEMO00000000002"),
    "explained_by": "Sync <overdue>",
}
EVERY_ACTION = tuple(
    action(state, id=n, kind=kind, requested_at=NOW + minutes(n), **more)
    for n, (state, kind, more) in enumerate(
        [
            (ActionState.FAILED, ActionKind.PAUSE, {"ended_at": NOW + minutes(1), "verdict": "Census answered 503"}),
            (ActionState.UNKNOWN, ActionKind.CANCEL, {}),
            (ActionState.FINISHED, ActionKind.PAUSE_ALL, {"sync": "", "by": ITSELF, "reason": "as {@U0ROBIN} said"}),
            (ActionState.RUNNING, ActionKind.RERUN, {"full_sync": True, "run_id": 502, "records_updated": 1200}),
        ]
    )
)


def of_a_fact() -> Incident:
    """A schedule that is off."""
    return resolved(check="schedule_enabled", sync="Sync B", title="Schedule off", source="census", limit="= 0")


def told_of(found: PostMortem, settings: Settings = common.SETTINGS) -> Payload:
    return said(incident_message(found, settings))


def told_as_markdown(found: PostMortem, settings: Settings = common.SETTINGS) -> Payload:
    return said(markdown_message(found, settings))


NUMBERS = ("coverage_percentage", "enriched_rows", "salesforce_rows", "gap", "null_company_names")
QUEUES = ("Sync A/backlog", "Sync B/backlog")
AFTER = dict(zip((*NUMBERS, *QUEUES), (96.1, 20274, 18722, 778, 7, 12, None), strict=True))
BEFORE = dict(zip((*NUMBERS, *QUEUES), (95.9, 20274, 18700, -3, None, 30, 180), strict=True))


def snapshots(**changes: Any) -> Payload:
    taken = {"previous_id": "daily_snapshot_20260108", "previous": BEFORE} | changes
    return snapshot_message(
        Snapshot("manual_snapshot_20260109T110500Z", NOW, OPERATOR, AFTER, **taken), shipped_settings()
    ).payload()


GOLDENS: dict[str, Callable[[], Payload]] = {
    "snapshot": snapshots,
    "snapshot_that_was_there": lambda: snapshots(existed=True),
    "snapshot_first": lambda: snapshots(previous_id=None, previous={}),
    "queue": lambda: queues(queue()),
    "queue_in_trouble": lambda: queues(trouble()),
    "queue_unknown": lambda: queues(UNKNOWN),
    "queue_empty": lambda: queues(queue(size=0, oldest=None, trend=Trend(3, timedelta(hours=1), timedelta(0)))),
    "queue_that_grows": lambda: queues(
        queue(size=730, trend=GROWING, judged=result(Outcome.WARN, 730.0, warn="> 500", critical="> 1000"))
    ),
    "queue_rejected_again": lambda: with_rejections(rejected_again()),
    "queue_rejected_again_in_part": lambda: with_rejections(rejected_again(1204, known=AGAIN * 1)),
    "queue_all_rejected_again": lambda: with_rejections(rejected_again(30, known=AGAIN[:30], pending=30), size=30),
    "queue_rejections_that_may_pass": lambda: with_rejections(rejected_again(1, known=AGAIN[-1:])),
    "queue_none_rejected_again": lambda: with_rejections(rejected_again(pending=0)),
    "queue_rejections_without_details": lambda: with_rejections(
        RejectedAgain(run(), 12, error="Census has no record details yet, or no longer keeps them")
    ),
    "queue_rejections_unknown": lambda: with_rejections(RejectedAgain(error="Census cannot be reached")),
    "queue_with_names_that_are_markup": lambda: queues(
        queue(groups=(("state", (("<!channel> & <b>", 7), ("*x*", 1))),), label="<@U1> & co", size=100_000)
    ),
    "queue_without_optional_columns": lambda: queues(queue(oldest=None, groups=(), keys=(), first=(), trend=None)),
    "queues": lambda: queues(
        queue(label="Sync A (CREATE)", trend=None), trouble(), queue(trend=Trend(0, timedelta(hours=2), None))
    ),
    "runs": lambda: runs(SyncRuns("Sync A", ((run(), 0.0),) * 10), SyncRuns("Sync B", EVERY_RUN)),
    "runs_in_progress": lambda: runs(
        SyncRuns("Sync B", ((working(), None), (run(), 0.0)), running=working(), expected=timedelta(minutes=10))
    ),
    "runs_not_known": lambda: runs(SyncRuns("Sync A"), SyncRuns("Sync B", error="Census answered 503: try again")),
    "errors": lambda: errors(SyncErrors("Sync B (UPDATE)", LATELY, 617, 1, 301, REJECTED)),
    "errors_of_every_sync": lambda: errors(
        SyncErrors("none", run(records_updated=178)),
        SyncErrors("late & later", run(records_updated=None), 7, 0),
        SyncErrors("never ran"),
        SyncErrors("Sync B", LATELY, 300, 1, 301, REJECTED),
        SyncErrors("silent", error="Census answered 503: try again"),
    ),
    "schedules": lambda: schedules(*SCHEDULES, SyncSchedule("Sync B", error="Census cannot be reached")),
    "incidents_none": lambda: opened(),
    "incidents": lambda: opened(incident(), SNOOZED, recovering(id=9, limit=None)),
    "incidents_more_than_fit": lambda: opened(*(incident(id=n) for n in range(12)), link=False),
    "incident": lambda: told_of(post_mortem(STORY)),
    "incident_open": lambda: told_of(post_mortem(incident(), actions=(), values=())),
    "incident_with_links": lambda: told_of(
        post_mortem(resolved(**KNOWN_WELL), beside=tuple(range(8, 24))), settings=common.LINKED
    ),
    "incident_of_a_fact": lambda: told_of(post_mortem(of_a_fact(), actions=())),
    "incident_of_a_test": lambda: told_of(
        post_mortem(incident(check=TEST_ALERT, key="properties/test-alert", title="Test alert"), actions=(), values=())
    ),
    "incident_whose_check_is_gone": lambda: told_of(post_mortem(resolved(check="former"), values=(), actions=())),
    "incident_reopened_and_eased": lambda: told_of(post_mortem(REOPENED, actions=EVERY_ACTION)),
    "incident_as_markdown": lambda: told_as_markdown(post_mortem(STORY)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_an_answer_is_as_its_golden_and_slack_would_take_it(name: str, faults: Callable[[Payload], list[str]]) -> None:
    payload = GOLDENS[name]()
    assert payload == golden(GOLDEN / f"{name}.json", payload)
    assert faults(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


def test_a_dry_run_a_cancelled_and_a_skipped_one_are_told_apart_and_none_is_a_success() -> None:
    for one, word in zip(EVERY_RUN[3:6], ("Dry run", "Canceled", "Skipped"), strict=True):
        text = json.dumps(runs(SyncRuns("B", (one,))), ensure_ascii=False)
        assert word in text
        assert "✅" not in text


def test_whatever_the_cause_it_is_said_whether_a_rerun_helps_and_only_once_that_it_does() -> None:
    assert set(NEEDS) == set(Needs)
    assert [needs for needs, said in NEEDS.items() if "a rerun helps" in said and "unknown" not in said] == [
        Needs.TRANSIENT
    ]


def test_part_of_the_records_is_not_told_as_all_of_them() -> None:
    assert "Of 618, the first 301 were read." in text_of(GOLDENS["errors"]())
    assert "were read" not in text_of(errors(SyncErrors("B", LATELY, 300, 1, 301, REJECTED)))


def test_details_that_are_late_are_not_told_as_no_rejections() -> None:
    text = text_of(errors(SyncErrors("B", LATELY, 617, 1)))
    assert "no record details yet (they can lag minutes behind)" in text
    assert "✅" not in text
    assert "✅ Nothing was rejected" in text_of(errors(SyncErrors("B", LATELY)))


def test_nothing_of_a_message_s_personal_part_is_told() -> None:
    text = text_of(GOLDENS["errors"]())
    assert "jane" not in text
    assert "“LEASE&lt;UP&gt;”" in text


def test_a_schedule_that_nobody_can_read_says_so_and_guesses_nothing() -> None:
    text = text_of(schedules(SCHEDULES[3], SCHEDULES[8]))
    assert text.count("next run unknown") == 2
    assert text.count("<!date") == 1, "when Census said so"
    assert "fort&lt;nightly&gt;" in text


def test_an_unknown_queue_is_not_shown_as_an_empty_one() -> None:
    text = text_of(queues(UNKNOWN))
    assert "pending records unknown" in text
    assert "0 pending" not in text
    assert "✅" not in text


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (timedelta(days=-2, hours=-3), "❔ Unknown: `changed_at` is 2 d 3 h in the future"),
        (timedelta(days=739_676), "❔ Unknown: `changed_at` is more than 50 years ago"),
        (timedelta(minutes=-1), "0 s ago"),
        (timedelta(days=4000), "4000 d ago"),
    ],
)
def test_an_oldest_record_of_a_time_that_cannot_be_is_unknown(age: timedelta, told: str) -> None:
    assert told in text_of(queues(queue(oldest=age)))


def test_a_story_with_many_changes_keeps_the_latest() -> None:
    entries = tuple(Entry(NOW + minutes(n), Did.RELAPSED, OPERATOR, f"change {n}.") for n in range(200))
    text = text_of(told_of(post_mortem(incident(timeline=entries), actions=())))
    assert "160 earlier events: `sync-health incident 7 --markdown` shows them" in text
    assert "change 199." in text
    assert "change 159." not in text
