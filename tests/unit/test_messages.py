"""What the bot says: golden payloads that can be pasted into Slack's Block Kit Builder, and text from anywhere.

`UPDATE_GOLDEN=1` writes tests/golden anew; read the difference before you keep it.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.alerts.model import TEST_ALERT, ActionState, Did, Entry, Incident, Maintenance, MaintenanceReport, State
from bot.answers import FactChange, Summary
from bot.config.pipeline_file import Links
from bot.config.settings import Settings
from bot.errors import RefusedError
from bot.facts import RunStatus, Schedule
from bot.messages.alert import alert_message, reply_is_broadcast
from bot.messages.blocks import Message
from bot.messages.maintenance import maintenance_begun
from bot.messages.phrases import life_line
from bot.messages.plain import already_acknowledged, failure, help_message, note, taken_over, unknown_command
from bot.messages.rerun import answer_modal, loading_modal, read_consent, rerun_modal
from bot.messages.summary import summary_message
from bot.messages.text import escape, limit_in_code, number, rows, with_times
from bot.model import Digest, Evaluation, Kind, Outage, Undelivered
from checks.model import Check, Outcome, Result, Severity
from checks.numbers import duration
from tests import oracles
from tests.fakes import shipped_settings
from tests.unit.samples import (
    NOW,
    OPERATOR,
    ZONE,
    acknowledged,
    action,
    announcement,
    course,
    critical_evaluation,
    ended,
    evaluation,
    incident,
    minutes,
    recovering,
    rerun_facts,
    resolved,
    result,
    run,
    summary,
    sync_a,
    sync_status,
    thread,
    working,
)

SETTINGS = replace(shipped_settings(), zone=ZONE)
LINKED = replace(
    SETTINGS,
    links=Links(
        census_sync="https://census.example/syncs/{sync}",
        census_run="https://census.example/syncs/{sync}/runs/{run}",
        dashboard="https://warehouse.example/dashboard",
        salesforce_record="https://crm.example/{id}",
        runbook="https://docs.example/runbook#{section}",
    ),
)
SUSPECT = "240 suspect records pending in Sync B: its source is still wrong"
RUNNING = "A run has been in progress since {2026-01-09T10:30:00+00:00}"
OWNED = replace(LINKED, owner="S0DATAONCALL")
OWN = replace(
    SETTINGS,
    checks=(
        Check.model_validate(
            {"name": "stale", "title": "Stale rows", "sql": "sql/checks/stale.sql", "source": "databricks"}
            | {"warn": "> 30", "critical": "> 50", "summary": "{value} rows are stale"}
        ),
    ),
)
Payload = dict[str, Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
COMMAND = "/sync-health"
COMMANDS = {"": "how the pipeline is", "help": "this list"}
WARNING = {
    "severity": Severity.WARN,
    "value": 41.0,
    "limit": "> 30",
    "summary": "41 Salesforce records missing company name",
}


def said(message: Message) -> Payload:
    return message.payload()


def alert(kind: Kind, by: Settings = SETTINGS, **about: Any) -> Payload:
    return said(alert_message(announcement(kind, **about), by))


def digest(looked: Evaluation | None, **changes: Any) -> Payload:
    body = replace(Digest(looked, (), 0), **changes)
    return said(alert_message(replace(announcement(Kind.DIGEST), incident=None, digest=body), SETTINGS))


def maintenance_report(**changes: Any) -> MaintenanceReport:
    """Two hours in which one ended and another stayed."""
    hours = {"since": NOW - minutes(120), "until": NOW, "ended_at": NOW}
    window = Maintenance(3, by=OPERATOR, reason="loading old records", ended_by=changes.pop("ended_by", None), **hours)
    opened = (incident(id=8, opened_at=NOW - minutes(40)), resolved(title="Coverage"))
    return replace(MaintenanceReport(window, opened, opened[1:], opened[:1]), **changes)


def maintenance_begins() -> MaintenanceReport:
    report = maintenance_report(opened=(), resolved=(), still_open=())
    return replace(report, window=replace(report.window, ended_at=None))


def shown(of: Summary) -> Payload:
    return said(summary_message(of, ZONE))


def told(of: Any, about: Incident | None = None) -> Payload:
    return alert(Kind.RUN, action=of, about=about)


def coverage() -> Result:
    found = {"check": "coverage", "warn": "< 95", "critical": "< 90", "summary": "96.01 % are in Salesforce"}
    return result(value=96.01, carried=True, **found)


def nudged(did: Did, by: str | None = None, **changes: Any) -> Incident:
    said = Entry(NOW + minutes(15), did, by, broadcast=did in (Did.CALLED, Did.ESCALATED))
    return incident(timeline=(Entry(NOW, Did.OPENED), said), **changes)


def a_test() -> Incident:
    """One that shows that alerts arrive, escalated at once."""
    words = {"title": "Test alert", "summary": "Test alert for the properties pipeline, no action needed"}
    facts = {"source": "bot", "limit": "= 1", "clear": "= 0", "value": 1.0, "rerun": None, "runbook": None}
    called = (Entry(NOW, Did.OPENED), Entry(NOW, Did.CALLED, broadcast=True))
    helps = "No action needed: this shows that alerts arrive. Acknowledge works as on a real alert."
    return incident(check=TEST_ALERT, key="properties/test-alert", helps=helps, timeline=called, **words, **facts)


def fact() -> Incident:
    off = {
        "title": "Census schedule",
        "summary": "Sync B is paused in Census: 412 pending records",
        "value": 0,
        "limit": "= 0",
    }
    return fact_of_census(clear="!= 0", **off)


def fact_of_census(**changes: Any) -> Incident:
    return incident(check="schedule_enabled", sync="Sync B", rerun=None, source="census", **changes)


def flapping() -> Incident:
    again = tuple(Entry(NOW + minutes(40 * n), Did.REOPENED) for n in (1, 2, 3))
    snoozed = {"snoozed_until": NOW + minutes(240), "snoozed_by": "U0ROBIN"}
    return incident(timeline=again, flapping_until=NOW + minutes(480), **snoozed)


def closed() -> Incident:
    why = "Sync B was removed from the configuration or renamed"
    end = Entry(NOW + minutes(30), Did.CLOSED, detail=why)
    return resolved(summary=f"Closed: {why}", timeline=(Entry(NOW, Did.OPENED), end))


def partly_snoozed() -> tuple[Incident, ...]:
    first, second, *rest = thread()
    return (replace(first, snoozed_until=NOW + minutes(240), snoozed_by=OPERATOR), second, *rest)


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
        summary(evaluation(warehouse_at=NOW - minutes(40), matched_coverage=91.55, results=(coverage(),)))
    ),
    "summary_not_evaluated": lambda: shown(summary(failed="the warehouse was closed")),
    "summary_measuring": lambda: shown(summary(measuring=True)),
    "summary_shared": lambda: said(summary_message(summary(), ZONE, shared_by=OPERATOR)),
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
    "help": lambda: said(help_message(COMMAND, COMMANDS)),
    "unknown_command": lambda: said(unknown_command(COMMAND, "hlep", "help")),
    "unknown_command_with_nothing_near": lambda: said(unknown_command(COMMAND, "<!channel>", None)),
    "note": lambda: said(note("This incident is already resolved.")),
    "already_acknowledged": lambda: said(already_acknowledged(("U0ROBIN",), 7)),
    "acknowledged": lambda: said(taken_over(acknowledged())),
    "taken_over": lambda: said(taken_over(acknowledged(timeline=(Entry(NOW, Did.TAKEN_OVER, OPERATOR, "U0ROBIN"),)))),
    "refusal_with_people": lambda: said(note("Only operators may do that. Ask", (OPERATOR, "S0OPERATORS"))),
    "failure": lambda: said(failure("0a1b2c3d")),
    "modal_loading": lambda: loading_modal("Rerun"),
    "modal_refused": lambda: answer_modal("Rerun", note("Only operators may do that. Ask", (OPERATOR,))),
    "modal_clean": lambda: rerun_modal(rerun_facts(), ZONE),
    "modal_risky": lambda: rerun_modal(rerun_facts(suspicious=240), ZONE),
    "modal_unknown_rows": lambda: rerun_modal(rerun_facts(queue=None, suspicious=None), ZONE),
    "modal_running": lambda: rerun_modal(rerun_facts(running=working()), ZONE),
    "modal_paused": lambda: rerun_modal(rerun_facts(paused=True), ZONE),
    "modal_again": lambda: rerun_modal(rerun_facts(suspicious=2), ZONE, (FactChange.SUSPECT, FactChange.RUN_ENDED)),
    "modal_empty_queue": lambda: rerun_modal(rerun_facts(queue=0), ZONE),
}


def every_block(payload: Payload) -> list[Payload]:
    """Those of the message, and those beside its bar."""
    beside = [block for one in payload.get("attachments", []) for block in one["blocks"]]
    return [*payload["blocks"], *beside]


def too_much(payload: Payload) -> Iterator[str]:
    """The limits that text can break, so that this needs no oracle."""
    if not 1 <= len(payload.get("text", "-")) <= 4000:
        yield "text: 1 to 4,000 characters"
    if sum(map(len, markup(every_block(payload)))) > 13_200:
        yield "blocks: 13,200 characters of text in all"
    for n, block in enumerate(every_block(payload)):
        texts = [block[key] for key in ("text", "label") if key in block]
        texts += [one for one in block.get("elements", []) if one["type"] != "overflow"]
        for text in texts:
            content, most = (text["text"]["text"], 75) if text["type"] == "button" else (text["text"], 3000)
            if not 1 <= len(content) <= most:
                yield f"blocks/{n}: {len(content)} characters, allowed 1 to {most}"


@pytest.fixture(scope="session")
def faults() -> Callable[[Payload], list[str]]:
    """Slack's judgement of a payload: its limits for text, and the whole of the oracle where it stands beside us."""
    if not oracles.there():
        return lambda payload: list(too_much(payload))
    oracle = oracles.script("slack/check_blocks.py")
    return lambda payload: [*too_much(payload), *(f"{at}: {why}" for at, why in oracle.faults(payload))]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_payload_is_as_its_golden(name: str) -> None:
    path, payload = GOLDEN / f"{name}.json", GOLDENS[name]()
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(payload, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == payload


@pytest.mark.parametrize("name", GOLDENS)
def test_slack_would_take_a_golden(name: str, faults: Callable[[Payload], list[str]]) -> None:
    assert faults(json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


def text_of(payload: Payload) -> str:
    """Everything that a reader of the blocks sees."""
    found = []
    for block in every_block(payload):
        for text in [block.get("text", {}), *block.get("fields", []), *block.get("elements", [])]:
            content = text.get("text", "")
            found.append(content if isinstance(content, str) else content["text"])
    return "\n".join(found)


def buttons(payload: Payload) -> list[str]:
    return [
        e["action_id"] for block in every_block(payload) for e in block.get("elements", []) if e["type"] == "button"
    ]


def test_an_alert_offers_two_buttons_at_most_and_none_when_it_is_over() -> None:
    assert buttons(alert(Kind.ROOT)) == ["acknowledge", "rerun"]
    assert buttons(alert(Kind.ROOT, about=acknowledged())) == ["rerun"]
    assert buttons(alert(Kind.ROOT, about=acknowledged(rerun=None))) == []
    assert buttons(alert(Kind.ROOT, about=resolved())) == []


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_only_a_healthy_pipeline_is_called_healthy(outcome: Outcome) -> None:
    for payload in (shown(summary(evaluation(outcome))), shown(Summary("properties", None))):
        assert "healthy" not in payload["text"]
        assert "✅" not in payload["text"]
    assert "healthy" in shown(summary())["text"]


@pytest.mark.parametrize("outcome", [Outcome.NO_DATA, Outcome.ERROR])
def test_a_check_without_a_number_is_never_shown_with_a_green_tick(outcome: Outcome) -> None:
    payload = shown(summary(evaluation(outcome, results=(result(outcome, None),), syncs=())))
    assert "✅" not in text_of(payload)


def test_rejections_that_census_does_not_count_are_not_shown_as_none() -> None:
    payload = shown(summary(evaluation(syncs=(sync_status(last_sync=run(records_failed=None, records_invalid=None)),))))
    assert "0 rejected" not in text_of(payload)
    unknown = ended(records_updated=None, records_failed=None, records_invalid=None)
    assert "✅" not in text_of(told(unknown))


def test_an_alert_that_got_worse_or_better_says_since_when() -> None:
    worse = incident(timeline=(Entry(NOW, Did.OPENED), Entry(NOW + minutes(55), Did.ESCALATED)))
    assert "|2026-01-09 04:00>" in text_of(alert(Kind.ROOT, about=worse))
    better = incident(**WARNING, timeline=(Entry(NOW, Did.OPENED), Entry(NOW + minutes(55), Did.EASED)))
    assert "|2026-01-09 04:00>" in text_of(alert(Kind.ROOT, about=better))


def test_a_reply_leaves_its_thread_as_was_decided_when_it_was_owed() -> None:
    escalated = Entry(NOW + minutes(5), Did.ESCALATED, broadcast=True)
    eased = Entry(NOW + minutes(20), Did.EASED)
    assert reply_is_broadcast(announcement(Kind.SEVERITY, incident(timeline=(escalated,))))
    assert not reply_is_broadcast(announcement(Kind.SEVERITY, incident(timeline=(escalated, eased))))
    assert reply_is_broadcast(announcement(Kind.REMINDER, nudged(Did.CALLED)))
    assert not reply_is_broadcast(announcement(Kind.REMINDER, nudged(Did.ACK_LAPSED)))
    of_the_thread = set(Kind) - {Kind.SEVERITY, Kind.REOPENED, Kind.REMINDER}
    assert not any(reply_is_broadcast(announcement(kind, nudged(Did.CALLED))) for kind in of_the_thread)


def test_nobody_is_pinged_when_an_alert_is_over() -> None:
    assert "<@" not in json.dumps([alert(kind, about=resolved()) for kind in (Kind.RESOLVED,)])


def test_the_life_line_tells_what_was_done_and_how_long_it_lasted() -> None:
    def plain(line: str) -> str:
        return re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", line)

    steps = "Acknowledged 03:11 · Rerun 03:12 · Resolved 03:31 (26 min)"
    assert plain(life_line(resolved(), ZONE)) == f"Triggered 2026-01-09 03:05 · {steps}"
    assert plain(life_line(incident(), ZONE)) == "Triggered 2026-01-09 03:05"
    again = incident(timeline=(Entry(NOW + minutes(60), Did.REOPENED), Entry(NOW + minutes(61), Did.RELAPSED)))
    assert plain(life_line(again, ZONE)) == "Triggered 2026-01-09 03:05 · Reopened 04:05"


def test_each_new_day_of_a_long_life_is_named() -> None:
    days = (Entry(NOW + minutes(60 * 24), Did.TAKEN_OVER), Entry(NOW + minutes(60 * 25), Did.RERUN))
    line = life_line(resolved(timeline=days, resolved_at=NOW + minutes(60 * 50)), ZONE)
    assert re.findall(r"(\w+) <!date\^\d+\^([^|]*)", line) == [
        ("Triggered", "{date_short_pretty} at {time}"),
        ("Acknowledged", "{date_short_pretty} at {time}"),
        ("Rerun", "{time}"),
        ("Resolved", "{date_short_pretty} at {time}"),
    ]


def test_a_message_says_of_nothing_but_a_step_at_what_time_without_the_day() -> None:
    for name in GOLDENS:
        for written in markup(GOLDENS[name]()["blocks"]):
            alone = re.findall(r"(\w+) <!date\^\d+\^{time}\|", written)
            assert set(alone) <= {"Acknowledged", "Rerun", "Reopened", "Resolved"}, name


def test_a_summary_with_many_checks_still_fits(faults: Callable[[Payload], list[str]]) -> None:
    results = tuple(result(Outcome.CRITICAL, 1e6, check=f"c{n}", summary="Rows & rows " * 25) for n in range(15))
    assert faults(shown(summary(evaluation(Outcome.CRITICAL, results=results)))) == []


def test_a_summary_without_any_check_can_be_shown(faults: Callable[[Payload], list[str]]) -> None:
    assert faults(shown(summary(evaluation(Outcome.NO_DATA, results=())))) == []


@pytest.mark.parametrize("done", [0, 1, 245, 246, 300])
def test_the_progress_bar_never_grows(done: int) -> None:
    payload = told(action(ActionState.RUNNING, run_id=501, records_total=246, records_updated=done))
    bar = re.search("[█░]+", text_of(payload))
    assert bar
    assert len(bar[0]) == 16
    assert ("░" in bar[0]) == (done < 246)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (26 * 60, "26 min"),
        (59 * 60 + 40, "1 h"),
        (65 * 60, "1 h 5 min"),
        (24 * 3600, "1 d"),
        (51 * 3600, "2 d 3 h"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_numbers_and_limits_are_said_as_people_say_them() -> None:
    assert [number(None), number(0.0), number(18722.0), number(95.25)] == ["–", "0", "18,722", "95.25"]
    assert [rows(None), rows(0), rows(1), rows(7881)] == ["an unknown number of rows", "0 rows", "1 row", "7,881 rows"]
    assert [limit_in_code(limit) for limit in ("> 50", "<= 1000", "!= 0", None)] == [
        "`&gt; 50`",
        "`≤ 1,000`",
        "`≠ 0`",
        "none",
    ]


# -- text from anywhere

PIECES = ["<!channel>", "<!here>", "<@U0MALLORY>", "<!subteam^S1>", "<http://a|b>", "&", "&amp;", "&lt;", "<", ">", "|"]
ODD = [
    "\x00",
    "\x1b",
    "\u202e",
    "\u200d",
    "\U0001f468\u200d\U0001f469",
    "é",
    "*",
    "_",
    "`",
    "~",
    "\n",
    "\t",
    " ",
    "word",
]
anything = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60),
    st.lists(st.sampled_from(PIECES + ODD), min_size=1, max_size=30).map("".join),
    st.builds(lambda piece, n: piece * n, st.sampled_from(PIECES + ODD), st.integers(1, 5000)),
)
OURS = re.compile(r"<!date\^\d+\^[^|<>]*\|[^|<>]*>|<@U0OPERATOR>")
ESCAPED = re.compile(r"(?:[^<>&]|&(?:amp|lt|gt);)*")


def with_result(text: str) -> Summary:
    return summary(critical_evaluation(results=(result(Outcome.CRITICAL, 246.0, summary=text),)))


def waiting(**changes: Any) -> Undelivered:
    because = "Slack refuses: is_archived (name another channel in pipeline.yml)"
    return replace(Undelivered("C0ALERTS", because, 3, NOW), **changes)


def with_sync(**changes: Any) -> Summary:
    return summary(evaluation(syncs=(sync_status(**changes),)))


SPEECH: dict[str, Callable[[str], Payload]] = {  # cut to what settings let through where they set a limit
    "root: summary": lambda t: alert(Kind.ROOT, about=incident(summary=t)),
    "root: summary, recovering": lambda t: alert(Kind.ROOT, about=recovering(summary=t)),
    "root: title and summary, resolved": lambda t: alert(Kind.ROOT, about=long_life(title=t[:120], summary=t)),
    "root: sync": lambda t: alert(Kind.ROOT, about=incident(rerun=t[:40])),
    "evidence: helps": lambda t: alert(Kind.EVIDENCE, about=incident(helps=t[:500]), values=course(*(1.5,) * 8)),
    "severity: summary": lambda t: alert(Kind.SEVERITY, about=nudged(Did.ESCALATED, summary=t)),
    "reopened: summary": lambda t: alert(Kind.REOPENED, about=nudged(Did.REOPENED, summary=t)),
    "reminder: summary": lambda t: alert(Kind.REMINDER, about=nudged(Did.CALLED, OPERATOR, summary=t)),
    "severity: summary, eased": lambda t: alert(Kind.SEVERITY, about=nudged(Did.EASED, **WARNING | {"summary": t})),
    "resolved: title": lambda t: alert(Kind.RESOLVED, about=long_life(title=t[:120])),
    "run: sync": lambda t: told(action(sync=t[:40])),
    "run: reason": lambda t: told(action(reason=t)),
    "run: verdict": lambda t: told(ended(verdict=t)),
    "run: verdict of a failure": lambda t: told(ended(ActionState.FAILED, verdict=t, sync=t[:40], reason=t)),
    "summary: pipeline": lambda t: shown(summary(pipeline=t)),
    "summary: pipeline, never measured": lambda t: shown(Summary(t, None)),
    "summary: problem": lambda t: shown(summary(evaluation(Outcome.ERROR, problems=(t, t, t)))),
    "summary: check": lambda t: shown(with_result(t)),
    "summary: sync label": lambda t: shown(with_sync(label=t[:50])),
    "summary: sync error": lambda t: shown(with_sync(error=t)),
    "summary: run error": lambda t: shown(with_sync(latest=run(status=RunStatus.FAILED, error=t))),
    "summary: frequency": lambda t: shown(with_sync(schedule=Schedule(t, paused=False))),
    "summary: incidents": lambda t: shown(summary(incidents=tuple(acknowledged(title=t[:120]) for _ in range(5)))),
    "summary: undelivered": lambda t: shown(summary(undelivered=(waiting(why=t, channel=t),) * 3)),
    "unknown command": lambda t: said(unknown_command(COMMAND, t, None)),
    "closed: why": lambda t: alert(Kind.ROOT, about=resolved(timeline=(Entry(NOW, Did.CLOSED, detail=t),))),
    "acknowledged: title": lambda t: said(taken_over(acknowledged(title=t[:120]))),
    "note": lambda t: said(note(t)),
    "note with people": lambda t: said(note(t, (OPERATOR,))),
    "modal: refusal": lambda t: answer_modal(t, note(t, (OPERATOR,))),
    "modal: label": lambda t: rerun_modal(rerun_facts(sync=t[:40], label=t[:50]), ZONE),
    "modal: source and helps": lambda t: rerun_modal(rerun_facts(source=t, helps=t[:500], queue=0), ZONE),
}


def long_life(**changes: Any) -> Any:
    """A resolved incident about which much was done."""
    entries = tuple(Entry(NOW + minutes(n), Did.RERUN, OPERATOR) for n in range(30))
    return replace(resolved(**changes), state=State.OK, timeline=entries)


def markup(node: Any) -> Iterator[str]:
    """Every text in which Slack would read markup; in plain_text it reads none."""
    if isinstance(node, list):
        for part in node:
            yield from markup(part)
    elif isinstance(node, dict) and node.get("type") == "mrkdwn":
        yield node["text"]
    elif isinstance(node, dict):
        for part in node.values():
            yield from markup(part)


@pytest.mark.parametrize("place", SPEECH)
@given(anything)
@example("<!channel>" * 3000)
@example("&" * 9000)
@example("x" * 20_000)
@example("\U0001f525" * 4000)
@settings(deadline=None, max_examples=40)
def test_slack_takes_whatever_text_gets_there_and_it_pings_nobody(
    faults: Callable[[Payload], list[str]], place: str, text: str
) -> None:
    payload = SPEECH[place](text)
    assert faults(payload) == []
    for written in [payload.get("text", ""), *markup(payload["blocks"])]:
        assert isinstance(written, str)
        assert ESCAPED.fullmatch(OURS.sub("", written)), written


@given(anything, st.integers(1, 60))
@settings(deadline=None)
def test_escaped_text_keeps_its_length_and_every_entity_whole(text: str, most: int) -> None:
    cut = escape(text, most)
    assert 1 <= len(cut) <= most
    assert ESCAPED.fullmatch(cut)
    assert cut == escape(text, 10**6) or cut.endswith("…")


def test_what_is_escaped_reads_the_same_in_slack() -> None:
    assert escape("a < b && c > d, é 🔥") == "a &lt; b &amp;&amp; c &gt; d, é 🔥"
    assert escape("&lt;") == "&amp;lt;"


def test_a_dialog_carries_what_it_showed_and_one_of_another_version_carries_none() -> None:
    for facts in (rerun_facts(suspicious=2), rerun_facts(running=working()), rerun_facts(queue=None, suspicious=None)):
        assert read_consent(rerun_modal(facts, ZONE)["private_metadata"]) == facts.consent
    for metadata in ("", "7", "{}", "[1, 2]", '{"incident_id": "x"}', "\ud800"):
        with pytest.raises(RefusedError, match="another version of Sync Health"):
            read_consent(metadata)


def test_values_of_several_days_are_labelled_with_their_day() -> None:
    days = tuple((NOW - timedelta(days=n), 9.0 - n) for n in (3, 2, 1, 0))
    [chart] = [block for block in alert(Kind.EVIDENCE, values=days)["blocks"] if block["type"] == "data_visualization"]
    assert chart["chart"]["axis_config"]["categories"] == [
        "Jan 06 03:05",
        "Jan 07 03:05",
        "Jan 08 03:05",
        "Jan 09 03:05",
    ]


def test_braces_that_hold_no_time_stay_as_they_are() -> None:
    assert with_times("since {2026-13-45T00:00:00+00:00}", ZONE) == "since {2026-13-45T00:00:00+00:00}"
    assert with_times("since {2026-01-09T10:30:00+00:00}", ZONE).startswith("since <!date^")
