"""Slack's limits and markup, over every message that we build: hostile lengths, counts and characters."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bot.messages
from bot.alerts.incident_figures import figures_of, window_figures
from bot.alerts.model import ActionState, Did, Entry, Incident, Maintenance, MaintenanceReport, State
from bot.alerts.rejections import Cause, CauseGroup, Needs
from bot.alerts.success import Known, SuccessMetric, Unit
from bot.alerts.trace import Carrier, Difference, Hop, Standing, Verdict
from bot.alerts.trends import Trend
from bot.answers.consent import PauseAllFacts
from bot.answers.health import Home, Summary
from bot.answers.history import AuditTrail, PostMortem, Slo, Snapshot
from bot.answers.operations import RunbookPage
from bot.answers.syncs import PendingRecord, Queue, SyncErrors, SyncRuns, SyncSchedule
from bot.answers.trace import Arrival, LoggedRun, LogLook, Trace
from bot.charts import Chart
from bot.config.pipeline_file import Noun
from bot.config.runbook import Section
from bot.demo.slack.blocks import checked_blocks, content
from bot.facts import Run, RunStatus, Schedule, SyncStatus
from bot.messages.alert import alert_message
from bot.messages.audit import audit_message
from bot.messages.blocks import BAR_BLOCKS, MESSAGE, Block, Message, context, fit, section, sections
from bot.messages.by_hand import (
    escalate_answer,
    more_modal,
    note_answer,
    note_modal,
    resolve_answer,
    resolve_modal,
    snooze_modal,
)
from bot.messages.digest import digest_message
from bot.messages.errors import errors_message
from bot.messages.evidence import evidence_message
from bot.messages.follow_trace import (
    arrival_message,
    audit_row_message,
    following_message,
    not_arrived_message,
    not_followed_message,
)
from bot.messages.home import home_view, small_home_view, strangers_view
from bot.messages.incident_markdown import markdown_message
from bot.messages.incidents import incident_message, incidents_message
from bot.messages.maintenance import maintenance_begun, maintenance_message
from bot.messages.menu import entries
from bot.messages.plain import (
    action_answer,
    already_acknowledged,
    failure,
    help_message,
    note,
    snooze_answer,
    state_failure,
    still_acknowledged,
    taken_over,
    unacknowledged,
    unknown_command,
)
from bot.messages.queue import queue_message
from bot.messages.report import review_message
from bot.messages.root import root_message
from bot.messages.run import run_message
from bot.messages.runbook import runbook_message, topics_message
from bot.messages.shared import shared_end, shared_evidence, shared_root
from bot.messages.short import short_message
from bot.messages.slo import slo_message
from bot.messages.snapshot import snapshot_message
from bot.messages.stakeholder_note import (
    stakeholder_answer,
    stakeholder_message,
    stakeholder_modal,
    stakeholder_text,
)
from bot.messages.summary import summary_message
from bot.messages.sync_dialogs import action_modal, answer_modal, loading_modal, pause_all_modal
from bot.messages.syncs import runs_message, schedules_message
from bot.messages.text import anchor, code, cut, escape
from bot.messages.tiles import tile_message, tiles_message
from bot.messages.trace import trace_message
from bot.messages.trend import metrics_message, trend_message
from bot.messages.watch import outage_message, unstored_summary
from bot.model import AuditRow, AuditState, Digest, Evaluation, Kind, Outage, Undelivered
from bot.sanitize import sanitize
from checks.forms import Limit
from checks.model import Outcome
from tests.unit import payloads as common
from tests.unit import samples
from tests.unit.drawn import a_tile, a_tile_answer, a_trend, some_metrics
from tests.unit.hostile_reports import a_note, a_preview, a_review
from tests.unit.samples import NOW, OPERATOR, ZONE, minutes

SETTINGS, OWNED = common.LINKED, common.OWNED
faults = common.faults  # the fixture
OUTAGES = (Kind.SILENT, Kind.AWAY, Kind.STATE_FAILED, Kind.STATE_RESTORED)
Said = Message | dict[str, Any]


def an_incident(t: str, n: int) -> Incident:
    story = tuple(Entry(NOW + minutes(m), Did.RERUN, OPERATOR, t) for m in range(n))
    texts = {"title": t, "summary": t, "check": t, "key": t, "sync": t, "rerun": t, "helps": t, "runbook": t}
    return samples.incident(**texts, timeline=story, examples=(f"row {t}",) * n, explained_by=t)


def a_post_mortem(t: str, n: int) -> PostMortem:
    actions = (samples.ended(ActionState.FAILED, verdict=t, reason=t, sync=t),) * n
    return samples.post_mortem(replace(an_incident(t, n), causes=(t,) * 2), actions=actions, beside=(8,) * n)


def a_run(t: str) -> Run:
    return samples.run(status=RunStatus.FAILED, error=t, trigger=t)


def a_sync(t: str) -> SyncStatus:
    schedule = Schedule(t, paused=False, day=t, cron=t)
    return samples.sync_status(name=t, label=t, error=None, latest=a_run(t), schedule=schedule)


def a_trace(t: str, n: int) -> Trace:
    hop = Hop(t, True, NOW, t, t, t, t, t, t, tuple(Difference(f"{t} {i}", t, t) for i in range(n)))
    carrier = Carrier(t, t, next_run=NOW, last=a_run(t), remarks=(t,) * n)
    verdict = Verdict(Standing.HELD, t, t, t, t)
    return Trace(t, NOW, Noun(), t, verdict, (sanitize(t, 36),) * max(1, n), n, (hop,) * n, (carrier,))


def an_arrival(t: str, n: int) -> Arrival:
    return Arrival(a_trace(t, n), timedelta(minutes=n), t, a_run(t), False, n, None)


def schedules(t: str) -> tuple[Schedule, ...]:
    weekly = Schedule("weekly", paused=True, day=t)
    return Schedule(t, paused=False), weekly, Schedule("expression", paused=False, cron=t)


def an_evaluation(t: str, n: int) -> Evaluation:
    wrong = samples.result(Outcome.CRITICAL, 246.0, summary=t, check=t)
    blind = samples.result(Outcome.ERROR, None, summary=t, sync=t, error=t)
    silent = replace(a_sync(t), error=t)
    syncs = (*(a_sync(t) for _ in range(n)), silent)
    return samples.evaluation(Outcome.ERROR, results=(wrong, blind) * n, syncs=syncs, problems=(t,) * n)


def a_queue(t: str, n: int) -> Queue:
    rows, groups = (PendingRecord((t, t), t),) * n, ((t, 9),) * n
    judged = samples.result(Outcome.CRITICAL, 9.0)
    trend = Trend(-30, minutes(60), None)
    suspects, keys = ((t, 3),) * n, (t, t)
    return Queue(t, t, 9, judged, suspects, minutes(9), trend, ((t, groups),) * n, keys, rows, rows, error=t)


def an_audit(t: str, n: int) -> AuditTrail:
    row = AuditRow(NOW, OPERATOR, t, t, t, AuditState.FAILED, None, t, t, t, t)
    return AuditTrail(NOW, (row,) * n, n + 1)


def a_slo(t: str, n: int) -> Slo:
    metric = SuccessMetric("m", t, Limit(">", 95, "%"), Unit.PERCENT, Known(1.0, 7, t), 94.0, source=t)
    worst = figures_of(an_incident(t, n), NOW)
    assert worst
    return Slo(t, 7, NOW, NOW, (metric,) * max(n, 1), (worst,) * min(n, 3))


def rejected(t: str, n: int) -> SyncErrors:
    cause = Cause(t, Needs.DATA, t, (t,) * n, t, t)
    return SyncErrors(t, a_run(t), 9, 9, 1, (CauseGroup(cause, 3, (t,) * n, ((t, 9),) * n),) * n)


def a_snapshot(t: str) -> Snapshot:
    numbers = {"coverage_percentage": 96.1, "Sync A/backlog": 12, t: None}
    return Snapshot(t, NOW, OPERATOR, numbers, previous_id=t, previous=numbers)


def a_page(t: str, n: int) -> RunbookPage:
    """What Markdown in a section comes to is tried elsewhere: it may format."""
    steps = "\n".join(f"{i}. Look at it" for i in range(n))
    return RunbookPage(Section("backlog", t, steps, "Alerts"), t, OPERATOR, an_incident(t, n))


def an_outage(t: str) -> Outage:
    return Outage(NOW, NOW + minutes(9), t)


def a_summary(t: str, n: int) -> Summary:
    opened, stuck = (an_incident(t, 1),) * n, (Undelivered(t, t, n, NOW),) * n
    return samples.summary(
        an_evaluation(t, n),
        pipeline=t,
        maintenance=a_report(t, n).window,
        undelivered=stuck,
        incidents=opened,
        failed=t,
    )


def a_home(t: str, n: int) -> Home:
    shown = a_summary(t, n)
    return Home(shown, shown.incidents, {7: "https://x.example/p1"}, window_figures(shown.incidents, NOW, NOW))


def a_digest(t: str, n: int) -> Digest:
    opened, outages, stuck = (an_incident(t, 1),) * n, (an_outage(t),) * n, (Undelivered(t, t, n, NOW),) * n
    return Digest(an_evaluation(t, n), opened, n, outages, outages, stuck, links={7: f"https://x.example/{t}"})


def a_report(t: str, n: int) -> MaintenanceReport:
    over = replace(an_incident(t, 1), state=State.OK, resolved_at=NOW)
    window = Maintenance(3, NOW, NOW + minutes(9), OPERATOR, t, NOW + minutes(5), OPERATOR)
    return MaintenanceReport(window, (an_incident(t, 1),) * n, (over,) * n, (an_incident(t, 1),) * n)


def every_kind(t: str, n: int) -> list[Said]:
    """Each kind of announcement, of an incident alone and of one that shares its thread."""
    about, digest = an_incident(t, n), a_digest(t, n)
    action, remedy = samples.ended(verdict=t, reason=t, sync=t), Entry(NOW, Did.REMEDY, detail=f"Not paused: {t}")
    nudged = replace(about, timeline=(*about.timeline, *(Entry(NOW, did) for did in SUBJECTS), remedy))
    said: list[Said] = []
    for kind in Kind:
        line = Entry(NOW, Did.NOTED, OPERATOR, t)
        owed = samples.announcement(
            kind, nudged, action=action, digest=digest, entry=line, values=samples.course(*(1e9,) * n)
        )
        said += [alert_message(owed, SETTINGS), alert_message(replace(owed, thread=(nudged,) * max(2, n)), SETTINGS)]
    return said


SUBJECTS = (Did.REMINDED, Did.ESCALATED, Did.EASED, Did.REOPENED)  # what replies are about
BUILDERS: dict[Callable[..., Any], Callable[[str, int], list[Said]]] = {
    alert_message: every_kind,
    answer_modal: lambda t, n: [answer_modal(t, note(t, (OPERATOR,) * n))],
    digest_message: lambda t, n: [digest_message(a_digest(t, n), SETTINGS)],
    errors_message: lambda t, n: [
        errors_message([rejected(t, n), SyncErrors(t, error=t)] * n or [SyncErrors(t)], ZONE, NOW)
    ],
    evidence_message: lambda t, n: [evidence_message(an_incident(t, n), samples.course(*(1.5,) * n), SETTINGS)],
    snooze_answer: lambda t, n: [snooze_answer([an_incident(t, n)] * max(1, n), ZONE)],
    unacknowledged: lambda t, n: [unacknowledged(an_incident(t, n), OPERATOR)],
    more_modal: lambda t, n: [more_modal(an_incident(t, n), entries(an_incident(t, n), f"https://x.example/{t[:99]}"))],
    snooze_modal: lambda t, n: [snooze_modal([an_incident(t, n)] * max(1, n), NOW + minutes(60), NOW, ZONE)],
    note_modal: lambda t, n: [note_modal(an_incident(t, n), 500)],
    resolve_modal: lambda t, n: [resolve_modal([an_incident(t, n)] * max(1, n))],
    resolve_answer: lambda t, n: [resolve_answer([an_incident(t, n)] * max(1, n))],
    note_answer: lambda t, n: [note_answer(an_incident(t, n))],
    escalate_answer: lambda t, n: [escalate_answer(an_incident(t, n), owner) for owner in (None, OPERATOR)],
    already_acknowledged: lambda t, n: [already_acknowledged([OPERATOR] * n, 7)],
    still_acknowledged: lambda t, n: [still_acknowledged(an_incident(t, n + 1), ZONE)],
    taken_over: lambda t, n: [taken_over(an_incident(t, n + 1))],
    failure: lambda t, n: [failure("0a1b2c3d")],
    help_message: lambda t, n: [help_message("/sync-health", {f"word{i}": "does " + "so " * 40 for i in range(n)})],
    incident_message: lambda t, n: [incident_message(a_post_mortem(t, n), one) for one in (SETTINGS, OWNED)],
    markdown_message: lambda t, n: [markdown_message(a_post_mortem(t, n), one) for one in (SETTINGS, OWNED)],
    incidents_message: lambda t, n: [
        incidents_message(n, [an_incident(t, 1)] * n, {7: f"https://x.example/{t}"}, ZONE)
    ],
    loading_modal: lambda t, n: [loading_modal(t)],
    runbook_message: lambda t, n: [runbook_message(a_page(t, n), one) for one in (SETTINGS, OWNED)],
    topics_message: lambda t, n: [topics_message({"Alerts": [(t, t)] * n, "Of this pipeline": [(t, t)] * n})],
    audit_message: lambda t, n: [audit_message(an_audit(t, n), ZONE)],
    slo_message: lambda t, n: [slo_message(a_slo(t, n), {7: f"https://x.example/{t}"}, ZONE)],
    trend_message: lambda t, n: [trend_message(a_trend(t, n), ZONE)],
    metrics_message: lambda t, n: [metrics_message(some_metrics(t, n), ZONE)],
    tiles_message: lambda t, n: [tiles_message([a_tile(t)] * max(1, n))],
    tile_message: lambda t, n: [tile_message(a_tile_answer(t, n, chart), ZONE, NOW) for chart in get_args(Chart)],
    review_message: lambda t, n: [review_message(a_review(t, n), SETTINGS, {7: f"https://x.example/{t[:99]}"})],
    stakeholder_message: lambda t, n: [stakeholder_message(a_note(t, n), SETTINGS)],
    stakeholder_text: lambda t, n: [stakeholder_text(a_note(t, n), SETTINGS)],
    stakeholder_modal: lambda t, n: [stakeholder_modal(a_preview(t, n, some), SETTINGS) for some in (0, 10)],
    stakeholder_answer: lambda t, n: [stakeholder_answer(a_preview(t, n, some)) for some in (0, n // 2)],
    maintenance_begun: lambda t, n: [maintenance_begun(a_report(t, n).window, ZONE, "/sync-health")],
    maintenance_message: lambda t, n: [maintenance_message(a_report(t, n), SETTINGS)],
    note: lambda t, n: [note(t, (OPERATOR,) * n)],
    outage_message: lambda t, n: [outage_message(kind, an_outage(t), SETTINGS) for kind in OUTAGES],
    queue_message: lambda t, n: [
        queue_message([a_queue(t, n)], ZONE, NOW),
        queue_message([a_queue(t, 1)] * max(2, n), ZONE, NOW),
    ],
    action_answer: lambda t, n: [
        action_answer(replace(samples.ended(verdict=t, sync=t), state=state)) for state in ActionState
    ],
    # The name is as short as settings let it be: the dialog carries it back to us.
    pause_all_modal: lambda t, n: [
        pause_all_modal(PauseAllFacts(NOW, (sanitize(t, 40),) * n, (t,) * n, ((t, t),) * n, (t,) * n, 1), ZONE)
    ],
    action_modal: lambda t, n: [
        action_modal(samples.sync_facts(sync=sanitize(t, 40), label=t, source=t, helps=t, queue=count, **more), ZONE)
        for count in (None, 0, 9)
        for more in ({}, {"paused": True}, {"running": a_run(t)}, {"suspicious": n})
    ],
    root_message: lambda t, n: [
        root_message(replace(an_incident(t, n), state=state, causes=(t,) * n, acked_by=acked), OWNED)
        for state in State
        for acked in (None, OPERATOR)
    ],
    run_message: lambda t, n: [
        run_message(replace(samples.ended(verdict=t, reason=t, sync=t), state=state), SETTINGS) for state in ActionState
    ],
    runs_message: lambda t, n: (
        [runs_message([SyncRuns(t, ((a_run(t), 1.0),) * n), SyncRuns(t, error=t)] * n, ZONE, NOW)] * bool(n)
    ),
    schedules_message: lambda t, n: [
        schedules_message([SyncSchedule(t, one) for one in schedules(t)] + [SyncSchedule(t, error=t)] * n, ZONE, NOW)
    ],
    short_message: lambda t, n: [
        short_message(samples.announcement(kind, an_incident(t, n), thread=(an_incident(t, 1),) * n)) for kind in Kind
    ],
    shared_end: lambda t, n: [shared_end([replace(an_incident(t, n), state=State.OK, resolved_at=NOW)] * 2, ZONE)],
    shared_evidence: lambda t, n: [
        shared_evidence([replace(an_incident(t, 1), title=f"{t} {i}") for i in range(max(1, n))], ZONE)
    ],
    shared_root: lambda t, n: [shared_root([an_incident(t, 1)] * max(1, n), SETTINGS)],
    snapshot_message: lambda t, n: [snapshot_message(a_snapshot(t), SETTINGS)],
    state_failure: lambda t, n: [state_failure(t)],
    home_view: lambda t, n: [home_view(a_home(t, n), OWNED), home_view(Home(Summary(t, None)), SETTINGS)],
    small_home_view: lambda t, n: [small_home_view(a_home(t, n), SETTINGS)],
    strangers_view: lambda t, n: [strangers_view()],
    summary_message: lambda t, n: [
        summary_message(a_summary(t, n), ZONE),
        summary_message(Summary(t, None), ZONE),
    ],
    trace_message: lambda t, n: [trace_message(a_trace(t, n), SETTINGS)],
    following_message: lambda t, n: [following_message(a_trace(t, n), NOW, SETTINGS, t)],
    not_arrived_message: lambda t, n: [not_arrived_message(a_trace(t, n), SETTINGS, t)],
    not_followed_message: lambda t, n: [not_followed_message(a_trace(t, n), SETTINGS)],
    arrival_message: lambda t, n: [arrival_message(an_arrival(t, n), SETTINGS, logs=logs) for logs in (True, False)],
    audit_row_message: lambda t, n: [
        audit_row_message(an_arrival(t, n), look, SETTINGS, timedelta(minutes=20))
        for look in (LogLook(), LogLook(LoggedRun(t, n, n, None)), LogLook(unknown=t))
    ],
    unknown_command: lambda t, n: [unknown_command("/sync-health", t, "queue")],
    unstored_summary: lambda t, n: [unstored_summary(samples.summary(pipeline=t), an_outage(t), ZONE)],
}
NAMES = {builder.__name__: make for builder, make in BUILDERS.items()}


def test_every_builder_of_messages_and_dialogs_is_tried_here() -> None:
    found = set()
    for module in pkgutil.iter_modules(bot.messages.__path__):
        for name, thing in vars(importlib.import_module(f"bot.messages.{module.name}")).items():
            returned = getattr(thing, "__annotations__", {}).get("return") if inspect.isfunction(thing) else None
            whole = returned in (Message, dict[str, Any]) and not name.endswith("_button")
            if whole and thing.__module__ != "bot.messages.blocks" and name[0] != "_":
                found.add(name)
    assert found == set(NAMES)


def payloads(said: Said) -> list[dict[str, Any]]:
    """With Slack's own tables and charts, and with text in their place."""
    return [said.payload(native=native) for native in (True, False)] if isinstance(said, Message) else [said]


