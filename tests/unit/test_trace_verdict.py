"""What a trace says besides the way: what is wrong with the record, what the open alert says, and what is no ID."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.alerts.model import Incident
from bot.alerts.trace import Carrier, Standing, Verdict
from bot.alerts.trace_verdict import alert_about, with_alert, with_wrong
from bot.errors import RefusedError
from bot.facts import RunStatus
from bot.messages.follow_trace import not_followed_message
from bot.messages.trace import trace_message
from bot.services.show_trace import id_meant
from checks.model import Severity
from tests.unit.payloads import LINKED, said, text_of
from tests.unit.samples import NOW, run
from tests.unit.samples import incident as an_incident
from tests.unit.test_trace import ARRIVED, BEHIND, DUE, ENRICHED, PICKLIST, RDS, STOPPED, THERE, WAY, judged, trace


def test_a_number_is_found_as_messages_and_people_write_it() -> None:
    assert [id_meant(one) for one in ("#100053", "100,053", "#100,053", "100053")] == ["100053"] * 4
    assert [id_meant(one) for one in ("#a1", "10,05", "a,b", "p08617")] == ["#a1", "10,05", "a,b", "p08617"]


@pytest.mark.parametrize("typed", ["100053 --folow", "—folow 100053", "--watch 1"])
def test_an_option_that_is_none_is_told_which_one_there_is(typed: str) -> None:
    with pytest.raises(RefusedError, match=r"^The only option of trace is --follow: trace 1234 --follow\.$"):
        id_meant(typed)


def test_what_has_arrived_with_something_wrong_is_no_arrival() -> None:
    wrong = (RDS, replace(ENRICHED, suspect="the view gives it no name", next_step="Compare it"), *ARRIVED[2:])
    found = with_wrong(judged(hops=wrong), wrong)
    assert (found.standing, found.place, found.next_step) == (Standing.SUSPECT, "Enriched view", "Compare it")
    assert found.sentence.endswith("nothing differs. It is suspect: the view gives it no name")
    assert with_wrong(judged(hops=ARRIVED), ARRIVED).standing is Standing.ARRIVED


def test_what_stops_says_what_is_wrong_with_it_in_the_destination() -> None:
    hops = (*STOPPED, replace(THERE, suspect="row a1 has no name", next_step="Fix row a1"))
    found = with_wrong(judged(hops=hops), hops)
    assert found.sentence.endswith(": it has no company. In Salesforce: row a1 has no name")
    assert (found.standing, found.next_step) == (Standing.STOPPED, "Fix row a1")


def test_the_gravest_alert_about_the_runs_of_the_sync_that_holds_it_says_what_to_do() -> None:
    def alert(**changes: Any) -> Incident:
        about = {"check": "empty_runs", "sync": "Sync B", "source": "census", "helps": "Compare the source."}
        return replace(an_incident(), summary="Sync B completed 5 runs in vain", **(about | changes))

    def told(*opened: Incident, carrier: Carrier = DUE) -> Verdict | None:
        verdict = judged(carrier)
        found = alert_about(verdict, WAY, (carrier,), opened)
        return with_alert("Property 100005", verdict, WAY, found) if found else None

    verdict = told(alert(severity=Severity.WARN, helps="Wait."), alert(severity=Severity.CRITICAL, id=9))
    assert verdict and (verdict.standing, verdict.next_step) == (Standing.HELD, "Compare the source.")
    assert verdict.sentence == "Property 100005 is pending in the UPDATE backlog: Sync B completed 5 runs in vain"
    about_others = (
        alert(sync="Sync A"),
        alert(source="databricks"),
        alert(check="census_error_rate"),
        alert(explained_by="Failed runs"),
        alert(not_evaluated_since=NOW),
    )
    assert told(*about_others) is None
    assert told(alert(), carrier=replace(DUE, cause=PICKLIST)) is None, "the record itself is what is wrong"


def test_what_is_not_followed_says_so_and_why() -> None:
    payload = said(not_followed_message(trace(hops=(*STOPPED, THERE)), LINKED))
    assert "Not followed: no run carries it as it is." in text_of(payload)
    assert "Not followed: it has arrived." in text_of(said(not_followed_message(trace(hops=ARRIVED), LINKED)))


def test_of_what_no_sync_would_write_it_is_not_said_that_one_would() -> None:
    stopped = text_of(said(trace_message(trace(hops=(*STOPPED, BEHIND)), LINKED)))
    assert "expected → what is there" in stopped and "the sync would write" not in stopped
    assert "the sync would write → what is there" in text_of(said(trace_message(trace(), LINKED)))


def test_a_failure_that_stays_until_something_is_changed_offers_its_remedy_and_no_rerun() -> None:
    failing = replace(DUE, failed=run(status=RunStatus.FAILED, error="BAD_LOGIN"), remedy="Connect it again.")
    assert judged(failing).next_step == "Connect it again."
    assert '"action_id": "rerun"' not in json.dumps(said(trace_message(trace(failing), LINKED)))
