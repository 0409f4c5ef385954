"""`sync-health trace`, as somebody types it."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.runtime.demo import Demo


def trace(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["trace", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_what_has_arrived_is_0_and_what_has_not_is_1_with_the_hop_where_it_stops() -> None:
    code, out, _ = trace("--demo", "100057")
    assert code == 0 and "✅ Property 100057 has arrived in Salesforce: nothing differs" in out
    code, out, _ = trace("--demo", "120600")
    assert code == 1
    assert "⛔ Property 120600 does not reach the Enriched view: it has no company\n→ Give it a company in RDS" in out
    assert "⛔  Enriched view" in out


@pytest.mark.full
def test_an_id_of_nobody_or_of_several_is_2() -> None:
    code, out, _ = trace("--demo", "nobody")
    assert code == 2 and "❔ No property has this ID" in out and "nobody" not in out
    code, out, _ = trace("--demo", "a0XDEMO00000000005")
    assert code == 2 and "100005, 108634, 117263" in out
    code, _, err = trace("--demo", "two words")
    assert code == 2 and err.splitlines()[-1].startswith("sync-health: Write one ID")


@pytest.mark.full
def test_json_has_the_sentence_the_hops_and_the_differences(broken: list) -> None:
    broken.append(lambda demo: demo.census.switch("sync_paused", True))
    code, out, _ = trace("--demo", "100052", "--json")
    found = json.loads(out)
    assert code == 1 and found["standing"] == "held" and found["stops_at"] == "UPDATE backlog"
    assert found["sentence"] == "Property 100052 is pending in the UPDATE backlog: Sync B is paused in Census"
    assert [hop["place"] for hop in found["hops"]][-1] == "Salesforce"
    assert found["hops"][-1]["differences"] == [{"field": "bank_linking_enabled", "ours": "true", "theirs": "false"}]


@pytest.mark.full
def test_a_followed_record_arrives_with_its_run_and_the_number_that_moved(
    broken: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    demos: list[Demo] = []

    def hold(demo: Demo) -> None:
        for sync in demo.census.syncs.values():  # no scheduled run is first
            sync.frequency, sync.hour = "daily", (demo.clock.now().hour + 12) % 24
        demos.append(demo)

    def sleep_and_run(seconds: float) -> None:
        for demo in demos:  # the first time
            demo.census.trigger(next(sync.id for sync in demo.census.syncs.values() if sync.direction == "update"))
        demos.clear()
        time.sleep(seconds)

    broken.append(hold)
    monkeypatch.setattr("bot.cli.trace.sleep", sleep_and_run)
    code, out, err = trace("--demo", "100052", "--follow")
    assert code == 0 and "Property 100052 is pending in the UPDATE backlog" in err
    assert " after following began" in out and "180 updated, 0 rejected, 0 invalid" in out
    assert "Sync B backlog since then: 180 → 0" in out
    assert "Audit log: no row yet" in out


def test_without_a_warehouse_there_is_no_trace(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_HEALTH_WAREHOUSE", "none")
    monkeypatch.setenv("CENSUS_API_TOKEN", "t")
    code, _, err = trace("7")
    assert code == 2 and "A trace needs a warehouse, and SYNC_HEALTH_WAREHOUSE is none here." in err
