"""The weekly review and the stakeholder note: golden payloads, their words, and text from anywhere.

`UPDATE_GOLDEN=1` writes tests/golden/report anew; read the difference before you keep it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings

from bot.alerts.capacity import Advice, AdviceKind, Pace, SyncLoad
from bot.alerts.noise import Noise
from bot.alerts.stakeholders import Effect, Effects, Event, Note, Reader
from bot.alerts.weekly import Case, CauseCount, Cost, Incidents, Metric, Review
from bot.answers.history import NotePreview
from bot.config.pipeline_file import Noun, Report, ReportChannel
from bot.messages.alert import alert_message
from bot.messages.report import review_message
from bot.messages.stakeholder_note import stakeholder_answer, stakeholder_message, stakeholder_modal
from bot.model import Kind, PostedReview
from checks.model import Severity
from tests.unit import payloads
from tests.unit.payloads import SETTINGS, Payload, anything, golden, said, text_of
from tests.unit.samples import announcement

GOLDEN = payloads.GOLDEN / "report"
faults = payloads.faults  # the fixture
UNTIL = datetime(2026, 11, 30, 16, tzinfo=UTC)  # Monday, 08:00 in the zone of the samples
SINCE = UNTIL - timedelta(days=7)
CHANNELS = (
    ReportChannel(channel="C0SALES01", audience="sales operations"),
    ReportChannel(channel="customer-success", audience="customer success"),
)
REPORTING = replace(SETTINGS, report=Report(channels=CHANNELS))
READERS = tuple(Reader(one.channel, one.audience) for one in CHANNELS)
CONTACTS = replace(REPORTING, pipeline="contacts", noun=Noun(one="contact", many="contacts"), destination="HubSpot")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


NAMES = Case(12, "Missing company names", None, Severity.CRITICAL, SINCE + hours(30), hours(3))
STILL = (
    Case(17, "Census schedule", "Sync B", Severity.CRITICAL, UNTIL - hours(50), hours(50), "U0ROBIN"),
    Case(18, "Coverage of Salesforce", None, Severity.WARN, UNTIL - hours(2), hours(2)),
)
WEEK = Review(
    SINCE,
    UNTIL,
    week=Incidents(2, 7, minutes(6), minutes(26)),
    before=Incidents(1, 3, minutes(12), minutes(31)),
    longest=NAMES,
    causes=(
        CauseCount("rds_properties_enriched returns no company name for 240 records", (3, 1, 0, 0)),
        CauseCount("DUPLICATE_VALUE", (1, 0, 4, 0)),
    ),
    metrics=(Metric("Coverage of Salesforce", 96.1, 97.0, 95.2, "< 95%"),),
    loads=(
        SyncLoad("Sync A", minutes(2), minutes(15), 40.0),
        SyncLoad("Sync B", minutes(13), minutes(15), 210.0),
    ),
    paces=(
        Pace("Backlog", "Sync B", 260, "> 500", 40.0, timedelta(days=6)),
        Pace("Coverage of Salesforce", None, 97.0, "< 95%", -0.5, timedelta(days=4)),
        Pace("Backlog", "Sync A", 3, "> 50", 0.1, None),
    ),
    advice=(
        Advice(AdviceKind.NEARLY_TOO_LONG, "Sync B", minutes(13), minutes(15), 210.0),
        Advice(AdviceKind.INCREMENTAL, "Sync A", offered=20_274, written=12),
    ),
    noise=(
        Noise("backlog", "Backlog", "Sync B", 6, minutes(15), "> 500", "> 620", 1),
        Noise("coverage", "Coverage of Salesforce", None, 3, minutes(20), "< 95%"),
    ),
    cost=Cost(214, 12, hours(9.2), hours(11)),
)
WRONG = Event(Effect.WRONG, SINCE + hours(30), SINCE + hours(33), hours(3), False, False, 247)
FOUND = Event(Effect.FOUND, SINCE + hours(40), SINCE + hours(41), hours(1), False, False, 11)
LATE = Event(Effect.LATE, UNTIL - hours(50), UNTIL, hours(50), True, True, 7881, False)
EFFECTS = Effects(SINCE, UNTIL, (WRONG, LATE), short_delays=3, next_note=date(2026, 12, 7))
CALM = Effects(SINCE, UNTIL, next_note=date(2026, 12, 7))
NOTE = Note(4, "U0ROBIN", UNTIL, EFFECTS, READERS)


def review(of: Review, by: object = REPORTING, **links: str) -> Payload:
    return said(review_message(of, by, {int(n[1:]): to for n, to in links.items()}))  # type: ignore[arg-type]


def note(of: Effects, by: object = REPORTING, added: str = "") -> Payload:
    return said(stakeholder_message(replace(NOTE, effects=of, added=added), by))  # type: ignore[arg-type]


def modal(preview: NotePreview) -> Payload:
    return stakeholder_modal(preview, REPORTING)


REFUSED = NotePreview(NOTE, ((READERS[1], "Slack refuses: not_in_channel"),))
NOBODY = NotePreview(NOTE, tuple((one, "Slack refuses: not_in_channel") for one in READERS))
LINKS = {"i12": "https://acme.slack.com/archives/C1/p1", "i17": "https://acme.slack.com/archives/C1/p2"}
GOLDENS: dict[str, Callable[[], Payload]] = {
    "review": lambda: review(replace(WEEK, still_open=STILL), **LINKS),
    "review_all_resolved": lambda: review(WEEK),
    "review_that_is_late": lambda: review(replace(WEEK, read_at=UNTIL + hours(74), still_open=STILL)),
    "review_without_incidents": lambda: review(Review(SINCE, UNTIL, before=Incidents(1, 5, None, None))),
    "review_of_a_young_bot": lambda: review(Review(UNTIL - hours(90), UNTIL, whole=False)),
    "review_without_an_evaluation": lambda: review(Review(UNTIL, UNTIL, whole=False, evaluated=False)),
    "review_without_a_check": lambda: review(Review(SINCE, UNTIL, checked=False)),
    "review_not_evaluated_in_part": lambda: review(
        Review(SINCE, UNTIL, not_evaluated=hours(5), unknown=("Run durations unknown for Sync A: Census answered 503",))
    ),
    "review_without_channels": lambda: review(replace(WEEK, observes=True), SETTINGS),
    "note": lambda: note(EFFECTS),
    "note_with_a_sentence": lambda: note(EFFECTS, added="The names of <Tuesday> are corrected & checked"),
    "note_calm": lambda: note(CALM),
    "note_of_a_check_that_is_not_about_the_destination": lambda: note(replace(CALM, events=(FOUND,))),
    "note_of_another_pipeline": lambda: note(replace(CALM, checks_values=False, next_note=None), CONTACTS),
    "note_not_checked_in_part": lambda: note(replace(CALM, unchecked=hours(5.3))),
    "note_not_checked": lambda: note(replace(CALM, evaluated=False, unchecked=hours(168))),
    "modal": lambda: modal(NotePreview(NOTE, last=replace(NOTE, by="U0ADA", sent_at=UNTIL - hours(1)))),
    "modal_one_refuses": lambda: modal(REFUSED),
    "modal_all_refuse": lambda: modal(NOBODY),
    "answer": lambda: said(stakeholder_answer(NotePreview(NOTE))),
    "answer_one_refuses": lambda: said(stakeholder_answer(REFUSED)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_a_report_is_as_its_golden_and_slack_would_take_it(name: str, faults: Callable[[Payload], list[str]]) -> None:
    payload = GOLDENS[name]()
    assert payload == golden(GOLDEN / f"{name}.json", payload)
    assert faults(payload) == []


def test_every_golden_is_rendered_by_something() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(GOLDENS)


def test_a_review_with_everything_has_twelve_blocks_at_most() -> None:
    assert len(review(replace(WEEK, still_open=STILL))["blocks"]) <= 12


def test_a_workspace_without_tables_gets_the_causes_as_text(faults: Callable[[Payload], list[str]]) -> None:
    payload = review_message(WEEK, REPORTING, {}).payload(native=False)
    assert "DUPLICATE_VALUE · 1 this week · 0 last week · 4 2 weeks ago" in text_of(payload)
    assert faults(payload) == []


def test_no_word_of_the_note_is_a_check_or_the_jargon_of_the_team() -> None:
    for name, render in GOLDENS.items():
        if name.startswith("note"):
            text = text_of(render()).lower()
            for word in ("census", "backlog", "sync ", "threshold", "incident", "coverage", "warehouse", "critical"):
                assert word not in text, f"{name}: {word}"


def test_the_note_that_is_sent_is_the_one_that_was_shown() -> None:
    shown = modal(NotePreview(NOTE))["blocks"]
    sent = note(EFFECTS)["blocks"]
    begin = shown.index(sent[0])
    assert shown[begin : begin + len(sent)] == sent


def test_no_healthy_sign_stands_above_what_is_open_or_unknown() -> None:
    for name in ("review", "review_without_an_evaluation", "review_not_evaluated_in_part"):
        assert "✅" not in text_of(GOLDENS[name]())


def test_where_nothing_was_checked_the_note_says_so_and_calls_nothing_right_or_on_time() -> None:
    text = text_of(GOLDENS["note_not_checked"]())
    assert "we do not know" in text
    assert "no wrong" not in text and "on time" not in text


def test_a_note_that_slack_refuses_in_full_is_sent_as_text_with_all_it_says() -> None:
    told = replace(announcement(Kind.STAKEHOLDERS), incident=None, note=NOTE, plain=True)
    payload = said(alert_message(told, REPORTING))
    assert payload["blocks"] == []
    assert "up to 247 properties in Salesforce had wrong or missing values" in payload["text"]


def test_a_review_of_the_outbox_is_rendered_as_the_answer_is() -> None:
    told = replace(announcement(Kind.REVIEW), incident=None, review=PostedReview(WEEK))
    assert said(alert_message(told, REPORTING)) == review(WEEK)


@settings(max_examples=30, deadline=None)
@given(anything)
def test_text_from_anywhere_stays_text(word: str) -> None:
    case = replace(NAMES, title=word, sync=word)
    causes, unknown = (CauseCount(word, (1, 0, 0, 0)),), (word,)
    of = replace(WEEK, longest=case, still_open=(case,), causes=causes, unknown=unknown, advice=())
    for payload in (review(of), note(EFFECTS, added=word)):
        assert "<!channel>" not in text_of(payload)
        assert "<!here>" not in text_of(payload)
