"""`sync-health slo`, as somebody types it."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bot.runtime.composition as composition
from bot.alerts.model import Did, Entry, State
from bot.cli.app import app
from bot.facts import RunStatus
from bot.model import Evaluation
from checks.model import Outcome, Result
from tests.fakes import FakeCensus, HandClock
from tests.new_state import new_state
from tests.unit import samples

NOW = datetime.now(UTC)


def slo(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["slo", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def as_json(*arguments: str) -> tuple[int, dict[str, dict[str, object]], dict[str, object]]:
    code, out, _ = slo("--json", *arguments)
    answer = json.loads(out)
    return code, {one["name"]: one for one in answer.get("metrics", ())}, answer


@pytest.fixture(autouse=True)
def census(state: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCensus:
    """What a run every twelve hours leaves there, of both syncs."""
    monkeypatch.setenv("CENSUS_API_TOKEN", "t")
    clock = HandClock(NOW)
    fake = FakeCensus(clock, *(sync.id for sync in composition.settings_from({}).syncs))
    clock.set_back(days=15)
    while clock.now() < NOW - timedelta(hours=12):
        clock.pass_(hours=12)
        for sync in composition.settings_from({}).syncs:
            fake.finish(fake.start(sync.id, "Schedule").id, RunStatus.COMPLETED, records_updated=5)
    monkeypatch.setattr(composition, "connect_census", lambda _: fake)
    return fake


def result(check: str, value: float) -> Result:
    return Result(check, None, Outcome.OK, value, None, None, None, cleared=True, summary="", runbook=None)


def works(state: Path, days: float, coverage: float = 96.0) -> None:
    """A bot has evaluated every quarter of an hour."""
    results = (result("coverage", coverage), result("data_quality", 99.9))
    begin = NOW - timedelta(days=days)
    with closing(new_state(state)) as store, store.transaction() as records:
        for n in range(int(days * 96) + 1):
            at = begin + timedelta(minutes=15 * n)
            records.save_evaluation(Evaluation(at, Outcome.OK, 1, 1.2, results, (), warehouse_at=at))


def had_incident(state: Path, hours: float) -> None:
    """One that opened a day ago."""
    opened = NOW - timedelta(days=1)
    over = opened + timedelta(hours=hours)
    with closing(new_state(state)) as store, store.transaction() as records:
        one = records.create_incident(samples.incident(id=0, opened_at=opened, state=State.OK, resolved_at=over))
        records.note(one.id, Entry(opened, Did.OPENED))
        records.note(one.id, Entry(opened + timedelta(minutes=4), Did.ACKNOWLEDGED, "U0ROBIN"))
        records.note(one.id, Entry(over, Did.RESOLVED))


def test_all_targets_met_is_a_go(state: Path) -> None:
    works(state, 7.1)
    code, out, _ = slo("--strict")
    assert code == 0, out
    assert "Go · SLO, last 7 days: 9 of 9 met" in out
    assert out.splitlines()[0].split() == ["metric", "target", "value", "trend", "met", "source"]
    assert "\x1b[" not in out, "no color where no terminal is"


def test_a_missed_target_is_a_no_go_and_stands_first(state: Path) -> None:
    works(state, 7.1)
    had_incident(state, 3)
    code, out, _ = slo("--strict")
    assert code == 1
    assert out.splitlines()[1].startswith("MTTR")
    assert "No-go · SLO, last 7 days: " in out and "MTTR including open ones 3 h (target < 2 h)" in out
    assert "incident 1: Missing company names, recovered after 3 h, since " in out
    assert slo()[0] == 0, "without --strict it is only shown"


def test_what_is_not_known_is_a_no_go_of_its_own(state: Path) -> None:
    works(state, 3)
    code, out, _ = slo("--strict")
    assert code == 2
    assert "No-go" in out and "(3 of 7 days)" in out
    assert slo("--strict", "--days", "3")[0] == 0


def test_what_is_missed_counts_more_than_what_is_not_known(state: Path) -> None:
    works(state, 3, coverage=89.0)
    assert slo("--strict")[0] == 1


def test_json_has_every_value_in_its_unit(state: Path) -> None:
    works(state, 7.1)
    had_incident(state, 3)
    code, metrics, answer = as_json("--strict")
    assert code == 1 and (answer["verdict"], answer["go"], answer["days"]) == ("missed", False, 7)
    keys = ["pipeline", "verdict", "go", "from", "to", "zone", "days", "metrics", "longest_incidents"]
    assert list(answer) == keys
    assert metrics["mttr_with_open"]["value"] == 180 and metrics["mttr_with_open"]["unit"] == "minutes"
    assert metrics["mttr_with_open"]["target"] == {"comparison": "<", "number": 120}
    assert metrics["mtta_critical"]["value"] == 4
    assert metrics["coverage"]["value"] == 96 and metrics["coverage"]["unit"] == "percent"
    assert (metrics["breach_to_slack"]["value"], metrics["breach_to_slack"]["reason"]) == (None, "no incidents")
    assert answer["longest_incidents"][0]["minutes"] == 180  # type: ignore[index]


def test_where_no_bot_has_run_nothing_is_known(state: Path) -> None:
    code, out, err = slo("--strict")
    assert (code, out) == (2, "") and "no bot has run here" in err
    assert not state.exists()


@pytest.mark.parametrize("days", ["0", "91", "x"])
def test_days_that_are_not_kept_are_refused(state: Path, days: str) -> None:
    code, _, err = slo("--days", days)
    assert code == 2 and "--days" in err


def test_the_help_has_the_exit_codes() -> None:
    _, out, _ = slo("--help")
    assert "Exit codes: 0 shown" in " ".join(out.split())
