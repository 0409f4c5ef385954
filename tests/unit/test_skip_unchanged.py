"""When a job asks the state: not each time it fires."""

import pytest

from bot.errors import StateError
from bot.services.skip_unchanged import SkipUnchanged
from tests.fakes import HandClock


class Work:
    def __init__(self) -> None:
        self.done = 0
        self.left: object = False
        self.failure: Exception | None = None

    def __call__(self) -> object:
        self.done += 1
        if self.failure:
            raise self.failure
        return self.left


@pytest.fixture
def work() -> Work:
    return Work()


def test_what_found_nothing_to_do_is_asked_again_after_a_while(work: Work) -> None:
    look = SkipUnchanged(work, clock := HandClock(), most=60)
    for _ in range(5):  # at 0, 15, 30, 45 and 60 seconds
        look()
        clock.pass_(seconds=15)
    assert work.done == 2


def test_what_has_something_to_do_is_done_each_time(work: Work) -> None:
    work.left = 1
    look = SkipUnchanged(work, HandClock(), most=60)
    for _ in range(5):
        look()
    assert work.done == 5


def test_a_write_is_seen_at_the_next_firing_and_one_that_comes_meanwhile_at_the_one_after(work: Work) -> None:
    look = SkipUnchanged(lambda: (work(), work.done == 2 and look.note_write())[1], HandClock(), most=60)
    look()
    look()
    assert work.done == 1
    look.note_write()
    look()  # which writes itself
    look()
    look()
    assert work.done == 3


def test_it_is_looked_at_when_its_turn_has_come(work: Work) -> None:
    turns = iter([1, 1, 1, 2, 2])  # when it was made, then at each firing
    look = SkipUnchanged(work, HandClock(), most=900, turn=lambda: next(turns))
    for _ in range(4):
        look()
    assert work.done == 2


def test_what_failed_is_done_again_at_the_next_firing(work: Work) -> None:
    look = SkipUnchanged(work, HandClock(), most=60)
    look()
    look.note_write()
    work.failure = StateError("database is locked")
    with pytest.raises(StateError):
        look()
    work.failure = None
    look()
    look()
    assert work.done == 3
