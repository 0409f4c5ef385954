"""The weekly review and the stakeholder note over the real Bolt app and the local Slack: typed, previewed, sent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.config.pipeline_file import Operators, Report, ReportChannel
from bot.config.settings import Settings
from bot.demo.slack.state import CHANNEL
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR
from bot.services.authorise import Person
from bot.services.stakeholder_note import send_note
from bot.services.weekly_review import read_review
from tests import small_bot
from tests.fakes import FakeWarehouse
from tests.slack.conftest import words
from tests.slack.test_by_hand import VISITOR, Small
from tests.waiting import until

GONE = "gone-team"
SALES = ReportChannel(channel=CHANNEL, audience="sales operations")


def readers(*channels: ReportChannel, **changes: Any) -> dict[str, Any]:
    """Settings of a pipeline.yml that names them."""
    return {"report": Report(channels=channels), **changes}


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    changes = getattr(request, "param", readers(SALES))
    read = small_bot.settings_from

    def changed(*given: Any) -> Settings:
        return replace(read(*given), **changes)

    monkeypatch.setattr(small_bot, "settings_from", changed)
    slack, warehouse = small_bot.small_slack(), FakeWarehouse()
    slack.start()
    bot = small_bot.small_bot(slack.url, tmp_path, warehouse)
    until(lambda: slack.connections == 1)
    yield Small(slack, bot, warehouse)
    bot.stop()
    disconnect(bot.ports)
    slack.stop()


def asked(small: Small, user: str) -> dict[str, Any]:
    """The answer to `/sync-health report`."""
    small.slack.command(user, "report")
    return until(lambda: next((m for m in small.slack.ephemerals(user) if "Weekly review" in m["text"]), None))


def preview(small: Small, user: str = OPERATOR) -> dict[str, Any]:
    small.slack.press(user, asked(small, user)["ts"], "stakeholder_note")
    return until(lambda: (m := small.slack.modal(user)) and "Loading" not in words(m) and m)


def notes(small: Small) -> list[str]:
    return [words(m["blocks"]) for m in small.slack.messages() if "data, " in m["text"]]


def test_everybody_sees_the_review_and_only_an_operator_gets_beyond_the_button(small: Small) -> None:
    assert "No incidents since then" in words(asked(small, VISITOR))
    refused = words(preview(small, VISITOR))
    assert "Only operators may do that. Ask" in refused and f"<@{OPERATOR}>" in refused
    assert notes(small) == []
    until(lambda: any(who == VISITOR and what == "stakeholder_note" for who, what, *_ in small.audit()))


def test_what_an_operator_previews_is_what_is_sent_and_a_submission_that_comes_again_sends_nothing(
    small: Small,
) -> None:
    shown = words(preview(small))
    assert "sales operations" in shown
    view = small.slack.modal(OPERATOR)
    assert view
    small.slack.submit(OPERATOR, {"added": "Thanks for <waiting>"})
    [note] = until(lambda: notes(small))
    said = note.splitlines()
    assert len(said) > 4
    assert {line for line in said if line not in shown and " " in line} == {"Thanks for &lt;waiting&gt;"}
    until(lambda: "The stakeholder note goes to" in small.told())
    until(lambda: (OPERATOR, "stakeholder note", CHANNEL, "posted") in small.audit())
    send_note(small.bot.ports, view["private_metadata"], Person(OPERATOR, "", ""), "again")
    small.bot.deliver_what_is_due()
    assert len(notes(small)) == 1


@pytest.mark.parametrize(
    "small",
    [readers(SALES, ReportChannel(channel=GONE, audience="support"))],
    indirect=True,
)
def test_a_channel_that_refuses_is_named_in_the_preview_and_in_the_answer(small: Small) -> None:
    assert f"#{GONE} · support · not sent there: Slack refuses: channel_not_found" in words(preview(small))
    small.slack.submit(OPERATOR, {"added": ""})
    until(lambda: f"Not sent to #{GONE}" in small.told())
    until(lambda: len(notes(small)) == 1)


@pytest.mark.parametrize("small", [readers()], indirect=True)
def test_without_readers_there_is_no_button_and_the_review_says_which_key_adds_it(small: Small) -> None:
    answer = asked(small, OPERATOR)
    assert "stakeholder_note" not in str(answer["blocks"])
    assert "`report.channels`" in words(answer)


@pytest.mark.parametrize("small", [readers(SALES, mode="observe")], indirect=True)
def test_in_observe_mode_the_note_is_sent_because_it_changes_neither_census_nor_the_warehouse(small: Small) -> None:
    assert "Observe mode: no changes" in words(asked(small, OPERATOR))
    preview(small)
    small.slack.submit(OPERATOR, {"added": ""})
    until(lambda: len(notes(small)) == 1)


def test_the_review_of_monday_has_the_same_button(small: Small) -> None:
    ports = small.bot.ports
    with ports.store.transaction() as records:
        records.enqueue_review(read_review(ports).review, ports.settings.channel)
    posted = until(lambda: next((m for m in small.slack.messages() if "Weekly review" in m["text"]), None))
    small.slack.press(OPERATOR, posted["ts"], "stakeholder_note")
    small.modal("Goes to")


def test_a_workspace_that_refuses_tables_gets_the_review_as_text(small: Small) -> None:
    small.slack.unknown_blocks.add("table")
    small.open()
    with small.bot.ports.store.transaction() as records:
        records.save_incident(replace(small.incident, causes=("The view returns no name",)))
    assert "The view returns no name · 1 this week" in words(asked(small, VISITOR))


def test_who_is_no_operator_any_more_sends_nothing_from_a_dialog_that_is_open(small: Small) -> None:
    preview(small)
    object.__setattr__(small.bot.ports.settings, "operators", Operators())
    small.slack.submit(OPERATOR, {"added": ""})
    until(lambda: "Only operators may do that" in small.told())
    assert notes(small) == []
