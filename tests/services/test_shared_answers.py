"""Equal questions share one answer for as long as it is fresh, and none from before a write of ours."""

import threading
from collections.abc import Callable, Iterator

import pytest

from bot.errors import TemporaryError
from bot.services.fair_pool import FairPool
from bot.services.shared_answers import KEPT, Answer, SharedAnswers
from tests.fakes import HandClock
from tests.waiting import until

ROBIN, ADA = "U0ROBIN", "U0ADA"


class Source:
    """Answers with how often it was asked, when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.free = threading.Event()
        self.free.set()
        self.fails = False

    def ask(self) -> int:
        self.asked += 1
        mine, fails = self.asked, self.fails
        assert self.free.wait(60), "a test forgot to let it go"
        if fails:
            raise TemporaryError("asleep")
        return mine


@pytest.fixture
def source() -> Iterator[Source]:
    one = Source()
    yield one
    one.free.set()


@pytest.fixture
def shared(clock: HandClock) -> Iterator[SharedAnswers]:
    pool = FairPool(4, "question", 4)
    yield SharedAnswers(clock, pool)
    pool.shutdown()


def found(shared: SharedAnswers, find: Callable[[], int], person: str = ROBIN, **how: float) -> Answer[int]:
    return shared.ask(person, "runs", find, **how).result(60)


@pytest.mark.parametrize("speed", [1, 60])
def test_an_answer_serves_for_a_few_seconds_of_the_pipelines_time_and_not_longer(
    shared: SharedAnswers, clock: HandClock, source: Source, speed: float
) -> None:
    clock.speed = speed
    began = clock.now()
    assert found(shared, source.ask) == Answer(1, began)
    clock.pass_(seconds=KEPT - 0.1)
    assert found(shared, source.ask, ADA) == Answer(1, began), "with the time at which it was asked"
    clock.pass_(seconds=0.2)
    assert found(shared, source.ask).value == 2


@pytest.mark.parametrize("speed", [1, 60])
def test_who_wants_it_fresher_is_served_for_as_long_as_they_say(
    shared: SharedAnswers, clock: HandClock, source: Source, speed: float
) -> None:
    clock.speed = speed
    found(shared, source.ask)
    clock.pass_(seconds=0.9)
    assert found(shared, source.ask, keep=1.0).value == 1
    clock.pass_(seconds=0.2)
    assert found(shared, source.ask, keep=1.0).value == 2


def test_who_asks_the_same_does_not_wait_for_the_turn_of_the_one_who_asked_first(
    clock: HandClock, source: Source
) -> None:
    pool = FairPool(2, "question", 1)
    shared = SharedAnswers(clock, pool)
    source.free.clear()
    shared.ask(ROBIN, "another", source.ask)
    until(lambda: source.asked)
    waiting = shared.ask(ROBIN, "runs", lambda: 7)
    assert shared.ask(ADA, "runs", lambda: 8) is waiting
    assert waiting.result(60).value == 7, "while the first question of Robin's is not answered"
    source.free.set()
    pool.shutdown()


def test_it_is_kept_from_when_it_came_not_from_when_it_was_asked_for(
    shared: SharedAnswers, clock: HandClock, source: Source
) -> None:
    source.free.clear()
    slow = shared.ask(ROBIN, "runs", source.ask)
    until(lambda: source.asked)
    clock.pass_(seconds=10 * KEPT)
    source.free.set()
    slow.result(60)
    assert found(shared, source.ask).value == 1


def test_who_may_not_be_told_an_old_answer_shares_one_in_flight_and_none_that_has_ended(
    shared: SharedAnswers, source: Source
) -> None:
    source.free.clear()
    flights = [shared.ask(person, "runs", source.ask, keep=0) for person in (ROBIN, ADA)]
    source.free.set()
    assert [flight.result(60).value for flight in flights] == [1, 1]
    assert found(shared, source.ask, keep=0).value == 2
    assert found(shared, source.ask).value == 2, "it serves those who may"


def test_other_questions_have_other_answers(shared: SharedAnswers, source: Source) -> None:
    assert shared.ask(ROBIN, "runs", source.ask).result(60).value == 1
    assert shared.ask(ROBIN, ("runs", 1), source.ask).result(60).value == 2


def test_a_failure_is_shared_by_those_who_wait_and_kept_for_nobody(shared: SharedAnswers, source: Source) -> None:
    source.fails = True
    source.free.clear()
    flights = [shared.ask(person, "runs", source.ask) for person in (ROBIN, ADA)]
    until(lambda: source.asked)
    source.free.set()
    assert [str(flight.exception(60)) for flight in flights] == ["asleep"] * 2
    source.fails = False
    assert found(shared, source.ask).value == 2


def test_nothing_is_kept_that_nobody_can_ask_for_any_more(shared: SharedAnswers, clock: HandClock) -> None:
    for _ in range(100):
        shared.ask(ROBIN, object(), lambda: 1).result(60)
    clock.pass_(seconds=KEPT + 1)
    found(shared, lambda: 1)
    assert len(shared._flights) == 1


def test_after_a_write_of_ours_who_asks_asks_anew(shared: SharedAnswers, source: Source) -> None:
    assert found(shared, source.ask).value == 1
    shared.forget()
    assert found(shared, source.ask).value == 2


def test_a_write_of_ours_also_outdates_what_is_on_its_way(shared: SharedAnswers, source: Source) -> None:
    source.free.clear()
    before = shared.ask(ROBIN, "runs", source.ask)
    until(lambda: source.asked)
    shared.forget()
    after = shared.ask(ADA, "runs", source.ask)
    source.free.set()
    assert (before.result(60).value, after.result(60).value) == (1, 2)
    assert found(shared, source.ask).value == 2, "the older one did not take its place"


def test_a_failure_from_before_a_write_takes_nothing_from_those_who_asked_after_it(
    shared: SharedAnswers, source: Source
) -> None:
    source.free.clear()
    source.fails = True
    before = shared.ask(ROBIN, "runs", source.ask)
    until(lambda: source.asked)
    shared.forget()
    source.fails = False
    after = shared.ask(ADA, "runs", source.ask)
    source.free.set()
    assert before.exception(60)
    assert after.result(60).value == 2
    assert found(shared, source.ask).value == 2
