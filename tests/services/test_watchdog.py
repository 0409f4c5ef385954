"""Death is noticed: the message that Slack posts when evaluations stop, and what is said after a return."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.adapters.slack.messenger import SlackMessenger
from bot.demo.slack.server import DROP_AFTER, DROP_BEFORE, Fault, Person, SlackServer
from bot.model import Watch
from bot.ports import Ports
from bot.services.deliver import deliver_next
from bot.services.watchdog import cancel_silence, complete_evaluation, postpone_silence
from tests.fakes import CHANNEL, FakeCensus, FakeWarehouse, HandClock, shipped_settings
from tests.new_state import new_state

WORDS = "Sync Health has not reported since"


@dataclass
class Watched:
    """A bot's watchdog before the local Slack, with both clocks in the test's hand."""

    path: Path
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.slack = SlackServer(
            now=self.clock.now,
            real=lambda: self.clock.real().timestamp(),
            bot_token="bot",
            app_token="app",
            people=[Person("U0ROBIN", "robin")],
            channel=CHANNEL,
        )
        self.slack.start()
        self.ports = self.process()

    def process(self) -> Ports:
        """What another process, or this one after a restart, has: the same state and the same Slack."""
        settings = replace(shipped_settings(), channel=CHANNEL)
        messenger = SlackMessenger(WebClient("bot", base_url=f"{self.slack.url}/api/", retry_handlers=[]), settings)
        store = new_state(self.path)
        return Ports(settings, self.clock, FakeWarehouse(), FakeCensus(self.clock), messenger, store)

    def tick(self, *, after: float = 5, ports: Ports | None = None) -> None:
        """So many minutes later an evaluation is completed, and the watchdog looks."""
        self.clock.pass_(minutes=after)
        complete_evaluation(ports or self.ports)
        postpone_silence(ports or self.ports)

    def watch(self) -> Watch:
        with self.ports.store.transaction() as records:
            return records.watch()

    def said(self) -> list[str]:
        while deliver_next(self.ports, "sender"):
            pass
        return [message["text"] for message in self.slack.messages()]

    def calls(self, method: str) -> int:
        return sum(called == method for called, _ in self.slack.calls)

    def waits(self) -> list[float]:
        """In how many minutes Slack posts each scheduled message."""
        return [(one["post_at"] - self.clock.real().timestamp()) / 60 for one in self.slack.scheduled]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    one = Watched(tmp_path / "state.db")
    yield one
    one.ports.store.close()
    one.slack.stop()


def test_slack_tells_when_no_evaluation_is_completed_for_fifteen_minutes(watched: Watched) -> None:
    watched.tick()
    watched.tick()
    last = watched.clock.now()
    watched.clock.pass_(minutes=14)
    assert watched.said() == []
    watched.clock.pass_(minutes=1)
    [text] = watched.said()
    assert f"properties: {WORDS} <!date^{int(last.timestamp())}^" in text


@pytest.mark.full
def test_completed_evaluations_postpone_it_and_only_one_waits(watched: Watched) -> None:
    for _ in range(20):
        watched.tick()
        assert watched.waits() == [15]
    assert watched.said() == []


def test_an_evaluation_that_hangs_postpones_nothing(watched: Watched) -> None:
    watched.tick()
    for _ in range(100):  # the watchdog's job goes on, the evaluation does not come to its end
        watched.clock.pass_(seconds=15)
        postpone_silence(watched.ports)
    assert [WORDS in text for text in watched.said()] == [True]
    assert watched.calls("chat.scheduleMessage") == 1


def test_a_first_evaluation_that_hangs_is_noticed_too(watched: Watched) -> None:
    postpone_silence(watched.ports)
    watched.clock.pass_(minutes=1)
    postpone_silence(watched.ports)
    watched.clock.pass_(minutes=14)
    assert [WORDS in text for text in watched.said()] == [True]


def test_slack_is_asked_once_a_minute_at_most_however_fast_evaluations_come(watched: Watched) -> None:
    for _ in range(60):
        watched.tick(after=1 / 60)
    assert watched.calls("chat.scheduleMessage") == 1
    watched.tick(after=1 / 60)
    assert watched.calls("chat.scheduleMessage") == 2


def test_a_restart_goes_on_with_the_message_that_waits(watched: Watched) -> None:
    watched.tick()
    again = watched.process()
    watched.tick(ports=again)
    assert watched.waits() == [15]
    again.store.close()


def test_two_processes_schedule_one_message(watched: Watched) -> None:
    other = watched.process()
    complete_evaluation(watched.ports)
    assert postpone_silence(watched.ports)
    assert not postpone_silence(other)
    assert len(watched.waits()) == 1
    other.store.close()


def test_who_finds_that_another_process_scheduled_one_meanwhile_takes_its_own_back(watched: Watched) -> None:
    other = watched.process()
    asked = watched.ports.messenger.schedule

    def slow(*given: object) -> object:
        watched.ports.messenger.schedule = asked  # type: ignore[method-assign]
        watched.clock.pass_(minutes=2)
        complete_evaluation(other)
        postpone_silence(other)
        return asked(*given)  # type: ignore[arg-type]

    complete_evaluation(watched.ports)
    watched.ports.messenger.schedule = slow  # type: ignore[method-assign,assignment]
    postpone_silence(watched.ports)
    assert [one["id"] for one in watched.slack.scheduled] == [watched.watch().message_id]
    other.store.close()


@pytest.mark.parametrize("fault", [DROP_BEFORE, DROP_AFTER, Fault(status=500, done=True)])
def test_a_lost_answer_leaves_no_second_message(watched: Watched, fault: Fault) -> None:
    watched.slack.fail_next("chat.scheduleMessage", fault)
    watched.tick()
    watched.tick()
    assert watched.waits() == [15]


def test_a_process_killed_right_after_slack_took_it_leaves_no_second_message(watched: Watched) -> None:
    class KilledError(BaseException):
        pass

    asked = watched.ports.messenger.schedule

    def killed(*given: object) -> object:
        asked(*given)  # type: ignore[arg-type]
        raise KilledError

    complete_evaluation(watched.ports)
    watched.ports.messenger.schedule = killed  # type: ignore[method-assign,assignment]
    with pytest.raises(KilledError):
        postpone_silence(watched.ports)
    again = watched.process()
    watched.tick(ports=again)
    assert watched.waits() == [15]
    again.store.close()


def test_one_that_could_not_be_cancelled_is_cancelled_next_time(watched: Watched) -> None:
    watched.tick()
    watched.slack.fail_next("chat.deleteScheduledMessage", Fault(status=503))
    watched.tick()
    assert len(watched.waits()) == 2
    watched.tick()
    assert watched.waits() == [15]


def test_messages_of_other_pipelines_and_purposes_stay(watched: Watched) -> None:
    client = WebClient("bot", base_url=f"{watched.slack.url}/api/")
    at = int((watched.clock.real() + timedelta(minutes=20)).timestamp())
    for text in (f"🔴 Critical · contacts: {WORDS} 3:10 AM", "Lunch"):
        client.chat_scheduleMessage(channel=CHANNEL, post_at=at, text=text)
    watched.slack.fail_next("chat.scheduleMessage", DROP_AFTER)
    watched.tick()
    watched.tick()
    assert len(watched.waits()) == 3


@pytest.mark.parametrize("code", ["restricted_action", "time_in_past", "not_in_channel", "channel_not_found"])
def test_a_refusal_is_logged_once_shown_and_tried_again(
    watched: Watched, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    watched.slack.fail_next("chat.scheduleMessage", Fault(code), times=None)
    for _ in range(3):
        watched.tick()
    assert [f": {code}" in record.getMessage() for record in caplog.records] == [True]
    assert code in str(watched.watch().error)
    watched.slack.heal()
    watched.tick()
    assert watched.watch().error is None
    assert watched.waits() == [15]
    assert caplog.records[-1].getMessage().endswith("again")


def test_slack_asking_for_patience_is_waited_for(watched: Watched) -> None:
    watched.slack.fail_next("chat.scheduleMessage", Fault(retry_after=600))
    for _ in range(2):
        watched.tick()
    assert watched.calls("chat.scheduleMessage") == 1
    watched.tick()
    assert watched.waits() == [15]


def test_an_orderly_stop_cancels_it_and_the_next_start_schedules_one_before_its_first_evaluation(
    watched: Watched,
) -> None:
    watched.tick()
    cancel_silence(watched.ports)
    assert watched.waits() == []
    postpone_silence(watched.ports)
    assert watched.waits() == [15]


def test_one_that_was_posted_is_followed_by_a_new_one(watched: Watched) -> None:
    watched.tick()
    watched.tick(after=40)
    assert watched.waits() == [15]
    assert [WORDS in text for text in watched.said()] == [True, False]


def test_after_a_return_the_channel_hears_once_how_long_the_bot_was_away(watched: Watched) -> None:
    watched.tick()
    gone = watched.clock.now()
    again = watched.process()
    watched.tick(after=42, ports=again)
    back = watched.clock.now()
    watched.tick(ports=again)
    [away] = [message for message in watched.slack.messages() if "was away" in message["text"]] or [None]
    assert away is None, "it goes through the outbox"
    watched.said()
    [away] = [message for message in watched.slack.messages() if "was away" in message["text"]]
    assert "for 42 min" in away["text"]
    for at in (gone, back):
        assert f"<!date^{int(at.timestamp())}^" in away["blocks"][0]["text"]["text"]
    again.store.close()


def test_two_absences_that_slack_could_not_hear_of_are_both_told(watched: Watched) -> None:
    watched.tick()
    watched.tick(after=20)
    watched.tick(after=30)
    assert [text.partition(" for ")[2] for text in watched.said() if "was away" in text] == ["20 min", "30 min"]


@pytest.mark.parametrize("minutes", [5, 10, 15])
def test_a_short_restart_is_no_absence(watched: Watched, minutes: int) -> None:
    watched.tick()
    watched.tick(after=minutes)
    assert not [text for text in watched.said() if "was away" in text]


def test_a_gap_of_which_the_channel_has_heard_is_not_told_again(watched: Watched) -> None:
    watched.tick()
    watched.clock.pass_(minutes=60)
    complete_evaluation(watched.ports, told=True)
    assert not [text for text in watched.said() if "was away" in text]


def test_a_wait_from_before_the_clock_was_set_back_delays_the_next_attempt_by_no_hour(watched: Watched) -> None:
    watched.tick()
    watched.clock.set_back(hours=1)
    watched.tick()
    assert watched.calls("chat.scheduleMessage") == 2


@pytest.mark.full
def test_one_that_waits_further_ahead_and_on_a_later_page_is_found_and_cancelled(watched: Watched) -> None:
    """From before the clock was set back, or for a longer tick than pipeline.yml has now."""
    client = WebClient("bot", base_url=f"{watched.slack.url}/api/")
    at, lunches = watched.clock.real(), []
    for n in range(110):
        far = int((at + timedelta(hours=1 + n / 4)).timestamp())
        said = client.chat_scheduleMessage(channel=CHANNEL, post_at=far, text="Lunch")
        lunches.append(said["scheduled_message_id"])
    far = int((at + timedelta(days=2)).timestamp())
    client.chat_scheduleMessage(channel=CHANNEL, post_at=far, text=f"🔴 Critical · properties: {WORDS} 3:10 AM")
    watched.slack.fail_next("chat.scheduleMessage", DROP_BEFORE)
    watched.tick()
    watched.tick()
    for lunch in lunches:
        client.chat_deleteScheduledMessage(channel=CHANNEL, scheduled_message_id=lunch)
    assert [one["id"] for one in watched.slack.scheduled] == [watched.watch().message_id]


def test_the_known_one_is_cancelled_though_the_pipeline_is_called_otherwise_and_the_last_answer_was_lost(
    watched: Watched,
) -> None:
    watched.tick()
    watched.slack.fail_next("chat.scheduleMessage", DROP_BEFORE)
    watched.tick()
    renamed = watched.process()
    renamed = replace(renamed, settings=replace(renamed.settings, pipeline="contacts"))
    renamed.messenger._settings = renamed.settings  # type: ignore[attr-defined]
    watched.tick(ports=renamed)
    assert watched.waits() == [15]
    renamed.store.close()


def test_an_orderly_stop_cancels_what_it_does_not_know_as_well(watched: Watched) -> None:
    watched.tick()
    watched.slack.fail_next("chat.scheduleMessage", DROP_AFTER)
    watched.tick()
    assert len(watched.waits()) == 2
    cancel_silence(watched.ports)
    assert watched.waits() == []


def test_a_superfluous_one_that_could_not_be_taken_back_is_cancelled_next_time(watched: Watched) -> None:
    other = watched.process()
    asked = watched.ports.messenger.schedule

    def slow(*given: object) -> object:
        watched.ports.messenger.schedule = asked  # type: ignore[method-assign]
        watched.tick(after=2, ports=other)
        scheduled = asked(*given)  # type: ignore[arg-type]
        watched.slack.fail_next("chat.deleteScheduledMessage", Fault(status=503))
        return scheduled

    complete_evaluation(watched.ports)
    watched.ports.messenger.schedule = slow  # type: ignore[method-assign,assignment]
    postpone_silence(watched.ports)
    assert len(watched.waits()) == 2
    watched.tick()
    assert watched.waits() == [15]
    other.store.close()