def bars(said: dict[str, Any]) -> list[Block]:
    """The blocks beside a bar of a color."""
    return [block for bar in said.get("attachments", []) for block in bar["blocks"]]


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
@given(common.anything, st.integers(0, 60))
@example("<!channel>" * 3000, 60)
@example("&" * 9000, 25)
@example("x" * 20_000, 60)
@example("`" * 999, 7)
@example("\ud83d half an emoji", 1)
@settings(deadline=None, max_examples=15)
def test_slack_takes_every_message_whatever_is_in_it_and_however_much(
    faults: Callable[[dict[str, Any]], list[str]], name: str, text: str, count: int
) -> None:
    for built in NAMES[name](text, count):
        for said in payloads(built):
            assert not said.get("blocks") or faults(said) == []
            assert common.unescaped(said) == []
            str(said).encode()
        said = payloads(built)[-1]
        if said.get("type") in ("modal", "home"):
            checked_blocks(said["blocks"], most=100)
        else:
            content(said)
            assert len(checked_blocks(bars(said))) <= BAR_BLOCKS, "what stands behind them is folded"


SMALL = st.text(st.sampled_from("*_`~<>&|@#:\n\u202e\u200b\r\x1b ab"), min_size=1, max_size=20)


@pytest.mark.parametrize("name", NAMES)
@given(SMALL)
@example("*bold* `code` ~gone~")
@example("> quoted\n> twice")
@settings(deadline=None, max_examples=25)
def test_outside_text_changes_nothing_of_how_our_lines_look(name: str, text: str) -> None:
    built, plain = ([one for said in NAMES[name](word, 1) for one in payloads(said)] for word in (text, "word"))
    assert list(map(looks, built)) == list(map(looks, plain))
    assert [fault for one in built for fault in common.unescaped(one)] == []


