"""The addresses of threads: as many as Slack tells, without waiting for it again and again."""

from functools import lru_cache

import pytest

from bot.errors import NotFoundError, SyncHealthError, TemporaryError, UncertainError
from bot.model import Place
from bot.services.thread_links import links_to

ROOTS = {number: Place("C0001", f"{number}.0") for number in (1, 2, 3)}


class Slack:
    """Tells addresses but for the second thread's."""

    def __init__(self, fault: SyncHealthError | None = None) -> None:
        self.fault, self.asked = fault, 0

    def permalink(self, place: Place) -> str:
        self.asked += 1
        if self.fault and place == ROOTS[2]:
            raise self.fault
        return f"https://slack.test/{place.ts}"


def test_a_thread_that_slack_does_not_know_leaves_the_others() -> None:
    assert list(links_to(Slack(NotFoundError("message_not_found")).permalink, ROOTS)) == [1, 3]


@pytest.mark.parametrize("fault", [TemporaryError("Slack answered 503"), UncertainError("timed out")])
def test_where_slack_does_not_answer_no_other_thread_waits_for_it(fault: SyncHealthError) -> None:
    slack = Slack(fault)
    assert (list(links_to(slack.permalink, ROOTS)), slack.asked) == ([1], 2)


def test_what_failed_is_asked_again_and_what_was_told_is_remembered() -> None:
    slack = Slack(TemporaryError("Slack answered 503"))
    remembered = lru_cache(10)(slack.permalink)
    links_to(remembered, ROOTS)
    slack.fault = None
    for _ in range(2):
        assert list(links_to(remembered, ROOTS)) == [1, 2, 3]
    assert slack.asked == 4
