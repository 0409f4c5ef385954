"""App Home over the line: the running bot before the local Slack."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.scheduler import Scheduler
from bot.demo.slack.server import Fault, Person, SlackServer
from bot.model import Kind
from bot.runtime.bot import Bot
from bot.runtime.demo import OPERATOR
from tests import oracles
from tests.fakes import CHANNEL, FakeWarehouse
from tests.slack.conftest import words
from tests.small_bot import TOKEN, small_bot, unstarted_bot
from tests.unit.samples import incident
from tests.waiting import until

ADA, SAM, STRANGER = "U0ADA", "U0SAM", "U0STRANGER"


@dataclass
class Homes:
    """A bot, and the Homes that people look at."""

    slack: SlackServer
    folder: Path
    bot: Bot

    def open_incident(self, check: str = "null_company_names") -> int:
        now = self.bot.ports.clock.now()
        with self.bot.ports.store.transaction() as records:
            opened = incident(
                id=0, key=check, check=check, opened_at=now, timeline=(), channel=CHANNEL, measured_at=now
            )
            created = records.create_incident(opened)
            records.enqueue(created.id, Kind.ROOT)
        return created.id

    def shows(self, user: str) -> str:
        return words((self.slack.home(user) or {}).get("blocks", []))

    def published(self, user: str) -> int:
        return sum(method == "views.publish" and said["user_id"] == user for method, said in list(self.slack.calls))

    def restart(self) -> None:
        """Without jobs, which would find that there is nothing behind the incident."""
        self.stop()
        until(lambda: self.slack.connections == 0)
        self.bot = unstarted_bot(self.slack.url, self.folder, FakeWarehouse())
        self.bot._scheduler = Scheduler([], first=self.bot.ports.clock.real())
        self.bot.start()
        until(lambda: self.slack.connections == 1)

    def stop(self) -> None:
        self.bot.stop()
        self.bot.ports.store.close()


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Homes]:
    people = [Person(OPERATOR, "robin"), Person(ADA, "ada"), Person(SAM, "sam"), Person(STRANGER, "eve", team="T9")]
    slack = SlackServer(now=lambda: datetime.now(UTC), bot_token=TOKEN, app_token=TOKEN, people=people)
    slack.start()
    one = Homes(slack, tmp_path, small_bot(slack.url, tmp_path, FakeWarehouse()))
    until(lambda: slack.connections == 1)
    yield one
    one.stop()
    if oracles.there():
        oracles.refuse_unknown_calls(slack.calls)
    slack.stop()


def test_who_opens_it_sees_the_summary_and_those_who_have_it_open_see_what_changes(homes: Homes) -> None:
    homes.slack.open_home(OPERATOR)
    homes.slack.open_home(ADA)
    until(lambda: "passing" in homes.shows(OPERATOR) and "passing" in homes.shows(ADA))
    homes.slack.open_home(SAM, "messages")
    homes.open_incident()
    until(lambda: "1 open incident" in homes.shows(OPERATOR) and "1 open incident" in homes.shows(ADA))
    assert homes.published(SAM) == 0
    until(lambda: "View thread" in homes.shows(ADA))


def test_acknowledge_in_home_is_shown_to_all_who_look_and_in_the_thread(homes: Homes) -> None:
    number = homes.open_incident()
    homes.slack.open_home(OPERATOR)
    homes.slack.open_home(SAM)
    until(lambda: "Unacknowledged" in homes.shows(OPERATOR) and "Unacknowledged" in homes.shows(SAM))
    homes.slack.press(OPERATOR, "", "acknowledge", str(number))
    until(lambda: all(f"Acknowledged by <@{OPERATOR}>" in homes.shows(user) for user in (OPERATOR, SAM)))
    until(lambda: f"Acknowledged by <@{OPERATOR}>" in words(homes.slack.messages()))
    with homes.bot.ports.store.snapshot() as records:
        assert (
            len([row for row in records.audit_rows(datetime(2020, 1, 1, tzinfo=UTC)) if row.what == "acknowledge"]) == 1
        )
    homes.slack.press(SAM, "", "more", f"snooze {number}")
    until(lambda: "Only operators may do that" in words(homes.slack.modal(SAM)))
    assert "1 open incident" in homes.shows(SAM), "the dialog stands before the Home, which stays"


def test_an_opening_that_slack_tells_twice_counts_once(homes: Homes) -> None:
    event = homes.slack._workspace.home_opened(OPERATOR, "home")
    for _ in range(2):
        homes.slack._await(homes.slack._apps.send("events_api", event))
    homes.slack.open_home(ADA)
    until(lambda: homes.published(ADA) and homes.published(OPERATOR))
    [asked] = [one.asked for one in homes.bot._context.app_home.in_turn() if one.person.id == OPERATOR]
    assert asked == 1


def test_people_of_another_workspace_see_that_it_is_not_theirs(homes: Homes) -> None:
    homes.slack.open_home(STRANGER)
    until(lambda: "its own workspace only" in homes.shows(STRANGER))
    assert "properties" not in json.dumps(homes.slack.home(STRANGER))


def test_after_a_restart_a_button_of_before_works_and_whoever_opens_it_has_it_kept_up_to_date_again(
    homes: Homes,
) -> None:
    number = homes.open_incident()
    homes.slack.open_home(OPERATOR)
    until(lambda: "Unacknowledged" in homes.shows(OPERATOR))
    homes.restart()
    homes.slack.press(OPERATOR, "", "acknowledge", str(number))
    until(lambda: f"Acknowledged by <@{OPERATOR}>" in homes.shows(OPERATOR))
    homes.slack.open_home(ADA)
    until(lambda: f"Acknowledged by <@{OPERATOR}>" in homes.shows(ADA))
    homes.open_incident("coverage")
    until(lambda: all("2 open incidents" in homes.shows(user) for user in (OPERATOR, ADA)))


def test_alerts_go_out_while_slack_refuses_every_home(homes: Homes) -> None:
    homes.slack.fail_next("views.publish", Fault("internal_error"), times=None)
    homes.slack.open_home(OPERATOR)
    until(lambda: homes.published(OPERATOR))
    homes.open_incident()
    until(homes.slack.messages)
    homes.slack.heal()
    until(lambda: "1 open incident" in homes.shows(OPERATOR))


def test_a_home_that_slack_never_answers_is_given_up_in_time_and_the_others_follow(homes: Homes) -> None:
    homes.bot._context.client.timeout = 1
    homes.slack.fail_next("views.publish", Fault(silence=5.0))
    homes.slack.open_home(SAM)
    until(lambda: homes.published(SAM))
    homes.slack.open_home(OPERATOR)
    homes.slack.open_home(ADA)
    until(lambda: all("passing" in homes.shows(user) for user in (OPERATOR, ADA, SAM)))


def test_alerts_go_out_while_slack_never_answers_a_home(homes: Homes) -> None:
    homes.slack.fail_next("views.publish", Fault("internal_error", silence=3.0), times=None)
    homes.slack.open_home(OPERATOR)
    until(lambda: homes.published(OPERATOR))
    homes.open_incident()
    until(homes.slack.messages)
    assert not homes.shows(OPERATOR)


def test_an_opening_that_cannot_be_read_is_nobodys_and_the_next_one_is_served(
    homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    odd: list[dict[str, Any]] = [{"type": "app_home_opened"}, {"type": "app_home_opened", "tab": "home", "user": 7}]
    for event in odd:
        body = {"type": "event_callback", "event_id": f"Ev{len(event)}", "team_id": None, "event": event}
        homes.slack._await(homes.slack._apps.send("events_api", body))
    homes.slack.open_home(OPERATOR)
    until(lambda: "passing" in homes.shows(OPERATOR))
    assert homes.slack.ephemerals(OPERATOR) == []
