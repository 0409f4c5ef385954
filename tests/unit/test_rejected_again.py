"""What of a backlog will be rejected again: by cause, and only what the causes say."""

import pytest

from bot.alerts.rejected_again import pending_again
from bot.alerts.rejections import Rejection, comparable
from tests.fakes import shipped_settings
from tests.unit.samples import run

KNOWN = shipped_settings().rejections
MESSAGES = {
    "data": "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
    "transient": "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--",
    "quota": "REQUEST_LIMIT_EXCEEDED:TotalRequests Limit exceeded:--",
    "permission": "INSUFFICIENT_ACCESS:no:--",
    "unknown": "something that nobody has seen",
}


@pytest.mark.parametrize(
    ("cause", "lasting"), [("data", 1), ("permission", 1), ("transient", 0), ("quota", 0), ("unknown", 0)]
)
def test_only_a_cause_that_somebody_has_to_fix_lasts(cause: str, lasting: int) -> None:
    found = pending_again(run(), 1, [Rejection("1", "rejected", MESSAGES[cause])], {"1"}, KNOWN)
    assert (found.records, found.lasting) == (1, lasting)


def test_a_record_with_one_lasting_reason_lasts_and_counts_for_each_of_its_causes() -> None:
    both = Rejection("1", "rejected", f"{MESSAGES['transient']} {MESSAGES['data']}")
    found = pending_again(run(), 1, [both], {"1"}, KNOWN)
    assert (found.records, found.lasting) == (1, 1)
    assert [group.records for group in found.groups] == [1, 1]


def test_what_is_not_pending_any_more_counts_for_nothing() -> None:
    found = pending_again(run(), 2, [Rejection(one, "rejected", MESSAGES["data"]) for one in "12"], {"2"}, KNOWN)
    assert (found.lost, found.compared, found.records) == (2, 2, 1)
    assert found.groups[0].examples == ("2",)


def test_only_whole_identifiers_can_be_looked_for() -> None:
    given = ["1", "", "1", "so long that it was cut…", "2"]
    assert comparable(given) == ["1", "2"]
