"""The runbook over the real Bolt app and the local Slack: typed, from an alert's evidence, from its menu."""

import pytest

from bot.alerts.model import Incident
from bot.model import Kind
from bot.runtime.demo import OPERATOR
from tests.slack import test_by_hand
from tests.slack.conftest import words
from tests.slack.test_by_hand import VISITOR, Small
from tests.waiting import until

small = test_by_hand.small  # the fixture


def evidence(small: Small) -> str:
    """The ts of the first reply."""
    with small.bot.ports.store.transaction() as records:
        records.enqueue(1, Kind.EVIDENCE)
    return str(until(small.thread)[0]["ts"])


def shows_the_section(text: str, incident: Incident) -> bool:
    return all(
        part in text
        for part in (
            f"*Runbook: Null company names* · incident {incident.id}",
            f"*Next step* {incident.helps}",
            "Click *Resume Sync B* with _Rerun now_",
        )
    )


def test_everybody_opens_the_section_of_an_alert_from_its_evidence(small: Small) -> None:
    small.slack.press(VISITOR, evidence(small), "runbook", "1")
    until(lambda: shows_the_section(small.told(VISITOR), small.incident))
    assert small.told(OPERATOR) == "", "and nobody else sees it"


def test_the_menu_shows_it_in_its_dialog(small: Small) -> None:
    until(lambda: "More…" in small.root())
    small.choose("More…", VISITOR)
    small.modal("What to check and what to do", VISITOR)
    small.slack.press(VISITOR, "", "runbook", "1")
    assert shows_the_section(words(small.modal("Runbook: Null company names", VISITOR)), small.incident)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("runbook", "`null_company_names` Missing company names"),
        ("runbook 1", "*Runbook: Null company names* · incident 1"),
        ("runbook Failed runs", "*Runbook: Failed runs*"),
        ("runbook unable_to_lock_row", "*Next step* Another process held the record"),
        ("runbook view bug", "1. *Pause.* `/sync-health pause SYNC`"),
        ("runbook backlgo", "Unknown topic “backlgo”. Did you mean backlog?"),
        ("status", "Did you mean `/sync-health`?"),
        ("runbook 99", "There is no incident “99”."),
        ("runbook incident #1", "*Runbook: Null company names* · incident 1"),
    ],
)
def test_a_topic_is_typed(small: Small, typed: str, told: str) -> None:
    small.slack.command(VISITOR, typed)
    until(lambda: told in small.told(VISITOR))