def looks(said: dict[str, Any]) -> Counter[str]:
    """What formats, starts a line or mentions, of all that Slack reads as markup; in code it reads none."""
    code_or_link = r"```(?:[^`]|`(?!``))*```|`[^`\n]*`|<https:[^|<>]*\|"
    written = re.sub(code_or_link, "", "".join(common.markup([said.get("blocks", []), bars(said)])))
    return Counter(character for character in written if character in "*`~\n<>")


# -- the small words


def test_what_does_not_fit_is_counted_and_the_first_stays() -> None:
    text = section("worst", *["x" * 900] * 9)["text"]["text"]
    assert text.startswith("worst\n")
    assert text.endswith("\n… and 6 more lines")
    assert len(text) <= 3000
    assert [block["text"]["text"] for block in sections(["a", "b", "c"], 2)] == ["a\nb\n… and 1 more"]
    assert sections([]) == []


@pytest.mark.parametrize("last", [1, 39, 41, 2000])
def test_a_count_of_what_is_left_out_fits_whatever_the_lines_are(last: int) -> None:
    lines = ["x" * 980, "y" * 980, "z" * (2998 - 1960 - last), "l" * last, "more"]
    text = section(*lines)["text"]["text"]
    assert len(text) <= 3000
    assert text.endswith(" more lines") or text.endswith(" more line")


