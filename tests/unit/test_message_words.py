"""What the bot says of alerts, numbers and times, and what it never says."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.alerts.model import ActionState, Did, Entry
from bot.answers.health import Summary
from bot.errors import RefusedError
from bot.messages.alert import reply_is_broadcast
from bot.messages.phrases import life_line
from bot.messages.sync_dialogs import action_modal, read_consent
from bot.messages.text import limit_in_code, number, records
from bot.model import Kind
from checks.model import Outcome
from checks.numbers import duration
from tests.unit import payloads
from tests.unit.payloads import (
    WARNING,
    Payload,
    alert,
    every_block,
    nudged,
    shown,
    text_of,
    told,
)
from tests.unit.samples import (
    NOW,
    ZONE,
    acknowledged,
    action,
    announcement,
    ended,
    evaluation,
    incident,
    minutes,
    resolved,
    result,
    run,
    summary,
    sync_facts,
    sync_status,
    working,
)

faults = payloads.faults  # the fixture


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
    late = resolved(timeline=(Entry(NOW + minutes(7), Did.ACKNOWLEDGED),), resolved_at=NOW + minutes(6))
    assert plain(life_line(late, ZONE)) == "Triggered 2026-01-09 03:05 · Resolved 03:11 (6 min) · Acknowledged 03:12"
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
    assert records(None) == "an unknown number of records"
    assert [records(0), records(1), records(7881)] == ["0 records", "1 record", "7,881 records"]
    assert [limit_in_code(limit) for limit in ("> 50", "<= 1000", "!= 0", None)] == [
        "`&gt; 50`",
        "`≤ 1,000`",
        "`≠ 0`",
        "none",
    ]


def test_a_dialog_carries_what_it_showed_and_one_of_another_version_carries_none() -> None:
    for facts in (sync_facts(suspicious=2), sync_facts(running=working()), sync_facts(queue=None, suspicious=None)):
        assert read_consent(action_modal(facts, ZONE)["private_metadata"]) == facts.consent
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
