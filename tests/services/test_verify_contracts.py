"""Real answers held against what the bot reads: each difference is named, and no value of anybody's."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from bot.adapters.contracts import census_contract, databricks_contract, slack_contract
from bot.errors import PermanentError
from bot.services.verify_contracts import verify_contracts

SYNC = {
    "id": 1,
    "label": "Accounts of Acme",
    "status": "Ready",
    "paused": False,
    "schedule_frequency": "hourly",
    "schedule_day": None,
    "schedule_hour": 0,
    "schedule_minute": 5,
    "created_at": "new keys are no difference",
}
RUN = {
    "id": 7,
    "sync_id": 1,
    "status": "completed",
    "canceled": False,
    "created_at": "2026-01-01T00:00:00Z",
    "completed_at": None,
    "source_record_count": 5,
    "records_processed": 5,
    "records_updated": 5,
    "records_failed": None,
    "records_invalid": 0,
    "error_message": None,
    "sync_trigger_reason": {"ui_tag": "Schedule", "ui_detail": "somebody@acme.example"},
}
PAGES = {"page": 1, "next_page": None, "total_records": 1}
ANSWERS: dict[str, Any] = {
    "syncs": {"data": [SYNC], "pagination": PAGES},
    "syncs/1": {"data": SYNC},
    "syncs/1/sync_runs": {"data": [RUN], "pagination": PAGES},
    "sync_runs/7": {"data": RUN},
    "sync_runs/7/records": {"data": [{"identifier": "x1", "status": "rejected", "status_message": "Acme said no"}]},
    "sync_runs/7/records_count": {"data": [{"record_count": 3}]},
}


def found(change: Callable[[dict[str, Any]], object] = lambda _: None) -> dict[str, str]:
    """What is not as expected, by its name, after this change of the answers."""
    answers = {path: deepcopy(answer) for path, answer in ANSWERS.items()}  # each its own
    change(answers)
    findings = verify_contracts(census_contract(lambda path, **_: answers[path], [1]))
    return {finding.name: finding.detail for finding in findings if not finding.ok}


def test_answers_as_documented_differ_in_nothing() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a["syncs/1"]["data"].pop("paused"), "data.paused: missing"),
        (
            lambda a: a["syncs/1"]["data"].update(schedule_hour="9"),
            "data.schedule_hour: a string where a whole number or null is expected",
        ),
        (lambda a: a["syncs/1"]["data"].update(id=True), "data.id: true or false where a whole number is expected"),
        (
            lambda a: a["syncs/1"]["data"].update(schedule_frequency="fortnightly"),
            "data.schedule_frequency: an unknown word, “fortnightly”",
        ),
        (lambda a: a["syncs/1"].update(data=[SYNC]), "data: a list where an object is expected"),
        (lambda a: a.update({"syncs/1": "<html>"}), ": a string where an object is expected"),
    ],
)
def test_each_difference_is_named(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert found(change) == {"Census GET syncs/1": said}


def test_the_same_difference_of_many_rows_is_told_once() -> None:
    def change(answers: dict[str, Any]) -> None:
        answers["syncs"]["data"] = [SYNC | {"label": 5}] * 3

    assert found(change) == {"Census GET syncs": "data[].label: a whole number where a string or null is expected"}


def test_no_value_of_anybodys_is_told() -> None:
    def change(answers: dict[str, Any]) -> None:
        answers["syncs/1"]["data"] |= {
            "status": 5,
            "schedule_frequency": "somebody@acme.example",
            "label": {"a": "Acme"},
        }
        answers["sync_runs/7"]["data"] |= {"status": "call 555-0100", "error_message": ["Acme"]}
        answers["sync_runs/7/records"]["data"][0] |= {"status_message": {"Acme": 1}, "identifier": 1.5}

    told = " ".join(found(change).values())
    assert "an unknown word" in told
    for secret in ("acme", "Acme", "555", "1.5"):
        assert secret not in told


def test_an_answer_that_cannot_be_had_is_told_and_the_others_are_still_compared() -> None:
    def ask(path: str, **_: object) -> object:
        if path == "syncs/1/sync_runs":
            raise PermanentError("Census refuses CENSUS_API_TOKEN (403)")
        return ANSWERS[path]

    findings = list(verify_contracts(census_contract(ask, [1])))
    assert [(one.name, one.ok) for one in findings] == [
        ("Census GET syncs", True),
        ("Census GET syncs/1", True),
        ("Census GET syncs/1/sync_runs", False),
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"state": "RUNNING", "auto_stop_mins": 10, "name": "new keys are no difference"}, "as expected"),
        ({"state": "HIBERNATING", "auto_stop_mins": 10}, "state: an unknown word, “HIBERNATING”"),
        ({"state": "STOPPED"}, "auto_stop_mins: missing"),
    ],
)
def test_the_state_of_the_warehouse_is_compared_too(answer: dict[str, object], said: str) -> None:
    [finding] = verify_contracts(databricks_contract(lambda: answer))
    assert finding.detail == said


def test_nothing_but_reads_is_asked_of_slack() -> None:
    asked = []

    def ask(method: str, **arguments: object) -> object:
        asked.append(method)
        return {"ok": True, "user": "u", "team": "t", "user_id": "U", "team_id": "T", "messages": [], "users": ["U"]}

    assert all(finding.ok for finding in verify_contracts(slack_contract(ask, "C1", ["S1", "S2"])))
    assert asked == ["auth.test", "conversations.history", "usergroups.users.list"]
