"""What is done without anybody, and why not; and how pipeline.yml says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.alerts.remedies import Due, HoldFacts, RerunFacts, hold, rerun
from bot.config.load import load_settings
from bot.config.remedies import AtMost
from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.facts import Run, RunStatus, Schedule, SyncStatus
from bot.services.examine import examine_remedies
from checks.model import Outcome, Result
from tests.unit.pipelines import ENVIRONMENT, PIPELINE, Offered

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FAILED = Run(7, 1, RunStatus.FAILED, False, "Schedule", NOW)
ON = SyncStatus("Sync B", "Sync B", schedule=Schedule("hourly", paused=False), latest=FAILED, suspicious=0)
PAUSED = replace(ON, schedule=Schedule("hourly", paused=True))
RUNNING = replace(ON, running=replace(FAILED, status=RunStatus.WORKING))


def found(**changes: Any) -> Result:
    facts = {"check": "suspect_records", "sync": "Sync B", "outcome": Outcome.CRITICAL, "value": 240.0, "limit": "> 10"}
    others = {"warn": "> 0", "critical": "> 10", "cleared": False, "runbook": None, "summary": ""}
    return Result(**{**facts, **others, **changes})


@pytest.mark.parametrize(
    ("changes", "due", "why"),
    [
        ({}, Due.ACT, "critical suspect records"),
        ({"sync": None}, Due.ACT, "critical"),  # Census does not answer: it is tried
        ({"sync": RUNNING}, Due.LATE, "a run began before"),
        ({"sync": PAUSED}, Due.NOTHING, "paused already"),
        ({"result": None}, Due.NOTHING, "unknown"),
        ({"result": found(outcome=Outcome.NO_DATA, value=None)}, Due.NOTHING, "unknown"),
        ({"result": found(outcome=Outcome.ERROR, value=None)}, Due.NOTHING, "unknown"),
        ({"result": found(carried=True)}, Due.NOTHING, "not measured just now"),
        ({"result": found(outcome=Outcome.WARN, value=5.0)}, Due.NOTHING, "not critical"),
        ({"result": found(outcome=Outcome.OK, value=0.0)}, Due.NOTHING, "not critical"),
        ({"is_open": False}, Due.NOTHING, "has not fired"),
        ({"observes": True}, Due.NOTHING, "observe mode"),
        ({"held_before": True, "peak": 240.0}, Due.NOTHING, "somebody resumed it"),
        ({"held_before": True, "peak": 239.0}, Due.ACT, "critical"),
        ({"held_before": True, "peak": 240.0, "well_since": True}, Due.ACT, "critical"),
        ({"failures": 2}, Due.ACT, "critical"),
        ({"failures": 3}, Due.NOTHING, "refused 3 pauses"),
    ],
)
def test_whether_suspect_records_are_held(changes: dict[str, Any], due: Due, why: str) -> None:
    decision = hold(replace(HoldFacts(found(), ON, is_open=True), **changes))
    assert (decision.due, why in decision.why) == (due, True), decision.why


@pytest.mark.parametrize(
    ("changes", "due", "why"),
    [
        ({}, Due.ACT, "transient"),
        ({"result": found(case="permanent")}, Due.NOTHING, "no transient failure"),
        ({"result": found(case=None)}, Due.NOTHING, "no transient failure"),
        ({"result": found(case="transient", outcome=Outcome.OK)}, Due.NOTHING, "no transient failure"),
        ({"result": found(case="transient", outcome=Outcome.ERROR)}, Due.NOTHING, "unknown"),
        ({"result": found(case="transient", carried=True)}, Due.NOTHING, "not measured just now"),
        ({"is_open": False}, Due.NOTHING, "has not fired"),
        ({"in_maintenance": True}, Due.NOTHING, "maintenance"),
        ({"observes": True}, Due.NOTHING, "observe mode"),
        ({"sync": None}, Due.NOTHING, "Census does not say"),
        ({"sync": PAUSED}, Due.NOTHING, "paused"),
        ({"sync": RUNNING}, Due.NOTHING, "in progress"),
        ({"latest_tried": 7}, Due.NOTHING, "no run has failed since"),
        ({"used": 1}, Due.ACT, "transient"),
        ({"used": 2}, Due.NOTHING, "2 of 2"),
        ({"has_suspects": True, "sync": replace(ON, suspicious=3)}, Due.NOTHING, "3 pending"),
        ({"has_suspects": True, "sync": replace(ON, suspicious=None)}, Due.NOTHING, "unknown pending"),
        ({"has_suspects": False, "sync": replace(ON, suspicious=None)}, Due.ACT, "transient"),
    ],
)
def test_whether_a_failed_run_is_run_again(changes: dict[str, Any], due: Due, why: str) -> None:
    decision = rerun(replace(RerunFacts(found(case="transient"), ON, is_open=True), **changes))
    assert (decision.due, why in decision.why) == (due, True), decision.why


Load = Callable[[object], Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings with this `remedy`; Sync B has a condition and Sync A none."""

    def with_remedy(remedy: object) -> Settings:
        data = yaml.safe_load(PIPELINE)
        data["syncs"][1]["suspect"] = ["company_name IS NULL"]
        (tmp_path / "pipeline.yml").write_text(yaml.safe_dump({**data, "remedy": remedy}, sort_keys=False))
        return load_settings(ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(tmp_path)}, library=Offered)

    return with_remedy


