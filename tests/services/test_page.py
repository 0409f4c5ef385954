"""Who is woken, when, and that no page is lost, doubled or in the way of another."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store.records import SqlRecords
from bot.alerts.attention import is_snoozed
from bot.alerts.model import Did
from bot.alerts.paging import MOST_REFUSALS
from bot.config.environment import PagerPlaces
from bot.config.pipeline_file import PagerRules
from bot.errors import AccessError, PermanentError, TemporaryError, UncertainError
from bot.messages.summary import summary_message
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.examine import examine_pagers
from bot.services.maintenance import begin_maintenance, end_maintenance
from bot.services.page import next_look, retry_refused, send_pages
from bot.services.snooze import snooze
from bot.services.summarise import summarise
from tests.fakes import FakePager
from tests.services.conftest import ADA, KEY, ROBIN, World

CRITICAL, WARNING, FINE = 60, 40, 7
TRIGGER, ACK, RESOLVE = "trigger critical", "acknowledge", "resolve"


class PagedWorld(World):
    """A world with a pager, and what it is told."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.pager = FakePager()
        self.configure(at_once=False)

    def configure(self, *, at_once: bool) -> None:
        places = PagerPlaces(pagerduty_key="0" * 32)
        settings = replace(self.ports.settings, pagers=places, pager=PagerRules(at_once=at_once))
        self.ports = replace(self.ports, settings=settings, pagers=(self.pager,))

    def page(self, holder: str = "sender") -> int:
        """Send what is owed now; how many events that took."""
        sent = 0
        while tried := send_pages(self.ports, self.pager, holder):
            sent += tried
            assert sent < 500, "it never ends"
        return sent

    def stay(self, nameless: int = CRITICAL, *, minutes: int) -> None:
        """The pipeline stays so, evaluated every five minutes, and the pager follows."""
        for _ in range(minutes // 5):
            self.look(nameless, after=5)
            self.page()

    def open_and_page(self) -> None:
        """A critical incident that nobody has acknowledged for half an hour."""
        self.open_incident()
        self.stay(minutes=30)
        assert self.pager.told == [[TRIGGER]]

    def dids(self) -> list[Did]:
        return [entry.did for entry in self.incident().timeline]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PagedWorld]:
    one = PagedWorld(tmp_path / "state.db")
    yield one
    one.close()


# When it pages.


def test_the_second_escalation_pages_and_the_thread_says_so(world: PagedWorld) -> None:
    world.open_incident()
    world.stay(minutes=25)
    assert world.pager.told == [], "the owner has been mentioned once"
    world.stay(minutes=5)
    assert world.pager.told == [[TRIGGER]]
    assert world.pager.events[0].key == KEY
    assert world.dids()[-1] is Did.PAGED
    world.stay(minutes=60)
    assert world.pager.told == [[TRIGGER]], "PagerDuty escalates further by itself"


