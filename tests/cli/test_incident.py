"""`sync-health incident`, as somebody types it."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.alerts.model import Incident
from bot.cli.app import app
from tests.new_state import new_state
from tests.unit import samples


def incident(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["incident", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def remember(state: Path, about: Incident) -> None:
    with closing(new_state(state)) as store, store.transaction() as records:
        made = records.create_incident(replace(about, timeline=()))
        for entry in about.timeline:
            records.note(made.id, entry)
        records.create_action(replace(samples.ended(), incident_id=made.id))


@pytest.fixture
def resolved(state: Path) -> None:
    remember(state, samples.resolved())


@pytest.mark.usefixtures("resolved")
@pytest.mark.parametrize("typed", [("1",), ("#1",), ("1.", "--markdown")])
def test_it_writes_markdown_for_a_file(typed: tuple[str, ...]) -> None:
    code, out, _ = incident(*typed)
    assert code == 0
    assert out.startswith("# Incident 1: Missing company names\n")
    for part in ("## Durations", "**Acknowledged after:** 6 min, by @U0OPERATOR", "| 2026-01-09 03:12 | @U0OPERATOR |"):
        assert part in out
    assert "- 2026-01-09 03:31 resolved\n" in out
    assert out.endswith("\n") and not out.endswith("\n\n")


@pytest.mark.usefixtures("resolved")
def test_json_is_one_object_with_seconds_and_times_that_name_their_offset() -> None:
    code, out, _ = incident("1", "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["id"], answer["check"], answer["severity"]) == (1, "null_company_names", "critical")
    assert answer["seconds"] == {"to_acknowledge": 360.0, "to_recover": 1560.0, "open": 1560.0}
    assert datetime.fromisoformat(answer["resolved_at"]) == datetime(2026, 1, 9, 11, 31, tzinfo=UTC)
    assert [one["did"] for one in answer["timeline"]][:2] == ["opened", "acknowledged"]
    assert answer["actions"][0]["run_id"] == 501


@pytest.mark.usefixtures("resolved")
@pytest.mark.parametrize("typed", ["2", "x", "0"])
def test_one_that_nobody_knows_ends_with_2(typed: str) -> None:
    code, out, err = incident(typed)
    assert (code, out) == (2, "")
    assert f"There is no incident “{typed}”" in err
    code, out, _ = incident(typed, "--json")
    assert code == 2 and "There is no incident" in json.loads(out)["errors"][0]


@pytest.mark.usefixtures("state")
def test_where_no_bot_has_run_there_is_none_and_nothing_is_created(state: Path) -> None:
    code, out, err = incident("1")
    assert (code, out) == (2, "")
    assert "no bot has run with this state" in err
    assert not state.exists()


@pytest.mark.usefixtures("resolved")
def test_one_form_is_chosen() -> None:
    code, _, err = incident("1", "--markdown", "--json")
    assert code == 2 and "choose one" in err