HOLD = {"when": "suspect_records", "severity": "critical", "do": "pause"}
RETRY = {"when": "failed_run", "cause": "transient", "do": "rerun"}


def test_one_mapping_or_a_list_is_read(load: Load) -> None:
    settings = load(HOLD)
    sync_a, sync_b = settings.syncs
    assert settings.remedy_of(sync_b, "pause") and not settings.remedy_of(sync_a, "pause"), "it has no condition"
    assert settings.remedy_of(sync_b, "rerun") is None
    [_, retry] = load([HOLD, RETRY]).remedies
    assert retry.at_most == AtMost(2, timedelta(hours=6))
    [retry] = load({**RETRY, "at_most": "3 per 90m", "sync": "Sync A"}).remedies
    assert (retry.at_most, retry.concerns(sync_a), retry.concerns(sync_b)) == (
        AtMost(3, timedelta(minutes=90)),
        True,
        False,
    )


@pytest.mark.parametrize(
    ("remedy", "problem"),
    [
        ({**HOLD, "when": "suspects"}, '"suspects" is not one of suspect_records, failed_run'),
        ({**HOLD, "do": "cancel"}, '"cancel" is not one of pause, rerun'),
        ({**HOLD, "do": "rerun"}, "rerun is not for suspect_records: write do: pause"),
        ({**RETRY, "do": "pause"}, "pause is not for failed_run: write do: rerun"),
        ({"when": "failed_run", "do": "rerun"}, "a rerun needs cause: transient"),
        ({**RETRY, "severity": "critical"}, "severity is only for suspect_records"),
        ({**HOLD, "cause": "transient"}, "cause is only for failed_run"),
        ({**HOLD, "at_most": "2 per 6h"}, "at_most is only for do: rerun"),
        ({**HOLD, "severity": "warning"}, '"warning" is not'),
        ({**RETRY, "at_most": "twice a day"}, 'write a number and a window, such as "2 per 6h"'),
        ({**RETRY, "at_most": "0 per 6h"}, "write 1 to 10 times"),
        ({**RETRY, "at_most": "2 per 1m"}, "write 1 to 10 times"),
        ({**RETRY, "at_most": 2}, "cannot read 2"),
        ({**HOLD, "sync": "Sync C"}, "there is no sync 'Sync C': did you mean"),
        ({**HOLD, "sync": "Sync A"}, "Sync A has no suspect"),
        ({**HOLD, "dry": "yes"}, '"yes" is not true or false'),
        ({**HOLD, "dri": True}, 'unknown key "dri": did you mean "dry"?'),
        ("pause", "is not a list"),
    ],
)
def test_a_remedy_that_cannot_work_is_refused_with_its_line(load: Load, remedy: object, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(remedy)
    [told] = refused.value.problems
    assert problem in told and told.startswith("pipeline.yml:") and "remedy" in told


def test_all_that_is_wrong_is_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load([{**HOLD, "when": "never"}, {**RETRY, "at_most": "often"}, {**HOLD, "sync": "Sync A"}])
    assert len(refused.value.problems) == 3


def test_doctor_says_in_a_line_each_what_is_automatic(load: Load) -> None:
    assert [one.detail for one in examine_remedies(load([HOLD, {**RETRY, "dry": True}]))] == [
        "pauses every sync with suspect conditions before critical suspect records are written",
        "reruns every sync after transient failures, at most 2 times per 6 h (dry: only says so)",
    ]
    assert list(examine_remedies(load([]))) == []
