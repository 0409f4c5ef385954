"""`sync-health status`, as somebody types it."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.alerts.warehouse_use import Purpose, SentStatement, usage_by_day
from bot.cli.app import app
from bot.errors import TemporaryError
from bot.model import Watch
from bot.runtime.composition import SystemClock, settings_from
from bot.services.deliver import LEADER
from bot.services.run_checks import run_checks
from tests.new_state import earlier_state, new_state
from tests.services.conftest import World

HOLDER = "host-4711-abcdef"
ZONE = settings_from({}).zone
DATABRICKS = {
    "SYNC_HEALTH_WAREHOUSE": "databricks",
    "DATABRICKS_HOST": "https://dbc.example.com",
    "DATABRICKS_HTTP_PATH": "/sql/1.0/warehouses/abc",
    "DATABRICKS_TOKEN": "t",
}


def status(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["status", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def as_json() -> tuple[int, dict[str, object]]:
    code, out, _ = status("--json")
    return code, json.loads(out)


def works(state: Path, *, since_evaluation: float = 2, leads: bool = True) -> None:
    """A bot took the lead now, and completed an evaluation so many minutes ago."""
    with closing(new_state(state)) as store:
        if leads:
            store.take_lease(LEADER, HOLDER, SystemClock(), 60)
        with store.transaction() as records:
            records.save_watch(Watch(completed_at=datetime.now(UTC) - timedelta(minutes=since_evaluation)))


def uses(state: Path, *statements: SentStatement) -> None:
    with closing(new_state(state)) as store, store.transaction() as records:
        records.note_usage(usage_by_day(statements, ZONE))
        records.note_awake([one.awake for one in statements])


def test_a_working_bot_is_0_with_who_leads_and_the_last_evaluation(state: Path) -> None:
    works(state)
    code, out, _ = status()
    assert code == 0
    assert "bot                    working" in out
    assert f"leader                 {HOLDER} since " in out
    assert "\x1b[" not in out, "no colour where no terminal is"


def test_what_the_last_evaluation_found_is_as_old_as_each_source(tmp_path: Path, state: Path) -> None:
    world = World(state)
    world.open_incident()
    world.warehouse.runs_anyway = False
    world.clock.pass_(minutes=5)
    run_checks(world.ports, thrifty=True)
    world.close()
    _, answer = as_json()
    begin = datetime.fromisoformat("2026-03-02T10:00:00+00:00")
    assert answer["census_at"] == (begin + timedelta(minutes=10)).isoformat()
    assert answer["warehouse_at"] == (begin + timedelta(minutes=5)).isoformat()
    assert answer["open_incidents"] == 1


def test_a_source_that_did_not_answer_is_not_shown_as_if_it_had(state: Path) -> None:
    world = World(state)
    world.census.failure = TemporaryError("Census cannot be reached")
    run_checks(world.ports)
    world.close()
    [census, problem, *_] = [line for line in status()[1].splitlines() if "Census" in line]
    assert census.endswith("PST, which did not answer in full")
    assert problem.startswith("problem") and "Census cannot be reached" in problem


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"leads": False}, "nobody holds the lease"),
        ({"since_evaluation": 20}, "no evaluation was completed for 20 min"),
    ],
)
def test_a_bot_that_does_not_evaluate_is_1_and_says_why(state: Path, how: dict[str, float], why: str) -> None:
    works(state, **how)  # type: ignore[arg-type]
    code, answer = as_json()
    assert code == 1 and answer["working"] is False
    assert why in str(answer["trouble"]) and why in status()[1]


def test_a_state_that_is_not_there_is_1_and_nothing_is_created(state: Path) -> None:
    code, answer = as_json()
    assert code == 1 and "no bot has run here" in str(answer["trouble"])
    assert not state.exists()
    works(state)
    assert list(as_json()[1]) == list(answer), "a script finds the same keys"


def test_a_state_that_cannot_be_read_is_2(state: Path) -> None:
    state.write_text("no database")
    code, out, err = status("--json")
    assert code == 2 and "not a database" in json.loads(out)["errors"][0] and "Traceback" not in err


def test_each_local_day_has_its_statements_what_they_were_for_and_the_minutes(
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in DATABRICKS.items():
        monkeypatch.setenv(name, value)
    works(state)
    noon = datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    minute, stop = timedelta(minutes=1), timedelta(minutes=10)
    uses(
        state,
        *(
            SentStatement(Purpose.MEASURE, noon + n * 60 * minute, noon + n * 60 * minute, stop, woke=True)
            for n in (0, 1)
        ),
        SentStatement(Purpose.QUEUE, noon + 2 * minute, noon + 3 * minute, None),
        SentStatement(Purpose.MEASURE, noon - timedelta(days=30), noon - timedelta(days=30), stop),
    )
    _, out, _ = status()
    [line] = [line for line in out.splitlines() if line.startswith(str(noon.date()))]
    assert line.split() == [str(noon.date()), "3", "2", "at", "most", "23", "min", "measure", "2,", "queue", "1"]
    assert "The auto-stop was not known for 1 statement: 10 min are assumed." in out
    [day] = as_json()[1]["warehouse"]  # type: ignore[misc]
    assert day == {
        "day": str(noon.date()),
        "statements": 3,
        "woke": 2,
        "awake_minutes_at_most": 23.0,
        "auto_stop_unknown": 1,
        "auto_stop_off": 0,
        "purposes": {"measure": 2, "queue": 1},
    }


def test_without_databricks_nothing_is_counted_and_it_says_so(state: Path, tmp_path: Path) -> None:
    works(state)
    assert "Statements are counted for a Databricks warehouse alone." in status()[1]


def test_a_state_of_an_earlier_version_is_named_and_stays_as_it_is(state: Path) -> None:
    """A bot of that version may be at work with it: looking at it must not be what migrates it."""
    earlier_state(state)
    before = state.read_bytes()
    for command in (["status", "--json"], ["audit", "--json"]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 2 and "is of an earlier version" in json.loads(result.stdout)["errors"][0]
    assert state.read_bytes() == before


def test_an_empty_file_is_no_state_and_stays_empty(state: Path) -> None:
    state.touch()
    assert status()[0] == 1 and state.stat().st_size == 0