def test_a_message_keeps_its_head_its_buttons_and_its_small_print() -> None:
    button = {"type": "actions", "elements": []}
    whole = Message("x", (section("head"), *[section("y" * 2000)] * 9, context("small"), button))
    blocks = whole.shown()
    kinds = [block["type"] for block in blocks]
    assert blocks[0] == section("head")
    assert kinds[-3:] == ["context", "context", "actions"]
    assert blocks[-3] == context("… and 3 more lines")
    many = fit([section("a")] * 80, 50)
    assert len(many) == 50
    assert many[-1] == context("… and 31 more lines")
    assert sum(len(block["text"]["text"]) for block in blocks if "text" in block) <= MESSAGE


def test_prose_is_shown_as_it_is_written_and_formats_nothing() -> None:
    assert escape("a_b __init__ *x* `y` ~z~ :fire: 12:30:45") == "a_b ˍˍinitˍˍ ∗x∗ ˋyˋ ∼z∼ ∶fire: 12:30:45"
    assert escape("@here and @Channel, me@here.example") == "＠here and ＠Channel, me＠here.example"
    assert escape("> 5") == "› 5"
    assert escape("a > 5") == "a &gt; 5"


def test_an_identifier_can_be_copied_as_it_is() -> None:
    assert code("rds.__x*y_~z") == "`rds.__x*y_~z`"
    assert code("a`b\nc<d") == "`aˋb c&lt;d`"
    assert code("") == "`–`"


def test_an_address_leads_where_it_should_and_nowhere_else() -> None:
    assert anchor("a|b", "https://x.example/_a_?b=*&c=~d") == "<https://x.example/_a_?b=*&amp;c=~d|a|b>"
    assert anchor("x", "https://x.example/>|<!channel>") == "<https://x.example/%3E%7C%3C!channel%3E|x>"
    assert anchor("x", "https://x.example/" + "y" * 1000) == "x"


@given(st.text("ab<>&;`| ", max_size=60), st.integers(1, 40))
def test_cutting_tears_no_entity_and_no_code_span(text: str, most: int) -> None:
    ours = f"`{escape(text)}` <https://x.example|y> {escape(text)}"
    shown = cut(ours, most)
    assert len(shown) <= most
    assert shown.count("`") % 2 == 0
    assert shown.count("<") == shown.count(">")