def test_at_once_pages_with_the_alert(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.page()
    assert world.pager.told == [[TRIGGER]]


def test_a_warning_pages_nobody_until_it_is_critical(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident(WARNING)
    world.stay(WARNING, minutes=60)
    assert world.pager.attempts == 0
    world.stay(CRITICAL, minutes=5)
    assert world.pager.told == [[TRIGGER]]


def test_what_is_acknowledged_or_resolved_before_that_never_reaches_the_pager(world: PagedWorld) -> None:
    world.open_incident()
    world.stay(minutes=20)
    acknowledge(world.ports, 1, ROBIN)
    world.stay(minutes=60)
    world.stay(FINE, minutes=20)
    assert world.pager.attempts == 0


def test_a_page_carries_the_address_of_the_slack_thread(world: PagedWorld) -> None:
    world.open_incident()
    world.deliver()
    world.stay(minutes=30)
    assert "C0001" in str(world.pager.events[0].thread)


# What follows in Slack follows there.


def test_an_acknowledgment_acknowledges_there_and_the_end_resolves(world: PagedWorld) -> None:
    world.open_and_page()
    acknowledge(world.ports, 1, ROBIN)
    world.page()
    acknowledge(world.ports, 1, ADA)
    world.page()
    world.stay(FINE, minutes=20)
    assert world.pager.told == [[TRIGGER, ACK, RESOLVE]], "taking over changes nothing there"


def test_a_change_of_severity_is_another_trigger_of_the_same_key(world: PagedWorld) -> None:
    world.open_and_page()
    world.stay(WARNING, minutes=15)
    assert world.pager.told == [[TRIGGER, "trigger warn"]]
    world.stay(CRITICAL, minutes=5)
    assert world.pager.told == [[TRIGGER, "trigger warn", TRIGGER]]
    assert {event.key for event in world.pager.events} == {KEY}


def test_what_was_acknowledged_stays_so_when_its_severity_changes(world: PagedWorld) -> None:
    world.open_and_page()
    acknowledge(world.ports, 1, ROBIN)
    world.page()
    world.stay(WARNING, minutes=15)
    assert world.pager.told == [[TRIGGER, ACK, "trigger warn", ACK]]


def test_what_is_given_back_pages_again_as_a_new_alert_when_it_has_escalated_again(world: PagedWorld) -> None:
    """While an incident is acknowledged there, PagerDuty notifies nobody, even if it receives new triggers."""
    world.open_and_page()
    acknowledge(world.ports, 1, ROBIN)
    world.page()
    unacknowledge(world.ports, 1, ROBIN)
    world.stay(minutes=25)
    assert world.pager.told == [[TRIGGER, ACK]]
    world.stay(minutes=10)
    assert world.pager.told == [[TRIGGER, ACK, RESOLVE], [TRIGGER]]


def test_a_snooze_acknowledges_there_and_pages_again_when_it_ends(world: PagedWorld) -> None:
    world.open_and_page()
    snooze(world.ports, 1, "1h", ROBIN)
    world.stay(minutes=55)
    assert world.pager.told == [[TRIGGER, ACK]]
    world.stay(minutes=10)
    assert not is_snoozed(world.incident(), world.clock.now())
    assert world.pager.told == [[TRIGGER, ACK, RESOLVE], [TRIGGER]]


def test_a_maintenance_window_pages_nobody_and_its_end_begins_again(world: PagedWorld) -> None:
    world.configure(at_once=True)
    begin_maintenance(world.ports, "1h", "upgrade", ROBIN)
    world.open_incident()
    world.stay(minutes=30)
    assert world.pager.attempts == 0
    end_maintenance(world.ports, ROBIN)
    world.page()
    assert world.pager.told == [[TRIGGER]], "it is still critical"


def test_an_end_during_a_maintenance_window_is_resolved_there(world: PagedWorld) -> None:
    world.open_and_page()
    begin_maintenance(world.ports, "1h", "upgrade", ROBIN)
    world.stay(FINE, minutes=20)
    assert world.pager.told == [[TRIGGER, RESOLVE]]


def test_a_reopened_incident_keeps_its_key_and_wakes_again(world: PagedWorld) -> None:
    world.open_and_page()
    world.stay(FINE, minutes=20)
    world.stay(minutes=35)
    assert world.pager.told == [[TRIGGER, RESOLVE], [TRIGGER]]
    assert {key for key, _ in world.pager.alerts} == {KEY}


def test_the_next_incident_of_a_check_waits_until_the_earlier_one_is_resolved_there(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.page()
    acknowledge(world.ports, 1, ROBIN)
    world.page()
    world.pager.down = TemporaryError("PagerDuty cannot be reached")
    world.stay(FINE, minutes=60)
    world.stay(minutes=10)
    assert world.incident(2).resolved_at is None
    world.pager.down = None
    world.clock.pass_real(minutes=2)
    world.page()
    assert world.pager.told == [[TRIGGER, ACK, RESOLVE], [TRIGGER]], "else it would lie under what is acknowledged"


# Never lost, and a repetition is harmless.


class Killed(BaseException):
    """What a process cannot clean up after."""


@pytest.mark.parametrize("arrived", [True, False])
def test_a_crash_between_sending_and_marking_repeats_the_same_event(world: PagedWorld, arrived: bool) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.pager.failures = [(Killed(), arrived)]
    with pytest.raises(Killed):
        world.page()
    assert world.page("after the restart") == 0, "the one before may be at it still"
    world.clock.pass_real(seconds=61)
    assert world.page("after the restart") == 1
    assert len(world.pager.alerts) == 1
    assert len({(event.id, event.key) for event in world.pager.events}) == 1
    assert world.dids().count(Did.PAGED) == 1


def test_what_may_have_been_triggered_is_resolved_although_no_answer_came(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.pager.failures = [(UncertainError("PagerDuty was silent for too long"), True)]
    world.page()
    world.clock.pass_real(minutes=2)
    world.look(FINE, after=5)
    world.look(FINE, after=10)
    world.page()
    assert world.pager.told == [[TRIGGER, RESOLVE]]


def test_what_is_acknowledged_while_its_trigger_is_in_doubt_wakes_nobody_again(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.pager.failures = [(UncertainError("PagerDuty was silent for too long"), False)]
    world.page()
    acknowledge(world.ports, 1, ROBIN)
    world.clock.pass_real(minutes=2)
    world.stay(minutes=10)
    assert world.pager.alerts == []


def test_a_resolve_whose_answer_was_lost_is_finished_before_it_pages_again(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.page()
    world.look(FINE, after=5)
    world.look(FINE, after=10)
    world.pager.failures = [(UncertainError("PagerDuty broke off"), True)]
    world.page()
    world.look(CRITICAL, after=5)
    world.clock.pass_real(minutes=2)
    world.page()
    assert world.pager.told == [[TRIGGER, RESOLVE], [TRIGGER]]


def test_two_who_send_at_once_do_not_leave_an_alert_open(world: PagedWorld) -> None:
    """The first one sleeps while its trigger is on its way; meanwhile it resolves, and another one takes over."""
    world.configure(at_once=True)
    world.open_incident()

    def taken_over() -> None:
        world.pager.meanwhile = lambda: None
        world.clock.pass_real(seconds=61)
        world.look(FINE, after=5)
        world.look(FINE, after=10)
        assert world.page("another") == 1

    world.pager.meanwhile = taken_over
    world.page()
    assert [told[-1] for told in world.pager.told] == [RESOLVE]


def test_a_pager_that_is_down_for_an_hour_delays_no_slack_message_and_is_told_afterwards(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.pager.down = TemporaryError("PagerDuty cannot be reached")
    world.open_incident()
    for _ in range(12):
        world.look(CRITICAL, after=5)
        world.page()
        world.deliver()
        assert world.claimed() == []
    assert 12 <= world.pager.attempts <= 24
    world.pager.down = None
    world.clock.pass_real(minutes=1)
    world.page()
    assert world.pager.told == [[TRIGGER]]
    assert summarise(world.ports).unsent_pages == ()


def test_slack_being_down_delays_no_page(world: PagedWorld) -> None:
    world.channel.failures = [TemporaryError("Slack cannot be reached")] * 100
    world.configure(at_once=True)
    world.open_incident()
    world.deliver()
    world.page()
    assert world.pager.told == [[TRIGGER]]


def test_too_many_events_wait_as_long_as_the_pager_asks(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.pager.failures = [(TemporaryError("PagerDuty answered 429", retry_after=300), False)]
    world.page()
    world.clock.pass_real(seconds=299)
    assert world.page() == 0
    assert next_look(world.ports, world.pager)
    world.clock.pass_real(seconds=2)
    assert world.page() == 1


# What is refused is a state.


def test_a_refused_page_is_sent_with_the_required_fields_alone(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.open_incident()
    world.pager.failures = [(PermanentError("PagerDuty answered 400"), False)]
    world.page()
    assert [event.plain for event in world.pager.events] == [True]
    assert world.pager.told == [[TRIGGER]]


def test_a_dead_key_is_named_in_the_summary_and_by_doctor_until_it_works(
    world: PagedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.configure(at_once=True)
    world.pager.down = AccessError("PagerDuty answered 403: correct PAGERDUTY_ROUTING_KEY")
    world.open_incident()
    world.stay(minutes=30)
    assert 3 <= world.pager.attempts <= 8
    [stuck] = summarise(world.ports).unsent_pages
    assert (stuck.target, stuck.pages) == ("PagerDuty", 1)
    shown = str(summary_message(summarise(world.ports), world.ports.settings.zone))
    assert "1 page not accepted by PagerDuty" in shown
    assert "PAGERDUTY_ROUTING_KEY" in shown
    [finding] = examine_pagers(world.ports.settings, summarise(world.ports).unsent_pages)
    assert not finding.ok
    assert "403" in finding.detail
    assert sum("answered 403" in text for text in caplog.messages) == 1, "once, not for each attempt"
    world.pager.down = None
    world.clock.pass_real(minutes=10)
    world.page()
    assert summarise(world.ports).unsent_pages == ()
    assert all(one.ok for one in examine_pagers(world.ports.settings))


def test_what_could_not_page_and_is_over_is_no_trouble_any_more(world: PagedWorld) -> None:
    world.configure(at_once=True)
    world.pager.down = AccessError("PagerDuty answered 403")
    world.open_incident()
    world.page()
    assert summarise(world.ports).unsent_pages
    world.stay(FINE, minutes=20)
    assert summarise(world.ports).unsent_pages == ()
    assert world.pager.events == []


def test_a_refused_page_blocks_no_other(world: PagedWorld) -> None:
    world.configure(at_once=True)
    first = world.open_incident()
    with world.store.transaction() as records:
        records.create_incident(replace(first, key=f"{KEY}/other"))
    world.pager.refused = {KEY}
    world.page()
    assert [key for key, _ in world.pager.alerts] == [f"{KEY}/other"]
    world.pager.refused = set()
    world.clock.pass_real(minutes=10)
    world.page()
    assert {key for key, _ in world.pager.alerts} == {KEY, f"{KEY}/other"}


def several(world: PagedWorld, count: int) -> list[str]:
    """Critical incidents that page at once, by their keys."""
    world.configure(at_once=True)
    first = world.open_incident()
    with world.store.transaction() as records:
        for number in range(1, count):
            records.create_incident(replace(first, key=f"{KEY}/{number}"))
    return [KEY, *(f"{KEY}/{number}" for number in range(1, count))]


@pytest.mark.parametrize("failing", [1, 2])
def test_an_event_that_is_always_answered_with_500_holds_up_no_other(world: PagedWorld, failing: int) -> None:
    keys = several(world, 5)
    world.pager.failing = set(keys[:failing])
    world.page()
    assert {key for key, _ in world.pager.alerts} == set(keys[failing:])
    first = world.incident()
    with world.store.transaction() as records:
        records.create_incident(replace(first, key=f"{KEY}/new"))
    world.page()
    assert f"{KEY}/new" in dict(world.pager.alerts), "while the others wait for their next attempt"
    world.stay(minutes=5)
    acknowledge(world.ports, 3, ROBIN)
    world.page()
    assert dict(world.pager.alerts)[keys[2]] == [TRIGGER, ACK]
    world.pager.failing = set()
    world.clock.pass_real(minutes=2)
    world.page()
    assert {key for key, _ in world.pager.alerts} == {*keys, f"{KEY}/new"}
    assert len(world.pager.alerts) == 6


def test_of_many_that_a_failing_pager_answers_with_500_one_in_turn_is_repeated(world: PagedWorld) -> None:
    keys = several(world, 20)
    world.pager.failing = set(keys)
    world.page()
    assert world.pager.attempts == 20, "each of them may be the one that is accepted"
    for _ in range(10):
        world.clock.pass_real(seconds=61)
        world.page()
    assert world.pager.attempts == 30
    world.pager.failing = set()
    world.clock.pass_real(seconds=61)
    world.page()
    assert {key for key, _ in world.pager.alerts} == set(keys)


def test_an_event_that_stays_refused_is_given_up_named_and_tried_once_more_after_a_restart(world: PagedWorld) -> None:
    keys = several(world, 2)
    world.pager.refused = {keys[0]}
    for _ in range(12):
        world.look(CRITICAL, after=60)
        world.page()
    assert world.pager.attempts == 1 + MOST_REFUSALS
    [stuck] = summarise(world.ports).unsent_pages
    assert "400. Given up after 6 attempts, until the bot restarts" in stuck.why
    [finding] = examine_pagers(world.ports.settings, [stuck])
    assert not finding.ok and "Given up" in finding.detail
    retry_refused(world.ports, world.pager.name)
    world.page()
    assert world.pager.attempts == 1 + MOST_REFUSALS + 2, "in full, and with the required fields alone"
    world.pager.refused = set()
    world.clock.pass_real(minutes=2)
    world.page()
    assert len(world.pager.alerts) == 2
    assert summarise(world.ports).unsent_pages == ()


def test_what_was_given_up_is_over_with_its_incident(world: PagedWorld) -> None:
    several(world, 1)
    world.pager.refused = {KEY}
    world.stay(minutes=120)
    world.stay(FINE, minutes=20)
    assert summarise(world.ports).unsent_pages == ()
    world.pager.refused = set()
    world.stay(minutes=10)
    assert world.pager.told == [[TRIGGER]]


def test_all_incidents_are_read_once_however_many_pages_follow(
    world: PagedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world, 40)
    read: list[str] = []
    every = SqlRecords.open_incidents

    def noted(records: SqlRecords, *args: object, **more: object) -> object:
        read.append("all")
        return every(records, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(SqlRecords, "open_incidents", noted)
    assert send_pages(world.ports, world.pager, "sender") == 40
    assert len(read) == 1


def test_nothing_of_the_state_holds_the_routing_key(world: PagedWorld) -> None:
    world.open_and_page()
    assert "0" * 32 not in str(world.everything())
    assert "0" * 32 not in repr(world.ports.settings)
