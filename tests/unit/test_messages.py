"""What the bot says: golden payloads that can be pasted into Slack's Block Kit Builder.

`UPDATE_GOLDEN=1` writes tests/golden anew; read the difference before you keep it.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerts.model import ActionState, Did, Entry
from bot.answers.consent import FactChange
from bot.answers.health import Summary
from bot.facts import RunStatus, Schedule
from bot.messages.by_hand import (
    escalate_answer,
    more_modal,
    note_answer,
    note_modal,
    resolve_answer,
    resolve_modal,
    snooze_modal,
)
from bot.messages.maintenance import maintenance_begun
from bot.messages.menu import behind_more, entries
from bot.messages.plain import (
    already_acknowledged,
    failure,
    help_message,
    note,
    snooze_answer,
    taken_over,
    unacknowledged,
    unknown_command,
)
from bot.messages.summary import summary_message
from bot.messages.sync_dialogs import action_modal, answer_modal, loading_modal
from bot.model import Kind, Outage
from checks.model import Outcome
from tests.unit import payloads
from tests.unit.payloads import (
    COMMAND,
    COMMANDS,
    GOLDEN,
    LINKED,
    OWN,
    OWNED,
    PAGING,
    RUNNING,
    SUSPECT,
    WARNING,
    Payload,
    a_test,
    alert,
    by_hand,
    closed,
    coverage,
    digest,
    escalated_by_hand,
    fact,
    fact_of_census,
    flapping,
    golden,
    held,
    maintenance_report,
    markup,
    nudged,
    partly_snoozed,
    said,
    shown,
    still_firing,
    told,
    unsent,
    waiting,
    would_have_paused,
)
from tests.unit.samples import (
    NOW,
    OPERATOR,
    ZONE,
    acknowledged,
    action,
    course,
    critical_evaluation,
    ended,
    evaluation,
    incident,
    minutes,
    recovering,
    resolved,
    result,
    run,
    summary,
    sync_a,
    sync_facts,
    sync_status,
    thread,
    working,
)

faults = payloads.faults  # the fixture


GOLDENS: dict[str, Callable[[], Payload]] = {
    "root_firing_critical": lambda: alert(Kind.ROOT),
    "root_with_its_cause": lambda: alert(
        Kind.ROOT, OWNED, about=incident(causes=(SUSPECT,), offers=("pause",), helps="Fix the view first.")
    ),
    "root_with_two_causes": lambda: alert(
        Kind.ROOT,
        about=incident(causes=("Sync B's last 6 runs failed: INVALID_SESSION_ID", RUNNING), offers=("follow",)),
    ),
    "root_firing_warn": lambda: alert(Kind.ROOT, about=incident(**WARNING)),
    "root_acked": lambda: alert(Kind.ROOT, about=acknowledged()),
    "root_without_a_rerun": lambda: alert(Kind.ROOT, about=incident(rerun=None)),
    "root_acked_without_a_rerun": lambda: alert(Kind.ROOT, about=acknowledged(rerun=None)),
    "root_recovering": lambda: alert(Kind.ROOT, about=recovering()),
    "root_resolved": lambda: alert(Kind.ROOT, about=resolved()),
    "root_of_a_fact": lambda: alert(Kind.ROOT, about=fact()),
    "evidence_of_a_fact": lambda: alert(Kind.EVIDENCE, about=fact(), values=course(1.0, 0.0)),
    "root_of_a_test": lambda: alert(Kind.ROOT, about=a_test()),
    "evidence_of_a_test": lambda: alert(Kind.EVIDENCE, about=a_test(), values=course(1.0)),
    "reminder_of_a_test": lambda: alert(Kind.REMINDER, about=a_test()),
    "root_snoozed_and_flapping": lambda: alert(Kind.ROOT, about=flapping()),
    "root_resolved_of_a_sync": lambda: alert(
        Kind.ROOT, about=resolved(title="Rejected records", sync="Sync B", value=0.4, limit="> 5%")
    ),
    "evidence_in_percent": lambda: alert(
        Kind.EVIDENCE, about=incident(value=13.333, limit="> 5%", clear="<= 0.95%"), values=course(0.0, 13.333)
    ),
    "root_closed": lambda: alert(Kind.ROOT, about=closed()),
    "closed": lambda: alert(Kind.RESOLVED, about=closed()),
    "root_not_evaluated": lambda: alert(Kind.ROOT, about=incident(not_evaluated_since=NOW + minutes(5))),
    "root_explained_by_another": lambda: alert(
        Kind.ROOT, about=acknowledged(not_evaluated_since=NOW + minutes(5), explained_by="Census schedule")
    ),
    "evidence_with_examples_and_links": lambda: alert(
        Kind.EVIDENCE,
        LINKED,
        about=incident(examples=("row a0B1", "row a0B2", "row a0B3"), runbook="null-company-names"),
        values=course(4.0, 246.0),
    ),
    "evidence_of_a_run": lambda: alert(
        Kind.EVIDENCE, about=fact_of_census(examples=("run 501",), title="Rejected rows", value=7.0, limit="> 5")
    ),
    "evidence_of_an_own_statement": lambda: alert(Kind.EVIDENCE, OWN, about=incident(check="stale", rerun=None)),
    "run_linked": lambda: alert(Kind.RUN, LINKED, action=action(ActionState.RUNNING, run_id=501)),
    "shared_root": lambda: alert(Kind.ROOT, thread=thread()),
    "shared_root_all_open": lambda: alert(Kind.ROOT, thread=tuple(incident(id=n, thread_id=1) for n in range(1, 8))),
    "shared_root_of_very_many": lambda: alert(Kind.ROOT, thread=tuple(incident(id=n) for n in range(1, 201))),
    "shared_root_resolved": lambda: alert(Kind.ROOT, thread=tuple(resolved(id=n) for n in range(1, 8))),
    "shared_root_partly_snoozed": lambda: alert(Kind.ROOT, thread=partly_snoozed()),
    "shared_evidence": lambda: alert(Kind.EVIDENCE, thread=thread()),
    "shared_end": lambda: alert(Kind.RESOLVED, thread=tuple(resolved(id=n) for n in range(1, 8))),
    "reminder_of_many": lambda: alert(Kind.REMINDER, about=nudged(Did.REMINDED), thread=thread()),
    "maintenance_begins": lambda: alert(
        Kind.MAINTENANCE,
        maintenance=replace(ended := maintenance_report(), window=replace(ended.window, ended_at=None)),
    ),
    "maintenance": lambda: alert(Kind.MAINTENANCE, maintenance=maintenance_report()),
    "maintenance_ended_early": lambda: alert(
        Kind.MAINTENANCE, maintenance=maintenance_report(opened=(), resolved=(), still_open=(), ended_by="U0ROBIN")
    ),
    "maintenance_begun": lambda: said(maintenance_begun(maintenance_report().window, ZONE, COMMAND)),
    "summary_in_maintenance": lambda: shown(summary(maintenance=maintenance_report().window)),
    "digest_with_everything": lambda: digest(
        evaluation(Outcome.WARN, results=(result(), result(Outcome.WARN, 41.0)), warehouse_at=NOW - minutes(20)),
        opened=(acknowledged(), incident(id=8, title="Coverage", opened_at=NOW - minutes(90)), incident(id=9)),
        resolved=4,
        links={8: "https://slack.example/archives/C0ALERTS/p1"},
        undelivered=(waiting(),),
        outages=(Outage(NOW - minutes(60), NOW - minutes(45)),),
        absences=(Outage(NOW - minutes(200), NOW - minutes(80)),),
    ),
    "digest_healthy": lambda: digest(evaluation()),
    "digest_in_trouble": lambda: digest(critical_evaluation(), opened=thread(), resolved=2),
    "digest_census_down": lambda: digest(
        evaluation(Outcome.ERROR, results=(result(Outcome.ERROR, None),), problems=("Census, Sync B: 503",))
    ),
    "digest_before_the_first_look": lambda: digest(None),
    "reminder": lambda: alert(Kind.REMINDER, about=nudged(Did.REMINDED)),
    "reminder_calls_the_owner": lambda: alert(Kind.REMINDER, about=nudged(Did.CALLED, "S0OPS")),
    "reminder_calls_again": lambda: alert(
        Kind.REMINDER,
        about=incident(timeline=tuple(Entry(NOW + minutes(at), Did.CALLED, "S0OPS") for at in (15, 30, 45))),
    ),
    "reminder_calls_everybody": lambda: alert(Kind.REMINDER, about=nudged(Did.CALLED)),
    "reminder_that_an_ack_lapses": lambda: alert(Kind.REMINDER, about=nudged(Did.ACK_LAPSES, "U0ROBIN")),
    "reminder_of_a_lapsed_ack": lambda: alert(Kind.REMINDER, about=nudged(Did.ACK_LAPSED, "U0ROBIN")),
    "evidence": lambda: alert(Kind.EVIDENCE, values=course(4.0, 4.0, 12.0, 246.0)),
    "evidence_of_a_first_reading": lambda: alert(
        Kind.EVIDENCE, about=incident(clear=None, helps=""), values=course(246.0)
    ),
    "severity_critical": lambda: alert(Kind.SEVERITY, about=nudged(Did.ESCALATED)),
    "severity_critical_again": lambda: alert(Kind.SEVERITY, about=nudged(Did.RETURNED)),
    "severity_eased": lambda: alert(Kind.SEVERITY, about=nudged(Did.EASED, **WARNING)),
    "remedy_dry": lambda: alert(Kind.REMEDY, about=would_have_paused()),
    "run_held": lambda: alert(Kind.RUN, action=held()),
    "reopened": lambda: alert(Kind.REOPENED, about=nudged(Did.REOPENED)),
    "resolved": lambda: alert(Kind.RESOLVED, about=resolved()),
    "run_requested": lambda: told(action()),
    "run_running": lambda: told(action(ActionState.RUNNING, run_id=501, records_total=246, records_updated=50)),
    "run_running_without_counts": lambda: told(action(ActionState.RUNNING, run_id=501, reason="")),
    "run_adopted": lambda: told(action(ActionState.RUNNING, run_id=499, adopted=True, reason="")),
    "run_checking": lambda: told(ended(ActionState.CHECKING)),
    "run_finished": lambda: told(ended(verdict="Evaluated again: 12 properties have no name."), recovering()),
    "run_finished_in_vain": lambda: told(ended(verdict="Not recovered: 60 properties have no company name.")),
    "run_followed": lambda: told(ended(adopted=True, verdict="Evaluated again: 12 have no name."), recovering()),
    "run_finished_with_rejections": lambda: told(
        ended(records_updated=238, records_failed=7, records_invalid=1, verdict="Not recovered: 60 have no name.")
    ),
    "run_unknown": lambda: told(
        action(ActionState.UNKNOWN, verdict="Whether a run started is unknown: check its runs in Census.")
    ),
    "run_failed": lambda: told(
        ended(ActionState.FAILED, verdict="Census says that the run failed: <the field & its picklist>.")
    ),
    "summary_healthy": lambda: shown(summary()),
    "summary_in_observe_mode": lambda: shown(summary(observes=True)),
    "summary_critical_with_open_incidents": lambda: shown(
        summary(
            critical_evaluation(),
            incidents=(
                incident(),
                acknowledged(
                    id=8, title="Rows without a city", **{k: WARNING[k] for k in ("severity", "limit", "value")}
                ),
                recovering(id=9, title="Coverage", value=95.2, limit="< 95"),
            ),
        )
    ),
    "summary_passing_with_an_open_incident": lambda: shown(
        summary(incidents=(recovering(id=9, title="Coverage", value=95.2, limit="< 95"),))
    ),
    "summary_more_incidents_than_fit": lambda: shown(
        summary(critical_evaluation(), incidents=tuple(incident(id=n) for n in range(7)))
    ),
    "summary_no_data": lambda: shown(
        summary(evaluation(Outcome.NO_DATA, results=(result(Outcome.NO_DATA, None),), syncs=(sync_a(queue=None),)))
    ),
    "summary_never_measured": lambda: shown(Summary("properties", None)),
    "summary_never_measured_measuring": lambda: shown(Summary("properties", None, measuring=True)),
    "summary_census_down": lambda: shown(
        summary(
            evaluation(
                Outcome.ERROR,
                problems=("Census, Sync B (UPDATE): Census answered 503 for sync 3394041",),
                syncs=(
                    sync_a(),
                    sync_status(
                        latest=None, last_sync=None, schedule=None, error="Census answered 503 for sync 3394041"
                    ),
                ),
            )
        )
    ),
    "summary_with_numbers_of_the_warehouse_from_before": lambda: shown(
        summary(evaluation(warehouse_at=NOW - minutes(40), results=(coverage(),)))
    ),
    "summary_not_evaluated": lambda: shown(summary(failed="the warehouse was closed")),
    "summary_measuring": lambda: shown(summary(measuring=True)),
    "summary_shared": lambda: said(summary_message(summary(), ZONE, shared_by=OPERATOR)),
    "summary_pages_not_accepted": lambda: shown(summary(unsent_pages=(unsent(), unsent(pages=3, since=None)))),
    "root_before_it_pages": lambda: alert(Kind.ROOT, by=PAGING, about=incident()),
    "root_paged": lambda: alert(
        Kind.ROOT,
        by=PAGING,
        about=incident(
            timeline=(
                *(Entry(NOW + minutes(at), Did.CALLED, "S0OPS") for at in (15, 30)),
                Entry(NOW + minutes(30), Did.PAGED, detail="PagerDuty"),
            )
        ),
    ),
    "summary_undelivered": lambda: shown(summary(undelivered=(waiting(), waiting(messages=1)))),
    "summary_syncs_in_every_condition": lambda: shown(
        summary(
            evaluation(
                Outcome.WARN,
                results=(result(Outcome.WARN, 41.0),),
                syncs=(
                    sync_status(label="running", running=working(), latest=working()),
                    sync_status(label="failed", latest=run(status=RunStatus.FAILED, error="<the connection> broke")),
                    sync_status(label="failed without a reason", latest=run(status=RunStatus.FAILED)),
                    sync_status(label="paused", schedule=Schedule("hourly", paused=True)),
                    sync_status(label="no schedule", schedule=Schedule("never", paused=False)),
                    sync_status(label="new frequency", schedule=Schedule("fort<nightly>", paused=False)),
                    sync_status(label="new", latest=None, last_sync=None, schedule=None, queue=1, suspicious=None),
                    sync_status(label="rejections", last_sync=run(records_failed=3, records_invalid=None)),
                ),
            )
        )
    ),
    "root_resolved_by_hand": lambda: alert(Kind.ROOT, about=by_hand()),
    "resolved_by_hand": lambda: alert(Kind.RESOLVED, about=by_hand()),
    "shared_root_resolved_by_hand": lambda: alert(Kind.ROOT, thread=tuple(by_hand(id=n) for n in range(1, 8))),
    "shared_end_by_hand": lambda: alert(Kind.RESOLVED, thread=tuple(by_hand(id=n) for n in range(1, 8))),
    "still_firing": lambda: alert(Kind.REOPENED, about=still_firing()),
    "still_a_warning": lambda: alert(Kind.REOPENED, about=still_firing(**WARNING)),
    "root_still_firing": lambda: alert(Kind.ROOT, about=still_firing()),
    "note_in_a_thread": lambda: alert(Kind.NOTE, entry=Entry(NOW, Did.NOTED, OPERATOR, "asked <the> data team")),
    "note_in_a_shared_thread": lambda: alert(
        Kind.NOTE, about=thread()[0], thread=thread(), entry=Entry(NOW, Did.NOTED, OPERATOR, "one cause")
    ),
    "escalated_by_hand": lambda: alert(Kind.REMINDER, about=escalated_by_hand("S0OPERATORS")),
    "escalated_by_hand_while_acknowledged": lambda: alert(
        Kind.REMINDER, about=escalated_by_hand("S0OPERATORS", acked_by="U0ROBIN", acked_at=NOW)
    ),
    "warning_escalated_by_hand_to_nobody": lambda: alert(Kind.REMINDER, about=escalated_by_hand(None, **WARNING)),
    "modal_more": lambda: more_modal(
        acknowledged(), behind_more(entries(acknowledged(), "https://wiki.example.com/runbook"))
    ),
    "modal_more_where_all_fits": lambda: more_modal(incident(), entries(incident(), None)),
    "modal_snooze": lambda: snooze_modal([incident()], NOW + minutes(355), NOW, ZONE),
    "modal_snooze_of_many": lambda: snooze_modal(thread()[:5], NOW + minutes(355 + 24 * 60), NOW, ZONE),
    "modal_note": lambda: note_modal(incident(), 500),
    "modal_resolve": lambda: resolve_modal([incident()]),
    "modal_resolve_many": lambda: resolve_modal([incident(id=n) for n in range(1, 15)]),
    "answer_resolved": lambda: said(resolve_answer([incident()])),
    "answer_resolved_many": lambda: said(resolve_answer([incident(), incident(id=8)])),
    "answer_noted": lambda: said(note_answer(incident())),
    "answer_escalated": lambda: said(escalate_answer(incident(), "S0OPERATORS")),
    "answer_escalated_to_nobody": lambda: said(escalate_answer(incident(), None)),
    "answer_snoozed": lambda: said(snooze_answer([incident(snoozed_until=NOW + minutes(60))], ZONE)),
    "answer_unacknowledged": lambda: said(unacknowledged(acknowledged(), "U0ROBIN")),
    "help": lambda: said(help_message(COMMAND, COMMANDS)),
    "unknown_command": lambda: said(unknown_command(COMMAND, "hlep", "help")),
    "unknown_command_for_the_summary": lambda: said(unknown_command(COMMAND, "status", "")),
    "unknown_command_with_nothing_near": lambda: said(unknown_command(COMMAND, "<!channel>", None)),
    "note": lambda: said(note("This incident is already resolved.")),
    "already_acknowledged": lambda: said(already_acknowledged(("U0ROBIN",), 7)),
    "acknowledged": lambda: said(taken_over(acknowledged())),
    "taken_over": lambda: said(taken_over(acknowledged(timeline=(Entry(NOW, Did.TAKEN_OVER, OPERATOR, "U0ROBIN"),)))),
    "refusal_with_people": lambda: said(note("Only operators may do that. Ask", (OPERATOR, "S0OPERATORS"))),
    "failure": lambda: said(failure("0a1b2c3d")),
    "modal_loading": lambda: loading_modal("Rerun"),
    "modal_refused": lambda: answer_modal("Rerun", note("Only operators may do that. Ask", (OPERATOR,))),
    "modal_clean": lambda: action_modal(sync_facts(), ZONE),
    "modal_risky": lambda: action_modal(sync_facts(suspicious=240), ZONE),
    "modal_unknown_rows": lambda: action_modal(sync_facts(queue=None, suspicious=None), ZONE),
    "modal_running": lambda: action_modal(sync_facts(running=working()), ZONE),
    "modal_paused": lambda: action_modal(sync_facts(paused=True), ZONE),
    "modal_again": lambda: action_modal(sync_facts(suspicious=2), ZONE, (FactChange.SUSPECT, FactChange.RUN_ENDED)),
    "modal_empty_queue": lambda: action_modal(sync_facts(queue=0), ZONE),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_payload_is_as_its_golden_and_slack_would_take_it(name: str, faults: Callable[[Payload], list[str]]) -> None:
    payload = GOLDENS[name]()
    assert payload == golden(GOLDEN / f"{name}.json", payload)
    assert faults(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


def test_a_message_says_of_nothing_but_a_step_at_what_time_without_the_day() -> None:
    for name in GOLDENS:
        for written in markup(GOLDENS[name]()["blocks"]):
            alone = re.findall(r"(\w+) <!date\^\d+\^{time}\|", written)
            assert set(alone) <= {"Acknowledged", "Rerun", "Reopened", "Resolved", "hand"}, name
