"""What the bot says of actions on syncs: their dialogs, their progress and outcome, their buttons on answers.

`UPDATE_GOLDEN=1` writes tests/golden/actions anew; read the difference before you keep it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.alerts.model import ITSELF, Action, ActionKind, ActionState, Incident
from bot.alerts.run_errors import run_error
from bot.answers.consent import FactChange, PauseAllFacts
from bot.answers.syncs import SyncRuns
from bot.facts import RunStatus, Schedule
from bot.messages.queue import queue_message
from bot.messages.summary import summary_message
from bot.messages.sync_dialogs import action_modal, pause_all_modal
from bot.messages.syncs import runs_message
from bot.model import Kind
from checks.model import Outcome
from tests.unit import payloads as common
from tests.unit import samples
from tests.unit.payloads import LINKED, SETTINGS, Payload, alert, golden, said
from tests.unit.samples import (
    NOW,
    ZONE,
    action,
    ended,
    evaluation,
    incident,
    minutes,
    recovering,
    run,
    summary,
    sync_a,
    sync_facts,
    sync_status,
    working,
)
from tests.unit.test_command_messages import queue, trouble

GOLDEN = common.GOLDEN / "actions"
faults = common.faults  # the fixture
SYNC_A, SYNC_B = SETTINGS.syncs
FAILING = replace(
    samples.result(Outcome.CRITICAL, 3.0), summary="Last 3 runs of Sync B failed: INVALID_SESSION_ID", sync="Sync B"
)
RUN = {"run_id": 501, "run_status": "working", "began_at": NOW + minutes(8), "records_total": 246}
CAUSES = (
    "FIELD_CUSTOM_VALIDATION_EXCEPTION: 6 records; a rerun does not help. Correct the value in the source.",
    "UNABLE_TO_LOCK_ROW: 1 record; a rerun helps. Another process held the record.",
)
NOT_HELPED = "Not recovered: 60 Salesforce records missing company name. What was written reaches the warehouse later."
PAUSED = action(ActionState.FINISHED, kind=ActionKind.PAUSE, id=2, by="U0ROBIN", reason="Wrong names are written")
PAUSE_ALL = PauseAllFacts(
    as_of=NOW, on=("Sync A", "Sync B"), paused=(), unknown=(), running=("Sync B",), latest_action_id=4
)
STATES = tuple(ActionState)
VERDICTS = {
    (ActionKind.PAUSE, ActionState.FAILED): "Census did not confirm the request, and shows the sync on.",
    (ActionKind.RESUME, ActionState.FAILED): "Nothing was done: Census answered 403.",
    (ActionKind.CANCEL, ActionState.FAILED): "The run had completed before it was canceled.",
    (ActionKind.PAUSE_ALL, ActionState.REQUESTED): "Not paused yet: Sync B: Census answered 503",
    (ActionKind.PAUSE_ALL, ActionState.FAILED): "Not paused: Sync B: Census answered 503",
    (
        ActionKind.RESUME,
        ActionState.FINISHED,
    ): "Next run {2026-01-09T11:15:00+00:00} · 412 pending records (as of {2026-01-09T11:05:00+00:00})",
    (ActionKind.CANCEL, ActionState.FINISHED): "What it had written before stays written.",
}


def told(of: Action, about: Incident | None = None, alone: bool = False) -> Payload:
    """The message of an action in the thread of an incident, or in the channel."""
    if alone:
        return alert(Kind.RUN, LINKED, action=replace(of, incident_id=None), incident=None, thread=())
    return alert(Kind.RUN, LINKED, action=of, about=about)


def change(kind: ActionKind, state: ActionState, **changes: object) -> Action:
    """A pause, a resume or a cancellation of Sync B, or a pause of all."""
    facts: dict[str, object] = {"kind": kind, "verdict": VERDICTS.get((kind, state), ""), "reason": ""}
    if kind is ActionKind.CANCEL:
        facts |= {**RUN, "records_updated": 80, "records_failed": 0, "records_invalid": 0}
    if kind is ActionKind.PAUSE_ALL:
        facts |= {"sync": "", "incident_id": None, "reason": "Wrong names are written"}
    return action(state, **facts | changes)


def dialog(kind: ActionKind = ActionKind.RERUN, *changes: FactChange, reason: str = "", **facts: object) -> Payload:
    return action_modal(sync_facts(kind=kind, **facts), ZONE, changes, reason)


def a_summary(**changes: Any) -> Payload:
    looked = evaluation(syncs=changes.pop("statuses", (sync_a(), sync_status())))
    return said(summary_message(replace(summary(looked), syncs=SETTINGS.syncs, **changes), ZONE))


def runs(*found: Any) -> Payload:
    failed = found[0].status is RunStatus.FAILED
    failure = run_error(found[0].error, None, SETTINGS.rejections) if failed else None
    of = SyncRuns("Sync B (UPDATE)", tuple((one, 0.0) for one in found), sync=SYNC_B, failure=failure)
    return said(runs_message([of], ZONE, NOW))


OFF = Schedule("hourly", paused=True)
RICH = {
    "last_run": run(),
    "usual": minutes(5),
    "next_run": NOW + minutes(10),
    "dependents": ("Sync C", "Sync D"),
}
RERUN, PAUSE, RESUME, CANCEL = ActionKind.RERUN, ActionKind.PAUSE, ActionKind.RESUME, ActionKind.CANCEL
GOLDENS: dict[str, Callable[[], Payload]] = {
    # -- a rerun, from the request to its outcome
    "rerun_requested_by_sync_health": lambda: told(action(by=ITSELF, reason="Clean backlog, source correct")),
    "rerun_requested_of_a_paused_sync": lambda: told(action(resumes=True)),
    "rerun_requested_in_the_channel": lambda: told(action(), alone=True),
    "rerun_not_yet_confirmed": lambda: told(
        action(verdict="Census has not confirmed the request; still looking for the run.")
    ),
    "full_sync_requested": lambda: told(action(full_sync=True)),
    "rerun_queued": lambda: told(action(ActionState.RUNNING, run_id=501, run_status="queued")),
    "rerun_running_with_time_left": lambda: told(
        action(ActionState.RUNNING, **RUN, records_updated=80, counted_at=NOW + minutes(9.6))
    ),
    "rerun_running_too_few_for_a_rate": lambda: told(
        action(ActionState.RUNNING, **RUN, records_updated=4, counted_at=NOW + minutes(9))
    ),
    "full_sync_running": lambda: told(action(ActionState.RUNNING, full_sync=True, **RUN)),
    "rerun_checking": lambda: told(ended(ActionState.CHECKING)),
    "rerun_finished_clean_in_the_channel": lambda: told(ended(verdict="The pipeline was evaluated again."), alone=True),
    "rerun_finished_by_sync_health": lambda: told(
        ended(
            by=ITSELF,
            verdict="Evaluated again: 12 missing company name. Resolves {2026-01-09T11:31:00+00:00} if it stays there.",
        ),
        recovering(),
    ),
    "rerun_finished_with_causes": lambda: told(
        ended(records_updated=239, records_failed=6, records_invalid=1, verdict=NOT_HELPED, rejections=CAUSES),
        incident(),
    ),
    "rerun_finished_not_recovered": lambda: told(ended(verdict=NOT_HELPED), incident()),
    "rerun_finished_unknown_counts": lambda: told(
        ended(records_updated=None, records_failed=None, records_invalid=None, verdict="Status is unknown.")
    ),
    "full_sync_finished": lambda: told(ended(full_sync=True, records_updated=18_722, records_total=18_722)),
    "run_followed_finished": lambda: told(ended(adopted=True, began_at=NOW), recovering()),
    "rerun_failed_halfway": lambda: told(
        ended(ActionState.FAILED, records_updated=50, verdict="Census says that the run failed: INVALID_SESSION_ID.")
    ),
    "rerun_failed_at_once": lambda: told(action(ActionState.FAILED, verdict="Nothing was done: Census answered 403.")),
    "rerun_unknown": lambda: told(
        action(ActionState.UNKNOWN, **RUN, records_updated=50, verdict="Census no longer knows this run.")
    ),
    # -- changes, in each of their states
    **{
        f"{kind.replace(' ', '_')}_{state}": lambda kind=kind, state=state: told(change(kind, state))
        for kind in (PAUSE, RESUME, CANCEL, ActionKind.PAUSE_ALL)
        for state in STATES
    },
    "pause_finished_by_sync_health": lambda: told(
        change(PAUSE, ActionState.FINISHED, by=ITSELF, reason="240 suspect records pending")
    ),
    "pause_finished_in_the_channel": lambda: told(
        change(PAUSE, ActionState.FINISHED, reason="wrong names"), alone=True
    ),
    "resume_finished_and_nothing_else_known": lambda: told(change(RESUME, ActionState.FINISHED, verdict="")),
    "pause_all_finished_but_for_one": lambda: told(
        change(
            ActionKind.PAUSE_ALL,
            ActionState.FINISHED,
            verdict="All other syncs are paused. Left as they are, by a later request: Sync A.",
        )
    ),
    # -- dialogs
    "dialog_rerun": lambda: dialog(**RICH),
    "dialog_rerun_typed": lambda: dialog(incident_id=None),
    "dialog_rerun_without_a_queue": lambda: dialog(queue=None, source=None, last_run=run(records_failed=None)),
    "dialog_rerun_paused_by_robin": lambda: dialog(paused=True, paused_by=PAUSED, **RICH),
    "dialog_rerun_paused_by_sync_health": lambda: dialog(paused=True, paused_by=replace(PAUSED, by=ITSELF)),
    "dialog_rerun_paused_in_census": lambda: dialog(paused=True),
    "dialog_rerun_running": lambda: dialog(running=working()),
    "dialog_rerun_nothing_pending": lambda: dialog(queue=0),
    "dialog_rerun_suspect": lambda: dialog(
        suspicious=2, suspects=("no company name",), examples=("a0XDEMO01", "a0XDEMO02"), **RICH
    ),
    "dialog_rerun_suspect_and_paused": lambda: dialog(suspicious=2, paused=True),
    "dialog_rerun_unknown": lambda: dialog(queue=None, suspicious=None),
    "dialog_rerun_critical": lambda: dialog(critical=("Missing company names", "Company = property name")),
    "dialog_rerun_after_a_failed_run": lambda: dialog(
        last_run=run(status=RunStatus.FAILED, error="INVALID_SESSION_ID: session expired", records_updated=None)
    ),
    "dialog_full_sync": lambda: dialog(RERUN, FactChange.FULL_SYNC, reason="The view is fixed", full_sync=True),
    "dialog_full_sync_risky_and_paused": lambda: dialog(
        RERUN, FactChange.FULL_SYNC, full_sync=True, paused=True, suspicious=2, usual=minutes(40)
    ),
    "dialog_rerun_again_with_the_reason": lambda: dialog(
        RERUN, FactChange.SUSPECT, FactChange.PAUSED, reason="The view is fixed", suspicious=2, paused=True
    ),
    "dialog_rerun_long_name": lambda: dialog(
        sync="Customer accounts of the north", label="Customer accounts of the north"
    ),
    "dialog_pause": lambda: dialog(PAUSE, suspicious=2, **RICH),
    "dialog_pause_while_running": lambda: dialog(PAUSE, running=working(), queue=None, suspicious=None),
    "dialog_pause_paused": lambda: dialog(PAUSE, paused=True, paused_by=PAUSED),
    "dialog_resume": lambda: dialog(RESUME, paused=True, paused_by=PAUSED, **RICH),
    "dialog_resume_suspect": lambda: dialog(RESUME, paused=True, suspicious=2, suspects=("no company name",)),
    "dialog_resume_nothing_pending": lambda: dialog(RESUME, paused=True, queue=0),
    "dialog_resume_while_running": lambda: dialog(RESUME, paused=True, running=working()),
    "dialog_resume_not_paused": lambda: dialog(RESUME),
    "dialog_cancel": lambda: dialog(CANCEL, running=working()),
    "dialog_cancel_without_a_run": lambda: dialog(CANCEL),
    "dialog_cancel_another_run": lambda: dialog(CANCEL, FactChange.RUN_ENDED, reason="wrong", running=working(id=502)),
    "dialog_pause_all": lambda: pause_all_modal(PAUSE_ALL, ZONE),
    "dialog_pause_all_some": lambda: pause_all_modal(
        replace(
            PAUSE_ALL, on=("Sync B",), paused=("Sync A",), unknown=(("Sync C", "Census answered 503"),), running=()
        ),
        ZONE,
    ),
    "dialog_pause_all_unknown": lambda: pause_all_modal(
        replace(PAUSE_ALL, on=(), unknown=(("Sync A", "Census answered 503"),), running=()), ZONE
    ),
    "dialog_pause_all_paused": lambda: pause_all_modal(replace(PAUSE_ALL, on=(), paused=("Sync A", "Sync B")), ZONE),
    # -- buttons on answers
    "summary_with_a_paused_sync": lambda: a_summary(statuses=(sync_a(), sync_status(schedule=OFF))),
    "summary_with_all_paused": lambda: a_summary(statuses=(sync_a(schedule=OFF), sync_status(schedule=OFF))),
    "summary_with_suspect_records": lambda: a_summary(statuses=(sync_a(), sync_status(suspicious=3))),
    "summary_with_suspect_records_everywhere": lambda: a_summary(
        statuses=(sync_a(suspicious=1), sync_status(suspicious=3)), has_audit_log=False
    ),
    "queue_to_rerun": lambda: said(queue_message([queue(sync=SYNC_B)], ZONE, NOW)),
    "queue_to_pause_or_rerun": lambda: said(queue_message([trouble(sync=SYNC_B)], ZONE, NOW)),
    "queue_of_a_sync_whose_runs_fail": lambda: said(
        queue_message([queue(sync=SYNC_B, troubles=(FAILING,), in_vain=True)], ZONE, NOW)
    ),
    "queue_of_a_sync_that_runs": lambda: said(queue_message([queue(sync=SYNC_B, running=True)], ZONE, NOW)),
    "queue_of_a_paused_sync": lambda: said(queue_message([queue(sync=SYNC_B, paused=True)], ZONE, NOW)),
    "runs_to_cancel": lambda: runs(working(), run(status=RunStatus.FAILED)),
    "runs_to_rerun": lambda: runs(run(status=RunStatus.FAILED, error="503: try again later"), run()),
    "runs_that_fail_until_something_is_fixed": lambda: runs(run(status=RunStatus.FAILED, error="INVALID_SESSION_ID")),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_message_about_an_action_is_as_its_golden_and_slack_would_take_it(
    name: str, faults: Callable[[Payload], list[str]]
) -> None:
    payload = GOLDENS[name]()
    assert payload == golden(GOLDEN / f"{name}.json", payload)
    assert faults(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)
