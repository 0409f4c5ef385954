"""Dialogs while Slack refuses, loses or delays them, over the wire: who pressed is told, and Census asked once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack.server import DROP_AFTER, DROP_BEFORE, Fault, SlackServer
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR
from tests.fakes import FakeWarehouse
from tests.slack.conftest import words
from tests.small_bot import small_bot, small_slack
from tests.waiting import until

pytestmark = pytest.mark.full
REASON = {"reason": "the view is fixed"}
SYNC = "b"


@dataclass
class Desk:
    """The bot before the local Slack, and what the operator sees."""

    slack: SlackServer
    bot: Bot

    def type(self, text: str) -> None:
        self.slack.command(OPERATOR, text)

    def told(self) -> str:
        return "\n".join(words(message) for message in self.slack.ephemerals(OPERATOR))

    def dialog(self) -> dict[str, Any]:
        """Once it can be submitted."""
        until(lambda: (self.slack.modal(OPERATOR) or {}).get("submit"))
        return self.slack.modal(OPERATOR) or {}

    def changes(self) -> list[Any]:
        census: Any = self.bot.ports.census
        return [*census.triggers, *census.changes, *census.canceled]

    def audit(self) -> list[tuple[str, str]]:
        with self.bot.ports.store.transaction() as records:
            return [(row.what, str(row.state)) for row in records.audit_rows(datetime(2020, 1, 1, tzinfo=UTC))][::-1]

    def settled(self) -> bool:
        return not self.bot._context.in_flight.count()

    def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let these calls fail; where Slack is silent the bot does not wait long."""
        if fault.silence:
            self.bot._context.client.timeout = 2
        self.slack.fail_next(method, fault, times)

    def reports(self) -> list[str]:
        """The messages in the channel about what was done."""
        said = [words(one) for one in self.slack.messages()]
        return [one for one in said if "is paused" in one or "pause" in one.lower()]

    def deliver(self, payload: Any, kind: str = "interactive", times: int = 2) -> None:
        """The same interaction in envelopes of their own."""
        for _ in range(times):
            self.slack._await(self.slack._apps.send(kind, payload))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    slack = small_slack()
    slack.start()
    # A loaded machine needs more than three seconds for what takes milliseconds: triggers stay alive.
    slack._workspace.real = lambda: 1_800_000_000.0
    bot = small_bot(slack.url, tmp_path, FakeWarehouse())
    until(lambda: slack.connections == 1)
    yield Desk(slack, bot)
    bot.stop()
    disconnect(bot.ports)
    slack.stop()


OPENS = {
    "expired_trigger_id": Fault(error="expired_trigger_id"),
    "invalid_trigger_id": Fault(error="invalid_trigger_id"),
    "view_too_large": Fault(error="view_too_large"),
    "invalid_arguments": Fault(error="invalid_arguments"),
    "not_found": Fault(error="not_found"),
    "429": Fault(status=429, retry_after=30),
    "500": Fault(status=500),
    "HTML": Fault(status=200),
    "silence": Fault(silence=8.0),
    "reset before": DROP_BEFORE,
    "reset after": DROP_AFTER,
}


@pytest.mark.parametrize("odd", OPENS)
def test_a_dialog_that_does_not_open_is_said_and_the_next_press_works(desk: Desk, odd: str) -> None:
    desk.fail_next("views.open", OPENS[odd])
    desk.type(f"pause {SYNC}")
    until(lambda: "The dialog did not open" in desk.told())
    uncertain = odd in ("500", "HTML", "silence", "reset before", "reset after")
    assert ("stays at Loading can be closed" in desk.told()) == uncertain
    assert desk.changes() == []
    until(lambda: desk.audit() == [("pause", "refused")])
    desk.type(f"pause {SYNC}")
    desk.dialog()
    desk.slack.submit(OPERATOR, REASON)
    until(lambda: len(desk.reports()) == 1)
    until(desk.settled)  # it is announced before Census is asked
    assert len(desk.changes()) == 1
    assert [what for what, _ in desk.audit()].count("pause") == 2, "the refused one, and the request"


UPDATES = {
    "hash_conflict": Fault(error="hash_conflict"),
    "view_too_large": Fault(error="view_too_large"),
    "invalid_arguments": Fault(error="invalid_arguments"),
    "429, too long": Fault(status=429, retry_after=300),
    "a refusal that nobody knows": Fault(error="out_of_cheese"),
}


@pytest.mark.parametrize("odd", UPDATES)
def test_a_dialog_that_cannot_be_filled_is_said_another_way(desk: Desk, odd: str) -> None:
    desk.slack.fail_next("views.update", UPDATES[odd], times=None)
    desk.type(f"pause {SYNC}")
    until(lambda: "The dialog could not be filled. Close it" in desk.told())
    assert desk.changes() == []
    desk.slack.heal()
    desk.type("help")
    until(lambda: "this list" in desk.told())


TRANSIENT = {
    "429": Fault(status=429, retry_after=1),
    "500": Fault(status=500),
    "500, done": Fault(status=500, done=True),
    "HTML": Fault(status=200),
    "silence": Fault(silence=8.0),
    "reset before": DROP_BEFORE,
    "reset after": DROP_AFTER,
}


@pytest.mark.parametrize("odd", TRANSIENT)
def test_a_dialog_is_filled_once_slack_takes_it_and_acts_once(desk: Desk, odd: str) -> None:
    desk.fail_next("views.update", TRANSIENT[odd], times=2)
    desk.type(f"pause {SYNC}")
    desk.dialog()
    desk.slack.submit(OPERATOR, REASON)
    until(lambda: len(desk.reports()) == 1)
    until(desk.settled)  # it is announced before Census is asked
    assert len(desk.changes()) == 1
    assert [what for what, _ in desk.audit()] == ["pause"]


def test_a_dialog_that_was_closed_meanwhile_needs_no_answer(desk: Desk) -> None:
    desk.slack.fail_next("views.update", Fault(error="not_found"), times=None)
    desk.type(f"pause {SYNC}")
    until(lambda: any(method == "views.update" for method, _ in desk.slack.calls))
    until(desk.settled)
    assert desk.told() == ""
    assert desk.changes() == []


def test_one_press_in_two_envelopes_opens_one_dialog_and_complains_of_nothing(desk: Desk) -> None:
    desk.deliver(desk.slack._workspace.command(OPERATOR, f"pause {SYNC}"), "slash_commands")
    desk.dialog()
    until(desk.settled)
    assert [method for method, _ in desk.slack.calls].count("views.open") == 1
    assert desk.told() == ""


def test_one_submission_in_three_envelopes_is_one_action_with_one_answer(desk: Desk) -> None:
    desk.type(f"pause {SYNC}")
    desk.dialog()
    desk.deliver(desk.slack._workspace.submission(OPERATOR, REASON), times=3)
    until(lambda: "The channel reports" in desk.told())
    until(desk.settled)
    assert len(desk.changes()) == 1
    assert len(desk.slack.ephemerals(OPERATOR)) == 1
    assert [what for what, _ in desk.audit()] == ["pause"]


@pytest.mark.parametrize("odd", ["invalid_blocks", "not_in_channel"])
def test_an_action_is_done_and_reported_although_its_answer_cannot_be_shown(desk: Desk, odd: str) -> None:
    desk.slack.fail_next("chat.postEphemeral", Fault(error=odd), times=None)
    desk.type(f"pause {SYNC}")
    desk.dialog()
    desk.slack.submit(OPERATOR, REASON)
    until(lambda: len(desk.reports()) == 1)
    until(desk.settled)  # it is announced before Census is asked
    assert len(desk.changes()) == 1
